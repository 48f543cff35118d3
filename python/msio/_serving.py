"""Reads of python-casacore's tables served by msio: which can be, and how.

Every function here returns the answer, or `NOT_SERVED` where casacore is to give it: for columns or tables that msio
does not read, for arguments that are wrong or unusual (so that errors are casacore's own), for results that casacore
converts. `served` counts both, with the reason.
"""
import atexit
import collections
import logging
import operator
import os
import random
import sys
import weakref

import numpy as np

from . import _files
from ._box import box_axis
from ._errors import Error, ShapeError

NOT_SERVED = object()
log = logging.getLogger("msio")

#: (method, None): calls that msio served; (method, reason): calls that casacore did, and why.
served = collections.Counter()

def _share_of_environment():
    text = os.environ.get("MSIO_SHADOW", "0")
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if 0 <= share <= 1:
        return share
    log.warning("MSIO_SHADOW is %s: it has to be a number from 0 to 1; nothing is compared", text)
    return 0.0


#: Share of the served calls that casacore reads too; see `msio.tables.shadow`.
shadow_share = _share_of_environment()
_chance = random.Random()  # the program's own, which it may have seeded, is left alone

# The types whose arrays python-casacore hands out as numpy has them; it widens uChar, for one.
_TYPES = {"Bool": np.dtype(bool), "Short": np.dtype("i2"), "uShort": np.dtype("u2"),
          "Int": np.dtype("i4"), "uInt": np.dtype("u4"), "Int64": np.dtype("i8"), "Float": np.dtype("f4"),
          "Double": np.dtype("f8"), "Complex": np.dtype("c8"), "DComplex": np.dtype("c16")}

# Those of which python-casacore fills an array of the caller's; it refuses the others.
_TYPES_INTO = "?ifdFD"


def _count(method, reason=None):
    served[method, reason] += 1


class State:
    """What msio knows of one python-casacore table object.

    Attributes
    ----------
    file : File or None
        The table on disk; None: there is none that msio reads, see why_not.
    rows : ndarray of int64 or None
        Rows of the file, in this table's order; None: all as they are.
    cells : dict
        Readers of single cells by column, with what they read ahead.
    locks : bool
        Whether reads take the table's read lock: not where the object was opened to do without.
    """

    __slots__ = ("file", "rows", "why_not", "cells", "locks", "__weakref__")

    def __init__(self, file=None, rows=None, why_not=None, locks=True):
        self.file = file
        self.rows = rows
        self.locks = locks
        self.why_not = why_not
        self.cells = {}
        if file is not None:
            for one in (file, *file.behind):
                one.states.add(self)

    def drop_cells(self):
        for name, reader in self.cells.items():
            _report(self.file, name, reader)
        self.cells.clear()

    def __del__(self):  # the table object went
        self.drop_cells()
        if self.file is not None:
            for one in (self.file, *self.file.behind):
                one.states.discard(self)
                one.rest()


# Objects whose state nobody asked for have this one.
NO_CELLS = {}


def _is_on_disk(path):
    return os.path.exists(os.path.join(path, "table.dat"))


def _find_state(table):
    """Which file and rows a table object stands for."""
    name, parts = table.name(), table.partnames()
    locks = not table.lockoptions()["option"].endswith("noread")
    if len(parts) != 1:
        return State(why_not="a concatenation of tables")
    if "_msio_memory" in table.__dict__:
        return State(why_not="not on disk")
    if "_msio_rows_only" in table.__dict__:  # a selection that only chooses rows
        if not _is_on_disk(parts[0]):
            return State(why_not="not on disk")
        return State(_files.file_of(parts[0]), np.asarray(table.rownumbers(), dtype=np.int64), locks=locks)
    if table.__dict__.get("_msio_derived"):
        return State(why_not="a result of TaQL with columns of its own")
    if not _is_on_disk(name):
        return State(why_not="not on disk")
    file = _files.file_of(name)
    file.behind = [_files.file_of(part) for part in table.partnames(True) if part != name]
    return State(file, locks=locks)


def is_plain(table):
    """Whether a table object is a table on disk with rows and columns of its own, all of which it shows."""
    own = table.__dict__
    return not (own.get("_msio_derived") or "_msio_memory" in own) and list(table.partnames()) == [table.name()]


