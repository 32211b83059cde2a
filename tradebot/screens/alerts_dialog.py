"""The window of the alerts: what is watched, what it told, and the keys that add, snooze, switch and remove."""

from __future__ import annotations

import re
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tradebot.engine.messages import (
    AlertsView,
    AlertView,
    ArmAlert,
    GetAlerts,
    RemoveAlert,
    SnoozeAlert,
    TellExample,
    ToldView,
)
from tradebot.screens import formats
from tradebot.screens.alert_form import AlertForm, kind_choices
from tradebot.screens.area import write_subtitle
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Confirm, Dialog
from tradebot.screens.pickers import Choice, PickDialog
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["AlertsDialog", "state_cell"]

_LOOK_SECONDS = 0.25
_KEYS_FIT = 108
_UNTIL_ARMED = "off"
_SNOOZES = (
    Choice("15", "15 minutes"),
    Choice("60", "1 hour"),
    Choice("240", "4 hours"),
    Choice("1440", "1 day"),
    Choice(_UNTIL_ARMED, "until armed again", "Space arms it"),
)
_MINUTES = re.compile(r"([1-9][0-9]{0,5})\s*(m|h|d|minutes?|hours?|days?)?")
_KEYS = "n new · Enter change · z snooze · Space on/off · Del remove · Tab history · t example · y copy"
_KEYS_NARROW = "n new · z snooze · Space on/off · Del remove · Tab history · y copy"
_KEYS_HISTORY = "Tab alerts · y copy · Esc closes"
_EMPTY: tuple[Line, ...] = (
    (),
    (("  No alerts yet. ", "bold"),),
    (),
    (("  n  ", "key"), ("add one: a price, an indicator's rule, a strategy's signal, a silent feed,", "")),
    (("     a gap, a job that ends, a disk that gets full", ""),),
    (("  a  ", "key"), ("on the chart: at the price under the cursor", "")),
)
_NOTHING_TOLD: tuple[Line, ...] = ((), (("  Nothing was told yet.", "dim"),))


def state_cell(view: AlertView) -> Cell:
    """`● armed`, `z until 14:30` or `○ off`: a sign and a word, not the colour alone."""
    if view.state == "snoozed":
        return (f"z until {formats.short_minute(view.snoozed_until_ms)}", "warning")
    return ("● armed", "good") if view.state == "armed" else ("○ off", "dim")


