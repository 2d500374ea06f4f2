"""Screens in memory, for windows."""

from __future__ import annotations

import os
import subprocess

SIZE = "1920x1080x24"


def start_display(*options: str) -> tuple[subprocess.Popen[bytes], str]:
    """An X server that keeps its screen in memory, and its name; it finds a free number by itself.

    Without a reset: it would begin anew whenever its last client leaves, each look of xdotool, and throw out whoever
    connects at that moment.
    """
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", SIZE, "-noreset", "-nolisten", "tcp", *options],
        pass_fds=[writer],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with open(reader) as number:  # noqa: PTH123
        return server, f":{number.readline().strip()}"
