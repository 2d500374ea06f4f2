"""Import packages that only an extra of the distribution installs."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from faces.errors import UsageError


def require(module: str, purpose: str, extra: str) -> ModuleType:
    """Import a module of an optional package.

    module: full name, such as ``matplotlib.figure``.
    purpose: what needs it, in the plural, such as ``plots``.
    extra: the distribution's extra that installs it.

    Raises UsageError with the command that installs it if the package is missing.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise UsageError(f"{purpose} need {package}: pip install 'recognize-faces[{extra}]'") from error


@contextmanager
def server_packages() -> Iterator[None]:
    """Import modules of ``faces.server`` in this block.

    Raises UsageError with the command that installs its packages if one is missing.
    """
    try:
        yield
    except ImportError as error:
        raise UsageError(
            f"the server needs more packages ({error}); run: pip install 'recognize-faces[server]'"
        ) from error
