"""From the rooms' own types to the plain ones that screens draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tradebot.engine.control.events import Event
from tradebot.engine.control.jobs import JobStatus
from tradebot.engine.exchange import StreamStatus, Ticker
from tradebot.engine.market import DatasetKey
from tradebot.engine.messages import (
    ConnectionView,
    DatasetView,
    EventView,
    JobView,
    QuoteView,
    RunSoFar,
    StreamView,
)
from tradebot.engine.store import DatasetInfo
from tradebot.engine.store.check_book import NOT_CHECKED, CheckOutcome, CheckState

_VERDICTS = {
    CheckState.NEVER: "",
    CheckState.SOUND: "passed",
    CheckState.WARNINGS: "passed",
    CheckState.FAILED: "failed",
}


def dataset_view(
    info: DatasetInfo,
    state: str = "idle",
    note: str = "",
    check: CheckOutcome = NOT_CHECKED,
    axis: tuple[int, int] = (0, 0),
    coverage: tuple[float, ...] = (),
) -> DatasetView:
    """One row of the datasets table; `check` is its latest check, `coverage` its share of parts of the time `axis`."""
    key = info.key
    if info.problem:
        state, note = "error", info.problem
    return DatasetView(
        key=str(key),
        category=key.category,
        symbol=key.symbol,
        timeframe=key.timeframe_name,
        rows=info.rows,
        first_ms=info.first_ms or 0,
        last_ms=info.last_ms or 0,
        gaps=info.gap_count or 0,
        missing_bars=info.missing_rows or 0,
        bytes=info.bytes,
        coverage=coverage,
        coverage_from_ms=axis[0],
        state=state,
        note=note,
        mark=key.mark,
        file=str(info.path),
        exact=info.exact,
        verified_ms=check.checked_ms or 0,
        verdict=_VERDICTS[check.state],
        changed_since=check.changed and state != "live",
        coverage_to_ms=axis[1],
    )


def empty_dataset_view(key: DatasetKey, state: str, note: str) -> DatasetView:
    """A dataset that is being collected and has no file yet."""
    name = key.timeframe_name
    return DatasetView(
        str(key), key.category, key.symbol, name, 0, 0, 0, 0, 0, 0, (), 0, state, note, mark=key.mark
    )


def job_view(
    status: JobStatus,
    keys: tuple[str, ...] = (),
    resumable: bool = False,
    details: tuple[str, ...] = (),
    so_far: RunSoFar | None = None,
) -> JobView:
    """One row of the jobs table."""
    progress = status.progress
    return JobView(
        job_id=status.job_id,
        kind=status.kind,
        title=status.title,
        state=status.state.value,
        done=progress.done,
        total=progress.total,
        unit=progress.unit,
        rate=progress.rate,
        eta_seconds=progress.eta_seconds,
        sentence=status.sentence,
        started_ms=status.started_ms,
        ended_ms=status.ended_ms,
        result_id=status.result_id,
        details=details,
        keys=keys,
        resumable=resumable,
        so_far=so_far,
    )


def event_views(events: Iterable[Event]) -> tuple[EventView, ...]:
    """Events, oldest first."""
    return tuple(
        EventView(event.sequence, event.time_ms, event.level.value, event.source, event.sentence)
        for event in events
    )


def stream_views(statuses: Iterable[StreamStatus]) -> tuple[StreamView, ...]:
    """Every kind of topic over all connections: rates add up, the worst latency, the newest message."""
    found: dict[str, StreamView] = {}
    for status in statuses:
        for kind in status.kinds:
            before = found.get(kind.kind, StreamView(kind.kind, 0, 0.0))
            found[kind.kind] = StreamView(
                kind.kind,
                before.topics + kind.topics,
                before.rate + kind.messages_per_second,
                _chosen(max, before.latency_p95_ms, kind.latency_p95_ms),
                _chosen(min, before.age_seconds, kind.last_message_age_s),
                before.reconnects + status.reconnects,
                before.drops + status.malformed,
            )
    return tuple(view for _, view in sorted(found.items()) if view.topics)


def connection_view(
    url: str, reached: bool | None, sentence: str, latency_ms: float | None, streams: Sequence[StreamStatus]
) -> ConnectionView:
    """How the exchange is reached. `reached` by REST: None is not known yet; `sentence` says why it is not."""
    connected = [status for status in streams if status.connected]
    stream = "off" if not streams else "ok" if len(connected) == len(streams) else "lost"
    latencies = [status.latency_ms for status in connected if status.latency_ms is not None]
    ages = [status.last_message_age_s for status in streams if status.last_message_age_s is not None]
    if stream == "lost" and not sentence:
        sentence = next((status.sentence for status in streams if status.sentence), "")
    return ConnectionView(
        url=url,
        rest={None: "connecting", True: "ok", False: "lost"}[reached],
        rest_latency_ms=latency_ms,
        stream=stream,
        stream_latency_ms=max(latencies) if latencies else None,
        silent_seconds=max(ages) if ages else None,
        reconnects=sum(status.reconnects for status in streams),
        sentence=sentence,
        connections=len(streams),
    )


def _chosen(choose: Callable[..., float], one: float | None, other: float | None) -> float | None:
    known = [each for each in (one, other) if each is not None]
    return choose(known) if known else None


def quote_view(ticker: Ticker, now_ms: int) -> QuoteView:
    """One row of the price table."""
    return QuoteView(
        symbol=ticker.symbol,
        last=ticker.last_price,
        change_24h=ticker.change_24h,
        volume_24h=ticker.turnover_24h,
        funding_rate=ticker.funding_rate,
        age_ms=max(0, now_ms - ticker.time_ms),
    )
