"""Distillation: a student learns to embed faces as its teacher does, without being told who anybody is.

The part of the loss that compares pairs: "Relational Knowledge Distillation", Park et al., CVPR 2019.
"""

from __future__ import annotations

import io
import math
import pickle
import signal
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError
from faces.files.writing import write_bytes
from faces.training import augmentation, backend
from faces.training.data.distillation import Lessons
from faces.training.muon import muon
from faces.types import Floats, Image

ONE_IN, LEAST, HELD_OUT = 50, 3, 500  # so many of the faces it is not taught with, to see how far it is
CHECK = 16_000  # faces between two looks at those
SAVE = 180  # seconds: more than this is not lost
TELL = 50  # steps
WARM_UP = 200  # steps in which the rate grows
LAST = 0.8  # share of all steps in which the rate falls to nothing
MEMORY = 0.999  # of the running mean of the weights, which is what is kept
PAIRS = 2.0  # weight of the loss that compares pairs
DECAY = 0.1  # of the convolutions' weights, times the rate
ADAM = 0.1  # rate of biases, batch norms and the last layer, times that of the convolutions


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run is made. about: of what, such as {"student": "nn4.small2"}; a run of something else is not continued.

    rate: the convolutions' learning rate at its highest. loose: share of the crops that are cut by the SSD's box.
    bf16: compute steps, Muon's directions too, in bfloat16; checks and weights are float32.
    """

    about: dict[str, str]
    batch_size: int
    rate: float
    loose: float
    seed: int
    bf16: bool = False


class Distillation:
    """A run: the student, the mean of its weights, the optimizers, and how far it is.

    student: a ``torch.nn.Module`` from RGB float32 (N, 3, 96, 96) in [0, 1] to embeddings of unit length.
    rows: intp (N,), which faces of ``lessons`` to use. file: the state, written every few minutes: a killed run goes
    on from there with the same faces and random numbers. curve: what was measured so far, a dictionary a check.
    """

    def __init__(self, student: Any, lessons: Lessons, rows: NDArray[np.intp], settings: Settings, file: Path) -> None:
        torch = backend.needed("torch", "PyTorch")
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.student = student.to(self.device, memory_format=torch.channels_last)
        self.step = 0
        self.taught = 0  # faces so far
        self.curve: list[dict[str, float]] = []
        self._lessons, self._settings, self._file = lessons, settings, file
        order = np.argsort([zlib.crc32(one.tobytes()) for one in lessons.embeddings[rows]])  # stays, with more faces
        count = min(max(len(rows) // ONE_IN, LEAST), HELD_OUT)
        self._held_out, self._rows = np.sort(rows[order[:count]]), np.sort(rows[order[count:]])
        if len(self._rows) < settings.batch_size:
            few = f"too few faces to teach with: {len(rows):,}, and {settings.batch_size} are taken at once"
            raise FacesError(f"{few}: give more photographs, or a smaller --batch-size")
        self._spread = float(lessons.embeddings[self._rows].var(axis=0).sum())
        self._mean = {name: value.detach().clone() for name, value in self.student.state_dict().items()}
        convolutions = [value for value in self.student.parameters() if value.ndim == 4]
        others = [value for value in self.student.parameters() if value.ndim != 4]
        self._optimizers = {
            "convolutions": muon(convolutions, settings.rate, DECAY, settings.bf16),
            "others": torch.optim.Adam(others, settings.rate * ADAM, betas=(0.9, 0.99), fused=True),
        }

    @property
    def weights(self) -> dict[str, Floats]:
        """The mean of the weights so far, by name."""
        return {name: value.cpu().numpy() for name, value in self._mean.items()}

    @property
    def steps_an_epoch(self) -> int:
        return len(self._rows) // self._settings.batch_size

    def run(self, epochs: int, tell: Callable[[str], None], look: Callable[[], None]) -> None:
        """Teach until so many passes are done in all; ``look`` is called after each check of the faces held out.

        Raises FacesError when the loss is no number or the state cannot be written, and KeyboardInterrupt with a text.
        """
        steps, size = epochs * self.steps_an_epoch, self._settings.batch_size
        check = max(min(CHECK // size, self.steps_an_epoch), 1)
        saved = told = time.monotonic()
        losses: list[float] = []
        try:
            while self.step < steps:
                with unbroken():
                    losses.append(self._learn(rate(self.step, steps) * self._settings.rate))
                    if not math.isfinite(losses[-1]):
                        raise FacesError("the loss is no longer a number: try a smaller --rate")
                    now = time.monotonic()
                    if self.step % TELL == 0:
                        done, loss = self.step / self.steps_an_epoch, np.mean(losses[-TELL:])
                        tell(f"epoch {done:.2f} of {epochs}: loss {loss:.4f}  {TELL * size / (now - told):.0f} faces/s")
                        told = now
                    if checked := self.step % check == 0 or self.step == steps:
                        self._check(float(np.mean(losses)), tell)
                        losses = []
                    if checked or now - saved > SAVE:
                        self.save()
                        saved = now
                    if checked:
                        look()
        except KeyboardInterrupt:
            with unbroken():
                self.save()
            raise KeyboardInterrupt("stopped; the same command goes on from here") from None

    def _learn(self, rate: float) -> float:
        """One step, and its loss."""
        import torch

        random = np.random.default_rng([self._settings.seed, self.step])
        rows = self._turn()
        images, landmarks = self._lessons.images[rows], self._lessons.landmarks[rows]
        crops = augmentation.shown(images, landmarks, random, self._settings.loose)
        wanted = torch.from_numpy(self._lessons.embeddings[rows]).to(self.device)
        self.student.train()
        with torch.autocast(self.device, torch.bfloat16, enabled=self._settings.bf16):
            embedded = self.student(self._blob(crops))
        embedded = embedded.float()
        cosine = 1 - (embedded * wanted).sum(1).mean()
        pairs = (embedded @ embedded.T - wanted @ wanted.T).square().mean()
        loss = 2 * cosine / self._spread + PAIRS * pairs / self._spread**2  # 1 + ... for a student that knows the mean
        self.student.zero_grad(set_to_none=True)
        loss.backward()
        for name, optimizer in self._optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = rate * (ADAM if name == "others" else 1)
            optimizer.step()
        self.step += 1
        self.taught += len(rows)
        with torch.no_grad():
            for name, value in self.student.state_dict().items():
                if value.is_floating_point():
                    self._mean[name].lerp_(value, 1 - min(MEMORY, self.step / (self.step + 10)))
        return float(loss.detach())

    def _turn(self) -> NDArray[np.intp]:
        """The faces of this step: in a pass each comes once, in an order of the pass's own."""
        epoch, at = divmod(self.step, self.steps_an_epoch)
        order = np.random.default_rng([self._settings.seed, epoch, 1]).permutation(self._rows)
        size = self._settings.batch_size
        return np.sort(order[at * size : (at + 1) * size])

    def _blob(self, crops: Image) -> Any:
        """A batch as the network takes it."""
        import torch

        rgb = torch.from_numpy(np.ascontiguousarray(crops[..., ::-1])).to(self.device)
        return rgb.permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)

    def embed(self, crops: Image) -> Floats:
        """float32 (N, D): what the mean of the weights makes of uint8 (N, 96, 96, 3) BGR crops."""
        import torch

        self.student.eval()
        blobs = (self._blob(crops[at : at + 50]) for at in range(0, len(crops), 50))
        with backend.exact(), torch.inference_mode():
            parts = [torch.func.functional_call(self.student, self._mean, (blob,)).cpu().numpy() for blob in blobs]
        return np.concatenate(parts)

    def examples(self, count: int) -> Image:
        """uint8 (N, 96, 96, 3) BGR: the first faces that it is not taught with, as the aligner cuts them."""
        rows = self._held_out[:count]
        return augmentation.clean(self._lessons.images[rows], self._lessons.landmarks[rows])

    def _check(self, loss: float, tell: Callable[[str], None]) -> None:
        """How far it is, by the faces held out.

        explained: share of the spread of the teacher's embeddings; 0 is their mean, 1 they themselves. agreement:
        correlation of the similarities of all pairs with the teacher's.
        """
        rows = self._held_out
        images, landmarks = self._lessons.images[rows], self._lessons.landmarks[rows]
        wanted = self._lessons.embeddings[rows]
        pairs = np.triu_indices(len(rows), 1)
        result = {"faces": float(self.taught), "loss": loss}
        for name, cut in (("aligned", augmentation.clean), ("boxed", augmentation.boxed)):
            embedded = self.embed(cut(images, landmarks))
            similarities = (embedded @ embedded.T)[pairs], (wanted @ wanted.T)[pairs]
            result[f"{name} explained"] = 1 - float(np.square(embedded - wanted).sum(1).mean()) / self._spread
            result[f"{name} agreement"] = float(np.corrcoef(*similarities)[0, 1])
        self.curve.append(result)
        figures = "  ".join(f"{name} {value:.4f}" for name, value in result.items() if name != "faces")
        tell(f"after {self.taught:,} faces: {figures}")

    def save(self) -> None:
        """Write the state, whole or not at all."""
        import torch

        file = io.BytesIO()
        state = {
            "about": self._settings.about,
            "step": self.step,
            "taught": self.taught,
            "curve": self.curve,
            "mean": self._mean,
            "weights": self.student.state_dict(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self._optimizers.items()},
        }
        torch.save(state, file)
        write_bytes(self._file, file.getvalue())

    def resume(self) -> bool:
        """Go on from the file, if there is one.

        Raises FacesError when it is damaged, or of a run of something else, which must not be lost by mistake.
        """
        import torch

        if not self._file.exists():
            return False
        try:
            state = torch.load(self._file, map_location=self.device, weights_only=True)
            about = state["about"]
            if about == self._settings.about:
                self.student.load_state_dict(state["weights"])
                for name, optimizer in self._optimizers.items():
                    optimizer.load_state_dict(state["optimizers"][name])
                self._mean, self.step = state["mean"], state["step"]
                self.taught, self.curve = state["taught"], state["curve"]
        except (RuntimeError, KeyError, TypeError, ValueError, EOFError, OSError, pickle.UnpicklingError) as error:
            raise FacesError(f"{self._file}: not a checkpoint, or a damaged one; delete it to start anew") from error
        if about != self._settings.about:
            of = ", ".join(f"{name} {value}" for name, value in about.items())
            raise FacesError(f"{self._file}: a checkpoint of another run ({of}); delete it, or name another --output")
        return True


@contextmanager
def unbroken() -> Iterator[None]:
    """Ctrl-C waits until this is over: half a step is no state to go on from.

    Where it means something else than KeyboardInterrupt, or another thread is to hear of it, nothing changes.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler or not _in_main_thread():
        yield
        return
    asked: list[Any] = []
    signal.signal(signal.SIGINT, lambda *about: asked.append(about))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if asked:
        raise KeyboardInterrupt


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def rate(step: int, steps: int) -> float:
    """Share of the learning rate: it grows, stays for a fifth of all steps, and falls to nothing.

    In a run that is made longer it is higher again.
    """
    growing, falling = (step + 1) / WARM_UP, (steps - step) / max(LAST * steps, 1)
    return min(1.0, growing, falling)
