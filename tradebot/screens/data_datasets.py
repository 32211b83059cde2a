"""The pane of the Data area about what is on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tradebot.engine.messages import DatasetView, EngineSnapshot
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.data_empty import empty_lines
from tradebot.screens.remembering import Kept, Value
from tradebot.screens.widgets import gauges
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, Part, wrap
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["DatasetsPane"]

_DAY_MS = 86_400_000
_STEPS_MS = {
    name: minutes * 60_000
    for name, minutes in (
        ("1m", 1), ("3m", 3), ("5m", 5), ("15m", 15), ("30m", 30), ("1h", 60), ("2h", 120), ("4h", 240),
        ("6h", 360), ("12h", 720), ("1d", 1440), ("1w", 10_080),
    )
}  # fmt: skip
_FULL, _PARTLY = ("●", "live"), ("◐", "primary")
_LEGEND: Line = (
    ("▇", "up"), (" complete  ", "dim"), ("▓", "warning"), (" gap inside  ", "dim"), ("▒", "primary"),
    (" downloading  ", "dim"), ("░", "line"), (" not collected  ", "dim"), ("×", "bad"), (" failed", "dim"),
)  # fmt: skip
# What the table can be sorted by, in the order in which `s` goes through them.
_SORTS: tuple[tuple[str, Callable[[DatasetView], Any]], ...] = (
    ("name", lambda each: each.key),
    ("gaps, most first", lambda each: -each.missing_bars),
    ("rows, most first", lambda each: -each.rows),
    ("last bar, oldest first", lambda each: each.last_ms),
)


class DatasetsTable(VirtualTable[DatasetView], inherit_bindings=False):
    """The table of datasets, in which g fills gaps instead of going to the first row; Enter needs a row to open."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter in an empty table is the area's."""
        return bool(self.rows) if action == "choose" else super().check_action(action, parameters)

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", each.action, each.description, show=False, id=each.id)
        if "g" in each.key.split(",")
        else each
        for each in VirtualTable.BINDINGS
        if isinstance(each, Binding)
    ]


