"""A strategy that turns round on every bar: the most trades there can be, right to the last one, and kept on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.engine.backtest.markets import START, know, put, run, strategy
from tradebot.engine.backtest import read_result, write_result
from tradebot.engine.backtest.results import large_tables, tables
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import BarRow, Category, Timeframe
from tradebot.engine.store import Store

BARS = 20_000
MINUTE = 60_000
TURNING = (
    strategy(timeframe="1m")
    .replace('use = "cross"\na = "fast"\nb = "slow"', 'use = "compare"\na = "close"\nop = "<"\nb = "open"')
    .replace('[signals.high]', 'supports = "direction"\n[signals.high]')
    .replace('sizing = { use = "equity", percent = 50.0 }', 'sizing = { use = "notional", amount = 1000.0 }')
    .replace('stop_loss = { use = "percent", percent = 2.0 }\n', "")
    + "[costs]\ntaker_fee_percent = 0.0\nslippage_percent = 0.0\nfunding = false\nmax_volume_share_percent = 0.0\n"
)  # fmt: skip


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Minutes that rise and fall in turns, each opening where the one before closed."""
    rng = np.random.default_rng(7)
    middle = 100.0 + np.cumsum(rng.normal(0.0, 0.01, BARS))
    closes = np.round(middle + np.where(np.arange(BARS) % 2 == 0, 0.05, -0.05), 2)
    opens = np.concatenate([[100.0], closes[:-1]])
    store = Store(tmp_path_factory.mktemp("data"))
    rows = [
        BarRow(
            START + bar * MINUTE,
            *(f"{price:.2f}" for price in (o, max(o, c) + 0.02, min(o, c) - 0.02, c)),
            "9",
            "",
        )
        for bar, (o, c) in enumerate(zip(opens.tolist(), closes.tolist(), strict=True))
    ]
    put(store, "AAAUSDT", rows, "1m")
    know(store, "AAAUSDT")
    return store


@pytest.fixture(scope="module")
def result(market: Store) -> BacktestResult:
    return run(market, TURNING)


def test_every_trade_is_there_and_its_profit_right(market: Store, result: BacktestResult) -> None:
    bars = market.load_or_build(Category.LINEAR, "AAAUSDT", Timeframe.M1)[0]
    # Decided on bar n, opened at the open of n + 1, turned round at the open of n + 2.
    side = np.where(bars.close < bars.open, 1.0, -1.0)[:-2]
    quantity = np.floor(1000.0 / bars.close[:-2] / 0.001 + 1e-9) * 0.001
    profits = side * quantity * (bars.open[2:] - bars.open[1:-1])
    closed = result.trades[:-1]
    assert (result.metrics.trades, result.metrics.open_trades) == (BARS - 2, 1)
    assert (np.diff(side) != 0).all(), "the market was made so that every bar turns round"
    np.testing.assert_allclose(closed["pnl"], profits, rtol=1e-9, atol=1e-9)
    assert result.metrics.final_equity == pytest.approx(
        10_000.0 + float(result.trades["pnl"].sum()), rel=1e-12
    )
    assert result.valid


def test_in_blocks_and_read_at_once_they_are_the_same(
    result: BacktestResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = write_result(result, tmp_path)
    monkeypatch.setattr(tables, "_BLOCK_ROWS", 777)
    blocks = write_result(result, tmp_path)
    for name in ("trades.csv", "trade_details.csv", "equity.csv"):
        whole = (tmp_path / plain.result_id / name).read_bytes()
        assert whole == (tmp_path / blocks.result_id / name).read_bytes()
    by_lines = read_result(tmp_path / plain.result_id).trades
    monkeypatch.setattr(large_tables, "LARGE_BYTES", 1)
    at_once = read_result(tmp_path / plain.result_id).trades
    assert at_once.dtype == by_lines.dtype
    assert at_once.tobytes() == by_lines.tobytes()


@pytest.mark.parametrize(
    ("name", "before", "after", "sentence"),
    [
        ("trades.csv", ",long,", ",lang,", "this is not a trade"),
        ("trades.csv", "Z,", ",", "this is not a trade"),
        ("trades.csv", ",closed", ",closed,1", "this is not a trade"),
        ("trade_details.csv", ",market,", ",basar,", "this is not a row"),
    ],
)
def test_a_damaged_row_of_many_is_named(
    result: BacktestResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    before: str,
    after: str,
    sentence: str,
) -> None:
    monkeypatch.setattr(large_tables, "LARGE_BYTES", 1)
    path = tmp_path / write_result(result, tmp_path).result_id / name
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    damaged = 12_345 if before in lines[12_345] else 12_346
    lines[damaged] = lines[damaged].replace(before, after, 1)
    path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match=f"line {damaged + 1}: {sentence}"):
        read_result(path.parent)
