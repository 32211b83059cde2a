"""The alerts' files: edited by people and by commands, never half written, wrong ones answered with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradebot.engine.alerts import AlertBook, Told
from tradebot.engine.control.errors import InputError


def test_alerts_are_added_read_and_removed(tmp_path: Path) -> None:
    book = AlertBook(tmp_path / "new")
    assert book.alerts() == ()
    first = book.add("BTCUSDT  above 60000")
    second = book.add("BTCUSDT above 60000", pause_ms=3_600_000)
    third = book.add("job failed", name="Jobs")
    assert [each.name for each in (first, second, third)] == [
        "btcusdt-above-60000",
        "btcusdt-above-60000-2",
        "Jobs",
    ]
    assert book.alerts() == (first, second, third)
    book.remove("btcusdt-above-60000")
    assert book.alerts() == (second, third)
    for each in (second, third):
        book.remove(each.name)
    assert book.alerts() == ()


def test_what_a_person_wrote_stays_when_a_command_changes_the_file(tmp_path: Path) -> None:
    book = AlertBook(tmp_path)
    mine = '# mine\n[[alert]]\nname = "low"  # the dip\nwhen = "BTCUSDT below 50000"\nagain = "2h"\n'
    book.path.write_text(mine, encoding="utf-8")
    book.add("gap found")
    text = book.path.read_text(encoding="utf-8")
    assert text.startswith(mine)
    assert [alert.pause_ms for alert in book.alerts()] == [7_200_000, 900_000]


def test_a_snooze_stands_in_the_file_until_it_is_woken(tmp_path: Path) -> None:
    book = AlertBook(tmp_path)
    book.add("gap found", name="gaps")
    book.snooze("gaps", 1_700_000_000_000)
    assert book.alerts()[0].snoozed_until_ms == 1_700_000_000_000
    book.snooze("gaps", 0)
    assert book.alerts()[0].snoozed_until_ms == 0


def test_off_and_changes_stand_in_the_file_and_what_is_usual_does_not(tmp_path: Path) -> None:
    book = AlertBook(tmp_path)
    book.add("gap found", name="gaps")
    book.arm("gaps", armed=False)
    book.change("gaps", "gap  found", 3_600_000)
    assert (book.alerts()[0].armed, book.alerts()[0].pause_ms) == (False, 3_600_000)
    book.arm("gaps", armed=True)
    book.change("gaps", "gap found", 900_000)
    text = book.path.read_text(encoding="utf-8")
    assert text.endswith('[[alert]]\nname = "gaps"\nwhen = "gap found"\n')


def test_a_pause_written_by_hand_is_half_a_minute_at_least(tmp_path: Path) -> None:
    book = AlertBook(tmp_path)
    book.path.write_text('[[alert]]\nname = "a"\nwhen = "gap found"\nagain = "1s"\n', encoding="utf-8")
    assert book.alerts()[0].pause_ms == 30_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[alert]\n", "not valid TOML"),
        ("[[alert]]\nname = 'a'\nwhen = 'gap found'\narmed = 1\n", "armed must be true or false"),
        ("[alert]\nname = 'a'\n", "expected only tables"),
        ("alerts = 1\n", "not alerts"),
        (
            "[[alert]]\nname = 'a'\nwehn = 'gap found'\n",
            'alert 1: wehn is not known here. Did you mean "when"',
        ),
        (
            "[[alert]]\nname = 'a'\nwhen = 'gap found'\n[[alert]]\nname = 'a'\nwhen = 'job done'\n",
            "stands twice",
        ),
        ("[[alert]]\nname = 'a'\n", "name and when must be texts"),
        ("[[alert]]\nname = 'a b'\nwhen = 'gap found'\n", "may have letters"),
        ("[[alert]]\nname = 'a'\nwhen = 'gibberish'\n", "alert 1: .gibberish. is not understood"),
        ("[[alert]]\nname = 'a'\nwhen = 'gap found'\nagain = 'soon'\n", "not a length of time"),
        ("[[alert]]\nname = 'a'\nwhen = 'gap found'\nsnoozed_until = 'monday'\n", "must be a time"),
    ],
)
def test_a_wrong_file_is_a_sentence_and_is_not_touched(tmp_path: Path, text: str, said: str) -> None:
    book = AlertBook(tmp_path)
    book.path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        book.alerts()
    with pytest.raises(InputError):
        book.add("job done")
    assert book.path.read_text(encoding="utf-8") == text


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    book = AlertBook(tmp_path)
    book.add("gap found", name="gaps")
    with pytest.raises(InputError, match='Did you mean "gaps"'):
        book.remove("gasp")
    with pytest.raises(InputError, match="already"):
        book.add("job done", name="gaps")


def test_the_history_is_newest_first_and_passes_over_torn_lines(tmp_path: Path) -> None:
    book = AlertBook(tmp_path)
    assert book.history(5) == []
    told = [Told(1_700_000_000_123 + each, "a", f"Nummer {each}: ▲") for each in range(3)]
    for each in told:
        book.note(each)
    with book.history_path.open("a", encoding="utf-8") as file:
        file.write('{"time": "2024-')
    assert book.history(2) == [told[2], told[1]]


def test_the_history_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradebot.engine.alerts.book._LONGEST_HISTORY_BYTES", 500)
    monkeypatch.setattr("tradebot.engine.alerts.book._KEPT", 3)
    book = AlertBook(tmp_path)
    for each in range(20):
        book.note(Told(each, "a", f"{each}"))
    assert book.history_path.stat().st_size < 700
    assert book.history(1)[0].sentence == "19"
