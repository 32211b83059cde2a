"""What is wrong now and what was told in passing: each with what happened, what was done, what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import ExplainRecord, GetLogs, LogAdvice
from tradebot.screens import formats
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Dialog
from tradebot.screens.news import Told
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["MessagesDialog"]

_LABEL = 17
_TONES = {"error": "bad", "warning": "warning"}
_NOW = "now"
_EARLIER_MS = 60_000
"""So much older than it was told may the record of a message be."""


class MessagesDialog(Dialog[None]):
    """The problem on the banner, then what was told, the newest first; the marked one in full below."""

    title_text = "Messages"
    keys_text = "y copy · Esc closes"
    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy", id="messages.copy"),
        Binding("exclamation_mark", "close", "close", show=False, id="messages.close"),
    ]

    def __init__(self, problem: tuple[str, str] | None, told: Sequence[Told]) -> None:
        super().__init__()
        rows = [Told(0, problem[0], problem[1], _NOW)] if problem is not None else []
        self._rows = (*rows, *reversed(told))
        self._advice = LogAdvice(0)

    def compose_body(self) -> ComposeResult:
        """The list, and one of them in full."""
        yield VirtualTable[Told](
            (Column("TIME", 8), Column("", 7), Column("MESSAGE", 40, grow=True)),
            _cells,
            lambda told: (told.time_ms, told.cause),
            id="messages",
        )
        yield LinesView(id="message")

    def on_mount(self) -> None:
        """Show what there is."""
        super().on_mount()
        nothing = ((), (("Nothing is wrong, and nothing was told yet.", "dim"),))
        self.query_one(VirtualTable).show(self._rows, empty=nothing)
        self.call_after_refresh(self._look)

    @property
    def current(self) -> Told | None:
        """The message under the cursor."""
        told: Told | None = self.query_one(VirtualTable).current
        return told

    @on(VirtualTable.Moved, "#messages")
    def _look(self) -> None:
        told = self.current
        if told is not None:
            self._advice = LogAdvice(0)
            self._draw()
            self._explain(told)

    @errand("messages", exclusive=True)
    async def _explain(self, told: Told) -> None:
        """Find its record in the log, which knows what was done and what can be done."""
        desk = desk_of(self)
        try:
            page = await desk.ask(GetLogs(level="info", since_ms=max(0, told.time_ms - _EARLIER_MS)))
            record = next((each for each in reversed(page.records) if each.sentence == told.sentence), None)
            if record is None:
                return
            advice = await desk.ask(ExplainRecord(record.sequence))
        except TradebotError:
            return  # an engine that does not answer is on the banner already
        if self.is_mounted and told is self.current:
            self._advice = advice
            self._draw()

    def on_resize(self) -> None:
        """Wrap for the new width."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        told = self.current
        view = self.query_one(LinesView)
        if told is None:
            view.show(())
            return
        width = max(24, view.size.width - _LABEL - 1)
        lines: list[Line] = []
        for label, text, tone in self._answers(told):
            for number, row in enumerate(wrap(text, width)):
                lines.append(((f"{label if number == 0 else '':<{_LABEL}}", "dim"), (row, tone)))
        view.show(lines)

    def _answers(self, told: Told) -> list[tuple[str, str, str]]:
        advice = self._advice
        answers = (
            ("What happened", advice.happened or told.sentence, "text"),
            ("What we did", advice.did, "text"),
            ("What you can do", advice.can_do, "accent"),
            ("Told", told.sentence if advice.happened not in {"", told.sentence} else "", "dim"),
        )
        return [each for each in answers if each[1]]

    def action_copy(self) -> None:
        """Copy all that is known of the marked one."""
        told = self.current
        if told is not None:
            when = [f"{formats.minute(told.time_ms)} UTC  {told.level}"] if told.time_ms else [told.level]
            text = [f"{label}: {answer}" for label, answer, _ in self._answers(told)]
            self.app.copy_to_clipboard("\n".join((*when, *text)))
            self.app.notify("Copied the message.", timeout=2)


def _cells(told: Told) -> tuple[Cell, ...]:
    times = f"  ({told.times} times)" if told.times > 1 else ""
    tone = _TONES.get(told.level, "dim")
    when = f"{formats.moment(told.time_ms):%H:%M:%S}" if told.time_ms else _NOW
    return (when, (told.level, tone), f"{told.sentence}{times}")
