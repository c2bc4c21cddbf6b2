"""Random training sets and potentials for the format tests."""

import dataclasses

import numpy as np
from hypothesis import strategies as st

from aenetpy.data.activations import ACTIVATIONS
from aenetpy.data.setup import FeatureStatistics, Setup
from aenetpy.data.species_potential import SpeciesPotential, weight_offsets
from aenetpy.data.training_set import TrainingSet

SYMBOLS = ("Ti", "O", "H", "Cu", "Au")


def make_setup(rng, species, environment, n_features, description="  one line$$"):
    """Return a setup with random numbers, as far as they may be any."""
    functions_g = rng.integers(1, 6, n_features).astype(np.int32)
    parameters_gp = abs(rng.normal(size=(n_features, 4)))
    parameters_gp[functions_g == 3, 3] = 1e300  # means nothing there
    partners_g2 = rng.integers(1, len(environment) + 1, (n_features, 2)).astype(np.int32)
    partners_g2[functions_g < 4, 1] = 538976288  # as found in real files
    mean_g, low_g, high_g = np.sort(rng.normal(size=(3, n_features)), axis=0)[[1, 0, 2]]
    statistics = FeatureStatistics(
        int(rng.integers(100)), low_g, high_g, mean_g, mean_g**2 + rng.random(n_features)
    )
    return Setup(
        species=species,
        environment=environment,
        r_min=0.75,
        r_max=6.5,
        kind="Behler2011",
        functions_g=functions_g,
        parameters_gp=parameters_gp,
        partners_g2=partners_g2,
        statistics=statistics,
        description=description,
    )


def make_trainset(rng, n_features_t, n_atoms_s, *, setups=True, sort=False):
    """Return a training set; species have the given numbers of components."""
    species = SYMBOLS[: len(n_features_t)]
    types_s = [rng.integers(0, len(species), n).astype(np.int32) for n in n_atoms_s]
    if sort:
        types_s = [np.sort(types_n) for types_n in types_s]
    types_n = np.concatenate([np.zeros(0, np.int32), *types_s])
    return TrainingSet(
        species=species,
        atomic_energies_t=rng.normal(size=len(species)) * 1000,
        normalized=bool(rng.integers(2)),
        scale=float(abs(rng.normal())),
        shift=float(rng.normal()),
        names_s=tuple(f"xsf/structure{s:04d}.xsf"[: 3 + s % 20] for s in range(len(n_atoms_s))),
        n_atoms_s=np.array(n_atoms_s, np.int32),
        n_species_s=np.array([len(np.unique(t)) for t in types_s], np.int32),
        energies_s=rng.normal(size=len(n_atoms_s)),
        types_n=types_n,
        positions_nc=rng.normal(size=(len(types_n), 3)),
        forces_nc=rng.normal(size=(len(types_n), 3)),
        features_tng=tuple(
            rng.normal(size=(np.count_nonzero(types_n == t), g)) for t, g in enumerate(n_features_t)
        ),
        energy_average=-1.5,
        energy_minimum=-2.0,
        energy_maximum=float(abs(rng.normal())),
        setups_t=tuple(
            make_setup(rng, name, species, g) for name, g in zip(species, n_features_t, strict=True)
        )
        if setups
        else None,
    )


def make_network(rng, nodes_l, n_types, description=" made up$$"):
    """Return a potential with random numbers."""
    species = SYMBOLS[:n_types]
    return SpeciesPotential(
        nodes_l=tuple(nodes_l),
        activations=tuple(rng.choice(list(ACTIVATIONS), len(nodes_l) - 1).tolist()),
        weights_w=rng.normal(size=weight_offsets(tuple(nodes_l))[-1]) * 10.0 ** rng.integers(-9, 3),
        setup=make_setup(rng, species[-1], species, nodes_l[0], description),
        training_file="TiO2.train.scaled",
        normalized=True,
        scale=float(abs(rng.normal())),
        shift=float(rng.normal()),
        species=species,
        atomic_energies_t=rng.normal(size=n_types),
        n_atoms=int(rng.integers(1000)),
        n_structures=7,
        energy_minimum=-1.0,
        energy_maximum=1.0,
        energy_average=float(rng.normal()),
    )


@st.composite
def trainsets(draw):
    """Strategy for training sets: interleaved species, empty structures, no components."""
    return make_trainset(
        np.random.default_rng(draw(st.integers(0, 2**32))),
        draw(st.lists(st.integers(0, 9), min_size=1, max_size=4)),
        draw(st.lists(st.integers(0, 12), max_size=6)),
        setups=draw(st.booleans()),
        sort=draw(st.booleans()),
    )


@st.composite
def networks(draw):
    """Strategy for potentials."""
    return make_network(
        np.random.default_rng(draw(st.integers(0, 2**32))),
        draw(st.lists(st.integers(1, 9), min_size=2, max_size=5)),
        draw(st.integers(1, 4)),
        draw(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=30)).strip(
            " "
        ),
    )


def assert_same(ours, theirs):
    """Compare two of the dataclasses of io exactly, field by field."""
    assert type(ours) is type(theirs)
    for field in dataclasses.fields(ours):
        _assert_same_value(getattr(ours, field.name), getattr(theirs, field.name), field.name)


def _assert_same_value(ours, theirs, name):
    if dataclasses.is_dataclass(ours):
        assert_same(ours, theirs)
    elif isinstance(ours, np.ndarray):
        assert ours.dtype == theirs.dtype, name
        assert ours.shape == theirs.shape, name
        assert ours.tobytes() == theirs.tobytes(), name
    elif isinstance(ours, tuple) and ours and not isinstance(ours[0], (str, int, float)):
        assert len(ours) == len(theirs), name
        for one, other in zip(ours, theirs, strict=True):
            _assert_same_value(one, other, name)
    else:
        assert ours == theirs, name
