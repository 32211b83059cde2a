"""`tradebot results list|show|compare|report|export|rerun|delete`: the stored backtests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradebot.commands.columns import percent, ratio, table
from tradebot.commands.context import ConfigOption, Context, DataOption, JsonOption, open_context, print_note
from tradebot.engine.control.progress import counted

if TYPE_CHECKING:
    from tradebot.engine.backtest.results.folder import ResultInfo
    from tradebot.engine.backtest.results.result import BacktestResult

app = typer.Typer(
    help="Stored backtests: list, show, compare, report, export, run again or delete them.",
    no_args_is_help=False,
)

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A result's id, the beginning of one, or latest.")
]
FolderOption = Annotated[
    Path | None, typer.Option("--in", help="Folder of results instead of data/results.", show_default=False)
]


@app.command("list")
def list_stored(
    folder: FolderOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """List the stored results, newest first."""
    from tradebot.engine.backtest.results.folder import list_results
    from tradebot.engine.market.times import iso_ms

    context = open_context(data, config, None, json_wanted)
    results = _folder(context, folder)
    infos = list_results(results) if results.is_dir() else []
    damaged = sum(not path.parent.name.startswith(".") for path in results.glob("*/result.json")) - len(infos)
    if damaged > 0:
        print_note(f"{counted(damaged, 'result')} in {results} cannot be read and is left out of the list.")
    rows = [
        {
            "id": info.result_id,
            "strategy": info.strategy,
            "created": iso_ms(info.created_ms),
            "symbols": list(info.symbols),
            "timeframe": info.timeframe,
            "trades": info.trades,
            "total_return": info.total_return,
            "sharpe": info.sharpe,
            "max_drawdown": info.max_drawdown,
        }
        for info in infos
    ]
    none = f"There are no results in {results} yet; run a backtest first: tradebot backtest NAME."
    context.answer({"results": rows}, "\n".join(_listing(infos)) if infos else none)


def _listing(infos: list[ResultInfo]) -> list[str]:
    """A row for each result; the id stands last, where it may be as long as it is."""
    head = ("symbols", "bars", "trades", "return", "drawdown", "Sharpe")
    rows = [
        (
            _shown(info.symbols),
            info.timeframe,
            f"{info.trades:,}",
            percent(info.total_return),
            percent(info.max_drawdown),
            ratio(info.sharpe),
        )
        for info in infos
    ]
    lines = table(head, rows, indent="")
    width = max(map(len, lines))
    ids = ["id", *(info.result_id for info in infos)]
    return [f"{line:<{width}}  {result_id}" for line, result_id in zip(lines, ids, strict=True)]


@app.command("show")
def show(
    name: IdArgument = "latest",
    folder: FolderOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Print the figures of a result."""
    from tradebot.commands.backtest_text import summary
    from tradebot.engine.backtest.results.folder import result_document

    context = open_context(data, config, None, json_wanted)
    result, where = _read(context, folder, name)
    context.answer({**result_document(result), "folder": str(where)}, summary(result, where))


@app.command("compare")
def compare_stored(
    names: Annotated[list[str], typer.Argument(metavar="ID ID...", help="Two to four results.")],
    folder: FolderOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Print the figures of two to four results side by side."""
    from dataclasses import asdict

    from tradebot.commands.compare_text import comparison_text
    from tradebot.engine.backtest.results.runs import compare

    context = open_context(data, config, None, json_wanted)
    results = [_read(context, folder, name)[0] for name in names]
    comparison = compare(results)
    context.answer(asdict(comparison), comparison_text(comparison, results))


@app.command("report")
def report(
    name: IdArgument = "latest",
    out: Annotated[
        Path | None,
        typer.Option(
            help="The file to write instead of report.html in the result's folder.", show_default=False
        ),
    ] = None,
    folder: FolderOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Write the report: one HTML file for any browser, without a network."""
    from tradebot.commands.results_export import report_text, write_blocks

    context = open_context(data, config, None, json_wanted)
    result, where = _read(context, folder, name)
    path = (out or where / "report.html").absolute()
    write_blocks(path, [report_text(result)])
    context.answer({"id": result.result_id, "report": str(path)}, str(path))


@app.command("export")
def export(
    name: IdArgument = "latest",
    out: Annotated[
        Path | None,
        typer.Option(
            help="What to write; its ending says what: .csv the trades, .json everything, .html the report.",
            show_default=False,
        ),
    ] = None,
    folder: FolderOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Write trades (.csv), everything (.json) or report (.html)."""
    from tradebot.commands.results_export import export_blocks, write_blocks

    context = open_context(data, config, None, json_wanted)
    result, where = _read(context, folder, name)
    if out is None:
        files = sorted(path.name for path in where.iterdir() if path.is_file())
        context.answer(
            {"id": result.result_id, "folder": str(where), "files": files},
            f"The folder {where} holds {', '.join(files)}; copy what you need, or name one file with --out: .csv for "
            "the trades, .json for everything, .html for the report.",
        )
        return
    path = out.absolute()
    write_blocks(path, export_blocks(result, path.suffix.lower()))
    context.answer({"id": result.result_id, "file": str(path)}, str(path))


@app.command("rerun")
def rerun(
    name: IdArgument = "latest",
    folder: FolderOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Run a result again as it ran, on the data of now."""
    from tradebot.commands.backtest import run_asked
    from tradebot.commands.backtest_text import summary
    from tradebot.engine.backtest.results.again import asked_again, compared
    from tradebot.engine.backtest.results.folder import result_document

    context = open_context(data, config, None, json_wanted)
    old, _ = _read(context, folder, name)
    result, stored = run_asked(
        context,
        old.strategy,
        lambda registry, _: asked_again(old, registry),
        _folder(context, folder),
    )
    print_note(compared(old, result))
    context.answer({**result_document(result), "folder": str(stored)}, summary(result, stored))


@app.command("delete")
def delete(
    names: Annotated[list[str], typer.Argument(metavar="ID...", help="The results to put aside.")],
    folder: FolderOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Move results into the folder `deleted` beside the others."""
    from tradebot.engine.backtest.results.runs import delete_result, find_result

    context = open_context(data, config, None, json_wanted)
    results = _folder(context, folder)
    ids = [find_result(results, name).result_id for name in names]
    moved = [delete_result(results, each) for each in dict.fromkeys(ids)]
    text = f"{counted(len(moved), 'result')} moved to {moved[0].parent}."
    context.answer({"deleted": [str(path) for path in moved]}, text)


def _folder(context: Context, given: Path | None) -> Path:
    return given if given is not None else context.folders.results


def _read(context: Context, folder: Path | None, name: str) -> tuple[BacktestResult, Path]:
    from tradebot.engine.backtest.results.folder import read_result
    from tradebot.engine.backtest.results.runs import find_result

    info = find_result(_folder(context, folder), name)
    return read_result(info.folder), info.folder


def _shown(symbols: tuple[str, ...]) -> str:
    return ",".join(symbols[:2]) + (f" +{len(symbols) - 2}" if len(symbols) > 2 else "")
