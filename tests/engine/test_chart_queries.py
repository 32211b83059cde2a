"""What the chart is answered: only the window that is seen, indicators settled in it, holes told as holes."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from tradebot.engine.chart_indicators import IndicatorTexts
from tradebot.engine.chart_queries import ChartQueries
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import BarRow, Category, DatasetKey
from tradebot.engine.messages import ChartView, GetChart, GetChartIndicators
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, builtin_registry

MINUTE = 60_000
START = 1_704_067_200_000  # 2024-01-01 00:00
STRATEGY = """\
[strategy]
name = "turns"
symbols = ["BTCUSDT"]
timeframe = "5m"

[indicators.fast]
use = "sma"
length = 3

[indicators.calm]
use = "sma"
source = "volume"
length = 2

[indicators.power]
use = "rsi"
length = 3

[indicators.smooth]
use = "sma"
source = "power"
length = 2

[signals.above]
use = "compare"
a = "close"
op = ">"
b = "fast"
supports = "long"

[entry]
combine = "any"
signals = ["above"]
trigger = "edge"

[risk]
direction = "long"
sizing = { use = "equity", percent = 10 }
"""


def row(minute: int, close: float) -> BarRow:
    return BarRow(
        START + minute * MINUTE, f"{close - 0.5}", f"{close + 1}", f"{close - 1}", f"{close}", "2", "3"
    )


def waves(minutes: int) -> list[float]:
    return [round(100 + 10 * float(np.sin(each / 40)) + each * 0.001, 1) for each in range(minutes)]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return builtin_registry()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """3,000 minutes, of which 600..659 are missing."""
    store = Store(tmp_path)
    closes = waves(3000)
    rows = [row(minute, closes[minute]) for minute in range(3000) if not 600 <= minute < 660]
    store.append(DatasetKey.of(Category.LINEAR, "BTCUSDT", _timeframe("1m")), rows)
    return store


def _timeframe(name: str):  # type: ignore[no-untyped-def]  # a shorthand
    from tradebot.engine.market import Timeframe

    return Timeframe(name)


@pytest.fixture
def queries(store: Store, registry: Registry) -> ChartQueries:
    def unknown(name: str) -> None:
        raise InputError(f"There is no result {name}.")

    return ChartQueries(store, registry, {"turns": STRATEGY}.__getitem__, unknown)  # type: ignore[arg-type]


def test_without_a_start_the_window_ends_with_the_newest_bar(queries: ChartQueries) -> None:
    view = queries.answer(GetChart("BTCUSDT", "1m", candles=100))
    assert len(view.close) == len(view.volume) == 100
    assert view.start_ms == START + 2900 * MINUTE
    assert view.close[-1] == waves(3000)[-1]
    assert (view.first_ms, view.last_ms) == (START, START + 2999 * MINUTE)
    assert (view.decimals, view.source, view.problems) == (1, "BTCUSDT_1m.csv", ())


def test_what_is_missing_has_no_value(queries: ChartQueries) -> None:
    view = queries.answer(GetChart("BTCUSDT", "1m", start_ms=START + 590 * MINUTE, candles=100))
    assert [value is None for value in view.close] == [False] * 10 + [True] * 60 + [False] * 30
    assert [value is None for value in view.volume] == [value is None for value in view.open]


def test_a_window_before_all_bars_is_empty_and_says_where_they_begin(queries: ChartQueries) -> None:
    view = queries.answer(GetChart("BTCUSDT", "1m", start_ms=START - 500 * MINUTE, candles=100))
    assert set(view.close) == {None}
    assert view.first_ms == START


def test_several_bars_make_one_candle_on_a_grid_of_their_own(queries: ChartQueries) -> None:
    closes = waves(3000)
    view = queries.answer(GetChart("BTCUSDT", "1m", start_ms=START + 13 * MINUTE, candles=4, group=10))
    assert (view.start_ms, view.unit_ms) == (START + 10 * MINUTE, 10 * MINUTE)
    first = closes[10:20]
    assert view.open[0] == pytest.approx(first[0] - 0.5)
    assert view.high[0] == pytest.approx(max(first) + 1)
    assert view.low[0] == pytest.approx(min(first) - 1)
    assert (view.close[0], view.volume[0]) == (first[-1], 20.0)


def test_a_coarser_timeframe_is_built_and_its_forming_bar_told(queries: ChartQueries, store: Store) -> None:
    key = DatasetKey.of(Category.LINEAR, "BTCUSDT", _timeframe("1m"))
    store.append(key, [row(3000, 90.0), row(3001, 95.0), row(3002, 93.0)])
    view = queries.answer(GetChart("BTCUSDT", "15m", candles=20))
    assert view.source == "BTCUSDT_1m.csv, 15m bars built from it"
    assert view.last_ms == START + 2985 * MINUTE
    assert view.forming == (89.5, 96.0, 89.0, 93.0, 6.0)
    assert queries.answer(GetChart("BTCUSDT", "1m", candles=5)).forming is None


def line(view: ChartView, label: str) -> list[float | None]:
    return list(next(each.values for each in view.lines if each.label == label))


def test_an_indicator_has_settled_in_the_window_as_if_computed_on_all_bars(queries: ChartQueries) -> None:
    closes = np.array(waves(3000))[660:]
    view = queries.answer(GetChart("BTCUSDT", "1m", candles=50, indicators=("sma 20", "ema 50")))
    expected = [closes[end - 19 : end + 1].mean() for end in range(len(closes) - 50, len(closes))]
    assert line(view, "SMA 20") == pytest.approx(expected)
    ema = closes[:50].mean()
    for close in closes[50:]:
        ema += (close - ema) * 2 / 51
    assert line(view, "EMA 50")[-1] == pytest.approx(ema, rel=1e-9)
    assert [each.pane for each in view.lines] == ["price", "price"]


def test_an_indicator_is_the_same_wherever_the_window_is(queries: ChartQueries) -> None:
    near = queries.answer(GetChart("BTCUSDT", "1m", candles=300, indicators=("rsi", "obv", "bbands")))
    far = queries.answer(
        GetChart(
            "BTCUSDT", "1m", start_ms=START + 2500 * MINUTE, candles=300, indicators=("rsi", "obv", "bbands")
        )
    )
    for one, other in zip(near.lines, far.lines, strict=True):
        assert one.values[:100] == other.values[200:]


def test_an_indicator_of_a_coarser_timeframe_stands_until_its_next_bar(queries: ChartQueries) -> None:
    view = queries.answer(GetChart("BTCUSDT", "1m", candles=120, indicators=("sma 2 1h",)))
    values = line(view, "SMA 2 1h")
    assert len(set(values)) == 3
    assert len({values[n] for n in range(60, 119)}) == 1


def test_lines_of_one_indicator_share_a_pane_and_volume_is_no_price(queries: ChartQueries) -> None:
    view = queries.answer(
        GetChart("BTCUSDT", "1m", candles=9, indicators=("macd", "bbands 20 2", "sma 5 volume"))
    )
    panes = {each.label: each.pane for each in view.lines}
    assert panes["MACD 12 26 9 macd"] == panes["MACD 12 26 9 histogram"] == "MACD 12 26 9"
    assert panes["BBANDS 20 2 upper"] == "price"
    assert panes["SMA 5 volume"] == "SMA 5 volume"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("emma 5", 'There is no indicator "emma" (in "emma 5"). Did you mean "ema"?'),
        ("ema 0", "length must be a whole number from 2 to 100000, but is 0."),
        ("ema 20 30", 'ema cannot take "30" (in "ema 20 30"); it takes source, length.'),
        ("rsi size=3", 'rsi has no value "size" (in "rsi size=3"); it takes source, length.'),
        ("sma source=clse", '"clse" is no column of the bars (in "sma source=clse")'),
        ("  ", "An indicator has no name"),
    ],
)
def test_what_cannot_be_drawn_is_a_sentence_beside_the_rest(
    queries: ChartQueries, text: str, sentence: str
) -> None:
    view = queries.answer(GetChart("BTCUSDT", "1m", candles=9, indicators=(text, "sma 3")))
    assert [each.label for each in view.lines] == ["SMA 3"]
    assert len(view.problems) == 1
    assert sentence in view.problems[0]


def test_names_may_be_those_people_use(queries: ChartQueries) -> None:
    view = queries.answer(
        GetChart("BTCUSDT", "1m", candles=9, indicators=("Bollinger 10 1.5", "ema length=9"))
    )
    assert [each.label for each in view.lines][::3] == ["BBANDS 10 1.5 upper", "EMA 9"]


def test_every_indicator_can_be_picked_by_its_own_text(queries: ChartQueries, registry: Registry) -> None:
    choices = queries.answer(GetChartIndicators())
    assert {"ema 20", "bbands 20 2", "macd 12 26 9"} <= {each.text for each in choices}
    texts = IndicatorTexts(registry)
    assert [texts.read(each.text).use for each in choices] == list(registry.indicators)


def test_a_strategy_brings_its_indicators_at_its_timeframe_and_what_it_decides(queries: ChartQueries) -> None:
    view = queries.answer(GetChart("BTCUSDT", "1m", candles=600, strategy="turns"))
    panes = {each.source: each.pane for each in view.lines}
    assert panes == {
        "turns: fast": "price",
        "turns: calm": "SMA 2 volume 5m",
        "turns: power": "RSI 3 5m",
        "turns: smooth": "RSI 3 5m",
    }
    assert view.signals
    assert {each.kind for each in view.signals} == {"long"}
    assert all(each.time_ms % (5 * MINUTE) == 0 for each in view.signals)
    own = queries.answer(GetChart("BTCUSDT", "5m", candles=120, strategy="turns"))
    assert "SMA 3" in {each.label for each in own.lines}
    assert own.signals == view.signals


def test_a_strategy_or_result_that_is_not_there_is_a_problem_and_the_bars_are_shown(
    queries: ChartQueries,
) -> None:
    view = queries.answer(GetChart("BTCUSDT", "1m", candles=5, result_id="bt-1"))
    assert view.problems == ("There is no result bt-1.",)
    assert view.close[-1] is not None


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (GetChart("ETHUSDT", "1m"), "ETHUSDT"),
        (GetChart("BTCUSDT", "7m"), "'7m' is not a timeframe"),
        (GetChart("BTCUSDT", "1m", "future"), "'future' is not a category"),
        (GetChart("BTCUSDT", "1m", candles=0), "1 to 4000 candles"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(
    queries: ChartQueries, command: GetChart, sentence: str
) -> None:
    with pytest.raises(InputError) as refused:
        queries.answer(command)
    assert sentence in refused.value.sentence


def test_a_newer_request_gives_up_the_older(store: Store, registry: Registry) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slow(name: str) -> str:
        reading.set()
        assert go_on.wait(10)
        return STRATEGY

    queries = ChartQueries(store, registry, slow, lambda _name: None)  # type: ignore[arg-type,return-value]
    answers: list[ChartView] = []
    older = threading.Thread(
        target=lambda: answers.append(
            queries.answer(GetChart("BTCUSDT", "1m", strategy="turns", generation=4))
        )
    )
    older.start()
    assert reading.wait(10)
    newer = queries.answer(GetChart("BTCUSDT", "1m", candles=7, generation=5))
    go_on.set()
    older.join(10)
    assert (newer.state, len(newer.close)) == ("done", 7)
    assert [(each.generation, each.state) for each in answers] == [(4, "superseded")]
    assert queries.answer(GetChart("BTCUSDT", "1m", candles=7)).state == "done"


def test_before_the_kernels_are_compiled_bars_are_drawn_and_indicators_are_not(
    store: Store, registry: Registry
) -> None:
    state = ["compiling", ""]
    read: list[str] = []

    def strategy(name: str) -> str:
        read.append(name)
        return STRATEGY

    queries = ChartQueries(store, registry, strategy, lambda _name: None, lambda: (state[0], state[1]))  # type: ignore[arg-type,return-value]
    asked = GetChart("BTCUSDT", "1m", indicators=("ema 5", "rsi 3"), strategy="turns")
    view = queries.answer(asked)
    assert view.close[-1] is not None
    assert (view.lines, view.signals, read) == ((), (), [])
    assert view.problems == (
        "Indicators are compiled once for this version; in some seconds they are drawn by themselves.",
    )
    assert queries.answer(GetChart("BTCUSDT", "1m")).problems == (), (
        "nothing is missing where none is asked for"
    )
    state[:] = ["failed", "The backtest kernel could not be compiled."]
    assert queries.answer(asked).problems == ("The backtest kernel could not be compiled.",)
    state[:] = ["ready", ""]
    view = queries.answer(asked)
    assert view.problems == ()
    assert {"EMA 5", "RSI 3"} <= {line.label for line in view.lines}
    assert read == ["turns"]
