"""What is wrong with a strategy, as sentences with their place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tradebot.engine.control.errors import InputError

_LONGEST_KEY = 80

Path = tuple[str | int, ...]
"""Where a value stands: keys, and positions in lists counted from 1."""


class Severity(StrEnum):
    """Whether a strategy with this problem can run."""

    ERROR = "error"
    """It cannot."""
    WARNING = "warning"
    """It can, but most likely it is not what was meant."""
    HINT = "hint"
    """Worth knowing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the path of the value, what was expected, the line where it is known."""

    path: str
    sentence: str
    line: int | None = None
    severity: Severity = Severity.ERROR

    def render(self, file: str) -> str:
        """`file:line: path: sentence`, without the parts that are not known."""
        place = file if self.line is None else f"{file}:{self.line}"
        kind = "" if self.severity is Severity.ERROR else f"{self.severity}: "
        return ": ".join(part for part in (place, self.path, kind + self.sentence) if part)


class StrategyError(InputError):
    """A strategy that cannot run. `problems` holds all of them, warnings and hints too; the text lists the errors."""

    def __init__(self, problems: Sequence[Problem], file: str) -> None:
        self.problems = tuple(problems)
        self.file = file
        errors = [problem for problem in self.problems if problem.severity is Severity.ERROR]
        super().__init__("\n".join(problem.render(file) for problem in errors))


def path_text(path: Path) -> str:
    """`("risk", "take_profit", 1, "percent")` -> `risk.take_profit.1.percent`, keys as they can be shown."""
    return ".".join(shown(str(part), _LONGEST_KEY) for part in path)


def shown(text: str, longest: int) -> str:
    """A text of a file on one line: what cannot be printed as ?, and no longer than `longest`."""
    cut = text if len(text) <= longest else text[: longest - 3] + "..."
    return cut if cut.isprintable() else "".join(each if each.isprintable() else "?" for each in cut)


def one_of(names: Iterable[str]) -> str:
    """`a, b or c`."""
    words = list(names)
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " or " + words[-1]
