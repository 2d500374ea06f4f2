"""An evaluation as one HTML file that needs nothing from elsewhere: figures in words, plots, errors."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from faces.evaluation import plots, report_identification, report_verification, tables
from faces.evaluation.markup import Markup, element, joined, page, plot, section, table
from faces.evaluation.results import Identification, Verification
from faces.evaluation.robustness import KINDS, Robustness
from faces.evaluation.tables import percent
from faces.evaluation.wording import with_interval
from faces.images import write_bytes

OWNER = 0o600  # who may read what shows faces
MOST_LINES = 8  # in a plot

Results = Sequence[Verification] | Sequence[Identification]


def write(
    path: Path, results: Results, *, command: str = "", robustness: Sequence[Robustness] = (), faces: bool = True
) -> None:
    """One page of one or more results of the same kind, the first at the top.

    command: that made it. faces: show the photographs of the worst errors; then the file is its owner's alone.
    Raises FacesError when it cannot be written, UsageError when Matplotlib is missing.
    """
    text = render(results, command=command, robustness=robustness, faces=faces)
    write_bytes(path, text.encode("utf-8", "xmlcharrefreplace"), OWNER if faces else 0o777)


def render(results: Results, *, command: str = "", robustness: Sequence[Robustness] = (), faces: bool = True) -> str:
    """The page of ``write``."""
    title, parts = _parts(results, faces)
    if robustness:
        parts.append(_robustness(robustness))
    parts.append(_words())
    links = [("summary", "In short"), ("curves", "Curves"), ("details", "Details")]
    links += [("robustness", "Robustness")] if robustness else []
    nav = element(
        "ul", *(element("li", element("a", text, href=f"#{name}")) for name, text in [*links, ("words", "Words")])
    )
    header = element(
        "header", element("p", "Evaluation", class_="kicker"), element("h1", title), _warning(faces),
        element("nav", nav, aria_label="Parts of this page"),
    )  # fmt: skip
    return page(f"{title} Evaluation", header, element("main", *parts), _footer(results, command))


def _parts(results: Results, faces: bool) -> tuple[str, list[Markup]]:
    """The title, and what is said of results of either kind."""
    pairs = [one for one in results if isinstance(one, Verification)]
    searches = [one for one in results if isinstance(one, Identification)]
    if pairs:
        about = [(one.name, report_verification.summary(one), report_verification.details(one, faces)) for one in pairs]
        lead, compared = report_verification.lead(pairs[0]), tables.verifications(pairs)
        title, curves = report_verification.TITLE, report_verification.curves(pairs[:MOST_LINES])
    else:
        about = [
            (one.name, report_identification.summary(one), report_identification.details(one, faces))
            for one in searches
        ]
        lead, compared = report_identification.lead(searches[0]), tables.identifications(searches)
        title, curves = report_identification.TITLE, report_identification.curves(searches[:MOST_LINES])
    several = len(about) > 1
    short = [element("p", lead, class_="lead")]
    if several:
        short += [table("The same photographs, by each; intervals are of 95 %", compared[0], compared[1])]
    for name, summary, _ in about:
        short += [element("h3", name) if several else "", summary]
    details = [joined([element("h3", name) if several else "", detail]) for name, _, detail in about]
    return title, [section("summary", "In short", *short), curves, section("details", "Details", *details)]


def _warning(faces: bool) -> Markup:
    if faces:
        words = " It is for you: do not pass it on, or make one with --no-faces, which then still has names."
        return element("p", element("strong", "This file shows people's faces."), words, class_="warning")
    return element("p", "This file shows no faces, but it has the names of people and files.", class_="note")


def _robustness(several: Sequence[Robustness]) -> Markup:
    parts: list[object] = [
        element(
            "p", "Photographs made worse on purpose, and compared with good ones; thresholds stay as they are. Sizes are"
            " told in shares of the distance between the eyes: of a face that is 100 px wide it is about 45 px. A face"
            " that is not found any more is an error.",
        )
    ]  # fmt: skip
    for one in several:
        parts.append(element("h3", f"{one.name}: {one.worsened}") if len(several) > 1 else "")
        parts.append(element("div", *(_kind(one, kind) for kind in KINDS), class_="plots small"))
        rows = [[str(level), *map(with_interval, level.figures), percent(level.no_face.value)] for level in one.levels]
        caption = f"Made worse: {one.worsened}. Intervals are of 95 %."
        parts.append(table(caption, ["photographs", *one.measures, "no face found"], rows))
    return section("robustness", "How bad may photographs be?", *parts)


def _kind(one: Robustness, kind: str) -> Markup:
    levels = one.kind(kind)
    lines = {name: [level.figures[k].value for level in levels] for k, name in enumerate(one.measures)}
    ticks = ["as it is", *(f"{level.how.level:g}" for level in levels if level.how)]
    drawn = plots.levels(lines, ticks, KINDS[kind].words.format("…"), f"{one.name} {kind}")
    worst = ", ".join(f"{name} {percent(values[0])} → {percent(values[-1])}" for name, values in lines.items())
    return plot(drawn, kind.capitalize(), f"From as it is to the worst: {worst}.")


def _words() -> Markup:
    words = {
        "distance": "how different two faces look to the embedder; closer is more alike",
        "threshold": "the greatest distance that counts as the same person",
        "FAR, false accept rate": "share of pairs of two people that are taken for one",
        "TAR, true accept rate": "share of pairs of one person that are taken for one",
        "FPIR": "share of strangers who are given anybody's name (false positive identification rate)",
        "TPIR": "share of probes whose right person is the closest, and close enough (true positive ...)",
        "rank k": "the right person is among the k closest, whatever the distance",
        "95 % interval": "where the figure would be, in 19 of 20 such evaluations, with other photographs like these",
    }
    rows = [[name, element("td", means, class_="words")] for name, means in words.items()]
    return section("words", "Words", table("What the words of this page mean", ["word", "meaning"], rows))


def _footer(results: Results, command: str) -> Markup:
    models = []
    for one in results:
        if one.fingerprint:
            parts = one.fingerprint.detector, one.fingerprint.aligner, one.fingerprint.embedder
            models.append(element("p", f"{one.name}: {', '.join(map(str, parts))}"))
    now = datetime.now(timezone.utc).astimezone()
    made = element("p", f"Made {now:%Y-%m-%d %H:%M %Z} on {platform.system()} {platform.machine()}.")
    return element("footer", *models, element("p", element("code", command)) if command else "", made)
