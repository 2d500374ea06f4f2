"""Signals that stop a command as Ctrl-C does."""

from __future__ import annotations

import signal


def stop_on_signals() -> None:
    """Let SIGTERM, which service managers send, and SIGHUP, of a terminal that is closed, stop as Ctrl-C does.

    SIGHUP stays ignored where ``nohup`` ignores it.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.default_int_handler)
