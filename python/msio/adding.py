"""Columns and rows added to casacore tables: by casacore, and filled by msio."""
import operator
from collections.abc import Mapping

import numpy as np

from . import _msio, _own_casacore
from ._errors import ArgumentError

__all__ = ["add_columns", "add_rows"]

# casacore's names of types, as Table.describe tells them, and the library's numbers.
_TYPES = {"Bool": 0, "uChar": 2, "Short": 3, "uShort": 4, "Int": 5, "uInt": 6, "Float": 7, "Double": 8, "Complex": 9,
          "DComplex": 10, "String": 11, "Int64": 29}
_OF_DTYPES = {"b1": "Bool", "u1": "uChar", "i2": "Short", "u2": "uShort", "i4": "Int", "u4": "uInt", "f4": "Float",
              "f8": "Double", "c8": "Complex", "c16": "DComplex", "i8": "Int64"}
_ENTRIES = {"type", "shape", "ndim", "direct", "comment", "manager", "manager_name", "tile", "bucket_bytes", "keywords"}


def _type(column, given):
    """The library's number of a type that is named as casacore or as numpy names it."""
    if isinstance(given, str) and given in _TYPES:
        return _TYPES[given]
    try:
        dtype = np.dtype(given)
    except TypeError:
        dtype = None
    if dtype is None or dtype.kind not in "USO" and dtype.str[1:] not in _OF_DTYPES or dtype.kind == "O":
        raise TypeError(f"column {column} cannot be of type {given!r}: numbers of numpy, str, or "
                        + ", ".join(_TYPES)) from None
    return _TYPES["String" if dtype.kind in "US" else _OF_DTYPES[dtype.str[1:]]]


def _sizes(column, what, given):
    try:
        sizes = tuple(int(size) for size in given) if given is not None else ()
    except TypeError:
        raise TypeError(f"the {what} of column {column} has to be a sequence of sizes, not {given!r}") from None
    if any(size < 1 for size in sizes):
        raise ValueError(f"the {what} of column {column} has a size below 1: {given!r}")
    return sizes


def _keyword(column, name, value):
    """(name, type, count, values) as the extension takes them."""
    values = np.asarray(value)
    count = -1 if values.ndim == 0 else len(values)
    if values.ndim > 1 or not isinstance(name, str):
        raise TypeError(f"keyword {name!r} of column {column} has to have a name, and to be a value or a list")
    if values.dtype.kind in "US" and all(isinstance(text, str) for text in np.ravel(value)):
        return name, _TYPES["String"], count, tuple(str(text) for text in np.ravel(value))
    if values.dtype.kind in "iu" and np.can_cast(np.min_scalar_type(values.max(initial=0)), "i4") \
            and values.min(initial=0) >= -2**31:
        return name, _TYPES["Int"], count, values.astype("i4").tobytes()
    if values.dtype.kind == "f":
        single = values.dtype.itemsize < 8
        return name, _TYPES["Float" if single else "Double"], count, values.astype("f4" if single else "f8").tobytes()
    raise TypeError(f"keyword {name} of column {column} holds {value!r}: keywords are strings, numbers of 32 bits, "
                    "floats, or lists of them")


def _described(column, entries):
    """One column as the extension takes it."""
    if not isinstance(column, str) or not isinstance(entries, Mapping):
        raise TypeError(f"columns are described as {{name: {{...}}}}, not by {column!r}: {entries!r}")
    unknown = set(entries) - _ENTRIES
    if unknown or "type" not in entries:
        raise TypeError(f"the description of column {column} " + (f"has {', '.join(map(repr, sorted(unknown)))}, and knows "
                        f"{', '.join(sorted(_ENTRIES))}" if unknown else "has no type"))
    shape = entries.get("shape")
    sizes = _sizes(column, "shape", shape)
    ndim = entries.get("ndim", len(sizes))
    ndim = -1 if ndim is None else int(ndim)
    if shape is not None and ndim != len(sizes):
        raise ValueError(f"column {column} has ndim {ndim}, and a shape of {len(sizes)} axes")
    keywords = tuple(_keyword(column, name, value) for name, value in (entries.get("keywords") or {}).items())
    return (column, entries.get("comment"), _type(column, entries["type"]), ndim, bool(sizes),
            bool(entries.get("direct", False)), sizes, entries.get("manager"), entries.get("manager_name"),
            _sizes(column, "tile", entries.get("tile")), int(entries.get("bucket_bytes") or 0), keywords)


def _names(columns):
    names = [columns] if isinstance(columns, str) else list(columns)
    if not names or not all(isinstance(name, str) for name in names):
        raise TypeError(f"the names of columns have to be str, not {columns!r}")
    return names


def _listed(told):
    return [[name for name in names.split(", ") if name] for names in told]


def _described_columns(path, columns, lock_seconds):
    specs = tuple(_described(name, entries) for name, entries in columns.items())
    if not specs:
        raise ArgumentError("no columns to add")
    with _own_casacore.changing(path, lock_seconds) as table:
        if table is not None:
            _own_casacore.add_described(table, specs)
            return
    keywords = [keyword for spec in specs for keyword in spec[-1]]
    texts = sum(len(values) for *_, values in keywords if isinstance(values, tuple))
    _msio.add_columns(path, specs, len(keywords), texts, lock_seconds)


