"""The plan of a study: structures held out, structures for training, trials."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from aenetpy.analysis.atomic_energies import EnergiesOfCompositions
from aenetpy.data.structure import Structure
from aenetpy.data.study_models import MODELS
from aenetpy.descriptors.repeats import RepeatedStructures
from aenetpy.digests import digest_of
from aenetpy.errors import InputError
from aenetpy.files.files import read_bytes, within
from aenetpy.inputs.generate_in import GenerateInput, format_generate_in, read_generate_in
from aenetpy.inputs.lines import Entry, Place, times
from aenetpy.inputs.study import Study, Variant
from aenetpy.inputs.taylor import TaylorInput
from aenetpy.inputs.train_in import (
    NetworkLine,
    TrainInput,
    check_together,
    format_train_in,
    read_train_in,
)
from aenetpy.structures.from_settings import read_structures

TRAINING_SET = "refdata.train"
GENERATE, TRAIN = "generate.in", "train.in"
AUGMENTED = "generate-augmented.in"

HELD_OUT, PARENTS = 0, 1
"""Streams of random numbers."""

EnergiesByName = dict[str, Structure]

_BYTES = ("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Trial:
    """One training: a variant, a number of structures and a seed."""

    variant: Variant
    size: int
    seed: int
    folder: Path
    inputs: Mapping[str, str] = field(repr=False)
    copies: TaylorInput | None
    digest: str
    needs: Trial | None = None

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.folder.name

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps, in order."""
        if not self.variant.is_network:
            return ("generate",)
        return ("generate", "train") if self.copies is None else ("augment", "generate", "train")


@dataclass(frozen=True)
class StudyPlan:
    """All trials of a study."""

    study: Study
    settings: GenerateInput
    held_out: tuple[str, ...]
    n_pool: int
    trials: tuple[Trial, ...]
    root: str | Path
    apart: tuple[str, ...] = ()
    structures: EnergiesByName = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        """For the results."""
        return Path(within(self.root, self.study.folder))

    def in_file_order(self) -> list[Trial]:
        """Return the trials sorted by variant, size and seed, as the study file names them."""
        names = [variant.name for variant in self.study.variants]
        return sorted(
            self.trials,
            key=lambda trial: (
                names.index(trial.variant.name),
                self.study.sizes.index(trial.size),
                self.study.seeds.index(trial.seed),
            ),
        )


def make_study_plan(study: Study, root: str | Path = ".") -> StudyPlan:
    """Read the input files of a study that takes place in a folder, and draw its structures."""
    settings = read_generate_in(within(root, study.generate), root)
    train = read_train_in(within(root, study.train))
    for variant in study.variants:
        check_study_species(variant, train, settings)
        check_study_training(variant, train)
    if Path(root).resolve().is_relative_to(Path(within(root, study.folder)).resolve()):
        raise InputError(
            f"folder '{study.folder}' is the working directory, or holds it",
            file=study.path,
            line=study.lines.get("folder"),
            hint="name a folder for the results",
        )
    if settings.taylor is not None:
        keyword = "TAYLOR" if "TAYLOR" in settings.lines else "DERIVATIVES"
        raise InputError(
            f"{keyword} belongs to the variants of a study",
            file=settings.path,
            line=settings.lines.get(keyword),
            hint=f"remove it, and give a variant in {study.path} 'taylor: ...'",
        )
    digests, energies = structure_digests(settings, root)
    names = list(digests)
    largest = max(study.sizes)
    if study.test + study.apart + largest > len(names):
        raise InputError(
            f"{study.test + study.apart} structures for testing and {largest} for training are more"
            f" than the {times(len(names), 'structure')} in {study.generate}",
            file=study.path,
            line=study.lines.get("sizes"),
            hint="make test or sizes smaller",
        )
    shuffled = np.random.default_rng([study.test_seed, HELD_OUT]).permutation(len(names))
    held_out = [names[k] for k in sorted(shuffled[: study.test])]
    n_out = study.test + study.apart
    apart = [names[k] for k in sorted(shuffled[study.test : n_out])]
    pool = [names[k] for k in sorted(shuffled[n_out:])]
    common = [digests[name] for name in [*held_out, *apart]]
    trials: dict[tuple[str, int, int], Trial] = {}
    for variant in study.in_order():
        own = of_variant(variant, settings)
        setups = [digest_of(read_bytes(within(root, own.setups[s].text))) for s in own.setups]
        for size in study.sizes:
            for seed in study.seeds:
                parents = draw_parents(pool, size, seed)
                data = [*setups, *common, *(digests[name] for name in parents)]
                own = replace(
                    own, atomic_energies_t=atomic_energies(variant, settings, energies, parents)
                )
                needs = None if variant.needs is None else trials[variant.needs, size, seed]
                trials[variant.name, size, seed] = make_trial(
                    study, own, train, variant, parents, seed, needs, data, root
                )
    return StudyPlan(
        study,
        settings,
        tuple(held_out),
        len(pool),
        tuple(trials.values()),
        root,
        tuple(apart),
        {name: energies[name] for name in names},
    )


