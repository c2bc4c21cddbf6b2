"""Signals are noted when they come, and answered between two pieces of work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from aenetpy.interruption import (
    SIGNALS,
    Terminated,
    check,
    interruptible,
    signals_noted,
    waiting,
)
from aenetpy.parallel import ordered_map
from tests.conftest import ROOT
from tests.fuzz.signals import draw, problem, strike, write_inputs


@pytest.fixture
def seen():
    """Signals that reach whoever handled them before."""
    numbers: list[int] = []
    before = {n: signal.signal(n, lambda number, frame: numbers.append(number)) for n in SIGNALS}
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_answered_where_it_is_asked_for(number, seen) -> None:
    with signals_noted():
        check()
        signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt) as caught:
            check()
    assert seen == []
    assert isinstance(caught.value, Terminated) == (number != signal.SIGINT)
    assert getattr(caught.value, "number", signal.SIGINT) == number
    check()
    signal.raise_signal(number)
    assert seen == [number]


def test_the_first_signal_counts(seen) -> None:
    with signals_noted():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Terminated):
            check()


def test_what_is_ignored_stays_so(seen) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with signals_noted():
        signal.raise_signal(signal.SIGHUP)
        check()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_other_threads_leave_signals_alone(seen) -> None:
    handlers = []

    def work() -> None:
        with signals_noted(), waiting():
            handlers.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [before]


def test_a_library_is_not_interrupted_by_itself(seen) -> None:
    signal.raise_signal(signal.SIGTERM)
    assert list(interruptible("ab")) == ["a", "b"]
    assert seen == [signal.SIGTERM]


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_more_pieces_are_begun_after_a_signal(jobs, seen) -> None:
    done = []

    def work(item: int) -> int:
        check()
        done.append(item)
        if item == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.005)  # the main thread needs a moment to take note
        return item

    with signals_noted(), pytest.raises(Terminated):
        list(ordered_map(work, range(1000), jobs))
    assert 4 in done
    assert len(done) < 100


def test_who_waits_for_a_pipe_is_interrupted_at_once(seen) -> None:
    reading, writing = os.pipe()
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGHUP))
    timer.start()
    with signals_noted():
        with pytest.raises(Terminated), waiting(), os.fdopen(reading, "rb") as file:
            file.read()
        timer.join()
        signal.raise_signal(signal.SIGHUP)  # is no longer raised where it comes
        with pytest.raises(Terminated):
            check()
    os.close(writing)


def test_a_signal_before_the_wait_is_not_forgotten(seen) -> None:
    with signals_noted():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), waiting():
            pytest.fail("nobody would write")


IN_VAIN = """
import signal, sys, time
from aenetpy import interruption
interruption.PATIENCE = float(sys.argv[1])
with interruption.signals_noted():
    print("ready", flush=True)
    for _ in range(600):  # time.sleep goes on after a signal, like a file system that hangs
        time.sleep(0.1)
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_a_later_signal_ends_what_does_not_answer(number) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", IN_VAIN, "0.3"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    for pause in (0.1, 0.5, 0.0):  # the second comes too early to count
        process.send_signal(number)
        time.sleep(pause)
    errors = process.communicate(timeout=20)[1]
    assert process.returncode == 128 + number
    how = "interrupted" if number == signal.SIGINT else "terminated"
    assert errors == f"aenetpy: error: {how} at once; unfinished files may be left\n"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[float, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    return write_inputs(folder), folder


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc of Linux")
@pytest.mark.parametrize("what", draw(7, seed=2), ids=str)
def test_signals_at_random_moments(what, inputs, tmp_path) -> None:
    result = strike(what, *inputs, tmp_path / "run")
    assert problem(what, result) is None, result.errors
