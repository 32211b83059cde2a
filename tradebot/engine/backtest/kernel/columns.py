"""Columns on their way into compiled code."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

_Kind = TypeVar("_Kind", bound=np.generic)


def frozen(column: npt.NDArray[_Kind]) -> npt.NDArray[_Kind]:
    """A read-only view of one memory layout, so that mapped and built columns meet one compiled version."""
    plain = np.require(np.asarray(column), requirements=["C", "A"]).view()
    plain.flags.writeable = False
    return plain
