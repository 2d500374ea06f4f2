"""Relations of runs: which runs made a run's inputs, and how two runs differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from faces.errors import FacesError
from faces.records.folder import Runs, beside
from faces.records.manifests import Manifest
from faces.records.record import Run, Value

NEWEST = "last"  # the name of the newest run

Changes = dict[str, tuple[Value, Value]]
"""By name, the old and the new value; None where there is none."""


@dataclass(frozen=True, slots=True)
class Photographs:
    """The difference of two manifests, in paths.

    changed: photographs with another content.
    moved: old and new paths.
    """

    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of a later run.

    photographs: by role.
    unknown: roles whose manifests are gone.
    """

    code: tuple[str, str]
    parameters: Changes
    packages: Changes
    models: Changes
    figures: Changes
    photographs: dict[str, Photographs] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def ancestors(run: Run, folder: Path) -> Iterator[Run]:
    """Yield the known runs that wrote what a run read, and their ancestors; an extraction has none."""
    places = dict.fromkeys([folder, *(beside(Path(file.path)) for file in run.inputs)])
    for id_ in run.parents if run.kind != "extract" else ():
        for place in places:
            with suppress(FacesError):
                parent = Runs(place).find(id_)
                yield parent
                yield from ancestors(parent, place)
                break


def pair(runs: Runs, a: str | None, b: str | None, kind: str | None) -> tuple[Run, Run]:
    """Return the two runs to compare.

    a, b: their names; without ``a``, the run of b's kind before it; without ``b``, the last of a's kind.
    kind: only runs of this kind.
    Raises FacesError when there is none.
    """
    if a and b:
        return runs.find(a, kind), runs.find(b, kind)
    if a:
        old = runs.find(a, kind)
        return old, runs.find(NEWEST, old.kind)
    new = runs.find(NEWEST, kind)
    earlier = [run for run in runs.all(new.kind) if isinstance(run, Run) and run.id < new.id]
    if not earlier:
        raise FacesError(
            f"{runs.folder}: {new.short} is the only run of kind {new.kind}: there is none to compare it with"
        )
    return earlier[0], new


def difference(old: Run, new: Run, folder: Path) -> Difference:
    """Return how ``new`` differs from ``old``; folder: of both runs."""
    photographs, unknown = {}, []
    before, after = ({data.role: data.sha256 for data in run.data} for run in (old, new))
    for role in {**before, **after}:
        if role in before and role in after and before[role] == after[role]:
            continue
        try:
            pair = [
                Manifest.load(folder, hashes[role]) if role in hashes else Manifest.sorted(())
                for hashes in (before, after)
            ]
        except FacesError:
            unknown.append(role)
        else:
            photographs[role] = between(*pair)
    return Difference(
        code=(str(old.code), str(new.code)),
        parameters=changes(old.parameters, new.parameters),
        packages=changes(old.packages, new.packages),
        models=changes(old.made_with, new.made_with),
        figures=changes(old.figures, new.figures),
        photographs=photographs,
        unknown=tuple(unknown),
    )


def changes(old: Mapping[str, Value], new: Mapping[str, Value]) -> Changes:
    """Return the values that differ."""
    return {name: (old.get(name), new.get(name)) for name in {**old, **new} if old.get(name) != new.get(name)}


def between(old: Manifest, new: Manifest) -> Photographs:
    """Return the photographs that differ."""
    before, after = (dict(zip(manifest.paths, manifest.hashes, strict=True)) for manifest in (old, new))
    new_paths = {sha256: path for path, sha256 in after.items() if path not in before}
    moved = {path: new_paths[sha256] for path, sha256 in before.items() if path not in after and sha256 in new_paths}
    arrived = set(moved.values())
    return Photographs(
        added=tuple(path for path in after if path not in before and path not in arrived),
        gone=tuple(path for path in before if path not in after and path not in moved),
        changed=tuple(path for path, sha256 in after.items() if before.get(path, sha256) != sha256),
        moved=tuple(moved.items()),
    )
