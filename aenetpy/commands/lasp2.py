"""The ``lasp2.ini`` of LASP2, and its translation into ``learn.yaml``.

Its keys are those that the programs of LASP2Interface 1.0 read (sections LASP2, LAMMPS, N2P2
and VASP).
"""

from __future__ import annotations

import configparser
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aenetpy.commands.lammps_in import LammpsInput, read_lammps_input
from aenetpy.errors import InputError
from aenetpy.inputs.lines import read_text, suggest

log = logging.getLogger("aenetpy")

_POTENTIALS = "networks of n2p2 cannot be read; the committee is trained anew"
_PROGRAM = "we start no such program"
_ORDER = "species and their order come from generate.in and the structures"
_CORES = "aenetpy uses --jobs"

LASP2_KEYS: Mapping[str, Mapping[str, str]] = {
    "LASP2": {
        "simname": "",
        "numseeds": "",
        "numprocs": "",
        "procslammps": "the dynamics are ASE's, in this process",
        "procsn2p2": _CORES,
        "procsvasp": "",
        "exec": "",
        "dirpotentials": _POTENTIALS,
        "dirdatabase": "",
    },
    "LAMMPS": {
        "totalsteps": "",
        "checksteps": "",
        "threshold": "",
        "dirpylammps": _PROGRAM,
    },
    "N2P2": {
        "epochslong": "",
        "binscaling": _PROGRAM,
        "bintraining": _PROGRAM,
        "dirpotentials": _POTENTIALS,
    },
    "VASP": {
        "binvasp": "",
        "elements": _ORDER,
        "numprocesses": "procsvasp of [LASP2] counts",
    },
}
"""All keys, and why a key has no counterpart; nothing if it has one."""

_INTEGERS = ("numseeds", "numprocs", "procsvasp", "totalsteps", "checksteps", "epochslong")


@dataclass(frozen=True)
class Lasp2:
    """Values of a ``lasp2.ini`` by key; keys that have a counterpart are unique."""

    path: str
    values: Mapping[str, str]


def read_lasp2(path: str | Path) -> Lasp2:
    """Read a ``lasp2.ini``, and tell which of its keys have no counterpart."""
    parser = configparser.ConfigParser(interpolation=None)
    text = read_text(path)
    try:
        parser.read_string(text, str(path))
    except configparser.Error as error:
        line = (
            getattr(error, "lineno", None) or next(iter(getattr(error, "errors", [])), (None,))[0]
        )
        raise InputError("is no INI file", file=path, line=line, hint="see this line") from None
    values: dict[str, str] = {}
    for section in parser.sections():
        if section not in LASP2_KEYS:
            known = list(LASP2_KEYS)
            raise InputError(
                f"unknown section [{section}]{suggest(section, known)}",
                file=path,
                hint=f"known are {', '.join(known)}",
            )
        for key, value in parser[section].items():
            _take(values, section, key, value, str(path), _line_of(text, key))
    for key in ("totalsteps", "checksteps", "threshold"):
        if key not in values:
            raise InputError(f"has no '{key}'", file=path, hint="add it in section [LAMMPS]")
    return Lasp2(str(path), values)


def _take(
    values: dict[str, str], section: str, key: str, value: str, path: str, line: int | None
) -> None:
    known = LASP2_KEYS[section]
    if key not in known:
        raise InputError(
            f"unknown key '{key}' in [{section}]{suggest(key, known)}",
            file=path,
            line=line,
            hint=f"known are {', '.join(known)}",
        )
    if not value:
        return
    if known[key]:
        log.warning("%s: %s = %s has no counterpart: %s", path, key, value, known[key])
        values[key] = value  # elements name the types of input.lmp
        return
    try:
        number = int(value) if key in _INTEGERS else float(value) if key == "threshold" else 1
        if not 0 < number < 1e12:
            raise ValueError
    except ValueError:
        raise InputError(f"{key} = '{value}' is no positive number", file=path, line=line) from None
    values[key] = value


