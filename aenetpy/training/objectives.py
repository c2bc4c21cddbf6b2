"""The objective of ``train``: errors of energies alone, or of energies, forces and stress."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from aenetpy.arrays import Float, Index, Mask
from aenetpy.data.geometry import Geometry, structures_of
from aenetpy.data.training_set import TrainingSet
from aenetpy.descriptors.base import make_descriptors
from aenetpy.descriptors.jacobians import (
    Jacobians,
    RecomputedJacobians,
    StoredJacobians,
    consecutive,
    stored_numbers,
)
from aenetpy.descriptors.zero_forces import symmetry_demands_zero
from aenetpy.errors import DataError, InputError
from aenetpy.files.files import within, write_text
from aenetpy.formats.tables import format_forces_table
from aenetpy.inputs.lines import times
from aenetpy.inputs.train_blocks import ForceSettings
from aenetpy.inputs.train_in import TrainInput
from aenetpy.models.network import Network
from aenetpy.parallel import Workers, machine_memory
from aenetpy.structures.companion import read_geometry
from aenetpy.training.forces import EV_PER_A3_IN_GPA, Forces, ForceWeights
from aenetpy.training.objective import Objective

PURPOSE = tuple(b"forces")
"""Number of this stream of random numbers."""

MEGABYTE = 1e6
SHOWN = 5
"""Structures that a note names, of many."""

log = logging.getLogger("aenetpy")


def training_geometry(
    settings: TrainInput,
    training_set: str,
    trainset: TrainingSet,
    train_s: Index,
    seed: int,
    folder: str | Path = ".",
) -> Geometry | None:
    """Return cells, known forces and stresses of the structures; None without FORCES."""
    if settings.forces is None:
        return None
    known = usable_geometry(
        settings, trainset, read_geometry(within(folder, training_set), trainset, folder)
    )
    require_labels(settings, known, train_s)
    return replace(known, has_forces_s=chosen_forces(settings, known.has_forces_s, train_s, seed))


def make_objectives(
    settings: TrainInput,
    trainset: TrainingSet,
    geometry: Geometry | None,
    train_s: Index,
    test_s: Index,
    networks_t: Sequence[Network],
    workers: Workers,
    derivatives: Jacobians | None = None,
) -> tuple[Objective, Objective]:
    """Return the objectives over the training structures, with penalty, and the test structures.

    ``derivatives`` are chosen by `choose_derivatives` if they are not given.
    """
    forces_train = forces_test = None
    if settings.forces is not None and geometry is not None:
        weights = ForceWeights(
            settings.forces.alpha,
            settings.forces.energy / 1000.0,
            settings.forces.force,
            None if settings.stress is None else settings.stress / EV_PER_A3_IN_GPA,
        )
        if derivatives is None:
            derivatives = choose_derivatives(settings, trainset, geometry, workers)
        forces_train, forces_test = (
            Forces(trainset, geometry, weights, derivatives, chosen_s)
            for chosen_s in (train_s, test_s)
        )
    return (
        Objective(trainset, train_s, networks_t, workers, forces_train, settings.penalty),
        Objective(trainset, test_s, networks_t, workers, forces_test),
    )


def usable_geometry(settings: TrainInput, trainset: TrainingSet, geometry: Geometry) -> Geometry:
    """Return the geometry with the forces and the stress that can be trained on."""
    has_forces_s = geometry.has_forces_s.copy()
    refuse_placeholders(settings, trainset, geometry)
    ends_s = np.cumsum(trainset.n_atoms_s)
    absurd: list[str] = []
    for s in np.flatnonzero(has_forces_s):
        forces_nc = trainset.forces_nc[ends_s[s] - trainset.n_atoms_s[s] : ends_s[s]]
        largest = float(np.abs(forces_nc).max()) / trainset.scale
        if not np.isfinite(largest):
            raise DataError(
                "a force is not a finite number",
                file=trainset.names_s[s],
                hint="remove the structure, or its forces, and generate the set again",
            )
        if settings.max_forces is not None and largest >= settings.max_forces:
            absurd.append(f"{trainset.names_s[s]} ({largest:.4g})")
            has_forces_s[s] = False
    if absurd:
        log.info(
            "MAXFORCES %g: the forces of %s are not used: %s%s; largest components in eV/Å",
            settings.max_forces,
            times(len(absurd), "structure"),
            ", ".join(absurd[:SHOWN]),
            ", ..." if len(absurd) > SHOWN else "",
        )
    if settings.stress is None:
        return replace(geometry, has_forces_s=has_forces_s)
    for s in np.flatnonzero(geometry.has_stress_s & ~geometry.pbc_sc.all(axis=1)):
        raise DataError(
            "has a stress, but no cell that is periodic in all directions",
            file=trainset.names_s[s],
            hint="remove its stress and generate the set again, or remove STRESS",
        )
    return replace(geometry, has_forces_s=has_forces_s)


def refuse_placeholders(settings: TrainInput, trainset: TrainingSet, geometry: Geometry) -> None:
    """Refuse forces that are all exactly zero, although symmetry does not demand it."""
    of_known_n = np.repeat(geometry.has_forces_s, trainset.n_atoms_s)
    if not of_known_n.any() or trainset.forces_nc[of_known_n].any():
        return
    structures = np.array(structures_of(trainset, geometry), dtype=object)
    if not all(map(symmetry_demands_zero, structures[geometry.has_forces_s])):
        raise InputError(
            f"FORCES: all forces of '{settings.training_set}' are exactly zero, although symmetry"
            " does not demand it",
            file=settings.path,
            line=settings.lines.get("FORCES"),
            hint="generate the set from structures with calculated forces, or remove FORCES",
        )


def chosen_forces(settings: TrainInput, has_forces_s: Mask, train_s: Index, seed: int) -> Mask:
    """Return which structures' forces are used: FORCESPERCENT of those for training, at random."""
    chosen_s = has_forces_s.copy()
    if settings.forces_percent < 100.0:
        with_forces = train_s[has_forces_s[train_s]]
        n_used = round(len(with_forces) * settings.forces_percent / 100.0)
        if n_used == 0 and settings.stress is None:
            raise InputError(
                f"FORCESPERCENT {settings.forces_percent:g} leaves no forces to train on: "
                f"{len(with_forces)} training structures have some",
                file=settings.path,
                line=settings.lines.get("FORCESPERCENT"),
                hint="raise it, or remove FORCES",
            )
        stream = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=PURPOSE))
        chosen_s[stream.permutation(with_forces)[n_used:]] = False
    return chosen_s


