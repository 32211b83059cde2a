"""What a live feed says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.engine.exchange import StreamStatus


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """How the feed is doing: its connections, datasets followed, bars stored, bars asked for by REST, waiting keys.

    `filling` datasets are being asked for by REST now. `holes` were passed because the exchange has no bars there,
    `differing` bars came in two versions of which the first stayed, `unsound` ones had prices that contradict each
    other and were asked for again. `ended` are the symbols that the exchange has taken off since they were followed.
    """

    streams: tuple[StreamStatus, ...]
    datasets: int
    bars_stored: int
    bars_filled: int
    behind: int
    filling: int = 0
    holes: int = 0
    differing: int = 0
    unsound: int = 0
    ended: tuple[str, ...] = ()
