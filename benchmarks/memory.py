"""Memory of the server's models: python -m benchmarks.memory

Detects, embeds and describes the faces in pictures of rising size, one after the other and six at once, and prints what
the process held at most meanwhile and what it holds afterwards. Linux only.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.photographs import DATA
from faces.cli import running, text
from faces.images import read_image
from faces.pipeline import Pipeline
from faces.server.api.face_attributes import NAMES, describe
from faces.server.assembly import return_freed_memory
from faces.server.vision.vision import Vision
from faces.types import Image

SIDES = (250, 1200, 4000, 7000)  # px
AT_ONCE = 6
PEOPLE = 3  # in each row and column of a picture


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args(argv)
    return_freed_memory()
    vision = Vision(Pipeline.load(min_face=36))
    picture = many_people()
    rows: list[list[object]] = [["models loaded", "", held("VmRSS")]]
    for number in (1, AT_ONCE):
        for side in SIDES:
            data = bytes(cv2.imencode(".jpg", cv2.resize(picture, (side, side)))[1])
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
            with ThreadPoolExecutor(number) as pool:
                list(pool.map(partial(process, vision), [data] * number))
            name = f"{side} by {side} px" + (f", {number} at once" if number > 1 else "")
            rows.append([name, held("VmHWM"), held("VmRSS")])
    print(text.table(["MB", "at most", "afterwards"], rows))
    return 0


def process(vision: Vision, data: bytes) -> None:
    """Do what the server does for a picture."""
    with vision.open_image(data) as image:
        faces, embeddings = vision.find(image)
        describe(vision, image, faces, embeddings, NAMES)


def many_people() -> Image:
    paths = sorted((DATA / "people").glob("*/*.jpg"))[: PEOPLE**2]
    photographs = [cv2.resize(read_image(path), (250, 250)) for path in paths]
    return np.asarray(np.vstack([np.hstack(photographs[row * PEOPLE :][:PEOPLE]) for row in range(PEOPLE)]), np.uint8)


def held(name: str) -> int:
    """MB, by a name in /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return round(int(next(line for line in lines if line.startswith(name)).split()[1]) * 1.024e-3)


if __name__ == "__main__":
    running.run(main)
