from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from ._msio import _Path, _Rows

__all__ = ["model", "stats", "Stats", "map"]

def model(path: _Path, sky: _Path, column: str = ..., mode: Literal["replace", "add", "subtract"] = ..., memory: int = ...,
          threads: int = ..., lock_seconds: float = ..., progress: bool = ...) -> int: ...

class Stats:
    rows: int
    columns: dict[str, Any]
    chi2: float | None
    dof: int | None
    weights: str
    by: dict[str, np.ndarray]
    def __init__(self, rows: int, columns: list[str], values: bytes, chi2: tuple[float, int] | None, weights: str,
                 breakdowns: list[tuple[str, bytes, bytes, bytes, bytes]]) -> None: ...

def stats(path: _Path, columns: str | Sequence[str] = ..., by: str | Sequence[str] = ..., chi2: tuple[str, str] | None = ...,
          flag_row: bool = ..., memory: int = ..., threads: int = ..., checked: bool = ..., progress: bool = ...) -> Stats: ...
def map(path: _Path, inputs: str | Sequence[str], outputs: str | Sequence[str], function: Callable[..., Any],
        rows: _Rows = ..., memory: int = ..., block: int = ..., threads: int = ..., progress: bool = ...) -> list[Any] | None: ...
