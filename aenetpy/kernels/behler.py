"""Behler2011 symmetry functions and their derivatives (spec 6.3).

The neighbours of one atom are laid out as rows of a ``shell``, sorted by
species. Everything is a function of squared distances, also the cutoff function:
fc(d) = (1 + cos(pi d/R)) / 2 = cos(sqrt(u))^2 with u = (pi d / 2R)^2.
"""

from __future__ import annotations

import math

from aenetpy.arrays import Float, Long
from aenetpy.kernels._jit import kernel
from aenetpy.kernels.batch import Surroundings
from aenetpy.kernels.behler_layout import (
    BUFFER,
    D2,
    FC,
    GX,
    INVERSE,
    OWN,
    RATES,
    SLOPE,
    SLOPES,
    VALUES,
    D,
    Functions,
    Workspace,
    X,
    Y,
    Z,
)
from aenetpy.kernels.behler_rates import add_rates, triple_rates
from aenetpy.kernels.behler_triples import (
    add_triples,
    distance_rows,
    is_active,
    triple_adjoints,
    triple_slopes,
    triple_values,
)
from aenetpy.kernels.elementary import cosine, dot, exponential, sine_quotient


@kernel
def gather_shell(i: int, around: Surroundings, environment_t: Long, space: Workspace) -> None:
    """Sort the neighbours of atom i by species z into the shell; order_p numbers their pairs."""
    types_n, partners_p, r_cp = around.types_n, around.partners_p, around.r_cp
    order_p, start_z, shell = space.order_p, space.start_z, space.shell
    n_species = start_z.size - 1
    n = 0
    for z in range(n_species):
        start_z[z] = n
        for p in range(around.offsets_n[i], around.offsets_n[i + 1]):
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


@kernel
def radial_value(
    kind: int, rate: float, shift: float, d_p: Float, fc_p: Float, work_p: Float
) -> float:
    """G1 sum fc;  G2 sum exp(-eta (d - Rs)^2) fc;  G3 sum cos(kappa d) fc  (rate: eta, kappa)."""
    if kind == 1:
        work_p[:] = 1.0
    elif kind == 2:
        for p in range(d_p.size):
            work_p[p] = exponential(-rate * (d_p[p] - shift) ** 2)
    else:
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


@kernel
def angular_pass(
    functions: Functions,
    m: int,
    cutoff: float,
    space: Workspace,
    task: int,
    values_mg: Float,
) -> None:
    """Add the triples of group m, or their rates, to values_mg, or their slopes along values_mg.

    Slopes are found for all members at once, values and rates for the only one there is.
    """
    kind, first, second = functions.kind_m[m], functions.first_m[m], functions.second_m[m]
    start_z, shell, distance_p = space.start_z, space.shell, space.row_p
    triples, members = space.triples, space.members
    square_cutoff = cutoff * cutoff
    n = 0
    for j in range(start_z[first], start_z[first + 1]):
        if shell[D2, j] < square_cutoff:
            begin = j + 1 if first == second else start_z[second]
            end = start_z[second + 1]
            n = add_triples(
                kind, shell, j, begin, end, square_cutoff, distance_p, triples, members, n
            )
        if n < BUFFER and j + 1 < start_z[first + 1]:
            continue
        shapes, shape_slopes = space.shapes, space.shape_slopes
        if task == SLOPES:
            adjoints = space.adjoints
            triple_adjoints(functions, m, triples, n, shapes, shape_slopes, values_mg, adjoints)
            distance_rows(kind, cutoff, triples, n)
            for member in range(len(values_mg)):
                own = space.slopes[member]
                triple_slopes(kind, shell, triples, members, n, adjoints[member], own)
        elif task == RATES:
            triple_rates(kind, cutoff, shell, triples, members, n, space.slopes[0])
            add_rates(functions, m, triples, n, shapes, shape_slopes, values_mg[0])
        else:
            triple_values(functions, m, cutoff, triples, n, shapes, values_mg[0])
        n = 0


