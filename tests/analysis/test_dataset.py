"""What a data set suggests, on lattices whose neighbours can be counted."""

from __future__ import annotations

import numpy as np
import pytest

from aenetpy.analysis.dataset import describe_dataset
from aenetpy.data.structure import Structure


def cubic(edge: float, species: str = "A", energy: float | None = None) -> Structure:
    """Return a simple cubic crystal."""
    return Structure(
        (species,), np.zeros((1, 3)), edge * np.eye(3), (True, True, True), energy, name=species
    )


def test_cutoffs_hold_the_wanted_number_of_neighbours():
    """A simple cubic lattice has 6, 18, 26, 32, 56, 80 neighbours within 1, √2, √3, 2, √5, √6."""
    found = describe_dataset([cubic(2.0)])
    assert found.shortest == 2.0
    assert found.r_min == 1.6
    assert found.radial_cutoff == pytest.approx(4.9)  # 80 from 2 √6 = 4.899
    assert found.angular_cutoff == pytest.approx(3.5)  # 26 from 2 √3 = 3.46


def test_cutoffs_have_limits():
    assert describe_dataset([cubic(1.0)]).radial_cutoff == 4.0
    found = describe_dataset([Structure(("A",), np.zeros((1, 3)))])
    assert (found.radial_cutoff, found.angular_cutoff, found.r_min) == (8.0, 6.5, 1.0)


def test_energies_and_what_is_missing():
    found = describe_dataset(
        [cubic(3.0, "B", -2.0), cubic(3.5, "A", -5.0), cubic(4.0, "A"), cubic(3.0, "B", -4.0)]
    )
    assert found.species == ("B", "A")
    assert (found.n_structures, found.n_without_energy, found.n_without_forces) == (4, 1, 4)
    np.testing.assert_allclose(found.atomic_energies.energies_t, [-3.0, -5.0])


def test_without_energies_there_is_no_fit():
    assert describe_dataset([cubic(3.0)]).atomic_energies is None
