"""Reads of python-casacore's tables served by msio: which can be, and how.

Every function here returns the answer, or `NOT_SERVED` where casacore is to give it: for columns or tables that msio
does not read, for arguments that are wrong or unusual (so that errors are casacore's own), for results that casacore
converts. Both are counted, with the reason (`_counting.py`).
"""
import operator

import numpy as np

from .._box import box_axis
from .._errors import Error, ShapeError
from . import _counting, _files, _shadow
from ._counting import count
from ._states import flush_waiting, state_of

NOT_SERVED = object()

# The types whose arrays python-casacore hands out as numpy has them; it widens uChar, for one.
_TYPES = {"Bool": np.dtype(bool), "Short": np.dtype("i2"), "uShort": np.dtype("u2"),
          "Int": np.dtype("i4"), "uInt": np.dtype("u4"), "Int64": np.dtype("i8"), "Float": np.dtype("f4"),
          "Double": np.dtype("f8"), "Complex": np.dtype("c8"), "DComplex": np.dtype("c16")}

# Those of which python-casacore fills an array of the caller's; it refuses the others.
_TYPES_INTO = "?ifdFD"


# ---------------------------------------------------------------- one column of one table

class _Column:
    """A column that msio reads, as a table object shows it."""

    __slots__ = ("native", "name", "dtype", "ndim", "shape", "rows", "file", "tiled", "new", "incremental")


def _known(method, state, name, described, native=None):
    """The column, as it is described; None, counted, where msio does not serve its type, or does not read it."""
    found = _Column()
    found.dtype = _TYPES.get(described["type"])
    if found.dtype is None:
        return count(method, "columns of type " + described["type"])
    if not described["native"]:
        return count(method, "columns that casacore alone reads")
    found.name, found.ndim, found.shape = name, described["ndim"], described["shape"]
    found.native, found.rows, found.file = native, state.rows, state.file
    found.new = described["can_be_undefined"]
    found.tiled, found.incremental = map(described["manager"].startswith, ("Tiled", "Incremental"))
    return found


def _column(table, method, name):
    """The column, ready to be read; None, counted, where casacore is to read it."""
    state = state_of(table)
    if state.file is None:
        return count(method, state.why_not)
    if not isinstance(name, str):
        return count(method, "arguments")
    if _files.pending:
        _files.settle_read(state.file)
    if state.file.waits():
        return count(method, "writes to a table that it refers to")
    if state.file.dirty and not flush_waiting(table, state.file):
        return count(method, "writes that cannot be flushed")
    try:
        native = state.file.table(state.locks)
        described = state.file.column(name, state.locks)
    except Error as error:
        return count(method, type(error).__name__)
    return _known(method, state, name, described, native)


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
        return count(method, "cells that differ in shape")
    except (Error, ValueError, TypeError, IndexError, NotImplementedError) as error:
        return count(method, type(error).__name__)
    if array.dtype != column.dtype:
        return count(method, "the column changed")
    count(method)
    return array


# ---------------------------------------------------------------- the reads

def _texts(table, name, startrow, nrow, rowincr):
    """A column of strings as casacore's list of str; None where it is none, or casacore is to judge."""
    state = state_of(table)
    if state.file is not None and _files.pending:
        _files.settle_read(state.file)
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
    count("getcol")
    return column, texts


def getcol(table, name, startrow, nrow, rowincr, casacore):
    texts = _texts(table, name, startrow, nrow, rowincr)
    if texts:
        return _shadow.compared("getcol", table, texts[0].file, (name, startrow, nrow, rowincr), texts[1], casacore)
    column = _column(table, "getcol", name)
    rows = column and _rows(table, column, startrow, nrow, rowincr)
    if not rows:
        return _unusual("getcol", column)
    array = _read("getcol", column, rows[0], None)
    if array is None:
        return NOT_SERVED
    return _shadow.compared("getcol", table, column.file, (name, startrow, nrow, rowincr), array, casacore)


def getcolslice(table, name, blc, trc, inc, startrow, nrow, rowincr, casacore):
    column = _column(table, "getcolslice", name)
    rows = column and _rows(table, column, startrow, nrow, rowincr)
    box = rows and column.ndim > 0 and _box(column, blc, trc, inc)
    if not box:
        return _unusual("getcolslice", column)
    array = _read("getcolslice", column, rows[0], box)
    if array is None:
        return NOT_SERVED
    return _shadow.compared("getcolslice", table, column.file, (name, blc, trc, inc, startrow, nrow, rowincr), array,
                            casacore)


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
    if _shadow.is_due():
        expected = np.empty_like(nparray)
        casacore(expected)
        if not _shadow.agree(method, column.file, (name, *arguments), nparray, expected):
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
    return _shadow.compared("getcellslice", table, column.file, (name, rownr, blc, trc, inc), array[0], casacore)


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
    return _shadow.compared("getvarcol", table, column.file, (name, startrow, nrow, rowincr), cells, casacore)


def getcell(table, name, rownr, casacore):
    """One cell, when there is no reader for its column yet: makes one."""
    state = state_of(table)
    if state.file in _files.pending:
        value = _gathered_cell(state, name, rownr)
        if value is not None:
            return value
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
    if _counting.asked:
        reader = _counting.PlacedReader(reader)
    if _shadow.share > 0:
        reader = _shadow.Reader(reader, table, state.file, name, casacore)
        value = reader.compared(value, rownr)
    state.cells[name] = reader
    for one in (state.file, *state.file.behind):
        one.ahead = True
    return value


def _gathered_cell(state, name, rownr):
    """One cell of a table while others are gathered, for which there is no reader yet; None: they have to be stored first."""
    with _files.guard:
        if state.file not in _files.pending or not isinstance(name, str) or _shadow.share > 0:
            return None
        gathering = state.file.gathering
        if name in state.cells:  # it does not pay
            _files.settle(state.file)
            gathering.decline(name)
            return None
        try:
            described = state.file.column(name, state.locks)
            reader = gathering.reader(state, name) if described["type"] in _TYPES and described["native"] else None
            value = None if reader is None else reader(rownr)
        except (Error, TypeError):
            return None
        if value is None:
            return None
        state.cells[name] = _counting.PlacedReader(reader) if _counting.asked else reader
        state.file.ahead = True
        return value


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
    count("tablerow", "some cells that casacore alone reads" if theirs else None)
    return cells


def _cell_of_row(table, name, rownr, casacore):
    reader = table._msio_cells.get(name)
    return reader(rownr) if reader is not None else getcell(table, name, rownr, casacore)


def _unusual(method, column, reason="arguments"):
    if column is not None:
        count(method, reason)
    return NOT_SERVED
