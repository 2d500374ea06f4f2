"""The files in service: which recognizer they belong to, and how one version replaces another.

They are symbolic links through ``in_service``, itself a link to a version's folder:

    output/recognizer.pickle -> versions/in_service/recognizer.pickle
    output/versions/in_service -> 4

Renaming a new ``in_service`` into place swaps all files at once, so a kill at any moment leaves files that belong
together. Without links (Windows, some network folders) the files are copies, replaced one after the other; the next
``Versions.settle`` repairs a kill in between.
"""

from __future__ import annotations

import errno
import filecmp
import json
import os
from contextlib import suppress
from pathlib import Path

from faces.errors import FacesError
from faces.files import typed_json
from faces.files.writing import copy_access, make_folder, write_bytes

RECOGNIZER, LE, REPORT = "recognizer.pickle", "le.pickle", "training_report.json"
OWNERS = "of.json"  # in ``versions/``: the files that the versions belong to, as relative paths
NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}  # the errors of file systems without links


class InService:
    """The files of the version in service. Every method may raise OSError.

    versions: the folder of all versions.
    """

    def __init__(self, versions: Path, recognizer: Path, le: Path) -> None:
        self.files = {RECOGNIZER: recognizer, LE: le, REPORT: recognizer.with_name(REPORT)}
        self._versions = versions
        self._pointer = versions / "in_service"

    def require_own(self) -> None:
        """Raise FacesError when the versions belong to other files, or the label encoder to other versions.

        Missing files own nothing: renamed files keep their versions.
        """
        recognizer, le = self.files[RECOGNIZER], self.files[LE]
        owners, labels = (_owners(self._versions, name) for name in (RECOGNIZER, LE))
        if owners and not (_is_among(recognizer, owners) and (not labels or _is_among(le, labels))):
            raise _not_own(self._versions, [*owners, *labels], recognizer.parent / recognizer.stem)
        others = le.parent / self._versions.name
        if others.resolve() != self._versions.resolve() and _is_among(le, _owners(others, LE)):
            raise _not_own(others, [*_owners(others, RECOGNIZER), le], recognizer.parent)

    def note_own(self) -> None:
        """Write down which files the versions belong to. Raises FacesError."""
        home = self._versions.parent.resolve()
        paths = {name: _path_from(home, self.files[name]) for name in (RECOGNIZER, LE)}
        if _noted(self._versions) != paths:
            write_bytes(self._versions / OWNERS, json.dumps(paths).encode() + b"\n")

    def number(self) -> int | None:
        """Return the number in ``in_service``: a link's target, or a file's content; None without one."""
        try:
            link = self._pointer.is_symlink()
            text = str(self._pointer.readlink()) if link else self._pointer.read_text(encoding="ascii")
        except (OSError, UnicodeError):
            return None
        return int(text) if text.isdecimal() else None

    def forget(self) -> None:
        """Take the version in service out of service."""
        self._pointer.unlink()

    def swap(self, number: int) -> None:
        """Put a version's files into service; files that are in service already stay."""
        if not self.takes_links():
            self._copy(number)
            return
        self._hand_on_access(number)
        if not self.files[RECOGNIZER].is_file():  # the first time, the links have no target yet
            self._link_files()
        if number != self.number() or not self._pointer.is_symlink():
            self._link(self._pointer, str(number))
        self._link_files()

    def deciding_files(self) -> tuple[str, ...]:
        """Return the files that decide which version is in service: after a kill, copies may be of two versions."""
        return tuple(self.files) if self.takes_links() else (RECOGNIZER,)

    def holds(self, number: int, names: tuple[str, ...]) -> bool:
        """Return whether the existing ones of these files in service are this version's."""
        folder = self._versions / str(number)
        pairs = [(self.files[name], folder / name) for name in names if self.files[name].is_file()]
        return all(
            own.is_file() and (path.samefile(own) or filecmp.cmp(path, own, shallow=False)) for path, own in pairs
        )

    def takes_links(self) -> bool:
        """Return whether the folder supports links, and replacing one at once."""
        if os.name == "nt":
            return False
        if self._pointer.is_symlink():
            return True
        make_folder(self._versions)
        try:
            self._link(self._versions / ".link", "nowhere")
        except OSError as error:
            if error.errno in NO_LINKS:
                return False
            raise
        (self._versions / ".link").unlink()
        return True

    def _hand_on_access(self, number: int) -> None:
        """Give a version the file modes of the one in service: a user may have shared it."""
        own, before = self._versions / str(number), self.number()
        pairs = [(path, own / name) for name, path in self.files.items()]
        if before is not None:
            pairs.append((self._versions / str(before), own))
        for old, new in pairs:
            if old.exists() and new.exists() and not old.samefile(new):
                with suppress(PermissionError):  # another user's version stays as it is
                    copy_access(old, new)

    def _link_files(self) -> None:
        for name, path in self.files.items():
            make_folder(path.parent)
            target = os.path.relpath(self._pointer.parent.resolve() / self._pointer.name / name, path.parent.resolve())
            if not path.is_symlink() or str(path.readlink()) != target:
                self._link(path, target)

    def _link(self, path: Path, target: str) -> None:
        """Replace a link or file by a link, at once."""
        beside = path.with_name(f".{path.name}.new")
        beside.unlink(missing_ok=True)
        beside.symlink_to(target)
        beside.replace(path)

    def _copy(self, number: int) -> None:
        """Copy the files, where links are not supported; the recognizer last: it decides, see ``deciding_files``."""
        for name in (LE, REPORT, RECOGNIZER):
            source, path = self._versions / str(number) / name, self.files[name]
            if source.is_file() and not (path.is_file() and self.holds(number, (name,))):
                write_bytes(path, source.read_bytes())
        if number != self.number():
            write_bytes(self._pointer, str(number).encode())


def _owners(versions: Path, name: str) -> list[Path]:
    """Return the existing files that versions belong to: as written down, or else the links to them."""
    home = versions.parent
    if noted := _noted(versions).get(name):
        owners = [home / noted]
    else:
        target = os.path.relpath(versions.resolve() / "in_service" / name, home.resolve())
        owners = [path for path in home.glob("[!.]*") if path.is_symlink() and str(path.readlink()) == target]
    return [path for path in owners if os.path.lexists(path)]


def _noted(versions: Path) -> dict[str, str]:
    try:
        return typed_json.parse((versions / OWNERS).read_bytes(), dict[str, str])
    except (OSError, ValueError):
        return {}


def _path_from(home: Path, path: Path) -> str:
    """Return a path relative to ``home``, so that both may be moved together; on another drive, the whole path."""
    path = path.parent.resolve() / path.name
    try:
        return Path(os.path.relpath(path, home)).as_posix()
    except ValueError:
        return path.as_posix()


def _is_among(path: Path, others: list[Path]) -> bool:
    """Return whether a file or link is one of these, however its path is written."""
    return os.path.lexists(path) and any(os.path.samestat(path.lstat(), other.lstat()) for other in others)


def _not_own(versions: Path, owners: list[Path], folder: Path) -> FacesError:
    return FacesError(
        f"{versions} keeps the versions of {' and '.join(map(str, owners))}: name both, or give this recognizer a"
        f" folder of its own: --recognizer {folder / RECOGNIZER} --le {folder / LE}"
    )
