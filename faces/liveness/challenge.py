"""A challenge: actions in random order that a person does before the camera, and a photograph cannot.

It sees measurements only, such as those of a face mesh. It does not tell whether a film or a mask does what is asked
for; the random order makes a film of the right actions less likely.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Action = Literal["turn left", "turn right", "blink", "open mouth"]
Outcome = Literal["running", "passed", "failed", "timed out"]

TEXTS: dict[Action, str] = {  # left and right are the person's own
    "turn left": "Turn your head slowly to your left, then back",
    "turn right": "Turn your head slowly to your right, then back",
    "blink": "Close both eyes for a moment",
    "open mouth": "Open your mouth wide, then close it",
}
LOOK_TEXT = "Look into the camera"
PASSED_TEXT = "Passed"
REASONS = {
    "no face": "the face was lost",
    "other face": "another face took its place",
    "jump": "the face jumped instead of turning",
    "wrong": "another action was done than asked for",
    "late": "the action was not done in time",
    "not frontal": "the face did not look into the camera, with open eyes and closed mouth",
}
ACTIONS = tuple(TEXTS)
TURNS = ("turn left", "turn right")
DRAWN: tuple[Action, ...] = ("turn left", "turn right", "open mouth")  # the face mesh hardly sees closed eyes

COUNT = 3  # actions
LIMIT = 6.0  # s for each action, and for looking into the camera before the first
MOST_MISSING = 0.5  # s without measurements
FRONTAL, LEVEL = 8.0, 20.0  # degrees of yaw from the person's own, and of yaw and pitch in all, of a neutral face
TURNED = 25.0  # degrees of yaw from the person's own
STEP, SPEED, LARGEST_STEP = 8.0, 250.0, 15.0  # degrees between two readings: so many, or so many a second; at most
LEAST_EYES, CLOSED, REOPENED = 0.12, 0.5, 0.75  # height through width; and shares of the person's own
MOST_MOUTH, OPENED = 0.15, 0.25  # height through width of a neutral mouth, and what it opens by
NEUTRAL_SECONDS, HELD_SECONDS, LONGEST_BLINK = 0.3, 0.25, 2.0
HELD_READINGS, CLOSED_READINGS = 3, 2  # at least; a single one may be noise


@dataclass(frozen=True, slots=True)
class Reading:
    """What is measured of a face in a frame; what cannot be told is None, or not finite.

    time: s, increasing.
    track: number of the face's track; None without a face.
    yaw, pitch: degrees; yaw grows to the picture's right, which is the person's left, pitch upwards.
    eyes: height of the opening through its width, of the eye that is open wider.
    mouth: height of the opening between the lips, through the distance between the outer corners of the eyes.
    """

    time: float
    track: int | None = None
    yaw: float | None = None
    pitch: float | None = None
    eyes: float | None = None
    mouth: float | None = None


@dataclass(frozen=True, slots=True)
class _Face:
    """A reading of which everything is known."""

    time: float
    yaw: float
    pitch: float
    eyes: float
    mouth: float

    @classmethod
    def of(cls, reading: Reading) -> _Face | None:
        values = (reading.yaw, reading.pitch, reading.eyes, reading.mouth)
        known = [value for value in values if value is not None and math.isfinite(value)]
        return cls(reading.time, *known) if reading.track is not None and len(known) == len(values) else None


def drawn(count: int = COUNT) -> tuple[Action, ...]:
    """Return random actions of ``DRAWN``, never the same twice in a row, so that at least one of them is a turn.

    count: 2 or more; raises ValueError for fewer.
    """
    if count < 2:
        raise ValueError(f"2 actions or more, not {count}")
    actions: list[Action] = []
    for _ in range(count):
        actions.append(secrets.choice([action for action in DRAWN if action not in actions[-1:]]))
    return tuple(actions)


class Challenge:
    """Decides from one reading after another whether a person does what is asked for.

    The face first looks into the camera, which gives the person's own yaw, eyes and mouth; each action begins and ends
    with that neutral face. A photograph never passes: it does not turn, and two photographs jump.

    actions: in order, by default ``drawn()``.
    limit: s for each action.
    Raises ValueError for actions without a turn, and for the same one twice in a row.

    outcome: so far; once it is not "running", readings change nothing.
    reason: why it failed or timed out, one of ``REASONS``; else empty.
    done: number of actions done.
    track: of the face that it is about; None before the first.
    """

    def __init__(self, actions: Sequence[Action] | None = None, limit: float = LIMIT) -> None:
        self.actions = tuple(drawn() if actions is None else actions)
        if not any(action in TURNS for action in self.actions) or not {*self.actions} <= {*ACTIONS}:
            raise ValueError(f"no turn, or no such actions: {', '.join(self.actions)}")
        if any(a == b for a, b in zip(self.actions, self.actions[1:], strict=False)):
            raise ValueError(f"the same action twice: {', '.join(self.actions)}")
        self.limit = limit
        self.outcome: Outcome = "running"
        self.reason = ""
        self.done = 0
        self.track: int | None = None
        self._own: _Face | None = None  # the neutral face
        self._last: _Face | None = None
        self._now = -math.inf  # s, of the last reading
        self._since = math.nan  # s, when the action, or looking into the camera, was asked for
        self._run: list[_Face] = []  # the last readings, while they are what is waited for
        self._reached = False  # the action, but not yet the neutral face again

    @property
    def action(self) -> Action | None:
        """The action that is asked for now; None before the first and after the last."""
        return self.actions[self.done] if self._own is not None and self.outcome == "running" else None

    @property
    def text(self) -> str:
        """What to tell the person now."""
        if self.outcome == "passed":
            return PASSED_TEXT
        if self.outcome != "running":
            return self.reason
        return LOOK_TEXT if self.action is None else TEXTS[self.action]

    def observe(self, reading: Reading) -> Outcome:
        """Look at the next reading, and return the outcome so far; one that is not later than the last is ignored."""
        if self.outcome != "running" or not self._now < reading.time < math.inf:
            return self.outcome
        self._now = reading.time
        if math.isnan(self._since):
            self._since = reading.time
        face = _Face.of(reading)
        if self._own is not None and self._last is not None:
            if reading.track not in (None, self.track):
                return self._end("failed", "other face")
            if self._now - self._last.time > MOST_MISSING:
                return self._end("failed", "no face")
        if self._now - self._since > self.limit:
            return self._end("timed out", "not frontal" if self._own is None else "late")
        if face is None:
            self._run = []
        elif self._own is None:
            self._look(face, reading.track)
        elif self._last is not None and _jumps(self._last, face):
            return self._end("failed", "jump")
        else:
            self._follow(face, self._own)
        self._last = face or self._last
        return self.outcome

    def _look(self, face: _Face, track: int | None) -> None:
        """Wait for a neutral face, the same one for a while."""
        if track != self.track or not _looks(face) or (self._run and _jumps(self._run[-1], face)):
            self._run = []
        self.track = track
        if _looks(face) and self._held(face, NEUTRAL_SECONDS):
            names = "yaw", "pitch", "eyes", "mouth"
            self._own = _Face(face.time, *(median(getattr(each, name) for each in self._run) for name in names))
            self._begin()

    def _follow(self, face: _Face, own: _Face) -> None:
        """Wait for the action, then for the neutral face."""
        action = self.actions[self.done]
        if self._reached:
            if not _is_neutral(face, own):
                self._run = []
            elif self._held(face, NEUTRAL_SECONDS):
                self.done += 1
                self._begin()
                if self.done == len(self.actions):
                    self.outcome = "passed"
            return
        does = [each for each in ACTIONS if _DOES[each](face, own)]
        if action in does:
            self._reached = self._held(face, HELD_SECONDS) and action != "blink"  # eyes have to open again
        elif {*does} - {"blink"}:  # everybody blinks
            self._end("failed", "wrong")
        else:
            self._reached = action == "blink" and self._was_blink(face)
        if self._reached or action not in does:
            self._run = []

    def _was_blink(self, face: _Face) -> bool:
        """Whether the eyes were closed until now, for more than a moment and not for long."""
        return len(self._run) >= CLOSED_READINGS and face.time - self._run[0].time <= LONGEST_BLINK

    def _held(self, face: _Face, seconds: float) -> bool:
        """Add a reading to the run, and return whether that has lasted."""
        self._run.append(face)
        return len(self._run) >= HELD_READINGS and face.time - self._run[0].time >= seconds

    def _begin(self) -> None:
        """Begin the next action."""
        self._since, self._run, self._reached = self._now, [], False

    def _end(self, outcome: Outcome, reason: str) -> Outcome:
        self.outcome, self.reason = outcome, REASONS[reason]
        return outcome


def _looks(face: _Face) -> bool:
    """Whether an unknown face looks into the camera, with open eyes and closed mouth."""
    return max(abs(face.yaw), abs(face.pitch)) <= LEVEL and face.eyes >= LEAST_EYES and face.mouth <= MOST_MOUTH


def _is_neutral(face: _Face, own: _Face) -> bool:
    return (
        abs(face.yaw - own.yaw) <= FRONTAL
        and abs(face.pitch - own.pitch) <= LEVEL
        and face.eyes >= REOPENED * own.eyes
        and face.mouth <= own.mouth + OPENED / 2
    )


def _jumps(before: _Face, face: _Face) -> bool:
    """Whether a face turned faster than people do, or more between two readings than can be followed."""
    most = min(max(STEP, SPEED * (face.time - before.time)), LARGEST_STEP)
    return max(abs(face.yaw - before.yaw), abs(face.pitch - before.pitch)) > most


_DOES: dict[Action, Callable[[_Face, _Face], bool]] = {  # whether a face does an action, by the neutral face
    "turn left": lambda face, own: face.yaw - own.yaw >= TURNED,
    "turn right": lambda face, own: own.yaw - face.yaw >= TURNED,
    "blink": lambda face, own: face.eyes <= CLOSED * own.eyes and abs(face.yaw - own.yaw) <= TURNED / 2,
    "open mouth": lambda face, own: face.mouth >= own.mouth + OPENED and abs(face.yaw - own.yaw) <= TURNED / 2,
}
