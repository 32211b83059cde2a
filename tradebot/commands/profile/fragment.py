"""The files of a JSON fragment extension of Windows Terminal: written, replaced and removed as a whole.

Windows Terminal reads `Microsoft/Windows Terminal/Fragments/<app>/*.json` below the user's local application data and
adds the profiles it finds there to its menu. The user's settings.json is never touched, and what the user changes in
the profile's settings stays there, because the profile keeps its GUID.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.control.files import write_atomically

APP = "tradebot"
_JSON_NAME = "tradebot.json"
_ICON_NAME = "tradebot.png"
# The namespace that Windows Terminal gives fragments; it derives a profile's GUID from it, the app and the name.
_NAMESPACE = uuid.UUID("f65ddb7e-706b-4499-8a50-40313caf510a")


def profile_guid(app: str, name: str) -> str:
    """The GUID of a fragment's profile, by Windows Terminal's rule: UUID version 5 over names in UTF-16LE.

    >>> profile_guid("Git", "Git Bash")
    '{2ece5bfe-50ed-5f3a-ab87-5cd4baafed2b}'
    """
    inner = uuid.uuid5(_NAMESPACE, _wide(app))
    return f"{{{uuid.uuid5(inner, _wide(name))}}}"


def _wide(text: str) -> str:
    # uuid5 encodes what it gets as UTF-8, which leaves these bytes as they are: ASCII names only.
    return text.encode("utf-16-le").decode("ascii")


@dataclass(frozen=True, slots=True)
class Fragment:
    """What the profile starts: the Python that tradebot is installed in, the folder it begins in ("": the user's)."""

    python: Path
    starting_folder: str
    icon: bytes

    def document(self, icon_file: Path) -> dict[str, Any]:
        """The JSON of the fragment; `icon_file` is where the icon will stand."""
        profile = {
            "guid": profile_guid(APP, APP),
            "name": APP,
            "commandline": command_line(self.python),
            "icon": str(icon_file),
            "startingDirectory": self.starting_folder or "%USERPROFILE%",
            "tabTitle": APP,
            "suppressApplicationTitle": True,
        }
        return {"profiles": [profile]}


def command_line(python: Path) -> str:
    """`tradebot` beside that Python, by its full path, since a virtual environment is on no path; else its module.

    >>> command_line(Path("nowhere/python.exe"))
    '"nowhere/python.exe" -m tradebot'
    """
    for name in ("tradebot.exe", "tradebot"):
        launcher = python.with_name(name)
        if launcher.is_file():
            return f'"{launcher}"'
    return f'"{python}" -m tradebot'


def starting_folder(working: Path) -> str:
    """The working folder where it has settings of its own, so that the same data is opened, else ""."""
    return str(working) if (working / "config" / "tradebot.toml").is_file() else ""


def usual_folder(platform: str) -> Path | None:
    """Where Windows Terminal looks for fragments of this user; None on another system."""
    if platform != "win32":
        return None
    return Path(platformdirs.user_data_dir()) / "Microsoft" / "Windows Terminal" / "Fragments"


def add(place: Path, fragment: Fragment) -> str:
    """Write the fragment below `place`, or replace it; the sentence that says so. ShortfallError where refused."""
    own = place / APP
    file, icon = own / _JSON_NAME, own / _ICON_NAME
    known = file.is_file()
    try:
        # The icon first: the terminal may look as soon as the profile is there.
        write_atomically(icon, fragment.icon)
        write_atomically(file, json.dumps(fragment.document(icon), ensure_ascii=False, indent=4) + "\n")
    except OSError as error:
        raise ShortfallError(_refused(own, error)) from None
    done = "renewed" if known else "added"
    return (
        f"The profile {APP} is {done} ({file}). Windows Terminal shows it in its menu after its next start; "
        "tradebot install-profile --remove takes it out again."
    )


def take_out(place: Path) -> str:
    """Remove the fragment, and nothing else that stands there; the sentence that says so."""
    own = place / APP
    files = [each for each in (own / _JSON_NAME, own / _ICON_NAME) if each.exists()]
    if not files:
        return f"There is no profile {APP} in {place}; nothing was changed."
    try:
        for file in files:
            file.unlink()
        if not any(own.iterdir()):
            own.rmdir()
    except OSError as error:
        raise ShortfallError(_refused(own, error)) from None
    return f"The profile {APP} is removed; Windows Terminal drops it from its menu at its next start."


def _refused(folder: Path, error: OSError) -> str:
    reason = (error.strerror or type(error).__name__).lower()
    return f"{folder} could not be changed ({reason}); close Windows Terminal or allow writing there, and try again."
