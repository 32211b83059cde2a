"""`tradebot install-profile`: a fragment that Windows Terminal understands, written, renewed and removed as a whole."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.windows_shim import SUPPORTED, windows_rules
from tradebot.cli import run
from tradebot.commands.profile.fragment import command_line, profile_guid, starting_folder, usual_folder

GUID = "{fb26fa7c-f920-56ee-a6f2-8afaaab7f110}"


def install(folder: Path, *more: str) -> int:
    return run(["install-profile", "--folder", str(folder), *more])


def profile_in(folder: Path) -> dict[str, object]:
    (profile,) = json.loads((folder / "tradebot" / "tradebot.json").read_text(encoding="utf-8"))["profiles"]
    assert isinstance(profile, dict)
    return profile


def test_the_guid_is_derived_as_windows_terminal_does() -> None:
    assert (
        profile_guid("Git", "Git Bash") == "{2ece5bfe-50ed-5f3a-ab87-5cd4baafed2b}"
    )  # the example of its pages


def test_the_profile_starts_this_tradebot_with_an_icon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert install(tmp_path / "Fragmente für mich") == 0
    profile = profile_in(tmp_path / "Fragmente für mich")
    assert (profile["guid"], profile["name"]) == (GUID, "tradebot")
    assert profile["commandline"] == command_line(Path(sys.executable))
    assert profile["startingDirectory"] == "%USERPROFILE%"
    icon = Path(str(profile["icon"]))
    assert icon.parent == tmp_path / "Fragmente für mich" / "tradebot"
    assert icon.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_in_a_folder_with_settings_the_profile_starts_there(tmp_path: Path) -> None:
    assert starting_folder(tmp_path) == ""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "tradebot.toml").write_text("", encoding="utf-8")
    assert starting_folder(tmp_path) == str(tmp_path)


def test_the_launcher_beside_python_is_named_by_its_full_path(tmp_path: Path) -> None:
    python = tmp_path / "python.exe"
    assert command_line(python) == f'"{python}" -m tradebot'
    (tmp_path / "tradebot.exe").write_bytes(b"")
    assert command_line(python) == f'"{tmp_path / "tradebot.exe"}"'


def test_a_second_time_renews_it_and_remove_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install(tmp_path) == 0
    assert "is added" in capsys.readouterr().out
    (tmp_path / "tradebot" / "tradebot.json").write_text("{}", encoding="utf-8")
    assert install(tmp_path) == 0
    assert "is renewed" in capsys.readouterr().out
    assert profile_in(tmp_path)["guid"] == GUID
    assert install(tmp_path, "--remove") == 0
    assert list(tmp_path.iterdir()) == []
    assert install(tmp_path, "--remove") == 0
    assert "nothing was changed" in capsys.readouterr().out


def test_remove_keeps_what_others_put_there(tmp_path: Path) -> None:
    assert install(tmp_path) == 0
    (tmp_path / "tradebot" / "mine.json").write_text("{}", encoding="utf-8")
    assert install(tmp_path, "--remove") == 0
    assert [path.name for path in (tmp_path / "tradebot").iterdir()] == ["mine.json"]


@pytest.mark.skipif(not SUPPORTED, reason="this system does not tell which files are open or mapped")
def test_a_file_that_the_terminal_holds_open_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install(tmp_path) == 0
    before = profile_in(tmp_path)
    with windows_rules() as rules, rules.locked(tmp_path / "tradebot" / "tradebot.json"):
        assert install(tmp_path, "--remove") == 1
        assert install(tmp_path) == 1
    assert "could not be changed" in capsys.readouterr().err
    assert profile_in(tmp_path) == before


def test_only_windows_has_a_place_for_it() -> None:
    assert usual_folder("linux") is None
    assert usual_folder("darwin") is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has the place")
def test_elsewhere_it_is_refused_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["install-profile"]) == 2
    assert "this is not Windows" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows has the place")
def test_the_place_is_below_the_local_application_data() -> None:
    place = usual_folder("win32")
    assert place is not None
    assert place.parts[-3:] == ("Microsoft", "Windows Terminal", "Fragments")
