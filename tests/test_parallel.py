from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from aenetpy.parallel import Workers, ordered_map


@pytest.mark.parametrize("jobs", [0, 1, 2, 5])
def test_results_come_in_the_order_of_the_items(jobs) -> None:
    with Workers(jobs) as workers:
        assert list(workers.map(lambda x: x * x, range(50))) == [x * x for x in range(50)]
    assert list(workers.map(lambda x: -x, range(3))) == [0, -1, -2]  # without threads, after it
    assert list(ordered_map(lambda x: x + 1, iter(range(50)), jobs)) == list(range(1, 51))


@pytest.mark.parametrize("jobs", [1, 3])
def test_items_are_drawn_only_a_few_ahead(jobs) -> None:
    drawn = []

    def items() -> Iterator[int]:
        for k in range(1000):
            drawn.append(k)
            yield k

    results = ordered_map(lambda x: x, items(), jobs)
    assert next(results) == 0
    assert len(drawn) <= 4 * jobs
    results.close()
    assert len(drawn) <= 4 * jobs


def test_one_piece_needs_no_thread() -> None:
    with Workers(4) as workers:
        assert list(workers.map(lambda _: threading.current_thread(), [0])) == [
            threading.current_thread()
        ]


def test_the_error_of_a_piece_ends_the_work() -> None:
    def work(k: int) -> int:
        if k == 3:
            raise ValueError("piece 3")
        return k

    with pytest.raises(ValueError, match="piece 3"):
        list(ordered_map(work, range(1000), 2))
