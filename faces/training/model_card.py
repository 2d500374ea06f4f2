"""Write a model card: intended use, data, accuracy overall and by group, and uses that are ruled out.

Source: Mitchell and others, Model Cards for Model Reporting, 2019, https://arxiv.org/abs/1810.03993
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faces.metrics import markdown
from faces.metrics.groups import MIN_CASES, Grouped, summary
from faces.training import scores
from faces.training.scores import Score

FORBIDDEN_USES = (
    "To decide anything about a person: who may enter, work, buy, be insured, be watched or be suspected.",
    "To find out what somebody is, above all their gender or ethnicity: the model predicts how strangers labelled such"
    " pictures, which is not what people say of themselves.",
    "To sort, watch or count people by ethnicity, or to check anybody's age where a law requires a check.",
    "Without the consent of the people in the picture where a law requires it: the predictions are personal data.",
)


@dataclass(frozen=True, slots=True)
class Source:
    """A data set that a model was trained on.

    terms: its licence.
    sha256: of files and labels, ``labelled.digest``.
    """

    name: str
    description: str
    terms: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """The parts of a model card that are not measured.

    predicts: one line per output.
    images: the input, and how faces have to be cut out.
    split: the photographs that the figures were measured on.
    limits: known failures, besides the figures.
    """

    name: str
    summary: str
    predicts: tuple[str, ...]
    images: str
    sources: tuple[Source, ...]
    architecture: str
    command: str
    seed: int
    split: str
    limits: tuple[str, ...] = ()
    forbidden_uses: tuple[str, ...] = FORBIDDEN_USES


def render(card: Card, figures: Sequence[Score], groups: Sequence[Grouped] = ()) -> str:
    """Return the card in Markdown."""
    parts = [
        f"# {card.name}\n\n{card.summary}",
        f"## Predictions\n\n{_list(card.predicts)}\n\nInput: {card.images}",
        f"## It must not be used\n\n{_list(card.forbidden_uses)}",
        f"## Training\n\n{card.architecture}\n\n    {card.command}\n\nSeed: {card.seed}.",
        f"## Data and licence\n\n{_list([_source(source) for source in card.sources])}\n\n"
        "The weights were learned from this data and have the same terms.",
        f"## Accuracy\n\nMeasured on {card.split}\n\n{scores.markdown(figures).strip()}",
    ]
    if groups:
        parts.append(_by_group(groups))
    if card.limits:
        parts.append(f"## Other known limits\n\n{_list(card.limits)}")
    return "\n\n".join(parts) + "\n"


def _by_group(groups: Sequence[Grouped]) -> str:
    """Summarize each grouping in a sentence, then give the tables."""
    summaries = [f"{grouped.target}, by {markdown.joined(grouped.by)}: {summary(grouped)}" for grouped in groups]
    tables = scores.markdown((), groups).strip()
    return (
        "## Accuracy by group\n\nFace models fail unevenly: they are better for people of whom their training data has"
        " many well-labelled pictures. An average hides that. The summaries compare groups of at least"
        f" {MIN_CASES} faces; the tables show all groups.\n\n{_list(summaries)}\n\n{tables}"
    )


def _source(source: Source) -> str:
    sha256 = f" SHA-256 of files and labels: `{source.sha256}`." if source.sha256 else ""
    return f"**{source.name}**: {source.description} Terms: {source.terms}{sha256}"


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
