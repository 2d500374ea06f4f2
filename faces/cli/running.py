"""Run a command: exit status, errors in one line, Ctrl-C."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Callable
from types import TracebackType

from faces.cli.text import complain
from faces.errors import FacesError, reason_of

INTERRUPTED = 130


def _quiet_interrupt(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _quiet_interrupt  # for Ctrl-C while the command's modules are imported; after that, ``run`` handles it


def run(main: Callable[[], int]) -> None:
    """Run a command and exit with its status; print an error as one line on stderr.

    Exit status: what ``main`` returns, the status of a FacesError, 1 for other system errors, 130 for Ctrl-C.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # names that the terminal cannot show must not fail
        sys.stdout.reconfigure(errors="backslashreplace")
    warnings.filterwarnings("ignore", module="PIL")  # about damaged EXIF in readable pictures
    try:
        status = main()
        sys.stdout.flush()
    except FacesError as error:
        complain(str(error))
        status = error.status
    except KeyboardInterrupt as stop:  # a command that has changed something passes its own text
        print(str(stop) or "stopped; what was there before is unchanged", file=sys.stderr)
        status = INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has exited
        _drop_output()
        status = 0
    except OSError as error:  # not handled elsewhere: stdout on a full disk, a file name that is too long
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{reason_of(error)}")
        _drop_output()
        status = FacesError.status
    sys.exit(status)


def _drop_output() -> None:
    """Redirect stdout to the null device, so that Python's last flush at exit succeeds."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
