"""Nothing leaves this machine: every address that a whole run and a server call on is this machine's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest
import requests

from faces.commands.download_models import SETS
from faces.models.cache import home
from faces.models.zoo import MODELS
from faces.server.keys import KEY_HEADER
from tests.browser import CHROMIUM, OPTIONS
from tests.conftest import ROOT, Running, command, patience
from tests.server.conftest import free_port

SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",
    "ORT_TELEMETRY_DISABLED": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}
UPLOAD = 12  # seconds after which ONNX Runtime has tried to send what it gathered; it does so after nine
ADDRESS = re.compile(r'inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)"')  # as strace writes them
STRACE = ["strace", "-f", "--seccomp-bpf", "-e", "trace=network"]  # with seccomp, other calls are not slowed down
IMPORT = re.compile(r"^\s*\"?\s*(?:import|from) onnxruntime\b", re.MULTILINE)


def bare(**more: str) -> dict[str, str]:
    """The environment of a user who has never heard of it: ONNX Runtime sends nothing where CI or others say so."""
    kept = "PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT"
    plain = {name: os.environ[name] for name in kept if name in os.environ}
    return {**plain, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", **more}


@pytest.mark.parametrize("package", ["faces", "tests", "benchmarks"])
def test_importing_a_package_forbids_it_first_whatever_the_environment_says(package: str) -> None:
    code = f"import {package}, os, sys; print(*map(os.getenv, {tuple(SWITCHES)}), 'onnxruntime' in sys.modules)"
    env = bare(**dict.fromkeys(SWITCHES, "0"))
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == [*SWITCHES.values(), "False"]


def test_onnxruntime_is_imported_only_in_those_packages() -> None:
    folders = "faces", "tests", "benchmarks", "notebooks"
    files = [*ROOT.glob("*.py"), *(path for name in folders for path in (ROOT / name).rglob("*"))]
    texts = {path: path.read_text(encoding="utf-8") for path in files if path.suffix in (".py", ".ipynb")}
    users = {path.relative_to(ROOT).parts[0] for path, text in texts.items() if IMPORT.search(text)}
    assert users == {"faces", "tests", "benchmarks"}


class Watched:
    """A user's folders, with nothing in them but the built-in models, and where scripts in them reach out to."""

    def __init__(self, folder: Path) -> None:
        self.home, self.cache, self.work = (folder / name for name in ("home", "cache", "work"))
        for path in (self.home, self.cache, self.work):
            path.mkdir()
        originals = self.cache / "faces" / "originals"
        originals.mkdir(parents=True)
        for file in (file for name in SETS["built-in"] for file in MODELS[name].files):
            shutil.copy(home() / "originals" / file.path, originals)
        self._trace = folder / "trace"
        self._env = bare(HOME=str(self.home), XDG_CACHE_HOME=str(self.cache))

    def start(self, words: list[str]) -> subprocess.Popen[str]:
        """A command with its processes, under ``strace``."""
        return subprocess.Popen(
            [*STRACE, "-A", "-o", str(self._trace), *words],
            cwd=self.work,
            env=self._env,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, script: str, *args: object) -> None:
        self.run_words(command(script, *args))

    def run_words(self, words: list[str]) -> None:
        with self.start(words) as process:
            said, _ = process.communicate(timeout=patience(300))
        assert process.returncode == 0, said

    @contextmanager
    def running(self, script: str, *args: object) -> Iterator[Running]:
        """One that stays; in the end it is stopped, since ``strace`` does not stop before it."""
        with self.start(command(script, *args)) as process:
            try:
                yield Running(process)
            finally:
                for child in psutil.Process(process.pid).children():
                    child.terminate()
                process.wait(patience(60))

    def assert_nothing_was_sent(self) -> None:
        self.assert_no_name_was_looked_up()
        own = "NETLINK", "RTM_"  # a list of this machine's addresses
        calls = [call for call in self._calls() if not any(word in call for word in own)]
        assert [call for call in calls if not all(ip_address(ip).is_loopback for ip in ADDRESS.findall(call))] == []

    def assert_no_name_was_looked_up(self) -> None:
        """A name is looked up at a name server, which may be on this machine and ask others."""
        assert [call for call in self._calls() if "htons(53)" in call or "systemd/resolve" in call] == []

    def _calls(self) -> list[str]:
        calls = self._trace.read_text(encoding="utf-8", errors="replace").splitlines()
        assert any("exited with" in call for call in calls)  # that there is something to see
        return calls

    def assert_the_cache_has_our_models_alone(self) -> None:
        kept = [path for folder in (self.home, self.cache) for path in folder.rglob("*") if path.is_file()]
        converted = [path for path in kept if path.parent.name != "originals"]
        assert {path.parent for path in converted} == {self.cache / "faces"}, kept
        assert {path.name.partition("-")[0] for path in converted} == {"sface", "yunet"}, kept


