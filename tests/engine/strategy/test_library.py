"""Strategies, versions, drafts and templates on disk: nothing that was saved or typed is lost, whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.strategy.helpers import REGISTRY
from tradebot.engine.control.errors import InputError
from tradebot.engine.strategy.differences import differences, summary
from tradebot.engine.strategy.drafts import Drafts
from tradebot.engine.strategy.library import StrategyLibrary
from tradebot.engine.strategy.templates import Templates

TEXT = '[strategy]\nname = "a"\n'


@pytest.fixture
def library(tmp_path: Path) -> StrategyLibrary:
    return StrategyLibrary(tmp_path / "own", tmp_path / "shipped")


def numbers(library: StrategyLibrary, name: str = "mine") -> list[tuple[int, bool]]:
    return [(each.number, each.current) for each in library.versions(name)]


def run(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Another process that runs some lines."""
    return subprocess.Popen([sys.executable, "-c", code, *arguments])


# Versions ----------------------------------------------------------------------------------------------------


def test_each_saving_makes_a_version_and_the_same_text_none(library: StrategyLibrary) -> None:
    for text in (TEXT, TEXT + "# more\n", TEXT + "# more\n", TEXT):
        library.save("mine", text)
    assert numbers(library) == [(1, False), (2, False), (3, True)]
    assert library.read("mine") == library.read_version("mine", 3) == TEXT
    assert library.read_version("mine", 2) == TEXT + "# more\n"
    assert library.newest_version("mine") == 3


def test_what_was_changed_by_hand_is_kept_as_a_version_before_it_is_replaced(
    library: StrategyLibrary, tmp_path: Path
) -> None:
    library.save("mine", TEXT)
    (tmp_path / "own" / "mine.toml").write_bytes(b"# by hand\r\n" + TEXT.encode())
    assert numbers(library) == [(1, False)]
    library.save("mine", TEXT)
    assert numbers(library) == [(1, False), (2, False), (3, True)]
    assert library.read_version("mine", 2).startswith("# by hand")


def test_a_file_from_before_there_were_versions_becomes_the_first(
    library: StrategyLibrary, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.toml").write_text(TEXT, encoding="utf-8")
    assert numbers(library) == []
    library.save("mine", TEXT + "# new\n")
    assert [library.read_version("mine", number) for number in (1, 2)] == [TEXT, TEXT + "# new\n"]


def test_a_version_that_is_not_there_is_refused(library: StrategyLibrary) -> None:
    library.save("mine", TEXT)
    with pytest.raises(InputError, match="no version 7 of mine: it has 1 to 1"):
        library.read_version("mine", 7)
    with pytest.raises(InputError, match="never saved"):
        library.read_version("../mine", 1)


def test_deleting_moves_the_versions_along_and_overwrites_nothing(
    library: StrategyLibrary, tmp_path: Path
) -> None:
    for text in ("1\n", "2\n"):
        library.save("mine", text)
        library.save("mine", text + "# edited\n")
        library.delete("mine")
    deleted = tmp_path / "own" / "deleted"
    assert [(deleted / f"{name}.toml").read_text() for name in ("mine", "mine-2")] == [
        "1\n# edited\n",
        "2\n# edited\n",
    ]
    assert sorted(path.name for path in (deleted / "versions" / "mine-2").iterdir()) == [
        "0001.toml",
        "0002.toml",
    ]
    assert numbers(library) == []
    assert library.files() == []


def test_an_example_is_neither_deleted_nor_has_versions(library: StrategyLibrary, tmp_path: Path) -> None:
    (tmp_path / "shipped").mkdir()
    (tmp_path / "shipped" / "example.toml").write_text(TEXT)
    with pytest.raises(InputError, match="cannot be deleted"):
        library.delete("example")
    assert numbers(library, "example") == []
    library.save("example", TEXT)
    assert library.delete("example").is_file()  # the own one that hid it
    assert library.files()[0].example


# What goes wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "con",
        "nul",
        "prn",
        "aux",
        "com1",
        "lpt9",
        "a.",
        "a b",
        "a/b",
        "..",
        "",
        "A",
        "ä",
        "x" * 61,
        "a.toml",
        "con.x",
    ],
)
def test_a_name_that_some_system_refuses_is_refused_everywhere(library: StrategyLibrary, name: str) -> None:
    with pytest.raises(InputError, match="cannot name"):
        library.save(name, TEXT)


