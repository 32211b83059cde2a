"""Plug-ins that hang, crash or fail later: none of them takes the app along, each is named with its line."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.engine.strategy.helpers import builder, random_candles
from tradebot.engine.strategy import StrategySpec, check_strategy, decide, describe
from tradebot.engine.strategy.needs import data_needs
from tradebot.engine.strategy.plugin_guard import BrokenPluginError
from tradebot.engine.strategy.plugins import PluginProblem, load_registry
from tradebot.engine.strategy.registry import Registry

HEAD = """\
import numpy as np
from tradebot.engine.strategy import Parameter, ParameterKind, combination, indicator, signal
LENGTH = Parameter(name="length", kind=ParameterKind.INTEGER, default=3, low=1, high=99, help="Bars.")
"""
GOOD = (
    HEAD
    + '@indicator("good", "Good", "Good.", inputs=("close",))\ndef good(close):\n    return close * 2.0\n'
)


def indicator_of(body: str, fields: str = "", parameters: str = "()") -> str:
    """A file whose indicator `mine` has this body, which begins in line 6."""
    return (
        f'{HEAD}@indicator("mine", "Mine", "Mine.", inputs=("close",), parameters={parameters}{fields})\n'
        f"def mine(close{', length' if parameters != '()' else ''}):\n    {body}\n"
    )


def load(folder: Path, limit: float = 15.0, **files: str) -> tuple[Registry, tuple[PluginProblem, ...]]:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return load_registry(folder, limit)


# Trials that do not come back --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        (indicator_of("while True: pass"), 6, "it was still computing after 0.4 s"),
        ("x = 1\nwhile x:\n    x += 1\n", (2, 3), "it was still computing after 0.4 s"),
        (indicator_of("import os; os._exit(7)"), None, "it ended the whole program with exit code 7."),
        (indicator_of("import ctypes; return ctypes.string_at(0)"), 6, "it ended the whole program with "),
        (indicator_of("raise KeyboardInterrupt"), 6, "it ended the whole program with exit code "),
        (
            indicator_of("again = lambda: again(); return again()"),
            6,
            '"mine" fails on ordinary bars with RecursionError',
        ),
    ],
    ids=["loop", "loop at import", "exit", "crash", "interrupt", "recursion"],
)
def test_a_trial_that_hangs_or_crashes_is_a_fault_like_any_other(
    tmp_path: Path, text: str, line: int | tuple[int, int] | None, sentence: str
) -> None:
    registry, problems = load(tmp_path, 0.4, bad=text, good=GOOD, aa_good=GOOD.replace("good", "first"))
    assert [each.file.name for each in problems] == ["bad.py"]
    assert problems[0].sentence.startswith(sentence)
    assert problems[0].line in line if isinstance(line, tuple) else problems[0].line == line
    assert {"good", "first"} <= set(registry.indicators)
    assert "mine" not in registry.indicators


def test_what_a_plug_in_prints_disturbs_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    noisy = 'import os\nprint("{\\"end\\": 0}")\nos.write(1, b"noise\\n")\n' + GOOD
    # Without the lines that print, which may print again where they are run in the app.
    registry, problems = load(tmp_path, noisy=noisy.replace("noise", "noise in the trial"))
    assert problems == ()
    assert "good" in registry.indicators
    assert capfd.readouterr().out.count("noise in the trial") == 1  # the app's own run, not that of the trial


def test_the_outcome_is_remembered_by_content_faults_too(tmp_path: Path) -> None:
    loop = indicator_of(f"open({str(tmp_path / 'count')!r}, 'a').write('x')\n    while True: pass")
    for _start in range(3):
        _registry, problems = load(tmp_path, 0.3, bad=loop)
        assert [(each.line, each.sentence[:26]) for each in problems] == [(7, "it was still computing aft")]
    assert (tmp_path / "count").read_text() == "x"
    assert load(tmp_path, bad=GOOD)[1] == ()


def test_what_may_be_mended_elsewhere_is_tried_again(tmp_path: Path) -> None:
    text = f"open({str(tmp_path / 'needed.txt')!r})\n" + GOOD
    _registry, problems = load(tmp_path, bad=text)
    assert problems[0].line == 1
    (tmp_path / "needed.txt").write_text("here now")
    assert load(tmp_path)[1] == ()


def test_a_memory_of_trials_that_is_damaged_costs_a_trial(tmp_path: Path) -> None:
    load(tmp_path, good=GOOD)
    for damage in ("{", "[]", '{"a": 1}', ""):
        (tmp_path / ".tried.json").write_text(damage)
        assert load(tmp_path)[1] == ()


def test_a_problem_says_what_would_have_been_declared(tmp_path: Path) -> None:
    _registry, problems = load(tmp_path, bad=indicator_of("return close.nothing"))
    assert problems[0].names == (("indicators", "mine"),)


def test_the_check_says_why_a_name_is_not_known(tmp_path: Path) -> None:
    made = builder().indicator("m", "mine", length=3).signal("up", "rising", source="m").entry("any", ["up"])
    for text, why in (
        (
            indicator_of("return close.nothing"),
            'left_out.py:6 was left out: "mine" fails on ordinary bars with',
        ),
        ("x = = 1\n" + indicator_of("return close"), "left_out.py:1 was left out: it is no valid Python"),
    ):
        registry, _problems = load(tmp_path, left_out=text)
        problem = check_strategy(made.to_toml(), registry=registry).errors[0]
        assert (problem.path, problem.sentence[:33]) == (
            "indicators.m.use",
            'names "mine", but the plug-in lef',
        )
        assert why in problem.sentence


# Faults in use -----------------------------------------------------------------------------------------------


def strategy(registry: Registry, length: int) -> StrategySpec:
    made = builder().indicator("m", "mine", length=length)
    made.signal("up", "compare", a="close", op=">", b="m", supports="long").entry("any", ["up"])
    return made.build(registry)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("return close / {3: 1.0, 10: 1.0}[length]", "mine.py:6 ends with KeyError: 60 in"),
        (
            "return close[: 99 if length > 50 else None]",
            "mine.py:4 gives float64 of shape (99,) where 1 of float64",
        ),
        (
            "return close if length < 50 else (close, close)",
            "mine.py:4 gives 2 columns where 1 of float64 for 200",
        ),
        (
            "return close if length < 50 else None",
            "mine.py:4 gives NoneType where 1 of float64 for 200 bars are due",
        ),
    ],
)
def test_a_fault_that_only_other_values_bring_out_names_file_line_and_node(
    tmp_path: Path, body: str, sentence: str
) -> None:
    registry, problems = load(tmp_path, mine=indicator_of(body, parameters="(LENGTH,)"))
    assert problems == ()
    decide(strategy(registry, 10), registry, random_candles(200))
    with pytest.raises(BrokenPluginError) as raised:
        decide(strategy(registry, 60), registry, random_candles(200))
    assert raised.value.sentence.startswith(f"indicators.m: the plug-in {sentence}")
    assert raised.value.sentence.endswith('in "mine"; mend it there, or leave "mine" out of the strategy.')
    assert raised.value.node == "indicators.m"


def test_a_look_back_that_fails_is_a_fault_of_the_node(tmp_path: Path) -> None:
    text = indicator_of(
        "return close", ", look_back=lambda values: 3 if values['length'] < 50 else values['x']", "(LENGTH,)"
    )
    registry, problems = load(tmp_path, mine=text)
    assert problems == ()
    for use in (
        lambda spec: decide(spec, registry, random_candles(200)),
        lambda spec: data_needs(spec, registry),
    ):
        with pytest.raises(BrokenPluginError, match=r"mine.py:4 ends with KeyError: 'x' in its look_back"):
            use(strategy(registry, 60))


def test_a_rule_that_fails_refuses_the_values_with_its_line(tmp_path: Path) -> None:
    text = indicator_of(
        "return close", ", rule=lambda values: [] if values['length'] < 50 else 1 / 0", "(LENGTH,)"
    )
    registry, problems = load(tmp_path, mine=text)
    assert problems == ()
    checked = check_strategy(
        strategy(registry, 10).to_toml().replace("length = 10", "length = 60"), registry=registry
    )
    assert [each.path for each in checked.errors] == ["indicators.m.length"]
    assert (
        "cannot be checked: the plug-in mine.py:4 ends with ZeroDivisionError" in checked.errors[0].sentence
    )


SIGNAL = """\
@signal("mine", "My rule", "Mine.", inputs=("close",), parameters=(LENGTH,), supports="direction",
        words=lambda texts: ("up", "down") if texts["length"] == "3" else None)
