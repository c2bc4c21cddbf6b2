"""The training method of a run: fresh, or continued from ``train.restart``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TextIO

from aenetpy.io import report_train as report
from aenetpy.io.restart import BfgsRestart, read_restart, write_restart
from aenetpy.training.methods import METHODS, Method
from aenetpy.training.methods.lbfgs import LBFGS
from aenetpy.workflows.networks import Networks

RESTART = Path("train.restart")

log = logging.getLogger("aenetpy")


def open_method(name: str, networks: Networks, out: TextIO) -> Method:
    """Return the method, in the state of ``train.restart`` if that fits (spec 3.7).

    aenet also loads a state that belongs to other weights. Here it is left alone if
    a network starts from new weights.

    Parameters
    ----------
    name
        Name of METHOD.
    networks
        Whose weights are optimised.
    out
        Receives the message on the restart.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    fresh = METHODS[name](networks.weights_w.size)
    if not isinstance(fresh, LBFGS) or not RESTART.exists():
        return fresh
    if networks.has_new:
        log.warning("%s is not used: it belongs to other networks than the new ones", RESTART)
        return fresh
    restart = read_restart(RESTART)
    if not isinstance(restart, BfgsRestart):
        out.write(report.method_changed())
        return fresh
    if restart.n != networks.weights_w.size:
        out.write(report.restart_incompatible())
        return fresh
    out.write(report.method_restarted(name))
    return LBFGS.from_restart(restart)


def save_method(method: Method) -> None:
    """Write the state to ``train.restart``; the weights are in the network files."""
    if isinstance(method, LBFGS):
        write_restart(RESTART, method.to_restart())
