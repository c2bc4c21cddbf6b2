"""Committees: each member alone as the twin, closed forms of the spread, bad members."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

import aenetpy
from aenetpy.descriptors.batch import NO_CONTACT
from aenetpy.errors import DataError, NumericalError, UsageError
from aenetpy.formats.network import write_network
from aenetpy.inputs.stp import read_stp
from aenetpy.models.committee import Committee, CommitteeEvaluation, exceeds, read_committee
from aenetpy.models.evaluation import Evaluation
from aenetpy.models.potential import Potential
from tests.conftest import ROOT
from tests.models.test_potential import random_structure
from tests.potentials import random_potential

RUTILE = ROOT / "tests" / "data" / "rutile"
KINDS = ("tio2-chebyshev", "tio2-behler2011")


def members(kind: str, n_members: int = 3) -> list[Potential]:
    """Return potentials with the same setups; weights and statistics are their own."""
    setups = [read_stp(ROOT / "inputs" / kind / f"{s}.fingerprint.stp") for s in ("Ti", "O")]
    made = []
    for number in range(n_members):
        samples = [random_structure(10 * number + k, "periodic") for k in range(4)]
        potential = random_potential(setups, samples, hidden=(6, 5))
        rng = np.random.default_rng(number)
        files = {
            symbol: replace(file, weights_w=rng.normal(0.0, 0.5, file.weights_w.size))
            for symbol, file in potential.files.items()
        }
        made.append(Potential(files))
    return made


@pytest.fixture(scope="module")
def committees() -> dict[str, Committee]:
    found = {kind: Committee(members(kind)) for kind in KINDS}
    found["mixed"] = Committee([*members(KINDS[0], 2), *members(KINDS[1], 2)])
    return found


def assert_twins(found: CommitteeEvaluation, potentials, structure) -> None:
    alone = [potential.evaluate(structure) for potential in potentials]
    energies_m = np.array([one.energy for one in alone])
    forces_mnc = np.array([one.forces_nc for one in alone])
    virials_mcc = np.array([one.virial_cc for one in alone])
    scale = abs(forces_mnc).max()
    np.testing.assert_allclose(found.energies_m, energies_m, rtol=1e-12)
    np.testing.assert_allclose(found.forces_mnc, forces_mnc, atol=1e-11 * scale)
    np.testing.assert_allclose(found.virials_mcc, virials_mcc, atol=1e-11 * abs(virials_mcc).max())
    assert found.mean.energy == pytest.approx(np.mean(energies_m), rel=1e-12)
    assert found.energy_std == pytest.approx(np.std(energies_m), rel=1e-9)
    np.testing.assert_allclose(found.mean.forces_nc, forces_mnc.mean(axis=0), atol=1e-11 * scale)
    np.testing.assert_allclose(found.forces_std_nc, forces_mnc.std(axis=0), atol=1e-11 * scale)
    np.testing.assert_allclose(
        found.atomic_energies_std_n,
        np.std([one.atomic_energies_n for one in alone], axis=0),
        atol=1e-10,
    )
    if structure.volume is None:
        assert found.stress_std_cc is None
        return
    stresses_mcc = np.array([one.stress_cc for one in alone])
    np.testing.assert_allclose(
        found.stress_std_cc, stresses_mcc.std(axis=0), atol=1e-11 * abs(stresses_mcc).max()
    )
    np.testing.assert_allclose(
        found.mean.stress_cc, stresses_mcc.mean(axis=0), atol=1e-11 * abs(stresses_mcc).max()
    )


@pytest.mark.parametrize("name", [*KINDS, "mixed"])
@pytest.mark.parametrize("kind", ["small", "periodic", "isolated"])
def test_each_member_alone(committees, name, kind):
    committee, structure = committees[name], random_structure(31, kind)
    assert_twins(committee.evaluate(structure), committee.potentials, structure)
    without = committee.evaluate(structure, forces=False)
    np.testing.assert_allclose(
        without.energies_m, committee.evaluate(structure).energies_m, rtol=1e-12
    )
    assert without.forces_mnc is None
    assert without.forces_std_nc is None
    with pytest.raises(UsageError, match="needs forces"):
        without.disagreement()
    assert without.disagreement("energy") == without.energy_std / len(structure)


@pytest.mark.parametrize("name", [*KINDS, "mixed"])
def test_batches(committees, name):
    structures = [
        random_structure(40 + k, kind) for k, kind in enumerate(("small", "isolated", "periodic"))
    ]
    found_s = committees[name].evaluate_batch(structures)
    for found, structure in zip(found_s, structures, strict=True):
        assert_twins(found, committees[name].potentials, structure)


def test_members_with_the_same_setups_share_them(committees):
    assert [len(committee._groups) for committee in committees.values()] == [1, 1, 2]


def test_the_result_does_not_depend_on_threads(committees):
    unit = random_structure(5, "periodic")
    shifts = np.array(list(itertools.product(range(4), repeat=3)))
    assert unit.cell_cc is not None
    positions_nc = np.concatenate([unit.positions_nc + shift @ unit.cell_cc for shift in shifts])
    large = replace(
        unit,
        species=unit.species * len(shifts),
        positions_nc=positions_nc,
        cell_cc=4 * unit.cell_cc,
        forces_nc=None,
    )
    committee = committees["tio2-chebyshev"]
    one, two = committee.evaluate(large), committee.evaluate(large, jobs=2)
    assert np.array_equal(one.forces_mnc, two.forces_mnc)
    assert np.array_equal(one.energies_m, two.energies_m)
    # the repeated cell has the forces of the single one
    alone = committee.evaluate(unit).forces_mnc
    np.testing.assert_allclose(one.forces_mnc[:, : len(unit)], alone, atol=1e-9 * abs(alone).max())


def said(forces_nc, energy: float = 1.0) -> Evaluation:
    forces_nc = np.array(forces_nc, np.float64)
    energies_n = np.full(len(forces_nc), energy / len(forces_nc))
    return Evaluation(energy, energy, energies_n, forces_nc, np.eye(3), NO_CONTACT)


def test_measures_in_closed_form():
    """Two members whose forces differ by 2 d have the standard deviation |d|."""
    half_nc = np.array([[3.0, -4.0, 0.0], [0.0, 0.0, 1.0]])
    found = CommitteeEvaluation((said(half_nc, 3.0), said(-half_nc, 7.0)), ("a", "b"))
    assert found.disagreement() == found.disagreement("max") == 4.0
    assert found.disagreement("norm") == 5.0
    assert found.disagreement("mean") == 3.0
    assert found.energy_std == 2.0
    assert found.disagreement("energy") == 1.0
    with pytest.raises(UsageError, match="the measure 'most' is not known; use max, norm"):
        found.disagreement("most")


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_always_triggers(wrong):
    bad_nc = [[0.0, wrong, 0.0], [0.0, 0.0, 0.0]]
    found = CommitteeEvaluation((said(np.zeros((2, 3))), said(bad_nc, wrong)), ("a", "b"))
    for measure in ("max", "norm", "mean", "energy"):
        assert exceeds(found.disagreement(measure), 1e300)
    with pytest.raises(NumericalError, match=r"b: the energy or a force is not finite"):
        found.require_finite()


def test_exceeds():
    assert exceeds(0.2, 0.1)
    assert not exceeds(0.1, 0.1)
    assert not exceeds(0.0, 0.1)
    assert exceeds(np.inf, np.inf)


def write(potential: Potential, folder) -> None:
    folder.mkdir(parents=True)
    for symbol, file in potential.files.items():
        write_network(folder / f"{symbol}.nn", file)


def test_read_from_member_folders_and_lists(tmp_path):
    potentials = members("tio2-chebyshev", 11)
    for number, potential in enumerate(potentials, start=1):
        write(potential, tmp_path / f"member-{number}")
    (tmp_path / "member-x").mkdir()
    structure = random_structure(3, "periodic")
    found = aenetpy.read_committee(tmp_path).evaluate(structure)  # by number: 10 after 9
    expected = [potential.evaluate(structure).energy for potential in potentials]
    np.testing.assert_allclose(found.energies_m, expected, rtol=1e-12)
    other_way = {symbol: tmp_path / "member-2" / f"{symbol}.nn" for symbol in ("Ti", "O")}
    listed = read_committee([tmp_path / "member-1", other_way])
    np.testing.assert_allclose(listed.evaluate(structure).energies_m, expected[:2], rtol=1e-12)
    assert listed.names == (str(tmp_path / "member-1"), str(tmp_path / "member-2"))


def test_potentials_of_aenet(tmp_path):
    """Those in the test data, once more with an own order of species, and their twin."""
    one = {symbol: RUTILE / f"{symbol}.8t-8t.nn" for symbol in ("Ti", "O")}
    committee = read_committee([one, dict(reversed(one.items()))])
    structure = random_structure(4, "periodic")
    found = committee.evaluate(structure)
    assert len(committee._groups) == 1
    assert found.disagreement() < 1e-11
    assert found.energy_std < 1e-9
    assert_twins(found, committee.potentials, structure)


def test_bad_committees(tmp_path):
    potentials = members("tio2-chebyshev", 2)
    write(potentials[0], tmp_path / "member-1")
    with pytest.raises(DataError, match="a committee of 1 has no spread; give two"):
        read_committee(tmp_path)
    with pytest.raises(DataError, match="no folders member-1, member-2"):
        read_committee(tmp_path / "member-1")
    write(Potential({"O": potentials[1].files["O"]}), tmp_path / "member-2")
    with pytest.raises(DataError, match=r"member-2: this member .* is for O, and the first for O"):
        read_committee(tmp_path)
