"""Convert the record of a run to what an MLflow server stores: tags, metrics, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from faces.records import Run

MODEL = "recognizer"  # the folder of a run's files that are its model
LONGEST_VALUE = 500  # letters of a parameter or a tag


def is_model(run: Run) -> bool:
    """Return whether a run trained a recognizer whose two files still exist."""
    return run.status == "succeeded" and [folder for _, folder in files(run)].count(MODEL) == 2


def files(run: Run) -> Iterator[tuple[Path, str | None]]:
    """Yield the files of a run to send, each with its folder at the server; embeddings are not sent.

    Files that have changed since are not sent: another version may be in service.
    """
    options = run.parameters
    model = (options.get("recognizer"), options.get("le")) if run.kind == "train" else ()
    for file in run.artefacts:
        if file.path != options.get("embeddings") and file.is_there():
            yield Path(file.path), MODEL if file.path in model else None


def tags(run: Run) -> dict[str, str]:
    """Return the tags of a run; MLflow shows those of ``mlflow.`` in columns of their own."""
    values = {
        "record": run.id,
        "kind": run.kind,
        "command": run.command,
        "mlflow.source.name": run.command.partition(" ")[2].partition(" ")[0],
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": run.code.commit,
        "git.clean": str(run.code.clean).lower() if run.code.commit else "",
        "error": run.error,
        "python": run.python,
        "platform": run.platform,
        "parents": " ".join(run.parents),
    }
    values |= {f"data.{data.role}.sha256": data.sha256 for data in run.data}
    values |= {f"model.{part}": f"{model['name']} {model['sha256']}" for part, model in (run.models or {}).items()}
    values |= {f"package.{name}": version for name, version in run.packages.items()}
    values |= {f"figure.{name}": str(value) for name, value in run.figures.items() if name not in numbers(run)}
    return {key(name): value[:LONGEST_VALUE] for name, value in values.items() if value}


def key(name: str) -> str:
    """Return a name with only the letters that MLflow accepts."""
    return re.sub(r"[^\w.\- :/]", "_", name, flags=re.ASCII)


def numbers(run: Run) -> dict[str, float]:
    """Return the figures that are numbers."""
    figures = run.figures.items()
    return {name: value for name, value in figures if isinstance(value, int | float) and not isinstance(value, bool)}


def milliseconds(run: Run) -> int:
    """Return the start of a run, ms since the epoch."""
    return round(datetime.fromisoformat(run.time).timestamp() * 1000)
