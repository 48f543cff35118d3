"""The reading half of python-casacore's table, for machines without python-casacore."""
import operator
import os
import weakref

import numpy as np

from .. import _msio
from .._box import box_axis
from .._errors import ArgumentError, ColumnError, Error, RangeError, ShapeError, UnsupportedError
from . import _views

_TYPES = {"Bool": "boolean", "uChar": "uchar", "Short": "short", "uShort": "ushort", "Int": "int", "uInt": "uint",
          "Int64": "int64", "Float": "float", "Double": "double", "Complex": "complex", "DComplex": "dcomplex",
          "String": "string", "Record": "record"}

# What stands in a row for an array that was never written.
_EMPTY = {"boolean": "?", "uchar": "u2", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "int64": "i8",
          "float": "f4", "double": "f8", "complex": "c8", "dcomplex": "c16"}


_looping = weakref.WeakSet()  # tables that have had readers of cells


def drop_all_readers():
    """Lets go of all that was read ahead."""
    for one in list(_looping):
        one._readers.clear()


class table:
    """A casacore table, open for reading, with the calls of python-casacore's `table`.

    Parameters
    ----------
    tablename : path-like
        The table's folder, or "obs.ms::ANTENNA".
    readonly : bool
        Has to be True: writing needs python-casacore.
    ack : bool
        Whether to say on standard output that the table was opened.
    lockoptions : str or dict
        "nolock" (or "usernoread") takes no lock; all others take the read lock during each call.
    """

    def __init__(self, tablename, tabledesc=False, nrow=0, readonly=True, lockoptions="default", ack=True, **_):
        if tabledesc or not readonly:
            raise UnsupportedError("tables are made and written by python-casacore, which is not installed")
        option = lockoptions.get("option", "default") if isinstance(lockoptions, dict) else lockoptions
        self._table = _msio.Table(tablename, lock=not str(option).endswith(("nolock", "noread")))
        self._rows = None
        self._readers = {}
        if ack:
            print(f"Successful readonly open of {option}-locked table {self.name()}: {len(self.colnames())} columns, "
                  f"{self.nrows()} rows")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __len__(self):
        return self._table.nrows if self._rows is None else len(self._rows)

    def __getitem__(self, key):
        return self.row()[key]

    def __getattr__(self, name):
        """A column, or a keyword, of a subtable the table; `keys` and `_` are all keywords."""
        if not name.startswith("_") or name == "_":
            if name in self.colnames():
                return self.col(name)
            keywords = self.getkeywords()
            if name in ("_", "keys"):
                return keywords
            if name in keywords:
                value = keywords[name]
                is_subtable = isinstance(value, str) and value.startswith("Table: ")
                return table(value.removeprefix("Table: "), ack=False) if is_subtable else value
        raise AttributeError(f"the table has no attribute, column or keyword {name}")

    def __str__(self):
        return f"{self.name()}\n{len(self)} rows\n{len(self.colnames())} columns: {' '.join(self.colnames())}"

    def close(self):
        """Closes the table."""
        self._readers.clear()
        self._table.close()

    done = close

    # ------------------------------------------------------------ what it is

    def name(self):
        """Absolute path of the table."""
        return self._table.path

    def nrows(self):
        """Number of rows."""
        return len(self)

    def colnames(self):
        """Names of the columns."""
        return self._table.columns

    def ncols(self):
        """Number of columns."""
        return len(self.colnames())

    def iswritable(self):
        """False: this table reads."""
        return False

    def isscalarcol(self, columnname):
        """Whether a column has one value a row."""
        return self._table.describe(columnname)["ndim"] == 0

    def isvarcol(self, columnname):
        """Whether the cells of a column may differ in shape."""
        return not self._table.describe(columnname)["fixed_shape"]

    def coldatatype(self, columnname):
        """Type of a column's elements, in casacore's words."""
        return _TYPES[self._table.describe(columnname)["type"]]

    def getkeywords(self):
        """All keywords of the table."""
        return _with_paths(self._table.keywords(), self.name())

    def getkeyword(self, keyword):
        """One keyword of the table; names of records within are parted by dots."""
        return _field(self.getkeywords(), keyword)

    def keywordnames(self):
        """Names of the table's keywords."""
        return list(self.getkeywords())

    def getcolkeywords(self, columnname):
        """All keywords of a column."""
        return _with_paths(self._table.keywords(columnname), self.name())

    def getcolkeyword(self, columnname, keyword):
        """One keyword of a column."""
        return _field(self.getcolkeywords(columnname), keyword)

    def colkeywordnames(self, columnname):
        """Names of a column's keywords."""
        return list(self.getcolkeywords(columnname))

    # ------------------------------------------------------------ selections

    def selectrows(self, rownrs):
        """The same table with these rows only."""
        rows = np.atleast_1d(np.asarray(rownrs, dtype=np.int64))
        if rows.size and (rows.min() < 0 or rows.max() >= len(self)):
            raise RangeError(f"rows from {rows.min()} to {rows.max()} are asked for; the table has {len(self)}")
        made = object.__new__(type(self))
        made._table, made._readers = self._table, {}
        made._rows = rows if self._rows is None else self._rows[rows]
        return made

    def query(self, query="", *_, **__):
        """Needs python-casacore, as TaQL does."""
        raise UnsupportedError(f"TaQL ({query!r}) needs python-casacore; rows can be chosen by numpy: "
                               "t.selectrows(numpy.flatnonzero(t.getcol(...) > 3))")

    select = query

    def sort(self, sortlist, name="", limit=0, offset=0, style="Python"):
        """The same table ordered by columns of scalars: "TIME desc, ANTENNA1"."""
        if name:
            raise UnsupportedError("tables are made and written by python-casacore, which is not installed")
        rows = _views.sorted_rows(self, sortlist)[max(offset, 0):]
        return self.selectrows(rows[:limit] if limit > 0 else rows)

    def iter(self, columnnames, order="", sort=True):
        """The tables of the rows that have the same values in some columns of scalars, in the order of the values."""
        return _views.tableiter(self, columnnames, order, sort)

    def col(self, columnname):
        """A column with its own calls."""
        return _views.tablecolumn(self, columnname)

    def row(self, columnnames=[], exclude=False):
        """Rows as dicts, of these columns or of all others."""
        return _views.tablerow(self, columnnames, exclude)

    def rownumbers(self):
        """The rows that this table has of the one on disk."""
        return list(range(len(self))) if self._rows is None else self._rows.tolist()

    def _part(self, startrow, nrow, rowincr):
        start, count, step = map(operator.index, (startrow, nrow, rowincr))
        if step < 1 or start < 0:
            raise ArgumentError(f"rows from {start} in steps of {step}: the start is 0 or more, the step at least 1")
        if start > len(self) or (start == len(self) and count > 0):
            raise RangeError(f"rows from {start} on are asked for; the table has {len(self)}")
        there = (len(self) - start + step - 1) // step
        count = there if count < 0 else min(count, there)
        part = slice(start, start + count * step, step)
        return part if self._rows is None else self._rows[part]

    def _box(self, columnname, blc, trc, inc):
        ndim = self._table.describe(columnname)["ndim"]
        blc, trc, inc = list(blc), list(trc), list(inc)
        if ndim > 0 and max(len(blc), len(trc), len(inc)) > ndim:
            raise ArgumentError(f"the slice has more axes than the {ndim} of the cells")
        size = ndim if ndim > 0 else max(len(blc), len(trc))
        blc += [0] * (size - len(blc))
        trc += [-1] * (size - len(trc))
        inc += [1] * (size - len(inc))
        return [box_axis(*axis) for axis in zip(blc, trc, inc)]

    # ------------------------------------------------------------ reads

    def _read(self, columnname, *part, box=None, out=None):
        """An array; of uChar of the type that python-casacore widens it to."""
        try:
            array = self._table.read(columnname, rows=self._part(*part), box=box, out=out)
        except Error:
            raise
        except ValueError as error:
            raise ArgumentError(str(error)) from None
        except IndexError as error:
            raise RangeError(str(error)) from None
        return array.astype(np.uint16) if array.dtype == np.uint8 and out is None else array

    def _cells(self, columnname, *part):
        """Cells as a list, None for those never written."""
        cells = self._table.read_cells(columnname, rows=self._part(*part))
        return [cell.astype(np.uint16) if getattr(cell, "dtype", None) == np.uint8 else cell for cell in cells]

    def _texts(self, columnname, cells):
        """Cells of strings as python-casacore has them: scalars as a list, arrays as a dict of shape and strings."""
        if self.isscalarcol(columnname):
            return cells
        if None in cells or len(set(map(len, cells))) > 1:
            raise ShapeError(f"the cells of column {columnname} differ in shape: getvarcol reads them")
        shape = self._table.describe(columnname)["shape"] or [len(cells[0]) if cells else 0]
        return {"shape": [len(cells), *shape], "array": [text for cell in cells for text in cell]}

    def getcol(self, columnname, startrow=0, nrow=-1, rowincr=1):
        """A column, or some rows of it: an array, [row] and the axes of a cell; strings as a list, arrays of strings as
        a dict of "shape" and "array"."""
        if self.coldatatype(columnname) == "string":
            return self._texts(columnname, self._cells(columnname, startrow, nrow, rowincr))
        return self._read(columnname, startrow, nrow, rowincr)

    def getcolnp(self, columnname, nparray, startrow=0, nrow=-1, rowincr=1):
        """The same into an array."""
        self._read(columnname, startrow, nrow, rowincr, out=nparray)

    def getcolslice(self, columnname, blc, trc, inc=[], startrow=0, nrow=-1, rowincr=1):
        """A part of each cell: from blc to trc, both included, negative for begin and end."""
        return self._read(columnname, startrow, nrow, rowincr, box=self._box(columnname, blc, trc, inc))

    def getcolslicenp(self, columnname, nparray, blc, trc, inc=[], startrow=0, nrow=-1, rowincr=1):
        """The same into an array."""
        self._read(columnname, startrow, nrow, rowincr, box=self._box(columnname, blc, trc, inc), out=nparray)

    def getvarcol(self, columnname, startrow=0, nrow=-1, rowincr=1):
        """Cells of any shape: {"r1": array, ...}; each array has an axis of one row before those of the cell. False
        stands for a cell that was never written."""
        kind = self.coldatatype(columnname)
        found = {}
        for i, cell in enumerate(self._cells(columnname, startrow, nrow, rowincr)):
            if cell is None:
                value = False
            elif kind == "string":
                value = self._texts(columnname, [cell])
            else:
                value = np.asarray(cell)[np.newaxis] if np.ndim(cell) else \
                    self._read(columnname, startrow + i * rowincr, 1, 1)
            found[f"r{startrow + i * rowincr + 1}"] = value
        return found

    def getcell(self, columnname, rownr):
        """One cell; loops are served from what was read ahead."""
        value = self._cell(columnname, rownr)
        if value is None:
            raise RangeError(f"the cell of row {rownr} of column {columnname} was never written")
        return value

    def _cell(self, columnname, rownr):
        reader = self._readers.get(columnname)
        if reader is None and self.coldatatype(columnname) not in ("string", "record", "uchar"):
            reader = self._readers[columnname] = self._table.reader(columnname, self._rows)
            _looping.add(self)
        value = reader(rownr) if reader is not None else None
        if value is not None:
            return value
        value = self._cells(columnname, rownr, 1, 1)[0]
        shape = self._table.describe(columnname)["shape"]
        return {"shape": list(shape), "array": value} if isinstance(value, list) and len(shape or ()) > 1 else value

    def _cell_or_empty(self, columnname, rownr):
        value = self._cell(columnname, rownr)
        if value is not None:
            return value
        if self.coldatatype(columnname) == "string":
            return []
        ndim = max(self._table.describe(columnname)["ndim"], 1)
        return np.zeros((0,) * ndim, _EMPTY[self.coldatatype(columnname)])

    def getcellnp(self, columnname, rownr, nparray):
        """One cell into an array."""
        self._read(columnname, rownr, 1, 1, out=nparray[np.newaxis])

    def getcellslice(self, columnname, rownr, blc, trc, inc=[]):
        """A part of one cell."""
        return self.getcolslice(columnname, blc, trc, inc, rownr, 1)[0]

    def getcellslicenp(self, columnname, nparray, rownr, blc, trc, inc=[]):
        """The same into an array."""
        self.getcolslicenp(columnname, nparray[np.newaxis], blc, trc, inc, rownr, 1)

    def iscelldefined(self, columnname, rownr):
        """Whether a cell was ever written."""
        return self._table.read_cells(columnname, rows=self._part(rownr, 1, 1))[0] is not None


def _with_paths(fields, path):
    """Keywords whose subtables have absolute paths, as python-casacore gives them."""
    def whole(value):
        if isinstance(value, dict):
            return _with_paths(value, path)
        for prefix, folder in (("Table: ././", path), ("Table: ./", os.path.dirname(path))):
            if isinstance(value, str) and value.startswith(prefix):
                return "Table: " + os.path.join(folder, value.removeprefix(prefix))
        return value
    return {name: whole(value) for name, value in fields.items()}


def _field(fields, name):
    for part in name.split("."):
        if not isinstance(fields, dict) or part not in fields:
            raise ColumnError(f"there is no keyword {name}")
        fields = fields[part]
    return fields
