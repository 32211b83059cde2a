"""`tradebot data holes`: what the exchange was seen to have no bars of, and asking for it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradebot.commands.context import ConfigOption, DataOption, JsonOption, open_context
from tradebot.commands.data.opening import chosen_keys, open_store, tell_notices, writing_store
from tradebot.engine.control.progress import counted

if TYPE_CHECKING:
    from tradebot.engine.market import DatasetKey
    from tradebot.engine.store.holes import Hole


def holes(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DATASET]...", help="Such as BTCUSDT_1m or BTC*; all if none."),
    ] = None,
    forget: Annotated[
        bool,
        typer.Option("--forget", help="Forget them, so that the next collection asks for these bars again."),
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """List the ranges that the exchange itself has no bars of; they are looked at again ever more seldom."""
    context = open_context(data, config, None, json_wanted)
    store = open_store(context)
    wanted = set(chosen_keys(store, datasets)) if datasets else None
    found = {key: each for key, each in store.all_holes().items() if wanted is None or key in wanted}
    tell_notices(store)
    if forget and found:
        with writing_store(context, "tradebot data holes") as writing:
            for key in found:
                writing.forget_holes(key)
    lines = [line for key, each in found.items() for line in _lines(key, each)]
    if forget and found:
        lines.append(
            f"Forgotten: the next collection asks for them again ({counted(len(found), 'dataset')})."
        )
    document = {"forgotten": forget, "datasets": [_document(key, each) for key, each in found.items()]}
    context.answer(
        document, "\n".join(lines) or "The exchange is not known to lack any bars that were asked for."
    )


def _lines(key: DatasetKey, found: tuple[Hole, ...]) -> list[str]:
    from tradebot.engine.market.times import iso_date, iso_minute

    bars = sum(hole.end_ms - hole.start_ms for hole in found) // key.timeframe.ms
    return [
        f"{key}: {counted(bars, 'bar')} in {counted(len(found), 'hole')}",
        *(
            f"  {iso_minute(hole.start_ms)} to {iso_minute(hole.end_ms)}, seen on {iso_date(hole.seen_ms)}"
            for hole in found
        ),
    ]


def _document(key: DatasetKey, found: tuple[Hole, ...]) -> dict[str, Any]:
    from tradebot.engine.market.times import iso_ms

    return {
        "dataset": str(key),
        "holes": [
            {"start": iso_ms(hole.start_ms), "end": iso_ms(hole.end_ms), "seen": iso_ms(hole.seen_ms)}
            for hole in found
        ],
    }
