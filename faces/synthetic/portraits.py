"""Draw a person who does not exist, so that the sample data set shows nobody's face.

A face is drawn from the front in *face units*: the origin is between the eyes, x to the image's right, y down; 1 is
half the width of an average head. ``draw_person`` paints flat colours, then lights them as a Lambert surface over a
relief (skull, brow, nose, cheeks, lips). ``scenes`` turns, tilts and places the drawing in a picture.
"""

from __future__ import annotations

import numpy as np

from faces.synthetic.features import draw_brows, draw_eyes, draw_glints, draw_mouth, draw_nose, draw_skin
from faces.synthetic.hair import draw_back_hair, draw_beard, draw_front_hair, draw_glasses, draw_headwear
from faces.synthetic.people import Look, Person
from faces.synthetic.sheet import Sheet, colour, curve, ellipse, outline, shading, strands
from faces.types import Floats, Image


def draw_person(p: Person, look: Look, unit: float) -> Image:
    """Draw a person from the front, head and shoulders: uint8 (H, W, 4), BGR premultiplied by alpha, and alpha.

    unit: px per face unit. The point between the eyes is at ``(-LEFT * unit, -TOP * unit)``.
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


def draw_body(s: Sheet, p: Person, look: Look, skin: Floats) -> None:
    """Draw neck, shoulders and a shirt."""
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
