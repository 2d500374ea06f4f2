"""A web page of photographs that were found: one file, with small pictures inside."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

import cv2

from faces.errors import FacesError
from faces.files.writing import write_bytes
from faces.images import read_image
from faces.photos.finding import Found
from faces.photos.scanning.looking import is_film
from faces.video.sources import open_source

SIDE = 320  # px of the longer side of a small picture
QUALITY = 80  # of its JPEG

PAGE = Template(
    """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>$title</title>
<style>
body { font: 1rem system-ui, sans-serif; margin: 1rem; color-scheme: light dark }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .75rem }
figure { margin: 0 } img { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: .25rem }
figcaption { font-size: .8rem; overflow-wrap: anywhere }
</style></head><body><h1>$title</h1><main>
$figures</main></body></html>
"""
)
FIGURE = Template(
    '<figure><a href="$address"><img loading="lazy" alt="$people" src="$picture"></a>'
    "<figcaption>$name<br>$taken</figcaption></figure>\n"
)


def write_gallery(path: Path, title: str, found: Sequence[Found]) -> None:
    """Write a page of files, each with a small picture that leads to the file; readable by its owner only.

    title: the page's heading, such as the names that were looked for. Raises FacesError if it cannot be written.
    """
    figures = [
        FIGURE.substitute(
            address=escape(one.path.as_uri()),
            picture=_small(one.path),
            people=escape(", ".join(one.people)),
            name=escape(one.path.name),
            taken=escape(one.taken[:10]),
        )
        for one in found
    ]
    page = PAGE.substitute(title=escape(f"{title} ({len(found)})"), figures="".join(figures))
    write_bytes(path, page.encode("utf-8", "replace"))


def _small(path: Path) -> str:
    """Return a small picture as an address of its own; of a film, its first frame; empty if it cannot be read."""
    try:
        image = next(open_source(str(path)).frames()).image if is_film(path) else read_image(path)
    except (FacesError, OSError, StopIteration):
        return ""
    scale = SIDE / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
