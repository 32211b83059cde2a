"""The console interface: one sub-command per capability, refusals as sentences, exit codes 0, 1, 2 and 130."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from tradebot import __version__
from tradebot.commands import (
    alerts,
    backtest,
    chart,
    collect,
    config,
    data,
    demo,
    doctor,
    logs,
    profile,
    results,
    sim,
    strategy,
    terminal,
    watch,
)
from tradebot.commands.context import ConfigOption, DataOption, UrlOption, print_note, print_out
from tradebot.engine.control.crash import report_crash
from tradebot.engine.control.errors import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_SHORT,
    EXIT_USAGE,
    TradebotError,
    did_you_mean,
    nearest,
    printable,
)
from tradebot.engine.control.logs import LogFiles
from tradebot.engine.control.logs_python import begin_logging, choose_level, end_logging

_WRONG_VALUES = (
    (re.compile(r"valid (int|integer|whole)"), "a whole number"),
    (re.compile(r"valid (float|number)"), "a number"),
    (re.compile(r"less than or equal to (?P<bound>[\d.]+)"), "at most {bound}"),
    (re.compile(r"greater than or equal to (?P<bound>[\d.]+)"), "at least {bound}"),
    (re.compile(r"'(?P<path>.*)' is not readable", re.S), "something that may be read, which {path} may not"),
    (re.compile(r"is not one of (?P<bound>.*)\."), "one of {bound}"),
    (re.compile(r"not in the range (?P<bound>.*)\."), "in the range {bound}"),
)
_LOG_LEVEL = "--log-level"
INTERRUPTED = "Interrupted. Everything stored so far is kept."
# BadParameter is the one class of the parser that typer exports; its base is what every wrong usage is.
_UsageError: Any = typer.BadParameter.__mro__[1]

app = typer.Typer(
    name="tradebot",
    help="A trading workstation in the terminal for Bybit. Without a command it opens the terminal app.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("collect")(collect.collect)
app.add_typer(data.app, name="data")
app.add_typer(strategy.app, name="strategy")
app.command("backtest")(backtest.backtest)
app.add_typer(results.app, name="results")
app.command("sim")(sim.sim)
app.add_typer(alerts.app, name="alerts")
app.command("chart")(chart.chart)
app.command("watch")(watch.watch)
app.command("doctor")(doctor.doctor)
app.command("logs")(logs.logs)
app.add_typer(config.app, name="config")
app.command("install-profile")(profile.install_profile)


class LevelName(StrEnum):
    """The levels of the log, least first."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    data_folder: DataOption = None,
    config_file: ConfigOption = None,
    url: UrlOption = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
    log_level: Annotated[
        LevelName | None,
        typer.Option(
            _LOG_LEVEL, help="Least level that is logged; works behind every command.", show_default=False
        ),
    ] = None,
) -> None:
    """Open the terminal app on the exchange's public data, where no command is named."""
    choose_level(log_level.value if log_level is not None else None)
    if version:
        print_out(f"tradebot {__version__}")
    elif context.invoked_subcommand is None:
        terminal.open_app(data_folder, config_file, url)
    elif data_folder or config_file or url:
        raise OptionTooEarlyError(context.invoked_subcommand)


