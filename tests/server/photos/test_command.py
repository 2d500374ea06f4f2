"""The command that opens the page."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.mark.skipif(os.name != "posix", reason="the browser is a shell script")
def test_the_page_is_opened_by_a_file_that_others_cannot_read(album: Path, tmp_path: Path) -> None:
    """Other users see the arguments of a browser, so the secret address is in none."""
    shutil.copytree(album / "output", tmp_path / "output")
    seen, browser = tmp_path / "seen", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nfile="${{1#file://}}"\n{{ stat -c %a "$file"; cat "$file"; }} > {seen}.part\n')
    with browser.open("a") as file:
        file.write(f"mv {seen}.part {seen}\n")
    browser.chmod(0o700)
    command = [sys.executable, "-m", "faces", "photos", "name", "--page", "--library", "output/photos.sqlite"]
    environment = os.environ | {"BROWSER": str(browser), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+/enter/\S+", process.stdout.readline())
            assert address
            opened = urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(address[0], timeout=60)
            assert "3 questions left" in opened.read().decode()
            for _ in range(1200):
                if seen.exists():
                    break
                time.sleep(0.05)
            mode, page = seen.read_text().split("\n", 1)
            assert mode == "600" and address[0] in page
        finally:
            process.send_signal(signal.SIGINT)
        assert "stopped; all answers are kept" in process.stdout.read()
    assert process.returncode == 0
    assert not list((tmp_path / "output").glob("*.html"))
