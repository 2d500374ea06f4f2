"""Recognize the faces in a video: read the pickles and a camera, file or stream; write events and a video."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import faces
from faces.cli import options, signals, text, values
from faces.cli.files import check_files
from faces.cli.progress import progress_bar
from faces.cli.text import tell

RESULTS = Path("output/annotated")
PRIVACY = "privacy (--save-unknown never blurs)"
CORES = os.cpu_count() or 1


def build_parser() -> argparse.ArgumentParser:
    """Build the parser."""
    parser = options.parser(
        "Follow the faces in a video and name them, or mark them as unknown. Events are printed.",
        "--source sample/video.mp4 --no-display",
        "--source 0 --output output/door.mp4 --blur-unknown",
    )
    files = options.group(parser, options.FILES)
    files.add_argument(
        "-s",
        "--source",
        default="0",
        help="camera's number or name, video, stream (rtsp://, http://, ...), folder of frames, or - for stdin",
    )
    files.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="annotated video: .mp4, .mkv, .avi (default: for a file, one in output/annotated/; else none)",
    )
    options.add_recognizer_options(parser)
    files.add_argument("--events", type=Path, metavar="FILE", help="write the events to .csv or .jsonl, not to stdout")
    files.add_argument("--json", action="store_true", help="print JSON lines instead of CSV")
    files.add_argument("--boxes", type=Path, metavar="FILE", help="write the faces of every frame to .csv or .jsonl")
    files.add_argument("--attendance", type=Path, metavar="FILE", help="write when each person was there to .csv")
    files.add_argument("--save-unknown", type=Path, metavar="FOLDER", help="keep a photograph of each unknown face")
    files.add_argument("--no-display", action="store_true", help="open no window")
    privacy = options.group(parser, PRIVACY).add_mutually_exclusive_group()
    privacy.add_argument("--blur-unknown", action="store_true", help="blur every face without a name")
    privacy.add_argument("--blur-all", action="store_true", help="blur every face")
    options.group(parser, PRIVACY).add_argument(
        "--blur-shape",
        choices=("box", "face"),
        default="box",
        help="blur a face with a margin, or along its outline, which leaves the hair (needs the face mesh)",
    )
    options.add_model_options(parser)
    options.add_min_face_option(parser, 80)
    options.add_attributes_option(parser)
    options.add_exclusive_option(parser, "a frame")
    options.group(parser, options.RECOGNITION).add_argument(
        "--challenge",
        action="store_true",
        help="ask each person to turn the head and open the mouth; only who does so is reported as live",
    )
    source = options.group(parser, "source")
    source.add_argument("--list-cameras", action="store_true", help="print the available cameras and exit")
    source.add_argument("--realtime", action="store_true", help="play a file at its own speed, dropping frames")
    source.add_argument("--size", type=values.size, metavar="WxH", help="of a camera, or of raw bgr24 frames on stdin")
    source.add_argument("--rate", type=values.rate, metavar="FPS", help="of a camera, or of raw frames")
    source.add_argument(
        "--reconnect",
        type=values.not_negative,
        default=600,
        metavar="SECONDS",
        help="how long to retry a stream that drops",
    )
    source.add_argument("--max-frames", type=values.count, metavar="N", help="stop after this number of frames")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = build_parser().parse_args(argv)
    if args.list_cameras:
        print(text.table(("number", "device", "name"), [(c.number, c.device, c.name) for c in faces.cameras()]))
        return 0
    blurring = args.blur_unknown or args.blur_all
    if args.blur_shape == "face" and not blurring:
        raise faces.UsageError("--blur-shape face goes with --blur-unknown or --blur-all")
    output = output_file(args)
    signals.stop_on_signals()
    mesh = faces.FaceMesh.load() if args.blur_shape == "face" else None

    with ExitStack() as stack:
        source = stack.enter_context(closing(faces.open_video(args.source, args.size, args.rate, args.reconnect, tell)))
        live = source.live or args.realtime
        threads = max(1, CORES - 1) if live else 1  # live: one core for the picture; a file: one frame per core
        models = faces.load_models(
            **options.model_names(args),
            confidence=args.confidence,
            threads=threads,
            min_face=args.min_face,
            gallery=args.le,
            warn=text.warn,
        )
        attributes = faces.load_attributes(models, args.attributes, threads=threads) if args.attributes else None
        recognizer = faces.ReloadingRecognizer(args.recognizer, args.le, models.fingerprint, tell)
        strangers = faces.Strangers(args.save_unknown, models, recognizer.threshold) if args.save_unknown else None

        sink = stack.enter_context(faces.VideoSink(output, source.rate, live=source.live)) if output else None
        challenges = faces.Challenges.load(tell) if args.challenge else None
        heads = faces.track_heads(attributes.heads if attributes else ())
        heads = challenges.heads(heads) if challenges else heads
        events = faces.EventLog(args.events or sys.stdout, as_json=args.json, heads=heads)
        boxes = faces.BoxLog(args.boxes, heads=heads) if args.boxes else None
        journal = stack.enter_context(faces.Journal(events, boxes, args.attendance, source.live, text.warn))
        window = None
        if not args.no_display:
            title = f"recognize_video: {source.name}"
            window = stack.enter_context(faces.VideoWindow(title, output.parent if output else RESULTS, tell))

        steps = faces.follow_steps(
            source,
            models,
            recognizer,
            attributes=attributes,
            every_frame=blurring,
            realtime=args.realtime,
            max_frames=args.max_frames,
            exclusive=args.exclusive,
            ended=strangers.keep if strangers else None,
        )
        stack.enter_context(closing(steps))
        progress = None
        if not source.live and (args.events or not sys.stdout.isatty()):  # else the events are seen to come
            progress = stack.enter_context(progress_bar("frame"))
        total = min(filter(None, (source.length, args.max_frames)), default=None)
        started, frames, last = time.perf_counter(), 0, -1
        with stoppable(source.live, bool(args.events or args.boxes), args.save_unknown):
            for frame, tracks in steps:
                if frame is None:
                    journal.update(challenges.marked(tracks) if challenges else tracks)
                    proceed = window is None or window.wait()
                else:
                    frames, last = frames + 1, frame.index
                    tracks = challenges.observe(frame, tracks) if challenges else tracks
                    journal.write(frame, tracks)
                    picture = faces.blur_tracks(frame.image, tracks, args.blur_all, mesh) if blurring else frame.image
                    picture = faces.annotate(picture, tracks)
                    if challenges is not None and challenges.text:
                        picture = faces.caption(picture, challenges.text, line=2)
                    if sink is not None:
                        sink.write(picture, frame.time)
                    if progress is not None:
                        progress(last + 1, total)
                    proceed = window is None or window.show(picture)
                if not proceed:
                    break

    seconds = time.perf_counter() - started
    dropped = f", {last + 1 - frames} skipped" if last + 1 > frames else ""
    written = f" -> {output}" if output and frames else ""
    count = text.plural(frames, "frame", "frames")
    tell(f"{count} in {seconds:.1f} s: {frames / seconds:.1f} frames a second{dropped}{written}")
    tell(journal.attendance.summary())
    if few := journal.looks.too_few():
        text.warn(few)
    return 0


def output_file(args: argparse.Namespace) -> Path | None:
    """Return the video to write, None for none; check that all files are different and writable."""
    output: Path | None = args.output
    if output is None and Path(args.source).is_file():
        output = RESULTS / f"{Path(args.source).stem}_annotated.mp4"
    check_files([Path(args.source), output, args.events, args.boxes, args.attendance], writable=[args.attendance])
    return output


@contextmanager
def stoppable(live: bool, logs: bool, strangers: Path | None) -> Iterator[None]:
    """End a live video on Ctrl-C; for a file, raise KeyboardInterrupt with a message about what is left behind."""
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
