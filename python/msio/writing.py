"""Columns of casacore tables written: whole or in part, at once or in batches, and what a crash left of it."""
import contextlib
import operator

import numpy as np

from . import _msio, _own_casacore, _ragged
from ._progress import progress as _progress
from ._ragged import DTYPES as _DTYPES
from ._selecting import positive as _positive, rows as _rows
from .reading import _Batches, _cell, _parts
from .visibilities import _VALUES

__all__ = ["write", "fill", "copy", "stream_write", "repair"]

def _open(path):
    return _msio.Table(path, writable=True)


def _dtype(table, column):
    """The column's type as numpy has it."""
    if not isinstance(column, str):
        raise TypeError(f"the name of a column has to be a str, not {column!r}")
    kind = table.describe(column)["type"]
    if kind not in _DTYPES:
        raise TypeError(f"column {column} holds {kind}: msio writes numbers and bools, casacore the others")
    return np.dtype(_DTYPES[kind])


def _dtype_or_text(table, column):
    """The same; None: it holds strings."""
    return None if isinstance(column, str) and table.describe(column)["type"] == "String" else _dtype(table, column)


def _box(table, column, rows, chans, corrs, cell_shape):
    """The part of each cell, one entry an axis; None: all of it."""
    if chans is None and corrs is None:
        return None
    shape = cell_shape if cell_shape is not None else _cell(table, column, rows)
    if shape is None:  # no row is wanted
        return None
    spans = [slice(start, start + max(0, (count - 1) * step + 1) if count else start, step) if count >= 0 else slice(None)
             for start, count, step in _parts(column, shape, chans, corrs)][-min(len(shape), 2):]
    return [slice(None)] * (len(shape) - 2) + spans


def _is_empty(box):
    return box is not None and any(span.stop is not None and span.start == span.stop for span in box)


def _convertible(values, dtype, casting, column):
    """The values as an array, if they may be put into the column."""
    if not isinstance(values, np.ndarray):
        if casting is None:
            raise TypeError(f"the values for column {column} have to be a numpy array of {dtype}, or casting has to say "
                            "how they are converted")
        values = np.asarray(values)
    if values.dtype == dtype or values.dtype.newbyteorder("=") == dtype:
        return values
    if casting is None:
        raise TypeError(f"the values are of type {values.dtype}, column {column} of {dtype}: convert them, or give casting")
    if not np.can_cast(values.dtype, dtype, casting):
        raise TypeError(f"values of type {values.dtype} do not become {dtype}, as column {column} has them, by casting "
                        f"'{casting}'")
    return values


def write(path, column, values, rows=None, chans=None, corrs=None, atomic=False, sync=False, cell_shape=None,
          allocate=False, casting=None, threads=0, progress=False):
    """Puts an array into a column of a casacore table.

    Parameters
    ----------
    path : path-like
        A Measurement Set or any table, "obs.ms::ANTENNA".
    column : str
        The column's name.
    values : ndarray, or list
        [row][channel][correlation], as `msio.read` gives them for the same selection; of the column's type; any order,
        stride and byte order: what cannot be stored as it lies in memory is copied a few megabytes at a time.
        A list, or an array of objects, has a cell an entry, whole: arrays of the column's type, whose shapes may differ; str
        or lists of str for a column of strings; None for a cell that is left alone. Cells of columns without a fixed shape
        get the shape that is given.
    rows : None, slice, int, or array of int or bool
        Which rows, as in `msio.read`; of a row that is named twice the later value stays. With an int the values have
        no axis of rows.
    chans, corrs : None, slice, or int
        Which channels and correlations: the last two axes of a cell. The other ones are left as they are.
    atomic : bool
        All or nothing, also after a kill (then `repair`, or the next write, puts the old values back): the old values
        are kept meanwhile, 64 MiB at most; or files are made anew, where nobody else has the table open.
    sync : bool
        Whether the values are on the disk when the call returns, which power loss asks for. A kill does not.
    cell_shape : sequence of int, optional
        The shape of cells that were never written, as of a column that was just added; without it they are an error.
    allocate : bool
        Whether zeros put into such cells take their room on the disk.
    casting : {'equiv', 'safe', 'same_kind', 'unsafe'}, optional
        How values of another type than the column's are converted, in numpy's words; without it they are an error.
    threads : int
        0: all that the process may use.
    progress : bool
        Whether to show how far it is.

    Raises
    ------
    TypeError
        The values are of another type than the column.
    ValueError
        They are of another shape than the selection; there is no axis of channels or correlations.
    IndexError
        Rows, channels or correlations beyond what there is.
    msio.LockedError
        Another process has the table open; it is named, and what helps there.
    msio.UnsupportedError
        The column is written by casacore only.
    msio.Error
        A RuntimeError: all that goes wrong with tables and files is one.

    Notes
    -----
    The call takes casacore's write lock and counts its change as casacore does, so that processes that have the table open
    see it at their next lock. Numbers and bools that are not written natively (`Table.describe` tells) are put by the
    python-casacore of this process where it has the table open, under its lock. Ctrl-C ends the call: blocks are then old or new, with `atomic` all are old.

    Examples
    --------
    >>> msio.write("obs.ms", "MODEL_DATA", model)
    >>> msio.write("obs.ms", "FLAG", flags, rows=slice(0, 1000), chans=slice(12, 24), atomic=True)
    >>> msio.write("obs.ms::FIELD", "NAME", ["3C286", "3C147"], rows=[0, 4])
    """
    with _open(path) as table, _progress(progress, f"writing {column}") as told:
        dtype = _dtype_or_text(table, column)
        rows = _rows(rows, lambda: table.nrows)
        if _ragged.are_ragged(values, dtype, casting):
            if chans is not None or corrs is not None or atomic or cell_shape is not None or allocate:
                raise TypeError(f"cells of column {column} that are given one by one are put whole: chans, corrs, atomic, "
                                "cell_shape and allocate are of values in one array")
            cells = _ragged.cells_of([values] if isinstance(rows, int) else values, dtype,
                                     lambda value: _convertible(value, dtype, casting, column), column)
            table.write_cells(column, *cells, rows, sync=sync, threads=threads, progress=told)
            return
        values = _convertible(values, dtype, casting, column)
        box = _box(table, column, rows, chans, corrs, cell_shape)
        if isinstance(rows, int):
            values = values[np.newaxis]
        if _is_empty(box):
            return
        if box is None and not atomic and _own_casacore.puts(path, table.describe(column), column, rows, table.nrows, values):
            return
        table.write(column, values, rows, box=box, threads=threads, atomic=atomic, sync=sync, cell_shape=cell_shape,
                    allocate=allocate, progress=told)


