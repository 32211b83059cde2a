"""Settings for tests of the screens: real schema and rules, saved in memory, an exchange and a key ring that obey."""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tradebot.engine import messages as m
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.secrets import SecretStore
from tradebot.engine.control.settings import Resolved, resolve_settings
from tradebot.engine.control.settings_saving import SavedSettings
from tradebot.engine.settings_queries import SettingsQueries


class _Memory(SavedSettings):
    """What would stand in local.toml and in the version before."""

    def __init__(self, environment: dict[str, str]) -> None:
        super().__init__(Path("config/local.toml"), None, None, environment)
        self.text = ""
        self.before: str | None = None

    @property
    def can_roll_back(self) -> bool:
        return self.before is not None

    def read(self) -> Resolved:
        return resolve_settings(None, None, self._environment, self._document())

    def roll_back(self) -> None:
        self.text, self.before = self.before or "", self.text

    def _write(self, text: str) -> None:
        self.before, self.text = self.text, text

    def _document(self) -> dict[str, Any]:
        return tomllib.loads(self.text)


class _Ring:
    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get_keyring(self) -> Any:
        return type("Keyring", (), {"__module__": "keyring.backends.Windows"})()

    def get_password(self, service: str, name: str, /) -> str | None:
        return self.kept.get(name)

    def set_password(self, service: str, name: str, secret: str, /) -> None:
        self.kept[name] = secret

    def delete_password(self, service: str, name: str, /) -> None:
        del self.kept[name]


class FakeSettings(SettingsQueries):
    """`problem` has settings fail to be read; `reached` says whether the exchange answers a test."""

    def __init__(self) -> None:
        nothing = SimpleNamespace(
            folders=SimpleNamespace(saved_settings=Path("config/local.toml")),
            settings_file=None,
            overrides={},
            settings=SimpleNamespace(exchange=SimpleNamespace(timeout_seconds=1.0)),
        )
        self.ring = _Ring()
        self.environment = {"TRADEBOT_BACKTEST__CASH": "25000"}
        super().__init__(nothing, SecretStore(lambda: self.ring, lambda name: ""))  # type: ignore[arg-type]
        self._saving = self.saving = _Memory(self.environment)
        self.problem = ""
        self.reached = True
        self.refused_keys = ""

    def answer(self, command: Any, url: str) -> Any:
        if self.problem and isinstance(command, m.GetSettings):
            raise InputError(self.problem)
        return super().answer(command, url)

    def _reach(self, url: str) -> m.ConnectionCheck:
        if not self.reached:
            return m.ConnectionCheck(url, False, sentence=f"{url} cannot be reached; look at the network.")
        return m.ConnectionCheck(
            url, True, 112.0, 4.0, "mainnet", "mainnet answered in 112 ms; its clock is 4 ms ahead."
        )

    def _try_keys(self, url: str) -> str:
        if self.refused_keys:
            raise ShortfallError(self.refused_keys)
        return "Bybit takes the key: read only, no withdrawal (good), bound to addresses."
