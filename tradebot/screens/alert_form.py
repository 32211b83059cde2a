"""The form of an alert: fields that become one sentence, which the engine reads while it is typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import AddAlert, AlertReading, AlertView, ChangeAlert, EngineSnapshot, TryAlert
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Dialog
from tradebot.screens.pickers import Choice, PickDialog
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.segments import Segments

__all__ = ["AlertForm", "kind_choices"]

_PAUSE_SECONDS = 0.15
_SPAN = re.compile(r"[1-9][0-9]*\s*[smhdw]")
_SYMBOL = re.compile(r"[A-Za-z0-9]{2,}(?:-[A-Za-z0-9]+)*")
_NUMBER = re.compile(r"\d+(?:[.,_]\d+)*|\d*\.\d+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form: a text, or one of `words`. `check` says what must be there, `first` what stands there."""

    name: str
    label: str
    first: str
    hint: str = ""
    words: tuple[str, ...] = ()
    check: str = "text"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of condition: its `key` as of AlertView, what it is called, its fields, and the sentence they make.

    `told_at` is the field below which the engine's own refusal stands.
    """

    key: str
    title: str
    about: str
    fields: tuple[Field, ...]
    sentence: Callable[[dict[str, str]], str]
    told_at: str = ""


_SYMBOL_FIELD = Field("symbol", "Symbol", "BTCUSDT", "such as BTCUSDT", check="symbol")
_KINDS = (
    Kind(
        "price",
        "Price",
        "the last price gets above or below a level, or crosses it",
        (
            _SYMBOL_FIELD,
            Field("way", "When it", "crosses", words=("crosses", "above", "below")),
            Field("level", "Price", "", "such as 60000", check="number"),
        ),
        lambda each: f"{each['symbol']} {each['way']} {each['level']}",
        "level",
    ),
    Kind(
        "move",
        "Quick move",
        "the price rises or falls by a few percent within minutes",
        (
            _SYMBOL_FIELD,
            Field("way", "When it", "moves", words=("moves", "rises", "falls")),
            Field("percent", "Percent", "3", "such as 3 or 0.5", check="number"),
            Field("span", "Within", "15m", "30s, 15m, 4h; a day at most", check="span"),
        ),
        lambda each: f"{each['symbol']} {each['way']} {each['percent']}% in {each['span']}",
        "span",
    ),
    Kind(
        "rule",
        "Indicator",
        "a rule in words becomes true at the close of a bar",
        (
            _SYMBOL_FIELD,
            Field("timeframe", "Timeframe", "15m", "1m 5m 15m 1h ... that is followed live"),
            Field("rule", "Rule", "rsi below 30", "such as rsi below 30, or ema 20 crosses above ema 50"),
        ),
        lambda each: f"{each['symbol']} {each['timeframe']}: {each['rule']}",
        "rule",
    ),
    Kind(
        "strategy",
        "Strategy",
        "a saved strategy decides to enter at the close of a bar",
        (Field("strategy", "Strategy", "", "its name; F2 picks one"),),
        lambda each: f"strategy {each['strategy']}",
        "strategy",
    ),
    Kind(
        "stale",
        "Feed",
        "nothing is heard of the live feed, or of one symbol",
        (
            Field("span", "Silent for", "60s", "30s, 2m", check="span"),
            Field("symbol", "Symbol", "", "empty: the whole feed", check="symbol?"),
        ),
        lambda each: f"feed stale {each['span']} {each['symbol']}",
        "span",
    ),
    Kind("gap", "Gap", "a hole is found in data that is followed", (), lambda _each: "gap found"),
    Kind(
        "job",
        "Job",
        "a job is done, or fails",
        (Field("way", "When it is", "failed", words=("failed", "done", "ended")),),
        lambda each: f"job {each['way']}",
    ),
    Kind(
        "disk",
        "Disk",
        "the disk of the data folder gets full",
        (Field("room", "Below GB", "5", "free gigabytes, such as 5", check="number"),),
        lambda each: f"disk below {each['room']} GB",
        "room",
    ),
)
_WORDS = Kind(
    "words",
    "Alert",
    "in words",
    (Field("when", "When", "", "such as BTCUSDT above 60000"),),
    lambda each: each["when"],
    "when",
)


def kind_choices() -> tuple[Choice, ...]:
    """The kinds of conditions to pick from."""
    return tuple(Choice(kind.key, kind.title, kind.about) for kind in _KINDS)


class AlertForm(Dialog[AlertView]):
    """Adds an alert of one kind, or changes one that is there; the answer is the alert."""

    keys_text = "Tab field · Enter keeps it · Esc closes"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f2", "pick", "pick", id="alert.pick")]

    def __init__(
        self,
        kind: str = "price",
        values: dict[str, str] | None = None,
        present: AlertView | None = None,
    ) -> None:
        super().__init__()
        self._kind = _WORDS if present is not None else next(each for each in _KINDS if each.key == kind)
        self._values = values or {}
        self._present = present
        self._fields = (*self._kind.fields, *self._own_fields())
        self._asked = 0
        self._sent = False
        self._noted: dict[str, str] = {}
        self.title_text = (
            f"Change {present.name}" if present is not None else f"New alert · {self._kind.title}"
        )
        if kind in {"strategy", "price", "move", "rule"} and present is None:
            self.keys_text = "Tab field · F2 picks from a list · Enter keeps it · Esc closes"

    def _own_fields(self) -> tuple[Field, ...]:
        again = self._present.again if self._present is not None else "15m"
        pause = Field(
            "again", "Again after", again, "the soonest that it tells the same: 30s, 15m, 1d", check="pause"
        )
        name = Field("name", "Name", "", "empty: one is made of the condition", check="name?")
        return (pause,) if self._present is not None else (pause, name)

    def compose_body(self) -> ComposeResult:
        """The fields of the kind, those of every alert, and how it is understood."""
        for field in self._fields:
            with Vertical(classes="entry"):
                first = self._values.get(field.name, field.first)
                with Horizontal(classes="entry-row"):
                    yield Label(field.label, classes="entry-label")
                    if field.words:
                        yield Segments(field.words, first, id=field.name)
                    else:
                        yield Input(first, placeholder=field.hint, compact=True, id=field.name)
                note = Static("", id=f"{field.name}-problem", classes="problem", markup=False)
                note.display = False
                yield note
        yield LinesView(id="reading")

    def on_mount(self) -> None:
        """The cursor where something is most likely changed."""
        super().on_mount()
        wanted = {"price": "level", "rule": "rule", "move": "percent"}.get(
            self._kind.key, self._fields[0].name
        )
        self.query_one(f"#{wanted}").focus()
        self._look()

    # ------------------------------------------------------------------------------------------ reading the fields

    def _typed(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for field in self._fields:
            widget = self.query_one(f"#{field.name}")
            text = widget.value if isinstance(widget, Input | Segments) else ""
            found[field.name] = text.strip().upper() if field.name == "symbol" else text.strip()
        return found

    def _problems(self, typed: dict[str, str]) -> dict[str, str]:
        """What is wrong by itself; what only the engine knows it says."""
        found: dict[str, str] = {}
        for field in self._fields:
            text, check = typed[field.name], field.check
            if check.endswith("?") and not text:
                continue
            match check.rstrip("?"):
                case "symbol" if not _SYMBOL.fullmatch(text):
                    found[field.name] = "Name a symbol as the exchange writes it, such as BTCUSDT."
                case "number" if not _NUMBER.fullmatch(text) or not text.strip("0.,_"):
                    found[field.name] = "Write a number above 0, such as 60000 or 0.5."
                case "span" if not _SPAN.fullmatch(text):
                    found[field.name] = "Write a length of time: 30s, 15m, 4h or 1d."
                case "pause" if not _SPAN.fullmatch(text) or re.fullmatch(r"[12]?[0-9]\s*s", text):
                    found[field.name] = "Write a length of time, 30s at least: 30s, 15m, 4h or 1d."
                case "name" if not _NAME.fullmatch(text):
                    found[field.name] = 'A name has letters, digits, ".", "_" and "-" only.'
                case "name" if any(each.name == text for each in desk_of(self).latest.alerts):
                    found[field.name] = f"There is an alert {text} already; choose another name."
                case "text" if not text:
                    found[field.name] = f"This is missing: {field.hint}."
        return found

    @on(Input.Changed)
    @on(Segments.Chosen)
    def _changed(self) -> None:
        self._look()

    def _look(self) -> None:
        """Say what is wrong, and ask how the rest is understood a moment after the last change."""
        typed = self._typed()
        problems = self._problems(typed)
        self._note(problems)
        self._asked += 1
        if problems:
            self.query_one("#reading", LinesView).show(((), ()))
            return
        asked = self._asked
        self.set_timer(_PAUSE_SECONDS, lambda: self._read(asked) if asked == self._asked else None)

    def _note(self, problems: dict[str, str]) -> None:
        """Write each problem below its field; the window is laid out anew only where something changed."""
        if problems == self._noted:
            return
        self._noted = problems
        for field in self._fields:
            note = self.query_one(f"#{field.name}-problem", Static)
            text = problems.get(field.name, "")
            note.display = bool(text)
            note.update(text)

    @errand("alert-reading", exclusive=True)
    async def _read(self, asked: int) -> None:
        sentence = self._kind.sentence(self._typed()).strip()
        try:
            reading: AlertReading = await desk_of(self).ask(TryAlert(sentence))
        except TradebotError as error:
            if asked == self._asked and self.is_attached:
                self._refused(error.sentence)
            return
        if asked != self._asked or not self.is_attached:
            return
        lines: list[Line] = [(("  Tells: ", "dim"), (sentence, "bold"))]
        lines += [((f"  {text}", "warning"),) for text in wrap(reading.hint, 66)] if reading.hint else [()]
        self.query_one("#reading", LinesView).show(lines)

    def _refused(self, sentence: str) -> None:
        self._note({self._kind.told_at or self._fields[0].name: sentence})
        self.query_one("#reading", LinesView).show(((), ()))

    # ------------------------------------------------------------------------------------------ keeping

    @on(Input.Submitted)
    def _entered(self) -> None:
        self._keep()

    def key_enter(self) -> None:
        """Enter keeps it from a field without text too."""
        if isinstance(self.focused, Segments):
            self._keep()

    @errand("alert-keep")
    async def _keep(self) -> None:
        typed = self._typed()
        problems = self._problems(typed)
        if problems:
            self._note(problems)
            self.query_one(f"#{next(iter(problems))}").focus()
            return
        if self._sent:
            return
        self._sent = True
        sentence, again = self._kind.sentence(typed).strip(), typed["again"].replace(" ", "")
        present = self._present
        command = (
            AddAlert(sentence, typed["name"], again)
            if present is None
            else ChangeAlert(present.name, sentence, again)
        )
        try:
            view = await desk_of(self).ask(command)
        except TradebotError as error:
            self._sent = False
            self._asked += 1  # an answer under way is of no interest any more
            self._refused(error.sentence)
            return
        self.dismiss(view)

    # ------------------------------------------------------------------------------------------ picking

    def action_pick(self) -> None:
        """Choose a strategy or a symbol from those there are."""
        snapshot = desk_of(self).latest
        names = [field.name for field in self._fields]
        if "strategy" in names:
            self._pick_into("strategy", "Strategy", _strategies(snapshot))
        elif "symbol" in names:
            self._pick_into("symbol", "Symbol", _symbols(snapshot))

    def _pick_into(self, name: str, title: str, choices: tuple[Choice, ...]) -> None:
        field = self.query_one(f"#{name}", Input)

        def picked(value: str | None) -> None:
            if value is not None:
                field.value = value
                if self._kind.key == "price":
                    self._fill_price(value)
            field.focus()

        self.app.push_screen(PickDialog(title, choices, field.value), picked)

    def _fill_price(self, symbol: str) -> None:
        quote = next((each for each in desk_of(self).latest.quotes if each.symbol == symbol), None)
        if quote is not None:
            self.query_one("#level", Input).value = quote.last


def _strategies(snapshot: EngineSnapshot) -> tuple[Choice, ...]:
    return tuple(Choice(each.name, each.name, each.title) for each in snapshot.strategies)


def _symbols(snapshot: EngineSnapshot) -> tuple[Choice, ...]:
    quoted = {quote.symbol: quote.last for quote in snapshot.quotes}
    stored = {view.symbol for view in snapshot.datasets if not view.mark} - set(quoted)
    live = [Choice(symbol, symbol, f"{last} now") for symbol, last in quoted.items()]
    return (*live, *(Choice(symbol, symbol, "no price comes in now") for symbol in sorted(stored)))
