"""An MLflow server that keeps in step: what was run here, which recognizers came of it, and which is in service.

MLflow is imported when something is published, not before. The experiment and the registered model are called
``faces``, or what MLFLOW_EXPERIMENT_NAME says. What is sent: docs/tracking.md.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faces.errors import FacesError, UsageError
from faces.files.redaction import without_password
from faces.records import Run, Runs
from faces.versions.versions import Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

VARIABLE = "MLFLOW_TRACKING_URI"
NAME = "faces"
MODEL = "recognizer"  # the folder of a run's files that are its model
PAUSE = 30  # seconds for which a server that failed is not asked again
LONGEST = 500  # letters of a parameter or a tag
MLFLOW = {  # what MLflow is to do where the user did not say otherwise: no minutes of retries, no talking
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}
STATUS = {"succeeded": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
STAGES = ("candidate", "in service", "retired", "rejected")

_failed: dict[str, tuple[float, str]] = {}  # when each address failed, and why


def address(option: str | None) -> str:
    """Where runs are tracked: --track, or MLFLOW_TRACKING_URI where MLflow is installed; "" for nowhere.

    Raises UsageError when the option asks for it and MLflow is not installed.
    """
    installed = find_spec("mlflow") is not None
    if option and not installed:
        raise UsageError("--track needs MLflow, which is not installed; run: pip install 'recognize-faces[track]'")
    return option or (os.environ.get(VARIABLE, "") if installed else "")


def publish(run: Run, uri: str, folder: Path) -> Run:
    """Send a run that has ended, and note in its record in ``folder`` that it was sent, or why not.

    Returns the record with its note. Raises FacesError when the server, or the record, cannot be written.
    """
    try:
        with _talking_to(uri):
            noted = replace(run, notes=(*run.notes, f"tracked: {without_password(uri)}, run {_send(run, uri)}"))
    except FacesError as error:
        replace(run, notes=(*run.notes, f"not tracked: {error}")).save(folder)
        raise
    noted.save(folder)
    return noted


def follow(versions: Sequence[Version], uri: str, folder: Path) -> None:
    """Move the registered model's aliases, such as ``in-service``, to the versions that have these stages now.

    Where several have one, the newest counts; each has its stage as a tag. A version that the server does not know,
    since it was down, is sent first if its run's record is in ``folder``. Raises FacesError.
    """
    with _talking_to(uri):
        client = _client(uri)
        known = _registered(client)
        for version in versions:
            if version.run not in known and (run := _record(folder, version.run)) and _is_model(run):
                publish(run, uri, folder)
        theirs, ours = _registered(client), {version.run: version for version in versions}
        for record, model in theirs.items():
            tags = {"stage": "deleted"}
            if record in ours:
                tags = {"stage": ours[record].stage, "version": str(ours[record].number)}
            for key, value in tags.items():
                if model.tags.get(key) != value:
                    client.set_model_version_tag(_name(), model.version, key, value)
        if theirs:
            _move_aliases(client, {one.stage: theirs[one.run].version for one in versions if one.run in theirs})


def _move_aliases(client: MlflowClient, wanted: Mapping[str, str]) -> None:
    """wanted: the model's version of each stage that there is."""
    there = client.get_registered_model(_name()).aliases
    for stage in STAGES:
        alias = stage.replace(" ", "-")
        if stage in wanted and there.get(alias) != wanted[stage]:
            client.set_registered_model_alias(_name(), alias, wanted[stage])
        elif stage not in wanted and alias in there:
            client.delete_registered_model_alias(_name(), alias)


def _send(run: Run, uri: str) -> str:
    """A run with everything that belongs to it; returns its id at the server."""
    from mlflow.entities import Dataset, DatasetInput, Metric, Param

    client, began = _client(uri), _milliseconds(run)
    ended = began + round(run.seconds * 1000)
    sent = str(client.create_run(_experiment(client), began, _tags(run), run.id).info.run_id)
    client.log_batch(
        sent,
        [Metric(_key(name), value, ended, 0) for name, value in _numbers(run).items()],
        [Param(_key(name), str(value)[:LONGEST]) for name, value in run.parameters.items()],
    )
    place = str(run.parameters.get("dataset") or run.parameters.get("images") or "unknown")
    data = [DatasetInput(Dataset(one.role, one.sha256[:36], "local", place), []) for one in run.data]
    if data:
        client.log_inputs(sent, data)
    client.log_text(sent, run.to_json(), "record.json")
    for path, within in _files(run):
        client.log_artifact(sent, str(path), within)
    client.set_terminated(sent, STATUS[run.status], ended)
    if _is_model(run):
        _register(client, sent, run)
    return sent


