"""Runs of commands recorded, and sent to MLflow with --track."""

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
    """``records.recording`` beside the file that is made; then the MLflow server of ``--track``, if any, is told.

    One that fails is a warning.
    """
    uri, folder, run = mlflow.address(options["track"]), records.beside(path), None
    try:
        with records.recording(folder, kind, options) as run:
            yield run
    finally:
        if uri and run and run.ended:
            with _not_tracked_is_said():
                mlflow.publish(run.ended, uri, folder)


@contextmanager
def following_stages(versions: Versions, args: argparse.Namespace) -> Iterator[None]:
    """Afterwards the MLflow server of ``--track``, if any, is told which versions are in service, candidates, ..."""
    uri = mlflow.address(args.track)
    try:
        yield
    finally:
        if uri:
            with _not_tracked_is_said():
                mlflow.follow(versions.all(), uri, records.beside(versions.recognizer))


@contextmanager
def _not_tracked_is_said() -> Iterator[None]:
    try:
        yield
    except FacesError as error:
        _warn_once(f"not tracked: {error}")


@cache
def _warn_once(text: str) -> None:
    warn(text)
