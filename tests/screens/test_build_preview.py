"""The live preview: asked after the pause, never stale without saying so, never in the way."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from textual.app import ComposeResult
from textual.containers import Container
from textual.pilot import Pilot

from tests.screens.build_steps import area_of
from tests.screens.conftest import Opened, screen_text, until
from tests.support.fake_engine import FakeEngine
from tests.support.fake_preview import preview
from tradebot.engine.messages import Collect, FormProblem, FormView, Preview, PreviewProgress, PreviewView
from tradebot.screens import build_preview
from tradebot.screens.build_checks import ChecksPane
from tradebot.screens.build_preview import PreviewPane
from tradebot.screens.desk import Desk
from tradebot.screens.pickers import PickDialog
from tradebot.screens.theme import DARK, LIGHT, THEMES, meanings_of
from tradebot.screens.widgets.candles import CandleChart
from tradebot.screens.widgets.line_plot import LinePlot
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import line_length

SCREENS = Path(build_preview.__file__).parent
SAVED = "a = 1\n"


class PreviewEngine(FakeEngine):
    """The fake engine with an answer of the test's own, where it gives one."""

    def __init__(self) -> None:
        super().__init__("full")
        self.view: PreviewView | None = None

    def _answer(self, command: Any) -> Any:
        if isinstance(command, Preview):
            answer = self.view or preview(command)
            return replace(answer, generation=command.generation)
        return super()._answer(command)

    @property
    def previews(self) -> list[Preview]:
        return self.asked(Preview)

    @property
    def tests(self) -> list[Preview]:
        """The requests for figures."""
        return [each for each in self.previews if not each.lint]


class Host(Desk):
    """The pane alone, in a box of the size it has beside the form."""

    CSS_PATH: ClassVar = [SCREENS / "frame.tcss", SCREENS / "build_preview.tcss"]
    engine: PreviewEngine

    def __init__(self, width: int, height: int) -> None:
        super().__init__(PreviewEngine())
        self.box = (width, height)
        self.said: list[str] = []
        self.found: list[tuple[FormProblem, ...]] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {**super().get_theme_variable_defaults(), **meanings_of(self.current_theme.dark)}

    def compose(self) -> ComposeResult:
        with Container(id="box") as box:
            box.styles.width, box.styles.height = self.box
            yield PreviewPane()

    def on_mount(self) -> None:
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name
        self.latest = self.engine.snapshot()

    def on_preview_pane_found(self, event: PreviewPane.Found) -> None:
        self.found.append(event.findings)

    def say(self, sentence: str, level: str = "info") -> None:
        self.said.append(sentence)

    def report(self, error: Exception) -> None:
        raise error


class Shown:
    """A running host, with what a test asks of it."""

    def __init__(self, pilot: Pilot[None], app: Host) -> None:
        self.pilot, self.app, self.engine = pilot, app, app.engine
        self.pane = app.query_one(PreviewPane)

    def edit(self, toml: str, errors: int = 0) -> None:
        problems = tuple(FormProblem("risk.max_bars", "Wrong.", "error") for _ in range(errors))
        self.pane.edited(FormView((), problems, toml), SAVED)

    async def until(self, condition: Any) -> None:
        await until(self.pilot, condition)

    async def opened(self, toml: str = SAVED) -> PreviewView:
        self.pane.opened(FormView((), (), toml), SAVED)
        return await self.answered(toml)

    async def answered(self, toml: str) -> PreviewView:
        await self.until(lambda: self.pane._view is not None and self.engine.tests[-1].toml == toml)
        await self.until(lambda: not self.pane._under_way)
        await self.pilot.pause()
        assert self.pane._view is not None
        return self.pane._view

    @property
    def text(self) -> str:
        return screen_text(self.pilot)

    def lines(self, part: str) -> LinesView:
        return self.pane.query_one(f"#preview-{part}", LinesView)

    def tones(self, part: str) -> set[str]:
        return {tone for line in self.lines(part).lines for text, tone in line if text.strip()}


@asynccontextmanager
async def shown(width: int = 44, height: int = 24) -> AsyncIterator[Shown]:
    app = Host(width, height)
    async with app.run_test(size=(max(80, width), max(24, height))) as pilot:
        await pilot.pause()
        yield Shown(pilot, app)


