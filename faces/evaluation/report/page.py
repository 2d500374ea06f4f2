"""An evaluation as one HTML file that needs nothing from elsewhere: figures in words, plots, errors."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from faces.evaluation.figures import tables
from faces.evaluation.figures.results import Identification, Verification
from faces.evaluation.groups.robustness import Robustness
from faces.evaluation.report import groups, identification, verification
from faces.evaluation.report.markup import Markup, element, joined, page, section, table
from faces.files.writing import write_bytes
from faces.metrics.groups import Grouped

MOST_LINES = 8  # in a plot

Results = Sequence[Verification] | Sequence[Identification]


@dataclass(frozen=True, slots=True)
class More:
    """What a page says besides the results. command: that made it. predicted: whether models told the groups."""

    command: str = ""
    robustness: Sequence[Robustness] = ()
    groups: Sequence[Grouped] = ()
    predicted: bool = False


NOTHING = More()


def write(path: Path, results: Results, more: More = NOTHING, faces: bool = True) -> None:
    """One page of one or more results of the same kind.

    faces: show the photographs of the worst errors.
    Raises FacesError when it cannot be written, UsageError when Matplotlib is missing.
    """
    text = render(results, more, faces)
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def render(results: Results, more: More = NOTHING, faces: bool = True) -> str:
    """The page of ``write``."""
    title, parts = _parts(results, faces)
    links = [("summary", "In short"), ("curves", "Curves"), ("details", "Details")]
    if more.groups:
        parts.append(groups.groups(more.groups, more.predicted))
        links.append(("groups", "Groups"))
    if more.robustness:
        parts.append(groups.robustness(more.robustness))
        links.append(("robustness", "Robustness"))
    parts.append(_words())
    links.append(("words", "Words"))
    nav = element("ul", *(element("li", element("a", text, href=f"#{name}")) for name, text in links))
    header = element(
        "header",
        element("p", "Evaluation", class_="kicker"),
        element("h1", title),
        _warning(faces),
        element("nav", nav, aria_label="Parts of this page"),
    )
    return page(f"{title} Evaluation", header, element("main", *parts), _footer(results, more.command))


def _parts(results: Results, faces: bool) -> tuple[str, list[Markup]]:
    """The title, and what is said of results of either kind."""
    pairs = [one for one in results if isinstance(one, Verification)]
    searches = [one for one in results if isinstance(one, Identification)]
    if pairs:
        about = [(one.name, verification.summary(one), verification.details(one, faces)) for one in pairs]
        lead, compared = verification.lead(pairs[0]), tables.verifications(pairs)
        title, curves = verification.TITLE, verification.curves(pairs[:MOST_LINES])
    else:
        of = identification
        about = [(one.name, of.summary(one), of.details(one, faces)) for one in searches]
        lead, compared = identification.lead(searches[0]), tables.identifications(searches)
        title, curves = identification.TITLE, identification.curves(searches[:MOST_LINES])
    several = len(about) > 1
    short: list[object] = [element("p", lead, class_="lead")]
    if several:
        told = "The same photographs, by each; intervals are of 95 %."
        both = [each for each in compared if isinstance(each, tables.Table)]
        short += [table("Compared", told, ["compared", *each.headings[1:]], each.rows) for each in both]
    for name, summary, _ in about:
        short += [element("h3", name) if several else "", summary]
    details: list[object] = [joined([element("h3", name) if several else "", detail]) for name, _, detail in about]
    return title, [section("summary", "In short", *short), curves, section("details", "Details", *details)]


def _warning(faces: bool) -> Markup:
    if faces:
        strong = element("strong", "This file shows people's faces.")
        instead = element("code", "--no-faces")
        return element(
            "p",
            strong,
            " It is for you: do not pass it on. One made with ",
            instead,
            " has their names alone.",
            class_="warning",
        )
    return element("p", "This file shows no faces, but it has the names of people and files.", class_="note")


def _words() -> Markup:
    words = {
        "distance": "how different two faces look to the embedder; closer is more alike",
        "threshold": "the greatest distance that counts as the same person",
        "FAR, false accept rate": "share of pairs of two people that are taken for one",
        "TAR, true accept rate": "share of pairs of one person that are taken for one",
        "FPIR, false positive identification rate": "share of strangers who are given anybody's name",
        "TPIR, true positive identification rate": "share of probes whose person is the closest, and close enough",
        "rank k": "the right person is among the k closest, whatever the distance",
        "95 % interval": "where the figure would be, in 19 of 20 such evaluations, with other photographs like these",
    }
    each = (part for name, means in words.items() for part in (element("dt", name), element("dd", means)))
    return section("words", "Words", element("dl", *each, class_="words"))


def _footer(results: Results, command: str) -> Markup:
    models = []
    for one in results:
        if one.fingerprint:
            parts = one.fingerprint.detector, one.fingerprint.aligner, one.fingerprint.embedder
            models.append(element("p", f"{one.name}: {', '.join(map(str, parts))}"))
    now = datetime.now(timezone.utc).astimezone()
    made = element("p", f"Made {now:%Y-%m-%d %H:%M %Z} on {platform.system()} {platform.machine()}.")
    return element("footer", *models, element("p", element("code", command)) if command else "", made)
