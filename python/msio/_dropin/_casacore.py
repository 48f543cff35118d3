"""The methods that msio puts in the place of python-casacore's, for a subclass of its table or for its own.

Reads and puts are tried natively, and fall to casacore's own method where msio does not serve them. What casacore itself
writes is noted, so that what was read ahead is dropped and what waits is flushed before the next native read.
"""
import functools
import os
import sys
import types
import weakref

from casacore.tables import table as casacore_table
from casacore.tables import tablecolumn, tableindex, tableiter
from casacore.tables.tablerow import _tablerow
from casacore.tables.tablerow import tablerow

from . import _counting, _files, _putting, _serving, _states
from ._serving import NOT_SERVED

_counting.inner_folders.append(os.path.dirname(sys.modules[tablerow.__module__].__file__) + os.sep)



def _settled(own, asked=False):
    """A method of casacore's that may touch values, files or locks.

    It is called while no other thread's write is under way, and nothing waits that was put by msio. asked: it is one by
    which programs bring to disk what waits.
    """
    @functools.wraps(own)
    def call(*arguments, **keywords):
        with _files.guard:
            _files.settle(asked=asked)
            return own(*arguments, **keywords)
    return call


_ends = ("close", "done", "flush", "lock", "unlock", "resync", "rename", "__init__")


# casacore's own methods, before anything is put in their places.
_own = {name: _settled(casacore_table.__dict__[name], name in _ends) for name in (
    "getcol", "getcolnp", "getcolslice", "getcolslicenp", "getvarcol", "getcell", "getcellnp", "getcellslice",
    "getcellslicenp", "__getitem__", "query", "sort", "select", "selectrows", "close", "done", "resync",
    "flush", "lock", "unlock", "rename", "__init__")}
_own_getattr = casacore_table.__getattr__
_own_row = {"__init__": _settled(tablerow.__init__), "get": _settled(tablerow.get)}
_own_iterator = {"__init__": _settled(tableiter.__init__), "next": _settled(tableiter.next)}

# What tells of a table and its columns, and neither of values nor of files; or calls other methods for them.
_harmless = ("__enter__", "__exit__", "__str__", "__len__", "__getattr__", "_makerow", "_repr_html_", "name", "colnames", "col",
             "row", "iter", "index", "isscalarcol", "isvarcol", "coldatatype", "colarraytype", "ncols", "nrows", "iswritable",
             "endianformat", "lockoptions", "partnames", "haslock", "keywordnames", "colkeywordnames", "fieldnames",
             "colfieldnames", "getkeyword", "getcolkeyword", "getkeywords", "getcolkeywords", "getdesc", "getcoldesc",
             "coldesc", "info", "browse", "view", "done")

_writes = ("putcell", "putcellslice", "putcol", "putvarcol", "putcolslice", "addrows", "removerows", "addcols",
           "renamecol", "removecols", "putkeyword", "putcolkeyword", "putkeywords", "putcolkeywords", "removekeyword",
           "removecolkeyword", "putinfo", "addreadmeline", "setdmprop", "__setitem__", "copyrows")
_change_columns = ("addcols", "renamecol", "removecols")
_own_writes = {name: casacore_table.__dict__[name] for name in _writes if name in casacore_table.__dict__}


# ---------------------------------------------------------------- reads

def getcell(self, columnname, rownr):
    try:
        reader = self._msio_cells.get(columnname)
    except TypeError:  # no name at all: casacore says so
        reader = None
    if reader is not None:
        value = reader(rownr)
        if value is not None:
            return value
    return _getcell(self, columnname, rownr)


def _getcell(self, columnname, rownr):
    own = _own["getcell"]
    value = _serving.getcell(self, columnname, rownr, own)
    return own(self, columnname, rownr) if value is NOT_SERVED else value