# ---------------------------------------------------------------------------------------------- asking


async def test_an_edit_is_asked_for_after_the_pause_and_drawn_with_its_changes() -> None:
    async with shown() as it:
        await it.opened()
        assert not any(glyph in it.lines("figures").plain for glyph in "▲▼")
        it.edit("a = 2\n")
        await it.pilot.pause()
        assert len(it.engine.tests) == 1  # the pause is not over
        view = await it.answered("a = 2\n")
        assert view.compared
        for figure in view.figures:
            arrow = {1: "▲", -1: "▼", 0: ""}[figure.direction]
            assert figure.text in it.lines("figures").plain
            assert f"{arrow}{figure.change}"[:4] in it.lines("figures").plain
        assert "BTCUSDT 5m 1 of 3 · 1 year" in it.text
        assert "▲▼ against saved" in it.text
        assert "▲ 24 ▼ 18 signals" in it.text


async def test_edits_that_follow_each_other_quickly_are_one_question() -> None:
    async with shown() as it:
        await it.opened()
        for number in range(2, 9):
            it.edit(f"a = {number}\n")
        await it.answered("a = 8\n")
        assert [asked.toml for asked in it.engine.tests] == [SAVED, "a = 8\n"]
        assert it.engine.tests[-1].saved_toml == SAVED


async def test_the_pause_counts_from_the_last_key_where_the_form_tells_of_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = {"now": 100.0}
    async with shown() as it:
        await it.opened()
        monkeypatch.setattr(PreviewPane, "_now", staticmethod(lambda: at["now"]))
        it.pane.typed()
        at["now"] += build_preview.PAUSE_SECONDS + 0.01  # as long as the form took
        it.edit("a = 2\n")
        assert it.pane._pause is None  # asked at once
        await it.answered("a = 2\n")
        it.pane.typed()
        at["now"] += 0.05
        it.edit("a = 3\n")
        assert it.pane._pause is not None
        assert it.pane._pause._interval == pytest.approx(build_preview.PAUSE_SECONDS - 0.05)
        first = it.pane._pause
        at["now"] += 0.05
        it.pane.typed()  # another key: the pause begins anew
        assert it.pane._pause is not first
        await it.answered("a = 3\n")


async def test_the_same_text_is_not_asked_for_twice() -> None:
    async with shown() as it:
        await it.opened()
        it.edit("a = 2\n")
        it.edit(SAVED)
        it.edit(SAVED, errors=1)
        it.edit(SAVED)
        await it.pilot.pause(build_preview.PAUSE_SECONDS * 1.5)
        assert len(it.engine.tests) == 1


async def test_an_answer_that_was_overtaken_is_dropped() -> None:
    async with shown() as it:
        await it.opened()
        it.engine.hold()
        it.edit("a = 2\n")
        await it.until(lambda: len(it.engine.tests) == 2)
        it.edit("a = 3\n")
        await it.until(lambda: len(it.engine.tests) == 3)
        it.engine.release()
        view = await it.answered("a = 3\n")
        assert view.generation == it.engine.tests[-1].generation


async def test_opening_another_strategy_asks_at_once_and_forgets_the_one_before() -> None:
    async with shown() as it:
        await it.opened()
        it.pane._symbol = "ETHUSDT"
        it.engine.hold()
        it.pane.opened(FormView((), (), "b = 1\n"), "b = 1\n")
        await it.pilot.pause()
        assert it.engine.tests[-1].toml == "b = 1\n"
        assert it.engine.tests[-1].symbol == ""
        assert it.pane._view is None
        assert "Sharpe" not in it.text
        it.engine.release()
        await it.answered("b = 1\n")
        assert "Sharpe" in it.text


# ---------------------------------------------------------------------------------------------- honest


async def test_an_invalid_edit_keeps_the_last_figures_labelled_and_without_colour() -> None:
    async with shown() as it:
        await it.opened("a = 2\n")
        sound = it.lines("figures").plain
        assert it.tones("figures") != {"stale"}
        it.edit("a = \n", errors=2)
        await it.pilot.pause()
        assert it.lines("figures").plain == sound
        assert it.tones("figures") == it.tones("signals") == {"stale"}
        assert "of the last valid version" in it.text
        it.edit("a = 2\n")
        await it.pilot.pause()
        assert "of the last valid version" not in it.text
        assert it.tones("figures") != {"stale"}


