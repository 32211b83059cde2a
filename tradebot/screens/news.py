"""What the person is told in passing: news of the engine as toasts, each cause once in a while."""

from __future__ import annotations

import asyncio
from typing import Literal

from textual.app import App

from tradebot.engine.messages import EngineSnapshot

__all__ = ["News"]

_REPEAT_SECONDS = 30.0


class News:
    """The toasts of an app."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._said: dict[str, float] = {}
        self._last_event = -1
        self._states: dict[int, str] = {}

    def tell(self, snapshot: EngineSnapshot) -> None:
        """One toast for what happened since the last snapshot: warnings, errors, ended jobs."""
        newest = max((event.sequence for event in snapshot.events), default=0)
        if self._last_event >= 0:
            for event in snapshot.events:
                if event.sequence > self._last_event and event.level != "info":
                    self.say(event.sentence, event.level)
                    if event.source == "alerts":
                        self._app.bell()  # the person may look at another window
        self._last_event = max(self._last_event, newest)
        for job in snapshot.jobs:
            before = self._states.get(job.job_id)
            self._states[job.job_id] = job.state
            is_told = job.kind != "follow" and (job.kind != "check" or job.state == "failed")
            if before in {"running", "queued"} and job.state in {"done", "failed"} and is_told:
                self.say(
                    f"{job.title}: {job.sentence or job.state}", "info" if job.state == "done" else "error"
                )

    def say(self, sentence: str, level: str = "info") -> None:
        """A toast; the same sentence again within half a minute is not shown twice."""
        now = asyncio.get_running_loop().time()
        if now - self._said.get(sentence, -_REPEAT_SECONDS) < _REPEAT_SECONDS:
            return
        self._said[sentence] = now
        severity: Literal["information", "warning", "error"] = (
            "error" if level == "error" else "warning" if level == "warning" else "information"
        )
        self._app.notify(sentence, severity=severity, timeout=4 if level == "info" else 8, markup=False)
