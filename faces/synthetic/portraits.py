"""People who do not exist, drawn by a program: the sample data set has nobody's face in it.

A face is drawn from the front in *face units*: the origin is between the eyes, x to the image's right, y down, and 1 is
half the width of an average head. ``draw_person`` paints flat colours first, then lights them as a Lambert surface over
a small relief (skull, brow, nose, cheeks, lips). Turning, tilting and placing it in a picture is ``synthetic_scene``'s.
"""

from __future__ import annotations

import numpy as np

from faces.synthetic.people import Look, Person
from faces.synthetic.sheet import Sheet, colour, curve, ellipse, mirrored, outline, shading, strands
from faces.types import Floats, Image


def draw_person(p: Person, look: Look, unit: float) -> Image:
    """Somebody from the front, head and shoulders.

    Returns uint8 (H, W, 4), BGR multiplied by alpha, and alpha; ``unit`` pixels to a face unit,
    the point between the eyes at ``(-LEFT * unit, -TOP * unit)``.
    """
    s = Sheet(unit)
    skin = colour(p.skin)
    edge = outline(p)
    hair = colour(p.hair)[:, None, None] * strands(p.seed, s.wh, p.curl, unit) if p.hair else None
    if hair is not None and not p.scarf:
        draw_back_hair(s, p, hair)
    draw_body(s, p, look, skin)
    for side in (-1, 1) if p.hair_length < 0.6 or not p.hair else ():
        s.paint(ellipse(side * 1.02 * p.width, 0.22, 0.13, 0.3), skin * 0.9, solid=True)
        s.paint(ellipse(side * 1.04 * p.width, 0.2, 0.06, 0.17), skin * 0.7, 0.6, 0.03)
    s.paint(edge, skin, solid=True)
    face = s.whole(edge)
    draw_skin(s, p, look, skin, face)
    draw_eyes(s, p, look, skin)
    draw_nose(s, p, skin)
    if p.beard:
        draw_beard(s, p, edge)
    draw_mouth(s, p, look)
    draw_brows(s, p, look)
    if hair is not None and not p.scarf:
        draw_front_hair(s, p, hair)
    if p.hat or p.scarf:
        draw_headwear(s, p, face)
    s.bgr *= shading(p, look, unit, s.wh)
    draw_glints(s, p, look)
    if p.glasses:
        draw_glasses(s, p)
    layers = np.concatenate([s.bgr.clip(0, 255) * s.alpha, s.alpha[None] * 255])
    return np.ascontiguousarray(layers.transpose(1, 2, 0), np.uint8)


def draw_back_hair(s: Sheet, p: Person, hair: Floats) -> None:
    """What of the hair is behind the head."""
    v, w, low = p.hair_volume, p.width, p.hair_length
    half = [(0, -1.5 - v), (0.6 * w + v * 0.7, -1.35 - v * 0.7), (w + v, -0.8), (1.04 * w + v, -0.1)]
    if low > 0.3:
        half += [(1.05 * w + v * (1.1 + 0.15 * low), 0.55 * low), (w + v, low), (0.5, low + 0.1)]
    shape = curve(mirrored([*half, (0, max(low, 0.2))]), closed=True)
    if p.curl > 0.3:
        t = np.arange(len(shape))[:, None]
        shape = shape * (1 + 0.025 * p.curl * np.sin(t * 1.9 + p.seed)).astype(np.float32)
    s.paint(shape, hair * 0.72, blur=0.015 + 0.02 * p.curl, solid=True)


def draw_body(s: Sheet, p: Person, look: Look, skin: Floats) -> None:
    """Neck, shoulders and a shirt."""
    w = 0.6 * p.width * (0.55 + 0.45 * p.jaw)
    s.paint(
        curve([(-w, 0.9), (w, 0.9), (w * 1.02, 1.7), (0.6, 2.35), (-0.6, 2.35), (-w * 1.02, 1.7)], True),
        skin * 0.86,
        solid=True,
    )
    cloth = colour(look.shirt or p.shirt)
    body = curve(
        [
            (-2.3, 3.5),
            (-2.25, 2.7),
            (-1.7, 2.2),
            (-0.8, 1.93),
            (-0.55, 1.8),
            (-0.3, 2.2),
            (0, 2.3),
            (0.3, 2.2),
            (0.55, 1.8),
            (0.8, 1.93),
            (1.7, 2.2),
            (2.25, 2.7),
            (2.3, 3.5),
        ]
    )
    s.paint(body, cloth, solid=True)
    s.paint(body[24:73], cloth * 0.7, 0.8, 0.01, 0.06)
    s.paint(ellipse(0, 1.55 * p.length, 0.6 * p.width, 0.3), colour("#30140c"), 0.45, 0.12, within=s.alpha)


