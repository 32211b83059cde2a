"""The line in braille dots: every value in its place, joined, nothing lost where lines cross."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from tradebot.screens.theme import MEANINGS
from tradebot.screens.widgets.line_plot import LinePlot, Plot, PlotLine, dots_of
from tradebot.screens.widgets.palette import line_length

DAY_MS = 86_400_000


def drawn(values: list[float], columns: int, rows: int) -> list[str]:
    times = list(range(len(values)))
    cells = dots_of(times, values, (0, max(1, times[-1])), (min(values), max(values)), columns, rows)
    return [
        "".join(chr(0x2800 + cells.get((row, column), 0)) for column in range(columns)) for row in range(rows)
    ]


def test_a_rising_and_a_falling_line_are_diagonals() -> None:
    assert drawn([0, 1, 2, 3], 2, 1) == ["⡠⠊"]
    assert drawn([3, 2, 1, 0], 2, 1) == ["⠑⢄"]
    assert drawn([0, 0, 0, 1], 2, 1) == ["⣀⡸"]  # a step is joined by an upright stroke


def test_values_that_are_far_apart_are_joined() -> None:
    assert drawn([0, 7], 4, 2) == ["⠀⠀⡠⠊", "⡠⠊⠀⠀"]


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60), st.integers(4, 40), st.integers(1, 8))
def test_the_line_is_unbroken_and_touches_its_lowest_and_highest_row(
    values: list[float], columns: int, rows: int
) -> None:
    low, high = min(values), max(values)
    cells = dots_of(range(len(values)), values, (0, len(values) - 1), (low, high), columns, rows)
    assert all(0 <= row < rows and 0 <= column < columns for row, column in cells)
    assert {column for _, column in cells} == set(range(columns))  # no hole in it
    assert any(row == 0 for row, _ in cells)
    if high > low:
        assert any(row == rows - 1 for row, _ in cells)


class PlotApp(App[None]):
    """A plot alone."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(MEANINGS)

    def compose(self) -> ComposeResult:
        yield LinePlot(lambda value: f"{value:.0f}")


def line(values: list[float], tone: str) -> PlotLine:
    return PlotLine(tuple(DAY_MS * day for day in range(len(values))), tuple(values), tone)


@pytest.mark.parametrize(("width", "height"), [(16, 2), (30, 4), (44, 8), (120, 30)])
async def test_every_line_fills_the_width_and_the_axis_names_high_low_and_last(
    width: int, height: int
) -> None:
    app = PlotApp()
    async with app.run_test(size=(width, height)) as pilot:
        plot = app.query_one(LinePlot)
        plot.show(
            Plot((line([100.0, 90.0, 140.0, 120.0], "chart-1"), line([100.0, 80.0], "chart-2")), base=100.0)
        )
        await pilot.pause()
        assert all(line_length(each) <= width for each in plot._drawn())
        words = plot.plain.split()
        assert {"120", "80"} <= set(words)  # on two lines the last value takes the place of the highest
        assert "140" in words or height == 2
        if height > 3:
            assert "┈" in plot.plain
            assert plot.plain.splitlines()[-1].startswith("01-01") or "00:00" in plot.plain


async def test_the_first_line_is_drawn_above_the_others_and_a_muted_plot_in_one_tone() -> None:
    app = PlotApp()
    async with app.run_test(size=(30, 6)) as pilot:
        plot = app.query_one(LinePlot)
        both = (line([1.0, 2.0, 3.0], "chart-1"), line([1.0, 2.0, 3.0], "chart-2"))
        plot.show(Plot(both))
        await pilot.pause()
        assert {tone for each in plot._drawn() for text, tone in each if text.strip()} == {
            "chart-1",
            "bold chart-1",
            "dim",
        }
        plot.show(Plot(both, muted=True))
        assert {tone for each in plot._drawn() for text, tone in each if text.strip()} == {"stale", "dim"}


async def test_it_is_drawn_once_for_what_is_shown() -> None:
    app = PlotApp()
    async with app.run_test(size=(30, 6)) as pilot:
        plot = app.query_one(LinePlot)
        shown = Plot((line([1.0, 5.0, 3.0], "chart-1"),))
        plot.show(shown)
        await pilot.pause()
        made = plot.drawings
        plot.show(Plot((line([1.0, 5.0, 3.0], "chart-1"),)))
        await pilot.pause()
        assert plot.drawings == made
        plot.show(Plot((line([1.0, 5.0, 4.0], "chart-1"),)))
        await pilot.pause()
        assert plot.drawings == made + 1


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0], []])
async def test_a_level_line_and_no_line_are_no_trouble(values: list[float]) -> None:
    app = PlotApp()
    async with app.run_test(size=(30, 6)) as pilot:
        plot = app.query_one(LinePlot)
        plot.show(Plot((line(values, "chart-1"),), base=5.0))
        await pilot.pause()
        assert (
            "⠉" in plot.plain or "⣀" in plot.plain or any(0x2800 < ord(each) < 0x2900 for each in plot.plain)
        ) == bool(values)


async def test_only_rows_that_look_different_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    app = PlotApp()
    async with app.run_test(size=(30, 8)) as pilot:
        plot = app.query_one(LinePlot)
        rising = [float(day) for day in range(20)]
        plot.show(Plot((line([*rising, 9.0], "up"),)))
        await pilot.pause()
        before = plot.plain.splitlines()
        painted: list[int] = []
        monkeypatch.setattr(plot, "refresh", lambda *regions: painted.extend(each.y for each in regions))
        plot.show(Plot((line([*rising, 12.0], "up"),)))
        after = plot.plain.splitlines()
        assert painted == [
            row for row, (old, new) in enumerate(zip(before, after, strict=True)) if old != new
        ]
        assert 0 < len(painted) < len(after) / 2
