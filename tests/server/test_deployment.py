"""The Dockerfile and the systemd service refer to existing files and options."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from faces.commands import serve
from tests.conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
UNIT = (ROOT / "deploy" / "faces.service").read_text().replace("\\\n", " ")


def words(instruction: str) -> list[str]:
    """Return the words of a Dockerfile instruction in JSON form."""
    (command,) = re.findall(rf"^\s*(?:HEALTHCHECK .* )?{instruction} (\[.*\])$", DOCKERFILE, re.MULTILINE)
    return json.loads(command)


def test_the_container_starts_the_server() -> None:
    program, command, *options = words("ENTRYPOINT")
    assert (program, command) == ("faces", "serve")
    args = serve.build_parser().parse_args(options)
    assert args.host == "0.0.0.0" and args.key_file == Path("/run/secrets/face_api_key")
    compile(words("CMD")[2], "HEALTHCHECK", "exec")


def test_the_container_copies_existing_files_and_runs_unprivileged() -> None:
    copied = [part for line in re.findall(r"^COPY (.*) \S+$", DOCKERFILE, re.MULTILINE) for part in line.split()]
    assert copied and all((ROOT / part).exists() for part in copied)
    kept = set((ROOT / ".dockerignore").read_text().split())
    assert all(any(pattern.startswith(f"!{part.rstrip('/')}") for pattern in kept) for part in copied)
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["faces"]
    assert "/app/output" in re.findall(r"^VOLUME (.*)$", DOCKERFILE, re.MULTILINE)


def test_the_service_starts_the_server() -> None:
    (line,) = re.findall(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)
    _, script, *options = shlex.split(line)
    args = serve.build_parser().parse_args(options)
    assert script == "serve.py" and args.host == "127.0.0.1" and args.key_file == Path("%d/key")


def test_systemd_understands_the_service(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "faces.service"
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/sh", UNIT, flags=re.MULTILINE))
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    if "Failed to connect" in result.stderr or "Operation not permitted" in result.stderr:
        pytest.skip("systemd cannot check the unit here")
    assert [line for line in result.stderr.splitlines() if "faces.service" in line] == []