def _element(value, dtype, column):
    """One value as the column has it."""
    given = np.asarray(value)
    if given.ndim:
        raise ValueError(f"a column is filled with one value, not with an array of shape {given.shape}")
    kind = np.min_scalar_type(given) if given.dtype.kind in "iu" else given.dtype
    if not np.can_cast(kind, dtype, "same_kind"):
        raise TypeError(f"{value!r} is no value of column {column}, which is of {dtype}")
    made = given.astype(dtype)
    if dtype.kind in "iu" and made != given:
        raise TypeError(f"{value!r} is no value of column {column}, which is of {dtype}")
    return made


def fill(path, column, value, rows=None, chans=None, corrs=None, atomic=False, sync=False, cell_shape=None,
         allocate=False, threads=0, progress=False):
    """Puts one value into a column of a casacore table: zeros, flags.

    Parameters
    ----------
    path, column, rows, chans, corrs, atomic, sync, cell_shape, allocate, threads, progress
        As of `msio.write`. Zeros in cells that were never written take no room on the disk, unless `allocate` is true.
    value : scalar
        Of the column's kind, and within its range.

    Examples
    --------
    >>> msio.fill("obs.ms", "MODEL_DATA", 0, cell_shape=(48, 2))
    >>> msio.fill("obs.ms", "FLAG", True, rows=[3, 17], chans=slice(0, 4))
    """
    with _open(path) as table, _progress(progress, f"filling {column}") as told:
        element = _element(value, _dtype(table, column), column)
        rows = _rows(rows, lambda: table.nrows)
        box = _box(table, column, rows, chans, corrs, cell_shape)
        if _is_empty(box):
            return
        if box is None and not atomic and _own_casacore.puts(path, table.describe(column), column, rows, table.nrows, element):
            return
        table.fill(column, element, rows, box=box, threads=threads, atomic=atomic, sync=sync, cell_shape=cell_shape,
                   allocate=allocate, progress=told)


