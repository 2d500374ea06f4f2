"""Distillation: a student learns to agree with its teacher; a killed run continues as if it had not been killed."""

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
from faces.training.data.teacher_faces import SIDE, WIDE, TeacherFaces
from faces.training.embedder import augmentation, distillation, student
from faces.training.embedder.distillation import Distillation, Settings, learning_rate
from faces.training.embedder.interrupts import deferred_interrupt
from tests.conftest import disk

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'recognize-faces[train]'")
pytestmark = pytest.mark.training

FACES, DIMENSION = 40, 4
ABOUT = {"student": "small", "teacher": "colours"}


class Killed(BaseException):
    """An exception that no handler of the package catches."""


@pytest.fixture(scope="module")
def teacher() -> TeacherFaces:
    """Faces of one colour, which is what the teacher embeds."""
    random = np.random.default_rng(0)
    colours = random.integers(20, 235, (FACES, 1, 1, 3))
    images = np.broadcast_to(colours, (FACES, SIDE, SIDE, 3)).astype(np.uint8)
    landmarks = np.stack([WIDE.points["eye-corners"][1]] * FACES).astype(np.float32)
    embeddings = np.concatenate([colours.reshape(FACES, 3) / 128 - 1, np.full((FACES, 1), 2.0)], axis=1)
    return TeacherFaces(images, landmarks, unit(embeddings.astype(np.float32)))


def network() -> Any:
    """A tiny network with every kind of state."""
    torch.manual_seed(1)
    nn = torch.nn
    layers = nn.Conv2d(3, 8, 8, 8), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()

    class Student(nn.Sequential):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return nn.functional.normalize(super().forward(x))

    return Student(*layers, nn.Linear(8, DIMENSION))


def run_of(teacher: TeacherFaces, folder: Path, about: dict[str, str] = ABOUT, **changes: Any) -> Distillation:
    settings = Settings(about, **{"batch_size": 8, "rate": 1e-2, "loose": 0.5, "seed": 0, **changes})
    return Distillation(network(), teacher, np.arange(FACES), settings, folder / "a.checkpoint")


def same(first: Distillation, second: Distillation) -> bool:
    weights = second.student.weights
    return all(np.array_equal(value, weights[name]) for name, value in first.student.weights.items())


def test_embeddings_are_without_tf32_and_training_is_with_it(teacher: TeacherFaces, tmp_path: Path) -> None:
    run, allowed = run_of(teacher, tmp_path), []
    run.student.network[0].register_forward_hook(lambda *_: allowed.append(torch.backends.cudnn.allow_tf32))
    run.student.embed(run.examples(2))
    assert allowed == [False]
    run._train_step(1e-3)
    assert allowed == [False, True]


@pytest.mark.parametrize("bf16", [False, True])
def test_the_student_learns_to_agree(
    teacher: TeacherFaces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bf16: bool
) -> None:
    monkeypatch.setattr(distillation, "WARM_UP_STEPS", 5)
    monkeypatch.setattr(student, "MEAN_MOMENTUM", 0.9)
    monkeypatch.setattr(augmentation, "change_light", lambda crop, random: crop)  # other light is another colour
    run, lines, checks = run_of(teacher, tmp_path, rate=0.2, bf16=bf16), list[str](), list[int]()
    run.run(40, lines.append, lambda: checks.append(run.step))
    assert run.step == 40 * run.steps_per_epoch == checks[-1]
    assert run.trained_on == run.step * 8
    assert run.curve[-1]["loss"] < 0.6 * run.curve[0]["loss"]
    assert run.curve[-1]["aligned explained"] > 0.3 > run.curve[0]["aligned explained"]
    assert set(run.curve[0]) >= {"faces", "aligned agreement", "boxed explained", "boxed agreement"}
    assert any("faces/s" in line for line in lines)
    assert "aligned explained" in lines[-1]


@pytest.mark.parametrize("step", [1, 7])
def test_a_killed_run_ends_as_if_it_had_not_been(teacher: TeacherFaces, tmp_path: Path, step: int) -> None:
    whole = run_of(teacher, tmp_path / "whole")
    whole.run(3, print, lambda: None)

    killed = run_of(teacher, tmp_path)
    train_step = killed._train_step

    def until(rate: float) -> float:
        if killed.step == step:
            killed.save()
            raise Killed
        return train_step(rate)

    killed._train_step = until  # type: ignore[method-assign]
    with pytest.raises(Killed):
        killed.run(3, print, lambda: None)
    again = run_of(teacher, tmp_path)
    assert again.resume()
    assert again.step == step
    again.run(3, print, lambda: None)
    assert same(again, whole)
    assert again.curve[-1] == whole.curve[-1]


def test_an_interrupted_run_is_kept_and_can_be_made_longer(teacher: TeacherFaces, tmp_path: Path) -> None:
    run = run_of(teacher, tmp_path)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="run the same command again to continue"):
        run.run(2, print, interrupt)
    longer = run_of(teacher, tmp_path)
    assert longer.resume()
    longer.run(4, print, lambda: None)
    assert longer.step == 4 * longer.steps_per_epoch
    finished = run_of(teacher, tmp_path)
    assert finished.resume()
    finished.run(4, pytest.fail, lambda: None)  # nothing is left to do


