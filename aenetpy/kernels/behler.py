"""Behler2011 symmetry functions and their derivatives (spec 6.3).

The neighbours of one atom are laid out as rows of a ``shell``, sorted by
species. Functions are grouped by what they share: cutoff, species pair and
kind. The triples of a group are first collected (those beyond the cutoff never
enter), then worked on row by row, so that each exponential and each power is
computed once per triple and in vector registers.

Everything is a function of squared distances, also the cutoff function:
fc(d) = (1 + cos(pi d/R)) / 2 = cos(sqrt(u))^2 with u = (pi d / 2R)^2.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aenetpy.kernels._jit import kernel
from aenetpy.kernels._lanes import WIDTH, load, splat, total

Float = NDArray[np.float64]
Int = NDArray[np.int64]

BUFFER = 512
"""Triples worked on together: the rows then stay in the fastest cache."""

# Rows of the shell: vector to the neighbour, d, d^2, 1/d, fc and fc'/d.
X, Y, Z, D, D2, INVERSE, FC, SLOPE = range(8)
SHELL_ROWS = 8

# Rows of the slopes: dE/dr_p = OWN * r_p + (GX, GY, GZ).
OWN, GX, GY, GZ = range(4)
SLOPE_ROWS = 4

# Rows of the triples: cos(theta), sum of squared distances in the exponent, d_jk^2,
# product of cutoff functions; then scratch and the adjoints of exponent, cutoff and cosine.
COS, SUM, JK, CUT, WORK, WORK2, HALF, PHI, PHI_COS, D_SUM, D_CUT, D_COS = range(12)
TRIPLE_ROWS = 12


class Functions(NamedTuple):
    """Functions sorted by cutoff; each cutoff has radial functions f and angular groups m.

    Index arrays with one element more than their axis hold where the items of
    the next axis begin: ``groups_r[r]:groups_r[r + 1]`` are the groups of
    cutoff r. Axes: r cutoff, f radial function, m angular group, q angular
    shape (lambda, zeta), e eta, u angular function.
    """

    cutoff_r: Float
    radials_r: Int
    groups_r: Int
    kind_f: Int
    species_f: Int
    rate_f: Float
    shift_f: Float
    slot_f: Int
    kind_m: Int
    first_m: Int
    second_m: Int
    shapes_m: Int
    etas_m: Int
    lambda_q: Float
    zeta_q: Float
    eta_e: Float
    terms_e: Int
    shape_u: Int
    slot_u: Int


class Workspace(NamedTuple):
    """Scratch arrays of one pass, as large as the largest atom needs."""

    order_p: Int
    start_z: Int
    shell: Float
    slopes: Float
    row_p: Float
    triples: Float
    members: Int
    shapes: Float
    shape_slopes: Float


def workspace(functions: Functions, n_species: int, n_neighbors: int) -> Workspace:
    """Allocate scratch for atoms of at most ``n_neighbors`` neighbours."""
    n_triples = BUFFER + n_neighbors + 1
    n_shapes = int(np.diff(functions.shapes_m).max(initial=0))
    return Workspace(
        order_p=np.empty(n_neighbors, np.int64),
        start_z=np.zeros(n_species + 1, np.int64),
        shell=np.empty((SHELL_ROWS, n_neighbors)),
        slopes=np.empty((SLOPE_ROWS, n_neighbors)),
        row_p=np.empty(n_neighbors),
        triples=np.empty((TRIPLE_ROWS, n_triples)),
        members=np.empty((2, n_triples), np.int64),
        shapes=np.empty((n_shapes, n_triples)),
        shape_slopes=np.empty((n_shapes, n_triples)),
    )


# ------------------------------------------------------------------ elementary functions


@kernel
def cosine(u: float) -> float:
    """cos(sqrt(u)) for 0 <= u <= pi^2/4 by its Taylor series, absolute error 1e-16."""
    p = -1.0 / 1124000727777607680000.0
    p = p * u + 1.0 / 2432902008176640000.0
    p = p * u - 1.0 / 6402373705728000.0
    p = p * u + 1.0 / 20922789888000.0
    p = p * u - 1.0 / 87178291200.0
    p = p * u + 1.0 / 479001600.0
    p = p * u - 1.0 / 3628800.0
    p = p * u + 1.0 / 40320.0
    p = p * u - 1.0 / 720.0
    p = p * u + 1.0 / 24.0
    p = p * u - 0.5
    return p * u + 1.0


@kernel
def sine_quotient(u: float) -> float:
    """sin(sqrt(u))/sqrt(u) for 0 <= u <= pi^2/4 by its Taylor series, absolute error 1e-16."""
    p = 1.0 / 51090942171709440000.0
    p = p * u - 1.0 / 121645100408832000.0
    p = p * u + 1.0 / 355687428096000.0
    p = p * u - 1.0 / 1307674368000.0
    p = p * u + 1.0 / 6227020800.0
    p = p * u - 1.0 / 39916800.0
    p = p * u + 1.0 / 362880.0
    p = p * u - 1.0 / 5040.0
    p = p * u + 1.0 / 120.0
    p = p * u - 1.0 / 6.0
    return p * u + 1.0


@kernel
def exponential(x: float) -> float:
    """exp(x) = 2^n exp(r), |r| <= ln(2)/2, for loops that the compiler turns into vector code.

    Adding 1.5 * 2^52 rounds to an integer n and leaves n in the low bits.
    """
    x = min(max(x, -708.0), 709.0)
    shifted = np.float64(x * 1.4426950408889634 + 6755399441055744.0)
    n = shifted - 6755399441055744.0
    r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * np.int64((shifted.view(np.int64) + 1023) << 52).view(np.float64)


@kernel
def dot(x_t: Float, y_t: Float) -> float:
    """sum_t x_t y_t in eight lanes: a fixed order of summation that vector registers can follow."""
    whole = x_t.size - x_t.size % WIDTH
    sums = splat(0.0)
    for t in range(0, whole, WIDTH):
        sums = sums + load(x_t, t) * load(y_t, t)
    rest = 0.0
    for t in range(whole, x_t.size):
        rest += x_t[t] * y_t[t]
    return total(sums) + rest


@kernel
def power(base_t: Float, exponent: float, square_t: Float, power_t: Float) -> None:
    """power_t = base_t^exponent; whole exponents by repeated squaring; 0^negative counts as 0.

    The last rule drops the infinite slope of (1 + lambda cos)^zeta, zeta < 1, at zero.
    """
    n = base_t.size
    if exponent < 0.0 or exponent != math.floor(exponent):
        for t in range(n):
            power_t[t] = base_t[t] ** exponent if base_t[t] > 0.0 else 0.0
        return
    for t in range(n):
        power_t[t] = 1.0
        square_t[t] = base_t[t]
    left = int(exponent)
    while left > 0:
        if left % 2 == 1:
            for t in range(n):
                power_t[t] *= square_t[t]
        left //= 2
        if left > 0:
            for t in range(n):
                square_t[t] *= square_t[t]


# ------------------------------------------------------------------ neighbours of one atom


@kernel
def gather_shell(
    pairs: tuple[int, int],
    partners_p: NDArray[np.int32],
    r_cp: Float,
    types_n: NDArray[np.int32],
    environment_t: Int,
    space: Workspace,
) -> None:
    """Sort the neighbours by species z into the shell; order_p says which pair each came from."""
    order_p, start_z, shell = space.order_p, space.start_z, space.shell
    n_species = start_z.size - 1
    n = 0
    for z in range(n_species):
        start_z[z] = n
        for p in range(pairs[0], pairs[1]):
            if environment_t[types_n[partners_p[p]]] == z:
                order_p[n] = p
                n += 1
    start_z[n_species] = n
    for q in range(n):
        p = order_p[q]
        square = r_cp[0, p] ** 2 + r_cp[1, p] ** 2 + r_cp[2, p] ** 2
        d = math.sqrt(square)
        shell[X, q], shell[Y, q], shell[Z, q] = r_cp[0, p], r_cp[1, p], r_cp[2, p]
        shell[D, q], shell[D2, q], shell[INVERSE, q] = d, square, 1.0 / d if d > 0.0 else 0.0


@kernel
def cutoff_rows(shell: Float, n: int, cutoff: float) -> None:
    """Fill rows FC = fc(d) and SLOPE = fc'(d)/d of the shell; both vanish from the cutoff on."""
    square_p, fc_p, slope_p = shell[D2, :n], shell[FC, :n], shell[SLOPE, :n]
    scale = (0.5 * math.pi / cutoff) ** 2
    for p in range(n):
        inside = 1.0 if square_p[p] < cutoff * cutoff else 0.0
        u = min(square_p[p] * scale, 2.5)
        c = cosine(u)
        fc_p[p] = inside * (c * c)
        slope_p[p] = inside * (-2.0 * scale * c * sine_quotient(u))


