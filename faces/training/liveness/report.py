"""Write the card of a liveness network, with its errors by person."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from natsort import natsorted

from faces.files.writing import write_bytes
from faces.liveness.trained import FILE
from faces.metrics.markdown import joined, table
from faces.metrics.wording import between, percent, rate_of
from faces.training.liveness.attempts import REAL
from faces.training.liveness.figures import ALLOWED, Figures, Share


def write(folder: Path, figures: Figures, left_out: int) -> None:
    """Write liveness.md and liveness_report.json.

    left_out: photographs that could not be read, or show no face.
    """
    stem = FILE.removesuffix(".onnx")
    write_bytes(folder / f"{stem}.md", _markdown(figures, left_out).encode("utf-8", "backslashreplace"))
    content = {
        "threshold": figures.threshold,
        "allowed_apcer": ALLOWED,
        "left_out": left_out,
        "people_left_out": {kind: _json(figures.share(kind)) for kind in kinds(figures)},
        "own_threshold": {kind: _json(figures.share(kind, own=True)) for kind in kinds(figures)},
        "by_person": {
            person: {kind: _json(figures.share(kind, person)) for kind in kinds(figures)} for person in people(figures)
        },
    }
    write_bytes(folder / f"{stem}_report.json", f"{json.dumps(content, indent=1)}\n".encode())


def kinds(figures: Figures) -> list[str]:
    """Return the attacks, sorted, and then ``real``."""
    return [*sorted(set(figures.kinds.tolist()) - {REAL}), REAL]


def people(figures: Figures) -> list[str]:
    """Return the people, sorted."""
    return list(natsorted(set(figures.persons.tolist())))


def rate(kind: str) -> str:
    """Return the name of an error: ``BPCER`` of live faces, ``APCER, print`` of an attack."""
    return "BPCER" if kind == REAL else f"APCER, {kind}"


def overall(figures: Figures) -> str:
    """Return the table of the errors of all people, in Markdown."""
    rows = []
    for name, own in (("of the other people", False), (f"{figures.threshold:.3g}, its own", True)):
        for kind in kinds(figures):
            share = figures.share(kind, own=own)
            rows.append((name, rate(kind), str(share), between(share), _unknown(share)))
    return table(("threshold", "error", "share", "95 % interval, by person", "not judged"), rows)


def _by_person(figures: Figures) -> str:
    rows = []
    for person in people(figures):
        for kind in kinds(figures):
            share = figures.share(kind, person)
            if share.count or share.unknown:
                rows.append((person, rate(kind), str(share), between(share), _unknown(share)))
    return table(("person", "error", "share", "95 % interval", "not judged"), rows)


def _unknown(share: Share) -> str:
    return percent(share.unknown / (share.unknown + share.count))


def _json(share: Share) -> dict[str, int | float]:
    return asdict(share)


def _markdown(figures: Figures, left_out: int) -> str:
    number = f"{len(people(figures))} people"
    attacks = joined([kind for kind in kinds(figures) if kind != REAL])
    threshold, allowed = f"{figures.threshold:.4g}", rate_of(ALLOWED)
    return f"""# Liveness

A network that tells live faces from attacks: {attacks}. It knows nothing of other attacks, cameras and light.

## Predictions

live: how probably a face is alive, from 0 to 1. It counts as alive from {threshold} on. A face that is too small, \
too large or too close to the edge of the picture is not judged.

## It must not be used

- As the only defence where much depends on it: a person has to watch.
- With other cameras or attacks than those of its photographs, without measuring it there.

## Training

A logistic regression on 256 features of Silent-Face's two networks (minivision-ai, Apache-2.0), whose other weights \
stay as they are, by

    faces train-classifier --liveness --dataset FOLDER

{len(figures.kinds)} photographs of {number} were used, {left_out} left out. The weights have the terms of the \
photographs.

## Errors

APCER: the share of attacks that count as alive. BPCER: the share of live faces that do not (ISO/IEC 30107-3). Both \
are of those that are judged. Each person is judged by a network that was trained without that person. The first rows \
are what to expect of new people: their threshold comes from the other people. The network's own threshold is the \
least one at which at most {allowed} of each kind of attack pass; it was chosen on these answers. Silent-Face's \
authors may have trained with some of the photographs, if these are public.

{overall(figures)}

## By person, by the threshold of the other people

{_by_person(figures)}
"""
