"""`tradebot alerts`: conditions that are watched while tradebot runs, by the app or `tradebot demo`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradebot.commands.context import (
    ConfigOption,
    Context,
    DataOption,
    JsonOption,
    open_context,
    write_note,
)
from tradebot.engine.control.errors import EXIT_SHORT

if TYPE_CHECKING:
    from tradebot.engine.alerts.book import Alert, AlertBook

app = typer.Typer(
    help="Alerts on price, bars, feed, jobs and disk; a running tradebot follows changes.",
    no_args_is_help=False,
)
NameArgument = Annotated[str, typer.Argument(help="Name of the alert.", show_default=False)]


@app.command("list")
def list_alerts(
    data: DataOption = None, config: ConfigOption = None, json_wanted: JsonOption = False
) -> None:
    """Show all alerts, and when each told something last."""
    context = open_context(data, config, None, json_wanted)
    book, now_ms = _book(context), _now_ms()
    alerts = book.alerts()
    last: dict[str, int] = {}
    for told in book.history(1000):
        last.setdefault(told.name, told.time_ms)
    rows = [_document(alert, last.get(alert.name), now_ms) for alert in alerts]
    context.answer(
        {"file": str(book.path), "alerts": rows}, _text(rows) or f"No alerts in {book.path}. {_EXAMPLE}"
    )


@app.command("add")
def add(
    when: Annotated[
        str, typer.Argument(help='The condition, such as "BTCUSDT above 60000".', show_default=False)
    ],
    name: Annotated[
        str, typer.Option(help="What it is called; else a name is made.", show_default=False)
    ] = "",
    again: Annotated[str, typer.Option(help="The soonest that it tells the same again.")] = "15m",
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Add an alert. It tells what becomes true; what is true already waits until it was not.

    "BTCUSDT above 60000" (below, crosses) · "BTCUSDT falls 3% in 15m" (rises, moves) · "BTCUSDT 15m: rsi below 30" ·
    "strategy ema-trend" · "feed stale 60s" · "gap found" · "job failed" (done, ended) · "disk below 5 GB"
    """
    from tradebot.engine.alerts.conditions import parse_condition, parse_span

    context = open_context(data, config, None, json_wanted)
    pause_ms = parse_span(again)
    _check(context, parse_condition(when))
    alert = _book(context).add(when, name, pause_ms, _now_ms())
    context.answer(_document(alert, None, 0), f'Alert "{alert.name}": {alert.when}')


@app.command("remove")
def remove(
    name: NameArgument, data: DataOption = None, config: ConfigOption = None, json_wanted: JsonOption = False
) -> None:
    """Remove an alert; its history stays."""
    context = open_context(data, config, None, json_wanted)
    _book(context).remove(name)
    context.answer({"removed": name}, f'Alert "{name}" is removed.')


