"""Tables that the python-casacore of this process has open: that casacore changes their rows and columns, and puts what is not
written natively.

Its other objects of the table see the change at once, their locks stay, and no second copy is asked.
"""
import contextlib
import os
import sys

import numpy as np

from . import _msio
from ._errors import ArgumentError, CasacoreError, ColumnError, LockedError, UnsupportedError
from ._ragged import DTYPES

MODULE = "casacore.tables"
_WEIGHT = "Weight set by imaging task (e.g. uniform weighting)"

# The library's numbers of types, and python-casacore's names.
_NAMES = {0: "boolean", 2: "uchar", 3: "short", 4: "ushort", 5: "int", 6: "uint", 7: "float", 8: "double", 9: "complex",
          10: "dcomplex", 11: "string", 29: "int64"}
_FIXED, _DIRECT = 4, 1  # casacore's options of columns
_MOST_AXES = 8


def is_open_here(path):
    """Whether python-casacore, and no other casacore, has the table open in this process.

    As long as it has, casacore keeps a lock that says so; the system tells it with every descriptor of the file.
    """
    if not hasattr(sys.modules.get(MODULE), "table") or "casatools" in sys.modules:
        return False
    folder = os.path.realpath(path)
    if os.path.exists(os.path.join(folder, "table.msio_write")):  # it is put back first, which casacore cannot
        return False
    file = os.path.join(folder, "table.lock")
    try:
        descriptors = os.listdir("/proc/self/fd")
    except OSError:
        return False
    return any(_shows_lock(number, file) for number in descriptors)


def _shows_lock(number, file):
    try:
        if os.readlink(f"/proc/self/fd/{number}") != file:
            return False
        with open(f"/proc/self/fdinfo/{number}", encoding="ascii") as told:
            return any(line.startswith("lock:") and " POSIX " in line for line in told)
    except OSError:  # it was closed meanwhile
        return False


def is_the_only_one(path):
    """Whether there is no casacore but python-casacore: msio was installed without its module, as from a wheel."""
    beside = os.path.join(os.path.dirname(__file__), "msio_casacore.so")
    if "MSIO_CASACORE_MODULE" in os.environ or os.path.exists(beside) or "casatools" in sys.modules:
        return False
    from . import _through_casacore  # rarely needed, and it brings importlib.util along
    return _through_casacore.ready() and not os.path.exists(os.path.join(path, "table.msio_write"))


def folder_of(path):
    """The folder of a table that may be named as "obs.ms::ANTENNA"."""
    path = os.fsdecode(path)
    return path if os.path.exists(path) else path.replace("::", "/")


@contextlib.contextmanager
def changing(path, seconds):
    """python-casacore's table under its write lock, where it is open here or there is no other casacore; else None.

    What was locked before stays locked; else the lock is given back at the end.
    """
    path = folder_of(path)
    if not is_open_here(path) and not is_the_only_one(path):
        yield None
        return
    table = sys.modules[MODULE].table(path, readonly=False, lockoptions="default", ack=False)
    try:
        if list(table.partnames()) != [table.name()]:
            raise UnsupportedError("columns and rows are added to plain tables; this one shows rows of others: add them "
                                   f"to {table.partnames()[0]}")
        wrote, read = table.haslock(True), table.haslock(False)
        if not wrote:
            _lock(table, seconds)
        try:
            yield table
            table.flush()
        except RuntimeError as error:
            if type(error) is RuntimeError:
                raise CasacoreError(str(error)) from error
            raise
        finally:
            if not wrote:
                table.unlock()
                if read:
                    table.lock(False, 1)
    finally:
        del table  # not closed: casacore would wait for a lock to flush what is none


def _lock(table, seconds):
    with contextlib.suppress(RuntimeError):
        table.lock(True, max(1, round(seconds)))
    if not table.haslock(True):
        raise LockedError(f"another process has {table.name()} locked, and this one, which has it open in casacore, did "
                          f"not get its write lock in {seconds} s")


# ---------------------------------------------------------------- cells that are not written natively

SECONDS = 10


def puts(path, told, column, rows, total, values):
    """Puts whole cells where casacore has to, and has the table open here. False: it is not so, and nothing was done.

    rows: None, a slice, an int or an array; values: [row]..., or one element for all.
    """
    incremental = told["manager"].startswith("Incremental")  # of which msio writes some rows, and others not
    if told["writable"] and not incremental or told["manager"].startswith("Tiled"):
        return False
    if not is_open_here(folder_of(path)) and not is_the_only_one(folder_of(path)):
        return False
    chosen = np.arange(total)[rows if rows is not None else slice(None)].reshape(-1)
    if incremental and total - 1 in chosen and len(np.unique(chosen)) < total:
        return False  # casacore would change rows before the last one, too
    if values.ndim and len(values) != len(chosen):
        raise ValueError(f"{len(values)} rows of values are given, {len(chosen)} are selected")
    with changing(path, SECONDS) as table:
        if table is None:
            return False
        for i, row in enumerate(chosen.tolist()):
            if values.ndim:
                value = values[i]
            elif told["ndim"] == 0:
                value = values
            else:
                value = np.full_like(table.getcell(column, row), values)
            table.putcell(column, row, value.item() if told["ndim"] == 0 else value)
    return True