def test_a_free_name_is_never_one_of_those(library: StrategyLibrary) -> None:
    assert library.free_name("CON") == "con-strategy"
    assert library.free_name("My idea. ") == "my-idea"
    library.save("my-idea", TEXT)
    assert library.free_name("my idea") == "my-idea-2"


# Ends the process at the replacement whose number is given, in the middle of saving.
_KILLED = """
import os, sys
from pathlib import Path
from tradebot.engine.control import files
from tradebot.engine.strategy.library import StrategyLibrary
left = int(sys.argv[2])
def replace(source, target):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
    os.replace(source, target)
files.replace_patiently = replace
StrategyLibrary(Path(sys.argv[1]), Path(sys.argv[1])).save("mine", "new\\n")
"""


@pytest.mark.parametrize(
    ("replacements", "versions"), [(0, ["old\n"]), (1, ["old\n", "new\n"]), (2, ["old\n", "new\n"])]
)
def test_a_kill_at_any_moment_leaves_the_old_text_or_the_new_one(
    tmp_path: Path, replacements: int, versions: list[str]
) -> None:
    library = StrategyLibrary(tmp_path, tmp_path)
    library.save("mine", "old\n")
    run(_KILLED, str(tmp_path), str(replacements)).wait()
    assert library.read("mine") == ("new\n" if replacements == 2 else "old\n")
    assert [library.read_version("mine", each.number) for each in library.versions("mine")] == versions
    library.save("mine", "newest\n")
    assert library.read("mine") == "newest\n"
    assert library.versions("mine")[-1].current


_SAVING = """
import sys
from pathlib import Path
from tradebot.engine.strategy.library import StrategyLibrary
library = StrategyLibrary(Path(sys.argv[1]), Path(sys.argv[1]))
for number in range(15):
    library.save("mine", f"{sys.argv[2]} {number}\\n")
"""


def test_two_processes_that_save_at_the_same_time_lose_no_version(tmp_path: Path) -> None:
    processes = [run(_SAVING, str(tmp_path), who) for who in ("a", "b")]
    assert [process.wait() for process in processes] == [0, 0]
    library = StrategyLibrary(tmp_path, tmp_path)
    texts = {library.read_version("mine", each.number) for each in library.versions("mine")}
    assert texts == {f"{who} {number}\n" for who in "ab" for number in range(15)}
    assert library.read("mine") in {"a 14\n", "b 14\n"}
    assert not list(tmp_path.rglob("*.new"))


