"""The public names: all there, and none imported before it is used."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

import aenetpy
from tests.conftest import ROOT

HEAVY = {"numba", "scipy", "ase", "matplotlib", "numpy"}


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_imports_nothing_heavy():
    assert run(f"import sys, aenetpy; print({HEAVY!r} & set(sys.modules))") == "set()\n"


def test_every_public_name_is_there():
    for name in aenetpy.__all__:
        assert callable(getattr(aenetpy, name)), name
        assert name in dir(aenetpy)
        assert getattr(aenetpy, name).__doc__, name


def test_fingerprints_stays_callable_whatever_is_imported_first():
    call = "assert callable(aenetpy.fingerprints)"
    run(f"import aenetpy; {call}; import aenetpy.descriptors.base; {call}")
    run(f"import aenetpy.descriptors.base, aenetpy; {call}")
    run("from aenetpy import fingerprints; assert callable(fingerprints)")


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="calculator"):
        _ = aenetpy.calculator


def test_setups_are_those_of_the_files(tmp_path):
    for name in ("Ti", "O"):
        given = aenetpy.read_stp(ROOT / "examples" / "tio2" / f"{name}.fingerprint.stp")
        row = given.named_parameters(0)
        made = aenetpy.Setup.chebyshev(
            name,
            given.environment,
            radial_cutoff=row["radial_Rc"],
            radial_order=int(row["radial_N"]),
            angular_cutoff=row["angular_Rc"],
            angular_order=int(row["angular_N"]),
            r_min=given.r_min,
            description=given.description.replace("$$", "\n"),
        )
        aenetpy.write_stp(tmp_path / "again.stp", made)
        for other in (made, aenetpy.read_stp(tmp_path / "again.stp")):
            for key, value in vars(given).items():
                assert np.array_equal(getattr(other, key), value), key


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"radial_cutoff": 0.0}, "radial_Rc is 0, and must be finite and above 0"),
        ({"angular_cutoff": 0.0}, "angular_Rc is 0, and a cutoff must be above 0"),
        ({"radial_order": 2.5}, "radial_N is 2.5, and must be a whole number"),
        ({"environment": ["O", "O"]}, "the environment is 'O O'; name each species"),
        ({"environment": []}, "the environment is ''"),
        ({"species": "Tit"}, "'Tit' is no species"),
        ({"r_min": -1.0}, "r_min is -1.0"),
    ],
)
def test_setups_that_cannot_be(change, message):
    given = {"species": "Ti", "environment": ["Ti", "O"], "radial_cutoff": 5.0, "radial_order": 8}
    with pytest.raises(aenetpy.AenetpyError, match=message):
        aenetpy.Setup.chebyshev(**{**given, "angular_cutoff": 4.0, "angular_order": 3, **change})


@pytest.mark.parametrize("name", ["generate", "train", "predict"])
def test_input_files_come_back(name, tmp_path):
    read, write = (getattr(aenetpy, f"{verb}_{name}_in") for verb in ("read", "write"))
    given = read(ROOT / "examples" / "tio2" / f"{name}.in")
    write(tmp_path / "again.in", given)
    again = read(tmp_path / "again.in")
    plain = re.compile(r"line=\d+|path='[^']*'|lines={[^}]*}")
    assert plain.sub("", f"{again}") == plain.sub("", f"{given}")