def state_of(table):
    """The state of a table object, found on its first use."""
    state = table.__dict__.get("_msio_state")
    if state is None or (state.file is not None and state.file.moved):
        try:
            state = _find_state(table)
        except RuntimeError as error:  # casacore's: the table is closed
            return State(why_not=str(error))
        table._msio_state = state
        table._msio_cells = state.cells
    return state


def forget(table):
    """A table object was closed: what was read ahead for it goes."""
    state = table.__dict__.pop("_msio_state", None)
    table.__dict__.pop("_msio_cells", None)
    if state is not None:
        state.drop_cells()


def written(table):
    """A table object wrote, or is about to."""
    file = state_of(table).file
    if file is not None:
        for one in (file, *file.behind):
            one.written()
        return
    try:
        parts = table.partnames(True)
    except RuntimeError:  # closed
        return
    for part in parts:  # of a concatenation, or of a selection that is not read natively itself
        if _is_on_disk(part):
            _files.file_of(part).written()


def renaming(table, rename):
    """A table object is renamed: nothing that is known of the old path holds for it, or for others that stand for it."""
    state = state_of(table)
    if state.file is not None and state.file.dirty:
        _flush(table, state.file)
    try:
        rename()
    finally:
        if state.file is not None and state.rows is None:
            state.file.move()
        forget(table)
        written(table)


def written_somewhere():
    """Something wrote that does not say to which table."""
    for file in _files.all_files():
        file.written()


def closing(table):
    """A table object is about to be closed: what was read ahead for it goes, and what waits is flushed."""
    state = table.__dict__.get("_msio_state")
    if state is not None and state.file is not None and state.file.dirty:
        _flush(table, state.file)
    forget(table)


def flushing(table, flush):
    """A table object brings to disk what waits in the table that it shares with others."""
    state = table.__dict__.get("_msio_state")
    if state is not None and state.file is not None and state.rows is None:
        state.file.flush(flush)
    else:
        flush()


def _flush(table, file):
    """Has casacore bring to disk what this process wrote. False where it cannot, or must not."""
    if file.inherited:
        return False
    try:
        file.flush(lambda: table._flush(False))  # objects of one table share it, and what waits in it
    except RuntimeError:
        return False
    return True


# ---------------------------------------------------------------- one column of one table

class _Column:
    """A column that msio reads, as a table object shows it."""

    __slots__ = ("native", "name", "dtype", "ndim", "shape", "rows", "file", "tiled")


def _column(table, method, name):
    """The column, ready to be read; None, counted, where casacore is to read it."""
    state = state_of(table)
    if state.file is None:
        return _count(method, state.why_not)
    if not isinstance(name, str):
        return _count(method, "arguments")
    if state.file.waits():
        return _count(method, "writes to a table that it refers to")
    if state.file.dirty and not _flush(table, state.file):
        return _count(method, "writes that cannot be flushed")
    found = _Column()
    try:
        found.native = state.file.table(state.locks)
        described = state.file.column(name, state.locks)
    except Error as error:
        return _count(method, type(error).__name__)
    found.dtype = _TYPES.get(described["type"])
    if found.dtype is None:
        return _count(method, "columns of type " + described["type"])
    if not described["native"]:
        return _count(method, "columns that casacore alone reads")
    found.name, found.ndim, found.shape = name, described["ndim"], described["shape"]
    found.rows, found.file = state.rows, state.file
    found.tiled = described["manager"].startswith("Tiled")
    return found


def _integers(*values):
    """The values as ints, or None where one is none."""
    try:
        if any(isinstance(value, (bool, np.bool_)) for value in values):
            return None
        return [operator.index(value) for value in values]
    except TypeError:
        return None


def _rows(table, column, startrow, nrow, rowincr):
    """What to hand to the native table for casacore's rows, and their number; None where casacore is to judge them."""
    values = _integers(startrow, nrow, rowincr)
    if values is None:
        return None
    startrow, nrow, rowincr = values
    total = len(table) if column.rows is None else len(column.rows)
    if startrow < 0 or rowincr < 1 or startrow >= total:
        return None
    there = (total - startrow + rowincr - 1) // rowincr
    count = there if nrow < 0 else min(nrow, there)
    if count < 1:
        return None
    part = slice(startrow, startrow + (count - 1) * rowincr + 1, rowincr)
    return (part if column.rows is None else column.rows[part]), count