def test_a_step_is_not_broken_by_an_interrupt(teacher: TeacherFaces, tmp_path: Path) -> None:
    whole = run_of(teacher, tmp_path / "whole")
    whole.run(2, print, lambda: None)
    run = run_of(teacher, tmp_path)
    hook = run.student.network[0].register_forward_hook(lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt, match="run the same command again to continue"):
        run.run(2, print, lambda: None)
    hook.remove()
    again = run_of(teacher, tmp_path)
    assert again.resume()
    assert again.step == 1
    again.run(2, print, lambda: None)
    assert same(again, whole)


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda *_: None])
def test_who_means_something_else_by_ctrl_c_is_left_alone(handler: Any) -> None:
    before = signal.signal(signal.SIGINT, handler)
    try:
        with deferred_interrupt():
            assert signal.getsignal(signal.SIGINT) == handler
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    with deferred_interrupt():
        pass
    assert signal.getsignal(signal.SIGINT) == before
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: deferred_interrupt().__enter__()).result() is None


def test_a_loss_that_is_no_number_is_not_kept_when_stopped(teacher: TeacherFaces, tmp_path: Path) -> None:
    run = run_of(teacher, tmp_path)
    run.save()
    before = (tmp_path / "a.checkpoint").read_bytes()
    with torch.no_grad():
        run.student.network[-1].weight.fill_(float("nan"))
    run.student.network[0].register_forward_hook(lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(FacesError, match="not a number"):
        run.run(1, print, lambda: None)
    assert (tmp_path / "a.checkpoint").read_bytes() == before


def test_a_check_that_is_interrupted_leaves_the_weights(teacher: TeacherFaces, tmp_path: Path) -> None:
    run = run_of(teacher, tmp_path)
    run.run(1, print, lambda: None)
    before = {name: value.clone() for name, value in run.student.network.state_dict().items()}

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    run.student.network[0].register_forward_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        run.student.embed(run.examples(1))
    after = run.student.network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert not torch.equal(before["0.weight"], torch.from_numpy(run.student.weights["0.weight"]))


def test_the_rate_grows_stays_and_falls() -> None:
    assert learning_rate(0, 10_000) == pytest.approx(1 / 200)
    assert learning_rate(199, 10_000) == learning_rate(2_000, 10_000) == learning_rate(6_000, 99_000) == 1
    assert learning_rate(6_000, 10_000) == pytest.approx(0.5)
    assert learning_rate(9_999, 10_000) < 0.001


def test_a_checkpoint_of_another_student_or_teacher_is_not_lost(teacher: TeacherFaces, tmp_path: Path) -> None:
    run = run_of(teacher, tmp_path)
    run.save()
    before = (tmp_path / "a.checkpoint").read_bytes()
    other = run_of(teacher, tmp_path, {"student": "small", "teacher": "built-in"})
    with pytest.raises(FacesError, match=r"of another run \(student small, teacher colours\); delete it, or give"):
        other.resume()
    assert (tmp_path / "a.checkpoint").read_bytes() == before


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"\x80\x02K\x01.", b"<html>"])
def test_a_damaged_checkpoint(teacher: TeacherFaces, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.checkpoint").write_bytes(data)
    with pytest.raises(FacesError, match="not a checkpoint, or a damaged one; delete it to start again"):
        run_of(teacher, tmp_path).resume()


def test_a_checkpoint_with_weights_of_other_shapes(teacher: TeacherFaces, tmp_path: Path) -> None:
    run = run_of(teacher, tmp_path)
    state = {"about": ABOUT, "weights": {"0.weight": torch.zeros(1)}, "optimizers": {}}
    torch.save(state, tmp_path / "a.checkpoint")
    with pytest.raises(FacesError, match="not a checkpoint, or a damaged one"):
        run.resume()


def test_too_few_faces(teacher: TeacherFaces, tmp_path: Path) -> None:
    with pytest.raises(FacesError, match="40 faces are too few for batches of 64; give more"):
        run_of(teacher, tmp_path, batch_size=64)


def test_a_loss_that_is_no_number(teacher: TeacherFaces, tmp_path: Path) -> None:
    run = run_of(teacher, tmp_path)
    with torch.no_grad():
        run.student.network[-1].weight.fill_(float("nan"))
    with pytest.raises(FacesError, match="not a number: use a smaller --rate"):
        run.run(1, print, lambda: None)


def test_a_full_disk_keeps_the_last_state(teacher: TeacherFaces, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "64k") as folder:
        run = run_of(teacher, folder)
        run.save()
        before = (folder / "a.checkpoint").read_bytes()
        (folder / "filler").write_bytes(bytes(64 * 1024 - 4096 * 2 - len(before) // 4096 * 4096))
        with pytest.raises(FacesError, match="no space left"):
            run.save()
        assert (folder / "a.checkpoint").read_bytes() == before
