"""The installed programs: their first steps, before the slow imports."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable

from aenetpy.interruption import ignore_signals, note_signals


def main() -> None:
    """Entry point of ``aenetpy``."""
    _run_and_exit("aenetpy")


def _program(command: str) -> Callable[[], None]:
    """Return the entry point of a program that is one sub-command."""

    def program() -> None:
        _run_and_exit(os.path.basename(sys.argv[0]), command)

    return program


generate_x = _program("generate")
train_x = _program("train")
predict_x = _program("predict")
trnset2ascii_x = _program("trnset2ascii")
trainbin2ascii_x = _program("trainbin2ascii")
nnascii2bin_x = _program("nnascii2bin")
trnset_info_x = _program("inspect")
fingerprint_x = _program("fingerprint")
neighbors_x = _program("neighbors")
aenet_predict_py = _program("evaluate")
aenet_md_py = _program("md")


def _run_and_exit(name: str, command: str | None = None) -> None:
    """Run a program, or answer a shell that asks how its command line goes on."""
    open_closed_streams()
    note_signals()
    # Modules are no garbage; to look for it after every 700 objects of theirs takes time.
    gc.set_threshold(10_000)
    from aenetpy.cli.main import complete, run

    code = complete(name, command)
    if code is None:
        code = run([*([] if command is None else [command]), *sys.argv[1:]], command is not None)
    ignore_signals()
    sys.exit(code)


def open_closed_streams() -> None:
    """Open the null device in place of standard streams that are closed (``>&-``).

    Without it, the first file that is opened would get the number of the stream, and
    whatever is written to the stream.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free is this one
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115
