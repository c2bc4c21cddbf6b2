"""Reference calculations: what they give, and every way in which they fail."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, fcc111
from ase.calculators.emt import EMT

from aenetpy.errors import InputError, ReferenceFailed
from aenetpy.inputs.given import read_yaml
from aenetpy.inputs.reference import Reference, read_reference
from aenetpy.interruption import signals_noted
from aenetpy.learning.labelling import check_reference, label
from aenetpy.learning.reference import Failure, Label
from tests.conftest import ROOT

TOYS = "tests.learning.toys"


def gold(seed=0, **changes):
    atoms = bulk("Au", cubic=True)
    atoms.rattle(0.05, seed=seed)
    return atoms


def one(reference, folder, atoms=None):
    return label([gold() if atoms is None else atoms], reference, folder)[0]


def read(tmp_path, text):
    (tmp_path / "learn.yaml").write_text(text)
    return read_reference(read_yaml(tmp_path / "learn.yaml", "learn.yaml").mapping()["reference"])


def test_labels_are_those_of_the_calculator(tmp_path):
    slab = fcc111("Au", (2, 2, 3), vacuum=6)
    slab.rattle(0.03, seed=4)
    all_atoms = [gold(1), slab, gold(2)]
    seen = []
    found = label(
        all_atoms,
        Reference("emt", parallel=2),
        tmp_path,
        on_result=lambda index, result: seen.append(index),
    )
    assert sorted(seen) == [0, 1, 2]
    for atoms, result in zip(all_atoms, found, strict=True):
        atoms.calc = EMT()
        assert isinstance(result, Label)
        assert result.structure.energy == atoms.get_potential_energy()
        np.testing.assert_array_equal(result.structure.forces_nc, atoms.get_forces())
        np.testing.assert_array_equal(result.structure.positions_nc, atoms.positions)
    np.testing.assert_array_equal(
        found[0].structure.stress_cc, all_atoms[0].get_stress(voigt=False)
    )
    assert found[1].structure.stress_cc is None  # a slab has no volume
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("toy", "kwargs", "reason"),
    [
        ("Crashing", {}, "crashed (signal 6)"),
        ("Exiting", {}, "crashed (exit code 7)"),
        (
            "NotConverging",
            {},
            "the reference calculation did not converge: 60 steps were not enough",
        ),
        ("Flagging", {}, "the reference calculation did not converge"),
        ("Printing", {}, "the reference calculation did not converge"),
        ("Permuting", {}, "the calculator returns the atoms in another order"),
        ("Losing", {}, "the calculator returns 1 forces for 2 atoms"),
        ("OnlyEnergy", {}, "the calculator gives no forces"),
        ("Toy", {"energy": float("nan")}, "energy is nan"),
        ("Toy", {"force": float("inf")}, "the force on atom 1 is not finite"),
        ("Toy", {"force": -60.0}, "a force of 60 eV/Å is larger than max_force, 50"),
        ("Giving", {"energy": "low"}, "energy of the calculator holds no real numbers"),
        ("Giving", {"energy": [1.0, 2.0]}, "the calculator returns energy of shape (2,), not (1,)"),
        ("Giving", {"forces": [[0, 0], [0]]}, "forces of the calculator holds no real numbers"),
        ("Giving", {"forces": 3.0}, "the calculator returns forces of shape (), not (2, 3)"),
        (
            "Giving",
            {"stress": [1.0] * 9},
            "the calculator returns stress of shape (9,), not (3, 3)",
        ),
        ("Giving", {"stress": "none"}, "stress of the calculator holds no real numbers"),
        ("Asking", {}, "the reference calculation failed: RuntimeError: nobody knows \\ud800"),
        ("Stretching", {}, "the calculator returns the atoms in another cell"),
        ("Wandering", {}, "the reference calculation did not converge"),
        ("Quitting", {}, "the reference calculation failed: SystemExit: enough"),
    ],
)
def test_failures_are_told_in_one_line(tmp_path, toy, kwargs, reason):
    atoms = bulk("Cu", "sc", a=3.0) * (2, 1, 1)
    atoms.symbols[1] = "Au"
    found = one(Reference(f"{TOYS}:{toy}", kwargs), tmp_path, atoms)
    assert isinstance(found, Failure)
    assert found.reason == reason
    assert found.structure.energy is None


def test_atoms_on_top_of_each_other_are_not_calculated(tmp_path):
    atoms = gold()
    atoms.positions[2] = atoms.positions[0] + [0.1, 0, 0] - atoms.cell[1]
    found = one(Reference(f"{TOYS}:Crashing"), tmp_path, atoms)
    assert found.reason == "atoms 1 and 3 are 0.1 Å apart (min_distance is 0.5 Å)"


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("toy", ["Hanging", "Stubborn"])
def test_what_hangs_is_ended_with_what_it_started(tmp_path, toy):
    found = label([gold()] * 2, Reference(f"{TOYS}:{toy}", timeout=3, parallel=2), tmp_path)
    assert [result.reason for result in found] == ["ended after 3 s (timeout)"] * 2
    assert not any(is_running((tmp_path / n / "pid").read_text()) for n in ("0001", "0002"))


def test_what_is_left_behind_is_ended(tmp_path):
    begin = time.monotonic()
    found = one(Reference(f"{TOYS}:Leaving", timeout=60), tmp_path)
    assert found.reason == "crashed (exit code 3)"
    assert time.monotonic() - begin < 30  # not at the timeout
    assert not is_running((tmp_path / "0001" / "pid").read_text().strip())


def test_distances_need_not_be_checked(tmp_path):
    found = one(Reference(f"{TOYS}:Toy", min_distance=0.0), tmp_path, bulk("Au"))
    assert isinstance(found, Label)


def test_one_failure_does_not_touch_the_others(tmp_path):
    atoms = [gold(1), gold(2)]
    atoms[0].positions[1] = atoms[0].positions[0]
    failed, done = label(atoms, Reference("emt", parallel=2), tmp_path)
    assert isinstance(failed, Failure)
    assert isinstance(done, Label)


def test_what_codes_print_stays_in_their_folder(tmp_path, capfd):
    found = one(Reference(f"{TOYS}:Talking"), tmp_path)
    assert found.structure.energy == -1.0
    assert capfd.readouterr() == ("", "")
    written = (tmp_path / "0001" / "output.log").read_text()
    assert sorted(written.split()) == ["code", "hello"]  # Python may keep its own for later


def test_a_signal_ends_all(tmp_path):
    def interrupt():
        while not (tmp_path / "0001" / "pid").exists():
            time.sleep(0.05)
        time.sleep(0.1)
        os.kill(os.getpid(), 2)

    threading.Thread(target=interrupt).start()
    with signals_noted(), pytest.raises(KeyboardInterrupt):
        label([gold()] * 3, Reference(f"{TOYS}:Hanging", timeout=100), tmp_path)
    assert not is_running((tmp_path / "0001" / "pid").read_text())
    assert not (tmp_path / "0002").exists()


def test_calculations_end_when_the_first_process_is_killed(tmp_path):
    code = (
        "from aenetpy.inputs.reference import Reference\n"
        "from aenetpy.learning.labelling import label\n"
        "from tests.learning.test_reference import gold\n"
        "if __name__ == '__main__':\n"
        f"    label([gold()], Reference('{TOYS}:Hanging'), {str(tmp_path)!r})\n"
    )
    (tmp_path / "script.py").write_text(code)
    first = subprocess.Popen(
        [sys.executable, tmp_path / "script.py"], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    pid = tmp_path / "0001" / "pid"
    while not pid.exists() or not pid.read_text():
        assert first.poll() is None
        time.sleep(0.05)
    first.kill()
    first.wait()
    deadline = time.monotonic() + 20
    while is_running(pid.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(pid.read_text())


def test_a_calculation_imports_no_numba(tmp_path):
    code = (
        "import sys, aenetpy.processes, aenetpy.learning.reference\n"
        "from aenetpy.learning.calculator import find_factory\n"
        "find_factory('emt')\n"
        "sys.exit(str({'numba', 'matplotlib', 'aenetpy.kernels'} & set(sys.modules) or 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "0"


def test_reading(tmp_path):
    reference = read(
        tmp_path,
        "reference:\n  calculator: gpaw:GPAW\n  timeout: 1d3\n  parallel: 2\n  kwargs:\n"
        "    mode: {name: pw, ecut: 200}\n    kpts: [2, 2, 2]\n    txt: '12'\n    h: 1e-3\n"
        "    on: no\n    spinpol: False\n    none: null\n",
    )
    assert reference == Reference(
        "gpaw:GPAW",
        {
            "mode": {"name": "pw", "ecut": 200},
            "kpts": [2, 2, 2],
            "txt": "12",
            "h": 0.001,
            "on": "no",
            "spinpol": False,
            "none": None,
        },
        timeout=1000.0,
        parallel=2,
    )
    assert isinstance(reference.kwargs["mode"]["ecut"], int)
    assert reference.place.line == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", r"learn.yaml:1: reference has no key 'calculator'"),
        ("{calculator: emt, time: 3}", r":1: unknown key 'reference.time'; known are .*mean"),
        ("{calculator: emt, timeout: 0}", r"reference.timeout 0 is no positive number"),
        ("{calculator: emt, timeout: long}", r"reference.timeout needs a number"),
        ("{calculator: emt, parallel: 0}", r"reference.parallel is 0; it must be at least 1"),
        ("{calculator: emt, kwargs: 3}", r"reference.kwargs needs keys and values"),
    ],
)
def test_wrong_keys(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, f"reference: {text}\n")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (Reference("emtt"), "unknown calculator 'emtt'; did you mean emt"),
        (Reference("no_module:X"), "'no_module:X' cannot be imported: No module named"),
        (Reference("os:getcwd"), "'os:getcwd' makes no ASE calculator"),
        (Reference(f"{TOYS}:Toys"), "module 'tests.learning.toys' has no 'Toys'"),
        (Reference("emt", {"asap": True}), "calculator 'emt' takes no 'asap'.*asap_cutoff"),
        (Reference(f"{TOYS}:Toy", {"label": 1}), "cannot be made"),
        (Reference(f"{TOYS}:NotMade"), "toys:NotMade' cannot be made: KeyboardInterrupt"),
        (Reference(":x"), "':x' cannot be imported"),
        (Reference("..os:getcwd"), r"'\.\.os:getcwd' cannot be imported"),
        (Reference("os:"), "unknown calculator 'os:'"),
        (Reference("ase.calculators.lj:cutoff_function"), "cutoff_function' cannot be made"),
        (Reference("tests.learning.fails:X"), "fails:X' cannot be imported: division by zero"),
        (Reference("antigravity\ud800:X"), "cannot be imported"),
        (Reference("espresso", {"profile": {"command": "pw.x"}}), "pseudo_dir"),
        (
            Reference("espresso", {"profile": {"command": "/no/pw.x -v", "pseudo_dir": "."}}),
            "program '/no/pw.x' not found; see the command",
        ),
        (Reference("emt", {"profile": {"command": "pw.x"}}), "takes no 'profile'"),
    ],
)
def test_calculators_that_cannot_be_made(reference, message):
    with pytest.raises(ReferenceFailed, match=message) as told:
        check_reference(reference)
    assert told.value.exit_code == 6
    assert "\n" not in str(told.value)


def test_a_calculator_that_can_be_made():
    check_reference(Reference("emt", {"asap_cutoff": True}))
