"""Plug-ins: a person's own indicators, signals and combinations.

They are Python files in the folder `plugins` of the settings, or modules of installed packages (entry points of the
group `tradebot.plugins`): plain modules whose decorated functions are taken into the registry. One with anything wrong
in it is left out as a whole and named with the line; everything else works.

Before a text is taken in for the first time, it is run in a process of its own and each function tried on random bars:
it must return columns of the right shape, the same values when later bars are not known yet, and come to an end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tradebot.engine.strategy.plugin_guard import guarded
from tradebot.engine.strategy.plugin_loading import (
    Pluggable,
    PluginError,
    PluginSource,
    declarations_of,
    file_sources,
    installed_sources,
    line_of,
)
from tradebot.engine.strategy.plugin_trials import outcomes
from tradebot.engine.strategy.registry import Registry, builtin_registry

_DECLARED = re.compile(r"""^@(indicator|signal|combination)\(\s*["'](\w+)["']""", re.MULTILINE)
TRIAL_SECONDS = 15.0
"""How long a plug-in may compute on a few hundred bars: enough to compile a loop, short enough to wait for once."""


@dataclass(frozen=True, slots=True)
class PluginProblem:
    """Why a plug-in was left out: its file, the line where it is known, and a sentence.

    `names` are the (family, name) of what it declares, as far as that came to light.
    """

    file: Path
    line: int | None
    sentence: str
    names: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        place = f"{self.file.name}:{self.line}" if self.line else self.file.name
        return f"The plug-in {place} was left out: {self.sentence}"


def load_registry(
    folder: Path, trial_seconds: float = TRIAL_SECONDS
) -> tuple[Registry, tuple[PluginProblem, ...]]:
    """A new registry of everything that comes with the program and of the plug-ins: those in `folder`, which may be
    missing, then those of installed packages.

    Files are read in the order of their names; those that begin with `_` or `.` are no plug-ins. A trial that takes
    longer than `trial_seconds` is a fault.
    """
    registry = builtin_registry()
    problems: list[PluginProblem] = []
    sources: list[PluginSource] = []
    for found in file_sources(folder):
        if isinstance(found, PluginSource):
            sources.append(found)
        else:
            problems.append(PluginProblem(found[0], None, found[1]))
    sources += installed_sources()
    tried = outcomes(folder, sources, trial_seconds)
    homes: dict[tuple[str, str], str] = {}
    for source in sources:
        outcome = tried[source.digest]
        try:
            if outcome.sentence:
                raise PluginError(outcome.sentence, outcome.line)
            declarations = declarations_of(source)
            _check_names(declarations, registry, homes)
        except PluginError as error:
            file = Path(source.path or source.module)
            problems.append(PluginProblem(file, error.line, str(error), outcome.names or _names_in(file)))
            continue
        for each in declarations:
            registry.add(guarded(each))
            homes[each.family, each.name] = source.shown
    for problem in problems:
        for name in problem.names:
            if name not in homes:
                registry.left_out[name] = str(problem).replace("The plug-in", "the plug-in", 1).rstrip(".")
    return registry, tuple(problems)


def _names_in(file: Path) -> tuple[tuple[str, str], ...]:
    """What a text that cannot be run would declare, as far as its names stand there plainly."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    return tuple((f"{family}s", name) for family, name in _DECLARED.findall(text))


def _check_names(
    declarations: Sequence[Pluggable], registry: Registry, homes: dict[tuple[str, str], str]
) -> None:
    names: set[tuple[str, str]] = set()
    for each in declarations:
        key = (each.family, each.name)
        if key in names or each.name in registry.family(each.family):
            where = "this file" if key in names else homes.get(key, "tradebot itself")
            raise PluginError(
                f'the name "{each.name}" is taken among the {each.family} by {where}; choose another.',
                line_of(each),
            )
        names.add(key)
