"""How a command is run: its exit status, its errors in one line, Ctrl-C."""

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


sys.excepthook = _quiet_interrupt  # for Ctrl-C while a script still imports; then ``run`` is there


def run(main: Callable[[], int]) -> None:
    """Run a script: its exit status becomes the program's, and what goes wrong is one line on stderr."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal has no letters for stops nothing
        sys.stdout.reconfigure(errors="backslashreplace")
    warnings.filterwarnings("ignore", module="PIL")  # of damaged EXIF, in pictures that are sound
    try:
        status = main()
        sys.stdout.flush()
    except FacesError as error:
        complain(str(error))
        status = error.status
    except KeyboardInterrupt as stop:  # a script that has changed something says so
        print(str(stop) or "stopped; what was there before is unchanged", file=sys.stderr)
        status = INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has seen enough
        _drop_output()
        status = 0
    except OSError as error:  # what nothing above knows more of: a full disk behind stdout, a name that is too long
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{reason_of(error)}")
        _drop_output()
        status = FacesError.status
    sys.exit(status)


def _drop_output() -> None:
    """Let Python's own last flush of stdout, on the way out, find a place that takes everything."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
