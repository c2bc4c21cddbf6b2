"""Random numbers: seeds."""

from __future__ import annotations

import numpy as np


def fresh_seed() -> int:
    """Return a seed that was never used, for runs without one."""
    return int(np.random.SeedSequence().generate_state(1)[0])
