"""`tradebot logs`: what was logged, by whichever tradebot of this user, filtered, and on as it comes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradebot.commands.context import ConfigOption, JsonOption, open_context, print_note, print_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tradebot.engine.control.logs import LogEntry

_LAST = 200
_LOOK_SECONDS = 0.25


def logs(
    level: Annotated[str, typer.Option(help="Least level to show: debug, info, warning, error.")] = "debug",
    component: Annotated[str, typer.Option(help="Only this part of the house, such as store.")] = "",
    since: Annotated[str, typer.Option(help="Only records since: a date, or a span such as 2h.")] = "",
    search: Annotated[
        str, typer.Option(help="Only records with all these words; /.../ is a regular expression.")
    ] = "",
    last: Annotated[
        int | None,
        typer.Option(
            min=0, help="Only the last so many; 0: all. 200 where --since is not given.", show_default=False
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on as it comes, until Ctrl+C.")] = False,
    details: Annotated[bool, typer.Option("--details", help="Also tracebacks and further details.")] = False,
    folder: Annotated[
        Path | None,
        typer.Option(help="Folder of the log files, such as that of a demo.", show_default=False),
    ] = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Show what tradebot logged. With --follow, --json prints one JSON object a line instead of one document."""
    from tradebot.engine.control.errors import InputError
    from tradebot.engine.control.logs_reading import LogReader

    context = open_context(None, config, None, json_wanted)
    if folder is not None and not folder.is_dir():
        raise InputError(f"There is no folder {folder}; name the one that holds the log files.")
    wanted = _wanted(level, component, since, search)
    place = folder or context.folders.logs
    reader = LogReader(place)
    found = [entry for entry in reader.poll() if wanted(entry)]
    keep = last if last is not None else 0 if since else _LAST
    found = found[-keep:] if keep else found
    if json_wanted and not follow:
        document = {"folder": str(place), "records": [_document(entry) for entry in found]}
        context.answer(document, "")
        return
    _print(found, json_wanted, details)
    if not found:
        print_note(f"No record in {place} is like that.")
    while follow:
        time.sleep(_LOOK_SECONDS)
        _print((entry for entry in reader.poll() if wanted(entry)), json_wanted, details)


def _wanted(level: str, component: str, since: str, search: str) -> Callable[[LogEntry], bool]:
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.control.errors import InputError
    from tradebot.engine.control.logs_reading import at_least, text_filter
    from tradebot.engine.market.times import parse_time

    levels, has_words = at_least(level.lower()), text_filter(search)
    try:
        since_ms = parse_time(since, SystemClock().now_ms()) if since else 0
    except ValueError as error:
        raise InputError(f"--since: {error}.") from None

    def wanted(entry: LogEntry) -> bool:
        return (
            entry.level in levels
            and entry.time_ms >= since_ms
            and (not component or entry.component.lower().startswith(component.lower()))
            and has_words(entry)
        )

    return wanted


def _print(entries: Iterable[LogEntry], as_json: bool, details: bool) -> None:
    for entry in entries:
        print_out(json.dumps(_document(entry), ensure_ascii=False) if as_json else line_of(entry, details))


def line_of(entry: LogEntry, details: bool = False) -> str:
    """A record as text: time, level, component, sentence; below it what we did and what can be done."""
    from tradebot.engine.control.errors import printable
    from tradebot.engine.control.logs_advice import advice
    from tradebot.engine.market.times import iso_ms

    when = iso_ms(entry.time_ms).replace("T", " ").removesuffix("+00:00").removesuffix("Z")
    lines = [f"{when}  {entry.level.upper():<7}  {entry.component:<12}  {entry.sentence}"]
    told = advice(entry)
    lines += [
        f"    {label}{text}" for label, text in (("we did: ", told.did), ("you can: ", told.can_do)) if text
    ]
    if details and entry.details:
        lines += [f"    {line}" for line in entry.details.splitlines()]
    return printable("\n".join(lines).replace("\t", "    "))


def _document(entry: LogEntry) -> dict[str, object]:
    from tradebot.engine.control.logs import to_line
    from tradebot.engine.market.times import iso_ms

    return {**json.loads(to_line(entry)), "time_iso": iso_ms(entry.time_ms)}
