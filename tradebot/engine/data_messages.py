"""The part of the engine's border that is about market data: collecting, repairing, checking, looking.

Re-exported by `engine.messages`, where everything that crosses the border is known by its name.
"""

from __future__ import annotations

from dataclasses import dataclass

# ---------------------------------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class Collect:
    """Collect history and, with `follow`, go on live. Starts a job; the reply is its number.

    `symbols` are names, patterns (`ETH*`) or `all`; `since` and `until` are dates or spans back ("30d"). `order` is
    oldest or newest (which bars first); `top` > 0 keeps only that many symbols, those with the largest turnover;
    `mark` are timeframes of mark-price bars to collect beside the bars of trades.
    """

    symbols: tuple[str, ...]
    timeframes: tuple[str, ...]
    since: str = "30d"
    until: str | None = None
    follow: bool = False
    category: str = "linear"
    order: str = "oldest"
    top: int = 0
    mark: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EstimateCollect:
    """What a collection would cost. Nothing is started; the reply is a CollectEstimate."""

    collect: Collect


@dataclass(frozen=True, slots=True)
class GetSymbols:
    """The symbols of a category to choose from, those with the largest turnover first. A tuple of SymbolChoice."""

    category: str = "linear"


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Stop a job; what it has done so far stays. The reply is True where it was still running."""

    job_id: int


@dataclass(frozen=True, slots=True)
class RetryJob:
    """Start a failed or stopped job again with the same request; it goes on where it stopped.

    The reply is the number of the new job, which takes the old one's place.
    """

    job_id: int


@dataclass(frozen=True, slots=True)
class ImportFiles:
    """Import files as a job; empty options are taken from the file's name. The reply is the job's number."""

    paths: tuple[str, ...]
    category: str = ""
    symbol: str = ""
    timeframe: str = ""
    clock: str = ""


@dataclass(frozen=True, slots=True)
class CheckData:
    """Check one dataset (`linear/BTCUSDT_1m`) and wait for it. The reply is a DataReport."""

    key: str


@dataclass(frozen=True, slots=True)
class VerifyData:
    """Check datasets as a job; `GetReport` has what was found. The reply is the job's number."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GetReport:
    """The latest check of a dataset since tradebot was started. The reply is a DataReport; refused where none was."""

    key: str


@dataclass(frozen=True, slots=True)
class RepairData:
    """Ask the exchange for gaps and bad rows of these datasets, as a job. The reply is its number."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unfollow:
    """Stop following these datasets live; what is stored stays. The reply is how many were followed."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GetMonths:
    """A dataset day by day, with its exact gaps. The reply is a MonthsView."""

    key: str


@dataclass(frozen=True, slots=True)
class ExportDataset:
    """Write one dataset as a CSV file (.csv, or .csv.gz to compress it), as a job. The reply is its number."""

    key: str
    path: str


@dataclass(frozen=True, slots=True)
class BackUp:
    """Write the whole data folder into one archive, as a job. The reply is its number."""

    path: str


# ---------------------------------------------------------------------------------------------- snapshots


@dataclass(frozen=True, slots=True)
class BudgetView:
    """Requests used in the exchange's window, what we may use of it, and until when it has banned us.

    `rate` is requests a second now; `retries_by_kind` counts what was tried again, by what the exchange said.
    """

    used: int = 0
    limit: int = 600
    window_seconds: float = 5.0
    banned_until_ms: int | None = None
    retries: int = 0
    allowed: int = 0
    rate: float = 0.0
    retries_by_kind: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class StreamView:
    """One kind of topic: how many are subscribed, how many messages a second arrive, how late and how old.

    `latency_p95_ms` is from the exchange's stamp to here, `age_seconds` since the last message; both None before the
    first. `reconnects` and `drops` (messages that could not be read) are of the connections that carry it.
    """

    kind: str
    topics: int
    rate: float
    latency_p95_ms: float | None = None
    age_seconds: float | None = None
    reconnects: int = 0
    drops: int = 0


