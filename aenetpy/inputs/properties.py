"""Properties of crystals that are to be measured, as a YAML file lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aenetpy.inputs.given import YamlValue
from aenetpy.inputs.lines import suggest
from aenetpy.inputs.spec import Bounds, Item, names

FACES = {
    "fcc": ("100", "110", "111"),
    "bcc": ("100", "110", "111"),
    "hcp": ("0001",),
    "diamond": ("100", "111"),
}
"""Of the lattices that slabs are cut from, as ASE names them."""

LATTICES = (*FACES, "sc", "rocksalt", "cesiumchloride", "zincblende", "fluorite", "wurtzite")
"""Crystals that ASE builds from lattice constants alone."""

BULK_UNITS = {
    "a": "Å",
    "V": "Å^3/atom",
    "E": "eV/atom",
    "B": "GPa",
    "B wide": "GPa",
    "residual": "meV/atom",
}
"""Properties of a crystal: lattice constant, volume, energy and bulk modulus where there is
no pressure; bulk modulus of a curve through energies far from there, and its residual."""

SURFACE_UNITS = {"gamma": "J/m^2"}
"""Properties of a surface: its energy."""

_UNITS = {"bulk": BULK_UNITS, "surface": SURFACE_UNITS}
_LENGTH = Bounds(above=0, most=1000.0)

PROPERTY_KEYS = (
    Item(
        "kind",
        "word",
        "`bulk`: lattice constant, volume, energy and bulk modulus of the crystal without pressure,"
        " `B` from the stress at strains of 0.2 %, `B wide` from a curve through energies at"
        " strains to 4 %, with what it leaves of them; `surface`: energy of the two faces of a"
        " slab, cut from the crystal at its own lattice constant",
        required=True,
        choices=tuple(_UNITS),
    ),
    Item("symbol", "word", "`Au`; of compounds as `MgO`", required=True, form="formula"),
    Item("lattice", "word", "of the crystal, as ASE names it", required=True, choices=LATTICES),
    Item(
        "a",
        "number",
        "lattice constant to begin with: that of the lowest energy must lie within 4 % of it",
        required=True,
        bounds=_LENGTH,
        unit="Å",
    ),
    Item(
        "c",
        "number",
        "second lattice constant of `hcp` and `wurtzite`; `c/a` stays as it is",
        default_text="that of touching spheres",
        bounds=_LENGTH,
        unit="Å",
    ),
    Item(
        "face",
        "word",
        "of `surface`",
        default_text="required for `surface`",
        form="; ".join(f"{lattice}: {', '.join(faces)}" for lattice, faces in FACES.items()),
    ),
    Item("layers", "integer", "of the slab", default=7, bounds=Bounds(1, 1000)),
    Item("vacuum", "number", "on each side of the slab", default=10.0, bounds=_LENGTH, unit="Å"),
    Item(
        "size",
        "lines",
        "of the slab in surface cells, along both edges",
        default_text="`[1, 1]`",
        form="two integers, 1 or greater",
        bounds=Bounds(1),
    ),
    Item(
        "relax",
        "integer",
        "relax the slab in so many steps of BFGS at most; 0: atoms stay where the crystal has them",
        default=0,
        bounds=Bounds(0, 10_000),
    ),
    Item(
        "value",
        "lines",
        "reference, if it is known better than by calculation",
        form="`{a: 4.17, V: 18.1, E: -3.27, B: 139}` for `bulk`, `{gamma: 0.87}` for `surface`, all"
        " or some; units are " + ", ".join(dict.fromkeys((*BULK_UNITS.values(), "J/m^2"))),
    ),
)

_KEYS = {item.name: item for item in PROPERTY_KEYS}
_OF_SLABS = ("face", "layers", "vacuum", "size", "relax")


@dataclass(frozen=True)
class Crystal:
    """A crystal that ASE can build.

    Parameters
    ----------
    symbol
        Formula.
    lattice
        One of `LATTICES`.
    a, c
        Lattice constants, Å; c of ``hcp`` and ``wurtzite``, None for the value of touching spheres.
    """

    symbol: str
    lattice: str
    a: float
    c: float | None = None


@dataclass(frozen=True)
class BulkProperty:
    """Lattice constant, volume, energy and bulk moduli of a crystal."""

    name: str
    crystal: Crystal
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def keys(self) -> dict[str, str]:
        """Names of the results, by quantity."""
        return _result_names(self.name, BULK_UNITS)


@dataclass(frozen=True)
class SurfaceProperty:
    """Energy of a surface.

    Parameters
    ----------
    name
        As in the file.
    crystal
        That the slab is cut from, with lattice constants to begin with.
    face
        One of `FACES`.
    layers
        Of the slab.
    vacuum
        On each side, Å.
    size
        In surface cells.
    relax
        Largest number of steps.
    values
        Known values, see `SURFACE_UNITS`.
    """

    name: str
    crystal: Crystal
    face: str
    layers: int = 7
    vacuum: float = 10.0
    size: tuple[int, int] = (1, 1)
    relax: int = 0
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def keys(self) -> dict[str, str]:
        """Names of the results, by quantity."""
        return _result_names(self.name, SURFACE_UNITS)


Property: TypeAlias = BulkProperty | SurfaceProperty


def read_properties(value: YamlValue) -> tuple[Property, ...]:
    """Return the properties that stand under a key, ``name: {kind: ..., ...}`` each."""
    return tuple(_read_property(name, item) for name, item in value.mapping().items())


def given_values(properties: tuple[Property, ...]) -> dict[str, float]:
    """Return the values that stand in the file, by the names of the results.

    Both bulk moduli are compared with a known one.
    """
    found: dict[str, float] = {}
    for one in properties:
        both = {"B wide": one.values["B"]} if "B" in one.values else {}
        found |= {one.keys[quantity]: value for quantity, value in {**both, **one.values}.items()}
    return found


def reference_names(properties: tuple[Property, ...]) -> list[str]:
    """Return the names of the results that have a reference: a residual needs none."""
    return [name for one in properties for key, name in one.keys.items() if key != "residual"]


def _result_names(name: str, units: Mapping[str, str]) -> dict[str, str]:
    return {quantity: f"{name}: {quantity} ({unit})" for quantity, unit in units.items()}


def _read_property(name: str, value: YamlValue) -> Property:
    keys = value.only(names(PROPERTY_KEYS))
    kind = _word(_required(value, keys, "kind"))
    crystal = _read_crystal(value, keys)
    values = _read_values(keys["value"], _UNITS[kind]) if "value" in keys else {}
    if kind == "bulk":
        for key in _OF_SLABS:
            if key in keys:
                raise keys[key].error("means nothing for a bulk", "remove it")
        return BulkProperty(name, crystal, values)
    return SurfaceProperty(
        name,
        crystal,
        _read_face(_required(value, keys, "face"), crystal.lattice),
        layers=_given(keys, "layers"),
        vacuum=_given(keys, "vacuum"),
        size=_read_size(keys["size"]) if "size" in keys else (1, 1),
        relax=_given(keys, "relax"),
        values=values,
    )


def _read_crystal(value: YamlValue, keys: Mapping[str, YamlValue]) -> Crystal:
    from ase.build import bulk

    crystal = Crystal(
        _required(value, keys, "symbol").text(),
        _word(_required(value, keys, "lattice")),
        _required(value, keys, "a").within(_KEYS["a"]),
        keys["c"].within(_KEYS["c"]) if "c" in keys else None,
    )
    if crystal.c is not None and crystal.lattice not in ("hcp", "wurtzite"):
        raise keys["c"].error(f"means nothing for {crystal.lattice}", "remove it")
    try:
        bulk(crystal.symbol, crystal.lattice, a=crystal.a, c=crystal.c)
    except (ValueError, KeyError, RuntimeError) as reason:
        raise keys["symbol"].error(
            f"is '{crystal.symbol}', of which ASE builds no {crystal.lattice} crystal: {reason}"
        ) from None
    return crystal


def _read_face(value: YamlValue, lattice: str) -> str:
    faces = FACES.get(lattice, ())
    if not faces:
        raise value.error(f"of {lattice} cannot be cut", f"slabs are of {', '.join(FACES)}")
    if value.text() not in faces:
        raise value.error(f"is '{value.text()}'", f"of {lattice} there are {', '.join(faces)}")
    return value.text()


def _read_size(value: YamlValue) -> tuple[int, int]:
    numbers = [item.integer(1) for item in value.sequence()]
    if len(numbers) != 2:
        raise value.error("needs two integers", "write for instance [2, 2]")
    return numbers[0], numbers[1]


def _read_values(value: YamlValue, units: Mapping[str, str]) -> dict[str, float]:
    known = tuple(unit for unit in units if unit != "residual")
    return {key: item.real() for key, item in value.only(known).items()}


def _required(value: YamlValue, keys: Mapping[str, YamlValue], key: str) -> YamlValue:
    if key not in keys:
        raise value.error(f"has no '{key}'", "add it")
    return keys[key]


def _given(keys: Mapping[str, YamlValue], name: str) -> Any:
    """Return a number, or its default."""
    item = _KEYS[name]
    return keys[name].within(item) if name in keys else item.default


def _word(value: YamlValue) -> str:
    """Return one of the choices of a key."""
    choices = _KEYS[value.name.rpartition(".")[2]].choices
    if value.text() not in choices:
        raise value.error(
            f"is '{value.text()}'",
            f"there are {', '.join(choices)}{suggest(value.text(), choices)}",
        )
    return value.text()
