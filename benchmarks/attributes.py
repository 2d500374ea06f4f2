"""How well attributes can be told from the embedding, from pixels and from both; what a wrong cut costs; how fast.

python -m benchmarks.attributes features --dataset ../shared/data/utkface --targets gender age age_group ethnicity
python -m benchmarks.attributes features ... --evaluate pixels.onnx  # a model trained without --embedding
python -m benchmarks.attributes cuts --dataset ../shared/data/utkface --targets gender age age_group ethnicity
python -m benchmarks.attributes speed
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from faces.attributes import predictor
from faces.attributes.model import AttributeModel
from faces.commands import train_attributes
from faces.commands.train_attributes import Lesson, tell
from faces.embedding.aligners import Aligner, mean_face
from faces.images import read_image
from faces.pipeline import Pipeline
from faces.training import scores
from faces.training.data import face_crops, labelled
from faces.training.data.labelled import AGE
from faces.types import Floats, LandmarkScheme

SHARES = np.linspace(0, 1, 21)  # of the embedding's say, when both have one
RUNS = 200


def main(argv: Sequence[str] | None = None) -> int:
    argv = list(sys.argv[1:] if argv is None else argv)
    what = argv.pop(0) if argv else ""
    if what == "speed":
        speed()
        return 0
    if what not in ("features", "cuts"):
        print(__doc__, file=sys.stderr)
        return 2
    args = train_attributes.build_parser().parse_args(argv)
    args.output = Path("output/benchmark.onnx") if args.output.name == "attributes.onnx" else args.output
    lesson = train_attributes.prepared(args, labelled.read(args.dataset, args.targets or (), tell, args.images))
    model = AttributeModel(args.evaluate or predictor.FOLDER / "face_attributes.onnx")
    (features if what == "features" else cuts)(lesson, model)
    return 0


def features(lesson: Lesson, model: AttributeModel) -> None:
    """Heads on the embedding, a model, and the two together by a share that validation chose."""
    judged = [part & lesson.chips.found for part in lesson.parts[1:]]  # the others have no embedding
    truth = [lesson.data[part] for part in judged]
    answers = [model.answer(lesson.chips.images[part], lesson.chips.embeddings[part]) for part in judged]
    takes = "the model, on pixels and the embedding" if model.wants_embeddings else "the model, on pixels"
    for target in lesson.data.labels:
        embedded = on_embedding(lesson, target)
        both = [
            [mixed(target, embedded[at], answers[at][target], share) for share in SHARES] for at in range(len(truth))
        ]
        best = int(np.argmin([error(truth[0], target, some) for some in both[0]]))
        for name, answer in (
            ("heads on the embedding", embedded[1]),
            (takes, answers[1][target]),
            (f"together ({SHARES[best]:.2f})", both[1][best]),
        ):
            print(f"{target:10} {name:39} {figure(truth[1], target, answer)}", flush=True)


def on_embedding(lesson: Lesson, target: str) -> list[Floats]:
    """Answers for validation's and test's faces, learnt from the training's embeddings with a Gaussian kernel."""
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline

    training, *others = (part & lesson.chips.found for part in lesson.parts)
    training = training & lesson.data.known(target)
    kernel = Nystroem(gamma=2.0, n_components=1500, random_state=0)
    last = Ridge(0.1) if target == AGE else LogisticRegression(C=10, max_iter=500)
    learner = make_pipeline(kernel, last)
    learner.fit(lesson.chips.embeddings[training], lesson.data.labels[target][training])
    answer = learner.predict if target == AGE else learner.predict_proba
    return [np.asarray(answer(lesson.chips.embeddings[part]), np.float32) for part in others]


def mixed(target: str, embedded: Floats, pixels: Floats, share: float) -> Floats:
    """The weighted mean of ages, and the weighted geometric mean of probabilities."""
    if target == AGE:
        return np.asarray(share * embedded.reshape(-1, 1) + (1 - share) * pixels, np.float32)
    together = np.exp(share * np.log(embedded + 1e-6) + (1 - share) * np.log(pixels + 1e-6))
    return np.asarray(together / together.sum(axis=1, keepdims=True), np.float32)


def error(data: labelled.Labelled, target: str, answer: Floats) -> float:
    one = scores.score(data, target, answer)
    return one.mean_absolute_error if isinstance(one, scores.NumberScore) else one.loss


