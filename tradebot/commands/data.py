"""`tradebot data list|check|import`: what is stored, whether it is sound, and bringing files in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradebot.commands.context import ConfigOption, Context, DataOption, JsonOption, open_context, print_note
from tradebot.engine.control.errors import EXIT_SHORT, InputError, TradebotError

if TYPE_CHECKING:
    from tradebot.engine.store import Store

app = typer.Typer(help="Market data: list it, check it, import files.", no_args_is_help=False)


@app.command("list")
def list_data(data: DataOption = None, config: ConfigOption = None, json_wanted: JsonOption = False) -> None:
    """List the datasets with their span, rows and gaps."""
    from tradebot.engine.market.times import iso_minute, iso_ms

    context = open_context(data, config, None, json_wanted)
    store = open_store(context)
    rows: list[dict[str, Any]] = []
    lines: list[str] = []
    for listed in store.datasets():
        info = listed if listed.exact or listed.problem else store.info(listed.key) or listed
        rows.append(
            {
                "dataset": str(info.key),
                "rows": info.rows,
                "first": None if info.first_ms is None else iso_ms(info.first_ms),
                "last": None if info.last_ms is None else iso_ms(info.last_ms),
                "gaps": info.gap_count,
                "missing_rows": info.missing_rows,
                "bytes": info.bytes,
                "problem": info.problem,
            }
        )
        span = (
            "no bars"
            if info.first_ms is None
            else f"{iso_minute(info.first_ms)}  {iso_minute(info.last_ms or 0)}"
        )
        gaps = f"{info.gap_count or 0} gaps" if info.gap_count != 1 else "1 gap"
        lines.append(f"{info.key!s:<28} {info.rows:>12,}  {span:<34}  {info.problem or gaps}")
    for sentence in store.notices():
        print_note(sentence)
    empty = (
        f"There is no market data in {context.folders.data} yet: tradebot collect fetches some, "
        "tradebot data import FILE brings in a file, tradebot demo needs neither."
    )
    context.answer({"folder": str(context.folders.data), "datasets": rows}, "\n".join(lines) or empty)


@app.command("check")
def check(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DATASET]...", help="Such as BTCUSDT_1m or spot/BTCUSDT_1m; all if none."),
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> int:
    """Check datasets: grid, order, gaps, prices. Exits 1 where one of them fails."""
    from tradebot.engine.queries import parse_key

    context = open_context(data, config, None, json_wanted)
    store = open_store(context)
    keys = [parse_key(text) for text in datasets] if datasets else [info.key for info in store.datasets()]
    if not keys:
        raise InputError(f"There is no market data in {context.folders.data} to check.")
    reports = [store.check(key) for key in keys]
    lines: list[str] = []
    for report in reports:
        lines.append(
            f"{report.key}: {'FAILED' if report.failed else 'sound'}, {report.rows:,} bars, {report.path}"
        )
        lines += [f"  {finding.level.value:<8} {finding.sentence}" for finding in report.findings]
    document = {"datasets": [report.to_json() for report in reports]}
    context.answer(document, "\n".join(lines))
    return EXIT_SHORT if any(report.failed for report in reports) else 0


@app.command("import")
def import_files(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CSV files, gzipped or not, or folders of them.")
    ],
    category: Annotated[str, typer.Option(help="linear, inverse or spot.")] = "",
    symbol: Annotated[str, typer.Option(help="Such as BTCUSDT, where the file's name does not say it.")] = "",
    timeframe: Annotated[str, typer.Option(help="Such as 1m, where the file's name does not say it.")] = "",
    clock: Annotated[str, typer.Option(help="The file's clock, such as +03:00; for files with dates.")] = "",
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Import bars or funding: this layout, Binance kline files, MetaTrader files with a stated clock."""
    from tradebot.engine.queries import import_files_of, import_options

    context = open_context(data, config, None, json_wanted)
    options = import_options(category, symbol, timeframe, clock)
    store = open_store(context)
    reports: list[Any] = []
    for file in import_files_of(tuple(files)):
        try:
            report = store.import_file(file, options)
        except TradebotError:
            if json_wanted:
                for done in reports:
                    print_note(done.sentence)
            raise
        reports.append(report)
        if not json_wanted:
            context.answer(None, "\n".join([report.sentence, *(f"  {note}" for note in report.notes)]))
    for sentence in store.notices():
        print_note(sentence)
    if json_wanted:
        context.answer({"imports": [report.to_json() for report in reports]}, "")


def open_store(context: Context) -> Store:
    """The store of this run's data folder."""
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.store import Store

    return Store(context.folders.data, SystemClock())
