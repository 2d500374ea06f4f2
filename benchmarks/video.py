"""Videos: how fast, beside the recipe's loop and in one run with it: make bench-video

python -m benchmarks.video [--quick] [--output FILE.json]

On ../shared/data/video's clip and on made videos (benchmarks/films.py) of ../shared/data/people: frames a second, ms a
stage, latency, processor use. What is not there is left out. Only on a machine that does nothing else do the figures
mean something: the load is noted.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import films, recipe
from benchmarks.chains import BUILT_IN, CORES, RECIPE
from benchmarks.growth import Row
from benchmarks.photographs import PROBES
from benchmarks.throughput import ROOT, load, machine, show
from benchmarks.video_chains import CLIP, Chain, Paced, TheRecipe, cast, known, ours
from faces.cli import running, text
from faces.files.writing import check_writable, write_bytes
from faces.models.torch7.file import write_t7
from faces.types import Floats
from faces.video.sources import open_source
from faces.video.sources.base import FrameSource
from tests.torch7_files import nn4_small2

CLIP_NAME = "the clip"
STAGES = "read", "grey", "detect", "flow", "embed", "name", "draw"
HD, FULL_HD = (1280, 720), (1920, 1080)
COUNTS = (1, 5, 20)  # faces
IN_MEMORY = 3  # s of a video that a live source shows to and fro
WARM_UP = 10  # frames
USUAL, FASTER = 30, 240  # frames a second of live sources: a camera's, and more than the machine can do
KEPT_UP = 0.95  # of the frames shown, at the source's rate: the machine keeps up
RATES = (("720p, 5 faces", BUILT_IN, 30),)  # frames a second at least
TIMES = 4  # the recipe's frames a second on the clip, at least
GROWN = 1.5, 10  # the median latency of the last quarter in that of the second, and ms more: beyond, it is growing


@dataclass(frozen=True)
class Plan:
    """How much is measured. seconds: of a made video. limit: s that one measurement may take."""

    sizes: tuple[tuple[int, int], ...] = (HD, FULL_HD)
    counts: tuple[int, ...] = COUNTS
    seconds: float = 10
    frames: int | None = None  # of the clip
    limit: float = 15
    rounds: int = 3
    photographs: int = PROBES
    films: int = 1  # for correctness, one in so many


QUICK = Plan((HD,), (1,), 2, 40, 3, 1, 2, 5)


def main(argv: Sequence[str] | None = None) -> int:
    return run(argv, str(__doc__), "bench_video.json", speed)


def run(argv: Sequence[str] | None, about: str, file: str, measure: Callable[[Plan], dict[str, Any]]) -> int:
    """A benchmark's command line: measures, and writes to a file of ``output/`` what it prints."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "output" / file)
    parser.add_argument("--quick", action="store_true", help="little of everything, to see that it works")
    args = parser.parse_args(argv)
    check_writable(args.output)
    result: dict[str, Any] = {"machine": machine()}
    print(", ".join(f"{what} {value}" for what, value in result["machine"].items()), flush=True)
    result |= measure(QUICK if args.quick else Plan())
    result["load average afterwards"] = load()
    print(f"\nload average afterwards {load()}")
    write_bytes(args.output, json.dumps(result, indent=1).encode())
    print(f"-> {args.output}")
    return 0


def speed(plan: Plan) -> dict[str, Any]:
    """Every chain on every video, as a file and live."""
    people = known(plan.photographs)
    chains: list[Chain] = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        if reason := recipe.missing():
            text.warn(f"{RECIPE} is left out: {reason}")
        else:
            write_t7(folder / "embedder.t7", nn4_small2())
            chains.append(TheRecipe(folder / "embedder.t7", list(people)))
        chains += ours(people)
        videos = dict(made(plan, folder)) | ({CLIP_NAME: CLIP} if CLIP.is_file() else {})
        if CLIP_NAME not in videos:
            text.warn(f"the clip is left out: {CLIP} is not here")
        files, stages = as_files(chains, videos, plan)
        live = as_live(chains, videos, plan)
    result = {"files": files, "stages": stages, "live": live, "bars": bars(files, live)}
    show("Files: every frame, as fast as it goes", files)
    show("ms of work a frame by stage, of which some goes on at once", stages)
    show("Live: ms from when a frame is there to when its picture is", live)
    show("Bars", result["bars"])
    return result


def made(plan: Plan, folder: Path) -> Iterator[tuple[str, Path]]:
    """Made videos, written as files."""
    for wh in plan.sizes:
        for count in plan.counts:
            name = f"{wh[1]}p, {text.plural(count, 'face', 'faces')}"
            film = films.standing(cast(count), wh, plan.seconds)
            yield name, films.write(film, folder / f"{wh[1]}p_{count}.mp4")


