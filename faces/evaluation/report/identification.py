"""The figures, plots and tables of an identification in the report."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import Any

import numpy as np

from faces.evaluation.figures.results import FPIRS, RANKS, Confusion, Identification, PersonScore, Search
from faces.evaluation.figures.shares import AtRate, Repeated
from faces.evaluation.report import plots, projection
from faces.evaluation.report.parts import TOO_FEW, Figure, Plot, time_figure
from faces.metrics.wording import between, percent, rate_of

TEMPLATE = "identification.html.j2"
MAX_PEOPLE = 50  # rows of the table of people
ENOUGH_PROBES = 30  # with fewer independent ones the limits say nothing
MAX_LETTERS = 28  # of a name above a column


def figures(result: Identification) -> list[Figure]:
    """Return the figures of the summary."""
    allowed = f"of the strangers get a name; {rate_of(result.fpir)} was allowed"
    each = [
        _repeated("Right name", result.right, f"of the probes, at the recognizer's threshold, {result.threshold:.3f}"),
        _repeated("Wrong name", result.wrong, "of the probes get somebody else's name"),
        _repeated("Unknown", result.unknown, "of the probes get no name, or no face was found"),
        _repeated("Strangers named", result.strangers_named, allowed),
        *(_at_rate(rate, points) for rate, points in zip(FPIRS, result.tpir, strict=True)),
        *(_repeated(f"Rank {rank}", share, _rank(rank)) for rank, share in zip(RANKS, result.ranks, strict=True)),
        Figure("Faces not found", f"{len(result.no_face):,}", "photographs", _missing(result)),
    ]
    return each if result.seconds is None else [*each, time_figure(result.seconds)]


def in_practice(result: Identification) -> dict[str, int]:
    """Return the limits of the shares at the recognizer's threshold, as numbers of 1,000 people.

    Keys: ``right``, the least, and ``wrong`` and ``strangers_named``, the most; a figure of too few cases is missing.
    Strangers are enough if one of them would be named at the rate that was asked for.
    """
    strangers, right, wrong = (share.whole for share in (result.strangers_named, result.right, result.wrong))
    limits: dict[str, int] = {}
    if right.independent >= ENOUGH_PROBES:
        limits |= {"right": floor(1000 * right.low), "wrong": ceil(1000 * wrong.high)}
    if strangers.independent * result.fpir >= 1:
        limits["strangers_named"] = ceil(1000 * strangers.high)
    return limits


def curves(results: Sequence[Identification]) -> list[Plot]:
    """Return TPIR by FPIR, and CMC, with a line for each result."""
    lines = {result.name: result.curve for result in results if len(result.curve.impostor_rate) > 1}
    rates = [rate for rate, points in zip(FPIRS, results[0].tpir, strict=True) if all(p.accepted for p in points)]
    cmc = plots.cmc({result.name: result.cmc for result in results})
    caption = "The stricter the threshold, the fewer strangers and the fewer probes get a name."
    return [
        *([Plot(plots.tpir(lines, rates), "Identification", caption)] if lines else []),
        Plot(cmc, "CMC", "How often the right person is among the closest people."),
    ]


def details(result: Identification) -> dict[str, Any]:
    """Return what the template shows about one result: ``plots``, ``people``, ``confusion``."""
    return {
        "plots": [_histogram(result), *_map(result.searches[0])],
        "people": sorted(result.persons, key=_worst_first)[:MAX_PEOPLE],
        "confusion": _confusion(result.confusion),
    }


def _histogram(result: Identification) -> Plot:
    genuine = np.concatenate([search.genuine for search in result.searches])
    strangers = np.concatenate([search.stranger_distance for search in result.searches])
    labels = ("probes to their person", "strangers to the closest")
    caption = "Faces left of the threshold get a name. The less the two distributions overlap, the better."
    return Plot(plots.histogram(genuine, strangers, labels, result.threshold), "Distances", caption)


def _map(search: Search) -> list[Plot]:
    """Return the map of the gallery; nothing if it is empty."""
    if not len(search.embeddings):
        return []
    rows = projection.sample(len(search.embeddings))
    names = [search.people[search.owner[row]] for row in rows.tolist()]
    caption = "Each dot is a photograph; colour and shape show the person. Neighbours look alike; larger distances mean"
    caption += " nothing."
    if len(rows) < len(search.embeddings):
        caption += f" {len(rows):,} of {len(search.embeddings):,} photographs, drawn at random."
    drawn = plots.scatter(projection.flat(search.embeddings[rows]), names)
    return [Plot(drawn, "Map of the gallery", f"{caption} By PCA and t-SNE.")]


def _worst_first(score: PersonScore) -> tuple[float, float, str]:
    return score.recall.value, score.precision.value if score.precision.count else 1.0, score.person


def _confusion(confusion: Confusion) -> dict[str, Any] | None:
    """Return the headings, and rows of a name and cells, each a count and its share of the row; None if empty."""
    if not confusion.people:
        return None
    short = [name if len(name) <= MAX_LETTERS else f"{name[: MAX_LETTERS - 1]}…" for name in confusion.people]
    rows = [
        (name, [(count, count / max(sum(counts), 1)) for count in counts])
        for name, counts in zip(confusion.people, confusion.counts.tolist(), strict=True)
    ]
    return {"headings": ["person", *short, "somebody else", "unknown"], "rows": rows}


def _rank(rank: int) -> str:
    if rank == 1:
        return "of the probes: the right person is the closest"
    return f"of the probes: the right person is among the {rank} closest"


def _repeated(name: str, share: Repeated, meaning: str) -> Figure:
    if not share.splits or not share.splits[0].count:
        return Figure(name, "no cases", "", meaning, is_text=True)
    return Figure(name, percent(share.mean), between(share.whole), meaning)


def _at_rate(rate: float, points: Sequence[AtRate]) -> Figure:
    name = f"TPIR at FPIR {rate_of(rate)}"
    accepted = Repeated.accepted(points)
    if not accepted.splits:
        strangers = min(point.impostors for point in points)
        return Figure(name, TOO_FEW, "", f"{strangers:,} strangers; {round(1 / rate):,} are needed", is_text=True)
    meaning = f"of the probes get their name at the threshold that names 1 of {round(1 / rate):,} strangers"
    return _repeated(name, accepted, meaning)


def _missing(result: Identification) -> str:
    if not result.no_face:
        return "a face was found in every photograph"
    return f"probes among them are {'left out' if result.skipped else 'counted as errors'}"
