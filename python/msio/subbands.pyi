from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from ._msio import _Path, _Rows

__all__ = ["groups", "Group", "Groups", "load", "load_stream", "check", "Subbands", "uvh5_header"]

_Array = Literal["visdata", "flags", "nsamples"]
_Source = Group | _Path | Sequence[_Path]

class Group:
    time: str
    seconds: float
    complete: bool
    expected: int
    files: list[tuple[int, str]]
    missing: np.ndarray
    duplicate: list[tuple[int, str]]
    late: list[tuple[int, str]]
    def __init__(self, found: dict[str, Any]) -> None: ...
    @property
    def paths(self) -> list[str]: ...

class Groups(list[Group]):
    incomplete: list[str]
    unexpected: list[str]
    unreadable: list[tuple[str, str]]
    ignored: int
    def __init__(self, found: dict[str, Any]) -> None: ...

def groups(folders: _Path | Sequence[_Path], pattern: str | None = ..., window: float = ..., subbands: int = ...,
           first_frequency: float = ..., frequency_step: float = ...) -> Groups: ...

class Subbands:
    visdata: np.ndarray | None
    flags: np.ndarray | None
    nsamples: np.ndarray | None
    shape: tuple[int, ...]
    frequencies: np.ndarray
    widths: np.ndarray
    polarizations: np.ndarray
    times: np.ndarray
    antenna1: np.ndarray
    antenna2: np.ndarray
    uvw: np.ndarray
    integration_times: np.ndarray
    antennas: list[tuple[int, str, np.ndarray, float]]
    subbands: list[tuple[int, bool, str, int, int]]
    missing: np.ndarray
    phase_center: tuple[float, float]
    phase_type: str
    row: int
    def __init__(self, found: dict[str, Any], row: int = ...) -> None: ...
    @property
    def rows(self) -> int: ...
    @property
    def header(self) -> dict[str, Any] | None: ...

def load(what: _Source, arrays: _Array | Sequence[_Array] = ..., missing: Literal["error", "skip", "flag"] = ...,
         layout: Literal["row-chan-pol", "subband-row-chan-pol"] = ..., rows: _Rows = ...,
         times: slice | int | None = ..., chans: slice | int | None = ..., corrs: slice | int | None = ...,
         subbands: Sequence[int] | None = ..., memory: int | None = ..., out: dict[str, np.ndarray] | None = ...,
         visdata_type: DTypeLike | None = ..., threads: int = ..., time: str | None = ..., pattern: str | None = ...,
         expected: int = ..., channel_order: Literal["ascending", "stored"] = ...,
         uvw_tolerance: float | Literal["any"] | None = ..., progress: bool = ...) -> Subbands: ...

class load_stream(Iterator[Subbands]):
    def __init__(self, what: _Source, arrays: _Array | Sequence[_Array] = ...,
                 missing: Literal["error", "skip", "flag"] = ...,
                 layout: Literal["row-chan-pol", "subband-row-chan-pol"] = ..., rows: _Rows = ...,
                 times: slice | int | None = ..., chans: slice | int | None = ..., corrs: slice | int | None = ...,
                 subbands: Sequence[int] | None = ..., memory: int | None = ..., rows_per_batch: int | None = ...,
                 visdata_type: DTypeLike | None = ..., threads: int = ..., time: str | None = ..., pattern: str | None = ...,
                 expected: int = ..., channel_order: Literal["ascending", "stored"] = ...,
                 uvw_tolerance: float | Literal["any"] | None = ...) -> None: ...
    def __next__(self) -> Subbands: ...
    def close(self) -> None: ...
    def __enter__(self) -> load_stream: ...
    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None: ...

def check(what: _Source, time: str | None = ..., pattern: str | None = ...,
          expected: int = ..., uvw_tolerance: float | Literal["any"] | None = ...) -> list[tuple[str, str, str, bool]]: ...
def uvh5_header(path: _Path) -> dict[str, Any]: ...
