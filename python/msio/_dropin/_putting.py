"""Puts of python-casacore's tables made by msio: which can be, and how.

casacore, which lives in the same process and may have the table in memory, holds its write lock meanwhile. What waits in
its memory is brought to disk before, and it looks at the files anew afterwards.

Every function here returns None, or `NOT_SERVED` where casacore is to put: columns that msio does not write, values that
need a conversion of casacore's, arguments that are wrong (so that errors are casacore's own). Both are counted, with the
reason.
"""
import numpy as np

from .._errors import Error
from . import _files, _shadow
from ._counting import count
from ._serving import NOT_SERVED, _TYPES, _box, _Column, _rows, _unusual
from ._states import flush_waiting, state_of

# Types of arrays that become a column's as casacore converts them: value by value, as C does.
_CONVERTED = {("f8", "f4"), ("f4", "f8"), ("c16", "c8"), ("c8", "c16"), ("i8", "i4"), ("i4", "i8")}


# ---------------------------------------------------------------- casacore's lock

def _takes_lock(table, option):
    """Whether casacore has its write lock on the table: where it takes locks by itself it is made to."""
    if table._haslock(True):
        return True
    if option["option"].startswith("auto"):
        table._lock(True, option["maxwait"])
    return table._haslock(True)


def _look_anew(table, option, kept):
    """Has casacore take in what was written behind its back; gives the lock back unless it is to be kept.

    Where casacore does not lock for its reads it would not look by itself.
    """
    if kept or option.endswith("noread"):
        table._resync()
    if kept:
        return
    table._unlock()
    if not option.endswith("noread"):
        table._lock(False, 1)
        if not table._haslock(False):  # somebody was quicker
            table._resync()


def write_under_lock(table, file, write):
    """Calls write(native table) while casacore holds its write lock and has nothing in memory.

    Returns None, or the reason why casacore is to write instead; then nothing was changed.
    """
    with _files.guard:
        option = table.lockoptions()
        kind = option["option"]
        if not _takes_lock(table, option):
            return "tables that are not locked"
        try:
            if not flush_waiting(table, file):
                return "writes that cannot be flushed"
            write(file.writer())
        except (Error, ValueError, TypeError, IndexError, NotImplementedError) as error:
            return type(error).__name__
        finally:
            _look_anew(table, kind, file.locked or not kind.startswith("auto"))
            file.put()
    return None


# ---------------------------------------------------------------- what is put where

def _describe(table, state, name):
    try:
        return state.file.column(name, state.locks)
    except Error:
        if not state.file.dirty or not flush_waiting(table, state.file):  # a table just made, or a column
            raise
        state.file.close()
        return state.file.column(name, state.locks)


def _target(table, method, name):
    """The column, ready to be written; None, counted, where casacore is to write it."""
    state = state_of(table)
    file = state.file
    if file is None:
        return count(method, state.why_not)
    if not isinstance(name, str):
        return count(method, "arguments")
    if file.behind:
        return count(method, "a table that refers to others")
    if file.inherited:
        return count(method, "a table that the process was forked with")
    if not table.iswritable():
        return count(method, "a table that is only read")
    try:
        described = _describe(table, state, name)
    except Error as error:
        return count(method, type(error).__name__)
    found = _Column()
    found.dtype = _TYPES.get(described["type"])
    if found.dtype is None:
        return count(method, "columns of type " + described["type"])
    if not described["native"]:
        return count(method, "columns that casacore alone reads")
    found.name, found.ndim, found.shape = name, described["ndim"], described["shape"]
    found.rows, found.file = state.rows, file
    found.new = described["can_be_undefined"]
    return found


def _fits(value, column, rows):
    """Whether the value is an array for so many rows that is put as it is, or converted as casacore does."""
    if type(value) is not np.ndarray or not value.size or value.ndim < 1 or value.shape[0] != rows:
        return False
    return value.dtype == column.dtype or (value.dtype.str[1:], column.dtype.str[1:]) in _CONVERTED and value.dtype.isnative


def _write(table, method, column, rows, box, value):
    cell = value.shape[1:] if column.new and box is None and value.ndim > 1 else None
    reason = write_under_lock(table, column.file, lambda native: native.write(column.name, value, rows, box=box,
                                                                              cell_shape=cell))
    count(method, reason)
    return reason is None


def _put(table, method, column, rows, box, value, arguments, read):
    """Puts, and where this call is compared has casacore read what was put: where it differs, casacore puts as well."""
    if not _fits(value, column, rows[1]):
        return _unusual(method, column, "values that casacore judges or converts")
    if not _write(table, method, column, rows[0], box, value):
        return NOT_SERVED
    if _shadow.is_due() and not _shadow.agree(method, column.file, arguments, value.astype(column.dtype), read()):
        return NOT_SERVED
    return None


# ---------------------------------------------------------------- the puts

def putcol(table, name, value, startrow, nrow, rowincr, getcol):
    column = _target(table, "putcol", name)
    rows = column and _rows(table, column, startrow, nrow, rowincr)
    if not rows:
        return _unusual("putcol", column)
    return _put(table, "putcol", column, rows, None, value, (name, startrow, nrow, rowincr),
                lambda: getcol(table, name, startrow, nrow, rowincr))


def putcolslice(table, name, value, blc, trc, inc, startrow, nrow, rowincr, getcolslice):
    column = _target(table, "putcolslice", name)
    rows = column and _rows(table, column, startrow, nrow, rowincr)
    box = rows and column.ndim > 0 and _box(column, blc, trc, inc)
    if not box:
        return _unusual("putcolslice", column)
    return _put(table, "putcolslice", column, rows, box, value, (name, blc, trc, inc, startrow, nrow, rowincr),
                lambda: getcolslice(table, name, blc, trc, inc, startrow, nrow, rowincr))


def putcellslice(table, name, rownr, value, blc, trc, inc, getcellslice):
    column = _target(table, "putcellslice", name)
    row = column and _rows(table, column, rownr, 1, 1)
    box = row and column.ndim > 0 and _box(column, blc, trc, inc)
    if not box or type(value) is not np.ndarray:
        return _unusual("putcellslice", column)
    return _put(table, "putcellslice", column, row, box, value[np.newaxis], (name, rownr, blc, trc, inc),
                lambda: getcellslice(table, name, rownr, blc, trc, inc)[np.newaxis])


def putvarcol(table, name, values, startrow, nrow, rowincr, getvarcol):
    column = _target(table, "putvarcol", name)
    rows = column and _rows(table, column, startrow, nrow, rowincr)
    if not rows or type(values) is not dict or len(values) != rows[1]:
        return _unusual("putvarcol", column)
    cells = list(values.values())
    shapes = {(type(cell), getattr(cell, "shape", None), getattr(cell, "dtype", None)) for cell in cells}
    if len(shapes) > 1 or not _fits(cells[0], column, 1):
        return _unusual("putvarcol", column, "values that casacore judges or converts")
    return _put(table, "putvarcol", column, rows, None, np.concatenate(cells), (name, startrow, nrow, rowincr),
                lambda: np.concatenate(list(getvarcol(table, name, startrow, nrow, rowincr).values())))
