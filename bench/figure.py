"""A plot's data: what `drawing` makes a picture of, and what the JSON keeps."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One named line through points, from left to right."""

    name: str
    across: Sequence[float]
    up: Sequence[float]


@dataclass(frozen=True, slots=True)
class Figure:
    """Lines over one axis. `name` is the file's; `mark` a level that is not to be passed."""

    name: str
    title: str
    across: str
    up: str
    lines: tuple[Line, ...]
    mark: float | None = None
