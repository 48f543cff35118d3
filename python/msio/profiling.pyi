from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, overload

from ._msio import _Path

__all__ = ["profile", "Profile", "install_profiling", "verify"]

class Profile:
    def __init__(self) -> None: ...
    def text(self) -> str: ...
    def json(self) -> dict[str, Any]: ...
    def write(self, path: _Path) -> None: ...

class profile:
    def __enter__(self) -> Profile: ...
    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None: ...

def install_profiling(folder: _Path, *, keep: int = ..., slow: float = ...) -> None: ...

@dataclass(frozen=True, slots=True)
class Verdict:
    name: str
    path: str
    verdict: str
    reason: str
    target_seconds: float | None
    measured_seconds: float | None
    roofline_seconds: float | None
    uncached_seconds: float | None
    bytes: int | None
    tries: int | None
    met: int | None
    load: dict[str, float | None] | None

class Verification(Sequence[Verdict]):
    met: bool
    judgement: str
    threads: int
    def __init__(self, report: dict[str, Any]) -> None: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int) -> Verdict: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Verdict]: ...
    def json(self) -> dict[str, Any]: ...

def verify(*paths: _Path | Sequence[_Path], targets: dict[str, float] | None = ...,
           require: str | Sequence[str] = ...) -> Verification: ...