def mine(close, length):
    up = np.append(False, close[1:] > close[:-1])
    return (up, ~up) if length < 50 else up[0]
"""


def test_a_signal_that_fails_later_and_words_that_fail(tmp_path: Path) -> None:
    registry, problems = load(tmp_path, mine=HEAD + SIGNAL)
    assert problems == ()

    def of(length: int) -> StrategySpec:
        return builder().signal("s", "mine", length=length).entry("any", ["s"]).build(registry)

    assert decide(of(5), registry, random_candles(50)).side.any()
    with pytest.raises(
        BrokenPluginError, match=r"signals\.s: the plug-in mine\.py:4 gives 1 columns where 2 of bool"
    ):
        decide(of(60), registry, random_candles(50))
    assert 'go long when "My rule" holds' in describe(of(5), registry)
    assert "go long when up" in describe(of(3), registry)


COMBINATION = """\
@combination("loudest", "The loudest", "A side is supported when the heaviest member supports it.")
def loudest(votes, weights, values):
    return votes[int(np.argmax(weights))].copy()
"""


def test_a_combination_can_be_a_plug_in(tmp_path: Path) -> None:
    registry, problems = load(tmp_path, loudest=HEAD + COMBINATION)
    assert problems == ()
    made = builder()
    for name, source in (("a", "close"), ("b", "volume")):
        made.signal(name, "rising", source=source, bars=1)
    spec = made.entry("loudest", ["a", "b"]).build(registry)
    alone = made.entry("any", ["a"]).build(registry)
    bars = random_candles(60)
    np.testing.assert_array_equal(decide(spec, registry, bars).side, decide(alone, registry, bars).side)
    _registry, problems = load(tmp_path, loudest=HEAD + COMBINATION.replace(".copy()", "[::-1]"))
    assert problems[0].sentence == '"loudest" looks ahead: what it says changes when later bars become known.'


# Installed packages ------------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package that names a module as a plug-in."""
    site = tmp_path / "site"
    (site / "acme_tools-1.0.dist-info").mkdir(parents=True)
    (site / "acme_tools-1.0.dist-info" / "METADATA").write_text("Name: acme-tools\nVersion: 1.0\n")
    (site / "acme_tools-1.0.dist-info" / "entry_points.txt").write_text(
        "[tradebot.plugins]\nacme = acme_tools\n"
    )
    (site / "acme_tools.py").write_text(GOOD)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    yield site
    sys.modules.pop("acme_tools", None)


def test_installed_packages_bring_plug_ins_by_their_entry_points(package: Path, tmp_path: Path) -> None:
    registry, problems = load_registry(tmp_path / "none")
    assert problems == ()
    assert "good" in registry.indicators
    assert not (tmp_path / "none").exists()


def test_a_broken_one_is_named_by_its_module(package: Path, tmp_path: Path) -> None:
    (package / "acme_tools.py").write_text("x = 1\nimport nothing_of_that_name\n")
    _registry, problems = load_registry(tmp_path)
    assert [(str(each.file), each.line) for each in problems] == [("acme_tools", 2)]


def test_guarded_declarations_are_otherwise_the_same(tmp_path: Path) -> None:
    registry, _problems = load(tmp_path, good=GOOD)
    declaration = registry.indicators["good"]
    assert (declaration.label, declaration.outputs, declaration.main) == ("Good", ("value",), "value")
    assert declaration.compute.__module__.startswith("tradebot_plugin_good_")
    assert dataclasses.is_dataclass(declaration)
