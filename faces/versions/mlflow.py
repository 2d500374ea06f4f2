"""Publish runs, recognizers and the version in service to an MLflow server.

MLflow is imported when something is published. The experiment and the registered model are called
``faces``, or what MLFLOW_EXPERIMENT_NAME says. What is sent: docs/tracking.md.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faces.errors import FacesError, UsageError
from faces.files.redaction import without_password
from faces.files.writing import private
from faces.records import Run, Runs
from faces.versions import mlflow_fields as fields
from faces.versions.versions import Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

VARIABLE = "MLFLOW_TRACKING_URI"
NAME = "faces"
PAUSE = 30  # s for which a server that failed is not asked again
ENVIRONMENT = {  # defaults for MLflow: no minutes of retries, no output
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}
STATUS = {"succeeded": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
STAGES = ("candidate", "in service", "retired", "rejected")

_failed: dict[str, tuple[float, str]] = {}  # when each address failed, and why


def address(option: str | None) -> str:
    """Return the address of the MLflow server, "" for none: ``--track``, or MLFLOW_TRACKING_URI if MLflow is installed.

    Raises UsageError when the option is given and MLflow is not installed.
    """
    installed = find_spec("mlflow") is not None
    if option and not installed:
        raise UsageError("--track needs MLflow, which is not installed; run: pip install 'recognize-faces[track]'")
    return option or (os.environ.get(VARIABLE, "") if installed else "")


def publish(run: Run, uri: str, folder: Path) -> Run:
    """Send a run that has ended, and note in its record in ``folder`` that it was sent, or why not.

    Returns the record with its note. Raises FacesError when the server or the record cannot be written.
    """
    try:
        with _connection(uri):
            noted = replace(run, notes=(*run.notes, f"tracked: {without_password(uri)}, run {_send(run, uri)}"))
    except FacesError as error:
        replace(run, notes=(*run.notes, f"not tracked: {error}")).save(folder)
        raise
    noted.save(folder)
    return noted


def follow(versions: Sequence[Version], uri: str, folder: Path) -> None:
    """Move the registered model's aliases, such as ``in-service``, to the versions that have these stages now.

    The newest version of each stage gets the alias; every version has its stage as a tag. A version that the server
    missed is sent first if the record of its run is in ``folder``. Raises FacesError.
    """
    with _connection(uri):
        client = _client(uri)
        known = _registered(client)
        for version in versions:
            if version.run not in known and (run := _record(folder, version.run)) and fields.is_model(run):
                publish(run, uri, folder)
        registered, by_run = _registered(client), {version.run: version for version in versions}
        for record, model in registered.items():
            tags = {"stage": "deleted"}
            if record in by_run:
                tags = {"stage": by_run[record].stage, "version": str(by_run[record].number)}
            for key, value in tags.items():
                if model.tags.get(key) != value:
                    client.set_model_version_tag(_name(), model.version, key, value)
        if registered:
            by_stage = {version.stage: version.run for version in versions if version.run in registered}
            _move_aliases(client, {stage: registered[run].version for stage, run in by_stage.items()})


def _move_aliases(client: MlflowClient, wanted: Mapping[str, str]) -> None:
    """Set the alias of each stage in ``wanted`` to its version of the model, and delete the others."""
    aliases = client.get_registered_model(_name()).aliases
    for stage in STAGES:
        alias = stage.replace(" ", "-")
        if stage in wanted and aliases.get(alias) != wanted[stage]:
            client.set_registered_model_alias(_name(), alias, wanted[stage])
        elif stage not in wanted and alias in aliases:
            client.delete_registered_model_alias(_name(), alias)


def _send(run: Run, uri: str) -> str:
    """Send a run with its figures and files, and return its id at the server."""
    from mlflow.entities import Dataset, DatasetInput, Metric, Param

    client, began = _client(uri), fields.milliseconds(run)
    ended = began + round(run.seconds * 1000)
    sent = str(client.create_run(_experiment(client), began, fields.tags(run), run.id).info.run_id)
    client.log_batch(
        sent,
        [Metric(fields.key(name), value, ended, 0) for name, value in fields.numbers(run).items()],
        [Param(fields.key(name), str(value)[: fields.LONGEST_VALUE]) for name, value in run.parameters.items()],
    )
    place = str(run.parameters.get("dataset") or run.parameters.get("images") or "unknown")
    inputs = [DatasetInput(Dataset(data.role, data.sha256[:36], "local", place), []) for data in run.data]
    if inputs:
        client.log_inputs(sent, inputs)
    client.log_text(sent, run.to_json(), "record.json")
    for path, folder in fields.files(run):
        client.log_artifact(sent, str(path), folder)
    client.set_terminated(sent, STATUS[run.status], ended)
    if fields.is_model(run):
        _register(client, sent, run)
    return sent


def _register(client: MlflowClient, sent: str, run: Run) -> None:
    """Make the recognizer of a run a version of the registered model."""
    if not client.search_registered_models(f"name='{_name()}'"):
        client.create_registered_model(_name())
    tags = {"record": run.id} | ({"data.sha256": run.data[0].sha256} if run.data else {})
    client.create_model_version(_name(), f"runs:/{sent}/{fields.MODEL}", sent, tags=tags, await_creation_for=0)


def _registered(client: MlflowClient) -> dict[str, Any]:
    """Return the versions of the registered model by the id of their run's record."""
    models = client.search_model_versions(f"name='{_name()}'")
    return {model.tags["record"]: model for model in models if "record" in model.tags}


def _client(uri: str) -> MlflowClient:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    return MlflowClient(uri)


def _experiment(client: MlflowClient) -> str:
    experiment = client.get_experiment_by_name(_name())
    return str(experiment.experiment_id if experiment else client.create_experiment(_name()))


def _name() -> str:
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or NAME


def _record(folder: Path, name: str) -> Run | None:
    """Return the record of a run, or None."""
    with suppress(FacesError):
        return Runs(folder).find(name)
    return None


@contextmanager
def _connection(uri: str) -> Iterator[None]:
    """Turn every error of a server into a FacesError; raise it at once if the server failed a moment ago."""
    when, reason = _failed.get(uri, (-PAUSE, ""))
    if time.monotonic() - when < PAUSE:
        raise FacesError(reason)
    try:
        with private():  # the server may be a file or a folder
            yield
    except FacesError:
        raise
    except Exception as error:  # of MLflow, of requests, and of both when the server is not an MLflow server
        reason = f"{without_password(uri)}: {_reason(error)}"
        _failed[uri] = time.monotonic(), reason
        raise FacesError(reason) from error


def _reason(error: Exception) -> str:
    """Return what went wrong, in a line."""
    text = " ".join(str(error).split())
    if code := re.search(r"failed with error code (\d+)|too many (\d+) error responses", text):
        answer = code[1] or code[2]
        return f"answers with {answer}; is it an MLflow server?" if answer == "404" else f"answers with {answer}"
    if "valid JSON" in text:
        return "answers with something else; is it an MLflow server?"
    if "failed with exception" in text or isinstance(error, OSError):
        return "too slow" if "timed out" in text else "does not answer"
    return without_password(text)[:200] or type(error).__name__