class OptionTooEarlyError(TradebotError):
    """An option of a command stands before the command's name."""

    exit_code = EXIT_USAGE

    def __init__(self, command: str) -> None:
        super().__init__(
            f"--data, --config and --url belong behind the command: tradebot {command} --data DIR, not before it."
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and end the process with its exit code."""
    _use_utf8()
    code = run(sys.argv[1:] if arguments is None else arguments)
    _let_go_of_output()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run a command line; the exit code: 0 done, 1 something falls short, 2 wrong usage or input, 130 interrupted.

    While it runs, what is logged goes to the log files; a defect of ours ends in a report and a sentence.
    """
    log = begin_logging(LogFiles())
    try:
        return _run(arguments)
    except Exception as error:  # noqa: BLE001 - the last door: a person reads a sentence, the traceback is in the report
        print_note(report_crash(error, log, arguments))
        return EXIT_SHORT
    finally:
        end_logging()


def _run(arguments: Sequence[str]) -> int:
    try:
        outcome = typer.main.get_command(app)(
            _level_first(arguments), prog_name="tradebot", standalone_mode=False
        )
    except TradebotError as error:
        print_note(error.sentence)
        return error.exit_code
    except typer.Exit as finished:
        outcome = finished.exit_code
    except (KeyboardInterrupt, typer.Abort):
        outcome = EXIT_INTERRUPTED
    except BrokenPipeError:
        return EXIT_SHORT
    except OSError as error:
        print_note(_system_refusal(error))
        return EXIT_SHORT
    except _UsageError as error:
        print_note(usage_sentence(error, arguments))
        return EXIT_USAGE
    # The parser turns an interrupt into this outcome by itself; no command ends with it in another way.
    if outcome == EXIT_INTERRUPTED:
        print_note(INTERRUPTED)
    return outcome if isinstance(outcome, int) else EXIT_OK


def _level_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with `--log-level LEVEL` before the command: it means the whole program, wherever it was typed."""
    rest, level = list(arguments), []
    end = rest.index("--") if "--" in rest else len(rest)
    for position, argument in enumerate(rest[:end]):
        if argument.startswith(f"{_LOG_LEVEL}=") or (argument == _LOG_LEVEL and position + 1 < end):
            level = rest[position : position + (1 if "=" in argument else 2)]
            del rest[position : position + len(level)]
            break
    return [*level, *rest]


def _system_refusal(error: OSError) -> str:
    """What the rooms have no better sentence for: an unreadable folder, a full disk behind standard output."""
    if error.errno == errno.ENOSPC:
        return "The output could not be written: no space is left where it goes; free some and run it again."
    what = f" {error.filename}" if error.filename else ""
    reason = (error.strerror or type(error).__name__).lower()
    return printable(
        f"The system refused{what} ({reason}); allow reading and writing there, or name another place."
    )


def usage_sentence(error: Any, arguments: Sequence[str] = ()) -> str:
    """Wrong usage in our words, with the nearest known name and where help stands."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "tradebot"
    return f"{_what_is_wrong(error, context, path, arguments)} See {path} --help."


def _what_is_wrong(error: Any, context: Any, path: str, arguments: Sequence[str]) -> str:
    kind = type(error).__name__
    message = error.format_message()
    if kind == "NoSuchOption":
        parameters = context.command.params if context else []
        # Without the dashes, which any two options share.
        known = [name.lstrip("-") for parameter in parameters for name in parameter.opts if name[:2] == "--"]
        match = nearest(error.option_name.lstrip("-"), known)
        meant = f' Did you mean "--{match}"?' if match else ""
        return f"{path} has no option {error.option_name}.{meant}"
    if kind == "MissingParameter":
        return f"{path} needs {_parameter_name(error)}."
    if kind == "BadOptionUsage":
        return f"{error.option_name} needs a value."
    unknown = re.search(r"No such command '(.*?)'", message)
    if unknown and context is not None:
        known = list(getattr(context.command, "commands", {}))
        return f"{path} has no command {unknown[1]!r}.{did_you_mean(unknown[1], known)}"
    extra = re.search(r"unexpected extra argument.*? \((.*)\)", message)
    if extra:
        return f"{path} does not know what to do with {extra[1]!r}."
    if kind == "NoArgsIsHelpError" or "Missing command" in message:
        return f"{path} needs a command."
    name = _parameter_name(error)
    given = "" if "is not readable" in message else _given(name, arguments)
    return f"{name} must be {_expected(message)}{given}."


def _expected(message: str) -> str:
    for pattern, words in _WRONG_VALUES:
        found = pattern.search(message)
        if found:
            return words.format(**found.groupdict())
    return "another value"


def _given(name: str, arguments: Sequence[str]) -> str:
    """`, was 'x'`: what stands behind the option on the command line."""
    for position, argument in enumerate(arguments):
        if argument == name and position + 1 < len(arguments):
            return f", was {arguments[position + 1]!r}"
        if argument.startswith(f"{name}="):
            return f", was {argument.partition('=')[2]!r}"
    return ""


def _parameter_name(error: Any) -> str:
    parameter = getattr(error, "param", None)
    if parameter is None:
        return "an option"
    first = str(parameter.opts[0])
    return (
        first
        if first.startswith("-")
        else str(getattr(parameter, "metavar", None) or first).upper().rstrip(".")
    )


def _let_go_of_output() -> None:
    """Drop what a full or closed output did not take, or the interpreter would fail over it at its end."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _use_utf8() -> None:
    """Box and block glyphs must not fail on a console with a legacy code page."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
