"""The set-up, with real environments and pip where that is quick: the wheels are small ones that the tests write."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import demo
import setup_venv

BACKEND = """
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    info = "recognize_faces-0.1.0.dist-info"
    needs = "".join(f"Requires-Dist: {line}\\n" for line in open("needs.txt").read().splitlines())
    needs += "Provides-Extra: dev\\nRequires-Dist: pytest>=8; extra == 'dev'\\n"
    files = {
        "faces/__init__.py": "",
        "faces/__main__.py": "import sys; print('fetched', *sys.argv[1:])",
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: recognize-faces\\nVersion: 0.1.0\\n" + needs,
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    name = "recognize_faces-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\\n" for path in [*files, f"{info}/RECORD"]))
    return name

build_wheel = build_editable
"""
PYPROJECT = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
NO_LIBGL = 'raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")'


def write_wheel(folder: Path, project: str, version: str, module: str, code: str) -> None:
    """A wheel of one module, as pip installs it."""
    name = f"{project.replace('-', '_')}-{version}"
    info = f"{name}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as wheel:
        files = {
            f"{module}/__init__.py": code + "\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"]))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder that the set-up takes for its own, which needs what needs.txt says: nothing."""
    root = tmp_path / "a project"  # spaces are ordinary
    root.mkdir()
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "backend.py").write_text(BACKEND)
    (root / "needs.txt").write_text("")
    monkeypatch.setattr(setup_venv, "ROOT", root)
    return root


class Commands:
    """Stands for the commands that the set-up runs: keeps them, and answers as it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failing: str = "no command") -> None:
        self.ran: list[str] = []
        self.failing = failing
        self.imports = [(0, "")]  # the status and stderr of each import of cv2
        self.packages = {"opencv-python": "4.14.0.94"}
        monkeypatch.setattr(setup_venv, "run", self.run)
        monkeypatch.setattr(setup_venv, "ask", self.ask)

    def run(self, *command: str | Path, hidden: bool = False) -> int:
        line = " ".join(str(part) for part in command)
        self.ran.append(line)
        if "-m venv" in line:
            python = setup_venv.python_of(Path(command[-1]))
            python.parent.mkdir()
            python.touch()
        return int(self.failing in line)

    def ask(self, python: Path, code: str) -> subprocess.CompletedProcess[str]:
        if code == setup_venv.IMPORT_OPENCV:
            status, error = self.imports.pop(0) if len(self.imports) > 1 else self.imports[0]
            return subprocess.CompletedProcess([], status, "", error)
        answer = json.dumps(self.packages) if "importlib" in code else setup_venv.VERSION
        return subprocess.CompletedProcess([], 0, answer + "\n", "")


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    return Commands(monkeypatch)


def fail(capsys: pytest.CaptureFixture[str], argv: list[str] | None = None) -> str:
    """The error line of a set-up that must fail."""
    assert setup_venv.main(argv or []) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("setup_venv.py: error: ")
    return error


@pytest.mark.slow
def test_real_environment_without_libgl(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """From nothing to OpenCV without windows, and again with the tests' packages, with the real venv and pip."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "opencv-python", "4.14.0.94", "cv2", NO_LIBGL)
    write_wheel(wheels, "opencv-python-headless", "4.14.0.94", "cv2", "headless = True")
    write_wheel(wheels, "opencv-python-headless", "5.0.0.93", "cv2", "raise RuntimeError('another version')")
    write_wheel(wheels, "pytest", "9.0", "pytest", "")
    monkeypatch.setenv("PYTHONPATH", str(make_file(tmp_path / "elsewhere" / "cv2.py", "headless = False").parent))
    for name in [name for name in os.environ if name.startswith("PIP_") or name == "PYTHONDONTWRITEBYTECODE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", wheels.as_uri())  # an address, since pip splits this at spaces
    (project / "needs.txt").write_text("opencv-python>=4.10,<5\n")
    python = setup_venv.python_of(project / ".venv")

    assert setup_venv.main([]) == 0
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 4
    assert "no libGL.so.1: installing opencv-python-headless 4.14.0.94" in lines[2]
    assert "Windows are off" in lines[2]
    assert setup_venv.ask(python, "import cv2; print(cv2.headless)").stdout.strip() == "True"

    assert setup_venv.main([]) == 0
    assert capfd.readouterr().err.splitlines() == [".venv is up to date"]

    # With pip by hand, opencv-python comes over it: nothing imports, and the next set-up mends that.
    subprocess.run([python, "-m", "pip", "install", "-qq", "opencv-python==4.14.0.94"], check=True)
    assert setup_venv.ask(python, "import cv2").returncode == 1
    assert setup_venv.main([]) == 0
    lines = capfd.readouterr().err.splitlines()
    assert "no libGL.so.1: installing opencv-python-headless 4.14.0.94" in lines[0]
    assert lines[-1] == ".venv is up to date"
    assert setup_venv.packages_of_opencv(python) == {"opencv-python-headless": "4.14.0.94"}
    assert setup_venv.ask(python, "import cv2; print(cv2.headless)").stdout.strip() == "True"

    # pip puts opencv-python over it again, since the project asks for it; the set-up mends that again.
    assert setup_venv.main(["--dev"]) == 0
    assert setup_venv.ask(python, "import cv2, pytest; print(cv2.headless)").stdout.strip() == "True"
    capfd.readouterr()
    assert setup_venv.main([]) == 0
    assert capfd.readouterr().err.splitlines() == [".venv is up to date"]

    (project / "needs.txt").write_text("no-such-project\n")
    (project / "pyproject.toml").write_text(PYPROJECT + "# changed\n")
    assert setup_venv.main([]) == 1
    error = capfd.readouterr().err
    assert "No matching distribution found for no-such-project" in error  # pip's own words
    assert error.splitlines()[-1].startswith("setup_venv.py: error: pip could not install the project")


