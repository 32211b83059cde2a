"""Faults of requests: what happens instead of an answer, to its rows, and to its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tradebot.engine.control.clock import Clock
from tradebot.engine.simulator.faults.board import FaultBoard
from tradebot.engine.simulator.faults.rows import edit_rows, without_holes
from tradebot.engine.simulator.faults.rule import Place, Trigger
from tradebot.engine.simulator.limits import RequestLimit
from tradebot.engine.simulator.reply import HTML, Reply
from tradebot.engine.simulator.wire import refusal

_KLINE = "/v5/market/kline"
_PAGES = {
    502: "<h1>502 Bad Gateway</h1>",
    503: "<h1>503 Service Temporarily Unavailable</h1>",
    504: "<h1>504 Gateway Time-out</h1>",
    403: "<h1>403 ERROR</h1>The Amazon CloudFront distribution is configured to block access from your country.",
}
_WORDS = {
    10000: "Server Timeout",
    10002: "invalid request, please check your server timestamp or recv_window param. "
    "req_timestamp[{late}],server_timestamp[{now}],recv_window[5000]",
    10006: "Too many visits. Exceeded the API Rate Limit.",
    10016: "Internal System Error.",
}


class RestFaults:
    """Carries out the rules about requests."""

    def __init__(self, board: FaultBoard, real_clock: Clock, limit: RequestLimit) -> None:
        self._board = board
        self._real_clock = real_clock
        self._limit = limit
        self._last_pages: dict[tuple[str, str], str] = {}
        self._first_tickers: dict[tuple[str, str], str] = {}

    def strikes(self, place: Place) -> list[Trigger]:
        """The rules that strike a request, in their order."""
        return self._board.strike_request(place)

    async def instead(self, strikes: Sequence[Trigger], address: str) -> Reply | None:
        """Wait as the rules say; what comes instead of an answer, None where an answer may come.

        Raises ConnectionResetError where the connection is cut, TimeoutError where no answer ever comes.
        """
        for trigger in strikes:
            if trigger.rule.kind == "latency":
                await self._real_clock.sleep(trigger.seconds())
        for trigger in strikes:
            reply = await self._instead(trigger, address)
            if reply is not None:
                return reply
        return None

    async def _instead(self, trigger: Trigger, address: str) -> Reply | None:
        rule = trigger.rule
        if rule.kind == "reset":
            raise ConnectionResetError
        if rule.kind == "timeout":
            await self._real_clock.sleep(rule.seconds)
            raise TimeoutError
        if rule.kind == "html":
            page = _PAGES.get(rule.status, f"<h1>{rule.status}</h1>")
            return Reply(rule.status, f"<html><body>{page}</body></html>\n", HTML)
        if rule.kind == "overload":
            return Reply(429, "Too Many Requests", HTML)
        if rule.kind == "ban":
            self._limit.ban(address, rule.seconds)
            return Reply(403, "access too frequent", HTML)
        if rule.kind == "ret_code":
            return self._refused(rule.code, rule.seconds)
        return None

    def _refused(self, code: int, seconds: float) -> Reply:
        now = self._board.now_ms()
        words = _WORDS.get(code, "error").format(now=now, late=now - 9_000)
        reply = Reply(200, refusal(code, words, now))
        if code != 10006:
            return reply
        return reply.with_headers(
            {
                "X-Bapi-Limit": "120",
                "X-Bapi-Limit-Status": "0",
                "X-Bapi-Limit-Reset-Timestamp": str(now + round(seconds * 1000)),
            }
        )

    def edited(self, strikes: Sequence[Trigger], place: Place, query: Mapping[str, str], result: str) -> str:
        """The result's JSON text with what the rules do to its rows."""
        kinds = {trigger.rule.kind for trigger in strikes}
        if place.where == _KLINE and self._board.has_holes:
            result = without_holes(result, lambda open_ms: self._board.is_hole(place, open_ms))
        key = (place.where, "&".join(f"{name}={value}" for name, value in query.items() if name != "cursor"))
        if "repeated_cursor" in kinds and query.get("cursor"):
            return self._last_pages.get(key, result)
        self._last_pages[key] = result
        if len(self._last_pages) > 100:
            del self._last_pages[next(iter(self._last_pages))]
        if place.where.endswith("/tickers"):
            first = self._first_tickers.setdefault(key, result)
            if "stale_ticker" in kinds:
                return first
        for trigger in strikes:
            result = edit_rows(trigger, result)
        return result

    def spoiled(self, strikes: Sequence[Trigger], reply: Reply) -> Reply:
        """The finished answer, cut off or emptied where a rule says so."""
        for trigger in strikes:
            if trigger.rule.kind == "truncated":
                length = trigger.rng.randrange(1, max(2, len(reply.text)))
                return reply.with_text(reply.text[:length])
            if trigger.rule.kind == "empty":
                return reply.with_text("")
        return reply
