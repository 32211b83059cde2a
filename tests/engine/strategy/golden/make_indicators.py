"""Writes `indicators.json`: what other libraries compute on the 500 recorded bars of `bars.csv`.

Run by hand, in an environment of its own, when an indicator is added:

    pip install pandas-ta-classic==0.8.32 talipp==2.7.0 ta==0.11.0
    python tests/engine/strategy/golden/make_indicators.py

Each case says which library it comes from and from which bar on the two must agree: where the other one starts its
averages differently, that is once the start has faded out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandas_ta_classic as pta
import talipp.indicators as talipp
from talipp.ohlcv import OHLCVFactory

FOLDER = Path(__file__).parent
BARS = pd.read_csv(FOLDER / "bars.csv").astype(float)
OPEN, H, L, C, V = (BARS[name] for name in ("open", "high", "low", "close", "volume"))
HL2 = (H + L) / 2
FADED = 400
ROWS = [*range(90, FADED, 31), *range(FADED, 500, 9)]

CASES: list[dict[str, Any]] = []


def case(name: str, source: str, columns: dict[str, Any], start: int = 0, **values: Any) -> None:
    """Keep the rows of one case."""
    kept = {}
    for output, column in columns.items():
        numbers = np.asarray(column, dtype=float)
        assert len(numbers) == 500, (name, output, len(numbers))
        kept[output] = [[row, float(f"{numbers[row]:.10g}")] for row in ROWS if row >= start]
        assert not np.isnan([value for _, value in kept[output]]).any(), (name, output)
    CASES.append({"indicator": name, "values": values, "source": source, "columns": kept})


def tali(indicator: Any, take: Callable[[Any], Any] = lambda value: value) -> list[float]:
    """Output of a talipp indicator, NaN where it has none."""
    return [np.nan if value is None else take(value) for value in indicator]


def fields(indicator: Any, **names: str) -> dict[str, list[float]]:
    """Outputs of a talipp indicator by our names."""

    def field(value: Any, name: str) -> float:
        found = getattr(value, name)
        return np.nan if found is None else found

    return {
        ours: [np.nan if value is None else field(value, theirs) for value in indicator]
        for ours, theirs in names.items()
    }


BARS_TALIPP = OHLCVFactory.from_dict(
    {name: BARS[name].tolist() for name in ("open", "high", "low", "close", "volume")}
)
CLOSES = C.tolist()
PTA, TALIPP, TA = "pandas-ta-classic 0.8.32", "talipp 2.7.0", "ta 0.11.0"
WRITTEN = "written out"


def averages() -> None:
    """Moving averages."""
    for length in (5, 20):
        case("sma", TALIPP, {"value": tali(talipp.SMA(length, CLOSES))}, length=length)
        case("ema", TALIPP, {"value": tali(talipp.EMA(length, CLOSES))}, length=length)
        case("wma", TALIPP, {"value": tali(talipp.WMA(length, CLOSES))}, length=length)
        case("hma", TALIPP, {"value": tali(talipp.HMA(length, CLOSES))}, length=length)
        case("dema", TALIPP, {"value": tali(talipp.DEMA(length, CLOSES))}, length=length)
        case("tema", TALIPP, {"value": tali(talipp.TEMA(length, CLOSES))}, FADED, length=length)
        case("vwma", TALIPP, {"value": tali(talipp.VWMA(length, BARS_TALIPP))}, length=length)
        case("rma", TALIPP, {"value": tali(talipp.SMMA(length, CLOSES))}, FADED, length=length)
        case("kama", TALIPP, {"value": tali(talipp.KAMA(length, 2, 30, CLOSES))}, FADED, length=length)
        case("midpoint", PTA, {"value": pta.midpoint(C, length, talib=False)}, length=length)
    case("trima", PTA, {"value": pta.trima(C, 5, talib=False)}, length=5)
    weights = np.array([*range(1, 11), *range(10, 0, -1)]) / 110
    case("trima", WRITTEN, {"value": C.rolling(20).apply(lambda x: x @ weights)}, length=20)
    case("zlema", TALIPP, {"value": tali(talipp.ZLEMA(21, CLOSES))}, FADED, length=21)
    case("t3", TALIPP, {"value": tali(talipp.T3(5, 0.7, CLOSES))}, FADED, length=5, factor=0.7)
    case("alma", TALIPP, {"value": tali(talipp.ALMA(9, 0.85, 6, CLOSES))}, length=9, offset=0.85, sigma=6.0)
    case("alma", TALIPP, {"value": tali(talipp.ALMA(20, 0.5, 4, CLOSES))}, length=20, offset=0.5, sigma=4.0)
    case("mcginley", TALIPP, {"value": tali(talipp.McGinleyDynamic(14, CLOSES))}, FADED, length=14)
    case("vidya", PTA, {"value": pta.vidya(C, 9)}, FADED, length=9)
    case("ht_trendline", PTA, {"value": pta.ht_trendline(C, talib=False)}, FADED)
    mama = pta.mama(C, 0.5, 0.05, talib=False)
    case(
        "mama",
        PTA,
        {"mama": mama.iloc[:, 0], "fama": mama.iloc[:, 1]},
        FADED,
        fast_limit=0.5,
        slow_limit=0.05,
    )


def main(groups: Iterable[Callable[[], None]] = (averages,)) -> None:
    """Compute all and write the file."""
    for group in groups:
        group()
    lines = ",\n".join(json.dumps(each) for each in CASES)
    (FOLDER / "indicators.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


main()
