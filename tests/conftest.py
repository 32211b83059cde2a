"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_market() -> Path:
    """Folder of recorded market data beside the project; the test is skipped where it is not there."""
    folder = REPOSITORY.parent / "shared" / "market"
    if not folder.is_dir():
        pytest.skip("recorded market data is not beside the project (../shared/market)")
    return folder


@pytest.fixture(scope="session")
def shared_bybit() -> Path:
    """Folder of recorded Bybit messages beside the project; the test is skipped where it is not there."""
    folder = REPOSITORY.parent / "shared" / "bybit"
    if not folder.is_dir():
        pytest.skip("recorded Bybit messages are not beside the project (../shared/bybit)")
    return folder
