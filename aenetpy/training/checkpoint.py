"""The files that ``train`` writes during a run, and how a run continues from them.

After an epoch are written in this order, each file complete or not at all:

1. ``<file>-0000n``, the potentials of the epoch, if ITERWRITE keeps them;
2. ``<file>-best``, if some were better than all before, and ``train.state``, with all weights
   and all that the method remembers; this not more often than a few times a second;
3. ``<file>``, and ``train.restart`` if aenet has one for the method; this every few seconds.

Files that were left out are written at the end, however the run ends, unless it is killed.
``train.state`` alone decides: a run that is killed, at any moment, goes on from the
epoch in it. It is used if each ``<file>`` holds the weights of its epoch, or those that
were there when it was written; otherwise somebody has put other networks there, and they
are trained as they are. aenet writes ``<file>`` only at the start and at the end.
"""

from __future__ import annotations

import logging
import math
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.training_methods import METHODS
from aenetpy.digests import digest_of
from aenetpy.errors import located
from aenetpy.files.files import read_bytes, within, write_bytes
from aenetpy.formats.network import read_network
from aenetpy.formats.restart import Restart, check_restart, encode_restart, read_restart
from aenetpy.inputs.train_in import TrainInput
from aenetpy.reports import train as report
from aenetpy.reports.listener import Listener
from aenetpy.training.loop import EpochRow
from aenetpy.training.methods import Method, Restarted, make_method
from aenetpy.training.objective import Objective
from aenetpy.training.open_networks import Networks
from aenetpy.training.sampler import Sampler
from aenetpy.training.train_state import TrainState, read_train_state, write_train_state

STATE, RESTART = "train.state", "train.restart"

SECONDS_BETWEEN_STATES = 0.2
SECONDS_BETWEEN_FILES = 2.0
"""To replace files costs more than an epoch of a small set."""

MILLI = 1000.0

log = logging.getLogger("aenetpy")


def read_state(folder: str | Path) -> TrainState | None:
    """Return the state of an earlier run in a folder, if there is one."""
    path = within(folder, STATE)
    return read_train_state(path) if os.path.exists(path) else None


def read_optimiser(method: str, folder: str | Path) -> Restart | None:
    """Return the content of ``train.restart``, if there is one and the method uses it."""
    path = within(folder, RESTART)
    if not METHODS[method].restart_title or not os.path.exists(path):
        return None
    restart = read_restart(path)
    with located(path):
        check_restart(restart)
    return restart


def save_networks(networks: Networks, seed: int) -> None:
    """Save the networks for the first time.

    If they are rescaled, a state goes before them: a run that is killed when only some
    files are replaced finds there the weights of all.
    """
    if networks.has_rescaled and networks.weights_on_disk_w is not None:
        state = TrainState(
            method="",
            epochs=0,
            seed=seed,
            best_rmse=math.inf,
            epochs_since_best=0,
            problem="",
            weights_w=networks.weights_w,
            weights_on_disk_w=networks.weights_on_disk_w,
            scaling=networks.scaling,
            restart="",
            restart_on_disk=digest_of_restart(networks.folder),
            memory={},
        )
        write_train_state(within(networks.folder, STATE), state)
    networks.save()


def digest_of_restart(folder: str | Path) -> str:
    """Return the digest of ``train.restart``; empty without."""
    path = within(folder, RESTART)
    return digest_of(read_bytes(path)) if os.path.exists(path) else ""