async def test_before_anything_was_valid_it_says_when_it_begins() -> None:
    async with shown() as it:
        it.pane.opened(FormView((), (FormProblem("entry", "Empty.", "error"),), "a = \n"), None)
        await it.pilot.pause()
        assert "1 error to mend; as soon as nothing is" in it.text
        assert it.engine.previews == []


async def test_while_it_runs_the_old_figures_stay_and_after_a_while_they_are_dimmed_with_progress() -> None:
    async with shown() as it:
        await it.opened("a = 2\n")
        old = it.lines("figures").plain
        it.engine.hold()
        it.edit("a = 3\n")
        await it.until(lambda: len(it.engine.tests) == 2)
        assert it.lines("figures").plain == old
        assert it.tones("figures") != {"stale"}
        await it.until(lambda: it.tones("figures") == {"stale"})
        assert it.lines("figures").plain == old
        it.app.latest = replace(
            it.app.latest, preview=PreviewProgress(it.pane._generation, 0.42, "simulating")
        )
        await it.until(lambda: "testing 42%" in it.text)
        it.engine.release()
        await it.answered("a = 3\n")
        assert "testing" not in it.text
        assert it.tones("figures") != {"stale"}


async def test_missing_bars_are_offered_and_the_pane_fills_itself_when_they_are_there() -> None:
    async with shown() as it:
        collect = Collect(("BTCUSDT",), ("5m",), "365d")
        it.engine.view = PreviewView(
            0,
            "no_data",
            "No 5m bars of BTCUSDT are stored yet.",
            collect=collect,
            command="tradebot collect --x",
        )
        it.pane.opened(FormView((), (), SAVED), SAVED)
        await it.until(lambda: "No 5m bars of BTCUSDT are stored yet." in it.text)
        assert "tradebot collect --x" in it.text
        it.pane.focus()
        await it.pilot.press("c")
        await it.until(lambda: it.engine.asked(Collect) == [collect])
        assert it.app.said == ["Collecting; the preview fills itself as soon as bars are there."]
        it.engine.view = None
        new = replace(it.app.latest.datasets[0], symbol="BTCUSDT", rows=10)
        it.app.latest = replace(it.app.latest, datasets=(*it.app.latest.datasets, new))
        await it.until(lambda: it.pane._view is not None)
        assert it.pane.check_action("collect", ()) is False


async def test_a_backtest_that_is_compiled_meanwhile_is_waited_for() -> None:
    async with shown() as it:
        it.app.latest = replace(it.app.latest, kernels="compiling")
        it.engine.view = PreviewView(0, "compiling", "The backtest is being compiled.")
        it.pane.opened(FormView((), (), SAVED), SAVED)
        await it.until(lambda: "The backtest is being compiled." in it.text)
        await it.until(lambda: re.search(r"compiling (0\.[2-9]|[1-9])", it.text))
        it.engine.view = None
        it.app.latest = replace(it.app.latest, kernels="ready")
        await it.until(lambda: "Sharpe" in it.text)
        assert len(it.engine.tests) == 2


async def test_a_failure_is_a_sentence_and_the_figures_before_it_are_dimmed() -> None:
    async with shown() as it:
        await it.opened()
        it.engine.view = PreviewView(0, "failed", "The plug-in mine.py, line 3, failed with ValueError: no.")
        it.edit("a = 2\n")
        await it.until(lambda: "The plug-in mine.py, line 3" in it.text)
        assert it.tones("figures") == {"stale"}
        it.engine.view = None
        it.edit("a = 3\n")
        await it.answered("a = 3\n")
        assert "mine.py" not in it.text


async def test_after_a_failed_compilation_it_is_tested_as_soon_as_another_one_succeeded() -> None:
    async with shown() as it:
        it.app.latest = replace(it.app.latest, kernels="failed")
        it.engine.view = PreviewView(0, "failed", "The backtest kernel could not be compiled.")
        it.pane.opened(FormView((), (), SAVED), SAVED)
        await it.until(lambda: "The backtest kernel could not be" in it.text)
        it.engine.view = None
        it.app.latest = replace(it.app.latest, kernels="ready")
        await it.until(lambda: "Sharpe" in it.text)


