"""`tradebot data repair`: bad rows put aside, and what is missing inside a file asked for again."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Annotated

import typer

from tradebot.commands.collect_console import CollectConsole
from tradebot.commands.context import (
    ConfigOption,
    Context,
    DataOption,
    JsonOption,
    UrlOption,
    open_context,
)
from tradebot.commands.data.opening import chosen_keys, writing_store
from tradebot.engine.control.errors import EXIT_SHORT, InputError
from tradebot.engine.control.progress import counted

if TYPE_CHECKING:
    from tradebot.engine.collect.repair import RepairOptions, RepairReport


def repair(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATASET]...", help="Such as BTCUSDT_1m, spot/BTCUSDT_1m or BTC*; all if none."
        ),
    ] = None,
    verify: Annotated[
        str, typer.Option(help="Compare stored bars with the exchange's: nothing, sample or all.")
    ] = "nothing",
    from_exchange: Annotated[
        bool, typer.Option("--from-exchange", help="Fill gaps of imported datasets from this exchange too.")
    ] = False,
    ask_holes_again: Annotated[
        bool,
        typer.Option("--ask-holes-again", help="Ask also for bars that the exchange did not have before."),
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
    url: UrlOption = None,
    json_wanted: JsonOption = False,
) -> int:
    """Move bad rows into a quarantine file and ask the exchange for what is missing inside; exits 1 where something
    could not be had.
    """
    from tradebot.engine.collect.repair import RepairOptions
    from tradebot.engine.collect.verifying import Verify

    context = open_context(data, config, url, json_wanted)
    choices = {each.value: each for each in Verify}
    if verify not in choices:
        raise InputError(f"--verify must be one of {', '.join(choices)}, was {verify!r}.")
    options = RepairOptions(choices[verify], from_exchange, ask_holes_again)
    report = asyncio.run(_repair_now(context, datasets or [], options))
    context.answer(report.to_json(), _text(report))
    return 0 if report.complete else EXIT_SHORT


async def _repair_now(context: Context, names: list[str], options: RepairOptions) -> RepairReport:
    from tradebot.engine.collect.repair import repair as repair_datasets
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.control.progress import CancelToken
    from tradebot.engine.exchange import Exchange, PybitRest, SharedBudget, Throttle, shared_budget_file
    from tradebot.engine.exchange.source import source_of

    clock, settings = SystemClock(), context.settings.exchange
    console = CollectConsole("repair")
    with writing_store(context, "tradebot data repair") as store:
        keys = chosen_keys(store, names)
        if not keys:
            raise InputError(f"There is no market data in {store.folder} to repair.")
        rest = PybitRest(settings.url, settings.timeout_seconds)
        shared = SharedBudget(shared_budget_file(context.folders.state, settings.url), clock)
        throttle = Throttle(clock, settings.budget_percent / 100, shared=shared)
        exchange = Exchange(rest, clock, random.Random(), throttle, console.notice)
        try:
            await exchange.server_time_ms()
            store.claim_source(source_of(settings.url, rest.server_name))
            return await repair_datasets(
                exchange, store, keys, clock, console.show, CancelToken(), options=options
            )
        finally:
            console.close()
            rest.close()
            throttle.close()


def _text(report: RepairReport) -> str:
    done = [
        f"{counted(report.rows_moved, 'bad row')} moved" if report.rows_moved else "",
        f"{counted(report.bars_added, 'bar')} fetched" if report.bars_added else "",
        f"{counted(report.missing_bars, 'bar')} not to be had" if report.missing_bars else "",
    ]
    said = ", ".join(part for part in done if part) or "nothing to repair"
    total = f"{counted(len(report.datasets), 'dataset')}: {said}, in {counted(report.requests, 'request')}."
    return "\n".join([*report.sentences, total] if len(report.datasets) > 1 else report.sentences)
