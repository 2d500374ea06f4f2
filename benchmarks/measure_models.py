"""Where the package's measured constants come from: one command each, which prints what stands in the code.

python -m benchmarks.measure_models closer              faces/recognition/distances.py (PHOTOGRAPHS, CLOSER)
python -m benchmarks.measure_models svc                 faces/recognition/classifiers.py (C)
python -m benchmarks.measure_models scales              faces/recognition/classifiers.py (SVC_SCALES, SIMILARITY_SCALES)
python -m benchmarks.measure_models quality             faces/pipeline.py (SMALLEST_FACE, LEAST_SHARPNESS)
python -m benchmarks.measure_models sharpness           faces/pipeline.py (AS_IN_DLIBS_CROP)
python -m benchmarks.measure_models boxes               faces/detection (BOX_SCALE, BOX_DOWN)
python -m benchmarks.measure_models templates           faces/embedding/aligners.py (ArcFace's corners, attributes' five
points)

Thresholds are measured on LFW without the people in ../shared/data/people, on which they are then judged.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from sklearn.svm import LinearSVC

from benchmarks.photographs import DATA, PROBES, embeddings
from faces import detection
from faces.cli import running, text
from faces.crops import sharpness
from faces.embedding import embedders
from faces.embedding.aligners import TEMPLATES
from faces.embedding.landmarks import ShapePredictor
from faces.evaluation.searches.trials import by_person
from faces.extraction.workers import Models
from faces.files.finding import find_images
from faces.geometry import similarity, transform
from faces.images import read_image
from faces.pipeline import Pipeline
from faces.recognition.classifiers import SVC, Centroid, NearestNeighbour, scale
from faces.recognition.distances import People
from faces.types import Faces, Floats, Image

YUNET = DATA.parent / "models" / "face_detection_yunet_2026may.onnx"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands: dict[str, Callable[[], None]] = {
        "closer": measure_closer,
        "svc": measure_svc,
        "scales": measure_scales,
        "quality": measure_quality,
        "sharpness": measure_sharpness,
        "boxes": measure_boxes,
        "templates": measure_templates,
    }
    parser.add_argument("command", choices=commands)
    commands[parser.parse_args().command]()
    return 0


def measure_closer() -> None:
    """By how much a false accept rate's threshold shrinks with several photographs: see
    faces/recognition/distances.py."""
    for accuracy in embedders.ACCURACIES:
        print(f"--accuracy {accuracy}")
        _measure_closer(("built-in", "built-in", 0.5, accuracy))


def _measure_closer(models: Models) -> None:
    people = {n: p for n, p in by_person(DATA / "lfw").items() if n not in by_person(DATA / "people")}
    embedded = embeddings((path for paths in people.values() for path in paths), models, "lfw")
    vectors = np.stack([embedded[path] for paths in people.values() for path in paths])
    owner = np.repeat(np.arange(len(people)), [len(paths) for paths in people.values()])
    apart = np.sqrt(np.maximum(2 - 2 * vectors @ vectors.T, 0))
    impostor = apart[np.triu(owner[:, None] != owner, 1)]
    rng = np.random.default_rng(0)
    usual = np.quantile(impostor, [1e-3, 4e-4])
    for count in (1, 2, 3, 5):
        found = []
        for person in np.flatnonzero(np.bincount(owner) >= count):
            mine = np.flatnonzero(owner == person)
            for _ in range(3 if len(mine) > count else 1):
                chosen = vectors[rng.choice(mine, count, replace=False)]
                others = vectors[owner != person]
                nearest = np.sqrt(np.maximum(2 - 2 * others @ chosen.T, 0)).min(axis=1)
                found.append((np.linalg.norm(others - chosen.mean(axis=0), axis=1) + nearest) / 2)
        print(
            f"{count} photographs: {len(found)} galleries, shrink at 1e-3, 4e-4:",
            (np.quantile(np.concatenate(found), [1e-3, 4e-4]) / usual).round(3),
        )


def measure_svc() -> None:
    """The cost of each C, and of what its scores are multiplied with: see faces/recognition/classifiers.py."""
    vectors = _first_photographs()
    scales = (1.5, 2, 2.5, 3, 4, 5)
    rows: list[list[object]] = []
    for c in (1, 3, 10, 30, 100):
        rng = np.random.default_rng(0)
        losses = np.array(
            [
                _svc_losses(vectors, c, scales, enrolled, known, rng)
                for enrolled in (1, 2, 5)
                for known in (2, 5, 10, 20)
                for _ in range(6)
            ]
        )
        rows.append([c, *losses.mean(axis=0).round(3).tolist()])
    print(text.table(["C", *(f"scale {scale}" for scale in scales)], rows))


def _svc_losses(
    vectors: Floats, c: float, scales: tuple[float, ...], enrolled: int, known: int, rng: np.random.Generator
) -> list[float]:
    """Per scale, the log loss of probes and the divergence from uniform of people who are not enrolled."""
    order = rng.permutation(len(vectors))
    shuffled = np.stack([rng.permutation(vectors[person]) for person in order])
    gallery, probes = shuffled[:known, :enrolled], shuffled[:known, enrolled:]
    svc = LinearSVC(C=c, dual=False)
    svc.fit(gallery.reshape(-1, vectors.shape[2]), np.repeat(np.arange(known), enrolled))
    result = []
    for factor in scales:
        logs = []
        for group in (probes, shuffled[known:]):
            score = svc.decision_function(group.reshape(-1, vectors.shape[2]))
            score = factor * (np.stack([-score, score], 1) if score.ndim == 1 else score)
            logs.append(score - np.logaddexp.reduce(score, axis=1, keepdims=True))
        right = np.repeat(np.arange(known), probes.shape[1])
        result.append(float(-logs[0][np.arange(len(right)), right].mean() - logs[1].mean() - np.log(known)))
    return result


def measure_scales() -> None:
    """By people enrolled, the cost of what scores are multiplied with: see faces/recognition/classifiers.py.

    To 20 people on the first photographs of ../shared/data/people; from 50 on, on pairs of photographs of LFW's others.
    """
    people = by_person(DATA / "people")
    pairs = [paths[:2] for n, paths in by_person(DATA / "lfw").items() if n not in people and len(paths) > 1]
    embedded = embeddings((path for pair in pairs for path in pair), progress="lfw")
    of_two, of_ten = np.stack([[embedded[path] for path in pair] for pair in pairs]), _first_photographs()
    embedder = Pipeline.load().fingerprint.embedder.name
    similarities = 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30
    for name, classifier, factors in (
        ("svc", SVC, (1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 8)),
        ("centroid", Centroid, similarities),
        ("knn", NearestNeighbour, similarities),
    ):
        rows: list[list[object]] = []
        for vectors, known, photographs in (
            *((of_ten, known, (1, 2, 5)) for known in (2, 3, 5, 10, 20)),
            *((of_two, known, (1,)) for known in (50, 100, 200, 300)),
        ):
            rng, used = np.random.default_rng(0), scale(name, embedder, known)
            losses = [
                _scale_losses(classifier, vectors, [*factors, used], enrolled, known, rng)
                for enrolled in photographs
                for _ in range(6)
            ]
            rows.append([known, *np.mean(losses, axis=0).round(3).tolist(), round(used, 1)])
        print(name)
        print(text.table(["people", *(f"scale {each}" for each in factors), "with ours", "ours"], rows))


def _first_photographs() -> Floats:
    """The embeddings (P, 10, D) of everybody in ../shared/data/people but for the probes."""
    people = by_person(DATA / "people")
    embedded = embeddings((p for paths in people.values() for p in paths[:-PROBES]), progress="people")
    return np.stack([[embedded[path] for path in paths[:-PROBES]] for paths in people.values()])


def _scale_losses(
    classifier: type[SVC] | type[Centroid] | type[NearestNeighbour],
    vectors: Floats,
    factors: list[float],
    enrolled: int,
    known: int,
    rng: np.random.Generator,
) -> list[float]:
    """As ``_svc_losses``; factors: of the classifier's scores."""
    shuffled = np.stack([rng.permutation(vectors[person]) for person in rng.permutation(len(vectors))])
    gallery, probes = shuffled[:known, :enrolled], shuffled[:known, enrolled:]
    fitted = classifier.fit(People.of(gallery.reshape(-1, vectors.shape[2]), np.arange(known) * enrolled))
    scores = [fitted.scores(some.reshape(-1, vectors.shape[2])) for some in (probes, shuffled[known:])]
    right = np.repeat(np.arange(known), probes.shape[1])
    result = []
    for factor in factors:
        logs = [factor * score for score in scores]
        logs = [score - np.logaddexp.reduce(score, axis=1, keepdims=True) for score in logs]
        result.append(float(-logs[0][np.arange(len(right)), right].mean() - logs[1].mean() - np.log(known)))
    return result


