"""Record the runs of commands, and send them to MLflow with --track."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from faces import records
from faces.cli.text import warn
from faces.errors import FacesError
from faces.records import Recorder
from faces.versions import mlflow
from faces.versions.versions import Versions


@contextmanager
def recording(path: Path, kind: str, options: Mapping[str, Any]) -> Iterator[Recorder]:
    """Record a run beside the file it makes; then send the record to the MLflow server of ``--track``, if any.

    A failing server causes a warning.

    path: the file.
    kind: of the run, such as ``attributes``.
    options: of the command, with ``track``.
    """
    uri, folder, run = mlflow.address(options["track"]), records.beside(path), None
    try:
        with records.recording(folder, kind, options) as run:
            yield run
    finally:
        if uri and run and run.ended:
            with _failure_as_warning():
                mlflow.publish(run.ended, uri, folder)


@contextmanager
def following_stages(versions: Versions, args: argparse.Namespace) -> Iterator[None]:
    """At the end of the block, send the stages of all versions to the MLflow server of ``--track``, if any."""
    uri = mlflow.address(args.track)
    try:
        yield
    finally:
        if uri:
            with _failure_as_warning():
                mlflow.follow(versions.all(), uri, records.beside(versions.recognizer))


@contextmanager
def _failure_as_warning() -> Iterator[None]:
    try:
        yield
    except FacesError as error:
        _warn_once(f"not tracked: {error}")


@cache
def _warn_once(text: str) -> None:
    warn(text)
