"""`tradebot collect`: history into CSV, resumable; with --follow it goes on live."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradebot.commands.collect_console import CollectConsole, LiveLine
from tradebot.commands.context import (
    ConfigOption,
    Context,
    DataOption,
    JsonOption,
    UrlOption,
    open_context,
    print_note,
)
from tradebot.engine.control.errors import EXIT_SHORT, CancelledError, InputError
from tradebot.engine.control.progress import counted

if TYPE_CHECKING:
    from tradebot.engine.collect import CollectReport, CollectRequest
    from tradebot.engine.control.clock import Clock
    from tradebot.engine.exchange import Exchange
    from tradebot.engine.store import Store

FOLLOWING_STOPPED = "Following was stopped. Everything that was received is stored."


def collect(
    symbols: Annotated[
        str | None,
        typer.Option(help="Names and patterns with commas (BTCUSDT,ETH*), or all.", show_default=False),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=1, help="Only so many of them, with the largest turnover of 24 hours.", show_default=False
        ),
    ] = None,
    timeframes: Annotated[
        str | None, typer.Option(help="With commas: 1m,15m,1h ...", show_default=False)
    ] = None,
    mark: Annotated[
        str, typer.Option(help="Timeframes of mark-price bars to collect beside them: 1h,1d.")
    ] = "",
    since: Annotated[str, typer.Option(help="A date or a span back such as 30d.")] = "",
    until: Annotated[str, typer.Option(help="A date; up to now unless stated.")] = "",
    order: Annotated[str, typer.Option(help="Which bars first: oldest or newest.")] = "oldest",
    follow: Annotated[bool, typer.Option("--follow", help="Go on live until Ctrl+C.")] = False,
    category: Annotated[str, typer.Option(help="linear, inverse or spot.")] = "linear",
    ask_holes_again: Annotated[
        bool,
        typer.Option("--ask-holes-again", help="Ask also for bars that the exchange did not have before."),
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
    url: UrlOption = None,
    json_wanted: JsonOption = False,
) -> int:
    """Collect bars and funding of any symbols and timeframes; a second run asks only for what is missing."""
    from dataclasses import replace

    from tradebot.engine.collecting import read_request
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.messages import Collect

    context = open_context(data, config, url, json_wanted)
    usual = context.settings.collect
    # The largest of all, where no symbols are named; the usual ones are few already.
    chosen = usual.symbols if top is None else ("all",)
    command = Collect(
        symbols=chosen if symbols is None else _names("--symbols", symbols, "BTCUSDT,ETH*"),
        timeframes=usual.timeframes if timeframes is None else _names("--timeframes", timeframes, "1m,1h"),
        since=since or usual.since,
        until=until or None,
        follow=follow,
        category=category,
        order=order,
        top=top or 0,
        mark=_names("--mark", mark, "1h,1d") if mark else (),
    )
    request = replace(read_request(command, SystemClock().now_ms()), ask_holes_again=ask_holes_again)
    report = asyncio.run(collect_now(context, request))
    _answer(context, report)
    return 0 if report.complete else EXIT_SHORT


async def collect_now(context: Context, request: CollectRequest, title: str = "collect") -> CollectReport:
    """Carry out a request in this process, with progress on standard error.

    Following has no end of its own: the history's outcome is answered before it goes on live. Raises
    FolderInUseError where another program writes to the data folder.
    """
    from tradebot.engine.collect import collect_history
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.control.progress import CancelToken
    from tradebot.engine.exchange import Exchange, PybitRest, SharedBudget, Throttle, shared_budget_file
    from tradebot.engine.exchange.source import source_of
    from tradebot.engine.store import Store, claim_writer

    clock, settings = SystemClock(), context.settings.exchange
    console = CollectConsole(title)
    rest = PybitRest(settings.url, settings.timeout_seconds)
    shared = SharedBudget(shared_budget_file(context.folders.state, settings.url), clock)
    throttle = Throttle(clock, settings.budget_percent / 100, shared=shared)
    exchange = Exchange(rest, clock, random.Random(), throttle, console.notice)
    try:
        await exchange.server_time_ms()
        with claim_writer(context.folders.data, "tradebot collect", clock):
            store = Store(context.folders.data, clock)
            store.claim_source(source_of(settings.url, rest.server_name))
            for sentence in store.notices():
                print_note(sentence)
            if request.follow:
                return await _follow(context, exchange, store, clock, request, console)
            report = await collect_history(exchange, store, request, clock, console.show, CancelToken())
            console.close()
            for sentence in store.notices():
                print_note(sentence)
            return report
    finally:
        console.close()
        rest.close()
        throttle.close()


async def _follow(
    context: Context,
    exchange: Exchange,
    store: Store,
    clock: Clock,
    request: CollectRequest,
    console: CollectConsole,
) -> CollectReport:
    """History, its answer, then live until the task is cancelled: CancelledError says that nothing is lost."""
    from tradebot.engine.collect import Hybrid, LiveFeed
    from tradebot.engine.control.progress import CancelToken

    feed = LiveFeed(exchange, store, request.category, clock, random.Random(), console.notice)
    line = LiveLine(feed, clock)
    feed.add_listener(line.heard)
    feed.start()
    try:
        hybrid = Hybrid(exchange, store, feed, clock)
        report = await hybrid.catch_up(request, console.show, CancelToken())
        console.close()
        _answer(context, report)
        if request.mark_timeframes:
            print_note("Mark-price bars are collected up to now; only bars of trades are followed.")
        print_note("Following live; Ctrl+C ends it.")
        console.interrupt = line.close
        # Datasets whose history failed are tried again beside the feed; what comes of it is said as it happens.
        whole = asyncio.create_task(hybrid.go_on(report, console.show_failures, CancelToken()))
        try:
            await line.run(store.notices)
        except asyncio.CancelledError:
            raise CancelledError(FOLLOWING_STOPPED) from None
        finally:
            whole.cancel()
        return report
    finally:
        line.close()
        await feed.close()


def _answer(context: Context, report: CollectReport) -> None:
    context.answer(report_document(report), closing_text(report))


def closing_text(report: CollectReport) -> str:
    """What a collection did, what it could not have, and what is worth knowing."""
    datasets = counted(len(report.datasets), "dataset")
    requests = counted(report.requests, "request")
    lines = [
        f"{counted(report.bars_added, 'bar')} added to {datasets} in {report.seconds:.1f} s ({requests})."
        if report.bars_added
        else f"{'Nothing was missing in' if report.complete else 'No bars were added to'} {datasets} ({requests})."
    ]
    return "\n".join([*lines, *report.sentences, *report.information])


def _names(option: str, text: str, example: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names:
        raise InputError(
            f"{option} names nothing: write them with commas, such as {example}, or leave it out."
        )
    return names


def report_document(report: CollectReport) -> dict[str, Any]:
    """The report as a JSON document."""
    from tradebot.engine.market.times import iso_ms

    return {
        "complete": report.complete,
        "bars_added": report.bars_added,
        "bars_refused": report.bars_refused,
        "funding_added": report.funding_added,
        "funding_failed": list(report.funding_failed),
        "missing_bars": report.missing_bars,
        "known_hole_bars": report.known_hole_bars,
        "requests": report.requests,
        "seconds": round(report.seconds, 3),
        "datasets": [
            {
                "dataset": str(each.key),
                "state": each.state.value,
                "rows": each.rows,
                "last": None if each.last_ms is None else iso_ms(each.last_ms),
                "sentence": each.sentence,
            }
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
        "information": list(report.information),
    }
