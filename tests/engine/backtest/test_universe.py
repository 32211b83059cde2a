"""The largest symbols are picked by what was known before the run, or it is said that they were not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.backtest.markets import START, put, strategy
from tradebot.engine.backtest.inputs.universe import Universe, resolve_universe
from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DAY_MS, BarRow, DatasetKey
from tradebot.engine.store import Store
from tradebot.engine.strategy import parse_strategy

RUN = START + 40 * DAY_MS


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def days(
    count: int, volume: float, start: int = START, price: float = 10.0, turnover: str = ""
) -> list[BarRow]:
    text = f"{price}"
    return [BarRow(start + n * DAY_MS, text, text, text, text, f"{volume}", turnover) for n in range(count)]


def largest(store: Store, top: int, by: str = "turnover", start: int | None = RUN) -> Universe:
    text = strategy(timeframe="1d").replace('["AAAUSDT"]', f'{{ top = {top}, by = "{by}" }}')
    return resolve_universe(parse_strategy(text), store, RunSettings(start_ms=start))


def test_by_the_thirty_days_before_the_run(store: Store) -> None:
    put(store, "AAAUSDT", days(10, 1000.0) + days(60, 1.0, START + 10 * DAY_MS), "1d")  # large long ago
    put(store, "BBBUSDT", days(70, 3.0), "1d")
    put(store, "CCCUSDT", days(40, 2.0) + days(30, 500.0, RUN), "1d")  # large during the run only
    found = largest(store, 2)
    assert (found.symbols, found.in_sample) == (("BBBUSDT", "CCCUSDT"), False)
    assert found.note == "The 2 largest of 3 symbols by turnover from 2024-01-11 to 2024-02-10."


def test_what_was_not_listed_then_is_no_candidate(store: Store) -> None:
    put(store, "AAAUSDT", days(70, 1.0), "1d")
    put(store, "NEWUSDT", days(30, 900.0, RUN), "1d")
    put(store, "OLDUSDT", days(5, 900.0), "1d")
    assert largest(store, 5).symbols == ("AAAUSDT",)


def test_without_history_by_the_first_days_of_the_run_and_it_is_said(store: Store) -> None:
    put(store, "AAAUSDT", days(20, 1.0) + days(40, 900.0, START + 35 * DAY_MS), "1d")
    put(store, "BBBUSDT", days(70, 3.0), "1d")
    for start in (None, START):
        found = largest(store, 1, start=start)
        assert (found.symbols, found.in_sample) == (("BBBUSDT",), True)
        assert "from 2024-01-01 to 2024-01-31" in found.note


def test_turnover_is_volume_times_price_where_it_is_unknown(store: Store) -> None:
    put(store, "AAAUSDT", days(70, 10.0, price=1.0), "1d")
    put(store, "BBBUSDT", days(70, 1.0, price=100.0), "1d")
    put(store, "CCCUSDT", days(70, 1.0, price=1.0, turnover="50"), "1d")
    assert largest(store, 1).symbols == ("BBBUSDT",)
    assert largest(store, 2).symbols == ("BBBUSDT", "CCCUSDT")
    assert largest(store, 1, "volume").symbols == ("AAAUSDT",)


def test_equal_ones_go_by_name(store: Store) -> None:
    for symbol in ("CCCUSDT", "AAAUSDT", "BBBUSDT"):
        put(store, symbol, days(70, 1.0), "1d")
    assert largest(store, 2).symbols == ("AAAUSDT", "BBBUSDT")


def test_one_quote_coin_that_of_the_largest(store: Store) -> None:
    put(store, "AAAUSDC", days(70, 5.0), "1d")
    put(store, "BBBUSDT", days(70, 9.0), "1d")
    put(store, "CCCUSDT", days(70, 1.0), "1d")
    assert largest(store, 3).symbols == ("BBBUSDT", "CCCUSDT")


def test_mark_prices_are_no_market(store: Store) -> None:
    put(store, "AAAUSDT", days(70, 1.0), "1d")
    store.merge(DatasetKey("linear", "ZZZUSDT", "1d", mark=True), days(70, 1.0))
    assert largest(store, 3).symbols == ("AAAUSDT",)
    text = strategy(timeframe="1d", symbols=("*",))
    assert resolve_universe(parse_strategy(text), store, RunSettings()).symbols == ("AAAUSDT",)


def test_a_damaged_file_is_named(store: Store) -> None:
    put(store, "AAAUSDT", days(70, 1.0), "1d")
    put(store, "BADUSDT", days(70, 9.0), "1d")
    file = store.folder / "linear" / "BADUSDT_1d.csv"
    file.write_text(file.read_text().replace("10.0,10.0", "x,10.0"))
    found = largest(store, 2)
    assert found.symbols == ("AAAUSDT",)
    assert found.note.endswith("Passed over, because no bars can be read: BADUSDT.")


def test_nothing_to_rank(store: Store) -> None:
    with pytest.raises(InputError, match="holds no linear bars for 1d to rank symbols by"):
        largest(store, 2)
    put(store, "AAAUSDT", days(10, 1.0), "1d")
    with pytest.raises(InputError, match="has bars from 2024-01-11 to 2024-03-11 to be ranked by"):
        largest(store, 2)
