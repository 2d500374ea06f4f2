"""Measure liveness from motion: a film of heads, and made videos of photographs that are held up.

python -m benchmarks.liveness_motion  # the constants, from twelve people's photographs and three of the film's shots;
    # and the errors, of twelve other people's photographs and of the film's last shot
python -m benchmarks.liveness_motion --together  # beside the networks of faces.liveness.pixels, and both together
python -m benchmarks.liveness_motion --speed
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import process_time

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.held_up import Manner, video
from benchmarks.photographs import DATA
from benchmarks.video_chains import CLIP, enrolled, known
from faces.liveness.motion import BOUNDARY, LEAST_EXCESS, STEEPNESS, THRESHOLD, Measured, MotionLiveness
from faces.liveness.pixels import THRESHOLD as PIXELS
from faces.liveness.pixels import PixelLiveness
from faces.metrics.intervals import independent_cases, wilson
from faces.pipeline import Pipeline
from faces.types import Faces, Floats, Image
from faces.video.follower import Follower
from faces.video.motion import GreyFrame, move_boxes
from faces.video.sources import open_source

LAST_SHOT = 211  # its first frame; the people in it are not those of the shots before
HELD = Manner()
CHOOSING, JUDGING, OTHERS = slice(0, 2), slice(3, 6), slice(6, 8)  # photographs of each person
MANNERS = {
    "cut out along the face": Manner(cut_out=True),
    "three times the motion": Manner(motion=3),
    "on a stand": Manner(motion=0),
    "bent, rise of 3 % of its width": Manner(bend=0.03),
    "bent, rise of 8 %": Manner(bend=0.08),
}
TOGETHER = {"held in a hand": HELD, **dict(list(MANNERS.items())[:2])}
ONE = slice(3, 4)  # photograph of each person, for what they say together
QUANTILES = (0, 0.05, 0.5, 0.95, 1)
RUNS = 200


@dataclass(frozen=True)
class Window:
    """What a window of somebody shows."""

    person: str
    measured: Measured
    pixels: float = np.nan  # what the networks say of its last frame


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--speed", action="store_true")
    args = parser.parse_args(argv)
    cv2.setNumThreads(1)
    if args.speed:
        speed()
        return 0
    if args.together:
        together()
        return 0
    first, last = filmed()
    choose(list(attacked(HELD, 0, CHOOSING)), first)
    rows = {"prints, held in a hand": list(attacked(HELD, 1, JUDGING))}
    rows |= {f"prints, {name}": list(attacked(manner, 1, OTHERS)) for name, manner in MANNERS.items()}
    errors(rows, {"heads, the last shot": last, "heads, the shots before": first})
    return 0


def choose(attacks: Sequence[Window], heads: Sequence[Window]) -> None:
    """Print the boundary and the steepness: of two log-normal distributions with the same spread, equally frequent."""
    logs = [np.log(excesses(windows)) for windows in (attacks, heads)]
    for name, windows, values in zip(("attacks", "heads"), (attacks, heads), logs, strict=True):
        print(f"{name}: {len(windows)} windows, {len(values)} judged")
        print("  excess, quantiles 0, 5, 50, 95, 100 %:", *(f"{np.exp(np.quantile(values, q)):.2e}" for q in QUANTILES))
    low, high = (float(values.mean()) for values in logs)
    variance = float(np.concatenate([values - values.mean() for values in logs]).var())
    print(f"boundary {np.exp((low + high) / 2):.2e}, steepness {(high - low) / variance:.1f}")


def errors(attacks: Mapping[str, Sequence[Window]], heads: Mapping[str, Sequence[Window]]) -> None:
    """Print the errors of those that the constants were not chosen on, and of the heads that they were chosen on."""
    print(f"\nboundary {BOUNDARY:.2e}, steepness {STEEPNESS}; APCER of prints, BPCER of heads\n")
    print("| windows | judged | wrong | 95 % interval | cannot tell |\n|---|---|---|---|---|")
    for live, each in ((False, attacks), (True, heads)):
        for name, windows in each.items():
            print(row(name, windows, live))


def row(name: str, windows: Sequence[Window], live: bool) -> str:
    """Return a row of the table: how many windows are judged, and wrongly."""
    probability = np.array([each.measured.probability for each in windows])
    judged = np.isfinite(probability)
    wrong = (probability[judged] >= THRESHOLD) != live
    people = [each.person for each, kept in zip(windows, judged, strict=True) if kept]
    low, high = wilson(float(wrong.mean()) if len(wrong) else 0.0, independent_cases(wrong, people))
    share = f"{wrong.mean():.1%} ({wrong.sum()})" if len(wrong) else "-"
    unknown = f"{(~judged).sum()} of {len(judged)}"
    return f"| {name} | {judged.sum()} of {len(set(people))} people | {share} | {low:.1%} to {high:.1%} | {unknown} |"


def together() -> None:
    """Print who counts as live by the pixels of a window's last frame, by its motion, and where motion has a veto."""
    pixels = PixelLiveness.load(1)
    rows = {f"prints, {name}": list(attacked(manner, 1, ONE, pixels)) for name, manner in TOGETHER.items()}
    first, last = filmed(pixels)
    print("| windows | | cannot tell | live | spoof |\n|---|---|---|---|---|")
    for name, windows in (rows | {"heads": [*first, *last]}).items():
        by_pixels, by_motion = (
            np.array(values)
            for values in zip(*((each.pixels, each.measured.probability) for each in windows), strict=True)
        )
        vetoed = np.where(np.isfinite(by_pixels) & (by_motion < THRESHOLD), 0.0, by_pixels)
        answers = (
            ("pixels", by_pixels, PIXELS),
            ("motion", by_motion, THRESHOLD),
            ("pixels, motion's veto", vetoed, PIXELS),
        )
        for by, live, threshold in answers:
            counts = np.isnan(live).sum(), (live >= threshold).sum(), (live < threshold).sum()
            print(f"| {name} | {by} | {' | '.join(map(str, counts))} |")


