"""Watch a folder for changes."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from faces.errors import FacesError, reason_of
from faces.files.identity import folder_identity

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver


class FolderWatch:
    """Watches a folder, and the folders that links in it lead to.

    It also notices when the folder vanishes, comes back or is replaced, and when links change.
    folder: need not exist yet.
    poll: seconds between two scans of all files, for network folders, which do not report changes; None: the operating
    system reports changes.
    Raises FacesError if the operating system cannot watch the folder.
    """

    def __init__(self, folder: Path, poll: float | None = None) -> None:
        self._folder = folder
        self._poll = poll
        self._observer: BaseObserver | None = None
        self._changed: float | None = None
        self._linked: set[Path] = set()
        self._identity = self._start()

    def __enter__(self) -> FolderWatch:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def settled(self, seconds: float) -> bool:
        """Return whether there were changes since this was last True, but none within the last ``seconds``."""
        replaced = self._identity != folder_identity(
            self._folder
        )  # after an unmount or mount, the observer watches a folder that is gone
        quiet = self._changed is not None and time.monotonic() - self._changed >= seconds
        if replaced or (quiet and self._linked != _linked(self._folder)):
            self._stop()
            self._identity = self._start()
            self._changed = time.monotonic()
            return False
        if quiet:
            self._changed = None
        return quiet

    def _start(self) -> tuple[int, int] | None:
        from watchdog import events
        from watchdog.observers import Observer
        from watchdog.observers.polling import PollingObserver

        class Handler(events.FileSystemEventHandler):
            def on_any_event(_, event: FileSystemEvent) -> None:  # noqa: N805
                self._changed = time.monotonic()  # in the observer's own thread

        identity, self._linked = folder_identity(self._folder), _linked(self._folder)
        if identity is None:
            return None
        observer = PollingObserver(timeout=self._poll) if self._poll else Observer()
        changes: list[type[FileSystemEvent]] = [  # not the events that reading causes
            events.FileCreatedEvent,
            events.FileModifiedEvent,
            events.FileMovedEvent,
            events.FileDeletedEvent,
            events.DirCreatedEvent,
            events.DirMovedEvent,
            events.DirDeletedEvent,
        ]
        try:
            for folder in (self._folder.resolve(), *self._linked):
                observer.schedule(Handler(), str(folder), recursive=True, event_filter=changes)
            observer.start()
        except FileNotFoundError:  # gone again
            return None
        except OSError as error:
            limit = error.errno in (errno.ENOSPC, errno.EMFILE)  # inotify's limits, not a full disk
            why = "the system already watches too many folders" if limit else reason_of(error)
            raise FacesError(f"cannot watch {self._folder}: {why}; use --poll") from error
        self._observer = observer
        return identity

    def _stop(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None


def _linked(folder: Path) -> set[Path]:
    """Return the folders that links in a folder lead to, at any depth, but not those that the folder is in."""
    linked: set[Path] = set()
    remaining = [folder.resolve()]
    while remaining:
        for parent, folders, _ in os.walk(remaining.pop()):
            links = {path.resolve() for path in (Path(parent, name) for name in folders) if path.is_symlink()}
            new = {path for path in links - linked if not folder.resolve().is_relative_to(path)}
            linked |= new
            remaining += new
    return linked
