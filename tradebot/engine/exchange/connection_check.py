"""Two questions to the exchange that a person asks: does it answer at this address, and does it take these keys?"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.exchange.pybit_rest import PybitRest
from tradebot.engine.exchange.source import source_of

if TYPE_CHECKING:
    from tradebot.engine.control.secrets import ApiKeys

_SAMPLES = 3
_RECEIVE_WINDOW_MS = 10_000
_REFUSALS = {
    10003: "Bybit does not know this API key; is it of the same environment (mainnet, testnet)?",
    10004: "Bybit refused the signature; the API secret does not belong to this key.",
    10005: "Bybit refused it: the key has no permission for that.",
    10007: "Bybit refused the key: it is not valid.",
    10010: "Bybit refused it: the key is bound to another address.",
    33004: "The key has expired; make a new one at Bybit.",
}


@dataclass(frozen=True, slots=True)
class Reached:
    """An exchange that answered: shortest round trip in ms, its clock against ours in ms, whose market it is."""

    latency_ms: float
    skew_ms: float
    source: str


def reach(url: str, timeout_s: float) -> Reached:
    """Ask the exchange's clock a few times, on the calling thread. Raises TradebotError where it does not answer."""
    rest = PybitRest(url, timeout_s, threads=1)
    try:
        samples = []
        for _ in range(_SAMPLES):
            began_ms, began = time.time() * 1000, time.perf_counter()
            answer = asyncio.run(rest.get("/v5/market/time", {}))
            took_ms = (time.perf_counter() - began) * 1000
            samples.append((took_ms, _server_ms(answer) - (began_ms + took_ms / 2)))
        latency_ms, skew_ms = min(samples)
        return Reached(latency_ms, skew_ms, source_of(url, rest.server_name))
    finally:
        rest.close()


def _server_ms(answer: dict[str, Any]) -> float:
    try:
        return float(answer["result"]["timeNano"]) / 1e6
    except (KeyError, TypeError, ValueError):
        raise ShortfallError("It answered, but not as Bybit does; name the REST base of Bybit.") from None


def try_keys(url: str, keys: ApiKeys, timeout_s: float, skew_ms: float = 0.0) -> str:
    """What Bybit says about keys, as a sentence: what they may do, whether they are bound to addresses.

    Raises ShortfallError where Bybit refuses them or does not answer; the sentence holds nothing of the keys.
    """
    import requests

    moment = str(round(time.time() * 1000 + skew_ms))
    signed = f"{moment}{keys.api_key}{_RECEIVE_WINDOW_MS}".encode()
    headers = {
        "X-BAPI-API-KEY": keys.api_key,
        "X-BAPI-TIMESTAMP": moment,
        "X-BAPI-RECV-WINDOW": str(_RECEIVE_WINDOW_MS),
        "X-BAPI-SIGN": hmac.new(keys.api_secret.encode(), signed, hashlib.sha256).hexdigest(),
    }
    try:
        reply = requests.get(
            f"{url}/v5/user/query-api", headers=headers, timeout=timeout_s, allow_redirects=False
        )
        document = reply.json()
    except (requests.RequestException, ValueError):
        raise ShortfallError(f"{url} gave no answer about the keys; test the connection first.") from None
    code = document.get("retCode") if isinstance(document, dict) else None
    if code != 0:
        said = _REFUSALS.get(code) if isinstance(code, int) else None
        raise ShortfallError(said or f"The exchange answered the keys with {code}; it may not take any.")
    return _rights(document.get("result") or {})


def _rights(result: dict[str, Any]) -> str:
    permissions = result.get("permissions") or {}
    trades = not result.get("readOnly") and any(permissions.get(name) for name in ("ContractTrade", "Spot"))
    withdraws = "Withdraw" in (permissions.get("Wallet") or [])
    bound = [each for each in result.get("ips") or [] if each != "*"]
    parts = ["read and trade" if trades else "read only"]
    parts.append(
        "it may WITHDRAW: take that permission away at Bybit" if withdraws else "no withdrawal (good)"
    )
    parts.append("bound to addresses" if bound else "bound to no address, so it ends after 90 days")
    return f"Bybit takes the key: {', '.join(parts)}."