def as_files(chains: Sequence[Chain], videos: Mapping[str, Path], plan: Plan) -> tuple[list[Row], list[Row]]:
    """Rows of what each chain does with each video, and of where its time goes: the median of the rounds."""
    rows, stages = [], []
    for video, path in videos.items():
        runs: dict[str, list[Measured]] = {chain.name: [] for chain in chains}
        for turn, chain in product(range(plan.rounds + 1), chains):
            frames = plan.frames if turn else WARM_UP  # untimed, so that everything is loaded
            one = measure(chain, open_source(str(path)), frames, plan.limit)
            if turn:
                runs[chain.name].append(one)
        medians = {name: sorted(some, key=lambda run: run.rate)[len(some) // 2] for name, some in runs.items()}
        for name, one in medians.items():
            times = round(one.rate / medians[RECIPE].rate, 1) if RECIPE in medians else None
            rows.append({"video": video, "chain": name} | one.row() | {"times the recipe": times})
            ms = {stage: round(1e3 * one.stages[stage] / one.frames, 2) for stage in STAGES}
            stages.append({"video": video, "chain": name} | ms)
    return rows, stages


def as_live(chains: Sequence[Chain], videos: Mapping[str, Path], plan: Plan) -> list[Row]:
    """Rows of each chain on each video from a source that waits for nobody."""
    rows = []
    for video, path in videos.items():
        source = open_source(str(path))
        images = [frame.image for frame in islice(source.frames(), round(IN_MEMORY * source.rate))]
        source.close()
        for rate, chain in product((USUAL, FASTER), chains):
            if rate == USUAL or chain.name != RECIPE:  # which is behind at the usual one
                paced = Paced(video, images, source.rate, rate, plan.seconds)
                one = measure(chain, paced, None, 1.5 * plan.seconds)
                rows.append({"video": video, "chain": chain.name, "source, a second": rate} | one.live_row(rate))
    return rows


@dataclass(frozen=True)
class Measured:
    """One run.

    frames: shown, of ``span``. seconds: until the last picture. processor: its seconds. looks: of the detector.
    stages: seconds of work. latency: s (frames,).
    """

    frames: int
    span: int
    seconds: float
    processor: float
    looks: int
    faces: int
    stages: dict[str, float]
    latency: Floats

    @property
    def rate(self) -> float:
        return self.frames / self.seconds

    def row(self) -> Row:
        return {
            "frames": self.frames,
            "a second": round(self.rate, 1),
            "processor, ms a frame": round(1e3 * self.processor / self.frames, 1),
            "of the cores": f"{self.processor / self.seconds / CORES:.0%}",
            "looks": self.looks,
            "faces a frame": round(self.faces / self.frames, 1),
        }

    def live_row(self, rate: float) -> Row:
        quarter = max(len(self.latency) // 4, 1)  # the first one begins before any face is found, and so with less work
        parts = {
            "p50": self.latency,
            "second quarter": self.latency[quarter : 2 * quarter],
            "last quarter": self.latency[-quarter:],
        }
        medians = {what: round(1e3 * float(np.median(part)), 1) for what, part in parts.items()}
        return {
            "shown": self.frames,
            "a second": round(self.rate, 1),
            "dropped": f"{1 - self.frames / self.span:.1%}",
            "looks a second": round(self.looks / self.seconds, 1),
            "of the cores": f"{self.processor / self.seconds / CORES:.0%}",
            "p50": medians["p50"],
            "p99": round(1e3 * float(np.percentile(self.latency, 99)), 1),
            "p50, second quarter": medians["second quarter"],
            "p50, last quarter": medians["last quarter"],
            "keeps up": self.frames >= KEPT_UP * self.span and self.rate >= KEPT_UP * rate,
        }


def measure(chain: Chain, source: FrameSource, frames: int | None, limit: float) -> Measured:
    """A chain on a source, on no more than so many frames, for no longer than ``limit`` s."""
    indexes, latency, faces, ended = [], [], 0, 0.0
    chain.seconds.clear()
    processor, start = time.process_time(), time.monotonic()
    pictures = chain.pictures(source)
    for frame, seen in islice(pictures, frames):
        ended = time.monotonic()
        latency.append(ended - frame.arrived)
        indexes.append(frame.index)
        faces += seen
        if ended - start > limit:
            break
    processor = time.process_time() - processor
    pictures.close()
    source.close()
    stages = defaultdict(float, chain.seconds)
    count, span, times = len(indexes), indexes[-1] + 1, np.array(latency, np.float32)
    return Measured(count, span, ended - start, processor, chain.looks, faces, stages, times)


def bars(files: list[Row], live: list[Row]) -> list[Row]:
    """What is wanted, beside what was measured; without what was left out."""
    rows: list[Row] = []
    for row in files:
        what, least = (row["video"], row["chain"]), {(video, chain): rate for video, chain, rate in RATES}
        if row["video"] == CLIP_NAME and row["chain"] == BUILT_IN and (times := row["times the recipe"]):
            rows.append(bar(*what, "times the recipe", f"at least {TIMES}", times, times >= TIMES))
        if what in least:
            rate = row["a second"]
            rows.append(bar(*what, "frames a second", f"at least {least[what]}", rate, rate >= least[what]))
    for row in live:
        rate = row["source, a second"]
        live_at = row["video"], row["chain"], f"live at {rate}"
        if row["chain"] == RECIPE:
            continue
        if row["keeps up"]:
            rows.append(bar(*live_at, "p99, ms", f"under {2e3 / rate:.0f}", row["p99"], row["p99"] < 2e3 / rate))
        else:
            before, last = row["p50, second quarter"], row["p50, last quarter"]
            grows = last > GROWN[0] * before + GROWN[1]
            rows.append(bar(*live_at, "p50, ms", "not growing", f"{before} to {last}", not grows))
    return rows


def bar(*row: Any) -> Row:
    """A row of what it is about, in words, and then what is wanted, what was measured, and whether that is met."""
    *what, wanted, measured, met = row
    return {"bar": ", ".join(what), "wanted": wanted, "measured": measured, "met": met}


if __name__ == "__main__":
    running.run(main)
