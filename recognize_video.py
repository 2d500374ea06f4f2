"""Who is in a video? The pickles and a camera, file or stream in; names per frame and an annotated video out."""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from faces import cli
from faces.draw import annotate
from faces.pipeline import Pipeline
from faces.reloading import ReloadingRecognizer
from faces.types import Faces, Matches
from faces.video import VideoSink, VideoSource

COLUMNS = ("frame", "time", "name", "probability", "distance", "x1", "y1", "x2", "y2")


def build_parser() -> argparse.ArgumentParser:
    parser = cli.parser(
        "Name the faces in a video, frame by frame, or say that they are unknown.",
        "python recognize_video.py --source interview.mp4 --output output/interview.mp4 --no-display",
    )
    parser.add_argument("-s", "--source", default="0", help="number of a camera, video file, or address of a stream")
    cli.add_model_options(parser)
    cli.add_recognizer_options(parser)
    parser.add_argument(
        "-o", "--output", type=Path,
        help="annotated video to write (.mp4, .avi); of a file, by default, in output/; of a camera or stream none",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON lines instead of CSV")
    parser.add_argument("--no-display", action="store_true", help="open no window")
    parser.add_argument("--max-frames", type=cli.count, help="stop after so many frames")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    output: Path | None = args.output
    if output is None and Path(args.source).is_file():
        output = Path("output", f"{Path(args.source).stem}_annotated.mp4")
    if output is not None:
        cli.require_distinct(Path(args.source), output)
    pipeline = Pipeline.load(args.detector, args.embedding_model, args.confidence, min_face=80)
    recognizer = ReloadingRecognizer(args.recognizer, args.le, pipeline.fingerprint, partial(print, file=sys.stderr))

    with ExitStack() as stack:
        source = stack.enter_context(VideoSource(args.source))
        sink = stack.enter_context(VideoSink(output, source.rate, keep=source.live)) if output else None
        window = None if args.no_display else cli.Window(f"recognize_video: {args.source}")
        report = row_writer(args.json)
        started, frames = time.perf_counter(), 0
        for frames, image in enumerate(islice(source.frames(), args.max_frames), start=1):
            faces = pipeline.detect(image)
            matches = recognizer.identify(pipeline.embed(image, faces))
            report(frames, (frames - 1) / source.rate, faces, matches)
            annotated = annotate(image, faces, matches)
            if sink is not None:
                sink.write(annotated)
            if window is not None and not window.show(annotated, wait_ms=1):
                break
    seconds = time.perf_counter() - started
    written = f" -> {output}" if output else ""
    print(f"{frames} frames in {seconds:.1f} s: {frames / seconds:.1f} frames a second{written}", file=sys.stderr)
    return 0


def row_writer(as_json: bool) -> Callable[[int, float, Faces, Matches], None]:
    """Prints one row per face: frame (from 1), time (s), name, probability, distance, box (px)."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if not as_json:
        writer.writerow(COLUMNS)

    def report(frame: int, seconds: float, faces: Faces, matches: Matches) -> None:
        for box, name, probability, distance in zip(
            faces.xyxy.round().astype(int).tolist(), matches.names, matches.probability, matches.distance, strict=True
        ):
            known = None if np.isnan(distance) else round(float(distance), 3)
            row = (frame, round(seconds, 3), name, round(float(probability), 3), known, *box)
            if as_json:
                print(json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False))
            else:
                writer.writerow((*row[:2], name or "unknown", *row[3:]))
        sys.stdout.flush()

    return report


if __name__ == "__main__":
    cli.run(main)
