"""Where the time of msio's reads goes, and whether targets are met."""
import json
import os
import shutil
import subprocess

from . import _msio
from ._errors import UnsupportedError

__all__ = ["profile", "Profile", "verify"]


class Profile:
    """What the profiler saw between two moments."""

    def __init__(self):
        self._text = self._json = None

    def _take(self):
        self._text, self._json = _msio.profile_report(False), _msio.profile_report(True)

    def _need(self):
        if self._json is None:
            self._take()

    def text(self):
        """The report as text: paths by cumulative time, callers, advice."""
        self._need()
        return self._text

    def json(self):
        """The report as a dict; docs/profiling.md tells its keys."""
        self._need()
        return json.loads(self._json)

    def write(self, path):
        """Writes the JSON report to a file."""
        self._need()
        with open(path, "w", encoding="utf-8") as file:
            file.write(self._json)

    def __str__(self):
        return self.text()


class profile:
    """Times what msio does while the block runs.

    >>> with msio.profile() as profile:
    ...     msio.read("obs.ms", "DATA")
    >>> print(profile)

    One block at a time counts; a block within another is part of that one.
    """

    def __enter__(self):
        self._outer = _msio.profile_running()
        if not self._outer:
            _msio.profile_start()
        self._profile = Profile()
        return self._profile

    def __exit__(self, *_):
        if not self._outer:
            _msio.profile_stop()
        self._profile._take()


def verify(*paths, targets=None, require=()):
    """Times msio on the user's own data, and holds it against targets, by the command `msio verify`.

    Parameters
    ----------
    *paths : path-like
        Measurement Sets, folders of subbands, UVH5 files.
    targets : dict of float, optional
        Seconds by path: {"metadata": 0.001, "read-DATA": 0.5}.
    require : sequence of str
        Paths that have to be measured.

    Returns
    -------
    dict
        {"paths": [{"name", "target_seconds", "measured_seconds", "bytes", "roofline_seconds", "verdict", "reason"}]}

    Raises
    ------
    UnsupportedError
        The command is not on PATH: it comes with the library, not with the Python package.
    """
    command = shutil.which("msio")
    if command is None:
        raise UnsupportedError("the command msio is not on PATH: build and install the library to have it")
    arguments = [command, "verify", "--json", *map(os.fspath, paths)]
    for name, seconds in (targets or {}).items():
        arguments += ["--target", f"{name}={seconds!r}"]
    if require:
        arguments += ["--require", ",".join(require)]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise UnsupportedError(done.stderr.strip() or f"msio verify ended with exit code {done.returncode}")
    return json.loads(done.stdout)
