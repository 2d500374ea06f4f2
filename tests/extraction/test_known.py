"""The gallery of the last run: when it is continued, and when it is kept aside."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faces.errors import FacesError
from faces.extraction import known
from faces.types import ModelId
from tests.extraction.conftest import PRINT, SETTINGS, World, rows


def saved(world: World, **changes: object) -> Path:
    assert world.gallery is not None
    path = world.folder / "embeddings.pickle"
    replace(world.gallery, **changes).save(path)  # type: ignore[arg-type]
    return path


def test_a_gallery_of_the_same_models_and_settings_is_remembered(world: World) -> None:
    path = saved(world)
    gallery, _, why = known.load_previous(path, PRINT, SETTINGS)
    assert gallery is not None and why == ""
    assert rows(gallery) == rows(world.run().gallery)
    world.gallery = gallery
    world.run()
    assert world.looked_at == []


def test_no_gallery_is_nothing_to_speak_of(tmp_path: Path) -> None:
    assert known.load_previous(tmp_path / "none.pickle", PRINT, SETTINGS) == (None, None, "")


def test_other_models_or_another_confidence_start_over_and_say_why(world: World) -> None:
    path = saved(world)
    other = replace(PRINT, embedder=ModelId("another", "4" * 64))
    for fingerprint, settings, words in (
        (other, SETTINGS, ("the embedder emb", "this run uses another")),
        (PRINT, known.settings("built-in", 0.7), ("confidence 0.6", "this run uses confidence 0.7")),
    ):
        gallery, _, why = known.load_previous(path, fingerprint, settings)
        assert gallery is None
        assert all(word in why for word in (str(path), "every photograph is embedded again", *words))
    assert len(list(world.folder.glob("*.kept-*"))) == 0  # nothing is wrong with it, and it stays until the new one is


@pytest.mark.parametrize("kind", ["damaged", "text", "the recipe's", "older", "incomplete"])
def test_what_is_of_no_use_is_kept_aside_once(world: World, kind: str) -> None:
    path = saved(world)
    if kind == "damaged":
        path.write_bytes(path.read_bytes()[:-100])
    elif kind == "text":
        path.write_text("Dear diary")
    elif kind == "the recipe's":
        path.write_bytes(pickle.dumps({"embeddings": [np.ones(128)], "names": ["Ada"]}))
    else:
        saved(world, **({"settings": ""} if kind == "older" else {"hashes": ()}))
    data = path.read_bytes()
    (world.folder / "embeddings.pickle.kept-1").write_bytes(b"of another day")
    for _ in range(2):  # also when the run after it was stopped
        gallery, _, why = known.load_previous(path, PRINT, SETTINGS)
        assert gallery is None
        assert why.startswith(str(path)) and "kept-2, every photograph is embedded again" in why
        assert "\n" not in why
    assert path.read_bytes() == (world.folder / "embeddings.pickle.kept-2").read_bytes() == data
    assert not (world.folder / "embeddings.pickle.kept-3").exists()


def test_a_copy_that_cannot_be_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(world)
    path.write_text("Dear diary")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FacesError, match=r"cannot write .*kept-1: no space left"):
        known.load_previous(path, PRINT, SETTINGS)
    assert path.read_text() == "Dear diary"
    assert not list(world.folder.glob("*kept*"))
