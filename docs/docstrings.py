"""Show the docstrings' parameter lines ("image: uint8 (H, W, 3), BGR.") as a list on the site: a Griffe extension."""

from __future__ import annotations

import re
from typing import Any

import griffe

PARAMETER = re.compile(r"(\w+(?:, \w+)*): (.+)")


class ParameterLists(griffe.Extension):  # type: ignore[misc, unused-ignore]  # without the extra docs it is Any
    """Rewrites the docstrings of a package into Markdown."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Rewrite all docstrings of a package (called by Griffe)."""
        rewrite(pkg)


def rewrite(item: griffe.Object | griffe.Alias) -> None:
    """Rewrite the docstrings of an object and of its members."""
    if item.docstring:
        item.docstring.value = markdown(item.docstring.value)
    for member in item.members.values():
        if not member.is_alias:
            rewrite(member)


def markdown(docstring: str) -> str:
    r"""Return a docstring with its parameters as a list and its examples in fences.

    >>> print(markdown("Detect.\n\nimage: uint8.\nfaces: of\n  one image.\nRaises ValueError."))
    Detect.
    <BLANKLINE>
    - `image`: uint8.
    - `faces`: of
      one image.
    <BLANKLINE>
    Raises ValueError.
    """
    summary, _, text = docstring.partition("\n\n")
    lines: list[str] = []
    fenced = listed = False
    for line in text.splitlines():
        if line.startswith(">>>") and not fenced:
            lines += ["", "```pycon"]
            fenced = True
        elif fenced and not line.strip():
            lines.append("```")
            fenced = False
        parameter = None if fenced else PARAMETER.fullmatch(line)
        if parameter:
            names = ", ".join(f"`{name}`" for name in parameter[1].split(", "))
            lines += [*([] if listed else [""]), f"- {names}: {parameter[2]}"]
            listed = True
        elif listed and line[:1].isupper() and lines[-1].endswith("."):
            lines += ["", line]
            listed = False
        else:
            lines.append(line)
            listed = listed and bool(line.strip())
    return "\n".join([summary, "", *lines, *(["```"] if fenced else [])]).replace("\n\n\n", "\n\n").strip()
