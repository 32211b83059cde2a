"""`tradebot sim`: the simulated exchange as a server of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradebot.commands.context import JsonOption, print_note, print_out

if TYPE_CHECKING:
    from tradebot.engine.simulator import SimulatorSettings


def sim(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 0,
    symbols: Annotated[int, typer.Option(min=1, max=600, help="How many symbols are listed.")] = 600,
    seed: Annotated[
        int, typer.Option(min=0, help="The market it plays: the same seed gives the same prices.")
    ] = 1,
    speed: Annotated[float, typer.Option(min=0.1, max=10_000, help="How fast its clock runs.")] = 1.0,
    start: Annotated[
        str, typer.Option(help="Where its clock begins: a date, or a span back such as 30d.")
    ] = "",
    faults: Annotated[
        Path | None, typer.Option(help="A plan of faults to make (TOML or JSON).", show_default=False)
    ] = None,
    latency_ms: Annotated[
        float, typer.Option("--latency-ms", min=0, max=60_000, help="Delay of each answer.")
    ] = 0.0,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="Write what really happens to this file, a JSON object a line.", show_default=False
        ),
    ] = None,
    json_wanted: JsonOption = False,
) -> None:
    """Run a simulated Bybit on this machine and print the URL it listens on. Ctrl+C ends it.

    POST to URL/sim/faults switches faults on while it runs; URL/sim/state says how it is.
    """
    from tradebot.engine.simulator import SimulatorSettings

    settings = SimulatorSettings(
        port=port,
        symbols=symbols,
        seed=seed,
        speed=speed,
        start_ms=_moment(start),
        latency_ms=latency_ms,
        faults="" if faults is None else str(faults),
        truth="" if truth is None else str(truth),
    )
    asyncio.run(_serve(settings, json_wanted))


async def _serve(settings: SimulatorSettings, json_wanted: bool) -> None:
    import json

    from tradebot.engine.market.times import iso_ms
    from tradebot.engine.simulator import Simulator

    simulator = Simulator(settings)
    url = await simulator.start()
    rules = len(simulator.exchange.faults.describe())
    if json_wanted:
        document = {
            "url": url,
            "seed": settings.seed,
            "symbols": settings.symbols,
            "speed": settings.speed,
            "start": iso_ms(simulator.exchange.started_ms),
            "faults": rules,
        }
        print_out(json.dumps(document))
    else:
        print_out(url)
    planned = f", {rules} rules of faults" if rules else ""
    print_note(
        f"Simulated exchange: {settings.symbols} symbols, seed {settings.seed}, {settings.speed:g}x{planned}. "
        "Ctrl+C ends it."
    )
    try:
        await asyncio.Event().wait()
    finally:
        await simulator.stop()


def _moment(text: str) -> int | None:
    """UTC ms of --start, None where it is now. Raises InputError."""
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.control.errors import InputError
    from tradebot.engine.market.times import parse_time

    if not text:
        return None
    try:
        return parse_time(text, SystemClock().now_ms())
    except ValueError as error:
        raise InputError(f"--start: {error}.") from None
