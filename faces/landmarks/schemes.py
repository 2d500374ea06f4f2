"""Smaller sets of landmarks, taken from the mesh: the 68 points of iBUG, and the 27 of the Face API.

A landmark is the mean of vertices of the mesh. Its vertices are those that lie where the landmark is defined: corners,
tips and edges that the mesh has itself; evenly spaced ones along a brow, the bridge of the nose and an eyelid. The 17
points of the contour are approximate: the mesh's edge is not the jaw, which iBUG's contour follows.
"""

from __future__ import annotations

import numpy as np

from faces.landmarks.mesh import Meshes
from faces.types import Floats

# Sagonas et al., 300 Faces in-the-Wild, ICCV Workshops 2013: contour, brows, nose, eyes, outer and inner lips.
IBUG68: tuple[tuple[int, ...], ...] = (
    *((127,), (234,), (93,), (58, 132), (58, 172), (136,), (150,), (176,), (152,)),
    *((400,), (379,), (365,), (288, 397), (288, 361), (323,), (454,), (356,)),
    *((46, 70), (53, 63), (52, 65, 66, 105), (55, 65, 66, 107), (55, 107)),
    *((285, 336), (285, 295, 296, 336), (282, 295, 296, 334), (283, 293), (276, 300)),
    *((6, 168), (197,), (5, 195), (4,)),
    *((75,), (97,), (2,), (326,), (305,)),
    *((33,), (159, 160), (157, 158), (133,), (153,), (144,)),
    *((362,), (384, 385), (386, 387), (263,), (373,), (380,)),
    *((61,), (39,), (37,), (0,), (267,), (269,), (291,)),
    *((321, 405), (314,), (17,), (84,), (91, 181)),
    *((78,), (82,), (13,), (312,), (308,), (317,), (14,), (87,)),
)
CONTOUR = slice(0, 17)  # of the 68, approximate

RIGHT_LIDS = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_LIDS = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
FACE_API: dict[str, tuple[int, ...]] = {  # left is the image's left, as in the API: the subject's right
    "pupilLeft": RIGHT_LIDS,  # the middle of the opening: the mesh has no iris
    "pupilRight": LEFT_LIDS,
    "noseTip": (4,),
    "mouthLeft": (61,),
    "mouthRight": (291,),
    "eyebrowLeftOuter": (46, 70),
    "eyebrowLeftInner": (55, 107),
    "eyeLeftOuter": (33,),
    "eyeLeftTop": (159,),
    "eyeLeftBottom": (145,),
    "eyeLeftInner": (133,),
    "eyebrowRightInner": (285, 336),
    "eyebrowRightOuter": (276, 300),
    "eyeRightInner": (362,),
    "eyeRightTop": (386,),
    "eyeRightBottom": (374,),
    "eyeRightOuter": (263,),
    "noseRootLeft": (193,),
    "noseRootRight": (417,),
    "noseLeftAlarTop": (198,),
    "noseRightAlarTop": (420,),
    "noseLeftAlarOutTip": (129,),
    "noseRightAlarOutTip": (358,),
    "upperLipTop": (0,),
    "upperLipBottom": (13,),
    "underLipTop": (14,),
    "underLipBottom": (17,),
}


def ibug68(meshes: Meshes) -> Floats:
    """Return the 68 points of N >= 0 faces in iBUG's order: float32 (N, 68, 2), px of the image; NaN if unknown."""
    return _means(meshes, IBUG68)


def face_api(meshes: Meshes) -> Floats:
    """Return the Face API's 27 landmarks of N >= 0 faces: float32 (N, 27, 2), px of the image; NaN if unknown.

    They are in the order of ``FACE_API``.
    """
    return _means(meshes, tuple(FACE_API.values()))


def _means(meshes: Meshes, vertices: tuple[tuple[int, ...], ...]) -> Floats:
    flat = meshes.points[:, :, :2]
    return np.stack([flat[:, each].mean(axis=1) for each in vertices], axis=1)
