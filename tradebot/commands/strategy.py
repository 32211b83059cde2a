"""`tradebot strategy new|list|show|check|export`: strategies as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradebot.commands.context import ConfigOption, Context, DataOption, JsonOption, open_context, print_note
from tradebot.engine.control.errors import EXIT_SHORT, InputError, TradebotError
from tradebot.engine.control.progress import counted

if TYPE_CHECKING:
    from tradebot.engine.strategy import Registry
    from tradebot.engine.strategy.library import StrategyLibrary

app = typer.Typer(help="Strategies: list, show and check them, or begin a new one.", no_args_is_help=False)

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A strategy's name or the path of its file.")
]


@app.command("list")
def list_strategies(
    data: DataOption = None, config: ConfigOption = None, json_wanted: JsonOption = False
) -> None:
    """List your strategies and the examples."""
    from tradebot.engine.strategy import check_strategy

    context = open_context(data, config, None, json_wanted)
    library = open_library(context)
    registry = open_registry(context)
    rows: list[dict[str, Any]] = []
    for file in library.files():
        try:
            checked = check_strategy(library.read(str(file.path)), file.path.name, registry)
            spec, errors, problem = checked.spec, len(checked.errors), ""
        except TradebotError as error:
            spec, errors, problem = None, 1, error.sentence
        rows.append(
            {
                "name": file.name,
                "title": spec.name if spec else "",
                "symbols": list(spec.symbols) if spec else [],
                "timeframe": spec.timeframe.value if spec else "",
                "example": file.example,
                "errors": errors,
                "problem": problem,
                "path": str(file.path),
            }
        )
    lines = [
        f"{row['name']:<22} {row['timeframe']:<4} {', '.join(row['symbols'])[:30]:<30} "
        + (row["problem"] or (counted(row["errors"], "error") if row["errors"] else row["title"]))
        for row in rows
    ]
    context.answer(
        {"strategies": rows}, "\n".join(lines) or "There are no strategies yet: tradebot strategy new NAME."
    )


@app.command("show")
def show(
    name: NameArgument, data: DataOption = None, config: ConfigOption = None, json_wanted: JsonOption = False
) -> None:
    """Print a strategy's file."""
    context = open_context(data, config, None, json_wanted)
    library = open_library(context)
    file = library.find(name)
    text = library.read(name)
    context.answer({"name": file.name, "path": str(file.path), "toml": text}, text.rstrip("\n"))


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
    name: NameArgument, data: DataOption = None, config: ConfigOption = None, json_wanted: JsonOption = False
) -> int:
    """Say everything that is wrong with a strategy at once. Exits 1 where it has errors."""
    from tradebot.engine.strategy import check_strategy

    context = open_context(data, config, None, json_wanted)
    library = open_library(context)
    file = library.find(name)
    shown = _shown(file.path, name)
    checked = check_strategy(library.read(name), shown, open_registry(context))
    problems = [
        {"path": each.path, "line": each.line, "severity": each.severity.value, "sentence": each.sentence}
        for each in checked.problems
    ]
    lines = [each.render(shown) for each in checked.problems]
    if not checked.errors:
        warnings = f", {len(checked.warnings)} warnings" if checked.warnings else ""
        lines.append(f"{shown}: ready to run{warnings}.")
    context.answer({"name": file.name, "valid": not checked.errors, "problems": problems}, "\n".join(lines))
    return EXIT_SHORT if checked.errors else 0


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new file, in small letters.")],
    like: Annotated[str, typer.Option("--like", help="The strategy to begin with.")] = "ema-trend",
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Begin a new strategy as a copy of another one."""
    context = open_context(data, config, None, json_wanted)
    library = open_library(context)
    path = library.save(name, library.read(like), overwrite=False)
    print_note(f"A copy of {like}; edit it with any text editor or in the app's Build area.")
    context.answer({"name": name, "path": str(path)}, str(path))


def open_library(context: Context) -> StrategyLibrary:
    """The strategies of this run's folders."""
    from tradebot.engine.strategy.library import StrategyLibrary

    return StrategyLibrary(context.folders.strategies, context.folders.shipped_strategies)


def open_registry(context: Context) -> Registry:
    """Everything that strategies may use, plug-ins included; those left out are named on standard error."""
    from tradebot.engine.strategy.plugins import load_registry

    registry, problems = load_registry(context.folders.plugins)
    for problem in problems:
        print_note(str(problem))
    return registry


def strategy_text(context: Context, name: str) -> tuple[str, str, str]:
    """(name, path for sentences, TOML text) of a strategy by name or path. Raises InputError where there is none."""
    library = open_library(context)
    file = library.find(name)
    if file.path.stat().st_size > 1_000_000:
        raise InputError(f"{file.path} is larger than 1 MB; that is no strategy.")
    return file.name, _shown(file.path, name), library.read(name)


def _shown(path: Path, given: str) -> str:
    """What sentences call the file: the path as it was given, or the file's name where only a name was given."""
    return given if Path(given).is_file() else path.name
