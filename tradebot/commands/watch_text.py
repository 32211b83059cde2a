"""What `tradebot watch` prints: the dashboard as plain lines, or as a document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tradebot.commands.columns import UNDEFINED, percent, shortened, table, wrapped
from tradebot.engine.control.errors import printable
from tradebot.engine.control.progress import counted

if TYPE_CHECKING:
    from tradebot.engine.messages import AlertView, EngineSnapshot, HealthView, JobView, QuoteView

_MOST_TOLD = 5
_NO_PRICE = "-"


@dataclass(frozen=True, slots=True)
class Look:
    """One look: `symbols` are those to show, in order, and `who` says whose engine it is."""

    snapshot: EngineSnapshot
    symbols: tuple[str, ...]
    who: str


def look_lines(look: Look, width: int) -> list[str]:
    """A look as lines that are no wider than `width`."""
    snapshot = look.snapshot
    lines = [
        f"tradebot watch  {_moment(snapshot.time_ms)} UTC  {snapshot.source or 'no source yet'}",
        *wrapped(look.who, width=width),
        "",
        *_prices(look),
        "",
        *_section("Exchange", _exchange(snapshot), width),
        *_section("Jobs", [_job(job) for job in _shown_jobs(snapshot.jobs)] or ["none"], width),
        *_section("Alerts", _alerts(snapshot.alerts), width),
        *_section("Engine", _health(snapshot.health), width),
    ]
    return [shortened(printable(line), width) for line in lines]


def _section(title: str, told: Sequence[str], width: int) -> list[str]:
    """Sentences below each other, behind their title."""
    lines: list[str] = []
    for sentence in told:
        lines += wrapped(sentence, mark=f"{title if not lines else '':<10}", width=width)
    return lines


# ---------------------------------------------------------------------------------------------- prices


def _prices(look: Look) -> list[str]:
    if not look.symbols:
        return ["No symbol is followed; name some: tradebot watch BTCUSDT ETHUSDT"]
    quotes = {quote.symbol: quote for quote in look.snapshot.quotes}
    rows = [_price(symbol, quotes.get(symbol)) for symbol in look.symbols]
    return table(("SYMBOL", "LAST", "24 H", "AGE"), rows, indent="")


def _price(symbol: str, quote: QuoteView | None) -> tuple[str, ...]:
    if quote is None:
        return symbol, _NO_PRICE, _NO_PRICE, _NO_PRICE
    change = UNDEFINED if quote.change_24h is None else percent(quote.change_24h, 2)
    return symbol, _grouped(quote.last), change, _span(quote.age_ms / 1000)


def _grouped(price: str) -> str:
    """`63,812.40`: thousands set apart, the exchange's own decimals."""
    whole, dot, decimals = price.partition(".")
    return f"{int(whole):,}{dot}{decimals}" if re.fullmatch(r"\d+", whole) else price


# ---------------------------------------------------------------------------------------------- sections


def _exchange(snapshot: EngineSnapshot) -> list[str]:
    reached = snapshot.connection
    parts = [
        f"REST {reached.rest}{_latency(reached.rest_latency_ms)}",
        f"stream {reached.stream}{_latency(reached.stream_latency_ms)}",
    ]
    if reached.connections:
        parts.append(counted(reached.connections, "connection"))
        parts.append(f"{sum(stream.rate for stream in snapshot.streams):.1f} messages/s")
        parts.append(counted(reached.reconnects, "reconnect"))
    if reached.silent_seconds is not None:
        parts.append(f"silent {_span(reached.silent_seconds)}")
    return [" · ".join(parts), *([reached.sentence] if reached.sentence else [])]


def _shown_jobs(jobs: Sequence[JobView]) -> list[JobView]:
    """Those that go on, and the newest that has ended."""
    going = [job for job in jobs if job.ended_ms is None]
    return going + [job for job in jobs if job.ended_ms is not None][:1]


def _job(job: JobView) -> str:
    share = f" {job.done / job.total:.0%}" if job.total and job.ended_ms is None else ""
    left = f", {_span(job.eta_seconds)} left" if job.eta_seconds is not None and job.ended_ms is None else ""
    told = f": {job.sentence}" if job.sentence else ""
    return f"{job.title} {job.state}{share}{left}{told}"


