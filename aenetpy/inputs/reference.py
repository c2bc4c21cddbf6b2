"""The key ``reference`` of YAML files: the calculator that labels structures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aenetpy.inputs.given import YamlValue
from aenetpy.inputs.lines import Place
from aenetpy.inputs.spec import Bounds, items_of, keyword, names

_MOST = 1e9


@dataclass(frozen=True)
class Reference:
    """How structures are labelled; each field is explained by the key that fills it."""

    calculator: str = keyword(
        "calculator",
        "word",
        "what labels structures with energies, forces and stress",
        form="name of an ASE calculator, such as `emt`, or `module:Class`",
    )
    kwargs: Mapping[str, Any] = keyword(
        "kwargs",
        "lines",
        "what the calculator is made with; `profile: {command: ..., pseudo_dir: ...}` tells how an"
        " external code is started, otherwise ASE's own configuration does",
        dict,
        form="keys and values",
    )
    timeout: float = keyword(
        "timeout",
        "number",
        "after which a calculation is ended, with all that it has started",
        86400.0,
        bounds=Bounds(above=0, most=_MOST),
        unit="s",
    )
    parallel: int = keyword(
        "parallel", "integer", "calculations at a time", 1, bounds=Bounds(1, 10_000)
    )
    max_force: float = keyword(
        "max_force",
        "number",
        "labels with a larger component of a force are refused",
        50.0,
        bounds=Bounds(above=0, most=_MOST),
        unit="eV/Å",
    )
    min_distance: float = keyword(
        "min_distance",
        "number",
        "structures whose atoms are closer are not calculated",
        0.5,
        bounds=Bounds(0, 10),
        unit="Å",
    )
    place: Place = field(default=Place(""), compare=False)


REFERENCE_KEYS = items_of(Reference)


def read_reference(value: YamlValue) -> Reference:
    """Return the content of the key ``reference``."""
    keys = value.only(names(REFERENCE_KEYS))
    if "calculator" not in keys:
        raise value.error("has no key 'calculator'", "add it, such as 'calculator: emt'")
    given = value.values_of(REFERENCE_KEYS)
    if "kwargs" in keys:
        given["kwargs"] = {name: one.typed() for name, one in keys["kwargs"].mapping().items()}
    return Reference(**given, place=value.place)
