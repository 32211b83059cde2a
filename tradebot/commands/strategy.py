"""`tradebot strategy new|list|show|check|export`: strategies as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradebot.commands.context import ConfigOption, Context, DataOption, JsonOption, open_context, print_note
from tradebot.engine.control.errors import EXIT_SHORT, InputError, TradebotError
from tradebot.engine.control.progress import counted

if TYPE_CHECKING:
    from tradebot.engine.backtest.lint.lint import LintFinding
    from tradebot.engine.strategy import CheckedStrategy, Registry, StrategySpec
    from tradebot.engine.strategy.library import StrategyLibrary
    from tradebot.engine.strategy.plugins import PluginProblem

app = typer.Typer(help="Strategies: list, show and check them, or begin a new one.", no_args_is_help=False)

_LARGEST_FILE = 1_000_000

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A strategy's name or the path of its file.")
]


@app.command("list")
def list_strategies(
    data: DataOption = None, config: ConfigOption = None, json_wanted: JsonOption = False
) -> None:
    """List your strategies, the examples and the templates, with versions and what is wrong."""
    from tradebot.commands.strategy_new import open_templates
    from tradebot.commands.strategy_text import listing, plugin_rows
    from tradebot.engine.strategy import check_strategy

    context = open_context(data, config, None, json_wanted)
    library = open_library(context)
    registry, left_out = load_plugins(context)
    rows: list[dict[str, Any]] = []
    for file in library.files():
        try:
            checked = check_strategy(library.read(str(file.path)), file.path.name, registry)
            spec, errors, problem = checked.spec, len(checked.errors), ""
            first = checked.errors[0].render(file.path.name) if errors else ""
        except TradebotError as error:
            spec, errors, problem, first = None, 1, error.sentence, error.sentence
        rows.append(
            {
                "name": file.name,
                "title": spec.name if spec else "",
                "symbols": _traded(spec) if spec else [],
                "timeframe": spec.timeframe.value if spec else "",
                "example": file.example,
                "version": library.newest_version(file.name),
                "errors": errors,
                "problem": problem,
                "first_error": first,
                "path": str(file.path),
            }
        )
    templates = [
        {"name": each.name, "title": each.title, "note": each.note, "figures": each.figures}
        for each in open_templates(context).all()
    ]
    context.answer(
        {"strategies": rows, "templates": templates, "plugins_left_out": plugin_rows(left_out)},
        "\n".join(listing(rows, templates)),
    )


def _traded(spec: StrategySpec) -> list[str]:
    return [f"top {spec.top.top} by {spec.top.by}"] if spec.top is not None else list(spec.symbols)


@app.command("show")
def show(
    name: NameArgument,
    toml: Annotated[bool, typer.Option("--toml", help="Print the file itself.")] = False,
    version: Annotated[
        int | None, typer.Option(min=1, help="An older version instead.", show_default=False)
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Say in words what a strategy does, with its parts and the data that it reads."""
    from tradebot.commands.strategy_text import (
        need_lines,
        need_rows,
        node_lines,
        node_rows,
        note_lines,
        version_text,
    )
    from tradebot.engine.strategy import check_strategy, describe
    from tradebot.engine.strategy.needs import data_needs

    context = open_context(data, config, None, json_wanted)
    library = open_library(context)
    file = library.find(name)
    found, shown, text = strategy_text(context, name)
    versions = [{"number": each.number, "current": each.current} for each in library.versions(found)]
    if version is not None:
        text, shown = library.read_version(found, version), f"{shown} (version {version})"
    document: dict[str, Any] = {"name": found, "path": str(file.path), "toml": text, "versions": versions}
    if toml and not json_wanted:
        context.answer(document, text.rstrip("\n"))
        return
    registry = open_registry(context)
    checked = check_strategy(text, shown, registry)
    spec = checked.spec
    if spec is None:
        many = counted(len(checked.errors), "error")
        sentence = f"{shown} has {many}, so it cannot be put into words: tradebot strategy check {name}"
        context.answer(
            document | {"valid": False, "errors": len(checked.errors)}, f"{text.rstrip()}\n\n{sentence}"
        )
        return
    nodes, needs = node_rows(spec, registry), need_rows(data_needs(spec, registry))
    words = describe(spec, registry)
    head = f"{spec.name}   {version_text(versions, version)}{file.path}"
    context.answer(
        document | {"valid": True, "title": spec.name, "words": words, "nodes": nodes, "needs": needs},
        "\n".join([head, "", words, *node_lines(nodes), *need_lines(needs), *note_lines(spec.note)]),
    )


