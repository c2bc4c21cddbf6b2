"""Real engines as the reference: two atoms of silicon, seconds each.

Install them with ``pip install aenetpy[tblite]`` and
``apt-get install quantum-espresso quantum-espresso-data``.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

from aenetpy.errors import ReferenceFailed
from aenetpy.inputs.reference import Reference
from aenetpy.learning.labelling import check_reference, label
from aenetpy.learning.reference import Failure, Label

PSEUDO = "/usr/share/espresso/pseudo"
PW = shutil.which("pw.x")
needs_tblite = pytest.mark.skipif(
    importlib.util.find_spec("tblite") is None, reason="no tblite: pip install aenetpy[tblite]"
)
needs_espresso = pytest.mark.skipif(
    PW is None or not Path(PSEUDO, "Si.pz-vbc.UPF").exists(),
    reason="no pw.x: apt-get install quantum-espresso quantum-espresso-data",
)
pytestmark = pytest.mark.external


def silicon(shift=0.0):
    atoms = bulk("Si")
    atoms.positions[1] += [0.08 + shift, 0.03, -0.05]
    return atoms


def espresso(command="pw.x", pseudopotential="Si.pz-vbc.UPF", **options):
    kwargs = {
        "profile": {"command": command, "pseudo_dir": PSEUDO},
        "pseudopotentials": {"Si": pseudopotential},
        "kpts": [2, 2, 2],
        "input_data": {"ecutwfc": 16.0, "conv_thr": 1e-8, **options},
    }
    return Reference("espresso", kwargs, timeout=120)


def check_forces(reference, folder, relative):
    """The force is the slope of the energy."""
    step = 0.01
    found = label([silicon(), silicon(step), silicon(-step)], reference, folder)
    assert all(isinstance(result, Label) for result in found), found
    here, ahead, behind = (result.structure for result in found)
    slope = (ahead.energy - behind.energy) / (2 * step)
    assert here.forces_nc[1, 0] == pytest.approx(-slope, rel=relative)
    np.testing.assert_allclose(here.forces_nc.sum(axis=0), 0.0, atol=1e-3)
    assert here.stress_cc.shape == (3, 3)


@needs_tblite
def test_tight_binding(tmp_path):
    check_forces(Reference("tblite", {"method": "GFN2-xTB", "verbosity": 0}), tmp_path, 0.01)


@needs_tblite
def test_tight_binding_that_does_not_converge(tmp_path):
    found = label([silicon()], Reference("tblite", {"max_iterations": 1}), tmp_path)[0]
    assert isinstance(found, Failure)
    assert found.reason.startswith("the reference calculation did not converge: ")


@needs_tblite
def test_keywords_that_tight_binding_passes_over():
    with pytest.raises(ReferenceFailed, match=r"takes no 'methd'.*did you mean method"):
        check_reference(Reference("tblite", {"methd": "GFN1-xTB"}))


@needs_espresso
def test_espresso(tmp_path):
    check_reference(espresso())
    check_forces(espresso(), tmp_path, 0.02)
    assert (tmp_path / "0001" / "espresso.pwo").exists()


@needs_espresso
def test_espresso_that_does_not_converge(tmp_path):
    found = label([silicon()], espresso(electron_maxstep=1), tmp_path)[0]
    assert isinstance(found, Failure)
    assert found.reason == "the reference calculation did not converge"


@needs_espresso
def test_espresso_that_fails(tmp_path):
    found = label([silicon()], espresso(pseudopotential="Si.none.UPF"), tmp_path)[0]
    assert isinstance(found, Failure)
    expected = f"'pw.x -in espresso.pwi' ended with exit code 1; see {tmp_path}/0001"
    assert found.reason == expected


@needs_espresso
def test_espresso_that_takes_too_long_is_ended(tmp_path):
    reference = espresso(ecutwfc=300.0)
    found = label([silicon()], Reference("espresso", reference.kwargs, timeout=2.5), tmp_path)[0]
    assert found.reason == "ended after 2.5 s (timeout)"
    running = [path for path in Path("/proc").glob("[0-9]*/cwd") if _is_below(path, tmp_path)]
    assert running == []


def _is_below(link, folder):
    try:
        return link.resolve().is_relative_to(folder)
    except OSError:
        return False


def test_espresso_that_is_not_there():
    with pytest.raises(ReferenceFailed, match=r"program '/nowhere/pw.x' not found"):
        check_reference(espresso(command="/nowhere/pw.x"))
