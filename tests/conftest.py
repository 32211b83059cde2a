"""Fixtures that every test may use."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tradebot.engine.backtest import compile_kernels_in_child

REPOSITORY = Path(__file__).resolve().parents[1]
_TESTS = REPOSITORY / "tests"
# Here backtests run. Without the kernels ready each worker would compile them for itself, for half a minute.
_RUN_BACKTESTS = ("engine/backtest/", "engine/test_", "commands/", "test_readme_")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the kernels compiled before the first test that runs a backtest."""
    for item in items:
        if item.path.relative_to(_TESTS).as_posix().startswith(_RUN_BACKTESTS):
            item.add_marker(pytest.mark.usefixtures("compiled_kernels"))


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


@pytest.fixture(scope="session")
def compiled_kernels(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The kernels of this version stand in the user's cache; what was said while they were compiled, for all workers.

    Nothing is said where they stood there before.
    """
    own = tmp_path_factory.getbasetemp()
    together = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    said = together / "kernels.json"
    with FileLock(together / "kernels.lock"):
        if not said.exists():
            sentences: list[str] = []
            compile_kernels_in_child(sentences.append)
            said.write_text(json.dumps(sentences), encoding="utf-8")
    return list(json.loads(said.read_text(encoding="utf-8")))
