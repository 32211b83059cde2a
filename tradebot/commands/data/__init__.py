"""`tradebot data`: what is stored, whether it is sound, and keeping it so; one module for a command or two."""

from __future__ import annotations

import typer

from tradebot.commands.data.checking import check
from tradebot.commands.data.holes import holes
from tradebot.commands.data.importing import import_files
from tradebot.commands.data.keeping import backup, compact, prune, restore
from tradebot.commands.data.listing import list_data
from tradebot.commands.data.opening import open_store
from tradebot.commands.data.repairing import repair

__all__ = ["app", "open_store"]

app = typer.Typer(
    help="Market data: list, check and repair it, import files, back it up.", no_args_is_help=False
)
app.command("list")(list_data)
app.command("check")(check)
app.command("repair")(repair)
app.command("import")(import_files)
app.command("holes")(holes)
app.command("backup")(backup)
app.command("restore")(restore)
app.command("prune")(prune)
app.command("compact")(compact)
