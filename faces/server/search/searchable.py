"""What can be searched: an index in memory, or a collection in a database with pgvector."""

from __future__ import annotations

from typing import Protocol

from faces.server.search.chance import Chance
from faces.server.search.index import Found
from faces.types import Floats


class Searchable(Protocol):
    """The faces of a collection that a search sees; valid as long as its session."""

    @property
    def chance(self) -> Chance | None:
        """How similar strangers are; None if it is unknown."""
        ...

    def search(self, probes: Floats, number: int) -> Found:
        """Find the owners whom each probe may be: see ``Index.search``."""
        ...
