"""Messages besides the result: notes, failures, signals; all on standard error."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Callable

import click

from aenetpy.errors import AenetpyError, Stopped
from aenetpy.interruption import Terminated, check, signals_noted
from aenetpy.reports.notes import notes_to, one_line, warnings_as_notes


def fail(text: str, code: int, word: str = "error") -> int:
    """Tell a failure in one line and return the exit code."""
    if os.environ.get("AENETPY_TRACEBACK"):
        traceback.print_exc()
    click.echo(f"aenetpy: {word}: {one_line(text)}", err=True)
    return code


def guarded(command: Callable[[], int]) -> int:
    """Run a command and return its exit code; every failure is one line on standard error."""
    for stream, errors in ((sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            # File names may hold any byte, and go out as they came in; units have more than ASCII,
            # in any locale.
            stream.reconfigure(encoding="utf-8", errors=errors)
    os.environ.pop("MPLBACKEND", None)  # matplotlib checks it, and figures go to files
    try:
        with notes_to(), warnings_as_notes(), signals_noted():
            check()  # a signal may have come during the imports
            code = command()
        sys.stdout.flush()
    except click.exceptions.Exit as request:  # --help and --version
        return request.exit_code
    except click.UsageError as error:
        name = "aenetpy" if error.ctx is None else error.ctx.command_path
        return fail(f"{error.format_message().rstrip('.')}; see '{name} --help'", 2)
    except click.ClickException as error:
        return fail(error.format_message(), 2)
    except Stopped as stop:
        return fail(str(stop), stop.exit_code, "stopped")
    except AenetpyError as error:
        return fail(str(error), error.exit_code)
    except Terminated as end:
        return fail("terminated", 128 + end.number)
    except (KeyboardInterrupt, click.Abort):
        return fail("interrupted", 130)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except UnicodeEncodeError as error:
        named = ascii(error.object[error.start : error.end])
        hint = "use a locale with UTF-8, as in LC_ALL=C.UTF-8"
        return fail(f"{named} in a name has no place in the locale's {error.encoding}; {hint}", 4)
    except OSError as error:
        where = "standard output" if error.filename is None else str(error.filename)
        return fail(f"{where}: {error.strerror or error}", 4)
    except MemoryError:
        return fail("out of memory; use fewer --jobs or a smaller set", 5)
    except Exception as error:
        hint = "this is a defect of aenetpy: set AENETPY_TRACEBACK=1 and report what it prints"
        return fail(f"{type(error).__name__}: {error}; {hint}", 1)
    return code
