"""What the engine answers about settings, the connection and API keys."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.control.test_secrets import KEYS, MemoryRing, store
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.folders import find_folders
from tradebot.engine.control.settings import load_settings
from tradebot.engine.engine import EngineOptions
from tradebot.engine.exchange.connection_check import try_keys
from tradebot.engine.messages import (
    CancelJob,
    CheckConnection,
    CheckKeys,
    ForgetKeys,
    GetKeys,
    GetSettings,
    RollBackSettings,
    SaveSettings,
    SettingsView,
    StoreKeys,
    TrySettings,
    from_json,
    to_json,
)
from tradebot.engine.settings_queries import SettingsQueries
from tradebot.engine.simulator import SimulatorSettings, SimulatorThread

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def ring() -> MemoryRing:
    return MemoryRing()


@pytest.fixture
def queries(tmp_path: Path, ring: MemoryRing, monkeypatch: pytest.MonkeyPatch) -> SettingsQueries:
    monkeypatch.setenv("TRADEBOT_BACKTEST__CASH", "777")
    folders = replace(find_folders(tmp_path, tmp_path / "data"), config=tmp_path)
    options = EngineOptions(load_settings(None, {}, {}), folders, overrides={"exchange.url": "http://line:1"})
    return SettingsQueries(options, store(ring))


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorSettings(symbols=3)) as running:
        yield running


def fields(view: SettingsView) -> dict[str, Any]:
    return {field.path: field for field in view.fields}


def test_every_setting_comes_with_its_source_and_what_goes_over_it(queries: SettingsQueries) -> None:
    shown = fields(queries.answer(GetSettings(), NOWHERE))
    assert shown["exchange.url"].over == "command line"
    assert shown["backtest.cash"].value == "777"
    assert shown["backtest.cash"].over == "environment variable TRADEBOT_BACKTEST__CASH"
    assert (shown["logs.level"].source, shown["logs.level"].saved) == ("default", False)
    assert shown["logs.level"].choices == ("debug", "info", "warning", "error")
    assert shown["look.theme"].at_once
    assert queries.answer(CancelJob(1), NOWHERE) is None


def test_saving_and_going_back(queries: SettingsQueries, tmp_path: Path) -> None:
    view = queries.answer(SaveSettings((("logs.level", "debug"), ("collect.since", "9d"))), NOWHERE)
    assert fields(view)["logs.level"].value == "debug"
    assert fields(view)["logs.level"].saved
    assert view.file == str(tmp_path / "local.toml")
    view = queries.answer(SaveSettings((("logs.level", None),)), NOWHERE)
    assert not fields(view)["logs.level"].saved
    view = queries.answer(RollBackSettings(), NOWHERE)
    assert fields(view)["logs.level"].value == "debug"
    assert view.can_roll_back
    assert from_json(to_json(view)) == view


def test_each_wrong_value_has_its_own_sentence_and_nothing_is_saved(
    queries: SettingsQueries, tmp_path: Path
) -> None:
    changes = (("exchange.budget_percent", "0"), ("logs.level", "loud"), ("backtest.workers", "3"))
    check = queries.answer(TrySettings(changes), NOWHERE)
    assert [path for path, _ in check.problems] == ["exchange.budget_percent", "logs.level"]
    assert "above 0" in check.problems[0][1]
    with pytest.raises(InputError, match="above 0"):
        queries.answer(SaveSettings(changes), NOWHERE)
    assert not (tmp_path / "local.toml").exists()


@pytest.mark.sockets
def test_the_connection_is_tested_with_latency_and_clock(
    queries: SettingsQueries, simulator: SimulatorThread
) -> None:
    check = queries.answer(CheckConnection(), simulator.url)
    assert check.reached
    assert check.source == "simulator seed 1"
    assert 0 < check.latency_ms < 5000
    assert abs(check.skew_ms) < 5000
    assert "simulator seed 1 answered in" in check.sentence


@pytest.mark.parametrize("url", [NOWHERE, "not a url", "http://x/path"])
def test_an_address_that_does_not_answer_is_a_sentence(queries: SettingsQueries, url: str) -> None:
    check = queries.answer(CheckConnection(url), "http://used:1")
    assert not check.reached
    assert check.sentence


def test_keys_are_stored_tested_forgotten_and_never_come_back(
    queries: SettingsQueries, ring: MemoryRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert queries.answer(GetKeys(), NOWHERE).place == "none"
    with pytest.raises(InputError, match="no API keys to test"):
        queries.answer(CheckKeys(), NOWHERE)
    view = queries.answer(StoreKeys(f" {KEYS.api_key} ", KEYS.api_secret), NOWHERE)
    assert view.place == "key ring"
    assert KEYS.api_secret not in to_json(view)
    assert KEYS.api_secret not in repr(StoreKeys(KEYS.api_key, KEYS.api_secret))
    monkeypatch.setattr("tradebot.engine.settings_queries.reach", lambda *_: SimpleNamespace(skew_ms=0.0))
    monkeypatch.setattr("tradebot.engine.settings_queries.try_keys", lambda *_: "Bybit takes the key.")
    assert queries.answer(CheckKeys(), NOWHERE).sentence == "Bybit takes the key."
    assert queries.answer(ForgetKeys(), NOWHERE).place == "none"
    assert ring.kept == {}


def reply(monkeypatch: pytest.MonkeyPatch, document: object) -> list[dict[str, str]]:
    sent: list[dict[str, str]] = []

    def get(url: str, *, headers: dict[str, str], **_: object) -> Any:
        sent.append({"url": url, **headers})
        return SimpleNamespace(json=lambda: document)

    monkeypatch.setattr("requests.get", get)
    return sent


def test_the_request_about_keys_is_signed_as_bybit_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rights = {
        "readOnly": 0,
        "permissions": {"Spot": ["SpotTrade"], "Wallet": ["Withdraw"]},
        "ips": ["1.2.3.4"],
    }
    sent = reply(monkeypatch, {"retCode": 0, "result": rights})
    sentence = try_keys("https://x", KEYS, 5.0, 250.0)
    assert sentence == (
        "Bybit takes the key: read and trade, it may WITHDRAW: take that permission away at Bybit, bound to addresses."
    )
    moment = sent[0]["X-BAPI-TIMESTAMP"]
    signed = f"{moment}{KEYS.api_key}10000".encode()
    assert sent[0]["X-BAPI-SIGN"] == hmac.new(KEYS.api_secret.encode(), signed, hashlib.sha256).hexdigest()
    assert sent[0]["url"] == "https://x/v5/user/query-api"


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"retCode": 10003}, "does not know this API key"),
        ({"retCode": 10004}, "refused the signature"),
        ({"retCode": 77}, "answered the keys with 77"),
        ([1], "answered the keys with None"),
    ],
)
def test_refused_keys_are_a_sentence(
    monkeypatch: pytest.MonkeyPatch, document: object, sentence: str
) -> None:
    reply(monkeypatch, document)
    with pytest.raises(ShortfallError, match=sentence):
        try_keys("https://x", KEYS, 5.0)


def test_keys_that_may_read_only_and_are_bound_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reply(
        monkeypatch, {"retCode": 0, "result": {"readOnly": 1, "permissions": {"Spot": ["x"]}, "ips": ["*"]}}
    )
    assert try_keys("https://x", KEYS, 5.0) == (
        "Bybit takes the key: read only, no withdrawal (good), bound to no address, so it ends after 90 days."
    )
