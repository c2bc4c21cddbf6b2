"""The ``input.lmp`` that LASP2 runs LAMMPS with: the commands of molecular dynamics."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from aenetpy.data.structure import Structure
from aenetpy.errors import AenetpyError, InputError
from aenetpy.inputs.lines import Place, parse_integer, parse_real, read_text
from aenetpy.structures.atoms import structure_from_atoms

FS = {"metal": 1000.0, "real": 1.0}
"""fs in the unit of time, by ``units``."""

_EXAMPLE = "write the number itself"


@dataclass(frozen=True)
class LammpsInput:
    """Dynamics of an ``input.lmp``; None for settings that it does not have.

    Parameters
    ----------
    structure
        Of ``read_data``.
    ensemble, thermostat
        As in ``learn.yaml``.
    temperature
        First and last, K.
    thermostat_time, pressure, barostat_time, time_step
        fs, GPa, fs, fs.
    steps
        Of ``run``.
    """

    structure: Structure | None = None
    ensemble: str = "nve"
    thermostat: str | None = None
    temperature: tuple[float, float] | None = None
    thermostat_time: float | None = None
    pressure: float | None = None
    barostat_time: float | None = None
    time_step: float = 1.0
    steps: int | None = None


class _Command:
    """The words of a command, and where it stands."""

    def __init__(self, words: list[str], place: Place) -> None:
        self.words, self.place = words, place

    def number(self, index: int) -> float:
        """Return one of the words as a number."""
        try:
            return parse_real(self.words[index])
        except IndexError:
            raise self.place.error(f"{self.words[0]} ends too early", "complete it") from None
        except ValueError as reason:
            raise self.place.error(f"{self.words[0]}: {reason}", _EXAMPLE) from None

    def after(self, *keywords: str) -> int | None:
        """Return the index of the word behind one of some keywords; None without."""
        found = [k for k, word in enumerate(self.words) if word in keywords]
        return found[0] + 1 if found else None


def read_lammps_input(path: str | Path, elements: list[str]) -> LammpsInput:
    """Read the commands of dynamics; others are not looked at."""
    found: dict[str, object] = {}
    units, data, step = "lj", None, None
    for command in _commands(path):
        words = command.words
        match words[0]:
            case "units":
                units = words[-1]
            case "read_data" if len(words) > 1:
                data = command
            case "timestep":
                step = command.number(1)
            case "run":
                try:
                    found["steps"] = parse_integer(words[1])
                except (ValueError, IndexError):
                    raise command.place.error("run needs a number of steps", _EXAMPLE) from None
            case "pair_coeff":
                symbols = [word for word in words[3:] if re.fullmatch("[A-Z][a-z]?", word)]
                elements = symbols or elements
            case "velocity" if "create" in words and "temperature" not in found:
                temperature = command.number(words.index("create") + 1)
                found["temperature"] = (temperature, temperature)
            case "fix" if len(words) > 3:
                found |= _fix(command, FS.get(units, 1.0), units)
    if units not in FS:
        hint = "LASP2 uses metal"
        raise InputError(f"units are {units}, not metal or real", file=path, hint=hint)
    if data is not None:
        found["structure"] = _structure(data, Path(path).parent, elements, units)
    if step is not None:  # else 1 fs, as in LAMMPS with these units
        found["time_step"] = FS[units] * step
    return LammpsInput(**found)  # type: ignore[arg-type]


def _commands(path: str | Path) -> list[_Command]:
    """Return the commands: without comments, lines that end with & joined, variables replaced."""
    commands: list[_Command] = []
    variables: dict[str, str] = {}
    joined, first = "", 0
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        first = first if joined else number
        joined += re.sub(r"#.*", "", line)
        if joined.rstrip().endswith("&"):
            joined = joined.rstrip()[:-1] + " "
            continue
        text = re.sub(r"\$\{(\w+)\}|\$(\w)", lambda m: variables.get(m[1] or m[2], m[0]), joined)
        words, joined = text.split(), ""
        if len(words) > 3 and words[0] == "variable" and words[2] in ("equal", "index", "string"):
            variables[words[1]] = words[3]
        elif words:
            commands.append(_Command(words, Place(str(path), first)))
    return commands


def _fix(command: _Command, fs: float, units: str) -> dict[str, object]:
    """Return the settings of the ensemble in a fix; nothing if there are none."""
    style = command.words[3].partition("/")[0]
    found: dict[str, object] = {}
    if style == "langevin":
        first, last, damp = (command.number(k) for k in (4, 5, 6))
        found |= {"ensemble": "nvt", "thermostat": "langevin", "temperature": (first, last)}
        return found | {"thermostat_time": fs * damp}
    if style not in ("nvt", "npt"):
        return found
    heat = command.after("temp")
    if heat is None:
        raise command.place.error(f"fix {style} has no temp", "add it")
    first, last, damp = (command.number(heat + k) for k in range(3))
    found |= {"ensemble": style, "temperature": (first, last), "thermostat_time": fs * damp}
    if style == "nvt":
        return found | {"thermostat": "nose-hoover"}
    press = command.after("iso", "aniso", "tri")
    if press is None:
        raise command.place.error("fix npt has no iso, aniso or tri", "add it")
    gpa = 1e-4 if units == "metal" else 1.01325e-4
    found["pressure"] = gpa * command.number(press)
    return found | {"barostat_time": fs * command.number(press + 2)}


def _structure(data: _Command, folder: Path, elements: list[str], units: str) -> Structure:
    """Return the structure of ``read_data``."""
    from ase.data import atomic_numbers
    from ase.io.lammpsdata import read_lammps_data

    path = folder / data.words[1]
    for symbol in elements:
        if symbol not in atomic_numbers:
            raise data.place.error(f"'{symbol}' is no element", "correct pair_coeff or elements")
    kinds = {k: atomic_numbers[symbol] for k, symbol in enumerate(elements, start=1)}
    if not path.is_file():
        raise data.place.error(f"read_data: '{path}' not found", "put it there")
    if not kinds and "Masses" not in read_text(path):
        raise data.place.error("no command names the elements", "add them to pair_coeff")
    try:
        atoms = read_lammps_data(path, Z_of_type=kinds or None, units=units)
        atoms.pbc = True
        return structure_from_atoms(atoms, str(path), labels=False)
    except AenetpyError:
        raise
    except Exception as error:  # ASE's readers raise anything
        raise data.place.error(
            f"'{path}' cannot be read: {type(error).__name__}: {error}"
        ) from None
