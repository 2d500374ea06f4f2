"""The rate of strangers named, group by group: python -m benchmarks.fairness COMMAND

similarity: the cosine of different people, by set: its mean and standard deviation, without any correction.
centroids: makes faces/recognition/weights/sface-int8.npz from every other photograph of ../shared/data/utkface (the
    centroids) and from the people of ../shared/data/strangers (how similar different people are).
galleries: strangers named where the people of one age (../shared/data/fairface) or of one camera
    (../shared/data/casia_v5) are enrolled with one photograph each, and where all ages are.
pairs: pairs of different people, by group, of the other half of UTKFace.
verification: LFW's 1,000 pairs of View 1, at the threshold that is best for other people, and all pairs of lfw.
people: people and strangers of LFW, with 1, 2, 5 and 10 photographs enrolled; and LFW's people with two or more.
probability: how well the probability of a match holds.
tracks: strangers named by the votes of a video's track (faces/video/votes.py), beside those named by one photograph.
"""

from __future__ import annotations

import argparse
import csv
import pickle
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.photographs import DATA, LFW, embeddings, found
from faces.cli import running, text, values
from faces.evaluation import photographs
from faces.evaluation.figures.centroids import centroids_of
from faces.evaluation.searches import pairs as lfw_pairs
from faces.files.finding import find_images
from faces.metrics.intervals import wilson
from faces.metrics.wording import percent
from faces.pipeline import Pipeline
from faces.recognition import impostors
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Fingerprint, Floats
from faces.video.votes import KEPT_SAMPLES, QUORUM, Identity, Sample

STRANGERS = 200  # photographs a split, at most
GROUP_FACES = 400  # of UTKFace
SAME_DLIB, SAME_COSINE = 0.35, 0.6  # pairs of UTKFace nearer than both may be one person, who is there twice
FPIR = 0.01
NO_PICTURE = np.zeros((1, 1, 3), np.uint8)
CACHE: Path | None = None  # of embeddings, between runs: set by --cache
WEIGHTS = Path(impostors.__file__).with_name(impostors.FOLDER)
People = dict[str, Floats]  # of each person the embeddings (photographs, D)
ADULT = range(18, 71)
GROUPS: dict[str, Callable[[int, int, int], bool]] = {  # by age, gender and race, as UTKFace's names have them
    "White men": lambda age, gender, race: age in ADULT and (gender, race) == (0, 0),
    "White women": lambda age, gender, race: age in ADULT and (gender, race) == (1, 0),
    "Black men": lambda age, gender, race: age in ADULT and (gender, race) == (0, 1),
    "Black women": lambda age, gender, race: age in ADULT and (gender, race) == (1, 1),
    "Asian men": lambda age, gender, race: age in ADULT and (gender, race) == (0, 2),
    "Asian women": lambda age, gender, race: age in ADULT and (gender, race) == (1, 2),
    "Indian men": lambda age, gender, race: age in ADULT and (gender, race) == (0, 3),
    "Indian women": lambda age, gender, race: age in ADULT and (gender, race) == (1, 3),
    "over 70": lambda age, gender, race: age > 70,
    "children 7-12": lambda age, gender, race: 7 <= age <= 12,
    "children 1-6": lambda age, gender, race: 1 <= age <= 6,
}


def embedded(name: str, accuracy: str = "default") -> dict[Path, Floats]:
    """The embedding of each photograph of a set that has a face."""
    kept = CACHE and CACHE / f"{name}{'' if accuracy == 'default' else f', {accuracy}'}.pickle"
    if kept and kept.is_file():
        each: dict[Path, Floats] = pickle.loads(kept.read_bytes())
    else:
        each = embeddings(find_images(DATA / name), (*photographs.BUILT_IN_MODELS[:3], accuracy), name)
        if kept:
            kept.write_bytes(pickle.dumps(each))
    return {path: embedding for path, embedding in each.items() if found(embedding)}


def by_folder(name: str) -> People:
    people: dict[str, list[Floats]] = {}
    for path, embedding in embedded(name).items():
        people.setdefault(path.parent.name, []).append(embedding)
    return {person: np.stack(each) for person, each in people.items()}


