"""Write the report of a trained picture classifier: JSON, Markdown and plots."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.files.writing import write_bytes
from faces.image_classifier import HEAD
from faces.metrics.markdown import table
from faces.training import plots, scores
from faces.training.fitting import History
from faces.training.scores import ChoiceScore


def write(
    folder: Path,
    metadata: dict[str, Any],
    parts: Sequence[NDArray[np.bool_]],
    score: ChoiceScore,
    history: History,
    left_out: Sequence[tuple[Path, str]],
) -> None:
    """Write classifier_report.json, classifier_report.md and their plots.

    metadata: of the ONNX file.
    parts: bool (N,) masks of the training, the validation and the test part.
    """
    sizes = dict(zip(("training", "validation", "test"), (int(mask.sum()) for mask in parts), strict=True))
    content = {
        "made_with": metadata,
        "pictures": sizes,
        "test": scores.to_json([score])[HEAD],
        "epochs": len(next(iter(history.metrics.values()))),
        "best_epoch": history.best,
        "history": history.metrics,
        "left_out": [{"path": str(path), "reason": reason} for path, reason in left_out],
    }
    plots.curves(history, folder / "classifier_curves.png")
    plots.confusion(np.array(score.confusion), score.classes, folder / "classifier_confusion.png")
    text = json.dumps(content, indent=1, ensure_ascii=False)
    encoded = f"{text}\n".encode("utf-8", "backslashreplace")  # paths may not be valid Unicode
    write_bytes(folder / "classifier_report.json", encoded)
    write_bytes(folder / "classifier_report.md", _markdown(content, score).encode())


def _markdown(content: dict[str, Any], score: ChoiceScore) -> str:
    settings, sizes = content["made_with"], content["pictures"]
    columns = zip(score.classes, score.support, score.precision, score.recall, strict=True)
    rows = [(name, str(count), _percent(precision), _percent(recall)) for name, count, precision, recall in columns]
    return f"""# Classifier of {", ".join(score.classes)}

Accuracy on {score.count} pictures that it was not trained on: {score.accuracy:.1%}.

{table(("class", "pictures", "precision", "recall"), rows)}

Trained with {sizes["training"]} pictures and validated with {sizes["validation"]}. The weights are those of epoch \
{content["best_epoch"]} of {content["epochs"]}. Architecture {settings["architecture"]}, {settings["side"]} px, \
seed {settings["seed"]}.
SHA-256 of the data: {settings["data_sha256"]}.
{len(content["left_out"])} files were left out; classifier_report.json lists them.

![Curves](classifier_curves.png)
![Confusion](classifier_confusion.png)
"""


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
