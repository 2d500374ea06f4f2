"""Photographs as the API sees them: bytes in, faces with embeddings and looks out."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from threading import BoundedSemaphore, Lock

import numpy as np

from faces.attributes import predictor
from faces.attributes.answers import Answers
from faces.attributes.model import AttributeModel
from faces.errors import ImageError
from faces.geometry import iou
from faces.images import Picture
from faces.pipeline import Pipeline
from faces.server import errors
from faces.server.vision.quality import Quality, measure
from faces.types import Faces, Floats, Image

LEAST_BYTES, MOST_BYTES = 1 << 10, 6 << 20
MOST_MEGAPIXELS = 50
LARGE = 12.0  # megapixels: such images are used one at a time, so that many at once do not fill the memory
SMALL = 0.5  # megapixels: in larger images finding faces takes hundreds of megabytes, so that few are looked at at once
CORES = 4  # for each of these; more help little
MOST_FACES = 100
SAME_FACE = 0.2  # intersection over union of a face with the rectangle that is to say which one is meant
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM")

Rectangle = tuple[int, int, int, int]
"""Left, top, width, height; px."""


class Vision:
    """A pipeline, and the models of what faces look like. May be used from several threads at once.

    Raises ModelError when a model is missing.
    """

    def __init__(self, pipeline: Pipeline, threads: int | None = None) -> None:
        self.pipeline = pipeline
        files = {file for file, _ in predictor.SOURCES.values()}
        self._models = {file: AttributeModel(predictor.FOLDER / file, threads) for file in sorted(files)}
        self._looks: dict[frozenset[str], predictor.Attributes] = {}
        self._large, self._turns = Lock(), BoundedSemaphore(max((os.cpu_count() or 1) // CORES, 1))

    @contextmanager
    def opened(self, data: bytes) -> Iterator[Image]:
        """The first frame, upright. While a large one is used, no other large one is decoded.

        Raises ApiError, 400, for what is no image, or one too small or too large.
        """
        if len(data) < LEAST_BYTES:
            raise errors.image_too_small() if data.startswith(SIGNATURES) else errors.unsupported_image()
        if len(data) > MOST_BYTES:
            raise errors.image_too_big()
        if not data.startswith(SIGNATURES):
            raise errors.unsupported_image()
        with ExitStack() as stack:
            try:
                picture = Picture(data)
                stack.enter_context(self.admitted(picture))
                image = picture.at_least(1)[0]
            except ImageError as error:
                raise errors.unsupported_image() from error
            yield image

    @contextmanager
    def admitted(self, picture: Picture) -> Iterator[None]:
        """While a large one is used in here, no other large one is. Raises ApiError, 400, for one too large."""
        megapixels = picture.sides[0] * picture.sides[1] / 1e6
        if megapixels > MOST_MEGAPIXELS:
            raise errors.image_too_big(f"At most {MOST_MEGAPIXELS} megapixels are allowed.")
        with self._large if megapixels > LARGE else nullcontext():
            yield

    def decode(self, data: bytes) -> Image:
        """As ``opened``, but the next large one does not wait until this is no longer used."""
        with self.opened(data) as image:
            return image

    def detect(self, image: Image) -> Faces:
        """The faces with landmarks, the largest first."""
        height, width = image.shape[:2]
        with self._turns if height * width > SMALL * 1e6 else nullcontext():
            faces = self.pipeline.detect(image)
        return faces[np.argsort(-faces.sizes, kind="stable")[:MOST_FACES]]

    def embedding_of_one(self, image: Image, target: Rectangle | None) -> Floats:
        """float32 (D,): of the only face, or of that at ``target``. Raises ApiError, 400, when it is not there."""
        faces = self.detect(image)
        if target is not None:
            left, top, width, height = target
            if left + width > image.shape[1] or top + height > image.shape[0]:
                raise errors.bad_argument("Argument targetFace out of range.")
            overlap = iou(np.array([left, top, left + width, top + height], np.float32), faces.xyxy)
            faces = faces[np.argsort(-overlap)[:1]] if overlap.max(initial=0) >= SAME_FACE else Faces.empty()
        if len(faces) == 0:
            raise errors.no_face()
        if len(faces) > 1:
            raise errors.several_faces()
        (embedding,) = self.embed(image, faces)
        return np.asarray(embedding, np.float32)

    def embed(self, image: Image, faces: Faces) -> Floats:
        """float32 (N, D), unit length."""
        return self.pipeline.embed(image, faces)

    def looks(self, image: Image, faces: Faces, embeddings: Floats | None, names: Collection[str]) -> Answers:
        """The answers to some of ``predictor.NAMES``."""
        wanted = frozenset(names)
        if wanted not in self._looks:
            self._looks[wanted] = predictor.Attributes(sorted(wanted), self._models, self.pipeline)
        return self._looks[wanted].of(image, faces, embeddings)

    def qualities(self, image: Image, faces: Faces, yaws: Sequence[float]) -> list[Quality]:
        crops = self.pipeline.embedder.aligner.crop(image, faces)
        return [measure(crop, float(size), yaw) for crop, size, yaw in zip(crops, faces.sizes, yaws, strict=True)]
