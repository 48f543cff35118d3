"""meanings.py - what an expression stands for: a table, a column, a key, something imported."""

import ast
import builtins

from .columns import SAME_ROWS, carried
from .loops import dotted, plainly_few
from .values import (
    CELL_METHODS,
    COLUMN_METHODS,
    KEYS,
    MTIMES,
    OTHER_METHODS,
    SELECTING,
    STAMP_KEEPERS,
    STAMP_METHODS,
    STAMPS,
    STATS,
    SUBTABLES,
    TABLE_COLUMNS,
    TABLE_ROWS,
    TABLES,
    TAQL,
    TOOL_OBJECTS,
    TOOLS,
    UVDATA,
    Value,
    argument,
)


class Meanings:
    """The asking half of Walk, which has: scope, attributes, methods, returns, reads."""

    def __init__(self):
        self._receivers, self._known, self._depth = {}, {}, 0

    def text(self, node):
        """The text that an expression stands for; "" if it is unknown."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        value = self.evaluate(node) if isinstance(node, ast.Name) else None
        return value.name if value is not None and value.kind == "text" else ""

    def evaluate(self, node):
        """The Value that an expression stands for; None: unknown. Notes nothing. Parts of one expression are asked for
        again and again, so that answers are kept until the outermost is known."""
        if node in self._known:
            return self._known[node]
        self._depth += 1
        try:
            value = self._known[node] = self._evaluate(node)
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._known.clear()
        return value

    def _evaluate(self, node):
        handler = getattr(self, "_of_" + type(node).__name__.lower(), None)
        value = handler(node) if handler else None
        if value is None:
            inner = carried(node, self.evaluate)
            value = self.evaluate(inner) if inner is not None else None
            if value is not None and value.kind not in ("column", "mask"):
                value = None
        return value

    def _of_name(self, node):
        value = self.scope.find(node.id)
        if value is None:
            return Value("ref", node.id) if hasattr(builtins, node.id) else None
        if value.kind == "parameter" and self._acts_as_table(value.node, node.id):
            return Value("table")
        return value

    def _of_constant(self, node):
        return Value("text", node.value) if isinstance(node.value, str) else None

    def _of_attribute(self, node):
        base = self.evaluate(node.value)
        if base is not None and base.kind == "stat":
            return Value("mtime", node=node, path=base.path) if node.attr in STAMPS else None
        if base is not None and base.kind == "table":
            return self._named_in(base, node.attr)
        if base is None:
            return self.scope.find(dotted(node)) if dotted(node) else None
        if base.kind == "ref":
            name = f"{base.name}.{node.attr}"
            return Value("table") if name in TOOL_OBJECTS else Value("ref", name)
        if base.kind == "instance":
            if (base.node, node.attr) in self.methods:
                return self._method_or_property(node.attr, self.methods[(base.node, node.attr)])
            value = self.attributes.get((base.node, node.attr))
            free = value is None or value.kind in ("parameter", "none")
            if free and dotted(node) and self._acts_as_table(base.node, dotted(node)):
                return Value("table")
            return value
        if base.kind == "parameter":
            known = self.scope.find(dotted(node))
            if known is None and dotted(node) and self._acts_as_table(base.node, dotted(node)):
                return Value("table")
            return known
        return None

    @staticmethod
    def _named_in(table, name):
        """t.DATA, a tablecolumn, and t.ANTENNA, a subtable."""
        if name in SUBTABLES:
            return Value("table", path=ast.Constant("::" + name))
        return Value("cells", name, table=table) if name.isupper() else None

    def _method_or_property(self, name, node):
        if not any(dotted(one).split(".")[-1] in ("property", "cached_property") for one in node.decorator_list):
            return Value("function", name, node)
        return self._returned(node)

    def _returned(self, function):
        value = self.returns.get(function)
        return value if value is None or value.kind != "column" else Value("other")

    def _of_call(self, node):
        called = self.evaluate(node.func)
        if called is not None and called.kind == "ref":
            return self._of_imported(node, called.name)
        if called is not None and called.kind == "class":
            return Value("instance", called.name, called.node)
        if called is not None and called.kind == "function":
            return self._returned(called.node)
        if isinstance(node.func, ast.Attribute):
            return self._of_method(node, node.func)
        return None

    def _of_imported(self, node, name):
        if name in TABLES:
            return Value("table", node=node, path=argument(node, 0, "tablename"))
        if name in TAQL:
            return Value("table", node=node, fact=self.reads.get(node))
        if name in TOOLS:
            return Value("table")
        if name in TABLE_COLUMNS | TABLE_ROWS:
            kind = "cells" if name in TABLE_COLUMNS else "rows"
            return self._part(kind, argument(node, 0, "table"), argument(node, 1, "columnname"))
        if name in STATS and node.args:
            return Value("stat", path=node.args[0])
        if name in UVDATA or name.rpartition(".")[0] in UVDATA:
            return Value("uvdata")
        if name in MTIMES and node.args:
            return Value("mtime", node=node, path=node.args[0])
        if name in STAMP_KEEPERS or name.startswith("hashlib.") or name == "contextlib.closing":
            value = self.evaluate(node.args[0]) if node.args else None
            wanted = "table" if name == "contextlib.closing" else "mtime"
            return value if value is not None and value.kind == wanted else None
        if name in SAME_ROWS or name.split(".")[0] in ("numpy", "builtins") or hasattr(builtins, name):
            return None
        return Value("other")

    def _part(self, kind, table, column):
        """What t.col(column) and t.row() give."""
        value = self.evaluate(table) if table is not None else None
        known = value is not None and value.kind == "table"
        name = self.text(column) if kind == "cells" and column is not None else ""
        return Value(kind, name, table=value if known else Value("table"))

    def _of_method(self, node, func):
        if func.attr in ("stat", "lstat") and not node.args:
            return Value("stat", path=func.value)
        if func.attr in ("enter_context", "enter_async_context") and node.args:  # of an ExitStack
            return self.evaluate(node.args[0])
        receiver = self.evaluate(func.value)
        if receiver is None:
            return None
        if receiver.kind == "mtime" and func.attr in STAMP_METHODS:
            return receiver
        if receiver.kind == "table":
            if func.attr in SELECTING:
                return Value("table", node=node, fact=self.reads.get(node))
            if func.attr in ("col", "row"):
                kind = "cells" if func.attr == "col" else "rows"
                return self._part(kind, func.value, argument(node, 0, "columnname"))
            if func.attr == "iter":
                return Value("tables", fact=self.reads.get(node))
            if func.attr == "getcol" and node in self.reads:
                fact = self.reads[node]
                return Value("column", fact.column, fact=fact)
            return Value("table") if func.attr == "copy" else None
        if receiver.kind == "uvdata" and func.attr in ("copy", "select", "fast_concat", "__add__"):
            return Value("uvdata")
        return None

    def _of_await(self, node):
        return self.evaluate(node.value)

    _of_namedexpr = _of_await

    def _of_ifexp(self, node):
        one, other = self.evaluate(node.body), self.evaluate(node.orelse)
        if one is not None and one.kind == "few":
            return one
        if one is None or other is None:
            return None
        return one if one.kind == other.kind else None

    def _of_tuple(self, node):
        """A key that holds an mtime is one."""
        for part in node.elts:
            value = self.evaluate(part)
            if value is not None and value.kind == "mtime":
                return value
        return self._of_list(node)

    def _of_list(self, node):
        return Value("few") if plainly_few(node) else None

    def _of_joinedstr(self, node):
        for part in node.values:
            value = self.evaluate(part.value) if isinstance(part, ast.FormattedValue) else None
            if value is not None and value.kind == "mtime":
                return value
        return None

    def _of_subscript(self, node):
        value = self.evaluate(node.value)
        one = {"uvdatas": "uvdata", "tables": "table"}.get(value.kind if value is not None else "")
        return Value(one) if one and not isinstance(node.slice, ast.Slice) else None

    def _of_listcomp(self, node):
        names = self.scope.names
        self.scope.names = dict(names)
        for generator in node.generators:
            self._bind_turn(generator.target, generator.iter)
        value = self.evaluate(node.elt)
        self.scope.names = names
        many = {"uvdata": "uvdatas", "table": "tables"}.get(value.kind if value is not None else "")
        return Value(many) if many else None

    def _of_compare(self, node):
        return Value("mask") if any(self._is_key(side) for side in (node.left, *node.comparators)) else None

    def _is_key(self, node):
        value = self.evaluate(node)
        return value is not None and value.kind == "column" and value.name in KEYS

    def _of_binop(self, node):
        if isinstance(node.op, (ast.BitOr, ast.BitAnd)):
            sides = [self.evaluate(side) for side in (node.left, node.right)]
            if all(side is not None and side.kind == "mask" for side in sides):
                return sides[0]
        return None

    def _acts_as_table(self, owner, name):
        """Whether a parameter or attribute, which may be anything, is asked what only tables know."""
        if owner not in self._receivers:
            calls = {}
            for node in ast.walk(owner):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    calls.setdefault(dotted(node.func.value), []).append(node)
            self._receivers[owner] = calls
        calls = self._receivers[owner].get(name, ())
        reading = CELL_METHODS | COLUMN_METHODS
        asked = {call.func.attr for call in calls}
        if asked & reading and len(asked & (reading | OTHER_METHODS)) > 1:
            return True
        return any(call.func.attr in reading and self._names_column(call) for call in calls)

    def _names_column(self, call):
        first = argument(call, 0, "columnname")
        if any(keyword.arg == "columnname" for keyword in call.keywords) or isinstance(first, ast.JoinedStr):
            return True
        if isinstance(first, ast.Name) and first.id.lower() in ("column", "colname", "columnname", "column_name"):
            return True
        return bool(self.text(first))
