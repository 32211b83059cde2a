"""Addresses: the REST base a person gives, and the stream address that belongs to it."""

from __future__ import annotations

from urllib.parse import urlsplit

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Category

_DEMO_HOSTS = {"api-demo": "stream", "api-demo-testnet": "stream-testnet"}


def check_base_url(url: str) -> str:
    """The base without a trailing slash. Raises InputError for anything else than http(s)://host[:port]."""
    cleaned = url.strip().rstrip("/")
    try:
        parts = urlsplit(cleaned)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and not (parts.path or parts.query)
        valid = valid and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise InputError(
            f'"{url}" is not the base of an exchange: write http:// or https://, a host and perhaps a port, '
            "without a path, such as https://api.bybit.com."
        )
    return cleaned


def stream_url(rest_url: str, category: Category) -> str:
    """Address of the public stream: `https://api.bybit.com` -> `wss://stream.bybit.com/v5/public/linear`.

    Demo accounts have no public stream of their own and use the one of mainnet; a host that is not Bybit's serves
    both on the same port.
    """
    parts = urlsplit(check_base_url(rest_url))
    scheme = "wss" if parts.scheme == "https" else "ws"
    host = parts.netloc
    first, _, rest = host.partition(".")
    if first.startswith("api") and rest:
        host = _DEMO_HOSTS.get(first, first.replace("api", "stream", 1)) + "." + rest
    return f"{scheme}://{host}/v5/public/{category.value}"