# ------------------------------------------------------------------ radial functions


@kernel
def radial_value(
    kind: int, rate: float, shift: float, d_p: Float, fc_p: Float, work_p: Float
) -> float:
    """G1 sum fc;  G2 sum exp(-eta (d - Rs)^2) fc;  G3 sum cos(kappa d) fc  (rate: eta, kappa)."""
    for p in range(d_p.size):
        if kind == 2:
            work_p[p] = exponential(-rate * (d_p[p] - shift) ** 2)
        else:
            work_p[p] = 1.0
    if kind == 3:
        for p in range(d_p.size):
            work_p[p] = math.cos(rate * d_p[p])
    return dot(work_p, fc_p)


@kernel
def radial_slope(
    kind: int, rate: float, shift: float, weight: float, shell: Float, first: int, own_p: Float
) -> None:
    """own_p += weight * (d/dd of the summand) / d, for the neighbours from ``first`` on."""
    n = own_p.size
    d_p, inverse_p = shell[D, first : first + n], shell[INVERSE, first : first + n]
    fc_p, slope_p = shell[FC, first : first + n], shell[SLOPE, first : first + n]
    if kind == 1:
        for p in range(n):
            own_p[p] += weight * slope_p[p]
    elif kind == 2:
        for p in range(n):
            x = d_p[p] - shift
            inner = slope_p[p] - 2.0 * rate * x * fc_p[p] * inverse_p[p]
            own_p[p] += weight * exponential(-rate * x * x) * inner
    else:
        for p in range(n):
            x = rate * d_p[p]
            inner = rate * math.sin(x) * fc_p[p] * inverse_p[p]
            own_p[p] += weight * (math.cos(x) * slope_p[p] - inner)


