"""`tradebot collect`: history into CSV, resumable; with --follow it goes on live."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradebot.commands.context import (
    ConfigOption,
    Context,
    DataOption,
    JsonOption,
    UrlOption,
    open_context,
    print_note,
)
from tradebot.commands.progress import ConsoleProgress
from tradebot.engine.control.errors import EXIT_SHORT, InputError
from tradebot.engine.control.progress import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tradebot.engine.collect import CollectProgress, CollectReport, CollectRequest
    from tradebot.engine.control.events import Level
    from tradebot.engine.market import BarRow, DatasetKey


def collect(
    symbols: Annotated[
        str | None,
        typer.Option(help="Names and patterns with commas (BTCUSDT,ETH*), or all.", show_default=False),
    ] = None,
    timeframes: Annotated[
        str | None, typer.Option(help="With commas: 1m,15m,1h ...", show_default=False)
    ] = None,
    since: Annotated[str, typer.Option(help="A date or a span back such as 30d.")] = "",
    until: Annotated[str, typer.Option(help="A date; up to now unless stated.")] = "",
    follow: Annotated[bool, typer.Option("--follow", help="Go on live until Ctrl+C.")] = False,
    category: Annotated[str, typer.Option(help="linear, inverse or spot.")] = "linear",
    data: DataOption = None,
    config: ConfigOption = None,
    url: UrlOption = None,
    json_wanted: JsonOption = False,
) -> int:
    """Collect bars and funding of any symbols and timeframes; a second run asks only for what is missing."""
    from tradebot.engine.collecting import read_request
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.messages import Collect

    context = open_context(data, config, url, json_wanted)
    usual = context.settings.collect
    command = Collect(
        symbols=usual.symbols if symbols is None else _names("--symbols", symbols, "BTCUSDT,ETH*"),
        timeframes=usual.timeframes if timeframes is None else _names("--timeframes", timeframes, "1m,1h"),
        since=since or usual.since,
        until=until or None,
        follow=follow,
        category=category,
    )
    request = read_request(command, SystemClock().now_ms())
    report = asyncio.run(collect_now(context, request))
    _answer(context, report)
    return 0 if report.complete else EXIT_SHORT


async def collect_now(context: Context, request: CollectRequest, title: str = "collect") -> CollectReport:
    """Carry out a request in this process, with progress on standard error.

    Following has no end of its own: the history's outcome is answered before it goes on live.
    """
    from tradebot.engine.collect import Hybrid, LiveFeed, collect_history
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.control.progress import CancelToken
    from tradebot.engine.exchange import Exchange, PybitRest, Throttle
    from tradebot.engine.exchange.source import source_of
    from tradebot.engine.store import Store

    clock, rng, settings = SystemClock(), random.Random(), context.settings.exchange
    rest = PybitRest(settings.url, settings.timeout_seconds)
    exchange = Exchange(rest, clock, rng, Throttle(clock, settings.budget_percent / 100), _notice)
    progress = ConsoleProgress(title)
    try:
        await exchange.server_time_ms()
        store = Store(context.folders.data, clock)
        store.claim_source(source_of(settings.url, rest.server_name))
        show = _shown(progress)
        if not request.follow:
            return await collect_history(exchange, store, request, clock, show, CancelToken())
        feed = LiveFeed(exchange, store, request.category, clock, rng, _notice)
        feed.add_listener(_tell_closed)
        feed.start()
        try:
            report = await Hybrid(exchange, store, feed, clock).catch_up(request, show, CancelToken())
            progress.close()
            _answer(context, report)
            print_note("Following live; Ctrl+C ends it.")
            await asyncio.Event().wait()
            return report
        finally:
            await feed.close()
    finally:
        progress.close()
        rest.close()


def _answer(context: Context, report: CollectReport) -> None:
    context.answer(_document(report), closing_text(report))


def closing_text(report: CollectReport) -> str:
    """What a collection did, and what it could not have."""
    datasets = counted(len(report.datasets), "dataset")
    requests = counted(report.requests, "request")
    lines = [
        f"{counted(report.bars_added, 'bar')} added to {datasets} in {report.seconds:.1f} s ({requests})."
        if report.bars_added
        else f"{'Nothing was missing in' if report.complete else 'No bars were added to'} {datasets} ({requests})."
    ]
    return "\n".join([*lines, *report.sentences])


def _shown(progress: ConsoleProgress) -> Callable[[CollectProgress], None]:
    from tradebot.engine.control.progress import Progress

    def show(look: CollectProgress) -> None:
        progress(Progress(look.done_bars, look.total_bars, "bars", look.rate, look.eta_seconds, look.note))

    return show


def _tell_closed(key: DatasetKey, row: BarRow) -> None:
    from tradebot.engine.market.times import iso_minute

    print_note(f"{iso_minute(row.time_ms)}  {key.symbol} {key.timeframe_name}  close {row.close}")


def _notice(_level: Level, sentence: str) -> None:
    print_note(sentence)


def _names(option: str, text: str, example: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names:
        raise InputError(
            f"{option} names nothing: write them with commas, such as {example}, or leave it out."
        )
    return names


def _document(report: CollectReport) -> dict[str, Any]:
    from tradebot.engine.market.times import iso_ms

    return {
        "complete": report.complete,
        "bars_added": report.bars_added,
        "funding_added": report.funding_added,
        "funding_failed": list(report.funding_failed),
        "missing_bars": report.missing_bars,
        "requests": report.requests,
        "seconds": round(report.seconds, 3),
        "datasets": [
            {"dataset": str(each.key), "state": each.state.value, "sentence": each.sentence}
            for each in report.datasets
        ],
        "gaps": [
            {
                "dataset": str(gap.key),
                "start": iso_ms(gap.start_ms),
                "end": iso_ms(gap.end_ms),
                "bars": gap.bars,
            }
            for gap in report.gaps
        ],
        "sentences": list(report.sentences),
    }