class Checkpoint:
    """The method of a run, fresh or continued, and how it is saved.

    Made after the networks were saved for the first time.
    """

    def __init__(
        self,
        settings: TrainInput,
        networks: Networks,
        restart: Restart | None,
        objective: Objective,
        sampling: str,
        seed: int,
        listener: Listener,
    ) -> None:
        self._settings = settings
        self._name = settings.method.name
        self._folder = networks.folder
        self._networks = networks
        self._problem = digest_of(objective.identity)
        self.method = make_method(self._name, networks.weights_w.size, settings.parameters)
        self.sampler = Sampler(sampling, seed)
        self._measure = objective.measure
        self._best_rmse = math.inf
        self._epochs_since_best = 0
        self._best_epoch: int | None = None
        self._best_w: Float | None = None  # as long as they are not in the files
        self._last: tuple[TrainState, Restart | None] | None = None  # the last whole epoch
        self._is_saved = False  # whether train.state is of this epoch
        self._saved_at = -math.inf
        self._weights_on_disk_w = networks.weights_w
        self._restart_on_disk = digest_of_restart(networks.folder)
        self._filed_at = time.monotonic()
        state = networks.state
        if state is not None and state.problem != self._problem:
            if state.problem:
                other = "other training structures, or another FORCES, STRESS or REGULARIZATION"
                log.info("%s is not used: it belongs to %s", STATE, other)
        elif state is not None:
            self._continue(state, listener)
        elif restart is not None and not networks.has_rescaled:
            self._continue_from_aenet(restart, listener)

    def _continue(self, state: TrainState, listener: Listener) -> None:
        """Go on from our own state: exactly, if the method is the same."""
        self._best_rmse = state.best_rmse
        self.sampler = Sampler(self.sampler.sampling, state.seed, state.epochs)
        if state.method != self._name:
            if isinstance(self.method, Restarted):
                listener.tell(report.method_changed)
            return
        self._epochs_since_best = state.epochs_since_best
        with located(within(self._folder, STATE)):
            fits = self.method.restore(dict(state.memory))
        if fits:
            log.info("continued after %d epochs, as saved in %s", state.epochs, STATE)
        self._report(fits, listener)

    def _continue_from_aenet(self, restart: Restart, listener: Listener) -> None:
        """Go on from ``train.restart`` of aenet (spec 3.7).

        aenet also loads one that belongs to other weights. Here it is left alone if a
        network starts from new weights, or if it is our own and the weights are others.
        """
        method = self.method
        assert isinstance(method, Restarted), "read_optimiser reads for no other"
        if self._networks.has_new or self._is_ours():
            log.warning("%s is not used: it belongs to other networks", RESTART)
        elif not method.accepts(restart):
            listener.tell(report.method_changed)
        else:
            self._report(method.load(restart), listener)

    def _report(self, fits: bool, listener: Listener) -> None:
        """Log whether the method continues from its saved memory."""
        if not fits:
            listener.tell(report.restart_incompatible)
        elif not isinstance(self.method, Restarted):
            return
        elif self.method.is_fresh:
            title = METHODS[self._name].restart_title
            log.info("%s had come to its end: it starts anew from these weights", title)
        else:
            listener.tell(report.method_restarted, self._name)

    def _is_ours(self) -> bool:
        """Whether ``train.restart`` is one that was there with ``train.state``."""
        state = read_state(self._folder)
        return state is not None and self._restart_on_disk in (state.restart, state.restart_on_disk)

    def save(self, row: EpochRow, weights_w: Float) -> None:
        """Save the files that are due after an epoch; after epoch 0 only the best networks."""
        every = self._settings.iterwrite
        if row.epoch > 0 and every > 0 and row.epoch % every == 0:
            self._save_networks(f"-{row.epoch:05d}", weights_w)
        if row.score < self._best_rmse:
            self._best_rmse, self._best_epoch = row.score, row.epoch
            self._best_w = weights_w
            self._epochs_since_best = 0
        elif row.epoch > 0:
            self._epochs_since_best += 1
        if row.epoch == 0:
            self._save_best()
            return
        last = self._describe(weights_w), restart_of(self.method)
        is_due = time.monotonic() > self._saved_at + SECONDS_BETWEEN_STATES
        if is_due:
            self._save_best()
            self._save_state(*last)
        self._last, self._is_saved = last, is_due
        if is_due and time.monotonic() > self._filed_at + SECONDS_BETWEEN_FILES:
            self._file(*last)

    def has_waited(self) -> bool:
        """Return whether the test error has not become smaller for the epochs of PATIENCE."""
        patience = self._settings.patience
        return patience is not None and self._epochs_since_best >= patience

    @property
    def has_epochs(self) -> bool:
        """Whether there has been a whole epoch since the start."""
        return self._last is not None

    def close(self) -> None:
        """Bring all files to the last whole epoch."""
        if self._last is None:
            return
        if not self._is_saved:
            self._save_best()
            self._save_state(*self._last)
        self._file(*self._last)
        self._save_state(*self._last)

    def best_weights(self, last: EpochRow) -> Float | None:
        """Return the weights in ``-best``, if they are better for the test set than the last."""
        if not self._best_rmse < last.score:
            return None
        best = [f"{file}-best" for file in self._networks.files.values()]
        paths = [within(self._folder, name) for name in best]
        if not all(map(os.path.exists, paths)):
            return None
        return np.concatenate([read_network(path).weights_w for path in paths])

    def note_on_best(self, last: EpochRow) -> str | None:
        """Return the note on the networks that are the best for the test set, if any are."""
        if self._best_rmse == math.inf:
            return None
        files = ", ".join(self._networks.files.values())
        best = ", ".join(f"{file}-best" for file in self._networks.files.values())
        when = (
            "in an earlier run" if self._best_epoch is None else f"after epoch {self._best_epoch}"
        )
        if self.has_waited():
            best = f"use {best}"
        return (
            f"the test {self._measure.name} was smallest {when}, {self._tell(self._best_rmse)}:"
            f" {best}; {files} are of epoch {last.epoch}, {self._tell(last.score)}"
        )

    def _tell(self, score: float) -> str:
        """Return a score with its unit."""
        unit = self._measure.unit
        return f"{MILLI * score:.4g} m{unit}" if unit else f"{score:.4g}"

    def _save_networks(self, suffix: str, weights_w: Float) -> None:
        self._networks.set_weights(weights_w)
        self._networks.save(suffix)

    def _save_best(self) -> None:
        if self._best_w is not None:
            self._save_networks("-best", self._best_w)
            self._best_w = None

    def _save_state(self, state: TrainState, restart: Restart | None) -> None:
        content = encoded(restart)
        state = replace(
            state,
            weights_on_disk_w=self._weights_on_disk_w,
            restart=digest_of(content) if content else "",
            restart_on_disk=self._restart_on_disk,
        )
        write_train_state(within(self._folder, STATE), state)
        self._saved_at = time.monotonic()

    def _file(self, state: TrainState, restart: Restart | None) -> None:
        self._save_networks("", state.weights_w)
        content = encoded(restart)
        if content:
            write_bytes(within(self._folder, RESTART), content)
            self._restart_on_disk = digest_of(content)
        self._weights_on_disk_w = state.weights_w
        self._filed_at = time.monotonic()

    def _describe(self, weights_w: Float) -> TrainState:
        """Return the state after an epoch; the digests wait until it is written."""
        return TrainState(
            method=self._name,
            epochs=self.sampler.epoch,
            seed=self.sampler.seed,
            best_rmse=self._best_rmse,
            epochs_since_best=self._epochs_since_best,
            problem=self._problem,
            weights_w=weights_w,
            weights_on_disk_w=self._weights_on_disk_w,
            scaling=self._networks.scaling,
            restart="",
            restart_on_disk="",
            memory=self.method.state(),
        )


def restart_of(method: Method) -> Restart | None:
    """Return the content of ``train.restart`` for a method; None if aenet does not save it."""
    return method.to_restart() if isinstance(method, Restarted) else None


def encoded(restart: Restart | None) -> bytes:
    """Return the content of ``train.restart``; empty without."""
    return b"" if restart is None else encode_restart(restart)
