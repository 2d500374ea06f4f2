"""Optional packages: imported if they are installed, otherwise the error names the extra."""

from __future__ import annotations

import json

import pytest

from faces.errors import UsageError
from faces.optional import require


def test_an_installed_package() -> None:
    assert require("json", "files", "report") is json


def test_a_missing_package() -> None:
    with pytest.raises(UsageError) as error:
        require("no_such_package.figure", "plots", "report")
    assert str(error.value) == "plots need no_such_package: pip install 'recognize-faces[report]'"