class DatasetsPane(Pane):
    """All datasets with their coverage; file, gaps and last check of the selected one below."""

    HELP = (
        "One row for each file of bars. All strips of COVERAGE show the same time, from the oldest bar (two years "
        "at most) to now: a full block is complete, a shaded one has gaps inside, a dotted one was not collected.\n\n"
        "At the end of a row: ● followed live, ◐ being collected or behind, ○ as it was left, × failed.\n\n"
        "Data is collected once and stays; collecting again asks only for what is missing. Enter shows a dataset "
        "day by day with its exact gaps, g asks the exchange for them, v checks every row."
    )
    label = "Datasets"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear_filter", "clear the filter", show=False, id="datasets.clear"),
    ]

    def __init__(self) -> None:
        super().__init__(id="datasets-pane", classes="pane")
        self._snapshot = EngineSnapshot()
        self._filter = ""
        self._sort = 0
        self._shown_of: tuple[object, ...] = ()
        self._shown: tuple[DatasetView, ...] = ()
        self._kept: tuple[DatasetView, ...] = ()

    def compose(self) -> ComposeResult:
        """Filter, table, detail lines."""
        yield Input(
            placeholder="part of a symbol, timeframe or state",
            compact=True,
            id="dataset-filter",
            classes="filter",
        )
        yield DatasetsTable(
            (
                Column("SYMBOL", 9),
                Column("TF", 4),
                Column("FROM", 8, drop=3),
                Column("LAST", 14, drop=1),
                Column("ROWS", 6, right=True),
                Column("GAPS", 4, right=True),
                Column("SIZE", 7, right=True, drop=4),
                Column("COVERAGE", 24, drop=2, grow=True),
                Column("ST", 2),
            ),
            self._cells,
            lambda dataset: dataset.key,
            id="datasets",
        )
        yield LinesView(id="dataset-detail")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Datasets")

    def focus_target(self) -> VirtualTable[DatasetView]:
        """The table, not the filter above it."""
        return self.table

    @property
    def table(self) -> VirtualTable[DatasetView]:
        """The table of datasets."""
        return self.query_one("#datasets", VirtualTable)

    @property
    def current(self) -> DatasetView | None:
        """The dataset under the cursor."""
        return self.table.current

    @property
    def tab_note(self) -> str:
        """How many there are."""
        return str(len(self._snapshot.datasets))

    # ------------------------------------------------------------------------------------------ drawing

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw the datasets of a snapshot; they are filtered and sorted anew only where something changed."""
        self._snapshot = snapshot
        wanted = (id(snapshot.datasets), len(snapshot.datasets), self._filter, self._sort)
        if wanted != self._shown_of:
            self._shown_of = wanted
            self._kept = snapshot.datasets  # holds what its id stands for
            self._shown = self._chosen(snapshot.datasets)
            self._caption()
        empty: tuple[Line, ...] = ()
        if not self._shown:
            size = self.table.size
            nothing: tuple[Line, ...] = (
                (),
                (
                    (f'  No dataset matches "{self._filter}". ', "dim"),
                    ("Esc", "key"),
                    (" shows all again.", "dim"),
                ),
            )
            empty = nothing if snapshot.datasets else empty_lines(snapshot, size.width, size.height)
        self.table.show(self._shown, empty=empty)
        self._show_detail()

    def _chosen(self, datasets: tuple[DatasetView, ...]) -> tuple[DatasetView, ...]:
        words = self._filter.lower().split()
        if words:
            datasets = tuple(
                each for each in datasets if all(word in f"{each.key} {each.state}".lower() for word in words)
            )
        return datasets if self._sort == 0 else tuple(sorted(datasets, key=_SORTS[self._sort][1]))

    def _caption(self) -> None:
        shown, total = self._shown, len(self._snapshot.datasets)
        title = "Datasets" + (f" · {self._filter}" if self._filter else "")
        title += f" · by {_SORTS[self._sort][0]}" if self._sort else ""
        filtered = f" of {total}" if self._filter else ""
        count = formats.plural(total, "dataset") if not filtered else f"{len(shown)}{filtered} datasets"
        rows = formats.count(sum(each.rows for each in shown))
        held = formats.size_of(sum(each.bytes for each in shown))
        self.caption(title, f"{count} · {rows} rows · {held}" if total else "0 datasets")
        if shown:
            span = max(each.coverage_to_ms - each.coverage_from_ms for each in shown)
            self.table.retitle("COVERAGE", f"COVERAGE {_length(span)}" if span > 0 else "COVERAGE")

    def _cells(self, dataset: DatasetView) -> tuple[Cell, ...]:
        gaps: Cell = (str(dataset.gaps), "warning") if dataset.gaps else ("0", "dim")
        if not dataset.rows or not dataset.exact:
            gaps = ("-", "dim")
        return (
            (dataset.symbol, "bold"),
            (dataset.timeframe + ("M" if dataset.mark else ""), ""),
            (formats.day(dataset.first_ms) if dataset.rows else "--", ""),
            self._last(dataset),
            formats.count(dataset.rows),
            gaps,
            formats.size_of(dataset.bytes),
            gauges.coverage(dataset.coverage or (0.0,) * 24, dataset.state, self.table.width_of("COVERAGE")),
            self._state(dataset),
        )

    def _behind(self, dataset: DatasetView) -> bool:
        """Whether a followed dataset has fallen behind its stream."""
        step_ms = _STEPS_MS.get(dataset.timeframe, _DAY_MS)
        return self._snapshot.time_ms - dataset.last_ms > 2 * step_ms + 15_000

    def _last(self, dataset: DatasetView) -> Cell:
        """When the last bar opened, and what that means: live, how long ago, how far it is, or what went wrong."""
        match dataset.state:
            case "collecting":
                return (
                    dataset.note if dataset.note == "queued" else f"d'load {dataset.note}".strip(),
                    "primary",
                )
            case "error":
                return ("failed", "bad")
        if not dataset.rows:
            return ("--", "dim")
        ago_ms = self._snapshot.time_ms - dataset.last_ms
        clock = f"{formats.moment(dataset.last_ms):%H:%M}"
        if dataset.state == "live":
            if not self._behind(dataset):
                return ((f"{clock} ", ""), ("live", "live"))
            return ((f"{clock} ", "stale"), (f"-{formats.span(ago_ms / 1000)}", "warning"))
        when = clock if ago_ms < _DAY_MS else formats.day(dataset.last_ms)
        return (f"{when} -{formats.span(ago_ms / 1000)}", "stale" if ago_ms > _DAY_MS else "")

    def _state(self, dataset: DatasetView) -> Part:
        match dataset.state:
            case "live":
                return _FULL if not self._behind(dataset) else ("◐", "warning")
            case "collecting":
                return ("○", "dim") if dataset.note == "queued" else _PARTLY
            case "error":
                return ("×", "bad")
            case _:
                return ("○", "dim")

    @on(VirtualTable.Moved, "#datasets")
    def _show_detail(self) -> None:
        dataset = self.current
        detail = self.query_one("#dataset-detail", LinesView)
        detail.display = dataset is not None
        if dataset is not None:
            detail.show((*self._detail(dataset), _LEGEND))

    def _detail(self, dataset: DatasetView) -> list[Line]:
        width = max(30, self.size.width - 4)
        name = f"{dataset.symbol} {dataset.timeframe}{' mark price' if dataset.mark else ''}  "
        if dataset.note and dataset.state == "error":
            lines = wrap(f"{name}{dataset.note}", width)[:2]
            return [((text, "bad"),) for text in lines]
        figures = [f"{dataset.rows:,} rows"] if dataset.rows else ["no bars yet"]
        if dataset.rows and not dataset.exact:
            figures = [f"about {dataset.rows:,} rows, being counted"]
        elif dataset.gaps:
            bars = formats.plural(dataset.missing_bars, "bar")
            figures.append(f"{formats.plural(dataset.gaps, 'gap')}, {bars} missing")
        elif dataset.rows:
            figures.append("no gap")
        if dataset.verified_ms:
            when = _when(dataset.verified_ms, self._snapshot.time_ms)
            since = ", changed since" if dataset.changed_since else ""
            figures.append(f"{dataset.verdict} the check {when}{since}")
        elif dataset.rows:
            figures.append("not verified yet")
        file = dataset.file if len(dataset.file) <= width else f"..{dataset.file[2 - width :]}"
        return [((name, "bold"), (" · ".join(figures), "dim")), ((file, "dim"),)]

    def copy_text(self) -> str:
        """The selected dataset as a line."""
        dataset = self.current
        if dataset is None:
            return ""
        if not dataset.rows:
            return f"{dataset.key}: no bars yet"
        span = f"{formats.minute(dataset.first_ms)} to {formats.minute(dataset.last_ms)} UTC"
        gaps = f"{dataset.gaps} gaps, {dataset.missing_bars} bars missing"
        note = f". {dataset.note}" if dataset.note else ""
        return f"{dataset.key}: {dataset.rows} rows, {span}, {gaps}{note}"

    # ------------------------------------------------------------------------------------------ order and filter

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc is for the filter while there is one."""
        if action == "clear_filter":
            return self.query_one("#dataset-filter", Input).has_class("-open")
        return super().check_action(action, parameters)

    def remembered(self) -> dict[str, Value]:
        """Filter, order and the selected dataset."""
        key = self.table.cursor_key
        return {
            "filter": self._filter,
            "sort": _SORTS[self._sort][0],
            "dataset": "" if key is None else str(key),
        }

    def remember(self, kept: Kept) -> None:
        """Take them up."""
        self._filter = kept.text("filter")
        names = [name for name, _ in _SORTS]
        self._sort = names.index(kept.text("sort")) if kept.text("sort") in names else 0
        entry = self.query_one("#dataset-filter", Input)
        with self.prevent(Input.Changed):
            entry.value = self._filter
        entry.set_class(bool(self._filter), "-open")
        if kept.text("dataset"):
            self.table.await_row(kept.text("dataset"))

    def sort_next(self) -> None:
        """Sort by the next thing."""
        self._sort = (self._sort + 1) % len(_SORTS)
        self.apply(self._snapshot)
        self.table.move_to(0)

    def open_filter(self) -> None:
        """Show the filter and type into it."""
        entry = self.query_one("#dataset-filter", Input)
        entry.add_class("-open")
        entry.focus()

    @on(Input.Changed, "#dataset-filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self._filter = event.value
        self.apply(self._snapshot)

    @on(Input.Submitted, "#dataset-filter")
    def _filter_done(self) -> None:
        entry = self.query_one("#dataset-filter", Input)
        entry.set_class(bool(entry.value), "-open")
        self.table.focus()

    def action_clear_filter(self) -> None:
        """Show all datasets again."""
        entry = self.query_one("#dataset-filter", Input)
        entry.value = ""
        entry.remove_class("-open")
        self.table.focus()


def _length(span_ms: int) -> str:
    """The time a strip shows: `24 months`, `45 days`, `6 hours`."""
    if span_ms >= 60 * _DAY_MS:
        return f"{round(span_ms / _DAY_MS / 30.44)} months"
    if span_ms >= 2 * _DAY_MS:
        return f"{round(span_ms / _DAY_MS)} days"
    return f"{max(1, round(span_ms / 3_600_000))} hours"


def _when(time_ms: int, now_ms: int) -> str:
    same_day = formats.day(time_ms) == formats.day(now_ms)
    return f"at {formats.moment(time_ms):%H:%M}" if same_day else f"on {formats.minute(time_ms)}"
