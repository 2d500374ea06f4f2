"""Import Keras on PyTorch when training starts, not before."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from faces import optional
from faces.errors import UsageError

NOISY_LOGGERS = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir", "matplotlib")


def load_keras() -> ModuleType:
    """Import Keras on PyTorch, the backend that writes ONNX without further packages, on a processor or a GPU.

    Raises UsageError if Keras or PyTorch is missing, or if the environment asks for another backend.
    """
    os.environ.setdefault("KERAS_BACKEND", "torch")
    require("torch")
    keras = require("keras")
    if (backend := keras.backend.backend()) != "torch":
        raise UsageError(f"KERAS_BACKEND={backend}: networks are exported with PyTorch; unset the variable")
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return keras


def require(module: str) -> ModuleType:
    """Import a module of the extra ``train``; raise UsageError with the command that installs it if it is missing."""
    return optional.require(module, "the training commands", "train")


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute convolutions in full float32 on a GPU; by default cuDNN may round products to 10 bits (TF32).

    For comparisons with another runtime; training may stay fast.
    """
    cudnn = require("torch").backends.cudnn
    before, cudnn.allow_tf32 = cudnn.allow_tf32, False
    try:
        yield
    finally:
        cudnn.allow_tf32 = before


def set_seed(seed: int) -> None:
    """Seed the random number generators of Python, NumPy and PyTorch."""
    load_keras().utils.set_random_seed(seed)
