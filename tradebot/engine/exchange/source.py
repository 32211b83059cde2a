"""The name of the market that an address serves, kept with the bars so that two markets are never mixed."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_KNOWN_HOSTS = {
    "api.bybit.com": "mainnet",
    "api.bytick.com": "mainnet",
    "api-testnet.bybit.com": "testnet",
    "api-demo.bybit.com": "demo",
}
_SIMULATOR = re.compile(r"tradebot-simulator seed=(\d+)")


def source_of(url: str, server_name: str) -> str:
    """`mainnet`, `testnet`, `demo`, `simulator seed 1`, or the host of another exchange.

    `server_name` is the `Server` header of an answer: our simulator says its seed there, because its port changes
    from run to run while its prices do not.
    """
    parts = urlsplit(url)
    known = _KNOWN_HOSTS.get(parts.hostname or "")
    if known is not None:
        return known
    simulated = _SIMULATOR.search(server_name)
    if simulated is not None:
        return f"simulator seed {simulated[1]}"
    return f"exchange at {parts.netloc}"
