"""The scope that each route needs: one table for the Face API, CompreFace, DeepStack, the pages and the metrics."""

from __future__ import annotations

from enum import IntEnum


class Scope(IntEnum):
    """What a key allows. Each scope includes those before it."""

    READ = 1
    IDENTIFY = 2
    ENROL = 3
    ADMIN = 4

    @property
    def word(self) -> str:
        """The name of the scope, as users write it."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Scope:
        """Return the scope with this name. Raises KeyError if there is none."""
        return cls[word.upper()]


WORDS = tuple(scope.word for scope in Scope)

OPEN = (  # need no key: they show no data, or are the login itself
    "description.document",
    "description.page",
    "description.static",
    "health.healthz",
    "pages.access.check_key",
    "pages.access.language",
    "pages.access.login",
    "pages.static",
)
ROUTES: dict[Scope, tuple[str, ...]] = {
    Scope.READ: (  # what there is
        "collection.get",
        "collection.list_all",
        "collection.training",
        "compreface.list_faces",
        "compreface.list_subjects",
        "compreface.picture_of_face",
        "deepstack.list_all",
        "health.metrics",
        "other.not_offered",
        "pages.access.logout",
        "pages.home",
        "pages.people.cutout",
        "pages.people.list_people",
        "pages.people.person",
        "person.get",
        "person.get_face",
        "person.list_all",
        "person.list_faces",
    ),
    Scope.IDENTIFY: (  # who is in a picture
        "compreface.recognize",
        "compreface.verify",
        "deepstack.detect",
        "deepstack.recognize",
        "pages.classify.form",
        "pages.classify.upload",
        "pages.recognize.form",
        "pages.recognize.upload",
        "pages.challenge.ask",
        "recognition.detect",
        "recognition.find_similar",
        "recognition.group",
        "recognition.identify",
        "recognition.verify",
    ),
    Scope.ENROL: (  # add and change
        "collection.create",
        "collection.train",
        "collection.update",
        "compreface.add_face",
        "compreface.add_subject",
        "compreface.rename_subject",
        "deepstack.register",
        "pages.matches.forget",
        "pages.matches.refuse",
        "pages.moves.move",
        "pages.people.merge",
        "pages.people.rename",
        "pages.removals.undo",
        "pages.recognize.enrol",
        "pages.train.enrol",
        "pages.train.form",
        "person.add_face",
        "person.create",
        "person.update",
        "person.update_face",
    ),
    Scope.ADMIN: (  # erase, take everything in or out, and give keys
        "collection.delete",
        "compreface.delete_face",
        "compreface.delete_faces",
        "compreface.delete_some_faces",
        "compreface.delete_subject",
        "compreface.delete_subjects",
        "deepstack.delete",
        "pages.access.add_key",
        "pages.access.list_keys",
        "pages.access.revoke_key",
        "pages.import_export.dataset",
        "pages.import_export.embeddings",
        "pages.import_export.upload",
        "pages.people.confirm_remove",
        "pages.people.confirm_remove_face",
        "pages.people.remove",
        "pages.people.remove_face",
        "pages.removals.erase",
        "person.delete",
        "person.delete_face",
    ),
}
NEEDED: dict[str, Scope | None] = {
    **dict.fromkeys(OPEN),
    **{endpoint: scope for scope, endpoints in ROUTES.items() for endpoint in endpoints},
}
"""By endpoint, the scope that it needs; None if it needs no key."""


def needed(endpoint: str | None) -> Scope | None:
    """Return the scope that an endpoint needs; None if it needs no key.

    endpoint: None for an address that no route matches: any key is told so.

    An endpoint that is not in the table needs the highest scope.
    """
    return Scope.READ if endpoint is None else NEEDED.get(endpoint, Scope.ADMIN)