class AlertsDialog(Dialog[None]):
    """All alerts with their state, and what they told. With a symbol it opens the form of a price alert on it."""

    title_text = "Alerts"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "new", id="alerts.new"),
        Binding("z", "snooze", "snooze", id="alerts.snooze"),
        Binding("space", "switch", "on/off", id="alerts.switch"),
        Binding("delete,x", "remove", "remove", id="alerts.remove"),
        Binding("tab", "other_tab", "history", id="alerts.tab", priority=True),
        Binding("t", "example", "example", id="alerts.example"),
        Binding("y", "copy", "copy", id="alerts.copy"),
    ]

    def __init__(self, symbol: str = "", price: str = "") -> None:
        super().__init__()
        self._symbol = symbol
        self._price = price
        self._history: tuple[ToldView, ...] = ()
        self._problem = ""
        self._wanted = ""
        self._shown: tuple[object, ...] = ()
        self._seen: tuple[AlertView, ...] | None = None

    def compose_body(self) -> ComposeResult:
        """The tabs, both tables, and what there is to say about the row under the cursor."""
        yield LinesView(id="alert-tabs")
        yield VirtualTable[AlertView](
            (
                Column("STATE", 19),
                Column("WHEN", 20, grow=True),
                Column("TOLD", 5, right=True),
                Column("LAST", 11, drop=1),
            ),
            _cells,
            lambda view: view.name,
            id="alerts",
        )
        yield VirtualTable[ToldView](
            (Column("TIME (UTC)", 11), Column("ALERT", 18, drop=1), Column("WHAT WAS TOLD", 20, grow=True)),
            lambda told: (formats.short_minute(told.time_ms), (told.name, "dim"), told.sentence),
            lambda told: (told.time_ms, told.name, told.sentence),
            id="told",
        )
        yield LinesView(id="alert-detail")

    def on_mount(self) -> None:
        """Show what is known, ask for the history, and follow the engine."""
        super().on_mount()
        self._told.display = False
        self._alerts.focus()
        self._follow()
        self.set_interval(_LOOK_SECONDS, self._follow)
        if self._symbol:
            self.call_after_refresh(self._open_form, "price")

    # ------------------------------------------------------------------------------------------ what is shown

    @property
    def _alerts(self) -> VirtualTable[AlertView]:
        return self.query_one("#alerts", VirtualTable)

    @property
    def _told(self) -> VirtualTable[ToldView]:
        return self.query_one("#told", VirtualTable)

    @property
    def _in_history(self) -> bool:
        return bool(self._told.display)

    @property
    def current(self) -> AlertView | None:
        """The alert under the cursor, None in the history and where there is none."""
        view = self._alerts.current
        return view if isinstance(view, AlertView) and not self._in_history else None

    def _follow(self) -> None:
        """Take what the engine sees now; the history is asked for again where something was told."""
        alerts = desk_of(self).latest.alerts
        if alerts != self._seen:
            self._seen = alerts
            self._ask()
        self._draw()

    @errand("alerts", exclusive=True)
    async def _ask(self) -> None:
        answer: AlertsView = await desk_of(self).ask(GetAlerts())
        if self.is_attached:
            self._history, self._problem = answer.history, answer.problem
            self._seen_by_engine(answer.alerts)

    def _seen_by_engine(self, alerts: tuple[AlertView, ...]) -> None:
        """What the file says now is newer than the snapshot that is drawn."""
        self._alerts.show(alerts, empty=_EMPTY)
        self._told.show(self._history, empty=_NOTHING_TOLD)
        place = next((n for n, view in enumerate(alerts) if view.name == self._wanted), None)
        if place is not None:
            self._wanted = ""
            self._alerts.move_to(place)
        self._draw()

    def _draw(self) -> None:
        """Tabs, detail and keys, as far as they changed."""
        rows = tuple(each for each in self._alerts.rows if isinstance(each, AlertView))
        width = max(40, self.query_one("#dialog").size.width - 6)
        view = self.current
        shown = (rows, len(self._history), self._in_history, view, width, self._problem, self._told.current)
        if shown == self._shown:
            return
        self._shown = shown
        self.query_one("#alert-tabs", LinesView).show((self._tabs(rows), ()))
        self.query_one("#alert-detail", LinesView).show(self._detail(width))
        keys = (
            _KEYS_HISTORY if self._in_history else _KEYS if self.app.size.width >= _KEYS_FIT else _KEYS_NARROW
        )
        write_subtitle(self.query_one("#dialog"), keys)

    def _tabs(self, rows: tuple[AlertView, ...]) -> Line:
        armed = sum(view.state == "armed" for view in rows)
        here, there = ("dim", "badge-primary") if self._in_history else ("badge-primary", "dim")
        return (
            (f" Alerts {len(rows)} ", here),
            (" ", ""),
            (f" History {len(self._history)} ", there),
            (f"   {armed} armed", "dim"),
        )

    def _detail(self, width: int) -> tuple[Line, ...]:
        lines: list[Line] = [()]
        if self._problem:
            lines += [((text, "error"),) for text in wrap(f"{self._problem} Those from before count.", width)]
        told = self._told.current
        if self._in_history:
            sentence = told.sentence if isinstance(told, ToldView) else ""
            return _room([*lines, *(((text, ""),) for text in wrap(sentence, width))])
        view = self.current
        if view is None:
            return _room(lines)
        lines.append(((view.name, "bold"), (f"  tells the same again after {view.again}", "dim")))
        if view.fired:
            times = formats.plural(view.fired, "time")
            last = f"Told {times}, last {formats.minute(view.last_ms)} UTC: {view.last_sentence}"
            lines += [((text, ""),) for text in wrap(last, width)]
        else:
            lines.append((("Told nothing yet.", "dim"),))
        return _room(lines)

    def on_virtual_table_moved(self) -> None:
        """Say something about another row."""
        self._draw()

    # ------------------------------------------------------------------------------------------ keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now."""
        if not self.is_mounted or not self.query("#told"):
            return super().check_action(action, parameters)
        match action:
            case "snooze" | "switch" | "remove":
                return self.current is not None
            case "new" | "example":
                return not self._in_history
            case "copy":
                return bool(self._copied())
            case _:
                return super().check_action(action, parameters)

    def action_other_tab(self) -> None:
        """The history, or the alerts again."""
        table = self._alerts if self._in_history else self._told
        self._told.display = not self._in_history
        self._alerts.display = not self._in_history
        table.focus()
        self._draw()

    def action_new(self) -> None:
        """Pick a kind, then fill in its form."""
        dialog = PickDialog("What should tell you?", kind_choices(), "price")
        self.app.push_screen(dialog, lambda kind: self._open_form(kind) if kind else None)

    def _open_form(self, kind: str) -> None:
        """The form of a kind, symbol and price filled in with what was asked for, else with what is watched first."""
        snapshot = desk_of(self).latest
        symbol = self._symbol or next((quote.symbol for quote in snapshot.quotes), "BTCUSDT")
        values = {} if kind == "stale" else {"symbol": symbol}
        if kind == "price":
            quoted = next((quote.last for quote in snapshot.quotes if quote.symbol == symbol), "")
            values["level"] = self._price or quoted
        if kind == "strategy" and snapshot.strategies:
            values["strategy"] = snapshot.strategies[0].name
        self.app.push_screen(AlertForm(kind, values), self._added)

    def _added(self, view: AlertView | None) -> None:
        self._symbol = self._price = ""  # what was asked for is done; the next one begins as usual
        if view is not None:
            self._wanted = view.name
            desk_of(self).say(f"Watched: {view.when}.")
            self._ask()

    def on_virtual_table_chosen(self) -> None:
        """Change the alert under the cursor."""
        view = self.current
        if view is not None:
            self.app.push_screen(AlertForm(values={"when": view.when}, present=view), self._changed)

    def _changed(self, view: AlertView | None) -> None:
        if view is not None:
            self._ask()

    def action_snooze(self) -> None:
        """Ask for how long the alert shall say nothing."""
        view = self.current
        if view is None:
            return
        choices: tuple[Choice, ...] = _SNOOZES
        if view.state != "armed":
            choices = (Choice("0", "arm it now"), *_SNOOZES)
        dialog = PickDialog(f"Snooze {view.name}", choices, free="as it is: minutes, or 90m, 8h, 3d")

        def answered(picked: str | None) -> None:
            if picked:
                self._snooze(view.name, picked)

        self.app.push_screen(dialog, answered)

    @errand("alert-change")
    async def _snooze(self, name: str, picked: str) -> None:
        if picked in {"0", _UNTIL_ARMED}:
            await desk_of(self).ask(ArmAlert(name, armed=picked == "0"))
        else:
            found = _MINUTES.fullmatch(picked.strip().lower())
            if found is None:
                desk_of(self).say(f"{picked} is not understood: write minutes, or 90m, 8h, 3d.", "warning")
                return
            unit = {"h": 60, "d": 1440}.get((found[2] or "m")[0], 1)
            await desk_of(self).ask(SnoozeAlert(name, int(found[1]) * unit))
        self._ask()

    @errand("alert-change")
    async def action_switch(self) -> None:
        """Off until it is armed again; or on, which ends a snooze."""
        view = self.current
        if view is not None:
            await desk_of(self).ask(ArmAlert(view.name, armed=view.state != "armed"))
            self._ask()

    def action_remove(self) -> None:
        """Ask, then remove it; what it told stays."""
        view = self.current
        if view is None:
            return
        question = Confirm(
            f"Remove {view.name}", (view.when, "What it told stays in the history."), (("y", "remove it"),)
        )

        def answered(key: str | None) -> None:
            if key == "y":
                self._remove(view.name)

        self.app.push_screen(question, answered)

    @errand("alert-change")
    async def _remove(self, name: str) -> None:
        await desk_of(self).ask(RemoveAlert(name))
        self._ask()

    @errand("alert-change")
    async def action_example(self) -> None:
        """Tell one example in every way that is switched on, and say what came of it."""
        ways = await desk_of(self).ask(TellExample())
        failed = any(way.state == "failed" for way in ways)
        said = "\n".join(f"{way.way}: {way.sentence}" for way in ways)
        desk_of(self).say(said, "warning" if failed else "info")

    def _copied(self) -> str:
        if self._in_history:
            told = self._told.current
            if not isinstance(told, ToldView):
                return ""
            return f"{formats.minute(told.time_ms)} UTC  {told.name}: {told.sentence}"
        view = self.current
        if view is None:
            return ""
        return f"{view.name}: {view.when}" + (f"\n{view.last_sentence}" if view.last_sentence else "")

    def action_copy(self) -> None:
        """Copy the row."""
        text = self._copied()
        if text:
            self.app.copy_to_clipboard(text)
            self.app.notify(f"Copied: {text.splitlines()[0][:60]}", timeout=2, markup=False)


def _cells(view: AlertView) -> tuple[Cell, ...]:
    quiet = "" if view.state == "armed" else "dim"
    fired: Cell = (str(view.fired), "bold") if view.fired else ("-", "dim")
    last = formats.short_minute(view.last_ms) if view.last_ms else ""
    return state_cell(view), (view.when, quiet), fired, (last, "dim")


def _room(lines: list[Line]) -> tuple[Line, ...]:
    """Always as many lines, so that the window stays as it is while the cursor moves."""
    kept = lines[:5]
    return (*kept, *((),) * (5 - len(kept)))
