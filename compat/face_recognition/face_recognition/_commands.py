"""What the two commands share: the photographs of a folder, many at a time, errors in one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import click

from faces import FacesError

from . import _models

SUFFIXES = (".jpg", ".jpeg", ".png")
Result = TypeVar("Result")


def photographs(folder: str) -> list[str]:
    """Return the paths of the photographs in a folder, sorted. Raises ClickException."""
    try:
        return sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.lower().endswith(SUFFIXES))  # noqa: PTH118, PTH208 (printed as the original prints them)
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}") from error


def use_cpus(cpus: int) -> int:
    """Return how many photographs to work on at a time, and let the models use one thread each where it is several.

    cpus: -1: as many as there are cores.
    """
    cpus = (os.cpu_count() or 1) if cpus == -1 else cpus
    if cpus < 1:
        raise click.BadParameter(f"{cpus} is neither -1 nor a number from 1 on", param_hint="'--cpus'")
    _models.threads = 1 if cpus > 1 else None
    return cpus


def each(work: Callable[[str], Result], paths: Iterable[str], cpus: int) -> Generator[tuple[str, Result], None, None]:
    """Run ``work`` on each path and yield both, in order; exit with 1 at the end if a photograph could not be read.

    Raises ClickException, with the command to run, for a model that is missing.
    """
    failed = False
    with ThreadPoolExecutor(cpus) as pool:
        for path, future in [(path, pool.submit(work, path)) for path in paths]:
            try:
                yield path, future.result()
            except FacesError as error:
                pool.shutdown(cancel_futures=True)
                raise click.ClickException(str(error)) from error
            except (OSError, ValueError) as error:
                click.echo(f"ERROR: {path}: {reason(error)}", err=True)
                failed = True
    if failed:
        sys.exit(1)


def reason(error: Exception) -> str:
    """Return why a photograph cannot be read."""
    return (getattr(error, "strerror", None) or str(error).partition("\n")[0]).strip() or type(error).__name__


def is_folder(path: str) -> bool:
    """Return whether a path is a folder; raise ClickException if nothing is there."""
    if not Path(path).exists():
        raise click.ClickException(f"{path}: No such file or directory")
    return Path(path).is_dir()
