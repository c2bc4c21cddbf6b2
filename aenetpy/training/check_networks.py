"""Checks that the networks of ``train`` fit the training set."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aenetpy.data.setup import Setup
from aenetpy.data.species_potential import SpeciesPotential, weight_offsets
from aenetpy.data.training_set import TrainingSet
from aenetpy.descriptors.cosine_convention import ORIGINS, proven_convention
from aenetpy.descriptors.env_order import effective_species
from aenetpy.errors import DataError, InputError, located
from aenetpy.files.files import within
from aenetpy.formats.network import read_network
from aenetpy.inputs.train_in import NetworkLine, TrainInput
from aenetpy.models.atomic import check_network
from aenetpy.parallel import machine_memory

MOST_WEIGHTS = 5_000_000
"""Of all networks; bfgs keeps 392 bytes for each in a record of train.restart, 2 GB at most."""

log = logging.getLogger("aenetpy")


def check_networks(settings: TrainInput, trainset: TrainingSet, folder: str | Path) -> None:
    """Check that NETWORKS, and the networks that exist, fit a training set."""
    check_lines(settings, trainset.species)
    setups = {setup.species: setup for setup in trainset.setups_t or ()}
    n_weights = 0
    for line in settings.networks:
        path = within(folder, line.file)
        if line.species in setups and os.path.exists(path):
            existing = read_network(path)
            setup = replace(setups[line.species], types=trainset.species)
            check_existing(line, existing, setup, settings.path)
            n_weights += existing.weights_w.size
        elif line.species in setups:
            nodes_l = (setups[line.species].n_features, *line.nodes, 1)
            n_weights += weight_offsets(nodes_l)[-1]
    check_memory(settings, n_weights, trainset.n_structures)


def check_memory(settings: TrainInput, n_weights: int, n_structures: int) -> None:
    """Refuse networks, or a method, that take more memory than there is, before it is taken."""
    if n_weights > MOST_WEIGHTS:
        raise InputError(
            f"the networks have {n_weights} weights",
            file=settings.path,
            line=settings.lines.get("NETWORKS"),
            hint=f"at most {MOST_WEIGHTS}: use fewer nodes",
        )
    method, key, n_bytes = settings.method, "", 0
    if method.name == "lm":  # J and J^T J, or J J^T
        key = "batchsize"
        size = min(int(settings.parameters[key]), n_structures)
        size += n_weights if settings.penalty > 0.0 else 0  # weights are residuals, too
        n_bytes = 8 * (2 * size * n_weights + min(size, n_weights) ** 2)
    elif method.name == "ekf":  # P, its change and its saved copy
        key = "wgroup"
        size = max(1, min(int(method.parameters[key]), n_weights))
        n_bytes = 8 * 4 * (-(-n_weights // size)) * size**2
    if n_bytes > machine_memory():
        raise InputError(
            f"{method.name} takes {n_bytes / 1e9:.1f} GB for {n_weights} weights,"
            f" this machine has {machine_memory() / 1e9:.1f}",
            file=settings.path,
            line=method.line or None,
            hint=f"use a smaller {key}, or fewer nodes",
        )


def check_lines(settings: TrainInput, species: Sequence[str]) -> None:
    """Require one line of NETWORKS for each species of the training set, each with its own file."""
    owner: dict[Path, str] = {}
    for line in settings.networks:
        if line.species not in species:
            raise InputError(
                f"species {line.species} is not in the training set ({' '.join(species)})",
                file=settings.path,
                line=line.line,
                hint=f"remove the line, or generate {settings.training_set} with this species",
            )
        path = Path(line.file).absolute()
        if path in owner:
            raise InputError(
                f"{line.species} and {owner[path]} have the same network file {line.file}",
                file=settings.path,
                line=line.line,
                hint="give each species a file of its own",
            )
        owner[path] = line.species
    missing = sorted(set(species) - set(owner.values()))
    if missing:
        raise InputError(
            f"no line for species {missing[0]} of the training set",
            file=settings.path,
            line=settings.lines.get("NETWORKS"),
            hint=f"add '{missing[0]} {missing[0]}.nn 2 15:tanh 15:tanh' below NETWORKS",
        )


def check_existing(
    line: NetworkLine, existing: SpeciesPotential, setup: Setup, train_in: str
) -> None:
    """Check that an existing network can be trained on this training set.

    An architecture other than in ``train.in`` is continued, as by aenet, with a warning.
    """
    check_network(line.species, existing, line.file)
    if not existing.setup.same_fingerprint(setup):
        raise DataError(
            f"this network was made for another fingerprint of {existing.setup.species} "
            f"({existing.setup.n_features} components) than that of the training set "
            f"({setup.n_features} components)",
            file=line.file,
            hint=f"remove it, or name another file in {train_in}:{line.line}",
        )
    check_lookup(line, existing, setup)
    check_convention(line, existing.setup, setup)
    wanted = ((setup.n_features, *line.nodes, 1), (*line.activations, "linear"))
    if (existing.nodes_l, existing.activations) != wanted:
        log.warning(
            "%s: exists and is continued with its own layers %s, not the layers of %s:%d; "
            "remove the file to start anew",
            line.file,
            "-".join(map(str, existing.nodes_l)),
            train_in,
            line.line,
        )


def check_lookup(line: NetworkLine, existing: SpeciesPotential, setup: Setup) -> None:
    """Refuse a network that was fitted to the functions of another species."""
    with located(line.file):
        symbols = [effective_species(setup, types) for types in (existing.species, setup.types)]
    if symbols[0] != symbols[1]:
        raise DataError(
            f"this network was fitted with TYPES {' '.join(existing.species)} to the functions of "
            f"{symbols[0]} for {setup.species}, and the training set has those of {symbols[1]} "
            f"(TYPES {' '.join(setup.types)}, ENV {' '.join(setup.environment)})",
            file=line.file,
            hint="generate the training set with the TYPES of the network, or train anew",
        )


def check_convention(line: NetworkLine, existing: Setup, setup: Setup) -> None:
    """Refuse to mix potentials and training sets with other variables of the angular part."""
    of_network, of_set = proven_convention(existing), proven_convention(setup)
    if of_network is None or of_set is None or of_network == of_set:
        return
    if "half" in (of_network, of_set) and len(setup.environment) > 1:
        return  # hydrogen in molecules looks like "half", see choose_conventions
    if of_set == "new":
        raise DataError(
            f"this network was fitted with {ORIGINS[of_network]}: to other angular fingerprints"
            " than those of the training set",
            file=line.file,
            hint=f"continue from what 'aenetpy upgrade {line.file} NEW.nn' writes",
        )
    raise DataError(
        f"the training set was generated with {ORIGINS[of_set]}: with other angular"
        " fingerprints than those of this network",
        file=line.file,
        hint="generate the training set anew",
    )