def draw_skin(s: Sheet, p: Person, look: Look, skin: Floats, face: Floats) -> None:
    """Blush, freckles and the lines of age."""
    for side in (-1, 1):
        s.paint(ellipse(side * 0.58, 0.45, 0.26, 0.2), colour("#d04838"), 0.22 * p.blush, 0.12, within=face)
        s.paint(ellipse(side * p.eye_x, 0.16, 0.2, 0.06), skin * 0.6, 0.15 + 0.4 * p.age, 0.05)
        fold = 0.12 + 0.6 * p.age + 0.25 * max(look.smile, 0)
        nose, mouth = p.nose_width + 0.05, p.mouth_width + 0.14
        line = curve(
            [(side * nose, p.nose_y - 0.08), (side * (mouth - 0.04), p.nose_y + 0.14), (side * mouth, p.mouth_y)]
        )
        s.paint(line, skin * 0.55, min(fold, 0.8), 0.018, 0.035)
    if p.age > 0.2:
        for y in (-0.62, -0.75, -0.88):
            line = curve([(-0.5, y + 0.04), (-0.2, y), (0.2, y), (0.5, y + 0.04)])
            s.paint(line, skin * 0.55, 0.55 * p.age, 0.012, 0.025)
        for side in (-1, 1):
            for dy in (-0.06, 0.02, 0.1):
                x = side * (p.eye_x + p.eye_width)
                s.paint(
                    curve([(x + side * 0.06, dy * 0.5), (x + side * 0.22, dy)]), skin * 0.55, 0.6 * p.age, 0.01, 0.02
                )
    if p.freckles:
        rng = np.random.default_rng(p.seed)
        for x, y in rng.normal((0, 0.32), (0.42, 0.16), (int(90 * p.freckles), 2)):
            s.paint(ellipse(x, y, 0.016, 0.016), colour("#90502c"), 0.55, 0.008, within=face)


def draw_eyes(s: Sheet, p: Person, look: Look, skin: Floats) -> None:
    """Both eyes: white, iris, lids."""
    t = np.linspace(0, 1, 12)
    up = p.eye_open * look.eyes * 1.1
    low = p.eye_open * (0.75 - 0.25 * max(look.smile, 0)) * min(look.eyes, 1)
    for side in (-1, 1):
        x = side * (p.eye_x + p.eye_width * (2 * t - 1))
        tilt = -p.eye_tilt * p.eye_width * (2 * t - 1)
        arch = np.sin(np.pi * t**0.9)
        lid = np.stack([x, tilt - up * arch], 1, dtype=np.float32)
        under = np.stack([x, tilt + low * np.sin(np.pi * t)], 1, dtype=np.float32)
        eye = np.vstack([lid, under[::-1]])
        if p.eyeshadow:
            s.paint(eye + np.array([0, -0.07], np.float32), colour(p.eyeshadow), 0.6, 0.05)
        s.paint(eye, colour("#ece6e2"), blur=0.006)
        inside = s.whole(eye, 0.006)
        r = 0.088
        gx, gy = side * p.eye_x + 0.05 * look.gaze[0], 0.03 * look.gaze[1] - 0.012
        s.paint(ellipse(gx, gy, r, r), colour(p.iris, 0.55), within=inside)
        s.paint(ellipse(gx, gy + 0.01, r * 0.8, r * 0.8), colour(p.iris, 1.15), blur=0.015, within=inside)
        s.paint(ellipse(gx, gy, r * 0.42, r * 0.42), colour("#100c0a"), within=inside)
        s.paint(lid, colour("#281810"), 0.55, 0.03, 0.05, within=inside)
        s.paint(lid, colour("#201410"), 0.55 + 0.45 * p.liner, 0.006, 0.025 + 0.03 * p.liner)
        s.paint(under, skin * 0.45, 0.35 + 0.4 * p.liner, 0.008, 0.016)
        s.paint(lid + np.stack([0 * t, -0.075 * arch - 0.01], 1), skin * 0.5, p.crease * 0.8, 0.012, 0.025)
        s.paint(
            ellipse(side * (p.eye_x - p.eye_width), p.eye_tilt * p.eye_width, 0.022, 0.018),
            colour("#b86a60"),
            0.7,
            0.008,
        )


def draw_glints(s: Sheet, p: Person, look: Look) -> None:
    """The lamp in the eyes, and on the nose and the lower lip."""
    dx, dy = 0.03 * np.sign(look.light[0]), -0.035
    for side in (-1, 1):
        s.paint(
            ellipse(side * p.eye_x + 0.05 * look.gaze[0] + dx, dy, 0.02, 0.02),
            colour("#ffffff"),
            0.9 * min(look.eyes, 1),
            0.004,
        )
    s.paint(ellipse(dx, p.nose_y - 0.14, 0.04, 0.05), colour("#ffffff"), 0.16, 0.03)
    s.paint(ellipse(dx, p.mouth_y + 0.55 * p.lips, 0.1, 0.02), colour("#ffffff"), 0.2, 0.02)


