"""From the text of a strategy file to a `StrategySpec`, with everything that is wrong said at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from tradebot.engine.control.errors import InputError
from tradebot.engine.strategy.checker import Checker
from tradebot.engine.strategy.overrides import override_document, rewrite
from tradebot.engine.strategy.problems import Path, Problem, Severity, StrategyError
from tradebot.engine.strategy.registry import Registry, builtin_registry
from tradebot.engine.strategy.spec import StrategySpec
from tradebot.engine.strategy.toml_text import read_toml


@dataclass(frozen=True, slots=True)
class CheckedStrategy:
    """What a check found: the strategy (None when there are errors), and all problems in the order of the file.

    `text` is what was checked, with the values that were set over it.
    """

    spec: StrategySpec | None
    problems: tuple[Problem, ...]
    file: str
    text: str = ""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the strategy from running."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that it can run with, but most likely should not."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.WARNING)

    def required(self) -> StrategySpec:
        """The strategy; StrategyError with all problems when it has errors."""
        if self.spec is None:
            raise StrategyError(self.problems, self.file)
        return self.spec


def read_strategy_text(path: FilePath) -> str:
    """The text of a strategy file; InputError when it cannot be read or is no UTF-8 text."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such strategy file.") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; expected a strategy file such as ema-trend.toml.") from None
    except OSError as error:
        raise InputError(f"{path}: the strategy file cannot be read ({error.strerror}).") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: is not UTF-8 text; save the strategy file as UTF-8.") from None


def parse_strategy(
    text: str,
    file: str = "strategy",
    registry: Registry | None = None,
    overrides: Mapping[str, str] | None = None,
) -> StrategySpec:
    """The strategy that a TOML text holds; StrategyError with all its problems when it has errors.

    `file` is what the sentences call it; `overrides` are values set over the text by their path.
    """
    return check_strategy(text, file, registry, overrides).required()


def check_strategy(
    text: str,
    file: str = "strategy",
    registry: Registry | None = None,
    overrides: Mapping[str, str] | None = None,
) -> CheckedStrategy:
    """Everything that is wrong with a TOML text, and the strategy it holds when nothing is. Never raises.

    A problem of a value that was set by `overrides` has no line; all other lines are those of `text`.
    """
    read = read_toml(text)
    if isinstance(read, Problem):
        return CheckedStrategy(None, (read,), file, text)
    registry = registry or builtin_registry()
    if not overrides:
        return replace(check_document(read.document, file, registry, read.lines), text=text)
    problems, document = override_document(read.document, overrides, registry)
    places: dict[Path, int | None] = dict(read.lines)
    for path in overrides:
        keys = tuple(int(key) if key.isdecimal() else key for key in path.split("."))
        places[keys] = None
        if keys[:2] == ("risk", "take_profit") and len(keys) == 3:
            places[(*keys[:2], 1, keys[2])] = None
    checked = check_document(document, file, registry, places)
    if problems:
        return CheckedStrategy(None, (*problems, *checked.problems), file, text)
    return replace(checked, text=rewrite(text, document, overrides, registry))


def check_document(
    document: Mapping[str, object],
    file: str = "strategy",
    registry: Registry | None = None,
    lines: Mapping[Path, int | None] | None = None,
) -> CheckedStrategy:
    """Like `check_strategy`, for a document that was read or edited already (as the form does)."""
    checker = Checker(document, registry or builtin_registry(), lines or {})
    spec = checker.strategy()
    problems = tuple(sorted(checker.problems, key=lambda problem: problem.line or 0))
    return CheckedStrategy(spec, problems, file)
