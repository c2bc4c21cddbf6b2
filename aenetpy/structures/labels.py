"""Energy, forces and stress of a frame: under which names, in which units, which of several.

All readers come here. Names are compared without regard to case, and ``-`` is ``_``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.limits import FINITE
from aenetpy.errors import DataError
from aenetpy.inputs.entries import QUANTITIES
from aenetpy.structures.units import to_ev_and_angstrom

if TYPE_CHECKING:
    from ase import Atoms

_NAMES = {
    "energy": r"(?P<free>free_?)?(?:total_?|tot_?|potential_?)?energy|etot|toten",
    "forces": r"forces?",
    "stress": r"stress(?:es)?|virials?",
}
_LOOKALIKES = {
    "energy": r".*energ.*|e|e_?0|e_?tot.*|toten.*|e_\w+|\w+_e",
    "forces": r".*(?:force|frc|grad).*|f|f_\w+|\w+_f|columns_5_to_7",
    "stress": r".*(?:stress|virial).*",
}
_OTHER_QUANTITIES = re.compile(
    "kin(etic)?|formation|cohesive|atomi[sz]ation|binding|adsorption|reaction|fermi|band|dispersion"
    "|vdw|d[34]|interaction|isolated|atom(ic)?|per|local|correction|zero|zpe|mixing|exchange"
    "|correlation|xc|coulomb|hartree|ewald|electrostatic|nuclear|repulsion|electronic|solvation"
    "|thermal|internal|max|min|mean|rms|net|residual|external|constrain(ed|t)|delta|error|std"
    "|uncertainty|surface|strain|elastic|hull|relative|ionic"
    "|mace|gap|pred(icted|iction)?|ml|mlip|mlp|nnp?|ace|nequip|allegro|schnet|chgnet|model"
)
"""Prefixes of another quantity than the total, or of the prediction of a model."""

_UNIT = re.compile(r"(\w+)_units?|units?_(\w+)|(units?)")
_ALIKE = {"energy": (1e-9, 1e-6), "forces": (1e-6, 1e-5), "stress": (1e-4, 1e-5)}
"""Relative and absolute differences between two copies of one number, from rounding."""

Warn = Callable[[str], object]


@dataclass(frozen=True)
class Labels:
    """The labels of a frame: eV, eV/Å and eV/Å^3 (3, 3), positive under tension.

    ``keys`` are the names under which they, and their units, stand in the frame.
    """

    energy: float | None = None
    forces_nc: Float | None = None
    stress_cc: Float | None = None
    keys: tuple[str, ...] = ()


def labels_of(
    atoms: Atoms, results: Mapping[str, Any], name: str, choice: Mapping[str, str], warn: Warn
) -> Labels:
    """Return the labels among the results of a calculator, ``info`` and ``arrays``.

    ``choice`` has the user's names for some of `QUANTITIES`; ``none`` for none of them.
    """
    per_atom = {key: values for key, values in atoms.arrays.items() if key != "positions"}
    per_frame = dict(atoms.info)
    for key, value in results.items():
        (per_atom if key == "forces" else per_frame)[key] = value
    per_frame.pop("stresses" if "stresses" in results else "", None)
    for key in [key for key in per_frame if _array(per_frame[key]).shape == (len(atoms), 3)]:
        if _lookalike("forces", key):
            per_atom.setdefault(key, per_frame.pop(key))
    units = {_plain(key): value for key, value in per_frame.items() if _UNIT.fullmatch(_plain(key))}
    labels: dict[str, Any] = {}
    keys: list[str] = []
    for quantity in QUANTITIES:
        stored = per_atom if quantity == "forces" else per_frame
        candidates = _candidates(quantity, stored, choice.get(quantity), name)
        values = {
            key: value
            for key in candidates
            if (value := _value(quantity, key, stored[key], units, atoms, name)) is not None
        }
        taken = _chosen(quantity, values, name, warn)
        labels[quantity] = None if taken is None else values[taken]
        keys += {*candidates, *(key for key in stored if _match(quantity, key))}
        if taken is None and not candidates and choice.get(quantity) is None:
            _name_lookalikes(quantity, stored, warn)
        elif taken is not None and units and _unit_of(quantity, taken, units) is None:
            warn(f"'{taken}' has no unit beside it, and is taken in eV and Å")
    energy = labels["energy"]
    return Labels(
        None if energy is None else float(energy),
        labels["forces"],
        labels["stress"],
        (*keys, *(key for key in per_frame if _plain(key) in units)),
    )


def _lookalike(quantity: str, key: str) -> bool:
    """Return whether a name suggests a quantity."""
    return re.fullmatch(_LOOKALIKES[quantity], _plain(key)) is not None


def _array(value: Any) -> Any:
    """Return a value as an array; one of objects where its rows are of unequal length."""
    try:
        return np.asarray(value)
    except ValueError:
        return np.asarray(value, dtype=object)


def _plain(key: str) -> str:
    return str(key).lower().replace("-", "_")


def _candidates(
    quantity: str, stored: Mapping[str, Any], chosen: str | None, name: str
) -> list[str]:
    """Return the names of a quantity in a frame."""
    if chosen is None:
        return [key for key in stored if _match(quantity, key) is not None]
    if chosen.lower() == "none":
        return []
    same = [key for key in stored if key == chosen]
    same = same or [key for key in stored if _plain(key) == _plain(chosen)]
    if len(same) != 1:
        others = ", ".join(key for key in stored if key != "numbers") or "nothing"
        raise DataError(
            f"#{quantity}={chosen}: the frame has {'several' if same else 'no'} '{chosen}'",
            file=name,
            hint=f"it has {others}",
        )
    return same


def _match(quantity: str, key: str) -> re.Match[str] | None:
    """Return how a name consists of prefix and quantity; None if it is another's."""
    match = re.fullmatch(rf"(?:(?P<prefix>\w+?)_+)??(?:{_NAMES[quantity]})", _plain(key))
    words = (match["prefix"] or "").split("_") if match else []
    other = _UNIT.fullmatch(_plain(key)) or any(map(_OTHER_QUANTITIES.fullmatch, words))
    return None if other else match


