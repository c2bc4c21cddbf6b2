"""The JSON input of the two Python scripts."""

from __future__ import annotations

import json

import pytest

from aenetpy.errors import InputError
from aenetpy.inputs.md_json import Ensemble, read_ase_input

POTENTIALS = {"Ti": "Ti.nn", "O": "O.nn"}
DYNAMICS = {
    "potentials": POTENTIALS,
    "structure_file": "POSCAR",
    "temperature": 300,
    "time_step": 0.5,
    "md_steps": 10,
    "print_steps": 2,
}


def written(tmp_path, values):
    path = tmp_path / "in.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values, indent=1))
    return path


def test_all_keys(tmp_path):
    values = {**DYNAMICS, "trajectory_file": "a.traj", "seed": 7}
    settings = read_ase_input(written(tmp_path, values), md=True)
    temperature = values.pop("temperature")
    for key, value in values.items():
        assert getattr(settings, key) == value
    assert list(settings.potentials) == ["Ti", "O"]
    assert settings.ensemble == Ensemble("nve", temperature)


def test_ensembles(tmp_path):
    def ensemble(**values):
        path = written(tmp_path, {**DYNAMICS, "potentials": "folder", **values})
        settings = read_ase_input(path, md=True)
        assert settings.potentials == "folder"
        return settings.ensemble

    assert ensemble(ensemble="nve") == Ensemble("nve", 300)
    bath = {"ensemble": "nvt", "thermostat": "nose-hoover", "thermostat_time": 50}
    assert ensemble(**bath) == Ensemble("nvt", 300, "nose-hoover", 50)
    barostat = {"pressure": -2.5, "barostat_time": 500, "cell": "free"}
    assert ensemble(ensemble="npt", thermostat_time=20, **barostat) == Ensemble(
        "npt", 300, thermostat_time=20, **barostat
    )
    assert Ensemble("nvt").is_random
    assert not any(e.is_random for e in (Ensemble(), Ensemble("nvt", 1, "nose-hoover")))


def test_velocities_may_be_those_of_the_structure(tmp_path):
    values = {key: value for key, value in DYNAMICS.items() if key != "temperature"}
    assert read_ase_input(written(tmp_path, values), md=True).ensemble.temperature is None
    for ensemble in ("nvt", "npt"):
        path = written(tmp_path, {**values, "ensemble": ensemble})
        with pytest.raises(InputError, match="key 'temperature' is missing"):
            read_ase_input(path, md=True)


def test_defaults(tmp_path):
    settings = read_ase_input(written(tmp_path, DYNAMICS), md=True)
    assert (settings.trajectory_file, settings.seed) == ("md.traj", None)
    settings = read_ase_input(written(tmp_path, {"potentials": POTENTIALS}))
    assert settings.md_steps is None


def test_whole_numbers_may_be_written_as_real(tmp_path):
    settings = read_ase_input(written(tmp_path, {**DYNAMICS, "md_steps": 1e3}), md=True)
    assert settings.md_steps == 1000
    assert isinstance(settings.md_steps, int)


