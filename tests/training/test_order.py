from __future__ import annotations

import numpy as np
import pytest

from aenetpy.io.train_in import SAMPLINGS
from aenetpy.training.order import Order

N = 4000
RNG = np.random.default_rng(5)
ERRORS_S, ENERGIES_S = RNG.normal(size=N), RNG.normal(size=N)


def draw(sampling: str, seed: int = 0, epoch: int = 0) -> np.ndarray:
    return Order(sampling, seed, epoch).draw(ERRORS_S, ENERGIES_S)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_draws_as_many_as_there_are(sampling) -> None:
    visits_v = draw(sampling)
    assert visits_v.shape == (N,)
    assert visits_v.min() >= 0
    assert visits_v.max() < N


def test_sequential_is_the_order_of_the_file() -> None:
    assert draw("sequential").tolist() == list(range(N))


def test_random_is_uniform_with_replacement() -> None:
    visits_v = draw("random")
    assert visits_v.mean() == pytest.approx(N / 2, rel=0.03)
    # of N drawn from N with replacement, a share of 1 - 1/e is different
    assert len(np.unique(visits_v)) == pytest.approx(N * (1 - np.exp(-1)), rel=0.03)


@pytest.mark.parametrize(
    ("sampling", "key_s"), [("weighted", -np.abs(ERRORS_S)), ("energy", ENERGIES_S)]
)
def test_ranks_are_drawn_as_the_fourth_power(sampling, key_s) -> None:
    rank_s = np.empty(N)
    rank_s[np.argsort(key_s)] = np.arange(N)
    share_v = rank_s[draw(sampling)] / N
    # P(r^4 < x) = x^(1/4)
    for x in (0.01, 0.1, 0.5):
        assert (share_v < x).mean() == pytest.approx(x**0.25, abs=0.03)


def test_every_epoch_has_its_own_order_that_can_be_repeated() -> None:
    order = Order("random", seed=3)
    first, second = (order.draw(ERRORS_S, ENERGIES_S) for _ in range(2))
    assert (first != second).any()
    assert order.epoch == 2
    assert (draw("random", 3, 1) == second).all()
    assert (draw("random", 4, 1) != second).any()


def test_an_empty_set_has_no_order() -> None:
    for sampling in SAMPLINGS:
        assert len(Order(sampling).draw(np.empty(0), np.empty(0))) == 0
