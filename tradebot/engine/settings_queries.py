"""Commands about settings, the connection to the exchange, and API keys."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tradebot.engine.control.errors import InputError, TradebotError
from tradebot.engine.control.redaction import redact
from tradebot.engine.control.secrets import ApiKeys, SecretStore
from tradebot.engine.control.settings import Resolved
from tradebot.engine.control.settings_saving import SavedSettings
from tradebot.engine.control.settings_schema import SettingSpec, setting_specs, text_of, value_at
from tradebot.engine.exchange.connection_check import reach, try_keys
from tradebot.engine.exchange.urls import check_base_url
from tradebot.engine.messages import (
    CheckConnection,
    CheckKeys,
    Command,
    ConnectionCheck,
    ForgetKeys,
    GetKeys,
    GetSettings,
    KeyChoice,
    KeysView,
    RollBackSettings,
    SaveSettings,
    SettingField,
    SettingsCheck,
    SettingsView,
    StoreKeys,
    TrySettings,
)

if TYPE_CHECKING:
    from tradebot.engine.engine import EngineOptions


def key_choices(resolved: Resolved, saved: str) -> tuple[KeyChoice, ...]:
    """The keys that are not the default ones, with their sources; `saved` is the file of what was saved."""
    choices = []
    for name, keys in resolved.settings.keys.items():
        source = resolved.sources.get(f"keys.{name}", "settings")
        over = source if source.startswith(("environment", "command")) else ""
        choices.append(KeyChoice(name, keys, source, source in {saved, "saved"}, over))
    return tuple(choices)


class SettingsQueries:
    """Answers on the calling thread. Thread-safe."""

    def __init__(self, options: EngineOptions, secrets: SecretStore | None = None) -> None:
        self._saving = SavedSettings(
            options.folders.saved_settings, options.settings_file, dict(options.overrides)
        )
        self._exchange = options.settings.exchange
        self._secrets = secrets or SecretStore()
        self._specs = setting_specs()
        self._lock = threading.Lock()

    def answer(self, command: Command, url: str) -> Any:
        """The reply to a command, None where it is not one of these. Raises TradebotError where it is refused.

        `url` is the address of the exchange in use.
        """
        match command:
            case GetSettings():
                return self._view(self._saving.read())
            case TrySettings():
                return self._try(command)
            case SaveSettings():
                with self._lock:
                    return self._view(self._saving.save(dict(command.changes)))
            case RollBackSettings():
                with self._lock:
                    self._saving.roll_back()
                    return self._view(self._saving.read())
            case CheckConnection():
                return self._reach(command.url or url)
            case GetKeys() | StoreKeys() | ForgetKeys() | CheckKeys():
                return self._keys(command, url)
            case _:
                return None

    # ------------------------------------------------------------------------------------------ settings

    def _view(self, resolved: Resolved) -> SettingsView:
        fields = tuple(self._field(spec, resolved) for spec in self._specs)
        keys = key_choices(resolved, str(self._saving.path))
        return SettingsView(fields, str(self._saving.path), self._saving.can_roll_back, keys)

    def _field(self, spec: SettingSpec, resolved: Resolved) -> SettingField:
        source = next(
            (
                source
                for name, source in reversed(list(resolved.sources.items()))
                if name == spec.path or name.startswith(f"{spec.path}.")
            ),
            "default",
        )
        is_over = source.startswith(("environment", "command"))
        return SettingField(
            spec.path,
            spec.section,
            spec.kind,
            redact(text_of(value_at(resolved.settings, spec.path))),
            source,
            spec.default,
            spec.help,
            spec.takes,
            spec.choices,
            source in {str(self._saving.path), "saved"},
            source if is_over else "",
            spec.at_once,
        )

    def _try(self, command: TrySettings) -> SettingsCheck:
        problems: list[tuple[str, str]] = []
        for path, text in command.changes:  # one by one, so that each sentence stands below its own field
            try:
                self._saving.try_out({path: text})
            except InputError as error:
                problems.append((path, error.sentence))
        return SettingsCheck(tuple(problems))

    # ------------------------------------------------------------------------------------------ exchange and keys

    def _reach(self, url: str) -> ConnectionCheck:
        try:
            found = reach(check_base_url(url), self._exchange.timeout_seconds)
        except TradebotError as error:
            return ConnectionCheck(redact(url), False, sentence=redact(error.sentence))
        ahead = "ahead of" if found.skew_ms >= 0 else "behind"
        sentence = (
            f"{found.source} answered in {found.latency_ms:.0f} ms; "
            f"its clock is {abs(found.skew_ms):,.0f} ms {ahead} ours."
        )
        return ConnectionCheck(redact(url), True, found.latency_ms, found.skew_ms, found.source, sentence)

    def _keys(self, command: GetKeys | StoreKeys | ForgetKeys | CheckKeys, url: str) -> KeysView:
        sentence = ""
        with self._lock:
            match command:
                case StoreKeys():
                    self._secrets.store(ApiKeys(command.api_key.strip(), command.api_secret.strip()))
                    sentence = "The keys are in the key ring; they are never shown again."
                case ForgetKeys():
                    self._secrets.forget()
                    sentence = "The keys are no longer in the key ring."
                case CheckKeys():
                    sentence = self._try_keys(url)
            found = self._secrets.place()
        return KeysView(found.place, found.ring, found.problem, sentence)

    def _try_keys(self, url: str) -> str:
        keys = self._secrets.read()
        if keys is None:
            raise InputError("There are no API keys to test; enter them first.")
        skew_ms = reach(check_base_url(url), self._exchange.timeout_seconds).skew_ms
        return try_keys(url, keys, self._exchange.timeout_seconds, skew_ms)
