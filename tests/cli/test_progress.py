"""Bars in a terminal, and the lines that are printed meanwhile."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import environment, open_terminal, terminal_output

posix = pytest.mark.skipif(sys.platform == "win32", reason="terminals of our own are POSIX")
PROGRAM = """
import sys
from faces.cli.progress import print_line, progress_bar
from faces.cli.running import run
from faces.cli.text import warn

def main():
    with progress_bar("photo") as progress:
        progress(0, 3)
        for number in (1, 2, 3):
            print_line(f"result {number}", sys.stdout)
            warn(f"warning {number}")
            progress(number, 3)
    print_line("the end", sys.stdout)
    return 0

run(main)
"""


@posix
def test_lines_are_printed_above_the_bar() -> None:
    reader, terminal = open_terminal()
    line = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(line, env=environment(), stdout=terminal, stderr=terminal) as process:
        shown = terminal_output(reader, terminal)
    assert process.returncode == 0
    rows = shown.replace("\r\n", "\n").split("\n")
    lasting = [row.rpartition("\r")[2].rstrip() for row in rows]  # what stands there in the end
    assert lasting[:6] == [f"{kind} {n}" for n in (1, 2, 3) for kind in ("result", "warning: warning")]
    assert "3/3" in lasting[6]
    assert lasting[7:] == ["the end", ""]


@posix
def test_a_file_gets_lines_only() -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment(), capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines() == ["result 1", "result 2", "result 3", "the end"]
    assert result.stderr.splitlines() == [f"warning: warning {n}" for n in (1, 2, 3)]
