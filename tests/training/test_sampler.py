from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from aenetpy.inputs.train_in import SAMPLINGS
from aenetpy.training.sampler import Sampler

N = 4000
RNG = np.random.default_rng(5)
KEYS = {"weighted": RNG.normal(size=N), "energy": RNG.normal(size=N)}
OBJECTIVE = SimpleNamespace(n_structures=N, sampling_key=lambda sampling, loss: KEYS[sampling])


def draw(sampling: str, seed: int = 0, epoch: int = 0) -> np.ndarray:
    return Sampler(sampling, seed, epoch).draw(OBJECTIVE, None)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_draws_as_many_as_there_are(sampling) -> None:
    sample_v = draw(sampling)
    assert sample_v.shape == (N,)
    assert sample_v.min() >= 0
    assert sample_v.max() < N


def test_sequential_is_the_order_of_the_file() -> None:
    assert draw("sequential").tolist() == list(range(N))


def test_random_is_uniform_with_replacement() -> None:
    sample_v = draw("random")
    assert sample_v.mean() == pytest.approx(N / 2, rel=0.03)
    # of N drawn from N with replacement, a share of 1 - 1/e is different
    assert len(np.unique(sample_v)) == pytest.approx(N * (1 - np.exp(-1)), rel=0.03)


def test_shuffled_visits_each_once() -> None:
    sample_v = draw("shuffled")
    assert sorted(sample_v.tolist()) == list(range(N))
    assert abs(np.corrcoef(sample_v, np.arange(N))[0, 1]) < 0.05


@pytest.mark.parametrize("sampling", KEYS)
def test_ranks_are_drawn_as_the_fourth_power(sampling) -> None:
    rank_s = np.empty(N)
    rank_s[np.argsort(KEYS[sampling])] = np.arange(N)
    share_v = rank_s[draw(sampling)] / N
    # P(r^4 < x) = x^(1/4)
    for x in (0.01, 0.1, 0.5):
        assert (share_v < x).mean() == pytest.approx(x**0.25, abs=0.03)


def test_every_epoch_has_its_own_order_that_can_be_repeated() -> None:
    sampler = Sampler("random", seed=3)
    first, second = (sampler.draw(OBJECTIVE, None) for _ in range(2))
    assert (first != second).any()
    assert sampler.epoch == 2
    assert (draw("random", 3, 1) == second).all()
    assert (draw("random", 4, 1) != second).any()


def test_an_empty_set_has_no_order() -> None:
    nothing = SimpleNamespace(n_structures=0, sampling_key=lambda sampling, loss: np.empty(0))
    for sampling in SAMPLINGS:
        assert len(Sampler(sampling).draw(nothing, None)) == 0
