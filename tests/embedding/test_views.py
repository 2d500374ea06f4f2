"""Views: what is seen of a crop, and where."""

from __future__ import annotations

import numpy as np
import pytest

from faces.embedding.views import BEST, MIRRORED, PLAIN, View
from faces.types import Image
from tests.fakes import noise, smooth

SIDE = 60


def crops(count: int = 2) -> Image:
    """Smooth pictures, so that a shift of a pixel is seen and interpolation is not."""
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.stack([smooth(x + 40 * k, y) for k in range(count)]).astype(np.uint8)


def test_a_plain_view_is_the_crop() -> None:
    one = noise(SIDE, SIDE)[None]
    assert np.array_equal(View().of(one), one)
    assert np.array_equal(View(mirror=True).of(one), one[:, :, ::-1])


@pytest.mark.parametrize("scale", [0.8, 0.9])
def test_a_closer_view_is_about_the_middle(scale: float) -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    middle = (SIDE - 1) / 2
    expected = smooth(middle + scale * (x - middle), middle + scale * (y - middle))
    assert np.abs(View(scale).of(crops(1))[0] - expected).max() < 2
    assert np.abs(View(scale, mirror=True).of(crops(1))[0] - expected[:, ::-1]).max() < 2


def test_a_farther_view_goes_on_with_the_border() -> None:
    framed = np.full((1, SIDE, SIDE, 3), 50, np.uint8)
    framed[:, 10:-10, 10:-10] = 200
    seen = View(1.5).of(framed)[0, :, :, 0]
    assert (seen[0] == 50).all() and (seen[:, 0] == 50).all()
    assert 0.3 < (seen == 200).mean() / (framed == 200).mean() < 0.6  # 1 / 1.5^2


def test_views_of_none_and_of_some() -> None:
    for view in {*PLAIN.views, *MIRRORED.views, *BEST.views}:
        assert view.of(crops()[:0]).shape == (0, SIDE, SIDE, 3)
        both = view.of(crops())
        assert both.shape == (2, SIDE, SIDE, 3) and both.dtype == np.uint8
        assert np.array_equal(both[1:], view.of(crops()[1:]))


def test_every_view_is_another_and_half_of_them_are_mirrored() -> None:
    for views in (MIRRORED, BEST):
        assert len(set(views.views)) == len(views.views) == 2 * sum(view.mirror for view in views.views)
