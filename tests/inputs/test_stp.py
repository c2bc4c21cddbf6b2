"""Fingerprint setups ``.stp`` (spec 6)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aenetpy.data.fingerprint_families import Behler2011
from aenetpy.data.setup import Setup
from aenetpy.errors import InputError
from aenetpy.formats.trainset import read_trainset
from aenetpy.inputs.stp import format_stp, read_stp

CHEBYSHEV = """DESCR
  Two lines,
! the second is no comment
END DESCR
ATOM Ti   ! centre
ENV 2
! titanium
Ti
O
RMIN 0.55d0
BASIS type=Chebyshev
radial_Rc = 8.0  radial_N = 16 angular_Rc = 6.5  angular_N = 4
"""

BEHLER = """atom O
env 2
Ti
O
rmin 0.75
functions type=Behler2011
5

! radial
G=1 type2=Ti Rc=3.5
G=2 type2=O eta=0.3 Rs=0.1 Rc=4.8
G=3 type2=O kappa=2.2 Rc=4.8
! angular
G=4 type2=Ti type3=O eta=0.010 lambda= -1.0 zeta=2.0 Rc=6.5
G=5 type2=O type3=O eta=0.015 lambda=1.0 zeta=4.0 Rc=4.8
"""


@pytest.fixture
def read(tmp_path: Path):
    def read_text(text: str) -> Setup:
        path = tmp_path / "x.stp"
        path.write_text(text)
        return read_stp(path)

    return read_text


def same_setup(a: Setup, b: Setup) -> bool:
    names = ("species", "environment", "r_min", "r_max", "kind", "description")
    arrays = ("functions_g", "parameters_gp", "partners_g2")
    return all(getattr(a, n) == getattr(b, n) for n in names) and all(
        np.array_equal(getattr(a, n), getattr(b, n)) and getattr(a, n).dtype == getattr(b, n).dtype
        for n in arrays
    )


def test_chebyshev(read, caplog):
    setup = read(CHEBYSHEV)
    assert setup.description == "  Two lines,$$! the second is no comment$$"
    assert (setup.species, setup.environment) == ("Ti", ("Ti", "O"))
    assert (setup.r_min, setup.r_max, setup.kind) == (0.55, 8.0, "Chebyshev")
    assert setup.n_features == 44
    assert setup.parameters_gp[0].tolist() == [8.0, 16.0, 6.5, 4.0]
    assert not setup.parameters_gp[1:].any()
    assert not setup.functions_g.any()
    assert not setup.partners_g2.any()
    assert caplog.text == ""


def test_one_species_has_no_weighted_part(read):
    assert read(CHEBYSHEV.replace("ENV 2", "ENV 1").replace("\nO\n", "\n")).n_features == 22


def test_behler(read, caplog):
    setup = read(BEHLER)
    assert setup.description == ""
    assert setup.r_max == 6.5
    assert setup.functions_g.tolist() == [1, 2, 3, 4, 5]
    assert setup.partners_g2.tolist() == [[1, 0], [2, 0], [2, 0], [1, 2], [2, 2]]
    assert setup.parameters_gp.tolist() == [
        [3.5, 0, 0, 0],
        [4.8, 0.1, 0.3, 0],
        [4.8, 2.2, 0, 0],
        [6.5, -1, 2, 0.01],
        [4.8, 1, 4, 0.015],
    ]
    assert caplog.text == ""


def test_symmfunc_is_a_synonym_and_order_is_free(read):
    text = BEHLER.replace("functions ", "SYMMFUNC ").replace("atom O\n", "") + "ATOM O\n"
    assert same_setup(read(text), read(BEHLER))


def test_eta_after_zeta_is_read_right(read, caplog):
    text = BEHLER.replace("eta=0.010 lambda= -1.0 zeta=2.0", "lambda=-1 zeta=2.0 eta=0.01")
    assert same_setup(read(text), read(BEHLER))
    assert "x.stp:14: eta is 0.01; aenet 2.0.4 finds 'eta' inside another word" in caplog.text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("END DESCR", "END", "x.stp:1: DESCR has no end"),
        ("ATOM Ti", "", "x.stp: keyword ATOM is missing; add a line 'ATOM Ti'"),
        ("ATOM Ti   ! centre", "ATOM", "x.stp:5: ATOM has no value"),
        ("ENV 2", "ENV 3", "x.stp:6: ENV announces 3 species but lists 2"),
        ("ENV 2", "ENV 1", "x.stp:6: ENV announces 1 species but lists 2"),
        ("ENV 2", "ENV", "x.stp:6: ENV has no value"),
        ("ENV 2", "ENV two", "x.stp:6: ENV needs an integer, not 'two'"),
        ("ENV 2", "ENV 0", "x.stp:6: ENV announces 0 species"),
        ("\nO\n", "\nTi\n", "x.stp:9: species Ti is given twice"),
        ("RMIN 0.55d0", "ATOM O", "x.stp:10: ATOM is given twice"),
        ("0.55d0", "-1", "x.stp:10: RMIN -1 is negative; give the shortest distance"),
        ("0.55d0", "short", "x.stp:10: RMIN needs a number, not 'short'"),
        ("type=Chebyshev", "type=LJ", "x.stp:11: unknown basis type 'LJ'"),
        ("type=Chebyshev", "", "x.stp:11: BASIS has no type"),
        ("type=Chebyshev", "type=behler2011", "x.stp:11: unknown basis type 'behler2011'"),
        ("angular_Rc = 6.5", "", "x.stp:12: Chebyshev: angular_Rc has no value"),
        ("radial_Rc = 8.0", "radial_Rc = 0", "x.stp:12: Chebyshev: radial_Rc is 0"),
        ("radial_N = 16", "radial_N = -1", "x.stp:12: Chebyshev: radial_N is -1"),
        ("radial_N = 16", "radial_N = 201", "x.stp:12: Chebyshev: radial_N is 201, and must be a"),
        ("radial_N = 16", "radial_N = " + 400 * "9", "x.stp:12: Chebyshev: radial_N"),
        ("angular_Rc = 6.5", "angular_Rc = 0", "x.stp:12: Chebyshev: angular_Rc is 0"),
        ("radial_N = 16", "radial_N = 16.", "x.stp:12: Chebyshev: radial_N: '16.' is not an int"),
        ("radial_Rc = 8.0  radial_N = 16 angular_Rc = 6.5  angular_N = 4", "", "BASIS has no par"),
        ("radial_N = 16", "", "x.stp:12: Chebyshev: radial_N has no value"),
    ],
)
def test_chebyshev_errors(read, old, new, message):
    with pytest.raises(InputError, match=message):
        read(CHEBYSHEV.replace(old, new, 1))


def test_env_must_come_first_and_basis_once(read):
    head, env, rest = CHEBYSHEV.partition("ENV 2\n! titanium\nTi\nO\n")
    with pytest.raises(InputError, match=r"x.stp:7: BASIS stands before ENV"):
        read(head + rest + env)
    with pytest.raises(InputError, match=r"x.stp: keyword ENV is missing"):
        read("ATOM Ti\n")
    with pytest.raises(InputError, match=r"x.stp: keyword BASIS is missing"):
        read(CHEBYSHEV.split("BASIS")[0])
    with pytest.raises(InputError, match=r"x.stp:13: BASIS is given twice; keep one"):
        read(CHEBYSHEV + "BASIS type=Chebyshev\n")
    with pytest.raises(InputError, match=r"x.stp:13: BASIS or FUNCTIONS is given twice; keep one"):
        read(CHEBYSHEV + "SYMMFUNC type=Behler2011\n")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\n5\n", "\n6\n", "x.stp:7: FUNCTIONS announces 6 functions but lists 5"),
        ("\n5\n", "\n4\n", "x.stp:7: FUNCTIONS announces 4 functions but lists 5"),
        ("\n5\n", "\n0\n", "x.stp:7: FUNCTIONS announces 0 functions but lists 5"),
        ("\n5\n", "\nfive\n", "x.stp:7: number of FUNCTIONS: 'five' is not an integer"),
        ("G=1 type2=Ti", "G=1 type2=N", r"x.stp:10: type2=N is not in ENV \(Ti O\)"),
        ("type3=O eta=0.010", "type3=H eta=0.010", "x.stp:14: type3=H is not in ENV"),
        ("G=1", "G=6", "x.stp:10: unknown function G=6"),
        ("G=1", "F=1", "x.stp:10: no G in 'F=1 type2=Ti Rc=3.5'"),
        ("Rs=0.1", "", "x.stp:11: G2 lacks Rs; it needs G, type2, Rc, Rs, eta"),
        ("kappa=2.2", "kappa=x", "x.stp:12: G3: kappa: 'x' is not a number"),
        ("Rc=3.5", "Rc=-3.5", "x.stp:10: G1: Rc is -3.5, and must be finite and above 0"),
    ],
)
def test_behler_errors(read, old, new, message):
    with pytest.raises(InputError, match=message):
        read(BEHLER.replace(old, new, 1))


def test_notes(read, caplog):
    read(
        "FOO 1\n" + CHEBYSHEV.replace("RMIN 0.55d0", "").replace("angular_Rc = 6", "angular_Rc = 9")
    )
    assert "x.stp:1: unknown keyword 'FOO' ignored" in caplog.text
    assert "x.stp: RMIN not set; 1.0 is taken" in caplog.text
    assert "angular_Rc 9.5 exceeds radial_Rc 8" in caplog.text
    caplog.clear()
    assert read(BEHLER.replace("0.75", "0").replace("atom O", "atom H")).r_min == 1.0
    assert "RMIN not set" in caplog.text
    assert "ATOM H is not in ENV" in caplog.text


def test_only_the_first_description_counts(read, caplog):
    assert same_setup(read(CHEBYSHEV + "DESCR\nmore\nEND DESCR\n"), read(CHEBYSHEV))
    assert "x.stp:13: a second DESCR is ignored" in caplog.text
    assert "x.stp:14: unknown keyword 'more' ignored" in caplog.text
    with pytest.raises(InputError, match=r"x.stp:6: ENV announces 2 species but lists 0"):
        read(CHEBYSHEV.replace("ENV 2\n", "ENV 2\nDESCR\n"))


def test_long_descriptions_are_cut_to_the_record(read):
    setup = read(CHEBYSHEV.replace("Two", "Two" * 400))
    assert len(setup.description) == 1024


@pytest.mark.parametrize("text", [CHEBYSHEV, BEHLER])
def test_round_trip(read, text, caplog):
    setup = read(text)
    assert same_setup(read(format_stp(setup)), setup)
    assert caplog.text == ""


POSITIVE = st.floats(1e-3, 1e3)


@settings(deadline=None)
@given(st.data())
def test_round_trip_of_any_setup(tmp_path_factory, data):
    species = data.draw(st.lists(st.sampled_from(["Ti", "O", "N", "Au"]), min_size=1, unique=True))
    lines = data.draw(st.lists(st.text("ab c!#%'/", max_size=20).map(str.rstrip), max_size=3))
    common = {
        "species": species[0],
        "environment": tuple(species),
        "r_min": data.draw(POSITIVE),
        "description": "".join(f"{line}$$" for line in lines),
    }
    if data.draw(st.booleans()):
        orders = data.draw(st.tuples(st.integers(0, 20), st.integers(0, 9)))
        size = (sum(orders) + 2) * (1 if len(species) == 1 else 2)
        parameters = np.zeros((size, 4))
        r_radial = data.draw(POSITIVE)
        parameters[0] = r_radial, orders[0], r_radial / 2, orders[1]
        functions, partners = np.zeros(size, np.int32), np.zeros((size, 2), np.int32)
        kind, r_max = data.draw(st.sampled_from(["Chebyshev", "CHEBYSHEV"])), r_radial
    else:
        position = st.integers(1, len(species))
        functions = np.array(data.draw(st.lists(st.integers(1, 5), min_size=1)), np.int32)
        partners = np.zeros((len(functions), 2), np.int32)
        parameters = np.zeros((len(functions), 4))
        for row, g in enumerate(functions.tolist()):
            partners[row] = data.draw(position), data.draw(position) if g > 3 else 0
            n = len(Behler2011.functions[g])
            parameters[row, :n] = data.draw(st.lists(POSITIVE, min_size=n, max_size=n))
        kind, r_max = "Behler2011", float(parameters[:, 0].max())
    setup = Setup(
        kind=kind,
        r_max=r_max,
        functions_g=functions,
        parameters_gp=parameters,
        partners_g2=partners,
        **common,
    )
    path = tmp_path_factory.mktemp("stp") / "x.stp"
    path.write_text(format_stp(setup))
    assert same_setup(read_stp(path), setup)


@settings(deadline=None, max_examples=200)
@given(st.data(), st.integers(0, 12), st.text("0 1.-=#\nTiGENVRc*,", max_size=6))
def test_damaged_files_give_a_setup_or_one_line(tmp_path_factory, data, length, text):
    whole = data.draw(st.sampled_from([CHEBYSHEV, BEHLER]))
    start = data.draw(st.integers(0, len(whole)))
    path = tmp_path_factory.mktemp("stp") / "x.stp"
    path.write_text(whole[:start] + text + whole[start + length :])
    message = "x.stp: no error"
    try:
        assert read_stp(path).n_features > 0
    except InputError as error:
        message = str(error)
    assert "x.stp" in message


def test_unknown_kinds_cannot_be_written(read):
    from dataclasses import replace

    with pytest.raises(InputError, match="unknown basis type 'LJ'"):
        format_stp(replace(read(CHEBYSHEV), kind="LJ"))


@pytest.mark.parametrize(
    "case",
    [
        "01-generate-chebyshev",
        "01b-generate-chebyshev-env-order",
        "02-generate-behler2011",
        "02b-generate-behler2011-all-types",
        "02c-quirk-env-order",
        "03-generate-single-species",
        "04b-generate-isolated",
    ],
)
def test_golden_setups_are_those_of_the_training_set(golden: Path, case: str, caplog):
    folder = golden / case
    (train,) = (folder / "expected").glob("*.train")
    stored = read_trainset(train).setups_t
    assert stored is not None
    for setup in stored:
        found = read_stp(folder / f"{setup.species}.fingerprint.stp")
        assert same_setup(found, setup)
    assert caplog.text == ""


def test_golden_eta_after_zeta_differs_from_aenet_as_said(golden: Path, caplog):
    folder = golden / "02d-quirk-eta-after-zeta"
    stored = read_trainset(folder / "expected" / "TiO2.train").setups_t
    assert stored is not None
    found = read_stp(folder / "Ti.fingerprint.stp")
    assert stored[0].parameters_gp[0].tolist() == [4.5, 1.0, 2.0, 2.0]
    assert found.parameters_gp[0].tolist() == [4.5, 1.0, 2.0, 0.01]
    assert np.array_equal(found.parameters_gp[1:], stored[0].parameters_gp[1:])
    assert "Ti.fingerprint.stp:15: eta is 0.01; aenet 2.0.4" in caplog.text