@pytest.mark.parametrize("watched", [False, True])
def test_somebody_who_watches_sees_pips_progress(
    project: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch, watched: bool
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: watched)
    assert setup_venv.main([]) == 0
    (install,) = (line for line in commands.ran if " install " in line)
    assert ("-qq" in install.split()) == (not watched)


def test_second_run_has_nothing_to_do(project: Path, commands: Commands) -> None:
    assert setup_venv.main([]) == 0
    assert len(commands.ran) == 3
    assert commands.ran[2].endswith("-m faces download-models built-in")
    assert setup_venv.main([]) == 0
    assert len(commands.ran) == 3


def test_extras_are_installed_once(project: Path, commands: Commands) -> None:
    assert setup_venv.main(["--with", "train,server", "--dev"]) == 0
    assert "[dev,server,train]" in commands.ran[1]
    assert setup_venv.main(["--with", "server"]) == 0
    assert setup_venv.main([]) == 0
    assert len(commands.ran) == 3


def test_models_that_cannot_be_fetched(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Commands(monkeypatch, failing="download-models")
    assert "the built-in models could not be fetched" in fail(capsys)


@pytest.mark.parametrize("change", ["project", "python"])
def test_a_change_is_installed(project: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    setup_venv.main([])
    commands.ran.clear()
    if change == "project":
        (project / "pyproject.toml").write_text(PYPROJECT + "# changed\n")
    else:
        monkeypatch.setattr(setup_venv, "VERSION", "3.99")
    assert setup_venv.main([]) == 0
    assert len(commands.ran) == 2 and "install" in commands.ran[0]


def test_environment_of_another_python_is_made_anew(
    project: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup_venv.main([])
    (project / ".venv" / "old").touch()
    commands.ran.clear()
    monkeypatch.setattr(
        setup_venv,
        "ask",
        lambda python, code: subprocess.CompletedProcess([], int("pip" in code), "{}" if "json" in code else "3.1", ""),
    )
    monkeypatch.setattr(setup_venv, "VERSION", "3.99")
    assert setup_venv.main([]) == 0
    assert "-m venv" in commands.ran[0]
    assert not (project / ".venv" / "old").exists()


def test_a_failed_installation_is_tried_again(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = Commands(monkeypatch, failing="-m pip install")
    assert "pip could not install the project" in fail(capsys)
    commands.failing = "no command"
    assert setup_venv.main([]) == 0
    assert sum("-m pip install" in line for line in commands.ran) == 2


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_no_environment_is_never_replaced(project: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    mine = project / "photos"
    if kind == "folder":
        mine.mkdir()
        (mine / "kept.jpg").touch()
    else:
        mine.touch()
    assert "photos is there and is no environment" in fail(capsys, ["--venv", "photos"])
    assert mine.exists() and (kind == "file" or (mine / "kept.jpg").exists())


@pytest.mark.parametrize(("code", "status", "shown"), [("print('why'); exit(3)", 3, "why\n"), ("print('fine')", 0, "")])
def test_hidden_command_shows_only_why_it_failed(
    capfd: pytest.CaptureFixture[str], code: str, status: int, shown: str
) -> None:
    assert setup_venv.run(sys.executable, "-c", code, hidden=True) == status
    assert capfd.readouterr() == ("", shown)


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_python_without_venv_or_ensurepip(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # the import system's own way to say that there is none
    error = fail(capsys)
    assert f"lacks its module {module}" in error
    assert f"apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in error
    assert not (project / ".venv").exists()


@pytest.mark.parametrize(
    "library", ["libGL.so.1", "libgthread-2.0.so.0", "libxcb-shm.so.0", "/usr/lib/x86_64-linux-gnu/libGL.so.1"]
)
def test_headless_of_the_same_version(project: Path, commands: Commands, library: str) -> None:
    commands.imports = [(1, f"Traceback ...\nImportError: {library}: cannot open shared object file\n"), (0, "")]
    assert setup_venv.main([]) == 0
    assert "uninstall" in commands.ran[-3]
    assert "--no-deps opencv-python-headless==4.14.0.94" in commands.ran[-2]


def test_opencv_that_fails_otherwise_is_installed_again(project: Path, commands: Commands) -> None:
    setup_venv.main([])
    commands.imports = [(1, "Traceback ...\nAttributeError: module 'cv2' has no attribute '__file__'\n"), (0, "")]
    commands.ran.clear()
    assert setup_venv.main([]) == 0
    assert [line.split()[-1] for line in commands.ran] == ["opencv-python", "opencv-python==4.14.0.94"]


def test_opencv_that_still_fails_is_reported(
    project: Path, commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.imports = [(1, "Traceback ...\nImportError: DLL load failed while importing cv2\n")]
    assert "cannot be imported: ImportError: DLL load failed" in fail(capsys)
    assert "headless" not in commands.ran[-1]


def test_packages_of_opencv_over_each_other_become_one(
    project: Path, commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    setup_venv.main([])
    commands.packages = {"opencv-python": "4.14.0.94", "opencv-contrib-python": "4.10.0.84"}
    commands.ran.clear()
    assert setup_venv.main([]) == 0
    assert "opencv-contrib-python and opencv-python lie over each other" in capsys.readouterr().err
    assert commands.ran[0].endswith("--yes opencv-python opencv-contrib-python")
    assert commands.ran[1].endswith("--no-deps opencv-python==4.14.0.94")


@pytest.mark.parametrize(("system", "path"), [("nt", ("Scripts", "python.exe")), ("posix", ("bin", "python"))])
def test_interpreter_of_each_system(monkeypatch: pytest.MonkeyPatch, system: str, path: tuple[str, str]) -> None:
    venv = Path(".venv")
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", system)
        found = setup_venv.python_of(venv)
    assert found.parts == (".venv", *path)


@pytest.mark.parametrize("script", ["setup_venv.py", "demo.py"])
def test_older_python_gets_one_line(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    monkeypatch.delitem(sys.modules, "setup_venv")
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(Path(demo.__file__).with_name(script)), run_name="__main__")
    assert str(caught.value.code).startswith("Python 3.10 or newer is needed")


@pytest.fixture
def demo_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose environment is this one, whose demo has two small scripts, and which has an older result."""
    for name in ("dataset/Ada/1.jpg", "output/recognizer.pickle", "sample/photo.jpg"):  # the user's own
        make_file(project / name, "mine")
    os.utime(make_file(project / "demo/output/old.jpg"), (0, 0))
    make_file(project / "first.py", "import sys; print('first', sys.argv[1:])")
    second = "import sys; [open(name, 'w') for name in ('output/new.jpg', 'output/le.pickle', sys.argv[1])]"
    make_file(project / "second.py", second)
    monkeypatch.setattr(setup_venv, "main", lambda argv: 0)
    monkeypatch.setattr(setup_venv, "python_of", lambda venv: Path(sys.executable))
    monkeypatch.setattr(demo, "COMMANDS", ("../first.py --image 'a b.jpg'", "../second.py output/second.csv"))
    return project


def make_file(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_demo_prints_each_command_before_its_output(demo_project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert demo.main() == 0
    lines = [line for line in capfd.readouterr().out.splitlines() if line]
    assert lines[:5] == [
        "$ python3 setup_venv.py",
        "$ cd demo",
        "$ python ../first.py --image 'a b.jpg'",
        "first ['--image', 'a b.jpg']",
        "$ python ../second.py output/second.csv",
    ]
    assert lines[5].startswith("The demo took ")
    assert lines[6:] == [f"  {Path('demo/output/new.jpg')}", f"  {Path('demo/output/second.csv')}"]


def test_demo_touches_nothing_outside_its_folder(demo_project: Path) -> None:
    def others() -> dict[str, tuple[str, int]]:
        files = (path for path in demo_project.rglob("*") if path.is_file())
        paths = [path.relative_to(demo_project) for path in files]
        return {
            path.as_posix(): ((demo_project / path).read_text(), (demo_project / path).stat().st_mtime_ns)
            for path in paths
            if path.parts[0] != "demo"
        }

    before = others()
    assert "dataset/Ada/1.jpg" in before
    assert demo.main() == 0
    assert others() == before and (demo_project / "demo/output/le.pickle").exists()


def test_demo_where_a_file_has_the_folders_name(demo_project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(demo_project / "demo")
    make_file(demo_project / "demo")
    assert demo.main() == 1
    assert capfd.readouterr().err == "demo.py: error: cannot make the folder demo: File exists; move it away\n"


def test_demo_explains_itself_and_runs_nothing(demo_project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        demo.main(["--help"])
    out = capfd.readouterr().out
    assert caught.value.code == 0
    assert "python ../first.py --image 'a b.jpg'" in out and "draw sample people" in out
    assert not (demo_project / "demo" / "output" / "new.jpg").exists()
    with pytest.raises(SystemExit) as caught:
        demo.main(["--fast"])
    assert caught.value.code == 2


def test_demo_stops_at_the_first_failure(demo_project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_file(demo_project / "first.py", "raise SystemExit(7)")
    assert demo.main() == 7
    out, err = capfd.readouterr()
    assert "second.py" not in out
    assert err == "demo.py: error: python ../first.py --image 'a b.jpg' ended with status 7\n"


def test_demo_stops_when_the_set_up_fails(demo_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_venv, "main", lambda argv: 1)
    assert demo.main() == 1