def _box(column, blc, trc, inc):
    """The native table's selection of a cell's part; None where casacore is to judge it."""
    try:
        blc, trc, inc = _integers(*blc), _integers(*trc), _integers(*inc)
    except TypeError:
        return None
    if blc is None or trc is None or inc is None or not len(blc) == len(trc) == column.ndim:
        return None
    if len(inc) not in (0, column.ndim) or any(step < 1 for step in inc):
        return None
    if any(start > stop >= 0 for start, stop in zip(blc, trc)):
        return None
    return [box_axis(*axis) for axis in zip(blc, trc, inc or [1] * column.ndim)]


def _read(method, column, rows, box, out=None):
    try:
        array = column.native.read(column.name, rows=rows, box=box, out=out)
    except ShapeError:
        if box is None and column.tiled and method != "getvarcol":
            raise  # casacore refuses it too, or dies of it
        return _count(method, "cells that differ in shape")
    except (Error, ValueError, TypeError, IndexError, NotImplementedError) as error:
        return _count(method, type(error).__name__)
    if array.dtype != column.dtype:
        return _count(method, "the column changed")
    _count(method)
    return array


def _is_shadowed():
    """Whether casacore is to read this call too."""
    return shadow_share > 0 and _chance.random() < shadow_share


def _shadowed(method, table, file, arguments, ours, theirs):
    """Compares with casacore's answer, now and then. Returns the answer to be given."""
    if not _is_shadowed():
        return ours
    expected = theirs(table, *arguments)
    return ours if _agree(method, file, arguments, ours, expected) else expected


def _agree(method, file, arguments, ours, expected):
    """Whether the two answers are equal; where they are not it is logged and counted."""
    if same(ours, expected):
        return True
    log.error("msio and casacore differ in %s%r of %s: %s", method, arguments, file.path, _difference(ours, expected))
    served[method, "differed from casacore"] += 1
    return False


def _difference(ours, expected):
    """Where two answers first differ, and how: words for the log."""
    if isinstance(ours, dict) and isinstance(expected, dict):
        if list(ours) != list(expected):
            return f"msio has {list(ours)}, casacore {list(expected)}"
        key = next(key for key in ours if not same(ours[key], expected[key]))
        return f"{key}: {_difference(ours[key], expected[key])}"
    a, b = np.asarray(ours), np.asarray(expected)
    if a.dtype != b.dtype or a.shape != b.shape:
        return f"msio has {a.dtype} {list(a.shape)}, casacore {b.dtype} {list(b.shape)}"
    unequal = np.argwhere((a != b) & ((a == a) | (b == b)))
    first = tuple(map(int, unequal[0]))
    return (f"{len(unequal)} of {a.size} values, the first at {list(first)}: msio has {a[first]!r}, "
            f"casacore {b[first]!r}")


def same(a, b):
    """Whether two answers are equal: values, NaNs, types, shapes."""
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes() or \
        a.shape == b.shape and a.dtype == b.dtype and bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))


# ---------------------------------------------------------------- the reads

def _texts(table, name, startrow, nrow, rowincr):
    """A column of strings as casacore's list of str; None where it is none, or casacore is to judge."""
    state = state_of(table)
    if state.file is None or state.file.dirty or state.file.waits() or not isinstance(name, str):
        return None
    try:
        described = state.file.column(name, state.locks)
        if described["type"] != "String" or described["ndim"] != 0 or not described["native"]:
            return None
        column = _Column()
        column.rows, column.file = state.rows, state.file
        rows = _rows(table, column, startrow, nrow, rowincr)
        texts = rows and state.file.table(state.locks).read_cells(name, rows=rows[0])
    except Error:
        return None
    if not texts or None in texts:
        return None
    _count("getcol")
    return column, texts


def getcol(table, name, startrow, nrow, rowincr, casacore):
    texts = _texts(table, name, startrow, nrow, rowincr)
    if texts:
        return _shadowed("getcol", table, texts[0].file, (name, startrow, nrow, rowincr), texts[1], casacore)
    column = _column(table, "getcol", name)
    rows = column and _rows(table, column, startrow, nrow, rowincr)
    if not rows:
        return _unusual("getcol", column)
    array = _read("getcol", column, rows[0], None)
    if array is None:
        return NOT_SERVED
    return _shadowed("getcol", table, column.file, (name, startrow, nrow, rowincr), array, casacore)


