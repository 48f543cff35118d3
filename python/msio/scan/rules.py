"""rules.py - what a source does, judged: facts of names.py in, findings out."""

import ast
import re

from .loops import Loop, dotted, ends_at_once, opens_once
from .names import Walk
from .report import Finding
from .values import SUBTABLES

SUBTABLE_COLUMNS = frozenset("""CHAN_FREQ CHAN_WIDTH REF_FREQUENCY TOTAL_BANDWIDTH NUM_CHAN POSITION STATION
    DISH_DIAMETER NAME PHASE_DIR REFERENCE_DIR DELAY_DIR CORR_TYPE SPECTRAL_WINDOW_ID POLARIZATION_ID
    TELESCOPE_NAME TIME_RANGE""".split())
ARRAYS = frozenset("""DATA CORRECTED_DATA MODEL_DATA FLOAT_DATA FLAG WEIGHT SIGMA WEIGHT_SPECTRUM SIGMA_SPECTRUM
    IMAGING_WEIGHT UVW FLAG_ROW""".split())
ANSWERS = {
    "TIME": "m = msio.metadata({path}): m.time_range is the first and last TIME, m.times how many there are, and "
    'm.row_index()["time"] holds each',
    "TIME_CENTROID": "msio.metadata({path}).time_range",
    "INTERVAL": "msio.metadata({path}).integration_time",
    "EXPOSURE": "msio.metadata({path}).integration_time",
    "SCAN_NUMBER": "msio.metadata({path}).scans",
    "FIELD_ID": "msio.metadata({path}).fields_with_rows, and .fields for their names and directions",
    "DATA_DESC_ID": "m = msio.metadata({path}): m.data_descriptions_with_rows, m.spectral_windows_with_rows",
    "OBSERVATION_ID": "msio.metadata({path}).observations",
    "STATE_ID": "msio.metadata({path}).states",
    "ANTENNA1": 'msio.metadata({path}).antennas; msio.flags({path}, by="antenna") lists those that have rows',
}
ANSWERS["ANTENNA2"] = ANSWERS["ANTENNA1"]
QUERY_KEYS = ("DATA_DESC_ID", "FIELD_ID", "SCAN_NUMBER", "ANTENNA1", "ANTENNA2", "TIME")
INDEXED = frozenset({"DATA_DESC_ID", "FIELD_ID", "SCAN_NUMBER"})
IN_ROW_INDEX = INDEXED | {"TIME"}
COMPOUND = re.compile(r"\b(?:AND|OR|DISTINCT|LIMIT|GROUPBY|GROUP BY)\b|&|\|")
CALIBRATION = re.compile(r"cal_?tab|gain_?tab|solution|bcal|gcal|bpcal|kcal|[._]cal\b|^cal_|^cal$", re.IGNORECASE)
CALIBRATION_COLUMNS = frozenset({"CPARAM", "FPARAM", "PARAMERR", "SNR"})
FOLDER = re.compile(
    r"(?:^|[^a-zA-Z])(?:ms|mss|vis|mset|measurement_?set|cal_?table)(?:$|[^a-zA-Z]|path|file|name|dir|in$|out$)",
    re.IGNORECASE,
)


def short_text(expression, otherwise="path"):
    """The expression as written, where it is short."""
    if isinstance(expression, (ast.Name, ast.Attribute, ast.Constant)):
        text = ast.unparse(expression)
        if len(text) <= 40:
            return text
    return otherwise


