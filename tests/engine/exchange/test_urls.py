"""The stream's address follows from the REST base."""

from __future__ import annotations

import pytest

from tradebot.engine.control.errors import InputError
from tradebot.engine.exchange import check_base_url, stream_url
from tradebot.engine.market import Category


@pytest.mark.parametrize(
    ("rest", "stream"),
    [
        ("https://api.bybit.com", "wss://stream.bybit.com/v5/public/linear"),
        ("https://api.bybit.com/", "wss://stream.bybit.com/v5/public/linear"),
        ("https://api-testnet.bybit.com", "wss://stream-testnet.bybit.com/v5/public/linear"),
        ("https://api-demo.bybit.com", "wss://stream.bybit.com/v5/public/linear"),
        ("https://api.bybit.nl", "wss://stream.bybit.nl/v5/public/linear"),
        ("http://127.0.0.1:9999", "ws://127.0.0.1:9999/v5/public/linear"),
        ("http://localhost:80", "ws://localhost:80/v5/public/linear"),
    ],
)
def test_stream_url(rest: str, stream: str) -> None:
    assert stream_url(rest, Category.LINEAR) == stream
    assert stream_url(rest, Category.SPOT) == stream.replace("linear", "spot")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.bybit.com",
        "ftp://api.bybit.com",
        "https://",
        "http://h:port",
        "https://api.bybit.com/v5",
        "http://[x",
    ],
)
def test_anything_else_is_refused_with_what_was_expected(url: str) -> None:
    with pytest.raises(InputError, match=r"write http:// or https://"):
        check_base_url(url)