def _is_model(run: Run) -> bool:
    """Whether a run trained a recognizer whose two files are still there."""
    return run.status == "succeeded" and [within for _, within in _files(run)].count(MODEL) == 2


def _files(run: Run) -> Iterator[tuple[Path, str | None]]:
    """What a run made that is sent, and into which folder: the recognizer is the model, embeddings stay here.

    Files that hold something else by now are not: another version may be in service.
    """
    options = run.parameters
    model = (options.get("recognizer"), options.get("le")) if run.kind == "train" else ()
    for one in run.artefacts:
        if one.path != options.get("embeddings") and one.is_there():
            yield Path(one.path), MODEL if one.path in model else None


def _register(client: MlflowClient, sent: str, run: Run) -> None:
    """Make the recognizer of a run a version of the registered model."""
    if not client.search_registered_models(f"name='{_name()}'"):
        client.create_registered_model(_name())
    tags = {"record": run.id} | ({"data.sha256": run.data[0].sha256} if run.data else {})
    client.create_model_version(_name(), f"runs:/{sent}/{MODEL}", sent, tags=tags, await_creation_for=0)


def _registered(client: MlflowClient) -> dict[str, Any]:
    """The versions of the registered model, by the id of their run's record."""
    found = client.search_model_versions(f"name='{_name()}'")
    return {one.tags["record"]: one for one in found if "record" in one.tags}


def _tags(run: Run) -> dict[str, str]:
    """What a run ran in and on. Those of ``mlflow.`` are shown in columns of their own."""
    tags = {
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
    tags |= {f"data.{one.role}.sha256": one.sha256 for one in run.data}
    tags |= {f"model.{part}": f"{model['name']} {model['sha256']}" for part, model in (run.models or {}).items()}
    tags |= {f"package.{name}": version for name, version in run.packages.items()}
    tags |= {f"figure.{name}": str(value) for name, value in run.figures.items() if name not in _numbers(run)}
    return {_key(key): value[:LONGEST] for key, value in tags.items() if value}


def _client(uri: str) -> MlflowClient:
    for name, value in MLFLOW.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    return MlflowClient(uri)


def _experiment(client: MlflowClient) -> str:
    found = client.get_experiment_by_name(_name())
    return str(found.experiment_id if found else client.create_experiment(_name()))


def _name() -> str:
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or NAME


def _record(folder: Path, name: str) -> Run | None:
    """The record of a run, if there is one."""
    with suppress(FacesError):
        return Runs(folder).find(name)
    return None


def _key(name: str) -> str:
    """A name of the letters that MLflow takes."""
    return re.sub(r"[^\w.\- :/]", "_", name, flags=re.ASCII)


def _numbers(run: Run) -> dict[str, float]:
    """The figures that are numbers."""
    found = run.figures.items()
    return {name: value for name, value in found if isinstance(value, int | float) and not isinstance(value, bool)}


def _milliseconds(run: Run) -> int:
    return round(datetime.fromisoformat(run.time).timestamp() * 1000)


@contextmanager
def _talking_to(uri: str) -> Iterator[None]:
    """Raises FacesError for whatever goes wrong with a server, at once where it failed a moment ago."""
    when, why = _failed.get(uri, (-PAUSE, ""))
    if time.monotonic() - when < PAUSE:
        raise FacesError(why)
    try:
        yield
    except FacesError:
        raise
    except Exception as error:  # MLflow's, requests', and what a server that is none of MLflow's leads both into
        why = f"{without_password(uri)}: {_reason(error)}"
        _failed[uri] = time.monotonic(), why
        raise FacesError(why) from error


def _reason(error: Exception) -> str:
    """What went wrong, in a line."""
    text = " ".join(str(error).split())
    if code := re.search(r"failed with error code (\d+)|too many (\d+) error responses", text):
        answer = code[1] or code[2]
        return f"answers with {answer}; is it an MLflow server?" if answer == "404" else f"answers with {answer}"
    if "valid JSON" in text:
        return "answers with something else; is it an MLflow server?"
    if "failed with exception" in text or isinstance(error, OSError):
        return "too slow" if "timed out" in text else "does not answer"
    return without_password(text)[:200] or type(error).__name__
