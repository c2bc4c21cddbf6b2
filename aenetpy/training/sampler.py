"""In which order a method visits the structures: SAMPLING (spec 3.4)."""

from __future__ import annotations

import numpy as np

from aenetpy.arrays import Float, Index
from aenetpy.training.objective import Loss, Objective

PURPOSE = tuple(b"order")
"""Number of this stream of random numbers."""


class Sampler:
    """Draws the structures of one epoch after the other.

    ``sequential`` is the order of the file, ``shuffled`` another in every epoch. The others,
    those of aenet, draw as many structures as there are, with replacement: ``random``
    uniformly; ``weighted`` and ``energy`` by rank ``floor(s r^4)``, r uniform in [0, 1),
    where rank 0 has the smallest key of the objective, such as the largest error or the
    lowest target energy per atom.

    Notes
    -----
    Spec 3.4. Errors are those at the begin of an epoch.
    """

    def __init__(self, sampling: str = "sequential", seed: int = 0, epoch: int = 0) -> None:
        self.sampling = sampling
        self.seed = seed
        self.epoch = epoch

    def draw(self, objective: Objective, loss: Loss) -> Index:
        """Return the positions of the structures to visit in the next epoch."""
        n = objective.n_structures
        sequence = np.random.SeedSequence(self.seed, spawn_key=(*PURPOSE, self.epoch))
        self.epoch += 1
        if self.sampling == "sequential":
            return np.arange(n, dtype=np.intp)
        stream = np.random.default_rng(sequence)
        if self.sampling == "shuffled":
            return stream.permutation(n)
        r_v = stream.random(n)
        if self.sampling == "random":
            return _ranks(r_v)
        key_s = objective.sampling_key(self.sampling, loss)
        sample_v: Index = np.argsort(key_s, kind="stable")[_ranks(r_v**4)]
        return sample_v


def _ranks(r_v: Float) -> Index:
    """floor(v r) of v numbers in [0, 1)."""
    return (len(r_v) * r_v).astype(np.intp)
