"""Draw what is in a drawn face: skin, eyes, nose, mouth and brows."""

from __future__ import annotations

import numpy as np

from faces.synthetic.people import Look, Person
from faces.synthetic.sheet import Sheet, colour, curve, ellipse
from faces.types import Floats


def draw_skin(s: Sheet, p: Person, look: Look, skin: Floats, face: Floats) -> None:
    """Draw blush, freckles and wrinkles."""
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
    """Draw both eyes: white, iris, lids."""
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
    """Draw the reflections of the lamp in the eyes, on the nose and on the lower lip."""
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
    """Draw nostrils, wings and the shadow below; the bridge is in the relief."""
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
    """Draw lips, and teeth if the mouth is open."""
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
    """Draw two brows, thick inside and thin outside."""
    y, a, k = p.brow_y - look.brows, p.brow_arch, p.brow_tilt
    inner, outer, mid = p.eye_x - p.eye_width * 1.15, p.eye_x + p.eye_width * 1.35, p.eye_x + 0.03
    for side in (-1, 1):
        spine = curve([(side * inner, y + k * 0.5), (side * mid, y - a), (side * outer, y + 0.06 - k)])
        taper = np.linspace(1, 0.25, len(spine), dtype=np.float32) * p.brow_thick
        half = np.stack([0 * taper, taper], 1)
        s.paint(np.vstack([spine - half, (spine + half)[::-1]]), colour(p.brow), 0.85, 0.02)
