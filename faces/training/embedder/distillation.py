"""Distil an embedder: a student network learns to embed faces as its teacher does, without knowing who they are.

The loss has a part that compares pairs: "Relational Knowledge Distillation", Park et al., CVPR 2019.
"""

from __future__ import annotations

import io
import math
import pickle
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError
from faces.files.writing import write_bytes
from faces.training import backend
from faces.training.data.teacher_faces import TeacherFaces
from faces.training.embedder import augmentation
from faces.training.embedder.interrupts import deferred_interrupt
from faces.training.embedder.muon import muon
from faces.training.embedder.student import Student
from faces.types import Image

HELD_OUT_ONE_IN, MIN_HELD_OUT, MAX_HELD_OUT = 50, 3, 500  # faces to measure with and not to train on
FACES_PER_CHECK = 16_000  # trained on between two checks on the held-out faces
SECONDS_PER_SAVE = 180
STEPS_PER_LOG = 50
WARM_UP_STEPS = 200  # in which the learning rate rises
DECAY_SHARE = 0.8  # of all steps, in which the learning rate falls to 0
PAIR_WEIGHT = 2.0  # of the loss that compares pairs
WEIGHT_DECAY = 0.1  # of the convolutions, times the learning rate
ADAM_RATE = 0.1  # of biases, batch norms and the last layer, relative to the convolutions' learning rate


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a distillation.

    about: what is distilled, such as {"student": "nn4.small2"}; a checkpoint about something else is refused.
    rate: highest learning rate of the convolutions.
    loose: share of the crops that are cut by a box like the SSD's.
    bf16: compute training steps in bfloat16; checks and weights are float32.
    """

    about: dict[str, str]
    batch_size: int
    rate: float
    loose: float
    seed: int
    bf16: bool = False


class Distillation:
    """A distillation: the student, the optimizers, and the progress.

    A checkpoint is written every few minutes; a stopped run continues with the same faces and random numbers.
    ``step`` and ``trained_on`` count steps and faces; ``curve`` has a dictionary of figures per check.

    network: the student's ``torch.nn.Module``.
    faces: crops, landmarks and the teacher's embeddings.
    rows: intp (N,), the rows of ``faces`` to use.
    checkpoint: path of the state.

    Raises FacesError if there are fewer faces than a batch takes.
    """

    def __init__(
        self, network: Any, faces: TeacherFaces, rows: NDArray[np.intp], settings: Settings, checkpoint: Path
    ) -> None:
        self.student = Student(network)
        self.step = self.trained_on = 0
        self.curve: list[dict[str, float]] = []
        self._faces, self._settings, self._checkpoint = faces, settings, checkpoint
        hashes = [zlib.crc32(embedding.tobytes()) for embedding in faces.embeddings[rows]]
        order = np.argsort(hashes)  # so the held-out faces stay the same when faces are added
        count = min(max(len(rows) // HELD_OUT_ONE_IN, MIN_HELD_OUT), MAX_HELD_OUT)
        self._held_out, self._rows = np.sort(rows[order[:count]]), np.sort(rows[order[count:]])
        if len(self._rows) < settings.batch_size:
            few = f"{len(rows):,} faces are too few for batches of {settings.batch_size}"
            raise FacesError(f"{few}; give more photographs, or a smaller --batch-size")
        self._variance = float(faces.embeddings[self._rows].var(axis=0).sum())
        convolutions = [value for value in network.parameters() if value.ndim == 4]
        others = [value for value in network.parameters() if value.ndim != 4]
        self._optimizers = {
            "convolutions": muon(convolutions, settings.rate, WEIGHT_DECAY, settings.bf16),
            "others": backend.require("torch").optim.Adam(
                others, settings.rate * ADAM_RATE, betas=(0.9, 0.99), fused=True
            ),
        }

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches in a pass over the faces."""
        return len(self._rows) // self._settings.batch_size

    def run(self, epochs: int, log: Callable[[str], None], after_check: Callable[[], None]) -> None:
        """Train until ``epochs`` passes are done in all.

        log: called with lines about the progress.
        after_check: called after each check on the held-out faces.

        Raises FacesError if the loss is not a number or the disk is full, and KeyboardInterrupt with a message.
        """
        steps, batch_size = epochs * self.steps_per_epoch, self._settings.batch_size
        steps_per_check = max(min(FACES_PER_CHECK // batch_size, self.steps_per_epoch), 1)
        saved = logged = time.monotonic()
        losses: list[float] = []
        try:
            while self.step < steps:
                with deferred_interrupt():
                    losses.append(self._train_step(learning_rate(self.step, steps) * self._settings.rate))
                    if not math.isfinite(losses[-1]):
                        raise FacesError("the loss is not a number: use a smaller --rate")
                    now = time.monotonic()
                    if self.step % STEPS_PER_LOG == 0:
                        epoch, loss = self.step / self.steps_per_epoch, np.mean(losses[-STEPS_PER_LOG:])
                        speed = STEPS_PER_LOG * batch_size / (now - logged)
                        log(f"epoch {epoch:.2f} of {epochs}: loss {loss:.4f}  {speed:.0f} faces/s")
                        logged = now
                    if checked := self.step % steps_per_check == 0 or self.step == steps:
                        self._check(float(np.mean(losses)), log)
                        losses = []
                    if checked or now - saved > SECONDS_PER_SAVE:
                        self.save()
                        saved = now
                    if checked:
                        after_check()
        except KeyboardInterrupt:
            with deferred_interrupt():
                self.save()
            raise KeyboardInterrupt("stopped; run the same command again to continue") from None

    def _train_step(self, rate: float) -> float:
        """Train on one batch and return the loss."""
        import torch

        random = np.random.default_rng([self._settings.seed, self.step])
        rows = self._batch_rows()
        images, landmarks = self._faces.images[rows], self._faces.landmarks[rows]
        crops = augmentation.augmented_crops(images, landmarks, random, self._settings.loose)
        target = torch.from_numpy(self._faces.embeddings[rows]).to(self.student.device)
        self.student.network.train()
        with torch.autocast(self.student.device, torch.bfloat16, enabled=self._settings.bf16):
            embedded = self.student.network(self.student.as_input(crops))
        embedded = embedded.float()
        cosine = 1 - (embedded * target).sum(1).mean()
        pairs = (embedded @ embedded.T - target @ target.T).square().mean()
        # The first term is 1 for a student that always answers with the mean embedding.
        loss = 2 * cosine / self._variance + PAIR_WEIGHT * pairs / self._variance**2
        self.student.network.zero_grad(set_to_none=True)
        loss.backward()
        for name, optimizer in self._optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = rate * (ADAM_RATE if name == "others" else 1)
            optimizer.step()
        self.step += 1
        self.trained_on += len(rows)
        self.student.update_mean(self.step)
        return float(loss.detach())

    def _batch_rows(self) -> NDArray[np.intp]:
        """Return the faces of this step; each epoch has its own order."""
        epoch, step = divmod(self.step, self.steps_per_epoch)
        order = np.random.default_rng([self._settings.seed, epoch, 1]).permutation(self._rows)
        start = step * self._settings.batch_size
        return np.sort(order[start : start + self._settings.batch_size])

    def examples(self, count: int) -> Image:
        """Return the first held-out faces as the aligner cuts them, uint8 (N, 96, 96, 3), BGR."""
        rows = self._held_out[:count]
        return augmentation.aligned_crops(self._faces.images[rows], self._faces.landmarks[rows])

    def _check(self, loss: float, log: Callable[[str], None]) -> None:
        """Measure the student on the held-out faces.

        explained: share of the variance of the teacher's embeddings; 0 for their mean, 1 for the same embeddings.
        agreement: correlation of the similarities of all pairs with the teacher's.
        """
        rows = self._held_out
        images, landmarks = self._faces.images[rows], self._faces.landmarks[rows]
        target = self._faces.embeddings[rows]
        pairs = np.triu_indices(len(rows), 1)
        figures = {"faces": float(self.trained_on), "loss": loss}
        for name, crops in (("aligned", augmentation.aligned_crops), ("boxed", augmentation.box_crops)):
            embedded = self.student.embed(crops(images, landmarks))
            similarities = (embedded @ embedded.T)[pairs], (target @ target.T)[pairs]
            figures[f"{name} explained"] = 1 - float(np.square(embedded - target).sum(1).mean()) / self._variance
            figures[f"{name} agreement"] = float(np.corrcoef(*similarities)[0, 1])
        self.curve.append(figures)
        values = "  ".join(f"{name} {value:.4f}" for name, value in figures.items() if name != "faces")
        log(f"after {self.trained_on:,} faces: {values}")

    def save(self) -> None:
        """Write the checkpoint, atomically."""
        import torch

        file = io.BytesIO()
        state = {
            "about": self._settings.about,
            "step": self.step,
            "taught": self.trained_on,
            "curve": self.curve,
            "mean": self.student.mean,
            "weights": self.student.network.state_dict(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self._optimizers.items()},
        }
        torch.save(state, file)
        write_bytes(self._checkpoint, file.getvalue())

    def resume(self) -> bool:
        """Continue from the checkpoint; return False if there is none.

        Raises FacesError if it is damaged, or about something else, which must not be overwritten by mistake.
        """
        import torch

        path = self._checkpoint
        if not path.exists():
            return False
        try:
            state = torch.load(path, map_location=self.student.device, weights_only=True)
            about = state["about"]
            if about == self._settings.about:
                self.student.network.load_state_dict(state["weights"])
                for name, optimizer in self._optimizers.items():
                    optimizer.load_state_dict(state["optimizers"][name])
                self.student.mean, self.step = state["mean"], state["step"]
                self.trained_on, self.curve = state["taught"], state["curve"]
        except (RuntimeError, KeyError, TypeError, ValueError, EOFError, OSError, pickle.UnpicklingError) as error:
            raise FacesError(f"{path}: not a checkpoint, or a damaged one; delete it to start again") from error
        if about != self._settings.about:
            other = ", ".join(f"{name} {value}" for name, value in about.items())
            raise FacesError(f"{path}: a checkpoint of another run ({other}); delete it, or give another --output")
        return True


def learning_rate(step: int, steps: int) -> float:
    """Return the learning rate of a step as a share of the highest.

    It rises over ``WARM_UP_STEPS``, stays for a fifth of all steps, and falls to 0. Extending a run raises it again.
    """
    rising, falling = (step + 1) / WARM_UP_STEPS, (steps - step) / max(DECAY_SHARE * steps, 1)
    return min(1.0, rising, falling)