def by_file(name: str) -> People:
    """Of sets with one photograph a person."""
    return {path.stem: embedding[None] for path, embedding in embedded(name).items()}


def halves() -> tuple[dict[Path, Floats], dict[Path, Floats]]:
    """UTKFace: the photographs for the centroids, and those that are judged."""
    each = sorted(embedded("utkface").items())
    return dict(each[::2]), dict(each[1::2])


def fingerprint() -> Fingerprint:
    return Pipeline.load(*photographs.BUILT_IN_MODELS).fingerprint


def make_centroids(args: argparse.Namespace) -> None:
    faces = np.stack(list(halves()[0].values()))
    centres = centroids_of(faces)
    print(f"{len(centres)} centroids of {len(faces)} faces")
    for accuracy in ("default", "best"):  # with several views a face is where it is with one: the same centroids
        models = (*photographs.BUILT_IN_MODELS[:3], accuracy)
        each = embeddings(find_images(DATA / "strangers"), models, "strangers").values()
        people = np.stack([embedding for embedding in each if found(embedding)])
        model = impostors.measure(people, centres)
        name = Pipeline.load(*models).fingerprint.embedder.name
        model.save(WEIGHTS / f"{name.replace(', ', '-')}.npz")
        figures = f"mean {model.mean:.4f}, noise {model.noise_sd:.4f}, quantiles {model.quantiles.round(3).tolist()}"
        print(f"{name}, {len(people)} people: {figures}")


def sets() -> tuple[dict[str, People], People]:
    """People of one age or one camera, by the name of the set; and those of all ages."""
    faces = by_file("fairface")
    with (DATA / "fairface" / "fairface.csv").open(encoding="utf-8") as file:
        age = {Path(row["path"]).stem: row["age"] for row in csv.DictReader(file)}
    ages = sorted(set(age.values()), key=lambda group: int(group.split("-")[0].rstrip("+")))
    groups = {f"fairface, {a}": {k: v for k, v in faces.items() if age.get(k) == a} for a in ages}
    groups["casia_v5"] = by_folder("casia_v5")
    return groups, faces


def similarity(args: argparse.Namespace) -> None:
    groups, faces = sets()
    groups |= {"fairface, all ages": faces, "strangers": by_file("strangers")}
    rows = []
    for name, people in groups.items():
        one = np.stack([each[0] for each in people.values()])
        cosine = (one @ one.T)[np.triu_indices(len(one), 1)]
        rows.append((name, len(one), f"{cosine.mean():.3f}", f"{cosine.std():.3f}"))
    print(text.table(("set", "people", "mean cosine", "deviation"), rows))


def galleries(args: argparse.Namespace) -> None:
    groups, faces = sets()
    for enrolled in args.enrolled:
        print(f"\n{enrolled} people enrolled with one photograph, --fpir {FPIR}, {args.splits} splits")
        chosen = groups if enrolled < 40 else {}
        rows, means = [], []
        for name, people in (chosen | {"fairface, all ages": faces}).items():
            named, right, wrong, worst = open_set(people, enrolled, 1, args.splits)
            rows.append((name, percent(named), percent(worst), *_known(right, wrong)))
            means.append(named)
        rows.append(("mean", percent(float(np.mean(means))), "", "", ""))
        print(text.table(("enrolled", "strangers named", "worst split", "right", "wrong"), rows))


def _known(right: float, wrong: float) -> tuple[str, str]:
    return ("", "") if np.isnan(right) else (percent(right), percent(wrong))


def open_set(
    people: People, enrolled: int, photographs_each: int, splits: int, strangers: Floats | None = None
) -> tuple[float, float, float, float]:
    """Shares of strangers named, of probes right and wrong (NaN without any), and of the worst split's strangers."""
    made_by, counts, worst = fingerprint(), np.zeros(3), 0.0
    probes = others = 0
    for known, gallery, mine, truth, rest in _splits(people, enrolled, photographs_each, splits):
        recognizer = FaceRecognizer(FPIR).fit(Gallery(gallery, known, fingerprint=made_by))
        rest = rest if strangers is None else strangers
        named = sum(name is not None for name in recognizer.identify(rest).names)
        found_names = recognizer.identify(mine).names if len(mine) else ()
        right = sum(name == person for name, person in zip(found_names, truth, strict=True))
        counts += named, right, sum(name is not None for name in found_names) - right
        worst, probes, others = max(worst, named / len(rest)), probes + len(truth), others + len(rest)
    known_shares = counts[1:] / probes if probes else np.full(2, np.nan)
    return counts[0] / others, float(known_shares[0]), float(known_shares[1]), worst


