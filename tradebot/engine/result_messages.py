"""The part of the engine's border that is about results: taking one apart, comparing, deleting, reports, single trades.

Re-exported by `engine.messages`, where everything that crosses the border is known by its name. Times are UTC ms, money
is in the quote coin, ratios are fractions and None where they are undefined.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "CompareResults",
    "ComparedCurve",
    "ComparedRow",
    "ComparisonView",
    "ConfigLine",
    "DecisionFacts",
    "DeleteResult",
    "ExplainTrade",
    "FindingView",
    "GetAnalysis",
    "GroupTable",
    "GroupView",
    "HistogramView",
    "MemberFact",
    "PeriodView",
    "RerunResult",
    "ResultAnalysis",
    "ResultCommand",
    "TradeWhy",
    "ValueFact",
    "WriteReport",
]


@dataclass(frozen=True, slots=True)
class GetAnalysis:
    """A result taken apart for the tabs of the Test screen. The reply is a ResultAnalysis."""

    result_id: str


@dataclass(frozen=True, slots=True)
class ExplainTrade:
    """Why a trade was made: what every signal and indicator said. `leg` counts its partial exits from 0.

    The reply is a TradeWhy; refused where the data is not that of the run any more.
    """

    result_id: str
    trade_id: int
    leg: int = 0


@dataclass(frozen=True, slots=True)
class CompareResults:
    """Two to four results side by side, their curves over `points` common times. The reply is a ComparisonView."""

    result_ids: tuple[str, ...]
    points: int = 200


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """Move a result into the folder `deleted` beside the others. The reply is where it lies then."""

    result_id: str


@dataclass(frozen=True, slots=True)
class WriteReport:
    """Write a result as one self-contained HTML file. The reply is the path of the file."""

    result_id: str


@dataclass(frozen=True, slots=True)
class RerunResult:
    """Run a result again as it ran: its strategies, symbols, cash, costs and span, on the data there is now.

    Starts a job; the reply is its number, its `result_id` names the new result.
    """

    result_id: str


ResultCommand = GetAnalysis | ExplainTrade | CompareResults | DeleteResult | WriteReport

# ---------------------------------------------------------------------------------------------- taken apart


@dataclass(frozen=True, slots=True)
class PeriodView:
    """A calendar month or, with `month` 0, a year. `whole` is false where the run covers only a part of it."""

    year: int
    month: int
    total_return: float | None
    trades: int
    pnl: float
    whole: bool


@dataclass(frozen=True, slots=True)
class GroupView:
    """The closed legs of one group."""

    name: str
    trades: int
    win_rate: float | None
    pnl: float
    mean_r: float | None
    profit_factor: float | None
    costs: float
    """Fees and slippage, and funding where it was paid."""


@dataclass(frozen=True, slots=True)
class GroupTable:
    """The closed legs by one criterion."""

    title: str
    rows: tuple[GroupView, ...]


@dataclass(frozen=True, slots=True)
class HistogramView:
    """Counts between edges (one more than counts)."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FindingView:
    """One line of the reality check. `tone` is ok, warning or bad; `text` a sentence that explains `short`."""

    tone: str
    short: str
    text: str


@dataclass(frozen=True, slots=True)
class ConfigLine:
    """One fact about how a result came about; `section` is the heading it belongs to."""

    section: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class ResultAnalysis:
    """A result taken apart. Histograms are None where there is nothing to count.

    `reality` is empty where no reality check was made of it. `excursions` are (label, text) lines. `errors` are
    sentences that make the result invalid.
    """

    result_id: str
    months: tuple[PeriodView, ...]
    years: tuple[PeriodView, ...]
    groups: tuple[GroupTable, ...]
    r: HistogramView | None
    days: HistogramView | None
    excursions: tuple[tuple[str, str], ...]
    reality: tuple[FindingView, ...]
    errors: tuple[str, ...]
    config: tuple[ConfigLine, ...]


# ---------------------------------------------------------------------------------------------- one trade


@dataclass(frozen=True, slots=True)
class ValueFact:
    """One output of an indicator at a close, `text` ready to print ("n/a" where it had no value)."""

    name: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class MemberFact:
    """What a signal or group supported at a close: long, short, both or nothing ("").

    `entry` and `exit` tell whether [entry], [exit] name it themselves.
    """

    name: str
    supports: str
    entry: bool
    exit: bool


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """One close and what was known at it. `decided` is what followed from it, in words."""

    time_ms: int
    close: str
    decided: str
    values: tuple[ValueFact, ...]
    members: tuple[MemberFact, ...]


@dataclass(frozen=True, slots=True)
class TradeWhy:
    """Why a trade was opened and, where a decision did it, closed. `note` says where the data has changed since."""

    trade_id: int
    strategy: str
    entry: DecisionFacts
    exit: DecisionFacts | None
    note: str


# ---------------------------------------------------------------------------------------------- side by side


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One figure of several results, ready to print; `best` is the position of the best one, None where none is.

    `differs` is false where all of them read the same. `deltas` are the differences from the first one, "" where there
    is none.
    """

    label: str
    texts: tuple[str, ...]
    best: int | None
    differs: bool
    deltas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparedCurve:
    """Gain of one result over its start cash at the common times, as a fraction."""

    result_id: str
    gain: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """Results side by side: figures, what was set differently, curves, and what makes them hard to compare."""

    result_ids: tuple[str, ...]
    titles: tuple[str, ...]
    figures: tuple[ComparedRow, ...]
    settings: tuple[ComparedRow, ...]
    times_ms: tuple[int, ...]
    curves: tuple[ComparedCurve, ...]
    remarks: tuple[str, ...]
