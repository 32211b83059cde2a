"""The windows of the Data area: forms that become jobs, and the check of a dataset."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import (
    BackUp,
    Command,
    DataReport,
    DatasetView,
    ExportDataset,
    GetReport,
    ImportFiles,
    VerifyData,
)
from tradebot.screens import formats
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Dialog
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.toggle import Toggle

__all__ = ["CheckDialog", "FormDialog", "ImportDialog", "WriteDialog"]

_MANY = 100
_LOOK_SECONDS = 0.1


class FormDialog(Dialog[int]):
    """A window with a few inputs that becomes a command; closes with the number of the job it started."""

    keys_text = "Tab field · Enter starts · Esc closes"
    checks_while_typing: ClassVar[bool] = True
    only_real_problems: ClassVar[bool] = (
        False  # no room is kept for what may be wrong: a long form fits low screens
    )

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
            note = Static("", id=f"{name}-problem", classes="problem", markup=False)
            note.display = not self.only_real_problems
            yield note

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
                note.display = bool(self._noted[name]) or not self.only_real_problems
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
        if self.value("category") not in {"", "linear", "inverse", "spot"}:
            found["category"] = "The category is linear, inverse or spot, or left empty."
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


class WriteDialog(FormDialog):
    """Where to write one dataset, or a backup of all of them."""

    checks_while_typing = False  # nothing to complain about while a path is being typed

    def __init__(self, dataset: DatasetView | None) -> None:
        super().__init__()
        self._dataset = dataset
        self.title_text = f"Export {dataset.symbol} {dataset.timeframe}" if dataset else "Back up all data"

    def compose_body(self) -> ComposeResult:
        """The path, and what is written."""
        if self._dataset is not None:
            yield from self.entry(
                "path", "File or folder", "", "a folder, or a file ending in .csv or .csv.gz"
            )
            what = f"{self._dataset.rows:,} rows ({formats.size_of(self._dataset.bytes)}) are copied as they are."
        else:
            yield from self.entry("path", "Archive", "", "a new file ending in .zip")
            held = formats.size_of(desk_of(self).latest.data_bytes)
            what = f"{held} of bars with everything beside them go into one archive, each file with its hash."
        yield Static(what, classes="hint", markup=False)
        yield Static("", id="refusal", classes="problem", markup=False)

    def problems(self) -> dict[str, str]:
        """Only what can be told without looking at the disk; the engine says the rest."""
        return {} if self._path() else {"path": "Name where to write it."}

    def _path(self) -> str:
        return self.value("path").strip("\"'")

    def command(self) -> Command:
        """Write what is filled in."""
        return (
            BackUp(self._path()) if self._dataset is None else ExportDataset(self._dataset.key, self._path())
        )


class CheckDialog(Dialog[str]):
    """Checks one dataset as a job and lists what was found; closing it leaves the job running. `g` repairs."""

    keys_text = "g repair · y copy · Esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "repair", "ask the exchange for what is wrong", id="check.repair"),
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
        self.query_one("#findings", LinesView).can_focus = True
        self.query_one("#findings", LinesView).focus()
        self._check()

    @errand("check")
    async def _check(self) -> None:
        view = self.query_one("#findings", LinesView)
        desk = desk_of(self)
        try:
            job_id = await desk.ask(VerifyData((self._dataset.key,)))
            while self.is_attached:
                job = next((each for each in desk.latest.jobs if each.job_id == job_id), None)
                if job is not None and job.state not in {"running", "queued"}:
                    break
                if job is not None and job.state == "queued":
                    view.show((((" Waits for its turn; it goes on when this is closed.", "dim"),),))
                await asyncio.sleep(_LOOK_SECONDS)
            if not self.is_attached:
                return
            if job is not None and job.state != "done":
                view.show([((text, "bad"),) for text in wrap(job.sentence or "It was stopped.", 64)])
                return
            view.show(self._lines(await desk.ask(GetReport(self._dataset.key))))
        except TradebotError as error:
            view.show([((text, "bad"),) for text in wrap(error.sentence, 64)])

    def _lines(self, report: DataReport) -> list[Line]:
        verdict: Line = (("Passed", "bold good"), (f"  {report.key}", "dim")) if report.passed else (
            ("Failed", "bold bad"), (f"  {report.key}", "dim"))  # fmt: skip
        lines: list[Line] = [verdict, ()]
        if not report.findings:
            lines.append(
                (self._GLYPHS["info"], (f"{self._dataset.rows:,} rows, nothing is wrong with them.", ""))
            )
        for level, sentence in report.findings[:_MANY]:
            glyph = self._GLYPHS.get(level, self._GLYPHS["info"])
            for number, text in enumerate(wrap(sentence, 62)):
                lines.append((glyph if number == 0 else ("    ", ""), (text, "")))
        if len(report.findings) > _MANY:
            more = f"    and {len(report.findings) - _MANY:,} more; `tradebot data check` lists all."
            lines.append(((more, "dim"),))
        return lines

    def action_repair(self) -> None:
        """Close, and ask the exchange for what is wrong."""
        self.dismiss("g")

    def action_copy(self) -> None:
        """Copy the findings."""
        self.app.copy_to_clipboard(self.query_one("#findings", LinesView).plain)
        self.app.notify("Copied the findings.", timeout=2)
