"""How unmodified clients of Bybit are pointed at the simulated exchange."""

from __future__ import annotations

from typing import Any

CATEGORIES = ("spot", "linear", "inverse", "option")


def point_ccxt(client: Any, url: str) -> Any:
    """Let a ccxt client, sync or pro, speak to `url` instead of the exchange."""
    stream = url.replace("http", "ws", 1)
    private = f"{stream}/v5/private"
    client.urls["api"] = dict.fromkeys(("spot", "futures", "v2", "public", "private"), url)
    client.urls["api"]["ws"] = {
        "public": {category: f"{stream}/v5/public/{category}" for category in CATEGORIES},
        "private": {
            "spot": {"unified": private, "nonUnified": private},
            "contract": private,
            "usdc": private,
            "trade": f"{stream}/v5/trade",
        },
    }
    return client
