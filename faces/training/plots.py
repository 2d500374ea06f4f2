"""Plot training curves and confusion matrices."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.files.writing import write_bytes
from faces.metrics.wording import shown
from faces.training import backend
from faces.training.fitting import History


def curves(history: History, path: Path) -> None:
    """Write a PNG with one panel per metric: training and validation by epoch, and the best epoch."""
    names = [name for name in history.metrics if not name.startswith("val_")]
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure = _figure(4.2 * columns, 3.2 * rows)
    for index, name in enumerate(names):
        panel = figure.add_subplot(rows, columns, index + 1, title=name.replace("_", " "), xlabel="epoch")
        for label, key in (("training", name), ("validation", f"val_{name}")):
            values = history.metrics.get(key, [])
            panel.plot(range(1, len(values) + 1), values, label=label, marker=".")
        panel.axvline(history.best, color="grey", linestyle=":", label="kept")
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.grid(alpha=0.3)
        panel.legend()
    _save(figure, path)


def distillation(curve: Sequence[Mapping[str, float]], path: Path) -> None:
    """Write a PNG of a distillation: the loss and the figures on the held-out faces, by the number of faces trained on.

    curve: the checks of ``Distillation.curve``.
    """
    figure = _figure(8.4, 3.2)
    thousands = [check["faces"] / 1000 for check in curve]
    for index, part in enumerate(("loss", "explained", "agreement")):
        panel = figure.add_subplot(1, 3, index + 1, title=part, xlabel="thousands of faces")
        for name in (name for name in curve[0] if name.endswith(part)):
            panel.plot(thousands, [check[name] for check in curve], label=name.removesuffix(part) or name, marker=".")
        panel.grid(alpha=0.3)
        panel.legend()
    _save(figure, path)


def confusion(matrix: NDArray[np.integer[Any]], classes: Sequence[str], path: Path) -> None:
    """Write a PNG of a confusion matrix.

    matrix: int (C, C), one row per true class, one column per predicted class.
    """
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = 2.2 + 0.8 * len(classes)
    figure = _figure(side + 0.6, side)
    panel = figure.add_subplot(xlabel="predicted", ylabel="true")
    panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    slanted = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if len(classes) > 2 else {}
    names = [shown(name) for name in classes]
    panel.set_xticks(range(len(classes)), names, parse_math=False, **slanted)  # a dollar sign is one
    panel.set_yticks(range(len(classes)), names, parse_math=False)
    for row, column in np.ndindex(*matrix.shape):
        color = "white" if shares[row, column] > 0.5 else "black"
        text = f"{matrix[row, column]}\n{shares[row, column]:.0%}"
        panel.text(column, row, text, ha="center", va="center", color=color)
    _save(figure, path)


def _figure(width: float, height: float) -> Any:
    """Create a figure, sizes in inches; without pyplot, which would look for a screen."""
    return backend.require("matplotlib.figure").Figure((width, height), layout="constrained")


def _save(figure: Any, path: Path) -> None:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
    write_bytes(path, file.getvalue())
