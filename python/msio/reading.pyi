from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from ._msio import _Path, _Rows

__all__ = ["read", "stream", "Batch"]

class Batch(dict[str, np.ndarray]):
    row: int
    rows: int
    def __init__(self, row: int, arrays: dict[str, np.ndarray]) -> None: ...

def read(path: _Path, column: str, rows: _Rows = ..., chans: slice | int | None = ..., corrs: slice | int | None = ...,
         out: np.ndarray | None = ..., threads: int = ..., fill: Any = ..., progress: bool = ...,
         copy: bool = ..., private: bool = ...) -> Any: ...

class stream(Iterator[Batch]):
    def __init__(self, path: _Path, columns: str | Sequence[str], rows: slice | Sequence[int] | np.ndarray | None = ...,
                 chans: slice | int | None = ..., corrs: slice | int | None = ..., memory: int | None = ...,
                 rows_per_batch: int | None = ..., threads: int = ...) -> None: ...
    def __next__(self) -> Batch: ...
    def close(self) -> None: ...
    def __enter__(self) -> stream: ...
    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None: ...
