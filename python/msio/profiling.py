"""Where the time of msio's reads goes, and whether targets are met."""
import collections.abc
import os
import sys
import threading

from . import _msio
from ._errors import Error, UnsupportedError, by_code
from ._record import record

__all__ = ["profile", "Profile", "install_profiling", "verify"]


# ---------------------------------------------------------------- profile

class Profile:
    """What the profiler saw between two moments; while its block runs, what it saw until now."""

    def __init__(self):
        self._reports = None  # text and JSON, once the block has ended

    def _end(self):
        self._reports = _msio.profile_report(False), _msio.profile_report(True)

    def text(self):
        """The report as text: paths by cumulative time, callers, advice.

        Returns
        -------
        str
        """
        return self._reports[0] if self._reports else _msio.profile_report(False)

    def _json(self):
        return self._reports[1] if self._reports else _msio.profile_report(True)

    def json(self):
        """The report as a dict; docs/profiling.md tells its keys. Times are in seconds.

        Returns
        -------
        dict
            Among others "seconds", "paths" (a list of dicts: "name", "ncalls", "tottime", "cumtime", "bytes", ...) and
            "advice".
        """
        import json
        return json.loads(self._json())

    def write(self, path):
        """Writes the JSON report to a file, which is replaced.

        Parameters
        ----------
        path : path-like
        """
        with open(path, "w", encoding="utf-8") as file:
            file.write(self._json())

    def __str__(self):
        return self.text()

    def __repr__(self):
        report = self.json()
        used = sorted((path for path in report["paths"] if path["ncalls"]), key=lambda path: -path["cumtime"])
        lines = [f"<Profile of {report['seconds']:.3g} s, {len(used)} paths used"]
        lines += [f"  {path['name']}: {path['ncalls']} calls, {path['cumtime']:.3g} s" for path in used[:5]]
        return "\n".join(lines) + ">"


_blocks = 0  # that are open, of all threads
_on_before = False  # whether the profiler was on before the first of them
_opening = threading.Lock()


def _end_loops():
    """Loops over cells are advised on when their readers go: those of tables that stay open go here."""
    for name, drop in (("msio._dropin._files", "drop_all_cells"), ("msio._reader._table", "drop_all_readers")):
        if name in sys.modules:
            getattr(sys.modules[name], drop)()


def _after_fork():
    global _opening
    _opening = threading.Lock()  # a thread that the child does not have may hold the parent's


os.register_at_fork(after_in_child=_after_fork)


class profile:
    """Times what msio does while the block runs, in all threads.

    The profiler is one for the whole process: it starts from zero with the first block and stops with the last. A block
    within another, or in another thread at the same time, reports what was counted since the first began. Where the
    profiler was on already (by MSIO_PROF in the environment), it stays on, and what it had counted stays.

    Examples
    --------
    >>> with msio.profile() as seen:
    ...     msio.read("obs.ms", "DATA")
    >>> print(seen)
    >>> seen.write("profile.json")
    """

    def __enter__(self):
        global _blocks, _on_before
        with _opening:
            if _blocks == 0:
                _on_before = _msio.profile_running()
                if not _on_before:
                    _msio.profile_start()
            _blocks += 1
        self._profile = Profile()
        return self._profile

    def __exit__(self, *_):
        global _blocks
        _end_loops()
        with _opening:
            _blocks -= 1
            if _blocks == 0 and not _on_before:
                _msio.profile_stop()
        self._profile._end()


# ---------------------------------------------------------------- every run

def install_profiling(folder, *, keep=400, slow=1.5):
    """Keeps a small profile of this run, and of each one that says so, in a folder: ``MSIO_PROF=auto:FOLDER``.

    It is written as the process exits. The oldest go; slow runs' profiles are kept whole: those that took `slow` times the
    median of the last runs of the same program in the folder, or that missed a target. docs/profiling.md tells what is in
    them and what it costs.

    Parameters
    ----------
    folder : path-like
        Made where it is missing; any number of processes may share it.
    keep : int
        How many profiles stay, and a quarter as many whole ones.
    slow : float
        More than 1.

    Raises
    ------
    ValueError
        keep or slow is out of range.
    """
    keep, slow = int(keep), float(slow)
    if not 1 <= keep <= 100_000 or not 1 < slow < float("inf"):
        raise ValueError(f"keep is from 1 to 100000 and slow above 1, not {keep} and {slow}")
    _msio.profile_setup(f"auto+keep={keep}+slow={slow!r}:{os.path.abspath(os.fspath(folder))}")


