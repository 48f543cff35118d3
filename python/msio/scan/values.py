"""values.py - what the scanner knows by name, and the values and facts that it makes of a source."""

import ast
from dataclasses import dataclass, field

TABLE_MODULES = ("casacore.tables", "pyrap.tables", "msio.tables")
TABLES = frozenset(
    [f"{module}.table" for module in TABLE_MODULES] + [f"{module}.table.table" for module in TABLE_MODULES]
)
TABLE_COLUMNS = frozenset(f"{module}.tablecolumn" for module in TABLE_MODULES)
TABLE_ROWS = frozenset(f"{module}.tablerow" for module in TABLE_MODULES)
TAQL = frozenset(f"{module}.{name}" for module in TABLE_MODULES for name in ("taql", "tablecommand"))
TOOLS = frozenset({"casatools.table", "casac.casac.table", "taskinit.tbtool"})  # what they make opens a path later
TOOL_OBJECTS = frozenset({"taskinit.tb"})
STARRED = ("table", "taql", "tablecommand", "tablecolumn", "tablerow")
UVDATA = frozenset({"pyuvdata.UVData", "pyuvdata.uvdata.UVData", "pyuvdata.uvdata.uvdata.UVData"})
MTIMES = frozenset({"os.path.getmtime", "os.path.getctime", "posixpath.getmtime"})
STATS = frozenset({"os.stat", "os.lstat"})
STAMPS = frozenset({"st_mtime", "st_mtime_ns", "st_ctime", "st_ctime_ns"})
STAMP_METHODS = frozenset({"encode", "digest", "hexdigest", "isoformat"})
STAMP_KEEPERS = frozenset({"int", "float", "str", "round", "repr", "hash", "tuple", "frozenset"})
MEMORIZERS = ("lru_cache", "cache", "cached", "memoize", "memoized")

CELL_METHODS = frozenset({"getcell", "getcellslice", "getcellnp", "getcellslicenp", "putcell", "putcellslice"})
COLUMN_METHODS = frozenset(
    {"getcol", "getcolnp", "getcolslice", "getcolslicenp", "getvarcol", "putcol", "putcolslice", "putvarcol"}
)
# Of those that read or write stretches of rows: which argument is the first row; the next one is how many.
FIRST_ROWS = {
    "getcol": 1,
    "getvarcol": 1,
    "getcolnp": 2,
    "putcol": 2,
    "putvarcol": 2,
    "getcolslice": 4,
    "getcolslicenp": 5,
    "putcolslice": 5,
}
SELECTING = frozenset({"query", "sort", "select", "selectrows"})
OTHER_METHODS = frozenset(
    {
        "nrows",
        "colnames",
        "getkeyword",
        "getkeywords",
        "getcolkeyword",
        "getcolkeywords",
        "getdminfo",
        "getcoldesc",
        "iscelldefined",
        "isvarcol",
        "iswritable",
    }
)
SUBTABLES = frozenset("""ANTENNA DATA_DESCRIPTION DOPPLER FEED FIELD FLAG_CMD FREQ_OFFSET HISTORY OBSERVATION POINTING
    POLARIZATION PROCESSOR SOURCE SPECTRAL_WINDOW STATE SYSCAL WEATHER CAL_DESC CAL_HISTORY""".split())
KEYED = frozenset({"get", "setdefault", "pop"})
KEYS = frozenset({"ANTENNA1", "ANTENNA2", "FIELD_ID", "SCAN_NUMBER", "DATA_DESC_ID", "TIME"})


@dataclass(eq=False)
class Value:
    """What an expression stands for. kind: "ref" (something imported, or a builtin, by its dotted name), "table",
    "tables" (an iterator of them), "cells" (a tablecolumn), "rows" (a tablerow), "column", "mask" (rows by a key),
    "index" (of range), "few" (some items, not many), "stat", "mtime", "uvdata", "uvdatas", "text", "function", "class",
    "instance", "parameter", "none", "other"."""

    kind: str
    name: str = ""
    node: ast.AST = (
        None  # table: the call that opens it; mtime: where it is asked; parameter: its function; else a definition
    )
    path: ast.AST = None  # of a table, stat or mtime
    fact: object = None  # column: its reading; table: the query that made it
    table: object = None  # of cells and rows: the Value of their table


@dataclass(eq=False)
class Fact:
    """Something that the source does. loops: those round it in its function, outermost first."""

    kind: str  # "cell", "open", "query", "read", "call", "combine", "mtime"
    node: ast.AST
    loops: tuple = ()
    method: str = ""
    table: Value = None
    receiver: ast.AST = None
    column: str = ""
    row: ast.AST = None
    path: ast.AST = None
    callee: ast.AST = None
    arguments: dict = field(default_factory=dict)
    uses: list = field(default_factory=list)
    whole: bool = False
    reads: int = 0


class Scope:
    """Names of a module or function, and of those round it."""

    def __init__(self, node, parent=None, owner=None):
        self.node, self.parent, self.owner, self.names = node, parent, owner, {}
        self.shared = set()  # names that are those of another scope

    def find(self, name):
        scope = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None


def argument(call, position, *names):
    """An argument by position or keyword; None: not given."""
    for keyword in call.keywords:
        if keyword.arg in names:
            return keyword.value
    given = call.args[: position + 1]
    if len(given) > position and not any(isinstance(one, ast.Starred) for one in given):
        return given[position]
    return None


def parameters_of(node):
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return every + [one for one in (arguments.vararg, arguments.kwarg) if one]