def test_a_folder_that_cannot_be_written_is_said_and_the_old_text_stays(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("a file where the folder should be")
    library = StrategyLibrary(tmp_path / "own", tmp_path / "shipped")
    with pytest.raises(InputError, match="could not be written"):
        library.save("mine", TEXT)
    drafts = Drafts(tmp_path / "own" / "drafts")
    with pytest.raises(InputError, match="could not be kept"):
        drafts.keep("mine", TEXT)
    assert drafts.all() == []


# Drafts ------------------------------------------------------------------------------------------------------


def test_a_draft_is_kept_word_for_word_and_found_newest_first(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "drafts")
    assert drafts.all() == []
    drafts.keep("mine", "[not toml\r\n")
    drafts.keep("other", TEXT)
    os.utime(tmp_path / "drafts" / "draft-mine.toml", ns=(0, 5_000_000_000_000_000_000))
    assert [(each.name, each.toml) for each in drafts.all()] == [("mine", "[not toml\r\n"), ("other", TEXT)]
    assert drafts.all()[0].kept_ms == 5_000_000_000_000
    assert drafts.drop("mine")
    assert not drafts.drop("mine")
    assert [each.name for each in drafts.all()] == ["other"]


NAMES = ["", "con", "nul.", "CON", "con ", "a/b\\c:d", "Größe 1", "..", "%41", "a" * 60]


def test_any_name_names_a_draft_of_its_own(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path)
    for name in NAMES:
        drafts.keep(name, name)
    assert {each.name: each.toml for each in drafts.all()} == {name: name for name in NAMES}
    assert len({path.name.lower() for path in tmp_path.iterdir()}) == len(NAMES)
    with pytest.raises(InputError, match="too long"):
        drafts.keep("ä" * 200, "x")


_TORN = """
import os, sys
from pathlib import Path
from tradebot.engine.control import files
from tradebot.engine.strategy.drafts import Drafts
files.replace_patiently = lambda source, target: os._exit(9)
Drafts(Path(sys.argv[1])).keep("mine", "new")
"""


def test_a_kill_while_a_draft_is_kept_leaves_the_one_before(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path)
    drafts.keep("mine", "old")
    run(_TORN, str(tmp_path)).wait()
    assert [(each.name, each.toml) for each in drafts.all()] == [("mine", "old")]


# Templates ---------------------------------------------------------------------------------------------------

TEMPLATE = """\
# a remark
[strategy]
name = "Two averages"
note = "Earns in trends. Figures: BTCUSDT 15m 2024: 212 trades, +18 %."
symbols = ["BTCUSDT"]
timeframe = "15m"
"""


def test_templates_are_read_with_their_figures_apart(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(TEMPLATE)
    (tmp_path / "a.toml").write_text(TEXT)
    (tmp_path / "broken.toml").write_text("[")
    found = Templates(tmp_path).all()
    assert [(each.name, each.title, each.note, each.figures) for each in found] == [
        ("a", "a", "", ""),
        ("b", "Two averages", "Earns in trends.", "BTCUSDT 15m 2024: 212 trades, +18 %."),
    ]
    assert Templates(tmp_path / "nowhere").all() == []


def test_a_strategy_made_from_a_template_has_its_market_and_not_its_figures(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(TEMPLATE)
    text = Templates(tmp_path).text("b", REGISTRY, "ETHUSDT")
    assert "# a remark" in text
    assert 'note = "Earns in trends."' in text
    assert 'symbols = ["ETHUSDT"]' in text
    with pytest.raises(InputError, match='Did you mean "b"'):
        Templates(tmp_path).text("B", REGISTRY)


# Differences -------------------------------------------------------------------------------------------------

BEFORE = """\
[indicators.fast]
use = "ema"
length = 9
[signals.up]
use = "cross"
a = "close"
b = "fast"
[entry]
combine = "any"
signals = ["up"]
[risk]
take_profit = [{ use = "r", multiple = 1.0 }]
"""
AFTER = """\
[risk]
max_bars = 48
take_profit = [{ use = "r", multiple = 2 }]
[entry]
combine = "any"
signals = ["up", "low"]   # remarks count for nothing
[indicators.fast]
use = "ema"
length = 12
[signals.up]
use = "cross"
a = "close"
b = "fast"
[signals.low]
use = "breakout"
bars = 20
"""


def test_two_texts_are_compared_value_by_value_in_the_order_of_the_form() -> None:
    assert [(each.path, each.before, each.after) for each in differences(BEFORE, AFTER)] == [
        ("indicators.fast.length", "9", "12"),
        ("signals.low.use", "", "breakout"),
        ("signals.low.bars", "", "20"),
        ("entry.signals", "up", "up, low"),
        ("risk.max_bars", "", "48"),
        ("risk.take_profit.1.multiple", "1", "2"),
    ]
    assert differences(BEFORE, BEFORE + "# a remark\n") == ()
    with pytest.raises(InputError, match="cannot be compared"):
        differences(BEFORE, "[")


def test_what_a_version_changed_is_said_in_a_few_words() -> None:
    assert (
        summary(differences(BEFORE, AFTER)) == "indicators.fast.length 9 -> 12, signals.low added and 3 more"
    )
    assert summary(differences(AFTER, BEFORE)).startswith(
        "indicators.fast.length 12 -> 9, signals.low removed"
    )
    assert summary(()) == "nothing but remarks"