# ---------------------------------------------------------------- described columns

def add_described(table, specs):
    """Adds columns as `adding` describes them to the extension. Nothing is changed by those that contradict themselves."""
    groups = []
    for spec in specs:
        key = spec[7] or "StandardStMan", spec[8] or spec[0]
        if not groups or groups[-1][0] != key:
            groups.append((key, []))
        _check(key[0], spec, groups[-1][1])
        groups[-1][1].append(spec)
    _check_names(table, groups)
    added = []
    try:
        for (kind, name), members in groups:
            table.addcols(sys.modules[MODULE].maketabdesc([_description(spec) for spec in members]),
                          {"TYPE": kind, "NAME": name, "SPEC": _storage(members[0])})
            added += [spec[0] for spec in members]
    except RuntimeError as error:
        for column in added:
            table.removecols(column)
        raise ArgumentError(f"casacore adds no such columns: {error}") from error


def _check(kind, spec, before):
    column, ndim, fixed, tile = spec[0], spec[3], spec[4], spec[9]
    tiled = kind.startswith("Tiled")
    if not column:
        raise ArgumentError("a column without a name")
    if ndim > _MOST_AXES:
        raise ArgumentError(f"column {column} has {ndim} axes; at most {_MOST_AXES}")
    if _NAMES[spec[2]] == "ushort":
        raise UnsupportedError(f"column {column} would be of uShort, and python-casacore has no table open that has such "
                               "columns: close it first")
    if tiled and ndim < 1:
        raise ArgumentError(f"column {column}: tiles hold arrays of a known number of axes")
    if kind == "TiledColumnStMan" and not fixed:
        raise ArgumentError(f"column {column}: TiledColumnStMan wants a fixed shape")
    axes = (before[0] if before else spec)[9] if tiled else tile
    if tiled and axes and len(axes) != ndim + 1:
        raise ArgumentError(f"column {column}: tiles have one axis more than cells")


def _check_names(table, groups):
    names, managers = set(table.colnames()), {info["NAME"] for info in table.getdminfo().values()}
    for (_, manager), members in groups:
        if manager in managers:
            raise ArgumentError(f"the table has a data manager {manager} already")
        managers.add(manager)
        for spec in members:
            if spec[0] in names:
                raise ArgumentError(f"the table has a column {spec[0]} already")
            names.add(spec[0])


def _description(spec):
    column, comment, kind, ndim, fixed, direct, shape, _, _, _, _, keywords = spec
    common = {"valuetype": _NAMES[kind], "comment": comment or "",
              "keywords": {name: _keyword(*rest) for name, *rest in keywords}}
    if ndim == 0:
        return sys.modules[MODULE].makescacoldesc(column, 0, **common)
    return sys.modules[MODULE].makearrcoldesc(column, 0, ndim=ndim, shape=list(shape) if fixed else [],
                                              options=(_FIXED | (_DIRECT if direct else 0)) if fixed else 0, **common)


def _keyword(kind, count, values):
    if isinstance(values, tuple):
        return list(values) if count >= 0 else values[0]
    array = np.frombuffer(values, {"int": "i4", "float": "f4", "double": "f8"}[_NAMES[kind]])
    return array if count >= 0 else array[0].item()


def _storage(spec):
    made = {}
    if spec[9]:
        made["DEFAULTTILESHAPE"] = np.array(spec[9][::-1], np.int32)
    if spec[10]:
        made["BUCKETSIZE"] = int(spec[10])
    return made


# ---------------------------------------------------------------- columns like others

def add_like(table, name, like, zeros, allocate):
    """Adds a column like another one. False: it is there, and left alone."""
    if like not in table.colnames():
        raise ColumnError(f"no column {like}")
    if not name:
        raise ArgumentError("a column without a name")
    if name in table.colnames():
        return False
    with _native(table) as native:
        told = native.describe(like)
    _add_renamed(table, told, name, like, table.getcoldesc(like).get("comment", ""), told["ndim"], "tiled_" + name)
    if zeros:
        put_zeros(table, name, like, allocate)
    return True


def _native(table):
    """The table as msio sees it, with what casacore has written, for writes under casacore's lock."""
    table.flush()
    return _msio.Table(table.name(), writable=True, lock_is_held=True)


