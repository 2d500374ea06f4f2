"""Progress of long steps as lines of text."""

from __future__ import annotations

from faces.training.progress import log_every


def test_progress_is_logged_at_steps_and_at_the_end() -> None:
    lines = list[str]()
    progress = log_every(1000, 2100, "faces cut", lines.append)
    for done in (64, 960, 1024, 1088, 2048, 2100):
        progress(done)
    assert lines == [f"{done} of 2,100 faces cut" for done in ("1,024", "2,048", "2,100")]