def getcolslice(table, name, blc, trc, inc, startrow, nrow, rowincr, casacore):
    column = _column(table, "getcolslice", name)
    rows = column and _rows(table, column, startrow, nrow, rowincr)
    box = rows and column.ndim > 0 and _box(column, blc, trc, inc)
    if not box:
        return _unusual("getcolslice", column)
    array = _read("getcolslice", column, rows[0], box)
    if array is None:
        return NOT_SERVED
    return _shadowed("getcolslice", table, column.file, (name, blc, trc, inc, startrow, nrow, rowincr), array, casacore)


def into(table, method, name, nparray, arguments, rows_of, box_of, casacore):
    """A read into the caller's array, which has to be of the column's own type: others casacore converts.

    casacore(array) has casacore read the same into an array of its own.
    """
    column = _column(table, method, name)
    if column is None:
        return NOT_SERVED
    if not isinstance(nparray, np.ndarray) or nparray.dtype != column.dtype or not nparray.flags.writeable:
        return _unusual(method, column)
    if nparray.dtype.char not in _TYPES_INTO:
        return _unusual(method, column, "arrays of type " + str(nparray.dtype))
    rows = rows_of(column)
    box = box_of(column) if box_of else True
    if not rows or not box:
        return _unusual(method, column)
    out = nparray if rows[1] is not None else nparray[np.newaxis]
    if rows[1] is not None and (nparray.ndim == 0 or nparray.shape[0] != rows[1]):
        return _unusual(method, column)
    if _read(method, column, rows[0], None if box is True else box, out) is None:
        return NOT_SERVED
    if _is_shadowed():
        expected = np.empty_like(nparray)
        casacore(expected)
        if not _agree(method, column.file, (name, *arguments), nparray, expected):
            nparray[...] = expected
    return None


def getcolnp(table, name, nparray, startrow, nrow, rowincr, casacore):
    return into(table, "getcolnp", name, nparray, (startrow, nrow, rowincr),
                lambda column: _rows(table, column, startrow, nrow, rowincr), None, casacore)


def getcolslicenp(table, name, nparray, blc, trc, inc, startrow, nrow, rowincr, casacore):
    return into(table, "getcolslicenp", name, nparray, (blc, trc, inc, startrow, nrow, rowincr),
                lambda column: _rows(table, column, startrow, nrow, rowincr),
                lambda column: column.ndim > 0 and _box(column, blc, trc, inc), casacore)


def _one_row(table, column, rownr):
    row = _rows(table, column, rownr, 1, 1)
    return row and (row[0], None)


def getcellnp(table, name, rownr, nparray, casacore):
    return into(table, "getcellnp", name, nparray, (rownr,),
                lambda column: column.ndim > 0 and _one_row(table, column, rownr), None, casacore)


def getcellslicenp(table, name, nparray, rownr, blc, trc, inc, casacore):
    return into(table, "getcellslicenp", name, nparray, (rownr, blc, trc, inc),
                lambda column: _one_row(table, column, rownr),
                lambda column: column.ndim > 0 and _box(column, blc, trc, inc), casacore)


def getcellslice(table, name, rownr, blc, trc, inc, casacore):
    column = _column(table, "getcellslice", name)
    row = column and _one_row(table, column, rownr)
    box = row and column.ndim > 0 and _box(column, blc, trc, inc)
    if not box:
        return _unusual("getcellslice", column)
    array = _read("getcellslice", column, row[0], box)
    if array is None:
        return NOT_SERVED
    return _shadowed("getcellslice", table, column.file, (name, rownr, blc, trc, inc), array[0], casacore)


def getvarcol(table, name, startrow, nrow, rowincr, casacore):
    column = _column(table, "getvarcol", name)
    rows = column and _rows(table, column, startrow, nrow, rowincr)
    if not rows:
        return _unusual("getvarcol", column)
    array = _read("getvarcol", column, rows[0], None)
    if array is None:
        return NOT_SERVED
    first, step = operator.index(startrow), operator.index(rowincr)
    cells = {f"r{first + i * step + 1}": array[i:i + 1] for i in range(rows[1])}
    return _shadowed("getvarcol", table, column.file, (name, startrow, nrow, rowincr), cells, casacore)


