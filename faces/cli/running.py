"""Run a command: exit status, errors in one line, Ctrl-C."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from threading import Timer, main_thread
from types import FrameType, TracebackType
from typing import Any

from faces.cli import opencv, output
from faces.cli.text import complain, warn
from faces.errors import FacesError, reason_of

INTERRUPTED = 130
STOPPED = "stopped; what was there before is unchanged"
RETRY = 0.05  # s until an interrupt is delivered again
LONGEST_IMPORT = 5.0  # s for which an interrupt waits

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
        _later()
    else:
        _other_unraisable(unraisable)


sys.excepthook = _uncaught  # also of worker processes, and while modules are imported
sys.unraisablehook = _interrupt_again


def _later() -> None:
    timer = Timer(RETRY, _deliver)
    timer.daemon = True
    timer.start()


def _deliver() -> None:
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:  # also ends a wait in the main thread
        signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)


class _Interrupt:
    """Handler of SIGINT that raises KeyboardInterrupt, but never within an import.

    A package whose import is interrupted may fail with an error of its own, even later. While the command's modules
    are imported, before ``run``, nothing has been done yet: the process ends at once. Later, an import may end first.
    """

    def __init__(self) -> None:
        self.runs = False
        self._first = 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self.runs:
            print(STOPPED, file=sys.stderr, flush=True)
            os._exit(INTERRUPTED)
        now = time.monotonic()
        if _is_importing(frame):
            self._first = self._first or now
            if now < self._first + LONGEST_IMPORT:
                _later()
                return
        self._first = 0.0
        raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _is_starting(frame: FrameType | None) -> bool:
    """Whether the program still imports its modules: no function but those of the import system is called."""
    while frame is not None:
        code = frame.f_code
        if code.co_name != "<module>" and not any(part in code.co_filename for part in ("importlib", "runpy")):
            return False
        frame = frame.f_back
    return True


_interrupt = _Interrupt()
# Not where a shell has Ctrl-C ignored, nor in a program of others or a worker process that imports this module.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler and _is_starting(sys._getframe()):
    signal.signal(signal.SIGINT, _interrupt)


def run(main: Callable[[], int]) -> None:
    """Run a command and exit with its status; print an error as one line on stderr.

    Exit status: what ``main`` returns, the status of a FacesError, 1 for other system errors, 130 for Ctrl-C.
    """
    output.prepare()
    warnings.filterwarnings("ignore", module="PIL")  # about damaged EXIF in readable pictures
    _interrupt.runs = True
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        status = main()
        sys.stdout.flush()
        if overlap := opencv.overlap():  # not before: where nothing imports, the error says it
            warn(overlap)
    except FacesError as error:
        complain(str(error))
        status = error.status
    except KeyboardInterrupt as stop:  # a command that has changed something passes its own text
        print(str(stop) or STOPPED, file=sys.stderr)
        status = INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has exited
        _drop_output()
        status = 0
    except OSError as error:  # not handled elsewhere: stdout on a full disk, a file name that is too long
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{reason_of(error)}")
        _drop_output()
        status = FacesError.status
    if signal.getsignal(signal.SIGINT) is _interrupt:
        signal.signal(signal.SIGINT, lambda *_: os._exit(status))  # all is done: Ctrl-C ends the wait for threads
    sys.exit(status)


def _drop_output() -> None:
    """Redirect stdout to the null device, so that Python's last flush at exit succeeds."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
