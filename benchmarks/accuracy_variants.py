"""Measure variants of the built-in embedder, and whether a difference is more than noise.

python -m benchmarks.accuracy_variants

Prints the table of docs/accuracy.md, "Views". TAR is measured on LFW without the people of ../shared/data/people, TPIR
on people and strangers in ten splits; the accuracy on LFW's 1,000 pairs is given too. Differences are to --accuracy
fast on the same photographs, with 95 % intervals; if an interval includes 0, the difference is noise.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray

from benchmarks.looks import Look, Photographs, mirrored
from benchmarks.photographs import LFW, PROBES
from faces.cli import running, text
from faces.embedding import embedders
from faces.embedding.embedders import unit
from faces.evaluation.figures.curves import at_rate, best_accuracy
from faces.evaluation.searches import pairs
from faces.recognition.distances import People
from faces.types import Floats

FARS = (1e-3, 1e-4)
ENROLLED, SPLITS = (1, 2, 5, 10), 10
FPIR = 0.01
NEAREST = 30_000  # closest impostor pairs, kept for resampling: more than a FAR of 1e-2 needs
RESAMPLED = 200
TURNS = 15

CLOSER, FARTHER = Look(0.9, chip=True), Look(1.1, chip=True)
VARIANTS: dict[str, list[Look]] = {
    "a crop, mirrored (fast)": mirrored(Look()),
    "one crop": [Look()],
    "+ closer and farther (best)": mirrored(Look(), CLOSER, FARTHER),
    "+ closer, farther mirrored": [*mirrored(Look()), CLOSER, Look(1.1, chip=True, mirror=True)],
    "+ closer and farther, cut from the photograph": mirrored(Look(), Look(0.9), Look(1.1)),
    "+ by 0.8 and 1.2, from the photograph": mirrored(Look(), Look(0.8), Look(1.2)),
    "+ 0.8, 0.9, 1.1, 1.2, from the photograph": mirrored(*(Look(scale) for scale in (1.0, 0.8, 0.9, 1.1, 1.2))),
    "closer alone (a margin 10 % less)": mirrored(Look(0.9)),
    "farther alone (a margin 10 % more)": mirrored(Look(1.1)),
    "+ turned by 5 degrees": mirrored(Look(), Look(turn=5), Look(turn=-5)),
    "+ closer, farther and turned": mirrored(Look(), CLOSER, FARTHER, Look(turn=5), Look(turn=-5)),
    "+ shifted by 3 %": mirrored(Look(), Look(x=0.03), Look(x=-0.03)),
    "landmarks to a fraction of a pixel": mirrored(Look(points="exact")),
    "landmarks of five boxes": mirrored(Look(points="steady")),
    "landmarks found again, upright": mirrored(Look(points="upright")),
    "scale from landmarks and box": mirrored(Look(points="framed")),
    "cut straight": mirrored(Look(straight=True)),
    "as bright as most": mirrored(Look(gamma=True)),
}


@dataclass(frozen=True)
class Figures:
    """The figures of one variant.

    tar: float64 (RESAMPLED + 1, FARS), the first row on all photographs.
    pairs: share of the 1,000 pairs judged correctly.
    tpir: float64 (ENROLLED, SPLITS).
    """

    tar: NDArray[np.float64]
    pairs: float
    tpir: NDArray[np.float64]


class Judge:
    """Measures variants on the same comparisons."""

    def __init__(self, photographs: Photographs) -> None:
        sets, names = photographs.sets, photographs.names
        people = sorted(set(names[sets == "people"]))
        self._people = [np.flatnonzero((sets == "people") & (names == name)) for name in people]
        self._strangers = np.flatnonzero(sets == "strangers")
        self._others = np.flatnonzero((sets == "lfw") & ~np.isin(names, people))
        self._owner = np.unique(names[self._others], return_inverse=True)[1]
        row = {path: k for k, path in enumerate(photographs.paths)}
        wanted = pairs.read(LFW)
        self._pairs = np.array([(row[a], row[b]) for a, b in zip(wanted.first, wanted.second, strict=True)])
        self._same = wanted.same
        rng, everyone = np.random.default_rng(0), self._owner.max() + 1
        self._weights = rng.multinomial(everyone, np.full(everyone, 1 / everyone), RESAMPLED)

    def figures(self, embedded: Floats) -> Figures:
        first, second = embedded[self._pairs[:, 0]], embedded[self._pairs[:, 1]]
        pairs, _ = best_accuracy(np.linalg.norm(first - second, axis=1), self._same)
        return Figures(self._tar(embedded[self._others]), pairs, self.tpir(embedded))

    def tpir(self, embedded: Floats, weight: Floats | None = None) -> NDArray[np.float64]:
        """Return TPIR, (ENROLLED, SPLITS). weight: (M,), of each photograph in its person's centre (default: equal)."""
        weight = np.ones(len(embedded), np.float32) if weight is None else weight
        return np.array([[self._tpir(embedded, weight, n, seed) for seed in range(SPLITS)] for n in ENROLLED])

    def _tar(self, embedded: Floats) -> NDArray[np.float64]:
        """Return TAR at FARS: on all photographs, then on bootstrap samples of the people."""
        a, b = np.triu_indices(len(embedded), 1)
        distance = np.sqrt(np.maximum(2 - 2 * embedded @ embedded.T, 0))[a, b]
        same = self._owner[a] == self._owner[b]
        genuine, person = distance[same], self._owner[a[same]]
        impostor, first, second = distance[~same], self._owner[a[~same]], self._owner[b[~same]]
        result = [[float((genuine <= np.quantile(impostor, far)).mean()) for far in FARS]]
        near = np.argpartition(impostor, NEAREST)[:NEAREST]
        near = near[np.argsort(impostor[near])]
        impostor, first, second = impostor[near], first[near], second[near]
        photographs = np.bincount(self._owner)
        for weight in self._weights:
            counted = photographs * weight
            share = np.cumsum(weight[first] * weight[second]) / ((counted.sum() ** 2 - (counted**2).sum()) / 2)
            drawn = weight[person] / weight[person].sum()
            thresholds = impostor[np.searchsorted(share, FARS)]
            result.append([float(drawn[genuine <= threshold].sum()) for threshold in thresholds])
        return np.array(result)

    def _tpir(self, embedded: Floats, weight: Floats, count: int, seed: int) -> float:
        """Return TPIR at ``FPIR`` with ``count`` photographs enrolled per person."""
        rng = np.random.default_rng(seed)
        shuffled = [rng.permutation(rows) for rows in self._people]
        enrolled = np.concatenate([rows[:count] for rows in shuffled])
        people = People.of(embedded[enrolled], np.arange(len(shuffled)) * count)
        weights = weight[enrolled].reshape(-1, count, 1)
        centres = (people.embeddings.reshape(*weights.shape[:2], -1) * weights).sum(axis=1) / weights.sum(axis=1)
        people = replace(people, centres=centres)
        distances = people.distances(embedded[np.concatenate([rows[-PROBES:] for rows in shuffled])])
        right = distances.argmin(axis=1) == np.repeat(np.arange(len(shuffled)), PROBES)
        accepting = np.where(right, distances.min(axis=1), np.float32(np.inf))
        accepted = at_rate(people.distances(embedded[self._strangers]).min(axis=1), accepting, FPIR).accepted
        return accepted.value if accepted else float("nan")


