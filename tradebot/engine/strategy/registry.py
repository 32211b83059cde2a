"""What strategies may be made of: declarations of indicators, signals, combinations, sizing, levels and sections.

A declaration is the only place where a parameter is named. The check, the form, `--set` and later the optimiser
read it from the `Registry`. A plug-in is one decorated function, here a whole one:

>>> @indicator("middle", "Middle of the bar", "Mean of high and low.", parameters=(), inputs=("high", "low"))
... def middle(high, low):
...     return (high + low) / 2
>>> Registry([middle]).indicators["middle"].outputs
('value',)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from tradebot.engine.market import Float64

BoolArray = npt.NDArray[np.bool_]
Value = int | float | str | bool
Values = Mapping[str, Value]
IndicatorFunction = Callable[..., Float64 | tuple[Float64, ...]]
SignalFunction = Callable[..., tuple[BoolArray, BoolArray]]
CombinationFunction = Callable[[list[BoolArray], list[float], Values], BoolArray]
LookBack = Callable[[Values], int]
Words = Callable[[Mapping[str, str]], tuple[str, str]]
Rule = Callable[[Values], "Iterable[tuple[str, str]]"]


class ParameterKind(StrEnum):
    """What a parameter holds; decides how it is checked and which field the form shows."""

    INTEGER = "int"
    NUMBER = "float"
    CHOICE = "choice"
    SERIES = "series"
    SWITCH = "bool"
    TEXT = "text"
    SYMBOL = "symbol"
    """The name of one symbol."""
    SYMBOLS = "symbols"
    """A list of symbols and patterns with * and ?, or a table of the values that `Parameter.parameters` declares."""
    MEMBER = "member"
    """The name of one signal or group."""
    MEMBERS = "members"
    """A list of names of signals and groups."""
    WEIGHTS = "weights"
    """A table from member to number."""
    USE = "use"
    """A table `{ use = "...", ... }` that names a declaration of the family `Parameter.family`."""
    USES = "uses"
    """A list of such tables (or one table alone)."""
    TABLE = "table"
    """A table of the values that `Parameter.parameters` declares."""


MEMBER_KINDS = (ParameterKind.MEMBER, ParameterKind.MEMBERS)
"""The kinds of parameters that name signals and groups."""

AS_MEMBER = "member"
"""`SignalDeclaration.supports` of a rule over members: long, short, direction or both, as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One value that a person may write. Without a default it is required, unless it is `optional`.

    `low` and `high` are inclusive. `allow_number`: a series parameter that also takes a plain number.
    `family`: for USE and USES, the family of declarations that `use` chooses from. `parameters`: for TABLE, and for the
    table that may stand in place of SYMBOLS, what it holds.
    """

    name: str
    kind: ParameterKind
    help: str
    default: Value | None = None
    optional: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    allow_number: bool = False
    family: str = ""
    parameters: tuple[Parameter, ...] = ()

    @property
    def required(self) -> bool:
        """Whether a file without this value is refused."""
        return self.default is None and not self.optional


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """Something a strategy may use: its name in the file, what people see, and its parameters.

    `rule` looks at the values together and yields (parameter name, sentence) for what does not fit.
    """

    family: ClassVar[str] = ""

    name: str
    label: str
    help: str
    parameters: tuple[Parameter, ...] = ()
    rule: Rule | None = None

    def parameter(self, name: str) -> Parameter:
        """The parameter of this name; KeyError where it has none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorDeclaration(Declaration):
    """A series computed from columns of the bars (`inputs`) and from series parameters, in this order.

    `series.INPUT_COLUMNS` lists the columns; the bars' open times (`time`) are among them.

    `compute(*inputs, *series, **other_parameters)` gets contiguous float64 columns without NaN that are longer
    than the look-back, and returns one column per output of the same length. `look_back(values)` is the number of
    bars before the first value; whatever stands there is replaced by NaN. `main`: the output meant by the
    indicator's bare name, "" where an output must be named. `recursive`: values depend on where the history starts.
    """

    family: ClassVar[str] = "indicators"

    compute: IndicatorFunction
    look_back: LookBack
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ("value",)
    main: str = ""
    recursive: bool = False
    plot: str = "price"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalDeclaration(Declaration):
    """A rule with two strict sides: `compute(*inputs, *series, *members, **other_parameters) -> (true, opposite)`.

    Both are bool columns, False wherever a value is missing that the rule looks at. `inputs` are columns of the bars
    (`series.INPUT_COLUMNS`). `supports` is how the truth is read unless the file says otherwise. `look_back` is the
    number of earlier bars the rule itself looks at, or a function of the values that gives it. `recursive`: what it
    says depends on where the history starts. `words` turns the texts of the given values into a clause for the truth
    and one for the opposite ("" where it never is).

    A rule about other signals and groups names them by parameters of kind MEMBER or MEMBERS; each comes as a pair of
    bool columns (its truth, its opposite), and `supports = AS_MEMBER` reads the rule as its members are read.
    `negates`: the rule may hold where a member does not; it is then made false wherever a member has no value on the
    bars looked at. `standing`: what it says usually holds on for many bars, as a comparison does and a cross does not;
    None: as long as what its members say.
    """

    family: ClassVar[str] = "signals"

    compute: SignalFunction
    supports: str
    inputs: tuple[str, ...] = ()
    look_back: int | LookBack = 0
    recursive: bool = False
    negates: bool = False
    standing: bool | None = False
    words: Words | None = None

    def bars_before(self, values: Values) -> int:
        """How many earlier bars the rule looks at with these values."""
        return self.look_back if isinstance(self.look_back, int) else self.look_back(values)

    @property
    def member_parameters(self) -> tuple[Parameter, ...]:
        """The parameters that name other signals and groups."""
        return tuple(each for each in self.parameters if each.kind in MEMBER_KINDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinationDeclaration(Declaration):
    """How members become one: `compute(votes, weights, values)`, once per side; one vote column per member."""

    family: ClassVar[str] = "combinations"

    compute: CombinationFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingDeclaration(Declaration):
    """A way to choose the quantity of an entry; the kernel computes it."""

    family: ClassVar[str] = "sizings"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopDeclaration(Declaration):
    """A way to place the initial stop; the kernel computes it from the fill."""

    family: ClassVar[str] = "stops"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetDeclaration(Declaration):
    """A way to place a profit target; the kernel computes it from the fill."""

    family: ClassVar[str] = "targets"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailingDeclaration(Declaration):
    """A way to let the stop follow the price; the kernel computes it from the extremes since the fill."""

    family: ClassVar[str] = "trailings"


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetDeclaration(Declaration):
    """A way to place an entry order beside the close of its decision."""

    family: ClassVar[str] = "offsets"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpacingDeclaration(Declaration):
    """A way to say how far the market must have moved in favour before a position is added to."""

    family: ClassVar[str] = "spacings"


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionDeclaration(Declaration):
    """The keys of one section of the file that are the same whatever is used in it."""

    family: ClassVar[str] = "sections"


_FAMILIES = (
    *("indicators", "signals", "combinations", "sections"),
    *("sizings", "stops", "targets", "trailings", "offsets", "spacings"),
)
_Kind = TypeVar("_Kind", bound=Declaration)


class Registry:
    """All declarations, by family and name. Made by `builtin_registry()`; plug-ins are added to it."""

    def __init__(self, declarations: Iterable[Declaration] = ()) -> None:
        self._families: dict[str, dict[str, Declaration]] = {family: {} for family in _FAMILIES}
        self._of_kind: dict[type[Declaration], dict[str, Any]] = {}  # made on first use, asked for very often
        self.left_out: dict[tuple[str, str], str] = {}
        """Names, by family, that a plug-in would have declared, and why it was left out."""
        for declaration in declarations:
            self.add(declaration)

    def add(self, declaration: Declaration) -> None:
        """Take a declaration in; ValueError when its family has that name already."""
        family = self._families[declaration.family]
        if declaration.name in family:
            raise ValueError(f'{declaration.family} already has the name "{declaration.name}"')
        family[declaration.name] = declaration
        self._of_kind.clear()

    def family(self, name: str) -> Mapping[str, Declaration]:
        """Declarations of a family ("indicators", "sizings", ...) by name, in the order they were added."""
        return self._families[name]

    def _typed(self, kind: type[_Kind]) -> dict[str, _Kind]:
        if kind not in self._of_kind:
            family = self._families[kind.family]
            self._of_kind[kind] = {name: each for name, each in family.items() if isinstance(each, kind)}
        return self._of_kind[kind]

    @property
    def indicators(self) -> Mapping[str, IndicatorDeclaration]:
        """Indicators by the name that `use` takes."""
        return self._typed(IndicatorDeclaration)

    @property
    def signals(self) -> Mapping[str, SignalDeclaration]:
        """Signal kinds by the name that `use` takes."""
        return self._typed(SignalDeclaration)

    @property
    def combinations(self) -> Mapping[str, CombinationDeclaration]:
        """Combinations by the name that `combine` takes."""
        return self._typed(CombinationDeclaration)

    @property
    def sizings(self) -> Mapping[str, SizingDeclaration]:
        """Ways of sizing by the name that `risk.sizing.use` takes."""
        return self._typed(SizingDeclaration)

    @property
    def stops(self) -> Mapping[str, StopDeclaration]:
        """Stops by the name that `risk.stop_loss.use` takes."""
        return self._typed(StopDeclaration)

    @property
    def targets(self) -> Mapping[str, TargetDeclaration]:
        """Targets by the name that an entry of `risk.take_profit` takes as `use`."""
        return self._typed(TargetDeclaration)

    @property
    def trailings(self) -> Mapping[str, TrailingDeclaration]:
        """Trailing stops by the name that `risk.trailing_stop.use` takes."""
        return self._typed(TrailingDeclaration)

    @property
    def offsets(self) -> Mapping[str, OffsetDeclaration]:
        """Offsets by the name that `orders.offset.use` takes."""
        return self._typed(OffsetDeclaration)

    @property
    def spacings(self) -> Mapping[str, SpacingDeclaration]:
        """Spacings by the name that `risk.pyramiding.spacing.use` takes."""
        return self._typed(SpacingDeclaration)

    @property
    def sections(self) -> Mapping[str, SectionDeclaration]:
        """Sections of the file; "indicators", "signals" and "groups" declare what each node in them takes."""
        return self._typed(SectionDeclaration)


def indicator(
    name: str, label: str, about: str, **fields: Any
) -> Callable[[IndicatorFunction], IndicatorDeclaration]:
    """Turn a function into an `IndicatorDeclaration`; `fields` are that class's fields.

    Without `look_back` it has none, without `main` a single output is the main one.
    """
    outputs = tuple(fields.get("outputs", ("value",)))
    fields.setdefault("look_back", _no_look_back)
    fields.setdefault("main", outputs[0] if len(outputs) == 1 else "")

    def declare(compute: IndicatorFunction) -> IndicatorDeclaration:
        return IndicatorDeclaration(name=name, label=label, help=about, compute=compute, **fields)

    return declare


def signal(name: str, label: str, about: str, **fields: Any) -> Callable[[SignalFunction], SignalDeclaration]:
    """Turn a function into a `SignalDeclaration`; `fields` are that class's fields."""

    def declare(compute: SignalFunction) -> SignalDeclaration:
        return SignalDeclaration(name=name, label=label, help=about, compute=compute, **fields)

    return declare


def combination(
    name: str, label: str, about: str, **fields: Any
) -> Callable[[CombinationFunction], CombinationDeclaration]:
    """Turn a function into a `CombinationDeclaration`; `fields` are that class's fields."""

    def declare(compute: CombinationFunction) -> CombinationDeclaration:
        return CombinationDeclaration(name=name, label=label, help=about, compute=compute, **fields)

    return declare


def _no_look_back(_values: Values) -> int:
    return 0


def builtin_registry() -> Registry:
    """A new registry of everything that comes with the program."""
    # Here, because these modules import this one.
    from tradebot.engine.strategy import combinations, indicators, sections, signals

    return Registry(
        (*indicators.DECLARATIONS, *signals.DECLARATIONS, *combinations.DECLARATIONS, *sections.DECLARATIONS)
    )
