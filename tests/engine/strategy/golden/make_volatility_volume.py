"""Writes `volatility_volume.json` and `patterns.json`: volatility, volume, price and patterns by other libraries.

Run by hand, in an environment of its own, when an indicator is added:

    pip install pandas-ta-classic==0.8.32 talipp==2.7.0 ta==0.11.0
    python tests/engine/strategy/golden/make_volatility_volume.py

Each case says which library it comes from and from which bar on the two must agree: where the other one starts its
averages differently, that is once the start has faded out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandas_ta_classic as pta
import ta
import talipp.indicators as talipp
from talipp.ohlcv import OHLCVFactory

FOLDER = Path(__file__).parent
BARS = pd.read_csv(FOLDER / "bars.csv").astype(float)
BARS.index = pd.to_datetime(BARS.timestamp, unit="ms")
O, H, L, C, V = (BARS[name] for name in ("open", "high", "low", "close", "volume"))  # noqa: E741  # as charts say
NAMES = ("open", "high", "low", "close", "volume")
TALIPP_BARS = OHLCVFactory.from_dict({name: BARS[name].tolist() for name in NAMES})
CLOSES = C.tolist()
FADED = 400
ROWS = [*range(90, FADED, 31), *range(FADED, 500, 9)]
PTA, TALIPP, TA = "pandas-ta-classic 0.8.32", "talipp 2.7.0", "ta 0.11.0"

CASES: list[dict[str, Any]] = []


def case(name: str, source: str, columns: dict[str, Any], start: int = 0, **values: Any) -> None:
    """Keep the rows of one case."""
    kept = {}
    for output, column in columns.items():
        numbers = np.asarray(column, dtype=float)
        assert len(numbers) == 500, (name, output, len(numbers))
        kept[output] = [[row, float(f"{numbers[row]:.12g}")] for row in ROWS if row >= start]
        assert not np.isnan([value for _, value in kept[output]]).any(), (name, output)
    CASES.append({"indicator": name, "values": values, "source": source, "columns": kept})


def one(indicator: Any) -> dict[str, list[float]]:
    """The output of a talipp indicator, NaN where it has none."""
    return {"value": [np.nan if value is None else value for value in indicator]}


def several(indicator: Any, **names: str) -> dict[str, list[float]]:
    """Outputs of a talipp indicator by our names."""
    return {
        ours: [np.nan if value is None else getattr(value, theirs) for value in indicator]
        for ours, theirs in names.items()
    }


def volatility() -> None:
    """Measures and channels."""
    case("true_range", PTA, {"value": pta.true_range(H, L, C, talib=False)})
    for length in (5, 14):
        case("atr", TALIPP, one(talipp.ATR(length, TALIPP_BARS)), FADED, length=length)
        case("natr", TALIPP, one(talipp.NATR(length, TALIPP_BARS)), FADED, length=length)
        case("stddev", TALIPP, one(talipp.StdDev(length, CLOSES)), length=length)
        case("variance", PTA, {"value": pta.variance(C, length, ddof=0, talib=False)}, length=length)
        case("choppiness", TALIPP, one(talipp.CHOP(length, TALIPP_BARS)), length=length)
        case("ulcer_index", TA, {"value": ta.volatility.ulcer_index(C, length)}, length=length)
    yearly = 365 * 24 * 12
    case("historical_volatility", PTA, {"value": pta.hvol(C, 20, yearly)}, length=20)
    rogers = np.array(one(talipp.RogersSatchell(20, TALIPP_BARS))["value"])
    case("rogers_satchell_volatility", TALIPP, {"value": 100 * rogers * yearly**0.5}, length=20)
    case("chaikin_volatility", PTA, {"value": pta.cvi(H, L, 10)}, FADED, length=10, change=10)
    case("mass_index", TALIPP, one(talipp.MassIndex(9, 9, 25, TALIPP_BARS)), FADED, length=25, smoothing=9)
    bollinger = talipp.BB(20, 2.5, CLOSES)
    case("bbands", TALIPP, several(bollinger, upper="ub", middle="cb", lower="lb"), length=20, deviations=2.5)
    case("percent_b", TA, {"value": ta.volatility.bollinger_pband(C, 20, 2)}, length=20, deviations=2.0)
    case("bandwidth", TA, {"value": ta.volatility.bollinger_wband(C, 20, 2)}, length=20, deviations=2.0)
    keltner = talipp.KeltnerChannels(20, 10, 2.0, 2.0, TALIPP_BARS)
    case(
        "keltner",
        TALIPP,
        several(keltner, upper="ub", middle="cb", lower="lb"),
        FADED,
        length=20,
        atr_length=10,
        multiple=2.0,
    )
    donchian = talipp.DonchianChannels(20, TALIPP_BARS)
    case("donchian", TALIPP, several(donchian, upper="ub", middle="cb", lower="lb"), length=20, shift=0)
    bands = pta.accbands(H, L, C, 20)
    columns = {"lower": bands.iloc[:, 0], "middle": bands.iloc[:, 1], "upper": bands.iloc[:, 2]}
    case("acceleration_bands", PTA, columns, length=20)
    exits = pta.ce(H, L, C, 22, 3.0)
    columns = {"long": exits.iloc[:, 0], "short": exits.iloc[:, 1]}
    case("chandelier_exit", PTA, columns, FADED, length=22, multiple=3.0)
    stops = talipp.ChandeKrollStop(10, 1.0, 9, TALIPP_BARS)
    columns = several(stops, long="long_stop", short="short_stop")
    case("chande_kroll_stop", TALIPP, columns, FADED, length=10, multiple=1.0, smoothing=9)


def volume() -> None:
    """Volume, and averages by it."""
    case("obv", TALIPP, one(talipp.OBV(TALIPP_BARS)))
    case("ad", TALIPP, one(talipp.AccuDist(TALIPP_BARS)))
    case("adosc", TALIPP, one(talipp.ChaikinOsc(3, 10, TALIPP_BARS)), FADED, fast=3, slow=10)
    for length in (5, 14):
        case("cmf", TA, {"value": ta.volume.chaikin_money_flow(H, L, C, V, length)}, length=length)
        case("mfi", TA, {"value": ta.volume.money_flow_index(H, L, C, V, length)}, length=length)
        case("force_index", TALIPP, one(talipp.ForceIndex(length, TALIPP_BARS)), length=length)
        case(
            "ease_of_movement",
            TALIPP,
            one(talipp.EMV(length, 10_000, TALIPP_BARS)),
            length=length,
            divisor=10_000.0,
        )
        case(
            "rolling_vwap",
            TA,
            {"value": ta.volume.volume_weighted_average_price(H, L, C, V, length)},
            length=length,
        )
    columns = {
        "pvo": ta.momentum.pvo(V, 26, 12, 9),
        "signal": ta.momentum.pvo_signal(V, 26, 12, 9),
        "histogram": ta.momentum.pvo_hist(V, 26, 12, 9),
    }
    case("pvo", TA, columns, FADED, fast=12, slow=26, signal=9)
    trend = pta.pvt(C, V) / 100
    case("pvt", PTA, {"value": trend})
    case("nvi", TA, {"value": ta.volume.negative_volume_index(C, V)})
    oscillator = pta.kvo(H, L, C, V, 10, 20, 5)
    columns = {"klinger": oscillator.iloc[:, 0], "signal": oscillator.iloc[:, 1]}
    case("klinger", PTA, columns, FADED, fast=10, slow=20, signal=5)
    case("market_facilitation", PTA, {"value": pta.marketfi(H, L, V)})
    case("vwap", PTA, {"vwap": pta.vwap(H, L, C, V, "D")}, period="day", deviations=1.0)


def price() -> None:
    """Other readings of the bar, changes and ranks."""
    ashi = pta.ha(O, H, L, C)
    case("heikin_ashi", PTA, {name: ashi[f"HA_{name}"] for name in ("open", "high", "low", "close")})
    case("weighted_close", PTA, {"value": pta.wcp(H, L, C, talib=False)})
    case("log_return", PTA, {"value": pta.log_return(C, 3)}, length=3)
    case("percent_change", PTA, {"value": 100 * pta.percent_return(C, 3)}, length=3)
    case("percentile", PTA, {"value": pta.quantile(C, 30, 0.25)}, length=30, percent=25.0)
    case("internal_bar_strength", TALIPP, one(talipp.IBS(TALIPP_BARS)))
    donchian = talipp.DonchianChannels(20, TALIPP_BARS)
    case("highest", TALIPP, {"value": several(donchian, value="ub")["value"]}, length=20)
    case("lowest", TALIPP, {"value": several(donchian, value="lb")["value"]}, length=20)


def coarse_candles(size: int = 60_000) -> tuple[pd.Series, ...]:
    """Open, high, low and close, as `coarse_candles` of the test makes them."""
    rng = np.random.default_rng(2)
    body = rng.choice([0, 1, 2, 4, 9, 12], size)
    body = body * np.repeat(rng.choice([-1, 1], size), rng.integers(1, 5, size))[:size]
    gap = rng.choice([0, 0, 0, 1, 2, 5, 10, 14], size) * rng.choice([-1, 1], size)
    open_ = 100_000.0 + np.cumsum(body + gap) - body
    close = open_ + body
    high = np.maximum(open_, close) + rng.choice([0, 0, 0, 1, 3, 8], size)
    low = np.minimum(open_, close) - rng.choice([0, 0, 0, 1, 3, 8], size)
    return tuple(pd.Series(column) for column in (open_, high, low, close))


def patterns() -> dict[str, dict[str, Any]]:
    """Of each pattern, by the library's name for it, how often it came up and on which bars first."""
    table = pta.cdl_pattern(*coarse_candles(), name="all")
    found = {}
    for name in table:
        signs = np.sign(np.nan_to_num(np.asarray(table[name], dtype=float)))
        found[name] = {
            "bullish": int((signs > 0).sum()),
            "bearish": int((signs < 0).sum()),
            "first": np.flatnonzero(signs)[:10].tolist(),
            "rows": int(np.flatnonzero(signs).sum()),
        }
    return found


def main() -> None:
    """Compute all and write the files."""
    for group in (volatility, volume, price):
        group()
    lines = ",\n".join(json.dumps(each) for each in CASES)
    (FOLDER / "volatility_volume.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(rows)}" for name, rows in patterns().items())
    (FOLDER / "patterns.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


main()
