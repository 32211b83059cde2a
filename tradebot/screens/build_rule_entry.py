"""Where a rule is typed in words: what was understood stands below while typing, then what it could become."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from tradebot.engine.messages import RuleReading, RuleSuggestion
from tradebot.screens.area import write_subtitle, write_title
from tradebot.screens.build_editor import left_for_good
from tradebot.screens.build_layout import place_title
from tradebot.screens.widgets.fixed_input import FixedInput
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap

__all__ = ["RuleEntry"]

_FRAME = 2
_HELP_ROWS = 2
_BESIDE_SUGGESTIONS = 2 + _HELP_ROWS  # the input, what was understood, the help


class _RuleInput(FixedInput):
    """The line that is typed. Tab takes over the suggestion to go on with, arrows walk the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "entry('accept')", "add the rule", id="rule.accept"),
        Binding("tab", "entry('complete')", "complete", id="rule.complete"),
        Binding("down", "entry('down')", "suggestion", id="rule.down", key_display="↓"),
        Binding("up", "entry('up')", "suggestion above", show=False, id="rule.up"),
        Binding("escape", "entry('close')", "close", id="rule.close"),
    ]

    def _on_blur(self, event: events.Blur) -> None:
        super()._on_blur(event)
        if left_for_good(self):
            self.action_entry("leave")

    def action_entry(self, what: str) -> None:
        """Hand a key on to the entry around it."""
        if isinstance(self.parent, RuleEntry):
            self.parent.act(what)


