"""Measure attributes: from the embedding, from pixels, and from both; the cost of a different cut; the speed.

python -m benchmarks.attributes features --dataset ../shared/data/utkface --targets gender age age_group ethnicity
python -m benchmarks.attributes features ... --evaluate pixels.onnx  # a model trained without --embedding
python -m benchmarks.attributes cuts --dataset ../shared/data/utkface --targets gender age age_group ethnicity
python -m benchmarks.attributes speed
python -m benchmarks.attributes children  # the gender of the young: answers, and how many of them are right
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from faces.attributes import predictor
from faces.attributes.children import less_sure
from faces.attributes.model import FACE, AttributeModel
from faces.attributes.registry import ATTRIBUTES
from faces.cli.options import as_dataclass
from faces.commands import train_attributes
from faces.commands.train_attributes import log
from faces.embedding.aligners import TEMPLATES, Aligner, Template
from faces.images import read_image
from faces.pipeline import Pipeline
from faces.training import scores
from faces.training.attributes import dataset
from faces.training.attributes.dataset import AttributeOptions, LabelledFaces
from faces.training.data import face_crops, reading
from faces.training.data.labelled import AGE, LabelledImages
from faces.types import Floats, LandmarkScheme

SHARES = np.linspace(0, 1, 21)  # weights of the embedding's answer when both are averaged
RUNS = 200
PADDING = 0.2  # of the attribute models' template


def main(argv: Sequence[str] | None = None) -> int:
    argv = list(sys.argv[1:] if argv is None else argv)
    measurement = argv.pop(0) if argv else ""
    if measurement == "speed":
        speed()
        return 0
    if measurement == "children":
        children()
        return 0
    if measurement not in ("features", "cuts"):
        print(__doc__, file=sys.stderr)
        return 2
    args = train_attributes.build_parser().parse_args(argv)
    args.output = Path("output/benchmark.onnx") if args.output.name == "attributes.onnx" else args.output
    data = reading.read(args.dataset, args.targets or (), log, args.images)
    model = AttributeModel(args.evaluate or predictor.FOLDER / "face_attributes.onnx")
    labelled = dataset.prepare(data, as_dataclass(AttributeOptions, args), log, model.about)
    (features if measurement == "features" else cuts)(labelled, model)
    return 0


def features(labelled: LabelledFaces, model: AttributeModel) -> None:
    """Compare heads on the embedding, a model, and their average with the weight that validation chose."""
    held_out = [part & labelled.crops.found for part in labelled.parts[1:]]  # other faces have no embedding
    truth = [labelled.data[part] for part in held_out]
    answers = [model.answer(labelled.crops.images[part], labelled.crops.embeddings[part]) for part in held_out]
    model_name = "the model, on pixels and the embedding" if model.wants_embeddings else "the model, on pixels"
    for target in labelled.data.labels:
        embedded = on_embedding(labelled, target)
        both = [
            [mixed(target, embedded[at], answers[at][target], share) for share in SHARES] for at in range(len(truth))
        ]
        best = int(np.argmin([error(truth[0], target, mixture) for mixture in both[0]]))
        for name, answer in (
            ("heads on the embedding", embedded[1]),
            (model_name, answers[1][target]),
            (f"together ({SHARES[best]:.2f})", both[1][best]),
        ):
            print(f"{target:10} {name:39} {figure(truth[1], target, answer)}", flush=True)


def on_embedding(labelled: LabelledFaces, target: str) -> list[Floats]:
    """Predict the validation and the test faces from their embeddings, with a Gaussian kernel fitted on training."""
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline

    training, *others = (part & labelled.crops.found for part in labelled.parts)
    training = training & labelled.data.known(target)
    kernel = Nystroem(gamma=2.0, n_components=1500, random_state=0)
    last = Ridge(0.1) if target == AGE else LogisticRegression(C=10, max_iter=500)
    learner = make_pipeline(kernel, last)
    learner.fit(labelled.crops.embeddings[training], labelled.data.labels[target][training])
    answer = learner.predict if target == AGE else learner.predict_proba
    return [np.asarray(answer(labelled.crops.embeddings[part]), np.float32) for part in others]


def mixed(target: str, embedded: Floats, pixels: Floats, share: float) -> Floats:
    """Return the weighted mean of ages, or the weighted geometric mean of probabilities."""
    if target == AGE:
        return np.asarray(share * embedded.reshape(-1, 1) + (1 - share) * pixels, np.float32)
    together = np.exp(share * np.log(embedded + 1e-6) + (1 - share) * np.log(pixels + 1e-6))
    return np.asarray(together / together.sum(axis=1, keepdims=True), np.float32)


def error(data: LabelledImages, target: str, answer: Floats) -> float:
    score = scores.score(data, target, answer)
    return score.mean_absolute_error if isinstance(score, scores.NumberScore) else score.loss


def figure(data: LabelledImages, target: str, answer: Floats) -> str:
    score = scores.score(data, target, answer)
    if isinstance(score, scores.NumberScore):
        return f"mean absolute error {score.mean_absolute_error:.2f}"
    text = f"accuracy {score.accuracy:.2%}, balanced {score.balanced_accuracy:.2%}"
    if "age_group" in data.labels:
        adult = data.labels["age_group"] == 1
        adults = scores.score_choice(target, score.classes, data.labels[target][adult], answer[adult])
        text += f", of 20 to 59 years {adults.accuracy:.2%}"
    return text


def cuts(labelled: LabelledFaces, model: AttributeModel) -> None:
    """Measure a model on test faces that are cut differently from the training faces."""
    part = labelled.parts[2] & labelled.crops.found
    data, embeddings, pipeline = labelled.data[part], labelled.crops.embeddings[part], Pipeline.load()
    faces = [
        (image, pipeline.best_face(image))
        for path in data.paths
        for image in [face_crops.with_margin(read_image(path))[0]]
    ]
    aligners: dict[str, Aligner | None] = {"as trained": Aligner(TEMPLATES[FACE])}
    for padding in (0.0, 0.1, 0.3, 0.4):
        aligners[f"padding {padding}"] = Aligner(padded(padding))
    aligners["the detector's box, not turned"] = None
    for name, aligner in aligners.items():
        crops = [
            (aligner.crop(image, face)[0] if aligner else boxed(image, face.xyxy[0]))
            for image, face in faces
            if len(face)
        ]
        found = np.array([len(face) > 0 for _, face in faces])
        kept, answers = data[found], model.answer(np.array(crops), embeddings[found])
        print(f"{name:32}" + "; ".join(f"{target} {figure(kept, target, answers[target])}" for target in kept.labels))


def padded(padding: float) -> Template:
    """Return the template of the attribute models with another padding than theirs."""
    template = TEMPLATES[FACE]
    points: dict[LandmarkScheme, tuple[list[int], NDArray[np.float64]]] = {
        scheme: (
            used,
            ((at + 0.5) / template.side * (1 + 2 * PADDING) - PADDING + padding) / (1 + 2 * padding) * template.side
            - 0.5,
        )
        for scheme, (used, at) in template.points.items()
    }
    return replace(template, points=points)


def boxed(image: NDArray[np.uint8], box: Floats) -> NDArray[np.uint8]:
    """Cut the detector's box with a margin of a tenth on each side, as many tutorials cut faces."""
    import cv2

    x1, y1, x2, y2 = box
    side = max(x2 - x1, y2 - y1) * 1.2
    centre = ((float(x1 + x2)) / 2, (float(y1 + y2)) / 2)
    patch = cv2.getRectSubPix(image, (round(side), round(side)), centre)
    return np.asarray(cv2.resize(patch, (face_crops.SIDE,) * 2, interpolation=cv2.INTER_AREA), np.uint8)


