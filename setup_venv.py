"""Make .venv, install the project into it and fetch the built-in models; needs nothing but Python 3.10 or newer.

    python3 setup_venv.py [--with server,train] [--dev] [--venv .venv]

A stamp in the environment says what it holds, so that a second run has nothing to do. ``make demo`` and ``make test``
begin with this, and so does ``demo.py``.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

# Python 3.6 understands everything above this line, and the syntax of the whole file (so no walrus).
if sys.version_info < (3, 10):  # noqa: UP036 (the one place where an older Python may arrive)
    sys.exit(
        f"Python 3.10 or newer is needed, and this is {sys.version.split()[0]}; "
        f"name a newer one: python3.12 {Path(sys.argv[0]).name}, or make PYTHON=python3.12 ..."
    )

ROOT = Path(__file__).resolve().parent
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
PIP_INSTALL = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-compile"]

OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
IMPORT_OPENCV = "import cv2; cv2.__file__"  # a folder that only lost its files imports, too
MISSING_LIBRARY = re.compile(r"ImportError: (?:\S*/)?(lib\S+\.so[.\d]*): ")
MODELS = "models yunet-int8 sface-int8"  # the built-in ones: an environment with others is brought up to date
TESTS = r"[\\/]tests[\\/]"  # a folder of tests, in a path


class SetupError(Exception):
    """What stops the set-up, as one line that says what to do."""


def python_of(venv: Path) -> Path:
    """Return the path of the environment's interpreter."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def say(line: str) -> None:
    """One line of progress, ahead of whatever the commands print."""
    print(line, file=sys.stderr, flush=True)


def surroundings() -> dict[str, str]:
    """Return the environment variables for commands, without PYTHONPATH: pip would take its packages for installed."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def run(*command: str | Path, hidden: bool = False) -> int:
    """Run a command and return its exit status; when hidden, its output is shown only if it fails."""
    out, err = (subprocess.PIPE, subprocess.STDOUT) if hidden else (None, None)
    done = subprocess.run(command, cwd=ROOT, env=surroundings(), stdout=out, stderr=err, text=True, check=False)
    if hidden and done.returncode != 0:
        say(done.stdout.strip())
    return done.returncode


def quiet() -> list[str]:
    """Return pip's option that hides its progress, which is only for somebody who watches it."""
    return [] if sys.stdout.isatty() else ["-qq"]