def _alerts(alerts: Sequence[AlertView]) -> list[str]:
    told = sorted((each for each in alerts if each.last_ms), key=lambda each: -each.last_ms)[:_MOST_TOLD]
    armed = sum(each.state == "armed" for each in alerts)
    head = f"{armed} of {counted(len(alerts), 'alert')} armed" if alerts else "none"
    return [head, *(f"{_moment(each.last_ms)}  {each.name}: {each.last_sentence}" for each in told)]


def _health(health: HealthView) -> list[str]:
    lag = UNDEFINED if health.loop_lag_ms is None else f"{health.loop_lag_ms:.0f} ms"
    processor = UNDEFINED if health.cpu_percent is None else f"{health.cpu_percent:.0f}% of a core"
    memory = f"{health.memory_bytes / 1e6:,.0f} MB" if health.memory_bytes else UNDEFINED
    waiting = ", ".join(f"{each.waiting:,} {each.unit}" for each in health.queues if each.waiting)
    states = [service.state for service in health.services]
    words = {"running": "running", "waiting": "waiting", "ended": "done"}
    services = ", ".join(f"{states.count(state)} {word}" for state, word in words.items() if state in states)
    return [
        f"loop lag {lag} · processor {processor} · memory {memory} · waiting: {waiting or 'nothing'}",
        *([f"services: {services}"] if services else []),
        *(
            f"{each.name} starts again in {_span(each.wait_seconds or 0.0)}: {each.sentence}"
            for each in health.services
            if each.state == "waiting"
        ),
    ]


def _latency(latency_ms: float | None) -> str:
    return "" if latency_ms is None else f" {latency_ms:.0f} ms"


def _moment(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _span(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    for most, unit_s, unit in ((60, 1, "s"), (3_600, 60, "min"), (172_800, 3_600, "h")):
        if seconds < most:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


# ---------------------------------------------------------------------------------------------- document


def look_document(look: Look) -> dict[str, Any]:
    """A look as a JSON document; times are ISO 8601 (UTC), ratios fractions, unknown values null."""
    snapshot = look.snapshot
    reached, health = snapshot.connection, snapshot.health
    quotes = {quote.symbol: quote for quote in snapshot.quotes}
    return {
        "time": _iso(snapshot.time_ms),
        "who": look.who,
        "source": snapshot.source,
        "prices": [_price_document(symbol, quotes.get(symbol)) for symbol in look.symbols],
        "exchange": {
            "url": reached.url,
            "rest": reached.rest,
            "rest_latency_ms": reached.rest_latency_ms,
            "stream": reached.stream,
            "stream_latency_ms": reached.stream_latency_ms,
            "silent_seconds": reached.silent_seconds,
            "connections": reached.connections,
            "reconnects": reached.reconnects,
            "messages_per_second": round(sum(stream.rate for stream in snapshot.streams), 3),
            "sentence": reached.sentence,
        },
        "jobs": [
            {
                "id": job.job_id,
                "kind": job.kind,
                "title": job.title,
                "state": job.state,
                "done": job.done,
                "total": job.total,
                "unit": job.unit,
                "eta_seconds": job.eta_seconds,
                "sentence": job.sentence,
            }
            for job in _shown_jobs(snapshot.jobs)
        ],
        "alerts": [
            {
                "name": each.name,
                "when": each.when,
                "state": each.state,
                "last_told": _iso(each.last_ms) if each.last_ms else None,
                "sentence": each.last_sentence,
            }
            for each in snapshot.alerts
        ],
        "engine": {
            "loop_lag_ms": health.loop_lag_ms,
            "cpu_percent": health.cpu_percent,
            "memory_bytes": health.memory_bytes or None,
            "queues": {each.name: each.waiting for each in health.queues},
            "services": [
                {
                    "name": each.name,
                    "state": each.state,
                    "restarts": each.restarts,
                    "wait_seconds": each.wait_seconds,
                    "sentence": each.sentence,
                }
                for each in health.services
            ],
        },
    }


def _price_document(symbol: str, quote: QuoteView | None) -> dict[str, Any]:
    if quote is None:
        return {"symbol": symbol, "last": None, "change_24h": None, "age_ms": None}
    return {
        "symbol": symbol,
        "last": quote.last,
        "change_24h": quote.change_24h,
        "age_ms": quote.age_ms,
    }


def _iso(time_ms: int) -> str:
    from tradebot.engine.market.times import iso_ms

    return iso_ms(time_ms)
