"""The templates on the real year: each trades 30 to 1,000 times, survives twice its costs, and its note says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tradebot.engine.backtest import run_backtest
from tradebot.engine.backtest.figures.report import Metrics
from tradebot.engine.backtest.kernel.ledger import Costs, RunSettings
from tradebot.engine.store import ImportOptions, Store
from tradebot.engine.strategy import check_strategy, parse_strategy
from tradebot.engine.strategy.registry import builtin_registry
from tradebot.engine.strategy.templates import Templates

FOLDER = REPOSITORY / "config" / "templates"
FILES = sorted(FOLDER.glob("*.toml"))
_FIGURES = re.compile(
    r"(?P<trades>\d+) trades, (?P<total>[-+][\d.]+) %, deepest drawdown (?P<drawdown>-[\d.]+) %, (?P<won>\d+) % won, "
    r"profit factor (?P<factor>[\d.]+); costs took (?P<costs>[\d.]+) % of the starting cash, twice the costs leave "
    r"(?P<doubled>[-+][\d.]+) %"
)


@pytest.fixture(scope="module")
def store(shared_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("data"))
    store.import_file(
        shared_market / "binance_spot" / "BTCUSDT_1m.csv.gz",
        ImportOptions(category="linear", symbol="BTCUSDT", timeframe="1m"),
    )
    return store


def measured(store: Store, path: Path, times: float) -> Metrics:
    """The template's figures at so many times the costs of the note."""
    costs = Costs(0.055 * times, 0.02 * times, 0.01 * times, 0.0, True)
    spec = parse_strategy(path.read_text(encoding="utf-8"), path.name)
    return run_backtest(
        spec, builtin_registry(), store, RunSettings(10_000.0, costs), with_hashes=False
    ).metrics


def test_there_are_eight_or_more_and_each_says_when_it_earns() -> None:
    templates = Templates(FOLDER).all()
    assert len(templates) == len(FILES) >= 8
    assert all(each.note and each.figures for each in templates)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_right_without_a_warning(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    checked = check_strategy(text, path.name)
    assert (checked.errors, checked.warnings) == ((), ())
    assert text.startswith("# ")


@pytest.mark.realdata
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_note_tells_the_figures_of_the_real_year(path: Path, store: Store) -> None:
    note = " ".join(parse_strategy(path.read_text(encoding="utf-8"), path.name).note.split())
    told = _FIGURES.search(note)
    assert told is not None, note
    once, twice = measured(store, path, 1), measured(store, path, 2)

    assert 30 <= once.trades <= 1_000
    assert twice.total_return is not None and twice.total_return > 0.0
    costs = (once.fees + once.slippage_cost - once.funding) / 10_000.0
    assert once.trades == int(told["trades"])
    for name, value in (
        ("total", once.total_return),
        ("drawdown", once.max_drawdown),
        ("costs", costs),
        ("doubled", twice.total_return),
    ):
        assert value is not None
        assert value * 100 == pytest.approx(float(told[name]), abs=0.11), name
    assert once.win_rate is not None and once.win_rate * 100 == pytest.approx(float(told["won"]), abs=0.6)
    assert once.profit_factor == pytest.approx(float(told["factor"]), abs=0.011)
