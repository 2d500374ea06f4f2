"""The network that is trained, with the running mean of its weights, which is exported."""

from __future__ import annotations

from typing import Any

import numpy as np

from faces.training import backend
from faces.types import Floats, Image

MEAN_MOMENTUM = 0.999  # of the running mean of the weights
BATCH_CROPS = 50  # embedded at once


class Student:
    """A network and the running mean of its weights, on a GPU if there is one.

    network: ``torch.nn.Module`` from RGB float32 (N, 3, 96, 96) in [0, 1] to embeddings of unit length.
    """

    def __init__(self, network: Any) -> None:
        torch = backend.require("torch")
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.mean = {name: value.detach().clone() for name, value in self.network.state_dict().items()}

    @property
    def weights(self) -> dict[str, Floats]:
        """The running mean of the weights, by name."""
        return {name: value.cpu().numpy() for name, value in self.mean.items()}

    def update_mean(self, step: int) -> None:
        """Add the weights after a step to the running mean."""
        import torch

        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                if value.is_floating_point():
                    self.mean[name].lerp_(value, 1 - min(MEAN_MOMENTUM, step / (step + 10)))

    def as_input(self, crops: Image) -> Any:
        """Return crops, uint8 (N, 96, 96, 3), BGR, as the network takes them."""
        import torch

        rgb = torch.from_numpy(np.ascontiguousarray(crops[..., ::-1])).to(self.device)
        return rgb.permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)

    def embed(self, crops: Image) -> Floats:
        """Return the embeddings, float32 (N, D), by the running mean of the weights.

        crops: uint8 (N, 96, 96, 3), BGR.
        """
        import torch

        self.network.eval()
        batches = (self.as_input(crops[start : start + BATCH_CROPS]) for start in range(0, len(crops), BATCH_CROPS))
        with backend.full_precision(), torch.inference_mode():
            parts = [torch.func.functional_call(self.network, self.mean, (batch,)).cpu().numpy() for batch in batches]
        return np.concatenate(parts)
