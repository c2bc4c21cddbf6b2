"""The report of ``learn``: all that stands in the state and in the folders of the cycles."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from aenetpy.analysis.errors import summarise
from aenetpy.analysis.parity import ParityGroup
from aenetpy.arrays import Float, Long
from aenetpy.data.copies import is_copy
from aenetpy.data.structure import Structure
from aenetpy.errors import DataError
from aenetpy.files.files import read_text, replace_file, within
from aenetpy.inputs.learn import Learn
from aenetpy.inputs.lines import times
from aenetpy.learning.state import CycleRecord, ErrorPair, LearnState
from aenetpy.models.committee import Committee
from aenetpy.structures.reading import iter_structures, source_of

GAMMA, TRAJECTORY = "gamma.csv", "trajectory.xyz"
MEV = 1000.0


@dataclass(frozen=True, eq=False)
class GammaTrace:
    """Disagreement along the walks, in the order of time.

    Parameters
    ----------
    gammas_k
        eV/Å, of each check.
    steps_k
        Of the walk.
    cycles_k
        Cycle in which it was checked.
    walks_k
        Name of the start structure.
    """

    gammas_k: Float
    steps_k: Long
    cycles_k: Long
    walks_k: Sequence[str]


@dataclass(frozen=True, eq=False)
class ParityRecord:
    """Energies (eV/atom) and force components (eV/Å) of held-out structures, in groups."""

    energies: Sequence[ParityGroup]
    forces: Sequence[ParityGroup]


@dataclass(frozen=True, eq=False)
class LearnRecord:
    """Contents of the report of a run of learning."""

    name: str
    settings: Sequence[str]
    cycles: Sequence[CycleRecord]
    trace: GammaTrace | None = None
    reference: Mapping[str, float] = field(default_factory=dict)
    full: Mapping[str, float] | None = None
    parity: Mapping[str, ParityRecord] = field(default_factory=dict)
    potential: str = ""
    ended: str = ""
    walks: Mapping[str, str] = field(default_factory=dict)
    full_spread: Mapping[str, float] = field(default_factory=dict)


def cycle_name(cycle: int) -> str:
    """Return the name of the folder of a cycle."""
    return f"cycle-{cycle:03d}"


def held_out_structures(names: Sequence[str], root: Path) -> list[Structure]:
    """Return the structures that are held out, those alone that have energy and forces."""
    numbers: dict[str, set[int]] = {}  # so that a file with many of them is read once
    for name in names:
        source = None if is_copy(name) else source_of(within(root, name))
        if source is not None:
            numbers.setdefault(source[0], set()).add(source[1])
    found = [
        structure
        for entry, wanted in numbers.items()
        for k, structure in enumerate(iter_structures(entry))
        if k in wanted
    ]
    return [one for one in found if one.energy is not None and one.forces_nc is not None]


def parity_of_committee(committee: Committee, structures: Sequence[Structure]) -> ParityRecord:
    """Return energies per atom and forces of structures, by the reference and a committee."""
    energies: list[tuple[float, float]] = []
    forces: list[tuple[Float, Float]] = []
    for structure in structures:
        found = committee.evaluate(structure).mean
        assert structure.energy is not None
        assert structure.forces_nc is not None
        assert found.forces_nc is not None
        energies.append((structure.energy / len(structure), found.energy / len(structure)))
        forces.append((structure.forces_nc, found.forces_nc))
    reference_s, predicted_s = np.array(energies).T
    reference_nc, predicted_nc = (np.concatenate(part) for part in zip(*forces, strict=True))
    return ParityRecord(
        [ParityGroup("", reference_s, predicted_s)], [ParityGroup("", reference_nc, predicted_nc)]
    )


def errors_of(found: ParityRecord) -> ErrorPair:
    """Return the errors of predictions."""
    energy = summarise(found.energies[0].predicted - found.energies[0].reference)
    force = summarise(found.forces[0].predicted - found.forces[0].reference)
    return ErrorPair(MEV * energy.mean, MEV * energy.rmse, force.mean, force.rmse)


def learn_record(
    settings: Learn, state: LearnState, root: Path, parity: Mapping[str, ParityRecord]
) -> LearnRecord:
    """Return the contents of the report."""
    results = Path(within(root, settings.folder))
    return LearnRecord(
        name=settings.folder,
        potential=os.path.join(settings.folder, cycle_name(state.cycles[-1].number)),
        ended=state.ended if state.stage == "done" else "",
        walks=_fates(settings, state),
        settings=read_text(settings.path).splitlines(),
        cycles=state.cycles,
        trace=_trace(results, state),
        reference=state.reference or {},
        full=None if state.full is None else state.full["values"],
        full_spread={} if state.full is None else state.full["spread"],
        parity=parity,
    )


def _fates(settings: Learn, state: LearnState) -> dict[str, str]:
    """Return how each walk has ended."""
    given_up = {one.walk: one.step for one in state.failures if one.is_walk}
    fates: dict[str, str] = {}
    for index, walk in enumerate(settings.explore):
        n_labels = sum(cycle.n_labels for cycle in state.cycles if cycle.walk == walk.name)
        of_all = "" if walk.start is None else f" of {walk.steps}"
        if walk.name in given_up:
            fate = f"was given up at step {given_up[walk.name]}{of_all}"
        elif index < state.walk:
            fate = "came to its end"
        elif index > state.walk:
            fate = "never ran" if state.stage == "done" else "is still to come"
        else:
            step = (state.point or {}).get("step", 0)
            fate = f"was left at step {step}{of_all}" if walk.start else "was left"
        fates[walk.name] = f"{fate}, {times(n_labels, 'label')}"
    return fates


def write_trajectory(results: Path, state: LearnState) -> None:
    """Join the trajectories of all cycles into one file, in the order of time."""
    with replace_file(results / TRAJECTORY) as joined:
        for cycle in state.cycles:
            path = results / cycle_name(cycle.number) / TRAJECTORY
            if path.exists():
                with path.open("rb") as own:
                    shutil.copyfileobj(own, joined)


def _trace(results: Path, state: LearnState) -> GammaTrace | None:
    """Return the disagreement along all walks; None without any."""
    rows = []
    for cycle in state.cycles:
        path = results / cycle_name(cycle.number) / GAMMA
        if path.exists():
            rows += [(cycle.number, *row) for row in _gamma_rows(path)]
    if not rows:
        return None
    cycles, walks, steps, gammas = zip(*rows, strict=True)
    return GammaTrace(np.array(gammas), np.array(steps), np.array(cycles), walks)


def _gamma_rows(path: Path) -> Iterator[tuple[str, int, float]]:
    """Yield walk, step and gamma of each line."""
    for number, line in enumerate(read_text(path).splitlines()[1:], start=2):
        try:
            walk, step, gamma = line.rsplit(",", 2)
            yield walk, int(step), float(gamma)
        except ValueError:
            raise DataError(
                f"'{line[:60]}' is no line 'walk,step,gamma'",
                file=path,
                line=number,
                hint="remove the line, and run the same command again",
            ) from None
