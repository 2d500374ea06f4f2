"""Unpickle without running what a file asks for, and without time or memory that its length does not need."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from faces.errors import PickleError

Allowed = Mapping[tuple[str, str], Any]
"""What a file may import, by module and name: a replacement, or None for the thing itself.

These are exact names, not modules: numpy and scikit-learn have functions that execute their arguments.
"""
DEEPEST = 50  # lists, tuples and dictionaries within each other
NEVER_USED = (
    *(pickle.PERSID, pickle.BINPERSID, pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.INST, pickle.OBJ),
    *(pickle.EMPTY_SET, pickle.ADDITEMS, pickle.FROZENSET, pickle.DUP, pickle.POP_MARK),
    *(pickle.NEXT_BUFFER, pickle.READONLY_BUFFER),
)
"""Opcodes that no file of ours or the recipe's has."""
READ: dict[int, Any] = dict(pickle._Unpickler.dispatch)
"""The methods of Python's own unpickler, by opcode."""


class Unpickler(pickle._Unpickler):
    """Reads a pickle that imports only what is allowed.

    It is Python's own unpickler: unlike the one in C it lets keys and content be checked before they are used, and its
    memo is a dictionary, in which an index far beyond the file's length costs nothing.

    data: the file's content. allowed: what it may import. end: where the pickle ends in it, once it is loaded.
    ``load`` raises PickleError for what is refused, and anything for what is damaged.
    """

    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]

    def __init__(self, data: bytes, allowed: Allowed) -> None:
        super().__init__(io.BytesIO(data))
        self._data = data
        self._allowed = allowed
        self.end = 0
        self._visits = 2 * len(data) + 1000  # more only if a list is in other lists many times

    def find_class(self, module: str, name: str) -> Any:
        """Return what the file may import."""
        if (module, name) not in self._allowed:
            raise PickleError(f"it asks for {module}.{name}, which such a file never contains")
        return self._allowed[module, name] or super().find_class(module, name)

    def load(self) -> Any:
        """Read the file without regard to its frames, which takes half the time."""
        file = io.BytesIO(self._data)
        self.read, self.readline = file.read, file.readline
        self.stack, self.metastack, self.proto = [], list[list[Any]](), 0
        self.append = self.stack.append
        while (code := file.read(1)) != pickle.STOP:
            if not code:
                raise EOFError
            self.dispatch[code[0]](self)
        self.end = file.tell()
        result = self.stack.pop()
        self._check(result)
        return result

    def _check(self, content: Any) -> None:
        """Refuse what is nested too deeply, or takes much longer to go through than the file is long."""
        level, depth = [content], 0
        while level:
            inner: list[Any] = []
            for item in level:
                if type(item) in (list, tuple):
                    inner += item
                elif type(item) is dict:
                    inner += item.values()
                if len(inner) > self._visits:
                    break
            level, depth, self._visits = inner, depth + 1, self._visits - len(inner)
            if depth > DEEPEST or self._visits < 0:
                raise PickleError("it is nested more than such a file needs")

    def _set(self, target: object, items: list[Any]) -> None:
        """Put keys and values, in turn, into a dictionary; the hash of other keys than texts can take for ever."""
        keys = items[::2]
        if type(target) is not dict or any(type(key) is not str for key in keys):
            raise PickleError("it has a key that is no text, which such a file never contains")
        target.update(zip(keys, items[1::2], strict=True))

    def _setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set(self.stack[-1], [key, value])

    def _setitems(self) -> None:
        items = self.pop_mark()
        self._set(self.stack[-1], items)

    def _dict(self) -> None:
        items, created = self.pop_mark(), dict[str, Any]()
        self._set(created, items)
        self.append(created)

    def _reduce(self) -> None:
        self._check(self.stack[-1])
        READ[pickle.REDUCE[0]](self)

    def _newobj(self) -> None:
        self._check(self.stack[-1])
        READ[pickle.NEWOBJ[0]](self)

    def _build(self) -> None:
        target = self.stack[-2]
        if isinstance(target, type) or callable(target):
            raise PickleError(f"it changes {target!r}, which such a file never does")
        self._check(self.stack[-1])
        READ[pickle.BUILD[0]](self)

    def _bytearray(self) -> None:
        self.append(bytearray(self.read(int.from_bytes(self.read(8), "little"))))  # Python's allocates it first

    def _frame(self) -> None:
        self.read(8)

    def _refuse(self) -> None:
        raise PickleError("it has operations that such a file never contains")

    dispatch: ClassVar[dict[int, Any]] = {
        **READ,
        **dict.fromkeys((code[0] for code in NEVER_USED), _refuse),
        pickle.SETITEM[0]: _setitem,
        pickle.SETITEMS[0]: _setitems,
        pickle.DICT[0]: _dict,
        pickle.REDUCE[0]: _reduce,
        pickle.NEWOBJ[0]: _newobj,
        pickle.BUILD[0]: _build,
        pickle.BYTEARRAY8[0]: _bytearray,
        pickle.FRAME[0]: _frame,
    }
