"""Ctrl-C: handled from the first import on, and never within one.

This module is imported first, and imports little itself: Ctrl-C before it is imported prints a traceback.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130
STOPPED = "stopped; what was there before is unchanged"
RETRY = 0.05  # s until an interrupt is delivered again
LONGEST_IMPORT = 5.0  # s for which an interrupt waits


def deliver_later() -> None:
    """Deliver Ctrl-C to the main thread again, in a moment, and not before it has left whoever calls this."""
    from threading import Timer

    timer = Timer(RETRY, _deliver)
    timer.daemon = True
    timer.start()


def _deliver() -> None:
    import _thread
    import time
    from threading import main_thread

    while _is_within(sys._current_frames().get(main_thread().ident or 0), "deliver_later", "_interrupt_again"):
        time.sleep(RETRY)  # on a busy machine it is still there; in a hook of Python's, Ctrl-C would be lost
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:  # also ends a wait in the main thread
        signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)


class _Interrupt:
    """Handler of SIGINT that raises KeyboardInterrupt, but never within an import.

    A package whose import was interrupted is only half there, and may fail later with an error of its own. Before
    ``run`` nothing has been done yet, so the process ends at once. Later, an import is let finish first.
    """

    def __init__(self) -> None:
        self.runs = False
        self._first = 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self.runs:
            print(STOPPED, file=sys.stderr, flush=True)
            os._exit(INTERRUPTED)
        import time

        now = time.monotonic()
        if _is_importing(frame):
            self._first = self._first or now
            if now < self._first + LONGEST_IMPORT:
                deliver_later()
                return
        self._first = 0.0
        raise KeyboardInterrupt


def _is_within(frame: FrameType | None, *functions: str) -> bool:
    """Whether one of the functions is called, by its name."""
    while frame is not None:
        if frame.f_code.co_name in functions:
            return True
        frame = frame.f_back
    return False


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


def command_runs() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from now on."""
    _interrupt.runs = True
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def command_is_done(status: int) -> None:
    """Let Ctrl-C end the wait for threads, now that all is done. status: the process's."""
    if signal.getsignal(signal.SIGINT) is _interrupt:
        signal.signal(signal.SIGINT, lambda *_: os._exit(status))


# Not where a shell has Ctrl-C ignored, nor in a program of others or a worker process that imports this module.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler and _is_starting(sys._getframe()):
    signal.signal(signal.SIGINT, _interrupt)
