"""Draw what is around a drawn face: hair, beard, headwear and glasses."""

from __future__ import annotations

import numpy as np

from faces.synthetic.people import Person
from faces.synthetic.sheet import Sheet, colour, curve, ellipse, mirrored, strands
from faces.types import Floats


def draw_back_hair(s: Sheet, p: Person, hair: Floats) -> None:
    """Draw the hair behind the head."""
    v, w, low = p.hair_volume, p.width, p.hair_length
    half = [(0, -1.5 - v), (0.6 * w + v * 0.7, -1.35 - v * 0.7), (w + v, -0.8), (1.04 * w + v, -0.1)]
    if low > 0.3:
        half += [(1.05 * w + v * (1.1 + 0.15 * low), 0.55 * low), (w + v, low), (0.5, low + 0.1)]
    shape = curve(mirrored([*half, (0, max(low, 0.2))]), closed=True)
    if p.curl > 0.3:
        t = np.arange(len(shape))[:, None]
        shape = shape * (1 + 0.025 * p.curl * np.sin(t * 1.9 + p.seed)).astype(np.float32)
    s.paint(shape, hair * 0.72, blur=0.015 + 0.02 * p.curl, solid=True)


def draw_front_hair(s: Sheet, p: Person, hair: Floats) -> None:
    """Draw the hair in front of the head, down to the hairline."""
    v, w = p.hair_volume, p.width
    side = 0.15 if p.hair_length < 0.6 else min(p.hair_length, 1.3)
    tip = w * (0.99 if p.hair_length < 0.6 else 0.9)
    rise = [
        (tip, side),
        (1.02 * w + v * 0.6, min(side, 0.0)),
        (w + v * 0.9, -0.8),
        (0.6 * w + v * 0.6, -1.35 - v * 0.7),
    ]
    over = [*rise, (0, -1.5 - v), *((-x, y) for x, y in reversed(rise))]
    line = [(x * w, y) for x, y in zip((-0.84, -0.45, 0.0, 0.45, 0.84), p.hairline, strict=True)]
    inside = [(-0.93 * w, -0.15), *line, (0.93 * w, -0.15)]
    shape = curve([*over, *inside], closed=True)
    s.paint(shape, hair * np.float32(0.25), 0.35, 0.06, within=s.alpha)
    s.paint(shape, hair, blur=0.015 + 0.02 * p.curl, solid=True)
    shine = curve([(-0.7 * w, -1.0), (-0.3 * w, -1.3 - v * 0.5), (0.3 * w, -1.32 - v * 0.5), (0.7 * w, -1.0)])
    s.paint(shine, colour("#ffffff"), 0.12, 0.09, 0.16, within=s.whole(shape))


def draw_beard(s: Sheet, p: Person, edge: Floats) -> None:
    """Draw a beard along the jaw, and a moustache."""
    hair = colour(p.beard)[:, None, None] * strands(p.seed + 1, s.wh, 0.7, s.unit)
    jaw = edge[edge[:, 1] > p.beard_top - 0.3]
    jaw = jaw[np.argsort(np.arctan2(jaw[:, 0], jaw[:, 1]))] * np.array(
        [1 + 0.2 * p.beard_length, 1 + 0.9 * p.beard_length], np.float32
    )
    m, w, t = p.mouth_y, p.mouth_width, p.beard_top
    half = [(0.8 * p.width, t - 0.3), (0.62, t + 0.06), (w + 0.12, max(t, m - 0.1)), (w * 0.75, m + 0.2)]
    inner = curve([*half, (0, m + 0.2), *((-x, y) for x, y in reversed(half))])
    s.paint(np.vstack([jaw, inner]), hair, p.beard_density, 0.04, solid=p.beard_length > 0.05)
    s.paint(ellipse(0, m + 0.2, 0.12, 0.1), hair, p.beard_density, 0.03)
    if p.moustache:
        n = p.nose_y
        half = [
            (0, n + 0.08),
            (0.2, n + 0.08),
            (w + 0.1, m - 0.02),
            (w + 0.08, m + 0.1),
            (w * 0.75, m - 0.05),
            (0, m - 0.08),
        ]
        s.paint(curve(mirrored(half), closed=True), hair, p.moustache, 0.025)


def draw_headwear(s: Sheet, p: Person, skin_shown: Floats) -> None:
    """Draw a knitted hat, or a headscarf."""
    w = p.width
    if p.hat:
        half = [(0, -1.85), (0.65 * w, -1.68), (1.05 * w, -1.1), (1.1 * w, -0.62), (0, -0.72)]
        cap = curve(mirrored(half), closed=True)
        s.paint(cap, colour(p.hat), solid=True)
        band = curve([(-1.1 * w, -0.7), (-0.5 * w, -0.82), (0, -0.85), (0.5 * w, -0.82), (1.1 * w, -0.7)])
        s.paint(band, colour(p.hat, 0.8), blur=0.01, stroke=0.26, solid=True)
    if p.scarf:
        outer = curve(
            mirrored(
                [(0, -1.72), (0.8 * w, -1.5), (1.2 * w, -0.8), (1.25 * w, 0.3), (1.1 * w, 1.3), (1.2, 2.2), (0, 2.6)]
            ),
            True,
        )
        face = curve(
            mirrored(
                [
                    (0, -0.85),
                    (0.5 * w, -0.72),
                    (0.86 * w, -0.2),
                    (0.87 * w, 0.4),
                    (0.62 * w, 1.12),
                    (0.2, 1.36 * p.length),
                    (0, 1.38 * p.length),
                ]
            ),
            True,
        )
        cloth = s.whole(outer) * (1 - s.whole(face) * skin_shown)
        s.paint(outer, colour(p.scarf), within=cloth, solid=True)
        for k in (1.06, 1.16, 1.26):
            s.paint(np.vstack([face, face[:1]]) * np.float32(k), colour(p.scarf, 0.65), 0.5, 0.02, 0.03, within=cloth)
        s.paint(np.vstack([face, face[:1]]), colour("#301810"), 0.5, 0.03, 0.04)


def draw_glasses(s: Sheet, p: Person) -> None:
    """Draw frames, bridge and temples."""
    ink = colour(p.glasses)
    for side in (-1, 1):
        rim = ellipse(
            side * (p.eye_x + 0.02), 0.05, 0.31, 0.27 if p.glasses_round else 0.22, 2.0 if p.glasses_round else 4.0
        )
        s.paint(rim, colour("#ffffff"), 0.05)
        s.paint(np.vstack([rim, rim[:2]]), ink, 0.95, 0.006, 0.045)
        s.paint(curve([(side * (p.eye_x + 0.33), 0.0), (side * 1.02 * p.width, -0.05)]), ink, 0.9, 0.006, 0.045)
    s.paint(curve([(-p.eye_x + 0.28, 0.0), (0, -0.06), (p.eye_x - 0.28, 0.0)]), ink, 0.95, 0.006, 0.045)
