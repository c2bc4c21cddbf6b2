"""Units of energy, length, force and stress as other programs spell them."""

from __future__ import annotations

import re

HARTREE = 27.211386024367243
"""eV; CODATA 2014 as in ASE, so that energies read through ASE are on the same scale."""

BOHR = 0.5291772105638411
"""Å; as above."""

_JOULE = 1.0 / 1.6021766208e-19
_PASCAL = _JOULE * 1e-30
_MOL = 6.022140857e23

_DIMENSIONS = {"energy": (1, 0), "length": (0, 1), "forces": (1, -1), "stress": (1, -3)}
"""Powers of energy and length; the unit of a virial is one of energy."""

_ATOMIC = {
    "energy": HARTREE,
    "length": BOHR,
    "forces": HARTREE / BOHR,
    "stress": HARTREE / BOHR**3,
}

_UNITS = {
    "ev electronvolt electronvolts": (1.0, (1, 0)),
    "mev": (1e-3, (1, 0)),
    "hartree hartrees ha eh": (HARTREE, (1, 0)),
    "rydberg rydbergs ry": (HARTREE / 2, (1, 0)),
    "j joule": (_JOULE, (1, 0)),
    "kj": (1e3 * _JOULE, (1, 0)),
    "cal": (4.184 * _JOULE, (1, 0)),
    "kcal": (4184.0 * _JOULE, (1, 0)),
    "mol mole": (_MOL, (0, 0)),
    "angstrom angstroms angstroem ang a": (1.0, (0, 1)),
    "bohr bohrs bohrradius a0 au": (BOHR, (0, 1)),
    "nm": (10.0, (0, 1)),
    "pm": (0.01, (0, 1)),
    "pa pascal": (_PASCAL, (1, -3)),
    "mpa": (1e6 * _PASCAL, (1, -3)),
    "gpa": (1e9 * _PASCAL, (1, -3)),
    "bar": (1e5 * _PASCAL, (1, -3)),
    "kbar kb": (1e8 * _PASCAL, (1, -3)),
    "atm": (101325.0 * _PASCAL, (1, -3)),
}
_KNOWN = {word: unit for words, unit in _UNITS.items() for word in words.split()}
_FACTOR = re.compile(r"([a-z]+0?)(?:\^?(-?\d))?")
_SPELLINGS = {"å": "a", "Å": "a", "³": "3", "⁻¹": "-1", "²": "2", "**": "^", "·": " ", "*": " "}


def to_ev_and_angstrom(quantity: str, text: str) -> float:
    """Return the number of eV, Å, eV/Å or eV/Å^3 in a unit of energy, length, forces or stress.

    ValueError names a unit that is unknown, or one of another quantity.
    """
    plain = text.strip()
    for spelling, plainer in _SPELLINGS.items():
        plain = plain.replace(spelling, plainer)
    plain = re.sub(r"[\s_]*(?:/|\bper\b|(?<=_)per(?=_))[\s_]*", "/", plain.lower())
    if plain.replace(".", "") in ("au", "atomic", "atomic units", "atomic_units"):
        return _ATOMIC[quantity]
    above, *below = re.sub(r"(?<![a-z])a\.u\.", "au", plain).split("/")
    scale, powers = 1.0, (0, 0)
    for part, sign in ((above, 1), *((part, -1) for part in below)):
        for word in re.split(r"[\s_()]+", part.strip(" _()")):
            match = _FACTOR.fullmatch(word)
            if match is None or match[1] not in _KNOWN:
                raise ValueError(f"'{text}' is no known unit of {quantity}")
            factor, (energy, length) = _KNOWN[match[1]]
            power = sign * int(match[2] or 1)
            scale *= factor**power
            powers = (powers[0] + power * energy, powers[1] + power * length)
    if powers != _DIMENSIONS[quantity]:
        raise ValueError(f"'{text}' is no unit of {quantity}")
    return scale
