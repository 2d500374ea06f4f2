"""Draw faces: curves, a sheet for soft, antialiased shapes, relief and light."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from faces.synthetic.people import Look, Person
from faces.types import Floats

LEFT, TOP, RIGHT, BOTTOM = -2.7, -2.7, 2.7, 3.3  # what a sheet covers, in face units


def colour(code: str, factor: float = 1.0) -> Floats:
    """Convert ``#rrggbb`` to float32 (3,), BGR in [0, 255]; ``factor`` makes it darker or lighter."""
    return np.array([min(int(code[i : i + 2], 16) * factor, 255) for i in (5, 3, 1)], np.float32)


def curve(points: Sequence[tuple[float, float]], closed: bool = False, steps: int = 8) -> Floats:
    """Return a Catmull-Rom curve through points (n, 2): float32 (m, 2)."""
    p = np.array(points, np.float32)
    p = np.vstack([p[-1:], p, p[:2]]) if closed else np.vstack([p[:1], p, p[-1:]])
    a, b, c, d = (p[i : len(p) - 3 + i, None] for i in range(4))
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[None, :, None]
    spline = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    flat = spline.reshape(-1, 2)
    return flat if closed else np.vstack([flat, p[-1:]])


def mirrored(half: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Complete the right half of a symmetric outline, given from top to bottom; its ends lie on the axis."""
    return [*half, *((-x, y) for x, y in reversed(half[1:-1]))]


def ellipse(x: float, y: float, rx: float, ry: float, squareness: float = 2.0) -> Floats:
    """Return a (super)ellipse: float32 (32, 2)."""
    t = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    c, s = np.cos(t), np.sin(t)
    power = 2 / squareness
    return np.stack([x + rx * np.sign(c) * abs(c) ** power, y + ry * np.sign(s) * abs(s) ** power], 1, dtype=np.float32)


class Sheet:
    """A drawing in face units of ``unit`` px each.

    bgr: float32 (3, H, W).
    alpha: float32 (H, W).
    """

    def __init__(self, unit: float) -> None:
        self.unit = unit
        self.wh = round((RIGHT - LEFT) * unit), round((BOTTOM - TOP) * unit)
        self.bgr = np.zeros((3, self.wh[1], self.wh[0]), np.float32)
        self.alpha = np.zeros(self.wh[::-1], np.float32)

    def mask(self, shape: Floats, blur: float = 0.0, stroke: float = 0.0) -> tuple[tuple[slice, slice], Floats]:
        """Return the part of the sheet that a polygon (with ``stroke``: a line that wide) covers, and its coverage."""
        px = (shape - (LEFT, TOP)) * self.unit
        margin = (2.5 * blur + stroke) * self.unit + 2
        x0, y0 = np.clip(np.floor(px.min(0) - margin), 0, np.array(self.wh) - 1).astype(int)
        x1, y1 = np.clip(np.ceil(px.max(0) + margin), (x0 + 1, y0 + 1), self.wh).astype(int)
        cover = np.zeros((y1 - y0, x1 - x0), np.uint8)
        fixed = np.round((px - (x0, y0) - 0.5) * 16).astype(np.int32)
        if stroke:
            cv2.polylines(cover, [fixed], False, 255, max(1, round(stroke * self.unit)), cv2.LINE_AA, 4)
        else:
            cv2.fillPoly(cover, [fixed], 255, cv2.LINE_AA, 4)
        if blur:
            cover = cv2.GaussianBlur(cover, (0, 0), blur * self.unit)
        return (slice(y0, y0 + len(cover)), slice(x0, x0 + cover.shape[1])), np.asarray(
            cover * np.float32(1 / 255), np.float32
        )

    def paint(
        self,
        shape: Floats,
        ink: Floats,
        opacity: float = 1.0,
        blur: float = 0.0,
        stroke: float = 0.0,
        within: Floats | None = None,
        solid: bool = False,
    ) -> None:
        """Paint a shape.

        ink: a colour (3,), or a picture of the sheet's shape (3, H, W).
        within: a mask (H, W) that limits the shape.
        solid: whether the shape also covers what is behind the person.
        """
        part, cover = self.mask(shape, blur, stroke)
        cover *= np.float32(opacity)
        if within is not None:
            cover *= within[part]
        if solid:
            alpha = np.maximum(self.alpha[part], cover, out=self.alpha[part])
            cover /= np.maximum(alpha, 1e-3)
        bgr = self.bgr[:, part[0], part[1]]
        bgr += ((ink[:, None, None] if ink.ndim == 1 else ink[:, part[0], part[1]]) - bgr) * cover

    def whole(self, shape: Floats, blur: float = 0.0) -> Floats:
        """Return a shape's coverage of the whole sheet: float32 (H, W)."""
        out = np.zeros_like(self.alpha)
        part, cover = self.mask(shape, blur)
        out[part] = cover
        return out


@lru_cache(maxsize=64)
def strands(seed: int, wh: tuple[int, int], curl: float, unit: float) -> Floats:
    """Return the brightness of hair, about 1: float32 (H, W). Straight hair runs down, curls are as high as wide."""
    noise = np.random.default_rng(seed).standard_normal(wh[::-1], np.float32)
    across = (0.012 + 0.03 * curl) * unit
    soft = cv2.GaussianBlur(noise, (0, 0), across, sigmaY=across * (1 + 12 * (1 - curl)))
    return np.asarray((1 + 0.16 * soft / soft.std()).clip(0.4, 1.6), np.float32)


def outline(p: Person) -> Floats:
    """Return the edge of the face, without hair: float32 (m, 2)."""
    w, n = p.width, p.length
    return curve(
        mirrored(
            [
                (0, -1.5),
                (0.58 * w * p.forehead, -1.36),
                (0.93 * w * p.forehead, -0.85),
                (w, -0.2),
                (0.98 * w, 0.3),
                (0.84 * w * p.jaw, 0.85 * n),
                (0.58 * w * p.jaw, 1.2 * n),
                (0.3 * w * p.chin, 1.43 * n),
                (0, 1.48 * n),
            ]
        ),
        closed=True,
    )


def relief(p: Person, look: Look, wh: tuple[int, int]) -> Floats:
    """Return the height of the face towards the viewer: float32 (H, W), in face units."""
    x = np.linspace(LEFT, RIGHT, wh[0], dtype=np.float32)[None]
    y = np.linspace(TOP, BOTTOM, wh[1], dtype=np.float32)[:, None]

    def bump(height: float, cx: float, cy: float, sx: float, sy: float) -> Floats:
        """Return a Gaussian hill, mirrored if it is off the axis."""
        rows = height * np.exp(-(((y - cy) / sy) ** 2))
        columns = np.exp(-(((x - cx) / sx) ** 2))
        return np.asarray(rows * (columns if cx == 0 else columns + np.exp(-(((x + cx) / sx) ** 2))), np.float32)

    room = 0.25 if p.hat or p.scarf else 0.8 * p.hair_volume if p.hair else 0.0
    skull = np.sqrt(np.maximum(1 - (x / (1.06 * p.width + room)) ** 2 - (y / (1.62 + room)) ** 2, 0.02))
    nw, ny, h = p.nose_width, p.nose_y, p.nose_height
    z = (
        0.95 * skull
        + bump(0.05, 0.35, -0.3, 0.4, 0.14)  # brows
        - bump(0.12, p.eye_x, 0.0, 0.24, 0.16)  # sockets
        + bump(0.17 * h, 0, ny * 0.5, nw * 0.5, ny * 0.5)  # bridge
        + bump(0.16 * h, 0, ny - 0.1, nw * 0.62, 0.13)  # tip
        + bump(0.07 * h, nw * 0.72, ny - 0.05, nw * 0.36, 0.08)  # wings
        + bump(0.06 + 0.05 * p.cheek + 0.03 * look.smile, 0.58, 0.42 - 0.04 * look.smile, 0.25, 0.2)
        + bump(0.06, 0, p.mouth_y, p.mouth_width, 0.16)
        + bump(0.06, 0, 1.33 * p.length, 0.22 * p.chin, 0.13)
        - bump(0.05, 0, p.mouth_y + 0.24, 0.24, 0.07)
        - bump(0.04 * max(-p.cheek, 0), 0.7, 0.7, 0.2, 0.3)
    )
    return np.asarray(z, np.float32)


def shading(p: Person, look: Look, unit: float, wh: tuple[int, int]) -> Floats:
    """Return the light on each pixel: float32 (3, H, W), about 1; shadows on skin are warm."""
    small = wh[0] // 3, wh[1] // 3
    z = relief(p, look, small)
    step = 3 / unit
    nx, ny = -cv2.Sobel(z, cv2.CV_32F, 1, 0, scale=1 / 8) / step, -cv2.Sobel(z, cv2.CV_32F, 0, 1, scale=1 / 8) / step
    lx, ly, lz = (c / float(np.linalg.norm(look.light)) for c in look.light)
    lambert = np.maximum((nx * lx + ny * ly + lz) / np.sqrt(nx**2 + ny**2 + 1), 0)
    light = cv2.resize(look.ambient + (1 - look.ambient) * lambert / 0.8, wh, interpolation=cv2.INTER_CUBIC)
    shadow = np.minimum(light - 1, 0)
    return np.stack([(light + warm * shadow) * tint for warm, tint in zip((0.22, 0.1, -0.1), look.tint, strict=True)])
