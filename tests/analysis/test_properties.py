"""Equation of state and surface energies, against closed forms and other ways to have them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ase.build import bulk, fcc100, fcc111
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.eos import EquationOfState as AseEquationOfState
from ase.units import GPa

from aenetpy.analysis import equation_of_state, measure, surface_energy
from aenetpy.analysis.bulk import fit_equation_of_state, relaxed
from aenetpy.analysis.properties import build_crystal, build_slab
from aenetpy.errors import InputError, NumericalError
from aenetpy.inputs.given import read_yaml
from aenetpy.inputs.properties import (
    FACES,
    BulkProperty,
    Crystal,
    SurfaceProperty,
    given_values,
    read_properties,
    reference_names,
)

GOLD = Crystal("Au", "fcc", 4.06)


def test_the_curve_of_birch_and_murnaghan_is_found_exactly():
    v0, b0, slope, e0 = 17.3, 0.9, 5.2, -3.1  # Å^3, eV/Å^3, 1, eV
    scales_v = np.linspace(0.95, 1.05, 7)
    volume = 17.9
    y_v = (v0 / (volume * scales_v**3)) ** (2 / 3)
    energies_v = e0 + 9 * v0 * b0 / 16 * ((y_v - 1) ** 3 * slope + (y_v - 1) ** 2 * (6 - 4 * y_v))
    found = fit_equation_of_state(volume, scales_v, energies_v)
    assert found.volume == pytest.approx(v0, rel=1e-8)
    assert found.scale == pytest.approx((v0 / volume) ** (1 / 3), rel=1e-8)
    assert found.energy == pytest.approx(e0, rel=1e-10)
    assert found.bulk_modulus == pytest.approx(b0 / GPa, rel=1e-6)
    assert found.residual < 1e-9


@pytest.mark.parametrize(("lattice", "a"), [("fcc", 4.06), ("bcc", 3.22)])
def test_gold_of_emt_against_its_stress_and_against_ase(lattice, a):
    crystal = bulk("Au", lattice, a=a)
    found = equation_of_state(crystal, EMT(), strain=0.01)
    volumes_v, energies_v = found.volumes_v, found.energies_v
    v0, e0, b0 = AseEquationOfState(volumes_v, energies_v, "birchmurnaghan").fit()
    assert found.wide.volume == pytest.approx(v0, rel=1e-5)
    assert found.wide.energy == pytest.approx(e0, abs=1e-6)
    assert found.wide.bulk_modulus == pytest.approx(b0 / GPa, rel=1e-3)
    assert found.energy <= found.wide.energy + 1e-9

    def pressure(scale):
        atoms = bulk("Au", lattice, a=found.scale * a * scale)
        atoms.calc = EMT()
        return -np.trace(atoms.get_stress(voigt=False)) / 3

    step = 1e-3
    assert abs(pressure(1.0)) < 1e-6 * GPa
    modulus = -(pressure(1 + step) - pressure(1 - step)) / (6 * step)  # -dp/d(ln V)
    assert found.bulk_modulus == pytest.approx(modulus / GPa, rel=1e-3)


class OfVolume(Calculator):
    """Birch and Murnaghan's curve, and a wiggle that is lowest at the same volume.

    ``E = E_BM(V) + A (1 - cos(q ln(V/V0)))``, so that V d²E/dV² = B0 + A q²/V0 at V0.
    """

    V0, B0, SLOPE, Q = 16.7, 1.1, 5.4, 80.0  # Å^3, eV/Å^3

    def __init__(self, amplitude=0.0, properties=("energy", "stress")):
        super().__init__()
        self.amplitude, self.implemented_properties = amplitude, properties

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        v = atoms.get_volume() / len(atoms)
        x = (self.V0 / v) ** (2 / 3) - 1
        angle = self.Q * math.log(v / self.V0)
        energy = 9 * self.V0 * self.B0 / 16 * (x**3 * self.SLOPE + x**2 * (2 - 4 * x))
        slope = 9 * self.V0 * self.B0 / 16 * (3 * x**2 * self.SLOPE + 4 * x - 12 * x**2)
        slope *= -2 / 3 * (x + 1) / v
        energy += self.amplitude * (1 - math.cos(angle))
        slope += self.amplitude * self.Q * math.sin(angle) / v
        self.results = {"energy": energy * len(atoms)}
        if "stress" in self.implemented_properties:
            self.results["stress"] = slope * np.array([1, 1, 1, 0, 0, 0])


@pytest.mark.parametrize("properties", [("energy", "stress"), ("energy",)])
@pytest.mark.parametrize("added", [0.0, 0.1, -0.4])
def test_local_modulus_and_wide_fit(added, properties):
    """A wiggle of 0.3 or 1.2 meV is 10 or 40 % of B, and nothing to the wide fit."""
    calculator = OfVolume(added * OfVolume.B0 * OfVolume.V0 / OfVolume.Q**2, properties)
    found = equation_of_state(bulk("Au", "fcc", a=4.08), calculator)
    assert found.volume == pytest.approx(OfVolume.V0, rel=2e-5)
    assert found.energy == pytest.approx(0.0, abs=1e-8)
    assert found.bulk_modulus * GPa == pytest.approx((1 + added) * OfVolume.B0, rel=0.04)
    assert found.wide.bulk_modulus * GPa == pytest.approx(OfVolume.B0, rel=0.005)
    assert (found.wide.residual > 1e-6) == (added != 0.0)
    if added == 0.0:
        assert found.bulk_modulus == pytest.approx(found.wide.bulk_modulus, rel=3e-4)


def test_a_maximum_is_left_downhill():
    """The wide fit ends on a hill of the wiggle, whose next valleys are pi/q away in ln V."""
    calculator = OfVolume(-3.0 * OfVolume.B0 * OfVolume.V0 / OfVolume.Q**2)
    found = equation_of_state(bulk("Au", "fcc", a=4.08), calculator)
    assert found.bulk_modulus > 0.0
    distance = abs(math.log(found.volume / OfVolume.V0)) * OfVolume.Q
    assert 0.5 * math.pi < distance < math.pi
    assert found.energy < 0.0


def test_a_pressure_that_is_not_finite_or_does_not_vanish():
    with pytest.raises(NumericalError, match="pressure is not finite"):
        relaxed(lambda scale: math.nan, 1.0, 0.04)
    with pytest.raises(NumericalError, match=r"does not vanish between 0.96 and 1.04"):
        relaxed(lambda scale: 1.0 - 0.1 * scale, 1.0, 0.04)


def test_lennard_jones_crystal():
    """Lattice sums of fcc: A12 = 12.13188, A6 = 14.45392 (Kittel); cutoff far out."""
    a12, a6 = 12.13188, 14.45392
    nearest = (2 * a12 / a6) ** (1 / 6)
    calculator = LennardJones(sigma=1.0, epsilon=1.0, rc=9.0, ro=8.9, smooth=False)
    found = equation_of_state(bulk("Ar", "fcc", a=1.53), calculator, strain=0.02)
    assert found.scale * 1.53 / math.sqrt(2) == pytest.approx(nearest, rel=1e-3)
    assert found.energy + 0.0 == pytest.approx(-(a6**2) / (2 * a12), rel=5e-3)
    # at the minimum of A r^-12 - C r^-6, V d²E/dV² = 8 |E|/V
    modulus = 8 * (a6**2 / (2 * a12)) / found.volume
    assert found.bulk_modulus * GPa == pytest.approx(modulus, rel=0.02)


def test_any_cell_of_the_crystal_gives_the_same():
    primitive = equation_of_state(bulk("Au", "fcc", a=4.1), EMT())
    larger = equation_of_state(bulk("Au", "fcc", a=4.1, cubic=True).repeat((2, 1, 1)), EMT())
    for name in ("scale", "volume", "energy", "bulk_modulus"):
        assert getattr(larger, name) == pytest.approx(getattr(primitive, name), rel=1e-7), name


def test_no_minimum_within_the_volumes_is_refused():
    with pytest.raises(NumericalError, match=r"no minimum between 0.96 and 1.04 .* lowest at 0.96"):
        equation_of_state(bulk("Au", "fcc", a=4.4), EMT())
    with pytest.raises(NumericalError, match="not finite at 1 times"):
        fit_equation_of_state(17.0, np.linspace(0.9, 1.1, 5), np.array([1, 1, np.nan, 1, 1.0]))


def test_atoms_stay_as_they_are():
    atoms = bulk("Au", "fcc", a=4.1)
    before = atoms.cell.array.copy()
    equation_of_state(atoms, EMT())
    assert atoms.calc is None
    np.testing.assert_array_equal(atoms.cell.array, before)


class Bonds(Calculator):
    """Energy -1 eV for each bond of nearest neighbours: its surface energies are counted."""

    implemented_properties = ("energy",)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        from ase.neighborlist import neighbor_list

        self.results["energy"] = -0.5 * len(neighbor_list("i", atoms, 3.3))


@pytest.mark.parametrize(("cut", "broken"), [(fcc100, 4), (fcc111, 3)])
@pytest.mark.parametrize(("size", "layers"), [((1, 1), 5), ((2, 3), 4)])
def test_surface_energy_counts_the_bonds_that_are_cut(cut, broken, size, layers):
    a = 4.0
    found = surface_energy(cut("Au", (*size, layers), a=a, vacuum=6.0), Bonds(), -6.0)
    area = a**2 / 2 if cut is fcc100 else a**2 * math.sqrt(3) / 4
    assert found.area == pytest.approx(area * size[0] * size[1])
    assert found.energy == pytest.approx(0.5 * broken / area)
    assert found.joule_per_m2 == pytest.approx(found.energy * 1.602176634e-19 / 1e-20)
    assert found.largest_force is None


def test_relaxing_lowers_the_surface_energy():
    a = equation_of_state(bulk("Au", "fcc", a=4.06), EMT())
    slab = fcc100("Au", (1, 1, 5), a=4.06 * a.scale, vacuum=8.0)
    before = slab.positions.copy()
    fixed = surface_energy(slab, EMT(), a.energy)
    relaxed = surface_energy(slab, EMT(), a.energy, steps=50)
    assert relaxed.energy < fixed.energy - 1e-5
    assert relaxed.largest_force < 0.01
    np.testing.assert_array_equal(slab.positions, before)


def test_measure_uses_the_lattice_constant_of_the_calculator():
    properties = (
        BulkProperty("fcc", GOLD, {"B": 170.0}),
        SurfaceProperty("100", GOLD, "100", layers=5, vacuum=8.0),
        SurfaceProperty("111", Crystal("Au", "fcc", 4.0), "111", layers=5, vacuum=8.0),
        BulkProperty("far", Crystal("Au", "fcc", 4.6)),
        SurfaceProperty("far 100", Crystal("Au", "fcc", 4.6), "100"),
    )
    found = measure(properties, EMT())
    state = equation_of_state(bulk("Au", "fcc", a=4.06), EMT())
    a = state.scale * 4.06
    assert found.values["fcc: a (Å)"] == pytest.approx(a)
    assert found.values["fcc: V (Å^3/atom)"] == pytest.approx(a**3 / 4)
    assert found.values["fcc: E (eV/atom)"] == state.energy
    assert found.values["fcc: B (GPa)"] == state.bulk_modulus
    assert found.values["fcc: B wide (GPa)"] == state.wide.bulk_modulus
    assert found.values["fcc: residual (meV/atom)"] == 1000 * state.wide.residual
    slab = surface_energy(fcc100("Au", (1, 1, 5), a=a, vacuum=8.0), EMT(), state.energy)
    assert found.values["100: gamma (J/m^2)"] == pytest.approx(slab.joule_per_m2)
    assert 0 < found.values["111: gamma (J/m^2)"] < found.values["100: gamma (J/m^2)"]
    assert set(found.reasons) == {name for name in found.values if name.startswith("far")}
    assert all(math.isnan(found.values[name]) for name in found.reasons)
    assert "no minimum" in found.reasons["far 100: gamma (J/m^2)"]
    assert given_values(properties) == {"fcc: B (GPa)": 170.0, "fcc: B wide (GPa)": 170.0}
    values = {"a": 4.06, "V": 16.7, "E": -3.3, "B": 170.0, "B wide": 168.0}
    known = (BulkProperty("fcc", GOLD, values),)
    assert set(given_values(known)) == set(reference_names(known))
    assert given_values(known)["fcc: B wide (GPa)"] == 168.0


def test_what_a_calculator_raises_is_a_reason():
    properties = BulkProperty("iron", Crystal("Fe", "bcc", 2.87)), BulkProperty("fcc", GOLD)
    found = measure(properties, EMT())
    assert set(found.reasons) == {name for name in found.values if name.startswith("iron")}
    assert found.reasons["iron: B (GPa)"] == "NotImplementedError: No EMT-potential for Fe"
    assert found.values["fcc: B (GPa)"] > 0.0


@pytest.mark.parametrize(
    ("lattice", "face"), [(lattice, face) for lattice in FACES for face in FACES[lattice]]
)
def test_each_slab_is_of_the_crystal(lattice, face):
    """Atoms in the middle of a slab have the neighbours of the crystal."""
    from ase.neighborlist import neighbor_list

    crystal = Crystal("Au", lattice, 4.0, 6.7 if lattice == "hcp" else None)
    slab = build_slab(SurfaceProperty("s", crystal, face, layers=16, vacuum=5.0))
    heights = slab.positions[:, 2]
    middle = int(np.argmin(np.abs(heights - heights.mean())))
    i, d = neighbor_list("id", slab, 4.5)
    expected = np.sort(neighbor_list("id", build_crystal(crystal), 4.5)[1])
    n_cell = len(build_crystal(crystal))
    found = np.sort(d[i == middle])
    np.testing.assert_allclose(np.repeat(found, n_cell), expected, atol=1e-9)


def read(tmp_path, text):
    (tmp_path / "a.yaml").write_text(f"properties:\n{text}")
    return read_properties(read_yaml(tmp_path / "a.yaml", "study.yaml").mapping()["properties"])


def test_properties_are_read(tmp_path):
    bulk_fcc, surface = read(
        tmp_path,
        "  bulk fcc: {kind: bulk, symbol: Au, lattice: fcc, a: 4.08, value: {B: 139, a: 4.17}}\n"
        "  surface 100: {kind: surface, symbol: Au, lattice: fcc, face: 100, a: 4.08, layers: 9,"
        " vacuum: 12, size: [2, 2], relax: 20}\n",
    )
    assert bulk_fcc == BulkProperty("bulk fcc", Crystal("Au", "fcc", 4.08), {"B": 139, "a": 4.17})
    assert surface == SurfaceProperty(
        "surface 100", Crystal("Au", "fcc", 4.08), "100", 9, 12.0, (2, 2), 20
    )
    assert bulk_fcc.keys["a"] == "bulk fcc: a (Å)"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{kind: bulk, symbol: Au, lattice: fcc}", "a.yaml:2: properties.x has no 'a'; add it"),
        ("{kind: bulb, symbol: Au, lattice: fcc, a: 4}", "kind is 'bulb'; there are bulk, surface"),
        ("{kind: bulk, symbol: Xy, lattice: fcc, a: 4}", "'Xy', of which ASE builds no fcc"),
        ("{kind: bulk, symbol: Au, lattice: fcc, a: -4}", "a -4 is no positive number"),
        ("{kind: bulk, symbol: Au, lattice: fcc, a: 4, c: 5}", "c means nothing for fcc"),
        ("{kind: bulk, symbol: Au, lattice: fcc, a: 4, face: 100}", "nothing for a bulk"),
        ("{kind: surface, symbol: Au, lattice: fcc, a: 4, face: 101}", "there are 100, 110, 111"),
        ("{kind: surface, symbol: MgO, lattice: rocksalt, a: 4.2, face: 100}", "cannot be cut"),
        ("{kind: surface, symbol: Au, lattice: fcc, a: 4}", "has no 'face'"),
        (
            "{kind: surface, symbol: Au, lattice: fcc, a: 4, face: 100, layers: 0}",
            "it must be at least 1",
        ),
        (
            "{kind: surface, symbol: Au, lattice: fcc, a: 4, face: 100, size: 2}",
            "needs two integers",
        ),
        (
            "{kind: surface, symbol: Au, lattice: fcc, a: 4, face: 100, value: {B: 1}}",
            "unknown key 'properties.x.value.B'",
        ),
        ("{kind: bulk, symbol: Au, lattice: fcc, a: 4, laticce: x}", "did you mean"),
    ],
)
def test_wrong_properties_are_refused(tmp_path, line, message):
    with pytest.raises(InputError) as refused:
        read(tmp_path, f"  x: {line}\n")
    assert message in str(refused.value)
