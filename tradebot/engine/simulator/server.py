"""The simulated exchange as a server in the running event loop."""

from __future__ import annotations

import asyncio
import errno

from aiohttp import web

from tradebot.engine.control.clock import Clock, SystemClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.simulator.errors import Refusal
from tradebot.engine.simulator.feed import Feed
from tradebot.engine.simulator.limits import RequestLimit
from tradebot.engine.simulator.listing import coins
from tradebot.engine.simulator.prices import PriceModel
from tradebot.engine.simulator.quotes import Quotes
from tradebot.engine.simulator.rest import MarketEndpoints
from tradebot.engine.simulator.settings import SimulatorSettings
from tradebot.engine.simulator.stream import Connection
from tradebot.engine.simulator.tape import LiveTape
from tradebot.engine.simulator.topics import Market
from tradebot.engine.simulator.wire import envelope, refusal

# 10048 and 10013 are Windows' own numbers for a port that is in use or reserved.
_PORT_TAKEN = {errno.EADDRINUSE, 10048}
_PORT_FORBIDDEN = {errno.EACCES, 10013}
_IDLE_CHECK_SECONDS = 30.0


class Simulator:
    """A simulated Bybit on a loopback socket.

    `clock` is the exchange's own time (by default what the settings say); `real_clock` measures the request limit and
    the delays of the wire, which do not run faster when the exchange's time does.
    """

    def __init__(
        self, settings: SimulatorSettings, clock: Clock | None = None, real_clock: Clock | None = None
    ) -> None:
        self.settings = settings
        self._clock = clock or settings.clock()
        self._real_clock = real_clock or SystemClock()
        self.model = PriceModel(settings.seed, coins(settings.symbols))
        self._limit = RequestLimit(self._real_clock, settings.ban_seconds)
        tape = LiveTape(self.model)
        quotes = Quotes(self.model, tape)
        self._endpoints = MarketEndpoints(self.model, quotes, self._clock, settings.oversized_limit_refused)
        market = Market(self.model, tape, quotes)
        self._feed = Feed(market, self._clock, self._real_clock, settings.ticker_rate)
        self._connections: set[Connection] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """REST base, `http://127.0.0.1:PORT`; empty before the start."""
        return self._url

    async def start(self) -> str:
        """Begin to listen; returns the REST base. Raises InputError where the port cannot be had."""
        app = web.Application()
        app.on_response_prepare.append(self._sign)
        app.router.add_get("/v5/public/linear", self._stream)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self.settings.host, self.settings.port)
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise self._no_port(error) from error
        self._runner = runner
        host, port = runner.addresses[0][:2]
        self._url = f"http://{host}:{port}"
        self._tasks = [
            asyncio.create_task(self._feed.run(), name="simulator-feed"),
            asyncio.create_task(self._drop_idle(), name="simulator-idle"),
        ]
        for task in self._tasks:
            task.add_done_callback(self._died)
        return self._url

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await asyncio.gather(*(connection.close() for connection in list(self._connections)))
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _died(self, task: asyncio.Task[None]) -> None:
        """A stream without its heart beat must not look alive: say why and cut the connections."""
        if task.cancelled() or task.exception() is None:
            return
        context = {"message": "The simulated exchange's stream has failed.", "exception": task.exception()}
        task.get_loop().call_exception_handler(context)
        for connection in self._connections:
            connection.drop()

    def _no_port(self, error: OSError) -> InputError:
        host, port = self.settings.host, self.settings.port
        if error.errno in _PORT_TAKEN:
            return InputError(
                f"Port {port} on {host} is already in use by another program; "
                "choose another port, or 0 for any free one."
            )
        if error.errno in _PORT_FORBIDDEN:
            return InputError(
                f"Port {port} on {host} may not be opened; choose one above 1024, or 0 for any free one."
            )
        return InputError(
            f"The simulated exchange cannot listen on {host} port {port}; "
            "give an address of this machine such as 127.0.0.1."
        )

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(status=400, text="400 bad request")
        connection = Connection(self._feed, self._real_clock, self.settings.ack_delay_ms / 1000)
        self._connections.add(connection)
        try:
            return await connection.serve(request)
        finally:
            self._connections.discard(connection)

    async def _sign(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Say which market this is: ports change from run to run, the prices of a seed do not."""
        response.headers["Server"] = f"tradebot-simulator seed={self.settings.seed}"

    async def _drop_idle(self) -> None:
        while True:
            await self._real_clock.sleep(_IDLE_CHECK_SECONDS)
            for connection in list(self._connections):
                connection.drop_if_idle()

    async def _answer(self, request: web.Request) -> web.Response:
        if self.settings.limit_enforced and not self._limit.allows(request.remote or ""):
            return web.Response(status=403, text="access too frequent")
        route = self._endpoints.routes.get(request.path)
        if route is None:
            return web.Response(status=404, text="404 page not found")
        if request.method != "GET":
            return web.Response(status=400, text="400 bad request")
        if request.can_read_body:
            return web.Response(status=403, text="403 forbidden: a GET request must not carry a body")
        if self.settings.latency_ms:
            await asyncio.sleep(self.settings.latency_ms / 1000)
        try:
            result = await route(request.query)
        except Refusal as refused:
            text = refusal(refused.code, refused.message, self._clock.now_ms())
        else:
            text = envelope(result, self._clock.now_ms())
        return web.Response(text=text, content_type="application/json")
