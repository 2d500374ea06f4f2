"""compat/face_recognition beside the original, in one run and on the same photographs.

python -m benchmarks.compat boxes|chin|calls --original FOLDER [--count N] [--cnn N]

FOLDER: pip install --no-deps --target FOLDER -r benchmarks/requirements.txt
boxes: fits the built-in detector's boxes to those of dlib's "hog" on every second photograph, judges on the others.
chin: fits where the original's 17 points of the chin lie along the contour of the mesh, on the same halves, in the
original's boxes. Its 68 points may not be used for commercial purposes: they are only compared with.
calls: time of each call, memory, import, and whether both find and name the same people; the two take turns.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.photographs import DATA
from benchmarks.throughput import ROOT, in_turns, machine
from faces import detection
from faces.cli import running, text
from faces.files.finding import find_images
from faces.geometry import iou, square
from faces.images import read_image
from faces.types import Floats

OURS = ROOT / "compat" / "face_recognition"
TOLERANCE = 0.6
FOUND = 0.3  # overlap from which two boxes are of the same face
PLACE = 0.1  # step of the fitted places, in points of the contour
WINDOW = 40  # px: the smallest face with number_of_times_to_upsample=1
WANTED = (("hog", 3.0), ("cnn", 10.0), ("encodings", 10.0))
WORKER = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
start = time.perf_counter()
import face_recognition
print(json.dumps([time.perf_counter() - start, face_recognition.__file__]), flush=True)
for line in sys.stdin:
    name, path, arguments, keywords = json.loads(line)
    image = face_recognition.load_image_file(path)
    start, used = time.perf_counter(), time.process_time()
    result = getattr(face_recognition, name)(image, *arguments, **keywords)
    spent = [time.perf_counter() - start, time.process_time() - used]
    result = [getattr(item, "tolist", lambda item=item: item)() for item in result]
    print(json.dumps([result, *spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]), flush=True)
"""


class Worker:
    """One of the two packages, in a process of its own.

    import_time: s. memory: MB, the most so far. seconds, processor: of each kind of call, s.
    """

    def __init__(self, *folders: Path) -> None:
        path = os.pathsep.join(map(str, folders))
        command = [sys.executable, "-c", WORKER]
        environment = {**os.environ, "PYTHONPATH": path}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.import_time, file = self._answer()
        assert Path(file).is_relative_to(folders[0]), file
        self.memory = 0.0
        self.seconds: dict[str, list[float]] = {}
        self.processor: dict[str, list[float]] = {}

    def _answer(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())

    def call(self, kind: str, name: str, path: Path, *arguments: Any, **keywords: Any) -> Any:
        assert self._process.stdin
        print(json.dumps([name, str(path), arguments, keywords]), file=self._process.stdin, flush=True)
        result, seconds, processor, self.memory = self._answer()
        self.seconds.setdefault(kind, []).append(seconds)
        self.processor.setdefault(kind, []).append(processor)
        return result

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("boxes", "chin", "calls"))
    parser.add_argument("--original", type=Path, required=True, metavar="FOLDER", help="the original's packages")
    parser.add_argument("--count", type=int, default=100, help="photographs of calls")
    parser.add_argument("--cnn", type=int, default=100, help="how many of them for cnn, which takes long")
    args = parser.parse_args(argv)
    print(", ".join(f"{what} {value}" for what, value in machine().items()), flush=True)
    with ExitStack() as stack:
        theirs = stack.enter_context(Worker(args.original))
        if args.part == "boxes":
            boxes(theirs)
        elif args.part == "chin":
            chin(theirs)
        else:
            calls(theirs, stack.enter_context(Worker(OURS, ROOT)), args.count, args.cnn)
    print(f"load average afterwards {machine()['load average']}")
    return 0


def as_xyxy(locations: Sequence[Sequence[int]]) -> Floats:
    sides = np.array(locations, np.float32).reshape(-1, 4)[:, [3, 0, 1, 2]]
    return sides + np.array([0, 0, 1, 1], np.float32)