@dataclass(frozen=True, slots=True)
class DatasetView:
    """One file of bars. `coverage` is the share of bars present in equal parts of time, 0 to 1, from `coverage_from_ms`
    to `coverage_to_ms`, the same for all datasets.

    `state` is live, collecting, idle or error, `note` says more (how far, or what is wrong). `gaps` and `missing_bars`
    count all holes inside the file. `exact` is False while
    a large file has not been read to its end. `verified_ms` and `verdict` (passed, failed or "") are of the last check;
    `changed_since` says that the file is another one since.
    """

    key: str
    category: str
    symbol: str
    timeframe: str
    rows: int
    first_ms: int
    last_ms: int
    gaps: int
    missing_bars: int
    bytes: int
    coverage: tuple[float, ...]
    coverage_from_ms: int
    state: str = "idle"
    note: str = ""
    mark: bool = False
    file: str = ""
    exact: bool = True
    verified_ms: int = 0
    verdict: str = ""
    coverage_to_ms: int = 0
    changed_since: bool = False


@dataclass(frozen=True, slots=True)
class RunSoFar:
    """A backtest under way: curves of equal length, rising in time, at most 200 points.

    `start_ms` and `end_ms` are those of the whole run, drawdowns fractions <= 0, `worst_drawdown` the deepest of all
    bars so far; `positions` counts those opened.
    """

    cash: float
    start_ms: int
    end_ms: int
    times_ms: tuple[int, ...]
    equity: tuple[float, ...]
    drawdown: tuple[float, ...]
    worst_drawdown: float
    positions: int


@dataclass(frozen=True, slots=True)
class JobView:
    """Work in progress or just finished.

    `kind` is collect, repair, verify, import, export, backup, backtest or check; `state` queued, running, done, failed,
    cancelled; `sentence` says what happens or happened, `details` what is safe on disk and what comes next. A
    finished backtest carries its `result_id`, the check of a result from its beginning; `keys` are the datasets it is
    about; `resumable` is whether `RetryJob` starts it again; `so_far` is a long backtest while it runs.
    """

    job_id: int
    kind: str
    title: str
    state: str
    done: float = 0.0
    total: float = 0.0
    unit: str = ""
    rate: float = 0.0
    eta_seconds: float | None = None
    sentence: str = ""
    started_ms: int = 0
    ended_ms: int | None = None
    result_id: str = ""
    details: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    resumable: bool = False
    so_far: RunSoFar | None = None

    @property
    def fraction(self) -> float:
        """Share done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


# ---------------------------------------------------------------------------------------------- replies


@dataclass(frozen=True, slots=True)
class DataReport:
    """The check of one dataset: sentences with a level (info, warning, failure), and whether it passed."""

    key: str
    passed: bool
    findings: tuple[tuple[str, str], ...]
    checked_ms: int = 0


@dataclass(frozen=True, slots=True)
class CollectEstimate:
    """What a collection would bring, before it is started. `bars` are those that are not stored yet.

    `seconds` is None where the exchange's rules are not known yet; `sentence` says what the figures rest on.
    """

    symbols: int
    datasets: int
    bars: int
    held_bars: int
    bytes: int
    requests: int
    seconds: float | None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class SymbolChoice:
    """A symbol that can be collected; `turnover_24h` in the quote coin, None where it was not asked for."""

    symbol: str
    base_coin: str
    quote_coin: str
    launch_ms: int
    turnover_24h: float | None = None


@dataclass(frozen=True, slots=True)
class MonthView:
    """One month by day: the share of bars present, 0 to 1; -1 for a day outside the dataset.

    `known` are the days (1 to 31) whose missing bars the exchange does not have either.
    """

    year: int
    month: int
    days: tuple[float, ...]
    known: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GapView:
    """Bars start_ms <= open time < end_ms that are not there. `known`: the exchange has none, as seen at `seen_ms`."""

    start_ms: int
    end_ms: int
    bars: int
    known: bool = False
    seen_ms: int = 0


@dataclass(frozen=True, slots=True)
class MonthsView:
    """A dataset from its first to its last bar: months with their days, and every gap in order of time."""

    key: str
    timeframe: str
    first_ms: int
    last_ms: int
    months: tuple[MonthView, ...]
    gaps: tuple[GapView, ...]