def excesses(windows: Sequence[Window]) -> Floats:
    values = np.array([each.measured.excess for each in windows], np.float32)
    return np.asarray(np.maximum(values[np.isfinite(values)], LEAST_EXCESS), np.float32)


def attacked(manner: Manner, half: int, photographs: slice, pixels: PixelLiveness | None = None) -> Iterator[Window]:
    """Yield the first window of each attack with a photograph in which a face is found, of one half of the 24 people.

    photographs: which ones of each person.
    """
    pipeline = Pipeline.load(threads=1)
    people = sorted(path for path in (DATA / "people").iterdir() if path.is_dir())
    for person in people[half::2]:
        for seed, path in enumerate(sorted(person.iterdir())[photographs]):
            frames, rate = video(path, manner, seed)
            face = pipeline.candidates(frames[0]).largest()
            if len(face):
                yield Window(person.name, *followed(frames, rate, face.xyxy, pixels))


def followed(
    frames: Sequence[Image], rate: float, boxes: Floats, pixels: PixelLiveness | None
) -> tuple[Measured, float]:
    """Return what the first window shows; boxes: float32 (1, 4), the face in the first frame."""
    liveness, before = MotionLiveness(), GreyFrame.of(frames[0])
    for number, frame in enumerate(frames):
        grey = GreyFrame.of(frame)
        boxes, _ = move_boxes(before, grey, boxes)
        liveness.observe(number / rate, full_size(frame), boxes[0])
        if liveness.measured is not None:
            return liveness.measured, seen(pixels, frame, boxes[0])
        before = grey
    return Measured(len(frames), 0, np.nan, np.nan), seen(pixels, frames[-1], boxes[0])


def seen(pixels: PixelLiveness | None, frame: Image, box: Floats) -> float:
    """Return what the networks say; NaN if they are not asked."""
    return np.nan if pixels is None else float(pixels.of(frame, Faces(box[None], np.ones(1, np.float32)))[0])


def filmed(pixels: PixelLiveness | None = None) -> tuple[list[Window], list[Window]]:
    """Return the windows of the tracks in the film's shots but the last, and in the last."""
    pipeline = Pipeline.load(threads=1)
    follower = Follower(pipeline, enrolled(pipeline, known(4)), live=False)
    parts: tuple[list[Window], list[Window]] = ([], [])
    people: defaultdict[int, MotionLiveness] = defaultdict(MotionLiveness)
    for frame, tracks in follower.follow(open_source(str(CLIP)).frames()):
        assert frame is not None  # a file has no pauses
        for k in np.flatnonzero(tracks.visible).tolist():
            liveness = people[int(tracks.ids[k])]
            before = liveness.measured
            liveness.observe(frame.time, full_size(frame.image), tracks.xyxy[k])
            if liveness.measured is not None and liveness.measured is not before:
                probability = seen(pixels, frame.image, tracks.xyxy[k])
                parts[frame.index >= LAST_SHOT].append(Window(str(tracks.ids[k]), liveness.measured, probability))
    return parts


def full_size(frame: Image) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)


def speed() -> None:
    """Print the time that a frame takes for each face, on one core."""
    path = next(iter(sorted(DATA.joinpath("people").rglob("*.jpg"))))
    frames, rate = video(path, HELD, 0)
    box = Pipeline.load(threads=1).candidates(frames[0]).largest().xyxy[0]
    greys = [full_size(frame) for frame in frames]
    times, liveness = [], MotionLiveness()
    for number in range(RUNS):
        start = process_time()
        liveness.observe(number / rate, greys[-abs(number % (2 * len(greys) - 2) - len(greys) + 1) - 1], box)
        times.append(process_time() - start)
    print(f"{np.median(times) * 1e3:.1f} ms a face and frame (median of {RUNS})")


if __name__ == "__main__":
    sys.exit(main())
