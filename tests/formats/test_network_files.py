"""Potential files found in folders, lists and mappings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aenetpy.errors import DataError
from aenetpy.formats.network import read_network, read_networks, write_network_ascii
from aenetpy.models.reading import read_potential
from tests.conftest import ROOT

RUTILE = ROOT / "tests" / "data" / "rutile"
TI, O = RUTILE / "Ti.8t-8t.nn", RUTILE / "O.8t-8t.nn"  # noqa: E741


@pytest.fixture
def folder(tmp_path) -> Path:
    shutil.copytree(RUTILE, tmp_path / "run")
    return tmp_path / "run"


def names(source) -> dict[str, str]:
    return {symbol: path.name for symbol, (path, _) in read_networks(source).items()}


@pytest.mark.parametrize("source", [[TI, O], (str(TI), O), {"Ti": TI, "O": str(O)}, iter([TI, O])])
def test_lists_and_mappings_keep_their_order(source):
    assert list(names(source).items()) == [("Ti", TI.name), ("O", O.name)]


def test_a_folder_has_one_file_of_each_species(folder):
    shutil.copy(TI, folder / "Ti.8t-8t.nn-00007")  # a saved epoch
    shutil.copy(TI, folder / "train.restart")
    assert names(folder) == names(str(folder)) == {"O": O.name, "Ti": TI.name}
    assert names(folder / TI.name) == {"Ti": TI.name}


def test_text_files_count_where_there_is_no_binary(folder):
    for name in (TI.name, O.name):
        write_network_ascii(folder / f"{name}.ascii", read_network(folder / name))
    assert names(folder) == {"Ti": TI.name, "O": O.name}
    (folder / TI.name).unlink()
    assert names(folder) == {"Ti": f"{TI.name}.ascii", "O": O.name}


def test_two_files_of_one_species_are_named(folder):
    shutil.copy(TI, folder / "Ti.best.nn")
    with pytest.raises(DataError, match=r"Ti\.8t-8t\.nn and .*Ti\.best\.nn are both of Ti"):
        read_networks(folder)


def test_nothing_found(tmp_path):
    with pytest.raises(DataError, match=r"no \.nn files in this folder"):
        read_networks(tmp_path)
    with pytest.raises(DataError, match=r"missing"):
        read_networks(tmp_path / "missing")
    with pytest.raises(DataError, match="needs at least one"):
        read_potential([])
    with pytest.raises(DataError, match="needs at least one"):
        read_potential({})


def test_the_potential_remembers_its_files(folder):
    potential = read_potential(folder)
    assert potential.species == ("O", "Ti")
    assert potential.paths == {"O": str(folder / O.name), "Ti": str(folder / TI.name)}
    assert repr(potential) == "<Potential: O 28-8-8-1, Ti 28-8-8-1>"
    assert [setup.species for setup in potential.setups] == ["O", "Ti"]
