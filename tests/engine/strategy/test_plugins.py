"""Plug-ins: what a dropped file adds, and that a broken one is named with its line and harms nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.strategy.helpers import builder, random_candles
from tradebot.engine.strategy import check_strategy, decide
from tradebot.engine.strategy.form import component_choices
from tradebot.engine.strategy.plugins import PluginProblem, load_registry
from tradebot.engine.strategy.registry import Registry

GOOD = """\
from tradebot.engine.strategy import Parameter, ParameterKind, indicator

LENGTH = Parameter(name="length", kind=ParameterKind.INTEGER, default=3, low=1, high=99, help="Bars.")

@indicator("momentum_percent", "Momentum in percent", "Change over some bars, in percent.",
           parameters=(LENGTH,), inputs=("close",), look_back=lambda values: values["length"])
def momentum_percent(close, length):
    result = close * 0.0
    result[length:] = (close[length:] / close[:-length] - 1.0) * 100.0
    return result
"""
HEAD = "import numpy as np\nfrom tradebot.engine.strategy import indicator, signal\n"


def declared(body: str, name: str = "mine", more: str = 'inputs=("close",)') -> str:
    return (
        f'{HEAD}@indicator("{name}", "Mine", "Mine.", parameters=(), {more})\ndef mine(close):\n    {body}\n'
    )


def test_an_indicator_is_found_by_the_registry_the_picker_and_the_check(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(GOOD)
    registry, problems = load_registry(tmp_path)
    assert problems == ()
    assert "momentum_percent" in {choice.name for choice in component_choices(registry)}
    made = builder().indicator("m", "momentum_percent", length=5)
    made.signal("up", "compare", a="m", op=">", b=1.0, supports="long").entry("any", ["up"])
    spec = made.build(registry)
    decisions = decide(spec, registry, random_candles(100))
    assert decisions.side.any()
    assert decisions.warm_up == 5
    assert check_strategy(spec.to_toml()).errors  # unknown without the plug-in
    wrong = check_strategy(spec.to_toml().replace("length = 5", "length = 500"), registry=registry)
    assert [each.sentence for each in wrong.errors] == ["must be a whole number from 1 to 99, but is 500"]


def test_no_folder_and_no_plug_in_are_nothing_special(tmp_path: Path) -> None:
    assert load_registry(tmp_path / "none")[1] == ()
    (tmp_path / "_helper.py").write_text("raise ValueError")
    assert load_registry(tmp_path)[1] == ()


BROKEN: tuple[tuple[str, int | None, str], ...] = (
    ("def broken(:\n", 1, "it is no valid Python: "),
    ("x = 1\n\nimport nothing_of_that_name\n", 3, "it ends with ModuleNotFoundError: No module named"),
    ("raise SystemExit(3)\n", 1, "it ends with SystemExit: 3."),
    ("x = 1\n", None, "it declares nothing; put @indicator(...)"),
    (
        declared("return close", name="ema"),
        3,
        'the name "ema" is taken among the indicators by tradebot itself',
    ),
    (declared("return close.nothing"), 5, '"mine" fails on ordinary bars with AttributeError'),
    (
        declared("return close[1:]"),
        3,
        '"mine" must return float64 columns as long as the bars (300), but returned',
    ),
    (
        declared("return 5"),
        3,
        '"mine" must return float64 columns as long as the bars (300), but returned int.',
    ),
    (declared("return close, close"), 3, '"mine" must return 1 columns, but returned 2.'),
    (
        declared("return np.append(close[1:], 1.0)"),
        3,
        '"mine" looks ahead: its values change when later bars',
    ),
    (declared("return close / close.max()"), 3, '"mine" looks ahead: '),
    (
        declared("close[0] = 1.0; return close"),
        5,
        '"mine" fails on ordinary bars with ValueError: assignment',
    ),
    (
        declared("return close", more='inputs=("price",)'),
        3,
        '"mine" takes "price" as an input; expected some of open',
    ),
    (declared("return close", more="inputs=()"), 3, '"mine" reads nothing: give inputs='),
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Registry, dict[str, PluginProblem]]:
    """All broken files beside a good one, and what was said of each."""
    folder = tmp_path_factory.mktemp("plugins")
    for number, (text, _line, _sentence) in enumerate(BROKEN):
        (folder / f"bad_{number}.py").write_text(text)
    (folder / "good.py").write_text(GOOD)
    registry, problems = load_registry(folder)
    return registry, {each.file.stem: each for each in problems}


@pytest.mark.parametrize("number", range(len(BROKEN)))
def test_a_broken_one_is_named_with_its_line(
    loaded: tuple[Registry, dict[str, PluginProblem]], number: int
) -> None:
    _text, line, sentence = BROKEN[number]
    problem = loaded[1][f"bad_{number}"]
    assert (problem.line, problem.sentence[: len(sentence)]) == (line, sentence)


def test_broken_ones_are_left_out_and_the_good_one_works(
    loaded: tuple[Registry, dict[str, PluginProblem]],
) -> None:
    registry, problems = loaded
    assert len(problems) == len(BROKEN)
    assert "momentum_percent" in registry.indicators
    assert "mine" not in registry.indicators


def test_two_files_cannot_share_a_name(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(GOOD)
    _registry, problems = load_registry(tmp_path)
    assert [str(each) for each in problems] == [
        'The plug-in b.py:5 was left out: the name "momentum_percent" is taken among the indicators by a.py; choose '
        "another."
    ]


def test_a_signal_that_looks_ahead_is_refused_and_one_that_does_not_is_taken(tmp_path: Path) -> None:
    line = (
        '@signal("{}", "S", "S.", parameters=(), inputs=("close",), supports="direction")\ndef {}(close):\n'
    )
    ahead = "    up = np.append(close[1:] > close[:-1], False)\n    return up, ~up\n"
    fair = "    up = np.append(False, close[1:] > close[:-1])\n    return up, ~up\n"
    (tmp_path / "ahead.py").write_text(HEAD + line.format("ahead", "ahead") + ahead)
    (tmp_path / "fair.py").write_text(HEAD + line.format("fair", "fair") + fair)
    registry, problems = load_registry(tmp_path)
    assert [each.file.name for each in problems] == ["ahead.py"]
    assert "fair" in registry.signals


def test_a_file_is_tried_once_and_again_when_it_changed(tmp_path: Path) -> None:
    counting = declared("open(COUNT, 'a').write('x'); return close").replace(
        HEAD, f"{HEAD}COUNT = {str(tmp_path / 'count')!r}\n"
    )
    (tmp_path / "mine.py").write_text(counting)
    load_registry(tmp_path)
    tries = (tmp_path / "count").read_text()
    load_registry(tmp_path)
    assert (tmp_path / "count").read_text() == tries != ""
    (tmp_path / "mine.py").write_text(counting + "\n")
    load_registry(tmp_path)
    assert (tmp_path / "count").read_text() == tries * 2