async def test_where_nothing_was_traded_the_reason_stands_in_place_of_figures_and_charts() -> None:
    async with shown(34, 16) as it:
        why = "No trade: every rule fired at some time, but never enough of them at once for [entry]."
        it.engine.view = replace(preview(Preview(SAVED)), trades=0, notes=(why, "61 decisions were dropped."))
        it.pane.opened(FormView((), (), SAVED), SAVED)
        await it.until(lambda: "No trade: every rule" in it.text)
        assert "enough of them at once for" in it.text
        assert "61 decisions were dropped." in it.text
        assert "Sharpe" not in it.text
        assert not it.pane.query_one(LinePlot).display
        it.engine.view = None
        it.edit("a = 2\n")
        await it.answered("a = 2\n")
        assert "Sharpe" in it.text
        assert it.pane.query_one(LinePlot).display


async def test_notes_that_find_no_room_are_counted_on_the_border() -> None:
    async with shown(34, 16) as it:
        await it.opened()
        assert "61 entry decisions" not in it.text
        assert "[ ] span · ! 1 note (m)" in it.text
    async with shown(34, 26) as it:
        await it.opened()
        assert "61 entry decisions" in it.text
        assert "note (m)" not in it.text


async def test_an_engine_that_refuses_is_a_sentence_in_the_pane_not_a_toast() -> None:
    async with shown() as it:
        it.engine.refuse[Preview] = "The engine has stopped."
        it.pane.opened(FormView((), (), SAVED), SAVED)
        await it.until(lambda: "The engine has stopped." in it.text)
        assert it.app.said == []


async def test_many_more_bars_are_tested_without_an_edit_a_few_are_not() -> None:
    async with shown() as it:
        await it.opened()
        held = tuple(each for each in it.app.latest.datasets if each.symbol == "BTCUSDT")
        rows = it.pane._rows_seen
        for share, asked in ((0.05, 1), (0.5, 2)):
            more = replace(held[0], key=f"linear/{share}", rows=round(rows * share))
            it.app.latest = replace(it.app.latest, datasets=(*held, more))
            await it.pilot.pause(build_preview._WATCH_SECONDS * 1.5)
            assert len([each for each in it.engine.previews if not each.lint]) == asked


async def test_once_the_figures_stand_the_strategy_is_looked_at_with_the_data_and_the_findings_are_told() -> (
    None
):
    async with shown() as it:
        problem = FormProblem("signals.cross", "never fires", "warning")
        view = await it.opened()
        assert not view.linted
        it.engine.view = replace(preview(Preview(SAVED, lint=True)), findings=(problem,), took_ms=99.0)
        await it.until(lambda: it.app.found == [(problem,)])
        last = it.engine.previews[-1]
        assert (last.lint, last.toml, last.generation) == (True, SAVED, view.generation)
        assert "38 ms" in it.text  # of the figures


async def test_findings_stand_among_the_checks_until_another_strategy_is_opened(opened: Opened) -> None:
    engine, problem = PreviewEngine(), FormProblem("signals.cross", "never fires on these bars", "warning")
    engine.view = replace(preview(Preview(SAVED, lint=True)), findings=(problem,))
    async with opened(engine, "build") as pilot:
        checks = pilot.app.query_one(ChecksPane)
        await until(pilot, lambda: problem in (checks._problems or ()))
        draft = area_of(pilot).draft
        assert draft is not None
        area_of(pilot).show_draft()
        assert checks._problems == (*draft.view.problems, problem)
        engine.hold()
        area_of(pilot).show_draft(opened=True)
        assert checks._problems == draft.view.problems


async def test_an_edit_comes_before_the_look_at_the_data() -> None:
    async with shown() as it:
        await it.opened()
        it.edit("a = \n", errors=1)
        await it.pilot.pause(build_preview._LINT_SECONDS * 1.5)
        assert not any(each.lint for each in it.engine.previews)


# ---------------------------------------------------------------------------------------------- keys


