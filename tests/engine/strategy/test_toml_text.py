# Sentences stand whole, so that they can be searched for.
# ruff: noqa: E501
"""Lines of keys, and what is said about a text that is no TOML."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.engine.strategy.problems import Path, Problem
from tradebot.engine.strategy.toml_text import TomlText, read_toml

TRICKY = '''# a remark with = and [brackets]
top = 1
"quoted key".'other.key' = 'x # no remark'   # line 3

[a]
long = """
[not.a.section]
key = 1 \\""" still
""""
after = 2
list = [
  1, # one
  "two ] # ",
  [ 3,
    4 ],
  { x = 1, y = { z = "}" } },
]
literal = \'\'\'
it's "quoted"\'\'\'
date = 1979-05-27 07:32:00
[[a.tables]]
k = 1
[[a.tables]]
k = 2
[a.tables.below]
deep = true
[b . c]
d.e.f = 3
d.e.g = 4
[z.inner]
k = 1
[z]
k = 2
'''


def test_lines_of_a_tricky_document() -> None:
    read = read_toml(TRICKY)
    assert isinstance(read, TomlText)
    expected: dict[Path, int] = {
        ("top",): 2,
        ("quoted key", "other.key"): 3,
        ("a",): 5,
        ("a", "long"): 6,
        ("a", "after"): 10,
        ("a", "list"): 11,
        ("a", "list", 1): 12,
        ("a", "list", 2): 13,
        ("a", "list", 3): 14,
        ("a", "list", 3, 1): 14,
        ("a", "list", 3, 2): 15,
        ("a", "list", 4): 16,
        ("a", "list", 4, "y", "z"): 16,
        ("a", "literal"): 18,
        ("a", "date"): 20,
        ("a", "tables", 1): 21,
        ("a", "tables", 1, "k"): 22,
        ("a", "tables", 2): 23,
        ("a", "tables", 2, "k"): 24,
        ("a", "tables", 2, "below"): 25,
        ("a", "tables", 2, "below", "deep"): 26,
        ("b", "c"): 27,
        ("b", "c", "d", "e", "f"): 28,
        ("b", "c", "d", "e", "g"): 29,
        ("z", "inner"): 30,
        ("z", "inner", "k"): 31,
        ("z",): 32,  # where it is opened itself, not where something inside it is
        ("z", "k"): 33,
    }
    assert {path: read.lines.get(path) for path in expected} == expected
    assert {path for path in _paths(read.document) if path not in read.lines} == set()


def test_lines_do_not_depend_on_the_line_ends() -> None:
    unix, windows = read_toml(TRICKY), read_toml(TRICKY.replace("\n", "\r\n"))
    assert isinstance(unix, TomlText)
    assert isinstance(windows, TomlText)
    assert unix.lines == windows.lines


def _paths(value: Any, path: Path = ()) -> list[Path]:
    """Every path of a document, entries of lists counted from 1."""
    pairs: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value, 1))
    return [each for key, inside in pairs for each in ((*path, key), *_paths(inside, (*path, key)))]


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12)
_VALUES = st.recursive(
    st.one_of(st.integers(-(2**62), 2**62), st.booleans(), st.floats(allow_nan=False), _TEXTS),
    lambda inside: st.one_of(st.lists(inside, max_size=3), st.dictionaries(_TEXTS, inside, max_size=3)),
    max_leaves=12,
)


@given(document=st.dictionaries(_TEXTS, _VALUES, max_size=5), multiline=st.booleans())
@settings(max_examples=150, deadline=None)
def test_every_value_of_any_document_has_a_line_on_which_it_stands(
    document: dict[str, Any], multiline: bool
) -> None:
    text = tomli_w.dumps(document, multiline_strings=multiline)
    read = read_toml(text)
    assert isinstance(read, TomlText)
    assert read.document == tomllib.loads(text)
    rows = text.split("\n")
    for path in _paths(read.document):
        line = read.lines[path]
        key = path[-1]
        if isinstance(key, str):
            written = tomli_w.dumps({key: 1}).removesuffix(" = 1\n")
            assert written in rows[line - 1], (path, line)


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("[risk]\nlength 21\n", 2, "is not valid TOML at column 8: expected = after the key, such as length = 20"),
        ("a = 1\na = 2\n", 2, "is not valid TOML at column 6: this key is given a second time"),
        ("[a]\n[b]\n[a]\n", 3, "is not valid TOML at column 3: this section is given a second time"),
        ('name = "x\n', 1, "is not valid TOML at column 10: a text is not closed by its quotation mark"),
        ("name = 'x", 1, "is not valid TOML at its end: a text is not closed by its quotation mark"),
        ("a = [1, 2\nb = 3", 2, "is not valid TOML at column 1: a list is not closed by ]"),
        ("t = { a = 1", 1, "is not valid TOML at its end: a table is not closed by }"),
        ("[risk\n", 1, "is not valid TOML at column 6: expected ] at the end of a section's name, such as [indicators.fast]"),
        ("a = 1 2\n", 1, "is not valid TOML at column 7: expected the end of the line after the value; a text stands in quotation marks"),
        ("= 3\n", 1, "is not valid TOML at column 1: expected a [section], a line key = value, or a remark after #"),
        ("timeframe = 15m\n", 1, "is not valid TOML at column 15: expected the end of the line after the value; a text stands in quotation marks"),
        ("timeframe = minute\n", 1, 'is not valid TOML at column 13: expected a value: a number, true, false, a "text" in quotation marks, a [list] or a {table}'),
        ('a = "C:\\path"\n', 1, "is not valid TOML at column 10: a backslash in a text must be written twice, or the text in single quotes"),
        ("a = \x07\n", 1, 'is not valid TOML at column 5: expected a value: a number, true, false, a "text" in quotation marks, a [list] or a {table}'),
    ],
)  # fmt: skip
def test_syntax_errors_are_said_in_our_words_with_their_place(text: str, line: int, sentence: str) -> None:
    problem = read_toml(text)
    assert isinstance(problem, Problem)
    assert (problem.line, problem.sentence) == (line, sentence)


@pytest.mark.parametrize("text", ["a = " + "[" * 5000 + "]" * 5000, "a = " + "1" * 5000])
def test_absurd_documents_are_refused(text: str) -> None:
    read = read_toml(text)
    assert isinstance(read, Problem | TomlText)


@given(st.text(st.sampled_from("ab=[]{}\"'\n#.,\\ 1-:Tt\r"), max_size=40))
@settings(max_examples=400, deadline=None)
def test_no_text_breaks_the_reader(text: str) -> None:
    read = read_toml(text)
    if isinstance(read, TomlText):
        assert set(_paths(read.document)) <= set(read.lines)
    else:
        assert read.sentence.startswith("is not valid TOML")
        assert read.line is None or 1 <= read.line <= text.count("\n") + 1
