"""What the chart costs: `python -m pytest tests/bench/bench_chart.py --benchmark-only -n 0 -s`.

Bars: a full drawing of 120x35 with Bollinger bands, RSI and volume <= 8 ms; a window of a year of minutes, warm,
<= 30 ms. Nothing fails by time.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from textual.app import App, ComposeResult

from tradebot.engine.chart_queries import ChartQueries
from tradebot.engine.control.errors import InputError
from tradebot.engine.messages import ChartView, GetChart
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry
from tradebot.screens.chart_picture import whole_picture
from tradebot.screens.theme import DARK, MEANINGS
from tradebot.screens.widgets.candle_chart import MarketChart
from tradebot.screens.widgets.candle_chart_drawing import draw_chart
from tradebot.screens.widgets.candle_chart_picture import ChartPicture

YEAR_MINUTES = 525_600
START_MS = 1_704_067_200_000
MINUTE = 60_000


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> ChartQueries:
    folder = tmp_path_factory.mktemp("year")
    (folder / "linear").mkdir()
    with (folder / "linear" / "BTCUSDT_1m.csv").open("w", encoding="utf-8", newline="") as file:
        file.write("timestamp,open,high,low,close,volume,turnover\n")
        before = 50_000.0
        for n in range(YEAR_MINUTES):
            close = round(
                50_000 + 9000 * math.sin(n / 60_000) + 300 * math.sin(n / 47) + 20 * math.sin(n * 1.3), 1
            )
            high, low = max(before, close) + 4, min(before, close) - 4
            file.write(f"{START_MS + n * MINUTE},{before},{high},{low},{close},{10 + n % 7},\n")
            before = close

    def none(name: str) -> str:
        raise InputError(f"There is no {name}.")

    return ChartQueries(Store(folder), builtin_registry(), none, none)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def view(queries: ChartQueries) -> ChartView:
    answer = queries.answer(GetChart("BTCUSDT", "1m", candles=330, indicators=("bbands 20 2", "rsi")))
    assert isinstance(answer, ChartView)
    return answer


def tell(what: str, benchmark: BenchmarkFixture, bar: str) -> None:
    stats = benchmark.stats.stats  # type: ignore[union-attr]
    print(f"\n{what}: median {stats.median * 1000:.2f} ms, best {stats.min * 1000:.2f} ms ({bar})")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 35), (200, 50)])
def test_full_drawing(benchmark: BenchmarkFixture, view: ChartView, width: int, height: int) -> None:
    picture = whole_picture(view, width - 13)
    benchmark(draw_chart, picture, width, height)
    tell(f"full drawing {width}x{height}", benchmark, "bar 8 ms at 120x35")


class Holder(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {**super().get_theme_variable_defaults(), **MEANINGS}

    def compose(self) -> ComposeResult:
        yield MarketChart()


async def test_new_last_price(benchmark: BenchmarkFixture, view: ChartView) -> None:
    app = Holder()
    async with app.run_test(size=(120, 35)) as pilot:
        chart = app.query_one(MarketChart)
        pictures = [_with_last(whole_picture(view, 107), by) for by in (0.0, 37.0)]
        chart.show(pictures[0])
        await pilot.pause()
        turn = 0
        before = chart.painted_cells

        def show() -> None:
            nonlocal turn
            turn += 1
            chart.show(pictures[turn % 2])

        benchmark(show)
        tell("new last price 120x35", benchmark, "drawn anew, the cells that differ are painted")
        print(
            f"cells painted for a new last price: {(chart.painted_cells - before) / turn:.0f} of {120 * 35}"
        )


def _with_last(picture: ChartPicture, by: float) -> ChartPicture:
    close = (picture.close[-1] or 0.0) + by
    high = max(picture.high[-1] or 0.0, close)
    return replace(picture, close=(*picture.close[:-1], close), high=(*picture.high[:-1], high), last=close)


@pytest.mark.parametrize(
    ("what", "command"),
    [
        ("window of 1m", GetChart("BTCUSDT", "1m", candles=330)),
        (
            "the same with 4 indicators",
            GetChart("BTCUSDT", "1m", candles=330, indicators=("ema 50", "rsi", "macd", "bbands 20 2 4h")),
        ),
        (
            "window of 15m built from 1m",
            GetChart("BTCUSDT", "15m", candles=330, indicators=("ema 50", "rsi")),
        ),
        (
            "all of the year, 1440 bars a candle",
            GetChart("BTCUSDT", "1m", candles=330, group=1440, indicators=("ema 50",)),
        ),
    ],
)
def test_window_of_a_year_of_minutes_warm(
    benchmark: BenchmarkFixture, queries: ChartQueries, what: str, command: GetChart
) -> None:
    queries.answer(command)
    places = iter(range(10**9))

    def walk() -> None:
        # Another place each time, as when a person pans.
        place = START_MS + (60_000 + next(places) * 331 % 400_000) * MINUTE
        queries.answer(replace(command, start_ms=place if command.group == 1 else None))

    benchmark(walk)
    tell(what, benchmark, "bar 30 ms")
