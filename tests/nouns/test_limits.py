from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aenetpy.data.limits import (
    COUNT,
    FINITE,
    NOT_NEGATIVE,
    ORDER,
    POSITIVE,
    TEXT,
    TEXTS,
    Form,
    taken,
)
from aenetpy.data.setup import FeatureStatistics, Setup, check_setup
from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.errors import DataError
from aenetpy.formats.network import read_network, write_network, write_network_ascii
from aenetpy.formats.trainset import read_trainset, write_trainset
from aenetpy.formats.trainset_text import read_trainset_ascii, write_trainset_ascii
from tests.conftest import ROOT
from tests.formats.make import make_network, make_trainset

REFERENCE = ROOT / "tests" / "data" / "reference"


def test_the_first_number_beyond_is_named() -> None:
    assert FINITE.objection([1.0, -2.0]) is None
    assert FINITE.objection(np.zeros((0, 3))) is None
    assert (
        FINITE.objection([0.0, np.nan, np.inf])
        == "number 2 of 3 is nan, and must be finite, up to 1e+150"
    )
    assert POSITIVE.objection(0.0) == "is 0, and must be finite and above 0 (1e-150 or more)"
    assert NOT_NEGATIVE.objection([[0.0, -1e-300]]) is not None
    assert COUNT.objection((3, -1)) == "number 2 of 2 is -1, and must be 0 or more"
    assert ORDER.objection([0.0, 200.0]) is None
    assert all(ORDER.objection(order) for order in (-1.0, 2.5, 201.0, np.nan, np.inf))


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (TEXT, ["", "bfgs", np.array("x")], [b"x", 1, None, ["x"], np.array(["x"])]),
        (TEXTS, [[], ["a", "b"]], ["a", [1], [["a"]], None]),
        (Form("iu", 0, COUNT), [0, 2**62, np.array(7)], [-1, 1.0, True, "1", 10**30, [1], None]),
        (Form("iuf", 0, FINITE), [0, -1.5], [np.nan, 1j, "0", None, {}, 10**400, [0.0]]),
        (Form("f", 1, FINITE), [np.zeros(0), np.ones(3)], [1.0, np.ones((3, 1)), [1, 2], [np.inf]]),
    ],
)
def test_forms_of_archives_and_json(form: Form, good: list[object], bad: list[object]) -> None:
    for value in good:
        assert np.array_equal(taken({"a": value}, {"a": form})["a"], value)
    for value in bad:
        with pytest.raises(ValueError, match=r"^a is "):
            taken({"a": value}, {"a": form})
    with pytest.raises(ValueError, match=r"^a is missing"):
        taken({}, {"a": form})


def chebyshev(**changes: float) -> Setup:
    """Return the setup of a potential with two species, 2 (3 + 2 + 2) functions."""
    setup = read_network(REFERENCE / "chebyshev" / "expected" / "Ti.nn").setup
    parameters_gp = setup.parameters_gp.copy()
    for name, value in changes.items():
        parameters_gp[0, ["radial_Rc", "radial_N", "angular_Rc", "angular_N"].index(name)] = value
    return replace(setup, parameters_gp=parameters_gp)


def refused(setup: Setup, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_setup(setup, lambda text, hint: DataError(text, hint=hint))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("radial_Rc", 0.0),
        ("radial_Rc", np.nan),
        ("angular_Rc", -1.0),
        ("radial_N", -1.0),
        ("radial_N", 2.5),
        ("angular_N", np.inf),
        ("angular_N", 1e8),
    ],
)
def test_parameters_of_chebyshev(name: str, value: float) -> None:
    refused(chebyshev(**{name: value}), f"setup of Ti: {name} is .*, and must be")


def test_orders_make_the_number_of_functions() -> None:
    setup = chebyshev()
    n_features, order = setup.n_features, setup.parameters_gp[0, 3]
    refused(chebyshev(angular_N=order + 1), f"has {n_features} functions.* make {n_features + 2}")
    refused(replace(setup, environment=("Ti",)), f"make {n_features // 2}")


