"""Bars drawn by plotext: as high as their values, gains and losses told apart, drawn once."""

from __future__ import annotations

from textual.app import App, ComposeResult

from tradebot.screens import formats
from tradebot.screens.theme import MEANINGS
from tradebot.screens.widgets.bar_chart import Bar, BarChart
from tradebot.screens.widgets.chart import nice_ticks


class Shown(App[None]):
    """An app of one chart."""

    def __init__(self, bars: tuple[Bar, ...]) -> None:
        super().__init__()
        self._bars = bars

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {**super().get_theme_variable_defaults(), **MEANINGS}

    def compose(self) -> ComposeResult:
        yield BarChart(formats.axis_percent, title="By month")

    def on_mount(self) -> None:
        self.query_one(BarChart).show(self._bars)


def months(*returns: float) -> tuple[Bar, ...]:
    return tuple(Bar(each, f"24-{number:02d}", each > 0) for number, each in enumerate(returns, start=1))


def text_of(chart: BarChart) -> list[str]:
    return [chart.render_line(y).text for y in range(chart.size.height)]


async def test_bars_are_as_high_as_their_values_and_named_below() -> None:
    async with Shown(months(0.10, -0.05, 0.05)).run_test(size=(60, 16)) as pilot:
        lines = text_of(pilot.app.query_one(BarChart))
        assert lines[0].startswith("By month")
        thirds = [[line[at : at + 17] for line in lines[1:-2]] for at in (0, 17, 34)]
        first, second, third = (sum("█" in line for line in lines) for lines in thirds)
        assert first > third > 1
        assert abs(first - 2 * third) <= 1
        assert second > 1
        for label in ("24-01", "24-02", "24-03"):
            assert label in lines[-1]
        assert any("5%" in line for line in lines)


async def test_gains_and_losses_have_tones_of_their_own() -> None:
    async with Shown(months(0.10, -0.05)).run_test(size=(60, 16)) as pilot:
        chart = pilot.app.query_one(BarChart)
        colours = {
            segment.style.color.name
            for y in range(chart.size.height)
            for segment in chart.render_line(y)
            if "█" in segment.text and segment.style is not None and segment.style.color is not None
        }
        assert len(colours) == 2


async def test_a_chart_is_drawn_once_and_one_without_bars_not_at_all() -> None:
    async with Shown(months(0.10, 0.0, -0.05)).run_test(size=(60, 16)) as pilot:
        chart = pilot.app.query_one(BarChart)
        await pilot.pause()
        drawn = chart.drawings
        text_of(chart)
        assert chart.drawings == drawn
        chart.show(())
        await pilot.pause()
        assert not "".join(text_of(chart)).strip()


def test_an_axis_has_at_least_two_marks() -> None:
    assert len(nice_ticks(-0.02, 0.09, 1)) >= 2
    assert nice_ticks(0.0, 10.0, 2) == [0.0, 5.0, 10.0]
    assert nice_ticks(3.0, 3.0, 2) == [3.0]
