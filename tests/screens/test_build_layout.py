"""How a form is laid out: sections, values in columns, rules as sentences whose values stand where they are read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.screens.build_samples import (
    CROSS,
    ENTRY,
    EXITS,
    LIMITS,
    MARKET,
    SAMPLE,
    STRONG,
    choice,
    number,
    rule,
)
from tradebot.engine.messages import FormField, FormSection, FormView
from tradebot.screens.build_layout import FormLayout
from tradebot.screens.build_lines import FormCell, FormLine, LineKind, draw_cell, holes
from tradebot.screens.build_values import stepped


def drawn(line: FormLine) -> str:
    """A line as it is read, each cell in brackets as wide as it is."""
    text = ""
    for piece in line.pieces:
        if isinstance(piece, FormCell):
            shown = "".join(part for part, _ in draw_cell(piece, selected=False, focused=False))
            assert len(shown) == piece.width
            assert len(text) == piece.start
            text += f"[{shown[1:-1]}]"
        else:
            text += piece[0]
    return text.rstrip()


def lay_out(
    view: FormView, width: int = 58, folded: frozenset[str] = frozenset(), *, nodes: bool = False
) -> list[str]:
    lines = FormLayout().lines(view, width, lambda section: section.path in folded, nodes=nodes)
    assert len({line.key for line in lines}) == len(lines), "every line has a key of its own"
    assert all(len(drawn(line)) <= width for line in lines)
    return [drawn(line) for line in lines]


def test_a_form_reads_from_the_market_to_the_limits_in_few_lines() -> None:
    assert lay_out(SAMPLE) == [
        "▾ Market",
        "  Name      [EMA cross                                  ]",
        "  Symbols   [BTCUSDT, ETHUSDT                          ▾]",
        "  Timeframe [5m   ▾]   Execution [none ▾]",
        "",
        "▾ Enter when  [unanimous ▾]  trigger [level ▾]",
        "  ● EMA [9  ] crosses above EMA [21 ]",
        "  ● ADX [14 ] [above ▾] [20 ]",
        "  + add rule (n)",
        "",
        "▾ Exit",
        "  Stop loss     [atr     ▾]  length [14 ]  multiple [2  ]",
        "  Take profit 1 [r       ▾]  multiple [2  ]",
        "  Trailing stop [none    ▾]",
        "  Time stop     [0    ] bars",
        "  + add exit rule (n)",
        "",
        "▾ Limits",
        "  Max positions [3    ]     Max daily loss [5    ] %",
        "  Max drawdown  [25   ] %",
    ]


def test_a_wider_form_takes_more_columns_a_narrow_one_breaks_long_lines() -> None:
    assert "  Max positions [3    ]   Max daily loss [5    ] %   Max drawdown [25   ] %" in lay_out(
        SAMPLE, 100
    )
    narrow = lay_out(SAMPLE, 44)
    assert (
        narrow[narrow.index("  Stop loss     [atr     ▾]  length [14 ]") + 1] == " " * 16 + "multiple [2  ]"
    )


def test_a_folded_section_is_one_line_that_says_what_was_given_or_what_holds() -> None:
    lines = lay_out(SAMPLE, folded=frozenset({"limits", "entry"}))
    assert "▸ Limits   max positions 3 · max daily loss percent 5 %" in lines
    assert "▸ Enter when   EMA 9 crosses above EMA 21 · ADX 14.." in lines, "room for the count is left"
    costs = FormSection("costs", "costs", "Costs", (number("costs.maker", "", default="0.02", unit="%"),))
    assert lay_out(FormView((costs,), (), ""), folded=frozenset({"costs"})) == ["▸ Costs   maker 0.02 %"]


def test_nodes_are_shown_on_demand_behind_everything_else() -> None:
    assert not any("fast ·" in line for line in lay_out(SAMPLE))
    lines = lay_out(SAMPLE, nodes=True)
    assert lines[-2:] == ["▾ fast · Exponential moving average", "  Length [9    ]"]


def test_what_is_wrong_stands_below_its_line_and_counts_in_the_title() -> None:
    wrong = replace(LIMITS.fields[0], text="-1", problem="must be at least 0, but is -1")
    view = FormView((replace(LIMITS, fields=(wrong, *LIMITS.fields[1:])),), (), "")
    lines = lay_out(view)
    assert lines[2] == "    × must be at least 0, but is -1"
    header = FormLayout().lines(view, 58, lambda section: False)[0]
    assert "".join(text for text, _ in header.right).split() == ["×", "1"]


def test_values_stand_in_the_sentence_where_they_are_read() -> None:
    fields = (number("a", "14"), number("b", "30"))
    assert holes("RSI 14 below 30", fields) == (["RSI ", fields[0], " below ", fields[1]], [])
    assert holes("RSI(14) below 30", fields) == (["RSI(", fields[0], ") below ", fields[1]], [])
    same = (number("a", "20"), number("b", "20"))
    assert holes("EMA 20 above 20", same)[0] == ["EMA ", same[0], " above ", same[1]]
    decimal = number("c", "1.5")
    assert holes("volume above 1.5x average 1", (decimal,)) == (["volume above 1.5x average 1"], [decimal])
    default = number("d", "", default="14")
    assert holes("RSI 14", (default,))[0] == ["RSI ", default]
    assert holes("EMA 114 above 14.5", (number("a", "14"),))[1], "a part of a number is not the number"


def test_a_value_that_is_not_in_the_sentence_follows_it_with_its_name() -> None:
    row = rule(1, "spike", "volume spike", number("signals.spike.times", "3"))
    view = FormView((ENTRY,), (), "", rows=(row,))
    assert "  ● volume spike  times [3  ]" in lay_out(view)


def test_a_value_that_is_wrong_for_the_moment_keeps_its_place_in_the_sentence() -> None:
    layout = FormLayout()
    view = FormView((ENTRY,), (), "", rows=(CROSS,))
    assert "  ● EMA [9  ] crosses above EMA [21 ]" in [
        drawn(x) for x in layout.lines(view, 58, lambda _: False)
    ]
    broken = replace(CROSS.fields[0], text="9x", problem="must be a whole number")
    row = replace(CROSS, text="EMA ? crosses above EMA 21", fields=(broken, CROSS.fields[1]))
    lines = [drawn(x) for x in layout.lines(replace(view, rows=(row,)), 58, lambda _: False)]
    assert "  ● EMA [9x ] crosses above EMA [21 ]" in lines
    assert "    × must be a whole number" in lines


def test_groups_stand_with_their_members_below_them_and_what_is_off_or_unused_says_so() -> None:
    group = rule(1, "momentum", "momentum: majority of 2", kind="group")
    member = replace(CROSS, path="groups.momentum.signals.1", place="groups.momentum", depth=1)
    off = replace(STRONG, enabled=False, note="only in trends")
    loose = replace(STRONG, path="signals.loose", place="", node="signals.loose", name="loose", enabled=True)
    view = FormView((ENTRY,), (), "", rows=(group, member, off, loose))
    lines = FormLayout().lines(view, 58, lambda section: False)
    assert [drawn(line) for line in lines[1:]] == [
        "  ● momentum: majority of 2",
        "    ● EMA [9  ] crosses above EMA [21 ]",
        "  ○ ADX [14 ] [above ▾] [20 ]",
        "  + add rule (n)",
        "  not used: Space puts one into the rules above",
        "  ○ ADX [14 ] [above ▾] [20 ]",
    ]
    assert "".join(text for text, _ in lines[3].right).split() == ["only", "in", "trends", "off"]


def test_a_rule_that_is_used_twice_has_two_lines_that_are_told_apart() -> None:
    again = replace(CROSS, path="groups.a.signals.1", place="groups.a", depth=1)
    group = rule(1, "a", "a: any of 1", kind="group")
    other = rule(2, "b", "b: any of 1", kind="group")
    lay_out(FormView((ENTRY,), (), "", rows=(group, again, other, again)))


@pytest.mark.parametrize(
    ("field", "step", "text"),
    [
        pytest.param(number("a", "2"), 1, "2.1", id="a small number goes by a tenth"),
        pytest.param(number("a", "30"), -1, "29", id="a large one by one"),
        pytest.param(number("a", "0.055"), 1, "0.056", id="a fine one by its last digit"),
        pytest.param(number("a", "1.9"), 1, "2", id="no zeros are left over"),
        pytest.param(number("a", "5", high=5), 1, None, id="not beyond its limit"),
        pytest.param(number("a", "", default="14"), 1, "15", id="from its default"),
        pytest.param(number("a", "x"), 1, None, id="not from what is no number"),
        pytest.param(FormField("a", "a", "int", "9"), 1, "10", id="a whole number by one"),
        pytest.param(FormField("a", "a", "bool", "", default="true"), 1, "false", id="a switch flips"),
        pytest.param(choice("a", "z", "x", "y", "z"), 1, "x", id="a choice goes round"),
        pytest.param(choice("a", "x", "x", "y"), -1, "y", id="backwards too"),
        pytest.param(FormField("a", "a", "text", "x"), 1, None, id="a text has no next one"),
    ],
)
def test_values_change_in_steps(field: FormField, step: int, text: str | None) -> None:
    assert stepped(field, step) == text


def test_lines_know_what_verbs_act_on() -> None:
    lines = {line.key: line for line in FormLayout().lines(SAMPLE, 58, lambda section: False)}
    assert lines["rule:entry.signals.1"].kind is LineKind.RULE
    assert lines["field:risk.take_profit.1"].path == "risk.take_profit.1", (
        "one of a list can be moved and removed"
    )
    assert lines["field:risk.stop_loss"].path == ""
    assert lines["add:exit"].path == "exit"
    assert EXITS.path in lines["section:exits"].path
    assert MARKET.path in lines["section:strategy"].path