@kernel
def radial_pass(
    functions: Functions,
    f: int,
    space: Workspace,
    task: int,
    values_mg: Float,
) -> None:
    """Evaluate radial function f or its rate, or add its slopes along the gradients values_mg."""
    first, last = space.start_z[functions.species_f[f]], space.start_z[functions.species_f[f] + 1]
    kind, rate, shift = functions.kind_f[f], functions.rate_f[f], functions.shift_f[f]
    g, shell, row_p = functions.slot_f[f], space.shell, space.row_p[first:last]
    if task == VALUES:
        d_p, fc_p = shell[D, first:last], shell[FC, first:last]
        values_mg[0, g] = radial_value(kind, rate, shift, d_p, fc_p, row_p)
        return
    if task == SLOPES and not values_mg[:, g].any():
        return
    row_p[:] = 0.0
    radial_slope(kind, rate, shift, 1.0, shell, first, row_p)
    if task == RATES:
        values_mg[0, g] = dot(row_p, space.slopes[0, OWN, first:last])
        return
    for member in range(len(values_mg)):
        weight, own_p = values_mg[member, g], space.slopes[member, OWN, first:last]
        for p in range(last - first):
            own_p[p] += weight * row_p[p]


@kernel
def behler_pass(
    functions: Functions,
    space: Workspace,
    environment_t: Long,
    around: Surroundings,
    task: int,
    features_mag: Float,
    slopes_mpc: Float,
) -> None:
    """Do one of three tasks for each atom.

    VALUES: fill features_mag (1, a, g). SLOPES: read it as dE/dG of each member, (m, a, g), and
    fill slopes_mpc with dE/dr_p. RATES: fill features_mag with dG/dt, given dr_p/dt in slopes_mpc.
    The rows of ``slopes_mpc`` are the pairs of the first atom of ``atoms_a``, of the second, and
    so on.
    """
    begin = 0
    for a, i in enumerate(around.atoms_a):
        pairs = (around.offsets_n[i], around.offsets_n[i + 1])
        gather_shell(i, around, environment_t, space)
        n_neighbors, values_mg = space.start_z[-1], features_mag[:, a]
        space.slopes[:, :, :n_neighbors] = 0.0
        if task != SLOPES:
            values_mg[:] = 0.0
        if task == RATES:
            gather_rates(space, pairs[0] - begin, slopes_mpc[0])
        for r in range(functions.cutoff_r.size):
            cutoff = functions.cutoff_r[r]
            cutoff_rows(space.shell, n_neighbors, cutoff)
            for f in range(functions.radials_r[r], functions.radials_r[r + 1]):
                radial_pass(functions, f, space, task, values_mg)
            for m in range(functions.groups_r[r], functions.groups_r[r + 1]):
                etas = (functions.etas_m[m], functions.etas_m[m + 1])
                terms = (functions.terms_e[etas[0]], functions.terms_e[etas[1]])
                if task != SLOPES or is_active(functions, terms, values_mg):
                    angular_pass(functions, m, cutoff, space, task, values_mg)
        if task == SLOPES:
            for member in range(len(slopes_mpc)):
                scatter_slopes(space, member, pairs[0] - begin, slopes_mpc[member])
        begin += pairs[1] - pairs[0]


@kernel
def gather_rates(space: Workspace, shift: int, rates_pc: Float) -> None:
    """(GX, GY, GZ) = u = rates_pc[pair - shift] and OWN = r.u, sorted by species."""
    for q in range(space.start_z[-1]):
        own = 0.0
        for c in range(3):
            rate = rates_pc[space.order_p[q] - shift, c]
            space.slopes[0, GX + c, q] = rate
            own += space.shell[X + c, q] * rate
        space.slopes[0, OWN, q] = own


@kernel
def scatter_slopes(space: Workspace, member: int, shift: int, slopes_pc: Float) -> None:
    """slopes_pc[pair - shift] = OWN r_p + (GX, GY, GZ), undoing the sort by species."""
    for q in range(space.start_z[-1]):
        for c in range(3):
            own = space.slopes[member, OWN, q] * space.shell[X + c, q]
            slopes_pc[space.order_p[q] - shift, c] = own + space.slopes[member, GX + c, q]
