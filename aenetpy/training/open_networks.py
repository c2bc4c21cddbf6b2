"""The networks of a training run: opened or made, and saved as potentials."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.setup import Setup
from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.data.training_set import TrainingSet
from aenetpy.errors import DataError
from aenetpy.files.files import within
from aenetpy.formats.network import read_network, write_network
from aenetpy.inputs.train_in import NetworkLine, TrainInput
from aenetpy.models.network import Network
from aenetpy.reports.listener import Listener
from aenetpy.reports.train import network_created, network_restarted
from aenetpy.training.rescale import (
    rescaled_weights,
    same_inputs,
    same_output,
    scaling_digest,
    without_noise,
)
from aenetpy.training.train_state import TrainState
from aenetpy.training.weights import initial_weights

log = logging.getLogger("aenetpy")


@dataclass
class Networks:
    """The potential of each species, in TYPES order, and where it is saved."""

    files: dict[str, str]
    contents: list[SpeciesPotential]
    folder: str | Path = "."
    has_new: bool = False
    has_rescaled: bool = False
    state: TrainState | None = None
    weights_on_disk_w: Float | None = None

    @property
    def networks(self) -> list[Network]:
        """The network of each species."""
        return [Network(c.nodes_l, c.activations, c.weights_w) for c in self.contents]

    @property
    def weights_w(self) -> Float:
        """All weights, species after species."""
        return np.concatenate([content.weights_w for content in self.contents])

    @property
    def scaling(self) -> str:
        """Digest of the scaling in which the weights are expressed."""
        return scaling_digest(self.contents)

    def set_weights(self, weights_w: Float) -> None:
        """Take over all weights, species after species."""
        self.contents = with_weights(self.contents, weights_w)

    def save(self, suffix: str = "") -> None:
        """Write all potentials, with a suffix such as ``-00001`` for an epoch."""
        for path, content in zip(self.files.values(), self.contents, strict=True):
            write_network(within(self.folder, f"{path}{suffix}"), content)


def with_weights(contents: Sequence[SpeciesPotential], weights_w: Float) -> list[SpeciesPotential]:
    """Return the potentials with all weights, species after species."""
    ends = np.cumsum([content.weights_w.size for content in contents])
    parts = np.split(weights_w, ends[:-1])
    return [replace(content, weights_w=part) for content, part in zip(contents, parts, strict=True)]


def open_networks(
    settings: TrainInput,
    trainset: TrainingSet,
    training_file: str,
    seed: int,
    state: TrainState | None,
    folder: str | Path,
    listener: Listener,
) -> Networks:
    """Read the networks that exist and make the others (spec 3.2)."""
    lines = {line.species: line for line in settings.networks}
    paths = [within(folder, lines[symbol].file) for symbol in trainset.species]
    existing = [read_network(path) if os.path.exists(path) else None for path in paths]
    old = [content for content in existing if content is not None]
    networks = Networks({symbol: lines[symbol].file for symbol in trainset.species}, [], folder)
    if len(old) == len(existing):
        networks.weights_on_disk_w = np.concatenate([content.weights_w for content in old])
    if state is not None and len(old) == len(existing) and belongs_to(state, old):
        scaled = [continued_network(content, trainset, training_file) for content in old]
        if state.scaling == scaling_digest(scaled):  # also if the files are not rescaled yet
            existing = list(with_weights(scaled, state.weights_w))
        elif state.scaling == scaling_digest(old):
            existing = list(with_weights(old, state.weights_w))
        else:
            state = None
    else:
        state = None
    for symbol, content in zip(trainset.species, existing, strict=True):
        line = lines[symbol]
        if content is None:
            new = new_network(line, trainset, training_file, seed)
            networks.has_new = True
            listener.tell(network_created, symbol, new.nodes_l, new.activations)
        else:
            new = continued_network(content, trainset, training_file)
            if wants_rescaling(content, new, settings, known=state is not None):
                new = rescaled(content, new, line.file)
                networks.has_rescaled = True
            listener.tell(network_restarted, symbol, line.file, new.nodes_l, new.activations)
        networks.contents.append(new)
    networks.state = None if networks.has_rescaled else state
    return networks


def belongs_to(state: TrainState, contents: Sequence[SpeciesPotential]) -> bool:
    """Return whether files hold the weights of a state, or those that they held before.

    The state is written first and the files after it, so that a run that is killed in
    between leaves files of an earlier epoch, or some of each.
    """
    sizes = [content.weights_w.size for content in contents]
    if state.weights_w.size != sum(sizes):
        return False
    ends = np.cumsum(sizes)[:-1]
    return all(
        np.array_equal(content.weights_w, now_w) or np.array_equal(content.weights_w, before_w)
        for content, now_w, before_w in zip(
            contents,
            np.split(state.weights_w, ends),
            np.split(state.weights_on_disk_w, ends),
            strict=True,
        )
    )


def new_network(
    line: NetworkLine, trainset: TrainingSet, training_file: str, seed: int
) -> SpeciesPotential:
    """Return a potential with random weights."""
    setup = setup_of(line.species, trainset)
    nodes_l = (setup.n_features, *line.nodes, 1)
    weights_w = initial_weights(nodes_l, line.species, seed)
    activations = (*line.activations, "linear")
    return potential(nodes_l, activations, weights_w, setup, trainset, training_file)


def continued_network(
    existing: SpeciesPotential, trainset: TrainingSet, training_file: str
) -> SpeciesPotential:
    """Return a potential with the weights that exist and the scaling of a training set.

    A species that has no atoms in it keeps its statistics: there are no others.
    """
    setup = setup_of(existing.setup.species, trainset)
    assert setup.statistics is not None, "normalise refuses setups without statistics"
    if setup.statistics.count == 0:
        setup = existing.setup
    layers = existing.nodes_l, existing.activations, existing.weights_w
    return potential(*layers, setup, trainset, training_file)


def potential(
    nodes_l: tuple[int, ...],
    activations: tuple[str, ...],
    weights_w: Float,
    setup: Setup,
    trainset: TrainingSet,
    training_file: str,
) -> SpeciesPotential:
    """Return a potential with the scaling of a training set."""
    file = SpeciesPotential(
        nodes_l=nodes_l,
        activations=activations,
        weights_w=weights_w,
        setup=setup,
        training_file=training_file,
        normalized=True,
        scale=trainset.scale,
        shift=trainset.shift,
        species=trainset.species,
        atomic_energies_t=trainset.atomic_energies_t,
        n_atoms=trainset.n_atoms,
        n_structures=trainset.n_structures,
        energy_minimum=trainset.energy_minimum,
        energy_maximum=trainset.energy_maximum,
        energy_average=trainset.energy_average,
    )
    return without_noise(file)


def setup_of(species: str, trainset: TrainingSet) -> Setup:
    """Return the setup of a species, with its statistics."""
    assert trainset.setups_t is not None, "normalise refuses sets without setups"
    return next(setup for setup in trainset.setups_t if setup.species == species)


def wants_rescaling(
    old: SpeciesPotential, new: SpeciesPotential, settings: TrainInput, known: bool
) -> bool:
    """Return whether weights are to be re-expressed, so that the energies stay.

    They are, with one exception: weights of which nothing is known (no ``train.state``)
    are taken over by another MAXENERGY as they are. That is what aenet does, and they
    may be random ones, which are best in any scaling.
    """
    if same_inputs(old, new) and same_output(old, new):
        return False
    if known or settings.max_energy is None or not same_inputs(old, new):
        return True
    log.warning(
        "%s: MAXENERGY changes the scaling of the energies, and the network of %s is continued "
        "as it is; without MAXENERGY its energies are kept",
        settings.path,
        old.setup.species,
    )
    return False


def rescaled(old: SpeciesPotential, new: SpeciesPotential, file: str) -> SpeciesPotential:
    """Return the new potential with weights that give the energies of the old one."""
    log.info("%s: the scaling has changed; weights are adapted, energies stay as they were", file)
    try:
        return replace(new, weights_w=rescaled_weights(old, new))
    except ValueError as error:
        raise DataError(
            f"this network cannot be carried over to another scaling: {error}",
            file=file,
            hint="remove it to start anew",
        ) from None
