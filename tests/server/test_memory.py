"""Memory: what a large picture took is given back to the system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DETECTION = """
from pathlib import Path
import numpy as np
from faces import detection
from faces.server.assembly import return_freed_memory

def kilobytes(name):
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1])

return_freed_memory()
detector = detection.load("built-in", threads=1, min_face=36)
detector.detect(np.full((200, 200, 3), 90, np.uint8))
before = kilobytes("VmRSS")
detector.detect(np.full((1600, 1600, 3), 90, np.uint8))
print(before, kilobytes("VmHWM"), kilobytes("VmRSS"))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much a process has")
def test_a_large_picture_leaves_no_memory_behind() -> None:
    result = subprocess.run([sys.executable, "-c", DETECTION], capture_output=True, text=True, check=True)
    before, most, after = map(int, result.stdout.split())
    assert most > before + 50_000  # KB: it was a large picture
    assert after - before < (most - before) / 2