def boxes(theirs: Worker) -> None:
    """Print the fitted scale and shift, and the overlaps in both halves of the photographs."""
    detector = detection.load("built-in", min_face=WINDOW)
    halves: tuple[list[tuple[Floats, Floats, bool]], ...] = ([], [])
    missed = more = 0
    for number, path in enumerate([*find_images(DATA / "photos"), *find_images(DATA / "people")]):
        image = read_image(path)
        limits = np.tile(image.shape[1::-1], 2).astype(np.float32)
        found, wanted = detector.detect(image).xyxy, as_xyxy(theirs.call("hog", "face_locations", path))
        more += len(found)
        for box in wanted:
            overlap = iou(box, found)
            if overlap.max(initial=0) < FOUND:
                missed += 1
                print(f"missed: {path} {box}")
                continue
            inside = bool((box[:2] > 0).all() and (box[2:] < limits[2:]).all())
            halves[number % 2].append((found[overlap.argmax()], box, inside))
    fitted, down = fit(
        *(np.stack(part) for part in zip(*((a, b) for a, b, inside in halves[0] if inside), strict=True))
    )
    print(f"dlib's faces: {sum(map(len, halves)) + missed}, missed {missed}; faces of ours: {more}")
    print(f"side {fitted:.3f} of ours, {down:.3f} of it lower")
    for name, half in zip(("fitted on", "judged on"), halves, strict=True):
        ours = square(np.stack([row[0] for row in half]), scale=fitted, down=down)
        overlaps = [iou(box, each[None])[0] for each, (_, box, _) in zip(ours, half, strict=True)]
        print(
            f"{name}: {len(half)} faces, overlap {np.median(overlaps):.3f}, 5 % below {np.quantile(overlaps, 0.05):.3f}"
        )


def fit(ours: Floats, theirs: Floats) -> tuple[float, float]:
    """Return the factor of the side, and the shift downwards as a share of the new side: medians."""
    sides = [np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)) for boxes in (ours, theirs)]
    scale = float(np.median(sides[1] / sides[0]))
    lower = (theirs[:, 1] + theirs[:, 3] - ours[:, 1] - ours[:, 3]) / 2
    return scale, float(np.median(lower / (sides[0] * scale)))


def chin(theirs: Worker) -> None:
    """Print where the original's chin lies beside the mesh's contour, and how far from it ours is."""
    sys.path.insert(0, str(OURS))
    landmarks = importlib.import_module("face_recognition._landmarks")
    finding = importlib.import_module("face_recognition._finding")
    halves: tuple[list[tuple[Floats, Floats]], ...] = ([], [])
    for number, path in enumerate([*find_images(DATA / "photos"), *find_images(DATA / "people")]):
        found = theirs.call("hog", "face_locations", path)
        wanted = theirs.call("landmarks", "face_landmarks", path, found)
        if found:
            points = landmarks.mesh_points(read_image(path), finding.as_faces(found))
            for ours, parts in zip(points, wanted, strict=True):
                eyes = [np.mean(parts[eye], axis=0) for eye in ("left_eye", "right_eye")]
                unit = np.linalg.norm(eyes[0] - eyes[1])
                halves[number % 2].append((ours[:17] / unit, np.array(parts["chin"], np.float32) / unit))
    contours, chins = (np.stack(part) for part in zip(*halves[0], strict=True))
    half, lower = fit_chin(landmarks, contours, chins)
    print(f"places of half a chin: {', '.join(f'{place:.1f}' for place in half)}; {lower:.3f} lower")
    rows = []
    for name, faces in zip(("fitted on", "judged on"), halves, strict=True):
        contours, chins = (np.stack(part) for part in zip(*faces, strict=True))
        each = (contours, landmarks.chin(contours), landmarks.chin(contours, half, lower))
        apart = [np.linalg.norm(points - chins, axis=-1).mean() for points in each]
        rows.append([name, len(faces), *(f"{100 * value:.1f}" for value in apart)])
    print("distance of the 17 points, % of the distance between the eyes: mean")
    print(text.table(["", "faces", "the contour's own points", "today's", "as fitted"], rows))


