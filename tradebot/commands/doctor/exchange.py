"""The exchange: whether it answers, how quickly, whose market it is, and how far this machine's clock is off."""

from __future__ import annotations

import asyncio

from tradebot.commands.doctor.check import Check, State
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import TradebotError
from tradebot.engine.exchange.ports import RestPort

_GROUP = "Exchange"
_PATH = "/v5/market/time"
_ASKED = 3
_TIMEOUT_S = 5.0
# Bybit refuses a signed request that is more than a second ahead of its clock, or older than its window of five.
_MOST_AHEAD_MS = 1000
_MOST_BEHIND_MS = 5000
_GOOD_MS = 500


def exchange_checks(url: str, clock: Clock, named: bool) -> list[Check]:
    """Ask the exchange for its time. Out of reach it falls short where it was `named`, else it is a hint."""
    from tradebot.engine.exchange import PybitRest

    try:
        rest = PybitRest(url, _TIMEOUT_S, threads=1)
    except TradebotError as error:
        return [Check(_GROUP, "address", error.sentence, State.WRONG, "Write it as https://api.bybit.com.")]
    try:
        return asyncio.run(ask(rest, clock, named))
    finally:
        rest.close()


async def ask(rest: RestPort, clock: Clock, named: bool) -> list[Check]:
    """The address, and the clock by the quickest of three answers (the midpoint of its round trip)."""
    from tradebot.engine.exchange.fields import envelope_code
    from tradebot.engine.exchange.parsing import parse_time
    from tradebot.engine.exchange.source import source_of

    answers: list[tuple[int, int]] = []
    try:
        for _ in range(_ASKED):
            before = clock.now_ms()
            envelope = await rest.get(_PATH, {})
            after = clock.now_ms()
            code = envelope_code(envelope, _PATH)
            if code != 0:
                return [_unreachable(rest.url, f"It refused to tell its time (code {code}).", named)]
            answers.append((after - before, parse_time(envelope) - (before + after) // 2))
    except TradebotError as error:
        return [_unreachable(rest.url, error.sentence, named)]
    round_trip, offset = min(answers)
    source = source_of(rest.url, str(getattr(rest, "server_name", "")))
    reached = Check(_GROUP, "address", f"{rest.url} answers in {round_trip} ms · {source}")
    return [reached, skew_check(offset, source)]


def skew_check(offset_ms: int, source: str) -> Check:
    """This machine's clock against the exchange's; `offset_ms` is the exchange's time less ours."""
    if source.startswith("simulator"):
        return Check(_GROUP, "clock", "the simulated exchange runs on a clock of its own")
    words = f"{abs(offset_ms):,} ms {'behind' if offset_ms > 0 else 'ahead of'} the exchange"
    if abs(offset_ms) <= _GOOD_MS:
        return Check(_GROUP, "clock", words)
    advice = (
        "Let the system set it: on Windows Settings > Time & language > Date & time > Sync now, on Linux "
        "timedatectl set-ntp true. Market data is right all the same: tradebot reckons with the exchange's clock."
    )
    refused = offset_ms < -_MOST_AHEAD_MS or offset_ms > _MOST_BEHIND_MS
    return Check(_GROUP, "clock", words, State.WRONG if refused else State.HINT, advice)


def _unreachable(url: str, sentence: str, named: bool) -> Check:
    state = State.WRONG if named else State.HINT
    return Check(_GROUP, "address", f"{url} does not answer", state, sentence)
