from collections.abc import Sequence
from typing import Literal

from ._msio import _Path

__all__ = ["simulate_ms", "simulate_uvh5"]

def simulate_ms(path: _Path, *, antennas: int = ..., times: int = ..., subbands: int = ..., channels: int = ...,
                corrs: Literal[1, 2, 4] = ..., layout: Literal["dsa110", "default", "wide"] = ...,
                byte_order: Literal["little", "big"] | None = ..., imaging_columns: bool = ..., overwrite: bool = ...,
                progress: bool = ..., sky: _Path | None = ..., noise: float = ..., noise_seed: int = ...,
                gains: int | None = ...) -> None: ...
def simulate_uvh5(folder: _Path, *, antennas: int = ..., times: int = ..., subbands: int = ..., channels: int = ...,
                  polarizations: Literal[1, 2, 4] = ..., missing: Sequence[int] = ..., jitter: int = ...,
                  time: str = ..., compression: Literal["none", "lzf", "gzip"] = ...,
                  flags: Literal["pattern", "none"] = ..., noise: float = ..., seed: int = ..., overwrite: bool = ...,
                  progress: bool = ..., sky: _Path | None = ..., gains: int | None = ...) -> None: ...
