from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.cluster import Octahedron

from aenetpy.augmentation import plan as planning
from aenetpy.augmentation.plan import make_copy_plan
from aenetpy.augmentation.taylor import displaced, energy_change
from aenetpy.data.copies import is_copy, parent_of
from aenetpy.data.structure import Structure
from aenetpy.inputs.taylor import TaylorInput
from aenetpy.models.potential import Evaluation
from aenetpy.structures.atoms import atoms_from_structure, structure_from_atoms
from aenetpy.structures.xsf import format_xsf, read_xsf
from tests.augmentation.moves import displacements
from tests.conftest import ROOT


def emt(structure: Structure) -> tuple[float, np.ndarray]:
    atoms = atoms_from_structure(structure)
    atoms.calc = EMT()
    return atoms.get_potential_energy(), atoms.get_forces()


class EmtPotential:
    """What `energy_change` needs of a potential."""

    def evaluate(self, structure: Structure) -> Evaluation:
        energy, forces_nc = emt(structure)
        return Evaluation(energy, energy, np.empty(0), forces_nc, None, None)  # type: ignore[arg-type]


def copper_gold() -> Structure:
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.symbols[[1, 4]] = "Au"
    atoms.rattle(0.1, seed=4)
    return structure_from_atoms(atoms, "bulk")


def cluster() -> Structure:
    atoms = Octahedron("Ag", 3, 1)
    atoms.rattle(0.1, seed=5)
    return structure_from_atoms(atoms, "cluster")


@pytest.fixture(params=[copper_gold, cluster], ids=["crystal", "isolated"])
def parent(request: pytest.FixtureRequest) -> Structure:
    structure = request.param()
    energy, forces_nc = emt(structure)
    return replace(structure, energy=energy, forces_nc=forces_nc)


@pytest.mark.parametrize(
    ("strategy", "order", "power"),
    [("axis", 1, 2), ("random", 1, 2), ("axis", 2, 3), ("random", 2, 3)],
)
def test_error_of_the_label_falls_with_the_order(parent, strategy, order, power) -> None:
    potential = EmtPotential() if order == 2 else None
    taylor = TaylorInput(strategy)
    unit_snc = displacements(taylor, 1.0, parent.species, 0, 12)
    errors = []
    for delta in (0.02, 0.01):
        square = 0.0
        for unit_nc in unit_snc:
            move_nc = delta * unit_nc
            copy = displaced(parent, move_nc, energy_change(parent, move_nc, potential), "copy")
            square += (copy.energy - emt(copy)[0]) ** 2
        errors.append(square**0.5)
    assert errors[1] > 1e-9  # not zero: the ratio means something
    assert np.log2(errors[0] / errors[1]) == pytest.approx(power, abs=0.12)


def test_first_order_of_a_pair_is_exact(parent) -> None:
    plan = make_copy_plan([parent], TaylorInput("random", 0.05, copies_per_structure=8))
    copies = plan.copies(0, parent, plan.portions(0)[0])
    assert len(copies) == 8
    for plus, minus in zip(copies[::2], copies[1::2], strict=True):
        assert plus.energy != parent.energy
        assert plus.energy + minus.energy == pytest.approx(2 * parent.energy, rel=4e-16)


@pytest.mark.parametrize("strategy", ["axis", "random"])
def test_pairs_in_files_are_exact_to_the_last_digit(strategy: str) -> None:
    parent = read_xsf(ROOT / "examples" / "tio2" / "xsf" / "rutile-03.xsf", "a folder/rutile.xsf")
    plan = make_copy_plan([parent], TaylorInput(strategy, 0.03, copies_per_structure=12))

    def energy(structure: Structure) -> Decimal:
        return Decimal(format_xsf(structure).split()[4])

    copies = plan.copies(0, parent, plan.portions(0)[0])
    for plus, minus in zip(copies[::2], copies[1::2], strict=True):
        assert energy(plus) + energy(minus) == 2 * energy(parent)


def test_copies_name_their_parent_and_hide_its_forces(parent, tmp_path: Path) -> None:
    parent = replace(parent, name="total energy = 1/ü b.xsf")
    plan = make_copy_plan([parent], TaylorInput("axis", 0.03, copies_per_structure=3))
    for k, copy in enumerate(plan.copies(0, parent, plan.portions(0)[0]), start=1):
        assert copy.forces_nc is None
        assert copy.name == f"{parent.name}#taylor:{k}"
        assert is_copy(copy.name)
        assert parent_of(copy.name) == parent.name
        (tmp_path / "copy.xsf").write_text(format_xsf(copy))
        again = read_xsf(tmp_path / "copy.xsf")
        assert again.parent == parent.name
        assert again.forces_nc is None
        assert again.energy == pytest.approx(copy.energy, abs=1e-8)
        np.testing.assert_allclose(again.positions_nc, copy.positions_nc, atol=1e-8)
    assert not is_copy(parent.name)


def test_cohesive_energies_change_alike() -> None:
    parent = replace(copper_gold(), energy=-10.0, cohesive_energy=-3.0)
    parent = replace(parent, forces_nc=np.ones_like(parent.positions_nc))
    copy = displaced(parent, np.full_like(parent.positions_nc, 0.01), -0.24, "copy")
    assert (copy.energy, copy.cohesive_energy) == pytest.approx((-10.24, -3.24))
    assert (
        displaced(
            replace(parent, cohesive_energy=0.0), 0 * parent.positions_nc, 1, "copy"
        ).cohesive_energy
        == 0.0
    )


def test_crowded_copies_are_left_out() -> None:
    species = ("H", "H")
    parent = Structure(
        species, np.array([[0, 0, 0], [0.8, 0, 0]]), energy=-1.0, forces_nc=np.zeros((2, 3))
    )
    plan = make_copy_plan(
        [parent], TaylorInput("axis", 0.1, copies_per_structure=12, min_distance=0.75)
    )
    copies = plan.copies(0, parent, plan.portions(0)[0])
    distances = [np.linalg.norm(np.diff(copy.positions_nc, axis=0)) for copy in copies]
    assert plan.n_copies == 12
    assert len(distances) == 10  # two of twelve bring them to 0.7 Å
    assert min(distances) >= 0.75


def test_copies_can_be_made_in_pieces(monkeypatch) -> None:
    parent = read_xsf(ROOT / "examples" / "tio2" / "xsf" / "rutile-03.xsf")
    plan = make_copy_plan([parent], TaylorInput("random", 0.03, copies_per_structure=11))
    [whole] = plan.portions(0)
    monkeypatch.setattr(planning, "PORTION", 4)
    assert plan.portions(0) == [range(4), range(4, 8), range(8, 11)]
    pieces = [copy for numbers in plan.portions(0) for copy in plan.copies(0, parent, numbers)]
    for one, other in zip(pieces, plan.copies(0, parent, whole), strict=True):
        np.testing.assert_array_equal(one.positions_nc, other.positions_nc)
        assert (one.name, one.energy) == (other.name, other.energy)
