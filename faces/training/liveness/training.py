"""Train the last layer of a liveness network, and measure it on people who are left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from faces import records
from faces.files.digest import digest
from faces.files.writing import write_bytes
from faces.liveness.trained import FILE, TrainedLiveness
from faces.models.engine import OnnxEngine
from faces.pipeline import Pipeline
from faces.records import Recorder
from faces.training.liveness import attempts, network, report
from faces.training.liveness.attempts import Attempts, Log
from faces.training.liveness.figures import ALLOWED, Figures, threshold_of
from faces.types import Floats

REGULARIZATION = 1e-3  # C of the logistic regression on standardized features: hundreds of them, and few people


@dataclass(frozen=True, slots=True)
class Layer:
    """A logistic regression on features. weights: float64 (D,). bias: in logits."""

    weights: NDArray[np.float64]
    bias: float

    def live(self, features: Floats) -> Floats:
        """Return how probably each is alive: float32 (N,), NaN for features that are NaN."""
        return np.asarray(1 / (1 + np.exp(-(features @ self.weights + self.bias))), np.float32)


def train(dataset: Path, output: Path, recorder: Recorder, log: Log, warn: Log) -> Figures:
    """Train on the photographs in ``real`` and in the folders beside it; write liveness.onnx and its card.

    log: called with lines about the progress.
    warn: called with a line for each photograph that is left out.

    Raises UsageError or FacesError if the photographs do not suffice, and ModelError without Silent-Face's files.
    """
    listing = attempts.find(dataset)
    trunk = network.features()
    with TemporaryDirectory() as folder:
        file = Path(folder, "features.onnx")
        write_bytes(file, trunk)
        shown = attempts.look(listing, Pipeline.load(), OnnxEngine(file), log, warn)
    hashes = [digest(path).removeprefix("sha256:") for path in shown.paths]
    recorder.data(records.Manifest.of_files(shown.paths, hashes, dataset))
    log(f"{len(shown.paths)} faces of {len(set(shown.persons.tolist()))} people; leaving out one person at a time")
    figures = measure(shown)
    layer = fit(shown, shown.judged)
    about = {"threshold": figures.threshold, "allowed_apcer": ALLOWED, "attacks": shown.attacks}
    model = output / FILE
    write_bytes(model, network.finished(trunk, layer.weights.astype(np.float32), layer.bias, about))
    TrainedLiveness(model)
    report.write(output, figures, len(listing.paths) - len(shown.paths))
    return figures


def fit(shown: Attempts, rows: NDArray[np.bool_]) -> Layer:
    """Fit a logistic regression, in which live faces and attacks count the same, to some rows (N,)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    features = scaler.fit_transform(shown.features[rows].astype(np.float64))
    learner = LogisticRegression(C=REGULARIZATION, class_weight="balanced", max_iter=1000)
    learner.fit(features, shown.live[rows])
    weights = learner.coef_[0] / scaler.scale_
    return Layer(weights, float(learner.intercept_[0] - weights @ scaler.mean_))


def left_out(shown: Attempts, rows: NDArray[np.bool_]) -> Floats:
    """Judge each person of some rows by a layer fitted to the others: float32 (N,); NaN for other rows."""
    live = np.full(len(shown.paths), np.nan, np.float32)
    for person in np.unique(shown.persons[rows]):
        of = rows & (shown.persons == person)
        live[of] = fit(shown, rows & ~of).live(shown.features[of])
    return live


def measure(shown: Attempts) -> Figures:
    """Judge each person by the others.

    Neither the layer nor the threshold by which somebody is judged knows that person: the threshold comes from the
    others, left out one at a time.
    """
    live = left_out(shown, shown.judged)
    thresholds = np.full(len(live), np.nan)
    for person in np.unique(shown.persons):
        of = shown.persons == person
        others = left_out(shown, shown.judged & ~of)
        thresholds[of] = threshold_of(others, shown.kinds)
    return Figures(shown.kinds, shown.persons, live, thresholds, threshold_of(live, shown.kinds))
