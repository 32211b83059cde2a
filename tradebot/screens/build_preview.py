"""The live preview beside the form: the strategy tested on stored bars while it is typed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import FormProblem, FormView, Preview, PreviewView
from tradebot.screens import preview_drawing
from tradebot.screens.area import Pane
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.pickers import Choice, PickDialog
from tradebot.screens.widgets.candles import CandleChart
from tradebot.screens.widgets.line_plot import LinePlot
from tradebot.screens.widgets.lines_view import LinesView

__all__ = ["PAUSE_SECONDS", "PreviewPane"]

PAUSE_SECONDS = 0.15
_STALE_SECONDS = 0.3
_WATCH_SECONDS = 0.25
_SPANS = (30, 90, 180, 365, 730, 0)
_ALL = "*"
_LINT_SECONDS = 0.3
_CANDLE_AXIS = 10
_INDENT = 1
_GROWN = 1.1


class PreviewPane(Pane):
    """Figures, equity line, last candles and signals of the strategy as it stands in the form.

    The form calls `edited` after every new FormView; `typed` tells of a key press whose FormView is still to come, so
    that the pause counts from the last key.
    """

    HELP = (
        "The strategy, tested on stored bars a moment after the last edit; nothing is saved by it. Arrows compare with "
        "the saved version. The bright line is the equity now, the pale one that of the saved version. It leaves out "
        "the check against looking ahead: run the backtest (r) before you trust a figure."
    )
    label = "Preview"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "symbol", "symbol", id="preview.symbol"),
        Binding("left_square_bracket", "span(-1)", "shorter", key_display="[", id="preview.shorter"),
        Binding("right_square_bracket", "span(1)", "longer", key_display="]", id="preview.longer"),
        Binding("c", "collect", "collect", id="preview.collect"),
    ]

    class Found(Message):
        """What is most likely wrong with the strategy, seen with the data at hand."""

        def __init__(self, findings: tuple[FormProblem, ...]) -> None:
            super().__init__()
            self.findings = findings

    def __init__(self) -> None:
        super().__init__(id="preview-pane", classes="pane")
        self.can_focus = True
        self._toml = ""
        self._saved_toml = ""
        self._broken = 0
        self._symbol = ""
        self._days = 365
        self._generation = 0
        self._asked: Preview | None = None
        self._under_way = False
        self._muted = False
        self._answer: PreviewView | None = None
        self._view: PreviewView | None = None
        self._last_key, self._key_told = float("-inf"), False
        self._seen = False
        self._rows_seen, self._kernels_seen = 0, ""
        self._waits_since = 0.0
        self._pause: Timer | None = None
        self._stale: Timer | None = None

    def compose(self) -> ComposeResult:
        """From top to bottom: what is shown, a sentence where something is up, figures, line, candles, signals."""
        yield LinesView(id="preview-head")
        yield LinesView(id="preview-say")
        yield LinesView(id="preview-figures")
        yield LinePlot(self._gain_text, id="preview-equity")
        yield CandleChart(id="preview-candles", axis_width=_CANDLE_AXIS)
        yield LinesView(id="preview-signals")
        yield LinesView(id="preview-notes")

    def on_mount(self) -> None:
        """Say what will be here."""
        self._watch = self.set_interval(_WATCH_SECONDS, self._look, pause=True)
        self.caption("Preview")
        self._draw()

    # ------------------------------------------------------------------------------------------ from the form

    def typed(self) -> None:
        """A key was pressed in the form: nothing is asked for until the pause after it is over."""
        self._last_key, self._key_told = self._now(), True
        if self._pause is not None:
            self._plan()

    def edited(self, view: FormView, saved_toml: str | None) -> None:
        """Test a new state of the form once nothing is typed any more; one with errors keeps what is shown.

        `saved_toml` is the text on disk that it is compared with, None or "" for a strategy that is not saved.
        """
        self._broken = view.errors
        self._saved_toml = saved_toml or ""
        if not self._broken:
            self._toml = view.toml
        if not self._key_told:
            self._last_key = self._now()
        self._key_told = False
        self._plan()
        self._draw()

    def opened(self, view: FormView, saved_toml: str | None) -> None:
        """Another strategy is in the form: nothing of the one before stays, and it is tested at once."""
        self._generation += 1
        self._toml, self._symbol, self._asked, self._answer, self._view = "", "", None, None, None
        self._under_way = self._muted = False
        self._last_key, self._key_told = float("-inf"), True
        self.edited(view, saved_toml)

    # ------------------------------------------------------------------------------------------ asking

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _wanted(self) -> Preview | None:
        """What is to be asked for as things are, None where nothing is: no valid text, or nobody looks."""
        if self._broken or not self._toml or not self._seen:
            return None
        inside = self.size.width - _INDENT
        return Preview(
            self._toml,
            self._saved_toml,
            self._symbol,
            self._days,
            self._generation,
            LinePlot.columns_of(inside),
            max(10, inside - _CANDLE_AXIS),
        )

    def _plan(self) -> None:
        """Ask after the pause, unless that was asked already."""
        if self._pause is not None:
            self._pause.stop()
            self._pause = None
        wanted = self._wanted()
        if wanted is None or wanted == self._asked:
            return
        left = self._last_key + PAUSE_SECONDS - self._now()
        if left > 0:
            self._pause = self.set_timer(left, self._ask_now)
        else:
            self._ask_now()

    def _ask_now(self) -> None:
        self._pause = None
        wanted = self._wanted()
        if wanted is None:
            return
        self._generation += 1
        self._asked = self._wanted()
        self._under_way = True
        if self._stale is not None:
            self._stale.stop()
        self._stale = self.set_timer(_STALE_SECONDS, self._grow_stale)
        self._ask(self._generation, self._asked)

    @errand("preview", exclusive=True)
    async def _ask(self, generation: int, asked: Preview | None) -> None:
        if asked is None:
            return
        try:
            answer = await desk_of(self).ask(asked)
        except TradebotError as error:
            answer = PreviewView(generation, "failed", error.sentence)
        if generation == self._generation and answer.generation == generation:
            self._take(answer)

    def _take(self, answer: PreviewView) -> None:
        if answer.state == "superseded":
            return
        self._under_way = self._muted = False
        if self._stale is not None:
            self._stale.stop()
            self._stale = None
        if self._answer is None or self._answer.state != answer.state:
            self._waits_since = self._now()
        if answer.linted and self._view is not None:
            answer = replace(answer, took_ms=self._view.took_ms)  # that of the figures, which stand already
        self._answer = answer
        if answer.state == "done":
            self._view = answer
        self._rows_seen, self._kernels_seen = self._rows(), desk_of(self).latest.kernels
        self._draw()
        if answer.linted:
            self.post_message(self.Found(answer.findings))
        elif answer.state == "done":
            self.set_timer(_LINT_SECONDS, partial(self._ask_lint, self._generation))

    def _ask_lint(self, generation: int) -> None:
        """Have the strategy looked at with the data, once the figures stand and nothing newer is asked for."""
        if generation == self._generation and self._asked is not None and self._seen and not self._broken:
            self._ask(generation, replace(self._asked, lint=True))

    def _grow_stale(self) -> None:
        self._stale = None
        if self._under_way:
            self._muted = True
            self._draw()

    def _rows(self) -> int:
        """How many bars are stored of what is tested, or would be if there were any."""
        answer = self._answer
        names = set(answer.symbols) if answer is not None else set()
        if answer is not None and answer.collect is not None:
            names.update(answer.collect.symbols)
        return sum(each.rows for each in desk_of(self).latest.datasets if each.symbol in names)

    def _look(self) -> None:
        """Draw how far a run is; ask again where what was missing has come, or many more bars."""
        answer = self._answer
        if self._under_way or (answer is not None and answer.state == "compiling"):
            self._draw_head()
        if answer is None or self._under_way or self._pause is not None:
            return
        kernels, rows = desk_of(self).latest.kernels, self._rows()
        if answer.state == "compiling":
            changed = kernels == "ready"
        elif answer.state == "done":
            changed = rows > self._rows_seen * _GROWN
        else:
            changed = rows != self._rows_seen or (kernels == "ready" != self._kernels_seen)
        if changed:
            self._asked = None
            self._plan()

    # ------------------------------------------------------------------------------------------ keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now."""
        match action:
            case "symbol":
                return self._view is not None and len(self._view.symbols) > 1
            case "span":
                step = parameters[0] if isinstance(parameters[0], int) else 0
                return self._wanted() is not None and 0 <= _SPANS.index(self._days) + step < len(_SPANS)
            case "collect":
                return self._answer is not None and self._answer.collect is not None
            case _:
                return super().check_action(action, parameters)

    def action_span(self, step: int) -> None:
        """Test on a shorter or longer span."""
        at = _SPANS.index(self._days) + step
        if 0 <= at < len(_SPANS):
            self._days = _SPANS[at]
            self._plan()
            self._draw_head()

    def action_symbol(self) -> None:
        """Pick the symbol to test on, or all of the strategy's together."""
        if self._view is None:
            return
        symbols = self._view.symbols
        together = Choice(
            _ALL, f"all {len(symbols)} together", "one account, as in the backtest; takes longer"
        )
        choices = (*(Choice(symbol, symbol) for symbol in symbols), together)

        def picked(value: str | None) -> None:
            if value is not None:
                self._symbol = value
                self._plan()

        self.app.push_screen(PickDialog("Preview on", choices, self._view.symbol or _ALL), picked)

    @errand("preview-collect", exclusive=True)
    async def action_collect(self) -> None:
        """Collect the bars that are missing."""
        if self._answer is not None and self._answer.collect is not None:
            await desk_of(self).ask(self._answer.collect)
            desk_of(self).say("Collecting; the preview fills itself as soon as bars are there.")

    # ------------------------------------------------------------------------------------------ drawing

    def on_show(self) -> None:
        """Somebody looks: test and draw what came meanwhile."""
        self._seen = True
        self._watch.resume()
        self._plan()
        self._draw()

    def on_hide(self) -> None:
        """Nobody looks."""
        self._seen = False
        self._watch.pause()

    def on_resize(self) -> None:
        """Draw for the new size; more columns want more values."""
        self._plan()
        self._draw()

    @property
    def plain(self) -> str:
        """What the pane says, as text to be copied."""
        views = (
            self.query_one(f"#preview-{part}", LinesView)
            for part in ("head", "say", "figures", "signals", "notes")
        )
        return "\n".join(view.plain for view in views if view.plain)

    def _gain_text(self, value: float) -> str:
        cash = self._view.cash if self._view is not None else 0.0
        return f"{(value / cash - 1.0) * 100:+,.1f}%" if cash > 0 else ""

    def _draw(self) -> None:
        """Everything, as far as it changed."""
        if not self._seen:
            return
        view, standing = self._view, self._standing()
        width, height = max(16, self.size.width), self.size.height
        muted = standing.is_old
        self._draw_head()
        up = preview_drawing.sentences(standing, width)
        words = preview_drawing.words_of(view, width, height - 1 - len(up), muted)
        for part, lines in (
            ("say", up),
            ("figures", words.figures),
            ("signals", words.signals),
            ("notes", words.notes),
        ):
            self.query_one(f"#preview-{part}", LinesView).show(lines)
        # Where both charts do not fit beside the words, the line stays; where nothing was traded, there is none.
        self.set_class(not words.both, "-short")
        self.set_class(view is None or not view.trades, "-nothing")
        self.caption(subtitle=preview_drawing.border_text(view, words.hidden))
        if view is not None:
            self.query_one("#preview-equity", LinePlot).show(preview_drawing.plot_of(view, muted))
            self.query_one("#preview-candles", CandleChart).show(
                preview_drawing.candles_of(view.candles, muted)
            )

    def _standing(self) -> preview_drawing.Standing:
        share: float | None = None
        if self._under_way and self._muted:
            progress = desk_of(self).latest.preview
            share = progress.share if progress.generation == self._generation else 0.0
        waited_s = self._now() - self._waits_since
        return preview_drawing.Standing(self._answer, self._view, self._broken, share, waited_s)

    def _draw_head(self) -> None:
        width = max(16, self.size.width)
        doing, tone = preview_drawing.doing(self._standing(), width)
        line = preview_drawing.head_line(self._view, self._symbol, self._days, doing, tone, width)
        self.query_one("#preview-head", LinesView).show((line,))
