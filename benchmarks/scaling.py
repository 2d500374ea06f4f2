"""How extraction grows with workers and with photographs, in one run: python -m benchmarks.scaling

python -m benchmarks.scaling [--photographs 20000] [--made-up 1000000] [--output FILE.json]

Photographs are those of ../shared/data/people, each copy made new by some bytes after the picture's end. What needs no
picture, the bookkeeping of the process that hands out the work, is measured on made-up people too. Prints tables and
writes a JSON file. Only on a machine that does nothing else do the figures mean something: the load is noted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped, unused-ignore]

from benchmarks.photographs import DATA
from faces.cli import running, text, values
from faces.datasets import Folder, Listing, Photograph
from faces.enrolment import Enrolment
from faces.errors import UsageError
from faces.evaluation.searches.trials import by_person
from faces.extraction import workers
from faces.extraction.checkpoints import Checkpoint
from faces.extraction.dask import Cluster
from faces.extraction.known import Previous, load_previous
from faces.extraction.update import build_gallery
from faces.extraction.workers import Result, Task
from faces.files.writing import check_writable, write_bytes
from faces.pipeline import Pipeline
from faces.types import Faces

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("built-in", "built-in", 0.5, "default")
PER_PERSON = 20  # photographs
WARM_UP = 128  # photographs, untimed: every worker has loaded its models
ADDED = 10  # photographs of one person more
LOOK = 0.1  # seconds between two looks at the memory
MB = 1e6
Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=values.count, default=20_000, help="of the larger data set")
    parser.add_argument("--made-up", type=values.count, default=1_000_000, help="photographs of the larger made-up one")
    parser.add_argument("--output", type=Path, default=Path("output/scaling.json"))
    args = parser.parse_args(argv)
    check_writable(args.output)
    if not (DATA / "people").is_dir():
        raise UsageError(f"{DATA / 'people'}: no such folder; the photographs are not part of the project")
    sizes = [max(args.photographs // 20, 2 * WARM_UP), args.photographs]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    print(f"{machine}; load average {load()}\n", flush=True)
    with TemporaryDirectory() as name:
        folder = Path(name)
        results = {
            "machine": machine,
            "load": load(),
            "workers": shown("Workers", speeds(folder / "few", sizes[0])),
            "photographs": shown("The whole command, by as many processes as cores", growth(folder, sizes)),
            "made up": shown("Without pictures", [made_up(n) for n in (args.made_up // 10, args.made_up)]),
            "load afterwards": load(),
        }
    write_bytes(args.output, json.dumps(results, indent=1).encode())
    print(f"load average now {load()} -> {args.output}")
    return 0


def load() -> str:
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def shown(title: str, rows: list[Row]) -> list[Row]:
    """Rows, printed as a table."""
    print(f"{title}\n\n{text.table(list(rows[0]), [list(row.values()) for row in rows])}\n", flush=True)
    return rows


def fill(folder: Path, start: int, stop: int) -> None:
    """Photographs number ``start`` to ``stop`` of a data set, 20 to a person; all from long ago."""
    sources = [path.read_bytes() for paths in by_person(DATA / "people").values() for path in paths]
    for at, data in zip(range(start, stop), islice(cycle(sources), start % len(sources), None), strict=False):
        path = folder / f"person {at // PER_PERSON:06d}" / f"{at:08d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data + b"%d" % at)
        os.utime(path, (1e9, 1e9))


# Workers


def speeds(folder: Path, photographs: int) -> list[Row]:
    """Photographs a second once every worker has its models."""
    fill(folder, 0, photographs)
    paths = [one.path for one in Folder(folder).listing()[1]]
    fingerprint = Pipeline.load(*MODELS).fingerprint
    rows: list[Row] = []
    for scheduler in (None, "local"):
        for count in (1, 2):
            task = Task(Folder(folder), MODELS)
            some = Cluster(task, count, scheduler) if scheduler else workers.Processes(task, count)
            try:
                done = workers.enrol(some, paths, fingerprint)
                for _ in range(WARM_UP):
                    next(done)
                started = time.perf_counter()
                rest = sum(1 for _ in done)
                rate = rest / (time.perf_counter() - started)
            finally:
                some.close()
            one = rate if count == 1 else float(rows[-1]["a second"])
            rows.append(
                {
                    "by": "a local Dask cluster" if scheduler else "processes",
                    "workers": count,
                    "photographs": rest,
                    "a second": round(rate, 1),
                    "times one": round(rate / one, 2),
                }
            )
    return rows


# The whole command


def growth(folder: Path, sizes: list[int]) -> list[Row]:
    """Seconds and memory from nothing, with nothing new, and with a person more."""
    rows = []
    dataset, output, done = folder / "dataset", folder / "output", 0
    for photographs in sizes:
        fill(dataset, done, photographs)
        done = photographs
        shutil.rmtree(output, ignore_errors=True)
        rows.append({"run": f"{photographs} photographs, none known", **command("extract_embeddings.py", folder)})
        rows.append({"run": "the same, all known", **command("extract_embeddings.py", folder)})
    half = sizes[-1] // 2
    for person in sorted(dataset.iterdir())[half // PER_PERSON :]:
        shutil.rmtree(person)
    rows.append({"run": f"{half} photographs gone", **command("extract_embeddings.py", folder)})
    rows.append({"run": f"training on the {half} left", **command("train_model.py", folder)})
    fill(dataset, sizes[-1], sizes[-1] + ADDED)
    rows.append({"run": f"a person with {ADDED} added", **command("extract_embeddings.py", folder)})
    rows.append({"run": "training again", **command("train_model.py", folder)})
    return rows


def command(script: str, cwd: Path) -> Row:
    """A script's seconds, and the most memory that it and any of its workers had at once."""
    started = time.perf_counter()
    main_peak = worker_peak = 0
    with subprocess.Popen([sys.executable, str(ROOT / script)], cwd=cwd, stdout=subprocess.DEVNULL) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                main_peak = max(main_peak, watched.memory_info().rss)
                for child in watched.children(recursive=True):
                    worker_peak = max(worker_peak, child.memory_info().rss)
            except psutil.NoSuchProcess:
                pass
            time.sleep(LOOK)
    assert process.returncode == 0, script
    gallery = cwd / "output" / "embeddings.pickle"
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "main, MB": round(main_peak / MB),
        "a worker, MB": round(worker_peak / MB),
        "embeddings.pickle, MB": round(gallery.stat().st_size / MB, 1),
    }