def _splits(
    people: People, enrolled: int, each: int, splits: int
) -> Iterator[tuple[tuple[str, ...], Floats, Floats, list[str], Floats]]:
    """Names and embeddings of a gallery, probes and who they are, and strangers."""
    rng = np.random.default_rng(0)
    names = [name for name, photographs_of in people.items() if len(photographs_of) >= each]
    for _ in range(splits):
        order = rng.permutation(len(names))
        gallery, probes, known, truth = [], [], [], []
        for k in order[:enrolled]:
            mixed = people[names[k]][rng.permutation(len(people[names[k]]))]
            gallery.append(mixed[:each])
            probes.append(mixed[each:])
            known += [names[k]] * each
            truth += [names[k]] * (len(mixed) - each)
        rest = np.concatenate([people[names[k]] for k in order[enrolled:]] or [np.zeros((0, 1), np.float32)])
        rest = rest[rng.permutation(len(rest))[:STRANGERS]]
        yield tuple(known), np.concatenate(gallery), np.concatenate(probes), truth, rest


def pairs(args: argparse.Namespace) -> None:
    model = impostors.impostors_of(fingerprint().embedder.name)
    assert model is not None
    judged = halves()[1]
    dlib_models = ("dlib", "dlib", 0.5, "default")
    rng = np.random.default_rng(5)
    raw: dict[str, NDArray[np.float64]] = {}
    scores: dict[str, NDArray[np.float64]] = {}
    left_out = {}
    for name, is_member in GROUPS.items():
        members = [path for path in judged if (about := _about(path)) and is_member(*about)]
        members = [members[k] for k in sorted(rng.permutation(len(members))[:GROUP_FACES])]
        faces = np.stack([judged[path] for path in members])
        crowding, upper = model.crowding(faces), np.triu_indices(len(faces), 1)
        cosine = (faces @ faces.T)[upper].astype(np.float64)
        same = cosine > SAME_COSINE
        if args.dlib:
            dlib = embeddings(members, dlib_models, name)
            own = np.stack([dlib[path] for path in members])
            near = np.linalg.norm(own[upper[0]] - own[upper[1]], axis=1) < SAME_DLIB
            same &= near
        left_out[name] = int(same.sum())
        raw[name] = cosine[~same]
        scores[name] = (cosine - (crowding[upper[0]] + crowding[upper[1]]) / 2)[~same]
    rates = [0.01, 0.001]
    columns = {"cosine": raw, "normalized": scores}
    shares = {(kind, rate): _at_mean(by_group, rate) for kind, by_group in columns.items() for rate in rates}
    rows = [(name, len(raw[name]), left_out[name], *(percent(shares[at][name]) for at in shares)) for name in GROUPS]
    rows.append(("largest", "", "", *(percent(max(of_group.values())) for of_group in shares.values())))
    print(text.table(("group", "pairs", "left out", *(f"{kind}, mean {percent(rate)}" for kind, rate in shares)), rows))


def _about(path: Path) -> tuple[int, int, int] | None:
    match = re.match(r"(\d+)_([01])_([0-4])_", path.name)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _at_mean(scores: dict[str, NDArray[np.float64]], rate: float) -> dict[str, float]:
    """The share of each group's pairs above the threshold where the mean over the groups is ``rate``."""
    weight = np.concatenate([np.full(len(each), 1 / len(each) / len(scores)) for each in scores.values()])
    every = np.concatenate(list(scores.values()))
    order = np.argsort(-every)
    threshold = every[order][np.searchsorted(np.cumsum(weight[order]), rate)]
    return {name: float((each >= threshold).mean()) for name, each in scores.items()}


