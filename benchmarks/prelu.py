"""The time of SFace as its file has it, with PRelus split, and with Relu in their place: python -m benchmarks.prelu

The three take turns in one run on one core; milliseconds a crop, 16 crops at once, the best of all turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from faces.cli import running, text
from faces.models import packages, zoo
from faces.models.opencv_zoo.folding import Network

CROPS, TURNS = 16, 15


def main() -> int:
    import onnx
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    crops = np.random.default_rng(0).integers(0, 256, (CROPS, 3, 112, 112)).astype(np.float32)
    kinds: dict[str, tuple[Callable[[Network], None], ...]] = {
        "as the file has it": (),
        "batch norms folded, PRelus split": (Network.fold_batch_norms, Network.split_prelus),
        "batch norms folded, Relu in place of PRelu": (Network.fold_batch_norms, Network.replace_prelus),
    }
    sessions = {}
    for name, steps in kinds.items():
        network = Network(onnx.load(packages.unpacked(zoo.MODELS["sface-int8"].files[0])))
        for step in steps:
            step(network)
        sessions[name] = ort.InferenceSession(network.serialize(), options, providers=["CPUExecutionProvider"])
    best = dict.fromkeys(sessions, float("inf"))
    for _ in range(TURNS):
        for name, session in sessions.items():
            start = time.perf_counter()
            session.run(None, {"data": crops})
            best[name] = min(best[name], (time.perf_counter() - start) / CROPS * 1000)
    fastest = min(best.values())
    rows = [(name, f"{each:.1f} ms", f"{each / fastest:.2f}") for name, each in best.items()]
    print(text.table(("SFace", "a crop", "ratio"), rows))
    return 0


if __name__ == "__main__":
    running.run(main)
