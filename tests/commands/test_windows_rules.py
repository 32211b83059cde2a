"""The demo under Windows' rules: no open or mapped file can be replaced or deleted, and Excel locks a CSV."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.windows_shim import SUPPORTED, windows_rules
from tradebot.cli import run

pytestmark = [
    pytest.mark.sockets,
    pytest.mark.skipif(not SUPPORTED, reason="this system does not tell which files are open or mapped"),
]


def test_the_demo_passes_and_passes_again_on_its_own_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with windows_rules():
        for _ in range(2):
            assert run(["demo", "--headless", "--json", "--data", str(tmp_path)]) == 0
            document = json.loads(capsys.readouterr().out)
            assert document["metrics"]["trades"] > 30
    results = [path.name for path in (tmp_path / "results").iterdir() if path.is_dir()]
    assert len(results) == 2
    assert not [name for name in results if name.startswith(".")]


def test_a_csv_that_excel_holds_open_gets_its_bars_when_it_is_free_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tradebot.engine.simulator import SimulatorSettings, SimulatorThread

    csv = tmp_path / "linear" / "BTCUSDT_1h.csv"
    with SimulatorThread(SimulatorSettings(symbols=1)) as simulator:

        def collect(since: str, *more: str) -> int:
            base = ["collect", "--symbols", "BTCUSDT", "--timeframes", "1h", "--url", simulator.url]
            return run([*base, "--since", since, "--data", str(tmp_path), *more])

        assert collect("20d", "--until", "10d") == 0
        held = csv.read_bytes()
        with windows_rules() as rules:
            with rules.locked(csv):
                collect("20d")
                assert csv.read_bytes() == held
            assert collect("20d") == 0
        assert run(["data", "check", "BTCUSDT_1h", "--data", str(tmp_path)]) == 0
    rows = csv.read_text(encoding="utf-8").splitlines()
    assert csv.read_bytes().startswith(held)
    assert len(rows) in {479, 480, 481}
    capsys.readouterr()
