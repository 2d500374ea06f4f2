"""Explain an OpenCV that cannot be imported, or of which several packages lie over each other."""

from __future__ import annotations

import sys
from pathlib import Path
from traceback import walk_tb

PACKAGES = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
SET_UP = Path(__file__).resolve().parents[2] / "setup_venv.py"  # where the package is used from a checkout


def failure(error: BaseException) -> str | None:
    """Return what failed and the command that repairs it, if OpenCV is why an import failed; otherwise None."""
    if not isinstance(error, (ImportError, AttributeError)) or not _is_opencvs(error):
        return None
    packages, first_line = installed(), next(iter(str(error).splitlines()), "")
    if len(packages) > 1:
        reason = f"{_joined(packages)} lie over each other"
    elif packages:
        reason = f"{packages[0]} is damaged or lacks a library"
    else:
        reason = "no package of it is installed"
    return f"OpenCV cannot be imported: {reason} ({first_line}); run: {repair(packages, headless='.so' in str(error))}"


def overlap() -> str | None:
    """Return a warning where several packages of OpenCV are installed, which overwrite each other's files."""
    packages = installed()
    if len(packages) < 2:
        return None
    return f"{_joined(packages)} lie over each other; keep one: {repair(packages, headless=False)}"


def repair(packages: list[str], headless: bool) -> str:
    """Return the command that leaves one package of OpenCV.

    packages: those that are installed.
    headless: install the one without windows.
    """
    if SET_UP.exists() and Path(sys.prefix) == SET_UP.with_name(".venv"):
        return f"python3 {SET_UP.name}"
    wanted = "opencv-python-headless" if headless else "opencv-python"
    install = f"{sys.executable} -m pip install '{wanted}>=4.10,<5'"
    return f"{sys.executable} -m pip uninstall -y {' '.join(packages)} && {install}" if packages else install


def installed() -> list[str]:
    """Return the names of the packages of OpenCV that are installed."""
    from importlib.metadata import PackageNotFoundError, version  # slow, and Ctrl-C is not yet handled at the start

    names = []
    for name in PACKAGES:
        try:
            version(name)
        except PackageNotFoundError:
            continue
        names.append(name)
    return names


def _is_opencvs(error: ImportError | AttributeError) -> bool:
    """Return whether an error arose in OpenCV's own modules, or for lack of a part of them."""
    frames = (frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__))
    return any("cv2" in Path(name).parts for name in frames) or ("cv2" in str(error) and not _is_whole())


def _is_whole() -> bool:
    return hasattr(sys.modules.get("cv2"), "imread")


def _joined(packages: list[str]) -> str:
    return f"{', '.join(packages[:-1])} and {packages[-1]}"
