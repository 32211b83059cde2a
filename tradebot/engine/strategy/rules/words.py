"""The words of rule sentences: what traders call indicators, outputs, columns, relations and signals.

Names and labels of everything registered are known by themselves; here stand the words beside them. A phrase is
written in small letters, its words parted by one blank.
"""

from __future__ import annotations


def _set(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


INDICATOR_WORDS: dict[str, str] = {
    # name of the indicator: further phrases, parted by commas
    "sma": "ma, moving average, simple ma, simple average, average, mean, avg, mean price",
    "ema": "exponential average, exponential ma, exp ma, exponential moving average",
    "wma": "weighted average, weighted ma",
    "rma": "smma, smoothed average, smoothed moving average, wilder average, wilders",
    "hma": "hull, hull average, hull ma",
    "kama": "kaufman, adaptive average",
    "vwma": "volume weighted average, volume weighted ma",
    "zlema": "zero lag ema, zero lag",
    "linreg": "regression, linear regression line, lsma, least squares average",
    "linreg_slope": "regression slope, lr slope",
    "macd": "macd line, macd indicator",
    "adx": "average directional, trend strength, dmi",
    "psar": "sar, parabolic, parabolic stop",
    "supertrend": "super trend, st",
    "ichimoku": "cloud, kumo, ichi",
    "aroon": "aroon indicator",
    "vortex": "vi",
    "rsi": "rsi indicator",
    "stoch": "stochastics, stochastic oscillator, slow stochastic, stoch oscillator",
    "stoch_rsi": "stochrsi, stochastic rsi, srsi",
    "williams_r": "williams, %r, williams r, will r, percent r, wpr",
    "cci": "commodity channel",
    "mfi": "money flow",
    "ultimate_oscillator": "ultimate, uo",
    "roc": "rate of change, rate of change percent",
    "momentum": "mom",
    "awesome_oscillator": "awesome, ao",
    "accelerator_oscillator": "accelerator",
    "atr": "true range average",
    "natr": "atr percent, normalised atr, normalized atr",
    "stddev": "standard dev, std dev, stdev, std, deviation",
    "choppiness": "chop, chop index, choppiness",
    "historical_volatility": "volatility, realised volatility, realized volatility, hv",
    "bbands": "bb, bollinger, bollinger band, bollinger bands, bands",
    "percent_b": "%b, bb percent, bollinger percent b, percent b",
    "bandwidth": "bollinger width, bb width, band width, bollinger band width",
    "keltner": "kc, keltner bands, keltner channels",
    "donchian": "dc, donchian channels, price channel",
    "envelope": "ma envelope, envelopes",
    "chandelier_exit": "chandelier",
    "obv": "on balance volume",
    "volume_sma": "average volume, mean volume, volume ma, volume moving average, volume mean, avg volume",
    "relative_volume": "rvol, relative vol",
    "ad": "accumulation distribution, adl, a d line",
    "adosc": "chaikin, chaikin osc",
    "cmf": "chaikin mf, money flow chaikin",
    "force_index": "force",
    "ease_of_movement": "eom, emv",
    "klinger": "kvo",
    "vwap": "volume weighted average price, daily vwap, anchored vwap",
    "heikin_ashi": "ha, heikin, heiken ashi, heikin ashi",
    "percent_change": "change, price change, percentage change, return, pct change",
    "highest": "highest high, max, maximum",
    "lowest": "lowest low, min, minimum",
    "pivot_points": "pivot, pivots, pivot point",
    "opening_range": "orb",
    "swing_points": "swing point, last swing",
    "internal_bar_strength": "ibs",
    "zscore": "z score",
    "squeeze_ratio": "ttm squeeze ratio",
    "drawdown": "fall from high, drawdown",
    "tsi": "true strength",
    "trix": "triple exponential",
    "fisher": "fisher",
    "schaff_trend_cycle": "stc, schaff",
    "elder_ray": "elder, bull bear power",
    "laguerre_rsi": "laguerre",
    "connors_rsi": "crsi, connors",
    "efficiency_ratio": "er, kaufman efficiency",
    "qstick": "q stick",
    "lag": "previous value of",
    "rolling_vwap": "moving vwap",
}

READY_SERIES: dict[str, tuple[str, str, dict[str, str | int]]] = {
    # a phrase that means one output of an indicator with certain values
    "yesterdays high": ("previous_period", "high", {"period": "day"}),
    "yesterdays low": ("previous_period", "low", {"period": "day"}),
    "yesterdays close": ("previous_period", "close", {"period": "day"}),
    "yesterday high": ("previous_period", "high", {"period": "day"}),
    "yesterday low": ("previous_period", "low", {"period": "day"}),
    "yesterday close": ("previous_period", "close", {"period": "day"}),
    **{
        f"{word} {period} {price}": ("previous_period", price, {"period": period})
        for word in ("previous", "prior", "last", "prev")
        for period in ("day", "week", "month")
        for price in ("open", "high", "low", "close")
    },
    **{
        f"{word} {price}": ("current_period", price, {"period": period})
        for word, period in (
            ("todays", "day"),
            ("this week", "week"),
            ("this month", "month"),
            ("daily", "day"),
        )
        for price in ("open", "high", "low")
    },
    "todays open": ("current_period", "open", {"period": "day"}),
    "day open": ("current_period", "open", {"period": "day"}),
    "weekly open": ("current_period", "open", {"period": "week"}),
    "week open": ("current_period", "open", {"period": "week"}),
    "month open": ("current_period", "open", {"period": "month"}),
    "opening range high": ("opening_range", "high", {}),
    "opening range low": ("opening_range", "low", {}),
    "swing high": ("swing_points", "high", {}),
    "swing low": ("swing_points", "low", {}),
    "+di": ("adx", "plus_di", {}),
    "-di": ("adx", "minus_di", {}),
    "di plus": ("adx", "plus_di", {}),
    "di minus": ("adx", "minus_di", {}),
    "plus di": ("adx", "plus_di", {}),
    "minus di": ("adx", "minus_di", {}),
    "weekly vwap": ("vwap", "vwap", {"period": "week"}),
    "monthly vwap": ("vwap", "vwap", {"period": "month"}),
    "tenkan": ("ichimoku", "conversion", {}),
    "tenkan sen": ("ichimoku", "conversion", {}),
    "kijun": ("ichimoku", "base", {}),
    "kijun sen": ("ichimoku", "base", {}),
    "%k": ("stoch", "k", {}),
    "%d": ("stoch", "d", {}),
    "upper band": ("bbands", "upper", {}),
    "lower band": ("bbands", "lower", {}),
    "middle band": ("bbands", "middle", {}),
    "high of yesterday": ("previous_period", "high", {"period": "day"}),
    "low of yesterday": ("previous_period", "low", {"period": "day"}),
    "close of yesterday": ("previous_period", "close", {"period": "day"}),
    **{
        f"{word} {bar}{price}": ("lag", "", {"source": price})
        for word in ("previous", "prior", "last", "prev")
        for bar in ("", "bar ", "candle ")
        for price in ("open", "high", "low", "close")
    },
}

COLUMN_WORDS: dict[str, str] = {
    "price": "close", "the close": "close", "closing price": "close", "close price": "close", "last price": "close",
    "candle close": "close", "bar close": "close",
    "high price": "high", "low price": "low", "open price": "open", "vol": "volume",
    "typical price": "hlc3", "median price": "hl2", "mid price": "hl2", "middle of the bar": "hl2",
    "funding rate": "funding", "quote volume": "turnover", "traded value": "turnover",
}  # fmt: skip

OUTPUT_WORDS: dict[str, tuple[str, ...]] = {
    # a word: the outputs it may mean, the first that an indicator has
    "upper": ("upper", "up", "long"), "top": ("upper",), "lower": ("lower", "down", "short"), "bottom": ("lower",),
    "middle": ("middle", "base"), "mid": ("middle",), "basis": ("middle",), "centre": ("middle",),
    "center": ("middle",), "hist": ("histogram",), "histogram": ("histogram",),
    "signal": ("signal", "d"), "signal line": ("signal", "d"), "k": ("k",), "d": ("d",), "j": ("j",), "%k": ("k",),
    "%d": ("d",), "plus": ("plus", "plus_di"), "minus": ("minus", "minus_di"), "high": ("high", "upper"),
    "low": ("low", "lower"), "open": ("open",), "close": ("close",), "direction": ("direction",),
    "up": ("up", "upper"), "down": ("down", "lower"), "resistance": ("r1",), "support": ("s1",),
    "conversion": ("conversion",), "base": ("base",), "span a": ("span_a",), "span b": ("span_b",),
    "+di": ("plus_di",), "-di": ("minus_di",), "plus di": ("plus_di",), "minus di": ("minus_di",),
    "oscillator": ("oscillator",), "fama": ("fama",),
}  # fmt: skip

OUTPUT_FILLERS = frozenset({"band", "bands", "line", "channel", "value", "level", "edge", "rail"})

RELATION_WORDS: dict[str, str] = {
    # a relation by its phrases, parted by commas
    "above": ">, above, over, greater than, higher than, more than, bigger than, larger than, exceeds, is above,"
    " stays above, holds above, is over, stands above, closes above, closing above, trades above, beyond, gt,"
    " closes over, is greater than, is higher than, greater, moves above, remains above, is more than,"
    " bigger, higher, closed above",
    "below": "<, below, under, less than, lower than, smaller than, beneath, is below, stays below, is under,"
    " closes below, closing below, trades below, lt, closes under, falls below, drops below, is less than,"
    " is lower than, falls under, drops under, dips below, dips under, goes below, goes under, less, lower,"
    " moves below, remains below, sinks below, closed below",
    "at_least": ">=, at or above, at least, not below, not less than, not under, gte, no less than,"
    " greater than or equal to, above or equal to",
    "at_most": "<=, at or below, at most, not above, not more than, not over, lte, no more than,"
    " less than or equal to, below or equal to",
    "cross_up": "crosses above, cross above, crossing above, crossed above, crosses over, crossover, cross over,"
    " crosses up, cross up, crosses up through, breaks above, break above, breaks over, rises above, goes above,"
    " x>, cross>, crosses >, climbs above, gets above, moves over, crosses upwards, crossing over, crossing up,"
    " rises over, goes over, reclaims, jumps above, pushes above, breaks through, crosses upward, crosses to above",
    "cross_down": "crosses below, cross below, crossing below, crossed below, crosses under, crossunder, cross under,"
    " crosses down, cross down, crosses down through, breaks below, break below, breaks under, x<, cross<, crosses <,"
    " loses, crossing under, crossing down, crosses downwards, falls through, crosses downward, crosses beneath",
    "cross": "crosses, cross, crossing, crossed, x, crosses through, cross of, intersects, crossovers, crosses with",
    "break": "breaks, break, breaking, broke, takes out, breaks past",
    "touch": "touches, touch, touching, hits, hit, reaches, reach, tags, tag, tests",
    "return_up": "crosses back above, comes back above, returns above, closes back above, back above, bounces off,"
    " bounces from, re enters, reenters, back inside, closes back inside, comes back inside, returns inside",
    "return_down": "crosses back below, comes back below, returns below, closes back below, back below,"
    " rejected at, rejects from",
    "between": "between, inside, within, in between, in range, from, in the range",
    "outside": "outside, not between, not inside, outside of, not within",
}

MOTION_WORDS: dict[str, str] = {
    "rising": "rising, rises, rise, is rising, increasing, increases, growing, grows, going up, goes up, sloping up,"
    " slopes up, slope up, pointing up, climbing, climbs, is up, up, moving up, has risen, rose, ascending,"
    " trending up,"
    " trends up, slopes upward, sloping upwards, uptrend, in uptrend, in an uptrend, is increasing, expanding, expands,"
    " gaining",
    "falling": "falling, falls, fall, is falling, decreasing, decreases, declining, declines, going down, goes down,"
    " sloping down, slopes down, slope down, pointing down, dropping, drops, is down, down, moving down, has fallen,"
    " fell, descending, trending down, trends down, sloping downwards, downtrend, in downtrend, in a downtrend,"
    " shrinking, contracting, contracts, is decreasing",
    "turns_up": "turns up, turn up, turning up, turned up, hooks up, curls up, flips up, turns, reverses up,"
    " turns higher",
    "turns_down": "turns down, turn down, turning down, turned down, hooks down, curls down, flips down, rolls over,"
    " reverses down, turns lower",
}

STATE_WORDS: dict[str, str] = {
    "oversold": "oversold, over sold, is oversold, in oversold",
    "overbought": "overbought, over bought, is overbought, in overbought",
    "positive": "positive, is positive, above zero, turns positive",
    "negative": "negative, is negative, below zero, turns negative",
    "bullish": "bullish, is bullish, green, is green, bull, buy signal, long signal, says long, flips bullish,"
    " turns bullish, flips long, turns green",
    "bearish": "bearish, is bearish, red, is red, bear, sell signal, short signal, says short, flips bearish,"
    " turns bearish, flips short, turns red",
}

FILL_WORDS = _set(
    "a an the is are was be been its it their this that then value values when indicator currently current just now",
    "again please should must has have if line you buy enter open go position trade only row new than by itself either",
    "ta math there consecutive it's",
)

# Signals by their phrases: name, phrases, whether they say its truth (1) or its opposite (-1), values.
SIGNAL_WORDS: tuple[tuple[str, str, int, dict[str, str | int | float]], ...] = (
    ("breakout", "breakout, breaks out, break out, channel breakout, range breakout, upside breakout, bar breakout,"
     " breaks upwards, turtle breakout", 1, {}),
    ("breakout", "breakdown, breaks down, break down, downside breakout, breaks downwards", -1, {}),
    ("new_high", "new high, makes a new high, making a new high, makes new high, fresh high", 1, {}),
    ("new_high", "new low, makes a new low, making a new low, makes new low, fresh low", -1, {}),
    ("consecutive", "green candle, green bar, up bar, up candle, bullish candle, bullish bar", 1, {"bars": 1}),
    ("consecutive", "red candle, red bar, down bar, down candle, bearish candle, bearish bar", -1, {"bars": 1}),
    ("consecutive", "green candles, green bars, up bars, up candles, rising bars, rising candles,"
     " bullish candles, bullish bars, white candles, green closes, higher closes, up closes, winning bars, up days",
     1, {}),
    ("consecutive", "red candles, red bars, down bars, down candles, falling bars, falling candles,"
     " bearish candles, bearish bars, black candles, red closes, lower closes, down closes, losing bars, down days",
     -1, {}),
    ("volume_spike", "volume spike, volume spikes, spike in volume, high volume, volume surge, unusual volume,"
     " volume explosion, heavy volume", 1, {}),
    ("volume_spike", "low volume, thin volume, light volume", -1, {"multiple": 0.5}),
    ("narrow_range", "narrow range, narrow bar, small bar, narrowest bar, narrow range bar", 1, {}),
    ("narrow_range", "nr7", 1, {"bars": 6}),
    ("narrow_range", "nr4", 1, {"bars": 3}),
    ("inside_bar", "inside bar, inside candle, inside day", 1, {}),
    ("inside_bar", "outside bar, outside candle, outside day", -1, {}),
    ("wide_bar", "wide bar, big bar, large bar, big candle, large candle, big green candle, impulse candle, impulse,"
     " momentum candle, big up candle, strong candle", 1, {}),
    ("wide_bar", "big red candle, big down candle, large red candle", -1, {}),
    ("band_touch", "band touch, touches band, touches the band, touch of the band", 1, {}),
    ("band_break", "band break, band breakout, bollinger breakout, bb breakout, breaks the band,"
     " bands breakout", 1, {}),
    ("band_break", "band breakdown, bollinger breakdown", -1, {}),
    ("band_return", "band return, bollinger reversal, back inside the bands, back inside bands, bollinger bounce,"
     " bollinger mean reversion, returns inside the bands", 1, {}),
    ("squeeze", "squeeze, bollinger squeeze, ttm squeeze, bb squeeze, volatility squeeze, squeeze on,"
     " in a squeeze", 1, {}),
    ("divergence", "divergence, bullish divergence, regular divergence, positive divergence", 1, {}),
    ("divergence", "bearish divergence, negative divergence", -1, {}),
    ("divergence", "hidden divergence, hidden bullish divergence", 1, {"kind": "hidden"}),
    ("divergence", "hidden bearish divergence", -1, {"kind": "hidden"}),
    ("structure", "higher highs, higher highs and lows, higher highs and higher lows, higher lows, market structure up,"
     " bullish structure", 1, {}),
    ("structure", "lower lows, lower highs, lower highs and lows, lower highs and lower lows,"
     " bearish structure", -1, {}),
    ("swing", "swing low confirmed, confirmed swing low, new swing low, swing", 1, {}),
    ("swing", "swing high confirmed, confirmed swing high, new swing high", -1, {}),
    ("pullback", "pullback, pull back, pulls back, pullback to, pulls back to, dips to,"
     " retraces to, bounces off", 1, {}),
    ("dip", "buy the dip, dip", 1, {}),
    ("rally", "rally, sell the rally", 1, {}),
    ("session", "london session, london hours, european session, europe session", 1, {"session": "london"}),
    ("session", "new york session, ny session, us session, american session, new york hours", 1,
     {"session": "new_york"}),
    ("session", "tokyo session, asian session, asia session, tokyo hours", 1, {"session": "tokyo"}),
    ("session", "sydney session, sydney hours", 1, {"session": "sydney"}),
    ("session", "london new york session, london new york overlap, overlap session", 1, {"session": "london_new_york"}),
    ("day_of_week", "weekdays, weekday, on weekdays, working days, monday to friday, mon to fri, mon-fri", 1,
     {"days": "mon-fri"}),
    ("day_of_week", "weekends, weekend, on weekends, the weekend, saturday and sunday", 1, {"days": "sat-sun"}),
    ("aligned", "emas aligned, averages aligned, ema stack, moving averages aligned, aligned", 1, {}),
    ("relative_strength", "outperforms, outperforming, stronger than, beats, relative strength vs,"
     " relative strength against, relative strength to, relative strength versus", 1, {}),
    ("relative_strength", "underperforms, underperforming, weaker than", -1, {}),
)  # fmt: skip

# Two averages crossing, by name.
NAMED_CROSSES: dict[str, tuple[str, int, int, int]] = {
    "golden cross": ("sma", 50, 200, 1),
    "death cross": ("sma", 50, 200, -1),
}

PATTERN_WORDS: dict[str, tuple[str, int]] = {
    "pinbar": ("pin_bar", 1), "bullish pin bar": ("pin_bar", 1), "bearish pin bar": ("pin_bar", -1),
    "bullish engulfing": ("engulfing", 1), "bearish engulfing": ("engulfing", -1),
    "engulfing candle": ("engulfing", 1), "bullish harami": ("harami", 1), "bearish harami": ("harami", -1),
    "three soldiers": ("three_white_soldiers", 1), "three crows": ("three_black_crows", -1),
    "3 white soldiers": ("three_white_soldiers", 1), "3 black crows": ("three_black_crows", -1),
}  # fmt: skip

DAYS = {
    "monday": "mon", "tuesday": "tue", "wednesday": "wed", "thursday": "thu", "friday": "fri", "saturday": "sat",
    "sunday": "sun", "mondays": "mon", "tuesdays": "tue", "wednesdays": "wed", "thursdays": "thu", "fridays": "fri",
    "saturdays": "sat", "sundays": "sun", "mon": "mon", "tue": "tue", "wed": "wed", "thu": "thu", "fri": "fri",
    "sat": "sat", "sun": "sun",
}  # fmt: skip

SIDE_WORDS: dict[str, int] = {
    # what a sentence may begin with to say its side
    "long": 1, "buy": 1, "go long": 1, "enter long": 1, "open long": 1, "long only": 1, "longs": 1, "close long": 1,
    "exit long": 1, "close longs": 1, "exit longs": 1, "sell long": 1,
    "short": -1, "sell": -1, "go short": -1, "enter short": -1, "open short": -1, "short only": -1, "shorts": -1,
    "close short": -1, "exit short": -1, "close shorts": -1, "exit shorts": -1, "cover": -1, "cover short": -1,
    "sell short": -1,
}  # fmt: skip
