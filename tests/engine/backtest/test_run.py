"""From a strategy file and a data folder to a result, with everything a person must know about it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.engine.backtest.markets import DAYS_40, START, know, put, run, strategy, waves
from tradebot.engine.backtest import RunSettings, run_backtest
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import CancelledError, InputError
from tradebot.engine.control.progress import CancelToken, Progress
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import HOUR_MS, BarRow, Category, DatasetKey, RiskTier, Timeframe
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry, parse_strategy


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


class TestResult:
    def test_says_what_ran(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(DAYS_40))
        know(store, "AAAUSDT")
        store.merge_funding(
            Category.LINEAR, "AAAUSDT", [(START + n * 8 * HOUR_MS, "0.0001") for n in range(130)]
        )
        text = strategy()
        result = run(store, text)

        assert result.result_id == "20261123-141502-two-means"
        assert result.strategy_toml == text
        assert result.symbols == ("AAAUSDT",)
        assert result.price_decimals == (2,)
        assert (result.start_ms, result.end_ms) == (START, START + DAYS_40 * HOUR_MS)
        assert result.bars == DAYS_40
        (file,) = result.files
        assert (str(file.key), file.rows, file.missing_bars) == ("linear/AAAUSDT_1h", DAYS_40, 0)
        assert len(file.content_hash) == 64
        assert (result.flags, result.warnings) == ((), ())
        assert result.metrics.trades > 10
        assert result.settings.costs.taker_fee_percent == 0.055
        assert result.metrics.funding != 0

    def test_money_adds_up(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(DAYS_40))
        result = run(store, strategy(), cash=5000.0)
        total = 5000.0 + float(result.trades["pnl"].sum())
        assert result.metrics.final_equity == pytest.approx(total, rel=1e-12)
        assert result.metrics.total_return == pytest.approx(total / 5000.0 - 1, rel=1e-12)
        assert result.curve["equity"][-1] == result.metrics.final_equity

    def test_less_than_thirty_days_have_no_yearly_figures(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(24 * 29))
        metrics = run(store, strategy()).metrics
        assert (metrics.cagr, metrics.calmar) == (None, None)
        assert metrics.sharpe is not None

    def test_bars_built_from_finer_ones_are_named(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(DAYS_40), "1h")
        result = run(store, strategy(timeframe="4h"))
        (file,) = result.files
        assert str(file.key) == "linear/AAAUSDT_1h"
        assert "AAAUSDT_1h.csv" in file.note
        assert result.bars == DAYS_40 // 4

    def test_a_span_decides_as_if_it_had_always_run(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(DAYS_40))
        whole = run(store, strategy())
        soon = int(whole.trades["entry_time"][5])
        start, end = soon - 3 * HOUR_MS, soon + 400 * HOUR_MS
        part = run(store, strategy(), start_ms=start, end_ms=end)
        assert (part.start_ms, part.end_ms) == (start, end)
        inside = (whole.trades["entry_time"] >= soon) & (whole.trades["exit_time"] < end)
        assert part.trades["entry_time"][0] == soon  # three bars after the start, though the means need eight
        assert set(whole.trades["entry_time"][inside].tolist()) <= set(part.trades["entry_time"].tolist())

    def test_the_same_run_twice_is_the_same(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(DAYS_40))
        one, other = run(store, strategy()), run(store, strategy())
        assert one.trades.tobytes() == other.trades.tobytes()
        assert one.curve.tobytes() == other.curve.tobytes()
        assert one.metrics == other.metrics


class TestSymbols:
    def test_patterns_take_what_is_there(self, store: Store) -> None:
        for n, symbol in enumerate(("AAAUSDT", "AABUSDT", "BBBUSDT")):
            put(store, symbol, waves(300, level=100.0 * (n + 1)))
        put(store, "AACUSDT", waves(30, step_ms=24 * HOUR_MS), "1d")
        text = strategy(symbols=("AA?USDT", "BBBUSDT"))
        result = run(store, text.replace("percent = 50.0", "percent = 30.0"))
        assert result.symbols == ("AAAUSDT", "AABUSDT", "BBBUSDT")
        assert {int(slot) for slot in result.trades["slot"]} == {0, 1, 2}

    def test_a_pattern_without_match_is_refused(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(300))
        with pytest.raises(InputError, match=r'strategy\.symbols: no linear symbol .* matches "ZZ\*"'):
            run(store, strategy(symbols=("ZZ*",)))

    def test_an_unknown_symbol_is_refused(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(300))
        with pytest.raises(InputError, match="AAXUSDT"):
            run(store, strategy(symbols=("AAXUSDT",)))

    def test_two_quote_coins_are_refused(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(300))
        put(store, "AAAUSDC", waves(300))
        with pytest.raises(InputError, match="one quote coin"):
            run(store, strategy(symbols=("AAA*",)))


class TestWarnings:
    def test_rules_that_are_not_stored_are_assumed_and_said(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(300), category="spot")
        result = run(store, strategy(category="spot", direction="long"))
        assert result.flags == ("no_instrument_rules",)
        assert "tick 0.01 from the digits" in result.warnings[0]
        assert result.metrics.funding == 0.0

    def test_estimated_funding_is_flagged(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(300))
        know(store, "AAAUSDT")
        result = run(store, strategy())
        assert result.flags == ("funding_estimated",)
        assert "38 of 38 funding payments of AAAUSDT" in result.warnings[0]

    def test_missing_bars_are_counted(self, store: Store) -> None:
        rows = waves(300)
        put(store, "AAAUSDT", [*rows[:100], *rows[110:200], *rows[205:]])
        result = run(store, strategy())
        assert "missing_bars" in result.flags
        assert any("15 bars missing in 2 gaps of AAAUSDT" in warning for warning in result.warnings)

    def test_a_symbol_that_is_listed_half_way(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(300))
        put(store, "BBBUSDT", waves(300)[150:])
        result = run(store, strategy(symbols=("AAAUSDT", "BBBUSDT")))
        assert "partial_span" in result.flags
        assert (
            "The run goes from 2024-01-01 to 2024-01-13, but some bars cover only a part of it: BBBUSDT from 2024-01-07"
            in (" ".join(result.warnings))
        )
        of_second = result.trades["slot"] == 1
        assert result.trades["entry_time"][of_second].min() > START + 150 * HOUR_MS

    def test_a_short_that_is_liquidated(self, store: Store) -> None:
        rising = [
            BarRow(START + n * HOUR_MS, *(f"{price:.2f}",) * 4, "100000", "")
            for n, price in enumerate([100.0] * 10 + [80.0] * 4 + [200.0] * 20)
        ]
        put(store, "AAAUSDT", rising)
        text = strategy(direction="short").replace('stop_loss = { use = "percent", percent = 2.0 }\n', "")
        result = run(store, text)
        assert result.metrics.liquidations == 1
        assert {"margin_tiers_assumed", "liquidation_estimated"} <= set(result.flags)
        said = " ".join(result.warnings)
        assert "a maintenance margin of 0.5 % was assumed" in said
        assert "34 bars of AAAUSDT have no mark price of their own" in said
        assert result.metrics.final_equity == pytest.approx(
            5000.0, rel=0.02
        )  # its margin, half of the cash, is lost
        assert result.valid

    def test_an_account_that_is_used_up_stops(self, store: Store) -> None:
        rising = [
            BarRow(START + n * HOUR_MS, *(f"{price:.2f}",) * 4, "100000", "")
            for n, price in enumerate([100.0] * 10 + [80.0] * 4 + [200.0] * 20)
        ]
        put(store, "AAAUSDT", rising)
        text = strategy(direction="short").replace("percent = 50.0", "percent = 200.0")
        text = text.replace('stop_loss = { use = "percent", percent = 2.0 }\n', "")
        # all of the cash is the margin of the short, and all of it is lost when it is liquidated
        text += "[costs]\ntaker_fee_percent = 0.0\nslippage_percent = 0.0\nfunding = false\n"
        result = run(store, text)
        assert "bankrupt" in result.flags
        assert result.metrics.final_equity <= 0
        assert result.bars < 34
        assert "was used up at 2024-01-01" in result.warnings[0]
        assert result.metrics.cagr is None

    def test_margin_is_not_spoken_of_where_no_position_could_lose_it(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(300))
        assert "liquidation_estimated" not in run(store, strategy()).flags
        text = strategy().replace('direction = "both"', 'direction = "both"\nleverage = 3')
        assert {"margin_tiers_assumed", "liquidation_estimated"} <= set(run(store, text).flags)

    def test_bars_without_a_volume(self, store: Store) -> None:
        put(store, "AAAUSDT", [row._replace(volume="0") for row in waves(300)])
        result = run(store, strategy())
        assert "volume_unknown" in result.flags
        assert "No bar of AAAUSDT has a volume, so no order was cut by it" in " ".join(result.warnings)
        assert result.metrics.trades > 0
        uncapped = strategy() + "[costs]\nmax_volume_share_percent = 0.0\n"
        assert "volume_unknown" not in run(store, uncapped).flags

    def test_orders_are_cut_to_a_share_of_the_volume(self, store: Store) -> None:
        put(store, "AAAUSDT", [row._replace(volume="20") for row in waves(300)])
        result = run(store, strategy())
        assert result.trades["quantity"].max() == pytest.approx(2.0)  # ten percent of it
        assert result.interventions["reduced_volume"] == len(result.trades)

    def test_bars_that_finer_ones_do_not_cover(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(300))
        put(store, "AAAUSDT", waves(150 * 4, step_ms=HOUR_MS // 4), "15m")
        text = strategy().replace('timeframe = "1h"', 'timeframe = "1h"\nexecution = "15m"', 1)
        result = run(store, text)
        assert "coarse_execution" in result.flags
        assert "150 of 300 bars of AAAUSDT are not covered by finer ones" in " ".join(result.warnings)
        early = result.trades["exit_time"] < START + 150 * HOUR_MS
        late = result.trades["entry_time"] > START + 150 * HOUR_MS
        assert not result.trades["coarse"][early].any()
        assert result.trades["coarse"][late].all()
        files = {str(file.key): file.note for file in result.files}
        assert files["linear/AAAUSDT_15m"] == "AAAUSDT_15m.csv, walked"

    def test_recorded_marks_and_tiers_leave_nothing_to_say(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(300))
        know(store, "AAAUSDT")
        store.merge(DatasetKey("linear", "AAAUSDT", "1h", mark=True), waves(300))
        tier = RiskTier(Decimal(10**6), Decimal("0.005"), Decimal("0.01"), Decimal(100))
        store.save_risk_limits(Category.LINEAR, {"AAAUSDT": (tier,)}, START)
        text = strategy().replace('direction = "both"', 'direction = "both"\nleverage = 3')
        result = run(store, text)
        assert result.flags == ("funding_estimated",)
        assert "linear/AAAUSDT_1h_mark" in {str(file.key) for file in result.files}

    def test_a_universe_picked_with_hindsight(self, store: Store) -> None:
        for n, symbol in enumerate(("AAAUSDT", "BBBUSDT")):
            put(store, symbol, waves(300, level=100.0 * (n + 1)))
        text = strategy().replace('["AAAUSDT"]', '{ top = 1, by = "turnover" }')
        result = run(store, text)
        assert result.symbols == ("BBBUSDT",)
        assert "universe_in_sample" in result.flags
        assert result.parts[0].note == "The 1 largest of 2 symbols by turnover from 2024-01-01 to 2024-01-31."


class TestNoTrades:
    def only_warning(self, result: BacktestResult) -> str:
        assert result.metrics.trades == 0
        assert "no_trades" in result.flags
        return result.warnings[0]

    def test_a_rule_that_never_fires_is_named(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(300))
        warning = self.only_warning(run(store, strategy(signals=("cross", "high"))))
        assert warning == (
            'No trade: on 300 bars these rules never supported a side: "high". The others fired: "cross" on 21 of 300 '
            "bars (7%)."
        )

    def test_rules_that_never_agree_are_counted(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(300))
        warning = self.only_warning(run(store, strategy(signals=("cross", "high"), lower=95.0, upper=105.5)))
        assert warning == (
            "No trade: every rule fired at some time on 300 bars, but never enough of them at once for [entry]. They "
            'fired: "cross" on 21 of 300 bars (7%), 0 of them with all others; "high" on 33 of 300 bars (11%), 0 of '
            "them with all others."
        )

    def test_too_few_bars(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(5))
        assert "more bars before they have values than the 5 there are" in self.only_warning(
            run(store, strategy())
        )

    def test_refused_entries(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(300))
        know(store, "AAAUSDT")
        assert "refused (below_min_" in self.only_warning(run(store, strategy(), cash=5.0))

    def test_one_bar(self, store: Store) -> None:
        put(store, "AAAUSDT", waves(1))
        result = run(store, strategy())
        assert (result.bars, result.metrics.trades, result.metrics.sharpe) == (1, 0, None)


def test_no_bars_in_the_span(store: Store) -> None:
    put(store, "AAAUSDT", waves(300))
    with pytest.raises(InputError, match="2024-01-01"):
        run(store, strategy(), start_ms=START + 400 * HOUR_MS, end_ms=START + 500 * HOUR_MS)


def test_progress_and_cancel(store: Store) -> None:
    for symbol in ("AAAUSDT", "BBBUSDT"):
        put(store, symbol, waves(300))
    spec = parse_strategy(strategy(symbols=("AAAUSDT", "BBBUSDT")))
    settings = RunSettings.resolve(spec, BacktestSettings())
    looks: list[Progress] = []
    run_backtest(spec, builtin_registry(), store, settings, looks.append, clock=ManualClock())
    assert [look.note for look in looks[:2]] == ["decided AAAUSDT", "decided BBBUSDT"]
    bars = [look for look in looks if look.note == "simulating"]
    assert (bars[-1].unit, bars[-1].fraction) == ("bars", 1.0)
    assert looks[-2].note.startswith("checking ") and looks[-1].note == "checked"
    assert (looks[-1].unit, looks[-1].fraction) == ("checks", 1.0)

    token = CancelToken()

    def stop(look: Progress) -> None:
        token.cancel()

    with pytest.raises(CancelledError):
        run_backtest(spec, builtin_registry(), store, settings, stop, token, clock=ManualClock())


def test_costs_come_from_the_strategy_then_from_the_settings() -> None:
    spec = parse_strategy(strategy(category="spot", direction="long") + "[costs]\nslippage_percent = 0.5\n")
    costs = RunSettings.resolve(spec, BacktestSettings()).costs
    assert (costs.taker_fee_percent, costs.slippage_percent, costs.funding) == (0.1, 0.5, False)
    linear = parse_strategy(strategy())
    assert RunSettings.resolve(linear, BacktestSettings()).costs.funding is True
    wished = replace(spec, costs=replace(spec.costs, funding=True))
    assert RunSettings.resolve(wished, BacktestSettings()).costs.funding is False
    off = replace(linear, costs=replace(linear.costs, funding=False))
    assert RunSettings.resolve(off, BacktestSettings()).costs.funding is False


@pytest.mark.parametrize("name", ["ema-trend", "bollinger-breakout", "rsi-pullback"])
def test_examples_run(name: str, store: Store) -> None:
    folder = Path(__file__).resolve().parents[3] / "config" / "strategies"
    text = (folder / f"{name}.toml").read_text(encoding="utf-8")
    spec = parse_strategy(text)
    timeframe = Timeframe(spec.timeframe.value)
    for symbol in spec.symbols:
        put(store, symbol, waves(3000, step_ms=timeframe.ms), timeframe.value, spec.category.value)
    result = run(store, text)
    assert result.bars == 3000
    assert "bankrupt" not in result.flags
