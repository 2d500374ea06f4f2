"""HTML from plain values: every text is escaped, unless it is ``Markup``, which is HTML already."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template

STYLE = Path(__file__).with_name("report.css")
PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>$title</title>
<style>
$style</style>
</head>
<body>
$body
</body>
</html>
""")


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


def element(tag: str, *content: object, **attributes: object) -> Markup:
    """An element; ``class_="x"`` and ``aria_label="y"`` become attributes. None and "" in the content are nothing."""
    names = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    opening = "".join(f' {name}="{html.escape(str(value))}"' for name, value in names.items())
    return Markup(f"<{tag}{opening}>{joined(content)}</{tag}>")


def joined(content: Iterable[object]) -> Markup:
    """One after the other, escaped where that is needed."""
    there = (part for part in content if part not in (None, ""))
    return Markup("".join(part if isinstance(part, Markup) else html.escape(str(part)) for part in there))


def image(source: str, alt: str) -> Markup:
    return Markup(f'<img src="{html.escape(source)}" alt="{html.escape(alt)}">')


def plot(svg: str, title: str, told: str, wide: bool = False) -> Markup:
    """A picture that ``plots`` made. told: in words, below it, and for those who do not see it."""
    drawn = Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(f"{title}. {told}")}" ', 1))
    return element("figure", element("h3", title), drawn, element("figcaption", told), class_="wide" if wide else None)


def table(
    title: str, told: str, head: Sequence[object], rows: Iterable[Sequence[object]], class_: str | None = None
) -> Markup:
    """A table with its heading, and what it tells, above it; each row begins with what it is of.

    It scrolls sideways where it is too wide for the window.
    """
    top = element("tr", *(element("th", cell, scope="col") for cell in head))
    body = (element("tr", element("th", row[0], scope="row"), *map(_cell, row[1:])) for row in rows)
    caption = element("caption", title, class_="unseen")
    whole = element("table", caption, element("thead", top), element("tbody", *body), class_=class_)
    box = element("div", whole, class_="scroll", tabindex=0, role="region", aria_label=title)
    return joined([element("h3", title), element("p", told, class_="quiet") if told else "", box])


def section(name: str, title: str, *content: object) -> Markup:
    """A part of the page; ``name`` is for links to it."""
    return element("section", element("h2", title), *content, id=name)


def page(title: str, *content: object) -> str:
    """The whole file, which needs nothing from elsewhere."""
    return PAGE.substitute(title=html.escape(title), style=STYLE.read_text(encoding="utf-8"), body=joined(content))


def _cell(content: object) -> Markup:
    return content if isinstance(content, Markup) and content.startswith("<td") else element("td", content)