def _value(
    quantity: str, key: str, value: Any, units: Mapping[str, Any], atoms: Atoms, name: str
) -> Float | None:
    """Return a label in eV and Å; None where the file says that it is unknown."""
    if value is None or (isinstance(value, str) and value.lower() in ("none", "null", "nan", "")):
        return None
    is_virial = "virial" in _plain(key)
    if is_virial and atoms.cell.rank < 3:
        return None
    what = {"energy": "the energy", "forces": "a force", "stress": "the stress"}[quantity]
    try:
        if isinstance(value, (bool, np.bool_)):
            raise ValueError
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{what} is not a number ('{key}')", file=name) from None
    if (array.size and np.isnan(array).all()) or (quantity == "stress" and np.isnan(array).any()):
        return None
    shape = {"energy": (), "forces": (len(atoms), 3), "stress": (3, 3)}[quantity]
    if quantity == "stress" and array.size == 6:  # in the order of Voigt: xx yy zz yz xz xy
        array = array.ravel()[[0, 5, 4, 5, 1, 3, 4, 3, 2]]
    if (array.size == 9 and quantity == "stress") or (array.size == 1 and quantity == "energy"):
        array = array.reshape(shape)
    if array.shape != shape:
        raise DataError(
            f"{what} is missing or surplus: {array.shape} for {shape} ('{key}')", file=name
        )
    if (unit := _unit_of(quantity, key, units)) is not None:
        try:
            array = array * to_ev_and_angstrom("energy" if is_virial else quantity, str(unit))
        except ValueError as reason:
            raise DataError(
                f"{reason} ('{key}')", file=name, hint="write eV, Hartree, Ry, kcal/mol or GPa"
            ) from None
    if is_virial:
        array = -array / atoms.get_volume()
    if (objection := FINITE.objection(array)) is not None:
        raise DataError(
            f"{what}: {objection}", file=name, hint="correct the structure, or leave it out"
        )
    return np.asarray(array)


def _unit_of(quantity: str, key: str, units: Mapping[str, Any]) -> str | None:
    """Return the unit beside a name: of the name itself, of the quantity, or of all."""
    plain = _plain(key)
    stem = ("virial" if "virial" in plain else quantity).rstrip("s")
    names = [plain, stem, f"{stem}s", f"{stem}es"] + ["stres", "stresses"] * (stem == "stres")
    for unit_key, unit in units.items():
        match = _UNIT.fullmatch(unit_key)
        assert match is not None, "collected by this pattern"
        if (match[1] or match[2]) in names:
            return str(unit)
    general = units.get("units", units.get("unit"))
    if general is None:
        return None
    words = re.split(r"[\s,]+", str(general).strip().lower())
    if words[0] in ("metal", "ase", "ev"):
        return {"energy": "eV", "forces": "eV/A", "stress": "eV/A^3"}[quantity]
    if words[0] in ("hartree", "ha", "atomic", "au", "a.u."):
        return "hartree" if stem == "virial" else "a.u."
    return str(general)


def _chosen(quantity: str, values: Mapping[str, Float], name: str, warn: Warn) -> str | None:
    """Return which of several names counts; a line says so where their values differ."""
    if not values:
        return None
    groups: dict[tuple[bool, bool], list[str]] = {}
    for key in values:
        match = _match(quantity, key)
        parts = match.groupdict() if match else {}
        rank = (bool(parts.get("prefix")), bool(parts.get("free")))
        groups.setdefault(rank, []).append(key)
    best = groups[max(groups)]
    rest = [key for key in values if key not in best]
    rtol, atol = _ALIKE[quantity]

    def differing(keys: list[str]) -> list[str]:
        first = values[best[0]]
        return [key for key in keys if not np.allclose(values[key], first, rtol=rtol, atol=atol)]

    if others := differing(best[1:]):
        raise DataError(
            f"'{best[0]}' and '{others[0]}' are two different values of one quantity",
            file=name,
            hint=f"choose one: #{quantity}={best[0]}",
        )
    if others := differing(rest):
        prefixed = max(groups)[0] and not (_match(quantity, others[0]) or {"prefix": 0})["prefix"]
        why = "it has the prefix" if prefixed else "forces belong to it"
        warn(
            f"'{best[0]}' is taken, and not '{others[0]}', as {why};"
            f" #{quantity}={others[0]} takes the other"
        )
    return best[0]


def _name_lookalikes(quantity: str, stored: Mapping[str, Any], warn: Warn) -> None:
    """Warn of names that look like a quantity and were not taken."""
    for key, value in stored.items():
        array = _array(value)
        per_frame = array.size == 1 if quantity == "energy" else array.size in (6, 9)
        fits = array.shape[1:] == (3,) if quantity == "forces" else per_frame
        if array.dtype.kind in "if" and fits and _lookalike(quantity, key):
            warn(f"'{key}' looks like {quantity} and is not taken; #{quantity}={key} takes it")
