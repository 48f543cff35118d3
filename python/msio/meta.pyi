from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from ._msio import Facts, _Path

__all__ = ["metadata", "Metadata", "flags", "Flags"]

class _Row:
    __hash__: ClassVar[None]  # type: ignore[assignment]
    def __eq__(self, other: object) -> bool: ...

@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Direction(_Row):
    value: np.ndarray
    unit: str
    frame: str

@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Column(_Row):
    name: str
    type: str
    ndim: int
    shape: tuple[int, ...] | None
    manager: str
    tile: tuple[int, ...] | None
    native: bool

@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SpectralWindow(_Row):
    name: str
    channels: int
    frequencies: np.ndarray | None
    widths: np.ndarray | None
    reference_frequency: float
    bandwidth: float
    frame: int

@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Polarization(_Row):
    types: np.ndarray

@dataclass(frozen=True, slots=True, repr=False, eq=False)
class DataDescription(_Row):
    spectral_window: int
    polarization: int
    flagged: bool

@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Field(_Row):
    name: str
    code: str
    source: int
    time: float
    phase_dir: Direction | None
    reference_dir: Direction | None
    delay_dir: Direction | None

@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Antenna(_Row):
    name: str
    station: str
    mount: str
    position: np.ndarray
    diameter: float
    flagged: bool

@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Observation(_Row):
    telescope: str
    observer: str
    project: str
    time_range: tuple[float, float]

@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Source(_Row):
    name: str
    id: int
    spectral_window: int
    time: float
    interval: float
    direction: Direction | None

@dataclass(frozen=True, slots=True, repr=False, eq=False)
class State(_Row):
    mode: str
    subscan: int
    cal: float
    sig: bool
    ref: bool

@dataclass(frozen=True, slots=True, repr=False, eq=False)
class StorageManager(_Row):
    type: str
    name: str
    sequence: int
    bytes: int

class Metadata:
    path: str
    is_ms: bool
    rows: int
    bytes: int
    columns: tuple[Column, ...]
    managers: tuple[StorageManager, ...]
    spectral_windows: tuple[SpectralWindow, ...]
    polarizations: tuple[Polarization, ...]
    data_descriptions: tuple[DataDescription, ...]
    fields: tuple[Field, ...]
    antennas: tuple[Antenna, ...]
    observations: tuple[Observation, ...]
    sources: tuple[Source, ...]
    states: tuple[State, ...]
    scans: np.ndarray
    time_range: tuple[float, float]
    times: int
    integration_time: float
    def __init__(self, facts: Facts) -> None: ...
    def row_index(self) -> np.ndarray: ...
    def find_rows(self, field: int | None = ..., spectral_window: int | None = ..., scan: int | None = ...,
                  time: tuple[float, float] | None = ...) -> np.ndarray: ...
    @property
    def fields_with_rows(self) -> np.ndarray: ...
    @property
    def spectral_windows_with_rows(self) -> np.ndarray: ...
    @property
    def data_descriptions_with_rows(self) -> np.ndarray: ...

def metadata(path: _Path, checked: bool = ...) -> Metadata: ...

_By = Literal["spw", "field", "scan", "antenna", "baseline", "channel", "correlation", "time"]

class Flags:
    flagged: int
    total: int
    from_flag_row: int
    undefined_rows: int
    fraction: float
    low: float
    high: float
    sampled: bool
    rows_sampled: int
    way: str
    by: dict[str, np.ndarray]
    def __init__(self, counted: dict[str, Any]) -> None: ...
    @property
    def interval(self) -> tuple[float, float]: ...

def flags(path: _Path, by: _By | Sequence[_By] = ..., flag_row: bool = ..., sample: float = ..., seed: int = ...,
          threads: int = ..., checked: bool = ..., progress: bool = ...) -> Flags: ...
