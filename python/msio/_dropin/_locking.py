"""casacore's lock in this process, under which msio writes: casacore takes it, has nothing in memory, and looks anew."""
from .._errors import Error
from . import _files
from ._states import flush_waiting


def takes_lock(table, option):
    """Whether casacore has its write lock on the table: where it takes locks by itself it is made to."""
    if table._haslock(True):
        return True
    if option["option"].startswith("auto"):
        table._lock(True, option["maxwait"])
    return table._haslock(True)


def look_anew(table, file, option):
    """Has casacore take in what was written behind its back, and give back a lock that it took by itself.

    Where casacore does not lock for its reads it would not look by itself.
    """
    kind = option["option"]
    kept = file.locked or not kind.startswith("auto")
    if kept or kind.endswith("noread"):
        table._resync()
    if kept:
        return
    table._unlock()
    if not kind.endswith("noread"):
        table._lock(False, 1)
        if not table._haslock(False):  # somebody was quicker
            table._resync()


def write_under_lock(table, file, write):
    """Calls write(native table) while casacore holds its write lock and has nothing in memory.

    Returns None, or the reason why casacore is to write instead; then nothing was changed.
    """
    with _files.guard:
        _files.settle(file)
        option = table.lockoptions()
        if not takes_lock(table, option):
            return "tables that are not locked"
        try:
            if not flush_waiting(table, file):
                return "writes that cannot be flushed"
            write(file.writer())
        except (Error, ValueError, TypeError, IndexError, NotImplementedError) as error:
            return type(error).__name__
        finally:
            look_anew(table, file, option)
            file.put()
    return None
