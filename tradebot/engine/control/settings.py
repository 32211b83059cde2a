"""Settings: defaults < config/tradebot.toml < saved < TRADEBOT_* environment < command line, validated as a whole.

Saved is what the screens and `tradebot config set` write (`settings_saving`).

Only this module reads the environment. A variable is named by its path: `exchange.url` is `TRADEBOT_EXCHANGE__URL`.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.control.keys import flat_keys, split_keys

_ENVIRONMENT_PREFIX = "TRADEBOT_"
SAVED = "saved"
_SPAN = r"^[1-9][0-9]*\s*[hdwy]$"
_TOML_PLACE = re.compile(r"at line (\d+), column (\d+)")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExchangeSettings(_Section):
    """How the exchange is reached."""

    url: str = Field(
        "https://api.bybit.com",
        pattern=r"^https?://[^\s/]+$",
        description="REST base of the exchange, without a path",
    )
    budget_percent: float = Field(
        75.0, gt=0, le=100, description="share of Bybit's 600 requests per 5 s that tradebot may use"
    )
    timeout_seconds: float = Field(10.0, ge=1, le=120, description="how long one request may take")


class CollectSettings(_Section):
    """What `tradebot collect` takes when nothing is said."""

    symbols: tuple[str, ...] = Field(("BTCUSDT", "ETHUSDT", "SOLUSDT"), description="symbols to collect")
    timeframes: tuple[str, ...] = Field(("1m",), description="timeframes to collect")
    since: str = Field("30d", description="how far back: a date or a span")


class CostSettings(_Section):
    """Trading costs where a strategy names none; percent of the traded value."""

    taker_fee_percent: float = Field(0.055, ge=0, le=5, description="fee of market, stop and gap fills")
    maker_fee_percent: float = Field(0.02, ge=-1, le=5, description="fee of resting limit fills")
    slippage_percent: float = Field(0.01, ge=0, le=5, description="price lost on market and stop fills")
    half_spread_percent: float = Field(0.0, ge=0, le=5, description="half the spread, added to the slippage")
    max_volume_share_percent: float = Field(
        10.0, ge=0, le=100, description="most of the previous bar's volume that an entry may take; 0: no cap"
    )
    impact: float = Field(
        0.0,
        ge=0,
        le=10,
        description="price moved by own size, in standard deviations of a bar at its whole volume; 0: none",
    )
    funding: bool = Field(True, description="charge funding on linear perpetuals")
    maintenance_rate_percent: float = Field(
        0.5, ge=0, lt=100, description="maintenance margin where no risk limits are stored"
    )


class SpotCostSettings(CostSettings):
    """The same for spot, with its fees (VIP 0) and no funding."""

    taker_fee_percent: float = Field(0.1, ge=0, le=5, description="fee of market, stop and gap fills")
    maker_fee_percent: float = Field(0.1, ge=-1, le=5, description="fee of resting limit fills")
    funding: bool = Field(False, description="spot has no funding")


class BacktestSettings(_Section):
    """What a backtest starts with."""

    cash: float = Field(10_000.0, gt=0, le=1e12, description="starting cash in the quote coin")
    workers: int = Field(2, ge=1, le=64, description="backtests that may run at the same time")
    linear: CostSettings = Field(default_factory=CostSettings, description="costs of linear perpetuals")
    spot: SpotCostSettings = Field(default_factory=SpotCostSettings, description="costs of spot")


_TimeframeName = Literal["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "1w"]


class RetentionSettings(_Section):
    """How much of each timeframe `tradebot data prune` keeps; a timeframe that is not named is kept whole."""

    age: dict[_TimeframeName, Annotated[str, Field(pattern=_SPAN)]] = Field(
        default_factory=dict, description='age of the oldest bars to keep, e.g. { "1m" = "400d" }'
    )
    megabytes: dict[_TimeframeName, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description='size of all files of a timeframe together, e.g. { "1m" = 2000 }'
    )


class LogSettings(_Section):
    """What is written to the log files."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level that is written; --log-level goes over it"
    )
    megabytes: float = Field(
        50.0, ge=1, le=10_000, description="size of all log files together; the oldest are deleted"
    )


