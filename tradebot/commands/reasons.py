"""Why entries were refused and orders changed, each in a short sentence: the words behind a result's counts."""

from __future__ import annotations

REFUSED = {
    "gap": "the next bar came more than a bar too late",
    "insufficient_margin": "the free balance paid for none of it",
    "below_min_quantity": "less than the smallest quantity",
    "below_min_notional": "worth less than the smallest order",
    "above_max_quantity": "more than the largest market order",
    "opposite_ignored": "against an open position: ignored",
    "already_open": "a position of that side was open",
    "direction": "a side that the strategy does not trade",
    "cooldown": "within the cool-down after an exit",
    "no_next_bar": "on the last bar: nothing to fill on",
    "size_zero": "the size came to 0",
    "no_level": "no value for stop, target or size yet",
    "already_pending": "another order was waiting already",
    "expired": "its price was not reached in time",
    "exposure": "the limit of exposure was used up",
    "no_volume": "no volume to trade against",
    "max_positions": "as many positions open as allowed",
    "daily_loss": "after the daily loss limit, until midnight",
    "drawdown": "after the drawdown limit, for good",
    "loss_streak": "in the pause after a run of losses",
    "no_position": "the position to add to had closed",
}
"""What became of entry decisions that opened nothing."""

CHANGED = {
    "reduced_margin": "made smaller, to what is affordable",
    "reduced_exposure": "made smaller, to the limit of exposure",
    "reduced_volume": "made smaller, to the share of volume",
    "daily_loss_reached": "daily loss limit reached: all closed",
    "drawdown_reached": "drawdown limit reached: all closed",
    "loss_streak_reached": "a run of losses: a pause began",
}
"""Orders that were made smaller, and limits that were reached."""


def meaning(reason: str) -> str:
    """The sentence of a reason; its own words where a newer version wrote it."""
    return REFUSED.get(reason) or CHANGED.get(reason) or reason.replace("_", " ")
