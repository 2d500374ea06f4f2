"""Pages that MkDocs makes from the code: the references, and the cards of weights."""

from __future__ import annotations

import argparse
import html
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import faces
from faces.commands import COMMANDS, usage

ROOT = Path(__file__).resolve().parent.parent
CARDS = {  # folders with the cards of weights, and where they are on the site
    "faces/attributes/weights": "attribute-models",
    "faces/embedding/weights": "face-check",
    "faces/recognition/weights": "impostors",
}
SCRIPTS = {
    "extract": "extract_embeddings.py",
    "train": "train_model.py",
    "recognize": "recognize_image.py",
    "video": "recognize_video.py",
    "retrain": "retrain.py",
    "serve": "serve.py",
}
WIDTH = 88
"""Columns of the usage lines."""


def generated_pages() -> dict[str, str]:
    """Return the Markdown of the pages that are in no file of docs/, by their path on the site."""
    cards = {
        f"{place}/{card.name}": card.read_text("utf-8")
        for folder, place in CARDS.items()
        for card in sorted((ROOT / folder).glob("*.md"))
    }
    return {"commands.md": commands_page(), "reference.md": interface_page(), **cards}


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages (called by MkDocs)."""
    from mkdocs.structure.files import File

    for path, content in generated_pages().items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Point links to the models' cards, which lie beside the weights, at their pages (called by MkDocs)."""
    for folder, place in CARDS.items():
        markdown = markdown.replace(f"](../{folder}/", f"]({place}/")
    return markdown


def commands_page() -> str:
    """Return the reference of all commands, from their parsers."""
    parts = ["# Commands", "Made from the commands' own parsers: `faces COMMAND --help` shows the same."]
    parts.append(_block(usage()))
    for name, (module, summary) in COMMANDS.items():
        parser = import_module(f"faces.commands.{module}").build_parser()
        parts += [f"## faces {name}", f"{_capital(summary)}."]
        if script := SCRIPTS.get(name):
            parts.append(f"The same in a checkout: `python {script}`.")
        parts += _command(parser, f"faces {name}", level=3)
    return "\n\n".join(parts) + "\n"


def interface_page() -> str:
    """Return the reference of the Python interface: directives of mkdocstrings for what ``faces`` exports."""
    parts = ["# Python interface", "What the package `faces` exports. Importing the package loads no model."]
    kinds: dict[str, list[str]] = {"Functions": [], "Classes": [], "Errors": [], "Types and constants": []}
    for name in faces.__all__:
        kinds[_kind(getattr(faces, name))].append(f"::: faces.{name}")
    for title, directives in kinds.items():
        parts += [f"## {title}", *directives] if directives else []
    return "\n\n".join(parts) + "\n"


def _kind(exported: object) -> str:
    if inspect.isclass(exported):
        return "Errors" if issubclass(exported, Exception) else "Classes"
    return "Functions" if inspect.isroutine(exported) else "Types and constants"


def _command(parser: argparse.ArgumentParser, name: str, level: int) -> Iterator[str]:
    """Yield the parts of one command: usage, description, options by group, examples and subcommands."""
    parser.prog = name
    formatter = type(parser._get_formatter())(name, width=WIDTH)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups)
    yield _block(formatter.format_help())
    if parser.description:
        yield _text(parser.description)
    subcommands: dict[str, argparse.ArgumentParser] = {}
    for group in parser._action_groups:
        options = []
        for action in group._group_actions:
            if isinstance(action, argparse._SubParsersAction):
                subcommands.update(action.choices)
            elif action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction):
                options.append(_option(formatter, action))
        if options:
            yield f"**{_text(_capital(group.title or 'options'))}**"
            if group.description:
                yield _text(group.description)
            yield from options
    if parser.epilog:
        title, _, examples = parser.epilog.partition("\n")
        yield f"**{_capital(title.strip().rstrip(':'))}**"
        yield _block(examples % {"prog": name})
    for subcommand, subparser in subcommands.items():
        yield f"{'#' * level} {name} {subcommand}"
        yield from _command(subparser, f"{name} {subcommand}", level + 1)


def _option(formatter: argparse.HelpFormatter, action: argparse.Action) -> str:
    """Return one option as an entry of a definition list: its names and value, and its help with the default."""
    names = formatter._format_action_invocation(action)
    meaning = formatter._expand_help(action) if action.help else "(no help)"
    return f"`{names}`\n:   {_text(meaning)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _block(text: str) -> str:
    """Return a fenced block of what is typed or printed."""
    lines = text.strip("\n").splitlines()
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(["```text", *(line[indent:] for line in lines), "```"])


def _text(text: str) -> str:
    """Return plain text on one line as Markdown that shows it as it is; pages of docs/ become links."""
    pieces = re.split(r"docs/([\w-]+)\.md", " ".join(text.split()))
    pieces[::2] = [re.sub(r"([\\`*_\[\]|])", r"\\\1", html.escape(piece, quote=False)) for piece in pieces[::2]]
    pieces[1::2] = [f"[{page}]({page}.md)" for page in pieces[1::2]]
    return "".join(pieces)