def measure_quality() -> None:
    """What is left of a photograph once it is small or blurred: its distance to itself, and the share still matched."""
    for models in ("built-in", "dlib"):
        print(f"--models {models}")
        _measure_quality(Pipeline.load(models, models))


def _measure_quality(pipeline: Pipeline) -> None:
    aligner, rows = pipeline.embedder.aligner, []
    paths = [path for paths in by_person(DATA / "lfw").values() for path in paths][::5]
    images = [read_image(path) for path in paths]
    faces = [pipeline.best_face(image) for image in images]
    reference = np.concatenate([pipeline.embed(image, face) for image, face in zip(images, faces, strict=True)])

    def row(name: str, crops: list[Image]) -> None:
        stack = np.concatenate(crops)
        drift = np.linalg.norm(pipeline.embedder.embed(stack) - reference, axis=1)
        sharp = np.quantile([sharpness(crop) for crop in stack], [0.01, 0.5, 0.99]).round(1)
        rows.append([name, *sharp.tolist(), *np.quantile(drift, [0.5, 0.9]).round(3).tolist()])

    row("as it is", [aligner.crop(i, f) for i, f in zip(images, faces, strict=True)])
    for side in (80, 60, 48, 40, 32, 24, 16):
        crops = []
        for image, face in zip(images, faces, strict=True):
            scale = side / face.sizes[0]
            small = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
            assert face.landmarks is not None
            moved = (face.landmarks + 0.5) * scale - 0.5
            crops.append(aligner.crop(small, replace(face, landmarks=moved.astype(np.float32))))
        row(f"face of {side} px", crops)
    for sigma in (1, 1.5, 2, 3, 4, 5, 6):
        blurred = [np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8) for image in images]
        row(f"blurred by {sigma} px", [aligner.crop(i, f) for i, f in zip(blurred, faces, strict=True)])
    print(text.table(["photograph", "sharpness 1 %", "50 %", "99 %", "drift 50 %", "90 %"], rows))


