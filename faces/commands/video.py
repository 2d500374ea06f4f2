"""Who is in a video? The pickles and a camera, file or stream in; who came and went, and an annotated video out."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from faces.attributes import predictor
from faces.attributes.answers import Head
from faces.cli import options, running, text, values
from faces.display.drawing import annotate_tracks, blur, caption
from faces.display.window import Window
from faces.files.redaction import without_password
from faces.files.writing import check_writable
from faces.images import write_image
from faces.pipeline import Pipeline
from faces.types import Image
from faces.versions.reloading import ReloadingRecognizer
from faces.video.attendance import Attendance
from faces.video.events import BoxLog, Event, EventFinder, EventLog
from faces.video.feed import Feed
from faces.video.follower import CORES, Follower
from faces.video.sink import VideoSink
from faces.video.sources import Source, cameras, open_source
from faces.video.strangers import Strangers
from faces.video.tracker import Track
from faces.video.tracks import Frame, Tracks
from faces.video.votes import CLEAR

tell = partial(print, file=sys.stderr, flush=True)
RESULTS = Path("output")
STALLED = 0.1  # s without a frame, after which the window is looked after all the same
NOTED = 5.0  # s between two times that the attendance is written
RATED = 30  # frames, over which the window's frames a second are counted


def build_parser() -> argparse.ArgumentParser:
    parser = options.parser(
        "Follow the faces in a video and name them, or say that they are unknown.",
        "python recognize_video.py --source interview.mp4 --output output/interview.mp4 --no-display",
    )
    source = parser.add_argument_group("what is looked at")
    source.add_argument(
        "-s",
        "--source",
        default="0",
        help="a camera's number or name, a video file, the address of a stream (rtsp://, http://, ...),"
        " a folder of frames, or - for a stream on stdin",
    )
    source.add_argument("--list-cameras", action="store_true", help="print the cameras that there are, and end")
    source.add_argument("--realtime", action="store_true", help="play a file at its own speed, leaving out frames")
    source.add_argument(
        "--size", type=values.size, metavar="WxH", help="of bare bgr24 frames on stdin, or wanted of a camera, px"
    )
    source.add_argument("--rate", type=values.rate, help="frames a second of bare frames, or wanted of a camera")
    source.add_argument(
        "--reconnect",
        type=values.not_negative,
        default=600,
        metavar="SECONDS",
        help="for how long a stream that drops is tried again",
    )
    source.add_argument("--max-frames", type=values.count, help="stop after so many frames")
    models = parser.add_argument_group("models")
    options.add_model_options(models)
    models.add_argument(
        "--min-face", type=values.count, default=80, help="least size of a face for the built-in detector, px"
    )
    options.add_recognizer_options(models)
    options.add_attributes_option(models)
    results = parser.add_argument_group("what comes out (who came and went is printed on stdout)")
    results.add_argument(
        "-o",
        "--output",
        type=Path,
        help="annotated video to write (.mp4, .mkv, .avi); of a file, by default, in output/; of a camera or stream"
        " none",
    )
    results.add_argument("--json", action="store_true", help="print JSON lines instead of CSV")
    results.add_argument("--events", type=Path, help="write who came and went to a file (.csv, .jsonl), not to stdout")
    results.add_argument("--boxes", type=Path, help="write every face of every frame to a file (.csv, .jsonl)")
    results.add_argument("--attendance", type=Path, help="write when each person was there to a file (.csv)")
    results.add_argument(
        "--save-unknown",
        type=Path,
        metavar="DIR",
        help="keep a photograph of each unknown face, never blurred",
    )
    results.add_argument("--no-display", action="store_true", help="open no window")
    privacy = results.add_mutually_exclusive_group()
    privacy.add_argument("--blur-unknown", action="store_true", help="make everybody without a name unrecognizable")
    privacy.add_argument("--blur-all", action="store_true", help="make everybody unrecognizable")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    if args.list_cameras:
        print(text.table(("number", "device", "name"), [(c.number, c.device, c.name) for c in cameras()]))
        return 0
    output: Path | None = args.output
    if output is None and Path(args.source).is_file():
        output = RESULTS / f"{Path(args.source).stem}_annotated.mp4"
    files = (Path(args.source), output, args.events, args.boxes, args.attendance)
    running.require_distinct(*(path for path in files if path is not None))
    if args.attendance:
        check_writable(args.attendance)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # how services are stopped: as by Ctrl-C
    with ExitStack() as stack:
        source = stack.enter_context(closing(open_source(args.source, args.size, args.rate, args.reconnect, tell)))
        newest = source.live or args.realtime
        threads = max(1, CORES - 1) if newest else 1  # one core for the picture; of a file, a frame a core
        pipeline = Pipeline.load(
            args.detector, args.embedding_model, args.confidence, args.accuracy, threads, args.min_face
        )
        looks = predictor.load(args.attributes, pipeline, threads) if args.attributes else None
        recognizer = ReloadingRecognizer(args.recognizer, args.le, pipeline.fingerprint, tell)
        follower = Follower(
            pipeline,
            recognizer,
            newest,
            whole=args.blur_unknown or args.blur_all,
            threshold=recognizer.threshold,
            attributes=looks,
        )
        if args.save_unknown:
            follower.tracker.ended = keeper(Strangers(args.save_unknown, pipeline, recognizer.threshold))
        sink = stack.enter_context(VideoSink(output, source.rate, keep=source.live)) if output else None
        diary = stack.enter_context(Diary(args, source.live, looks.heads if looks else ()))
        folder = output.parent if output else RESULTS
        screen = None if args.no_display else stack.enter_context(Screen(source, folder))
        feed = stack.enter_context(Feed(source, newest, realtime=args.realtime))
        steps = stack.enter_context(closing(follower.follow(limited(feed.frames(STALLED), args.max_frames))))
        started, frames, last = time.perf_counter(), 0, -1
        with stoppable(source.live, bool(args.events or args.boxes), args.save_unknown):
            for frame, tracks in steps:
                if frame is None:
                    diary.note(tracks)
                    shown = screen is None or screen.wait()
                else:
                    frames, last = frames + 1, frame.index
                    diary.write(frame, tracks)
                    picture = annotate_tracks(private(frame.image, tracks, args), tracks)
                    if sink is not None:
                        sink.write(picture, frame.time)
                    shown = screen is None or screen.show(picture)
                if not shown:
                    break
    seconds = time.perf_counter() - started
    skipped = f", {last + 1 - frames} skipped" if last + 1 > frames else ""
    written = f" -> {output}" if output and frames else ""
    count = text.plural(frames, "frame", "frames")
    tell(f"{count} in {seconds:.1f} s: {frames / seconds:.1f} frames a second{skipped}{written}")
    tell(diary.attendance.summary())
    return 0


@contextmanager
def stoppable(live: bool, logs: bool, strangers: Path | None) -> Iterator[None]:
    """Ctrl-C is how a camera's or stream's video ends; of a file it says what it leaves behind."""
    try:
        yield
    except KeyboardInterrupt:
        left = ["the events and boxes end here"] if logs else []
        if strangers is not None:
            left.append(f"the photographs so far are in {strangers}")
        if not live and left:
            raise KeyboardInterrupt(f"stopped; {', '.join(left)}, everything else is unchanged") from None
        if not live:
            raise


def limited(frames: Iterable[Frame | None], most: int | None) -> Iterator[Frame | None]:
    """At most so many frames; None, where there is none yet, does not count."""
    number = 0
    for frame in frames:
        number += frame is not None
        yield frame
        if number == most:
            return


def private(image: Image, tracks: Tracks, args: argparse.Namespace) -> Image:
    """The picture, with those faces blurred that are not to be seen."""
    if args.blur_all:
        return blur(image, tracks.xyxy)
    if args.blur_unknown:
        nameless = [name is None for name in tracks.names]
        return blur(image, tracks.xyxy[nameless])
    return image


def keeper(strangers: Strangers) -> Callable[[Track], None]:
    """Keeps the best photograph of each track that ends without a name."""

    def keep(track: Track) -> None:
        best = track.identity.best
        if best is not None and track.identity.settled and track.identity.name is None:
            strangers.add(best.picture, best.embedding if best.quality >= CLEAR else None, track.number, track.first)

    return keep


class Screen:
    """The window: q quits, p pauses, s keeps a snapshot in the folder of the results."""

    def __init__(self, source: Source, folder: Path) -> None:
        self._window = Window(f"recognize_video: {without_password(source.name)}", tell)
        self._folder = folder
        self._times: deque[float] = deque(maxlen=RATED)
        self._picture: Image | None = None

    def show(self, picture: Image) -> bool:
        """Show a frame; False once the user has had enough."""
        if not self._window.open:
            return True
        self._picture = picture
        self._times.append(time.perf_counter())
        rate = (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-6)
        return self._obey(self._window.show(caption(picture, f"{rate:.0f} frames/s")))

    def wait(self) -> bool:
        """Look after the window while no frame comes."""
        return self._obey(self._window.wait(1))

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        self._window.close()

    def _obey(self, key: str) -> bool:
        if key == "p":
            while (key := self._window.wait(50)) not in ("p", "q"):
                self._keep_snapshot(key)
        self._keep_snapshot(key)
        return key != "q"

    def _keep_snapshot(self, key: str) -> None:
        if key == "s" and self._picture is not None:
            path = self._folder / f"snapshot_{datetime.now():%Y%m%d-%H%M%S-%f}.png"
            write_image(path, self._picture)
            tell(f"snapshot -> {path}")


class Diary:
    """Writes down who came and went: on stdout or in the files that the options name."""

    def __init__(self, args: argparse.Namespace, live: bool, heads: Sequence[Head]) -> None:
        self.attendance = Attendance()
        self._live = live
        self._file: Path | None = args.attendance
        self._finder = EventFinder()
        self._events = EventLog(args.events or sys.stdout, as_json=args.json, heads=heads)
        self._boxes = BoxLog(args.boxes, heads=heads) if args.boxes else None
        self._stack = ExitStack()
        self._time = 0.0  # s, of the last frame
        self._noted = float("-inf")

    def __enter__(self) -> Diary:
        self._stack.enter_context(self._events)
        if self._boxes is not None:
            self._stack.enter_context(self._boxes)
        return self

    def write(self, frame: Frame, tracks: Tracks) -> None:
        if self._live:
            age = time.monotonic() - frame.arrived
            self._finder.started = datetime.now().astimezone() - timedelta(seconds=frame.time + age)
        self._events.begin()
        if self._boxes is not None:
            self._boxes.write(frame, tracks)
        self._time = frame.time
        self.note(tracks)
        if self._live and self._file is not None and time.monotonic() >= self._noted + NOTED:
            self.attendance.write(self._file, frame.time)
            self._noted = time.monotonic()

    def note(self, tracks: Tracks) -> None:
        """What happened to the tracks since the last frame."""
        self._log(self._finder.observe(self._time, tracks))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._stack:
            self._log(self._finder.end())
            if self._file is not None and (self._live or kind is None):
                self.attendance.write(self._file)

    def _log(self, events: Iterable[Event]) -> None:
        for event in events:
            self._events.write(event)
            self.attendance.add(event)
