"""The data of the shipped appearance network, and how good it is: python -m benchmarks.appearance COMMAND

data: writes a table of ../shared/data/faces/celeba_attributes.csv with the names of this project.
judge: measures the shipped model on the faces that it holds out: balanced accuracy and average precision.
glasses: measures the shipped model of glasses on those of the faces that the one of appearance holds out that are of
nobody in its own list (faces/attributes/weights/glasses.csv), as far as the built-in embeddings tell.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.photographs import DATA
from faces.attributes.model import AttributeModel
from faces.attributes.predictor import FOLDER
from faces.cli import running, text
from faces.metrics.wording import percent
from faces.training.data import face_crops, held_out, near_duplicates, reading, splits
from faces.training.data.labelled import LabelledImages
from faces.training.progress import log_every

FACES = DATA / "faces"
ANSWERS: dict[str, Callable[[dict[str, str]], bool]] = {  # by our name: from CelebA's attributes
    "bald": lambda row: row["Bald"] == "1",
    "black_hair": lambda row: row["Black_Hair"] == "1",
    "blond_hair": lambda row: row["Blond_Hair"] == "1",
    "brown_hair": lambda row: row["Brown_Hair"] == "1",
    "gray_hair": lambda row: row["Gray_Hair"] == "1",
    "fringe": lambda row: row["Bangs"] == "1",
    "beard": lambda row: row["No_Beard"] == "0",
    "moustache": lambda row: row["Mustache"] == "1",
    "sideburns": lambda row: row["Sideburns"] == "1",
    "eyeglasses": lambda row: row["Eyeglasses"] == "1",
    "hat": lambda row: row["Wearing_Hat"] == "1",
    "eye_makeup": lambda row: row["Heavy_Makeup"] == "1",
    "lip_makeup": lambda row: row["Wearing_Lipstick"] == "1",
    "smiling": lambda row: row["Smiling"] == "1",
    "mouth_open": lambda row: row["Mouth_Slightly_Open"] == "1",
}
WHO = {"sex": "Male", "age": "Young"}  # CelebA's, for the card's groups: no answers of the model


def data(args: argparse.Namespace) -> None:
    with (FACES / "celeba_attributes.csv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if (FACES / row["path"]).is_file()]
    args.folder.mkdir(parents=True, exist_ok=True)
    file = args.folder / "appearance.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)
        table.writerow(("path", *ANSWERS))
        table.writerows((row["path"], *("yes" if is_so(row) else "no" for is_so in ANSWERS.values())) for row in rows)
    print(f"{file}: {len(rows):,} faces")


def held_out_faces(args: argparse.Namespace) -> tuple[LabelledImages, LabelledImages]:
    """Return the faces that the model of appearance was validated and tested with."""
    labelled = reading.read(args.folder / "appearance.csv", (), print, FACES)
    files = near_duplicates.scan(labelled.paths, lambda _: None)
    parts = held_out.find(AttributeModel(args.model).about, files.fingerprints)
    assert parts is not None
    return labelled[parts[1]], labelled[parts[2]]


def judge(args: argparse.Namespace) -> None:
    from sklearn.metrics import average_precision_score, balanced_accuracy_score

    model, test = AttributeModel(args.model), held_out_faces(args)[1]
    progress = log_every(1000, len(test), "faces cut", print)
    crops = face_crops.cut_faces(test.paths, args.folder / "judged.npz", str(len(test)), progress, model.template)
    answers = model.answer(crops.images, crops.embeddings)
    with (FACES / "celeba_attributes.csv").open(encoding="utf-8") as lines:
        about = {row["path"]: row for row in csv.DictReader(lines)}
    groups = {"all": np.ones(len(test), np.bool_)}
    for name, column in WHO.items():
        has = np.array([about[path.name][column] == "1" for path in test.paths])
        groups |= {f"{name}: {column.lower()}": has, f"{name}: not {column.lower()}": ~has}
    rows, means = [], []
    for name, output in answers.items():
        truth, said = test.labels[name] == 1, output[:, 1]
        balanced = balanced_accuracy_score(truth, said > 0.5)
        means.append(balanced)
        precisions = [
            f"{average_precision_score(truth[of], said[of]):.2f}" if truth[of].any() else "" for of in groups.values()
        ]
        rows.append((name, percent(float(truth.mean())), percent(float(balanced)), *precisions))
    rows.append(("mean", "", percent(float(np.mean(means))), *[""] * len(groups)))
    print(f"{len(test):,} faces; average precision by group:")
    print(text.table(("answer", "share", "balanced accuracy", *groups), rows))


def glasses(args: argparse.Namespace) -> None:
    model = AttributeModel(FOLDER / "glasses.onnx")
    with (FOLDER / "glasses.csv").open(encoding="utf-8") as lines:
        listed = [DATA / row["path"] for row in csv.DictReader(lines)]

    def cut(name: str, paths: Sequence[Path]) -> face_crops.FaceCrops:
        progress = log_every(1000, len(paths), "faces cut", print)
        return face_crops.cut_faces(paths, args.folder / f"{name}.npz", str(len(paths)), progress, model.template)

    known = cut("glasses_known", listed)
    for name, faces in zip(("validation", "test"), held_out_faces(args), strict=True):
        crops = cut(f"glasses_{name}", faces.paths)
        nearest = np.array([(known.embeddings[known.found] @ row).max() for row in crops.embeddings])
        strangers = np.array([path not in listed for path in faces.paths])
        others = crops.found & strangers & (nearest < 1 - splits.SAME_PERSON**2 / 2)
        answers = model.answer(crops.images[others], crops.embeddings[others])["glasses"]
        classes = next(head.classes for head in model.heads if head.name == "glasses")
        seen, has = answers.argmax(axis=1) != classes.index("noGlasses"), faces.labels["eyeglasses"][others] == 1
        print(
            f"{name}, {others.sum():,} of {len(faces):,} faces: of {has.sum()} with glasses {(has & ~seen).sum()} are"
            f" missed; on {(~has).sum():,} without, {(~has & seen).sum()} are seen"
        )


COMMANDS = {"data": data, "judge": judge, "glasses": glasses}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("folder", type=Path, help="where the table is written")
    parser.add_argument("--model", type=Path, default=FOLDER / "appearance.onnx")
    args = parser.parse_args(argv)
    COMMANDS[args.command](args)
    return 0


if __name__ == "__main__":
    running.run(main)