# ------------------------------------------------------------------ angular functions


@kernel
def add_triples(
    kind: int,
    shell: Float,
    j: int,
    first: int,
    last: int,
    square_cutoff: float,
    distance_k: Float,
    triples: Float,
    members: Int,
    n: int,
) -> int:
    """Append the triples (j, k), first <= k < last, whose distances are inside the cutoff.

    SUM is d_ij^2 + d_ik^2 (+ d_jk^2 for G4), CUT is fc(ij) fc(ik). Returns the number of triples.
    """
    x_k, y_k, z_k, square_k = (
        shell[X, first:last],
        shell[Y, first:last],
        shell[Z, first:last],
        shell[D2, first:last],
    )
    x, y, z = shell[X, j], shell[Y, j], shell[Z, j]
    square, fc, inverse = shell[D2, j], shell[FC, j], shell[INVERSE, j]
    for k in range(last - first):
        dx, dy, dz = x_k[k] - x, y_k[k] - y, z_k[k] - z
        distance_k[k] = dx * dx + dy * dy + dz * dz
    reach = square_cutoff if kind == 4 else np.inf
    end = n
    for k in range(last - first):
        members[1, end] = k + first
        end += int(distance_k[k] < reach) & int(square_k[k] < square_cutoff)
    for t in range(n, end):
        k = members[1, t]
        members[0, t] = j
        dot_jk = x * shell[X, k] + y * shell[Y, k] + z * shell[Z, k]
        triples[COS, t] = min(1.0, max(-1.0, dot_jk * (inverse * shell[INVERSE, k])))
        triples[JK, t] = distance_k[k - first]
        triples[SUM, t] = square + shell[D2, k]
        triples[CUT, t] = fc * shell[FC, k]
    if kind == 4:
        for t in range(n, end):
            triples[SUM, t] += triples[JK, t]
    return end


