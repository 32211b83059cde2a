"""The catalogue of the rules: its rows in its words, and the names of the cases that work each out.

A name that begins with `test_` is a test of `tests/engine/backtest/test_rules.py`, where the row begins before the
simulation.
"""

from __future__ import annotations

from collections.abc import Mapping

MOST_BARS = 6
"""So many bars of a symbol has a row at most."""

CATALOGUE: Mapping[str, tuple[str, ...]] = {
    "next-open entry": ("entry and exit at the next open",),
    "signal on last bar": ("entry decided on the last bar", "exit decided on the last bar"),
    "SL touch exact tick": ("stop touched on its tick", "short: stop touched on its tick"),
    "SL gap": ("open beyond the stop", "short: open beyond the stop"),
    "TP gap (better)": ("open beyond the target", "short: open beyond the target"),
    "SL+TP same bar": ("stop and target in one bar", "short: stop and target in one bar"),
    "entry bar SL": ("stop in the entry bar",),
    "entry bar TP only": ("target alone in the entry bar",),
    "limit touch not filled": ("limit entry touched", "target touched"),
    "limit through filled": ("limit entry traded through", "target traded through"),
    "trailing same-bar spike": ("trailing stop and a spike in the same bar",),
    "reverse": ("reverse", "reverse pays two fees at one open"),
    "pyramid average": ("an add",),
    "partial exit dust": ("a remainder below the minimum", "the last leg takes what rounding left"),
    "below minNotional": ("below the minimum notional",),
    "fee maker/taker": ("taker in, maker out", "taker in, taker out at the stop"),
    "funding at bar open with entry in the same bar (not charged)": ("funding at the open of the entry bar",),
    "funding at bar open with exit in the same bar (charged)": ("funding at the open of the exit bar",),
    "1 h funding symbol": ("funding every hour on bars of four",),
    "liquidation before stop": ("liquidation before stop",),
    "stop before liquidation": ("stop before liquidation",),
    "tier jump": ("the second tier", "the tier at the entry is not that at the liquidation"),
    "gap beyond bankruptcy": ("a gap beyond the bankruptcy price",),
    "missing bar with stop crossed": ("stop crossed while bars are missing",),
    "two symbols competing for cash": (
        "two symbols compete for cash",
        "two symbols compete for cash by percent of equity",
    ),
    "HTF visibility minute before/at close": (
        "test_a_higher_bar_is_seen_at_its_close_and_not_a_minute_before",
    ),
    "halted symbol": ("halted symbol",),
    "end of data open trade": ("open at the end",),
}