@pytest.mark.parametrize(
    ("kind", "cutoff", "partners", "message"),
    [
        (6, 6.0, (1, 0), "G=6 in function 1 does not exist"),
        (-1, 6.0, (1, 0), "G=-1 in function 1 does not exist"),
        (2, 0.0, (1, 0), r"function 1 \(G2\): Rc is 0, and must be finite and above 0"),
        (2, np.nan, (1, 0), "Rc is nan"),
        (2, 6.0, (0, 0), "type2 or type3 is missing or not in ENV"),
        (4, 6.0, (1, 0), "not in ENV"),
        (2, 6.0, (3, 0), "not in ENV"),
    ],
)
def test_functions_of_behler(kind: int, cutoff: float, partners: tuple[int, int], message: str):
    setup = make_network(np.random.default_rng(0), (3, 1), 2).setup
    setup.functions_g[0], setup.parameters_gp[0, 0] = kind, cutoff
    setup.partners_g2[0] = partners
    refused(setup, message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean_g": 3.1}, "component 2: the mean 3.1 is outside of the range -1 to 3"),
        ({"minimum_g": 2.0}, "component 2: the mean 1 is outside of the range 2 to 3"),
        ({"mean_square_g": 0.9}, "component 2: the mean 1 is too large for a mean square of 0.9"),
    ],
)
def test_statistics_that_contradict_each_other(changes: dict[str, float], message: str) -> None:
    values = {"minimum_g": -1.0, "maximum_g": 3.0, "mean_g": 1.0, "mean_square_g": 1.0 - 1e-7}
    arrays = {name: np.full(3, value) for name, value in values.items()}
    setup = make_network(np.random.default_rng(0), (3, 1), 2).setup
    check_setup(setup.with_statistics(FeatureStatistics(0, **arrays)), DataError)
    for name, value in changes.items():
        arrays[name][1] = value
    refused(setup.with_statistics(FeatureStatistics(5, **arrays)), message)


def test_ranges_that_other_programs_leave_empty() -> None:
    setup = make_network(np.random.default_rng(0), (1, 1), 1).setup
    zero_g, one_g = np.zeros(1), np.ones(1)
    check_setup(
        setup.with_statistics(FeatureStatistics(9, zero_g, zero_g, one_g, one_g)), DataError
    )


def network_with(name: str, value: float) -> SpeciesPotential:
    """Return a potential with one number changed, the second one of arrays."""
    network = make_network(np.random.default_rng(3), (3, 2, 1), 2)
    owner = next(
        part
        for part in (network, network.setup, network.setup.known_statistics)
        if hasattr(part, name)
    )
    old = getattr(owner, name)
    if isinstance(old, np.ndarray):
        changed = old.copy()
        changed[1] = value
        part = replace(owner, **{name: changed})
    else:
        part = replace(owner, **{name: value})
    if owner is network:
        return part
    setup = part if owner is network.setup else network.setup.with_statistics(part)
    return replace(network, setup=setup)


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize(
    ("name", "values", "what"),
    [
        ("weights_w", (np.nan, np.inf), "weights: number 2 of 11"),
        ("mean_g", (np.nan, -np.inf), "mean fingerprint values: number 2 of 3"),
        ("mean_square_g", (np.nan, -1.0), "mean squares of fingerprint values: number 2"),
        ("minimum_g", (np.nan,), "smallest fingerprint values: number 2"),
        ("maximum_g", (np.inf,), "largest fingerprint values: number 2"),
        ("r_max", (-8.0, 0.0, np.nan), "cutoff: is"),
        ("r_min", (-1.0, np.inf), "smallest distance: is"),
        ("scale", (np.nan, 0.0, -1.0, np.inf), "scale: is"),
        ("shift", (np.nan, np.inf), "shift: is"),
        ("atomic_energies_t", (np.nan,), "atomic energies: number 2 of 2"),
        ("energy_average", (np.nan,), "energy statistics: number 3 of 3"),
        ("n_atoms", (-1,), "number of atoms: is -1"),
        ("n_structures", (-1,), "number of structures: is -1"),
    ],
)
def test_numbers_of_potentials(
    name: str, values: tuple[float, ...], what: str, text: bool, tmp_path: Path
) -> None:
    path = tmp_path / "O.nn"
    for value in values:
        (write_network_ascii if text else write_network)(path, network_with(name, value))
        with pytest.raises(DataError, match=f"O.nn.*{what}.* and must be"):
            read_network(path)


