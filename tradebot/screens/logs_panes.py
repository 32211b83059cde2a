"""The panes of the Logs area: the records with their filters, and one record with what can be done about it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from textual.app import ComposeResult
from textual.widgets import Input, Static

from tradebot.engine.messages import LogAdvice, LogPage, LogRecord
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.frame import OneLine
from tradebot.screens.remembering import Kept, Value
from tradebot.screens.widgets.fixed_input import FixedInput
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.log_view import LogView
from tradebot.screens.widgets.palette import Line, Part, spread, wrap

__all__ = ["Filters", "RecordPane", "RecordsPane"]

_LEVELS = ("debug", "info", "warning", "error")
_SINCE = (("always", 0), ("1 hour", 3_600_000), ("1 day", 86_400_000), ("1 week", 604_800_000))
_LABEL = 17
_NARROW = 100


@dataclass(frozen=True, slots=True)
class Filters:
    """What is shown: the least level, a component ("" all), the last so much of the time; and what is searched."""

    level: str = "debug"
    component: str = ""
    span: int = 0
    search: str = ""

    def next_level(self) -> Filters:
        """From the next level on; behind errors alone, everything again."""
        return replace(self, level=_LEVELS[(_LEVELS.index(self.level) + 1) % len(_LEVELS)])

    def next_since(self) -> Filters:
        """The next span of time."""
        return replace(self, span=(self.span + 1) % len(_SINCE))

    def remembered(self) -> dict[str, Value]:
        """All but the search, which was for a moment."""
        return {"level": self.level, "component": self.component, "since": self.since_words}

    @classmethod
    def kept(cls, values: Kept) -> Filters:
        """The filters that were remembered."""
        spans = [words for words, _ in _SINCE]
        level, since = values.text("level"), values.text("since")
        return cls(
            level if level in _LEVELS else _LEVELS[0],
            values.text("component"),
            spans.index(since) if since in spans else 0,
        )

    def of(self, component: str) -> Filters:
        """That component."""
        return replace(self, component=component)

    def searching(self, text: str) -> Filters:
        """That search."""
        return replace(self, search=text.strip())

    def since_ms(self, now_ms: int) -> int:
        """The oldest moment to show, 0 for all."""
        span_ms = _SINCE[self.span][1]
        return now_ms - span_ms if span_ms else 0

    @property
    def since_words(self) -> str:
        """The span of time as it is shown."""
        return _SINCE[self.span][0]


class FilterBar(OneLine):
    """The filters in one row: levels that are shown, component, time."""

    def show(self, filters: Filters, note: str = "") -> None:
        """Draw them, and a note at the right end."""
        parts: list[Part] = [(" ", "")]
        least = _LEVELS.index(filters.level)
        for number, (level, word) in enumerate(zip(_LEVELS, ("DEBUG", "INFO", "WARN", "ERROR"), strict=True)):
            tone = {"warning": "badge-warning", "error": "badge-error"}.get(level, "badge-primary")
            parts += [
                (f" {word} " if number >= least else f"({word})", tone if number >= least else "dim"),
                (" ", ""),
            ]
        wide = self.size.width >= _NARROW
        parts += [("  component " if wide else " ", "dim"), (filters.component or "all", "bold")]
        parts += [("   since " if wide else " · ", "dim"), (filters.since_words, "bold")]
        self.line = spread(tuple(parts), ((f" {note} " if note else "", "dim"),), self.size.width)


class RecordsPane(Pane):
    """All records, the newest below."""

    HELP = (
        "What tradebot did and what went wrong, of every tradebot of this user, from the log files of the last days. "
        "The newest record is below and is followed; moving up stays where you are and counts what comes below.\n\n"
        "/ searches: records that hold all words are marked with a bar, n and N go from one to the next; /.../ between "
        "slashes is a regular expression. l shows from the next level on, c one component, s a shorter time.\n\n"
        "API keys, signatures and passwords are hidden before anything is written. `tradebot logs` shows the same."
    )
    label = "Log"

    def __init__(self) -> None:
        super().__init__(id="records-pane", classes="pane")
        self._page: LogPage | None = None
        self._filters = Filters()
        self._note = ""

    def compose(self) -> ComposeResult:
        """Filters, search, records."""
        yield FilterBar(id="log-filters")
        yield FixedInput(
            placeholder="words to find, or /expression/", compact=True, id="log-search", classes="filter"
        )
        yield Static("", id="log-problem", classes="problem", markup=False)
        yield LogView(id="log")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Log")
        self.query_one("#log-problem").display = False
        self.view.show((), (), empty=((), ((" Reading the log ...", "dim"),)))

    @property
    def view(self) -> LogView:
        """The records."""
        return self.query_one(LogView)

    def focus_target(self) -> LogView:
        """The records, not the search above them."""
        return self.view

    @property
    def tab_note(self) -> str:
        """How many there are."""
        return formats.count(len(self.view.records)) if self.is_mounted and self._page is not None else ""

    # ------------------------------------------------------------------------------------------ drawing

    def take(self, page: LogPage, filters: Filters, *, anew: bool) -> None:
        """Show the records of a page: all there are, or those that came since."""
        before, self._page = self._page, page
        if anew:
            self.view.show(page.records, page.matches, empty=self._empty(page, filters))
            if filters.search and page.matches and not self.view.match_number():
                self.view.next_match(-1)
        else:
            self.view.extend(page.records, page.matches)
        self.show_problem(page.problem)
        if anew or before is None or page.newest != before.newest:
            self.caption_counts()

    def _empty(self, page: LogPage, filters: Filters) -> tuple[Line, ...]:
        if page.total:
            return (
                (),
                ((" No record is like that.", "bold"),),
                ((" l ", "key"), ("shows other levels, ", ""), ("c ", "key"), ("other components, ", ""),
                 ("s ", "key"), (f"a longer time than {filters.since_words}.", "")),
            )  # fmt: skip
        return (
            (),
            ((" Nothing is logged yet.", "bold"),),
            (),
            ((" Records appear here as tradebot works: connections, collections, backtests, failures.", ""),),
            ((" Start one in Data with ", ""), ("2", "key"), (" and then ", ""), ("n", "key"), (".", "")),
            (),
            ((f" {page.folder}", "dim"),),
        )

    def caption_counts(self) -> None:
        """Write on the border how many there are, how many were found, and whether the newest is followed."""
        page, view = self._page, self.view
        if page is None:
            return
        room = max(20, self.size.width - 14)
        folder = page.folder if len(page.folder) <= room else f"..{page.folder[2 - room :]}"
        shown = len(view.records)
        counts = (
            formats.plural(page.total, "record")
            if shown == page.total
            else f"{shown:,} of {page.total:,} records"
        )
        parts = [counts, formats.plural(page.errors, "error")]
        if view.matches:
            at = view.match_number()
            parts.insert(
                1, f"{at:,} of {len(view.matches):,} found" if at else f"{len(view.matches):,} found"
            )
        if view.following:
            parts.append("following")
        elif view.unseen:
            parts.append(f"{view.unseen:,} new below · G follows")
        else:
            parts.append("stopped · G follows")
        self.caption(f"Log · {folder}", " · ".join(parts))
        self._note = parts[-1] if not view.matches else parts[1]
        self.show_filters(self._filters)

    def show_filters(self, filters: Filters) -> None:
        """Draw the row of filters; where there is no border to write on, with what matters most of the counts."""
        self._filters = filters
        self.query_one(FilterBar).show(filters, self._note if self.app.size.width < _NARROW else "")

    def on_resize(self) -> None:
        """Draw the row for the new width."""
        self.show_filters(self._filters)

    def show_problem(self, sentence: str) -> None:
        """Say below the filters why something is not shown or not written; an empty one takes it away."""
        line = self.query_one("#log-problem", Static)
        if line.display != bool(sentence) or sentence != str(line.content):
            line.update(sentence)
            line.display = bool(sentence)

    # ------------------------------------------------------------------------------------------ searching

    def open_search(self) -> None:
        """Show the search and type into it."""
        entry = self.query_one("#log-search", Input)
        entry.add_class("-open")
        entry.focus()

    @property
    def searching(self) -> bool:
        """Whether the search is open."""
        return self.query_one("#log-search", Input).has_class("-open")

    def end_search(self) -> None:
        """Back to the records; an empty search goes."""
        entry = self.query_one("#log-search", Input)
        entry.set_class(bool(entry.value), "-open")
        self.view.focus()

    def close_search(self) -> None:
        """Forget the search."""
        self.query_one("#log-search", Input).value = ""
        self.end_search()


class RecordPane(Pane):
    """The record under the cursor in full."""

    HELP = (
        "The record under the cursor: what happened, what tradebot did about it by itself, what you can do, and "
        "further details such as a traceback. y copies all of it, for a report."
    )
    label = "Record"

    def __init__(self) -> None:
        super().__init__(id="record-pane", classes="pane")
        self._record: LogRecord | None = None
        self._told = LogAdvice(0)

    def compose(self) -> ComposeResult:
        """The lines."""
        yield LinesView(id="record")

    def on_mount(self) -> None:
        """Name the pane; it can be scrolled."""
        self.caption("Record")
        self.query_one(LinesView).can_focus = True

    def clear(self) -> None:
        """There is no record."""
        self._record, self._told = None, LogAdvice(0)
        self.caption("Record", "")
        self.query_one(LinesView).show(())

    def show(self, record: LogRecord) -> bool:
        """Show a record; True where it is another one, which has yet to be explained."""
        if self._record is not None and record.sequence == self._record.sequence:
            return False
        self._record, self._told = record, LogAdvice(record.sequence)
        moment = formats.moment(record.time_ms)
        when = f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}Z"
        self.caption(f"{record.level.upper()} {when} {record.component}", f"record {record.sequence:,}")
        self._draw()
        self.query_one(LinesView).scroll_home(animate=False)
        return True

    def explain(self, told: LogAdvice) -> None:
        """Show what happened, what we did, what can be done, unless another record is shown by now."""
        if self._record is not None and told.sequence == self._record.sequence:
            self._told = told
            self._draw()

    def on_resize(self) -> None:
        """Wrap for the new width."""
        self._draw()

    def _draw(self) -> None:
        record = self._record
        if record is None:
            return
        width = max(30, self.size.width - 3 - _LABEL)
        lines: list[Line] = []
        answers: tuple[tuple[str, str, str], ...] = (
            ("What happened", self._told.happened or record.sentence, "text"),
            ("What we did", self._told.did, "text"),
            ("What you can do", self._told.can_do, "accent"),
        )
        for label, text, tone in answers:
            if text:
                lines += _labelled(label, text, width, tone)
        if self._told.happened not in {"", record.sentence}:
            lines += _labelled("As logged", record.sentence, width, "dim")
        if record.details:
            lines.append(())
            lines += [((text.replace("\t", "    "), "dim"),) for text in record.details.splitlines()]
        self.query_one(LinesView).show(lines)

    def copy_text(self) -> str:
        """The record as JSON, with what can be done about it."""
        record = self._record
        if record is None:
            return ""
        document = {
            "time": f"{formats.moment(record.time_ms).isoformat(timespec='milliseconds')}",
            "level": record.level,
            "component": record.component,
            "sentence": record.sentence,
            "did": self._told.did,
            "can_do": self._told.can_do,
            "details": record.details,
        }
        return json.dumps({name: text for name, text in document.items() if text}, ensure_ascii=False)


def _labelled(label: str, text: str, width: int, tone: str) -> list[Line]:
    """A question and its answer, wrapped beside it."""
    texts = [line for paragraph in text.splitlines() for line in wrap(paragraph, width)]
    return [
        ((f"{label if number == 0 else '':<{_LABEL}}", "dim"), (line, tone))
        for number, line in enumerate(texts)
    ]
