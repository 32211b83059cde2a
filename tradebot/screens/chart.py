"""The Chart area: candles of any stored symbol with indicators, signals and trades, and the bar that is forming."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tradebot.engine.messages import ChartIndicator, EngineSnapshot, GetChartIndicators
from tradebot.screens import formats
from tradebot.screens.area import Area, Pane
from tradebot.screens.chart_dialogs import (
    NOTHING,
    DateDialog,
    indicator_choices,
    result_choices,
    strategy_choices,
    symbol_choices,
    with_picked,
)
from tradebot.screens.chart_events import EventsPane
from tradebot.screens.chart_pane import ChartPane
from tradebot.screens.chart_picture import bar_line, values_line
from tradebot.screens.chart_view import TIMEFRAMES, Subject, Viewport, timeframes_of
from tradebot.screens.data_collect import CollectDialog
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.pickers import PickDialog
from tradebot.screens.remembering import Kept, Value
from tradebot.screens.widgets.virtual_table import VirtualTable

__all__ = ["ChartArea"]

_USUAL = "BTCUSDT"
_USUAL_TIMEFRAME = "15m"


class ChartArea(Area):
    """The chart, and below it the list of what is marked on it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "symbol", "symbol", id="chart.symbol"),
        Binding("left_square_bracket", "timeframe(-1)", "bars", key_display="[]", id="chart.shorter"),
        Binding(
            "right_square_bracket", "timeframe(1)", "bars", show=False, key_display="]", id="chart.longer"
        ),
        Binding("i", "indicators", "indicators", id="chart.indicators"),
        Binding("d", "date", "date", id="chart.date"),
        Binding("a", "alert", "alert", id="chart.alert"),
        Binding("t", "strategy", "strategy", id="chart.strategy"),
        Binding("r", "result", "trades", id="chart.result"),
        Binding("v", "volume", "volume", id="chart.volume"),
        Binding("o", "marks", "marks", id="chart.marks"),
        Binding("c", "collect", "collect", id="chart.collect"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._known: tuple[ChartIndicator, ...] = ()
        self._snapshot = EngineSnapshot()

    def compose_panes(self) -> ComposeResult:
        """The chart above the list of marks."""
        yield ChartPane()
        yield EventsPane()

    @property
    def pane(self) -> ChartPane:
        """The chart."""
        return self.query_one(ChartPane)

    @property
    def panes(self) -> list[Pane]:
        """The panes that are there: the list of marks only where a strategy or result is shown."""
        return [
            pane
            for pane in self.query(Pane).results(Pane)
            if isinstance(pane, ChartPane) or self._has_marks()
        ]

    def _has_marks(self) -> bool:
        subject = self.pane.subject
        return bool(subject.strategy or subject.result_id)

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Begin with a symbol once one is stored; hand the snapshot to the chart."""
        self._snapshot = snapshot
        if not self.pane.subject.symbol:
            self._begin(snapshot)
        self.pane.apply(snapshot)
        self._list_marks()

    def remembered(self) -> dict[str, Value]:
        """What is on the chart and where; before it is drawn, what was remembered."""
        pane = self.pane
        subject = pane.subject if pane.subject.symbol else Subject.kept(self.kept)
        viewport = pane.viewport if pane.subject.symbol else Viewport.kept(self.kept)
        shown: dict[str, Value] = {"volume": pane.with_volume, "marks": pane.with_marks}
        return {**super().remembered(), **subject.remembered(), **viewport.remembered(), **shown}

    def remember(self, kept: Kept) -> None:
        """Take up what is drawn around the candles; they come once the engine is ready."""
        super().remember(kept)
        self.pane.with_volume, self.pane.with_marks = kept.flag("volume", True), kept.flag("marks", True)

    def _as_left(self, snapshot: EngineSnapshot) -> bool:
        """Show what was shown last, as far as it is still there; False where it is not."""
        subject, kept = Subject.kept(self.kept), self.kept
        self.kept = Kept()
        if not timeframes_of(snapshot.datasets, subject.category, subject.symbol):
            return False
        if all(each.name != subject.strategy for each in snapshot.strategies):
            subject = replace(subject, strategy="")
        if all(each.result_id != subject.result_id for each in snapshot.results):
            subject = replace(subject, result_id="")
        self.pane.show_subject(subject, Viewport.kept(kept))
        return True

    def _begin(self, snapshot: EngineSnapshot) -> None:
        stored = [each for each in symbol_choices(snapshot) if "no bars" not in each.about]
        if not snapshot.ready or not stored or self._as_left(snapshot):
            return
        first = next((each for each in stored if each.label == _USUAL), stored[0])
        self._open_symbol(first.value)

    def _open_symbol(self, value: str) -> None:
        """Show another symbol, in the same timeframe where it has that."""
        category, _, symbol = value.rpartition("/")
        category, symbol = category or "linear", symbol.upper()
        pane = self.pane
        frames = timeframes_of(self._snapshot.datasets, category, symbol)
        timeframe = pane.viewport.timeframe
        if frames and timeframe not in frames:
            timeframe = _USUAL_TIMEFRAME if _USUAL_TIMEFRAME in frames else frames[0]
        viewport = Viewport(
            timeframe, pane.viewport.zoom if timeframe == pane.viewport.timeframe else Viewport().zoom
        )
        result_id = pane.subject.result_id
        result = next((each for each in self._snapshot.results if each.result_id == result_id), None)
        if result is not None and symbol not in result.symbols:
            result_id = ""
        pane.show_subject(
            replace(pane.subject, symbol=symbol, category=category, result_id=result_id), viewport
        )
        self._list_marks()

    def _list_marks(self) -> None:
        self.query_one(EventsPane).show(self.pane.view, self._has_marks())
        self.show_tabs()

    @on(ChartPane.Drawn)
    def _drawn(self) -> None:
        self._list_marks()
        self.refresh_bindings()

    # ------------------------------------------------------------------------------------------ opened from elsewhere

    def open_chart(
        self,
        symbol: str,
        timeframe: str,
        time_ms: int | None = None,
        result_id: str = "",
        category: str = "linear",
    ) -> None:
        """Show a symbol in a timeframe, the cursor on the candle of a time, with the trades of a result.

        Indicators and strategy that are on the chart stay.
        """
        self.call_later(self._open, symbol, timeframe, time_ms, result_id, category)

    async def _open(
        self, symbol: str, timeframe: str, time_ms: int | None, result_id: str, category: str
    ) -> None:
        await self.composed()
        pane = self.pane
        self._snapshot = desk_of(self).latest
        frame = timeframe if timeframe in TIMEFRAMES else pane.viewport.timeframe
        subject = replace(pane.subject, symbol=symbol, category=category, result_id=result_id)
        pane.show_subject(subject, Viewport(frame))
        if time_ms is not None:
            pane.go_to(time_ms)
        self._list_marks()
        self.visit_pane(pane)

    # ------------------------------------------------------------------------------------------ keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now."""
        if not self.is_mounted or not self.query("ChartPane"):
            return super().check_action(action, parameters)
        if isinstance(self.app.focused, Input):
            return super().check_action(action, parameters)
        pane, snapshot = self.pane, self._snapshot
        match action:
            case "next_pane":
                return len(self.panes) > 1
            case "symbol":
                return bool(snapshot.quotes) or any(each.rows for each in snapshot.datasets) or None
            case "timeframe":
                return len(pane.timeframes) > 1 or None
            case "indicators" | "date" | "volume":
                return pane.view is not None or None
            case "alert":
                return bool(pane.subject.symbol) or None
            case "strategy":
                return bool(pane.view is not None and snapshot.strategies) or None
            case "result":
                return bool(snapshot.results) or None
            case "marks":
                return self._has_marks()
            case "collect":
                return pane.view is None and bool(pane.problem or not pane.subject.symbol)
            case _:
                return super().check_action(action, parameters)

    def action_symbol(self) -> None:
        """Pick another symbol; one that is not stored can be typed."""
        subject = self.pane.subject
        dialog = PickDialog(
            "Symbol",
            symbol_choices(self._snapshot),
            f"{subject.category}/{subject.symbol}",
            free="although nothing of it is stored yet",
        )
        self.app.push_screen(dialog, lambda value: self._open_symbol(value) if value else None)

    def action_timeframe(self, step: int) -> None:
        """Shorter or longer bars, at the same place."""
        pane = self.pane
        frames = pane.timeframes
        if not frames:
            return
        present = pane.viewport.timeframe
        at = frames.index(present) + step if present in frames else 0
        if 0 <= at < len(frames):
            newest = pane.view.last_ms if pane.view is not None else 0
            pane.show_viewport(pane.viewport.in_timeframe(frames[at], pane.fit, newest))

    @errand("chart-indicators", exclusive=True)
    async def action_indicators(self) -> None:
        """Put an indicator on the chart, or take one away."""
        if not self._known:
            self._known = await desk_of(self).ask(GetChartIndicators())
        subject = self.pane.subject
        dialog = PickDialog(
            "Indicators",
            indicator_choices(subject, self._known),
            free="as it is: name and values, such as ema 50",
        )
        self.app.push_screen(dialog, self._picked_indicator)

    def _picked_indicator(self, picked: str | None) -> None:
        pane = self.pane
        if picked is not None:
            indicators = with_picked(pane.subject.indicators, picked)
            pane.show_subject(replace(pane.subject, indicators=indicators))

    def action_date(self) -> None:
        """Go to a date."""
        pane = self.pane
        if pane.view is None:
            return
        at = pane.viewport.cursor_ms if pane.viewport.cursor_ms is not None else pane.view.last_ms
        dialog = DateDialog(formats.minute(at), pane.view.first_ms, pane.view.last_ms)
        self.app.push_screen(dialog, lambda time_ms: pane.go_to(time_ms) if time_ms is not None else None)

    def action_strategy(self) -> None:
        """Show the indicators and signals of a saved strategy."""
        subject = self.pane.subject
        dialog = PickDialog(
            "Strategy on the chart", strategy_choices(self._snapshot), subject.strategy or NOTHING
        )
        self.app.push_screen(dialog, self._picked_strategy)

    def _picked_strategy(self, name: str | None) -> None:
        if name is not None:
            self._with(replace(self.pane.subject, strategy="" if name == NOTHING else name))

    def action_result(self) -> None:
        """Show the trades of a stored result."""
        subject = self.pane.subject
        dialog = PickDialog(
            "Trades on the chart", result_choices(self._snapshot), subject.result_id or NOTHING
        )
        self.app.push_screen(dialog, self._picked_result)

    def _picked_result(self, result_id: str | None) -> None:
        if result_id is None:
            return
        pane = self.pane
        if result_id == NOTHING:
            self._with(replace(pane.subject, result_id=""))
            return
        result = next((each for each in self._snapshot.results if each.result_id == result_id), None)
        if result is None or (pane.subject.symbol in result.symbols and pane.view is not None):
            self._with(replace(pane.subject, result_id=result_id))
        elif result.symbols:
            self.open_chart(result.symbols[0], result.timeframe, None, result_id, pane.subject.category)

    def _with(self, subject: Subject) -> None:
        self.pane.show_subject(subject)
        self._list_marks()
        if not self._has_marks():
            self.visit_pane(self.pane)

    def action_volume(self) -> None:
        """Volume below the candles, or more room for them."""
        self.pane.with_volume = not self.pane.with_volume
        self.pane.apply(self._snapshot)

    def action_marks(self) -> None:
        """Trades and signals on the candles, or the candles alone."""
        self.pane.with_marks = not self.pane.with_marks
        self.pane.apply(self._snapshot)

    def action_alert(self) -> None:
        """The alerts, with the form of one on this symbol: at the price under the cursor, else at the last one."""
        desk_of(self).open_alerts(self.pane.subject.symbol, self.pane.cursor_price)

    def action_collect(self) -> None:
        """Collect the bars that are missing."""
        why = self._snapshot.read_only
        if why:
            desk_of(self).say(why, "warning")
            return
        subject = self.pane.subject
        self.app.push_screen(CollectDialog(subject.symbol or _USUAL, subject.category), self._collecting)

    def _collecting(self, job_id: int | None) -> None:
        if job_id is not None:
            desk_of(self).say("Collecting; the chart is drawn as soon as bars are there.")

    @on(VirtualTable.Chosen, "#chart-marks")
    def _go_to_mark(self) -> None:
        time_ms = self.query_one(EventsPane).current_ms
        if time_ms is not None:
            self.pane.go_to(time_ms)
            if not self.pane.chart.size.width:
                self.visit_pane(self.pane)  # on a narrow terminal only one of the two is seen

    def copy_text(self) -> str:
        """The candle that is pointed at with the values of all indicators, or the marked row."""
        pane = self.current_pane
        if isinstance(pane, EventsPane):
            return pane.copy_text()
        chart = self.pane
        if chart.view is None:
            return ""
        parts = (bar_line(chart.picture, 10_000), values_line(chart.picture, 10_000))
        words = ["".join(text for text, _ in line).strip() for line in parts]
        return "\n".join(
            (f"{chart.subject.symbol} {chart.viewport.timeframe}  {words[0]}", *words[1:])
        ).rstrip()
