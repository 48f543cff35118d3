from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from ._msio import _Path, _Rows

__all__ = ["model", "stats", "Stats", "density", "Density", "extend_flags", "map"]

def model(path: _Path, sky: _Path, column: str = ..., mode: Literal["replace", "add", "subtract"] = ...,
          smear: str | Sequence[str] = ..., memory: int = ..., threads: int = ..., lock_seconds: float = ..., progress: bool = ...) -> int: ...

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
          flag_row: bool = ..., medians: bool = ..., memory: int = ..., threads: int = ..., checked: bool = ...,
          progress: bool = ...) -> Stats: ...
_Axis = Literal["time", "freq", "chan", "uvdist", "baseline", "antenna", "amp", "phase", "real", "imag", "flag", "u", "v"]

class Density:
    x: str
    x_unit: str
    x_edges: np.ndarray
    y: str
    y_unit: str
    y_edges: np.ndarray
    count: np.ndarray
    flagged: np.ndarray | None
    rows: int
    points: int
    outside: int
    not_finite: int
    antennas: int
    def __init__(self, x: tuple[str, str, int, float, float], y: tuple[str, str, int, float, float], count: bytes,
                 flagged: bytes | None, rows: int, points: int, outside: int, not_finite: int, antennas: int) -> None: ...

def density(path: _Path, x: _Axis = ..., y: _Axis = ..., column: str = ..., flags: bool = ..., bins: tuple[int, int] = ...,
            x_range: tuple[float, float] | None = ..., y_range: tuple[float, float] | None = ..., wavelengths: bool = ...,
            field: int | None = ..., spw: int | None = ..., corr: int | None = ..., flag_row: bool = ..., memory: int = ...,
            threads: int = ..., checked: bool = ..., progress: bool = ...) -> Density: ...
def extend_flags(path: _Path, amp: tuple[float | None, float | None] | None = ..., chi2: float | None = ...,
                 uvdist: tuple[float | None, float | None] | None = ..., correlation: float | None = ...,
                 channel: float | None = ..., time: float | None = ..., baseline: float | None = ..., column: str = ...,
                 chi2_columns: tuple[str, str] = ..., wavelengths: bool = ..., rows: _Rows = ..., flag_row: bool = ...,
                 dry_run: bool = ..., memory: int = ..., threads: int = ..., progress: bool = ...) -> dict[str, int]: ...
def map(path: _Path, inputs: str | Sequence[str], outputs: str | Sequence[str], function: Callable[..., Any],
        rows: _Rows = ..., memory: int = ..., block: int = ..., threads: int = ..., progress: bool = ...) -> list[Any] | None: ...