def texts(expression, loop=None, depth=3):
    """All text constants of an expression, also of what the loop's body binds to its names."""
    found = [
        node.value for node in ast.walk(expression) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    if loop is not None and depth:
        names = {dotted(node) for node in ast.walk(expression) if isinstance(node, (ast.Name, ast.Attribute))}
        for name, value in loop.values:
            if name in names:
                found += texts(value, loop, depth - 1)
    return found


class Judge:
    """Judges one source. place: how a line is called in words."""

    def __init__(self, tree, file, place):
        self.walk = Walk(tree)
        self.file, self.place, self.findings = file, place, {}
        self.calibration = self._calibration_tables()
        self.pyuvdata = any(
            isinstance(node, (ast.Import, ast.ImportFrom)) and "pyuvdata" in ast.dump(node) for node in ast.walk(tree)
        )

    def run(self):
        """All findings, and for each the nodes whose lines may silence it."""
        found = set()
        for facts in self.walk.facts.values():
            found.update(fact for fact in facts if getattr(self, "_" + fact.kind, lambda _: False)(fact))
        for facts in self.walk.facts.values():
            for fact in facts:
                if fact.kind == "call":
                    self._called(fact, found)
        return list(self.findings.values())

    def _report(self, node, rule, why, use):
        finding = Finding(self.file, node.lineno, node.col_offset + 1, rule, why, use)
        self.findings.setdefault((node, rule), (finding, node))
        return True

    # ------------------------------------------------------------ loops

    def _inside(self, node, loop):
        while node is not None and node is not loop.node:
            up = self.walk.parents.get(node)
            if up is not None and loop.node in getattr(up, "generators", ()):
                return True
            node = up
        return node is not None

    def _walks_rows(self, fact, loop):
        """Whether the loop takes one cell of one table after the other."""
        if not loop.changes(fact.row) or loop.few or self._many_rows(fact.row):
            return False
        table = fact.table
        if table.node is not None and self._inside(table.node, loop):
            return table.path is not None and not loop.may_change(table.path)
        return not loop.replaces(fact.receiver)

    @staticmethod
    def _many_rows(row):
        """putcell takes lists of rows too."""
        return isinstance(row, (ast.List, ast.Tuple)) or isinstance(row, ast.Call) and dotted(row.func) == "range"

    def _opens_again(self, fact, loop):
        """Whether each turn of the loop opens the same table."""
        if fact.path is None or loop.may_change(fact.path) or opens_once(fact.node, loop.node, self.walk.parents):
            return False
        polls = isinstance(loop.node, ast.While) and any(
            isinstance(node, ast.Call) and dotted(node.func).endswith("sleep") for node in ast.walk(loop.node)
        )
        return not polls

    def _cell(self, fact):
        for loop in reversed(fact.loops):
            if self._walks_rows(fact, loop):
                turn = self._turn(loop)
                return self._report(
                    fact.node,
                    *self._cells(fact, f"{fact.method} of {self._column(fact)} for one row at " f"each turn of {turn}"),
                )
        return False

    def _open(self, fact):
        for loop in reversed(fact.loops):
            if self._opens_again(fact, loop) and not ends_at_once(fact.node, loop.node, self.walk.parents):
                return self._report(
                    fact.node,
                    "open-loop",
                    f"the same table is opened at each turn of {self._turn(loop)}",
                    self._open_use(fact),
                )
        return False

    def _turn(self, loop):
        line = getattr(loop.node, "lineno", None) or loop.node.target.lineno
        kind = {ast.While: "while", ast.Call: "map"}.get(type(loop.node), "for")
        return f"the `{kind}` at {self.place(line)}"

    @staticmethod
    def _column(fact):
        return fact.column or "a column"

    def _cells(self, fact, why):
        """Rule, reason and what to call instead, of cells in a loop."""
        column = f'"{fact.column}"' if fact.column else "column"
        if fact.method.startswith("put"):
            return (
                "putcell-loop",
                why,
                f"fill an array and write it by one t.putcol({column}, values), or a span of rows "
                "at a time; msio does not write",
            )
        path = short_text(fact.table.path)
        if fact.column in SUBTABLE_COLUMNS or self._subtable(fact.table):
            return (
                "getcell-loop",
                why,
                f"t.getcol({column}) once; of a Measurement Set's own subtables msio.metadata(path)",
            )
        return (
            "getcell-loop",
            why,
            f"msio.read({path}, {column}) once, rows=... for some of them; msio.stream(...) where "
            "that is beyond memory",
        )

    def _open_use(self, fact):
        if self._subtable_named(fact.path):
            return "msio.metadata(path): kept in memory, and checked for changes at each call"
        return "open it once, before the loop; for metadata msio.metadata(path), which keeps it and checks for changes"

    def _called(self, fact, found):
        """A function that reads a cell, or opens a table, called in a loop."""
        for loop in reversed(fact.loops):
            turn = self._turn_of_call(fact, loop)
            for inner in self.walk.facts.get(fact.callee, ()):
                if inner in found or fact.callee is self.walk.tree:
                    continue
                line = self.place(inner.node.lineno)
                if inner.kind == "cell" and self._walks_rows(inner, turn) and not loop.few:
                    why = (
                        f"{fact.callee.name}() is called at each turn of {self._turn(loop)}, and does {inner.method} "
                        f"of {self._column(inner)} for one row ({line})"
                    )
                    self._report(fact.node, *self._cells(inner, why))
                elif (
                    inner.kind == "open"
                    and self._opens_again(inner, turn)
                    and not ends_at_once(fact.node, loop.node, self.walk.parents)
                ):
                    why = (
                        f"{fact.callee.name}() is called at each turn of {self._turn(loop)}, and opens the same table "
                        f"({line})"
                    )
                    self._report(fact.node, "open-loop", why, self._open_use(inner))

    @staticmethod
    def _turn_of_call(fact, loop):
        """The called function as the body of the loop."""
        given = fact.arguments.items()
        surely = [name for name, value in given if value is not None and loop.changes(value)]
        perhaps = [
            name for name, value in given if value is not None and (loop.may_change(value) or loop.rebinds(value))
        ]
        starred = any(isinstance(one, ast.Starred) for one in fact.node.args) or any(
            one.arg is None for one in fact.node.keywords
        )
        if starred:
            arguments = fact.callee.args
            perhaps += [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        own = next((name for name, value in given if value is None), None)  # self of what a call of the class makes
        if own is not None:
            assigned = [name for name in (*surely, *perhaps)]
            perhaps += [own] if assigned else []
        return Loop(fact.callee, surely, fact.callee.body, perhaps=perhaps)

    # ------------------------------------------------------------ queries

    def _query(self, fact):
        if not fact.reads or fact.row is None:
            return False
        if fact.method == "iter":
            keys = [key.upper() for key in texts(fact.row)]
            return keys == ["DATA_DESC_ID"] and self._split(
                fact, keys, "a selection for each DATA_DESC_ID, each of them read"
            )
        for loop in reversed(fact.loops):
            if not loop.changes(fact.row) or fact.receiver is not None and loop.rebinds(fact.receiver):
                continue
            words = " ".join(texts(fact.row, loop)).upper()
            keys = [key for key in QUERY_KEYS if re.search(rf"\b{key}\b", words)]
            if keys:
                return self._split(
                    fact,
                    keys,
                    f"a selection by {keys[0]} at each turn of {self._turn(loop)}, and then "
                    "read: the key column is searched again each time",
                )
        return False

    def _split(self, fact, keys, why):
        path = short_text(fact.table.path if fact.table is not None else None)
        if "DATA_DESC_ID" in keys:
            use = f"msio.load({path}): all spectral windows in one read, each a subband"
        else:
            use = (
                f'one msio.read({path}, ...) of the column and of "{keys[0]}", then masks; or rows=... for one of them'
            )
        return self._report(fact.node, "query-loop", why, use)

    # ------------------------------------------------------------ whole columns

    def _calibration_tables(self):
        """(function, name) of tables that hold solutions: another thing than a Measurement Set."""
        return {
            (function, dotted(fact.receiver))
            for function, facts in self.walk.facts.items()
            for fact in facts
            if fact.kind in ("read", "cell") and fact.column in CALIBRATION_COLUMNS
        }

    @staticmethod
    def _subtable_named(path):
        if path is None:
            return False
        if any(isinstance(node, ast.Attribute) and node.attr == "getkeyword" for node in ast.walk(path)):
            return True
        return any(re.split(r"::|/", text.rstrip("/"))[-1] in SUBTABLES for text in texts(path))

    def _subtable(self, table):
        return self._subtable_named(table.path)

    def _of_measurement_set(self, fact):
        named = [dotted(fact.receiver)]
        if fact.table.path is not None:
            named += [ast.unparse(fact.table.path)]
        if any(CALIBRATION.search(name) for name in named):
            return False
        owner = next((function for function, facts in self.walk.facts.items() if fact in facts), None)
        return (owner, named[0]) not in self.calibration and not self._subtable(fact.table)

    def _read(self, fact):
        uses = set(fact.uses) - {"bound", "nothing"}
        if not fact.whole or not uses or "other" in uses or not self._of_measurement_set(fact):
            return False
        column, path = fact.column, short_text(fact.table.path)
        read = f"all of {column} is read"
        selected = fact.table.fact is not None
        if selected and uses - {"cell", "shape"} and not self._known_by_key(column, fact.table.fact):
            return False
        if column in ("FLAG", "FLAG_ROW") and "sum" in uses and not uses - {"sum", "shape"}:
            return self._report(
                fact.node,
                "flag-statistics",
                f"{read} to be counted",
                f"msio.flags({path}), with by=... for a breakdown: counted from the packed bits, once",
            )
        if column in ANSWERS and uses & {"unique", "range"} and not uses - {"unique", "range", "shape", "cell"}:
            asked = "for its extremes" if "range" in uses else "for its distinct values"
            use = self._answer(column, path, selected)
            return self._report(fact.node, "column-for-metadata", f"{read} {asked}", use)
        if column not in ARRAYS and column not in ANSWERS:
            return False
        if uses == {"shape"}:
            return self._report(
                fact.node,
                "column-for-shape",
                f"{read} for its length, shape or type",
                "t.nrows(), and t.getcell() of one row for the shape"
                if selected
                else f"t.nrows(), or msio.metadata({path}), which knows rows and columns' shapes",
            )
        if not uses - {"cell", "shape"}:
            return self._report(
                fact.node,
                "column-for-cell",
                f"{read} for one row of it",
                f't.getcell("{column}", row)'
                + ("" if selected else f', or msio.read({path}, "{column}", rows=slice(row, row + 1))'),
            )
        return False

    @staticmethod
    def _known_by_key(column, query):
        """Whether a selection is by one of what the row index and counts of flags are by, and the column in these."""
        if column not in IN_ROW_INDEX | {"FLAG", "FLAG_ROW"}:
            return False
        words = " ".join(word for loop in (None, *query.loops) for word in texts(query.row, loop)).upper()
        keys = {key for key in QUERY_KEYS if re.search(rf"\b{key}\b", words)}
        return len(keys & INDEXED) == len(keys) == 1 and not COMPOUND.search(words)

    @staticmethod
    def _answer(column, path, selected):
        if not selected:
            return ANSWERS[column].format(path=path)
        return f"msio.metadata({path}).row_index(): field, spectral window, scan and time of each stretch of rows"

    # ------------------------------------------------------------ caches and subbands

    def _mtime(self, fact):
        if fact.path is None:
            return False
        path, named = ast.unparse(fact.path), fact.path
        if isinstance(named, ast.Call) and named.args:
            named = named.args[0]
        name = short_text(named)
        a_table = FOLDER.search(path) or ".ms" in path or ast.unparse(named) in self._opened_beside(fact.node)
        if not a_table or re.search(r"\btable\.(?:dat|lock|f\d)", path):
            return False
        return self._report(
            fact.node,
            "mtime-cache",
            f"the folder's mtime {fact.method}: putting values in place, or rows into a subtable, does not "
            "change it",
            f"msio.metadata({name}) and msio.flags({name}): kept in memory, and checked by the files' own "
            "signatures at each call",
        )

    def _opened_beside(self, node):
        """The paths of tables that the function around a node opens, and what those are put together from: `p` of
        p + "::ANTENNA"."""
        return {
            ast.unparse(part)
            for facts in self.walk.facts.values()
            for one in facts
            if one.kind == "open" and one.path is not None and self._function(one.node) is self._function(node)
            for part in ast.walk(one.path)
            if isinstance(part, ast.expr)
        }

    def _function(self, node):
        while node is not None and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            node = self.walk.parents.get(node)
        return node

    def _combine(self, fact):
        axis = fact.row.value if isinstance(fact.row, ast.Constant) else None
        if axis in ("blt", "polarization", "time", "spw") or fact.method == "read" and axis != "freq":
            return False
        if (
            fact.method in ("+", "+=")
            and not fact.loops
            or fact.method == "fast_concat"
            and not (self.pyuvdata and (fact.loops or axis == "freq"))
        ):
            return False
        how = {"read": "read() of several files along frequency", "fast_concat": "fast_concat along frequency"}
        what = how.get(fact.method, f"`{fact.method}` of UVData objects in a loop")
        return self._report(
            fact.node,
            "subband-loading",
            f"{what}: each step copies what was read so far",
            "msio.read_uvdata(group): the same UVData, its files read at once; or msio.load(group) for arrays",
        )


def judge(tree, file, place=lambda line: f"line {line}"):
    """Pairs of a Finding and the node that it is about, in no order."""
    return Judge(tree, file, place).run()