@kernel
def shape_rows(
    functions: Functions, m: int, reduce: float, triples: Float, n: int, shapes: Float
) -> None:
    """shapes[q] = ((1 + lambda cos)/2)^(zeta - reduce) for all shapes q of group m."""
    half_t, work_t, cos_t = triples[HALF, :n], triples[WORK, :n], triples[COS, :n]
    for q in range(functions.shapes_m[m], functions.shapes_m[m + 1]):
        lambda_ = functions.lambda_q[q]
        for t in range(n):
            half_t[t] = 0.5 * (1.0 + lambda_ * cos_t[t])
        row = shapes[q - functions.shapes_m[m], :n]
        power(half_t, functions.zeta_q[q] - reduce, work_t, row)


@kernel
def triple_values(
    functions: Functions,
    m: int,
    cutoff: float,
    triples: Float,
    n: int,
    shapes: Float,
    values_g: Float,
) -> None:
    """values_g += 2 sum_t shape_q exp(-eta SUM) CUT (with fc(jk) for G4), all of group m."""
    sum_t, cut_t, work_t = triples[SUM, :n], triples[CUT, :n], triples[WORK, :n]
    if functions.kind_m[m] == 4:
        square_t = triples[JK, :n]
        scale = (0.5 * math.pi / cutoff) ** 2
        for t in range(n):
            c = cosine(square_t[t] * scale)
            cut_t[t] *= c * c
    shape_rows(functions, m, 0.0, triples, n, shapes)
    for e in range(functions.etas_m[m], functions.etas_m[m + 1]):
        eta = functions.eta_e[e]
        for t in range(n):
            work_t[t] = exponential(-eta * sum_t[t]) * cut_t[t]
        for u in range(functions.terms_e[e], functions.terms_e[e + 1]):
            values_g[functions.slot_u[u]] += 2.0 * dot(work_t, shapes[functions.shape_u[u], :n])


@kernel
def is_active(functions: Functions, terms: tuple[int, int], gradient_g: Float) -> bool:
    """Tell whether any of the angular functions has a gradient."""
    for u in range(terms[0], terms[1]):
        if gradient_g[functions.slot_u[u]] != 0.0:
            return True
    return False


@kernel
def triple_adjoints(
    functions: Functions,
    m: int,
    triples: Float,
    n: int,
    shapes: Float,
    slopes: Float,
    gradient_g: Float,
) -> None:
    """Derivatives of E = sum_g gradient_g G_g with respect to SUM, CUT and COS, over CUT.

    With phi_e = sum_q 2 gradient_eq shape_q and T_e = exp(-eta SUM): D_CUT = sum_e T_e phi_e,
    D_SUM = -sum_e eta T_e phi_e, D_COS = sum_e T_e dphi_e/dcos.
    """
    sum_t, decay_t = triples[SUM, :n], triples[WORK, :n]
    phi_t, phi_cos_t = triples[PHI, :n], triples[PHI_COS, :n]
    d_sum_t, d_cut_t, d_cos_t = triples[D_SUM, :n], triples[D_CUT, :n], triples[D_COS, :n]
    shape_rows(functions, m, 0.0, triples, n, shapes)
    shape_rows(functions, m, 1.0, triples, n, slopes)
    d_sum_t[:] = 0.0
    d_cut_t[:] = 0.0
    d_cos_t[:] = 0.0
    for e in range(functions.etas_m[m], functions.etas_m[m + 1]):
        terms = (functions.terms_e[e], functions.terms_e[e + 1])
        if not is_active(functions, terms, gradient_g):
            continue
        phi_t[:] = 0.0
        phi_cos_t[:] = 0.0
        for u in range(terms[0], terms[1]):
            q = functions.shape_u[u] + functions.shapes_m[m]
            weight = 2.0 * gradient_g[functions.slot_u[u]]
            weight_cos = 0.5 * weight * functions.zeta_q[q] * functions.lambda_q[q]
            shape_t, slope_t = shapes[functions.shape_u[u], :n], slopes[functions.shape_u[u], :n]
            for t in range(n):
                phi_t[t] += weight * shape_t[t]
                phi_cos_t[t] += weight_cos * slope_t[t]
        eta = functions.eta_e[e]
        for t in range(n):
            decay_t[t] = exponential(-eta * sum_t[t])
        for t in range(n):
            term = decay_t[t] * phi_t[t]
            d_cut_t[t] += term
            d_sum_t[t] -= eta * term
            d_cos_t[t] += decay_t[t] * phi_cos_t[t]


