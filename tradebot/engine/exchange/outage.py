"""Says once that the exchange is gone and once that it is back, however many calls meet it."""

from __future__ import annotations

from collections.abc import Callable

from tradebot.engine.control.events import Level
from tradebot.engine.exchange.errors import FailureKind, RetryRule

_NO_ANSWER = "does not answer"
_FAULT = "has a fault of its own"
# A ban says its own end; the other kinds are not tried for long enough to be worth a word.
_WORDS = {
    FailureKind.UNREACHABLE: _NO_ANSWER,
    FailureKind.TIMEOUT: _NO_ANSWER,
    FailureKind.SERVER_ERROR: _FAULT,
    FailureKind.SERVER_TIMEOUT: _FAULT,
    FailureKind.SERVER_FAULT: _FAULT,
    FailureKind.NOT_JSON: "answers with something that is not data",
    FailureKind.OVERLOADED: "is overloaded",
    FailureKind.TOO_MANY_VISITS: "limits the requests",
}
_WORTH_A_WORD_S = 5.0
_ABOUT_A_MINUTE_S = 40.0


class Outage:
    """Watches all calls of one client.

    A failure begins an outage only where no call was answered since the failed one was sent: a single lost answer
    among many good ones is no outage.
    """

    def __init__(self, url: str, notice: Callable[[Level, str], None]) -> None:
        self._url = url
        self._notice = notice
        self._lasts = False
        self._answers = 0

    @property
    def answers(self) -> int:
        """Calls answered so far; what it was when a call was sent belongs to `trying_again`."""
        return self._answers

    def answered(self) -> None:
        """A call was answered and understood."""
        self._answers += 1
        if self._lasts:
            self._lasts = False
            self._notice(Level.INFO, f"The exchange at {self._url} answers again.")

    def trying_again(self, kind: FailureKind, rule: RetryRule, answers_when_sent: int) -> None:
        """A call failed and will be tried again by `rule`."""
        words = _WORDS.get(kind)
        if self._lasts or words is None or self._answers > answers_when_sent:
            return
        if rule.usual_wait_s < _WORTH_A_WORD_S:
            return
        self._lasts = True
        span = "a minute" if rule.usual_wait_s >= _ABOUT_A_MINUTE_S else "half a minute"
        self._notice(Level.WARNING, f"The exchange at {self._url} {words}; trying again for about {span}.")
