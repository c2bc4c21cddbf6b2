"""The forces and stresses that a potential is trained on, flat over all coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Float, Index, Long, Mask
from aenetpy.data.geometry import Geometry
from aenetpy.data.structure import determinant
from aenetpy.data.training_set import TrainingSet
from aenetpy.descriptors.derivatives import Targets, consecutive

EV_PER_A3_IN_GPA = 160.21766208


@dataclass(frozen=True)
class ForceWeights:
    """How much the errors of energies, forces and stress count.

    Parameters
    ----------
    alpha
        Share of forces and stress, 0 to 1; 1 - alpha is that of energies.
    energy, force, stress
        The errors that count equally: eV per atom, eV/Å, and eV/Å^3; None for no stress.
    """

    alpha: float = 0.5
    energy: float = 0.005
    force: float = 0.1
    stress: float | None = None


@dataclass(frozen=True, eq=False)
class BlockTargets:
    """What the forces of the structures of a block are compared with.

    Parameters
    ----------
    followed_k
        Places in the block of the structures whose forces or stress are used, (k,).
    targets
        Their references; weights are -2 c for an error whose square counts c.
    is_force_q, is_stress_q
        Which coordinates are known components of forces, and of stress, (q,).
    volume_q
        -V, Å^3, of the coordinates that are strain: their force is -V times the stress.
    """

    followed_k: Index
    targets: Targets
    is_force_q: Mask
    is_stress_q: Mask
    volume_q: Float


class ForceTargets:
    """Forces and stresses of a training set, of which blocks take their part.

    Parameters
    ----------
    trainset
        The normalised training set.
    geometry
        Of all its structures: which forces and which stress are used.
    weights
        How much errors count.
    structures_s
        The structures over which errors are averaged, (s,).
    """

    def __init__(
        self,
        trainset: TrainingSet,
        geometry: Geometry,
        weights: ForceWeights,
        structures_s: Index,
    ) -> None:
        self.has_forces_s = geometry.has_forces_s
        strained = weights.stress is not None
        has_stress_s = geometry.has_stress_s & strained
        self._followed_s = self.has_forces_s | has_stress_s
        self._widths_s = 3 * trainset.n_atoms_s.astype(np.int64) + 9 * strained
        self._first_s = np.cumsum(self._widths_s) - self._widths_s
        n_coordinates = int(self._widths_s.sum())
        places_q = np.arange(n_coordinates) - np.repeat(self._first_s, self._widths_s)
        is_strain_q = places_q >= np.repeat(3 * trainset.n_atoms_s, self._widths_s)
        self._is_force_q = ~is_strain_q & np.repeat(self.has_forces_s, self._widths_s)
        self._is_stress_q = is_strain_q & np.repeat(has_stress_s, self._widths_s)
        reference_q, self._volume_q = np.zeros(n_coordinates), np.ones(n_coordinates)
        reference_q[~is_strain_q] = trainset.forces_nc.ravel() / trainset.scale
        if strained:
            volumes_s = np.array([abs(determinant(cell_cc)) for cell_cc in geometry.cells_scc])
            self._volume_q[is_strain_q] = np.repeat(-volumes_s, 9)
            reference_q[is_strain_q] = geometry.stress_scc.ravel()
            reference_q *= self._volume_q
        # Of unknown references, which may be NaN, nothing remains but their zero weight.
        reference_q[~(self._is_force_q | self._is_stress_q)] = 0.0
        self._reference_q = reference_q
        n_forces = 3 * int(trainset.n_atoms_s[structures_s] @ geometry.has_forces_s[structures_s])
        n_stress = 9 * int(has_stress_s[structures_s].sum())
        unit = 0.5 * (weights.energy * trainset.scale) ** 2
        share = unit * len(structures_s) * weights.alpha
        force = share / weights.force**2 / max(n_forces, 1)
        stress = share / (weights.stress or 1.0) ** 2 / max(n_stress, 1)
        self._weight_q: Float = -2.0 * force * self._is_force_q.astype(np.float64)
        self._weight_q[self._is_stress_q] = -2.0 * stress / self._volume_q[self._is_stress_q] ** 2

    def of(self, chosen_k: Index) -> BlockTargets:
        """Return the part of some structures."""
        followed_k = np.flatnonzero(self._followed_s[chosen_k])
        structures = chosen_k[followed_k]
        widths: Long = self._widths_s[structures]
        places_q = consecutive(self._first_s[structures], widths)
        ends: Long = np.concatenate([np.zeros(1, np.int64), np.cumsum(widths)])
        return BlockTargets(
            followed_k,
            Targets(ends, self._reference_q[places_q], self._weight_q[places_q]),
            self._is_force_q[places_q],
            self._is_stress_q[places_q],
            self._volume_q[places_q],
        )
