"""Result folders: `<id>/` with result.json, its tables and strategy.toml.

The tables are trades.csv, trade_details.csv, interventions.csv, equity.csv and benchmark.csv. Of several strategies the
second one stands in strategy-2.toml, and so on.
"""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from tradebot.engine.backtest.figures.report import Metrics
from tradebot.engine.backtest.inputs.slots import DataFile
from tradebot.engine.backtest.kernel.ledger import Costs, RunSettings
from tradebot.engine.backtest.results.more_tables import (
    details_text,
    interventions_text,
    read_interventions,
    with_details,
)
from tradebot.engine.backtest.results.reality_types import Finding, RealityCheck, Tone
from tradebot.engine.backtest.results.result import BacktestResult, StrategyPart
from tradebot.engine.backtest.results.tables import (
    benchmark_text,
    equity_text,
    read_curve,
    read_time,
    read_trades,
    trades_text,
)
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.files import replace_patiently
from tradebot.engine.market import Category, DatasetKey, Timeframe
from tradebot.engine.market.times import iso_ms

FORMAT = 2
_FORMAT_OF_ONE_STRATEGY = 1
_MOST_SAME_SECOND = 1000
_UNFINISHED = ".unfinished"


@dataclass(frozen=True, slots=True)
class ResultInfo:
    """A stored result in one line; ratios are fractions, None where undefined."""

    result_id: str
    folder: Path
    strategy: str
    created_ms: int
    symbols: tuple[str, ...]
    timeframe: str
    trades: int
    total_return: float | None
    sharpe: float | None
    max_drawdown: float | None