# ---------------------------------------------------------------- verify

@record
class Verdict:
    """One path, held against its target.

    Attributes
    ----------
    name, path : str
        What was timed, and of which file.
    verdict : {"PASS", "FAIL", "NOT MEASURED"}
    reason : str
    target_seconds, measured_seconds, roofline_seconds, uncached_seconds : float or None
        None: none, or not measured. Roofline: reading the same bytes raw. Uncached: of metadata only.
    bytes : int or None
    tries, met : int or None
        How often it was timed, and how many of these tries met the target; None: there is no target.
    load : dict or None
        Of the machine meanwhile: "average", the load average of the last minute, and "others", the share of all
        processors' time that other programs used (0 to 1); None where the system does not tell.
    """

    name: str
    path: str
    verdict: str
    reason: str
    target_seconds: float
    measured_seconds: float
    roofline_seconds: float
    uncached_seconds: float
    bytes: int
    tries: int
    met: int
    load: dict


class Verification(collections.abc.Sequence):
    """The verdicts of `verify`, one after the other, and what follows from them.

    Attributes
    ----------
    met : bool
        At least one path was measured, none failed, and none of those required is missing.
    judgement : str
        The same in words.
    threads : int
    """

    def __init__(self, report):
        self._report = report
        self.met, self.judgement, self.threads = report["met"], report["judgement"], report["threads"]
        self._verdicts = [Verdict(*(path.get(name) for name in Verdict.__slots__))
                          for path in report["paths"]]

    def __len__(self):
        return len(self._verdicts)

    def __getitem__(self, index):
        return self._verdicts[index]

    def json(self):
        """The report of `msio verify --json`, as a dict."""
        return self._report

    def __repr__(self):
        lines = [f"<Verification: {self.judgement}"]
        lines += [f"  {one.verdict:12} {one.name}: {one.reason}" for one in self]
        return "\n".join(lines) + ">"


def _command():
    """The command msio in the package's folder, else on PATH."""
    import shutil
    folder = os.path.dirname(_msio.__file__)
    command = shutil.which("msio", path=folder) or shutil.which("msio")
    if command is None:
        raise UnsupportedError(f"the command msio is neither in {folder} nor on PATH: install the package again")
    return command


def _report_of(done):
    """What a command that ended has reported; raises what it complained of."""
    import json
    try:
        report = json.loads(done.stdout)
        if done.returncode in (0, 1) and "paths" in report:
            return report
        told = report["error"]
    except (ValueError, KeyError, TypeError):
        raise Error(done.stderr.strip() or f"msio verify ended with exit code {done.returncode}") from None
    path, message = told.get("path", ""), told["message"]
    made = by_code.get(told["code"], Error)(f"{path}: {message}" if path else message)
    made.path, made.code = path, told["code"]
    raise made


def verify(*paths, targets=None, require=()):
    """Times msio on the user's own data, and holds it against targets, by the command `msio verify`.

    The command that came with the package is run, in a process of its own: what this one has cached does not count.

    Parameters
    ----------
    *paths : path-like, or sequences of them
        Measurement Sets, folders of subbands, UVH5 files.
    targets : dict of float, optional
        Seconds by what is timed: ``{"metadata": 0.001, "read-DATA": 0.5}``.
    require : str or sequence of str
        What has to be measured.

    Returns
    -------
    Verification
        A sequence of verdicts, each with name, verdict, reason, target_seconds, measured_seconds, roofline_seconds and
        bytes; `met` is the judgement of all.

    Raises
    ------
    UnsupportedError
        The command is missing from the package's folder, and not on PATH either.
    NotFoundError
        There is no such file.
    """
    import subprocess
    arguments = [_command(), "verify", "--json"]
    for name, seconds in (targets or {}).items():
        arguments += ["--target", f"{name}={float(seconds)!r}"]
    if require:
        arguments += ["--require", require if isinstance(require, str) else ",".join(require)]
    for given in paths:
        one = isinstance(given, (str, bytes, os.PathLike))
        arguments += [os.fsdecode(os.path.abspath(path)) for path in ([given] if one else given)]
    return Verification(_report_of(subprocess.run(arguments, capture_output=True, text=True, check=False)))
