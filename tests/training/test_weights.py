from __future__ import annotations

import numpy as np
import pytest

from aenetpy.models.network import n_weights
from aenetpy.training.weights import initial_weights

NODES = (44, 30, 20, 1)


def test_uniform_with_the_width_of_the_spec() -> None:
    weights_w = initial_weights(NODES, "Ti", 1)
    assert weights_w.shape == (n_weights(NODES),)
    first = weights_w[: 45 * 30]
    assert np.abs(first).max() <= 0.5 * np.sqrt(12 / 45)
    assert np.abs(first).max() > 0.49 * np.sqrt(12 / 45)
    assert first.std() == pytest.approx(1 / np.sqrt(45), rel=0.05)
    assert first.mean() == pytest.approx(0, abs=4 / np.sqrt(45) / np.sqrt(first.size))


def test_same_seed_same_weights() -> None:
    assert (initial_weights(NODES, "Ti", 5) == initial_weights(NODES, "Ti", 5)).all()


def test_other_seed_or_species_other_weights() -> None:
    weights_w = initial_weights(NODES, "Ti", 5)
    assert not np.isin(weights_w, initial_weights(NODES, "Ti", 6)).any()
    assert not np.isin(weights_w, initial_weights(NODES, "O", 5)).any()