def write_result(result: BacktestResult, results_folder: Path) -> BacktestResult:
    """Write the folder `<results_folder>/<result_id>` in one step; returns the result under the id it got.

    A second result of the same second and name gets `-2` after its id, also where two processes write at once.
    ShortfallError where the disk refuses.
    """
    try:
        results_folder.mkdir(parents=True, exist_ok=True)
        name, temporary = _claimed(result.result_id, results_folder)
        try:
            named = replace(result, result_id=name)
            _write_files(named, temporary)
            replace_patiently(temporary, results_folder / name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise ShortfallError(
            f"The result could not be written to {results_folder} ({error.strerror or 'refused'}); free some space "
            "or allow writing there, then run the backtest again."
        ) from None
    return named


def _claimed(result_id: str, results_folder: Path) -> tuple[str, Path]:
    """The first name that is free, and the folder that claims it until the result is complete.

    Making a folder succeeds once only, so two writers never get one name.
    """
    for number in range(1, _MOST_SAME_SECOND):
        name = result_id if number == 1 else f"{result_id}-{number}"
        temporary = results_folder / f"{_UNFINISHED}-{name}"
        if (results_folder / name).exists():
            continue
        try:
            temporary.mkdir()
        except FileExistsError:
            continue
        if not (results_folder / name).exists():
            return name, temporary
        temporary.rmdir()  # it was completed between the two looks
    raise OSError(errno.EEXIST, "too many results of one second")


def _write_files(result: BacktestResult, folder: Path) -> None:
    slots = result.slot_strategies, result.symbols
    texts: dict[str, Iterable[str]] = {
        "result.json": [json.dumps(result_document(result), indent=1, allow_nan=False), "\n"],
        "trades.csv": trades_text(result.trades, *slots),
        "trade_details.csv": details_text(result.trades),
        "interventions.csv": interventions_text(result.log, *slots),
        "equity.csv": equity_text(result.curve),
        "benchmark.csv": benchmark_text(result.curve),
        **{_toml_name(number): [part.toml] for number, part in enumerate(result.parts)},
    }
    for name, blocks in texts.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            file.writelines(blocks)
            file.flush()
            os.fsync(file.fileno())


def _toml_name(number: int) -> str:
    return "strategy.toml" if number == 0 else f"strategy-{number + 1}.toml"


def result_document(result: BacktestResult) -> dict[str, Any]:
    """What result.json holds (and `tradebot backtest --json` prints): plain values, undefined figures null."""
    settings = result.settings
    document = {
        "format": FORMAT,
        "id": result.result_id,
        "created": iso_ms(result.created_ms),
        "strategy": {
            "name": result.strategy,
            "category": result.category.value,
            "timeframe": result.timeframe.value,
        },
        "strategies": [_part_document(number, part) for number, part in enumerate(result.parts)],
        "symbols": sorted(set(result.symbols)),
        "price_decimals": dict(zip(result.symbols, result.price_decimals, strict=True)),
        "settings": {
            "cash": settings.cash,
            "costs": asdict(settings.costs),
            "maintenance_rate_percent": settings.maintenance_rate_percent,
            "start": None if settings.start_ms is None else iso_ms(settings.start_ms),
            "end": None if settings.end_ms is None else iso_ms(settings.end_ms),
        },
        "span": {"start": iso_ms(result.start_ms), "end": iso_ms(result.end_ms), "bars": result.bars},
        "data": [_file_document(file) for file in result.files],
        "versions": dict(result.versions),
        "metrics": result.metrics.to_dict(),
        "counts": {
            "refusals": dict(result.refusals),
            "interventions": dict(result.interventions),
            "conflicts": result.conflicts,
            "ambiguous": result.metrics.ambiguous_trades,
        },
        "valid": result.valid,
        "errors": list(result.errors),
        "look_ahead": result.look_ahead,
        "reality_check": None
        if result.reality is None
        else [asdict(finding) for finding in result.reality.findings],
        "flags": list(result.flags),
        "warnings": list(result.warnings),
    }
    return {name: _finite(value) for name, value in document.items()}


def _finite(value: Any) -> Any:
    """The same without numbers that are none: those are undefined, which JSON says with null."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _part_document(number: int, part: StrategyPart) -> dict[str, Any]:
    return {
        "name": part.name,
        "file": _toml_name(number),
        "timeframe": part.timeframe.value,
        "symbols": list(part.symbols),
        "universe": part.note,
        "costs": asdict(part.costs),
        "metrics": part.metrics.to_dict(),
        "counts": {
            "refusals": dict(part.refusals),
            "interventions": dict(part.interventions),
            "conflicts": part.conflicts,
        },
    }


def _file_document(file: DataFile) -> dict[str, Any]:
    return {
        "dataset": str(file.key),
        "note": file.note,
        "sha256": file.content_hash,
        "rows": file.rows,
        "first": iso_ms(file.first_ms),
        "last": iso_ms(file.last_ms),
        "missing_bars": file.missing_bars,
        "gaps": file.gaps,
    }


def read_result(folder: Path) -> BacktestResult:
    """The result that `write_result` wrote. InputError for a folder that holds none or a damaged one."""
    document = _read_document(folder)
    try:
        strategy, settings, span = document["strategy"], document["settings"], document["span"]
        counts = document["counts"]
        parts = tuple(_read_part(folder, entry) for entry in document["strategies"])
        symbols = tuple(symbol for part in parts for symbol in part.symbols)
        of_slots = tuple(part.name for part in parts for _ in part.symbols)
        return BacktestResult(
            result_id=folder.name,
            created_ms=read_time(document["created"]),
            strategy=strategy["name"],
            strategy_toml=parts[0].toml,
            category=Category(strategy["category"]),
            timeframe=Timeframe(strategy["timeframe"]),
            symbols=symbols,
            price_decimals=tuple(document["price_decimals"][symbol] for symbol in symbols),
            settings=RunSettings(
                settings["cash"],
                Costs(**settings["costs"]),
                None if settings["start"] is None else read_time(settings["start"]),
                None if settings["end"] is None else read_time(settings["end"]),
                settings["maintenance_rate_percent"],
            ),
            start_ms=read_time(span["start"]),
            end_ms=read_time(span["end"]),
            bars=span["bars"],
            files=tuple(_read_file(entry) for entry in document["data"]),
            metrics=_metrics(document["metrics"]),
            refusals=counts["refusals"],
            interventions=counts["interventions"],
            conflicts=counts["conflicts"],
            flags=tuple(document["flags"]),
            warnings=tuple(document["warnings"]),
            versions=document["versions"],
            trades=with_details(
                read_trades(folder / "trades.csv", of_slots, symbols), folder / "trade_details.csv"
            ),
            curve=read_curve(folder / "equity.csv", folder / "benchmark.csv"),
            slot_strategies=of_slots,
            parts=parts,
            errors=tuple(document["errors"]),
            look_ahead=document["look_ahead"],
            log=read_interventions(folder / "interventions.csv", of_slots, symbols),
            reality=_read_reality(document.get("reality_check")),
        )
    except (KeyError, TypeError, ValueError):
        raise _damaged(folder / "result.json") from None


def _read_reality(entries: Sequence[Mapping[str, Any]] | None) -> RealityCheck | None:
    if entries is None:
        return None
    return RealityCheck(tuple(Finding(**{**entry, "tone": Tone(entry["tone"])}) for entry in entries))


def _read_part(folder: Path, entry: Mapping[str, Any]) -> StrategyPart:
    counts = entry["counts"]
    return StrategyPart(
        name=entry["name"],
        toml=_read_text(folder / Path(entry["file"]).name),
        timeframe=Timeframe(entry["timeframe"]),
        symbols=tuple(entry["symbols"]),
        costs=Costs(**entry["costs"]),
        metrics=_metrics(entry["metrics"]),
        refusals=counts["refusals"],
        interventions=counts["interventions"],
        conflicts=counts["conflicts"],
        note=entry["universe"],
    )


def _metrics(entry: Mapping[str, Any]) -> Metrics:
    """The figures; those that an older tradebot did not write are undefined."""
    known = {field.name for field in fields(Metrics)}
    return Metrics(**{name: value for name, value in entry.items() if name in known})


def _read_file(entry: Mapping[str, Any]) -> DataFile:
    category, _, name = entry["dataset"].partition("/")
    mark = name.endswith("_mark")
    symbol, _, timeframe = name.removesuffix("_mark").rpartition("_")
    return DataFile(
        key=DatasetKey(category, symbol, timeframe, mark),
        note=entry["note"],
        rows=entry["rows"],
        first_ms=read_time(entry["first"]),
        last_ms=read_time(entry["last"]),
        missing_bars=entry["missing_bars"],
        gaps=entry["gaps"],
        content_hash=entry["sha256"],
    )


def list_results(results_folder: Path) -> list[ResultInfo]:
    """The results in a folder, newest first; folders that hold none, or a damaged one, are passed over."""
    infos = []
    for path in results_folder.glob("*/result.json"):
        if path.parent.name.startswith("."):
            continue
        try:
            infos.append(result_info(path.parent))
        except InputError:
            continue
    return sorted(infos, key=lambda info: (info.created_ms, info.result_id), reverse=True)


def result_info(folder: Path) -> ResultInfo:
    """A stored result in one line. InputError for a folder that holds none or a damaged one."""
    document = _read_document(folder)
    try:
        metrics = document["metrics"]
        return ResultInfo(
            result_id=folder.name,
            folder=folder,
            strategy=document["strategy"]["name"],
            created_ms=read_time(document["created"]),
            symbols=tuple(document["symbols"]),
            timeframe=document["strategy"]["timeframe"],
            trades=metrics["trades"],
            total_return=metrics["total_return"],
            sharpe=metrics["sharpe"],
            max_drawdown=metrics["max_drawdown"],
        )
    except (KeyError, TypeError, ValueError):
        raise _damaged(folder / "result.json") from None


def _read_document(folder: Path) -> dict[str, Any]:
    path = folder / "result.json"
    try:
        document = json.loads(_read_text(path))
    except json.JSONDecodeError:
        raise _damaged(path) from None
    if not isinstance(document, dict):
        raise _damaged(path)
    version = document.get("format")
    if version not in (_FORMAT_OF_ONE_STRATEGY, FORMAT):
        raise InputError(
            f"{path} has format {version}, this tradebot reads format {FORMAT} and {_FORMAT_OF_ONE_STRATEGY}; run the "
            "backtest again."
        )
    return document if version == FORMAT else _with_one_strategy(path, document)


def _with_one_strategy(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    """A document of the format that knew a single strategy, as the present one says the same."""
    try:
        part = {
            **document["strategy"],
            "file": "strategy.toml",
            "symbols": document["symbols"],
            "universe": "",
            "costs": document["settings"]["costs"],
            "metrics": document["metrics"],
            "counts": document["counts"],
        }
        settings = {
            "maintenance_rate_percent": RunSettings().maintenance_rate_percent,
            **document["settings"],
        }
        return {**document, "settings": settings, "strategies": [part], "errors": [], "look_ahead": ""}
    except (KeyError, TypeError):
        raise _damaged(path) from None


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise InputError(f"There is no {path}; name a result as `tradebot backtest` wrote it.") from None
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} cannot be read; it must be a UTF-8 text file.") from None


def _damaged(path: Path) -> InputError:
    return InputError(f"{path} is damaged or was changed by hand; run the backtest again.")
