"""The simulated exchange without sockets: it answers requests, holds stream sessions, and runs on handed-in clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tradebot.engine.control.clock import Clock, SystemClock
from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.market import MINUTE_MS
from tradebot.engine.simulator.control import PREFIX as CONTROL
from tradebot.engine.simulator.control import ControlAddress
from tradebot.engine.simulator.errors import Refusal
from tradebot.engine.simulator.exchange_clock import ExchangeClock, Skew
from tradebot.engine.simulator.faults import FaultBoard, FaultPlan, FaultRule, read_plan
from tradebot.engine.simulator.faults.rest import RestFaults
from tradebot.engine.simulator.faults.rule import ALL, Place
from tradebot.engine.simulator.faults.stream import StreamFaults
from tradebot.engine.simulator.feed import Feed, FeedPace
from tradebot.engine.simulator.limits import RequestLimit
from tradebot.engine.simulator.listing import Coin, coins
from tradebot.engine.simulator.markets import made_up_market
from tradebot.engine.simulator.offload import Offload, in_thread
from tradebot.engine.simulator.reply import Reply
from tradebot.engine.simulator.rest import MarketEndpoints
from tradebot.engine.simulator.settings import SimulatorSettings
from tradebot.engine.simulator.stream import GOING_AWAY, Closed, Send, StreamSession
from tradebot.engine.simulator.truth import TruthLog
from tradebot.engine.simulator.wire import envelope, refusal

if TYPE_CHECKING:
    from tradebot.engine.simulator.replay import Replay

STREAM_PATHS = {f"/v5/public/{category}": category for category in ("linear", "inverse", "spot", "option")}
_IDLE_CHECK_SECONDS = 30.0
_AUDIT_SECONDS = 0.5
# Coins beyond those listed from the start that may be listed later.
_MORE_COINS = 500
_PLAIN = {"Content-Type": "text/plain"}


@dataclass(frozen=True, slots=True)
class StreamRefusal:
    """A connection that is not accepted: the HTTP status and text of the handshake."""

    status: int
    text: str


class SimulatedExchange:
    """One exchange. `clock` is its right time (by default what the settings say), `real_clock` measures the request
    limit and the delays of the wire, which do not run faster when the exchange's time does.

    With `inline` computations, clocks of a virtual-time loop and the same calls, every run is the same to the letter.
    `plan` replaces the plan that the settings name. `run` must be running for the stream to live.
    Raises InputError for a fault plan or file that cannot be used.
    """

    def __init__(
        self,
        settings: SimulatorSettings,
        clock: Clock | None = None,
        real_clock: Clock | None = None,
        plan: FaultPlan | None = None,
        offload: Offload = in_thread,
    ) -> None:
        self.replay = _replay(settings)
        if self.replay is not None and settings.start_ms is None:
            settings = replace(settings, start_ms=self.replay.start_ms)
        self.settings = settings
        self.clock = ExchangeClock(clock or settings.clock())
        self.started_ms = self.clock.now_ms()
        self._real_clock = real_clock or SystemClock()
        market = self.replay.market if self.replay else made_up_market(settings.seed, settings.symbols)
        self.model = market.model
        self._models = market.models
        self._limit = RequestLimit(self._real_clock, settings.ban_seconds)
        self._endpoints = MarketEndpoints(market, self.clock, settings.oversized_limit_refused, offload)
        pace = FeedPace(settings.beats, settings.ticker_rate, settings.kline_rate)
        self._feed = Feed(market, self.clock, self._real_clock, pace, offload)
        if plan is None:
            plan = read_plan(Path(settings.faults), self.started_ms) if settings.faults else FaultPlan()
        self.truth = TruthLog(market.models, self.clock, Path(settings.truth) if settings.truth else None)
        self.truth.note(
            "start",
            seed=settings.seed,
            symbols=settings.symbols,
            speed=settings.speed,
            server=self.server_name,
        )
        self.faults = FaultBoard(plan, settings.seed, self.clock, self.truth, self._carry)
        self._rest_faults = RestFaults(self.faults, self._real_clock, self._limit)
        self._refused_until = float("-inf")
        self._sessions: dict[StreamSession, None] = {}
        self._control = ControlAddress(self)

    @property
    def server_name(self) -> str:
        """Which market this is: ports change from run to run, the prices of a seed or a recording do not."""
        if self.replay is not None:
            return f"tradebot-simulator seed={self.replay.fingerprint}"
        return f"tradebot-simulator seed={self.settings.seed}"

    @property
    def symbols(self) -> int:
        """How many perpetuals are listed from the start; of a recording, all symbols."""
        return self.settings.symbols if self.replay is None else self.replay.symbols

    @property
    def sessions(self) -> tuple[StreamSession, ...]:
        """Open stream connections, oldest first."""
        return tuple(self._sessions)

    @property
    def topics(self) -> int:
        """How many topics somebody listens to."""
        return len(self._feed.names)

    # ------------------------------------------------------------------------------------------ requests

    async def answer(
        self, method: str, path: str, query: Mapping[str, str], address: str = "127.0.0.1", body: str = ""
    ) -> Reply:
        """The answer to one request. `query` is decoded once, `address` is who is counted for the request limit.

        A fault may let it hang, raise ConnectionResetError (the connection is cut) or TimeoutError (it hung for as
        long as the rule says and is cut then).
        """
        if path.startswith(CONTROL):
            return self._control.answer(method, path, query, address, body)
        reply = await self._answer(method, path, query, address, body)
        return reply.with_headers({"Server": self.server_name})

    async def _answer(
        self, method: str, path: str, query: Mapping[str, str], address: str, body: str
    ) -> Reply:
        if self.settings.limit_enforced and not self._limit.allows(address):
            self.truth.note("refused", path=path, banned_s=round(self._limit.banned_s(address), 3))
            return Reply(403, "access too frequent", _PLAIN)
        route = self._endpoints.routes.get(path)
        if route is None:
            return Reply(404, "404 page not found", _PLAIN)
        if method != "GET":
            return Reply(400, "400 bad request", _PLAIN)
        if body:
            return Reply(403, "403 forbidden: a GET request must not carry a body", _PLAIN)
        if self.settings.latency_ms:
            await self._real_clock.sleep(self.settings.latency_ms / 1000)
        place = Place.of_request(path, query)
        strikes = self._rest_faults.strikes(place)
        instead = await self._rest_faults.instead(strikes, address)
        if instead is not None:
            return instead
        try:
            result = await route(query)
        except Refusal as refused:
            return Reply(200, refusal(refused.code, refused.message, self.clock.now_ms()))
        result = self._rest_faults.edited(strikes, place, query, result)
        return self._rest_faults.spoiled(strikes, Reply(200, envelope(result, self.clock.now_ms())))

    # ------------------------------------------------------------------------------------------ stream

    def open_stream(self, path: str, send: Send, closed: Closed) -> StreamSession | StreamRefusal:
        """A client connects to a stream path: a session, or why not. Must be called on the running event loop.

        `send` takes text frames to the client; `closed` is told once when the exchange ends the connection. The
        caller hands in frames by `receive`, protocol pings by `ping`, and says `close` when the client has gone.
        """
        category = STREAM_PATHS.get(path)
        if category is None:
            return StreamRefusal(404, "404 page not found")
        now = self._real_clock.monotonic()
        for trigger in self.faults.strike_connection(Place(path, category=category)):
            self._refused_until = max(self._refused_until, now + trigger.rule.seconds)
        if now < self._refused_until:
            return StreamRefusal(503, "503 service unavailable")
        session = StreamSession(
            category,
            self._feed,
            self._real_clock,
            self.settings.ack_delay_ms / 1000,
            StreamFaults(self.faults, self._real_clock),
            send,
            closed,
            self._sessions.pop,
        )
        self._sessions[session] = None
        self.truth.note("stream open", category=category)
        return session

    def drop_streams(self, code: int) -> int:
        """End every stream connection with a close code (1006: without a word); returns how many there were."""
        sessions = self.sessions
        for session in sessions:
            session.end(code)
        return len(sessions)

    # ------------------------------------------------------------------------------------------ life

    async def run(self) -> None:
        """The heart beat of the stream and the cut of idle connections, until cancelled.

        Where it fails, the connections are cut before it raises: a stream without its heart must not look alive.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._feed.run(), name="simulator-feed")
                group.create_task(self._cut_idle(), name="simulator-idle")
                if self.settings.truth:
                    group.create_task(self._audit(), name="simulator-truth")
        except ExceptionGroup as errors:
            self.drop_streams(1006)
            raise errors.exceptions[0] from None

    def close(self) -> None:
        """Say goodbye to every connection (1001) and end the audit."""
        self.drop_streams(GOING_AWAY)
        self.truth.close()

    async def _cut_idle(self) -> None:
        while True:
            await self._real_clock.sleep(_IDLE_CHECK_SECONDS)
            for session in self.sessions:
                session.end_if_idle()

    async def _audit(self) -> None:
        """Write down the bars of everything that is listened to as they close."""
        while True:
            for category, topic in self._feed.names:
                place = Place.of_topic(category, topic)
                if place.interval:
                    self.truth.follow(category, place.symbol, place.interval)
            self.truth.note_bars()
            await self._real_clock.sleep(_AUDIT_SECONDS)

    # ------------------------------------------------------------------------------------------ listings

    def list_symbol(self, symbol: str, from_ms: int | None = None) -> int:
        """List a symbol from a moment on (rounded up to a minute, the next one by default); returns the moment.

        Its history begins there. Raises InputError for a name that the exchange could not list, or has listed.
        """
        known = self.model.coins.get(symbol)
        if known is not None and known.launch_ms <= self.clock.now_ms() and from_ms is None:
            raise InputError(f"{symbol} is listed already.")
        coin = known or self._listable(symbol)
        moment = self._whole_minute(from_ms)
        self.model.coins[symbol] = replace(coin, launch_ms=moment)
        self.truth.note("list", category="linear", symbol=symbol, from_ms=moment)
        return moment

    def delist_symbol(self, symbol: str, from_ms: int | None = None, category: str = "linear") -> int:
        """End the trading of a symbol at a moment (rounded up to a minute, the next one by default).

        Returns the moment. Raises InputError for a symbol that is not listed.
        """
        listed = self._models[category].coins if category in self._models else {}
        if symbol not in listed:
            raise InputError(f"{symbol} is not listed in {category}.{did_you_mean(symbol, listed)}")
        moment = self._whole_minute(from_ms)
        listed[symbol] = replace(listed[symbol], delisted_ms=moment)
        self._feed.end_at(category, symbol, moment)
        self.truth.note("delist", category=category, symbol=symbol, from_ms=moment)
        return moment

    def skew_clock(self, seconds: float, from_ms: int | None = None, until_ms: int | None = None) -> None:
        """Put the exchange's clock ahead (behind, where negative) by that much more, from a moment to a moment."""
        begins = self.clock.right_ms() if from_ms is None else from_ms
        self.clock.add(Skew(round(seconds * 1000), begins, until_ms))
        self.truth.note("skew", seconds=seconds, from_ms=begins, until_ms=until_ms)

    def _listable(self, symbol: str) -> Coin:
        if self.replay is not None:
            raise InputError(f"{symbol} was not recorded, so a replay cannot list it.")
        names = {coin.symbol: coin for coin in coins(self.settings.symbols + _MORE_COINS)}
        if symbol not in names:
            raise InputError(f"The simulator knows no coin {symbol} to list.{did_you_mean(symbol, names)}")
        return names[symbol]

    def _whole_minute(self, from_ms: int | None) -> int:
        moment = self.clock.now_ms() + 1 if from_ms is None else from_ms
        return -(-moment // MINUTE_MS) * MINUTE_MS

    def _carry(self, rule: FaultRule) -> None:
        """Do what a rule about the exchange itself asks for."""
        if rule.kind == "list":
            self.list_symbol(rule.symbol, rule.from_ms)
        elif rule.kind == "delist":
            category = "linear" if rule.category == ALL else rule.category
            self.delist_symbol(rule.symbol, rule.from_ms, category)
        elif rule.kind == "skew":
            self.skew_clock(rule.seconds, rule.from_ms, rule.until_ms)


def _replay(settings: SimulatorSettings) -> Replay | None:
    """The recording that the settings name."""
    if not settings.replay:
        return None
    # Imported here: made-up prices do without it.
    from tradebot.engine.simulator.replay import read_replay

    return read_replay(Path(settings.replay), settings.seed)