@app.command("export")
def export(
    name: NameArgument, data: DataOption = None, config: ConfigOption = None, json_wanted: JsonOption = False
) -> None:
    """Print a strategy as Python that builds the same one."""
    import tomllib

    from tradebot.engine.strategy import check_strategy
    from tradebot.engine.strategy.export import to_python

    context = open_context(data, config, None, json_wanted)
    found, shown, text = strategy_text(context, name)
    check_strategy(text, shown, open_registry(context)).required()
    python = to_python(tomllib.loads(text))
    context.answer({"name": found, "python": python}, python.rstrip("\n"))


@app.command("check")
def check(
    name: NameArgument,
    no_data: Annotated[
        bool, typer.Option("--no-data", help="Look at the file alone, not at the data at hand.")
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> int:
    """Say everything that is wrong with a strategy at once, on the data at hand too. Exits 1 where it has errors."""
    from tradebot.commands.strategy_text import plugin_rows, problem_lines, problem_rows, verdict
    from tradebot.engine.strategy import check_strategy
    from tradebot.engine.strategy.problems import path_text
    from tradebot.engine.strategy.toml_text import TomlText, read_toml

    context = open_context(data, config, None, json_wanted)
    found, shown, text = strategy_text(context, name)
    registry, left_out = load_plugins(context)
    checked = check_strategy(text, shown, registry)
    findings = () if no_data else _lint(context, checked, registry)
    read = read_toml(text)
    lines = {path_text(path): line for path, line in read.lines.items()} if isinstance(read, TomlText) else {}
    rows = problem_rows(checked, findings, lines)
    wrong = any(row["severity"] == "error" for row in rows)
    document = {
        "name": found,
        "valid": not checked.errors,
        "problems": rows,
        "data": None if no_data else str(context.folders.data),
        "plugins_left_out": plugin_rows(left_out),
    }
    context.answer(document, "\n".join([*problem_lines(rows, shown), verdict(rows, shown)]))
    return EXIT_SHORT if wrong else 0


def _lint(context: Context, checked: CheckedStrategy, registry: Registry) -> tuple[LintFinding, ...]:
    """What the data at hand says; nothing of a strategy whose file has errors."""
    if checked.spec is None:
        return ()
    from tradebot.engine.backtest.kernel.ledger import RunSettings
    from tradebot.engine.backtest.lint.lint import lint_strategy
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.store import Store

    settings = RunSettings.resolve(checked.spec, context.settings.backtest)
    # A folder that is not there yet must not come into being by looking at it.
    store = Store(context.folders.data, SystemClock(), read_only=not context.folders.data.is_dir())
    try:
        return lint_strategy(checked.spec, registry, store, settings)
    finally:
        for sentence in store.notices():
            print_note(sentence)


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new file, in small letters.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            "--like",
            metavar="TEMPLATE",
            help="A template or strategy to begin with.",
            show_default=False,
        ),
    ] = None,
    symbols: Annotated[
        str | None, typer.Option(help="What it trades: BTCUSDT,ETH*", show_default=False)
    ] = None,
    timeframe: Annotated[
        str | None, typer.Option(help="The bars it decides on: 15m", show_default=False)
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Begin a new strategy: an empty one, or a copy of a template or another strategy. Overwrites nothing."""
    from tradebot.commands.strategy_new import begun

    context = open_context(data, config, None, json_wanted)
    library = open_library(context)
    registry = open_registry(context)
    text, origin = begun(context, library, registry, name, source, symbols, timeframe)
    path = library.save(name, text, overwrite=False)
    print_note(f"{origin}; edit it with any text editor or in the app's Build area.")
    context.answer({"name": name, "path": str(path), "from": source}, str(path))


def open_library(context: Context) -> StrategyLibrary:
    """The strategies of this run's folders."""
    from tradebot.engine.strategy.library import StrategyLibrary

    return StrategyLibrary(context.folders.strategies, context.folders.shipped_strategies)


def load_plugins(context: Context) -> tuple[Registry, tuple[PluginProblem, ...]]:
    """Everything that strategies may use, and the plug-ins left out, which are named on standard error."""
    from tradebot.engine.strategy.plugins import load_registry

    registry, problems = load_registry(context.folders.plugins)
    for problem in problems:
        print_note(str(problem))
    return registry, problems


def open_registry(context: Context) -> Registry:
    """Everything that strategies may use, plug-ins included."""
    return load_plugins(context)[0]


def strategy_text(context: Context, name: str) -> tuple[str, str, str]:
    """(name, path for sentences, TOML text) of a strategy by name or path. Raises InputError where there is none."""
    library = open_library(context)
    file = library.find(name)
    if file.path.stat().st_size > _LARGEST_FILE:
        raise InputError(f"{file.path} is larger than 1 MB; that is no strategy.")
    return file.name, _shown(file.path, name), library.read(name)


def _shown(path: Path, given: str) -> str:
    """What sentences call the file: the path as it was given, or the file's name where only a name was given."""
    return given if Path(given).is_file() else path.name
