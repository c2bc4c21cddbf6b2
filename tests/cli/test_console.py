"""What a command says on standard error besides its result."""

from __future__ import annotations

import warnings

from aenetpy.cli.console import guarded


def test_warnings_of_others_are_notes(capfd):
    before = warnings.showwarning

    def command() -> int:
        for _ in range(3):
            warnings.warn("first line\n  second line", UserWarning, stacklevel=1)
        return 0

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert guarded(command) == 0
    err = capfd.readouterr().err
    assert err.startswith("aenetpy: warning: first line second line (UserWarning, test_console.py:")
    assert err.count("\n") == 1
    assert warnings.showwarning is before


def test_warnings_stay_errors_where_they_are(capfd):
    def command() -> int:
        warnings.warn("out of range", RuntimeWarning, stacklevel=1)
        return 0

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert guarded(command) == 1
    assert "RuntimeWarning: out of range; this is a defect" in capfd.readouterr().err