class LookSettings(_Section):
    """What the screens look like."""

    theme: str = Field("night", min_length=1, description="theme of the screens; Settings shows them all")
    up_down: Literal["green and red", "blue and orange", "red and green"] = Field(
        "green and red", description="colours of up and down; blue and orange differ for nearly every eye"
    )
    glyphs: Literal["auto", "full", "ascii"] = Field(
        "auto", description="signs of charts, bars and borders; auto: ASCII where the terminal has no others"
    )
    refresh_hz: int = Field(4, ge=1, le=10, description="how often a second prices and jobs are drawn")
    synchronized_output: Literal["auto", "off"] = Field(
        "auto", description="whole frames in Windows Terminal, so that nothing tears; off: never ask for it"
    )


class PerformanceSettings(_Section):
    """What work in the background may take of the machine: backtests, collecting, compiling."""

    background_processors: int = Field(
        0, ge=0, le=1024, description="processors that background work may take together; 0: all"
    )
    background_memory_mb: int = Field(
        0, ge=0, le=10_000_000, description="memory that one backtest may take; 0: half of the machine's"
    )


class AlertSettings(_Section):
    """Where alerts are told beside the screen."""

    webhook: str = Field(
        "",
        pattern=r"^(https?://[^\s]+)?$",
        description="address that gets each alert as JSON; empty: none. One with a secret belongs in the environment",
    )
    system_notification: Literal["off", "when away", "always"] = Field(
        "when away",
        description="notification by the system: off, when the terminal is not looked at, or always",
    )


# Whether an action or a key is known is asked later: a wrong one is told and left out, and the app opens all the same.
_Keys = Annotated[tuple[str, ...], BeforeValidator(split_keys)]


class Settings(BaseSettings):
    """All settings, read by `load_settings`."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=_ENVIRONMENT_PREFIX, env_nested_delimiter="__"
    )

    exchange: ExchangeSettings = Field(default_factory=ExchangeSettings)
    collect: CollectSettings = Field(default_factory=CollectSettings)
    backtest: BacktestSettings = Field(default_factory=BacktestSettings)
    performance: PerformanceSettings = Field(default_factory=PerformanceSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    logs: LogSettings = Field(default_factory=LogSettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    look: LookSettings = Field(default_factory=LookSettings)
    keys: dict[str, _Keys] = Field(
        default_factory=dict,
        description="keys of actions other than their default ones; k in Settings shows all actions",
        examples=['{ "chart.symbol" = "f7" }'],
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` merged counts, so that each value's source is known when it is wrong."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def load_settings(
    file: Path | None,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    saved: Path | None = None,
) -> Settings:
    """Settings from the file (None or a missing default file: none), what was saved, the environment, the command line.

    `overrides` are values by path (`{"exchange.url": ...}`); None values are passed over. Raises InputError with one
    sentence for each wrong value, saying where it stands and what was expected.
    """
    return resolve_settings(file, overrides, environment, saved).settings


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings, and by path where each value that is no default comes from: a file, a variable, the command line."""

    settings: Settings
    sources: Mapping[str, str]


def resolve_settings(
    file: Path | None,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    saved: Path | Mapping[str, Any] | None = None,
) -> Resolved:
    """As `load_settings`, with the sources. `saved` is a file that may be missing, or what would stand in it."""
    sources: dict[str, str] = {}
    values: dict[str, Any] = {}
    if file is not None:
        _merge(values, _read_toml(file), str(file), sources)
    if isinstance(saved, Mapping):
        _merge(values, saved, SAVED, sources)
    elif saved is not None and saved.is_file():
        _merge(values, _read_toml(saved), str(saved), sources)
    for name, text in sorted((os.environ if environment is None else environment).items()):
        if name.startswith(_ENVIRONMENT_PREFIX):
            path = name.removeprefix(_ENVIRONMENT_PREFIX).lower().split("__")
            # A name without a section is another program's affair, one with a misspelt section is not.
            if len(path) > 1 or path[0] in Settings.model_fields:
                _put(values, path, _environment_value(text), f"environment variable {name}", sources)
    for dotted, value in (overrides or {}).items():
        if value is not None:
            _put(values, dotted.split("."), value, "command line", sources)
    try:
        return Resolved(Settings(**values), sources)
    except ValidationError as error:
        raise InputError(_explain(error, sources)) from None


