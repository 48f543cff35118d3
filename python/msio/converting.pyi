from collections.abc import Sequence
from typing import Any, Literal

from ._msio import _Path
from .subbands import Group

__all__ = ["convert", "export_uvh5", "write_ms", "Converted"]

class Converted:
    path: _Path
    rows: int
    spectral_windows: int
    missing: int
    bytes_read: int
    bytes_written: int
    phase: Literal["meridian", "centre", "zenith", "none"]
    earth_orientation: bool
    def __init__(self, path: _Path, made: tuple[int, int, int, int, int, int, bool]) -> None: ...

def convert(what: _Path | Group | Sequence[_Path], out: _Path,
            phase: Literal["auto", "meridian", "zenith", "none"] | tuple[float, float] = ...,
            imaging: Literal["none", "zeros", "data"] | None = ..., like_pyuvdata: bool = ...,
            missing: Literal["error", "skip", "flag"] = ..., eop: _Path | None = ..., telescope: str | None = ...,
            antennas: Sequence[tuple[int, str | None, Sequence[float], float]] | _Path | None = ...,
            tile_rows: int | None = ..., tile_channels: int | None = ..., time: str | None = ..., pattern: str | None = ..., expected: int = ...,
            threads: int = ..., memory: int | None = ..., overwrite: bool = ..., progress: bool = ...) -> Converted: ...
def export_uvh5(ms: _Path, out: _Path, file_a_window: bool = ..., eop: _Path | None = ..., threads: int = ...,
                memory: int | None = ..., overwrite: bool = ..., progress: bool = ...) -> Converted: ...
def write_ms(uvdata: Any, path: _Path, like_pyuvdata: bool = ..., **options: Any) -> Converted: ...
