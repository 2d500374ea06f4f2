"""Metadata written and read by exiftool, the program that other programs' metadata are compared with."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

needs_exiftool = pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")


def run(*args: object) -> str:
    """Run exiftool and return what it prints; it must not fail."""
    result = subprocess.run(["exiftool", *map(str, args)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def read(path: Path, *tags: str) -> dict[str, Any]:
    """Return tags of a file, structures as they are."""
    content = json.loads(run("-j", "-n", "-struct", *(f"-{tag}" for tag in tags), path))[0]
    return {key: value for key, value in content.items() if key != "SourceFile"}


def valid(path: Path) -> bool:
    """Return whether exiftool finds nothing wrong with a file."""
    return read(path, "validate", "warning", "error").get("Warning") is None


def mwg(width: int, height: int, *regions: str) -> str:
    """Return the option that writes MWG's regions, each as exiftool writes structures."""
    size = f"AppliedToDimensions={{W={width},H={height},Unit=pixel}}"
    return f"-XMP-mwg-rs:RegionInfo={{{size},RegionList=[{','.join(f'{{{region}}}' for region in regions)}]}}"


def area(x: float, y: float, w: float, h: float) -> str:
    """Return the field with the place of one of MWG's regions."""
    return f"Area={{X={x},Y={y},W={w},H={h},Unit=normalized}}"
