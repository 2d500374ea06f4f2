"""Which device runs the networks: the CPU, or another one that ONNX Runtime has an execution provider for.

Another device computes with other instructions, often with fewer bits. A network runs on it only if its results agree
with those of the CPU, since thresholds and galleries were made with these.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.errors import ModelError

VARIABLE = "FACES_DEVICE"
"""The environment variable that names the device. Processes that are started inherit it."""

CPU, AUTO = "cpu", "auto"
PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    CPU: "CPUExecutionProvider",
}
"""Of each device, ONNX Runtime's name for its provider. ``auto`` takes the first that is installed."""

PACKAGES = {"cuda": "onnxruntime-gpu", "openvino": "onnxruntime-openvino", "directml": "onnxruntime-directml"}
NAMES = (AUTO, *PROVIDERS)

TOLERANCE = 1e-2
"""How far a result may be from the CPU's, as a share of the largest number of that output, or of 1 if that is more."""

FREE_SIDE, FREE_BATCH = 320, 2  # what stands for a dimension that varies: px, and pictures


def choose(name: str) -> None:
    """Run the networks that this process, and those it starts, load from now on, on a device of ``NAMES``."""
    os.environ[VARIABLE] = name


def chosen(installed: Sequence[str]) -> str:
    """Return the device, the CPU if none is named.

    installed: the providers that ONNX Runtime has.
    Raises ModelError for a name that is not one of ``NAMES``, and for a device whose provider is not installed.
    """
    name = os.environ.get(VARIABLE) or CPU
    if name not in NAMES:
        raise ModelError(f"{VARIABLE}: no device {name!r}; there are {', '.join(NAMES)}")
    here = [device for device, provider in PROVIDERS.items() if provider in installed]
    if name == AUTO:
        return here[0]
    if name not in here:
        package = PACKAGES.get(name, "onnxruntime")
        raise ModelError(
            f"this ONNX Runtime cannot use the device {name}, only {', '.join(here)};"
            f" it comes with the package {package}: docs/performance.md"
        )
    return name


def sample_input(inputs: Sequence[Any]) -> Mapping[str, NDArray[Any]]:
    """Return noise between 0 and 255, the same each time, for the inputs of a session of ONNX Runtime."""
    noise = np.random.default_rng(0)
    types = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
    feed = {}
    for entry in inputs:
        shape = [
            side if isinstance(side, int) else FREE_SIDE if position > 1 else FREE_BATCH
            for position, side in enumerate(entry.shape)
        ]
        feed[entry.name] = noise.uniform(0, 255, shape).astype(types.get(entry.type, np.float32))
    return feed


def deviation(results: Sequence[NDArray[Any]], expected: Sequence[NDArray[Any]]) -> float:
    """Return how far results are from those expected, in the unit of ``TOLERANCE``; infinite if shapes differ."""
    return max((_deviation(one, other) for one, other in zip(results, expected, strict=True)), default=0.0)


def _deviation(result: NDArray[Any], expected: NDArray[Any]) -> float:
    if result.shape != expected.shape or not np.isfinite(result).all():
        return float("inf")
    if not expected.size:
        return 0.0
    scale = max(1.0, float(np.abs(expected).max()))
    return float(np.abs(result.astype(np.float64) - expected).max()) / scale
