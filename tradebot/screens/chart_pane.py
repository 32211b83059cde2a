"""The pane of the chart: asks the engine for the window that is looked at, and draws it with the forming bar."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import AlertView, ChartView, EngineSnapshot, GetChart
from tradebot.screens import chart_words, formats
from tradebot.screens.area import Pane
from tradebot.screens.chart_live import FormingBar, LiveBar
from tradebot.screens.chart_picture import (
    Shown,
    alert_levels,
    axis_width,
    bar_line,
    newest_ms,
    picture_of,
    values_line,
)
from tradebot.screens.chart_view import Subject, Viewport, is_of, room_in, timeframes_of
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.widgets.candle_chart import MarketChart
from tradebot.screens.widgets.candle_chart_picture import ChartPicture, slots_that_fit
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import line_length, spread

__all__ = ["ChartPane"]

_MUTE_SECONDS = 0.3
_AXIS = 11
_NARROW = 100
_PADDING = 2


class ChartPane(Pane):
    """Candles of one symbol. Keys that move are its own; what is on the chart is chosen by the area around it."""

    HELP = (
        "Left and right move the cursor; the line above tells the exact values of its candle. Page up and page down "
        "move by half a window, Home to the first stored bar, End to the newest, which is followed from then on. "
        "Hatched columns are bars that are not stored. The bar that is forming is drawn from the prices that are seen "
        "four times a second, and replaced by the exchange's own once it has closed."
    )
    label = "Chart"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "point(-1)", "cursor", key_display="←→", id="chart.left"),
        Binding("right", "point(1)", "cursor", show=False, id="chart.right"),
        Binding("shift+left", "point(-10)", "cursor by ten", show=False, id="chart.left_ten"),
        Binding("shift+right", "point(10)", "cursor by ten", show=False, id="chart.right_ten"),
        Binding("plus,equals_sign", "zoom(-1)", "zoom", key_display="+-", id="chart.nearer"),
        Binding("minus", "zoom(1)", "zoom", show=False, key_display="-", id="chart.further"),
        Binding("pageup", "pan(-1)", "earlier", show=False, id="chart.earlier"),
        Binding("pagedown", "pan(1)", "later", show=False, id="chart.later"),
        Binding("home", "first", "first bar", show=False, id="chart.first"),
        Binding("end", "newest", "newest bar", show=False, id="chart.newest"),
        Binding("n", "mark(1)", "next mark", show=False, id="chart.next_mark"),
        Binding("b", "mark(-1)", "mark before", show=False, id="chart.mark_before"),
        Binding("escape", "unpoint", "no cursor", show=False, id="chart.unpoint"),
    ]

    class Drawn(Message):
        """Another window was drawn, or another candle is pointed at."""

    def __init__(self) -> None:
        super().__init__(id="chart-pane", classes="pane")
        self.can_focus = True
        self.subject = Subject()
        self.viewport = Viewport()
        self.with_volume = True
        self.with_marks = True
        self.view: ChartView | None = None
        self.problem = ""
        self._live = LiveBar()
        self._forming: FormingBar | None = None
        self._covered: Viewport | None = None
        self._answered: tuple[object, ...] = ()
        self._generation = 0
        self._under_way = False
        self._again = False
        self._muted = False
        self._awaited_ms: int | None = None
        self._last_width = 0
        self._drawn_as: tuple[object, ...] = ()
        self._frames: tuple[object, str, str, tuple[str, ...]] = (None, "", "", ())
        self._snapshot = EngineSnapshot()

    def compose(self) -> ComposeResult:
        """From top to bottom: the candle's values, the indicators' values, the chart; a text where there is none."""
        yield LinesView(id="chart-bar")
        yield LinesView(id="chart-values")
        yield MarketChart(id="chart")
        yield LinesView(id="chart-empty")

    @property
    def chart(self) -> MarketChart:
        """The drawing."""
        return self.query_one(MarketChart)

    @property
    def picture(self) -> ChartPicture:
        """What is drawn."""
        return self.chart.picture

    @property
    def settled(self) -> bool:
        """Whether what is drawn is what is wanted, and nothing is under way."""
        return not self._under_way and self._covered == self.viewport

    # ------------------------------------------------------------------------------------------ what is shown

    def show_subject(self, subject: Subject, viewport: Viewport | None = None) -> None:
        """Put something else on the chart; the place stays where none is given."""
        other = (subject.symbol, subject.category) != (self.subject.symbol, self.subject.category)
        self.subject = subject
        if viewport is not None:
            self.viewport = viewport
        elif other:
            self.viewport = replace(self.viewport, right_ms=None, cursor_ms=None)
        if other:
            self.view, self._covered, self.problem, self._awaited_ms = None, None, "", None
        self._plan()
        self._draw()

    def show_viewport(self, viewport: Viewport) -> None:
        """Look at another place, from nearer or further, or in another timeframe."""
        if viewport == self.viewport:
            return
        self.viewport = viewport
        self._plan()
        self._draw()

    def go_to(self, time_ms: int) -> None:
        """Put the cursor on the candle of a time, in the middle."""
        if self.view is not None:
            self.show_viewport(self.viewport.at(time_ms, self.fit, self.view.first_ms, self._newest()))
        else:
            # Where the bars end is known once they are there.
            self._awaited_ms = time_ms
            right_ms = time_ms + self.fit // 2 * self.viewport.unit_ms
            self.show_viewport(replace(self.viewport, right_ms=right_ms, cursor_ms=time_ms))

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Take the newest price, and ask again where bars have come."""
        self._snapshot = snapshot
        self._plan()
        self._draw()

    # ------------------------------------------------------------------------------------------ asking

    @property
    def fit(self) -> int:
        """How many candles have room."""
        return self.fit_of(self.viewport)

    def fit_of(self, viewport: Viewport) -> int:
        """How many candles have room at the zoom of a viewport."""
        axis = axis_width(self.view) if self.view is not None else _AXIS
        return max(10, slots_that_fit(self._width, viewport.pitch, axis))

    @property
    def _width(self) -> int:
        """Cells across for the drawing; what it had last while it is hidden."""
        self._last_width = self.chart.size.width or self.size.width or self._last_width
        return self._last_width

    def _newest(self) -> int:
        return newest_ms(self.view, self._forming) if self.view is not None else 0

    def _wanted_key(self) -> tuple[object, ...]:
        """What an answer must be of; equal keys, equal answers for the same window."""
        subject = self.subject
        stored = tuple(
            (each.timeframe, each.rows, each.last_ms)
            for each in self._snapshot.datasets
            if each.symbol == subject.symbol and each.category == subject.category and not each.mark
        )
        # Until the kernels are compiled the engine draws no indicators: then it is asked again.
        compiled = not (subject.indicators or subject.strategy) or self._snapshot.kernels == "ready"
        return subject, self.viewport.timeframe, self.viewport.group, stored, compiled

    def _same_candles(self) -> bool:
        """Whether the answer at hand is of the symbol and the candles that are wanted."""
        return self.view is not None and is_of(self.view, self.subject, self.viewport)

    def _room(self) -> tuple[int, int]:
        """Candles at hand to the left and to the right of the window; negative where some are missing."""
        return (-1, -1) if self.view is None else room_in(self.view, self.viewport, self.fit, self._newest())

    def _plan(self) -> None:
        """Ask for what is missing; while an answer is under way only the last wish is kept."""
        if not self.subject.symbol or not self._width:
            return
        key = self._wanted_key()
        if self._same_candles() and min(self._room()) >= 0:
            self._covered = self.viewport
        if key == self._answered and (self.problem or min(self._room()) >= self.fit // 2):
            return
        if self._under_way:
            self._again = True
            return
        self._under_way = True
        self._generation += 1
        self.set_timer(_MUTE_SECONDS, lambda asked=self._generation: self._mute(asked))
        self._ask(self._command(), key)

    def _command(self) -> GetChart:
        subject, viewport, fit = self.subject, self.viewport, self.fit
        start_ms: int | None = None
        if viewport.right_ms is not None:
            start_ms = viewport.left_of(fit, 0) - fit * viewport.unit_ms
        elif self._same_candles():
            start_ms = viewport.left_of(fit, self._newest()) - fit * viewport.unit_ms
        return GetChart(
            subject.symbol,
            viewport.timeframe,
            subject.category,
            start_ms,
            fit * 3,
            viewport.group,
            subject.indicators,
            subject.strategy,
            subject.result_id,
            self._generation,
        )

    @errand("chart")
    async def _ask(self, command: GetChart, key: tuple[object, ...]) -> None:
        try:
            answer = await desk_of(self).ask(command)
        except TradebotError as error:
            self._take(key, None, error.sentence)
        else:
            self._take(key, answer, "")
        finally:
            self._under_way = False
        if self._again:
            self._again = False
        if self.is_mounted:
            self._plan()
            self._draw()

    def _take(self, key: tuple[object, ...], answer: ChartView | None, problem: str) -> None:
        if key[0] != self.subject or (answer is not None and answer.state != "done"):
            return  # something else is wanted by now
        before = self.view, self._forming, self._covered
        self.view, self._forming = answer, None
        if answer is not None:
            self._forming = self._live.look(answer, self._snapshot)
            if self._awaited_ms is not None and self._same_candles():
                awaited, self._awaited_ms = self._awaited_ms, None
                self.viewport = self.viewport.at(awaited, self.fit, answer.first_ms, self._newest())
            if not self._same_candles() or min(self._room()) < 0:
                # Moved on meanwhile: what is drawn stays until that place has come.
                self.view, self._forming, self._covered = before
                return
            self._covered = self.viewport
        self._answered, self.problem, self._muted = key, problem, False
        self.refresh_bindings()  # where there are no bars, other keys work

    def _mute(self, generation: int) -> None:
        """A long wait dims what is shown."""
        if self._under_way and generation == self._generation:
            self._muted = True
            self._draw()

    # ------------------------------------------------------------------------------------------ drawing

    def on_resize(self) -> None:
        """Another size holds other candles."""
        self.call_after_refresh(self._replan)

    def _replan(self) -> None:
        self._plan()
        self._draw()

    def _draw(self) -> None:
        """Everything, as far as it changed."""
        width = max(20, self._width)
        view = self.view
        empty = view is None
        self.set_class(empty, "-empty")
        if view is None:
            height = max(3, self.size.height)
            lines = chart_words.empty_lines(
                self._snapshot, self.subject, self.viewport.timeframe, self.problem, width, height
            )
            self.query_one("#chart-empty", LinesView).show(lines)
            self.query_one("#chart-bar", LinesView).show(())
            self.query_one("#chart-values", LinesView).show(())
        else:
            self._forming = self._live.look(view, self._snapshot)
            covered = self._covered
            if covered is not None and (covered.timeframe, covered.group) == (view.timeframe, view.group):
                shown = Shown(
                    covered,
                    self.fit_of(covered),
                    self._forming,
                    self.with_volume,
                    self.with_marks,
                    self._muted,
                    alert_levels(self._alerts) if self.with_marks else (),
                )
                picture = picture_of(view, shown)
                drawn_as = (picture, self.viewport.timeframe, self.timeframes, width)
                if drawn_as != self._drawn_as:
                    self._drawn_as = drawn_as
                    self.chart.show(picture)
                    self._write(picture, width)
                    self.post_message(self.Drawn())
        self._write_captions()

    def _write(self, picture: ChartPicture, width: int) -> None:
        if self.app.size.width < _NARROW:
            bar = chart_words.narrow_line(
                self.subject, self.viewport, bar_line(picture, _NARROW * 2), self._forming, width
            )
        else:
            values = bar_line(picture, width)
            room = width - _PADDING - line_length(values)
            frames = chart_words.timeframe_strip(self.timeframes, self.viewport.timeframe, room)
            bar = spread(values, frames, width - _PADDING)
        self.query_one("#chart-bar", LinesView).show((bar,))
        lines = (values_line(picture, width - _PADDING),) if picture.lines else ()
        self.query_one("#chart-values", LinesView).show(lines)

    def _write_captions(self) -> None:
        self.caption(
            chart_words.title(self.subject, self.viewport),
            chart_words.subtitle(
                self.view, self.picture, self.viewport, self._forming, self._muted, len(self._alerts)
            ),
        )

    @property
    def _alerts(self) -> tuple[AlertView, ...]:
        """The armed alerts on this symbol."""
        alerts, symbol = self._snapshot.alerts, self.subject.symbol
        return tuple(each for each in alerts if each.symbol == symbol and each.state == "armed")

    @property
    def tab_note(self) -> str:
        """How many alerts are armed, where there is no border that says it."""
        return formats.plural(len(self._alerts), "alert") if self._alerts else ""

    @property
    def cursor_price(self) -> str:
        """The close under the cursor with the instrument's decimals, "" without a cursor."""
        picture = self.picture
        slot = picture.cursor if self.viewport.cursor_ms is not None else None
        close = picture.close[slot] if slot is not None and 0 <= slot < len(picture.close) else None
        return "" if close is None else f"{close:.{picture.decimals}f}"

    @property
    def timeframes(self) -> tuple[str, ...]:
        """The timeframes that can be shown of the symbol."""
        datasets, subject = self._snapshot.datasets, self.subject
        if self._frames[0] is not datasets or self._frames[1:3] != (subject.category, subject.symbol):
            found = timeframes_of(datasets, subject.category, subject.symbol)
            self._frames = (datasets, subject.category, subject.symbol, found)
        return self._frames[3]

    # ------------------------------------------------------------------------------------------ keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now."""
        match action:
            case "point" | "zoom" | "pan" | "first" | "newest":
                return self.view is not None or None
            case "mark":
                return bool(self._mark_times()) or None
            case "unpoint":
                return self.viewport.cursor_ms is not None
            case _:
                return super().check_action(action, parameters)

    def action_point(self, candles: int) -> None:
        """Move the cursor."""
        if self.view is not None:
            moved = self.viewport.pointed(candles, self.fit, self.view.first_ms, self._newest())
            self.show_viewport(moved)

    def action_unpoint(self) -> None:
        """Take the cursor away; the newest candle's values are told again."""
        self.show_viewport(replace(self.viewport, cursor_ms=None))

    def action_pan(self, halves: int) -> None:
        """Move by half a window, with the cursor at its place on the screen."""
        view, viewport = self.view, self.viewport
        if view is None:
            return
        newest, fit = self._newest(), self.fit
        moved = viewport.panned(halves * max(1, fit // 2), fit, view.first_ms, newest)
        if viewport.cursor_ms is not None:
            by = moved.right_of(newest) - viewport.right_of(newest)
            cursor = min(max(viewport.cursor_ms + by, view.first_ms), newest)
            moved = replace(moved, cursor_ms=moved.floor(cursor))
        self.show_viewport(moved)

    def action_zoom(self, step: int) -> None:
        """Nearer or further."""
        if self.view is not None:
            axis = axis_width(self.view)
            width = slots_that_fit(self._width, 1, axis)
            self.show_viewport(
                self.viewport.zoomed(step, self.fit, self.view.first_ms, self._newest(), width)
            )

    def action_first(self) -> None:
        """To the first stored bar."""
        if self.view is not None:
            self.show_viewport(
                self.viewport.at(self.view.first_ms, self.fit, self.view.first_ms, self._newest())
            )

    def action_newest(self) -> None:
        """To the newest bar, and follow it."""
        self.show_viewport(replace(self.viewport, right_ms=None, cursor_ms=None))

    def _mark_times(self) -> list[int]:
        if self.view is None or not self.with_marks:
            return []
        times = {signal.time_ms for signal in self.view.signals}
        for trade in self.view.trades:
            times |= {trade.entry_ms, trade.exit_ms}
        return sorted(times)

    def action_mark(self, step: int) -> None:
        """To the next or previous trade or signal."""
        view = self.view
        times = self._mark_times()
        if view is None or not times:
            return
        unit = self.viewport.unit_ms
        cursor = self.viewport.cursor_ms
        here = self.viewport.floor(self._newest() if cursor is None else cursor)
        if step > 0:
            found = next((each for each in times if each >= here + unit), None)
        else:
            found = next((each for each in reversed(times) if each < here), None)
        if found is not None:
            self.go_to(found)

    @on(MarketChart.Pointed)
    def _point_at(self, event: MarketChart.Pointed) -> None:
        event.stop()
        picture = self.picture
        if self.view is None:
            return
        time_ms = picture.start_ms + event.slot * picture.unit_ms
        cursor = min(
            max(time_ms, self.viewport.floor(self.view.first_ms)), self.viewport.floor(self._newest())
        )
        self.show_viewport(replace(self.viewport, cursor_ms=cursor))
