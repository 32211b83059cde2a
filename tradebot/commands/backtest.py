"""`tradebot backtest`: run a strategy on stored data; the same engine and the same numbers as the app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradebot.commands.context import ConfigOption, Context, DataOption, JsonOption, open_context, print_note
from tradebot.commands.data import open_store
from tradebot.commands.progress import ConsoleProgress
from tradebot.commands.strategy import open_registry, strategy_text
from tradebot.engine.control.errors import InputError

if TYPE_CHECKING:
    from tradebot.engine.backtest.results.result import BacktestResult


def backtest(
    strategy: Annotated[str, typer.Argument(metavar="FILE", help="A strategy's file or name.")],
    start: Annotated[
        str | None, typer.Option("--from", help="First bar: a date or a span back.", show_default=False)
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the span.", show_default=False)] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Another value, e.g. risk.max_bars=96."),
    ] = None,
    cash: Annotated[
        float | None, typer.Option(help="Starting cash in the quote coin.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the result instead of data/results.", show_default=False)
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Backtest a strategy and store the result."""
    context = open_context(data, config, None, json_wanted)
    result, folder = run(context, strategy, start, end, parse_overrides(overrides or []), cash, out)
    from tradebot.engine.backtest.results.folder import result_document

    context.answer({**result_document(result), "folder": str(folder)}, summary(result, folder))


def run(
    context: Context,
    strategy: str,
    start: str | None,
    end: str | None,
    overrides: tuple[tuple[str, str], ...],
    cash: float | None,
    out: Path | None,
) -> tuple[BacktestResult, Path]:
    """Run a strategy's order and write its result; (the result, its folder)."""
    return run_text(context, strategy_text(context, strategy), start, end, overrides, cash, out)


def run_text(
    context: Context,
    strategy: tuple[str, str, str],
    start: str | None,
    end: str | None,
    overrides: tuple[tuple[str, str], ...],
    cash: float | None,
    out: Path | None,
) -> tuple[BacktestResult, Path]:
    """Run an order of (name, what sentences call the file, TOML text) and write its result."""
    from tradebot.engine.backtest.order import BacktestOrder, carry_out
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.control.progress import CancelToken

    name, shown, text = strategy
    folder = out or context.folders.results
    store = open_store(context)
    progress = ConsoleProgress(name)
    try:
        result = carry_out(
            BacktestOrder(text, shown, start, end, cash, overrides),
            open_registry(context),
            store,
            context.settings.backtest,
            SystemClock(),
            folder,
            progress,
            print_note,
            CancelToken(),
        )
    finally:
        progress.close()
        for sentence in store.notices():
            print_note(sentence)
    return result, folder / result.result_id


def parse_overrides(texts: list[str]) -> tuple[tuple[str, str], ...]:
    """`path=value` pairs. Raises InputError for a text without `=`."""
    pairs = []
    for text in texts:
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            raise InputError(f"--set takes PATH=VALUE such as risk.stop_loss.percent=2.5, was {text!r}.")
        pairs.append((path.strip(), value.strip()))
    return tuple(pairs)


def summary(result: BacktestResult, folder: Path | None) -> str:
    """Figures, counts and warnings of a result as lines for a person."""
    from tradebot.engine.result_views import backtest_view

    view = backtest_view(result, 2, str(folder or ""))
    lines = [view.title, ""]
    half = (len(view.metrics) + 1) // 2
    for left, right in zip(view.metrics[:half], [*view.metrics[half:], None], strict=False):
        line = f"  {left.label:<20}{left.text:>14}"
        lines.append(line + (f"     {right.label:<18}{right.text:>14}" if right is not None else ""))
    refused = {reason: count for reason, count in result.refusals.items() if count}
    if refused:
        lines += [
            "",
            "  refused entries: " + ", ".join(f"{reason} {count:,}" for reason, count in refused.items()),
        ]
    if result.conflicts:
        lines.append(f"  bars with both sides supported: {result.conflicts:,} (no decision)")
    lines += [""] + [f"  ! {sentence}" for sentence in view.warnings]
    if folder is not None:
        lines.append(f"  stored in {folder}")
    return "\n".join(lines)