def getcol(self, columnname, startrow=0, nrow=-1, rowincr=1):
    own = _own["getcol"]
    value = _serving.getcol(self, columnname, startrow, nrow, rowincr, own)
    return own(self, columnname, startrow, nrow, rowincr) if value is NOT_SERVED else value


def getcolnp(self, columnname, nparray, startrow=0, nrow=-1, rowincr=1):
    def own(array):
        return _own["getcolnp"](self, columnname, array, startrow, nrow, rowincr)
    if nparray.flags.c_contiguous and nparray.size:
        if _serving.getcolnp(self, columnname, nparray, startrow, nrow, rowincr, own) is not NOT_SERVED:
            return None
    return own(nparray)


def getcolslice(self, columnname, blc, trc, inc=[], startrow=0, nrow=-1, rowincr=1):
    own = _own["getcolslice"]
    value = _serving.getcolslice(self, columnname, blc, trc, inc, startrow, nrow, rowincr, own)
    return own(self, columnname, blc, trc, inc, startrow, nrow, rowincr) if value is NOT_SERVED else value


def getcolslicenp(self, columnname, nparray, blc, trc, inc=[], startrow=0, nrow=-1, rowincr=1):
    def own(array):
        return _own["getcolslicenp"](self, columnname, array, blc, trc, inc, startrow, nrow, rowincr)
    if nparray.flags.c_contiguous and nparray.size:
        if _serving.getcolslicenp(self, columnname, nparray, blc, trc, inc, startrow, nrow, rowincr,
                                  own) is not NOT_SERVED:
            return None
    return own(nparray)


def getvarcol(self, columnname, startrow=0, nrow=-1, rowincr=1):
    own = _own["getvarcol"]
    value = _serving.getvarcol(self, columnname, startrow, nrow, rowincr, own)
    return own(self, columnname, startrow, nrow, rowincr) if value is NOT_SERVED else value


def getcellnp(self, columnname, rownr, nparray):
    def own(array):
        return _own["getcellnp"](self, columnname, rownr, array)
    if nparray.flags.c_contiguous and nparray.size:
        if _serving.getcellnp(self, columnname, rownr, nparray, own) is not NOT_SERVED:
            return None
    return own(nparray)


def getcellslice(self, columnname, rownr, blc, trc, inc=[]):
    own = _own["getcellslice"]
    value = _serving.getcellslice(self, columnname, rownr, blc, trc, inc, own)
    return own(self, columnname, rownr, blc, trc, inc) if value is NOT_SERVED else value


def getcellslicenp(self, columnname, nparray, rownr, blc, trc, inc=[]):
    def own(array):
        return _own["getcellslicenp"](self, columnname, array, rownr, blc, trc, inc)
    if nparray.flags.c_contiguous and nparray.size:
        if _serving.getcellslicenp(self, columnname, nparray, rownr, blc, trc, inc, own) is not NOT_SERVED:
            return None
    return own(nparray)


# ---------------------------------------------------------------- selections

def _class_of(table):
    """msio's own class that a table is of; None where it is python-casacore's, patched."""
    return next((cls for cls in type(table).__mro__ if cls.__dict__.get("_msio_serves")), None)


def _as(self, result, rows_only):
    """A selection of a table, of the class that python-casacore gives it, or of msio's own."""
    if not isinstance(result, casacore_table):
        return result
    ours = _class_of(self)
    made = result if ours is None or type(result) is ours else ours(result, _oper=3)  # not a program's own subclass
    # a selection from a selection of rows chooses rows too; from a plain table as well
    if rows_only and (self.__dict__.get("_msio_rows_only") or _states.is_plain(self)):
        made._msio_rows_only = True
    return made


def query(self, query="", name="", sortlist="", columns="", limit=0, offset=0, style="Python"):
    return _as(self, _own["query"](self, query, name, sortlist, columns, limit, offset, style), not columns)


def sort(self, sortlist, name="", limit=0, offset=0, style="Python"):
    return _as(self, _own["sort"](self, sortlist, name, limit, offset, style), True)