def getcell(table, name, rownr, casacore):
    """One cell, when there is no reader for its column yet: makes one."""
    state = state_of(table)
    if state.file is not None and state.file.dirty and (state.file.inherited or not state.file.others_wrote()):
        return _unusual("getcell", True, "writes that are not flushed")  # puts between gets: a flush each is dearer
    column = _column(table, "getcell", name)
    if column is None:
        return NOT_SERVED
    try:
        reader = column.native.reader(name, column.rows)
        value = reader(rownr)
    except (Error, TypeError) as error:
        return _unusual("getcell", True, type(error).__name__)
    if value is None:
        return _unusual("getcell", column, "a cell that is undefined, or no row's")
    if _asked:
        reader = _PlacedReader(reader)
    if shadow_share > 0:
        reader = _ShadowedReader(reader, table, state.file, name, casacore)
        value = reader.compared(value, rownr)
    state.cells[name] = reader
    return value


class _PlacedReader:
    """A reader of cells that notes who called it; used as the reader itself."""

    __slots__ = ("_reader", "places", "counted")

    def __init__(self, reader):
        self._reader, self.counted = reader, 0
        self.places = collections.Counter({_caller(): 1})  # (file, line): cells; its maker has the first

    def __call__(self, rownr):
        value = self._reader(rownr)
        if value is not None:
            self.places[_caller()] += 1
        return value

    served = property(lambda self: self._reader.served)


class _ShadowedReader:
    """A reader of cells some of which casacore reads too; used as the reader itself."""

    __slots__ = ("_reader", "_table", "_file", "_name", "_casacore")

    def __init__(self, reader, table, file, name, casacore):
        self._reader, self._file, self._name, self._casacore = reader, file, name, casacore
        self._table = weakref.ref(table)  # which holds this

    def __call__(self, rownr):
        value = self._reader(rownr)
        return value if value is None else self.compared(value, rownr)

    def compared(self, value, rownr):
        return _shadowed("getcell", self._table(), self._file, (self._name, rownr), value, self._casacore)

    served = property(lambda self: self._reader.served)
    places = property(lambda self: self._reader.places)
    counted = property(lambda self: self._reader.counted, lambda self, calls: setattr(self._reader, "counted", calls))


def getrow(row, rownr, casacore):
    """All cells of a tablerow as a dict: those that msio does not give, undefined ones say, are casacore's.

    casacore is its getcell. Once a row had cells of a column from casacore they are asked for together.
    """
    names = row.names()
    if names is None:
        return _unusual("tablerow", True, "rows of writable tables")
    cells, theirs, table = {}, [], row.table()
    for name in names:
        value = None if name in row.foreign else _cell_of_row(table, name, rownr, casacore)
        if value is None or value is NOT_SERVED:
            theirs.append(name)
        cells[name] = value
    if len(theirs) == len(names):
        return _unusual("tablerow", True, "columns that casacore alone reads")
    if theirs:
        cells.update(row.cells_of_casacore(theirs, rownr))
    _count("tablerow", "some cells that casacore alone reads" if theirs else None)
    return cells


def _cell_of_row(table, name, rownr, casacore):
    reader = table._msio_cells.get(name)
    return reader(rownr) if reader is not None else getcell(table, name, rownr, casacore)


def _unusual(method, column, reason="arguments"):
    if column is not None:
        _count(method, reason)
    return NOT_SERVED


# ---------------------------------------------------------------- loops

#: What is told at exit when MSIO_REPORT is set: (path, column, (file, line)) -> cells
loops = collections.Counter()
_asked = os.environ.get("MSIO_REPORT", "0") not in ("", "0")


#: Folders whose code calls a table's methods for the program.
inner_folders = [os.path.dirname(__file__) + os.sep]


def _caller():
    """File and line of the program that called a table's method, columns' and rows' of python-casacore left out."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(tuple(inner_folders)):
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame else ("?", 0)


def _report(file, name, reader):
    calls = reader.served
    served["getcell", None] += calls - reader.counted
    reader.counted = calls
    for where, cells in reader.places.items() if _asked else ():
        loops[file.path, name, where] += cells


def count_cells():
    """Adds what the readers of cells have given so far to `served`."""
    for file in _files.all_files():
        for state in list(file.states):
            for reader in state.cells.values():
                served["getcell", None] += reader.served - reader.counted
                reader.counted = reader.served


def report(stream=None):
    """Prints who served how many calls, and the loops over cells with their places."""
    stream = stream or sys.stderr
    drop_all_cells()
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


if _asked:
    atexit.register(report)


def drop_all_cells():
    for file in _files.all_files():
        for state in list(file.states):
            state.drop_cells()
