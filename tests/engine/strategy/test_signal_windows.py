"""Windows over columns against plain slices, for every width and for columns with holes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.engine.strategy.signals import windows

_NUMBERS = st.lists(st.one_of(st.integers(-9, 9).map(float), st.just(float("nan"))), max_size=14)
_TRUTHS = st.lists(st.booleans(), max_size=14)


@given(_NUMBERS, st.integers(1, 16))
@settings(deadline=None)
def test_numbers(column: list[float], bars: int) -> None:
    values = np.array(column)
    spans = [values[max(0, i - bars + 1) : i + 1] for i in range(len(column))]
    for function, plain in ((windows.highest, np.max), (windows.lowest, np.min), (windows.total, np.sum)):
        expected = [plain(span) if len(span) == bars else np.nan for span in spans]
        assert np.array_equal(function(values, bars), expected, equal_nan=True)
    before = [column[i - bars] if i >= bars else np.nan for i in range(len(column))]
    assert np.array_equal(windows.earlier(values, bars), before, equal_nan=True)


@given(_TRUTHS, st.integers(1, 16))
@settings(deadline=None)
def test_truths(column: list[bool], bars: int) -> None:
    values = np.array(column, dtype=np.bool_)
    spans = [column[max(0, i - bars + 1) : i + 1] for i in range(len(column))]
    assert windows.all_of(values, bars).tolist() == [len(span) == bars and all(span) for span in spans]
    assert windows.any_of(values, bars).tolist() == [any(span) for span in spans]
    assert windows.count_of(values, bars).tolist() == [sum(span) for span in spans]
    before = [column[i - bars] if i >= bars else False for i in range(len(column))]
    assert windows.earlier_truth(values, bars).tolist() == before


@given(st.lists(st.sampled_from(((True, False), (False, True), (False, False))), max_size=14))
@settings(deadline=None)
def test_latched(events: list[tuple[bool, bool]]) -> None:
    on = np.array([each[0] for each in events], dtype=np.bool_)
    off = np.array([each[1] for each in events], dtype=np.bool_)
    expected, state = [], False
    for starts, ends in events:
        state = (state or starts) and not ends
        expected.append(state)
    assert windows.latched(on, off).tolist() == expected
