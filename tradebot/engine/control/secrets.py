"""API keys: in the environment or the system's key ring, never in a file of ours, never shown, hidden in every log.

`TRADEBOT_API_KEY` and `TRADEBOT_API_SECRET` go over the key ring (Windows: the Credential Manager; macOS: the Keychain;
Linux: the Secret Service or KWallet).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.logs_python import current_log
from tradebot.engine.control.settings import environment_secret

_SERVICE = "tradebot"
_NAMES = ("api_key", "api_secret")
_ENVIRONMENT = ("TRADEBOT_API_KEY", "TRADEBOT_API_SECRET")
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """A key and its secret; neither is part of its own text."""

    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where keys are: `place` is none, environment or key ring; `ring` names the ring, `problem` says why it fails."""

    place: str
    ring: str
    problem: str = ""


class Ring(Protocol):
    """What is used of a key ring, as the module `keyring` has it."""

    def get_password(self, service: str, name: str, /) -> str | None:
        """A stored secret, None where there is none."""
        ...

    def set_password(self, service: str, name: str, secret: str, /) -> None:
        """Store a secret."""
        ...

    def delete_password(self, service: str, name: str, /) -> None:
        """Delete a secret."""
        ...

    def get_keyring(self) -> Any:
        """The back end that is used."""
        ...


def system_ring() -> Ring:
    """The system's key ring."""
    import keyring

    return keyring


class SecretStore:
    """Reads, stores and forgets API keys. Every value that is read or stored is hidden in the log from then on."""

    def __init__(
        self,
        ring: Callable[[], Ring] = system_ring,
        environment: Callable[[str], str] = environment_secret,
    ) -> None:
        self._ring = ring
        self._environment = environment

    def place(self) -> KeyPlace:
        """Where keys are now. A key ring that is not there or fails is a sentence, never an error."""
        found = [self._environment(name.upper()) for name in _NAMES]
        if all(found):
            return KeyPlace("environment", "", "")
        if any(found):
            missing = _ENVIRONMENT[found.index("")]
            return KeyPlace("none", "", f"Only one of both is in the environment; set {missing} too.")
        try:
            ring = self._usable()
            stored = all(ring.get_password(_SERVICE, name) for name in _NAMES)
        except ShortfallError as error:
            return KeyPlace("none", "", error.sentence)
        except Exception as error:  # noqa: BLE001 - back ends raise whatever their system does; it is a sentence here
            return KeyPlace("none", "", _failed("read", error))
        return KeyPlace("key ring" if stored else "none", _ring_name(ring))

    def read(self) -> ApiKeys | None:
        """The keys, None where there are none. Raises ShortfallError where the key ring fails."""
        found = [self._environment(name.upper()) for name in _NAMES]
        if not all(found):
            try:
                ring = self._usable()
                found = [ring.get_password(_SERVICE, name) or "" for name in _NAMES]
            except ShortfallError:
                return None
            except Exception as error:  # noqa: BLE001 - as above
                raise ShortfallError(_failed("read", error)) from None
        if not all(found):
            return None
        _hide(*found)
        return ApiKeys(*found)

    def store(self, keys: ApiKeys) -> None:
        """Put keys into the key ring and prove that they are there. Raises InputError, ShortfallError."""
        for name, text in zip(_NAMES, (keys.api_key, keys.api_secret), strict=True):
            if (
                not text
                or len(text) > _LONGEST
                or not text.isascii()
                or not text.isprintable()
                or " " in text
            ):
                shown = name.replace("_", " ").replace("api", "API")
                raise InputError(f"The {shown} must be letters and digits, as Bybit showed them.")
        _hide(keys.api_key, keys.api_secret)
        ring = self._usable()
        try:
            for name, text in zip(_NAMES, (keys.api_key, keys.api_secret), strict=True):
                ring.set_password(_SERVICE, name, text)
            kept = tuple(ring.get_password(_SERVICE, name) for name in _NAMES)
        except Exception as error:  # noqa: BLE001 - as above
            raise ShortfallError(_failed("written", error)) from None
        if kept != (keys.api_key, keys.api_secret):
            raise ShortfallError(f"{_ring_name(ring)} did not keep the keys. {_instead()}")

    def forget(self) -> None:
        """Take the keys out of the key ring; none there is fine. Raises ShortfallError."""
        ring = self._usable()
        try:
            for name in _NAMES:
                if ring.get_password(_SERVICE, name) is not None:
                    ring.delete_password(_SERVICE, name)
        except Exception as error:  # noqa: BLE001 - as above
            raise ShortfallError(_failed("changed", error)) from None

    def _usable(self) -> Ring:
        """The ring, unless its back end is one that keeps nothing."""
        try:
            ring = self._ring()
            backend = ring.get_keyring()
        except Exception as error:  # noqa: BLE001 - as above
            raise ShortfallError(_failed("opened", error)) from None
        if type(backend).__module__.rpartition(".")[2] in {"fail", "null"}:
            raise ShortfallError(f"This system has no key ring. {_instead()}")
        return ring


def _ring_name(ring: Ring) -> str:
    """The back end as a person knows it."""
    backend = ring.get_keyring()
    module = type(backend).__module__.rpartition(".")[2]
    known = {
        "Windows": "the Windows Credential Manager",
        "macOS": "the macOS Keychain",
        "SecretService": "the Secret Service",
        "libsecret": "the Secret Service",
        "kwallet": "KWallet",
    }
    return known.get(module, str(getattr(backend, "name", module)))


def _failed(what: str, error: Exception) -> str:
    # Only its kind: what a back end says might quote what it was given.
    return f"The key ring could not be {what} ({type(error).__name__}). {_instead()}"


def _instead() -> str:
    return f"Put {' and '.join(_ENVIRONMENT)} into the environment instead."


def _hide(*values: str) -> None:
    log = current_log()
    if log is not None:
        for value in values:
            log.redactor.protect(value)
