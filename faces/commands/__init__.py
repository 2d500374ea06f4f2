"""The commands, one module each: a parser and a short ``main``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import faces
from faces.cli.running import run

COMMANDS = {
    "extract": ("extract", "photographs -> embeddings: one folder per person"),
    "train": ("train", "embeddings -> recognizer"),
    "recognize": ("recognize", "name the faces in photographs"),
    "compare": ("matching.compare", "say whether two photographs show the same person"),
    "search": ("matching.search", "find the people of a photograph in a folder"),
    "video": ("video", "name the faces in a camera's picture, a file or a stream"),
    "photos": ("photos.command", "say who is in your photographs, and find people in them"),
    "retrain": ("retrain", "extract, train, and swap in the new version if it is as good"),
    "serve": ("serve", "web pages and a local Face API"),
    "keys": ("server.keys", "make, list and revoke the keys of a server"),
    "move-database": ("server.move_database", "move a server's database to other models"),
    "evaluate": ("evaluate", "measure how good it is on your own photographs"),
    "runs": ("runs", "list, compare and explain what was run"),
    "classify": ("classify", "name the class of whole pictures"),
    "train-attributes": ("train_attributes", "train models of age, gender, expression, ..."),
    "train-classifier": ("train_classifier", "train a classifier of whole pictures"),
    "train-embedder": ("train_embedder", "train OpenFace's network by distillation"),
    "download-models": ("download_models", "fetch models and check them"),
    "sample": ("sample", "draw a sample data set of people who do not exist"),
}
"""Of each command, its module and what it does."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``faces COMMAND ...`` and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help"):
        print(usage())
        return 0
    if name == "--version":
        print(f"recognize-faces {faces.__version__}")
        return 0
    if name not in COMMANDS:
        print(f"faces: error: no command {name!r}; faces --help lists them", file=sys.stderr)
        return 2
    sys.argv[0] = f"faces {name}"  # what the command's own help and errors begin with
    module = import_module(f"faces.commands.{COMMANDS[name][0]}")
    return int(module.main(arguments[1:]))


def usage() -> str:
    """Return the overview that ``faces --help`` prints."""
    width = max(map(len, COMMANDS))
    rows = [f"  {name:{width}}  {summary}" for name, (_, summary) in COMMANDS.items()]
    lines = ["usage: faces COMMAND [options]", "", "Face recognition in a terminal.", "", "commands:", *rows]
    return "\n".join([*lines, "", "faces COMMAND --help shows a command's options, faces --version the version."])


def entry_point() -> None:
    """Run the command line, and exit."""
    run(main)
