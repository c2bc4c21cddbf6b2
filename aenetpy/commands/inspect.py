"""``inspect``: the content of a file of aenet."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from aenetpy.commands.convert import read_any_trainset
from aenetpy.data.copies import is_copy
from aenetpy.data.geometry import Geometry
from aenetpy.data.setup import Setup
from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.data.training_set import TrainingSet
from aenetpy.descriptors.base import make_descriptor
from aenetpy.descriptors.cosine_convention import proven_convention
from aenetpy.descriptors.env_order import effective_setups
from aenetpy.errors import AenetpyError, DataError
from aenetpy.formats import recognise as kinds
from aenetpy.formats.derivatives import iter_derivatives
from aenetpy.formats.network import read_network
from aenetpy.formats.restart import BfgsRestart, EkfRestart, read_restart
from aenetpy.formats.rngstate import read_rngstate
from aenetpy.inputs.stp import read_stp
from aenetpy.models.remarks import warn_of_noise, warn_of_setups
from aenetpy.models.scaling import feature_scaling
from aenetpy.reports.json_text import plain
from aenetpy.seeds import N_WORDS
from aenetpy.structures.companion import find_companion, read_companion, read_geometry
from aenetpy.training.train_state import TrainState, read_train_state

Summary = dict[str, Any]

log = logging.getLogger("aenetpy")


def inspect(path: str) -> Summary:
    """Return the kind and the content of a file, as plain data for text or JSON."""
    kind = kinds.recognise(path)
    describe: dict[str, Callable[[str], Summary]] = {
        kinds.TRAINING_SET: lambda path: describe_trainset(read_any_trainset(path), path),
        kinds.GEOMETRY: lambda path: describe_geometry(read_companion(path).geometry),
        kinds.TRAINING_SET_TEXT: lambda path: describe_trainset(read_any_trainset(path)),
        kinds.POTENTIAL: lambda path: describe_network(read_network(path)),
        kinds.POTENTIAL_TEXT: lambda path: describe_network(read_network(path)),
        kinds.SETUP: describe_stp,
        kinds.DERIVATIVES: describe_derivatives,
        kinds.RESTART: lambda path: describe_restart(read_restart(path)),
        kinds.RANDOM_NUMBERS: describe_rngstate,
        kinds.TRAIN_STATE: lambda path: describe_train_state(read_train_state(path)),
    }
    summary: Summary = {"file": path, "kind": kind, "bytes": Path(path).stat().st_size}
    summary |= describe[kind](path)
    described: Summary = plain(summary)
    return described


def describe_trainset(trainset: TrainingSet, path: str | None = None) -> Summary:
    """Species, numbers, energies, setups with statistics, and a table of structures."""
    sizes_s = trainset.n_atoms_s
    unit = "" if trainset.normalized else "_eV"
    # The forces of displaced copies are unknown: not a number.
    longest = np.nanmax(np.linalg.norm(trainset.forces_nc, axis=1), initial=0.0)
    setups_t = trainset.setups_t
    return {
        "structures": trainset.n_structures,
        "displaced_copies": sum(map(is_copy, trainset.names_s)),
        "atoms": dict(zip(trainset.species, trainset.counts_st.sum(axis=0), strict=True)),
        "atoms_per_structure": _range(sizes_s),
        "atomic_energies_eV": _by_species(trainset),
        "normalized": trainset.normalized,
        "scale": trainset.scale,
        "shift_eV": trainset.shift,
        f"energy_per_atom{unit}": _energies(trainset),
        f"longest_force{unit and '_eV_per_A'}": longest,
        **(describe_companion(path, trainset) if path else {}),
        "setups": None if setups_t is None else describe_setups(setups_t, trainset.species),
        "structure_table": [
            {"name": name, "atoms": n_atoms, f"energy_per_atom{unit}": energy / max(n_atoms, 1)}
            for name, n_atoms, energy in zip(
                trainset.names_s, sizes_s.tolist(), trainset.energies_s.tolist(), strict=True
            )
        ],
    }


def describe_companion(training_set: str, trainset: TrainingSet) -> Summary:
    """Describe the companion of a training set; nothing where there is none."""
    companion = find_companion(training_set)
    if companion is None:
        return {}
    try:
        geometry = read_geometry(training_set, trainset)
    except DataError as error:  # the set itself can be looked at
        log.warning("%s", error)
        return {}
    return {"geometry": {"file": companion, **describe_geometry(geometry)}}


def describe_geometry(geometry: Geometry) -> Summary:
    """Tell of how many structures there are cells, forces and stress."""
    return {
        "periodic": np.count_nonzero(geometry.pbc_sc.any(axis=1)),
        "with_forces": np.count_nonzero(geometry.has_forces_s),
        "with_stress": np.count_nonzero(geometry.has_stress_s),
    }


def describe_network(network: SpeciesPotential) -> Summary:
    """Layers, activations, weights, the training set it comes from, and the setup."""
    (setup,) = describe_setups([network.setup], network.species)
    warn_of_noise(network)
    return {
        "species": network.setup.species,
        "layers": "-".join(map(str, network.nodes_l)),
        "activations": list(network.activations),
        "weights": {"number": len(network.weights_w), **_range(network.weights_w)},
        "training_set": network.training_file,
        "structures": network.n_structures,
        "atoms": network.n_atoms,
        "atomic_energies_eV": _by_species(network),
        "normalized": network.normalized,
        "scale": network.scale,
        "shift_eV": network.shift,
        "energy_per_atom_as_stored": _energies(network),
        "chebyshev_domain": proven_convention(network.setup),
        "setup": setup,
    }


def describe_stp(path: str) -> Summary:
    """Describe a setup of which nothing is known but itself."""
    setup = read_stp(path)
    return describe_setup(setup, component_names(setup, setup))


def describe_setups(setups: Sequence[Setup], types: tuple[str, ...]) -> list[Summary]:
    """Describe setups that were used with these TYPES; warn where aenet takes them wrongly."""
    setups = [replace(setup, types=types) for setup in setups]
    effective: Sequence[Setup | None] = [None] * len(setups)
    try:
        warn_of_setups(setups)
        effective = effective_setups(setups)
    except DataError as error:  # they can be looked at, although not evaluated
        log.warning("%s", error)
    return list(map(describe_setup, setups, map(component_names, setups, effective)))


def describe_setup(setup: Setup, names: Sequence[str]) -> Summary:
    """Kind of fingerprint, its parameters, and a table of components with statistics."""
    summary: Summary = {
        "species": setup.species,
        "environment": list(setup.environment),
        "description": " / ".join(line.strip() for line in setup.description.split("$$")).strip(
            " /"
        ),
        "type": setup.kind,
        "smallest_distance_A": setup.r_min,
        "cutoff_A": setup.r_max,
        "number_of_components": setup.n_features,
    }
    summary.update(setup.family.summary(setup))
    rows: list[Summary] = [{"name": name} for name in names]
    known = setup.statistics
    summary["atoms_evaluated"] = 0 if known is None else known.count
    if known is not None and known.count:
        _, inverse_sigma_g = feature_scaling(known)
        for g, row in enumerate(rows):
            row["minimum"], row["maximum"] = known.minimum_g[g], known.maximum_g[g]
            row["mean"] = known.mean_g[g]
            row["deviation"] = 1.0 / inverse_sigma_g[g] if inverse_sigma_g[g] else 0.0
        summary["constant_components"] = [row["name"] for row in rows if not row["deviation"]]
    summary["components"] = rows
    return summary


def component_names(setup: Setup, effective: Setup | None) -> list[str]:
    """Return the name of each fingerprint component; or numbers."""
    with suppress(AenetpyError):
        if effective is not None:
            return make_descriptor(setup, setup.environment, effective=effective).names()
    return [str(g + 1) for g in range(setup.n_features)]


def describe_derivatives(path: str) -> Summary:
    """Structures, and how large the derivatives are."""
    n_structures = n_with = n_atoms = most = 0
    components: dict[str, int] = {}
    for structure in iter_derivatives(path):
        n_structures += 1
        n_with += structure.atoms is not None
        for atom in structure.atoms or ():
            n_atoms += 1
            most = max(most, len(atom.neighbors_p))
            components[f"type {atom.type + 1}"] = len(atom.central_gc)
    return {
        "structures": n_structures,
        "structures_with_derivatives": n_with,
        "atoms_with_derivatives": n_atoms,
        "components": dict(sorted(components.items())),
        "most_neighbours": most,
    }


def describe_restart(state: BfgsRestart | EkfRestart) -> Summary:
    """Tell the method and where it stands."""
    if isinstance(state, EkfRestart):
        return {
            "method": "ekf",
            "weights": state.n_weights,
            "groups": len(state.sizes_k),
            "weights_per_group": _range(state.sizes_k),
            "forgetting_factor": state.forgetting,
            "trace_of_covariance": np.trace(state.covariance_kww, axis1=1, axis2=2).sum(),
        }
    # Positions as documented in L-BFGS-B 3.0, counted from 1 there.
    return {
        "method": "bfgs",
        "weights": state.n,
        "corrections": state.m,
        "task": state.task.strip(),
        "iteration": state.isave[29],
        "evaluations": state.isave[33],
        "objective": state.dsave[1],
        "largest_gradient": state.dsave[12],
        "factr": state.factr,
        "pgtol": state.pgtol,
    }


def describe_train_state(state: TrainState) -> Summary:
    """Return method, epochs so far, smallest test error, weights."""
    return {
        "method": state.method,
        "epochs": state.epochs,
        "seed": state.seed,
        "best_test_error": state.best_rmse,  # eV/atom; weighted as by FORCES with these
        "weights": {"number": len(state.weights_w), **_range(state.weights_w)},
        "memory": sorted(state.memory),
    }


def describe_rngstate(path: str) -> Summary:
    """Tell the seed of the choice of the test set."""
    words = read_rngstate(path)
    usable = len(words) == N_WORDS
    return {
        "generator": "xoshiro256** (gfortran 7 and later)" if usable else "of an older gfortran",
        "numbers": len(words),
        "seed": words,
    }


def _range(values: Any) -> Summary:
    if len(values) == 0:
        return {}
    return {"minimum": np.min(values), "maximum": np.max(values)}


def _by_species(source: TrainingSet | SpeciesPotential) -> Summary:
    return dict(zip(source.species, source.atomic_energies_t, strict=True))


def _energies(source: TrainingSet | SpeciesPotential) -> Summary:
    return {
        "minimum": source.energy_minimum,
        "maximum": source.energy_maximum,
        "average": source.energy_average,
    }
