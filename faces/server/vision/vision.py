"""From image files to faces with embeddings and attributes, within the API's limits."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np

from faces.attributes import predictor, registry
from faces.attributes.answers import Answers
from faces.attributes.model import AttributeModel
from faces.errors import ImageError, ImageSizeError
from faces.files.finding import suffix_of
from faces.geometry import iou
from faces.images import Picture
from faces.landmarks.mesh import FaceMesh, Meshes
from faces.pipeline import Pipeline
from faces.server import errors
from faces.server.limits import MAX_DETECTED_FACES, MAX_IMAGE_BYTES, MAX_MEGAPIXELS, MIN_IMAGE_BYTES
from faces.server.vision.pixels import PixelLimit
from faces.server.vision.quality import Quality, measure
from faces.types import Faces, Floats, Image

MEGAPIXELS_IN_WORK = 12  # of all images together, to limit memory; a larger image is in work alone
MIN_TARGET_OVERLAP = 0.2  # intersection over union of a face with ``targetFace``


def too_many_pixels() -> errors.ApiError:
    """Return the error for an image of more than ``MAX_MEGAPIXELS``."""
    return errors.image_too_big(f"At most {MAX_MEGAPIXELS} megapixels are allowed.")


Rectangle = tuple[int, int, int, int]
"""Left, top, width, height; px."""


class Vision:
    """A pipeline, the attribute models and, where it was fetched, the face mesh. Thread-safe.

    pipeline: detects, aligns and embeds.
    threads: for each attribute model; None for the default.

    Raises ModelError if a model is missing.
    """

    _mesh: FaceMesh | None = None

    def __init__(self, pipeline: Pipeline, threads: int | None = None) -> None:
        self.pipeline = pipeline
        self._models = {file: AttributeModel(predictor.FOLDER / file, threads) for file in registry.FILES}
        self._mesh = FaceMesh.load_if_fetched(threads)
        self._predictors: dict[frozenset[str], predictor.Attributes] = {}
        self._pixels = PixelLimit(MEGAPIXELS_IN_WORK * 10**6)

    @contextmanager
    def open_image(self, data: bytes) -> Iterator[Image]:
        """Decode an image file: its first frame, upright. Its pixels are in work until the block ends.

        Raises ApiError, 400, if the data is not an image, or is too small or too large.
        """
        if len(data) < MIN_IMAGE_BYTES:
            raise errors.image_too_small() if suffix_of(data) else errors.unsupported_image()
        if len(data) > MAX_IMAGE_BYTES:
            raise errors.image_too_big()
        with ExitStack() as stack:
            try:
                picture = Picture(data)
                stack.enter_context(self.admit(picture))
                image = picture.at_least(1)[0]
            except ImageSizeError as error:
                raise too_many_pixels() from error
            except ImageError as error:
                raise errors.damaged_image() if suffix_of(data) else errors.unsupported_image() from error
            yield image

    @contextmanager
    def admit(self, picture: Picture) -> Iterator[None]:
        """Process a picture in this block, once its pixels fit beside those in work (see ``PixelLimit``).

        Raises ApiError, 400, if the picture is too large.
        """
        pixels = picture.sides[0] * picture.sides[1]
        if pixels > MAX_MEGAPIXELS * 1e6:
            raise too_many_pixels()
        with self._pixels.admit(pixels):
            yield

    def find(self, image: Image) -> tuple[Faces, Floats]:
        """Detect faces as ``detect`` does, and embed them: N faces and float32 (N, D), unit length."""
        return self.keep_faces(image, self.candidates(image))

    def detect(self, image: Image) -> Faces:
        """Detect faces, with landmarks, the largest first, at most ``MAX_DETECTED_FACES``."""
        return self.find(image)[0] if self.pipeline.has_check else self.candidates(image)

    def candidates(self, image: Image) -> Faces:
        """Return what the detector takes for faces, as ``detect`` does; not checked by the embedding."""
        faces = self.pipeline.candidates(image, turned=True)
        return faces[np.argsort(-faces.sizes, kind="stable")[:MAX_DETECTED_FACES]]

    def keep_faces(self, image: Image, candidates: Faces) -> tuple[Faces, Floats]:
        """Return the candidates that are faces, and their embeddings: float32 (N, D), unit length."""
        return self.pipeline.keep_faces(image, candidates)

    def embed_single(self, image: Image, target: Rectangle | None) -> Floats:
        """Return the embedding, float32 (D,), of the only face in an image, or of the face at ``target``.

        Raises ApiError, 400, if there is no such face.
        """
        faces = self.candidates(image)
        if target is not None:
            left, top, width, height = target
            if left + width > image.shape[1] or top + height > image.shape[0]:
                raise errors.bad_argument("Argument targetFace out of range.")
            overlap = iou(np.array([left, top, left + width, top + height], np.float32), faces.xyxy)
            faces = faces[np.argsort(-overlap)[:1]] if overlap.max(initial=0) >= MIN_TARGET_OVERLAP else faces[:0]
        faces, embeddings = self.keep_faces(image, faces)
        if len(faces) == 0:
            raise errors.no_face()
        if len(faces) > 1:
            raise errors.several_faces()
        return np.asarray(embeddings[0], np.float32)

    def attributes(self, image: Image, faces: Faces, embeddings: Floats | None, names: Collection[str]) -> Answers:
        """Predict attributes of N faces.

        image: the photograph.
        faces: N faces in it.
        embeddings: float32 (N, D), or None to compute them if an attribute needs them.
        names: from ``registry.NAMES``.
        """
        return self.load_attributes(names).of(image, faces, embeddings)

    def load_attributes(self, names: Collection[str]) -> predictor.Attributes:
        """Return what predicts attributes, loaded once; raise ModelError if a model for them is missing."""
        requested = frozenset(names)
        if requested not in self._predictors:
            self._predictors[requested] = predictor.Attributes(sorted(requested), self._models, self.pipeline)
        return self._predictors[requested]

    @property
    def has_mesh(self) -> bool:
        """Whether the face mesh was fetched before the server started."""
        return self._mesh is not None

    def meshes(self, image: Image, faces: Faces) -> Meshes | None:
        """Return the face meshes of N faces of an image, or None if the mesh was not fetched."""
        return None if self._mesh is None else self._mesh.of(image, faces)

    def qualities(self, image: Image, faces: Faces, yaws: Sequence[float], covered: Sequence[bool]) -> list[Quality]:
        """Measure the image quality of N faces. yaws, covered: as for ``measure``, one for each face."""
        crops = self.pipeline.embedder.aligner.crop(image, faces)
        each = zip(crops, faces.sizes, yaws, covered, strict=True)
        return [measure(crop, float(size), yaw, is_covered) for crop, size, yaw, is_covered in each]
