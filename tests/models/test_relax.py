"""Relaxation on surfaces whose minimum is known, and its criteria and limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aenetpy.data.structure import Structure
from aenetpy.descriptors.batch import Contact
from aenetpy.errors import CoincidentAtoms, DataError, NumericalError
from aenetpy.inputs.predict_in import RelaxOptions
from aenetpy.models.descent import LONGEST_STEP
from aenetpy.models.potential import Evaluation
from aenetpy.models.relax import NotRelaxed, relax

PERIODIC = (True, True, True)
LENGTH = 2.5


class Springs:
    """Springs of rest length L from each atom to the next, and of the cell to a cube of edge a.

    E = k/2 sum_n (d_n - L)^2 + K/8 |C C^T / a^2 - 1|^2: enough to know the answer.
    """

    stiffness, lattice, edge = 3.0, 40.0, 6.0

    def __init__(self) -> None:
        self.geometries: list[Structure] = []

    def evaluate(self, structure, forces=True, jobs=1, out_of_range=False) -> Evaluation:
        self.geometries.append(structure)
        positions_nc = structure.positions_nc
        bonds_pc = np.diff(positions_nc, axis=0)
        lengths_p = np.linalg.norm(bonds_pc, axis=1)
        energy = 0.5 * self.stiffness * ((lengths_p - LENGTH) ** 2).sum()
        pull_pc = self.stiffness * ((lengths_p - LENGTH) / lengths_p)[:, None] * bonds_pc
        forces_nc = np.zeros_like(positions_nc)
        forces_nc[:-1] += pull_pc
        forces_nc[1:] -= pull_pc
        virial_cc = bonds_pc.T @ pull_pc
        if structure.cell_cc is not None:
            c = structure.cell_cc / self.edge
            strain_cc = c @ c.T - np.eye(3)
            energy += self.lattice / 8 * (strain_cc**2).sum()
            virial_cc = virial_cc + self.lattice / 2 * c.T @ strain_cc @ c
        n = len(structure)
        return Evaluation(
            energy, energy, np.full(n, energy / n), forces_nc, virial_cc, Contact(1.0, 0, 1)
        )


def chain(n_atoms: int = 5, cell: float | None = None, seed: int = 3) -> Structure:
    rng = np.random.default_rng(seed)
    positions_nc = LENGTH * np.arange(n_atoms)[:, None] * np.eye(3)[0]
    positions_nc = positions_nc + 0.3 * rng.standard_normal((n_atoms, 3))
    if cell is None:
        return Structure(("X",) * n_atoms, positions_nc, name="chain.xsf")
    cell_cc = cell * (np.eye(3) + 0.02 * rng.standard_normal((3, 3)))
    return Structure(("X",) * n_atoms, positions_nc, cell_cc, PERIODIC, name="chain.xsf")


def run(structure: Structure, **options):
    springs = Springs()
    found = relax(springs, structure, springs.evaluate(structure), RelaxOptions(**options))
    return found, springs.geometries[1:]


@pytest.mark.parametrize("cell", [None, 8.0])
def test_finds_the_minimum(cell):
    start = chain(cell=cell)
    found, geometries = run(start, force_tolerance=1e-4, energy_tolerance=1e-7)
    assert found.converged
    assert found.is_optimized
    bonds_p = np.linalg.norm(np.diff(found.structure.positions_nc, axis=0), axis=1)
    np.testing.assert_allclose(bonds_p, LENGTH, atol=1e-3)
    assert found.largest_force <= 1e-4
    assert found.last_change <= 1e-7
    assert found.evaluation.cohesive_energy == found.energies_k[-1] < found.energies_k[0]
    assert (np.diff(found.energies_k) < 0).all()
    assert len(found.rms_forces_k) == found.n_steps + 1 <= len(geometries) + 1
    assert found.structure.species == start.species
    if cell is not None:
        np.testing.assert_array_equal(found.structure.cell_cc, start.cell_cc)


def test_relaxes_the_lattice():
    found, _ = run(chain(cell=6.2), force_tolerance=1e-4, steps=200, cell=True)
    assert found.converged
    metric_cc = found.structure.cell_cc @ found.structure.cell_cc.T
    np.testing.assert_allclose(metric_cc, Springs.edge**2 * np.eye(3), atol=0.02)
    bonds_p = np.linalg.norm(np.diff(found.structure.positions_nc, axis=0), axis=1)
    np.testing.assert_allclose(bonds_p, LENGTH, atol=1e-3)


def test_steps_stay_within_dmax():
    start = chain()
    dmax_c = (0.02, 0.05, 0.3)
    _, geometries = run(start, dmax_c=dmax_c, steps=20)
    _, free = run(start, steps=20)
    for path, limit_c in ((geometries, dmax_c), (free, 3 * (LONGEST_STEP,))):
        points = np.array([start.positions_nc, *(g.positions_nc for g in path)])
        assert (abs(np.diff(points, axis=0)) <= np.array(limit_c) + 1e-12).all()
    assert len(geometries) > 3


def test_both_criteria_count():
    loose, _ = run(chain(), force_tolerance=10.0, energy_tolerance=1e-9)
    assert loose.converged
    assert loose.n_steps == 0  # nothing changed yet
    strict, _ = run(chain(), force_tolerance=0.5, energy_tolerance=1e-9)
    early, _ = run(chain(), force_tolerance=0.5, energy_tolerance=1.0)
    assert strict.converged
    assert early.converged
    assert early.n_steps < strict.n_steps
    stopped, _ = run(chain(), force_tolerance=0.0, steps=3)
    assert (stopped.converged, stopped.n_steps, stopped.is_optimized) == (False, 3, True)


def test_no_steps_leave_the_input():
    start = chain()
    found, geometries = run(start, force_tolerance=0.0, steps=0)
    assert found.structure is start
    assert not found.is_optimized
    assert not geometries
    assert len(found.energies_k) == 1


def test_a_lone_atom_is_at_rest():
    found, _ = run(chain(1), force_tolerance=0.0, energy_tolerance=0.0)
    assert found.converged
    assert found.n_steps == 0


def test_the_lattice_of_an_isolated_structure():
    with pytest.raises(DataError, match=r"chain\.xsf: has no periodic lattice.*cell=yes"):
        run(chain(), cell=True)
    slab = replace(chain(cell=8.0), pbc_c=(True, True, False))
    with pytest.raises(DataError, match="no periodic lattice"):
        run(slab, cell=True)


def test_energies_that_are_not_finite():
    class Broken(Springs):
        def evaluate(self, structure, forces=True, jobs=1, out_of_range=False):
            found = super().evaluate(structure)
            return replace(found, cohesive_energy=np.nan) if len(self.geometries) > 2 else found

    springs = Broken()
    start = chain()
    with pytest.raises(NumericalError, match=r"chain\.xsf: the energy is not finite after 2 steps"):
        relax(springs, start, springs.evaluate(start), RelaxOptions())


class Hole(Springs):
    """Two atoms that attract each other all the way, E = -1/(0.1 + d): as a bad potential does."""

    def evaluate(self, structure, forces=True, jobs=1, out_of_range=False) -> Evaluation:
        self.geometries.append(structure)
        bond_c = structure.positions_nc[1] - structure.positions_nc[0]
        distance = float(np.linalg.norm(bond_c))
        if distance < 1e-6:
            raise CoincidentAtoms("in one place")
        energy = -1.0 / (0.1 + distance)
        pull_c = bond_c / distance * energy**2
        forces_nc = np.array([pull_c, -pull_c])
        contact = Contact(distance, 0, 1)
        return Evaluation(energy, energy, np.full(2, energy / 2), forces_nc, np.eye(3), contact)


def test_below_rmin_is_an_error_and_the_geometry_before_is_kept():
    hole, start = Hole(), chain(2)
    first = hole.evaluate(start)
    with pytest.raises(
        NotRelaxed, match=r"chain\.xsf: atoms 1 and 2 are 0\.\d+ Å apart.*0\.7"
    ) as e:
        relax(hole, start, first, RelaxOptions(steps=500), r_min=0.7)
    assert e.value.exit_code == 5
    kept = e.value.relaxation
    assert not kept.converged
    assert 0.7 <= kept.evaluation.closest.distance < first.closest.distance
    distance = np.linalg.norm(np.diff(kept.structure.positions_nc, axis=0))
    assert distance == pytest.approx(kept.evaluation.closest.distance)
    assert kept.energies_k[-1] == kept.evaluation.energy
    assert kept.n_steps > 3


def test_a_step_onto_another_atom_is_made_shorter():
    # the second step would put one on the other
    start = Structure(("X", "X"), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.8]]), name="x.xsf")
    hole = Hole()
    with pytest.raises(NotRelaxed, match=r"x\.xsf: .*closer than RMIN = 0\.01"):
        relax(hole, start, hole.evaluate(start), RelaxOptions(steps=500), r_min=0.01)
