"""Distillation: a student comes to agree with its teacher, and goes on after a kill as if there had been none."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faces.embedding.embedders import unit
from faces.errors import FacesError
from faces.training import augmentation, distilling
from faces.training.data.distillation import SIDE, WIDE, Lessons
from faces.training.distilling import Distillation, Settings, rate
from tests.conftest import disk

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'recognize-faces[train]'")
pytestmark = pytest.mark.training

FACES, DIMENSION = 40, 4
ABOUT = {"student": "small", "teacher": "colours"}


class Killed(BaseException):
    """What no handler of the program's takes for its own."""


@pytest.fixture(scope="module")
def lessons() -> Lessons:
    """Flat faces, whose teacher says what colour they are."""
    random = np.random.default_rng(0)
    colours = random.integers(20, 235, (FACES, 1, 1, 3))
    images = np.broadcast_to(colours, (FACES, SIDE, SIDE, 3)).astype(np.uint8)
    landmarks = np.stack([WIDE.points["eye-corners"][1]] * FACES).astype(np.float32)
    embeddings = np.concatenate([colours.reshape(FACES, 3) / 128 - 1, np.full((FACES, 1), 2.0)], axis=1)
    return Lessons(images, landmarks, unit(embeddings.astype(np.float32)))


def student() -> Any:
    """A tiny one with everything that has a state."""
    torch.manual_seed(1)
    nn = torch.nn
    layers = nn.Conv2d(3, 8, 8, 8), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()

    class Student(nn.Sequential):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return nn.functional.normalize(super().forward(x))

    return Student(*layers, nn.Linear(8, DIMENSION))


def run_of(lessons: Lessons, folder: Path, about: dict[str, str] = ABOUT, **changes: Any) -> Distillation:
    settings = Settings(about, **{"batch_size": 8, "rate": 1e-2, "loose": 0.5, "seed": 0, **changes})
    return Distillation(student(), lessons, np.arange(FACES), settings, folder / "a.checkpoint")


def same(one: Distillation, other: Distillation) -> bool:
    return all(np.array_equal(value, other.weights[name]) for name, value in one.weights.items())


def test_embeddings_are_without_tf32_and_training_is_with_it(lessons: Lessons, tmp_path: Path) -> None:
    run, allowed = run_of(lessons, tmp_path), []
    run.student[0].register_forward_hook(lambda *_: allowed.append(torch.backends.cudnn.allow_tf32))
    run.embed(run.examples(2))
    assert allowed == [False]
    run._learn(1e-3)
    assert allowed == [False, True]


@pytest.mark.parametrize("bf16", [False, True])
def test_the_student_comes_to_agree(
    lessons: Lessons, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bf16: bool
) -> None:
    monkeypatch.setattr(distilling, "WARM_UP", 5)
    monkeypatch.setattr(distilling, "MEMORY", 0.9)
    monkeypatch.setattr(augmentation, "relit", lambda crop, random: crop)  # other light is another colour
    run, lines, looks = run_of(lessons, tmp_path, rate=0.2, bf16=bf16), list[str](), list[int]()
    run.run(40, lines.append, lambda: looks.append(run.step))
    assert run.step == 40 * run.steps_an_epoch == looks[-1]
    assert run.taught == run.step * 8
    assert run.curve[-1]["loss"] < 0.6 * run.curve[0]["loss"]
    assert run.curve[-1]["aligned explained"] > 0.3 > run.curve[0]["aligned explained"]
    assert set(run.curve[0]) >= {"faces", "aligned agreement", "boxed explained", "boxed agreement"}
    assert any("faces/s" in line for line in lines)
    assert "aligned explained" in lines[-1]


@pytest.mark.parametrize("step", [1, 7])
def test_a_killed_run_ends_as_if_it_had_not_been(lessons: Lessons, tmp_path: Path, step: int) -> None:
    whole = run_of(lessons, tmp_path / "whole")
    whole.run(3, print, lambda: None)

    killed = run_of(lessons, tmp_path)
    learn = killed._learn

    def until(rate: float) -> float:
        if killed.step == step:
            killed.save()
            raise Killed
        return learn(rate)

    killed._learn = until  # type: ignore[method-assign]
    with pytest.raises(Killed):
        killed.run(3, print, lambda: None)
    again = run_of(lessons, tmp_path)
    assert again.resume()
    assert again.step == step
    again.run(3, print, lambda: None)
    assert same(again, whole)
    assert again.curve[-1] == whole.curve[-1]


def test_an_interrupted_run_is_kept_and_can_be_made_longer(lessons: Lessons, tmp_path: Path) -> None:
    run = run_of(lessons, tmp_path)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="the same command goes on from here"):
        run.run(2, print, interrupt)
    longer = run_of(lessons, tmp_path)
    assert longer.resume()
    longer.run(4, print, lambda: None)
    assert longer.step == 4 * longer.steps_an_epoch
    finished = run_of(lessons, tmp_path)
    assert finished.resume()
    finished.run(4, pytest.fail, lambda: None)  # nothing is left to do


