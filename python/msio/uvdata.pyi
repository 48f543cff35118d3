from collections.abc import Sequence

from pyuvdata import UVData

from ._msio import _Path
from .subbands import Group

__all__ = ["read_uvdata"]

def read_uvdata(what: Group | _Path | Sequence[_Path], time: str | None = ..., pattern: str | None = ...,
                expected: int = ..., ascending: bool = ..., threads: int = ..., progress: bool = ...) -> UVData: ...
