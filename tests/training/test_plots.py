"""Pictures of a training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faces.images import read_image
from faces.training import plots
from faces.training.fitting import History

pytest.importorskip("matplotlib", reason="Matplotlib is not installed: pip install 'recognize-faces[train]'")
pytestmark = pytest.mark.training


@pytest.mark.parametrize("names", [["loss"], ["loss", "accuracy"], [f"metric_{index}" for index in range(7)]])
def test_curves(tmp_path: Path, names: list[str]) -> None:
    metrics = {key: [1.0, 0.5, 0.7] for name in names for key in (name, f"val_{name}")}
    plots.curves(History(metrics, 2), tmp_path / "curves.png")
    image = read_image(tmp_path / "curves.png")
    assert image.shape[0] == 320 * -(-len(names) // 3)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 10


def test_a_metric_without_validation(tmp_path: Path) -> None:
    plots.curves(History({"loss": [1.0]}, 1), tmp_path / "curves.png")
    assert read_image(tmp_path / "curves.png").size


@pytest.mark.parametrize("classes", [2, 7])
def test_a_confusion_matrix(tmp_path: Path, classes: int) -> None:
    right = np.diag(np.full(classes, 9))
    names = [f"class {index}" for index in range(classes)]
    plots.confusion(right, names, tmp_path / "good.png")
    plots.confusion(right * 0, names, tmp_path / "empty.png")
    odd = ["Ren\udce9", "$x^$", *names[2:]]  # folders' names may be any bytes
    plots.confusion(right, odd, tmp_path / "odd.png")
    good, empty = (read_image(tmp_path / f"{name}.png").astype(int) for name in ("good", "empty"))
    assert good.shape == empty.shape
    assert good.mean() < empty.mean()  # darker where there is something
