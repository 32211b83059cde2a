"""Rule sentences with what they are read as; a sentence stands at the margin, its words below it."""

from __future__ import annotations


def _table(text: str) -> dict[str, str]:
    """The words by their sentence; clauses on lines of their own are joined by commas."""
    found: dict[str, list[str]] = {}
    for line in text.strip().splitlines():
        if line.startswith(" "):
            found[list(found)[-1]].append(line.strip())
        else:
            found[line.strip()] = []
    return {sentence: _joined(lines) for sentence, lines in found.items()}


def _joined(lines: list[str]) -> str:
    clauses = [line for line in lines if not line.startswith("(Read")]
    mended = [line for line in lines if line.startswith("(Read")]
    return " ".join([", ".join(clauses) + ".", *mended])


SENTENCES = _table("""
rsi below 30
    Long when RSI 14 below 30
    short when RSI 14 above 70
rsi<30
    Long when RSI 14 below 30
    short when RSI 14 above 70
RSI(14) < 30
    Long when RSI 14 below 30
    short when RSI 14 above 70
30 > rsi
    Long when RSI 14 below 30
    short when RSI 14 above 70
rsi above 70
    Long when RSI 14 below 30
    short when RSI 14 above 70
rsi oversold
    Long when RSI 14 below 30
    short when RSI 14 above 70
RSI(2) < 10
    Long when RSI 2 below 10
    short when RSI 2 above 90
rsi 21 under 25
    Long when RSI 21 below 25
    short when RSI 21 above 75
cci < -100
    Long when CCI 20 below -100
    short when CCI 20 above 100
williams %r below -80
    Long when Williams %R 14 below -80
    short when Williams %R 14 above -20
stochastic k below 20
    Long when Stochastic below 20
    short when Stochastic above 80
rsi above 50
    Long when RSI 14 above 50
    short when RSI 14 below 50
rsi crosses above 30
    Long when RSI 14 crosses above 30
rsi crosses below 70
    Short when RSI 14 crosses below 70
rsi 30-50
    Needed for either side: RSI 14 between 30 and 50
30 < rsi < 50
    Needed for either side: RSI 14 between 30 and 50
rsi crosses above its sma 9
    Long when RSI 14 crosses above SMA 9 of RSI 14
    short when RSI 14 crosses below SMA 9 of RSI 14
close > ema 200 4h
    Long when close above EMA 200 4h
    short when close below EMA 200 4h
price above 200 ema
    Long when close above EMA 200
    short when close below EMA 200
above vwap
    Long when close above VWAP
    short when close below VWAP
psar below price
    Long when close above Parabolic SAR
    short when close below Parabolic SAR
ema 9 crosses above ema 21
    Long when EMA 9 crosses above EMA 21
    short when EMA 9 crosses below EMA 21
ema 9 crosses below ema 21
    Long when EMA 9 crosses above EMA 21
    short when EMA 9 crosses below EMA 21
ema9 x> ema21
    Long when EMA 9 crosses above EMA 21
    short when EMA 9 crosses below EMA 21
ema 9 x ema 21
    Long when EMA 9 crosses above EMA 21
    short when EMA 9 crosses below EMA 21
9/21 ema cross
    Long when EMA 9 crosses above EMA 21
    short when EMA 9 crosses below EMA 21
ema 9 and ema 21 cross
    Long when EMA 9 crosses above EMA 21
    short when EMA 9 crosses below EMA 21
ta.crossover(ta.ema(close, 9), ta.ema(close, 21))
    Long when EMA 9 crosses above EMA 21
    short when EMA 9 crosses below EMA 21
golden cross
    Long when SMA 50 crosses above SMA 200
    short when SMA 50 crosses below SMA 200
ema 9 > ema 21 > ema 55
    Long when EMA 9 above EMA 21, which is above EMA 55
    short when EMA 9 below EMA 21, which is below EMA 55
close more than 2% above ema 50
    Long when close more than 2 % above EMA 50
    short when close more than 2 % below EMA 50
price more than 2 atr above ema 20
    Long when close above upper Keltner channel 20 14 2
    short when close below lower Keltner channel 20 14 2
ema 200 4h rising
    Long when EMA 200 4h rising
    short when EMA 200 4h falling
4h ema 200 rising
    Long when EMA 200 4h rising
    short when EMA 200 4h falling
daily trend up
    Long when EMA 50 1d rising
    short when EMA 50 1d falling
close up 3% in 10 bars
    Long when Percent change 10 above 3
    short when Percent change 10 below -3
close above previous close
    Long when close rises
    short when close falls
macd crosses its signal line
    Long when MACD crosses above MACD signal
    short when MACD crosses below MACD signal
macd positive
    Long when MACD above 0
    short when MACD below 0
-di crosses below +di
    Long when ADX 14 plus di crosses above ADX 14 minus di
    short when ADX 14 plus di crosses below ADX 14 minus di
supertrend flips up
    Long when Supertrend direction crosses above 0
    short when Supertrend direction crosses below 0
close below lower bollinger
    Long when close below lower Bollinger
    short when close above upper Bollinger
bollinger breakout
    Long when close breaks out above upper Bollinger
    short when close breaks out below lower Bollinger
price touches lower band
    Long when the bar reaches lower Bollinger
    short when the bar reaches upper Bollinger
close above donchian high
    Long when close above upper Donchian channel 20 1
    short when close below lower Donchian channel 20 1
20 bar breakout
    Long when close above the high of the 20 bars before
    short when close below the low of the 20 bars before
close above 20 bar high
    Long when close above the high of the 20 bars before
    short when close below the low of the 20 bars before
close inside bollinger bands
    Needed for either side: close between lower Bollinger and upper Bollinger
price above weekly vwap
    Long when close above VWAP week
    short when close below VWAP week
close below s1
    Long when close above Pivot points s1
    short when close below Pivot points s1
bollinger squeeze
    Needed for either side: Bollinger squeeze inside Keltner channel 20 10 1.5
adx > 20
    Needed for either side: ADX 14 above 20
adx not above 20
    Needed for either side: ADX 14 at or below 20
adx falling
    Needed for either side: ADX 14 falling
volume > 1.5x average 20
    Needed for either side: volume above 1.5 times its mean of the 20 bars before
volume is twice its average
    Needed for either side: volume above 2 times its mean of the 20 bars before
volume above sma 20
    Needed for either side: volume above SMA 20 of volume
bullish engulfing
    Long when bullish engulfing
    short when bearish engulfing
shooting star
    Short when shooting star
doji
    Needed for either side: doji
three red bars in a row
    Long when each of the last 3 bars closes above its open
    short when each of the last 3 bars closes below its open
monday to thursday
    Needed for either side: it is Monday, Tuesday, Wednesday or Thursday
rsi below 30 within 5 bars
    Long when RSI 14 below 30 within the last 5 bars
    short when RSI 14 above 70 within the last 5 bars
ema 9 above ema 21 for 3 bars
    Long when EMA 9 above EMA 21 for 3 bars
    short when EMA 9 below EMA 21 for 3 bars
not volume spike
    Needed for either side: not (volume above 2 times its mean of the 20 bars before)
rsi below 30 then close crosses above ema 9 within 10 bars
    Long when close crosses above EMA 9 at most 10 bars after RSI 14 below 30
    short when close crosses below EMA 9 at most 10 bars after RSI 14 above 70
rsi of ETHUSDT below 30
    Long when RSI 14 ETHUSDT below 30
    short when RSI 14 ETHUSDT above 70
eth above ema 200 on 1d
    Long when close 1d ETHUSDT above EMA 200 1d ETHUSDT
    short when close 1d ETHUSDT below EMA 200 1d ETHUSDT
on 4h rsi below 30
    Long when RSI 14 4h below 30
    short when RSI 14 4h above 70
ema 9 crosses above ema 21 on 4h
    Long when EMA 9 4h crosses above EMA 21 4h
    short when EMA 9 4h crosses below EMA 21 4h
rsi 15m below 30
    Long when RSI 14 below 30
    short when RSI 14 above 70
long when rsi above 70
    Long when RSI 14 above 70
short if close below ema 50
    Short when close below EMA 50
bolinger breakout
    Long when close breaks out above upper Bollinger
    short when close breaks out below lower Bollinger
    (Read bolinger as bollinger.)
""")
"""In the entry of an empty strategy on BTCUSDT 15m that may open both sides."""

