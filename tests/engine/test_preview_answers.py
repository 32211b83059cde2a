"""What a preview answers: the figures of a backtest, what is missing and what would bring it, and what is reused."""

from __future__ import annotations

import random
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradebot.engine import preview_run
from tradebot.engine.backtest import RunSettings, run_backtest
from tradebot.engine.backtest.figures.trials import Trial, TrialLedger
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import CancelledError, InputError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import BarRow, Category, DatasetKey, Instrument, Timeframe
from tradebot.engine.messages import Collect, Preview, PreviewView
from tradebot.engine.preview_answers import PreviewAnswers
from tradebot.engine.preview_figures import reduced
from tradebot.engine.store import Store
from tradebot.engine.strategy import StrategyBuilder, builtin_registry, parse_strategy

START_MS = 1_704_067_200_000  # 2024-01-01
DAY = 1440
TOML = """\
[strategy]
name = "Cross"
category = "linear"
symbols = ["BTCUSDT"]
timeframe = "1m"

[indicators.fast]
use = "sma"
length = 10

[indicators.slow]
use = "ema"
length = 40

[signals.cross]
use = "cross"
a = "fast"
b = "slow"

[entry]
combine = "any"
signals = ["cross"]

[risk]
direction = "both"
sizing = { use = "equity", percent = 50.0 }
stop_loss = { use = "percent", percent = 1.0 }
"""


def walk(bars: int, seed: int = 1, timeframe: Timeframe = Timeframe.M1, first: int = 0) -> list[BarRow]:
    chance = random.Random(seed)
    rows, price = [], 1000.0
    for number in range(first + bars):
        begun = price
        price = round(price * (1 + chance.gauss(0, 0.001)), 2)
        high, low = round(max(begun, price) + 0.3, 2), round(min(begun, price) - 0.3, 2)
        time = START_MS + number * timeframe.ms
        rows.append(BarRow(time, f"{begun}", f"{high}", f"{low}", f"{price}", "3500", "3500000"))
    return rows[first:]


