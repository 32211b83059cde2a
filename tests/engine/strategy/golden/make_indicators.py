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
from itertools import pairwise
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


def case(
    name: str, source: str, columns: dict[str, Any], start: int = 0, rows: Iterable[int] = ROWS, **values: Any
) -> None:
    """Keep the rows of one case."""
    kept = {}
    for output, column in columns.items():
        numbers = np.asarray(column, dtype=float)
        assert len(numbers) == 500, (name, output, len(numbers))
        kept[output] = [[row, float(f"{numbers[row]:.10g}")] for row in rows if row >= start]
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
NUMPY, WRITTEN = "numpy", "written out with pandas"


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


def trends() -> None:
    """Trend and regression."""
    case(
        "adx",
        TALIPP,
        fields(talipp.ADX(14, 14, BARS_TALIPP), adx="adx", plus_di="plus_di", minus_di="minus_di"),
        FADED,
    )
    adx = pd.Series(tali(talipp.ADX(10, 10, BARS_TALIPP), lambda x: np.nan if x.adx is None else x.adx))
    case("adxr", TALIPP, {"value": (adx + adx.shift(9)) / 2}, FADED, length=10)
    dx = talipp.ADX(10, 10, BARS_TALIPP)
    plus, minus = (
        np.array(tali(dx, lambda x: x.plus_di or np.nan)),
        np.array(tali(dx, lambda x: x.minus_di or np.nan)),
    )
    columns = {"dx": 100 * abs(plus - minus) / (plus + minus), "plus_di": plus, "minus_di": minus}
    case("dx", TALIPP, columns, FADED, length=10)
    up_down = fields(talipp.Aroon(14, BARS_TALIPP), up="up", down="down")
    columns = {**up_down, "oscillator": np.subtract(up_down["up"], up_down["down"])}
    case("aroon", TALIPP, columns, length=14)
    case(
        "psar",
        TALIPP,
        {"value": tali(talipp.ParabolicSAR(0.02, 0.02, 0.2, BARS_TALIPP), lambda x: x.value)},
        FADED,
    )
    trend = talipp.SuperTrend(10, 3, BARS_TALIPP)
    direction = tali(trend, lambda x: 1.0 if x.trend.name == "UP" else -1.0)
    case("supertrend", TALIPP, {"value": tali(trend, lambda x: x.value), "direction": direction}, FADED)
    lines = pta.ichimoku(H, L, C, 9, 26, 52, as_dataframe=True)
    span_a, span_b = lines["ISA_9"], lines["ISB_26"]
    columns = {"conversion": lines["ITS_9"], "base": lines["IKS_26"], "span_a": span_a, "span_b": span_b}
    case("ichimoku", PTA, columns, displacement=27)  # it moves the cloud by 26 bars, charts by 25
    columns = {"leading_a": span_a.shift(-26), "leading_b": span_b.shift(-26), "lagging_close": C.shift(25)}
    case("ichimoku", PTA, columns, rows=range(90, 470, 31))
    for length in (5, 14):
        case("linreg", PTA, {"value": pta.linreg(C, length, talib=False)}, length=length)
        case("linreg_slope", PTA, {"value": pta.linregslope(C, length, talib=False)}, length=length)
        case("linreg_angle", PTA, {"value": pta.linregangle(C, length, talib=False)}, length=length)
        case("linreg_intercept", PTA, {"value": pta.linregintercept(C, length, talib=False)}, length=length)
        case("linreg_forecast", PTA, {"value": pta.tsf(C, length, talib=False)}, length=length)
        squared = C.rolling(length).apply(lambda x: np.corrcoef(x, np.arange(len(x)))[0, 1] ** 2)
        case("r_squared", NUMPY, {"value": squared}, length=length)
    case("vortex", TALIPP, fields(talipp.VTX(14, BARS_TALIPP), plus="plus_vtx", minus="minus_vtx"))
    trix = pta.trix(C, 18, 9, talib=False)
    case("trix", PTA, {"trix": trix.iloc[:, 0]}, FADED, length=18)
    # Its own signal is a simple mean.
    case("trix", WRITTEN, {"signal": exponential(trix.iloc[:, 0], 2 / 10)}, FADED, length=18, signal=9)
    kst_talipp = fields(talipp.KST(10, 10, 15, 10, 20, 10, 30, 15, 9, CLOSES), kst="kst", signal="signal")
    case("kst", TALIPP, kst_talipp)
    case(
        "alligator",
        TALIPP,
        {
            name: pd.Series(tali(talipp.SMMA(length, HL2.tolist()))).shift(offset)
            for name, length, offset in (("jaw", 13, 8), ("teeth", 8, 5), ("lips", 5, 3))
        },
        FADED,
    )
    case("vertical_horizontal_filter", PTA, {"value": pta.vhf(C, 28)}, length=28)
    walk = pd.Series(tali(talipp.ATR(14, BARS_TALIPP))) * 14**0.5
    columns = {"high": (H - L.shift(14)) / walk, "low": (H.shift(14) - L) / walk}
    case("random_walk_index", TALIPP, columns, FADED)
    line = talipp.MACD(12, 26, 9, CLOSES)
    case("macd", TALIPP, fields(line, macd="macd", signal="signal", histogram="histogram"), FADED)
    ours = schaff(pd.Series(tali(talipp.EMA(23, CLOSES))) - pd.Series(tali(talipp.EMA(50, CLOSES))), 10, 0.5)
    case("schaff_trend_cycle", WRITTEN, {"value": ours}, FADED)