def children() -> None:
    """Measure the gender of the faces that the model was validated and tested with, and of FairFace, by age."""
    from benchmarks.photographs import DATA
    from faces.training.data import held_out, near_duplicates

    model = AttributeModel(predictor.FOLDER / "face_attributes.onnx")
    data = reading.read_utkface(DATA / "utkface")
    parts = held_out.find(model.about, near_duplicates.scan(data.paths, lambda _: None).fingerprints)
    assert parts is not None
    sets = {"UTKFace, validation": data[parts[1]], "UTKFace, test": data[parts[2]]}
    years = {name: part.labels[AGE] for name, part in sets.items()}
    fairface = reading.read_csv(DATA / "fairface" / "fairface.csv", ("gender",))
    with (DATA / "fairface" / "fairface.csv").open(encoding="utf-8") as lines:
        age = {row["path"]: float(row["age"].split("-")[0].rstrip("+")) for row in csv.DictReader(lines)}
    sets["FairFace"], years["FairFace"] = fairface, np.array([age[path.name] for path in fairface.paths])
    for name, faces in sets.items():
        crops = face_crops.cut_faces(faces.paths, Path(f"output/children_{name}.npz"), name)
        answer = model.answer(crops.images, crops.embeddings)
        gender = less_sure(answer["gender"], answer["age"])
        heads = next(head.classes for head in model.heads if head.name == "gender")
        truth = np.array([heads.index(faces.classes["gender"][k].lower()) for k in faces.labels["gender"]])
        for low, high in ((0, 7), (7, 20), (20, 120), (0, 120)):
            of = (years[name] >= low) & (years[name] < high)
            given = of & (gender.max(axis=1) >= ATTRIBUTES["gender"].certain)
            right = gender.argmax(axis=1) == truth
            shares = f"answered {given.sum() / of.sum():.1%}, of these right {right[given].mean():.1%}"
            each = ", ".join(f"{heads[k]} {right[of & (truth == k)].mean():.1%}" for k in range(len(heads)))
            print(f"{name}, {low} to {high - 1} years, {of.sum():,}: {shares}; of all {right[of].mean():.1%} ({each})")


def speed() -> None:
    """Measure milliseconds per face of all models and of the embedder, in turns, on one core, without cutting."""
    from faces.embedding import embedders

    models = {path.name: AttributeModel(path, threads=1) for path in sorted(predictor.FOLDER.glob("*.onnx"))}
    embedder = embedders.load("built-in", threads=1)
    side = embedder.aligner.template.side
    for faces in (1, 8):
        crops = np.random.default_rng(0).integers(0, 256, (faces, face_crops.SIDE, face_crops.SIDE, 3)).astype(np.uint8)
        embeddings = np.zeros((faces, embedder.spec.dimension or 0), np.float32)
        crops_of_embedder = np.random.default_rng(0).integers(0, 256, (faces, side, side, 3)).astype(np.uint8)
        times: dict[str, list[float]] = {name: [] for name in (*models, "embedding")}
        for _ in range(RUNS):
            for name, model in models.items():
                start = perf_counter()
                model.answer(crops, embeddings)
                times[name].append(perf_counter() - start)
            start = perf_counter()
            embedder.forward(crops_of_embedder)
            times["embedding"].append(perf_counter() - start)
        medians = {name: float(np.median(seconds)) * 1e3 / faces for name, seconds in times.items()}
        each = ", ".join(f"{name} {ms:.2f}" for name, ms in medians.items())
        together = sum(ms for name, ms in medians.items() if name != "embedding")
        ratio = f"{together / medians['embedding']:.2f} of the embedding"
        print(f"{faces} at once, ms a face: {each}; all attributes {together:.2f}, {ratio}")


if __name__ == "__main__":
    sys.exit(main())
