"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def _own_state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tradebot processes of a user tell each other stays among those of the tests."""
    folder = str(tmp_path_factory.mktemp("state"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", folder)
        patch.setenv("WIN_PD_OVERRIDE_LOCAL_APPDATA", folder)
        yield


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
