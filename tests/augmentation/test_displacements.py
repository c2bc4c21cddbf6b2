from __future__ import annotations

import numpy as np
import pytest
from ase.data import atomic_masses

from aenetpy.augmentation.dataset_summary import count_copies
from aenetpy.augmentation.displacements import masses, n_possible
from aenetpy.errors import InputError
from aenetpy.inputs.taylor import TaylorInput
from tests.augmentation.moves import displacements

SPECIES = ("Ti", "O", "O", "Ti", "O")


def moved(move_nc: np.ndarray) -> tuple[int, int, float]:
    """Return atom, axis and length of a displacement of one atom along one axis."""
    [(atom, axis)] = np.argwhere(move_nc).tolist()
    return atom, axis, float(move_nc[atom, axis])


def test_pyita_goes_through_atoms_axes_and_signs_in_its_order() -> None:
    moves = displacements(TaylorInput("pyita"), 0.03, SPECIES, 0, 9)
    expected = [(0, 0, 1), (0, 1, 1), (0, 2, 1), (0, 0, -1), (0, 1, -1), (0, 2, -1)]
    expected += [(1, 0, 1), (1, 1, 1), (1, 2, 1)]
    assert [moved(move) for move in moves] == [(n, c, 0.03 * sign) for n, c, sign in expected]


@pytest.mark.parametrize("spread", ["even", "random"])
@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_axis_takes_each_displacement_once_and_in_pairs(spread: str, n: int) -> None:
    for s in range(4):
        moves = displacements(TaylorInput("axis", spread=spread), 0.02, SPECIES, s, n)
        found = [moved(move) for move in moves]
        assert len(found) == len(set(found)) == n
        for plus, minus in zip(found[::2], found[1::2], strict=False):
            assert plus == (*minus[:2], -minus[2])


def test_even_spread_reaches_all_atoms_and_axes() -> None:
    # Five pairs of fifteen coordinates, in steps of four: each atom but one is met.
    moves = [moved(move) for move in displacements(TaylorInput("axis"), 0.02, SPECIES, 1, 10)]
    assert len({atom for atom, _, _ in moves}) >= 4
    assert {axis for _, axis, _ in moves} == {0, 1, 2}
    # As with 24 atoms, where a third of the coordinates is a multiple of three.
    many = displacements(TaylorInput("axis"), 0.02, ("O",) * 24, 0, 6)
    assert {moved(move)[:2] for move in many} == {(0, 0), (8, 1), (16, 2)}
    # Over the structures all coordinates get their turn.
    first = [displacements(TaylorInput("axis"), 1.0, SPECIES, s, 2)[0] for s in range(15)]
    assert len({moved(move)[:2] for move in first}) == 15


def test_random_keeps_the_centre_of_mass_and_the_bound() -> None:
    moves = displacements(TaylorInput("random", seed=3), 0.05, SPECIES, 2, 6)
    weights_n = masses(SPECIES)
    assert weights_n.tolist() == [atomic_masses[{"Ti": 22, "O": 8}[name]] for name in SPECIES]
    for move_nc in moves:
        np.testing.assert_allclose(weights_n @ move_nc, 0.0, atol=1e-14)
        assert np.linalg.norm(move_nc, axis=1).max() == pytest.approx(0.05, rel=1e-12)
    for plus_nc, minus_nc in zip(moves[::2], moves[1::2], strict=True):
        np.testing.assert_array_equal(plus_nc, -minus_nc)
    assert not np.allclose(moves[0], moves[2])


def test_delta_by_species() -> None:
    delta = {"Ti": 0.01, "O": 0.04}
    bound_n = np.array([delta[name] for name in SPECIES])
    for move in displacements(TaylorInput("axis"), delta, SPECIES, 0, 30):
        atom, _, length = moved(move)
        assert abs(length) == bound_n[atom]
    for move_nc in displacements(TaylorInput("random"), delta, SPECIES, 0, 10):
        relative_n = np.linalg.norm(move_nc, axis=1) / bound_n
        assert relative_n.max() == pytest.approx(1.0, rel=1e-12)
    with pytest.raises(InputError, match="delta has no value for O"):
        displacements(TaylorInput("axis"), {"Ti": 0.1}, SPECIES, 0, 1)


def test_numbers_depend_on_seed_and_structure_only() -> None:
    def draw(seed: int, s: int, n: int = 4) -> np.ndarray:
        return np.array(displacements(TaylorInput("random", seed=seed), 0.1, SPECIES, s, n))

    np.testing.assert_array_equal(draw(1, 5), draw(1, 5))
    np.testing.assert_array_equal(draw(1, 5, 8)[:4], draw(1, 5))
    assert not np.allclose(draw(1, 5), draw(2, 5))
    assert not np.allclose(draw(1, 5), draw(1, 6))


def test_a_single_atom_has_nowhere_to_go_at_random() -> None:
    assert n_possible("random", 1) == 0
    assert n_possible("axis", 1) == 6
    assert displacements(TaylorInput("axis"), 0.1, ("He",), 0, 6)[0].shape == (1, 3)
    np.testing.assert_array_equal(masses(("Xx", "H")), [1.0, atomic_masses[1]])


def counts(taylor: TaylorInput, *n_atoms: int) -> list[int]:
    return count_copies(taylor, np.array(n_atoms)).tolist()


def test_copies_per_structure() -> None:
    assert counts(TaylorInput("axis", copies_per_structure=6), 24, 6, 1) == [6, 6, 6]
    assert counts(TaylorInput("axis", copies_per_structure=10), 24, 1, 0) == [10, 6, 0]
    assert counts(TaylorInput("random", copies_per_structure=10), 24, 1, 0) == [10, 0, 0]
    # PyITA: the first structures take it all.
    assert counts(TaylorInput("pyita", copies_per_structure=6), 2, 2, 1, 5) == [12, 12, 0, 0]
    assert counts(TaylorInput("pyita", copies_per_structure=36), 6, 6) == [36, 36]
    # 16 % of 3N coordinates, at least one; thinned out evenly.
    assert counts(TaylorInput("random", fraction=16.0), 24, 6, 2, 1) == [12, 3, 1, 0]
    thin = counts(TaylorInput("axis", fraction=50.0, n_max=30), *[6] * 10)
    assert thin == [3] * 10
    assert sum(counts(TaylorInput("axis", copies_per_structure=4, n_max=7), *[6] * 5)) == 7
