"""Videos: how right are tracks and names, against what is known to be true?

python -m benchmarks.video_correctness [--quick] [--output FILE.json]

On ../shared/data/video's clip and on made videos (benchmarks/films.py) of ../shared/data/people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product

import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks import films
from benchmarks.films import Film, Truth
from benchmarks.growth import Row
from benchmarks.photographs import DATA
from benchmarks.throughput import show
from benchmarks.video import CLIP_NAME, COUNTS, Plan, bar, run
from benchmarks.video_chains import ALEX, CLIP, LIN, Ours, cast, enrolled, known, of_the_clip, ours
from faces.cli import running, text
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Floats
from faces.video.sources import open_source
from faces.video.sources.base import FrameSource
from faces.video.tracks import Tracks

OVERLAP = 0.3  # of a track's box with a person's (IoU), at least: it is theirs
IN_SIGHT = 0.7  # of a face seen: it has to be followed


def main(argv: Sequence[str] | None = None) -> int:
    return run(argv, str(__doc__), "video_correctness.json", correctness)


@dataclass(frozen=True)
class Shot:
    """What is known of a part of the clip: its first and last frame, and who of the enrolled is in it.

    people: each with (x1, y1, x2, y2), px, that the middle of the face is in, and the least height of the face, px.
    """

    first: int
    last: int
    what: str
    people: tuple[tuple[str, tuple[int, int, int, int], int], ...]


SHOTS = (
    Shot(0, 19, "the stage", ((LIN, (480, 0, 620, 120), 0), (ALEX, (0, 140, 120, 250), 0))),
    Shot(20, 81, "a profile, in and out of the right edge; guests out of focus", ((ALEX, (280, 0, 760, 420), 90),)),
    Shot(82, 210, "the singer", ((LIN, (0, 0, 640, 360), 0),)),
    Shot(211, 274, "guests, of whom nobody is enrolled", ()),
)


def truly(index: int, box: Floats) -> str | None:
    """Who is in a box of a frame of the clip; None: nobody who is enrolled."""
    x, y = (box[:2] + box[2:]) / 2
    for shot in SHOTS:
        for name, (x1, y1, x2, y2), least in shot.people:
            if shot.first <= index <= shot.last and x1 <= x < x2 and y1 <= y < y2 and box[3] - box[1] >= least:
                return name
    return None


def correctness(plan: Plan) -> dict[str, list[Row]]:
    """Tracks and names on the clip, with its two people enrolled alone and with others, and on made videos."""
    result: dict[str, list[Row]] = {"tracks of the clip": [], "the clip": [], "made videos": [], "bars": []}
    two, everybody = of_the_clip(), known(plan.photographs)
    if not (clip := CLIP.is_file() and len(two) == 2):
        text.warn(f"the clip is left out: {CLIP}, or a photograph of {ALEX} or {LIN} in {DATA / 'photos'}, is not here")
    for chain in ours(everybody):
        for people in (two, everybody) if clip else ():
            seen = followed(chain, open_source(str(CLIP)), enrolled(chain.pipelines[True], people), plan.frames)
            rows = tracks_of_the_clip(seen)
            of = {"chain": chain.name, "enrolled": len(people)}
            result["tracks of the clip"] += [of | row for row in rows]
            result["the clip"].append(of | summary(rows))
        videos = [*films.hard(cast(4)), *(films.standing(cast(count)) for count in COUNTS)]
        for film in videos[:: plan.films]:
            seen = followed(chain, film, chain.recognizer, None)
            result["made videos"].append({"chain": chain.name} | score(film, seen, set(everybody)))
    for row, what in product(result["the clip"], ("wrong names", "name changes")):
        about = CLIP_NAME, row["chain"], f"{row['enrolled']} enrolled", what
        result["bars"].append(bar(*about, "none", row[what], row[what] == 0))
    for title, rows in result.items():
        if rows:
            show(title.capitalize(), rows)
    return result


Seen = list[tuple[int, Tracks]]  # by the frame's index


def followed(chain: Ours, source: FrameSource | Film, recognizer: FaceRecognizer, frames: int | None) -> Seen:
    """The visible tracks of a file's frames."""
    steps = chain.follower(recognizer, live=False).follow(islice(source.frames(), frames))
    return [(frame.index, tracks[tracks.visible]) for frame, tracks in steps if frame is not None]


def labels(tracks: Tracks) -> list[str]:
    """What is said of each track: a name, unknown, or ? while that is not settled."""
    said = zip(tracks.settled.tolist(), tracks.names, strict=True)
    return [(name or "unknown") if settled else "?" for settled, name in said]