class Bench:
    """A store with some days of minutes, and previews on it."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self.clock = ManualClock()
        self.registry = builtin_registry()
        self.kernels = ("ready", "")
        self.answers = PreviewAnswers(
            self.store,
            lambda: self.registry,
            BacktestSettings(),
            lambda: self.kernels,
            self.clock,
            folder / "results",
        )
        self.told: list[tuple[float, str]] = []

    def hold(self, symbol: str, rows: list[BarRow], timeframe: str = "1m") -> None:
        self.store.merge(DatasetKey("linear", symbol, timeframe), rows)

    def ask(self, toml: str = TOML, cancel: CancelToken | None = None, **more: Any) -> PreviewView:
        command = Preview(toml, **{"generation": 7, "days": 0, **more})
        return self.answers.answer(
            command, cancel or CancelToken(), lambda share, note: self.told.append((share, note))
        )

    @property
    def nodes(self) -> Any:
        runs = self.answers._runs
        assert runs is not None
        return runs._nodes.state


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.hold("BTCUSDT", walk(4 * DAY))
    return made


def edited(**values: object) -> str:
    text = TOML
    for name, value in values.items():
        was = {"fast": "length = 10", "slow": "length = 40", "stop": "percent = 1.0", "timeframe": '"1m"'}[
            name
        ]
        text = text.replace(was, f"{was.split('=')[0]}= {value}" if "=" in was else f'"{value}"', 1)
    assert text != TOML
    return text


# ---------------------------------------------------------------------------------------------- figures


def test_the_figures_are_those_of_the_backtest_on_the_same_bars(bench: Bench) -> None:
    view = bench.ask()
    spec = parse_strategy(TOML)
    settings = RunSettings.resolve(spec, BacktestSettings())
    result = run_backtest(spec, bench.registry, bench.store, settings, with_hashes=False)
    metrics = result.metrics
    assert (view.state, view.symbol, view.bars) == ("done", "BTCUSDT", 4 * DAY)
    figures = {figure.name: figure.text for figure in view.figures}
    assert metrics.trades > 50
    assert metrics.sharpe is not None
    assert metrics.profit_factor is not None
    assert metrics.win_rate is not None
    assert metrics.exposure is not None
    assert figures == {
        "total_return": f"{(metrics.total_return or 0) * 100:+.1f}%",
        "sharpe": f"{metrics.sharpe:.2f}",
        "max_drawdown": f"{metrics.max_drawdown * 100:.1f}%",
        "profit_factor": f"{metrics.profit_factor:.2f}",
        "trades": f"{metrics.trades:,}",
        "win_rate": f"{metrics.win_rate * 100:.1f}%",
        "cost_per_trade": figures["cost_per_trade"],
        "exposure": f"{metrics.exposure * 100:.1f}%",
    }
    closed = result.trades[result.trades["status"] == 0]
    spent = (closed["fees"] + closed["slippage"] - closed["funding"]).sum()
    assert (
        figures["cost_per_trade"]
        == f"{spent / (closed['quantity'] * closed['entry_price']).sum() * 100:.3f}%"
    )


def test_the_curve_ends_at_the_final_equity_and_keeps_the_lowest_and_highest_value(bench: Bench) -> None:
    view = bench.ask(columns=20)
    assert len(view.times_ms) == len(view.equity) <= 80
    assert list(view.times_ms) == sorted(view.times_ms)
    assert view.times_ms[-1] == START_MS + 4 * DAY * 60_000
    assert view.figures[0].text == f"{(view.equity[-1] / view.cash - 1) * 100:+.1f}%"
    times, values = np.arange(1000), np.sin(np.arange(1000.0) / 7)
    values[503], values[777] = -5.0, 9.0
    shown_times, shown = reduced(times, values, 10)
    assert (min(shown), max(shown)) == (-5.0, 9.0)
    assert (shown_times[0], shown_times[-1]) == (0, 999)
    assert len(shown) <= 40


def test_a_change_is_told_with_its_direction_and_whether_it_is_better(bench: Bench) -> None:
    same = bench.ask(saved_toml=TOML)
    assert not same.compared
    assert {figure.change for figure in same.figures} == {""}
    assert same.saved_equity == ()
    view = bench.ask(edited(stop=0.2), saved_toml=TOML)
    saved = {figure.name: figure for figure in same.figures}
    assert view.compared
    assert view.saved_equity == same.equity
    for figure in view.figures:
        before, now = (float(each.text.replace(",", "").strip("%")) for each in (saved[figure.name], figure))
        if figure.change:
            assert figure.direction == (1 if now > before else -1)
            assert float(figure.change.replace(",", "")) == pytest.approx(abs(now - before), abs=0.051)
    changed = {figure.name: figure for figure in view.figures if figure.change}
    assert changed["total_return"].better == changed["total_return"].direction
    assert changed["exposure"].better == 0
    assert (
        "cost_per_trade" not in changed
        or changed["cost_per_trade"].better == -changed["cost_per_trade"].direction
    )


def test_a_saved_version_with_errors_is_not_compared_with(bench: Bench) -> None:
    view = bench.ask(saved_toml=TOML.replace("ema", "emma"))
    assert (view.state, view.compared) == ("done", False)


def test_signals_holding_time_and_stop_are_told(bench: Bench) -> None:
    signals = bench.ask().signals
    assert signals.long > 20
    assert abs(signals.long - signals.short) <= 1  # crosses alternate
    assert signals.per_day == pytest.approx((signals.long + signals.short) / 4)
    assert signals.stop_percent == pytest.approx(1.0, abs=0.01)
    assert signals.hold_ms is not None
    assert 60_000 < signals.hold_ms < 86_400_000
    without = bench.ask(TOML.replace("stop_loss", "#stop_loss"))
    assert without.signals.stop_percent is None


def test_the_last_bars_are_shown_with_what_was_traded_on_them(bench: Bench) -> None:
    candles = bench.ask(bars=60).candles
    rows = walk(4 * DAY)[-len(candles.times_ms) :]
    assert len(rows) >= 60
    assert candles.times_ms == tuple(row.time_ms for row in rows)
    assert candles.close == tuple(float(row.close) for row in rows)
    assert candles.decimals == 2
    assert {mark.kind for mark in candles.marks} == {"entry", "exit"}
    for mark in candles.marks:
        assert candles.low[mark.bar] <= mark.price <= candles.high[mark.bar] or mark.reason in {
            "signal",
            "reverse",
        }


def test_where_nothing_was_traded_lately_the_candles_end_soon_after_the_last_trade(bench: Bench) -> None:
    flat = [replace_prices(row, "500.0") for row in walk(2 * DAY, first=4 * DAY)]
    bench.hold("BTCUSDT", flat)
    view = bench.ask(bars=40)
    assert view.candles.marks
    assert view.candles.times_ms[-1] < START_MS + 5 * DAY * 60_000


def replace_prices(row: BarRow, price: str) -> BarRow:
    return row._replace(open=price, high=price, low=price, close=price)


def test_a_position_is_shown_from_its_entry_on_with_more_bars_where_it_was_held_long(bench: Bench) -> None:
    held = edited(fast=200, slow=600).replace('direction = "both"', 'direction = "both"\nmax_bars = 100')
    view = bench.ask(held, bars=30).candles
    last = [mark for mark in view.marks if mark.kind == "exit"][-1]
    entry = [mark for mark in view.marks if mark.kind == "entry" and mark.bar < last.bar][-1]
    assert last.bar - entry.bar == 100
    assert 100 < len(view.times_ms) <= 100 + 30 + 4
    assert len(bench.ask(held, bars=10).candles.times_ms) == 10  # eleven bars a candle would be a blur


def test_no_trade_is_explained_by_the_rule_that_never_fired(bench: Bench) -> None:
    never = TOML.replace(
        'use = "cross"\na = "fast"\nb = "slow"', 'use = "compare"\na = "fast"\nop = ">"\nb = 1e9'
    )
    view = bench.ask(never)
    assert view.state == "done", view.sentence
    assert view.notes[0].startswith("No trade: "), view.notes
    assert '"cross"' in view.notes[0]
    assert (view.trades, view.signals.long, view.signals.hold_ms) == (0, 0, None)
    assert {figure.text for figure in view.figures if figure.name in {"profit_factor", "win_rate"}} == {"n/a"}


def test_refusals_worth_saying_are_counted(bench: Bench) -> None:
    rules = Instrument(
        "BTCUSDT",
        Category.LINEAR,
        "BTC",
        "USDT",
        Decimal("0.1"),
        Decimal("0.001"),
        Decimal(0),
        Decimal(9_000),
    )
    bench.store.save_instruments([rules], 0)
    view = bench.ask()
    decided = view.signals.long + view.signals.short
    assert f"{decided} entry decisions came to less than the smallest order value." in view.notes


def test_limits_that_were_reached_and_orders_that_became_smaller_are_said(bench: Bench) -> None:
    limited = TOML.replace('direction = "both"', 'direction = "both"\nmax_daily_loss_percent = 0.5')
    notes = bench.ask(limited).notes
    assert any(re.fullmatch(r"The limit of daily loss was reached [1-4] days?\.", note) for note in notes), (
        notes
    )
    assert any(note.endswith("entry decisions came after the daily loss limit.") for note in notes)
    large = TOML.replace('{ use = "equity", percent = 50.0 }', '{ use = "fixed", quantity = 1000000.0 }')
    assert any(
        note.endswith("made smaller, to what the free balance affords.") for note in bench.ask(large).notes
    )


# ---------------------------------------------------------------------------------------------- data


def test_the_first_symbol_that_has_bars_is_tested_and_another_on_demand(bench: Bench) -> None:
    bench.hold("ETHUSDT", walk(2 * DAY, seed=2))
    three = TOML.replace('["BTCUSDT"]', '["AAAUSDT", "BTCUSDT", "ETHUSDT"]')
    view = bench.ask(three)
    assert (view.symbol, view.symbols) == ("BTCUSDT", ("BTCUSDT", "ETHUSDT"))
    assert bench.ask(three, symbol="ETHUSDT").symbol == "ETHUSDT"
    assert bench.ask(three, symbol="GONEUSDT").symbol == "BTCUSDT"
    together = bench.ask(three, symbol="*")
    assert (together.symbol, together.bars) == ("", 6 * DAY)
    assert bench.ask(TOML.replace('"BTCUSDT"', '"E*"')).symbol == "ETHUSDT"


def test_missing_bars_are_said_with_what_collects_them(bench: Bench) -> None:
    view = bench.ask(TOML.replace('"BTCUSDT"', '"SOLUSDT", "XRPUSDT"'))
    assert view == PreviewView(
        7,
        "no_data",
        "No 1m bars of SOLUSDT, XRPUSDT are stored yet, so there is nothing to test on.",
        timeframe="1m",
        collect=Collect(("SOLUSDT", "XRPUSDT"), ("1m",), "365d"),
        command="tradebot collect --symbols SOLUSDT,XRPUSDT --timeframes 1m --since 365d",
    )
    pattern = bench.ask(TOML.replace('"BTCUSDT"', '"Z*"'))
    assert pattern.state == "no_data"
    assert "Z*" in pattern.sentence


def test_bars_that_an_indicator_reads_beside_are_missed_by_name(bench: Bench) -> None:
    view = bench.ask(TOML.replace('use = "ema"\n', 'use = "ema"\nsymbol = "ETHUSDT"\ntimeframe = "5m"\n'))
    assert (view.state, view.collect) == ("no_data", Collect(("ETHUSDT",), ("5m",), "365d"))
    assert view.sentence.startswith("No 5m bars of ETHUSDT are stored yet")
    assert view.symbols == ("BTCUSDT",)


def test_a_coarser_timeframe_is_built_from_the_stored_minutes(bench: Bench) -> None:
    view = bench.ask(edited(timeframe="15m"))
    assert (view.state, view.timeframe, view.bars) == ("done", "15m", 4 * DAY // 15)


def test_a_span_counts_back_from_the_last_full_hour(bench: Bench) -> None:
    bench.hold("BTCUSDT", walk(25, first=4 * DAY))
    view = bench.ask(days=1)
    assert (view.start_ms, view.end_ms) == (START_MS + 3 * DAY * 60_000, START_MS + 4 * DAY * 60_000)
    assert view.bars == DAY
    assert bench.ask(days=365).start_ms == START_MS


def test_indicators_are_warm_at_the_begin_of_a_short_span(bench: Bench) -> None:
    whole, short = bench.ask(), bench.ask(days=1)
    spec = parse_strategy(TOML)
    settings = RunSettings.resolve(spec, BacktestSettings(), None, START_MS + 3 * DAY * 60_000, None)
    result = run_backtest(spec, bench.registry, bench.store, settings, with_hashes=False)
    assert whole.figures[4].text != short.figures[4].text == f"{result.metrics.trades:,}"


def test_many_columns_shorten_the_span_and_say_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_run, "MOST_COLUMN_BYTES", 2 * DAY * (64 + 2 * 8 + 2))
    view = bench.ask()
    assert view.start_ms == START_MS + 2 * DAY * 60_000
    assert view.notes[0].startswith("Tested on the last 2 days only: ")


def test_a_strategy_of_200_nodes_is_tested_and_may_be_cancelled_at_any_of_them(bench: Bench) -> None:
    made = StrategyBuilder("many", symbols=["BTCUSDT"], timeframe="1m")
    for number in range(100):
        made.indicator(f"i{number}", "ema", length=number + 2)
        made.signal(f"s{number}", "cross", a="close", b=f"i{number}")
    toml = made.entry("majority", [f"s{number}" for number in range(100)]).to_toml()
    cancel = CancelToken()

    def stop_half_way(share: float, note: str) -> None:
        bench.told.append((share, note))
        if note.startswith("100 of"):
            cancel.cancel()

    with pytest.raises(CancelledError):
        bench.answers.answer(Preview(toml, days=0), cancel, stop_half_way)
    assert bench.told[-1] == (0.25, "100 of 200 indicators and signals")
    bench.told.clear()
    assert bench.ask(toml).state == "done"
    shares = [share for share, _ in bench.told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_run_is_cancelled_between_pieces_of_the_simulation(bench: Bench) -> None:
    cancel = CancelToken()

    def stop(share: float, note: str) -> None:
        if note == "simulating":
            cancel.cancel()

    bench.hold("ETHUSDT", walk(4 * DAY))
    with pytest.raises(CancelledError):
        bench.answers.answer(Preview(TOML, TOML.replace("10", "12"), days=0), cancel, stop)


# ---------------------------------------------------------------------------------------------- what is found


def test_on_demand_the_strategy_is_looked_at_with_the_data_on_the_columns_that_are_there(
    bench: Bench,
) -> None:
    never = TOML.replace(
        'use = "cross"\na = "fast"\nb = "slow"', 'use = "compare"\na = "fast"\nop = ">"\nb = 1e9'
    )
    view = bench.ask(never)
    assert (view.linted, view.findings) == (False, ())
    before = bench.nodes.misses
    linted = bench.ask(never, lint=True)
    assert bench.nodes.misses == before
    assert linted.linted
    assert any(each.path == "signals.cross" and "never" in each.sentence for each in linted.findings)
    assert linted.figures == view.figures


def test_what_a_finding_lacks_is_offered(bench: Bench) -> None:
    view = bench.ask(lint=True)
    funding = next(each for each in view.findings if "funding" in each.sentence)
    assert funding.severity == "warning"
    assert view.collect is not None
    assert view.collect.symbols == ("BTCUSDT",)
    assert view.command.startswith("tradebot collect --symbols BTCUSDT")


# ---------------------------------------------------------------------------------------------- what is reused


def test_an_edit_computes_only_what_it_changes(bench: Bench) -> None:
    bench.ask()
    before = bench.nodes.misses
    bench.ask(edited(stop=2.0))
    assert bench.nodes.misses == before
    bench.ask(edited(fast=11))
    assert bench.nodes.misses == before + 2  # the average and the cross that reads it
    bench.ask(edited(fast=12), saved_toml=TOML)
    assert bench.nodes.misses == before + 4


def test_the_same_run_is_made_once_whatever_the_strategy_is_called(bench: Bench) -> None:
    first = bench.ask()
    hits, told = bench.nodes.hits, len(bench.told)
    again = bench.ask(TOML.replace('name = "Cross"', 'name = "Another"\nnote = "of mine"'))
    assert again.figures == first.figures
    assert (bench.nodes.hits, len(bench.told)) == (hits, told)


def test_bars_of_the_feed_compute_nothing_anew_until_an_hour_is_full(bench: Bench) -> None:
    bench.ask()
    before = bench.nodes.misses
    bench.hold("BTCUSDT", walk(10, first=4 * DAY))
    bench.ask(edited(stop=2.0))
    assert bench.nodes.misses == before
    bench.hold("BTCUSDT", walk(60, first=4 * DAY + 10))
    view = bench.ask(edited(stop=2.0))
    assert bench.nodes.misses > before
    assert view.bars == 4 * DAY + 60


def test_a_row_that_was_changed_by_hand_is_seen(bench: Bench, tmp_path: Path) -> None:
    first = bench.ask()
    path = tmp_path / "linear" / "BTCUSDT_1m.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    fields = lines[2000].split(",")
    lines[2000] = ",".join([fields[0], fields[1], "1500", fields[3], "1499", *fields[5:]])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert bench.ask().figures != first.figures


def test_a_file_that_was_damaged_or_taken_away_is_a_sentence_and_comes_back(
    bench: Bench, tmp_path: Path
) -> None:
    first = bench.ask()
    path = tmp_path / "linear" / "BTCUSDT_1m.csv"
    sound = path.read_bytes()
    path.write_bytes(sound + b"1704412800000,abc,1,1,1,1,1\n")
    with pytest.raises(InputError, match=r"BTCUSDT_1m\.csv"):
        bench.ask()
    path.unlink()
    assert bench.ask().state == "no_data"
    path.write_bytes(sound)
    assert bench.ask().figures == first.figures


def test_what_the_first_run_loads_is_taken_out_of_the_garbage_collectors_rounds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen: list[bool] = []
    monkeypatch.setattr("tradebot.engine.preview_answers.gc.freeze", lambda: frozen.append(True))
    bench.ask(TOML.replace('"BTCUSDT"', '"SOLUSDT"'))
    assert frozen == []
    bench.ask()
    bench.ask(edited(fast=11))
    assert frozen == [True]


# ---------------------------------------------------------------------------------------------- not tested


def test_errors_are_counted_and_the_first_is_said(bench: Bench) -> None:
    view = bench.ask(TOML.replace("sma", "smma").replace('"any"', '"anny"'))
    assert view.state == "invalid"
    assert view.sentence.startswith("2 errors: indicators.fast.use ")


def test_a_backtest_that_is_not_compiled_yet_is_waited_for(bench: Bench) -> None:
    bench.kernels = ("unknown", "")
    assert bench.ask().sentence == "The engine is starting; the preview fills itself in a moment."
    bench.kernels = ("compiling", "")
    assert bench.ask().state == "compiling"
    bench.kernels = ("failed", "The backtest kernel could not be compiled.")
    view = bench.ask()
    assert (view.state, view.sentence) == ("failed", "The backtest kernel could not be compiled.")
    bench.kernels = ("ready", "")
    assert bench.ask().state == "done"


def test_every_different_preview_is_a_trial_on_its_data(bench: Bench) -> None:
    bench.ask()
    bench.ask()
    bench.ask(edited(stop=0.2))
    bench.ask(TOML.replace('name = "Cross"', 'name = "Another"'))
    ledger = TrialLedger(bench.store.folder / "results")
    other = Trial(("BTCUSDT",), START_MS, START_MS + DAY * 60_000, "another", None)
    assert ledger.count([other])[0].trials == 3  # two of the previews, and this one


def test_a_results_folder_that_refuses_keeps_nobody_from_playing(bench: Bench) -> None:
    (bench.store.folder / "results").write_text("a file in its place")
    assert bench.ask().figures
