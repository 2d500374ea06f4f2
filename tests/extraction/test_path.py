"""The modules that a photograph passes on its way to the pickle: as many as docs/how-it-works.md lists, and no more."""

from __future__ import annotations

import re
import shutil
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from types import FrameType

import numpy as np
import pytest

import faces
from faces.enrolment import Enrolment
from faces.extraction import update
from faces.extraction.workers import Result, Task
from faces.images import Picture
from faces.recognition.gallery import Gallery

PACKAGE = Path(faces.__file__).parent
PAGE = PACKAGE.parent / "docs" / "how-it-works.md"
MOST = 20
DIMENSION = 128  # of the built-in embeddings


class InThisProcess:
    """Workers that can be watched."""

    together = slots = 1

    def __init__(self, task: Task, count: int) -> None:
        self.task = task

    def submit(self, paths: Sequence[str]) -> Future[Result]:
        future: Future[Result] = Future()
        future.set_result(self.task(paths))
        return future

    def result(self, future: Future[Result]) -> Result:
        return future.result()

    def close(self) -> None:
        pass


def is_of_a_photograph(value: object) -> bool:
    """Whether it is or holds a file, pixels, or an embedding."""
    if isinstance(value, np.ndarray):
        image = value.ndim > 2 and (value.dtype == np.uint8 or value.ndim == 4)
        return value.size > 0 and (image or value.shape[-1:] == (DIMENSION,))
    if isinstance(value, (dict, list, tuple)):
        return any(map(is_of_a_photograph, value.values() if isinstance(value, dict) else value))
    return isinstance(value, (Enrolment, Picture)) or (isinstance(value, bytes) and len(value) >= 4 * DIMENSION)


def test_a_photograph_passes_the_modules_that_the_documentation_lists(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update, "Processes", InThisProcess)
    (tmp_path / "dataset" / "Ada").mkdir(parents=True)
    shutil.copy(min((sample / "dataset").rglob("*.jpg")), tmp_path / "dataset" / "Ada")
    passed = set()

    def watch(frame: FrameType, event: str, result: object) -> None:
        module = frame.f_code.co_filename
        if event != "return" or not module.startswith(str(PACKAGE)) or module in passed:
            return
        if any(map(is_of_a_photograph, (result, *list(frame.f_locals.values())))):
            passed.add(module)

    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        update.update_embeddings(tmp_path / "dataset", tmp_path / "embeddings.pickle")
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type, unused-ignore]
    assert len(Gallery.load(tmp_path / "embeddings.pickle")) == 1
    section = PAGE.read_text(encoding="utf-8").partition("## From a photograph to the pickle")[2].partition("\n## ")[0]
    listed = re.findall(r"^ *(?:\d+\.|-) `faces/(\S+)`", section, re.MULTILINE)
    assert {Path(module).relative_to(PACKAGE).as_posix() for module in passed} == set(listed)
    assert len(listed) <= MOST
    assert f"through {len(listed)} modules" in section
