"""The whole data layer is tested under Windows' rules about open and mapped files, where they can be shown."""

from __future__ import annotations

import pytest

from tests.support.windows_shim import SUPPORTED, windows

__all__ = ["windows"]


@pytest.fixture(autouse=True)
def under_windows_rules(request: pytest.FixtureRequest) -> None:
    """The rules for the length of each test; a test that asks for `windows` itself skips where there are none."""
    if SUPPORTED:
        request.getfixturevalue("windows")
