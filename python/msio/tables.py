"""python-casacore's tables with their reads served by msio.

    from msio.tables import table

gives a subclass of python-casacore's `table`: getcol, getcolnp, getcolslice, getcolslicenp, getvarcol, getcell,
getcellslice, getcellnp, rows, columns, iterators and selections are read by msio, puts of numbers written; TaQL, sort,
addcols and all else go to casacore. Arguments, results, types, orders and exceptions are python-casacore's. What this process wrote and has
not flushed is flushed before it is read; what another process wrote is seen as soon as it gave up its lock.

Everything else of `casacore.tables` is here too, unchanged. Without python-casacore `table` has the reading half alone.
"""
from _msio_startup import is_refused

from ._dropin import _counting, _files, _shadow, _states

try:
    import casacore.tables as _casacore_tables
except ImportError:
    from ._reader import table, tablecolumn, tableiter, tablerow  # noqa: F401
    __all__ = ["table", "tablecolumn", "tableiter", "tablerow", "served", "shadow"]
else:
    from ._dropin import _casacore

    class table(_casacore.casacore_table):
        __doc__ = _casacore.casacore_table.__doc__
        _msio_cells = _msio_puts = _states.NO_CELLS
        _msio_serves = True

    if not is_refused():  # MSIO_PATCH=off: python-casacore as it is
        for _name, _method in {**_casacore.reads, **_casacore.writes, **_casacore.puts}.items():
            setattr(table, _name, _method)
        _casacore.watch_writers()
        tablecolumn, tableiter, tablerow = (  # for tables of the class above
            _casacore.column_of_table, _casacore.iterator_of_table, _casacore.row_of_table)
    __all__ = [name for name in dir(_casacore_tables) if not name.startswith("_")] + ["served", "shadow"]


def __getattr__(name):
    if not name.startswith("__") and "_casacore_tables" in globals():
        return getattr(_casacore_tables, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def served():
    """How many calls msio served, and how many casacore.

    Returns
    -------
    dict
        ``{"msio": {method: calls}, "casacore": {(method, reason): calls}}``
    """
    with _files.guard:
        _files.settle(asked=True)
    _counting.count_cells()
    ours, theirs = {}, {}
    for (method, reason), calls in sorted(_counting.served.items(), key=str):
        if reason is None:
            ours[method] = calls
        else:
            theirs[method, reason] = calls
    return {"msio": ours, "casacore": theirs}


def shadow(share):
    """Has casacore read this share of the calls that msio serves, and compares.

    A difference is logged by the logger "msio" with path, column, rows and values, and casacore's answer is returned.
    The environment's MSIO_SHADOW sets it for a whole program.

    Parameters
    ----------
    share : float
        From 0 (never) to 1 (always).
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share is from 0 to 1, not {share}")
    _shadow.share = float(share)
    _files.drop_all_cells()
