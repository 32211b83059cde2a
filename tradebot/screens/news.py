"""What the person is told in passing: toasts, one for each cause, and the list of all that was told."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from textual.app import App

from tradebot.engine.messages import EngineSnapshot
from tradebot.screens.frame import problem_of

__all__ = ["News", "Told"]

_REPEAT_SECONDS = 30.0
_STORM_SECONDS = 8.0
_MOST_AT_ONCE = 3
_MOST_KEPT = 200
_FIGURES = re.compile(r"\d[\d,.:]*(?=\s|$|[^\w])")


@dataclass(slots=True)
class Told:
    """Something that was told at `time_ms` (UTC), so many times; `level` is info, warning or error."""

    time_ms: int
    level: str
    sentence: str
    cause: str
    times: int = 1


class News:
    """The toasts of an app: not more than one for a cause in half a minute, a storm of them as one sentence.

    `clock` gives seconds; the app's loop has it where none is given.
    """

    def __init__(self, app: App[None], clock: Callable[[], float] | None = None) -> None:
        self._app = app
        self._clock = clock
        self._said: dict[str, float] = {}
        self._shown: deque[float] = deque(maxlen=_MOST_AT_ONCE)
        self._held_back = 0
        self._last_event = -1
        self._states: dict[int, str] = {}
        self._now_ms = 0
        self.told: deque[Told] = deque(maxlen=_MOST_KEPT)
        """All that was told, the oldest first."""

    def tell(self, snapshot: EngineSnapshot) -> None:
        """What happened since the last snapshot: warnings, errors, ended jobs; not what the banner says already."""
        self._now_ms = snapshot.time_ms
        newest = max((event.sequence for event in snapshot.events), default=0)
        rings = False
        if self._last_event >= 0:
            problem = problem_of(snapshot)
            for event in snapshot.events:
                if event.sequence > self._last_event and event.level != "info":
                    on_banner = problem is not None and event.sentence in problem[1]
                    is_alert = event.source == "alerts"
                    rings = rings or is_alert
                    # The engine tells an alert once; two on one symbol may differ in figures only.
                    cause = event.sentence if is_alert else ""
                    self.say(event.sentence, event.level, cause, toast=not on_banner)
        if rings:
            self._app.bell()  # the person may look at another window
        self._last_event = max(self._last_event, newest)
        for job in snapshot.jobs:
            before = self._states.get(job.job_id)
            self._states[job.job_id] = job.state
            is_told = job.kind != "follow" and (job.kind != "check" or job.state == "failed")
            if before in {"running", "queued"} and job.state in {"done", "failed"} and is_told:
                level = "info" if job.state == "done" else "error"
                self.say(f"{job.title}: {job.sentence or job.state}", level, cause=f"job {job.job_id}")
        self._tell_held_back()

    def say(self, sentence: str, level: str = "info", cause: str = "", *, toast: bool = True) -> None:
        """Tell one thing. Without a cause, sentences that differ in figures only have the same."""
        cause = cause or _FIGURES.sub("#", sentence)
        now = self._now()
        if level != "info" or cause.startswith("job "):
            self._keep(sentence, level, cause)
        if not toast or now - self._said.get(cause, -_REPEAT_SECONDS) < _REPEAT_SECONDS:
            return
        self._said[cause] = now
        if level != "info" and self._is_storm(now):
            self._held_back += 1
            return
        self._shown.append(now)
        self._toast(sentence, level)

    def _keep(self, sentence: str, level: str, cause: str) -> None:
        newest = self.told[-1] if self.told else None
        if newest is not None and newest.cause == cause:
            newest.sentence, newest.time_ms, newest.times = sentence, self._now_ms, newest.times + 1
        else:
            self.told.append(Told(self._now_ms, level, sentence, cause))

    def _is_storm(self, now: float) -> bool:
        return len(self._shown) == _MOST_AT_ONCE and now - self._shown[0] < _STORM_SECONDS

    def _tell_held_back(self) -> None:
        """Sum up a storm once there is room again."""
        now = self._now()
        if self._held_back and not self._is_storm(now):
            more, self._held_back = self._held_back, 0
            self._shown.append(now)
            self._toast(
                f"{more} more {'message' if more == 1 else 'messages'}: ! shows all of them.", "warning"
            )

    def _toast(self, sentence: str, level: str) -> None:
        severity: Literal["information", "warning", "error"] = (
            "error" if level == "error" else "warning" if level == "warning" else "information"
        )
        self._app.notify(sentence, severity=severity, timeout=4 if level == "info" else 8, markup=False)

    def _now(self) -> float:
        return self._clock() if self._clock is not None else asyncio.get_running_loop().time()
