"""What every topic of the public stream is."""

from __future__ import annotations

from typing import Protocol

from tradebot.engine.simulator.listing import Coin


class Subscriber(Protocol):
    """A connection, as topics see it."""

    def send(self, text: str) -> None:
        """Queue one text frame."""
        ...


class Topic:
    """One topic and who listens to it. `period_s` is the real time between two updates."""

    kind = ""
    period_s = 1.0

    def __init__(self, name: str, coin: Coin) -> None:
        self.name = name
        self.coin = coin
        self.subscribers: set[Subscriber] = set()

    @property
    def symbol(self) -> str:
        """The symbol it is about."""
        return self.coin.symbol

    def broadcast(self, text: str) -> None:
        """Send one frame to everybody who listens."""
        for subscriber in self.subscribers:
            subscriber.send(text)

    def join(self, subscriber: Subscriber, now_ms: int) -> None:
        """Begin to send to a connection, a snapshot first."""
        raise NotImplementedError

    def update(self, now_ms: int) -> None:
        """Send what the topic is now."""
        raise NotImplementedError

    def close_until(self, now_ms: int) -> None:
        """Send what has closed by now, where the topic knows such a thing."""
