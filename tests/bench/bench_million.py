"""A million trades: two years of minutes on which a strategy turns round at every bar, through the command line.

Printed: seconds of the run with its checks and of reading the result back, peak memory of the processes, size on disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.engine.backtest.test_a_trade_a_bar import TURNING

BARS = 2 * 365 * 1440
START = 1_704_067_200_000


def write_market(folder: Path) -> None:
    """Two years of minutes that rise and fall in turns."""
    rng = np.random.default_rng(1)
    middle = np.maximum(100.0 + np.cumsum(rng.normal(0.0, 0.01, BARS)), 20.0)
    closes = np.round(middle + np.where(np.arange(BARS) % 2 == 0, 0.05, -0.05), 2)
    opens = np.concatenate([[100.0], closes[:-1]])
    high, low = np.maximum(opens, closes) + 0.02, np.minimum(opens, closes) - 0.02
    (folder / "linear").mkdir(parents=True)
    with (folder / "linear" / "AAAUSDT_1m.csv").open("w", encoding="utf-8") as file:
        file.write("timestamp,open,high,low,close,volume,turnover\n")
        for bar, row in enumerate(zip(opens, high, low, closes, strict=True)):
            file.write(f"{START + bar * 60_000},{','.join(f'{price:.2f}' for price in row)},1000000,\n")


def tradebot(folder: Path, *arguments: str) -> tuple[dict[str, Any], float]:
    """(what a command says as JSON, the highest memory of its process in MB)."""
    command = [sys.executable, "-m", "tradebot", *arguments, "--data", str(folder), "--json"]
    peak = 0.0
    with (folder / "said.json").open("w", encoding="utf-8") as said:
        process = psutil.Popen(command, stdout=said, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            try:
                peak = max(peak, process.memory_info().rss / 1e6)
                process.wait(0.05)
            except psutil.TimeoutExpired:
                continue
            except psutil.NoSuchProcess:
                break
    assert process.returncode == 0
    document: dict[str, Any] = json.loads((folder / "said.json").read_text(encoding="utf-8"))
    return document, peak


def test_a_million_trades(
    benchmark: BenchmarkFixture, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_market(tmp_path)
    (tmp_path / "s.toml").write_text(TURNING, encoding="utf-8")
    strategy = str(tmp_path / "s.toml")
    tradebot(tmp_path, "backtest", strategy)  # compiles, and fills the cache of columns
    result, run_mb = benchmark.pedantic(tradebot, (tmp_path, "backtest", strategy), rounds=1)
    started = time.monotonic()
    shown, read_mb = tradebot(tmp_path, "results", "show", "last")
    read_seconds = time.monotonic() - started
    size = sum(path.stat().st_size for path in Path(result["folder"]).iterdir()) / 1e6
    with capsys.disabled():
        sys.stdout.write(
            f"\n{result['metrics']['trades']:,} trades: run, checked and written in "
            f"{benchmark.stats.stats.max:.1f} s with {run_mb:.0f} MB, {size:.0f} MB on disk; read and shown in "
            f"{read_seconds:.1f} s with {read_mb:.0f} MB\n"
        )
    assert result["metrics"]["trades"] == BARS - 2
    assert shown["metrics"] == result["metrics"]
