from collections.abc import Sequence
from typing import Any, Literal

import dask.array as da
from numpy.typing import DTypeLike

from ._msio import _Path
from .subbands import Group

__all__ = ["columns", "group", "signature", "store"]

_Array = Literal["visdata", "flags", "nsamples"]
_Chunks = int | Sequence[int] | Literal["auto"] | None

def signature(path: _Path) -> str: ...
def columns(path: _Path, names: str | Sequence[str], chunks: _Chunks = ...) -> dict[str, da.Array]: ...
def group(what: Group | _Path | Sequence[_Path], chunks: _Chunks = ...,
          arrays: _Array | Sequence[_Array] = ..., missing: Literal["error", "skip", "flag"] = ...,
          chans: slice | int | None = ..., corrs: slice | int | None = ..., subbands: Sequence[int] | None = ...,
          visdata_type: DTypeLike | None = ..., time: str | None = ..., pattern: str | None = ...,
          expected: int = ...) -> dict[str, Any]: ...
def store(arrays: da.Array | Sequence[da.Array], path: _Path, columns: str | Sequence[str], compute: bool = ...,
          casting: Literal["equiv", "safe", "same_kind", "unsafe"] | None = ..., sync: bool = ...,
          lock_seconds: float = ...) -> da.Array | None: ...
