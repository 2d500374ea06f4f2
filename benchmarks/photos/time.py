"""How long 10,000 photographs take to scan: measured on a part of them, and scaled."""

from __future__ import annotations

import os
import resource
import tempfile
import time as clock
from pathlib import Path

from benchmarks import large_photographs
from benchmarks.photographs import DATA
from faces.cli import text
from faces.files.finding import find_images
from faces.photos.library import Library
from faces.photos.regrouping import regroup
from faces.photos.scanning.scan import scan

LARGE, SMALL, WANTED = 60, 480, 10_000


def main() -> int:
    people = list(find_images(DATA / "people"))
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        large = Path(temporary, "large")
        large_photographs.make(people[::8][:LARGE], large)
        for name, folder, number in (("12 megapixels", large, LARGE), ("250 px", DATA / "people", SMALL)):
            with Library(Path(temporary, f"{number}.sqlite"), create=True) as library:
                start = clock.perf_counter()
                done = scan(library, folder, workers=os.cpu_count() or 1)
                looked = clock.perf_counter() - start
                start = clock.perf_counter()
                scan(library, folder)
                again = clock.perf_counter() - start
                start = clock.perf_counter()
                regroup(library)
                grouped = clock.perf_counter() - start
            each = looked / done.new
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
            shown = (f"{each:.3f} s", f"{each * WANTED / 60:.0f} min", f"{again:.1f} s", f"{grouped:.1f} s")
            rows.append((name, done.new, done.faces, *shown, f"{memory:.2f} GB"))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    headings = [
        "photographs",
        "number",
        "faces",
        "each",
        f"{WANTED:,}, scaled",
        "again",
        "grouping",
        "a worker's memory",
    ]
    print(text.table(headings, rows))
    return 0