def figure(data: labelled.Labelled, target: str, answer: Floats) -> str:
    one = scores.score(data, target, answer)
    if isinstance(one, scores.NumberScore):
        return f"mean absolute error {one.mean_absolute_error:.2f}"
    text = f"accuracy {one.accuracy:.2%}, balanced {one.balanced_accuracy:.2%}"
    if "age_group" in data.labels:
        adult = data.labels["age_group"] == 1
        adults = scores.of_choice(target, one.classes, data.labels[target][adult], answer[adult])
        text += f", of 20 to 59 years {adults.accuracy:.2%}"
    return text


def cuts(lesson: Lesson, model: AttributeModel) -> None:
    """The test's faces cut otherwise than those that were learnt from."""
    part = lesson.parts[2] & lesson.chips.found
    data, embeddings, pipeline = lesson.data[part], lesson.chips.embeddings[part], Pipeline.load()
    faces = [
        (image, pipeline.best_face(image))
        for path in data.paths
        for image in [face_crops.with_margin(read_image(path))[0]]
    ]
    ways: dict[str, Aligner | None] = {"as trained": Aligner(face_crops.CUT)}
    for padding in (0.0, 0.1, 0.3, 0.4):
        points: dict[LandmarkScheme, tuple[list[int], NDArray[np.float64]]] = {
            "eye-corners": ([0, 1, 2, 3, 4], mean_face(padding, face_crops.CUT.side))
        }
        ways[f"padding {padding}"] = Aligner(replace(face_crops.CUT, points=points))
    ways["the detector's box, not turned"] = None
    for name, aligner in ways.items():
        cut = [
            (aligner.crop(image, face)[0] if aligner else boxed(image, face.xyxy[0]))
            for image, face in faces
            if len(face)
        ]
        there = np.array([len(face) > 0 for _, face in faces])
        some, answers = data[there], model.answer(np.array(cut), embeddings[there])
        print(f"{name:32}" + "; ".join(f"{target} {figure(some, target, answers[target])}" for target in some.labels))


def boxed(image: NDArray[np.uint8], box: Floats) -> NDArray[np.uint8]:
    """The detector's box and a fifth around it, as many tutorials cut faces."""
    import cv2

    x1, y1, x2, y2 = box
    side = max(x2 - x1, y2 - y1) * 1.2
    centre = ((float(x1 + x2)) / 2, (float(y1 + y2)) / 2)
    patch = cv2.getRectSubPix(image, (round(side), round(side)), centre)
    return np.asarray(cv2.resize(patch, (face_crops.CUT.side,) * 2, interpolation=cv2.INTER_AREA), np.uint8)


def speed() -> None:
    """Milliseconds a face for all heads, on one core, chips and embedding being there; the embedder, in turns."""
    from faces.embedding import embedders

    models = {path.name: AttributeModel(path, threads=1) for path in sorted(predictor.FOLDER.glob("*.onnx"))}
    embedder = embedders.load("built-in", threads=1)
    for faces in (1, 8):
        cut = (
            np.random.default_rng(0)
            .integers(0, 256, (faces, face_crops.CUT.side, face_crops.CUT.side, 3))
            .astype(np.uint8)
        )
        known = np.zeros((faces, embedder.spec.dimension or 0), np.float32)
        whole = np.random.default_rng(0).integers(0, 256, (faces, 150, 150, 3)).astype(np.uint8)
        times: dict[str, list[float]] = {name: [] for name in (*models, "embedding")}
        for _ in range(RUNS):
            for name, model in models.items():
                start = perf_counter()
                model.answer(cut, known)
                times[name].append(perf_counter() - start)
            start = perf_counter()
            embedder.forward(whole)
            times["embedding"].append(perf_counter() - start)
        medians = {name: float(np.median(some)) * 1e3 / faces for name, some in times.items()}
        each = ", ".join(f"{name} {ms:.2f}" for name, ms in medians.items())
        together = sum(ms for name, ms in medians.items() if name != "embedding")
        ratio = f"{together / medians['embedding']:.2f} of the embedding"
        print(f"{faces} at once, ms a face: {each}; all attributes {together:.2f}, {ratio}")


if __name__ == "__main__":
    sys.exit(main())
