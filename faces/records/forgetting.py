"""Take erased and renamed people out of the records; the SHA-256 of their photographs stay."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from faces.errors import FacesError, reason_of
from faces.files.temporary import sweep
from faces.records import manifests
from faces.records.folder import Runs
from faces.records.manifests import Manifest
from faces.records.record import Run

TAKEN_OUT = "somebody"  # replaces a name


def forget(folder: Path, erased: Callable[[str], bool], names: Mapping[str, str]) -> int:
    """Take photographs and names out of the records in a folder, and return the number of records changed.

    Each changed record gets a note. Manifests that cannot be read are deleted.

    erased: whether the photograph with this SHA-256 is erased: its path and its person are taken out.
    names: the new name of each renamed person; "" for a person who is removed, with the paths of all photographs.
    Raises FacesError.
    """
    became: dict[str, str] = {}
    for place in (folder, folder / manifests.FOLDER):
        sweep(place)
    try:
        for path in sorted((folder / manifests.FOLDER).glob("*.json.gz")):
            sha256 = path.name.partition(".")[0]
            try:
                old = Manifest.load(folder, sha256)
            except FacesError:  # it may hold anybody
                became[sha256] = ""
                continue
            if (new := _without(old, erased, names)) != old:
                became[sha256] = new.save(folder)
        altered = sum(_alter(run, became, names, folder) for run in Runs(folder).all() if isinstance(run, Run))
        for sha256 in became:  # now that no record names them
            manifests.place(folder, sha256).unlink()
    except OSError as error:
        raise FacesError(f"cannot erase {error.filename}: {reason_of(error)}") from error
    return altered


def _without(manifest: Manifest, erased: Callable[[str], bool], names: Mapping[str, str]) -> Manifest:
    rows = []
    for path, person, sha256, reason in manifest.rows():
        typed = unicodedata.normalize("NFC", path)  # as names are
        if erased(sha256):
            path = person = ""
        elif person in names:
            person, path = names[person], "" if not names[person] or person in typed else path
        elif not person and not names.keys().isdisjoint(typed.split("/")):  # an evaluation's: of photographs only
            path = ""
        rows.append((path, person, sha256, reason))
    return Manifest.sorted(rows)


def _alter(run: Run, became: Mapping[str, str], names: Mapping[str, str], folder: Path) -> bool:
    data = tuple(replace(one, sha256=became.get(one.sha256) or one.sha256) for one in run.data)
    error = run.error
    for name, now in names.items():
        error = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", now or TAKEN_OUT, error)
    if error == run.error and not any(one.sha256 in became for one in run.data):
        return False
    day = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    note = f"altered on {day}: photographs or names in it were erased"
    replace(run, data=data, error=error, notes=tuple(dict.fromkeys([*run.notes, note]))).save(folder)
    return True
