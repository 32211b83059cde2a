"""`tradebot data import`: files of other programs, one by one or whole folders of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradebot.commands.context import ConfigOption, DataOption, JsonOption, open_context, print_note
from tradebot.commands.data.opening import writing_store
from tradebot.commands.progress import ConsoleProgress
from tradebot.engine.control.errors import EXIT_USAGE
from tradebot.engine.control.progress import counted

if TYPE_CHECKING:
    from tradebot.engine.store import ImportReport

_FEW_FILES = 10


def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Files (.csv, .gz, .zip, freqtrade's .json) or folders of them."
        ),
    ],
    category: Annotated[str, typer.Option(help="linear, inverse or spot.")] = "",
    symbol: Annotated[str, typer.Option(help="Such as BTCUSDT, where the file's name does not say it.")] = "",
    timeframe: Annotated[str, typer.Option(help="Such as 1m, where the file's name does not say it.")] = "",
    clock: Annotated[str, typer.Option(help="The file's clock, such as +03:00; for files with dates.")] = "",
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> int:
    """Import bars, mark prices or funding: this layout, Binance archives, MetaTrader files with a stated clock,
    freqtrade JSON, tables with dates. A file that is refused stores nothing, and the others are imported.
    """
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.queries import import_options
    from tradebot.engine.store.import_batch import files_to_import
    from tradebot.engine.store.import_batch import import_files as import_all

    context = open_context(data, config, None, json_wanted)
    options = import_options(category, symbol, timeframe, clock)
    chosen = files_to_import(files)
    console = ConsoleProgress("import")
    with writing_store(context, "tradebot data import") as store:
        try:
            outcome = import_all(
                store, chosen, options, SystemClock().now_ms(), console if len(chosen) > 1 else None
            )
        finally:
            console.close()
    said = [line for report in outcome.imported for line in _lines(report)]
    if len(chosen) > _FEW_FILES:
        said = _summary(outcome.imported)
    if not outcome.refused:
        context.answer({"imports": [report.to_json() for report in outcome.imported]}, "\n".join(said))
        return 0
    if json_wanted:
        for line in said:
            print_note(line)
    else:
        context.answer(None, "\n".join(said))
    for refusal in outcome.refused:
        print_note(refusal.sentence)
    if len(chosen) > 1:
        others = "the others were imported" if outcome.imported else "nothing was imported"
        print_note(f"{len(outcome.refused):,} of {counted(len(chosen), 'file')} refused, {others}.")
    return EXIT_USAGE


def _lines(report: ImportReport) -> list[str]:
    return [report.sentence, *(f"  {note}" for note in report.notes)]


def _summary(reports: tuple[ImportReport, ...]) -> list[str]:
    """A sentence for each dataset that many files went into, and each of their notes once."""
    from tradebot.engine.market.times import iso_minute

    lines: list[str] = []
    for dataset in dict.fromkeys(report.dataset for report in reports):
        parts = [report for report in reports if report.dataset == dataset]
        added = sum(report.rows_added for report in parts)
        existing = sum(report.rows_existing for report in parts)
        differing = sum(report.differing for report in parts)
        held = f", {existing:,} were there already" if existing else ""
        other = f", {differing:,} of them with other values, and the ones held stay" if differing else ""
        first, last = min(each.first_ms for each in parts), max(each.last_ms for each in parts)
        lines.append(
            f"{counted(len(parts), 'file')} to {dataset}: {counted(added, 'row')} added{held}{other}; "
            f"{iso_minute(first)} to {iso_minute(last)} UTC."
        )
        lines += [f"  {note}" for note in dict.fromkeys(note for each in parts for note in each.notes)]
    return lines
