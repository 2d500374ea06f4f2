"""What an MLflow server is told, and what becomes of the work when it is not there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from faces.commands import retrain, train
from faces.errors import FacesError, UsageError
from faces.files.writing import write_bytes
from faces.records import Code, Data, File, Run
from faces.versions import mlflow as versions_mlflow
from faces.versions.versions import LE, RECOGNIZER, REPORT, Stage, Version, Versions
from tests.conftest import patience
from tests.files.test_file_modes import open_ones, umask
from tests.recognition.test_recognizers import DLIB, gallery

tracking = pytest.mark.tracking
client_needed = pytest.mark.skipif(find_spec("mlflow") is None, reason="needs the extra track")
START = 300  # seconds that the server may take


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real MLflow server, with a database in SQLite and files in a folder."""
    try:
        distribution("mlflow")
    except PackageNotFoundError:
        pytest.skip("needs MLflow's server: pip install mlflow")
    folder = tmp_path_factory.mktemp("mlflow")
    address = f"http://127.0.0.1:{free_port()}"
    words = ["server", "--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--workers", "1"]
    words += [
        "--backend-store-uri",
        f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination",
        str(folder / "files"),
    ]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words],
            cwd=folder,
            env=os.environ | quiet,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        until_it_answers(f"{address}/health", process)
        yield address
    finally:
        os.killpg(process.pid, 9)
        process.wait(patience(20))


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


