"""What is no face starts no track."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from faces.types import Floats, Image
from faces.video.follower import Follower
from tests.crowd import COLOURS, ColourRecognizer, frame, pipeline, stage


@pytest.mark.parametrize("size", [48, 20])  # px: good enough to recognize, and too small
def test_what_is_no_face_starts_no_track(size: int) -> None:
    looking: Any = pipeline()
    looking.detector.side = size
    embed = looking.embed_crops

    def embed_crops(crops: Image, score: Floats) -> tuple[Floats, Any]:
        """Nothing blue is a face."""
        embeddings, _ = embed(crops, score)
        return embeddings, np.asarray(embeddings.argmax(axis=1) != COLOURS["Ada"].index(255))

    looking.embed_crops, looking.has_check = embed_crops, True
    people: dict[str, tuple[float, float]] = {"Ada": (60, 90), "Bob": (160, 90), "Cleo": (260, 90)}
    frames = [frame(stage(people, side=size), index) for index in range(40)]
    follower = Follower(looking, ColourRecognizer("Ada", "Bob", "Cleo"), False, False, 0.6)
    tracks = [shown for shown_frame, shown in follower.follow(iter(frames)) if shown_frame is not None][-1]
    assert sorted(int(box[0]) // 100 for box in tracks.xyxy) == [1, 2]
