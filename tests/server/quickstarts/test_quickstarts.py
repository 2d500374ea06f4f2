"""Microsoft's quickstarts for the Face API run to their end, as they are, and name the right people."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import environment, patience
from tests.server.conftest import Service
from tests.server.quickstarts.conftest import FAMILY, PHOTOS, SAMPLES, certificate

pytestmark = [
    pytest.mark.accuracy,
    pytest.mark.skipif(
        not (SAMPLES.is_dir() and FAMILY.is_dir() and PHOTOS.is_dir()),
        reason=f"needs {SAMPLES} and its photographs, {FAMILY} and {PHOTOS}",
    ),
]
MODULES = {
    "@azure-rest/ai-vision-face": "1.0.0-beta.3",
    "@azure/cognitiveservices-face": "5.0.0",
    "@azure/core-auth": "1.10.1",
    "@azure/ms-rest-js": "2.7.0",
    "uuid": "3.4.0",  # the last major version that has uuid/v4
}
FAST_CLOCK = "import time\nsleep = time.sleep\ntime.sleep = lambda seconds: sleep(min(seconds, 0.05))\n"
IDENTIFIED = re.compile(r"Person:? '?(Family\d-\w+)'? is identified for (?:the )?face in: identification1.jpg")


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of the quickstarts in JavaScript, from npm or its cache."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs Node.js and npm")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": MODULES}))
    command = [npm, "install", "--prefer-offline", "--fetch-retries=0", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=patience(60))
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not answer")
    if done.returncode:
        pytest.skip(f"npm could not fetch the packages of the quickstarts: {done.stderr.splitlines()[:3]}")
    return folder


def run(command: list[str], site: Service, folder: Path, **variables: str) -> str:
    """Run a quickstart with the address and the key where it looks for them, and return what it prints."""
    names = {"FACE_ENDPOINT": site.url, "FACE_APIKEY": site.key, "VISION_ENDPOINT": site.url, "VISION_KEY": site.key}
    trust = dict.fromkeys(("NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"), str(certificate(site)))
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(**names, **trust, **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(90),
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def run_javascript(script: str, site: Service, modules: Path) -> str:
    """Run a copy of a quickstart, beside the packages that it requires."""
    shutil.copyfile(SAMPLES / "javascript" / "Face" / script, modules / Path(script).name)
    preload = Path(__file__).with_name("preload.js")
    return run(["node", "--require", str(preload), Path(script).name], site, modules)


def test_python(site: Service, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(FAST_CLOCK)
    script = SAMPLES / "python" / "Face" / "Quickstart.py"
    printed = run([sys.executable, str(script)], site, tmp_path, PYTHONPATH=str(tmp_path))
    added = re.findall(r"^face \S+ added to person (\S+)$", printed, re.MULTILINE)
    assert len(added) == 6 and len(set(added)) == 3
    identified = re.findall(r"^Person is identified .* confidence of ([\d.]+)\.$", printed, re.MULTILINE)
    assert len(identified) == 3 and min(map(float, identified)) > 0.8
    assert printed.count("verification result: True.") == 3
    assert printed.count("No person identified for face ID") == 1  # the daughter
    assert printed.rstrip().endswith("End of quickstart.")


def test_javascript(site: Service, modules: Path) -> None:
    printed = run_javascript("Quickstart.js", site, modules)
    assert printed.count("Add face to the person group person:") == 6
    assert sorted(IDENTIFIED.findall(printed)) == ["Family1-Dad", "Family1-Mom", "Family1-Son"]
    assert len(re.findall(r"Verification result .*: true with confidence: (?:1|0\.[89])", printed)) == 3
    assert printed.count("No persons identified for face") == 1
    assert "Training status: succeeded" in printed and printed.rstrip().endswith("Done.")


@pytest.mark.parametrize("script", ["sdk_quickstart.js", "sdk_quickstart-single.js"])
def test_javascript_of_the_former_sdk(site: Service, modules: Path, script: str) -> None:
    printed = run_javascript(f"cognsvcsdk/{script}", site, modules)
    assert printed.count("Add face to the person group person:") == 12
    everybody = ["Family1-Dad", "Family1-Daughter", "Family1-Mom", "Family1-Son"]
    assert sorted(IDENTIFIED.findall(printed)) == everybody
    assert "Training status: succeeded." in printed and printed.rstrip().endswith("Done.")
    if script == "sdk_quickstart.js":
        assert "4 face(s) detected from image detection5.jpg." in printed
        assert "2 face(s) detected from image detection6.jpg." in printed
        words = ("Age: ", "Hair: ", "FacialHair: ", "Makeup: ", "Occlusion:", "  Pitch: ", "QualityForRecognition: ")
        assert all(printed.count(f"\n{word}") == 7 for word in words) and "undefined" not in printed
        similar = re.findall(r"^Faces from: findsimilar.jpg .* confidence: ([\d.]+)\.$", printed, re.MULTILINE)
        assert len(similar) == 1 and float(similar[0]) > 0.8
    else:
        assert printed.count(": true with confidence: ") == 4
