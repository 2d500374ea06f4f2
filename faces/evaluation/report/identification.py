"""What a report says of identification."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faces.evaluation.figures.results import (
    FPIRS,
    RANKS,
    AtRate,
    Confusion,
    Identification,
    PersonScore,
    Repeated,
    Search,
)
from faces.evaluation.report import plots, projection
from faces.evaluation.report.markup import Markup, element, joined, plot, section, table
from faces.evaluation.report.montage import montage
from faces.evaluation.report.wording import figure, figures, spread, with_interval
from faces.metrics.wording import percent, rate_of

TITLE = "Who is this, or nobody of those enrolled?"
PEOPLE = 50  # rows: of more people, those who fare worst
LONG = 28  # letters, of a column's head


def lead(one: Identification) -> str:
    """What was done, for somebody who has never heard of it."""
    first = one.searches[0]
    strangers = len(first.strangers) - first.held_out
    outside = f"{strangers:,} photographs of strangers" if strangers else "each probe again, its person held out"
    often = f" This was done {len(one.searches)} times, parted anew each time." if len(one.searches) > 1 else ""
    return (
        f"{len(first.people):,} people were enrolled with {len(first.owner):,} photographs. Then {len(first.probes):,}"
        f" other photographs of them (probes) were looked up, and {outside}, which should be nobody.{often}"
    )


def summary(one: Identification) -> Markup:
    """The figures, each with its interval, or deviation between splits, and what it means."""
    at = f"at the recognizer's threshold, {float(np.mean([found.threshold for found in one.searches])):.3f}"
    told = [
        _repeated("Right name", one.right, f"of the probes, {at}"),
        _repeated("Wrong name", one.wrong, "of the probes: taken for somebody else"),
        _repeated("Not known", one.unknown, "of the probes: called unknown, or no face found"),
        _repeated("Strangers named", one.strangers_named, f"taken for somebody; {rate_of(one.fpir)} was allowed"),
        *(_at_rate(rate, points) for rate, points in zip(FPIRS, one.tpir, strict=True)),
        *(
            _repeated(
                f"Rank {rank}",
                found,
                "of the probes: the closest is the right one"
                if rank == 1
                else f"of the probes: the right one is among the {rank} closest",
            )
            for rank, found in zip(RANKS, one.ranks, strict=True)
        ),
        figure("Faces not found", f"{len(one.no_face):,}", "photographs", _missing(one)),
    ]
    if one.seconds is not None:
        told.append(figure("Time", f"{one.seconds * 1000:.0f} ms", "a photograph", "one by one, models loaded"))
    nobody = f"Not enrolled, for want of a face: {', '.join(one.unenrolled)}." if one.unenrolled else ""
    return joined([figures(told), element("p", _at_a_door(one)), element("p", nobody, class_="note") if nobody else ""])


def curves(several: Sequence[Identification]) -> Markup:
    """TPIR by FPIR and CMC of all."""
    there = {one.name: one.curve for one in several if len(one.curve.false) > 1}
    rates = [rate for rate, points in zip(FPIRS, several[0].tpir, strict=True) if all(one.passing for one in points)]
    drawn = [
        plot(plots.tpir(there, rates), "Identification", "The fewer strangers may be named, the fewer probes are.")
        if there
        else "",
        plot(plots.cmc({one.name: one.cmc for one in several}), "CMC", "How far down the list the right person is."),
    ]
    return section("curves", "What a threshold trades", element("div", *drawn, class_="plots"))


def details(one: Identification, faces: bool) -> Markup:
    """Of one: its distances, its people, who is taken for whom, its worst errors, and a map of its gallery."""
    genuine = np.concatenate([found.genuine for found in one.searches])
    strangers = np.concatenate([found.stranger_distance for found in one.searches])
    threshold = float(np.mean([found.threshold for found in one.searches]))
    drawn = plots.histogram(genuine, strangers, ("probes, to themselves", "strangers, to the closest"), threshold)
    told = "Left of the threshold a face is given a name. The less the two hills overlap, the better."
    return joined(
        [
            element("div", plot(drawn, "Distances", told), _map(one.searches[0]), class_="plots"),
            _people(one.persons),
            _confusion(one.confusion),
            element("h3", "Worst errors"),
            montage(one.mistakes, faces),
        ]
    )


def _map(found: Search) -> Markup:
    if not len(found.embeddings):
        return Markup()
    rows = projection.sample(len(found.embeddings))
    names = [found.people[found.owner[row]] for row in rows.tolist()]
    told = (
        "Each dot is a photograph, each colour and shape a person. Who is near is alike; larger distances mean nothing."
    )
    if len(rows) < len(found.embeddings):
        told += f" {len(rows):,} of {len(found.embeddings):,}, drawn at random."
    drawn = plots.scatter(projection.flat(found.embeddings[rows]), names)
    return plot(drawn, "Map of those enrolled", f"{told} By PCA and t-SNE.")


def _people(persons: Sequence[PersonScore]) -> Markup:
    def worst(one: PersonScore) -> tuple[float, float, str]:
        return one.recall.value, one.precision.value if one.precision.count else 1.0, one.person

    shown = sorted(persons, key=worst)[:PEOPLE]
    few = (
        f" The {PEOPLE} who fare worst of {len(persons):,}." if len(shown) < len(persons) else " The worst come first."
    )
    rows = [[one.person, one.recall.count, with_interval(one.recall), with_interval(one.precision)] for one in shown]
    told = "Recall: the share of their photographs that are given their name. Precision: the share of those given their"
    told += f" name that are theirs.{few}"
    return table("People", told, ["person", "probes", "recall", "precision"], rows)


def _confusion(found: Confusion) -> Markup:
    if not found.people:
        return Markup()
    short = [name if len(name) <= LONG else f"{name[: LONG - 1]}…" for name in found.people]
    heads = ["is", *short, "somebody else", "unknown"]
    rows = []
    for row, (name, counts) in enumerate(zip(found.people, found.counts.tolist(), strict=True)):
        cells = [_counted(count, count / max(sum(counts), 1), column == row) for column, count in enumerate(counts)]
        rows.append([name, *cells])
    told = "Who is taken for whom: a row is whose photographs they are, a column what they are called. "
    told += f"The {len(found.people)} people with the most errors."
    return table("Confusion", told, heads, rows, "confusion")


def _counted(count: int, share: float, right: bool) -> Markup:
    if not count:
        return element("td")
    return element("td", count, class_="right" if right else "wrong", style=f"--share: {share:.2f}")


def _repeated(name: str, found: Repeated, means: str) -> Markup:
    if not found.splits or not found.splits[0].count:
        return figure(name, "none there", "", means, few=True)
    return figure(name, percent(found.mean), spread(found), means)


def _at_rate(rate: float, points: Sequence[AtRate]) -> Markup:
    name = f"TPIR at FPIR {rate_of(rate)}"
    told = Repeated.passing(points)
    if not told.splits:
        few = f"{min(point.others for point in points):,} strangers; it takes {round(1 / rate):,}"
        return figure(name, "too few to tell", "", few, few=True)
    means = f"probes given their name at the threshold that names 1 of {round(1 / rate):,} strangers"
    return _repeated(name, told, means)


def _missing(one: Identification) -> str:
    if not one.no_face:
        return "every photograph had one"
    return "probes among them are left out" if one.skipped else "probes among them count as errors"


def _at_a_door(one: Identification) -> str:
    if not one.strangers_named.splits or not one.strangers_named.splits[0].count:
        return ""
    return (
        f"In people: where 1,000 strangers pass a door in a day, about {1000 * one.strangers_named.mean:.0f} would be"
        f" given somebody's name; of 1,000 times that somebody enrolled comes {1000 * one.right.mean:.0f} are told"
        f" right and {1000 * one.wrong.mean:.0f} taken for another; on photographs like these."
    )
