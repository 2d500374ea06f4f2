"""The whole project in one run, on people who do not exist: set-up, sample data, the four scripts.

    python3 demo.py

Needs nothing but Python 3.10 or newer. Each command is printed as a user would type it, then run with .venv's Python.
All is in the folder demo/: your own dataset/ and output/ are not touched.
"""

import argparse
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import setup_venv  # first of our own: it turns an older Python away

COMMANDS = (
    "-m faces sample",
    "../extract_embeddings.py",
    "../train_model.py",
    "../recognize_image.py --image sample/group_1.jpg sample/photo.jpg",
    "../recognize_video.py --source sample/video.mp4 --output output/video.mp4 --no-display --events output/video.csv",
)
FOLDER = "demo"
RESULTS = (".jpg", ".png", ".mp4", ".csv")


def show(command: str) -> None:
    """Print a command as it would be typed, at once: its output comes after it, in a log too."""
    print(f"\n$ {command}", flush=True)


def run(python: Path, command: str) -> int:
    """Run a command in the demo's folder and return its exit status."""
    return subprocess.run([str(python), *shlex.split(command)], cwd=setup_venv.ROOT / FOLDER, check=False).returncode


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    listed = "".join(f"\n  python {command}" for command in COMMANDS)
    return argparse.ArgumentParser(
        description="Run the whole project on people who do not exist: set up .venv, draw sample people, and run,"
        f" in the folder {FOLDER}:{listed}",
        epilog="It has no options. The first run also fetches the packages (about 250 MB).",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def main(argv: Sequence[str] = ()) -> int:
    """Run it all; the exit status is that of the first command that fails."""
    build_parser().parse_args(argv)
    show("python3 setup_venv.py")
    status = setup_venv.main([])
    if status != 0:
        return status
    python = setup_venv.python_of(setup_venv.ROOT / ".venv")
    show(f"cd {FOLDER}")
    try:
        (setup_venv.ROOT / FOLDER).mkdir(exist_ok=True)
    except OSError as error:
        print(f"demo.py: error: cannot make the folder {FOLDER}: {error.strerror}; move it away", file=sys.stderr)
        return 1
    started, wall_clock = time.perf_counter(), time.time()
    for command in COMMANDS:
        show(f"python {command}")
        status = run(python, command)
        if status != 0:
            print(f"demo.py: error: python {command} ended with status {status}", file=sys.stderr)
            return status if status > 0 else 128 - status
    seconds = time.perf_counter() - started
    print(f"\nThe demo took {seconds:.0f} s, apart from installing. Look at:")
    for path in sorted((setup_venv.ROOT / FOLDER / "output").rglob("*")):
        if path.suffix in RESULTS and path.stat().st_mtime >= wall_clock:
            print(f"  {path.relative_to(setup_venv.ROOT)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
