"""Single looks at a structure: its mean fingerprint, the neighbours of an atom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Float, Long
from aenetpy.commands.predict_output import as_printed
from aenetpy.data.limits import LARGEST_ORDER
from aenetpy.data.setup import Setup
from aenetpy.data.structure import Structure
from aenetpy.descriptors.base import make_descriptor
from aenetpy.descriptors.featurise import NEIGHBOR_TOLERANCE, structure_fingerprints
from aenetpy.descriptors.neighbors import find_neighbors
from aenetpy.descriptors.species import refuse_unknown
from aenetpy.errors import UsageError
from aenetpy.structures.reading import iter_structures


@dataclass(frozen=True, eq=False)
class MeanFingerprint:
    """Fingerprint averaged over the atoms of a structure."""

    name: str
    features_g: Float
    n_neighbors_n: Long


@dataclass(frozen=True, eq=False)
class Neighborhood:
    """The neighbours of one atom, nearest first.

    Parameters
    ----------
    species_p
        Symbol of each neighbour.
    positions_pc
        Cartesian coordinates of the images, Å, (p, 3) float64.
    """

    species_p: tuple[str, ...]
    positions_pc: Float


def mean_fingerprints(
    entry: str,
    species: Sequence[str],
    radial: tuple[float, int],
    angular: tuple[float, int],
) -> Iterator[MeanFingerprint]:
    """Yield the mean Chebyshev fingerprint of each structure of an entry.

    Notes
    -----
    Spec 11; there the weights follow the order of appearance in the structure.
    """
    if len(set(species)) < len(species):
        raise UsageError(f"a species is named twice: {' '.join(species)}")
    if max(radial[1], angular[1]) > LARGEST_ORDER:
        raise UsageError(
            f"an order is {max(radial[1], angular[1])}", hint=f"it is {LARGEST_ORDER} at most"
        )
    descriptors = [
        make_descriptor(
            Setup.chebyshev(
                symbol,
                species,
                radial_cutoff=radial[0],
                radial_order=radial[1],
                angular_cutoff=angular[0],
                angular_order=angular[1],
            ),
            species,
        )
        for symbol in species
    ]
    for structure in iter_structures(entry):
        refuse_unknown(
            structure,
            species,
            "species {missing} is not among {known}",
            "name all species of the structure",
        )
        found = structure_fingerprints(structure, species, descriptors)
        features_ng = np.concatenate(found.features_tng)
        yield MeanFingerprint(structure.name, features_ng.mean(axis=0), found.n_neighbors_n)


def neighborhood(structure: Structure, atom: int, cutoff: float) -> Neighborhood:
    """Return the neighbours of one atom within ``cutoff`` + 0.001 Å (spec 5.3)."""
    if not 1 <= atom <= len(structure):
        raise UsageError(
            f"atom {atom} of {structure.name}, which has {len(structure)}",
            hint=f"atoms count from 1 to {len(structure)}",
        )
    structure = as_printed(structure)
    neighbors = find_neighbors(
        structure.positions_nc,
        structure.cell_cc,
        structure.pbc_c,
        cutoff + NEIGHBOR_TOLERANCE,
        first=atom - 1,
        last=atom,
    )
    # Rounded, so that atoms at equal distance keep the order of the structure.
    order_p = np.lexsort((neighbors.partners_p, neighbors.distances().round(6)))
    return Neighborhood(
        species_p=tuple(structure.species[j] for j in neighbors.partners_p[order_p]),
        positions_pc=structure.positions_nc[atom - 1] + neighbors.r_cp.T[order_p],
    )


def single_structure(entry: str) -> Structure:
    """Return the structure of an entry."""
    structures = iter_structures(entry)
    structure = next(structures)
    if next(structures, None) is not None:
        raise UsageError(f"{entry} holds several structures", hint="choose one, such as @-1")
    return structure
