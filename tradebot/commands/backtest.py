"""`tradebot backtest`: run strategies on stored data; the same engine and the same numbers as the app."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradebot.commands.backtest_text import summary
from tradebot.commands.context import ConfigOption, Context, DataOption, JsonOption, open_context, print_note
from tradebot.commands.data import open_store
from tradebot.commands.progress import ConsoleProgress
from tradebot.commands.strategy import open_registry, strategy_text
from tradebot.engine.control.errors import EXIT_OK, EXIT_SHORT, CancelledError, InputError

if TYPE_CHECKING:
    from tradebot.engine.backtest.batch import Each
    from tradebot.engine.backtest.inputs.prepare import Asked
    from tradebot.engine.backtest.order import BacktestOrder
    from tradebot.engine.backtest.results.result import BacktestResult
    from tradebot.engine.control.clock import Clock
    from tradebot.engine.control.memory import MemoryBudget
    from tradebot.engine.strategy import Registry

MOST_BESIDE = 3
_INTERRUPTED = "Interrupted; no result was written."


def backtest(
    strategies: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE", help="Files or names of strategies; several of them share one account."
        ),
    ],
    symbols: Annotated[
        str | None,
        typer.Option(
            help="Other symbols than the files say: BTCUSDT,ETH* or top10 or 'top 10 by volume'.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="First bar: a date or a span back.", show_default=False)
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the span.", show_default=False)] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Another value, e.g. risk.max_bars=96; of one strategy with NAME:risk.max_bars=96.",
        ),
    ] = None,
    cash: Annotated[
        float | None, typer.Option(help="Starting cash in the quote coin.", show_default=False)
    ] = None,
    each: Annotated[
        str | None,
        typer.Option(
            metavar="file|symbol",
            help="A run of its own for each strategy, or for each symbol of each, then a table of all.",
            show_default=False,
        ),
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="A stored run to set beside this one (last: the newest); up to three times."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the result instead of data/results.", show_default=False)
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> int:
    """Backtest strategies and store the result: several trade one account, unless --each asks for runs of their own."""
    context = open_context(data, config, None, json_wanted)
    order = order_of(context, strategies, symbols, start, end, parse_overrides(overrides or []), cash)
    results = out or context.folders.results
    if each is None:
        _one(context, order, results, compare or [])
        return EXIT_OK
    if compare:
        raise InputError(
            "--compare sets stored runs beside one new one; with --each use `tradebot results compare`."
        )
    return _several(context, order, results, _each(each))


def order_of(
    context: Context,
    strategies: list[str],
    symbols: str | None = None,
    start: str | None = None,
    end: str | None = None,
    overrides: tuple[tuple[str, str], ...] = (),
    cash: float | None = None,
) -> BacktestOrder:
    """What the command line asks for. InputError for a strategy that cannot be found or read."""
    from tradebot.engine.backtest.order import BacktestOrder, StrategyText

    texts = []
    for each in strategies:
        try:
            name, shown, text = strategy_text(context, each)
        except InputError:
            if Path(each).is_dir():
                raise InputError(f"{each} is a folder; name the strategy files in it one by one.") from None
            raise
        texts.append(StrategyText(text, shown, name))
    first = texts[0]
    return BacktestOrder(
        first.toml,
        first.file,
        start,
        end,
        cash,
        overrides,
        tuple(texts[1:]),
        name=first.name,
        symbols=symbols,
    )


def run_order(context: Context, order: BacktestOrder, results: Path) -> tuple[BacktestResult, Path]:
    """Run an order and write its result below `results`; (the result, its folder)."""
    from tradebot.engine.backtest.order import asked_of

    def asked(registry: Registry, clock: Clock) -> list[Asked]:
        return asked_of(order, registry, context.settings.backtest, clock, print_note)

    return run_asked(context, " + ".join(text.name or text.file for text in order.texts), asked, results)


def run_asked(
    context: Context, title: str, asked: Callable[[Registry, Clock], list[Asked]], results: Path
) -> tuple[BacktestResult, Path]:
    """Run strategies and write the result below `results`; (the result, its folder)."""
    from tradebot.engine.backtest.order import run_and_store
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.control.progress import CancelToken

    registry, store, clock = open_registry(context), open_store(context), SystemClock()
    progress = ConsoleProgress(title)
    try:
        result = run_and_store(
            asked(registry, clock),
            registry,
            store,
            clock,
            results,
            progress,
            print_note,
            CancelToken(),
            memory=memory_of(context),
        )
    except KeyboardInterrupt:
        raise CancelledError(_INTERRUPTED) from None
    finally:
        progress.close()
        for sentence in store.notices():
            print_note(sentence)
    return result, results / result.result_id


def memory_of(context: Context) -> MemoryBudget:
    """What backtests of this process may take together."""
    from tradebot.engine.control.memory import MemoryBudget, background_memory_bytes

    return MemoryBudget(background_memory_bytes(context.settings.performance.background_memory_mb))


def parse_overrides(texts: list[str]) -> tuple[tuple[str, str], ...]:
    """`path=value` pairs. Raises InputError for a text without `=`."""
    pairs = []
    for text in texts:
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            raise InputError(f"--set takes PATH=VALUE such as risk.stop_loss.percent=2.5, was {text!r}.")
        pairs.append((path.strip(), value.strip()))
    return tuple(pairs)


def _one(context: Context, order: BacktestOrder, results: Path, compare: list[str]) -> None:
    from tradebot.commands.compare_text import beside_text, compared_document
    from tradebot.engine.backtest.results.folder import read_result, result_document
    from tradebot.engine.backtest.results.runs import compare as compared
    from tradebot.engine.backtest.results.runs import find_result

    if len(compare) > MOST_BESIDE:
        raise InputError(f"--compare takes up to {MOST_BESIDE} stored runs, given were {len(compare)}.")
    # Before the run, so that a wrong id costs no waiting, and `last` is the one before.
    found = [find_result(_holder(results, context.folders.results, name), name).folder for name in compare]
    stored = [read_result(folder) for folder in found]
    result, folder = run_order(context, order, results)
    document: dict[str, Any] = {**result_document(result), "folder": str(folder)}
    text = summary(result, folder)
    if stored:
        document["compared"] = compared_document(result, stored)
        text += f"\n\n{beside_text(compared([result, *stored]), result, stored)}"
    context.answer(document, text)


def _holder(results: Path, usual: Path, name: str) -> Path:
    """The folder that a stored run is looked for in: that of the new result, else the usual one if it has it."""
    from tradebot.engine.backtest.results.runs import find_result

    if results != usual:
        try:
            find_result(usual, name)
        except InputError:
            return results
        try:
            find_result(results, name)
        except InputError:
            return usual
    return results


def _each(text: str) -> Each:
    from tradebot.engine.backtest.batch import Each

    try:
        return Each(text.strip().lower())
    except ValueError:
        raise InputError(f"--each must be file or symbol, was {text!r}.") from None


def _several(context: Context, order: BacktestOrder, results: Path, each: Each) -> int:
    from tradebot.commands.compare_text import batch_text
    from tradebot.engine.backtest.batch import carry_out_each, split
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.control.progress import CancelToken

    store, registry, clock = open_store(context), open_registry(context), SystemClock()
    settings = context.settings.backtest
    progress = ConsoleProgress("backtest")
    try:
        runs = split(order, each, registry, store, settings, clock, print_note)
        outcomes = carry_out_each(
            runs,
            registry,
            store,
            settings,
            clock,
            results,
            progress,
            print_note,
            CancelToken(),
            processors=context.settings.performance.background_processors,
            memory=memory_of(context),
        )
    except KeyboardInterrupt:
        raise CancelledError(_INTERRUPTED) from None
    finally:
        progress.close()
        for sentence in store.notices():
            print_note(sentence)
    failed = [outcome for outcome in outcomes if outcome.document is None]
    if len(failed) == len(outcomes):
        raise InputError("\n".join(dict.fromkeys(outcome.problem for outcome in failed)))
    rows = [
        outcome.document
        or {"strategy": outcome.run.name, "symbols": outcome.run.symbols, "problem": outcome.problem}
        for outcome in outcomes
    ]
    context.answer(
        {"runs": rows}, f"{batch_text(outcomes)}\n\nStored in {results}; `tradebot results list` names them."
    )
    return EXIT_SHORT if failed else EXIT_OK