def _add_renamed(table, told, name, like, comment, ndim, manager):
    described = {**table.getcoldesc(like), "comment": comment, "keywords": {}, "dataManagerGroup": "", "dataManagerType": ""}
    if "ndim" in described and described["ndim"] <= 0 < ndim:
        described["ndim"] = ndim
    info = {}
    if described.get("ndim", 0) > 0 and told["type"] != "String":
        whole = told["manager"] == "TiledColumnStMan" and len(described.get("shape", ())) > 0
        tile = told["tile"] if told["tile"] and len(told["tile"]) == ndim + 1 else \
            (1024, *[32] * (ndim - 1), 4 if ndim == 2 else 32)
        info = {"TYPE": "TiledColumnStMan" if whole else "TiledShapeStMan", "NAME": manager,
                "SPEC": {"DEFAULTTILESHAPE": np.array(tile[::-1], np.int32)}}
    tools = sys.modules[MODULE]
    table.addcols(tools.maketabdesc([tools.makecoldesc(name, described)]), info)


def put_zeros(table, name, like, allocate):
    """Gives the cells of a new column the shapes of another one's (of one axis: its first axis), and zeros."""
    with _native(table) as native:
        told, like_told = native.describe(name), native.describe(like)
        if told["shape"] is not None or told["ndim"] == 0 or not len(table) or told["type"] == "String":
            return
        cells = like_told["shape"]
        natively = cells is not None and told["native"] and not like_told["can_be_undefined"]
        if natively:
            native.fill(name, np.zeros((), DTYPES[told["type"]]), None,
                        cell_shape=cells[:told["ndim"]] if told["ndim"] > 0 else cells, allocate=allocate)
    if natively:
        table.resync()
        return
    for row in range(len(table)):
        if table.iscelldefined(like, row):
            cell = table.getcell(like, row)
            table.putcell(name, row, np.zeros_like(cell if told["ndim"] != 1 or cell.ndim == 1 else cell[:, 0]))


# ---------------------------------------------------------------- what imaging needs

def add_imaging(table, zeros, allocate, copy_data):
    """Adds MODEL_DATA, CORRECTED_DATA and IMAGING_WEIGHT where they are not there. (added, there)"""
    if "DATA" not in table.colnames():
        raise ColumnError("no column DATA, which the new ones would be like")
    if "SPECTRAL_WINDOW" not in table.keywordnames():
        raise ArgumentError("no keyword SPECTRAL_WINDOW: this is no Measurement Set")
    with _native(table) as native:
        told = native.describe("DATA")
    if told["type"] != "Complex" or told["ndim"] not in (2, -1):
        raise UnsupportedError("DATA holds no complex numbers of two axes")
    added = [name for name in ("MODEL_DATA", "CORRECTED_DATA", "IMAGING_WEIGHT") if name not in table.colnames()]
    there = [name for name in ("MODEL_DATA", "CORRECTED_DATA", "IMAGING_WEIGHT") if name not in added]
    for name, comment in (("MODEL_DATA", "The model data column"), ("CORRECTED_DATA", "The corrected data column")):
        if name in added:
            _add_renamed(table, told, name, "DATA", comment, 2, name.replace("_", "").lower())
    if "IMAGING_WEIGHT" in added:
        shape = told["shape"][:1] if told["shape"] is not None else ()
        add_described(table, [("IMAGING_WEIGHT", _WEIGHT, 7, 1, bool(shape), False, shape, "TiledShapeStMan",
                               "imagingweight", (128, 32), 0, ())])
    _put_keywords(table, "MODEL_DATA" in added, bool(added))
    for name in added:
        copied = copy_data and name == "CORRECTED_DATA"
        if zeros or copied:
            put_zeros(table, name, "DATA", allocate or copied)
    if copy_data and "CORRECTED_DATA" in added:
        with _native(table) as native:
            native.copy("DATA", native, "CORRECTED_DATA", None)
        table.resync()
    return added, there


def _put_keywords(table, model, any_added):
    tools = sys.modules[MODULE]
    if model or "CHANNEL_SELECTION" not in table.colkeywordnames("MODEL_DATA"):
        with contextlib.closing(tools.table(table.getkeyword("SPECTRAL_WINDOW"), lockoptions="autonoread", ack=False)) as windows:
            channels = windows.getcol("NUM_CHAN")
        table.putcolkeyword("MODEL_DATA", "CHANNEL_SELECTION", np.array([[0, n] for n in channels], np.int32))
    if model:
        _remove_virtual_models(table)
        if "SOURCE" in table.keywordnames():
            with contextlib.closing(tools.table(table.getkeyword("SOURCE"), readonly=False, lockoptions="default",
                                                ack=False)) as source:
                _remove_virtual_models(source)
    for name in ("SORTED_TABLE", "SORT_COLUMNS"):
        if any_added and name in table.keywordnames():
            table.removekeyword(name)


def _remove_virtual_models(table):
    """CASA takes a virtual model before MODEL_DATA: keywords that name records, and those."""
    for name in [name for name in table.keywordnames() if name.startswith("definedmodel_field_")]:
        model = table.getkeyword(name)
        if isinstance(model, str) and model in table.keywordnames():
            table.removekeyword(model)
        table.removekeyword(name)
    if "SOURCE_MODEL" in table.colnames():
        for row in range(len(table)):
            if table.iscelldefined("SOURCE_MODEL", row) and table.getcell("SOURCE_MODEL", row):
                table.putcell("SOURCE_MODEL", row, {})
