"""What runs have to do with each other: where a run's photographs came from, and what is different in another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from faces.errors import FacesError
from faces.records.folder import Runs, beside
from faces.records.manifests import Manifest
from faces.records.record import Run, Value

Changes = dict[str, tuple[Value, Value]]
"""By name, what it was and what it is; None where there is none."""


@dataclass(frozen=True, slots=True)
class Photographs:
    """How one manifest differs from another, in paths. changed: another content. moved: from where, to where."""

    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What is different in a later run. photographs: by role; roles whose manifests are gone are in ``unknown``."""

    code: tuple[str, str]
    parameters: Changes
    packages: Changes
    models: Changes
    figures: Changes
    photographs: dict[str, Photographs] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def ancestors(run: Run, folder: Path) -> Iterator[Run]:
    """The runs that wrote what a run read, as far as they are known, and so on, but not before an extraction."""
    places = dict.fromkeys([folder, *(beside(Path(one.path)) for one in run.inputs)])
    for id_ in run.parents if run.kind != "extract" else ():
        for place in places:
            with suppress(FacesError):
                parent = Runs(place).find(id_)
                yield parent
                yield from ancestors(parent, place)
                break


def difference(old: Run, new: Run, folder: Path) -> Difference:
    """From one run to another."""
    photographs, unknown = {}, []
    was, is_ = ({one.role: one.sha256 for one in run.data} for run in (old, new))
    for role in {**was, **is_}:
        if role in was and role in is_ and was[role] == is_[role]:
            continue
        try:
            pair = [Manifest.load(folder, of[role]) if role in of else Manifest.sorted(()) for of in (was, is_)]
        except FacesError:
            unknown.append(role)
        else:
            photographs[role] = between(*pair)
    return Difference(
        (str(old.code), str(new.code)),
        changes(old.parameters, new.parameters),
        changes(old.packages, new.packages),
        changes(old.made_with, new.made_with),
        changes(old.figures, new.figures),
        photographs,
        tuple(unknown),
    )


def changes(old: Mapping[str, Value], new: Mapping[str, Value]) -> Changes:
    return {name: (old.get(name), new.get(name)) for name in {**old, **new} if old.get(name) != new.get(name)}


def between(old: Manifest, new: Manifest) -> Photographs:
    """The photographs that differ."""
    was, is_ = (dict(zip(one.paths, one.hashes, strict=True)) for one in (old, new))
    there = {sha256: path for path, sha256 in is_.items() if path not in was}
    moved = {path: there[sha256] for path, sha256 in was.items() if path not in is_ and sha256 in there}
    arrived = set(moved.values())
    return Photographs(
        tuple(path for path in is_ if path not in was and path not in arrived),
        tuple(path for path in was if path not in is_ and path not in moved),
        tuple(path for path, sha256 in is_.items() if was.get(path, sha256) != sha256),
        tuple(moved.items()),
    )