def fit_chin(landmarks: Any, contours: Floats, chins: Floats) -> tuple[list[float], float]:
    """Return the places of half a chin, and the factor downwards, at the least mean distance: in turns."""
    from scipy.optimize import minimize_scalar

    def away(lower: float) -> float:
        return float(np.linalg.norm(landmarks.chin(contours, half, lower) - chins, axis=-1).mean())

    places = np.arange(0, 16 + PLACE / 2, PLACE)
    points = landmarks.along(contours, places)
    down = landmarks.below_ears(contours, points)
    half: list[float] = []
    lower = 1.0
    while True:
        moved = points + (lower - 1) * down
        apart = np.linalg.norm(moved[:, :, None] - chins[:, None], axis=-1).mean(axis=0)
        both = (apart + apart[::-1, ::-1])[: len(places) // 2 + 1, :8]  # of a point and of its mirror image
        before, half = half, places[both.argmin(axis=0)].tolist()
        if half == before:
            return half, lower
        lower = float(minimize_scalar(away, bounds=(0.8, 1.3), method="bounded").x)


def calls(theirs: Worker, ours: Worker, count: int, cnn: int) -> None:
    """Print what the same calls give and take in both."""
    both = {"original": theirs, "ours": ours}
    paths = in_turns(DATA / "people")[:count]
    people: dict[str, dict[Path, list[Floats]]] = {name: {} for name in both}
    overlaps: dict[str, list[float]] = {"hog": [], "cnn": []}
    apart: list[float] = []
    missed = dict.fromkeys(overlaps, 0)
    for worker in both.values():  # models are loaded
        worker.call("first", "face_encodings", paths[0])
        worker.call("first", "face_locations", paths[0], 0, "cnn")
    for number, path in enumerate(paths):
        for model in ("hog", "cnn"):
            if model == "hog" or number < cnn:
                found = {name: worker.call(model, "face_locations", path, 1, model) for name, worker in both.items()}
                compared = [iou(box, as_xyxy(found["ours"])).max(initial=0) for box in as_xyxy(found["original"])]
                overlaps[model] += [float(overlap) for overlap in compared if overlap >= FOUND]
                missed[model] += sum(overlap < FOUND for overlap in compared)
                if model == "hog":
                    located = found
        for name, worker in both.items():
            rows = worker.call("own", "face_encodings", path, located[name])
            people[name][path] = [np.array(row, np.float32) for row in rows]
        if located["original"] and located["ours"]:  # the same face first: the order differs
            same_face = iou(as_xyxy(located["original"])[0], as_xyxy(located["ours"])).argmax()
            people["ours"][path].insert(0, people["ours"][path].pop(int(same_face)))
        if located["original"]:
            same = [worker.call("encodings", "face_encodings", path, located["original"]) for worker in both.values()]
            apart.append(float(np.abs(np.subtract(*same)).max()))
    rows = []
    for kind, wanted in WANTED:
        wall, processor = (
            [1e3 * median(kinds[kind]) for kinds in (theirs.seconds, ours.seconds)],
            [1e3 * median(kinds[kind]) for kinds in (theirs.processor, ours.processor)],
        )
        rows.append(
            [
                kind,
                len(ours.seconds[kind]),
                *(f"{value:.1f}" for value in (*wall, wall[0] / wall[1])),
                f"{wanted:.0f}",
                *(f"{value:.1f}" for value in processor),
            ]
        )
    headings = [
        "call",
        "count",
        "original, ms",
        "ours, ms",
        "times",
        "wanted",
        "original, processor ms",
        "ours, processor ms",
    ]
    print(text.table(headings, rows))
    for model, values in overlaps.items():
        print(f"{model}: {len(values)} faces in both, overlap {median(values):.3f}, missed by ours {missed[model]}")
    print(f"encodings in the same boxes: {len(apart)} photographs, greatest difference of a value {max(apart):.1e}")
    print_names(people, paths)
    for name, worker in both.items():
        print(f"{name}: import {worker.import_time:.2f} s, memory {worker.memory:.0f} MB")


def print_names(people: dict[str, dict[Path, list[Floats]]], paths: Sequence[Path]) -> None:
    """Print how many probes both name alike: the original's first face; everybody's first photograph is the gallery."""
    known = {path.parent.name: path for path in reversed(paths)}
    probes = [path for path in paths if path not in known.values()]
    named: dict[str, list[str]] = {}
    for name, found in people.items():
        gallery = {person: found[path][0] for person, path in known.items() if found[path]}
        named[name] = [nearest(gallery, found[path][:1]) for path in probes]
    right = {
        name: sum(a == path.parent.name for a, path in zip(names, probes, strict=True)) for name, names in named.items()
    }
    alike = sum(a == b for a, b in zip(*named.values(), strict=True))
    print(f"{len(probes)} probes, {len(known)} people: {alike} named alike; right: {right}")


def nearest(gallery: dict[str, Floats], encodings: list[Floats]) -> str:
    if not encodings:
        return "no face"
    distance, person = min((float(np.linalg.norm(known - encodings[0])), person) for person, known in gallery.items())
    return person if distance <= TOLERANCE else "unknown"


if __name__ == "__main__":
    running.run(main)
