"""How many calls of python-casacore's tables msio served, why not the others, and where the loops over cells are."""
import atexit
import collections
import os
import sys

from . import _files

#: (method, None): calls that msio served; (method, reason): calls that casacore did, and why.
served = collections.Counter()

#: What is told at exit when MSIO_REPORT is set: (path, column, (file, line)) -> cells
loops = collections.Counter()
asked = os.environ.get("MSIO_REPORT", "0") not in ("", "0")

#: Folders whose code calls a table's methods for the program.
inner_folders = [os.path.dirname(os.path.dirname(__file__)) + os.sep]


def count(method, reason=None):
    served[method, reason] += 1


def caller():
    """File and line of the program that called a table's method, columns' and rows' of python-casacore left out."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(tuple(inner_folders)):
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame else ("?", 0)


class PlacedReader:
    """A reader of cells that notes who called it; used as the reader itself."""

    __slots__ = ("_reader", "places", "counted")

    def __init__(self, reader):
        self._reader, self.counted = reader, 0
        self.places = collections.Counter({caller(): 1})  # (file, line): cells; its maker has the first

    def __call__(self, rownr):
        value = self._reader(rownr)
        if value is not None:
            self.places[caller()] += 1
        return value

    served = property(lambda self: self._reader.served)


def end_of(file, name, reader):
    """A reader of cells goes: what it gave is counted, and its loops are kept to be told."""
    _count_cells_of(reader)
    for where, cells in reader.places.items() if asked else ():
        loops[file.path, name, where] += cells


def _count_cells_of(reader):
    calls = reader.served
    served["getcell", None] += calls - reader.counted
    reader.counted = calls


def count_cells():
    """Adds what the readers of cells have given so far to `served`."""
    for file in _files.all_files():
        for state in list(file.states):
            for reader in state.cells.values():
                _count_cells_of(reader)


def report(stream=None):
    """Prints who served how many calls, and the loops over cells with their places."""
    stream = stream or sys.stderr
    with _files.guard:
        _files.settle(asked=True)
    _files.drop_all_cells()
    ours = sum(calls for (_, reason), calls in served.items() if reason is None)
    theirs = sum(served.values()) - ours
    print(f"msio: {ours} calls served natively, {theirs} by casacore", file=stream)
    for (method, reason), calls in sorted(served.items(), key=lambda item: -item[1]):
        if reason is not None:
            print(f"  casacore: {calls} x {method}: {reason}", file=stream)
    for (path, name, (source, line)), calls in loops.most_common():
        if calls == 1:
            break
        print(f"  loop: {calls} x getcell of {name} of {path} at {source}:{line}: msio.read(path, {name!r}) reads them at "
              "once", file=stream)


if asked:
    atexit.register(report)