def of_variant(variant: Variant, settings: GenerateInput) -> GenerateInput:
    """Return the contents of ``generate.in`` with the fingerprints of a variant."""
    unknown = [symbol for symbol in variant.setups if symbol not in settings.setups]
    if unknown:
        raise variant.place.error(
            f"{variant.name}: setup of {unknown[0]}, but {settings.path} has"
            f" {' '.join(settings.species)}"
        )
    line = variant.place.line or 0
    own = {symbol: Entry(path, line) for symbol, path in variant.setups.items()}
    return replace(settings, setups={**settings.setups, **own})


def atomic_energies(
    variant: Variant,
    settings: GenerateInput,
    energies: EnergiesByName,
    parents: Iterable[str],
) -> tuple[float, ...]:
    """Return the atomic energies, eV, that a variant subtracts from its targets."""
    if variant.targets == "atomic":
        return settings.atomic_energies_t
    known = EnergiesOfCompositions()
    for name in parents:
        structure = energies[name]
        known.add(structure)
    if len(known) < len(list(parents)):
        raise variant.place.error(
            f"{variant.name}: targets {variant.targets} need total energies, which some"
            " structures do not have",
            "write 'targets: atomic'",
        )
    if variant.targets == "raw":
        return (0.0,) * len(settings.species)
    return tuple(known.fit(settings.species).energies_t.tolist())


def with_hidden_layers(variant: Variant, train: TrainInput) -> TrainInput:
    """Return ``train.in`` with layers, nodes and activation of a variant for all species."""
    given = variant.parameters if variant.is_network else {}
    n_layers, n_nodes = given.get("layers"), given.get("nodes")
    activation = given.get("activation", "as given")
    networks = []
    for network in train.networks:
        nodes = network.nodes if n_nodes is None else (int(n_nodes),) * max(len(network.nodes), 1)
        names = network.activations or ("tanh",)
        if activation != "as given":
            names = (str(activation),)
        size = len(nodes) if n_layers is None else int(n_layers)
        nodes = (*nodes, *(nodes[-1:] or (15,)) * size)[:size]
        networks.append(
            replace(network, nodes=nodes, activations=(*names, *names[-1:] * size)[:size])
        )
    return replace(train, networks=tuple(networks)) if given else train


def check_study_species(variant: Variant, train: TrainInput, settings: GenerateInput) -> None:
    """Refuse networks, or displacements, of other species than in ``generate.in``."""
    if not variant.is_network:
        return
    networks = {network.species for network in replace(train, **variant.train).networks}
    delta = None if variant.taylor is None else variant.taylor.delta
    known = set(settings.species)
    if networks != known:
        raise variant.place.error(
            f"{variant.name}: networks of {' '.join(sorted(networks))}, but {settings.path} has"
            f" {' '.join(settings.species)}"
        )
    if isinstance(delta, Mapping) and set(delta) != known:
        raise variant.place.error(
            f"{variant.name}: delta of {' '.join(delta)}, but {settings.path} has"
            f" {' '.join(settings.species)}"
        )


def check_study_training(variant: Variant, train: TrainInput) -> None:
    """Refuse keywords of a variant and of ``train.in`` that contradict each other."""
    try:
        check_together(replace(train, **variant.train))
    except InputError as error:
        raise variant.place.error(f"{variant.name}: {error.message}", error.hint) from None


