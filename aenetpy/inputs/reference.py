"""The key ``reference`` of YAML files: the calculator that labels structures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aenetpy.inputs.given import YamlValue
from aenetpy.inputs.lines import Place
from aenetpy.inputs.spec import Bounds, Item, names

_MOST = 1e9

REFERENCE_KEYS = (
    Item(
        "calculator",
        "word",
        "what labels structures with energies, forces and stress",
        required=True,
        form="name of an ASE calculator, such as `emt`, or `module:Class`",
    ),
    Item(
        "kwargs",
        "lines",
        "what the calculator is made with; `profile: {command: ..., pseudo_dir: ...}` tells how an"
        " external code is started, otherwise ASE's own configuration does",
        form="keys and values",
    ),
    Item(
        "timeout",
        "number",
        "after which a calculation is ended, with all that it has started",
        default=86400.0,
        bounds=Bounds(above=0, most=_MOST),
        unit="s",
    ),
    Item("parallel", "integer", "calculations at a time", default=1, bounds=Bounds(1, 10_000)),
    Item(
        "max_force",
        "number",
        "labels with a larger component of a force are refused",
        default=50.0,
        bounds=Bounds(above=0, most=_MOST),
        unit="eV/Å",
    ),
    Item(
        "min_distance",
        "number",
        "structures whose atoms are closer are not calculated",
        default=0.5,
        bounds=Bounds(0, 10),
        unit="Å",
    ),
)


@dataclass(frozen=True)
class Reference:
    """How structures are labelled.

    Parameters
    ----------
    calculator
        Name of a calculator of ASE, or ``module:Class``.
    kwargs
        The arguments of the class.
    timeout
        Seconds that a calculation may take.
    parallel
        Calculations at a time.
    max_force
        Largest component of a force that is believed, eV/Å.
    min_distance
        Smallest distance of atoms that is calculated, Å.
    place
        Where it stands.
    """

    calculator: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 86400.0
    parallel: int = 1
    max_force: float = 50.0
    min_distance: float = 0.5
    place: Place = field(default=Place(""), compare=False)


def read_reference(value: YamlValue) -> Reference:
    """Return the content of the key ``reference``."""
    keys = value.only(names(REFERENCE_KEYS))
    if "calculator" not in keys:
        raise value.error("has no key 'calculator'", "add it, such as 'calculator: emt'")
    given: dict[str, Any] = {}
    for item in REFERENCE_KEYS:
        if item.name not in keys:
            continue
        here = keys[item.name]
        if item.kind == "lines":
            given[item.name] = {name: kwarg.typed() for name, kwarg in here.mapping().items()}
        elif item.kind == "word":
            given[item.name] = here.text()
        else:
            given[item.name] = here.within(item)
    return Reference(**given, place=value.place)
