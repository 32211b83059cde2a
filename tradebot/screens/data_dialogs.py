"""The windows of the Data area: collect, import, details, check."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import CheckData, Collect, Command, DataReport, DatasetView, ImportFiles
from tradebot.screens import formats
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Dialog
from tradebot.screens.widgets import gauges
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.toggle import Toggle

__all__ = ["CheckDialog", "CollectDialog", "DatasetDialog", "ImportDialog"]

_SYMBOL_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-*?[]")
_BYTES_A_ROW = 56
_BARS_A_SECOND = 25_000.0
_MANY = 100


class FormDialog(Dialog[int]):
    """A window with a few inputs that becomes a command; closes with the number of the job it started."""

    keys_text = "Tab field · Enter starts · Esc closes"
    checks_while_typing: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._noted: dict[str, str] = {}
        self._sent = False

    def entry(self, name: str, label: str, value: str, hint: str) -> ComposeResult:
        """A labelled input with room for its problem below."""
        with Vertical(classes="entry"):
            with Horizontal(classes="entry-row"):
                yield Label(label, classes="entry-label")
                yield Input(value, placeholder=hint, compact=True, id=name, select_on_focus=False)
            yield Static("", id=f"{name}-problem", classes="problem", markup=False)

    def switch(self, name: str, label: str, value: bool, hint: str) -> ComposeResult:
        """A labelled switch."""
        with Horizontal(classes="entry entry-row"):
            yield Label(label, classes="entry-label")
            yield Toggle(value, id=name)
            yield Label(hint, classes="hint")

    def value(self, name: str) -> str:
        """What stands in an input."""
        return self.query_one(f"#{name}", Input).value.strip()

    def problems(self) -> dict[str, str]:
        """What is wrong, by the name of its input."""
        raise NotImplementedError

    def command(self) -> Command:
        """The command, once nothing is wrong."""
        raise NotImplementedError

    def refresh_notes(self) -> bool:
        """Write what is wrong below the inputs; True where all is well."""
        found = self.problems()
        for note in self.query(".problem").results(Static):
            name = (note.id or "").removesuffix("-problem")
            if name != "refusal" and self._noted.get(name, "") != found.get(name, ""):
                self._noted[name] = found.get(name, "")
                note.update(self._noted[name])  # lays the window out anew, so only where something changed
        return not found

    @on(Input.Changed)
    def edited(self) -> None:
        """Check while typing."""
        if self.checks_while_typing:
            self.refresh_notes()

    @on(Input.Submitted)
    @errand("form-dialog")
    async def submit(self) -> None:
        """Send the command, or show why the engine refuses it."""
        if self._sent:
            return  # a second Enter must not start a second job
        if not self.refresh_notes():
            first = next(iter(self.problems()))
            self.query_one(f"#{first}", Input).focus()
            return
        self._sent = True
        try:
            job = await desk_of(self).ask(self.command())
        except TradebotError as error:
            self._sent = False
            self.query_one("#refusal", Static).update(error.sentence)
            return
        self.dismiss(int(job))


class CollectDialog(FormDialog):
    """What to collect: symbols, timeframes, since when, and whether to stay on live."""

    title_text = "Collect candles"

    def __init__(self, symbol: str = "") -> None:
        super().__init__()
        self._symbol = symbol or "BTCUSDT ETHUSDT SOLUSDT"

    def compose_body(self) -> ComposeResult:
        """The inputs and what it will cost."""
        yield from self.entry("symbols", "Symbols", self._symbol, "BTCUSDT ETH* or all")
        yield from self.entry("timeframes", "Timeframes", "1m", "1m 5m 1h")
        yield from self.entry("since", "Since", "90d", "2024-01-01, or a span back such as 90d or 2y")
        yield from self.entry("category", "Category", "linear", "linear or spot")
        yield from self.switch("follow", "Follow live", True, "append each bar as it closes")
        yield LinesView(id="cost")
        yield Static("", id="refusal", classes="problem", markup=False)

    def on_mount(self) -> None:
        """Show the cost of what is filled in already."""
        super().on_mount()
        self.refresh_notes()

    def _symbols(self) -> tuple[str, ...]:
        words = self.value("symbols").replace(",", " ").split()
        return tuple("all" if word.lower() == "all" else word.upper() for word in words)

    def _timeframes(self) -> tuple[str, ...]:
        return tuple(self.value("timeframes").replace(",", " ").split())

    def problems(self) -> dict[str, str]:
        """Symbols, timeframes, date and category, each in its own words."""
        from tradebot.engine.market.timeframe import Timeframe
        from tradebot.engine.market.times import parse_time

        found: dict[str, str] = {}
        symbols = self._symbols()
        strange = [symbol for symbol in symbols if symbol != "all" and not set(symbol) <= _SYMBOL_CHARS]
        if not symbols:
            found["symbols"] = "Name at least one symbol, such as BTCUSDT, a pattern such as ETH*, or all."
        elif strange:
            found["symbols"] = f"{strange[0]} is no symbol; they look like BTCUSDT, patterns like ETH*."
        known = Timeframe.names()
        unknown = [frame for frame in self._timeframes() if frame not in known]
        if not self._timeframes():
            found["timeframes"] = f"Name at least one of {' '.join(known)}."
        elif unknown:
            found["timeframes"] = f"{unknown[0]} is no timeframe; they are {' '.join(known)}."
        now = desk_of(self).latest.time_ms
        try:
            if parse_time(self.value("since"), now) >= now:
                found["since"] = "That is not in the past."
        except ValueError:
            found["since"] = "Write a date such as 2024-01-01, or a span back such as 90d, 12h or 2y."
        if self.value("category") not in {"linear", "spot"}:
            found["category"] = "The category is linear or spot."
        return found

    def refresh_notes(self) -> bool:
        """Also say what it will cost."""
        well = super().refresh_notes()
        self.query_one("#cost", LinesView).show((self._cost(),) if well else ((("", ""),),))
        return well

    def _cost(self) -> Line:
        from tradebot.engine.market.timeframe import Timeframe
        from tradebot.engine.market.times import parse_time

        now = desk_of(self).latest.time_ms
        span_ms = now - parse_time(self.value("since"), now)
        symbols = self._symbols()
        if any(set(symbol) & set("*?[") or symbol == "all" for symbol in symbols):
            return (("About what the exchange lists for the pattern; the job says how much it is.", "dim"),)
        rows = sum(span_ms / max(60_000, Timeframe(frame).ms) for frame in self._timeframes()) * len(symbols)
        wait = formats.span(max(1.0, round(rows / _BARS_A_SECOND)))
        size = formats.size_of(rows * _BYTES_A_ROW)
        return ((f"about {formats.count(rows)} rows · {size} on disk · {wait} at full rate", "dim"),)

    def command(self) -> Collect:
        """Collect what is filled in."""
        return Collect(
            symbols=self._symbols(),
            timeframes=self._timeframes(),
            since=self.value("since"),
            follow=self.query_one("#follow", Toggle).value,
            category=self.value("category"),
        )


class ImportDialog(FormDialog):
    """Which files to import, and what their names do not say."""

    title_text = "Import CSV files"
    checks_while_typing = False  # nothing to complain about while a path is being typed

    def compose_body(self) -> ComposeResult:
        """The inputs."""
        yield from self.entry("path", "File or folder", "", "path of a .csv, .csv.gz or a folder of them")
        yield from self.entry("symbol", "Symbol", "", "empty: taken from the file's name")
        yield from self.entry("timeframe", "Timeframe", "", "empty: taken from the file's name")
        yield from self.entry("category", "Category", "", "empty: taken from the path, else linear")
        yield from self.entry("clock", "Clock", "", "MetaTrader only: its distance to UTC, such as +03:00")
        yield Static(
            "Read are this program's own layout, Binance kline files and MetaTrader exports.",
            classes="hint",
            markup=False,
        )
        yield Static("", id="refusal", classes="problem", markup=False)

    def problems(self) -> dict[str, str]:
        """Only what can be told without reading the file; the engine says the rest."""
        found: dict[str, str] = {}
        if not self._path():
            found["path"] = "Name a file or a folder."
        if self.value("category") not in {"", "linear", "spot"}:
            found["category"] = "The category is linear or spot, or left empty."
        return found

    def _path(self) -> str:
        return self.value("path").strip("\"'")

    def command(self) -> ImportFiles:
        """Import what is filled in."""
        return ImportFiles(
            paths=(self._path(),),
            category=self.value("category"),
            symbol=self.value("symbol").upper(),
            timeframe=self.value("timeframe"),
            clock=self.value("clock"),
        )


class DatasetDialog(Dialog[str]):
    """The exact figures of one dataset."""

    keys_text = "v verify · y copy · Esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "answer('v')", "verify", id="dataset.verify"),
        Binding("y", "copy", "copy", id="dataset.copy"),
        Binding("enter", "close", "close", show=False, id="dataset.close"),
    ]

    def __init__(self, dataset: DatasetView) -> None:
        super().__init__()
        self._dataset = dataset
        self.title_text = f"{dataset.symbol} {dataset.timeframe} · {dataset.category}"

    def compose_body(self) -> ComposeResult:
        """Figures, then the coverage with its dates."""
        dataset = self._dataset
        rows = (
            ("first bar", f"{formats.minute(dataset.first_ms)} UTC"),
            ("last bar", f"{formats.minute(dataset.last_ms)} UTC"),
            ("rows", f"{dataset.rows:,}"),
            (
                "gaps",
                f"{dataset.gaps:,} with {dataset.missing_bars:,} bars missing" if dataset.gaps else "none",
            ),
            ("size", f"{dataset.bytes:,} bytes ({formats.size_of(dataset.bytes)})"),
            ("state", f"{dataset.state}{': ' + dataset.note if dataset.note else ''}"),
            ("file", f"{desk_of(self).latest.data_folder} · {dataset.key}"),
        )
        lines: list[Line] = [((f" {name:<10}", "dim"), (text, "")) for name, text in rows]
        strip = gauges.coverage(dataset.coverage, dataset.state)
        lines.append(())
        lines.append(((" coverage  ", "dim"), *strip))
        ends = f"{formats.day(dataset.coverage_from_ms):<{max(9, len(dataset.coverage) - 8)}}now"
        lines.append(((" " * 11, ""), (ends, "dim")))
        worst = [n for n, share in enumerate(dataset.coverage) if 0 < share < 0.9995]
        if worst:
            lines.append(
                ((f" {formats.plural(len(worst), 'part')} of {len(dataset.coverage)} not complete", "dim"),)
            )
        yield LinesView(lines, id="dataset-figures")

    def action_answer(self, answer: str) -> None:
        """Close and go on with that verb."""
        self.dismiss(answer)

    def action_copy(self) -> None:
        """Copy the figures."""
        self.app.copy_to_clipboard(self.query_one("#dataset-figures", LinesView).plain)
        self.app.notify("Copied the figures.", timeout=2)


class CheckDialog(Dialog[None]):
    """Checks one dataset and lists what was found."""

    keys_text = "y copy · Esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy", id="check.copy"),
        Binding("enter", "close", "close", show=False, id="check.close"),
    ]
    _GLYPHS: ClassVar[dict[str, tuple[str, str]]] = {
        "info": ("ok  ", "good"), "warning": ("!   ", "warning"), "failure": ("×   ", "bad"),
    }  # fmt: skip

    def __init__(self, dataset: DatasetView) -> None:
        super().__init__()
        self._dataset = dataset
        self.title_text = f"Check of {dataset.symbol} {dataset.timeframe}"

    def compose_body(self) -> ComposeResult:
        """One line until the answer is there."""
        yield LinesView((((f" Reading {self._dataset.rows:,} rows ...", "dim"),),), id="findings")

    def on_mount(self) -> None:
        """Ask the engine."""
        super().on_mount()
        self._check()

    @errand("check")
    async def _check(self) -> None:
        view = self.query_one("#findings", LinesView)
        try:
            report = await desk_of(self).ask(CheckData(self._dataset.key))
        except TradebotError as error:
            view.show([((text, "bad"),) for text in wrap(error.sentence, 64)])
            return
        view.show(self._lines(report))

    def _lines(self, report: DataReport) -> list[Line]:
        verdict: Line = (("Passed", "bold good"), (f"  {report.key}", "dim")) if report.passed else (
            ("Failed", "bold bad"), (f"  {report.key}", "dim"))  # fmt: skip
        lines: list[Line] = [verdict, ()]
        for level, sentence in report.findings[:_MANY]:
            glyph = self._GLYPHS.get(level, self._GLYPHS["info"])
            for number, text in enumerate(wrap(sentence, 62)):
                lines.append((glyph if number == 0 else ("    ", ""), (text, "")))
        if len(report.findings) > _MANY:
            lines.append(
                ((f"    and {len(report.findings) - _MANY:,} more; `tradebot data check` lists all.", "dim"),)
            )
        return lines

    def action_copy(self) -> None:
        """Copy the findings."""
        self.app.copy_to_clipboard(self.query_one("#findings", LinesView).plain)
        self.app.notify("Copied the findings.", timeout=2)
