"""Make docs/demo.webp, the moving picture in README.md: python -m benchmarks.moving_picture

It is made from output/video.mp4, which `make demo` makes from drawn people.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import av
from PIL import Image

WIDTH = 480  # px
EVERY = 2  # frames: 12.5 a second of the demo's 25
QUALITY = 70  # of WebP, 0 to 100
MAX_BYTES = 1_000_000


def main(argv: Sequence[str] | None = None) -> int:
    """Convert the video; 1 if it is not there or its picture is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path, default=Path("output/video.mp4"), help="video made by the demo")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/demo.webp"), help="animated WebP to write")
    args = parser.parse_args(argv)
    if not args.video.exists():
        print(f"error: {args.video} is missing; run: make demo", file=sys.stderr)
        return 1
    pictures, milliseconds = read(args.video, WIDTH, EVERY)
    first, *others = pictures
    options = {"duration": milliseconds, "loop": 0, "quality": QUALITY, "method": 4}
    first.save(args.output, "WEBP", save_all=True, append_images=others, **options)
    size = args.output.stat().st_size
    print(f"{len(pictures)} frames, {size:,} bytes -> {args.output}")
    if size > MAX_BYTES:
        print(f"error: {args.output} has more than {MAX_BYTES:,} bytes; lower QUALITY", file=sys.stderr)
        return 1
    return 0


def read(video: Path, width: int, every: int) -> tuple[list[Image.Image], int]:
    """Every ``every``-th frame of a video, ``width`` px wide, and how long to show each, ms."""
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        rate = float(stream.average_rate or 25)
        wh = (width, round(stream.height * width / stream.width))
        frames = (frame for number, frame in enumerate(container.decode(stream)) if number % every == 0)
        pictures = [frame.to_image().resize(wh, Image.Resampling.LANCZOS) for frame in frames]
    return pictures, round(1000 * every / rate)


if __name__ == "__main__":
    sys.exit(main())
