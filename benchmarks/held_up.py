"""Made attacks: photographs that somebody holds up before a camera, as videos whose truth is known.

The print is a plane that turns, tilts and moves as a hand does, before a pinhole camera that has noise; the video is
compressed by H.264 as a web camera's is. ``bent`` makes it a part of a cylinder instead. No shadows, glare or motion
blur, and no paper that changes its shape.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from faces.images import read_image
from faces.synthetic.people import dice
from faces.synthetic.scenes import backdrop
from faces.types import Image

WH, SECONDS = (640, 480), 1.8  # px; of each video
RATES = (15, 25, 30)  # frames a second
FACE_SHARE = 0.45  # height of a face in LFW's photographs, as a share of theirs
SWAYS = 3  # frequencies that a motion is the sum of
ROUNDS, COARSER = 4, 4  # to find what a pixel shows of a bent print, at every fourth pixel
Floats64 = NDArray[np.float64]
Where = NDArray[np.floating]


@dataclass(frozen=True)
class Manner:
    """How a print is held.

    motion: times an ordinary hand's motion; 0 for a print on a stand.
    bend: rise of the bent print's middle over its edges, as a share of its width.
    cut_out: whether only the face is held up, cut out along an ellipse.
    """

    motion: float = 1.0
    bend: float = 0.0
    cut_out: bool = False


def video(path: Path, manner: Manner, seed: int) -> tuple[list[Image], int]:
    """Return the frames of an attack with a photograph, and how many there are a second."""
    rng = dice("held up", path.name, seed)
    photograph = read_image(path)
    rate = int(rng.choice(RATES))
    face, noise, quality = rng.uniform(60, 200), rng.uniform(1, 5), int(rng.integers(18, 31))
    behind = backdrop(rng, WH)
    grain = (rng.standard_normal((WH[1] + 64, WH[0] + 64, 3), np.float32) * noise).astype(np.int16)
    mask: Image = np.zeros(photograph.shape[:2], np.uint8)
    height, width = mask.shape
    axes = (0.5 * width, 0.62 * height) if manner.cut_out else (4.0 * width, 4.0 * height)
    cv2.ellipse(mask, ((width / 2, height / 2), axes, 0.0), 255, -1)
    frames = []
    for where in places(rng, manner, face / FACE_SHARE, rate, (width, height)):
        picture = cv2.copyTo(seen(photograph, where), seen(mask, where), behind.copy())
        x, y = rng.integers(0, 64, 2)
        picture = cv2.add(picture, grain[y : y + WH[1], x : x + WH[0]], dtype=cv2.CV_8U)
        frames.append(np.asarray(picture, np.uint8))
    return compressed(frames, rate, quality), rate


def places(rng: np.random.Generator, manner: Manner, high: float, rate: int, size: tuple[int, int]) -> Iterator[Where]:
    """Yield how each frame shows the print.

    high: px, height of the whole photograph in the picture.
    size: width and height of the photograph, px.
    """
    count, (width, height) = int(SECONDS * rate), size
    focal = WH[0] * rng.uniform(0.8, 1.4)
    far = focal * height / high
    tilt, turn = (np.radians(sway(rng, count, rate, rng.uniform(3, 12))) * manner.motion for _ in range(2))
    roll = np.radians(sway(rng, count, rate, rng.uniform(1, 6))) * manner.motion
    across, up = (sway(rng, count, rate, rng.uniform(0.02, 0.12)) * height * manner.motion for _ in range(2))
    nearer = sway(rng, count, rate, rng.uniform(0.02, 0.1)) * manner.motion
    camera: Floats64 = np.array([[focal, 0, WH[0] / 2], [0, focal, WH[1] / 2], [0, 0, 1]])
    to_middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    for k in range(count):
        lean, spin = (cv2.Rodrigues(np.array(each))[0] for each in ((tilt[k], turn[k], 0.0), (0.0, 0.0, roll[k])))
        axes = np.asarray(lean @ spin, np.float64)
        shift = np.array([across[k], up[k], far * (1 + np.clip(nearer[k], -0.3, 0.3))])
        flat = np.asarray(camera @ np.column_stack([axes[:, 0], axes[:, 1], shift]) @ to_middle, np.float64)
        yield on_cylinder(camera, axes, shift, flat, manner.bend, size) if manner.bend else flat


def on_cylinder(
    camera: Floats64, axes: Floats64, shift: Floats64, flat: Floats64, bend: float, size: tuple[int, int]
) -> NDArray[np.float32]:
    """Return which point of a bent photograph each pixel shows: float32 (H, W, 2), px; a fixed point of the error."""
    columns, rows = (np.linspace(0, side - 1, side // COARSER) for side in WH)
    pixels = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2).astype(np.float64)
    back = np.asarray(np.linalg.inv(flat), np.float64)
    where = plane = carried(back, pixels)
    for _ in range(ROUNDS):
        points = bent(np.asarray(where - np.array(size) / 2, np.float64), size[0], bend)
        image = camera @ (axes @ points + shift[:, None])
        where = where + plane - carried(back, np.asarray((image[:2] / image[2]).T, np.float64))
    coarse = where.reshape(len(rows), len(columns), 2).astype(np.float32)
    x, y = np.meshgrid(*((np.arange(side) * (side // COARSER - 1) / (side - 1)).astype(np.float32) for side in WH))
    return np.asarray(cv2.remap(coarse, x, y, cv2.INTER_LINEAR), np.float32)


def seen(image: Image, where: Where) -> Image:
    """Return an image as a frame shows it, black elsewhere: uint8 (H, W, ...).

    where: the homography from the image to the frame, (3, 3), or the point of the image at each pixel, (H, W, 2).
    """
    if where.shape == (3, 3):
        return np.asarray(cv2.warpPerspective(image, where, WH), np.uint8)
    return np.asarray(cv2.remap(image, where[..., 0], where[..., 1], cv2.INTER_LINEAR), np.uint8)


def bent(points: Floats64, width: float, rise: float) -> Floats64:
    """Return points (P, 2) of a print, px from its middle, on a cylinder about an upright axis: (3, P)."""
    curvature = 8 * rise / width
    angle = np.clip(points[:, 0] * curvature, -1.2, 1.2)
    return np.stack([np.sin(angle) / curvature, points[:, 1], (1 - np.cos(angle)) / curvature])


def sway(rng: np.random.Generator, count: int, rate: float, size: float) -> Floats64:
    """Return a smooth motion: (count,), with a standard deviation of about ``size``, if it lasts long enough."""
    time = np.arange(count) / rate
    each = [np.sin(2 * np.pi * (f * time + rng.uniform())) for f in rng.uniform(0.2, 1.5, SWAYS)]
    return np.asarray(size * np.sum(each, axis=0) / np.sqrt(SWAYS / 2))


def carried(homography: Floats64, points: Floats64) -> Floats64:
    """Return points (P, 2) carried through a homography (3, 3)."""
    return np.asarray(cv2.perspectiveTransform(points[:, None], homography)[:, 0], np.float64)


def compressed(frames: list[Image], rate: int, quality: int) -> list[Image]:
    """Return the frames as they come out of an H.264 video; quality: x264's CRF."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": str(quality), "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *WH, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="bgr24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        return [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in container.decode(video=0)]
