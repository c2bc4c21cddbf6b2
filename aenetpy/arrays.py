"""Types of arrays, and the letters that end their names.

The name of an array ends in the letters of its axes: ``forces_nc`` has a row for each atom and a
column for each direction. A letter means the same everywhere:

    a   some of the atoms: of one species, or of a piece of work
    b   bins, and blocks
    c   Cartesian directions x, y, z
    g   components of a fingerprint
    h   plain and species-weighted part of a fingerprint
    k   anything that is only counted
    l   layers of a network, and degrees of polynomials
    m   members of a committee; in kernels of harmonics, their orders
    n   atoms, of a structure or of a set
    p   pairs of neighbours
    s   structures
    t   species, in the order of TYPES
    v   visits of structures in an epoch
    w   weights of networks
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Float: TypeAlias = NDArray[np.float64]
Int: TypeAlias = NDArray[np.int32]
Long: TypeAlias = NDArray[np.int64]
Index: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]
