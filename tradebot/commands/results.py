"""`tradebot results list|show|compare|report|rerun|delete`: the stored backtests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradebot.commands.context import ConfigOption, Context, DataOption, JsonOption, open_context, print_note
from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.control.files import write_atomically
from tradebot.engine.control.progress import counted

if TYPE_CHECKING:
    from tradebot.engine.backtest.results.result import BacktestResult
    from tradebot.engine.backtest.results.runs import Comparison

app = typer.Typer(
    help="Stored backtests: list, show, compare, report, run again or delete them.", no_args_is_help=False
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
    from tradebot.engine.market.times import iso_minute, iso_ms

    context = open_context(data, config, None, json_wanted)
    results = _folder(context, folder)
    infos = list_results(results) if results.is_dir() else []
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
    lines = [
        f"{info.result_id:<42} {iso_minute(info.created_ms)} {_shown(info.symbols):<22} {info.timeframe:>4} "
        f"{info.trades:>7,} {_percent(info.total_return):>9} {_percent(info.max_drawdown):>9} {_ratio(info.sharpe):>7}"
        for info in infos
    ]
    head = (
        f"{'id':<42} {'run (UTC)':<16} {'symbols':<22} {'bars':>4} {'trades':>7} {'return':>9} {'drawdown':>9} "
        f"{'Sharpe':>7}"
    )
    none = f"There are no results in {results} yet; run a backtest first: tradebot backtest NAME."
    context.answer({"results": rows}, "\n".join([head, *lines]) if lines else none)


@app.command("show")
def show(
    name: IdArgument = "latest",
    folder: FolderOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Print the figures of a result."""
    from tradebot.commands.backtest import summary
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
    """Write a result as one HTML file that opens in any browser, without a network."""
    from tradebot.engine.html_report import html_report

    context = open_context(data, config, None, json_wanted)
    result, where = _read(context, folder, name)
    path = (out or where / "report.html").absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, html_report(result))
    except OSError as error:
        raise ShortfallError(
            f"The report could not be written to {path} ({error.strerror or 'refused'}); name another file with --out."
        ) from None
    context.answer({"id": result.result_id, "report": str(path)}, str(path))


@app.command("rerun")
def rerun(
    name: IdArgument = "latest",
    folder: FolderOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Run a result's strategy once more on the data of now, with its span and starting cash."""
    from tradebot.commands.backtest import run_text, summary
    from tradebot.engine.backtest.results.folder import result_document
    from tradebot.engine.market.times import iso_ms

    context = open_context(data, config, None, json_wanted)
    old, where = _read(context, folder, name)
    start, end = old.settings.start_ms, old.settings.end_ms
    result, stored = run_text(
        context,
        (old.strategy, str(where / "strategy.toml"), old.strategy_toml),
        None if start is None else iso_ms(start),
        None if end is None else iso_ms(end),
        (),
        old.settings.cash,
        folder,
    )
    if result.settings.costs != old.settings.costs:
        print_note("The costs in the settings have changed since the first run.")
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


def comparison_text(comparison: Comparison, results: list[BacktestResult]) -> str:
    """Figures as a table, the best one of a row marked with `*`, remarks below."""
    from tradebot.engine.result_views import metric_views

    views = [{view.name: view for view in metric_views(result.metrics.to_dict())} for result in results]
    lines = [
        f"{letter}  {result_id}" for letter, result_id in zip("ABCD", comparison.result_ids, strict=False)
    ]
    lines += ["", f"{'':<20}" + "".join(f"{letter:>15} " for letter in "ABCD"[: len(results)])]
    for figure in comparison.figures:
        if figure.name not in views[0]:
            continue
        cells = (
            f"{view[figure.name].text:>15}{'*' if figure.best == position else ' '}"
            for position, view in enumerate(views)
        )
        lines.append(f"{views[0][figure.name].label:<20}" + "".join(cells))
    return "\n".join([*lines, "", *(f"! {remark}" for remark in comparison.remarks)]).rstrip()


def _folder(context: Context, given: Path | None) -> Path:
    return given if given is not None else context.folders.results


def _read(context: Context, folder: Path | None, name: str) -> tuple[BacktestResult, Path]:
    from tradebot.engine.backtest.results.folder import read_result
    from tradebot.engine.backtest.results.runs import find_result

    info = find_result(_folder(context, folder), name)
    return read_result(info.folder), info.folder


def _shown(symbols: tuple[str, ...]) -> str:
    return ",".join(symbols[:2]) + (f" +{len(symbols) - 2}" if len(symbols) > 2 else "")


def _percent(value: float | None) -> Any:
    return "n/a" if value is None else f"{value * 100:+.1f}%"


def _ratio(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"
