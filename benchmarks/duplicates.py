"""Where NEAR of faces/recognition/duplicates.py comes from: how far photographs are from copies, and from others of the
person.

python -m benchmarks.duplicates
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations

import cv2
import numpy as np

from benchmarks.photographs import DATA, embeddings
from faces.cli import running, text
from faces.evaluation.searches.trials import by_person
from faces.images import read_image
from faces.pipeline import Pipeline
from faces.recognition.duplicates import NEAR
from faces.types import Image


def main() -> int:
    pipeline = Pipeline.load()
    limit = NEAR[pipeline.embedder.spec.name]
    people = by_person(DATA / "people")
    embedded = embeddings((path for paths in people.values() for path in paths), progress="people")
    rows: list[list[object]] = []
    for name, copy in COPIES.items():
        found = []
        for path in (path for paths in people.values() for path in paths[::4]):
            image = copy(read_image(path))
            if len(face := pipeline.best_face(image)):
                found.append(np.linalg.norm(pipeline.embed(image, face)[0] - embedded[path]))
        near = f"{np.mean(np.less(found, limit)):.0%}"
        rows.append([name, *np.quantile(found, [0.5, 0.9, 1]).round(3).tolist(), near])
    print(text.table(["copy", "50 %", "90 %", "farthest", f"nearer than {limit}"], rows))

    apart = [
        (np.linalg.norm(embedded[a] - embedded[b]), a.stem, b.stem)
        for paths in people.values()
        for a, b in combinations(paths, 2)
    ]
    print(f"\n{len(apart):,} pairs of different ones, the nearest:")
    print(
        text.table(["distance", "photograph", "other"], [(round(float(d), 3), a, b) for d, a, b in sorted(apart)[:5]])
    )
    return 0


def saved(image: Image, quality: int) -> Image:
    """Saved again as JPEG."""
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def resized(image: Image, scale: float) -> Image:
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=how), np.uint8)


def cropped(image: Image, share: float) -> Image:
    """Without a share of the height above and below, and of the width on both sides."""
    y, x = (round(share * side) for side in image.shape[:2])
    return np.ascontiguousarray(image[y:-y, x:-x])


COPIES: dict[str, Callable[[Image], Image]] = {
    **{f"JPEG of quality {quality}": partial(saved, quality=quality) for quality in (90, 70, 50, 30)},
    **{f"resized to {scale:.0%}": partial(resized, scale=scale) for scale in (0.5, 0.75, 1.5, 2)},
    **{f"cropped by {share:.0%}": partial(cropped, share=share) for share in (0.02, 0.05)},
}

if __name__ == "__main__":
    running.run(main)
