"""`tradebot demo`: the same app on a simulated exchange; without a terminal the whole pipeline in figures."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from tradebot.commands.context import (
    ConfigOption,
    Context,
    DataOption,
    JsonOption,
    open_context,
    print_note,
)
from tradebot.commands.terminal import has_terminal, run_app

if TYPE_CHECKING:
    from tradebot.engine.backtest.results.result import BacktestResult
    from tradebot.engine.messages import Collect
    from tradebot.engine.simulator import SimulatorSettings

DEMO_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
DEMO_STRATEGY = "ema-trend"
KERNELS_FOLDER = ".kernels"


def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Print figures and chart instead of the app.")
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, help="The market to play: the same seed gives the same prices.")
    ] = 1,
    speed: Annotated[
        float, typer.Option(min=0.1, max=1000, help="How fast the exchange's clock runs.")
    ] = 1.0,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Try everything on a simulated exchange: no network, no key, nothing to configure."""
    from tradebot.engine.simulator import SimulatorSettings

    context = open_context(data, config, None, json_wanted, demo_seed=seed)
    simulator = SimulatorSettings(seed=seed, speed=speed)
    if headless or json_wanted or not has_terminal():
        _headless(context, simulator)
        return
    from tradebot.engine.engine import EngineOptions

    run_app(
        EngineOptions(
            context.settings,
            context.folders,
            mode="demo",
            simulator=simulator,
            start_with=_collections(follow=True),
            watched=DEMO_SYMBOLS,
            first_backtest=DEMO_STRATEGY,
            kernels=context.folders.data / KERNELS_FOLDER,
            settings_file=context.settings_file,
        )
    )


def _collections(follow: bool) -> tuple[Collect, ...]:
    from tradebot.engine.messages import Collect

    return (
        Collect(DEMO_SYMBOLS, ("1h",), "365d", follow=follow),
        Collect(DEMO_SYMBOLS, ("1m", "15m"), "14d", follow=follow),
    )


def _headless(context: Context, simulator: SimulatorSettings) -> None:
    """Collect, check, backtest and draw, as a script would."""
    from tradebot.commands.backtest import order_of, run_order
    from tradebot.commands.backtest_text import summary
    from tradebot.commands.collect import closing_text, collect_now
    from tradebot.commands.data import open_store
    from tradebot.engine.backtest.results.folder import result_document
    from tradebot.engine.backtest.warm_up import keep_kernels_below
    from tradebot.engine.collecting import read_request
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.simulator import start_simulator_process

    with start_simulator_process(simulator) as process:
        print_note(f"A simulated exchange listens on {process.url} (seed {simulator.seed}, 600 symbols).")
        exchange = context.settings.exchange.model_copy(update={"url": process.url})
        on_simulator = replace(context, settings=context.settings.model_copy(update={"exchange": exchange}))
        for command in _collections(follow=False):
            request = read_request(command, SystemClock().now_ms())
            report = asyncio.run(
                collect_now(on_simulator, request, f"collect {' '.join(command.timeframes)}")
            )
            print_note(closing_text(report))
    keep_kernels_below(context.folders.data / KERNELS_FOLDER)
    store = open_store(context)
    infos = store.datasets()
    print_note(
        f"{sum(info.rows for info in infos):,} bars in {len(infos)} CSV files below {context.folders.data}."
    )
    result, folder = run_order(context, order_of(context, [DEMO_STRATEGY]), context.folders.results)
    context.answer({**result_document(result), "folder": str(folder)}, summary(result, folder))
    if not context.json_wanted:
        context.answer(None, _chart(result))


def _chart(result: BacktestResult) -> str:
    """The equity curve as plain text, as wide as a page."""
    from tradebot.engine.result_views import backtest_view
    from tradebot.screens.widgets.plain_chart import plain_chart

    return plain_chart(backtest_view(result, 400, ""), 100, 18)
