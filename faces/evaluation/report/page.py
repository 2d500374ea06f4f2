"""Write an evaluation as one self-contained HTML file: figures, plots, errors."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faces import optional
from faces.evaluation.figures import tables
from faces.evaluation.figures.results import Identification, Results, Verification
from faces.evaluation.groups.predicted import WARNING
from faces.evaluation.groups.robustness import Robustness
from faces.evaluation.report import groups, identification, montage, verification
from faces.evaluation.report.canvas import require_matplotlib
from faces.files.writing import write_bytes
from faces.metrics.groups import MIN_CASES, Grouped
from faces.metrics.wording import between, percent

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_LINES = 8  # in a plot
TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class Additions:
    """What a page shows besides the results.

    command: the command that made it.
    predicted: whether models predicted the groups.
    """

    command: str = ""
    robustness: Sequence[Robustness] = ()
    groups: Sequence[Grouped] = ()
    predicted: bool = False


NOTHING = Additions()


def require_packages() -> None:
    """Raise UsageError if a package that the report needs is not installed."""
    require_matplotlib()
    optional.require("jinja2", "reports", "report")


def write(path: Path, results: Results, additions: Additions = NOTHING, faces: bool = True) -> None:
    """Write one page about one or more results of the same kind.

    faces: show the photographs of the worst errors.

    Raises FacesError if the file cannot be written, UsageError if a package is missing.
    """
    text = render(results, additions, faces)
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def render(results: Results, additions: Additions = NOTHING, faces: bool = True) -> str:
    """Return the page that ``write`` writes."""
    require_packages()
    verifications = [result for result in results if isinstance(result, Verification)]
    if verifications:
        name, content = verification.TEMPLATE, _verifications(verifications)
    else:
        searches = [result for result in results if isinstance(result, Identification)]
        name, content = identification.TEMPLATE, _identifications(searches)
    mistakes = [mistake for result in results for mistake in result.mistakes]
    now = datetime.now(timezone.utc).astimezone()
    return (
        _environment()
        .get_template(name)
        .render(
            content,
            first=results[0],
            shows_faces=faces,
            copies=montage.copies(mistakes) if faces else {},
            groups=groups.tables(additions.groups),
            predicted=additions.predicted,
            predicted_warning=WARNING,
            min_cases=MIN_CASES,
            robustness=[(each, groups.robustness_plots(each)) for each in additions.robustness],
            command=additions.command,
            made=f"{now:%Y-%m-%d %H:%M %Z} on {platform.system()} {platform.machine()}",
        )
    )


def _verifications(results: Sequence[Verification]) -> dict[str, Any]:
    of = verification
    return {
        "compared": _tables(tables.compared_verifications(results)) if len(results) > 1 else [],
        "results": [(result, of.figures(result), of.in_practice(result), of.details(result)) for result in results],
        "curves": of.curves(results[:MAX_LINES]),
    }


def _identifications(results: Sequence[Identification]) -> dict[str, Any]:
    of = identification
    return {
        "compared": _tables(tables.compared_identifications(results)) if len(results) > 1 else [],
        "results": [(result, of.figures(result), of.in_practice(result), of.details(result)) for result in results],
        "curves": of.curves(results[:MAX_LINES]),
    }


def _tables(page: tables.Page) -> list[tables.Table]:
    return [part for part in page if isinstance(part, tables.Table)]


def _environment() -> Environment:
    """Return the environment of the templates, which escapes every value."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "between": between,
        "number": "{:,}".format,
        "short": lambda path: f"{path.parent.name}/{path.name}",
    }
    environment.tests["finite"] = isfinite
    return environment