def copy(path, column, to, rows=None, chans=None, corrs=None, to_path=None, atomic=False, sync=False, cell_shape=None,
         threads=0, progress=False, *, minus=None, conjugate=False, scale=1, stats=False, flag_row=True, memory=64 << 20):
    """Copies cells of a column, or what is computed of them, into the same rows of another one, batch by batch.

    Parameters
    ----------
    path : path-like
        The table that is read.
    column, to : str
        The column that is read, and the one that is written: of one type, and of cells of one shape.
    to_path : path-like, optional
        The table that is written; default: the same.
    cell_shape : sequence of int, optional
        The shape of cells that were never written; default: that of the cells that are read.
    rows, chans, corrs, atomic, sync, threads, progress
        As of `msio.write`. A copy that is cut short has copied some of the rows, with `atomic` none.
    minus : str, optional
        A column whose values are subtracted.
    conjugate : bool
        Whether the difference is conjugated.
    scale : complex
        What that is multiplied with. With any of these, or `stats`, the columns are of one table, complex (or float), and may
        be the same one, of cells of one shape in these rows; values are computed in double precision and rounded once. Not with
        `to_path`, `atomic`, `sync`, `cell_shape`.
    stats : bool
        Whether statistics of what is written are returned, of the same pass.
    flag_row : bool
        Whether a set FLAG_ROW flags its whole row in these.
    memory : int
        Bytes of the batches in flight when something is computed.

    Returns
    -------
    structured scalar or None
        With `stats`, as in `msio.stats`' `columns`.

    Examples
    --------
    >>> msio.copy("obs.ms", "DATA", "CORRECTED_DATA")
    >>> residuals = msio.copy("obs.ms", "DATA", "CORRECTED_DATA", minus="MODEL_DATA", stats=True)
    >>> residuals["rms"]
    """
    if minus is not None or conjugate or stats or scale != 1:
        if to_path is not None or atomic or sync or cell_shape is not None:
            raise ValueError("to_path, atomic, sync and cell_shape are for plain copies")
        with _open(path) as table, _progress(progress, f"computing {to}") as told:
            rows = _rows(rows, lambda: table.nrows)
            box = _box(table, column, rows, chans, corrs, None)
            rows = [rows] if isinstance(rows, int) else rows
            found = _msio.copy_computed(table, column, to, rows, box, minus, conjugate, scale, stats, flag_row,
                                        operator.index(memory), threads, told)
        return None if found is None else np.frombuffer(found, _VALUES)[0]
    with contextlib.ExitStack() as stack:
        target = stack.enter_context(_open(path if to_path is None else to_path))
        source = target if to_path is None else stack.enter_context(_msio.Table(path))
        told = stack.enter_context(_progress(progress, f"copying {column} to {to}"))
        _dtype(target, to)
        rows = _rows(rows, lambda: source.nrows)
        box = _box(source, column, rows, chans, corrs, None)
        if _is_empty(box):
            return
        if cell_shape is None:
            cell_shape = source.describe(column)["shape"]
        source.copy(column, target, to, rows, box=box, threads=threads, atomic=atomic, sync=sync, cell_shape=cell_shape,
                    progress=told)


class stream_write(_Batches):
    """Columns of a table written in batches of rows: the program fills one while the one before is written.

    Parameters
    ----------
    path : path-like
        A Measurement Set or any table.
    columns : str or sequence of str
        Of numbers or bools, each with cells of one shape.
    rows : None, slice, or array of int or bool
        Which rows, in the order of the batches.
    chans, corrs : None, slice, or int
        As of `msio.stream`.
    memory : int, optional
        Bytes that the two batches in flight may take together; default 32 MiB. The arrays that are handed out come on top.
    rows_per_batch : int, optional
        Default: as many as the memory allows.
    cell_shape : sequence of int, optional
        The shape of cells that were never written, in all columns that have such.
    sync, threads
        As of `msio.write`.

    Yields
    ------
    Batch
        A dict of arrays [row][channel][correlation] by column, with `row` and `rows`, to be filled in place: what they
        hold is unspecified. They are taken when the next batch is asked for; a batch after which none is asked for, as
        after a `break` or an error, is not written.

    Notes
    -----
    The table's write lock is held from the beginning to the end. Each batch is a write of its own.

    Examples
    --------
    >>> with msio.stream_write("obs.ms", ["MODEL_DATA"]) as batches:
    ...     for batch in batches:
    ...         batch["MODEL_DATA"][...] = predict(batch.row, batch.rows)
    """

    def __init__(self, path, columns, rows=None, chans=None, corrs=None, memory=None, rows_per_batch=None, cell_shape=None,
                 sync=False, threads=0):
        self._names = (columns,) if isinstance(columns, str) else tuple(columns)
        limits = _positive(memory, "memory"), _positive(rows_per_batch, "rows_per_batch")
        self._table = _open(path)
        try:
            for name in self._names:
                _dtype(self._table, name)
            rows = _rows(rows, lambda: self._table.nrows)
            parts = self._parts(rows, chans, corrs)
            self._stream = _msio.WriteStream(self._table, self._names, rows, *parts, *limits,
                                             None if cell_shape is None else tuple(cell_shape), threads, sync)
        except BaseException:
            self._table.close()
            raise

    def _parts(self, rows, chans, corrs):
        """(start, count, step) of channels and of correlations."""
        if chans is None and corrs is None:
            return (0, -1, 1), (0, -1, 1)
        shapes = {_cell(self._table, name, rows) for name in self._names}
        if len(shapes) > 1:
            raise ValueError("chans and corrs need columns with cells of one shape: others have to be streamed apart")
        shape = shapes.pop()
        return ((0, -1, 1), (0, -1, 1)) if shape is None else _parts(self._names[0], shape, chans, corrs)

    def close(self):
        """Ends the stream; may come before its end, and more than once. Raises what went wrong with batches before."""
        try:
            self._stream.close()
        finally:
            self._table.close()


def repair(path):
    """Puts back what a write that was cut short (a kill, a power cut) left in a table.

    The next write through msio does the same; reads change nothing.

    Parameters
    ----------
    path : path-like
        The table.

    Returns
    -------
    dict or None
        None: no write was cut short. Else "columns" (a str), "first_row" and "last_row" of that write, "blocks" that were
        put back, and "may_be_mixed": another program wrote since, or the table was copied, so that nothing could be put
        back and these rows may hold old and new values.
    """
    interrupted, blocks, mixed, columns, first, last = _msio.repair(path)
    if not interrupted:
        return None
    return {"columns": columns, "first_row": first, "last_row": last, "blocks": blocks, "may_be_mixed": mixed}
