"""The sentences for datasets that are not there."""

from __future__ import annotations

from collections.abc import Iterable

from tradebot.engine.control.errors import InputError, nearest
from tradebot.engine.market import DatasetKey
from tradebot.engine.market.times import iso_minute
from tradebot.engine.store.inventory import DatasetInfo
from tradebot.engine.store.layout import Layout


def unknown_dataset(layout: Layout, key: DatasetKey) -> InputError:
    """There is no such dataset; names a packed file in its place, or the nearest name."""
    path = layout.bars(key)
    packed = path.with_name(path.name + ".gz")
    if packed.exists():
        return InputError(f"There is no {path}, only {packed.name}; run `tradebot data import {packed}`.")
    match = nearest(str(key), {str(file.key) for file in layout.bar_files()})
    hint = f' Did you mean "{match}"?' if match else ""
    return InputError(
        f"There is no dataset {key} in {layout.folder}; collect it with `tradebot collect` or import a file.{hint}"
    )


def nothing_to_build_from(layout: Layout, key: DatasetKey, infos: Iterable[DatasetInfo]) -> InputError:
    """No file of the symbol covers the span that was asked for; names the spans that are held."""
    held = [
        info
        for info in infos
        if (info.key.category, info.key.symbol, info.key.mark) == (key.category, key.symbol, key.mark)
    ]
    if not held:
        return unknown_dataset(layout, key)
    spans = ", ".join(
        f"{info.key.timeframe_name} from {iso_minute(info.first_ms)} to {iso_minute(info.last_ms)}"
        for info in held
        if info.first_ms is not None and info.last_ms is not None
    )
    what = "mark bars" if key.mark else "bars"
    return InputError(
        f"No {key.timeframe_name} {what} of {key.category}/{key.symbol} can be had for this span from "
        f"{layout.folder}; it holds {spans or 'no bars'}."
    )