def select(self, columns, name="", style="Python"):
    return _as(self, _own["select"](self, columns, name, style), False)


def selectrows(self, rownrs):
    return _as(self, _own["selectrows"](self, rownrs), True)


class iterator_of_table(tableiter):
    """A tableiter whose tables are of the class of the table that is walked, and choose rows of it."""

    def __init__(self, table, columnnames, order="", sort=True):
        _own_iterator["__init__"](self, table, columnnames, order, sort)
        self._msio_table = table

    def next(self):
        result = _own_iterator["next"](self)
        walked = self.__dict__.get("_msio_table")  # none: it was made before the patch
        return result if walked is None else _as(walked, result, True)

    __next__ = next


def iter(self, columnnames, order="", sort=True):
    return iterator_of_table(self, columnnames, order, sort)


class column_of_table(tablecolumn):
    """A tablecolumn that is walked as its table is."""

    def iter(self, order="", sort=True):
        return self._table.iter([self._column], order, sort)


def col(self, columnname):
    return column_of_table(self, columnname)


def __getattr__(self, name):
    """A column, or a subtable of the same class, or a keyword."""
    value = _own_getattr(self, name)
    ours = _class_of(self)
    return value if ours is None or type(value) is not casacore_table else ours(value.name(), ack=False)


# ---------------------------------------------------------------- opening, making

def __init__(self, tablename, tabledesc=False, *arguments, **keywords):
    try:
        _own["__init__"](self, tablename, tabledesc, *arguments, **keywords)
    finally:
        if keywords.get("_oper") and isinstance(tablename, str) and not _reads_only(tablename):
            _states.written_somewhere()  # also by a command that fails half way
    if keywords.get("_oper"):
        self._msio_derived = True  # unless whoever made it says that it only chooses rows
    elif isinstance(tabledesc, dict):
        if keywords.get("memorytable", len(arguments) > 6 and arguments[6]):
            self._msio_memory = True
        _states.written(self)


def _reads_only(command):
    """Whether a TaQL command writes to no table that is there."""
    words = command.split()
    if [word.lower() for word in words[:2]] == ["using", "style"]:
        words = words[3:]
    return bool(words) and words[0].lower() in ("select", "calc", "count", "show", "help")


# ---------------------------------------------------------------- rows

def _row_put(own):
    def put(self, rownr, value, matchingfields=True):
        table = self.__dict__.get("_table")  # none: a table's own row, whose puts the table notes
        note = _states.written_somewhere if table is None else functools.partial(_states.written, table)
        with _files.guard:
            _files.settle()
            note()
            try:
                return own(self, rownr, value, matchingfields)
            finally:
                note()
    put.__doc__ = own.__doc__
    return put


_own_row["put"] = _row_put(_tablerow.put)