def tracks_of_the_clip(seen: Seen) -> list[Row]:
    """A row per track: its span, who it truly is, and what was said of it when."""
    said, truth, apart = defaultdict(list), defaultdict(list), defaultdict(list)
    for index, tracks in seen:
        each = zip(tracks.ids.tolist(), labels(tracks), tracks.xyxy, tracks.distance.tolist(), strict=True)
        for number, label, box, distance in each:
            apart[number].append(distance)
            said[number].append((index, label))
            truth[number].append(truly(index, box) or "unknown")
    rows: list[Row] = []
    for number, sayings in said.items():
        changes = [one for before, one in zip([(0, ""), *sayings], sayings, strict=False) if one[1] != before[1]]
        settled = [label for _, label in changes if label != "?"]
        true = max(set(truth[number]), key=truth[number].count)
        rows.append(
            {
                "track": number,
                "frames": f"{sayings[0][0]}-{sayings[-1][0]}",
                "seen": len(sayings),
                "truly": true,
                "of two": len(set(truth[number])) > 1,
                "said": ", ".join(f"{label} from {index}" for index, label in changes),
                "name changes": max(len(settled) - 1, 0),
                "wrong frames": sum(
                    label not in ("?", "unknown", who) for (_, label), who in zip(sayings, truth[number], strict=True)
                ),
                "in the end": settled[-1] if settled else "?",
                "distance": round(apart[number][-1], 3) if settled else None,
            }
        )
    return rows


def summary(rows: Sequence[Row]) -> Row:
    """All tracks of the clip together."""
    theirs = [row for row in rows if row["truly"] != "unknown"]
    return {
        "tracks": len(rows),
        "of two people": sum(row["of two"] for row in rows),
        "name changes": sum(row["name changes"] for row in rows),
        "wrong names": sum(row["wrong frames"] > 0 for row in rows),
        "tracks of the two": len(theirs),
        "named right": sum(row["in the end"] == row["truly"] for row in theirs),
        "called unknown": sum(row["in the end"] == "unknown" for row in theirs),
        "not settled": sum(row["in the end"] == "?" for row in theirs),
    }


def score(film: Film, seen: Seen, people: set[str]) -> Row:
    """How well tracks fit a made video of whose people some are enrolled.

    followed, right, wrong: shares of all faces in sight, over all frames; one of nobody enrolled is right when it is
    settled as unknown. switches: how often another track goes on with a person.
    """
    tracks_of, people_of = defaultdict(list), defaultdict(set)
    counts: dict[str, int] = defaultdict(int)
    first: dict[str, float] = {}
    named: dict[str, float] = {}
    for index, tracks in seen:
        truth, said = film.truth(index), labels(tracks)
        mine = matched(tracks.xyxy, truth)
        counts["nobody's"] += len(tracks) - len(mine)
        for k, person in enumerate(truth.people):
            in_sight = truth.visible[k] >= IN_SIGHT
            counts["in sight"] += in_sight
            if in_sight:
                first.setdefault(person, index / film.rate)
            if k in mine:
                number, label = int(tracks.ids[mine[k]]), said[mine[k]]
                right = label == (person if person in people else "unknown")
                tracks_of[person].append(number)
                people_of[number].add(person)
                counts["followed"] += in_sight
                counts["right"] += right and in_sight
                counts["wrong"] += not right and label in people
                if right:
                    named.setdefault(person, index / film.rate)
    waits = [named[person] - start if person in named else np.inf for person, start in first.items()]
    share = {what: f"{counts[what] / max(counts['in sight'], 1):.1%}" for what in ("followed", "right", "wrong")}
    pairs = [pair for numbers in tracks_of.values() for pair in zip(numbers, numbers[1:])]  # noqa: B905, RUF007
    return {
        "video": film.name,
        "people": len(first),
        "tracks": len(people_of),
        "switches": sum(a != b for a, b in pairs),
        "of two people": sum(len(who) > 1 for who in people_of.values()),
        "nobody's, frames": counts["nobody's"],
        **share,
        "named after, s": f"{np.median(waits):.2f}",
        "the last": f"{max(waits):.2f}",
    }


def matched(boxes: Floats, truth: Truth) -> dict[int, int]:
    """Which of the boxes (N, 4) is whose: their indices by those of people; of two in one place it is who is seen."""
    low = np.maximum(boxes[:, None, :2], truth.xyxy[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], truth.xyxy[None, :, 2:])
    common = np.maximum(high - low, 0).prod(axis=2)
    areas = [(some[:, 2:] - some[:, :2]).prod(axis=1) for some in (boxes, truth.xyxy)]
    overlap = common / (areas[0][:, None] + areas[1] - common)
    pairs = zip(*linear_sum_assignment(-overlap * (truth.visible + 0.1)), strict=True)
    return {int(k): int(i) for i, k in pairs if overlap[i, k] >= OVERLAP}


if __name__ == "__main__":
    running.run(main)
