"""`tradebot sim`: the simulated exchange as a server of its own."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from tradebot.commands.context import JsonOption, print_note, print_out


def sim(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 0,
    symbols: Annotated[int, typer.Option(min=1, max=600, help="How many symbols are listed.")] = 600,
    seed: Annotated[
        int, typer.Option(min=0, help="The market it plays: the same seed gives the same prices.")
    ] = 1,
    speed: Annotated[float, typer.Option(min=0.1, max=10_000, help="How fast its clock runs.")] = 1.0,
    json_wanted: JsonOption = False,
) -> None:
    """Run a simulated Bybit on this machine and print the URL it listens on. Ctrl+C ends it."""
    import json

    from tradebot.engine.simulator import Simulator, SimulatorSettings

    settings = SimulatorSettings(port=port, symbols=symbols, seed=seed, speed=speed)

    async def serve() -> None:
        simulator = Simulator(settings)
        url = await simulator.start()
        print_out(
            json.dumps({"url": url, "seed": seed, "symbols": symbols, "speed": speed}) if json_wanted else url
        )
        print_note(f"Simulated exchange: {symbols} symbols, seed {seed}, {speed:g}x. Ctrl+C ends it.")
        try:
            await asyncio.Event().wait()
        finally:
            await simulator.stop()

    asyncio.run(serve())
