"""Commands about building strategies, answered from disk or memory: forms, rules, versions, drafts, templates."""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, get_args

from tradebot.engine.control.errors import InputError, TradebotError
from tradebot.engine.control.events import EventLog
from tradebot.engine.messages import (
    BuildCommand,
    CompareVersions,
    ComponentChoice,
    DeleteStrategy,
    DraftView,
    DropDraft,
    EditForm,
    FormView,
    FromTemplate,
    GetComponents,
    GetDrafts,
    GetTemplates,
    KeepDraft,
    ListVersions,
    NewStrategy,
    OpenForm,
    OpenToml,
    OpenVersion,
    ReadRule,
    RuleReading,
    SaveStrategy,
    StrategySummary,
    TemplateView,
    VersionDiff,
    VersionView,
)
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, check_strategy
from tradebot.engine.strategy.differences import differences, summary
from tradebot.engine.strategy.drafts import Drafts
from tradebot.engine.strategy.editing import edit_strategy
from tradebot.engine.strategy.form import build_form, component_choices
from tradebot.engine.strategy.library import StrategyFile, StrategyLibrary
from tradebot.engine.strategy.rules import RuleLanguage
from tradebot.engine.strategy.templates import Templates, new_strategy

if TYPE_CHECKING:
    from tradebot.engine.engine import EngineOptions

_COSTS = (
    *("taker_fee_percent", "maker_fee_percent", "slippage_percent", "half_spread_percent"),
    *("max_volume_share_percent", "impact", "funding"),
)


def is_build_command(command: object) -> TypeGuard[BuildCommand]:
    """Whether a command is one of those that are answered here."""
    return isinstance(command, get_args(BuildCommand))


