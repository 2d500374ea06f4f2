"""The Dockerfile, compose.yaml and the systemd service refer to existing files and options; the image's steps work."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from sqlalchemy import make_url

from faces.commands import serve
from faces.models import cache
from faces.server import tls
from faces.server.assembly import Options
from tests.conftest import ROOT, patience
from tests.server.test_listening import serving

DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
UNIT = (ROOT / "deploy" / "faces.service").read_text().replace("\\\n", " ")


def words(instruction: str) -> list[str]:
    """Return the words of a Dockerfile instruction in JSON form."""
    (command,) = re.findall(rf"^\s*(?:HEALTHCHECK .* )?{instruction} (\[.*\])$", DOCKERFILE, re.MULTILINE)
    return json.loads(command)


def variables() -> dict[str, str]:
    """Return the environment of the image."""
    (line,) = re.findall(r"^ENV (.*)$", DOCKERFILE, re.MULTILINE)
    return dict(pair.split("=") for pair in line.split())


def started_by_the_image(*more: str) -> list[str]:
    """Return the words that the image's entry point runs, with what follows the name of the image."""
    shell, flag, script, *names = words("ENTRYPOINT")
    assert script.startswith("exec ")  # signals reach the server
    shown = script.replace("exec ", "printf '%s\\n' ", 1)
    environment = {**os.environ, **variables()}
    return subprocess.check_output([shell, flag, shown, *names, *more], text=True, env=environment).splitlines()


def test_the_container_starts_the_server() -> None:
    program, command, *options = started_by_the_image("--rate-limit", "9 / second")
    assert (program, command) == ("faces", "serve")
    args = Options(**vars(serve.build_parser().parse_args(options)))
    assert args.host == "0.0.0.0" and args.key_file == Path("/run/secrets/face_api_key")
    assert args.rate_limit == "9 / second" and str(args.port) == variables()["FACES_PORT"]
    assert f"\nEXPOSE {args.port}\n" in DOCKERFILE


@pytest.mark.parametrize("encrypted", [False, True])
def test_the_health_check_asks_the_configured_port(tmp_path: Path, encrypted: bool) -> None:
    python, script = words("CMD")
    context = tls.context(tls.self_signed(tmp_path, "127.0.0.1"), None) if encrypted else None

    def check(port: int) -> int:
        environment = {**os.environ, "FACES_PORT": str(port)}
        return subprocess.run([sys.executable, str(ROOT / script)], env=environment, timeout=60, check=False).returncode

    with serving(encryption=context) as small:
        assert (python, check(small.port)) == ("python", 0)
    assert check(small.port) == 1


@pytest.mark.slow
def test_the_steps_of_the_image(tmp_path: Path) -> None:
    """In a fresh environment that finds this one's packages; what would change the machine is only noted down."""
    app, opt, bin_ = tmp_path / "app", tmp_path / "opt", tmp_path / "venv" / "bin"
    for line in re.findall(r"^COPY (.*)$", DOCKERFILE, re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, app / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                (app / target).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / source, app / target / Path(source).name)
    if (originals := cache.home() / "originals").is_dir():
        shutil.copytree(originals, opt / "originals")  # what would be fetched
    venv.create(tmp_path / "venv", symlinks=True)
    (packages,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (packages / "this.pth").write_text(sysconfig.get_path("purelib"))
    notes = tmp_path / "notes"
    scripts = {"pip": f'exec "{bin_}/python" -m pip "$@"', "useradd": f'echo "useradd $*" >> {notes}'}
    scripts["install"] = f'echo "install $*" >> {notes}; mkdir -p "$7"'
    for name, text in scripts.items():
        (bin_ / name).write_text(f"#!/bin/sh\n{text}\n")
        (bin_ / name).chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
    environment |= {**variables(), "FACES_HOME": str(opt), "PATH": f"{bin_}:{os.environ['PATH']}"}
    if importlib.util.find_spec("hatchling"):
        environment["PIP_NO_BUILD_ISOLATION"] = "0"  # pip's way to say yes
    system, *steps = re.findall(r"^RUN (.*)$", DOCKERFILE, re.MULTILINE)
    assert system.startswith("apt-get update")
    for step in steps:
        done = subprocess.run(
            ["/bin/sh", "-c", step.replace("/opt/faces", str(opt))],
            cwd=app,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=patience(120),
        )
        if "the requirement hatchling" in done.stderr:
            pytest.skip("pip cannot fetch hatchling, which builds the package")
        assert done.returncode == 0, done.stdout + done.stderr
    models = {path.name for path in opt.glob("*.onnx")}
    assert any(name.startswith("yunet") for name in models) and any(name.startswith("sface") for name in models)
    assert notes.read_text().split("\n")[1] == "install -d -o faces -g faces -m 700 output"
    where = "import faces; print(faces.__file__)"
    run = subprocess.run([bin_ / "python", "-c", where], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert Path(run.stdout.strip()).is_relative_to(packages)
    shown = subprocess.run([bin_ / "faces", "serve", "--help"], cwd=app, env=environment, capture_output=True)
    assert shown.returncode == 0


def test_compose_starts_the_image_with_a_database_that_searches() -> None:
    yaml = pytest.importorskip("yaml", reason="needs PyYAML")
    path = ROOT / "deploy" / "compose.yaml"
    compose = yaml.safe_load(path.read_text())
    database, faces = (compose["services"][name] for name in ("database", "faces"))
    assert database["image"].startswith("pgvector/pgvector:")
    assert (path.parent / faces["build"] / "Dockerfile").is_file()
    assert faces["depends_on"] == {"database": {"condition": "service_healthy"}} and "healthcheck" in database
    _, _, *options = started_by_the_image(*faces["command"])
    args = serve.build_parser().parse_args(options)
    address = make_url(args.database)
    own = database["environment"]
    assert (address.host, address.username, address.database) == ("database", own["POSTGRES_USER"], own["POSTGRES_DB"])
    assert faces["environment"]["PGPASSWORD"] == "${DATABASE_PASSWORD}" and address.password is None
    port = faces["environment"]["FACES_PORT"]
    assert faces["ports"] == [f"127.0.0.1:{port}:{port}"]
    (secret,) = faces["secrets"]
    assert args.key_file == Path("/run/secrets") / secret and secret in compose["secrets"]
    mounted = {volume.partition(":")[0] for service in (database, faces) for volume in service["volumes"]}
    assert mounted == set(compose["volumes"])


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