def verification(args: argparse.Namespace) -> None:
    rows = []
    wanted = lfw_pairs.read(LFW)
    for accuracy in ("default", "best"):
        faces, others = embedded("lfw", accuracy), embedded("people", accuracy)
        threshold = _best_threshold(*_similarities(others))
        known = {path.parent.name for path in others}
        both = [
            (a, b, is_same)
            for a, b, is_same in zip(wanted.first, wanted.second, wanted.same, strict=True)
            if a in faces and b in faces and not {a.parent.name, b.parent.name} & known
        ]
        right = [(faces[a] @ faces[b] >= threshold) == is_same for a, b, is_same in both]
        same, different = _similarities(faces)
        tars = (percent(float((same >= np.quantile(different, 1 - far)).mean())) for far in (0.01, 0.001, 0.0001))
        low, high = wilson(float(np.mean(right)), len(right))
        rows.append((accuracy, len(right), percent(float(np.mean(right))), f"{percent(low)} to {percent(high)}", *tars))
    head = ("--accuracy", "pairs", "right", "interval", "TAR at 1%", "at 0.1%", "at 0.01%")
    print(text.table(head, rows))


def _similarities(faces: dict[Path, Floats]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The cosines of all pairs of one person, and of different people; people are folders."""
    each = np.stack(list(faces.values()))
    owner = np.unique([path.parent.name for path in faces], return_inverse=True)[1]
    upper = np.triu_indices(len(each), 1)
    cosine, is_same = (each @ each.T)[upper], owner[upper[0]] == owner[upper[1]]
    return cosine[is_same], cosine[~is_same]


def _best_threshold(same: NDArray[np.float32], different: NDArray[np.float32]) -> float:
    """The cosine at which the mean of both shares that are right is the highest."""
    cosine = np.unique(same)
    missed = np.searchsorted(np.sort(same), cosine) / len(same)
    accepted = 1 - np.searchsorted(np.sort(different), cosine) / len(different)
    return float(cosine[(missed + accepted).argmin()])


def of_people(args: argparse.Namespace) -> None:
    people, strangers = by_folder("people"), np.concatenate(list(by_file("strangers").values()))
    rows = []
    for each in (1, 2, 5, 10):
        named, right, wrong, _ = open_set(people, len(people), each, args.splits, strangers)
        low, high = wilson(named, len(strangers))
        rows.append((f"people, {each} enrolled", percent(right), percent(wrong), percent(named), low, high))
    are_strangers = {name.rpartition("_")[0] for name in by_file("strangers")}  # some are in lfw, too
    everybody = {name: each for name, each in by_folder("lfw").items() if name not in are_strangers}
    several = {name: each for name, each in everybody.items() if len(each) > 1}
    for name, some in (("lfw", several), ("lfw and people", everybody | people)):
        named, right, wrong, _ = open_set(some, len(some), 1, args.splits, strangers)
        low, high = wilson(named, len(strangers))
        row = f"{name}, {len(some)} people, 1 enrolled", percent(right), percent(wrong), percent(named), low, high
        rows.append(row)
    shown = [(*row[:4], f"{percent(row[4])} to {percent(row[5])}") for row in rows]
    print(text.table(("gallery", "right", "wrong", "strangers named", "interval of strangers"), shown))


def probability(args: argparse.Namespace) -> None:
    strangers = np.concatenate(list(by_file("strangers").values()))
    made_by = fingerprint()
    fairface = by_file("fairface")
    cases: dict[str, tuple[People, int, int, Floats | None]] = {
        f"people, {each} enrolled": (by_folder("people"), 24, each, strangers) for each in (1, 2, 5)
    }
    cases["casia_v5, 20 of 40"] = by_folder("casia_v5"), 20, 1, None
    cases["fairface, 20 of all ages (strangers)"] = fairface, 20, 1, None
    rows = []
    for name, (people, enrolled, each, outsiders) in cases.items():
        true: list[float] = []
        false: list[float] = []
        wrong = 0
        for known, gallery, mine, truth, rest in _splits(people, enrolled, each, args.splits):
            recognizer = FaceRecognizer(FPIR).fit(Gallery(gallery, known, fingerprint=made_by))
            rest = rest if outsiders is None else outsiders
            candidates = recognizer.identify(rest).candidates
            false += recognizer.match_probability(rest, candidates).tolist()
            if len(mine):
                candidates = recognizer.identify(mine).candidates
                right = np.array([a == b for a, b in zip(candidates, truth, strict=True)])
                each_probability = recognizer.match_probability(mine, candidates)
                true += each_probability[right].tolist()
                wrong += int((~right).sum())
        rows.append((name, *_reliability(np.array(true), np.array(false))))
    print(text.table(("gallery", "true matches above 0.5", "strangers below 0.5", "calibration error"), rows))


def _reliability(true: NDArray[np.float64], false: NDArray[np.float64]) -> tuple[str, str, str]:
    """Shares on the right side of 0.5, and the expected calibration error in ten bins where half of those come."""
    below = percent(float((false < 0.5).mean()))
    if len(true) == 0:
        return "", below, ""
    every = np.concatenate([true, false])
    weight = np.concatenate([np.full(len(true), 0.5 / len(true)), np.full(len(false), 0.5 / len(false))])
    is_true = np.arange(len(every)) < len(true)
    place = np.minimum((every * 10).astype(int), 9)
    error = 0.0
    for k in range(10):
        chosen = place == k
        if chosen.any():
            total = weight[chosen].sum()
            error += abs((weight * every)[chosen].sum() - weight[chosen & is_true].sum()) / total * total
    return percent(float((true > 0.5).mean())), below, percent(float(error))


def tracks(args: argparse.Namespace) -> None:
    """Each track is a few photographs of one person; all of them are as good."""
    made_by, rng, rows = fingerprint(), np.random.default_rng(0), []
    for name, enrolled in (("casia_v5", 20), ("people", 12)):
        people = by_folder(name)
        counts = {kind: np.zeros(5) for kind in ("strangers", "enrolled")}  # single, named; tracks, named, other name
        for _ in range(args.splits):
            order = rng.permutation(sorted(people))
            one = {person: rng.permutation(len(people[person])) for person in order}
            gallery = np.stack([people[person][one[person][0]] for person in order[:enrolled]])
            recognizer = FaceRecognizer(FPIR).fit(Gallery(gallery, tuple(order[:enrolled]), fingerprint=made_by))
            for number, person in enumerate(order):
                seen = people[person][one[person][1 : 1 + KEPT_SAMPLES]]
                if len(seen) < QUORUM:
                    continue
                identity = Identity()
                for at, embedding in enumerate(seen):
                    identity.add(Sample(1.0, embedding, NO_PICTURE), float(at), recognizer)
                single = [given is not None for given in recognizer.identify(seen).names]
                by_votes = identity.voted is not None, identity.voted not in (None, person)
                kind = "enrolled" if number < enrolled else "strangers"
                counts[kind] += len(single), sum(single), 1, *by_votes
        for kind, (singles, named, made, voted, wrong) in counts.items():
            wrongly = percent(wrong / made) if kind == "enrolled" else ""
            rows.append((name, kind, f"{made:,.0f}", percent(named / singles), percent(voted / made), wrongly))
    print(text.table(("set", "who", "tracks", "named by one photograph", "by the track", "wrong name"), rows))


COMMANDS = {
    "similarity": similarity,
    "centroids": make_centroids,
    "galleries": galleries,
    "pairs": pairs,
    "verification": verification,
    "people": of_people,
    "probability": probability,
    "tracks": tracks,
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=COMMANDS, nargs="?", default="galleries")
    parser.add_argument("--enrolled", type=values.count, nargs="+", default=[5, 10, 20, 100], help="people")
    parser.add_argument("--splits", type=values.count, default=100)
    parser.add_argument("--dlib", action="store_true", help="pairs: leave out those that dlib's network finds near too")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="keep embeddings here, for the next run")
    args = parser.parse_args(argv)
    global CACHE
    CACHE = args.cache
    COMMANDS[args.command](args)
    return 0


if __name__ == "__main__":
    running.run(main)