PLACES = _table("""
long entry rsi above 70
    Long when RSI 14 above 70
long entry adx above 20
    Long when ADX 14 above 20
long entry close below lower bollinger
    Long when close below lower Bollinger
short entry rsi above 70
    Short when RSI 14 above 70
short entry ema 9 crosses below ema 21
    Short when EMA 9 crosses below EMA 21
both exit rsi above 70
    Closes a long when RSI 14 above 70
    closes a short when RSI 14 below 30
both exit rsi above 50
    Closes a long when RSI 14 above 50
    closes a short when RSI 14 below 50
both exit close below ema 50
    Closes a long when close below EMA 50
    closes a short when close above EMA 50
both exit close above middle band
    Closes a long when close above middle Bollinger
    closes a short when close below middle Bollinger
both exit ema 9 crosses below ema 21
    Closes a long when EMA 9 crosses below EMA 21
    closes a short when EMA 9 crosses above EMA 21
both exit volume spike
    Closes a position when volume above 2 times its mean of the 20 bars before
both exit close long when rsi above 60
    Closes a long when RSI 14 above 60
long exit rsi above 50
    Closes a long when RSI 14 above 50
short exit close above ema 50
    Closes a short when close above EMA 50
long entry short when rsi above 70
    Of no use here: it is about shorts, which are never opened
""")
"""Behind the sides that may be opened and the place."""

REFUSED = {
    "foo below 30": '"foo" is not understood; name an indicator, a price or a signal',
    "rsi belw 30 sideways": '"sideways" is not understood',
    "rsi": "Say what rsi must do",
    "close above": 'Say what comes after "above"',
    "rsi 14 30": "Say how rsi 14 and 30 stand to each other",
    "30 above 20": "Two numbers never change",
    "rsi = 50": '"=" is no relation of a rule',
    "rsi above vwap": "Relative strength index is on another scale than a price",
    "ema 1 rising": "The length of ema must be from 2 to 100000, but is 1",
    "bollinger above 50": "several lines; say which",
    "long when rsi below 30 and short when rsi above 70": "One rule says one side",
    "20 days": "is no timeframe",
    "volume spike 3%": "takes no such number",
    "": "Nothing is said yet",
    "x" * 500: "one sentence of at most 400 characters",
}
"""Sentences that cannot be read, with a part of what is said then."""

TYPED = [
    "",
    "r",
    "rsi",
    "rsi ",
    "rsi below",
    "bol",
    "ema 200 4h",
    "close above",
    "vol",
    "long when rs",
    "macd cross",
    "rsi below 30 and ad",
    "stoch",
    "super",
    "3 gree",
    "fund",
    "divergence w",
    "rsi below 30",
    "zzz",
    "london",
    "close crosses a",
    "engul",
    "adx",
    "vwap",
    "donch",
    "ichi",
    "news",
    "rsi below 30 f",
]
"""What may stand in the field while a rule is typed."""
