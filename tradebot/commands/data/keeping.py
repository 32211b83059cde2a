"""`tradebot data backup|restore|prune|compact`: one archive of everything, back again, old bars cut, order kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tradebot.commands.context import ConfigOption, DataOption, JsonOption, open_context
from tradebot.commands.data.opening import chosen_keys, open_store, tell_notices, writing_store
from tradebot.commands.progress import ConsoleProgress
from tradebot.engine.control.errors import EXIT_SHORT


def backup(
    archive: Annotated[
        Path | None,
        typer.Argument(metavar="[ARCHIVE]", help="A new .zip file; named by the date where none is."),
    ] = None,
    results: Annotated[bool, typer.Option("--results", help="Save the backtests' results too.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Save everything collected and imported to one archive, and read it back to verify it."""
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.market.times import iso_date
    from tradebot.engine.store import back_up

    context = open_context(data, config, None, json_wanted)
    target = archive or Path(f"tradebot-data-{iso_date(SystemClock().now_ms())}.zip")
    store = open_store(context)
    with _progress("backup") as show:
        report = back_up(store, target.resolve(), results, show)
    tell_notices(store)
    context.answer(report.to_json(), report.sentence)


def restore(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="What `tradebot data backup` made.")],
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Put aside files that differ; without it they refuse the restore."),
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Bring a backup back into the data folder; every file is verified by its hash first."""
    from tradebot.engine.store import restore as restore_archive

    context = open_context(data, config, None, json_wanted)
    with writing_store(context, "tradebot data restore") as store, _progress("restore") as show:
        report = restore_archive(store, archive.resolve(), replace, show)
    context.answer(report.to_json(), report.sentence)


def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be cut.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> int:
    """Cut the oldest bars that the settings' [retention] does not keep; exits 1 where a file could not be cut."""
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.store import RetentionRules
    from tradebot.engine.store import prune as prune_store

    context = open_context(data, config, None, json_wanted)
    rules, now_ms = RetentionRules.of(context.settings.retention), SystemClock().now_ms()
    with _progress("prune") as show:
        if dry_run:
            report = prune_store(open_store(context), rules, now_ms, True, show)
        else:
            with writing_store(context, "tradebot data prune") as store:
                report = prune_store(store, rules, now_ms, False, show)
    context.answer(report.to_json(), "\n".join([*report.lines, report.sentence]))
    return EXIT_SHORT if report.failures else 0


def compact(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DATASET]...", help="Such as BTCUSDT_1m or BTC*; everything if none."),
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> int:
    """Write what waits beside the files, drop rows doubled word for word, delete left-over caches; exits 1 where a
    file could not be put in order.
    """
    from tradebot.engine.store import compact as compact_store

    context = open_context(data, config, None, json_wanted)
    with writing_store(context, "tradebot data compact") as store, _progress("compact") as show:
        report = compact_store(store, chosen_keys(store, datasets) if datasets else None, show)
    context.answer(report.to_json(), report.sentence)
    return EXIT_SHORT if report.failures else 0


@contextmanager
def _progress(title: str) -> Iterator[ConsoleProgress]:
    """Progress on standard error, closed whatever happens."""
    console = ConsoleProgress(title)
    try:
        yield console
    finally:
        console.close()
