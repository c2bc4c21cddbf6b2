"""Pieces of work over threads: in order, few ahead, and errors where they belong."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from aenetpy.descriptors.batches import batches_of_atoms
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


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_results_come_in_order_from_as_many_threads(jobs):
    threads = set()

    def work(k):
        threads.add(threading.get_ident())
        time.sleep(0.002 * (k % 3))
        return k * k

    assert list(ordered_map(work, range(60), jobs)) == [k * k for k in range(60)]
    assert threading.get_ident() in threads  # the caller does not only wait
    assert len(threads) <= jobs


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_an_error_is_raised_in_its_place(jobs):
    def work(k):
        if k % 20 == 13:
            raise ValueError(str(k))
        time.sleep(0.001)
        return k

    found = []
    with pytest.raises(ValueError, match="13"):
        found.extend(ordered_map(work, range(100), jobs))
    results = ordered_map(work, range(100), jobs)
    assert [next(results) for _ in range(13)] == list(range(13))
    results.close()


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_an_error_of_the_items_comes_after_the_results_of_those_before(jobs):
    def items():
        yield from range(5)
        raise ValueError("no more")

    results = ordered_map(lambda k: -k, items(), jobs)
    assert [next(results) for _ in range(5)] == [0, -1, -2, -3, -4]
    with pytest.raises(ValueError, match="no more"):
        next(results)


def test_batches_are_full_before_the_next_begins():
    sizes = [3, 4, 1, 9, 2, 2]
    assert list(batches_of_atoms(sizes, int, 7)) == [[3, 4], [1, 9], [2, 2]]
    assert list(batches_of_atoms(iter([]), int, 7)) == []


def test_what_was_there_before_an_error_is_handed_out():
    def items():
        yield from (3, 3, 3, 3)
        raise ValueError("no more")

    found = batches_of_atoms(items(), int, 9)
    assert [next(found), next(found)] == [[3, 3, 3], [3]]
    with pytest.raises(ValueError, match="no more"):
        next(found)
