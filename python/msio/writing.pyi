from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Literal

import numpy as np

from ._msio import _Path, _Rows
from .reading import Batch

__all__ = ["write", "fill", "copy", "stream_write", "repair"]

_Casting = Literal["equiv", "safe", "same_kind", "unsafe"]

def write(path: _Path, column: str, values: np.ndarray | Sequence[Any], rows: _Rows = ...,
          chans: slice | int | None = ..., corrs: slice | int | None = ..., atomic: bool = ..., sync: bool = ...,
          cell_shape: Sequence[int] | None = ..., allocate: bool = ..., casting: _Casting | None = ..., threads: int = ...,
          progress: bool = ...) -> None: ...
def fill(path: _Path, column: str, value: Any, rows: _Rows = ..., chans: slice | int | None = ...,
         corrs: slice | int | None = ..., atomic: bool = ..., sync: bool = ..., cell_shape: Sequence[int] | None = ...,
         allocate: bool = ..., threads: int = ..., progress: bool = ...) -> None: ...
def copy(path: _Path, column: str, to: str, rows: _Rows = ..., chans: slice | int | None = ...,
         corrs: slice | int | None = ..., to_path: _Path | None = ..., atomic: bool = ..., sync: bool = ...,
         cell_shape: Sequence[int] | None = ..., threads: int = ..., progress: bool = ..., *, minus: str | None = ...,
         conjugate: bool = ..., scale: complex = ..., stats: bool = ..., flag_row: bool = ..., memory: int = ...) -> Any: ...

class stream_write(Iterator[Batch]):
    def __init__(self, path: _Path, columns: str | Sequence[str], rows: slice | Sequence[int] | np.ndarray | None = ...,
                 chans: slice | int | None = ..., corrs: slice | int | None = ..., memory: int | None = ...,
                 rows_per_batch: int | None = ..., cell_shape: Sequence[int] | None = ..., sync: bool = ...,
                 threads: int = ...) -> None: ...
    def __next__(self) -> Batch: ...
    def close(self) -> None: ...
    def __enter__(self) -> stream_write: ...
    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None: ...

def repair(path: _Path) -> dict[str, Any] | None: ...
