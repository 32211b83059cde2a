"""`tradebot config`: every setting with its source, saved ones, and back to the version before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradebot.commands.context import ConfigOption, JsonOption, open_context, print_note, print_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tradebot.engine.control.settings import Resolved
    from tradebot.engine.control.settings_saving import SavedSettings

app = typer.Typer(help="Show, save and roll back settings.")


@app.command("show")
def show(
    path: Annotated[
        str, typer.Argument(help="Only these: exchange, exchange.url, or keys.", show_default=False)
    ] = "",
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Show every setting: its value, where that comes from, and what it is for."""
    from tradebot.engine.control.errors import InputError, did_you_mean
    from tradebot.engine.control.redaction import redact
    from tradebot.engine.control.settings_schema import setting_specs, text_of, value_at

    context = open_context(None, config, None, json_wanted)
    if path == "keys" or path.startswith("keys."):
        from tradebot.commands.config_keys import show_keys

        show_keys(context, path.removeprefix("keys").lstrip("."))
        return
    specs = [spec for spec in setting_specs() if not path or f"{spec.path}.".startswith(f"{path}.")]
    if not specs:
        known = [spec.path for spec in setting_specs()]
        raise InputError(f"{path} is not a setting.{did_you_mean(path, known)}")
    rows = [
        (spec, redact(text_of(value_at(context.settings, spec.path))), source_of(context.sources, spec.path))
        for spec in specs
    ]
    if json_wanted:
        from tradebot.engine.control.settings_schema import value_at

        document = [
            {
                "setting": spec.path,
                "value": redact(value)
                if isinstance(value := value_at(context.settings, spec.path), str)
                else value,
                "source": source,
                "default": spec.default,
                "help": spec.help,
            }
            for spec, _, source in rows
        ]
        context.answer({"saved": str(context.folders.saved_settings), "settings": document}, "")
        return
    wide, wider = max(len(spec.path) for spec in specs), max(len(text) for _, text, _ in rows)
    for spec, text, source in rows:
        print_out(f"{spec.path:<{wide}}  {text:<{min(wider, 34)}}  {source}")
        if len(specs) == 1:
            print_out(
                f"  {spec.help}{f' ({spec.takes})' if spec.takes else ''}; default {spec.default or 'none'}"
            )


@app.command("set")
def set_value(
    path: Annotated[str, typer.Argument(help="The setting, such as exchange.budget_percent.")],
    value: Annotated[
        str | None, typer.Argument(help="Its value; lists with commas.", show_default=False)
    ] = None,
    default: Annotated[bool, typer.Option("--default", help="Save nothing for it any more.")] = False,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Save a setting. It counts from the next start; the version before is kept."""
    from tradebot.engine.control.errors import InputError

    if (value is None) is not default:
        raise InputError(f"Name a value for {path}, or --default, and not both.")
    saving, _ = _saving(config)
    if path == "keys" or path.startswith("keys."):
        from tradebot.commands.config_keys import check_keys

        check_keys(saving, path, value)
    resolved = saving.save({path: value})
    _tell(resolved, path, saving.path, json_wanted)


@app.command("rollback")
def rollback(config: ConfigOption = None, json_wanted: JsonOption = False) -> None:
    """Put the version of the saved settings before the last one back; once more undoes it."""
    import json

    saving, _ = _saving(config)
    saving.roll_back()
    if json_wanted:
        print_out(json.dumps({"saved": str(saving.path)}))
    else:
        print_out(
            f"{saving.path} is as it was before it was last saved; tradebot config rollback undoes that."
        )


def source_of(sources: Mapping[str, str], path: str) -> str:
    """Where a value comes from in words: default, a file, an environment variable, the command line."""
    inside = [source for name, source in sources.items() if name == path or name.startswith(f"{path}.")]
    return inside[-1] if inside else "default"


def _saving(config: Path | None) -> tuple[SavedSettings, Path | None]:
    """Where settings are saved; what is saved now need not be right, as this is how it is mended."""
    from dataclasses import replace

    from tradebot.engine.control.folders import find_folders
    from tradebot.engine.control.settings_saving import SavedSettings

    folders = find_folders(Path.cwd())
    file = folders.config / "tradebot.toml"
    if config is not None:
        folders, file = replace(folders, config=config.resolve().parent), config
    found = file if config is not None or file.is_file() else None
    return SavedSettings(folders.saved_settings, found), found


def _tell(resolved: Resolved, path: str, file: Path, json_wanted: bool) -> None:
    import json

    from tradebot.engine.control.settings_schema import text_of, value_at

    value: Any = value_at(resolved.settings, path)
    source = source_of(resolved.sources, path)
    if json_wanted:
        shown = list(value) if isinstance(value, tuple) else value
        print_out(json.dumps({"setting": path, "value": shown, "source": source, "saved": str(file)}))
    else:
        print_out(f"{path} = {text_of(value) or 'none'}  ({source})")
    if source.startswith(("environment", "command")):
        print_note(f"It is saved in {file}, but the {source} goes over it.")