class row_of_table(tablerow):
    """A tablerow whose cells are read as the table's own are."""

    def __init__(self, table, columnnames=[], exclude=False):
        _own_row["__init__"](self, table, columnnames, exclude)
        wanted = [columnnames] if isinstance(columnnames, str) else list(columnnames)
        self._names = (wanted, bool(exclude))
        self._rows_of_foreign = {}  # columns: casacore's own row of them
        self.foreign = set()  # columns of which casacore gave cells

    def names(self):
        """The columns of the row, in its order; None where only casacore knows them."""
        wanted, exclude = self._names
        if wanted and not exclude:
            return wanted
        if self._table.iswritable():  # then columns that cannot be written are left out
            return None
        return [name for name in self._table.colnames() if name not in wanted]

    def table(self):
        """The table, also where only a proxy of it is held, so that rows do not keep their table open."""
        return self._table.name.__self__

    def cells_of_casacore(self, names, rownr):
        """Cells of some of its columns, read by casacore."""
        key = tuple(names)
        row = self._rows_of_foreign.get(key)
        if row is None:
            row = self._rows_of_foreign[key] = tablerow(self.table(), names)
            row._table = self._table
        cells = _own_row["get"](row, rownr)
        self.foreign.update(names)
        return cells

    def get(self, rownr):
        value = NOT_SERVED
        if "_names" in self.__dict__ and hasattr(type(self.table()), "_msio_cells"):  # else: made before the patch, or after
            value = _serving.getrow(self, rownr, _own["getcell"])
        return _own_row["get"](self, rownr) if value is NOT_SERVED else value


    def names_put(self):
        """The columns that it puts; None where only casacore knows them."""
        wanted, exclude = self._names
        return None if exclude else wanted or self._table.colnames()

    def put(self, rownr, value, matchingfields=True):
        left = NOT_SERVED
        if matchingfields and "_names" in self.__dict__ and hasattr(type(self.table()), "_msio_puts"):
            left = _putting.putrow(self, self.table(), rownr, value, _own["getcell"])
        if left is not None:
            _own_row["put"](self, rownr, value if left is NOT_SERVED else {name: value[name] for name in left},
                            matchingfields)


def row(self, columnnames=[], exclude=False):
    return row_of_table(self, columnnames, exclude)


def __getitem__(self, key):
    if isinstance(self._row, int):  # closed: casacore says so
        return _own["__getitem__"](self, key)
    return _row_of(self)._getitem(key, self.nrows())


def _row_of(table):
    """The row object of a table's own, with all columns."""
    made = table.__dict__.get("_msio_row")
    if made is None:
        made = table._msio_row = row_of_table(table, [])
        made._table = weakref.proxy(table)  # no circle: a table is closed when its last reference goes
    return made


# ---------------------------------------------------------------- writes, and the end

def _settle():
    """Stores what was put cell by cell, for the program asked for it."""
    with _files.guard:
        _files.settle(asked=True)


def _noting(name, own):
    cells = name.startswith(("putcell", "putcolslice", "putvarcol")) or name in ("putcol", "__setitem__")

    def write(self, *arguments, **keywords):
        changed = self
        if name == "copyrows":
            changed = keywords.get("outtable", *arguments[:1])
        with _files.guard:
            _files.settle()
            _states.written(changed, cells)  # also before: a put that fails half way has put something
            try:
                return own(self, *arguments, **keywords)
            finally:
                if name in _change_columns:
                    self.__dict__.pop("_msio_row", None)
                if name == "removerows":
                    _states.forget(self)  # a selection has other rows now
                _states.written(changed, cells)
    write.__name__ = name
    write.__qualname__ = own.__qualname__
    write.__doc__ = own.__doc__
    return write


def close(self):
    _settle()
    self.__dict__.pop("_msio_row", None)
    _states.closing(self)
    return _own["close"](self)


def done(self):
    _settle()
    self.__dict__.pop("_msio_row", None)
    _states.closing(self)
    return _own["done"](self)


def resync(self):
    _settle()
    _states.forget(self)
    return _own["resync"](self)


def flush(self, recursive=False):
    _settle()
    _states.flushing(self, lambda: _own["flush"](self, recursive))


def rename(self, newtablename):
    _settle()
    _states.renaming(self, lambda: _own["rename"](self, newtablename))


def lock(self, write=True, nattempts=0):
    _settle()
    _states.locking(self, True)
    return _own["lock"](self, write, nattempts)


def unlock(self):
    _settle()
    _states.locking(self, False)
    if self.lockoptions()["option"].startswith("permanent"):  # nothing is unlocked, and nothing flushed
        return _own["unlock"](self)
    _states.flushing(self, lambda: _own["unlock"](self))


reads = {f.__name__: f for f in (
    getcell, getcol, getcolnp, getcolslice, getcolslicenp, getvarcol, getcellnp, getcellslice, getcellslicenp, query,
    sort, select, selectrows, iter, col, row, close, done, resync, flush, lock, unlock, rename, __getitem__, __init__,
    __getattr__)}
