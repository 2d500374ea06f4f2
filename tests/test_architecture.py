"""The rules of the house that a program can check: who imports whom, who may do what, and how large things are."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "faces"
LAYERS = (  # lowest first: a module imports from its own folder and from layers below, never from another of its layer
    "errors types geometry",
    "crops files optional processes",
    "images models datasets metrics records",
    "detection embedding image_classifier landmarks liveness",
    "enrolment",
    "pipeline model_choice",
    "attributes recognition",
    "video synthetic",
    "extraction training display versions",
    "photos",
    "evaluation interface",
    "server cli",
    "commands",
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names.split()}
ENTRANCES = {"__init__", "__main__"}  # of the package: the interface's names, and the command line
BASIC = LAYERS[0].split()  # one folder, as it were: these may import each other

MODULES_IN_A_FOLDER, MODULES_IN_THE_PACKAGE = 15, 14
LINES = 250
FORWARDS = 30  # lines: a module of fewer does something itself
TABLES = {"models/zoo.py"}  # tables of data may be longer

FILES = sorted(PACKAGE.rglob("*.py"))
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))


def module(path: Path) -> str:
    """Its full name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def owner(path: Path) -> str:
    """The name in ``LAYERS`` that a file belongs to: a folder counts as one module."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


MODULES = {module(path): path for path in FILES}


@cache
def imported(path: Path) -> tuple[str, ...]:
    """Every module that a file imports, wherever in it, by its full name."""
    return tuple(_imported(ast.parse(path.read_text(encoding="utf-8"))))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else str(node.module)


def users(*modules: str) -> set[str]:
    """The parts of the package that import any of these modules, or what is in them."""
    return {owner(path) for path in FILES for name in imported(path) for m in modules if f"{name}.".startswith(f"{m}.")}


def where(*modules: str) -> set[str]:
    """The files that import any of these modules, or what is in them."""
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in FILES
        for name in imported(path)
        for m in modules
        if f"{name}.".startswith(f"{m}.")
    }


def files_with(text: str) -> set[str]:
    return {path.relative_to(PACKAGE).as_posix() for path in FILES if text in path.read_text(encoding="utf-8")}


# Layers


def test_every_module_has_its_place() -> None:
    assert {owner(path) for path in FILES} - ENTRANCES == set(LAYER)
    assert len(LAYERS) < 15


@every_file
def test_a_module_imports_only_from_below(path: Path) -> None:
    mine = owner(path)
    for name in imported(path):
        package, _, rest = name.partition(".")
        if package == "faces" and mine not in ENTRANCES:
            other = rest.partition(".")[0] or "interface"
            below = mine in LAYER and LAYER[other] < LAYER[mine]
            assert other == mine or below or {mine, other} <= set(BASIC), f"{module(path)} imports {name}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    imports = {name: [m for m in imported(path) if m in MODULES and m != name] for name, path in MODULES.items()}
    done: set[str] = set()

    def follow(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name not in done:
            for other in imports[name]:
                follow(other, (*way, name))
            done.add(name)

    for name in imports:
        follow(name, ())


def test_the_scripts_are_above_the_package() -> None:
    scripts = [path.stem for path in ROOT.glob("*.py")]
    assert "train_model" in scripts
    assert users(*scripts, "benchmarks", "tests") == set()


def test_a_script_imports_its_command_and_calls_it() -> None:
    for path in ROOT.glob("*.py"):
        if path.stem not in ("demo", "setup_venv"):  # which run before anything is installed
            names = [name for name in _imported(ast.parse(path.read_text(encoding="utf-8"))) if name in MODULES]
            assert [name.rpartition(".")[0] for name in names] == ["faces.cli", "faces.commands"], path.name


@pytest.mark.parametrize("name", ["extract", "train", "recognize", "video"])
def test_the_commands_of_the_recipe_use_the_interface_only(name: str) -> None:
    own = [module for module in imported(PACKAGE / "commands" / f"{name}.py") if module.partition(".")[0] == "faces"]
    assert "faces" in own and all(module == "faces" or module.startswith("faces.cli") for module in own)


# Sizes


def test_folders_can_be_overlooked() -> None:
    for folder in (PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir() and path.name != "__pycache__")):
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        most = MODULES_IN_THE_PACKAGE if folder == PACKAGE else MODULES_IN_A_FOLDER
        assert len(modules) <= most, folder


def test_modules_are_short() -> None:
    lengths = {path.relative_to(PACKAGE).as_posix(): len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert {name for name, length in lengths.items() if length > LINES} <= TABLES


@every_file
def test_no_module_only_forwards(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    body = [node for node in ast.parse(text).body if not isinstance(node, (ast.Import, ast.ImportFrom))]
    if path.name != "__init__.py" and len(text.splitlines()) < FORWARDS:
        assert any(isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.If)) for node in body)


# Who may do what


def test_processes_are_started_where_it_is_seen_to_that_they_end() -> None:
    assert files_with("ProcessPool") == {"processes.py", "extraction/workers.py"}


def test_inference_runtimes_are_behind_one_door() -> None:
    assert where("onnxruntime") == {"models/engine.py"}
    assert files_with("readNet") == {"models/engine.py"}
    assert users("dlib", "face_recognition_models", "tensorflow") == set()
    assert users("keras", "torch") <= {"training"}
    assert users("matplotlib") <= {"training", "evaluation"}


def test_mlflow_is_in_one_place() -> None:
    assert where("mlflow") == {"versions/mlflow.py"}


def test_http_is_in_one_place() -> None:
    users = where("urllib.request", "urllib.error", "http", "requests")
    assert {name for name in users if not name.startswith("server/")} == {"models/download.py"}
    clients = ("http.client", "urllib.request", "requests", "urllib3")
    assert where(*clients) - {"models/download.py"} == {"server/api/fetch.py"}


def test_the_server_and_the_command_line_do_not_know_each_other() -> None:
    assert users("flask", "werkzeug", "waitress", "sqlalchemy", "alembic") == {"server"}
    assert users("faces.server") <= {"server", "commands"}
    assert "server" not in users("faces.cli")


def test_only_the_command_line_prints_and_exits() -> None:
    assert users("argparse") == {"cli", "commands"}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.exit", "exit", "input"):
                assert owner(path) in ("cli", "commands"), f"{path.name}, line {node.lineno}"


def test_importing_everything_loads_no_model_and_nothing_slow() -> None:
    """The commands may import what is slow: each is a program of its own."""
    code = f"""
import importlib, sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
for name in {[name for name in MODULES if not name.startswith("faces.commands.")]}:
    importlib.import_module(name)
slow = "sklearn onnxruntime onnx scipy tqdm keras torch matplotlib pebble watchdog filelock fsspec av mlflow".split()
slow += ["distributed"]
print([name for name in slow if name in sys.modules])
for name in {[name for name in MODULES if name.startswith("faces.commands.")]}:
    importlib.import_module(name)
print([name for name in opened if name.endswith((".dat", ".onnx", ".npz", ".t7", ".caffemodel", ".pb"))])
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("[]\n[]\n", "")
