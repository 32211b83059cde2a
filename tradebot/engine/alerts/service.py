"""The alerts of a running engine: looks at every snapshot, reads the file when it changed, tells what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from tradebot.engine.alerts.book import Alert, AlertBook, Told
from tradebot.engine.alerts.closed_bars import reads, rule_spec, side_at
from tradebot.engine.alerts.conditions import BarRule, StrategySignal
from tradebot.engine.alerts.delivery import Post, WebHook, post_json
from tradebot.engine.alerts.system_notice import SystemNotifier
from tradebot.engine.alerts.watch import Firing, JobLook, Look, Watcher
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.events import EventLog
from tradebot.engine.market import DatasetKey
from tradebot.engine.market.times import iso_minute
from tradebot.engine.messages import DatasetView, EngineSnapshot
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec, parse_strategy

SOURCE = "alerts"
LOOK_SECONDS = 0.25
_READ_EVERY_MS = 1000


class Alerts:
    """Looks on the engine's loop; files, bars, the web-hook and the system's notifications are dealt with beside it.
    One look costs microseconds for each alert.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        registry: Registry,
        strategy_text: Callable[[str], str],
        clock: Clock,
        events: EventLog,
        webhook: str = "",
        post: Post = post_json,
        notifier: SystemNotifier | None = None,
    ) -> None:
        self._book = AlertBook(folder)
        self._store = store
        self._registry = registry
        self._strategy_text = strategy_text
        self._clock = clock
        self._events = events
        self._webhook = WebHook(webhook, clock, events, post) if webhook else None
        self._notifier = notifier
        self._watcher = Watcher()
        self._stamp: tuple[int, int] | None = None
        self._read_at_ms = 0
        self._bars: dict[str, int] = {}
        self._closed: list[tuple[DatasetKey, int]] = []
        self._fired: list[Firing] = []
        self._work = asyncio.Event()

    def look(self, snapshot: EngineSnapshot) -> None:
        """Look at a snapshot: tells what is due now, and leaves the rest to `run`."""
        now_ms = self._clock.now_ms()
        if not self._read_at_ms or now_ms - self._read_at_ms >= _READ_EVERY_MS:
            self._read_at_ms = now_ms
            self._read()
        if self._notifier is not None and self._notifier.look():
            self._work.set()
        if not self._watcher.alerts:
            return
        for firing in self._watcher.look(look_of(snapshot), now_ms):
            self._tell(firing)
        self._note_bars(snapshot.datasets)

    async def keep_looking(self, latest: Callable[[], EngineSnapshot]) -> None:
        """Look at the latest snapshot four times a second, until cancelled."""
        while True:
            self.look(latest())
            await self._clock.sleep(LOOK_SECONDS)

    async def run(self) -> None:
        """Decide at the close of bars, write the history and send, until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            closed, self._closed = self._closed, []
            for key, bar_ms in closed:
                for alert, sentence in await asyncio.to_thread(self._decide, key, bar_ms):
                    firing = self._watcher.due(alert, str(key), sentence, self._clock.now_ms())
                    if firing is not None:
                        self._tell(firing)
            fired, self._fired = self._fired, []
            for firing in fired:
                await asyncio.to_thread(self._remember, firing)
            if self._webhook is not None:
                await self._webhook.send(asyncio.to_thread)
            if self._notifier is not None:
                await self._notifier.send(asyncio.to_thread)

    # ------------------------------------------------------------------------------------------ reading and telling

    def _read(self) -> None:
        stamp = self._book.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._watcher.use(self._book.alerts())
        except InputError as error:
            self._events.warning(SOURCE, f"{error.sentence} The alerts from before stay.")

    def _tell(self, firing: Firing) -> None:
        self._events.warning(SOURCE, firing.sentence)
        self._fired.append(firing)
        if self._webhook is not None:
            self._webhook.add(firing)
        if self._notifier is not None:
            self._notifier.add(firing.sentence)
        self._work.set()

    def _remember(self, firing: Firing) -> None:
        try:
            self._book.note(Told(firing.time_ms, firing.name, firing.sentence))
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            self._events.warning(SOURCE, f"The history of the alerts could not be written ({reason}).")

    # ------------------------------------------------------------------------------------------ closed bars

    def _note_bars(self, datasets: tuple[DatasetView, ...]) -> None:
        """Remember which followed datasets have a new bar; what stood there at the first look is old."""
        if not any(isinstance(alert.condition, BarRule | StrategySignal) for alert in self._watcher.alerts):
            self._bars.clear()
            return
        for view in datasets:
            if view.state != "live" or view.mark:
                continue
            before = self._bars.get(view.key)
            self._bars[view.key] = view.last_ms
            if before is not None and view.last_ms > before:
                self._closed.append((DatasetKey.parse(view.key), view.last_ms))
                self._work.set()

    def _decide(self, key: DatasetKey, bar_ms: int) -> list[tuple[Alert, str]]:
        """The alerts that the close of a bar makes say something, with their sentences; on a worker thread."""
        said: list[tuple[Alert, str]] = []
        for alert in self._watcher.alerts:
            if not alert.armed:
                continue
            try:
                sentence = self._sentence(alert, key, bar_ms)
            except InputError as error:
                self._events.warning(
                    SOURCE, f'The alert "{alert.name}" cannot be looked at: {error.sentence}'
                )
                continue
            if sentence:
                said.append((alert, sentence))
        return said

    def _sentence(self, alert: Alert, key: DatasetKey, bar_ms: int) -> str:
        """What a bar's close makes an alert say, "" for nothing."""
        spec = self._spec(alert, key)
        if spec is None or not reads(spec, key):
            return ""
        side = side_at(spec, self._registry, self._store, key, bar_ms)
        if not side:
            return ""
        closed = f"bar closed {iso_minute(bar_ms + key.timeframe.ms)} UTC"
        where = f"{key.symbol} {key.timeframe.value}"
        if isinstance(alert.condition, BarRule):
            return f"{where}: {alert.condition.rule} ({closed})."
        return f"{spec.name} says {'long' if side > 0 else 'short'} on {where} ({closed})."

    def _spec(self, alert: Alert, key: DatasetKey) -> StrategySpec | None:
        condition = alert.condition
        if isinstance(condition, BarRule):
            if (condition.symbol, condition.timeframe) != (key.symbol, key.timeframe):
                return None
            return rule_spec(self._registry, key.symbol, key.timeframe.value, condition.rule, key.category)
        if isinstance(condition, StrategySignal):
            return parse_strategy(self._strategy_text(condition.name), condition.name, self._registry)
        return None


def look_of(snapshot: EngineSnapshot) -> Look:
    """What alerts need of a snapshot."""
    return Look(
        time_ms=snapshot.time_ms,
        prices={quote.symbol: quote.last for quote in snapshot.quotes if quote.last},
        ages_ms={quote.symbol: quote.age_ms for quote in snapshot.quotes},
        silent_s=snapshot.connection.silent_seconds,
        gaps={view.key: view.gaps for view in snapshot.datasets if view.state == "live"},
        jobs=tuple(JobLook(job.job_id, job.title, job.state, job.sentence) for job in snapshot.jobs),
        free_bytes=snapshot.free_bytes or None,
    )
