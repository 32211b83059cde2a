"""What a reality check says: findings with a tone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """How much a finding speaks against the result."""

    OK = "ok"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `name` is for programs, `short` for a narrow column, `text` a sentence that explains it."""

    name: str
    tone: Tone
    short: str
    text: str


@dataclass(frozen=True, slots=True)
class RealityCheck:
    """The findings on one result, in the order of a report."""

    findings: tuple[Finding, ...]

    @property
    def tone(self) -> Tone:
        """The worst tone of all findings."""
        order = list(Tone)
        return max((finding.tone for finding in self.findings), key=order.index, default=Tone.OK)