for _name, _function in reads.items():
    _origin = casacore_table.__dict__.get(_name)
    if _origin is not None:
        _function.__doc__ = _origin.__doc__
writes = {name: _noting(name, own) for name, own in _own_writes.items()}


# ---------------------------------------------------------------- puts

def putcol(self, columnname, value, startrow=0, nrow=-1, rowincr=1):
    if _putting.putcol(self, columnname, value, startrow, nrow, rowincr, _own["getcol"],
                       _own["getcell"]) is NOT_SERVED:
        writes["putcol"](self, columnname, value, startrow, nrow, rowincr)


def putcolslice(self, columnname, value, blc, trc, inc=[], startrow=0, nrow=-1, rowincr=1):
    if _putting.putcolslice(self, columnname, value, blc, trc, inc, startrow, nrow, rowincr,
                            _own["getcolslice"]) is NOT_SERVED:
        writes["putcolslice"](self, columnname, value, blc, trc, inc, startrow, nrow, rowincr)


def putcellslice(self, columnname, rownr, value, blc, trc, inc=[]):
    if _putting.putcellslice(self, columnname, rownr, value, blc, trc, inc, _own["getcellslice"]) is NOT_SERVED:
        writes["putcellslice"](self, columnname, rownr, value, blc, trc, inc)


def putvarcol(self, columnname, value, startrow=0, nrow=-1, rowincr=1):
    if _putting.putvarcol(self, columnname, value, startrow, nrow, rowincr, _own["getvarcol"]) is NOT_SERVED:
        writes["putvarcol"](self, columnname, value, startrow, nrow, rowincr)


def putcell(self, columnname, rownr, value):
    try:
        writer = self._msio_puts.get(columnname)
    except TypeError:  # no name at all: casacore says so
        writer = None
    if writer is not None and writer(rownr, value):
        return
    if _putting.putcell(self, columnname, rownr, value, _own["getcell"]) is NOT_SERVED:
        writes["putcell"](self, columnname, rownr, value)


def __setitem__(self, key, value):
    if isinstance(self._row, int):  # closed: casacore says so
        return writes["__setitem__"](self, key, value)
    _row_of(self)._setitem(key, value, self.nrows())


puts = {f.__name__: f for f in (putcol, putcolslice, putcellslice, putvarcol, putcell, __setitem__)}
for _name, _function in puts.items():
    _function.__doc__ = _own_writes[_name].__doc__


# What the patch puts into python-casacore's classes.
patches = {casacore_table: {**reads, **puts, "_msio_cells": _states.NO_CELLS, "_msio_puts": _states.NO_CELLS},
           tablerow: {name: row_of_table.__dict__[name] for name in ("__init__", "names", "names_put", "table",
                                                                     "cells_of_casacore", "get", "put")},
           tableiter: {name: iterator_of_table.__dict__[name] for name in ("__init__", "next", "__next__")}}


def watch_writers():
    """Has python-casacore's own tables tell of their writes: they share tables in memory with ours."""
    if getattr(casacore_table, "_msio_watched", False):
        return
    casacore_table._msio_watched = True
    for name, own in list(casacore_table.__dict__.items()):
        if isinstance(own, types.FunctionType) and name not in _harmless:
            setattr(casacore_table, name, _settled(own, name in _ends))
    casacore_table.__init__ = __init__
    casacore_table.lock = lock
    for name, method in writes.items():
        setattr(casacore_table, name, method)
    _tablerow.put = _own_row["put"]
    for cls, names in ((_tablerow, ("__init__", "get")), (tableiter, ("__init__", "next", "__next__", "reset")),
                       (tableindex, ("__init__", "setchanged", "rownr", "rownrs"))):
        for name in names:
            if name in cls.__dict__:
                setattr(cls, name, _settled(cls.__dict__[name]))