WRITERS: dict[str, tuple[Callable[..., None], Callable[..., object]]] = {
    "binary": (write_trainset, read_trainset),
    "aenet-PyTorch": (write_trainset_ascii, read_trainset_ascii),
    "trnset2ASCII": (
        lambda path, s: write_trainset_ascii(path, s, source="x"),
        read_trainset_ascii,
    ),
}


@pytest.mark.parametrize("layout", WRITERS)
@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("scale", np.nan, "scale: is nan"),
        ("scale", -2.0, "scale: is -2"),
        ("shift", np.inf, "shift: is inf"),
        ("energy_minimum", np.nan, "energy statistics: number . of 3 is nan"),
        ("energy_minimum", 50.0, "energies per atom go from 50 to"),
        ("atomic_energies_t", np.nan, "atomic energies: number 2 of 2 is nan"),
        ("energies_s", np.nan, r"structure 2 \(b.xsf\): energy is nan"),
        ("positions_nc", np.inf, r"structure 2 (of|\(b.xsf\)).*: .*number 2 of 3 is inf"),
        ("forces_nc", np.inf, r"structure 2 (of|\(b.xsf\)).*: .*number 2 of 3 is inf"),
        ("forces_nc", np.nan, r"structure 2 \(b.xsf\): force number 2 of 3 is nan"),
        ("features_tng", np.nan, r"structure 2 (of|\(b.xsf\)).*: .*number 2 of \d is nan"),
    ],
)
def test_numbers_of_training_sets(
    layout: str, name: str, value: float, what: str, tmp_path: Path
) -> None:
    path = tmp_path / "set.train"
    write, read = WRITERS[layout]
    trainset = make_trainset(np.random.default_rng(2), (2, 3), (2, 3))
    trainset = replace(trainset, names_s=("a.xsf#taylor:1", "b.xsf"))
    trainset.forces_nc[:2] = np.nan  # of a displaced copy
    write(path, trainset)
    read(path)
    if name == "features_tng":
        t = trainset.types_n[-1]
        trainset.features_tng[t][-1, 1] = value
    elif name.endswith("_nc"):
        getattr(trainset, name)[-1, 1] = value
    elif name.endswith(("_s", "_t")):
        getattr(trainset, name)[1] = value
    else:
        trainset = replace(trainset, **{name: value})
    write(path, trainset)
    with pytest.raises(DataError, match=what):
        read(path)


def test_setups_stand_in_the_order_of_species(tmp_path: Path) -> None:
    trainset = make_trainset(np.random.default_rng(2), (2, 2), (2, 3))
    assert trainset.setups_t is not None
    write_trainset(tmp_path / "a.train", replace(trainset, setups_t=trainset.setups_t[::-1]))
    with pytest.raises(DataError, match="a setup of O stands where that of Ti should"):
        read_trainset(tmp_path / "a.train")


def test_all_files_of_aenet_pass(golden: Path) -> None:
    potentials = [path for path in golden.rglob("*.nn*") if path.is_file()]
    trainsets = [path for path in golden.rglob("*.train*") if path.suffix in (".train", ".scaled")]
    assert len(potentials) > 80
    assert len(trainsets) > 8
    for path in potentials:
        read_network(path)
    for path in trainsets:
        read_trainset(path)
    for path in golden.rglob("*.train.raw.ascii"):
        read_trainset_ascii(path)
