"""The whole project in one run, on people who do not exist: set-up, sample data, the four scripts.

    python3 demo.py

Needs nothing but Python 3.10 or newer. Each command is printed as a user would type it, then run with .venv's Python.
"""

import os
import shlex
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import setup_venv  # first of our own: it turns an older Python away

COMMANDS = (
    "-m faces sample",
    "extract_embeddings.py",
    "train_model.py",
    "recognize_image.py --image sample/group_1.jpg sample/photo.jpg",
    "recognize_video.py --source sample/video.mp4 --output output/video.mp4 --no-display > output/video.csv",
)
RESULTS = (".jpg", ".png", ".mp4", ".csv")


def show(command: str) -> None:
    """Print a command as it would be typed, at once: its output comes after it, in a log too."""
    print(f"\n$ {command}", flush=True)


def owner_only(path: str, flags: int) -> int:
    """Open a file for its owner alone; ``faces`` cannot be imported before it is installed."""
    return os.open(path, flags, 0o600)


def run(python: Path, command: str) -> int:
    """Run a command in the project's folder and return its exit status; ``> FILE`` at its end works as in a shell."""
    words, _, file = command.partition(" > ")
    with ExitStack() as stack:
        output = stack.enter_context(open(setup_venv.ROOT / file, "wb", opener=owner_only)) if file else None
        arguments = [str(python), *shlex.split(words)]
        return subprocess.run(arguments, cwd=setup_venv.ROOT, stdout=output, check=False).returncode


def main() -> int:
    """Run it all; the exit status is that of the first command that fails."""
    show("python3 setup_venv.py")
    status = setup_venv.main([])
    if status != 0:
        return status
    python = setup_venv.python_of(setup_venv.ROOT / ".venv")
    started, wall_clock = time.perf_counter(), time.time()
    for command in COMMANDS:
        show(f"python {command}")
        status = run(python, command)
        if status != 0:
            print(f"demo.py: error: python {command} ended with status {status}", file=sys.stderr)
            return status if status > 0 else 128 - status
    seconds = time.perf_counter() - started
    print(f"\nThe demo took {seconds:.0f} s, apart from installing. Look at:")
    for path in sorted((setup_venv.ROOT / "output").rglob("*")):
        if path.suffix in RESULTS and path.stat().st_mtime >= wall_clock:
            print(f"  {path.relative_to(setup_venv.ROOT)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