async def test_the_symbol_is_picked_among_those_that_have_bars() -> None:
    async with shown() as it:
        await it.opened()
        it.pane.focus()
        await it.pilot.press("s")
        await it.until(lambda: isinstance(it.app.screen, PickDialog))
        await it.pilot.press(*"sol", "enter")
        await it.until(lambda: it.engine.tests[-1].symbol == "SOLUSDT")
        await it.until(lambda: "SOLUSDT 5m" in it.text)
        await it.pilot.press("s")
        await it.until(lambda: isinstance(it.app.screen, PickDialog))
        await it.pilot.press(*"together", "enter")
        await it.until(lambda: it.engine.tests[-1].symbol == "*")
        await it.until(lambda: "3 symbols 5m" in it.text)


async def test_the_span_grows_and_shrinks_by_brackets_and_stops_at_its_ends() -> None:
    async with shown() as it:
        await it.opened()
        it.pane.focus()
        await it.pilot.press(*["right_square_bracket"] * 4)
        await it.until(lambda: it.engine.tests[-1].days == 0)
        await it.pilot.press(*["left_square_bracket"] * 9)
        await it.until(lambda: it.engine.tests[-1].days == 30)
        await it.until(lambda: "· 1 month" in it.text)


# ---------------------------------------------------------------------------------------------- drawing


async def test_nothing_is_asked_or_painted_while_nobody_looks() -> None:
    async with shown() as it:
        await it.opened()
        plot = it.pane.query_one(LinePlot)
        it.app.query_one("#box").display = False
        await it.until(lambda: not it.pane._seen)
        drawn = plot.drawings
        it.edit("a = 2\n")
        await it.pilot.pause(build_preview.PAUSE_SECONDS * 1.5)
        assert (len(it.engine.tests), plot.drawings) == (1, drawn)
        it.app.query_one("#box").display = True
        await it.answered("a = 2\n")
        assert plot.drawings > drawn


@pytest.mark.parametrize(
    ("width", "height", "candles", "columns"),
    [
        (44, 24, True, 2),
        (44, 13, False, 2),
        (36, 20, True, 2),
        (34, 16, True, 2),
        (28, 11, False, 1),
        (78, 20, True, 3),
        (60, 32, True, 2),
        (100, 40, True, 4),
    ],
)
async def test_it_fits_the_room_it_is_given(width: int, height: int, candles: bool, columns: int) -> None:
    async with shown(width, height) as it:
        await it.opened("a = 2\n")
        rows = it.lines("figures").lines
        assert len(rows) == (-(-8 // columns) if columns > 1 else 4)
        for part in ("head", "figures", "signals", "notes"):
            view = it.lines(part)
            assert all(line_length(line) <= width - 2 for line in view.lines), (part, view.plain)
            assert view.size.height >= 1 or (part == "notes" and height <= 20)
        assert it.pane.query_one(CandleChart).display is candles
        assert it.pane.query_one(LinePlot).size.height >= 2
        assert "▲ 24 ▼ 18" in it.text
        inside = it.pane.query_one("#preview-notes").region
        assert inside.bottom <= it.pane.region.bottom - 1


async def test_colours_follow_the_theme_and_signs_stand_beside_them() -> None:
    async with shown() as it:
        await it.opened("a = 2\n")
        plot = it.pane.query_one(LinePlot)
        before, words = [segment.style for segment in plot.render_line(1)], it.lines("figures").plain
        it.app.theme = LIGHT.name
        await it.pilot.pause()
        assert [segment.style for segment in plot.render_line(1)] != before
        assert it.lines("figures").plain == words
        assert it.lines("figures").plain.count("▲") + it.lines("figures").plain.count("▼") == 8


async def test_the_charts_are_drawn_anew_only_when_what_they_show_changes() -> None:
    async with shown() as it:
        await it.opened("a = 2\n")
        plot, candles = it.pane.query_one(LinePlot), it.pane.query_one(CandleChart)
        drawn, lines = plot.drawings, candles._lines
        it.edit("a = 3\n")
        await it.pilot.pause()
        assert plot.drawings == drawn
        assert candles._lines is lines
        assert {tone for line in lines for _, tone in line} > {"up", "down"}
        it.edit("a = \n", errors=1)
        await it.pilot.pause()
        tones = {tone for line in candles._lines for text, tone in line if text.strip()}
        assert tones == {"stale", "line", "dim"}


async def test_what_the_pane_says_can_be_copied() -> None:
    async with shown() as it:
        await it.opened("a = 2\n")
        assert "Sharpe" in it.pane.plain
        assert "▲ 24 ▼ 18 signals" in it.pane.plain
