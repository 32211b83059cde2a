"""Lint of the data at hand: what is missing is named with the offer to collect it and what that costs."""

from __future__ import annotations

import gzip
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from tests.engine.backtest.markets import START, know, put, waves
from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.backtest.lint.lint import LintFinding, lint_strategy
from tradebot.engine.control.errors import CancelledError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import DAY_MS, Category, RiskTier, Timeframe
from tradebot.engine.store import ImportOptions, Store
from tradebot.engine.strategy import Severity, StrategyBuilder, StrategySpec, builtin_registry, parse_strategy
from tradebot.engine.strategy.plugins import load_registry

REGISTRY = builtin_registry()
EXAMPLES = Path(__file__).resolve().parents[3] / "config" / "strategies"
DAYS = 60


def trend(symbols: tuple[str, ...] = ("AAAUSDT",), **place: str) -> StrategyBuilder:
    made = StrategyBuilder("trend", symbols=symbols, timeframe="1h")
    made.indicator("mean", "sma", length=30)
    made._document["indicators"]["mean"].update(place)  # a place has no argument in the builder yet
    made.signal("turn", "cross", a="close", b="mean").entry("any", ["turn"])
    return made.sizing("equity", percent=50).stop_loss("percent", percent=3.0).costs(funding=False)


def lint(store: Store, spec: StrategySpec, **span: int | None) -> dict[str, LintFinding]:
    settings = RunSettings.resolve(spec, BacktestSettings(), None, span.get("start_ms"), span.get("end_ms"))
    found = lint_strategy(spec, REGISTRY, store, settings)
    assert len({each.code for each in found}) == len(found), found
    return {each.code: each for each in found}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Sixty days of hours of two symbols whose rules are known."""
    store = Store(tmp_path)
    for symbol in ("AAAUSDT", "BBBUSDT"):
        put(store, symbol, waves(DAYS * 24))
    know(store, "AAAUSDT", "BBBUSDT")
    return store


def test_where_nothing_lacks_nothing_is_said(store: Store) -> None:
    assert lint(store, trend(("AAAUSDT", "BBB*")).build()) == {}


def test_missing_bars_of_the_strategy_with_the_offer_to_collect_them(store: Store) -> None:
    found = lint(store, trend(("AAAUSDT", "NEWUSDT", "OTHERUSDT")).build())["missing_data"]
    assert (found.path, found.severity) == ("strategy.symbols", Severity.WARNING)
    assert found.action is not None
    # As far back as the bars that are there, and the look-back of the mean and the cross (30 bars: two days) before.
    assert found.action.command == (
        "tradebot collect --symbols NEWUSDT,OTHERUSDT --timeframes 1h --since 2023-12-30"
    )
    hours = DAYS * 24 - 1 + 48
    assert (found.action.bars, found.action.requests) == (2 * hours, 4)
    assert found.sentence == (
        "no 1h bars of NEWUSDT, OTHERUSDT are stored; collecting them takes about 2,974 bars in 4 requests"
    )


def test_on_an_empty_folder_a_year_is_offered(tmp_path: Path) -> None:
    found = lint(Store(tmp_path), trend().build())["missing_data"]
    assert found.action is not None
    assert found.action.command == "tradebot collect --symbols AAAUSDT --timeframes 1h --since 367d"
    assert (found.action.bars, found.action.requests) == (367 * 24, 9)
    pattern = lint(Store(tmp_path), trend(("AAA*",)).build())["no_symbols"]
    assert pattern.path == "strategy.symbols"
    assert 'matches "AAA*"' in pattern.sentence


def test_missing_bars_that_an_indicator_reads(store: Store) -> None:
    found = lint(store, trend(symbol="ETHUSDT").build())
    assert found["missing_data"].path == "indicators.mean"
    assert found["missing_data"].sentence.startswith(
        "cannot be computed: no 1h bars of ETHUSDT are stored; collecting them takes about "
    )
    # Coarser bars are built from finer ones, finer ones cannot be had from coarser.
    assert lint(store, trend(timeframe="4h").build()) == {}
    execution = replace(trend().build(), execution=Timeframe.M5)
    said = lint(store, execution)["missing_data"]
    assert (said.path, said.severity) == ("strategy.execution", Severity.HINT)
    assert "are walked on the 1h bars themselves" in said.sentence
    assert said.action is not None
    assert said.action.timeframes == ("5m",)


def test_coarse_bars_of_a_long_look_back_are_collected_themselves(tmp_path: Path) -> None:
    """Two years of minutes for the sake of a hundred weeks would be a million bars."""
    made = trend(("AAAUSDT", "BBBUSDT"), timeframe="1w")
    made._document["strategy"]["timeframe"] = "1m"
    made._document["indicators"]["mean"]["length"] = 100
    spec = made.build()
    settings = RunSettings.resolve(spec, BacktestSettings())
    found = lint_strategy(spec, REGISTRY, Store(tmp_path), settings)
    commands = {each.path: each.action.command for each in found if each.action is not None}
    symbols = "tradebot collect --symbols AAAUSDT,BBBUSDT --timeframes"
    assert commands == {
        "strategy.symbols": f"{symbols} 1m --since 366d",
        "indicators.mean": f"{symbols} 1w --since 1058d",
    }


def test_the_largest_symbols_are_those_that_a_run_would_take(store: Store) -> None:
    made = trend()
    made._document["strategy"]["symbols"] = {"top": 1, "by": "turnover"}
    made.signal("high", "compare", a="close", op=">", b=1e6).entry("unanimous", ["turn", "high"])
    found = lint(store, made.build())
    assert "of 1,410 bars of " in found["never_fires"].sentence


def test_missing_funding_as_a_series_and_as_a_cost(store: Store) -> None:
    made = trend().signal("paid", "funding", above=0.01).entry("any", ["turn", "paid"])
    found = lint(store, made.build())["missing_data"]
    assert found.path == "signals.paid"
    assert "no funding of AAAUSDT is stored" in found.sentence
    assert "funding_estimated" not in lint(store, trend().build())
    paying = lint(store, trend().costs(funding=True).build())["funding_estimated"]
    assert (paying.path, paying.severity) == ("costs.funding", Severity.HINT)
    store.merge_funding(Category.LINEAR, "AAAUSDT", [(START, "0.0001")])
    assert lint(store, trend().costs(funding=True).build()) == {}


def test_a_look_back_longer_than_the_data(store: Store) -> None:
    made = trend()
    made._document["indicators"]["mean"] |= {"length": 400, "timeframe": "4h"}
    found = lint(store, made.build())
    assert list(found) == ["look_back"]
    assert found["look_back"].path == "indicators.mean"
    assert found["look_back"].sentence == (
        "needs 399 4h bars before its first value (66 days), but AAAUSDT has 360"
    )
    action = found["look_back"].action
    assert action is not None
    assert (action.timeframes, action.since) == (("4h",), "2023-10-26")
    deep = trend()
    deep._document["indicators"]["mean"]["length"] = 2_000
    assert lint(store, deep.build())["look_back"].path == "signals.turn"


def test_a_warm_up_that_takes_a_good_part_of_the_bars(store: Store) -> None:
    made = trend()
    made._document["indicators"]["mean"] |= {"length": 100, "timeframe": "4h"}
    found = lint(store, made.build())
    assert list(found) == ["long_warm_up"]
    assert found["long_warm_up"].severity is Severity.HINT
    # The mean of 100 bars of 4h closes with hour 400; a cross looks at the close before as well.
    assert "the first 400 of 1,440 bars of AAAUSDT decide nothing" in found["long_warm_up"].sentence


def test_with_a_start_date_the_bars_before_it_count_as_history(store: Store) -> None:
    made = trend()
    made._document["indicators"]["mean"]["length"] = 600
    spec = made.build()
    assert list(lint(store, spec)) == ["long_warm_up"]
    assert lint(store, spec, start_ms=START + 40 * DAY_MS) == {}
    early = lint(store, spec, start_ms=START + 10 * DAY_MS, end_ms=START + 20 * DAY_MS)
    assert list(early) == ["look_back"]
    assert lint(store, spec, start_ms=START + 90 * DAY_MS)["missing_data"].sentence.startswith(
        "No 1h bars of linear/AAAUSDT can be had for this span"
    )


def test_bars_are_counted_in_the_span_alone(store: Store) -> None:
    made = trend().signal("high", "compare", a="close", op=">", b=1e6).entry("unanimous", ["turn", "high"])
    found = lint(store, made.build(), start_ms=START + 50 * DAY_MS)
    assert found["never_fires"].sentence == "never fires: true on 0 of 240 bars of AAAUSDT"


def test_holes_are_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    rows = waves(DAYS * 24)
    put(store, "AAAUSDT", [*rows[:300], *rows[310:800], *rows[830:]])
    know(store, "AAAUSDT")
    found = lint(store, trend().build())["holes"]
    assert "40 bars of AAAUSDT are missing in 2 gaps" in found.sentence
    assert found.severity is Severity.HINT


def test_rules_and_risk_limits_that_are_not_stored(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "AAAUSDT", waves(DAYS * 24))
    spec = trend().build()
    assert lint(store, spec)["no_rules"].path == "strategy.symbols"
    levered = replace(spec, risk=replace(spec.risk, leverage=25.0))
    found = lint(store, levered)
    assert found["no_risk_limits"].path == "risk.leverage"
    assert "stop_beyond_liquidation" not in found  # 3 % away, liquidated at 3.5 %
    held = RiskTier(Decimal(10**9), Decimal("0.02"), Decimal("0.04"), Decimal(25))
    store.save_risk_limits(Category.LINEAR, {"AAAUSDT": (held,)}, START)
    found = lint(store, levered)
    assert "no_risk_limits" not in found
    assert found["stop_beyond_liquidation"].severity is Severity.ERROR


def test_a_damaged_file_is_a_finding_with_its_line(store: Store) -> None:
    path = store.folder / "linear" / "AAAUSDT_1h.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[5] = lines[5].replace(",", ",x", 1)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = lint(store, trend().build())["missing_data"]
    assert "line 6" in found.sentence


def test_a_plug_in_that_fails_on_these_bars_is_a_finding(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from tradebot.engine.strategy import indicator\n"
        '@indicator("mine", "Mine", "Mine.", inputs=("close",))\n'
        "def mine(close):\n"
        "    return close if len(close) < 1000 else close[:-1]\n"
    )
    registry, problems = load_registry(tmp_path)
    assert problems == ()
    made = trend().indicator("m", "mine").signal("up", "rising", source="m").entry("any", ["up"])
    spec = made.build(registry)
    settings = RunSettings.resolve(spec, BacktestSettings())
    found = {each.code: each for each in lint_strategy(spec, registry, store, settings)}["broken_plugin"]
    assert (found.path, found.severity) == ("indicators.m", Severity.ERROR)
    assert found.sentence.startswith(
        "the plug-in mine.py:2 gives float64 of shape (1439,) where 1 of float64 for"
    )


def test_it_can_be_cancelled(store: Store) -> None:
    token = CancelToken()
    token.cancel()
    spec = trend().build()
    settings = RunSettings.resolve(spec, BacktestSettings())
    with pytest.raises(CancelledError):
        lint_strategy(spec, REGISTRY, store, settings, cancel=token)


@pytest.mark.realdata
def test_the_examples_on_the_recorded_year(shared_market: Path, tmp_path: Path) -> None:
    """What is said of sound strategies on real data is at most what lacks beside the bars, and a remark."""
    store = Store(tmp_path)
    source = shared_market / "binance_spot" / "BTCUSDT_1m.csv.gz"
    quarters = tmp_path / "BTCUSDT_15m.csv"
    with gzip.open(source) as file:
        minutes = pd.read_csv(file)
    bars = minutes.groupby(minutes["timestamp"] // 900_000 * 900_000).agg(
        {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "turnover": "sum"}
    )
    bars.to_csv(quarters)
    store.import_file(quarters, ImportOptions(category="linear"))
    for path in sorted(EXAMPLES.glob("*.toml")):
        spec = parse_strategy(path.read_text(encoding="utf-8"), registry=REGISTRY)
        found = lint(store, spec)
        assert {each.severity for each in found.values()} <= {Severity.HINT}, (path.name, found)
        wide = replace(spec, risk=replace(spec.risk, leverage=40.0))
        assert lint(store, wide)["stop_beyond_liquidation"].severity is Severity.ERROR
