"""The exchange's own clock: it may be wrong, and it never runs backwards."""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.engine.control.clock import Clock


@dataclass(frozen=True, slots=True)
class Skew:
    """How much the clock is ahead (behind, where negative) while from_ms <= right time < until_ms."""

    skew_ms: int
    from_ms: int
    until_ms: int | None = None


class ExchangeClock:
    """A clock that can be put ahead or behind of `right`.

    Everything the exchange does follows it, also when bars close. Where it is put back it stands still until the
    time it has already shown comes again.
    """

    def __init__(self, right: Clock) -> None:
        self._right = right
        self._skews: list[Skew] = []
        self._shown = 0

    def add(self, skew: Skew) -> None:
        """Put the clock wrong for a while; several add up."""
        self._skews.append(skew)

    def skew_ms(self) -> int:
        """How much it is ahead at the moment."""
        right = self._right.now_ms()
        return sum(
            skew.skew_ms
            for skew in self._skews
            if skew.from_ms <= right and (skew.until_ms is None or right < skew.until_ms)
        )

    def now_ms(self) -> int:
        """UTC milliseconds as the exchange believes."""
        if not self._skews:
            return self._right.now_ms()
        self._shown = max(self._shown, self._right.now_ms() + self.skew_ms())
        return self._shown

    def right_ms(self) -> int:
        """UTC milliseconds without any skew."""
        return self._right.now_ms()

    def monotonic(self) -> float:
        """Seconds that only rise."""
        return self._right.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""
        await self._right.sleep(seconds)
