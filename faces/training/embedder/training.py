"""Train an embedder from photographs: collect the faces, distil, write the network and verify its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.embedding import embedders, registry
from faces.errors import FacesError, ModelError, UsageError
from faces.files.digest import digest
from faces.files.writing import write_bytes
from faces.models.engine import CvDnnEngine, OnnxEngine, opencv_reads_torch7
from faces.models.torch7.to_onnx import converted
from faces.records import Manifest, Recorder
from faces.training import backend, plots
from faces.training.data import teacher_faces
from faces.training.data.teacher_faces import TeacherFaces
from faces.training.embedder import openface
from faces.training.embedder.distillation import Distillation, Settings
from faces.training.progress import log_every

STUDENTS = ("nn4.small2",)
VERIFIED_FACES, TOLERANCE = 32, 1e-4  # faces on which a file is compared with PyTorch, and the largest difference

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EmbedderOptions:
    """The options of ``faces train-embedder`` that the training depends on."""

    teacher: str
    student: str
    epochs: int
    batch_size: int
    rate: float
    loose: float
    bf16: bool
    seed: int
    threads: int | None
    output: Path

    @property
    def checkpoint(self) -> Path:
        """The file that a stopped run continues from."""
        return self.output.with_suffix(".checkpoint")


def require_teacher(teacher: str) -> None:
    """Raise UsageError if the teacher does not exist, or its embeddings do not have the student's dimension."""
    if teacher != embedders.BUILT_IN and not registry.path_of(teacher).is_file():
        raise UsageError(f"--teacher {teacher}: no such file (leave the option out for the built-in network)")
    if (dimension := embedders.load(teacher).spec.dimension) != openface.DIMENSION:
        raise UsageError(
            f"--teacher {teacher}: its embeddings have {dimension} numbers, the student's {openface.DIMENSION};"
            " give another teacher"
        )


def train(
    options: EmbedderOptions, paths: Sequence[Path], excluded: Sequence[Path], recorder: Recorder, log: Log
) -> None:
    """Train the student, and write it as .t7 and .onnx after each check, with its curves.

    paths: photographs to learn from.
    excluded: photographs that the student is evaluated on; copies of them are not learned from.
    recorder: gets the data, the figures and the files.

    Raises FacesError if no face is left or the training fails, ModelError if a written file does not agree with
    PyTorch, and KeyboardInterrupt with a message.
    """
    torch = backend.require("torch")
    torch.set_num_threads(options.threads or torch.get_num_threads())
    torch.manual_seed(options.seed)
    run = _prepare(options, paths, excluded, recorder, log)
    if run.resume():
        log(f"{options.checkpoint}: continuing after {run.trained_on:,} faces")
    run.run(options.epochs, log, lambda: write_network(run, options.output))
    write_network(run, options.output)
    for name, value in (run.curve[-1] if run.curve else {}).items():
        recorder.figure(name, value)
    for suffix in (".t7", ".onnx"):
        recorder.artefact(options.output.with_suffix(suffix))


def _prepare(
    options: EmbedderOptions, paths: Sequence[Path], excluded: Sequence[Path], recorder: Recorder, log: Log
) -> Distillation:
    faces, rows = _collect(options, paths, ".faces.npy", log)
    if excluded:
        others, other_rows = _collect(options, excluded, ".without.npy", log)
        usable = teacher_faces.distinct(faces.embeddings[rows], others.embeddings[other_rows])
        log(f"left out as copies of photographs in --without: {(~usable).sum():,}")
        rows = rows[usable]
    if len(rows) == 0:
        raise FacesError("no face is left to learn from")
    recorder.data(_manifest([paths[row] for row in rows]))
    if excluded:
        recorder.data(_manifest(excluded), "judged by")
    settings = Settings(
        about={"student": options.student, "teacher": options.teacher},
        batch_size=options.batch_size,
        rate=options.rate,
        loose=options.loose,
        seed=options.seed,
        bf16=options.bf16,
    )
    return Distillation(openface.network(), faces, rows, settings, options.checkpoint)


def _collect(
    options: EmbedderOptions, paths: Sequence[Path], suffix: str, log: Log
) -> tuple[TeacherFaces, NDArray[np.intp]]:
    progress = log_every(1000, len(paths), "photographs read", log)
    file = options.output.with_suffix(suffix)
    faces, rows = teacher_faces.collect(paths, options.teacher, file, progress, options.threads)
    log(f"a face in {len(rows):,} of {len(paths):,} photographs")
    return faces, rows


def _manifest(paths: Sequence[Path]) -> Manifest:
    return Manifest.of_files(paths, (digest(path).removeprefix("sha256:") for path in paths), Path())


def write_network(run: Distillation, output: Path) -> None:
    """Write the student as .t7 and .onnx, and its curves; compare both files with PyTorch.

    Raises ModelError if a file gives other embeddings.
    """
    openface.write(run.student.weights, output)
    onnx = output.with_suffix(".onnx")
    write_bytes(onnx, converted(output))
    if run.curve:
        plots.distillation(run.curve, output.with_name(f"{output.stem}_curves.png"))
    crops = run.examples(VERIFIED_FACES)
    blob, expected = cv2.dnn.blobFromImages(list(crops), 1 / 255, swapRB=True), run.student.embed(crops)
    torch7_reader = CvDnnEngine if opencv_reads_torch7() else OnnxEngine
    for file, engine in ((output, torch7_reader(output)), (onnx, OnnxEngine(onnx))):
        difference = float(np.abs(engine.run(blob)[0] - expected).max())
        if not difference <= TOLERANCE:
            raise ModelError(f"{file}: its embeddings differ from PyTorch's by up to {difference:.2g}; do not use it")
