"""Convergence and isolated atoms, as files of other programs tell them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from ase import Atoms

from aenetpy.structures.atoms import atoms_from_structure, structure_from_atoms
from aenetpy.structures.reading import iter_structures
from tests.vasp_runs import outcar, vasprun

ENDS = [
    (3, "because EDIFF is reached"),
    (5, "because EDIFF is reached"),
    (5, ""),
    (5, "EDIFF was not reached (unconverged)"),
    (2, "because hard stop was set"),
]


def converged(entry: str) -> list[bool]:
    return [structure.converged for structure in iter_structures(entry)]


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    """Write runs of VASP into the working folder."""
    monkeypatch.chdir(tmp_path)
    text = vasprun([3, 5, 2, 5])
    Path("vasprun.xml").write_text(text)
    Path("vasprun.xml.gz").write_bytes(gzip.compress(text.encode()))
    Path("cut.vasprun.xml").write_text(text[: text.rindex("<structure>")])
    Path("OUTCAR").write_text(outcar(ENDS))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("vasprun.xml@:", [True, False, True, False]),
        ("vasprun.xml.gz@1:3", [False, True]),
        ("vasprun.xml@-1", [False]),
        ("cut.vasprun.xml@-1", [True]),  # the last step was never finished
        ("cut.vasprun.xml@:", [True, False, True]),
        ("OUTCAR@:", [True, True, False, False, False]),
        ("OUTCAR@2", [False]),
        ("OUTCAR@::3", [True, False]),
    ],
)
def test_steps_of_vasp(entry, expected):
    assert converged(entry) == expected


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"converged": False}, False),
        ({"scf_converged": "F"}, False),
        ({"SCF_Converged": 0}, False),
        ({"converged_electronic": "no"}, False),
        ({"converged": True}, True),
        ({"geometry_converged": False}, True),
        ({"converged_ionic": False}, True),
    ],
)
def test_what_others_say(info, expected):
    atoms = Atoms("H", info=info)
    structure = structure_from_atoms(atoms)
    assert structure.converged == expected
    assert structure_from_atoms(atoms_from_structure(structure)).converged == expected


@pytest.mark.parametrize("word", ["IsolatedAtom", "isolatedatom", "isolated_atom", "ISOLATED ATOM"])
def test_isolated_atoms_in_a_box(word):
    atoms = Atoms("H", cell=[9, 9, 9], pbc=True)
    assert not structure_from_atoms(atoms).is_free_atom
    atoms.info["config_type"] = word
    assert structure_from_atoms(atoms).is_free_atom
    assert structure_from_atoms(Atoms("H")).is_free_atom
    assert not structure_from_atoms(
        Atoms("H2", [(0, 0, 0), (0, 0, 1)], info=atoms.info)
    ).is_free_atom