def environment_secret(name: str) -> str:
    """A secret that the person put into the environment, "" where there is none. It is no setting."""
    return os.environ.get(_ENVIRONMENT_PREFIX + name, "")


def known_paths(model: type[BaseModel] = Settings, prefix: str = "") -> list[str]:
    """Every setting's path: `exchange.url`, `backtest.linear.taker_fee_percent`, ..."""
    paths: list[str] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            paths += known_paths(kind, f"{prefix}{name}.")
        else:
            paths.append(prefix + name)
    return paths


def steps_of(path: str) -> list[str]:
    """The names of the tables that lead to a setting, its own last; an action's name in `keys` is one with its dots."""
    first, _, rest = path.partition(".")
    return [first, rest] if first == "keys" and rest else path.split(".")


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no settings file {file}; name one that exists with --config.") from None
    except (OSError, UnicodeDecodeError):
        raise InputError(f"The settings file {file} cannot be read; it must be a UTF-8 text file.") from None
    except tomllib.TOMLDecodeError as error:
        found = _TOML_PLACE.search(str(error))
        where = f", line {found[1]}, column {found[2]}" if found else ""
        raise InputError(
            f'{file}{where}: this is not valid TOML, expected lines such as url = "https://api.bybit.com" below a '
            "[section], each name once; mend it."
        ) from None


def _environment_value(text: str) -> Any:
    """A list is written with commas; numbers and switches are converted by the schema."""
    return [part.strip() for part in text.split(",") if part.strip()] if "," in text else text


def _merge(
    values: dict[str, Any], new: Mapping[str, Any], source: str, sources: dict[str, str], prefix: str = ""
) -> None:
    if "keys" in new and not prefix and isinstance(new["keys"], dict):
        new = {**new, "keys": flat_keys(new["keys"])}
    for key, value in new.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            inner = values.setdefault(key, {})
            _merge(inner, value, source, sources, f"{path}.")
        else:
            values[key] = value
            sources[path] = source


def _put(values: dict[str, Any], path: list[str], value: Any, source: str, sources: dict[str, str]) -> None:
    path = steps_of(".".join(path))
    for key in path[:-1]:
        values = values.setdefault(key, {})
    if path[-1] in {"symbols", "timeframes"} and isinstance(value, str):
        value = [value]
    values[path[-1]] = value
    sources[".".join(path)] = source


def _explain(error: ValidationError, sources: Mapping[str, str]) -> str:
    sentences = []
    for problem in error.errors():
        path = ".".join(str(part) for part in problem["loc"] if part != "[key]" and not isinstance(part, int))
        where = sources.get(path) or next(
            (s for p, s in sources.items() if p.startswith(f"{path}.")), "settings"
        )
        if problem["type"] == "extra_forbidden":
            known = known_paths()
            inside = [name for name in sources if name.startswith(f"{path}.")]
            path = inside[0] if len(inside) == 1 else path
            sentences.append(f"{where}: {path} is not a setting.{did_you_mean(path, known)}")
        else:
            given = problem.get("input")
            sentences.append(f"{where}: {path} must be {_expected(problem)}, was {given!r}.")
    return "\n".join(sentences)


def _expected(problem: Any) -> str:
    """What pydantic expected, in our words."""
    context = {
        name: f"{value:g}"
        for name, value in (problem.get("ctx") or {}).items()
        if isinstance(value, int | float)
    }
    kind = str(problem["type"])
    bounds = {
        "greater_than": "above {gt}",
        "greater_than_equal": "at least {ge}",
        "less_than": "below {lt}",
        "less_than_equal": "at most {le}",
    }
    if kind in bounds:
        return "a number " + bounds[kind].format(**context)
    if kind.startswith(("float", "int")):
        return "a number"
    if kind.startswith("bool"):
        return "true or false"
    if kind.startswith(("tuple", "list")):
        return "a list of texts"
    if kind == "literal_error":
        return f"one of {(problem.get('ctx') or {}).get('expected', '')}"
    if (problem.get("ctx") or {}).get("pattern") == _SPAN:
        return "a span such as 400d, 12h, 8w or 2y"
    if kind == "string_pattern_mismatch":
        return "a URL such as https://api.bybit.com, without a path"
    if kind.startswith(("model", "dict")):
        return "a table of settings"
    return "a text"
