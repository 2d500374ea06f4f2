from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from faces.cli import opencv

ROOT = Path(__file__).parents[2]
NO_LIBGL = "import importlib\nraise ImportError('libGL.so.1: cannot open shared object file')\n"
OTHER = "opencv-python-headless"


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of packages with a second one of OpenCV, as pip leaves its record."""
    info = tmp_path / "opencv_python_headless-4.10.0.84.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {OTHER}\nVersion: 4.10.0.84\n")
    return tmp_path


def run(packages: Path, *line: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(packages)}
    command = [sys.executable, *line]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("line", [("recognize_image.py",), ("-m", "faces", "classify")])
def test_opencv_that_cannot_be_imported_is_one_line(packages: Path, line: tuple[str, ...]) -> None:
    (packages / "cv2").mkdir()
    (packages / "cv2" / "__init__.py").write_text(NO_LIBGL)
    done = run(packages, *line, "--help")
    assert done.returncode == 1 and done.stdout == ""
    (error,) = done.stderr.splitlines()
    assert error.startswith("error: OpenCV cannot be imported: ") and OTHER in error
    assert "libGL.so.1" in error and "; run: " in error


def test_opencv_that_lost_its_files_is_one_line(packages: Path) -> None:
    (packages / "cv2").mkdir()
    (packages / "cv2" / "__init__.py").touch()
    (packages / "photo.jpg").touch()
    done = run(packages, "recognize_image.py", "--image", str(packages / "photo.jpg"))
    assert done.returncode == 1
    (error,) = done.stderr.splitlines()
    assert error.startswith("error: OpenCV cannot be imported: ") and "; run: " in error


def test_packages_over_each_other_are_warned_of(packages: Path) -> None:
    done = run(packages, "-m", "faces", "--version")
    assert done.returncode == 0
    (warning,) = done.stderr.splitlines()
    assert warning.startswith("warning: ") and f"{OTHER} lie over each other; keep one: " in warning


def test_repair_by_pip_outside_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opencv, "SET_UP", Path("nowhere/setup_venv.py"))
    python = f"{sys.executable} -m pip"
    install = f"{python} install 'opencv-python-headless>=4.10,<5'"
    assert opencv.repair([], headless=True) == install
    assert opencv.repair(["a", "b"], headless=True) == f"{python} uninstall -y a b && {install}"


def test_other_errors_are_none_of_opencv() -> None:
    with pytest.raises(ImportError) as caught:
        importlib.import_module("no_such_module")
    assert opencv.failure(caught.value) is None
    assert opencv.failure(ValueError("cv2")) is None