def until_it_answers(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + patience(START)
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the MLflow server did not start")


@pytest.fixture(autouse=True)
def experiment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test has an experiment and a registered model of its own, and knows of no server that failed."""
    name = request.node.name
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", name)
    monkeypatch.delenv(versions_mlflow.VARIABLE, raising=False)
    monkeypatch.setattr(versions_mlflow, "_failed", {})
    return str(name)


def client(server: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(server)


def a_run(folder: Path, number: int = 1, **changes: Any) -> Run:
    """The record of a training that wrote a recognizer, in ``folder / runs`` and ``folder / number``."""
    place = folder / str(number)
    place.mkdir(parents=True)
    for name in (RECOGNIZER, LE, REPORT):
        (place / name).write_bytes(f"{name} of {number}".encode())
    run = Run(
        id=f"2026013112000000{number}-train-abc{number}",
        kind="train",
        time="2026-01-31T12:00:00.000+00:00",
        seconds=1.5,
        status="succeeded",
        command="python train_model.py --fpir 0.01",
        code=Code("c0ffee" * 6, True),
        python="3.11.7",
        platform="Linux",
        packages={"numpy": "2.4.6"},
        parameters={"dataset": "dataset", "fpir": 0.01, "recognizer": str(place / RECOGNIZER), "le": str(place / LE)},
        models={"detector": {"name": "dlib-mmod", "sha256": "ab" * 32}},
        data=(Data("photographs", "d" * 64, 12, 4),),
        figures={"right": 11, "TPIR at FPIR 1 %": 0.99, "never": float("nan"), "why": "the first version"},
        artefacts=tuple(File.of(place / name) for name in (RECOGNIZER, LE, REPORT)),
    )
    run = replace(run, **changes)
    run.save(folder / "runs")
    return run


def a_version(number: int, stage: Stage) -> Version:
    return Version(number, "2026-01-31T12:00:00+00:00", stage, run=f"2026013112000000{number}-train-abc{number}")


def notes(folder: Path) -> list[str]:
    """Of the only record in a folder of runs."""
    [record] = folder.glob("*.json")
    return list(Run.from_json(record.read_bytes()).notes)


@tracking
@client_needed
class TestServer:
    def test_a_run_arrives_with_all_that_belongs_to_it(self, server: str, tmp_path: Path, experiment: str) -> None:
        run = versions_mlflow.publish(a_run(tmp_path), server, tmp_path / "runs")
        mlflow = client(server)
        [sent] = mlflow.search_runs([mlflow.get_experiment_by_name(experiment).experiment_id])

        assert run.notes == (f"tracked: {server}, run {sent.info.run_id}",)
        assert notes(tmp_path / "runs") == list(run.notes)
        assert (sent.info.run_name, sent.info.status) == (run.id, "FINISHED")
        assert sent.info.end_time - sent.info.start_time == 1500
        assert (sent.data.params["dataset"], sent.data.params["fpir"]) == ("dataset", "0.01")
        assert sent.data.metrics["right"] == 11
        assert sent.data.metrics["TPIR at FPIR 1 _"] == 0.99
        assert sent.data.metrics["never"] != sent.data.metrics["never"]
        tags = sent.data.tags
        assert (tags["record"], tags["kind"]) == (run.id, "train")
        assert (tags["mlflow.source.git.commit"], tags["git.clean"]) == ("c0ffee" * 6, "true")
        assert (tags["data.photographs.sha256"], tags["package.numpy"]) == ("d" * 64, "2.4.6")
        assert tags["model.detector"] == f"dlib-mmod {'ab' * 32}"
        assert tags["figure.why"] == "the first version"
        [data] = sent.inputs.dataset_inputs
        assert (data.dataset.name, data.dataset.digest) == ("photographs", "d" * 36)
        files = {one.path for one in mlflow.list_artifacts(sent.info.run_id)}
        assert files == {"record.json", "recognizer", REPORT}
        files = {one.path for one in mlflow.list_artifacts(sent.info.run_id, "recognizer")}
        assert files == {f"recognizer/{RECOGNIZER}", f"recognizer/{LE}"}

    def test_a_run_that_failed_or_was_stopped(self, server: str, tmp_path: Path, experiment: str) -> None:
        failed = a_run(tmp_path, 1, status="failed", error="no face that helps", artefacts=())
        stopped = a_run(tmp_path, 2, kind="extract", status="stopped", code=Code(), data=(), figures={})
        own = File.of(tmp_path / "2" / RECOGNIZER)  # as if it were the extraction's file
        stopped = replace(stopped, parameters={"embeddings": own.path}, artefacts=(own, *stopped.artefacts[2:]))
        for run in (failed, stopped):
            versions_mlflow.publish(run, server, tmp_path / "runs")
        mlflow = client(server)
        found = mlflow.search_runs([mlflow.get_experiment_by_name(experiment).experiment_id])
        assert {one.info.status for one in found} == {"FAILED", "KILLED"}
        assert [one.data.tags["error"] for one in found if "error" in one.data.tags] == ["no face that helps"]
        assert mlflow.search_model_versions(f"name='{experiment}'") == []
        [extraction] = [one for one in found if one.data.tags["kind"] == "extract"]
        names = {one.path for one in mlflow.list_artifacts(extraction.info.run_id)}
        assert names == {"record.json", REPORT}, "embeddings stay here"

    def test_aliases_follow_the_stages(self, server: str, tmp_path: Path, experiment: str) -> None:
        for number in (1, 2, 3):
            versions_mlflow.publish(a_run(tmp_path, number), server, tmp_path / "runs")
        mlflow = client(server)
        version_of = {one.tags["record"]: one.version for one in mlflow.search_model_versions(f"name='{experiment}'")}

        def follow(*stages: Stage) -> dict[str, int]:
            versions = [a_version(number, stage) for number, stage in enumerate(stages, start=1)]
            versions_mlflow.follow(versions, server, tmp_path / "runs")
            ours = {version_of[one.run]: one.number for one in versions}
            there = mlflow.get_registered_model(experiment).aliases
            return {alias: ours[version] for alias, version in there.items()}

        assert follow("in service", "candidate", "candidate") == {"in-service": 1, "candidate": 3}
        assert follow("retired", "in service", "candidate") == {"in-service": 2, "retired": 1, "candidate": 3}
        assert follow("retired", "in service", "rejected") == {"in-service": 2, "retired": 1, "rejected": 3}
        assert follow("in service", "retired", "rejected") == {"in-service": 1, "retired": 2, "rejected": 3}
        assert follow("in service") == {"in-service": 1}
        tags = {one.tags["record"]: one.tags for one in mlflow.search_model_versions(f"name='{experiment}'")}
        assert [tags[one]["stage"] for one in sorted(tags)] == ["in service", "deleted", "deleted"]
        assert tags[a_version(1, "retired").run]["version"] == "1"

    def test_the_recognizer_in_service_comes_back_as_it_was(
        self, server: str, tmp_path: Path, experiment: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = a_run(tmp_path)
        versions_mlflow.publish(run, server, tmp_path / "runs")
        versions_mlflow.follow([a_version(1, "in service")], server, tmp_path / "runs")
        from mlflow.artifacts import download_artifacts

        monkeypatch.setenv(versions_mlflow.VARIABLE, server)
        folder = download_artifacts(
            artifact_uri=f"models:/{experiment}@in-service", dst_path=str(tmp_path), tracking_uri=server
        )
        found = {path.name: path.read_bytes() for path in Path(folder).rglob("*.pickle")}
        assert found == {name: (tmp_path / "1" / name).read_bytes() for name in (RECOGNIZER, LE)}

    def test_what_was_missed_is_made_up_for(self, server: str, tmp_path: Path, experiment: str) -> None:
        run = a_run(tmp_path)
        nobody = f"http://127.0.0.1:{free_port()}"
        with pytest.raises(FacesError):
            versions_mlflow.publish(run, nobody, tmp_path / "runs")
        versions_mlflow.follow([a_version(1, "in service"), a_version(2, "candidate")], server, tmp_path / "runs")
        assert set(client(server).get_registered_model(experiment).aliases) == {"in-service"}
        said = notes(tmp_path / "runs")
        assert said[0] == f"not tracked: {nobody}: does not answer"
        assert said[1].startswith(f"tracked: {server}, run ")

    def test_a_file_that_is_another_version_s_by_now_is_not_sent(
        self, server: str, tmp_path: Path, experiment: str
    ) -> None:
        run = a_run(tmp_path)
        (tmp_path / "1" / RECOGNIZER).write_bytes(b"of version 2")
        versions_mlflow.follow([a_version(1, "retired")], server, tmp_path / "runs")
        assert notes(tmp_path / "runs") == []
        versions_mlflow.publish(run, server, tmp_path / "runs")
        assert client(server).search_model_versions(f"name='{experiment}'") == []

    def test_training_and_returning_to_a_version_are_tracked(
        self, server: str, tmp_path: Path, experiment: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        files = trained(tmp_path, "--track", server)
        mlflow = client(server)
        [sent] = mlflow.search_runs([mlflow.get_experiment_by_name(experiment).experiment_id])
        assert (sent.data.metrics["right"], sent.data.params["fpir"]) == (12, "0.01")
        [model] = mlflow.search_model_versions(f"name='{experiment}'")

        versions = Versions(tmp_path / RECOGNIZER, tmp_path / LE)
        versions.settle()  # it becomes version 1
        another = versions.candidate().number
        for name in (RECOGNIZER, LE):
            write_bytes(versions.path(another, name), b"another")
        versions.put_in_service(another)
        assert retrain.main([*files, "--rollback", "--track", server]) == 0
        assert mlflow.get_registered_model(experiment).aliases == {"in-service": model.version}
        assert retrain.main([*files, "--rollback", "2", "--track", server]) == 0
        assert mlflow.get_registered_model(experiment).aliases == {"retired": model.version}


def trained(folder: Path, *options: str) -> list[str]:
    """Train on a few people who are made up; returns the options that name the recognizer's files."""
    gallery(3, 4, DLIB).save(folder / "e.pickle")
    files = [f"--recognizer={folder / RECOGNIZER}", f"--le={folder / LE}"]
    assert train.main([f"--embeddings={folder / 'e.pickle'}", *files, *options]) == 0
    return files


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of something that is no MLflow server; ``answer`` has each connection."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with closing(connection):
                    answer(connection)

        Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def silence(connection: socket.socket) -> None:
    connection.settimeout(5)
    while connection.recv(4096):
        pass


def hang_up(connection: socket.socket) -> None:
    connection.recv(10)


def page(status: str) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        body = b"<html>a page</html>"
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    return answer


@tracking
@client_needed
def test_a_server_in_a_file_is_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # MLflow puts the files of the runs there
    run = a_run(tmp_path / "runs")
    for file in run.artefacts:
        Path(file.path).chmod(0o600)  # MLflow copies the mode, too
    with umask(0):
        versions_mlflow.publish(run, f"sqlite:///{tmp_path}/tracked.db", tmp_path / "runs" / "runs")
    made = {path: mode for path, mode in open_ones(tmp_path).items() if path.partition("/")[0] != "runs"}
    assert made == {} and (tmp_path / "tracked.db").exists() and (tmp_path / "mlruns").is_dir()


@tracking
@client_needed
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (silence, "too slow"),
        (hang_up, "does not answer"),
        (page("404 Not Found"), "answers with 404; is it an MLflow server?"),
        (page("500 Internal Server Error"), "answers with 500"),
        (page("200 OK"), "is it an MLflow server?"),
    ],
    ids=["silent", "hangs up", "another", "broken", "a page"],
)
def test_a_server_that_does_not_do_its_work(
    answer: Callable[[socket.socket], None], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    run, folder = a_run(tmp_path), tmp_path / "runs"
    with answering(answer) as address:
        started = time.monotonic()
        with pytest.raises(FacesError) as caught:
            versions_mlflow.publish(run, address, folder)
        assert str(caught.value).startswith(f"{address}: ")
        assert why in str(caught.value)
        assert notes(folder) == [f"not tracked: {caught.value}"]
        with pytest.raises(FacesError):
            versions_mlflow.follow([], address, folder)
    assert time.monotonic() - started < 30


@tracking
@client_needed
def test_the_work_goes_on_without_the_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address = f"http://user:secret@127.0.0.1:{free_port()}"
    trained(tmp_path, "--track", address)
    shown = address.replace("secret", "***")
    assert capsys.readouterr().err == f"warning: not tracked: {shown}: does not answer\n"
    [path] = (tmp_path / "runs").glob("*.json")
    record = Run.from_json(path.read_bytes())
    assert (record.status, record.notes) == ("succeeded", (f"not tracked: {shown}: does not answer",))
    assert "secret" not in path.read_text(encoding="utf-8")


def test_without_mlflow_only_the_option_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions_mlflow, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"--track needs MLflow, .*: pip install 'recognize-faces\[track\]'"):
        versions_mlflow.address("http://127.0.0.1:5000")
    monkeypatch.setenv(versions_mlflow.VARIABLE, "http://127.0.0.1:5000")
    assert versions_mlflow.address(None) == ""


def test_the_option_comes_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions_mlflow, "find_spec", lambda name: "there")
    assert versions_mlflow.address(None) == ""
    monkeypatch.setenv(versions_mlflow.VARIABLE, "http://one")
    assert versions_mlflow.address(None) == "http://one"
    assert versions_mlflow.address("http://other") == "http://other"