def _line_of(text: str, key: str) -> int | None:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.replace(":", "=").split("=")[0].strip().lower() == key:
            return number
    return None


def dynamics_of(lasp2: Lasp2) -> LammpsInput | None:
    """Return the dynamics of ``input.lmp`` beside the file; None if there is none."""
    path = Path(lasp2.path).parent / "input.lmp"
    if not path.exists():
        return None
    return read_lammps_input(path, lasp2.values.get("elements", "").split())


def _walk(lasp2: Lasp2, found: LammpsInput | None, start: str) -> str:
    """Return the keys of the walk."""
    check = "" if found is not None else "   # <- as in input.lmp"
    given = found or LammpsInput(
        None, "nvt", "nose-hoover", (300.0, 300.0), thermostat_time=100.0, time_step=1.0
    )
    first, last = given.temperature or (300.0, 300.0)
    temperature = f"{first:g}" if first == last else f"[{first:g}, {last:g}]"
    thermostat = given.thermostat
    if first != last and given.ensemble == "nvt":
        thermostat = "langevin   # <- a chain (nose-hoover) follows no ramp"
    keys = {
        "start": start
        if found and found.structure
        else f"{start}   # <- the structure to start from",
        "ensemble": given.ensemble + check,
        "temperature": f"{temperature}   # K",
        "thermostat": thermostat,
        "thermostat_time": given.thermostat_time and f"{given.thermostat_time:g}   # fs",
        "pressure": given.pressure and f"{given.pressure:g}   # GPa",
        "barostat_time": given.barostat_time and f"{given.barostat_time:g}   # fs",
        "time_step": f"{given.time_step:g}   # fs",
        "steps": lasp2.values["totalsteps"],
    }
    return "\n".join(f"    {key}: {value}" for key, value in keys.items() if value is not None)


def translate(lasp2: Lasp2, found: LammpsInput | None = None, start: str = "start.xsf") -> str:
    """Return a complete, commented ``learn.yaml``, with the dynamics and the start found."""
    get = lasp2.values.get
    interval = int(lasp2.values["checksteps"])
    threshold = float(lasp2.values["threshold"])
    database = json.dumps(get("dirdatabase", "input.data") + "@:#units=eV,Angstrom")
    epochs = get("epochslong")
    trained = f"{epochs} epochs" if epochs else "as input.nn says"
    command = get("binvasp", "vasp_std")
    if "exec" in lasp2.values:
        cores = get("procsvasp", get("numprocs", "1"))
        command = f"{get('exec')} -n {cores} {command}"
    named = f" '{get('simname')}'" if get("simname") else ""
    source = " ".join(f"{lasp2.path}{named}".split())
    return f"""\
# Made by aenetpy convert from {source}; lines with '<-' are to be checked.

# The structures to begin with. FILES of generate.in names the data base, with units:
#   {database}
# <- to make generate.in, train.in and the setups:
#   aenetpy init --forces {database}
generate: generate.in
train: train.in               # NETWORKS and METHOD in place of n2p2's input.nn

members: {get("numseeds", "5")}
seed: 1

# After new labels LASP2 trains {trained}, from new weights; we go on from the old ones.
retrain:
  iterations: {epochs or 100}

# In place of input.lmp, check.lmp and restart.lmp.
explore:
  lasp2:
{_walk(lasp2, found, start)}

check: {interval}
measure: max                  # over atoms and components, as in LASP2
lower: {threshold!r}
# <- eV/Angstrom; LASP2 labels whatever is above its threshold
upper: {max(1.0, 10 * threshold)!r}
select: committee
frames: 1

reference:
  calculator: vasp            # <- INCAR and KPOINTS go to kwargs
  kwargs:
    command: {json.dumps(command)}
    # xc: PBE                 # POTCAR files are found by VASP_PP_PATH
    # encut: 400
    # kpts: [4, 4, 4]
  parallel: 1
"""