def row(name: str, views: int, figures: Figures, base: Figures) -> list[object]:
    """Return a row of the table; that of ``base`` has no differences."""
    if figures is base:
        return [name, views, *(f"{t:.1%}" for t in (*figures.tar[0], figures.pairs, *figures.tpir.mean(axis=1)))]
    low, high = np.quantile((figures.tar - base.tar)[1:], (0.025, 0.975), axis=0)
    tar = [f"{t:.1%} ({a:+.1%} to {b:+.1%})" for t, a, b in zip(figures.tar[0], low, high, strict=True)]
    return [name, views, *tar, f"{figures.pairs:.1%}", *differences(figures.tpir, base.tpir)]


def differences(tpir: NDArray[np.float64], base: NDArray[np.float64]) -> list[str]:
    """Return the mean for each of ``ENROLLED``, and the difference to ``base`` on the same splits."""
    apart = tpir - base
    error = 1.96 * apart.std(axis=1, ddof=1) / np.sqrt(SPLITS)
    return [f"{t:.1%} ({d:+.1%} ± {e:.1%})" for t, d, e in zip(tpir.mean(1), apart.mean(1), error, strict=True)]


def speed() -> str:
    """Return the CPU time to embed a face, in milliseconds; the settings are timed alternately."""
    crops = np.random.default_rng(0).integers(0, 256, (8, 150, 150, 3), dtype=np.uint8)
    chains = {name: embedders.load(embedders.BUILT_IN, 1, name) for name in embedders.ACCURACIES}
    times: dict[str, list[float]] = {name: [] for name in chains}
    for _ in range(TURNS):
        for name, embedder in chains.items():
            start = process_time()
            embedder.embed(crops)
            times[name].append((process_time() - start) * 1e3 / len(crops))
    return ", ".join(f"{name} {min(each):.1f} ms (median {np.median(each):.1f})" for name, each in times.items())


def embedded(photographs: Photographs, looks: Sequence[Look]) -> Floats:
    """Return the mean of several views, float32 (M, D)."""
    return unit(np.sum([unit(photographs.embedded(look)) for look in looks], axis=0))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("output/looks"), help="folder for intermediate results")
    photographs = Photographs(parser.parse_args(argv).cache)
    judge, rows = Judge(photographs), list[list[object]]()
    fast = embedded(photographs, next(iter(VARIANTS.values())))
    base = judge.figures(fast)
    for name, looks in VARIANTS.items():
        rows.append(row(name, len(looks), judge.figures(embedded(photographs, looks)) if rows else base, base))
    tar, tpir = [f"TAR at {far:g}" for far in FARS], [f"TPIR, {count} enrolled" for count in ENROLLED]
    print(text.table(["variant", "views", *tar, "1,000 pairs", *tpir], rows))
    weights = {
        "length of the embedding": np.linalg.norm(photographs.embedded(Look()), axis=1),
        "sharpness": photographs.sharpness(),
    }
    rows = [[name, *differences(judge.tpir(fast, weight), base.tpir)] for name, weight in weights.items()]
    print("\nphotographs in the centre, weighted by\n" + text.table(["quality", *tpir], rows))
    print(f"\na face, on one core: {speed()}")
    return 0


if __name__ == "__main__":
    running.run(main)