@pytest.mark.parametrize("key", [key for key in DYNAMICS if key != "temperature"])
def test_missing_keys(tmp_path, key):
    values = {name: value for name, value in DYNAMICS.items() if name != key}
    path = written(tmp_path, values)
    with pytest.raises(InputError, match=f"in.json: key '{key}' is missing"):
        read_ase_input(path, md=True)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("potentials", {}, "potentials is {}"),
        ("potentials", ["Ti.nn"], "it must be a folder, or one file per species"),
        ("potentials", "", "it must be the name of a file"),
        ("ensemble", "NVT", 'it must be "nve" or "nvt" or "npt"; did you mean nvt'),
        ("ensemble", 1, 'ensemble is 1; it must be "nve" or'),
        ("ensemble", ["nvt"], "it must be"),
        ("pressure", 1, 'pressure has no meaning in the ensemble nve; remove it, or set "ens'),
        ("thermostat_time", 1, 'in the ensemble nve; remove it, or set "ensemble" to nvt or npt'),
        ("potentials", {"Ti": 1}, "potential of Ti is 1"),
        ("structure_file", 5, "it must be the name of a file"),
        ("trajectory_file", "", "it must be the name of a file"),
        ("temperature", "300", 'temperature is "300"; it must be a number'),
        ("temperature", -1, "temperature is -1"),
        ("temperature", True, "temperature is true"),
        ("temperature", float("nan"), "temperature is NaN"),
        ("time_step", 0, "time_step is 0; it must be a positive number"),
        ("md_steps", -1, "md_steps is -1; it must be an integer, 0 or greater"),
        ("md_steps", 1.5, "md_steps is 1.5"),
        ("md_steps", None, "md_steps is null"),
        ("print_steps", 0, "print_steps is 0; it must be a positive integer"),
        ("print_steps", [1] * 50, r"print_steps is \[1, 1, .*\.\.\.;"),
        ("seed", -1, "seed is -1"),
        ("temprature", 1, "unknown key 'temprature'; known are .*did you mean temperature"),
    ],
)
def test_wrong_values(tmp_path, key, value, message):
    path = written(tmp_path, {**DYNAMICS, key: value})
    with pytest.raises(
        InputError, match=rf"in\.json:\d+: {'' if key in message else '.*'}"
    ) as error:
        read_ase_input(path, md=True)
    assert error.match(message)
    assert error.value.exit_code == 3


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("temperature", 0, r"temperature is 0; it must be a positive number \(K\)"),
        ("thermostat_time", 0, r"thermostat_time is 0; it must be a positive number \(fs\)"),
        ("barostat_time", "a", "barostat_time is"),
        ("barostat_time", 0.4, "barostat_time is 0.4; it must be longer than time_step"),
        ("thermostat_time", 1e300, r"it must be a positive number \(fs\), at most 1e9"),
        ("pressure", -1e10, "at most 1e9"),
        ("pressure", float("inf"), r"pressure is Infinity; it must be a number \(GPa\)"),
        ("cell", "fre", 'cell is "fre"; it must be "isotropic" or "free"; did you mean free'),
        ("thermostat", "langevin", "thermostat has no meaning in the ensemble npt"),
    ],
)
def test_wrong_values_of_an_ensemble(tmp_path, key, value, message):
    path = written(tmp_path, {**DYNAMICS, "ensemble": "npt", key: value})
    with pytest.raises(InputError, match=message):
        read_ase_input(path, md=True)


def test_lines_are_named(tmp_path):
    path = written(tmp_path, '{"potentials":\n {"Ti": "Ti.nn"},\n "seeds": 1}')
    with pytest.raises(InputError, match=r"in\.json:3: unknown key 'seeds'"):
        read_ase_input(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"in\.json:1: is not JSON"),
        ('{"potentials":\n', r"in\.json:2: is not JSON"),
        ("[1]", "is not a JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"potentials": {"O": "a", "O": "b"}}', "key 'O' is given twice"),
        ('{"seed": 1, "seed": 1}', "key 'seed' is given twice"),
    ],
)
def test_broken_files(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_ase_input(written(tmp_path, text))


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="file not found"):
        read_ase_input(tmp_path / "none.json")


@pytest.mark.parametrize("name", [r"\ud800.nn", r"a\u0000b", ""])
def test_names_that_no_file_can_have(tmp_path, name):
    path = written(tmp_path, f'{{"potentials": {{"Ti": "{name}"}}}}')
    with pytest.raises(InputError, match=r"in\.json:1: potential of Ti is .*; name its file"):
        read_ase_input(path)
    path = written(tmp_path, f'{{"potentials": {{"Ti": "Ti.nn"}}, "trajectory_file": "{name}"}}')
    with pytest.raises(InputError, match=r"in\.json:1: trajectory_file is .*the name of a file"):
        read_ase_input(path)
    path = written(tmp_path, r'{"potentials": {"Ti": "\udcff.nn"}}')  # a byte that is not UTF-8
    assert read_ase_input(path).potentials == {"Ti": "\udcff.nn"}
