"""The text that `tradebot strategy new` begins with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tradebot.commands.context import Context
from tradebot.engine.control.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from tradebot.engine.strategy import Registry
    from tradebot.engine.strategy.library import StrategyLibrary
    from tradebot.engine.strategy.templates import Templates

_EMPTY = """\
# A strategy: indicators are series, signals are rules made from them, and the entry says which rules open a position.
# `tradebot strategy check {name}` says what still lacks.

[strategy]
name = "{title}"
category = "linear"              # linear (perpetuals) or spot
symbols = ["BTCUSDT"]            # names, and patterns such as "ETH*"
timeframe = "1h"                 # decisions are taken at the close of these bars

# [indicators.fast]              # any name of your own
# use = "ema"
# length = 21

# [signals.above]
# use = "compare"
# a = "close"
# op = ">"
# b = "fast"
# supports = "direction"         # long where it is true, short where the opposite is

# [entry]
# combine = "unanimous"          # unanimous, majority, any, at_least or weighted
# signals = ["above"]

[risk]
direction = "both"
sizing = {{ use = "equity", percent = 50.0 }}
stop_loss = {{ use = "percent", percent = 3.0 }}
"""


def begun(
    context: Context,
    library: StrategyLibrary,
    registry: Registry,
    name: str,
    source: str | None,
    symbols: str | None,
    timeframe: str | None,
) -> tuple[str, str]:
    """(the TOML text, a sentence without its full stop about where it comes from).

    Raises InputError for a template that is none, and for a symbol or timeframe that does not fit.
    """
    if source is None:
        text = _EMPTY.format(name=name, title=name.replace("-", " ").replace("_", " ").capitalize())
        origin = "An empty strategy"
    else:
        text, origin = _copied(context, library, registry, source)
    return _placed(text, registry, symbols, timeframe), origin


def _copied(context: Context, library: StrategyLibrary, registry: Registry, source: str) -> tuple[str, str]:
    templates = open_templates(context)
    names = [each.name for each in templates.all()]
    if source in names and not Path(source).is_file():
        return templates.text(source, registry), f"A copy of the template {source}"
    known = {file.name for file in library.files()}
    if source not in known and not Path(source).is_file() and Path(source).stem not in known:
        listed = f"the templates are {', '.join(names)}" if names else "there are no templates"
        raise InputError(
            f"There is no template or strategy {source} to begin with: {listed}; tradebot strategy list shows the "
            f"strategies.{did_you_mean(source, [*names, *known])}"
        )
    return library.read(source), f"A copy of {source}"


def open_templates(context: Context) -> Templates:
    """The templates that came with tradebot."""
    from tradebot.engine.strategy.templates import Templates

    return Templates(context.folders.shipped / "templates")


def _placed(text: str, registry: Registry, symbols: str | None, timeframe: str | None) -> str:
    """The text on another market; only what is said about that market is checked here."""
    from tradebot.engine.strategy import apply_overrides, check_strategy

    chosen = {"strategy.symbols": symbols, "strategy.timeframe": timeframe}
    overrides = {path: value for path, value in chosen.items() if value is not None}
    if not overrides:
        return text
    text = apply_overrides(text, overrides, "the new strategy", registry)
    for problem in check_strategy(text, "the new strategy", registry).errors:
        for path, value in overrides.items():
            if problem.path == path or problem.path.startswith(f"{path}."):
                option = f"--{path.rpartition('.')[2]}"
                stop = "" if problem.sentence[-1] in ".?" else "."
                raise InputError(f"{option} {value}: {problem.sentence}{stop}")
    return text