def exponential(column: pd.Series, alpha: float) -> pd.Series:
    """Plain exponential average from the first value on."""
    return column.ewm(alpha=alpha, adjust=False, ignore_na=True).mean()


def schaff(line: pd.Series, length: int, factor: float) -> pd.Series:
    """Twice the stochastic, each smoothed."""
    for _ in range(2):
        low, high = line.rolling(length).min(), line.rolling(length).max()
        line = exponential((100 * (line - low) / (high - low).where(high > low)).ffill(), factor)
    return line


def momenta() -> None:
    """Momentum and oscillators."""
    case("rsi", TALIPP, {"value": tali(talipp.RSI(14, CLOSES))}, FADED, length=14)
    case("roc", TALIPP, {"value": tali(talipp.ROC(10, CLOSES))}, length=10)
    case("momentum", PTA, {"value": pta.mom(C, 10, talib=False)}, length=10)
    case("apo", PTA, {"value": pta.apo(C, 12, 26, "ema", talib=False)}, FADED, fast=12, slow=26)
    ppo = 100 * (exponential(C, 2 / 13) / exponential(C, 2 / 27) - 1)
    columns = {"ppo": ppo, "signal": exponential(ppo, 2 / 10)}
    case("ppo", WRITTEN, {**columns, "histogram": ppo - columns["signal"]}, FADED, fast=12, slow=26, signal=9)
    case("cmo", PTA, {"value": pta.cmo(C, 14, talib=False)}, length=14)
    tsi = talipp.TSI(13, 25, CLOSES)
    columns = {"tsi": pd.Series(tali(tsi))}
    case(
        "tsi",
        TALIPP,
        {**columns, "signal": exponential(columns["tsi"], 2 / 14)},
        FADED,
        long=25,
        short=13,
        signal=13,
    )
    case("coppock", TALIPP, {"value": tali(talipp.CoppockCurve(11, 14, 10, CLOSES))})
    case("dpo", WRITTEN, {"value": C.shift(11) - C.rolling(20).mean()}, length=20)
    case("awesome_oscillator", TALIPP, {"value": tali(talipp.AO(5, 34, BARS_TALIPP))})
    awesome = pd.Series(tali(talipp.AO(5, 34, BARS_TALIPP)))
    case("accelerator_oscillator", TALIPP, {"value": awesome - awesome.rolling(5).mean()})
    case("balance_of_power", TALIPP, {"value": tali(talipp.BOP(BARS_TALIPP))})
    case("qstick", PTA, {"value": pta.qstick(OPEN, C, 10)}, length=10)
    ray = pta.eri(H, L, C, 13)
    case("elder_ray", PTA, {"bull": ray.iloc[:, 0], "bear": ray.iloc[:, 1]}, FADED, length=13)
    case("efficiency_ratio", PTA, {"value": pta.er(C, 10)}, length=10)
    forecast = C.rolling(5).apply(lambda x: np.polyval(np.polyfit(np.arange(5), x, 1), 5)).shift(1)
    case("forecast_oscillator", NUMPY, {"value": 100 * (C - forecast) / C}, length=5)
    case("zscore", WRITTEN, {"value": (C - C.rolling(20).mean()) / C.rolling(20).std(ddof=0)}, length=20)
    case("disparity", PTA, {"value": 100 * pta.bias(C, 20)}, length=20)
    case("psychological_line", PTA, {"value": pta.psl(C, length=12)}, length=12)
    body = C - OPEN
    rising = body.clip(lower=0).rolling(14).sum()
    case(
        "intraday_momentum_index", WRITTEN, {"value": 100 * rising / body.abs().rolling(14).sum()}, length=14
    )

    stoch = fields(talipp.Stoch(14, 3, BARS_TALIPP), k="k", d="d")
    case("stoch", TALIPP, stoch, length=14, smooth=1, signal=3)
    case(
        "stoch",
        TALIPP,
        {"k": stoch["d"], "d": pd.Series(stoch["d"]).rolling(3).mean()},
        length=14,
        smooth=3,
        signal=3,
    )
    stoch_rsi = fields(talipp.StochRSI(14, 14, 3, 3, CLOSES), k="k", d="d")
    case("stoch_rsi", TALIPP, stoch_rsi, FADED, length=14, range=14, smooth=3, signal=3)
    kdj = pta.kdj(H, L, C, 9, 3)
    case("kdj", PTA, {"k": kdj.iloc[:, 0], "d": kdj.iloc[:, 1], "j": kdj.iloc[:, 2]}, FADED)
    case("williams_r", TALIPP, {"value": tali(talipp.Williams(14, BARS_TALIPP))}, length=14)
    case("cci", TALIPP, {"value": tali(talipp.CCI(20, BARS_TALIPP))}, length=20)
    case("ultimate_oscillator", TALIPP, {"value": tali(talipp.UO(7, 14, 28, BARS_TALIPP))})
    low, high = L.rolling(13).min(), H.rolling(13).max()
    twice = [
        exponential(exponential(each.dropna(), 2 / 26), 2 / 3) for each in (C - (high + low) / 2, high - low)
    ]
    smi = (200 * twice[0] / twice[1]).reindex(C.index)
    case("smi", WRITTEN, {"smi": smi, "signal": exponential(smi, 2 / 10)}, FADED)
    fisher = pta.fisher(H, L, 9, 1)
    case("fisher", PTA, {"fisher": fisher.iloc[:, 0], "signal": fisher.iloc[:, 1]}, FADED, length=9)
    rvgi = pta.rvgi(OPEN, H, L, C, 10, 4)
    case("relative_vigor_index", PTA, {"rvgi": rvgi.iloc[:, 1], "signal": rvgi.iloc[:, 2]}, length=10)
    case("laguerre_rsi", PTA, {"value": pta.lrsi(C, gamma=0.5)}, FADED, gamma=0.5)
    e = exponential((H + L + C) / 3, 2 / 11)
    distance = (H + L + C) / 3 - e
    wave = exponential(
        distance / (0.015 * exponential(distance.abs(), 2 / 11)).where(distance.abs() > 0), 2 / 22
    )
    case("wavetrend", WRITTEN, {"wave": wave, "signal": wave.rolling(4).mean()}, FADED)
    case("connors_rsi", WRITTEN, {"value": connors()}, FADED, length=3, streak=2, rank=100)


def connors() -> pd.Series:
    """Mean of the three parts, the RSIs by talipp."""
    streak, streaks = 0.0, [0.0]
    for before, after in pairwise(CLOSES):
        sign = float(np.sign(after - before))
        streak = streak + sign if sign and sign * streak > 0 else sign
        streaks.append(streak)
    rank = C.pct_change().rolling(101).apply(lambda x: 100 * (x[:-1] < x[-1]).mean(), raw=True)
    return (pd.Series(tali(talipp.RSI(3, CLOSES))) + pd.Series(tali(talipp.RSI(2, streaks))) + rank) / 3


def main(groups: Iterable[Callable[[], None]] = (averages, trends, momenta)) -> None:
    """Compute all and write the file."""
    for group in groups:
        group()
    lines = ",\n".join(json.dumps(each) for each in CASES)
    (FOLDER / "indicators.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


main()
