"""Secrets are hidden whatever they are wrapped in, at every door to a file or the screen; the rest stays readable."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.crash import report_crash
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.logs import LogFiles, log_files
from tradebot.engine.control.logs_python import begin_logging, end_logging
from tradebot.engine.control.redaction import Redactor, redact

KEY = "hV3xq9ZpLw2RtYs8Kd"  # 18 letters, as Bybit's keys
SECRET = "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z0A"  # noqa: S105 - a planted one, as long as theirs
SIGNATURE = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"


@pytest.mark.parametrize(
    "wrapping",
    [
        "api_key={}",
        "api_key = {}",
        '{{"api_key": "{}"}}',
        '{{"apiKey":"{}","x":1}}',
        "{{'api_secret': '{}'}}",
        "ApiSecret: {}",
        "https://api.bybit.com/v5/order?symbol=BTCUSDT&sign={}&recvWindow=5000",
        "https://h.example/?token={}",
        "X-BAPI-API-KEY: {}",
        "{{'X-BAPI-SIGN': '{}', 'X-BAPI-TIMESTAMP': '1'}}",
        "[('X-BAPI-API-KEY', '{}')]",
        "[(b'x-bapi-sign', b'{}')]",
        "Authorization: Bearer {}",
        "{{'Authorization': 'Basic {}'}}",
        "authorization=Token {}",
        "Cookie: session=1; id={}",
        "https://user:{}@proxy.example:8080/path",
        "TRADEBOT_API_SECRET={}",
        "password: {}",
        "passphrase={}",
        "secret%3D{}",
        "private_key='{}'",
        "https://hooks.slack.com/services/T0/B0/{}",
        "https://discord.com/api/webhooks/12/{}",
    ],
)
def test_a_secret_is_hidden_by_the_name_before_it(wrapping: str) -> None:
    for secret in (KEY, "short-Secret_1"):
        hidden = redact(wrapping.format(secret))
        assert secret not in hidden
        assert "***" in hidden


@pytest.mark.parametrize(
    "secret", [SECRET, SIGNATURE, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_123", "/bot123456:AAxyz-98_q"]
)
def test_a_secret_is_hidden_by_its_shape(secret: str) -> None:
    assert secret not in redact(f"sent {secret} to it")


def test_a_private_key_block_is_hidden_whole() -> None:
    block = "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\nxyz\n-----END RSA PRIVATE KEY-----"
    assert redact(f"before {block} after") == "before *** after"


def test_a_value_that_is_known_is_hidden_without_any_name() -> None:
    redactor = Redactor()
    redactor.protect("plainword")
    redactor.protect("abc")  # too short: it stands in other words
    assert redactor.redact("say plainword, abcdef") == "say ***, abcdef"


@pytest.mark.parametrize(
    "text",
    [
        "GET /v5/market/kline?category=linear&symbol=BTCUSDT&interval=1&limit=1000 200 112 ms",
        "BTCUSDT 63,812.4 signed up at 12:31:07.004, 3 signals",
        "The key ring has no back end; the sign of the figure is minus.",
        "crash-2026-09-14-000000.txt stands in /var/log/tradebot",
        "connection: keep-alive, Content-Type: application/json",
        "strategy my-idea-with-a-very-long-name-of-more-than-32-letters",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_planted_secrets_reach_no_file_through_any_door(tmp_path: Path) -> None:
    log = begin_logging(LogFiles(tmp_path, ManualClock(), level="debug"))
    log.redactor.protect("registered-only")
    try:
        planted = f"api_secret={SECRET} sign={SIGNATURE} X-BAPI-API-KEY: {KEY} registered-only"
        log.write("info", planted, planted, happened=planted, did=planted, can_do=planted, details=planted)
        EventLog(ManualClock()).error("store", planted)
        logging.getLogger("pybit").warning("headers %s", {"X-BAPI-SIGN": SIGNATURE, "X-BAPI-API-KEY": KEY})
        logging.getLogger("urllib3").debug("GET %s", f"/v5/order?api_key={KEY}&sign={SIGNATURE}")
        raise ValueError(planted)
    except ValueError as error:
        logging.getLogger("tradebot.x").exception("It failed: %s", error)
        said = report_crash(error, log, ["--url", f"https://me:{KEY}@host", f"--secret={SECRET}"])
    finally:
        end_logging()
    texts = [said, *(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())]
    assert len(texts) == 3
    for text in texts:
        for secret in (KEY, SECRET, SIGNATURE, "registered-only"):
            assert secret not in text
    assert all(
        json.loads(line) for _, _, path in log_files(tmp_path) for line in path.read_text().splitlines()
    )
