"""The data of the shipped expression network, and how good it is: python -m benchmarks.expressions COMMAND

data: unpacks ../shared/data/expressions into a folder, and writes two tables of votes: train.csv (FER+ train, and four
    fifths of ExpW, by picture) and judged.csv (FER+ validation, and the last fifth of ExpW).
judge: measures a model on judged.csv, with crops as the product cuts them.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.photographs import DATA
from faces.attributes.model import AttributeModel
from faces.attributes.predictor import FOLDER
from faces.attributes.registry import ATTRIBUTES
from faces.cli import running, text
from faces.files.digest import digest
from faces.metrics.intervals import wilson
from faces.metrics.wording import percent
from faces.training.data import face_crops
from faces.training.data.votes import read_votes
from faces.training.progress import log_every
from faces.types import Floats

CLASSES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
EXPW_VOTES, EXPW_OTHER_VOTES = 7, 0.5  # for the class of a folder, and for each of the six others: labels are noisy
JUDGED = 5  # one picture of ExpW in so many is judged
AGREED = 0.5  # share of the votes: at least five of ten people
BINS = 15  # of the expected calibration error


def data(args: argparse.Namespace) -> None:
    folder = args.folder
    folder.mkdir(parents=True, exist_ok=True)
    source = DATA / "expressions"
    for part in ("train", "valid"):
        with zipfile.ZipFile(source / f"ferplus_{part}.zip") as archive:
            archive.extractall(folder)
    with (source / "ferplus.csv").open(encoding="utf-8") as lines:
        rows = list(csv.reader(lines))[1:]
    tables = {part: [row for row in rows if row[0].startswith(f"{part}/")] for part in ("train", "valid")}
    folders = {path.name for path in (source / "expw").iterdir()}
    for path in sorted((source / "expw").glob("*/*.jpg")):
        votes = [EXPW_VOTES if name == path.parent.name else EXPW_OTHER_VOTES * (name in folders) for name in CLASSES]
        tables["valid" if is_judged(path) else "train"].append([str(path.resolve()), *map(str, votes)])
    for name, part in (("train.csv", "train"), ("judged.csv", "valid")):
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("path", *CLASSES), *tables[part]])
        print(f"{folder / name}: {len(tables[part]):,} faces")


def is_judged(path: Path) -> bool:
    """By the picture: its faces differ in the last number of their names."""
    picture = re.sub(r"_\d+$", "", path.stem)
    return hashlib.sha256(picture.encode()).digest()[0] % JUDGED == 0


def judge(args: argparse.Namespace) -> None:
    judged = read_votes(args.folder / "judged.csv", "emotion")
    key = digest(args.folder / "judged.csv")
    progress = log_every(1000, len(judged), "faces cut", print)
    crops = face_crops.cut_faces(judged.paths, args.folder / "judged.npz", key, progress)
    model = AttributeModel(args.model)
    [head] = model.heads
    answers = model.answer(crops.images, crops.embeddings)["emotion"]
    columns = [judged.classes["emotion"].index(name) for name in head.classes]
    votes, label = judged.votes["emotion"][:, columns], judged.labels["emotion"]
    label = np.array([columns.index(k) if k in columns else -1 for k in label])
    is_fer = np.array([path.parent.name == "valid" for path in judged.paths])
    agreed = votes.max(axis=1) >= AGREED
    known = label >= 0
    rows = [
        ("FER+ validation, the majority", *figures(answers, label, is_fer & known)),
        ("FER+ validation, five agree", *figures(answers, label, is_fer & known & agreed)),
        ("ExpW, a fifth", *figures(answers, label, ~is_fer & known)),
    ]
    print(text.table(("faces", "number", "right", "interval", "balanced", "calibration error"), rows))
    print(confusion(answers, label, is_fer & known, head.classes))


def figures(answers: Floats, label: np.ndarray, rows: np.ndarray) -> tuple[str, ...]:
    said, truth = answers[rows].argmax(axis=1), label[rows]
    right = said == truth
    low, high = wilson(float(right.mean()), len(right))
    balanced = float(np.mean([right[truth == k].mean() for k in np.unique(truth)]))
    error = calibration_error(answers[rows].max(axis=1), right)
    return (
        f"{len(right):,}",
        percent(float(right.mean())),
        f"{percent(low)} to {percent(high)}",
        percent(balanced),
        percent(error),
    )


def calibration_error(confidence: Floats, right: np.ndarray) -> float:
    """The expected calibration error (Guo and others, ICML 2017), in bins of equal width."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    chosen = [place == k for k in range(BINS)]
    return float(sum(abs(confidence[k].mean() - right[k].mean()) * k.mean() for k in chosen if k.any()))


def confusion(answers: Floats, label: np.ndarray, rows: np.ndarray, classes: Sequence[str]) -> str:
    said, truth = answers[rows].argmax(axis=1), label[rows]
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (truth, said), 1)
    return text.table(("true", *classes), [(name, *map(str, row)) for name, row in zip(classes, counts, strict=True)])


COMMANDS = {"data": data, "judge": judge}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("folder", type=Path, help="where the data is unpacked")
    parser.add_argument("--model", type=Path, default=FOLDER / ATTRIBUTES["emotion"].file)
    args = parser.parse_args(argv)
    COMMANDS[args.command](args)
    return 0


if __name__ == "__main__":
    running.run(main)
