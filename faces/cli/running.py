"""Run a command: exit status, errors in one line, Ctrl-C."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any

from faces.cli import interrupts, opencv, output
from faces.cli.text import complain, warn
from faces.errors import FacesError, reason_of

_other_unraisable = sys.unraisablehook


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print nothing for Ctrl-C, one line for an OpenCV that cannot be imported, otherwise the traceback."""
    if issubclass(kind, KeyboardInterrupt):
        return
    if failure := opencv.failure(error):
        complain(failure)
    else:
        sys.__excepthook__(kind, error, trace)


def _interrupt_again(unraisable: Any) -> None:
    """Deliver Ctrl-C again that arrived in a callback, such as of a weak reference: Python drops exceptions there."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        interrupts.deliver_later()
    else:
        _other_unraisable(unraisable)


sys.excepthook = _uncaught  # also of worker processes, and while modules are imported
sys.unraisablehook = _interrupt_again


def run(main: Callable[[], int]) -> None:
    """Run a command and exit with its status; print an error as one line on stderr.

    Exit status: what ``main`` returns, the status of a FacesError, 1 for other system errors, 130 for Ctrl-C.
    """
    output.prepare()
    warnings.filterwarnings("ignore", module="PIL")  # about damaged EXIF in readable pictures
    interrupts.command_runs()
    try:
        status = main()
        sys.stdout.flush()
        if overlap := opencv.overlap():  # not before: where nothing imports, the error says it
            warn(overlap)
    except FacesError as error:
        complain(str(error))
        status = error.status
    except KeyboardInterrupt as stop:  # a command that has changed something passes its own text
        print(str(stop) or interrupts.STOPPED, file=sys.stderr)
        status = interrupts.INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has exited
        _drop_output()
        status = 0
    except OSError as error:  # not handled elsewhere: stdout on a full disk, a file name that is too long
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{reason_of(error)}")
        _drop_output()
        status = FacesError.status
    interrupts.command_is_done(status)
    sys.exit(status)


def _drop_output() -> None:
    """Redirect stdout to the null device, so that Python's last flush at exit succeeds."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
