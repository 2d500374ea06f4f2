"""The worst errors with their photographs, which are small copies within the page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from math import isfinite
from pathlib import Path

import cv2

from faces.errors import ImageError
from faces.evaluation.figures.results import Mistake
from faces.evaluation.report.markup import Markup, element, image, joined
from faces.images import read_image

SIDE = 200  # px
QUALITY = 85

Copies = dict[Path, Markup]


def montage(mistakes: Sequence[Mistake], faces: bool) -> Markup:
    """What went wrong, from the worst; without ``faces`` in words alone."""
    if not mistakes:
        return element("p", "None: nothing was told wrong.")
    if not faces:
        return element("ul", *(element("li", _words(one)) for one in mistakes))
    copies: Copies = {}
    return element("div", *(_one(mistake, copies) for mistake in mistakes), class_="montage")


def _one(mistake: Mistake, copies: Copies) -> Markup:
    paths = [mistake.photograph, *([mistake.other] if mistake.other else [])]
    two = element("div", *(_copy(path, copies) for path in paths), class_="two")
    return element("figure", two, element("figcaption", _words(mistake)))


def _words(mistake: Mistake) -> Markup:
    paths = [mistake.photograph, *([mistake.other] if mistake.other else [])]
    files = " and ".join(f"{path.parent.name}/{path.name}" for path in paths)
    apart = f", distance {mistake.distance:.3f}" if isfinite(mistake.distance) else ""
    return joined([element("strong", mistake.what), f"{apart}: {files}"])


def _copy(path: Path, copies: Copies) -> Markup:
    """Of one that cannot be read any more, words."""
    if path not in copies:
        name = f"{path.parent.name}/{path.name}"
        try:
            photograph = read_image(path)
        except ImageError:
            copies[path] = element("p", f"{name} cannot be read", class_="gone")
        else:
            scale = min(SIDE / min(photograph.shape[:2]), 1.0)
            small = cv2.resize(photograph, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
            copies[path] = image(f"data:image/jpeg;base64,{base64.b64encode(data).decode()}", name)
    return copies[path]
