"""The environment of a run: the code, Python, packages and the command line."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from faces.files.redaction import without_password
from faces.records.record import Code, Value

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = (
    "numpy",
    "opencv-python",
    "opencv-python-headless",
    "onnxruntime",
    "scikit-learn",
    "scipy",
    "pillow",
    "av",
    "keras",
    "torch",
    "tensorflow",
    "mlflow",
)
GIT_TIMEOUT = 10  # s


def code_of(root: Path) -> Callable[[], Code]:
    """Ask git for the commit while the work goes on; call the result for the answer. Never fails."""
    if not (root / ".git").exists():  # a copy, perhaps within another project's tree
        return Code
    import subprocess

    words = ["git", "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        process = subprocess.Popen(
            words,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
    except OSError:
        return Code

    def answer() -> Code:
        try:
            lines = process.communicate(timeout=GIT_TIMEOUT)[0].splitlines()
        except (subprocess.TimeoutExpired, OSError, ValueError):
            process.kill()
            return Code()
        head = [line.rpartition(" ")[2] for line in lines if line.startswith("# branch.oid ")]
        if process.returncode or not head or head == ["(initial)"]:
            return Code()
        return Code(head[0], clean=all(line.startswith("#") for line in lines))

    return answer


def packages() -> dict[str, str]:
    """Return the versions of the installed packages among ``PACKAGES``."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def system() -> str:
    """Return the operating system, its version and the machine."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"


def command_line() -> str:
    """Return the command line, without secrets: ``faces train ...`` or ``python train_model.py ...``."""
    program, *arguments = sys.argv or [""]
    program = program if program.startswith("faces ") else f"python {Path(program).name}"
    return without_password(f"{program} {shlex.join(arguments)}".rstrip())


def plain(options: Mapping[str, Any]) -> dict[str, Value]:
    """Return options as JSON values, without secrets."""
    return {name: _plain(value) for name, value in sorted(options.items())}


def _plain(value: Any) -> Value:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return without_password(str(value))