def _like(path, columns, like, zeros, allocate, lock_seconds):
    added, there = [], []
    with _own_casacore.changing(path, lock_seconds) as table:
        if table is not None:
            for name in _names(columns):
                (added if _own_casacore.add_like(table, name, like, zeros, allocate) else there).append(name)
            return added, there
    for name in _names(columns):
        new, old = _listed(_msio.add_column_like(path, name, like, zeros, allocate, lock_seconds))
        added += new
        there += old
    return added, there


def _imaging(path, zeros, allocate, copy_data, lock_seconds):
    with _own_casacore.changing(path, lock_seconds) as table:
        if table is not None:
            return _own_casacore.add_imaging(table, zeros, allocate, copy_data)
    return _listed(_msio.add_imaging_columns(path, zeros, allocate, copy_data, lock_seconds))


def add_columns(path, columns=None, like=None, imaging=False, zeros=True, allocate=False, copy_data=False,
                lock_seconds=10):
    """Adds columns to a casacore table: described ones, ones like another column, or those that imaging needs.

    Parameters
    ----------
    path : path-like
        A plain table: a Measurement Set, "obs.ms::ANTENNA".
    columns : dict, str, or sequence of str
        Descriptions by name, all of which must be new; with `like`, names. A description is a dict of

        - type: of the elements, as numpy names it ("f4", bool, str) or casacore ("Float", as `Table.describe` tells);
        - shape: of every cell; they are there at once, as zeros that casacore writes out. Without it cells are scalars,
          or, with ndim (a number of axes; None: any), arrays of any shape that are never written yet;
        - direct: whether cells of a fixed shape stand in the rows themselves, in managers that are not tiled;
        - manager ("TiledShapeStMan", "IncrementalStMan", ...; default "StandardStMan") and manager_name (default: the
          column's); columns that follow each other with the same two share one;
        - tile: [row][channel][correlation], one axis more than cells have; bucket_bytes of the managers that have buckets;
        - comment, and keywords: a dict of strings, numbers and lists of them.
    like : str, optional
        The column whose description, shapes and tiles the new ones have. One that is there is left alone.
    imaging : bool
        Adds MODEL_DATA, CORRECTED_DATA and IMAGING_WEIGHT, those that are not there, as addImagingColumns does: with
        MODEL_DATA go virtual models of CASA's.
    zeros : bool
        Whether cells get the shape of `like` (of DATA) in their row, and zeros, which take no room on the disk; else they
        are as casacore leaves them, never written. Described columns are as casacore leaves them.
    allocate : bool
        Whether those zeros take their room on the disk.
    copy_data : bool
        Whether CORRECTED_DATA, where imaging adds it, becomes a copy of DATA.
    lock_seconds : float
        How long to wait for another process's lock.

    Returns
    -------
    dict
        "added" and "there" (already), lists of names.

    Raises
    ------
    ValueError, TypeError
        A description contradicts itself, or a name is taken: nothing was changed. msio.ArgumentError is a ValueError.
    KeyError
        There is no column `like`, or no DATA: msio.ColumnError.
    msio.LockedError
        Another process, or casacore in this one, has the table locked.
    msio.CasacoreError, msio.UnsupportedError, OSError

    Notes
    -----
    casacore adds the columns. Where python-casacore has the table open in this process it is that casacore, under its
    lock: what it holds stays held, and its tables see the columns at once; other threads leave the table alone meanwhile.
    Else it is one in a process of its own: no lock that is held here is touched. Tables that are open in other processes
    do not take in new columns: their next lock fails, so close them first.

    Examples
    --------
    >>> msio.add_columns("obs.ms", imaging=True)
    {'added': ['MODEL_DATA', 'CORRECTED_DATA', 'IMAGING_WEIGHT'], 'there': []}
    >>> msio.add_columns("obs.ms", "RESIDUAL_DATA", like="DATA")
    {'added': ['RESIDUAL_DATA'], 'there': []}
    >>> msio.add_columns("obs.ms", {"SNR": {"type": "f4", "ndim": 2, "manager": "TiledShapeStMan", "tile": (1024, 48, 2)}})
    {'added': ['SNR'], 'there': []}
    """
    if (columns is None) != bool(imaging) or imaging and like is not None:
        raise TypeError("which columns? Descriptions or names with like=, or imaging=True")
    if copy_data and not imaging:
        raise TypeError("copy_data is of imaging=True")
    if imaging:
        added, there = _imaging(path, zeros, allocate, copy_data, lock_seconds)
    elif like is not None:
        added, there = _like(path, columns, like, zeros, allocate, lock_seconds)
    elif isinstance(columns, Mapping):
        _described_columns(path, columns, lock_seconds)
        added, there = list(columns), []
    else:
        raise TypeError("columns without like= have to be described: {name: {'type': ...}}")
    return {"added": added, "there": there}


def add_rows(path, rows, lock_seconds=10):
    """Adds rows at the end of a casacore table: zeros where cells have a place, else cells never written.

    Parameters
    ----------
    path : path-like
        A plain table.
    rows : int
        How many.
    lock_seconds : float
        How long to wait for another process's lock.

    Raises
    ------
    Those of `msio.add_columns`.

    Examples
    --------
    >>> msio.add_rows("obs.ms::HISTORY", 1)
    """
    with _own_casacore.changing(path, lock_seconds) as table:
        if table is None:
            _msio.add_rows(path, rows, lock_seconds)
            return
        rows = operator.index(rows)
        if rows < 0:
            raise ArgumentError(f"{rows} rows to add")
        table.addrows(rows)