class BuildQueries:
    """Answers on the calling thread, any thread. Nothing is kept but what is on disk and what was read from it."""

    def __init__(self, options: EngineOptions, events: EventLog, store: Store, registry: Registry) -> None:
        self._settings = options.settings
        self._events = events
        self._store = store
        self._registry = registry
        self.library = StrategyLibrary(options.folders.strategies, options.folders.shipped_strategies)
        self._drafts = Drafts(options.folders.state / "drafts")
        self._templates = Templates(options.folders.shipped / "templates")
        self._lock = threading.Lock()
        self._spoken: RuleLanguage | None = None
        self._read: dict[Path, tuple[tuple[int, int], StrategySummary]] = {}
        self.symbols: tuple[str, ...] | None = None
        """The symbols that are stored, as of the last listing; None: not listed yet. Looking takes 10 ms."""
        self.strategies: tuple[StrategySummary, ...] = ()

    def answer(self, command: BuildCommand) -> Any:
        """The reply to a command. Raises TradebotError where it is refused."""
        match command:
            case OpenForm():
                return self._form(self.library.read(command.name))
            case OpenToml():
                return self._form(command.text)
            case NewStrategy():
                return self._form(new_strategy(command.symbol or self._first_symbol()))
            case EditForm():
                return self._edit(command)
            case ReadRule():
                return self._read_rule(command)
            case GetComponents():
                return (*component_choices(self._registry), *self._symbol_choices())
            case GetTemplates():
                return tuple(
                    TemplateView(each.name, each.title, each.note, each.figures)
                    for each in self._templates.all()
                )
            case FromTemplate():
                return self._form(self._templates.text(command.name, self._registry, command.symbol))
        return self._answer_saved(command)

    def _answer_saved(self, command: BuildCommand) -> Any:
        match command:
            case SaveStrategy():
                return self._save(command)
            case DeleteStrategy():
                return self._delete(command.name)
            case ListVersions():
                return self._versions(command.name)
            case OpenVersion():
                return self._form(self.library.read_version(command.name, command.number))
            case CompareVersions():
                return self._compare(command)
            case KeepDraft():
                self._drafts.keep(command.name, command.toml)
                return True
            case GetDrafts():
                return tuple(DraftView(each.name, each.toml, each.kept_ms) for each in self._drafts.all())
            case DropDraft():
                return self._drafts.drop(command.name)
        raise InputError(f"{type(command).__name__} is not a command of building.")

    # ------------------------------------------------------------------------------------------ forms

    def _form(self, toml: str) -> FormView:
        return build_form(toml, self._registry, self._known_symbols(), self._defaults)

    def _edit(self, command: EditForm) -> FormView:
        language = self._language() if command.edit.action == "rule" else None
        edited = edit_strategy(command.toml, command.edit, self._registry, language)
        return replace(self._form(edited.toml), focus=edited.focus, said=edited.said)

    def _read_rule(self, command: ReadRule) -> RuleReading:
        try:
            document = tomllib.loads(command.toml)
        except (tomllib.TOMLDecodeError, RecursionError):
            raise InputError(
                "The text is not valid TOML, so no rule can be added; mend the text first."
            ) from None
        return self._language().read(command.text, document, command.place)

    def _language(self) -> RuleLanguage:
        """The rule language; made when it is asked for first, and anew when other symbols are stored."""
        symbols = self._known_symbols()
        with self._lock:
            if self._spoken is None or self._spoken.symbols != symbols:
                known = self._spoken.vocabulary if self._spoken is not None else None
                self._spoken = RuleLanguage(self._registry, symbols, known)
            return self._spoken

    def _known_symbols(self) -> tuple[str, ...]:
        if self.symbols is not None:
            return self.symbols
        return tuple(dict.fromkeys(key.symbol for key in self._store.keys()))  # noqa: SIM118 - no dict

    def _defaults(self, category: str) -> Mapping[str, str]:
        """What holds where the strategy says nothing of costs: the settings of its category."""
        costs: Any = getattr(self._settings.backtest, category, self._settings.backtest.linear)
        values = {name: getattr(costs, name, None) for name in _COSTS}
        return {
            f"costs.{name}": str(value).lower() if isinstance(value, bool) else f"{value:g}"
            for name, value in values.items()
            if value is not None
        }

    def _first_symbol(self) -> str:
        known = self._known_symbols()
        usual = self._settings.collect.symbols[0]
        return usual if usual in known or not known else known[0]

    def _symbol_choices(self) -> list[ComponentChoice]:
        stored: dict[str, dict[str, list[str]]] = {}
        for key in self._store.keys():  # noqa: SIM118 - no dict
            frames = stored.setdefault(key.symbol, {}).setdefault(str(key.category), [])
            frames.append(key.timeframe_name)
        return [
            ComponentChoice(
                "symbols",
                symbol,
                symbol,
                "; ".join(
                    f"{category}: {', '.join(frames)} stored" for category, frames in by_category.items()
                ),
                f"{symbol.removesuffix('USDT').removesuffix('USDC').lower()}",
            )
            for symbol, by_category in stored.items()
        ]

    # ------------------------------------------------------------------------------------------ saved strategies

    def _save(self, command: SaveStrategy) -> str:
        path = self.library.save(command.name, command.toml)
        self._drafts.drop(command.name)
        self.refresh()
        return path.stem

    def _delete(self, name: str) -> bool:
        kept = self.library.delete(name)
        self._drafts.drop(name)
        self._events.info("strategies", f"{name} was moved to {kept}.")
        self.refresh()
        return True

    def _versions(self, name: str) -> tuple[VersionView, ...]:
        views: list[VersionView] = []
        before = ""
        for version in self.library.versions(name):
            text = self.library.read_version(name, version.number)
            views.append(
                VersionView(version.number, version.saved_ms, version.current, _summary(before, text))
            )
            before = text
        return tuple(reversed(views))

    def _compare(self, command: CompareVersions) -> VersionDiff:
        before, after = (
            self.library.read_version(command.name, number) if number else command.toml
            for number in (command.old, command.new)
        )
        return VersionDiff(command.name, command.old, command.new, differences(before, after))

    def refresh(self) -> None:
        """Look again at the strategies on disk; files that did not change are not read again."""
        self.strategies = tuple(self._summary_of(file) for file in self.library.files())

    def _summary_of(self, file: StrategyFile) -> StrategySummary:
        try:
            state = file.path.stat()
        except OSError:
            return StrategySummary(
                file.name, file.name, (), "", file.example, "The file is not there any more."
            )
        stamp = (state.st_mtime_ns, state.st_size)
        known = self._read.get(file.path)
        if known is None or known[0] != stamp:
            version = 0 if file.example else self.library.newest_version(file.name)
            known = (stamp, replace(self._summarise(file), version=version))
            self._read[file.path] = known
        return known[1]

    def _summarise(self, file: StrategyFile) -> StrategySummary:
        try:
            checked = check_strategy(self.library.read(str(file.path)), file.path.name, self._registry)
        except TradebotError as error:
            return StrategySummary(file.name, file.name, (), "", file.example, error.sentence)
        problem = f"{checked.errors[0].path} {checked.errors[0].sentence}".strip() if checked.errors else ""
        spec = checked.spec
        if spec is None:
            return StrategySummary(file.name, file.name, (), "", file.example, problem)
        symbols = spec.symbols or ((f"top {spec.top.top}",) if spec.top is not None else ())
        return StrategySummary(file.name, spec.name, symbols, spec.timeframe.value, file.example, problem)


def _summary(before: str, after: str) -> str:
    """What a version changed, in a few words; "" where one of the two cannot be read."""
    if not before:
        return "first version"
    try:
        return summary(differences(before, after))
    except InputError:
        return ""
