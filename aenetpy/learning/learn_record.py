"""The report of ``learn``: what stands in the state and in the folders of the cycles."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from aenetpy.analysis.errors import summarise
from aenetpy.analysis.parity import ParityGroup
from aenetpy.arrays import Float
from aenetpy.data.copies import is_copy
from aenetpy.data.structure import Structure
from aenetpy.errors import DataError
from aenetpy.files.files import read_text, replace_file, within
from aenetpy.inputs.learn import Learn
from aenetpy.inputs.lines import times
from aenetpy.learning.record import CycleRecord, ErrorPair, GammaTrace, LearnRecord, ParityRecord
from aenetpy.learning.state import LearnState
from aenetpy.models.committee import Committee, read_committee
from aenetpy.structures.reading import iter_structures, source_of

GAMMA, TRAJECTORY = "gamma.csv", "trajectory.xyz"
MEV = 1000.0


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
    """Return energies per atom and forces of structures, and what a committee says of them."""
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


def learn_record(settings: Learn, state: LearnState, root: Path) -> LearnRecord:
    """Return all that there is to tell."""
    results = Path(within(root, settings.folder))
    structures = held_out_structures(state.test, root)
    first, last = state.cycles[0]["cycle"], state.cycles[-1]["cycle"]
    parity = {
        when: parity_of_committee(read_committee(results / cycle_name(cycle)), structures)
        for when, cycle in (("start", first), ("end", last))
        if structures
    }
    before: list[dict[str, Any]] = [{}, *state.cycles]
    return LearnRecord(
        name=settings.folder,
        potential=os.path.join(settings.folder, cycle_name(last)),
        ended=state.ended if state.stage == "done" else "",
        walks=_fates(settings, state),
        settings=read_text(settings.path).splitlines(),
        cycles=[_cycle(*pair, state) for pair in pairwise(before)],
        trace=_trace(results, state),
        reference=_numbers(state.reference or {}),
        full=None if state.full is None else _numbers(state.full["values"]),
        full_spread={} if state.full is None else _numbers(state.full["spread"]),
        parity=parity,
    )


def _fates(settings: Learn, state: LearnState) -> dict[str, str]:
    """Return how each walk has ended."""
    given_up = {one["walk"]: one["step"] for one in state.failures if one.get("given_up")}
    fates: dict[str, str] = {}
    for index, walk in enumerate(settings.explore):
        n_labels = sum(
            fit.get("n_labels", 0) for fit in state.cycles if fit.get("walk") == walk.name
        )
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
        for fit in state.cycles:
            path = results / cycle_name(fit["cycle"]) / TRAJECTORY
            if path.exists():
                with path.open("rb") as own:
                    shutil.copyfileobj(own, joined)


def _cycle(before: dict[str, Any], fit: dict[str, Any], state: LearnState) -> CycleRecord:
    """Return a cycle: the walk and the labels after a fit, and the fit to them."""
    own = {before.get("cycle")}
    if fit is state.cycles[-1]:
        own.add(fit["cycle"])  # whose labels are still to come
    failures = [one for one in state.failures if one["cycle"] in own]
    gammas = [_number(gamma) for gamma in before.get("gammas", [])]
    return CycleRecord(
        number=fit["cycle"],
        walk=before.get("walk", ""),
        step=before.get("steps", [0])[-1],
        gamma=max(gammas, default=math.nan),
        lower=_threshold(before.get("lower")),
        upper=_threshold(before.get("upper")),
        n_labels=before.get("n_labels", 0),
        n_failures=len(failures),
        n_training=fit["n_training"],
        held_out=ErrorPair(*fit["held_out"]) if fit["held_out"] is not None else None,
        new_gammas_s=gammas if len(gammas) == before.get("n_labels") else (),
        new_errors_s=before.get("new_errors", ()),
        seconds={
            "dynamics": before.get("seconds_walk", 0.0),
            "labelling": before.get("seconds_label", 0.0),
            "training": fit["seconds_fit"],
        },
        properties=_numbers(fit["properties"]),
        failures=[f"{one['walk']}, step {one['step']}: {one['reason']}" for one in failures],
    )


def _trace(results: Path, state: LearnState) -> GammaTrace | None:
    """Return the disagreement along all walks; None without any."""
    rows = []
    for fit in state.cycles:
        path = results / cycle_name(fit["cycle"]) / GAMMA
        if path.exists():
            rows += [(fit["cycle"] + 1, *row) for row in _gamma_rows(path)]
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


def _threshold(value: float | None) -> float:
    return math.inf if value is None else value


def _numbers(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: _number(value) for name, value in values.items()}


def _number(value: float | None) -> float:
    return math.nan if value is None else value
