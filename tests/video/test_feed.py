"""Frames read ahead in a thread: all of them or the newest, and a thread that ends whatever happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from faces.errors import SourceError
from faces.video.feed import JOIN_TIMEOUT, QUEUED_FRAMES, Feed, first_frames
from faces.video.tracks import Frame
from tests.conftest import patience

IMAGE = np.zeros((2, 2, 3), np.uint8)
SOON = 5.0  # s, within which a machine with much to do still does a small thing


class Ticker:
    """Frames at a rate of its own, or as fast as they are taken."""

    name = "ticker"
    live = False
    length = None

    def __init__(
        self, count: int, rate: float = 25, paced: bool = False, error: BaseException | None = None, hangs: bool = False
    ) -> None:
        self.rate = rate
        self.read = 0
        self.closed = threading.Event()
        self.thread: threading.Thread | None = None
        self._count, self._paced, self._error, self._hangs = count, paced, error, hangs
        self.held = threading.Event()  # until it is let go, what hangs does

    def frames(self) -> Iterator[Frame]:
        self.thread = threading.current_thread()
        for index in range(self._count):
            if self._paced and self.closed.wait(1 / self.rate):
                return
            self.read += 1
            yield Frame(IMAGE, index, index / self.rate, time.monotonic())
        if self._hangs:
            self.held.wait(60)
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self.closed.set()


def ends(source: Ticker) -> bool:
    assert source.thread is not None
    source.thread.join(SOON)
    return not source.thread.is_alive()


def test_every_frame_in_order_in_another_thread() -> None:
    source = Ticker(100)
    with Feed(source) as feed:
        assert [frame.index for frame in feed.frames() if frame] == list(range(100))
    assert source.thread is not threading.current_thread()
    assert source.closed.is_set() and ends(source)


def test_a_source_waits_for_its_consumer() -> None:
    source = Ticker(100)
    with Feed(source) as feed:
        frames = feed.frames()
        for taken in (1, 2, 3):
            next(frames)
            time.sleep(0.1)
            assert source.read <= taken + QUEUED_FRAMES + 1  # waiting, and the one that has no room yet
        assert sum(1 for _ in frames) == 97


def test_the_newest_frame_is_never_older_than_the_work_on_one() -> None:
    source, work = Ticker(60, rate=100, paced=True), 0.06
    indexes, ages = [], []
    with Feed(source, newest=True) as feed:
        for frame in feed.frames():
            assert frame is not None
            indexes.append(frame.index)
            ages.append(time.monotonic() - frame.arrived)
            time.sleep(work)
    assert indexes == sorted(set(indexes))
    assert len(indexes) < 30  # most were dropped
    assert indexes[-1] == 59  # but not the last
    assert np.median(ages) < work


def test_a_consumer_that_keeps_up_misses_nothing() -> None:
    with Feed(Ticker(30, rate=50 / patience(1), paced=True), newest=True) as feed:
        assert [frame.index for frame in feed.frames() if frame] == list(range(30))


@pytest.mark.parametrize("work", [0.0, 0.1])
def test_a_file_in_real_time_takes_as_long_as_it_lasts(work: float) -> None:
    started, late = time.monotonic(), []
    with Feed(Ticker(30, rate=50), realtime=True) as feed:
        for frame in feed.frames():
            assert frame is not None
            late.append(frame.arrived - started - frame.time)
            time.sleep(work)
    assert 29 / 50 <= time.monotonic() - started < 29 / 50 + patience(0.5)
    assert min(late) >= 0 and np.median(late) < patience(0.05)
    assert len(late) <= 8 if work else len(late) > 20


def test_none_tells_that_nothing_came() -> None:
    source = Ticker(2, hangs=True)
    with Feed(source) as feed:
        frames = feed.frames(wait=0.05)
        assert [next(frames) is None for _ in range(4)] == [False, False, True, True]
        source.held.set()
        while (last := next(frames, "end")) is None:
            pass
        assert last == "end"


@pytest.mark.parametrize("newest", [True, False])
def test_an_error_comes_after_the_frames_before_it(newest: bool) -> None:
    source, seen = Ticker(3, error=SourceError("unplugged")), []
    with pytest.raises(SourceError, match="unplugged"), Feed(source, newest=newest) as feed:
        for frame in feed.frames():
            assert frame is not None
            seen.append(frame.index)
    assert seen[-1] == 2 and (newest or seen == [0, 1, 2])
    assert source.closed.is_set() and ends(source)


def test_a_source_without_frames() -> None:
    with Feed(Ticker(0)) as feed:
        assert list(feed.frames()) == []


@pytest.mark.parametrize("newest", [True, False])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_leaving_early_stops_the_thread(newest: bool, error: type[BaseException]) -> None:
    source = Ticker(10**9)
    with pytest.raises(error), Feed(source, newest=newest) as feed:
        next(feed.frames())
        raise error
    assert source.closed.is_set() and ends(source)


def test_leaving_in_the_middle_of_a_long_pause_of_a_file() -> None:
    source = Ticker(3, rate=0.01)
    started = time.monotonic()
    with Feed(source, realtime=True) as feed:
        next(feed.frames())
    assert time.monotonic() - started < SOON and ends(source)


def test_leaving_does_not_wait_for_a_read_that_hangs() -> None:
    source = Ticker(1, hangs=True)
    started = time.monotonic()
    with Feed(source) as feed:
        next(feed.frames())
    assert time.monotonic() - started < JOIN_TIMEOUT + SOON
    assert source.closed.is_set()
    source.held.set()
    assert ends(source)


def test_waiting_costs_no_processor_time() -> None:
    source = Ticker(1, hangs=True)
    with Feed(source) as feed:
        frames = feed.frames(wait=1.0)
        next(frames)
        before = time.process_time()
        assert next(frames) is None
        assert time.process_time() - before < 0.2
    source.held.set()


def test_first_frames_counts_frames_only() -> None:
    frames = [Frame(np.zeros((1, 1, 3), np.uint8), index, index / 25, 0.0) for index in range(3)]
    assert list(first_frames([None, frames[0], None, frames[1], frames[2]], 2)) == [None, frames[0], None, frames[1]]
    assert list(first_frames(frames, None)) == frames
