"""Structures that are equal or nearly so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aenetpy.analysis.likeness import alike, repeated
from aenetpy.analysis.survey import smallest_height, survey
from aenetpy.data.structure import Structure

ROTATION = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]


def disordered(seed: int, n_atoms: int = 12) -> Structure:
    """Return atoms in a skewed cell, not closer than 1.5 Å."""
    stream = np.random.default_rng(seed)
    cell_cc = np.array([[6.0, 0.0, 0.0], [1.5, 5.5, 0.0], [-0.7, 0.4, 6.5]])
    grid = np.array([[i, j, k] for i in range(3) for j in range(2) for k in range(2)])
    fractional_nc = (grid + 0.1 * stream.random((12, 3)))[:n_atoms] / (3, 2, 2)
    species = tuple("AB"[i % 2] for i in range(n_atoms))
    return Structure(
        species, fractional_nc @ cell_cc, cell_cc, (True, True, True), -1.0, name=f"s{seed}"
    )


def moved(structure: Structure, step: float) -> Structure:
    """Return a structure with every atom displaced by a length, in random directions."""
    v_nc = np.random.default_rng(9).normal(size=structure.positions_nc.shape)
    v_nc *= step / np.linalg.norm(v_nc, axis=1)[:, None]
    return replace(structure, positions_nc=structure.positions_nc + v_nc, name="moved")


def turned(structure: Structure) -> Structure:
    """Return the same structure rotated, shifted, with its atoms in the reverse order."""
    return replace(
        structure,
        species=structure.species[::-1],
        positions_nc=(structure.positions_nc[::-1] + 0.3) @ ROTATION,
        cell_cc=structure.cell_cc @ ROTATION,
        name="turned",
    )


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (lambda s: s, True),
        (turned, True),
        (lambda s: moved(s, 0.0049), True),  # no distance changes by more than 0.0098
        (lambda s: moved(turned(s), 0.0049), True),
        (lambda s: moved(s, 0.1), False),
        (lambda s: replace(s, cell_cc=1.01 * s.cell_cc, positions_nc=1.01 * s.positions_nc), False),
        (lambda s: replace(s, pbc_c=(True, True, False)), False),
        (lambda s: replace(s, species=("B", "A", *s.species[2:])), False),
        (lambda s: replace(s, species=("A", "A", *s.species[2:])), False),
    ],
)
def test_two_structures(other, found):
    one = disordered(1)
    groups = alike(survey([disordered(2), one, other(one), disordered(3)]))
    assert groups == ([[1, 2]] if found else [])


def test_groups_are_led_by_their_first():
    one, two = disordered(1), disordered(2)
    structures = [one, two, turned(one), moved(two, 0.001), moved(one, 0.001), disordered(4)]
    assert alike(survey(structures)) == [[0, 2, 4], [1, 3]]


def test_all_equal_is_not_quadratic():
    """A leader takes its group with it: ten thousand frames, one comparison each."""
    one = survey([disordered(1)])
    n = 10_000
    many = replace(
        one,
        counts_st=np.repeat(one.counts_st, n, axis=0),
        periodic_s=np.repeat(one.periodic_s, n),
        distances=one.distances * n,
    )
    assert alike(many) == [list(range(n))]


def test_single_atoms_are_alike():
    """One species, no distances at all."""
    atom = Structure(("A",), np.zeros((1, 3)))
    assert alike(survey([atom])) == []
    assert alike(survey([atom, replace(atom, energy=1.0)])) == [[0, 1]]


def test_equal_is_equal_but_for_the_name():
    one = disordered(1)
    structures = [one, replace(one, name="other"), replace(one, energy=-2.0)]
    assert repeated(survey(structures).digests_s) == [[0, 1]]


def test_numbers_of_structures():
    """Two atoms in a box that is periodic along x and y; heights of a skewed cell."""
    cell_cc = np.array([[4.0, 0.0, 0.0], [3.0, 3.0, 0.0], [0.0, 0.0, 1.0]])
    forces_nc = np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    slab = Structure(
        ("A", "B"),
        np.array([[0, 0, 0], [0, 0, 2.0]]),
        cell_cc,
        (True, True, False),
        -3.0,
        forces_nc=forces_nc,
    )
    copy = replace(slab, parent="slab", forces_nc=None)
    atom = Structure(("B",), np.zeros((1, 3)), cohesive_energy=-1.0, energy=-5.0)
    found = survey([slab, copy, atom])
    # The face along a and z is 3 Å away; that along b and z 4 * 3 / |b| = 2.83 Å.
    assert smallest_height(slab) == pytest.approx(12 / np.sqrt(18))
    np.testing.assert_allclose(found.heights_s, [12 / np.sqrt(18)] * 2 + [np.inf])
    np.testing.assert_allclose(found.shortest_sp[0], [np.sqrt(10.0), 2.0, np.sqrt(10.0)])
    assert found.pairs == (("A", "A"), ("A", "B"), ("B", "B"))
    np.testing.assert_allclose(found.longest_s, [2.0, np.nan, np.nan])
    np.testing.assert_allclose(found.net_s, [np.sqrt(5.0), np.nan, np.nan])
    np.testing.assert_allclose(found.energies_s, [-3.0, np.nan, np.nan])
    assert found.formulas_s == ("A1B1", "A1B1", "B1")
