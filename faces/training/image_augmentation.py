"""Augment images inside a Keras network during training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from faces.attributes.model import IMAGE
from faces.training.backend import load_keras

if TYPE_CHECKING:
    import keras


def augmentation(side: int, strong: bool = False) -> list[Any]:
    """Return Keras layers that mirror, shift, brighten and darken images; output float32 (N, side, side, 3).

    strong: also rotate, scale, and cover a patch with noise, each image differently, and make some images grey or
        blurred, as small and old pictures are; against overfitting.
    """
    layers = load_keras().layers
    moved = [_warp(side)] if strong else [layers.RandomFlip("horizontal"), _shift(side)]
    light = 0.3 if strong else 0.2
    lit = [
        layers.RandomBrightness(light, value_range=(0, 255)),
        layers.RandomContrast(light, value_range=(0, 255)),
    ]
    hidden = [_degrade(side), layers.RandomErasing(0.7, scale=(0.02, 0.15), value_range=(0, 255))] if strong else []
    return [*moved, *lit, *hidden]


def _shift(side: int, largest: float = 0.06) -> Any:
    """Shift a batch by whole pixels; ``RandomTranslation`` interpolates, and takes a third of the training time."""
    keras, px = load_keras(), round(largest * side)

    class Shift(keras.layers.Layer):  # type: ignore[name-defined, misc]
        def call(self, images: Any, training: bool | None = None) -> Any:
            if not training:
                return images
            x, y = np.random.randint(0, 2 * px + 1, 2)  # seeded by ``backend.set_seed``
            padded = keras.ops.pad(images, ((0, 0), (px, px), (px, px), (0, 0)))
            return padded[:, y : y + side, x : x + side]

    return Shift()


def _warp(side: int, turn: float = 0.26, scale: float = 0.15, shift: float = 0.05) -> Any:
    """Mirror, rotate, scale and shift each image differently, with one interpolation.

    PyTorch takes 9 ms for 64 images of 56 px, ``keras.ops.image.affine_transform`` 170.

    turn: largest angle, radians.
    scale: largest relative change of size.
    shift: largest share of the side.
    """
    import torch

    functional = torch.nn.functional

    class Warp(load_keras().layers.Layer):  # type: ignore[misc]
        def call(self, images: Any, training: bool | None = None) -> Any:
            if not training:
                return images
            dx, dy, angle, size, mirror = (torch.rand((5, len(images)), device=images.device) * 2 - 1).unbind()
            size, mirror = 1 + scale * size, torch.sign(mirror)
            cos, sin = size * torch.cos(turn * angle), size * torch.sin(turn * angle)
            rows = [mirror * cos, -sin, 2 * shift * dx, mirror * sin, cos, 2 * shift * dy]  # a side is -1 to 1
            grid = functional.affine_grid(
                torch.stack(rows, 1).reshape(-1, 2, 3), [len(images), 3, side, side], align_corners=False
            )
            channels_first = images.permute(0, 3, 1, 2).float()
            warped = functional.grid_sample(channels_first, grid, padding_mode="border", align_corners=False)
            return warped.permute(0, 2, 3, 1)

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    return Warp()


def _degrade(side: int, grey: float = 0.3, smallest: float = 0.35) -> Any:
    """Make some images grey, and a whole batch as coarse as a picture of fewer pixels.

    grey: share of the images.
    smallest: of the side: the coarsest picture; half of the batches stay as they are.
    """
    import torch

    functional = torch.nn.functional

    class Degrade(load_keras().layers.Layer):  # type: ignore[misc]
        def call(self, images: Any, training: bool | None = None) -> Any:
            if not training:
                return images
            without = torch.rand((len(images), 1, 1, 1), device=images.device) < grey
            images = torch.where(without, images.mean(dim=-1, keepdim=True), images)
            pixels = round(side * float(torch.empty(1).uniform_(2 * smallest - 1, 1)))
            if pixels < smallest * side:
                return images
            coarse = functional.interpolate(images.permute(0, 3, 1, 2), size=(pixels, pixels), mode="area")
            smooth = functional.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)
            return smooth.permute(0, 2, 3, 1)

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    return Degrade()


def augmented(core: keras.Model, strong: bool = False) -> keras.Model:
    """Put augmentation in front of a core; it is active in training only."""
    keras = load_keras()
    inputs = {entry.name: keras.Input(entry.shape[1:], dtype=entry.dtype, name=entry.name) for entry in core.inputs}
    image = inputs[IMAGE] = keras.Input(inputs[IMAGE].shape[1:], dtype="uint8", name=IMAGE)
    for layer in augmentation(image.shape[1], strong):
        image = layer(image)
    if len(inputs) == 1:
        return keras.Model(inputs[IMAGE], core(image))
    return keras.Model(inputs, core({**inputs, IMAGE: image}))