def measure_sharpness() -> None:
    """How sharp crops of SFace are where dlib's of the same face are as sharp as the least: see AS_IN_DLIBS_CROP."""
    built_in, dlib = Pipeline.load(), Pipeline.load("dlib", "dlib")
    rows = []
    for path in list(find_images(DATA / "lfw"))[::9][:150]:
        image = read_image(path)
        if len(face := built_in.best_face(image)) == 0:
            continue
        known = [pipeline.embed(image, face)[0] for pipeline in (built_in, dlib)]
        for sigma in (1.5, 2, 2.5, 3, 3.5, 4, 5, 6):
            blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
            crop = built_in.embedder.aligner.crop(blurred, face)[0]
            variance = cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.CV_32F).var()
            points = dlib.predictor.predict(blurred, face, built_in.detector.predictor_boxes(face))
            drifts = [
                np.linalg.norm(p.embed(blurred, face)[0] - k) for p, k in zip((built_in, dlib), known, strict=True)
            ]
            rows.append((sharpness(dlib.embedder.aligner.crop(blurred, points)[0]), variance, *drifts))
    table = np.array(rows)
    near = table[np.abs(table[:, 0] - 3.6) < 0.8]
    print(f"{len(near)} crops; SFace's sharpness, quartiles: {np.quantile(near[:, 1], [0.25, 0.5, 0.75]).round(1)}")
    print(f"median drift of SFace and of dlib: {np.median(near[:, 2:], axis=0).round(2)}")


def measure_boxes() -> None:
    """How other detectors frame a face that dlib frames as it does: side and shift down, medians."""
    ours = detection.load("dlib", min_face=80)
    for name in (str(YUNET), str(YUNET.parent)):
        other = detection.load(name)
        found = []
        for path in list(find_images(DATA / "lfw"))[::4]:
            image = read_image(path)
            middle = [detector.detect(image).best(image.shape[1], image.shape[0]) for detector in (ours, other)]
            if all(len(face) for face in middle):
                (a, b), size = (face.xyxy[0] for face in middle), middle[1].sizes[0]
                down = (a[1] + a[3] - b[1] - b[3]) / 2 / middle[0].sizes[0]
                found.append((middle[0].sizes[0] / size, down, (a[0] + a[2] - b[0] - b[2]) / 2 / size))
        print(other.model.name, f"{len(found)} faces: scale, down, right", np.median(found, axis=0).round(3))


def measure_templates() -> None:
    """Where dlib's points fall in a crop that YuNet's align for ArcFace, and YuNet's in dlib's for attributes."""
    detector, predictor = detection.load(str(YUNET)), ShapePredictor.load()
    pairs: list[tuple[Faces, Faces]] = []
    for path in list(find_images(DATA / "lfw"))[::2]:
        image = read_image(path)
        face = detector.detect(image).best(image.shape[1], image.shape[0])
        if len(face):
            pairs.append((face, predictor.predict(image, face, detector.predictor_boxes(face))))
    for name, order in (("arcface", 1), ("attributes", -1)):
        found = []
        for aligned, other in (pair[::order] for pair in pairs):
            assert aligned.landmarks is not None and aligned.scheme is not None and other.landmarks is not None
            used, target = TEMPLATES[name].points[aligned.scheme]
            to_crop = similarity(aligned.landmarks[0][used].astype(np.float64), target)
            found.append(transform(to_crop, other.landmarks[0]))
        mean, spread = np.mean(found, axis=0).round(1).tolist(), np.std(found, axis=0).mean()
        print(f"{name}: {mean} +- {spread:.1f} px, {len(found)} faces")


if __name__ == "__main__":
    running.run(main)
