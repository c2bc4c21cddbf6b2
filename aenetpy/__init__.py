"""Neural-network potentials in the file formats of aenet.

The names below are imported when they are first used, since their modules take time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "AenetpyError": "aenetpy.errors",
    "Calculator": "aenetpy.calculators",
    "Potential": "aenetpy.models.potential",
    "Structure": "aenetpy.data.structure",
    "fingerprints": "aenetpy.descriptors.table",
    "read_potential": "aenetpy.models.reading",
    "read_stp": "aenetpy.io.stp",
    "read_trainset": "aenetpy.io.trainset",
    "read_xsf": "aenetpy.io.xsf",
    "write_xsf": "aenetpy.io.xsf",
}

__all__ = [
    "AenetpyError",
    "Calculator",
    "Potential",
    "Structure",
    "fingerprints",
    "read_potential",
    "read_stp",
    "read_trainset",
    "read_xsf",
    "write_xsf",
]

if TYPE_CHECKING:
    from aenetpy.calculators import Calculator as Calculator
    from aenetpy.data.structure import Structure as Structure
    from aenetpy.descriptors.table import fingerprints as fingerprints
    from aenetpy.errors import AenetpyError as AenetpyError
    from aenetpy.io.stp import read_stp as read_stp
    from aenetpy.io.trainset import read_trainset as read_trainset
    from aenetpy.io.xsf import read_xsf as read_xsf
    from aenetpy.io.xsf import write_xsf as write_xsf
    from aenetpy.models.potential import Potential as Potential
    from aenetpy.models.reading import read_potential as read_potential


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'aenetpy' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