def ask(python: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in an interpreter and return what it prints; its exit status is not checked."""
    # Not in the project's folder, whose modules it would import; and one that cannot be started has answered too.
    folder, env = python.parent, surroundings()
    try:
        return subprocess.run([python, "-c", code], cwd=folder, env=env, capture_output=True, text=True, check=False)
    except OSError as error:
        return subprocess.CompletedProcess([python], 127, "", str(error))


def last_line(answer: subprocess.CompletedProcess[str]) -> str:
    """Return the line with the error from the output of an interpreter that failed."""
    return (answer.stderr.strip().splitlines() or [f"status {answer.returncode}"])[-1]


def wanted(extras: list[str]) -> set[str]:
    """Return the lines that the stamp must have: the Python's version, the project's SHA-256, models and extras."""
    project = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    return {f"python {VERSION}", f"pyproject.toml {project}", MODELS} | {f"with {extra}" for extra in extras}


def make(venv: Path, stamp: Path) -> None:
    """Make the environment unless there is a good one; a broken one is replaced where this script made it."""
    name = venv.name
    if venv.exists():
        answer = ask(python_of(venv), "import pip, sys; print('%d.%d' % sys.version_info[:2])")
        if answer.stdout.strip() == VERSION:
            return
        if not stamp.exists() and (not venv.is_dir() or any(venv.iterdir())):
            raise SetupError(
                f"{venv} is there and is no environment of Python {VERSION} with pip; name another: --venv"
            )
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise SetupError(
                f"Python {VERSION} here lacks its module {module}; "
                f"on Debian and Ubuntu: sudo apt install python{VERSION}-venv"
            )
    say(f"Making {name} with Python {VERSION} ...")
    if venv.exists():
        shutil.rmtree(venv)
    venv.mkdir(parents=True)
    stamp.touch()  # from now on it is known as this script's own, even if what follows is cut short
    if run(sys.executable, "-m", "venv", venv, hidden=True) != 0:
        raise SetupError(f"{name} could not be made, for the reason above")


def install(python: Path, extras: list[str]) -> None:
    """Install the project and its extras with the environment's pip, whose errors are shown.

    The installation is editable: the environment uses the files of this folder.
    """
    name = f"the project with {', '.join(extras)}" if extras else "the project"
    say(f"Installing {name} (about 250 MB to fetch; a minute or two the first time) ...")
    if run(python, *PIP_INSTALL, *quiet(), "--editable", f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)) != 0:
        raise SetupError(f"pip could not install {name}, for the reason above; is the package index within reach?")
    compile_packages(python)


def compile_packages(python: Path) -> None:
    """Compile what was installed and the project, but not the packages' own tests: pip would compile them too (33 MB).

    Without it, every start of a script takes 2 s longer where PYTHONDONTWRITEBYTECODE is set, as in many containers.
    """
    folder = ask(python, "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()
    ask(
        python,
        f"import compileall, re; tests = re.compile({TESTS!r})\n"
        f"for folder in {(folder, str(ROOT / 'faces'))!r}:\n"
        "    compileall.compile_dir(folder, quiet=2, workers=0, rx=tests)",
    )


def fetch_models(python: Path) -> None:
    """Fetch the built-in models into the user's cache and convert them, unless they are there."""
    say("Fetching and converting the built-in models (10 MB, once) ...")
    if run(python, "-m", "faces", "download-models", "built-in", hidden=True) != 0:
        raise SetupError("the built-in models could not be fetched, for the reason above")


def packages_of_opencv(python: Path) -> dict[str, str]:
    """Return the versions of the environment's OpenCV packages by name; all of them fill the same folder, cv2."""
    code = "import json; from importlib.metadata import distributions as d; "
    code += "print(json.dumps({x.metadata['Name']: x.version for x in d()}))"
    versions = json.loads(ask(python, code).stdout or "{}")
    return {name: version for name, version in versions.items() if name in OPENCV}


def mend_opencv(python: Path) -> None:
    """Make OpenCV importable, and the only one of its packages.

    Its build without windows takes its place where the system lacks a library that windows need. Where several packages
    lie over each other, or files are missing, all of them go and one is installed again.
    """
    answer, packages = ask(python, IMPORT_OPENCV), packages_of_opencv(python)
    if answer.returncode == 0 and len(packages) < 2:
        return
    last = last_line(answer)
    missing = MISSING_LIBRARY.match(last)
    version = packages.get("opencv-python") or next(iter(packages.values()), None)
    if version is None:
        raise SetupError(f"OpenCV is not installed: {last}")
    if missing is None:
        reason = f"{' and '.join(sorted(packages))} lie over each other" if len(packages) > 1 else f"failed: {last}"
        say(f"OpenCV {reason}: installing opencv-python {version} in their place.")
        replace_opencv(python, list(packages), f"opencv-python=={version}")
        answer, packages = ask(python, IMPORT_OPENCV), {"opencv-python": version}
        last = last_line(answer)
        missing = MISSING_LIBRARY.match(last)
    if answer.returncode != 0 and missing is None:
        raise SetupError(f"OpenCV is installed but cannot be imported: {last}")
    if missing is not None:
        say(
            f"This system has no {missing[1]}: installing opencv-python-headless {version} instead. "
            "Windows are off (--show, the live video); everything else works."
        )
        replace_opencv(python, list(packages), f"opencv-python-headless=={version}")
        answer = ask(python, IMPORT_OPENCV)
        if answer.returncode != 0:
            raise SetupError(f"OpenCV cannot be imported without windows either: {last_line(answer)}")


def replace_opencv(python: Path, packages: list[str], wanted: str) -> None:
    """Install an OpenCV package in the place of others, which go first: they share the folder cv2."""
    run(python, "-m", "pip", "uninstall", "-qq", "--disable-pip-version-check", "--yes", *packages)
    if run(python, *PIP_INSTALL, *quiet(), "--no-deps", wanted) != 0:
        raise SetupError(f"pip could not install {wanted}, for the reason above")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description="Make a virtual environment, install the project into it and fetch the built-in models.",
        epilog="example: python3 setup_venv.py --with server",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--venv", default=".venv", metavar="FOLDER", help="where, from the project's folder")
    parser.add_argument(
        "--with",
        dest="extras",
        default="",
        metavar="LIST",
        help="extras to install too, such as server,train: see pyproject.toml",
    )
    parser.add_argument("--dev", action="store_true", help="install what the tests need too, the same as --with dev")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Set the environment up; the exit status is 1, after one line on stderr, where that fails."""
    args = build_parser().parse_args(argv)
    venv = ROOT / args.venv
    stamp = venv / "faces-setup.txt"
    extras = sorted({extra for extra in [*args.extras.split(","), "dev" if args.dev else ""] if extra})
    try:
        lines = wanted(extras)
        if python_of(venv).exists() and stamp.exists() and lines <= set(stamp.read_text().splitlines()):
            mend_opencv(python_of(venv))  # each time: pip brings another package of it without a word
            say(f"{venv.name} is up to date")
            return 0
        make(venv, stamp)
        stamp.write_text("")  # what it holds is unknown until the installation has ended
        install(python_of(venv), extras)
        mend_opencv(python_of(venv))
        fetch_models(python_of(venv))
        stamp.write_text("\n".join(sorted(lines)) + "\n")
    except (SetupError, OSError) as error:
        say(f"setup_venv.py: error: {error}")
        return 1
    except KeyboardInterrupt:
        say("setup_venv.py: interrupted; run it again to go on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