def require_labels(settings: TrainInput, geometry: Geometry, train_s: Index) -> None:
    """Refuse FORCES and STRESS where no training structure has any."""
    for keyword, is_wanted, known_s, plural in (
        ("FORCES", settings.stress is None, geometry.has_forces_s, "forces"),
        ("STRESS", settings.stress is not None, geometry.has_stress_s, "a stress"),
    ):
        if is_wanted and not known_s[train_s].any():
            raise InputError(
                f"{keyword}: no training structure has {plural} to train on",
                file=settings.path,
                line=settings.lines.get(keyword),
                hint=f"remove {keyword}, or generate the set from structures that have {plural}",
            )


def choose_derivatives(
    settings: TrainInput, trainset: TrainingSet, geometry: Geometry, workers: Workers
) -> Jacobians:
    """Return derivatives of fingerprints, kept if they fit into CACHE, else recomputed.

    By default a quarter of the memory of the machine, not of what is free at the moment: the
    same run takes the same way every time.
    """
    assert trainset.setups_t is not None, "normalise refuses sets without setups"
    descriptors = make_descriptors(trainset.setups_t)
    structures = structures_of(trainset, geometry)
    strain = settings.stress is not None
    followed_s = np.flatnonzero(geometry.has_forces_s | (geometry.has_stress_s & strain))
    sizes_t = np.array([descriptor.n_features for descriptor in descriptors])
    single = settings.cache is not None and settings.cache.single
    counts_st = trainset.counts_st
    needed = (
        stored_numbers(counts_st[followed_s], sizes_t, strain) * (4 if single else 8) / MEGABYTE
    )
    allowed = (
        machine_memory() / 4.0 / MEGABYTE if settings.cache is None else settings.cache.megabytes
    )
    if needed > allowed:
        log.info(
            "derivatives of fingerprints are recomputed in every epoch: they would take %.0f MB, "
            "CACHE is %.0f MB",
            needed,
            allowed,
        )
        return RecomputedJacobians(structures.__getitem__, trainset.species, descriptors, strain)
    log.info("derivatives of fingerprints are kept: %.0f MB; CACHE is %.0f MB", needed, allowed)
    return StoredJacobians(
        structures.__getitem__,
        trainset.species,
        descriptors,
        strain,
        followed_s,
        counts_st,
        single,
        workers,
    )


def save_forces(name: str, trainset: TrainingSet, objective: Objective, weights_w: Float) -> None:
    """Write reference and predicted forces of structures that have some (SAVE_FORCES)."""
    chosen = objective.structures_with_forces
    n_atoms_s = trainset.n_atoms_s.astype(np.int64)
    atoms_n = consecutive((np.cumsum(n_atoms_s) - n_atoms_s)[chosen], n_atoms_s[chosen])
    errors_nc = objective.evaluate(weights_w, gradient=False).errors[1].reshape(-1, 3)
    reference_nc = trainset.forces_nc[atoms_n] / trainset.scale
    write_text(
        name,
        format_forces_table(
            [trainset.names_s[s] for s in np.repeat(chosen, n_atoms_s[chosen])],
            consecutive(np.ones_like(chosen), n_atoms_s[chosen]).tolist(),
            [trainset.species[t] for t in trainset.types_n[atoms_n]],
            reference_nc,
            reference_nc - errors_nc,
        ),
    )


def warn_of_small_alpha(settings: TrainInput) -> None:
    """Warn of forces that hardly count, as by aenet-PyTorch's default."""
    if settings.forces == ForceSettings():
        log.warning(
            "%s: FORCES has alpha=0.1, the default of aenet-PyTorch, with which forces hardly"
            " count; energies and forces both become better with alpha=0.99",
            settings.path,
        )