@app.command("snooze")
def snooze(
    name: NameArgument,
    span: Annotated[str, typer.Argument(metavar="SPAN", help="How long, such as 2h; off wakes it.")] = "1h",
    minutes: Annotated[
        int | None,
        typer.Option(min=0, max=527_040, help="The same in minutes; 0 wakes it.", show_default=False),
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Let an alert say nothing for a while; `disarm` does until it is armed again."""
    from tradebot.engine.alerts.conditions import parse_span
    from tradebot.engine.market.times import iso_minute, iso_ms

    context = open_context(data, config, None, json_wanted)
    span_ms = minutes * 60_000 if minutes is not None else 0 if span == "off" else parse_span(span)
    until_ms = _now_ms() + span_ms if span_ms else 0
    _book(context).snooze(name, until_ms)
    told = f"says nothing until {iso_minute(until_ms)} UTC" if until_ms else "is awake"
    context.answer(
        {"name": name, "snoozed_until": iso_ms(until_ms) if until_ms else None}, f'Alert "{name}" {told}.'
    )


@app.command("disarm")
def disarm(
    name: NameArgument, data: DataOption = None, config: ConfigOption = None, json_wanted: JsonOption = False
) -> None:
    """Let an alert say nothing until it is armed again."""
    context = open_context(data, config, None, json_wanted)
    _book(context).arm(name, armed=False)
    context.answer({"name": name, "armed": False}, f'Alert "{name}" says nothing until it is armed again.')


@app.command("arm")
def arm(
    name: NameArgument, data: DataOption = None, config: ConfigOption = None, json_wanted: JsonOption = False
) -> None:
    """Let an alert tell again: ends what disarm and snooze began."""
    context = open_context(data, config, None, json_wanted)
    _book(context).arm(name, armed=True)
    context.answer({"name": name, "armed": True}, f'Alert "{name}" is armed.')


@app.command("test")
def test(data: DataOption = None, config: ConfigOption = None, json_wanted: JsonOption = False) -> None:
    """Tell one example in every way that is switched on: bell, notification by the system, web-hook.

    Ends with 1 where one of them does not work.
    """
    from dataclasses import asdict

    from tradebot.engine.alert_messages import ToldWay
    from tradebot.engine.alerts.example import tell_example
    from tradebot.engine.alerts.system_notice import SystemNotifier, find_tool
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.control.events import EventLog

    context = open_context(data, config, None, json_wanted)
    clock, told = SystemClock(), context.settings.alerts
    notifier = SystemNotifier(told.system_notification, clock, EventLog(clock), find_tool())
    write_note("\a")
    bell = ToldWay("bell", "told", "Rung in this terminal; the app rings it and shows a line as well.")
    ways = (bell, *tell_example(notifier, told.webhook, clock.now_ms()))
    lines = [f"{way.way:<20} {way.state:<7} {way.sentence}" for way in ways]
    context.answer({"ways": [asdict(way) for way in ways]}, "\n".join(lines))
    if any(way.state == "failed" for way in ways):
        raise typer.Exit(EXIT_SHORT)


@app.command("history")
def history(
    last: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Show what alerts told, newest first."""
    from tradebot.engine.market.times import iso_minute, iso_ms

    context = open_context(data, config, None, json_wanted)
    found = _book(context).history(last)
    rows = [{"time": iso_ms(told.time_ms), "name": told.name, "sentence": told.sentence} for told in found]
    lines = [f"{iso_minute(told.time_ms)}  {told.name}: {told.sentence}" for told in found]
    context.answer({"history": rows}, "\n".join(lines) or "No alert has told anything yet.")


_EXAMPLE = 'Add one: tradebot alerts add "BTCUSDT above 60000"'


def _book(context: Context) -> AlertBook:
    from tradebot.engine.alerts.book import AlertBook

    return AlertBook(context.folders.data)


def _now_ms() -> int:
    from tradebot.engine.control.clock import SystemClock

    return SystemClock().now_ms()


def _check(context: Context, condition: Any) -> None:
    """Refuse a rule that is not understood, or a strategy that is not there, before it stands in the file."""
    from tradebot.engine.alerts.closed_bars import check_condition
    from tradebot.engine.alerts.conditions import BarRule, StrategySignal
    from tradebot.engine.strategy.library import StrategyLibrary
    from tradebot.engine.strategy.plugins import load_registry

    if not isinstance(condition, BarRule | StrategySignal):
        return
    registry, _ = load_registry(context.folders.plugins)
    library = StrategyLibrary(context.folders.strategies, context.folders.shipped_strategies)
    check_condition(condition, registry, library.read)


def _document(alert: Alert, last_ms: int | None, now_ms: int) -> dict[str, Any]:
    from tradebot.engine.alerts.conditions import span_text
    from tradebot.engine.market.times import iso_ms

    snoozed = alert.snoozed_until_ms if alert.snoozed_until_ms > now_ms else 0
    return {
        "name": alert.name,
        "when": alert.when,
        "again": span_text(alert.pause_ms),
        "armed": alert.armed,
        "snoozed_until": iso_ms(snoozed) if snoozed else None,
        "last_told": iso_ms(last_ms) if last_ms is not None else None,
    }


def _text(rows: list[dict[str, Any]]) -> str:
    """A line for each alert: name, condition, and what there is to say about it."""
    width = max((len(row["name"]) for row in rows), default=0)
    wide = max((len(row["when"]) for row in rows), default=0)
    lines = []
    for row in rows:
        notes = [f"again after {row['again']}"]
        notes += [] if row["armed"] else ["off"]
        notes += [f"snoozed until {_minute(row['snoozed_until'])} UTC"] if row["snoozed_until"] else []
        notes += [f"told last {_minute(row['last_told'])} UTC"] if row["last_told"] else []
        lines.append(f"{row['name']:<{width}}  {row['when']:<{wide}}  {' · '.join(notes)}")
    return "\n".join(lines)


def _minute(iso: str) -> str:
    return iso[:16].replace("T", " ")
