from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest

from aenetpy.augmentation.dataset_summary import DatasetSummary, summarise_dataset
from aenetpy.augmentation.delta import estimate_delta, harmonic_stiffness
from aenetpy.augmentation.plan import make_copy_plan
from aenetpy.data.structure import Structure
from aenetpy.errors import DataError
from aenetpy.inputs.taylor import TaylorInput

STIFFNESS = 7.0


def springs(
    n_structures: int = 40, n_atoms: int = 9, stiffness: float = STIFFNESS
) -> list[Structure]:
    """Return structures of atoms on springs, of two compositions."""
    stream = np.random.default_rng(8)
    structures = []
    for s in range(n_structures):
        n = n_atoms + s % 2
        home_nc = 3.0 * np.arange(3 * n).reshape(n, 3)
        u_nc = stream.normal(size=(n, 3)) * stream.uniform(0.01, 0.2)
        energy = -50.0 * n + 0.5 * stiffness * (u_nc**2).sum()
        structures.append(
            Structure(("Si",) * n, home_nc + u_nc, energy=energy, forces_nc=-stiffness * u_nc)
        )
    return structures


def test_stiffness_of_springs() -> None:
    found = summarise_dataset(springs(), TaylorInput("axis", None))
    assert harmonic_stiffness(found) == pytest.approx(STIFFNESS, rel=1e-9)


@pytest.mark.parametrize("strategy", ["axis", "random"])
def test_the_neglected_energy_is_a_quarter_of_the_signal(strategy: str) -> None:
    structures = springs()
    step = estimate_delta(summarise_dataset(structures, TaylorInput(strategy, None)))
    assert step.stiffness == pytest.approx(STIFFNESS, rel=1e-9)
    assert step.neglected / step.signal == pytest.approx(0.25, rel=0.05)  # two digits of delta
    # By hand, for the copies that such a delta gives: all of them are wrong by k v^2 / 2.
    plan = make_copy_plan(structures, TaylorInput(strategy, step.delta, copies_per_structure=2))
    signal, neglected = [], []
    for s, parent in enumerate(structures):
        for copy in plan.copies(s, parent, plan.portions(s)[0]):
            signal.append(copy.energy - parent.energy)
            move_nc = copy.positions_nc - parent.positions_nc
            neglected.append(0.5 * STIFFNESS * (move_nc**2).sum())
    # One displacement was drawn of each structure; the signal follows from all its forces.
    assert np.sqrt(np.mean(np.square(signal))) == pytest.approx(step.signal, rel=0.25)
    assert np.mean(neglected) == pytest.approx(step.neglected, rel=1e-3)


def test_auto_is_told_and_used(caplog) -> None:
    with caplog.at_level(logging.INFO, "aenetpy"):
        plan = make_copy_plan(springs(), TaylorInput("axis", None, copies_per_structure=2))
    [message] = [r.getMessage() for r in caplog.records if "delta" in r.getMessage()]
    assert f"delta {plan.delta:g} Å" in message
    assert "stiffness 7 eV/Å^2" in message


def test_data_that_tell_nothing_are_refused() -> None:
    flat = [replace(s, forces_nc=np.zeros_like(s.positions_nc)) for s in springs()]
    upside_down = [replace(s, energy=-s.energy) for s in springs()]
    with pytest.raises(DataError, match="no structure with forces"):
        make_copy_plan(flat, TaylorInput("axis", None))
    with pytest.raises(DataError, match="do not tell a stiffness"):
        make_copy_plan(upside_down, TaylorInput("axis", None))
    with pytest.raises(DataError, match="do not tell a stiffness"):
        harmonic_stiffness(DatasetSummary())
