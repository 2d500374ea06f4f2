"""A model card: what a model is for, what it was made of, how good it is and for whom, and what it must not do.

Source: Mitchell and others, Model Cards for Model Reporting, 2019, https://arxiv.org/abs/1810.03993
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faces.metrics import markdown
from faces.metrics.groups import ENOUGH, Grouped, in_words
from faces.training import scores
from faces.training.scores import Score

NEVER = (
    "To decide anything about a person: who may enter, work, buy, be insured, be watched or be suspected.",
    "To find out what somebody is, above all their gender or ethnicity: it says what a picture looks like to it, as"
    " strangers once labelled such pictures, which is not what people say of themselves.",
    "To sort, watch or count people by ethnicity, or to check anybody's age where a law asks for it.",
    "Without the consent of those in the picture where a law asks for that: what it makes of a face is personal data.",
)


@dataclass(frozen=True, slots=True)
class Source:
    """A data set that a model was trained on. terms: its licence. sha256: of files and labels, ``labelled.digest``."""

    name: str
    description: str
    terms: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """What ``render`` cannot know by itself.

    predicts: a line for each output. images: what it takes, and how faces are to be cut. split: which photographs the
    figures are from. limits: what is known to go wrong, besides the figures. never: what it must not be used for.
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
    never: tuple[str, ...] = NEVER


def render(card: Card, figures: Sequence[Score], groups: Sequence[Grouped] = ()) -> str:
    """The card in Markdown."""
    parts = [
        f"# {card.name}\n\n{card.summary}",
        f"## What it predicts\n\n{_list(card.predicts)}\n\nIt takes {card.images}",
        f"## What it must not be used for\n\n{_list(card.never)}",
        f"## How it was made\n\n{card.architecture}\n\n    {card.command}\n\nSeed: {card.seed}.",
        f"## Data and licence\n\n{_list([_source(source) for source in card.sources])}\n\n"
        "The weights were learnt from this data and are under the same terms.",
        f"## How good it is\n\nMeasured on {card.split}\n\n{scores.markdown(figures).strip()}",
    ]
    if groups:
        parts.append(_unequal(groups))
    if card.limits:
        parts.append(f"## What else is known to go wrong\n\n{_list(card.limits)}")
    return "\n\n".join(parts) + "\n"


def _unequal(groups: Sequence[Grouped]) -> str:
    """For whom it is good, in words first."""
    said = [f"{each.target}, by {markdown.joined(each.by)}: {in_words(each)}" for each in groups]
    tables = scores.markdown((), groups).strip()
    return (
        "## For whom it is good, and for whom it is not\n\nModels of faces fail unevenly: they are better for those of"
        " whom their data has many and well labelled pictures. An average hides that. On the photographs above, this"
        f" one is right as follows, in groups of at least {ENOUGH} faces; below are all.\n\n{_list(said)}\n\n{tables}"
    )


def _source(source: Source) -> str:
    sha256 = f" SHA-256 of files and labels: `{source.sha256}`." if source.sha256 else ""
    return f"**{source.name}**: {source.description} Terms: {source.terms}{sha256}"


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