def test_a_step_is_not_broken_by_an_interrupt(lessons: Lessons, tmp_path: Path) -> None:
    whole = run_of(lessons, tmp_path / "whole")
    whole.run(2, print, lambda: None)
    run = run_of(lessons, tmp_path)
    hook = run.student[0].register_forward_hook(lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt, match="the same command goes on from here"):
        run.run(2, print, lambda: None)
    hook.remove()
    again = run_of(lessons, tmp_path)
    assert again.resume()
    assert again.step == 1
    again.run(2, print, lambda: None)
    assert same(again, whole)


@pytest.mark.parametrize("asked", [signal.SIG_IGN, lambda *_: None])
def test_who_means_something_else_by_ctrl_c_is_left_alone(asked: Any) -> None:
    before = signal.signal(signal.SIGINT, asked)
    try:
        with distilling.unbroken():
            assert signal.getsignal(signal.SIGINT) == asked
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    with distilling.unbroken():
        pass
    assert signal.getsignal(signal.SIGINT) == before
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: distilling.unbroken().__enter__()).result() is None


def test_a_loss_that_is_no_number_is_not_kept_when_stopped(lessons: Lessons, tmp_path: Path) -> None:
    run = run_of(lessons, tmp_path)
    run.save()
    before = (tmp_path / "a.checkpoint").read_bytes()
    with torch.no_grad():
        run.student[-1].weight.fill_(float("nan"))
    run.student[0].register_forward_hook(lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(FacesError, match="no longer a number"):
        run.run(1, print, lambda: None)
    assert (tmp_path / "a.checkpoint").read_bytes() == before


def test_a_check_that_is_interrupted_leaves_the_weights(lessons: Lessons, tmp_path: Path) -> None:
    run = run_of(lessons, tmp_path)
    run.run(1, print, lambda: None)
    before = {name: value.clone() for name, value in run.student.state_dict().items()}

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    run.student[0].register_forward_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        run.embed(run.examples(1))
    after = run.student.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert not torch.equal(before["0.weight"], torch.from_numpy(run.weights["0.weight"]))


def test_the_rate_grows_stays_and_falls() -> None:
    assert rate(0, 10_000) == pytest.approx(1 / 200)
    assert rate(199, 10_000) == rate(2_000, 10_000) == rate(6_000, 99_000) == 1
    assert rate(6_000, 10_000) == pytest.approx(0.5)
    assert rate(9_999, 10_000) < 0.001


def test_a_checkpoint_of_another_student_or_teacher_is_not_lost(lessons: Lessons, tmp_path: Path) -> None:
    run = run_of(lessons, tmp_path)
    run.save()
    before = (tmp_path / "a.checkpoint").read_bytes()
    other = run_of(lessons, tmp_path, {"student": "small", "teacher": "built-in"})
    with pytest.raises(FacesError, match=r"of another run \(student small, teacher colours\); delete it, or name"):
        other.resume()
    assert (tmp_path / "a.checkpoint").read_bytes() == before


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"\x80\x02K\x01.", b"<html>"])
def test_a_damaged_checkpoint(lessons: Lessons, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.checkpoint").write_bytes(data)
    with pytest.raises(FacesError, match="not a checkpoint, or a damaged one; delete it to start anew"):
        run_of(lessons, tmp_path).resume()


def test_a_checkpoint_with_weights_of_other_shapes(lessons: Lessons, tmp_path: Path) -> None:
    run = run_of(lessons, tmp_path)
    state = {"about": ABOUT, "weights": {"0.weight": torch.zeros(1)}, "optimizers": {}}
    torch.save(state, tmp_path / "a.checkpoint")
    with pytest.raises(FacesError, match="not a checkpoint, or a damaged one"):
        run.resume()


def test_too_few_faces(lessons: Lessons, tmp_path: Path) -> None:
    with pytest.raises(FacesError, match="with: 40, and 64 are taken at once: give more"):
        run_of(lessons, tmp_path, batch_size=64)


def test_a_loss_that_is_no_number(lessons: Lessons, tmp_path: Path) -> None:
    run = run_of(lessons, tmp_path)
    with torch.no_grad():
        run.student[-1].weight.fill_(float("nan"))
    with pytest.raises(FacesError, match="no longer a number: try a smaller --rate"):
        run.run(1, print, lambda: None)


def test_a_full_disk_keeps_the_last_state(lessons: Lessons, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "64k") as folder:
        run = run_of(lessons, folder)
        run.save()
        before = (folder / "a.checkpoint").read_bytes()
        (folder / "filler").write_bytes(bytes(64 * 1024 - 4096 * 2 - len(before) // 4096 * 4096))
        with pytest.raises(FacesError, match="no space left"):
            run.save()
        assert (folder / "a.checkpoint").read_bytes() == before
