from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

from numpy.typing import DTypeLike

from ._msio import _Path

__all__ = ["add_columns", "add_rows"]

class _Description(TypedDict):
    type: DTypeLike
    shape: NotRequired[Sequence[int] | None]
    ndim: NotRequired[int | None]
    direct: NotRequired[bool]
    comment: NotRequired[str | None]
    manager: NotRequired[str | None]
    manager_name: NotRequired[str | None]
    tile: NotRequired[Sequence[int] | None]
    bucket_bytes: NotRequired[int]
    keywords: NotRequired[Mapping[str, Any]]

def add_columns(path: _Path, columns: Mapping[str, _Description] | str | Sequence[str] | None = ..., like: str | None = ...,
                imaging: bool = ..., zeros: bool = ..., allocate: bool = ..., copy_data: bool = ...,
                lock_seconds: float = ...) -> dict[Literal["added", "there"], list[str]]: ...
def add_rows(path: _Path, rows: int, lock_seconds: float = ...) -> None: ...
