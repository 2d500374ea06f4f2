"""Keras on PyTorch, imported when training is asked for and not before."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from faces.errors import UsageError

LOGGERS = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir", "matplotlib")  # what they say is for their makers


def keras() -> ModuleType:
    """Keras, on PyTorch: of its backends the one that writes ONNX with nothing else, on a processor or a GPU.

    Raises UsageError when it is not installed, or the environment asks for another backend.
    """
    os.environ.setdefault("KERAS_BACKEND", "torch")
    needed("torch", "PyTorch")
    module = needed("keras", "Keras")
    if (backend := module.backend.backend()) != "torch":
        raise UsageError(f"KERAS_BACKEND={backend}: the networks are exported from PyTorch; unset it")
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return module


def needed(module: str, name: str) -> ModuleType:
    """A module of requirements-train.txt, known as ``name``; raises UsageError when it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"{name} is not installed; run: pip install -r requirements-train.txt") from error


@contextmanager
def exact() -> Iterator[None]:
    """Convolutions are of float32 on a GPU, too: by default cuDNN may round what they multiply to 10 bits (TF32).

    For what is compared with another runtime's answers; training may stay fast.
    """
    cudnn = needed("torch", "PyTorch").backends.cudnn
    before, cudnn.allow_tf32 = cudnn.allow_tf32, False
    try:
        yield
    finally:
        cudnn.allow_tf32 = before


def seed(number: int) -> None:
    """Start Python's, numpy's and PyTorch's random numbers anew."""
    keras().utils.set_random_seed(number)