@kernel
def triple_slopes(
    kind: int,
    cutoff: float,
    shell: Float,
    triples: Float,
    members: Int,
    n: int,
    slopes: Float,
) -> None:
    """Chain rule from (SUM, CUT, COS) of each triple to the vectors r_j and r_k.

    dE/dr_j = (a_j + c) r_j + (b - c) r_k with b = E_cos/(d_j d_k), c from d_jk (G4 only),
    a_j = 2 E_sum + E_cut fc_k fc_jk fc'_j/d_j - E_cos cos/d_j^2; the same for k.
    """
    fc_t, slope_t = triples[WORK, :n], triples[WORK2, :n]
    if kind == 4:
        scale = (0.5 * math.pi / cutoff) ** 2
        square_t = triples[JK, :n]
        for t in range(n):
            c = cosine(square_t[t] * scale)
            fc_t[t] = c * c
            slope_t[t] = -2.0 * scale * c * sine_quotient(square_t[t] * scale)
    for t in range(n):
        j, k = members[0, t], members[1, t]
        fc, slope, both = (fc_t[t], slope_t[t], 1.0) if kind == 4 else (1.0, 0.0, 0.0)
        d_cut = triples[D_CUT, t]
        cut = triples[CUT, t]
        d_sum = 2.0 * triples[D_SUM, t] * cut * fc
        d_cos = triples[D_COS, t] * cut * fc
        inverse_j, inverse_k = shell[INVERSE, j], shell[INVERSE, k]
        jk = both * d_sum + d_cut * cut * slope
        bend = d_cos * triples[COS, t]
        own_j = d_sum + jk + d_cut * fc * shell[FC, k] * shell[SLOPE, j] - bend * inverse_j**2
        own_k = d_sum + jk + d_cut * fc * shell[FC, j] * shell[SLOPE, k] - bend * inverse_k**2
        cross = d_cos * inverse_j * inverse_k - jk
        slopes[OWN, j] += own_j
        slopes[GX, j] += cross * shell[X, k]
        slopes[GY, j] += cross * shell[Y, k]
        slopes[GZ, j] += cross * shell[Z, k]
        slopes[OWN, k] += own_k
        slopes[GX, k] += cross * shell[X, j]
        slopes[GY, k] += cross * shell[Y, j]
        slopes[GZ, k] += cross * shell[Z, j]


# ------------------------------------------------------------------ one atom, many atoms


@kernel
def angular_pass(
    functions: Functions,
    m: int,
    cutoff: float,
    space: Workspace,
    derivative: bool,
    values_g: Float,
    gradient_g: Float,
) -> None:
    """Run over the triples of group m: add to values_g or, for the derivative, to the slopes."""
    kind, first, second = functions.kind_m[m], functions.first_m[m], functions.second_m[m]
    start_z, shell, triples, members = space.start_z, space.shell, space.triples, space.members
    square_cutoff = cutoff * cutoff
    n = 0
    for j in range(start_z[first], start_z[first + 1]):
        if shell[D2, j] < square_cutoff:
            begin = j + 1 if first == second else start_z[second]
            end = start_z[second + 1]
            n = add_triples(
                kind, shell, j, begin, end, square_cutoff, space.row_p, triples, members, n
            )
        if n < BUFFER and j + 1 < start_z[first + 1]:
            continue
        if derivative:
            triple_adjoints(
                functions, m, triples, n, space.shapes, space.shape_slopes, gradient_g
            )
            triple_slopes(kind, cutoff, shell, triples, members, n, space.slopes)
        else:
            triple_values(functions, m, cutoff, triples, n, space.shapes, values_g)
        n = 0


