"""What only casacore can read, read by the python-casacore of this process: the extension (pycasacore.c) calls this.

Two copies of casacore in one process crash each other. Where python-casacore is installed it is imported when msio first
needs casacore, so that there is one, whatever is imported first, and it is the one that the program itself uses.
"""
import importlib.util
import os
import sys

import numpy as np

MODULE = "casacore.tables"
_importable = None

_dtypes = {
    "boolean": np.bool_, "uchar": np.uint8, "short": np.int16, "ushort": np.uint16, "int": np.int32, "integer": np.int32,
    "uint": np.uint32, "int64": np.int64, "float": np.float32, "double": np.float64, "complex": np.complex64,
    "dcomplex": np.complex128,
}

# Managers whose many cells are read in one call: others are slower so, and some crash casacore.
_bulk = ("TiledShapeStMan", "TiledColumnStMan")

_BLOCK_BYTES = 16 << 20


def _class():
    """python-casacore's own class, whatever the methods of its Python class were replaced by."""
    module = sys.modules.get(MODULE + "._tables") or sys.modules[MODULE]
    return getattr(module, "Table", None) or module.table.__mro__[1]


def ready():
    """Whether python-casacore can be called. Imports it, where it is installed."""
    global _importable
    if hasattr(sys.modules.get(MODULE), "table"):
        return True
    if _importable is None:
        try:
            found = importlib.util.find_spec(MODULE) is not None
            if found:
                importlib.import_module(MODULE)
            _importable = found
        except Exception:  # one that cannot be loaded is as good as none
            _importable = False
    return hasattr(sys.modules.get(MODULE), "table")


class Through:
    """A table that casacore has open for reading."""

    def __init__(self, path):
        self._path = os.fsdecode(path)
        self._table = None
        self.reopen()

    def reopen(self):
        """Sees what others changed since."""
        self.close()
        self._table = _class()(self._path, {"option": "autonoread"}, 1)
        # casacore hands out a table that the process has open already, as old as it is. One that is locked by this
        # process is up to date, and may hold rows that the file does not have yet.
        if not self._table._haslock(False):
            self._table._resync()

    def close(self):
        """Closes the table; it may be open elsewhere in the process, and stays so there."""
        self._table = None

    def readable(self, column):
        """Reads the shape (and, of a scalar, the value) of the first row, where there is one."""
        table = self._table
        if not table._nrows():
            table._getcoldesc(column, True)
        elif table._isscalarcol(column):
            table._getcell(column, 0)
        elif table._iscelldefined(column, 0):
            self._shape(column, 0)

    def _shape(self, column, row):
        text = self._table._getcolshapestring(column, row, 1, 1, True)[0]
        return tuple(int(n) for n in text.strip("[]").split(",") if n.strip()) or (0,)

    def shapes(self, column, rows, out_ndims, out_shapes, most):
        """Shapes of the rows' cells, numpy's order, into memory of int8 [row] and of int64 [row][most]."""
        table = self._table
        ndims = np.frombuffer(out_ndims, np.int8)
        shapes = np.frombuffer(out_shapes, np.int64).reshape(-1, most)
        scalar = table._isscalarcol(column)
        for i, row in enumerate(rows):
            if not table._iscelldefined(column, row):
                ndims[i] = -1
            elif scalar:
                ndims[i] = 0
            else:
                shape = self._shape(column, row)
                if len(shape) > most:
                    raise ValueError(f"a cell of {len(shape)} axes; msio handles {most}")
                ndims[i] = len(shape)
                shapes[i, :len(shape)] = shape

    def read(self, column, rows, part, out):
        """The part of the cells, which are of one shape, into memory: dense, in rows' order.

        part: None, or (first, count, step) of the last axis but one, and of the last.
        """
        table = self._table
        values = np.frombuffer(out, _dtypes[table._coldatatype(column).lower()])
        if not rows or not values.size:
            return
        values = values.reshape(len(rows), -1)
        if table._isscalarcol(column):
            _fill(values, rows, lambda row, n, step: table._getcol(column, row, n, step),
                  lambda row: table._getcell(column, row))
            return
        bulk = self._manager(column) in _bulk
        box = self._box(column, rows[0], part)
        if box is None:
            whole, cell = table._getcol, table._getcell
            _fill(values, rows, bulk and (lambda row, n, step: whole(column, row, n, step)), lambda row: cell(column, row))
            return
        _fill(values, rows, bulk and (lambda row, n, step: table._getcolslice(column, *box, row, n, step)),
              lambda row: table._getcellslice(column, row, *box))

    def _manager(self, column):
        try:
            return self._table._getcoldesc(column, True).get("dataManagerType", "")
        except RuntimeError:
            return ""

    def _box(self, column, row, part):
        """First and last of each axis, and steps; None: the whole cell."""
        if part is None:
            return None
        shape = self._shape(column, row)
        first, last, step = [0] * len(shape), [n - 1 for n in shape], [1] * len(shape)
        for axis, (start, count, stride) in zip((len(shape) - 2, len(shape) - 1), part):
            if (start, count, stride) == (0, -1, 1):
                continue
            if axis < 0:
                raise IndexError("a part of an axis asked for that the cells lack")
            if count < 0:
                count = (shape[axis] - start + stride - 1) // stride
            first[axis], last[axis], step[axis] = start, start + (count - 1) * stride, stride
            if start < 0 or count < 1 or last[axis] >= shape[axis]:
                raise IndexError(f"elements {start}..{last[axis]} of an axis asked for, the cells have {shape[axis]}")
        return first, last, step

    def strings(self, column, row):
        """The strings of a cell, in memory's order, as bytes."""
        value = self._table._getcell(column, row)
        if isinstance(value, str):
            value = [value]
        elif isinstance(value, dict):  # of more than one axis
            value = value["array"]
        elif isinstance(value, np.ndarray):
            value = value.ravel().tolist()
        return [text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape") for text in _flat(value)]


def _flat(texts):
    for text in texts:
        if isinstance(text, (list, tuple)):
            yield from _flat(text)
        else:
            yield text


def _fill(values, rows, many, one):
    """Many rows in one call, where they are at equal distances and that is known to be well; otherwise one by one."""
    if many and isinstance(rows, range):
        block = max(1, _BLOCK_BYTES // max(1, values[0].nbytes))
        for i in range(0, len(rows), block):
            part = rows[i:i + block]
            values[i:i + len(part)] = np.asarray(many(part[0], len(part), rows.step)).reshape(len(part), -1)
        return
    for i, row in enumerate(rows):
        values[i] = np.asarray(one(row)).reshape(-1)
