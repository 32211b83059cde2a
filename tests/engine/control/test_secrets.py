"""API keys: environment over key ring, rings that fail or keep nothing, never in a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.logs import LogFiles, log_files
from tradebot.engine.control.logs_python import begin_logging, end_logging
from tradebot.engine.control.secrets import ApiKeys, SecretStore

KEYS = ApiKeys("plainkeyofletters", "plainsecretofletters")


class MemoryRing:
    """A key ring in memory; `keeps` False loses what it is given, `broken` raises as a locked one does."""

    def __init__(self, module: str = "keyring.backends.SecretService", *, keeps: bool = True) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.keeps = keeps
        self.broken = False
        self.backend = type("Keyring", (), {"__module__": module, "name": "a ring"})()

    def get_keyring(self) -> Any:
        return self.backend

    def get_password(self, service: str, name: str, /) -> str | None:
        self._work()
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, secret: str, /) -> None:
        self._work(secret)
        if self.keeps:
            self.kept[service, name] = secret

    def delete_password(self, service: str, name: str, /) -> None:
        del self.kept[service, name]

    def _work(self, secret: str = "") -> None:
        if self.broken:
            raise RuntimeError(f"locked: {secret}")


def store(ring: MemoryRing, **environment: str) -> SecretStore:
    return SecretStore(lambda: ring, lambda name: environment.get(name, ""))


def test_keys_are_kept_found_and_forgotten() -> None:
    ring = MemoryRing()
    secrets = store(ring)
    assert secrets.place().place == "none"
    secrets.store(KEYS)
    assert (secrets.place().place, secrets.place().ring) == ("key ring", "the Secret Service")
    assert secrets.read() == KEYS
    secrets.forget()
    secrets.forget()
    assert ring.kept == {}
    assert secrets.read() is None


def test_the_environment_goes_over_the_key_ring_and_half_of_it_is_said() -> None:
    ring = MemoryRing()
    store(ring).store(KEYS)
    both = store(ring, API_KEY="otherkey", API_SECRET="othersecret")  # noqa: S106 - made up here
    assert both.place().place == "environment"
    assert both.read() == ApiKeys("otherkey", "othersecret")
    half = store(ring, API_KEY="otherkey").place()
    assert half.place == "none"
    assert half.problem == "Only one of both is in the environment; set TRADEBOT_API_SECRET too."


@pytest.mark.parametrize("module", ["keyring.backends.fail", "keyring.backends.null"])
def test_a_system_without_a_key_ring_is_a_sentence(module: str) -> None:
    secrets = store(MemoryRing(module))
    assert secrets.place().problem.startswith("This system has no key ring. Put TRADEBOT_API_KEY")
    with pytest.raises(ShortfallError, match="no key ring"):
        secrets.store(KEYS)
    assert secrets.read() is None


def test_a_ring_that_fails_is_a_sentence_without_the_secret() -> None:
    ring = MemoryRing()
    ring.broken = True
    secrets = store(ring)
    assert "could not be read (RuntimeError)" in secrets.place().problem
    with pytest.raises(ShortfallError) as refused:
        secrets.store(KEYS)
    assert KEYS.api_secret not in refused.value.sentence
    assert KEYS.api_key not in refused.value.sentence


def test_a_ring_that_cannot_be_opened_is_a_sentence() -> None:
    def fail() -> Any:
        raise ImportError("no D-Bus")

    assert "could not be opened (ImportError)" in SecretStore(fail, lambda _: "").place().problem


def test_a_ring_that_keeps_nothing_is_found_out() -> None:
    with pytest.raises(ShortfallError, match="did not keep the keys"):
        store(MemoryRing(keeps=False)).store(KEYS)


@pytest.mark.parametrize("text", ["", "with blank", "line\nend", "ümläut", "x" * 600])
def test_what_is_no_key_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(InputError) as refused:
        store(MemoryRing()).store(ApiKeys("goodkey1", text))
    assert "API secret must be letters and digits" in refused.value.sentence
    assert not text or text not in refused.value.sentence


def test_keys_are_in_no_text_and_in_no_log(tmp_path: Path) -> None:
    assert "plain" not in repr(KEYS)
    log = begin_logging(LogFiles(tmp_path, ManualClock()))
    try:
        store(MemoryRing()).store(KEYS)
        log.write("info", "x", f"sent {KEYS.api_key} and {KEYS.api_secret}")
    finally:
        end_logging()
    text = log_files(tmp_path)[0][2].read_text(encoding="utf-8")
    assert "plainkey" not in text
    assert "plainsecret" not in text
