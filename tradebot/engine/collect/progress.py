"""How collecting goes: per dataset and in all, while it runs and when it has ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from tradebot.engine.market import DatasetKey
from tradebot.engine.market.times import iso_minute

_SHOWN_GAPS = 3


class DatasetState(Enum):
    """Where one dataset stands."""

    WAITING = "waiting"
    COLLECTING = "collecting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DatasetProgress:
    """One dataset: bars asked for that are settled (got, or known not to exist) of those that were missing.

    `rows` bars are stored now, the newest of them opened at `last_ms` (None without bars); `rate` is bars a second
    since the dataset's turn came. After a failure that may pass it is asked again at `retry_at_ms`.
    """

    key: DatasetKey
    state: DatasetState
    done_bars: int
    total_bars: int
    sentence: str = ""
    rows: int = 0
    rate: float = 0.0
    last_ms: int | None = None
    retry_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CollectProgress:
    """One look at a running collection. `rate` is bars a second, `eta_seconds` None while unknown.

    `note` says what is going on where that is not plain collecting: planning, a ban that is waited for.
    """

    done_bars: int
    total_bars: int
    rate: float
    eta_seconds: float | None
    requests: int
    datasets: tuple[DatasetProgress, ...] = ()
    note: str = ""

    @property
    def fraction(self) -> float:
        """Share done, 0 to 1; 1 where nothing was missing."""
        return min(1.0, self.done_bars / self.total_bars) if self.total_bars else 1.0


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars start_ms <= open time < end_ms that could not be had."""

    key: DatasetKey
    start_ms: int
    end_ms: int
    bars: int


@dataclass(frozen=True, slots=True)
class CollectReport:
    """How a collection ended. `gaps` are bars that the exchange does not have or that failed.

    `bars_refused` break the rules of a bar and went to the store's quarantine. `sentences` say what fell short, ready
    to print; `complete` is whether nothing did. `funding_failed` are the symbols whose funding could not be had.
    `information` are sentences about what is as it is: holes of the exchange known from before (`known_hole_bars` in
    all, not asked for again), a listing later than the start.
    """

    datasets: tuple[DatasetProgress, ...]
    bars_added: int
    funding_added: int
    gaps: tuple[Gap, ...]
    sentences: tuple[str, ...]
    requests: int
    seconds: float
    bars_refused: int = 0
    funding_failed: tuple[str, ...] = ()
    information: tuple[str, ...] = ()
    known_hole_bars: int = 0

    @property
    def complete(self) -> bool:
        """Whether every bar and funding rate asked for is stored."""
        return (
            not self.gaps
            and not self.bars_refused
            and not self.funding_failed
            and all(item.state is DatasetState.DONE for item in self.datasets)
        )

    @property
    def missing_bars(self) -> int:
        """Bars that could not be had."""
        return sum(gap.bars for gap in self.gaps)


def spans_text(ranges: Sequence[tuple[int, int]]) -> str:
    """The first few half-open ranges as a sentence names them."""
    spans = ", ".join(f"{iso_minute(start)} to {iso_minute(end)} UTC" for start, end in ranges[:_SHOWN_GAPS])
    return spans + (f" and {len(ranges) - _SHOWN_GAPS} more" if len(ranges) > _SHOWN_GAPS else "")


def gap_sentences(gaps: Sequence[Gap]) -> tuple[str, ...]:
    """One sentence per dataset with gaps, naming the first of them."""
    by_key: dict[DatasetKey, list[Gap]] = {}
    for gap in gaps:
        by_key.setdefault(gap.key, []).append(gap)
    sentences = []
    for key, found in by_key.items():
        spans = spans_text([(gap.start_ms, gap.end_ms) for gap in found])
        bars = sum(gap.bars for gap in found)
        sentences.append(f"{key}: {bars:,} bars are missing, the exchange did not give them: {spans}.")
    return tuple(sentences)


def listing_sentences(ranges: Mapping[DatasetKey, Sequence[tuple[int, int]]]) -> tuple[str, ...]:
    """One sentence about the datasets that begin later than the exchange's rules say, none where there are none."""
    later = {key: max(end for _, end in found) for key, found in ranges.items() if found}
    if not later:
        return ()
    if len(later) == 1:
        ((key, end_ms),) = later.items()
        return (f"{key}: the exchange has no bars before {iso_minute(end_ms)} UTC.",)
    names = ", ".join(
        f"{key} before {iso_minute(end_ms)} UTC" for key, end_ms in list(later.items())[:_SHOWN_GAPS]
    )
    more = f" and {len(later) - _SHOWN_GAPS:,} more" if len(later) > _SHOWN_GAPS else ""
    return (f"The exchange has no bars of {names}{more}.",)