class RuleEntry(Vertical):
    """One line of input over the form with a live list below it. `place` is where the rule goes, "" while closed."""

    DEFAULT_CSS = """
    RuleEntry { layer: over; position: absolute; display: none; }
    RuleEntry Input { height: 1; }
    RuleEntry LinesView { height: 1fr; }
    """

    class Asked(Message):
        """How is `text` understood at `place`?"""

        def __init__(self, place: str, text: str) -> None:
            super().__init__()
            self.place = place
            self.text = text

    class Accepted(Message):
        """The rule sentence `text` is to be added at `place`."""

        def __init__(self, place: str, text: str) -> None:
            super().__init__()
            self.place = place
            self.text = text

    class Closed(Message):
        """The person gave up typing; what was typed is kept for the next time."""

    def __init__(self) -> None:
        super().__init__(id="rule-entry")
        self.place = ""
        self._kept: dict[str, str] = {}
        self._reading: RuleReading | None = None
        self._at = -1
        self._accepting = False
        self._refusal = ""
        self._rows = 6

    def compose(self) -> ComposeResult:
        """The input, and the lines below it."""
        yield _RuleInput(
            compact=True, placeholder="rsi<30   ema 9 crosses above ema 21   volume > 1.5x average 20"
        )
        yield LinesView(id="rule-lines")

    def on_mount(self) -> None:
        """Say which keys work."""
        write_subtitle(self, "Enter adds · Tab completes · Esc closes")

    @property
    def input(self) -> Input:
        """The line that is typed."""
        return self.query_one(_RuleInput)

    @property
    def reading(self) -> RuleReading | None:
        """How the text was understood last."""
        return self._reading

    @property
    def lines(self) -> LinesView:
        """What stands below the input."""
        return self.query_one("#rule-lines", LinesView)

    # ------------------------------------------------------------------------------------------ opening

    def put(self, y: int, width: int, height: int) -> None:
        """Lie over the form from a row on."""
        self.styles.offset = (0, y)
        self.styles.width = width
        self.styles.height = height
        self._rows = max(1, height - _FRAME - _BESIDE_SUGGESTIONS)
        self._draw()

    def on_resize(self) -> None:
        """Draw for another width."""
        self._draw()

    def open(self, place: str) -> None:
        """Open for rules of `place`; what was typed there and given up is offered again."""
        self.place = place
        self._reading, self._at, self._accepting, self._refusal = None, -1, False, ""
        write_title(self, f"Add a rule: {place_title(place)}")
        text = self._kept.pop(place, "")
        with self.prevent(Input.Changed):
            self.input.value = text
        self.display = True
        self.input.focus()
        self.input.select_all()
        self._draw()
        self.post_message(self.Asked(place, text))

    def close(self) -> None:
        """Close; nothing is kept."""
        if self.place:
            self.place = ""
            self.display = False

    def refuse(self, sentence: str) -> None:
        """The rule could not be added: say why, keep the text."""
        self._accepting, self._refusal = False, sentence
        self._draw()

    def take(self, reading: RuleReading) -> None:
        """Show how a text was understood; an answer to an older text only where nothing newer is there."""
        others = tuple(each for each in reading.suggestions if each.label != reading.words)
        self._reading = reading = replace(
            reading, suggestions=others
        )  # what was understood stands above them
        self._at = min(self._at, len(others) - 1)
        self._draw()
        if self._accepting and reading.text == self.input.value:
            self._accept()

    # ------------------------------------------------------------------------------------------ keys

    def act(self, what: str) -> None:
        """Do what a key of the input asks for."""
        match what:
            case "accept":
                self._accept()
            case "complete":
                found = self._suggestion()
                if found is not None:
                    self._at = -1
                    self.input.value = found.text
                    self.input.cursor_position = len(found.text)
            case "down" | "up":
                count = len(self._reading.suggestions) if self._reading is not None else 0
                self._at = min(max(self._at + (1 if what == "down" else -1), -1), count - 1)
                self._draw()
            case "close" | "leave" if self.place:
                if self.input.value:
                    self._kept[self.place] = self.input.value
                self.close()
                if what == "close":
                    self.post_message(self.Closed())

    def _suggestion(self) -> RuleSuggestion | None:
        """The suggestion under the cursor, else the best one."""
        reading = self._reading
        if reading is None or not reading.suggestions:
            return None
        return reading.suggestions[max(0, self._at)]

    def _implied(self) -> bool:
        """Whether Enter means the best suggestion: the text is no rule yet, and all its words are in that one."""
        reading, found = self._reading, self._suggestion()
        if reading is None or found is None or reading.words:
            return False
        words = self.input.value.lower().split()
        return bool(words) and all(word in f"{found.text} {found.label}".lower() for word in words)

    def _accept(self) -> None:
        """Add what is under the cursor, else what was typed, else the best suggestion; wait for a late answer."""
        reading, text = self._reading, self.input.value
        self._accepting = False
        if self._at < 0 and (reading is None or reading.text != text):
            self._accepting = True
            self._draw()
            return
        assert reading is not None  # noqa: S101 - without one there is nothing to be chosen
        if self._at < 0 and reading.words:
            self.post_message(self.Accepted(self.place, text))
            return
        found = self._suggestion() if self._at >= 0 or self._implied() else None
        if found is not None:
            self.post_message(self.Accepted(self.place, found.text))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._at, self._refusal, self._accepting = -1, "", False
        if self.place:
            self.post_message(self.Asked(self.place, event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()

    def on_click(self, event: events.Click) -> None:
        """A click on a suggestion adds it."""
        number = event.screen_y - self.lines.region.y - 1
        reading = self._reading
        if event.widget is self.lines and reading is not None and 0 <= number < len(reading.suggestions):
            self._at = number + self._first()
            self._accept()

    # ------------------------------------------------------------------------------------------ drawing

    def _draw(self) -> None:
        reading = self._reading
        width = max(20, self.lines.size.width or self.size.width - 4)
        lines: list[Line] = [self._understood(reading)]
        suggestions = reading.suggestions if reading is not None else ()
        first = self._first()
        implied = self._implied()
        for number, each in enumerate(suggestions[first : first + self._rows], start=first):
            here = number == self._at or (self._at < 0 and implied and number == 0)
            ground = "on-cursor" if number == self._at else ""
            parts: Line = (
                ("▸ " if here else "  ", "accent"),
                (each.text, "text"),
                (f"  {each.label}", "dim"),
            )
            lines.append(tuple((text, f"{tone} {ground}".strip()) for text, tone in _cut(parts, width)))
        lines += [()] * (1 + self._rows - len(lines))
        found = self._suggestion() if self._at >= 0 or implied or not self.input.value else None
        about = f"{found.label.rstrip('.')}. {found.help}" if found is not None else ""
        rows = wrap(about, width - 3)
        lines += [((row, "dim"),) for row in rows[:_HELP_ROWS]]
        if len(rows) > _HELP_ROWS:
            lines[-1] = (*lines[-1], (" ..", "dim"))
        self.lines.show(lines)

    def _first(self) -> int:
        """The first suggestion in view."""
        return max(0, self._at - self._rows + 1)

    def _understood(self, reading: RuleReading | None) -> Line:
        text = self.input.value
        if self._refusal:
            return (("× ", "bad"), (self._refusal, "bad"))
        if self._accepting or (
            reading is not None and reading.text != text and self._at < 0 and reading.text == ""
        ):
            return (("  reading ...", "dim"),)
        if reading is None or not text.strip():
            return (("  Type what should be true; the list shows what there is.", "dim"),)
        if reading.words:
            made = f"   makes {', '.join(reading.makes)}" if reading.makes else ""
            return (("= ", "good"), (reading.words, "good"), (made, "dim"))
        return (("× ", "warning"), (reading.problem or "Not a rule yet.", "warning"))


def _cut(line: Line, width: int) -> Line:
    """The line, ended by two dots and filled to exactly that width."""
    kept: list[tuple[str, str]] = []
    room = width
    for text, tone in line:
        if cell_len(text) > room:
            kept.append((set_cell_size(text, max(0, room - 2)).rstrip() + ".." if room > 2 else "", tone))
            room = max(0, room - cell_len(kept[-1][0]))
            break
        kept.append((text, tone))
        room -= cell_len(text)
    return (*kept, (" " * room, ""))
