"""A report is one whole HTML file: nothing is loaded from elsewhere, every text is escaped, undefined says n/a."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.engine.backtest.markets import DAYS_40, know, put, run, strategy, waves
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.html_charts import Line, bar_chart, line_chart
from tradebot.engine.html_report import html_report
from tradebot.engine.store import Store

_VOID = {"meta", "br"}


class _Outline(HTMLParser):
    """Texts and attributes of a document, and whether its elements are nested rightly."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.counts: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href"}]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def outline(text: str) -> _Outline:
    parser = _Outline()
    parser.feed(text)
    parser.close()
    return parser


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> BacktestResult:
    store = Store(tmp_path_factory.mktemp("data"))
    for symbol in ("AAAUSDT", "BBBUSDT"):
        put(store, symbol, waves(DAYS_40))
    know(store, "AAAUSDT", "BBBUSDT")
    return run(store, strategy(symbols=("AAAUSDT", "BBBUSDT"), combine="any"), cash=20_000.0)


def test_it_stands_alone_and_is_nested_rightly(result: BacktestResult) -> None:
    text = html_report(result)
    found = outline(text)
    assert found.wrong == [] and found.open == []
    assert found.links == []
    assert not re.search(r"https?://|<script|@import|url\(", text)


def test_it_has_figures_curves_months_groups_trades_data_and_the_strategy(result: BacktestResult) -> None:
    found = outline(html_report(result))
    texts = " ".join(found.texts)
    for heading in ("Equity", "Months", "By symbol", "By side", "By exit", "Data", "Strategy"):
        assert heading in texts
    assert found.counts["polyline"] == 2 and found.counts["polygon"] == 1
    assert f"Trades: {len(result.trades):,}" in texts
    assert result.files[0].content_hash[:16] in texts
    assert result.strategy_toml in "".join(found.texts)


def test_of_several_strategies_each_stands_there_and_what_makes_the_result_invalid_comes_first(
    result: BacktestResult,
) -> None:
    (part,) = result.parts
    other = replace(part, name="Other", toml="# the other text")
    several = replace(result, parts=(part, other), errors=("It saw tomorrow.",))
    texts = "".join(outline(html_report(several, [("ok", "Fine.")])).texts)
    assert "By strategy" in texts and "Strategy Other" in texts
    assert part.toml in texts and "# the other text" in texts
    assert texts.index("This result is invalid. It saw tomorrow.") < texts.index("Fine.")
    assert texts.count("By strategy") == 1
    assert "This result is invalid" not in "".join(
        outline(html_report(several, [("bad", "It saw tomorrow.")])).texts
    )


def test_a_name_that_is_markup_stays_text(result: BacktestResult) -> None:
    wicked = replace(result, strategy='<img src="x">&', strategy_toml="# </pre><b>")
    found = outline(html_report(wicked, [("bad", "<script>1</script>")]))
    assert "img" not in found.counts and "script" not in found.counts
    assert '<img src="x">&' in found.texts
    assert found.wrong == []


def test_a_run_without_trades_or_rows_says_so_instead_of_failing(result: BacktestResult) -> None:
    metrics = replace(result.metrics, sharpe=None, trades=0, win_rate=None)
    empty = replace(result, trades=result.trades[:0], curve=result.curve[:1], metrics=metrics)
    texts = " ".join(outline(html_report(empty)).texts)
    assert "n/a" in texts and "Trades: 0" not in texts
    assert "Equity" not in texts.split("Data")[0].split()


def test_a_curve_stands_where_its_values_are() -> None:
    # 960 wide, 10 left, 74 right; 0 to 100 with a margin of 4 on both sides; 12 above, 24 below.
    svg = line_chart([0, 86_400_000], [Line("equity", "line", (0.0, 100.0))], 136)
    points = re.search(r'points="([^"]+)"', svg)
    assert points is not None
    first, last = (tuple(map(float, point.split(","))) for point in points[1].split())
    assert first == (10.0, pytest.approx(12 + 100 * 104 / 108, abs=0.06))
    assert last == (886.0, pytest.approx(12 + 100 * 4 / 108, abs=0.06))
    assert line_chart([0], [Line("equity", "line", (1.0,))], 136) == ""


@pytest.mark.parametrize("fill", [False, True])
def test_a_flat_curve_is_drawn(fill: bool) -> None:
    for level in (0.0, 10_000.0, -5.0):
        assert "nan" not in line_chart([0, 1], [Line("equity", "line", (level, level))], 136, fill=fill)


def test_bars_are_as_high_as_their_counts() -> None:
    svg = bar_chart((-1.0, 0.0, 1.0), (1, 4), 136)
    heights = [float(height) for height in re.findall(r'height="([\d.]+)"><title>', svg)]
    assert heights == [25.0, 100.0]
    assert bar_chart((0.0, 1.0), (0,), 136) == ""