def draw_nose(s: Sheet, p: Person, skin: Floats) -> None:
    """Nostrils, wings and the shadow below; the bridge is in the relief."""
    w, y = p.nose_width, p.nose_y
    s.paint(ellipse(0, y + 0.03, w * 0.9, 0.05), skin * 0.55, 0.55, 0.04)
    for side in (-1, 1):
        s.paint(ellipse(side * w * 0.48, y - 0.015, w * 0.24, 0.028), skin * 0.22, 0.85, 0.012)
        wing = curve([(side * w * 0.9, y - 0.16), (side * w * 1.1, y - 0.07), (side * w * 0.95, y + 0.01)])
        s.paint(wing, skin * 0.5, 0.6, 0.015, 0.03)
        s.paint(
            curve([(side * 0.13, -0.2), (side * 0.1, 0.05), (side * w * 0.55, y - 0.2)]), skin * 0.6, 0.22, 0.03, 0.05
        )


def draw_mouth(s: Sheet, p: Person, look: Look) -> None:
    """Lips, and teeth where the mouth is open."""
    smile = look.smile
    w, y = p.mouth_width * (1 + 0.2 * smile), p.mouth_y
    corner = y - 0.12 * smile
    gap = 0.13 * look.mouth
    top, low = p.lips * (1 - 0.2 * max(smile, 0)), p.lips * (1.25 - 0.2 * max(smile, 0))
    upper = [
        (-w, corner),
        (-0.5 * w, y - 0.62 * top - 0.03 * smile),
        (-0.17 * w, y - top),
        (0, y - 0.78 * top),
        (0.17 * w, y - top),
        (0.5 * w, y - 0.62 * top - 0.03 * smile),
        (w, corner),
    ]
    line = [(w, corner), (0.5 * w, y + 0.02 * smile), (0, y + 0.03), (-0.5 * w, y + 0.02 * smile), (-w, corner)]
    lower = [
        (-w, corner),
        (-0.55 * w, y + gap + 0.75 * low),
        (0, y + gap + low),
        (0.55 * w, y + gap + 0.75 * low),
        (w, corner),
    ]
    opening = [
        (-w * 0.9, corner + 0.01),
        (-0.45 * w, y + gap),
        (0, y + gap + 0.03),
        (0.45 * w, y + gap),
        (w * 0.9, corner + 0.01),
    ]
    lip = colour(p.lip)
    s.paint(np.vstack([curve(lower), curve(line)]), lip, 0.92, 0.012)
    s.paint(np.vstack([curve(upper), curve(line)]), lip * 0.82, 0.92, 0.012)
    if look.mouth > 0.05:
        mouth = np.vstack([curve(opening), curve(line)])
        s.paint(mouth, colour("#3a1414"), blur=0.008)
        s.paint(
            ellipse(0, y + 0.02, 0.72 * w, 0.03 + 0.5 * gap),
            colour("#f0e8dc"),
            0.95,
            0.01,
            within=s.whole(mouth, 0.008),
        )
    s.paint(curve(line), lip * 0.4, 0.8, 0.008, 0.024)
    s.paint(ellipse(0, y + gap + low + 0.08, 0.6 * w, 0.04), lip * 0.4, 0.16, 0.04)


def draw_brows(s: Sheet, p: Person, look: Look) -> None:
    """Two brows, thick inside and thin outside."""
    y, a, k = p.brow_y - look.brows, p.brow_arch, p.brow_tilt
    inner, outer, mid = p.eye_x - p.eye_width * 1.15, p.eye_x + p.eye_width * 1.35, p.eye_x + 0.03
    for side in (-1, 1):
        spine = curve([(side * inner, y + k * 0.5), (side * mid, y - a), (side * outer, y + 0.06 - k)])
        taper = np.linspace(1, 0.25, len(spine), dtype=np.float32) * p.brow_thick
        half = np.stack([0 * taper, taper], 1)
        s.paint(np.vstack([spine - half, (spine + half)[::-1]]), colour(p.brow), 0.85, 0.02)


def draw_beard(s: Sheet, p: Person, edge: Floats) -> None:
    """Beard along the jaw, and a moustache."""
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


def draw_front_hair(s: Sheet, p: Person, hair: Floats) -> None:
    """What of the hair is in front of the head, down to the hairline."""
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


def draw_headwear(s: Sheet, p: Person, skin_shown: Floats) -> None:
    """A knitted hat, or a scarf around the head."""
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
    """Frames, bridge and temples."""
    ink = colour(p.glasses)
    for side in (-1, 1):
        rim = ellipse(
            side * (p.eye_x + 0.02), 0.05, 0.31, 0.27 if p.glasses_round else 0.22, 2.0 if p.glasses_round else 4.0
        )
        s.paint(rim, colour("#ffffff"), 0.05)
        s.paint(np.vstack([rim, rim[:2]]), ink, 0.95, 0.006, 0.045)
        s.paint(curve([(side * (p.eye_x + 0.33), 0.0), (side * 1.02 * p.width, -0.05)]), ink, 0.9, 0.006, 0.045)
    s.paint(curve([(-p.eye_x + 0.28, 0.0), (0, -0.06), (p.eye_x - 0.28, 0.0)]), ink, 0.95, 0.006, 0.045)
