"""`tradebot sim`: the simulated exchange as a server of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradebot.commands.context import JsonOption, print_note, print_out

if TYPE_CHECKING:
    from tradebot.engine.simulator import Simulator, SimulatorSettings


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
    replay: Annotated[
        Path | None,
        typer.Option(
            help="Serve the recorded CSV files of this folder; from their last quarter on, or from --start.",
            show_default=False,
        ),
    ] = None,
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
        replay="" if replay is None else str(replay),
    )
    asyncio.run(_serve(settings, json_wanted))


async def _serve(settings: SimulatorSettings, json_wanted: bool) -> None:
    import json

    from tradebot.engine.control.progress import counted
    from tradebot.engine.market.times import iso_ms
    from tradebot.engine.simulator import Simulator

    simulator = Simulator(settings)
    url = await simulator.start()
    rules = len(simulator.exchange.faults.describe())
    if json_wanted:
        document = {
            "url": url,
            "seed": settings.seed,
            "symbols": simulator.exchange.symbols,
            "speed": settings.speed,
            "start": iso_ms(simulator.exchange.started_ms),
            "faults": rules,
            "replay": settings.replay or None,
        }
        print_out(json.dumps(document))
    else:
        print_out(url)
    listed = counted(simulator.exchange.symbols, "symbol")
    planned = f", {counted(rules, 'fault rule')}" if rules else ""
    print_note(
        f"Simulated exchange: {listed}, {_origin(settings)}, {settings.speed:g}x{planned}. Ctrl+C ends it."
    )
    try:
        await _until_recording_ends(simulator)
        await asyncio.Event().wait()
    finally:
        await simulator.stop()


def _origin(settings: SimulatorSettings) -> str:
    return f"replay of {settings.replay}" if settings.replay else f"seed {settings.seed}"


async def _until_recording_ends(simulator: Simulator) -> None:
    """Say once when a recording is over; the exchange goes on to answer."""
    replay = simulator.exchange.replay
    if replay is None:
        return
    left_ms = replay.end_ms - simulator.exchange.clock.now_ms()
    await asyncio.sleep(max(0.0, left_ms / 1000 / simulator.settings.speed))
    print_note(replay.ended(replay.end_ms))


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
