"""Signals that are noted or held back instead of ending the process."""

from __future__ import annotations

import signal
import threading

import pytest

from aenetpy.workflows.signals import Termination, without_interruption


@pytest.fixture
def seen():
    """Signals that reach whoever handled them before."""
    numbers: list[int] = []
    handled = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
    before = {n: signal.signal(n, lambda number, frame: numbers.append(number)) for n in handled}
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_termination_is_noted_until_the_end(number, seen) -> None:
    with Termination() as termination:
        assert not termination.requested
        signal.raise_signal(number)
        assert termination.requested
    assert seen == []
    signal.raise_signal(number)
    assert seen == [number]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_an_interrupt_waits_until_all_is_saved(number, seen) -> None:
    with without_interruption():
        signal.raise_signal(number)
        signal.raise_signal(number)
        assert seen == []
    assert seen == [number]


def test_a_hangup_while_saving_ends_training_in_good_order(seen) -> None:
    with Termination() as termination:
        with without_interruption():
            signal.raise_signal(signal.SIGHUP)
            assert not termination.requested
        assert termination.requested
    assert seen == []


def test_a_hangup_that_is_ignored_stays_so(seen) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Termination() as termination, without_interruption():
        signal.raise_signal(signal.SIGHUP)
    assert not termination.requested
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_other_threads_leave_signals_alone(seen) -> None:
    handlers = []

    def work() -> None:
        with Termination(), without_interruption():
            handlers.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [before]