def why_not_watched() -> str:
    """The reason why no process can be watched here, or nothing."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    refused = subprocess.run([*STRACE, "-o", os.devnull, "true"], capture_output=True, check=False).returncode
    return "strace may not trace here" if refused else ""


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    if reason := why_not_watched():
        pytest.skip(reason)
    return Watched(tmp_path)


@pytest.mark.slow
def test_a_whole_run_sends_nothing(watched: Watched) -> None:
    watched.run("sample", "--people", 3, "--photos", 3)
    watched.run("extract_embeddings.py", "--workers", 2)
    watched.run("train_model.py")
    watched.run("recognize_image.py", "--image", "sample/group_1.jpg")
    watched.assert_nothing_was_sent()
    watched.assert_the_cache_has_our_models_alone()


@pytest.mark.slow
def test_a_server_sends_nothing_but_its_answers(watched: Watched, sample: Path) -> None:
    data = next((sample / "dataset").rglob("*.jpg")).read_bytes()
    port = free_port()
    with watched.running("serve.py", "--port", port, "--min-face", "80") as server:
        server.wait_for("key ", 120)
        headers = {KEY_HEADER: (watched.work / "output" / "face_api.key").read_text().strip()}
        url = f"http://127.0.0.1:{port}"
        assert requests.get(f"{url}/healthz", timeout=30).status_code == 200
        answer = requests.post(f"{url}/face/v1.0/detect", headers=headers, data=data, timeout=60)
        assert len(answer.json()) == 1
        time.sleep(UPLOAD)
    watched.assert_nothing_was_sent()
    watched.assert_the_cache_has_our_models_alone()


@pytest.mark.slow
def test_a_cluster_retraining_and_a_report_send_nothing(watched: Watched, sample: Path) -> None:
    pytest.importorskip("distributed")
    pytest.importorskip("jinja2")
    dataset = sample / "dataset"
    watched.run("extract_embeddings.py", "--dataset", dataset, "--scheduler", "local", "--workers", 2)
    watched.run("retrain.py", "--dataset", dataset, "--workers", 1)
    watched.run("evaluate", "identification", "--images", dataset, "--enrol", 2, "--splits", 1, "--report", "page.html")
    watched.assert_nothing_was_sent()


@pytest.mark.slow
def test_the_browser_of_the_tests_looks_up_no_name(watched: Watched) -> None:
    """It asks for updates of its own otherwise."""
    pytest.importorskip("playwright")
    if CHROMIUM is None:
        pytest.skip("needs a browser: apt-get install chromium")
    words = "import sys, time; from playwright.sync_api import sync_playwright as start; playwright = start().start();"
    words += " page = playwright.chromium.launch(executable_path=sys.argv[1], args=sys.argv[2:]).new_page();"
    words += f" page.goto('about:blank'); time.sleep({UPLOAD}); playwright.stop()"
    watched.run_words([sys.executable, "-c", words, CHROMIUM, *OPTIONS])
    watched.assert_no_name_was_looked_up()


@pytest.mark.training
def test_training_a_network_sends_nothing(watched: Watched, sample: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    line = ["--dataset", sample / "dataset", "--architecture", "residual", "--image-size", 32, "--epochs", 1]
    watched.run("train-classifier", *line, "--tensorboard", "log")
    watched.assert_nothing_was_sent()


@pytest.mark.tracking
def test_tracking_sends_nothing_but_to_the_server(watched: Watched, trained: Path) -> None:
    try:
        distribution("mlflow")
    except PackageNotFoundError:
        pytest.skip("needs MLflow's server: pip install mlflow")
    embeddings = trained / "output" / "embeddings.pickle"
    watched.run("train_model.py", "-e", embeddings, "--track", f"sqlite:///{watched.work}/tracked.db")
    assert (watched.work / "tracked.db").exists()
    watched.assert_nothing_was_sent()
    assert not [path for path in watched.home.rglob("*") if "telemetry" in path.name]  # such as an id of this machine
