"""``faces``: its overview, its commands, and what it says of others."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import faces
from faces import commands
from tests.conftest import ROOT


def test_the_overview_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main([]) == commands.main(["--help"]) == 0
    overview = capsys.readouterr().out
    assert all(f"  {name} " in overview for name in commands.COMMANDS)
    assert max(map(len, overview.splitlines())) <= 80


def test_every_module_is_a_command() -> None:
    folder = ROOT / "faces" / "commands"
    shared = {folder / "matching" / "options.py"}  # of the commands beside it
    shared |= {path for path in (folder / "photos").glob("*.py") if path.name != "command.py"}  # parts of one command
    files = [path for path in folder.rglob("*.py") if path.name != "__init__.py" and path not in shared]
    modules = {".".join(path.relative_to(folder).with_suffix("").parts) for path in files}
    assert {module for module, _ in commands.COMMANDS.values()} == modules


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_command_has_a_parser_with_its_name(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["faces"])
    with pytest.raises(SystemExit) as caught:
        commands.main([name, "--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: faces {name} ")
    assert callable(import_module(f"faces.commands.{commands.COMMANDS[name][0]}").build_parser)


def parsers(name: str) -> list[argparse.ArgumentParser]:
    """The parser of a command, and those of its subcommands."""
    parser = import_module(f"faces.commands.{commands.COMMANDS[name][0]}").build_parser()
    subcommands = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [parser, *(subparser for action in subcommands for subparser in action.choices.values())]


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_the_help_of_a_command_explains_every_option_in_a_group(name: str) -> None:
    for parser in parsers(name):
        shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]
        assert all(action.help for action in shown if not isinstance(action, argparse._SubParsersAction))
        ungrouped = {*parser._positionals._group_actions, *parser._optionals._group_actions}
        assert not ungrouped & set(shown)


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_the_examples_of_a_command_are_two_that_it_takes(name: str) -> None:
    parser, *subparsers = parsers(name)
    parser.prog = f"faces {name}"
    shown = [line.strip() for line in parser.format_help().rpartition("examples:\n")[2].splitlines()]
    assert len(shown) == 2
    for each in (parser, *subparsers):
        for line in (each.epilog or "").splitlines()[1:]:
            program, *arguments = shlex.split(line)
            assert program == "%(prog)s"
            each.parse_args(arguments)
    for line in shown:
        assert shlex.split(line)[:2] == ["faces", name]
        parser.parse_args(shlex.split(line)[2:])


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["--version"]) == 0
    assert capsys.readouterr().out == f"recognize-faces {faces.__version__}\n"


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["recognise"]) == 2
    assert "no command 'recognise'; faces --help lists them" in capsys.readouterr().err


def test_python_m_faces_is_the_same(tmp_path: Path) -> None:
    code = [sys.executable, "-m", "faces", "train", "-e", "missing.pickle"]
    result = subprocess.run(code, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: missing.pickle: no such file")
