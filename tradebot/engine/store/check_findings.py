"""What a check has to say: findings with their level, and the report of one dataset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from tradebot.engine.market.times import iso_minute, iso_ms

SHOWN_LINES = 3


class Level(Enum):
    """How bad a finding is; only failures make a check fail."""

    INFO = "info"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `count` rows or bars are concerned; `intervals` are half-open ranges of UTC ms, where it has
    any; `lines` the first lines of the file that show it.
    """

    level: Level
    kind: str
    sentence: str
    count: int = 0
    intervals: tuple[tuple[int, int], ...] = ()
    lines: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values; intervals as pairs of ISO 8601 times."""
        return {
            "level": self.level.value,
            "kind": self.kind,
            "sentence": self.sentence,
            "count": self.count,
            "intervals": [[iso_ms(start), iso_ms(end)] for start, end in self.intervals],
            "lines": list(self.lines),
        }

    def details(self, most: int | None) -> list[str]:
        """Its intervals one by one, longest first (of equal length in their order), at most that many and then how
        many more there are.
        """
        ordered = sorted(self.intervals, key=lambda span: span[0] - span[1])
        shown = ordered if most is None else ordered[:most]
        lines = [f"{iso_minute(start)} to {iso_minute(end)}" for start, end in shown]
        if len(shown) < len(ordered):
            lines.append(f"and {len(ordered) - len(shown):,} more (--all lists them)")
        return lines


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check of one dataset (`linear/BTCUSDT_1m`, `linear/BTCUSDT_funding`) found, the worst first.

    Without findings above information the dataset is sound. `first_ms` and `last_ms` are the times of its rows.
    """

    dataset: str
    path: Path
    rows: int
    first_ms: int | None
    last_ms: int | None
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Whether one finding is a failure."""
        return self.worst is Level.FAILURE

    @property
    def worst(self) -> Level:
        """The level of the worst finding, information where there is none."""
        levels = list(Level)
        return max((each.level for each in self.findings), key=levels.index, default=Level.INFO)

    def with_findings(self, more: Iterable[Finding]) -> CheckReport:
        """The report with further findings."""
        return replace(self, findings=worst_first([*self.findings, *more]))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "dataset": self.dataset,
            "file": str(self.path),
            "rows": self.rows,
            "first": None if self.first_ms is None else iso_ms(self.first_ms),
            "last": None if self.last_ms is None else iso_ms(self.last_ms),
            "failed": self.failed,
            "worst": self.worst.value if self.findings else None,
            "findings": [finding.to_json() for finding in self.findings],
        }


def unreadable(dataset: str, path: Path, sentence: str) -> CheckReport:
    """The report of a file that cannot be read at all."""
    return CheckReport(dataset, path, 0, None, None, (Finding(Level.FAILURE, "unreadable", sentence, 1),))


def worst_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Failures, then warnings, then information; else in the order found."""
    levels = list(Level)
    return tuple(sorted(findings, key=lambda finding: -levels.index(finding.level)))


def lines_text(numbers: Sequence[int]) -> str:
    """`Line 7`, or how many lines and the first of them."""
    if len(numbers) == 1:
        return f"Line {numbers[0]}"
    shown = ", ".join(str(number) for number in numbers[:SHOWN_LINES])
    return f"{len(numbers):,} lines (first {shown})"


def span_text(intervals: Sequence[tuple[int, int]], one: str, many: str) -> str:
    """Where something lies: one range, or how many there are and the longest (`in 3 gaps, the longest from ...`)."""
    start, end = max(intervals, key=lambda span: span[1] - span[0])
    where = f"from {iso_minute(start)} to {iso_minute(end)}"
    return f"{one}{where}" if len(intervals) == 1 else f"in {len(intervals):,} {many}, the longest {where}"