def structure_digests(
    settings: GenerateInput, root: str | Path
) -> tuple[dict[str, str], EnergiesByName]:
    """Return name and digest of each structure of FILES; structures that are alike count once.

    The second dictionary holds compositions and energies, as structures without positions.
    """
    repeats = RepeatedStructures()
    by_forces: dict[str, Structure] = {}
    energies: EnergiesByName = {}
    for entry in settings.files:
        for structure in read_structures(replace(settings, files=(entry,)), root):
            place = Place(settings.path, entry.line)
            if structure.parent is not None:
                raise place.error(
                    f"'{structure.name}' is a displaced copy of '{structure.parent}'",
                    "list structures as given; copies belong to the variants",
                )
            if structure.name.startswith(f"{entry.text}#"):
                raise place.error(
                    f"the structures of '{entry.text}' cannot be told apart by number",
                    "choose them as in run.traj@: or run.traj@0:10",
                )
            other = by_forces.setdefault(forces_digest(structure), structure)
            if not np.array_equal(other.positions_nc, structure.positions_nc):
                raise place.error(
                    f"'{structure.name}' has the forces of '{other.name}' at other positions: it is"
                    " a displaced copy, or the same structure moved",
                    "list structures as given; copies belong to the variants",
                )
            repeats.add(structure)
            energies[structure.name] = replace(
                structure, positions_nc=np.empty((0, 3)), forces_nc=None
            )
    repeats.tell(settings, "they are left out")
    return {name: digest for digest, name in repeats.names.items()}, energies


def forces_digest(structure: Structure) -> str:
    """Return a digest of species, cell and forces, which PyITA's copies share with their parents.

    Forces that are unknown or zero tell nothing: the positions count then.
    """
    forces_nc = structure.forces_nc
    if forces_nc is None or not forces_nc.any():
        forces_nc = structure.positions_nc
    cell = b"" if structure.cell_cc is None else structure.cell_cc.tobytes()
    return digest_of(repr(structure.species).encode(*_BYTES) + cell + forces_nc.tobytes())


def draw_parents(pool: list[str], size: int, seed: int) -> list[str]:
    """Return the training structures of a seed; larger sets begin with the smaller ones."""
    order = np.random.default_rng([seed, PARENTS]).permutation(len(pool))
    return [pool[k] for k in order[:size]]


def make_trial(
    study: Study,
    settings: GenerateInput,
    train: TrainInput,
    variant: Variant,
    parents: Iterable[str],
    seed: int,
    needs: Trial | None,
    data: list[str],
    root: str | Path,
) -> Trial:
    """Return a trial, with its input files made from the files of the study."""
    parents = list(parents)
    folder = Path(within(root, study.folder)) / "trials" / f"{variant.name}-{len(parents)}-{seed}"
    taylor = variant.taylor
    if taylor is not None:
        potential = None if needs is None else f"../{needs.name}"
        taylor = replace(taylor, seed=seed, potential=potential)
    generate_in = replace(
        settings,
        setups={
            symbol: Entry(_relative(within(root, setup.text), folder), setup.line)
            for symbol, setup in settings.setups.items()
        },
        files=tuple(Entry(_relative(within(root, name), folder), 0) for name in parents),
        output=TRAINING_SET,
        forces=False,
        timing=False,
        taylor=None if variant.mixed else taylor,
    )
    train_in = replace(
        with_hidden_layers(variant, replace(train, **variant.train)),
        training_set=TRAINING_SET,
        seed=seed,
        save_energies=False,
        timing=False,
    )
    train_in = replace(train_in, networks=tuple(map(_plain_file, train_in.networks)))
    copies = taylor if variant.mixed else None
    inputs = {GENERATE: format_generate_in(generate_in)}
    if variant.is_network:
        inputs[TRAIN] = format_train_in(replace(train_in, iterwrite=0))  # the last networks count
    # The names of files do not matter: data has digests of their content.
    nameless = replace(
        generate_in, setups={symbol: Entry(symbol, 0) for symbol in settings.setups}, files=()
    )
    needed = None if needs is None else needs.digest
    plain = format_train_in(replace(train_in, iterwrite=1))
    if not variant.is_network:
        parameters = {**MODELS[variant.model].defaults, **variant.parameters}
        plain = f"{variant.model} {variant.labels} {parameters}"
    definition = [format_generate_in(nameless), plain, f"{copies}", data, needed]
    digest = digest_of(json.dumps(definition).encode())
    return Trial(variant, len(parents), seed, folder, inputs, copies, digest, needs)


def _plain_file(network: NetworkLine) -> NetworkLine:
    """Name a network by its species: trials begin with new ones, under any name in NETWORKS."""
    return replace(network, file=f"{network.species}.nn")


def _relative(path: str, folder: Path) -> str:
    """Return a path as it is seen from a folder, which may be a link."""
    if os.path.isabs(path):
        return path
    here = os.path.join(os.path.realpath(os.curdir), path)
    return os.path.relpath(here, os.path.realpath(folder))
