"""`tradebot install-profile`: tradebot in the menu of Windows Terminal, and out of it again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tradebot.commands.context import print_out
from tradebot.engine.control.errors import InputError

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        help="Where Windows Terminal looks for fragments, if not in its usual place.",
        show_default=False,
    ),
]


def install_profile(
    remove: Annotated[bool, typer.Option("--remove", help="Take it out again.")] = False,
    folder: FolderOption = None,
) -> None:
    """Add a profile with icon to Windows Terminal that starts tradebot; its own settings file stays as it is.

    Run in a folder with config/tradebot.toml, the profile starts there.
    """
    from tradebot.commands.profile.fragment import Fragment, add, starting_folder, take_out, usual_folder

    place = folder if folder is not None else usual_folder(sys.platform)
    if place is None:
        raise InputError(
            "Only Windows Terminal takes profiles from a folder, and this is not Windows; start tradebot by its name "
            "here, or name a folder with --folder to look at the files."
        )
    if remove:
        print_out(take_out(place))
        return
    icon = Path(__file__).with_name("icon.png")
    print_out(add(place, Fragment(Path(sys.executable), starting_folder(Path.cwd()), icon.read_bytes())))
