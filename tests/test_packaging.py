"""The project as a package: what it needs, and that its wheel and source distribution work on their own."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from setup_venv import python_of
from tests.conftest import ROOT, environment

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli", reason="needs Python 3.11 or tomli")

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_requirements_txt_is_the_base() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == PROJECT["dependencies"]


def test_all_leaves_out_what_brings_older_packages() -> None:
    extras = PROJECT["optional-dependencies"]
    assert extras["all"] == ["recognize-faces[report,server,tls,cluster,mesh,notebook]"]
    assert {"server", "train", "cluster", "track", "notebook", "dev"} <= set(extras)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", pytest.param("sdist", marks=pytest.mark.exhaustive)])
def test_an_installation_of_its_own_recognizes(kind: str, tmp_path: Path, sample: Path, trained: Path) -> None:
    """Build it, install it into an empty environment, and ask for names and attributes outside of the project."""
    build = [sys.executable, "-m", "build", f"--{kind}", "--outdir", str(tmp_path / "dist"), str(ROOT)]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    (package,) = (tmp_path / "dist").iterdir()
    # What the project needs is taken from this environment: only the package itself is new there.
    venv.create(tmp_path / "venv", with_pip=True)
    python = python_of(tmp_path / "venv")
    (path,) = (tmp_path / "venv").rglob("site-packages")
    (path / "needs.pth").write_text(next(entry for entry in sys.path if entry.endswith("site-packages")) + "\n")
    install = [str(python), "-m", "pip", "install", "-q", "--no-deps", "--ignore-installed", str(package)]
    installed = subprocess.run(install, capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stderr
    faces = python.with_name("faces.exe" if python.suffix else "faces")
    asked = ["recognize", "--image", str(sample / "sample" / "photo.jpg"), "--attributes", "--output", str(tmp_path)]
    files = ["-r", str(trained / "output" / "recognizer.pickle"), "-l", str(trained / "output" / "le.pickle")]
    result = subprocess.run(
        [faces, *asked, *files], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "photo.jpg: Leila " in result.stdout
    assert "age" in result.stdout
    place = subprocess.run(
        [python, "-c", "import faces; print(faces.__file__)"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert str(tmp_path / "venv") in place.stdout