# Without pictures


class Immediate:
    """Workers that take no time: embeddings are made up of the paths."""

    together = 32
    slots = 16

    def __init__(self) -> None:
        self.fingerprint = Pipeline.load(*MODELS).fingerprint
        self._face = Faces(np.array([[50, 50, 200, 200]], np.float32), np.array([0.9], np.float32))
        self._random = np.random.default_rng(0)

    def submit(self, paths: Sequence[str]) -> Future[Result]:
        future: Future[Result] = Future()
        vectors = self._random.standard_normal((len(paths), 128), np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        hashes = [hashlib.sha256(path.encode()).hexdigest() for path in paths]
        made = [Enrolment(self._face, *one) for one in zip(vectors, hashes, strict=True)]
        future.set_result((self.fingerprint, made))
        return future

    def result(self, future: Future[Result]) -> Result:
        return future.result()

    def close(self) -> None:
        pass


def made_up(photographs: int) -> Row:
    """What the process that hands out the work does itself, in one of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, TemporaryDirectory() as folder:
        return pool.submit(bookkeeping, photographs, Path(folder)).result()


def bookkeeping(photographs: int, folder: Path) -> Row:
    """Seconds of each step of an extraction whose workers take none, and memory in the end."""
    listed = [
        Photograph(f"person {at // PER_PERSON:06d}/{at:08d}.jpg", f"person {at // PER_PERSON:06d}", 12_000, str(10**18))
        for at in range(photographs)
    ]
    listing = Listing(sorted({one.person for one in listed}), listed, [])
    some, path = Immediate(), folder / "embeddings.pickle"

    def enrol(paths: Sequence[str]) -> Generator[tuple[str, Enrolment], None, None]:
        yield from workers.enrol(some, paths, some.fingerprint)

    started = time.perf_counter()
    checkpoint = Checkpoint(folder / "checkpoint", "made up")
    first = build_gallery(Folder(folder), listing, Previous(), checkpoint, enrol, some.fingerprint, "made up")
    checkpoint.save()
    extracted = time.perf_counter()
    first.gallery.save(path)
    saved = time.perf_counter()
    size, beside = path.stat().st_size, (folder / "checkpoint").stat().st_size
    checkpoint.remove()
    del first
    again = time.perf_counter()
    old = load_previous(path, some.fingerprint, "made up")
    assert not old.why
    checkpoint = Checkpoint(folder / "checkpoint", "made up")
    second = build_gallery(Folder(folder), listing, old, checkpoint, enrol, some.fingerprint, "made up")
    assert second.known == photographs
    known = time.perf_counter()
    return {
        "photographs": photographs,
        "handing out, s": round(extracted - started, 1),
        "saving, s": round(saved - extracted, 1),
        "all known, s": round(known - again, 1),
        "memory, MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB),
        "embeddings.pickle, MB": round(size / MB),
        "checkpoint, MB": round(beside / MB),
    }


if __name__ == "__main__":
    running.run(main)