@kernel
def radial_pass(
    functions: Functions,
    f: int,
    space: Workspace,
    derivative: bool,
    values_g: Float,
    gradient_g: Float,
) -> None:
    """Evaluate radial function f or, for the derivative, add to the slopes."""
    first, last = space.start_z[functions.species_f[f]], space.start_z[functions.species_f[f] + 1]
    kind, rate, shift = functions.kind_f[f], functions.rate_f[f], functions.shift_f[f]
    g, shell = functions.slot_f[f], space.shell
    if derivative:
        radial_slope(kind, rate, shift, gradient_g[g], shell, first, space.slopes[OWN, first:last])
    else:
        d_p, fc_p, work_p = shell[D, first:last], shell[FC, first:last], space.row_p[first:last]
        values_g[g] = radial_value(kind, rate, shift, d_p, fc_p, work_p)


@kernel
def behler_pass(
    functions: Functions,
    space: Workspace,
    environment_t: Int,
    atoms_a: Int,
    types_n: NDArray[np.int32],
    offsets_n: Int,
    partners_p: NDArray[np.int32],
    r_cp: Float,
    derivative: bool,
    features_ag: Float,
    slopes_pc: Float,
) -> None:
    """Evaluate features_ag (a, g) or, for the derivative, read it as dE/dG and fill dE/dr_p.

    The rows of ``slopes_pc`` are the pairs of the first atom of ``atoms_a``, of
    the second, and so on.
    """
    begin = 0
    for a in range(atoms_a.size):
        pairs = (offsets_n[atoms_a[a]], offsets_n[atoms_a[a] + 1])
        gather_shell(pairs, partners_p, r_cp, types_n, environment_t, space)
        n_neighbors, values_g = space.start_z[-1], features_ag[a]
        space.slopes[:, :n_neighbors] = 0.0
        if not derivative:
            values_g[:] = 0.0
        for r in range(functions.cutoff_r.size):
            cutoff = functions.cutoff_r[r]
            cutoff_rows(space.shell, n_neighbors, cutoff)
            for f in range(functions.radials_r[r], functions.radials_r[r + 1]):
                radial_pass(functions, f, space, derivative, values_g, values_g)
            for m in range(functions.groups_r[r], functions.groups_r[r + 1]):
                etas = (functions.etas_m[m], functions.etas_m[m + 1])
                terms = (functions.terms_e[etas[0]], functions.terms_e[etas[1]])
                if not derivative or is_active(functions, terms, values_g):
                    angular_pass(functions, m, cutoff, space, derivative, values_g, values_g)
        if derivative:
            scatter_slopes(space, pairs[0] - begin, slopes_pc)
        begin += pairs[1] - pairs[0]


@kernel
def scatter_slopes(space: Workspace, shift: int, slopes_pc: Float) -> None:
    """slopes_pc[pair - shift] = OWN r_p + (GX, GY, GZ), undoing the sort by species."""
    for q in range(space.start_z[-1]):
        for c in range(3):
            own = space.slopes[OWN, q] * space.shell[X + c, q]
            slopes_pc[space.order_p[q] - shift, c] = own + space.slopes[GX + c, q]


@kernel
def pull_forces(
    atoms_a: Int,
    offsets_n: Int,
    partners_p: NDArray[np.int32],
    r_cp: Float,
    slopes_pc: Float,
    forces_nc: Float,
    virial_cc: Float,
) -> None:
    """F_j -= dE/dr_p, F_i += dE/dr_p, virial += sum_p r_p (x) dE/dr_p for pairs p = (i, j)."""
    row = 0
    for i in atoms_a:
        for p in range(offsets_n[i], offsets_n[i + 1]):
            for c in range(3):
                slope = slopes_pc[row, c]
                forces_nc[i, c] += slope
                forces_nc[partners_p[p], c] -= slope
                for b in range(3):
                    virial_cc[b, c] += r_cp[b, p] * slope
            row += 1
