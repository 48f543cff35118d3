"""names.py - a Python source walked without running it: which names are tables, what is asked of them, and in
which loops. The walk gives facts; rules.py judges them."""

import ast

from .columns import use_of
from .loops import COMPREHENSIONS, FUNCTIONS, Loop, dotted, plainly_few, target_names
from .meanings import Meanings
from .values import (
    CELL_METHODS,
    COLUMN_METHODS,
    FIRST_ROWS,
    KEYED,
    MEMORIZERS,
    STARRED,
    TABLE_MODULES,
    TABLES,
    TAQL,
    TOOLS,
    UVDATA,
    Fact,
    Scope,
    Value,
    argument,
    parameters_of,
)


def _join(one, other):
    """What a name stands for after two branches."""
    if one is other or other is None or other.kind == "none":
        return one
    if one is None or one.kind == "none":
        return other
    if one.kind == other.kind != "column" and (one.name, one.node, one.path) == (other.name, other.node, other.path):
        return other
    for value in (one, other):
        if value.kind == "column":
            value.fact.uses.append("other")
    if one.kind == other.kind and one.kind in ("table", "uvdata", "ref"):
        return one if one.kind == "ref" else Value(one.kind)
    return Value("other")


def _leaves(body):
    return bool(body) and isinstance(body[-1], (ast.Return, ast.Raise, ast.Continue, ast.Break))


class Walk(Meanings):
    """Walks a module twice: the first time learns attributes of classes and what functions return."""

    def __init__(self, tree):
        super().__init__()
        self.tree = tree
        self.parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        self.attributes, self.returns, self.methods = {}, {}, {}
        self._loops_of = {}
        for _ in range(2):
            self.facts, self.reads, self.waiting = {}, {}, []
            self.scope, self.loops = Scope(tree), ()
            self.statements(tree.body)
            while self.waiting:
                self._function(*self.waiting.pop(0))

    # ------------------------------------------------------------ statements

    def statements(self, body):
        for statement in body:
            handler = getattr(self, "_" + type(statement).__name__.lower(), None)
            if handler:
                handler(statement)
            else:
                self._others(statement)

    def _others(self, statement):
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.expr):
                self.visit(child)
            elif isinstance(child, ast.stmt):
                self.statements([child])
            elif isinstance(child, ast.match_case):
                if child.guard:
                    self.visit(child.guard)
                self.statements(child.body)

    def _import(self, statement):
        for one in statement.names:
            name = one.asname or one.name.split(".")[0]
            self.scope.names[name] = Value("ref", one.name if one.asname else name)

    def _importfrom(self, statement):
        module = "." * statement.level + (statement.module or "")
        for one in statement.names:
            if one.name != "*":
                self.scope.names[one.asname or one.name] = Value("ref", f"{module}.{one.name}")
            elif module in TABLE_MODULES:
                self.scope.names.update((name, Value("ref", f"{module}.{name}")) for name in STARRED)

    def _functiondef(self, statement):
        for expression in (
            *statement.decorator_list,
            *statement.args.defaults,
            *filter(None, statement.args.kw_defaults),
        ):
            self.visit(expression)
        owner = self.scope.owner if isinstance(self.scope.node, ast.ClassDef) else None
        self.scope.names[statement.name] = Value("function", statement.name, statement)
        if owner is not None:
            self.methods[(owner, statement.name)] = statement
        parent = self.scope.parent if owner is not None else self.scope
        self.waiting.append((statement, Scope(statement, parent, owner or self.scope.owner), owner))

    _asyncfunctiondef = _functiondef

    def _function(self, node, scope, owner):
        outer, self.scope, self.loops = self.scope, scope, ()
        static = any(dotted(one) == "staticmethod" for one in node.decorator_list)
        for position, parameter in enumerate(parameters_of(node)):
            if self._names_table(parameter.annotation):
                scope.names[parameter.arg] = Value("table")
            elif position == 0 and owner is not None and not static:
                scope.names[parameter.arg] = Value("instance", owner.name, owner)
            else:
                scope.names[parameter.arg] = Value("parameter", parameter.arg, node)
        self.statements(node.body)
        self.scope = outer

    def _names_table(self, annotation):
        """Whether an annotation stands for a table, or a table or None."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                return self._names_table(ast.parse(annotation.value, mode="eval").body)
            except SyntaxError:
                return False
        if isinstance(annotation, ast.BinOp):
            return self._names_table(annotation.left) or self._names_table(annotation.right)
        if isinstance(annotation, ast.Subscript):
            parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
            either = dotted(annotation.value).split(".")[-1] in ("Optional", "Union", "Annotated", "Final")
            return either and any(self._names_table(part) for part in parts)
        value = self.evaluate(annotation) if annotation is not None else None
        return value is not None and value.kind == "ref" and value.name in TABLES | TOOLS

    def _global(self, statement):
        self.scope.shared.update(statement.names)

    _nonlocal = _global

    def _classdef(self, statement):
        for expression in (*statement.decorator_list, *statement.bases):
            self.visit(expression)
        self.scope.names[statement.name] = Value("class", statement.name, statement)
        self.scope = Scope(statement, self.scope, statement)
        self.statements(statement.body)
        self.attributes.update(
            {
                (statement, name): value
                for name, value in self.scope.names.items()
                if value is not None and value.kind != "function"
            }
        )
        self.scope = self.scope.parent

    def _return(self, statement):
        if statement.value is not None:
            self.visit(statement.value)
            self._gives(statement.value)

    def _gives(self, expression):
        """The walked function returns, or as a context manager yields, the expression."""
        node = self.scope.node
        value = self.evaluate(expression)
        if isinstance(node, FUNCTIONS) and value is not None and value.kind != "parameter":
            self.returns[node] = _join(self.returns.get(node), value)
        if value is not None and value.kind == "column":
            value.fact.uses.append("other")

    def _assign(self, statement):
        self.visit(statement.value)
        for target in statement.targets:
            self._bind(target, statement.value)

    def _annassign(self, statement):
        if statement.value is not None:
            self.visit(statement.value)
            self._bind(statement.target, statement.value)

    def _augassign(self, statement):
        self.visit(statement.value)
        values = [self.evaluate(statement.target), self.evaluate(statement.value)]
        if isinstance(statement.op, ast.Add) and any(one is not None and one.kind == "uvdata" for one in values):
            self._fact("combine", statement, method="+=")
        if values[0] is not None and values[0].kind == "column":
            values[0].fact.uses.append("other")
        if values[0] is not None and values[0].kind == "few":
            self._store(statement.target, Value("other"))
        if not isinstance(statement.target, ast.Name):
            self.visit(statement.target)

    def _bind(self, target, expression, value=None):
        if isinstance(target, (ast.Tuple, ast.List)):
            parts = expression.elts if isinstance(expression, (ast.Tuple, ast.List)) else ()
            same = len(parts) == len(target.elts)
            for position, one in enumerate(target.elts):
                if same:
                    self._bind(one, parts[position])
                else:
                    self._store(one, Value("other"))
            return
        value = value or (self.evaluate(expression) if expression is not None else None)
        if value is None and isinstance(expression, (ast.Call, ast.List, ast.Dict, ast.Set, *COMPREHENSIONS)):
            value = Value("other")
        if isinstance(expression, ast.Constant) and expression.value is None:
            value = Value("none")
        self._store(target, value)

    def _store(self, target, value):
        if isinstance(target, ast.Name):
            self.scope.names[target.id] = value
            if target.id in self.scope.shared and value is not None and value.kind == "column":
                value.fact.uses.append("other")  # other functions may read it
        elif isinstance(target, ast.Attribute):
            base = self.evaluate(target.value)
            if base is not None and base.kind == "instance":
                key = (base.node, target.attr)
                known = self.attributes.get(key)
                self.attributes[key] = value if known is None else _join(known, value)
            elif dotted(target):
                self.scope.names[dotted(target)] = value
        elif isinstance(target, ast.Starred):
            self._store(target.value, value)
        else:
            self.visit(target)

    def _branches(self, *bodies):
        """Walks bodies of which one is run, and joins what they leave."""
        before = self.scope.names
        after = []
        for body in bodies:
            self.scope.names = dict(before)
            self.statements(body)
            if not _leaves(body):
                after.append(self.scope.names)
        self.scope.names = before
        if after:
            names = set().union(*after)
            for name in names:
                values = [one.get(name) for one in after]
                joined = values[0]
                for value in values[1:]:
                    joined = _join(joined, value)
                before[name] = joined

    def _if(self, statement):
        self.visit(statement.test)
        self._branches(statement.body, statement.orelse)

    def _try(self, statement):
        self.statements(statement.body)
        self._branches(statement.orelse, *(handler.body for handler in statement.handlers))
        self.statements(statement.finalbody)

    _trystar = _try

    def _with(self, statement):
        for item in statement.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, item.context_expr, self._entered(item.context_expr))
        self.statements(statement.body)

    def _entered(self, expression):
        """What `with` gives of an object whose class is in the source; None: what the expression stands for."""
        value = self.evaluate(expression)
        enters = self.methods.get((value.node, "__enter__")) if value is not None and value.kind == "instance" else None
        return self.returns.get(enters, Value("other")) if enters is not None else None

    _asyncwith = _with

    def _for(self, statement):
        self.visit(statement.iter)
        self._bind_turn(statement.target, statement.iter)
        loop = self._loop(statement, lambda: Loop.of_statement(statement))
        loop.few = self._takes_few(statement.iter)
        self._turns(loop, statement.target, statement.iter)
        self._in_loop(loop, statement.body)
        self.statements(statement.orelse)

    _asyncfor = _for

    def _while(self, statement):
        loop = self._loop(statement, lambda: Loop.of_statement(statement))
        self.loops += (loop,)
        self.visit(statement.test)
        self.loops = self.loops[:-1]
        self._in_loop(loop, statement.body)
        self.statements(statement.orelse)

    def _loop(self, key, make):
        if key not in self._loops_of:
            self._loops_of[key] = make()
        return self._loops_of[key]

    def _in_loop(self, loop, body):
        self.loops += (loop,)
        self.statements(body)
        self.loops = self.loops[:-1]

    def _turns(self, loop, target, iterable):
        """A loop over a table, its column or its rows reads one row at each turn."""
        if isinstance(iterable, ast.Call) and dotted(iterable.func) == "enumerate" and iterable.args:
            iterable = iterable.args[0]
            target = target.elts[0] if isinstance(target, ast.Tuple) else target
        value = self.evaluate(iterable)
        if value is not None and value.kind in ("cells", "rows", "table"):
            self.loops += (loop,)
            self._cell_of(value, iterable, iterable, "iteration", target)
            self.loops = self.loops[:-1]

    def _cell_of(self, value, node, receiver, method, row):
        """Notes that one row of a table, its column or its rows is read or put."""
        table = value if value.kind == "table" else value.table
        if table.fact is not None and not method.startswith("put"):
            table.fact.reads += 1
        self._fact("cell", node, method=method, table=table, receiver=receiver, column=value.name, row=row)

    def _takes_few(self, iterable):
        value = self.evaluate(iterable)
        return plainly_few(iterable) or value is not None and value.kind == "few"

    def _bind_turn(self, target, iterable):
        """Binds what a loop over iterable gives at each turn."""
        value = self.evaluate(iterable)
        turn = {"tables": "table", "uvdatas": "uvdata"}.get(value.kind if value else "", "")
        name = dotted(iterable.func) if isinstance(iterable, ast.Call) else ""
        if turn:
            self._bind(target, None, Value(turn, fact=value.fact))
        elif value is not None and value.kind == "parameter":
            self._bind(target, None, Value("parameter", dotted(target), value.node))
        elif name in ("range", "np.arange", "numpy.arange", "np.unique", "numpy.unique"):
            self._bind(target, None, Value("index"))
        elif name == "enumerate" and isinstance(target, ast.Tuple) and len(target.elts) == 2 and iterable.args:
            self._store(target.elts[0], Value("index"))
            self._bind_turn(target.elts[1], iterable.args[0])
        else:
            for one in target_names(target):
                self.scope.names[one] = None

    # ------------------------------------------------------------ expressions

    def visit(self, node):
        """Notes what an expression does."""
        if isinstance(node, COMPREHENSIONS):
            self._comprehension(node)
            return
        if isinstance(node, ast.Lambda):
            self._lambda(node, self.loops)
            return
        mapped = self._mapped(node)
        for child in ast.iter_child_nodes(node):
            if child is mapped:
                self._lambda(child, (*self.loops, Loop(child, [one.arg for one in parameters_of(child)], ())))
            elif isinstance(child, ast.expr):
                self.visit(child)
            elif isinstance(child, ast.keyword):
                self.visit(child.value)
        handler = getattr(self, "_see_" + type(node).__name__.lower(), None)
        if handler:
            handler(node)

    @staticmethod
    def _mapped(node):
        """The lambda that a call of map or filter runs on each item."""
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Lambda):
            if (node.func.attr if isinstance(node.func, ast.Attribute) else dotted(node.func)) in ("map", "filter"):
                return node.args[0]
        return None

    def _lambda(self, node, loops):
        names = self.scope.names
        self.scope.names = {**names, **{one.arg: Value("parameter", one.arg, node) for one in parameters_of(node)}}
        outer, self.loops = self.loops, loops
        self.visit(node.body)
        self.scope.names, self.loops = names, outer

    def _comprehension(self, node):
        names, loops = self.scope.names, self.loops
        self.scope.names = dict(names)
        for generator in node.generators:
            self.visit(generator.iter)
            self._bind_turn(generator.target, generator.iter)
            loop = self._loop(generator, lambda one=generator: Loop.of_generator(one))
            loop.few = self._takes_few(generator.iter)
            self._turns(loop, generator.target, generator.iter)
            self.loops += (loop,)
            for condition in generator.ifs:
                self.visit(condition)
        for part in ([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]):
            self.visit(part)
        self.scope.names, self.loops = names, loops

    def _fact(self, kind, node, **more):
        fact = Fact(kind, node, self.loops, **more)
        self.facts.setdefault(self.scope.node, []).append(fact)
        return fact

    def _see_name(self, node):
        if isinstance(node.ctx, ast.Load):
            value = self.evaluate(node)
            if value is not None and value.kind == "column":
                value.fact.uses.append(use_of(node, self.parents, self.evaluate))

    def _see_namedexpr(self, node):
        self._bind(node.target, node.value)

    def _see_yield(self, node):
        managers = getattr(self.scope.node, "decorator_list", ())
        if node.value is not None and any(dotted(one).endswith("contextmanager") for one in managers):
            self._gives(node.value)

    def _see_attribute(self, node):
        value = self.evaluate(node)
        if value is not None and value.kind == "column" and isinstance(node.ctx, ast.Load):
            value.fact.uses.append("other")  # an attribute that others may read

    def _see_binop(self, node):
        if isinstance(node.op, ast.Add):
            sides = [self.evaluate(side) for side in (node.left, node.right)]
            kinds = [side.kind if side is not None else "" for side in sides]
            if "uvdata" in kinds and {*kinds} <= {"uvdata", "none"}:
                self._fact("combine", node, method="+")

    def _see_compare(self, node):
        sides = [node.left, *node.comparators]
        for position, operator in enumerate(node.ops):
            one, other = self.evaluate(sides[position]), self.evaluate(sides[position + 1])
            names = " ".join(
                dotted(side)
                for side, value in zip(sides[position : position + 2], (one, other))
                if value is None or value.kind != "mtime"
            )
            ordered = isinstance(operator, (ast.Lt, ast.LtE, ast.Gt, ast.GtE))
            known = any(word in names.lower() for word in ("mtime", "cache", "stamp"))
            both = all(side is not None and side.kind == "mtime" for side in (one, other))
            for side in (one, other):
                if side is not None and side.kind == "mtime" and (not ordered or both or known):
                    self._fact("mtime", side.node, path=side.path, method="is compared with a kept one")

    def _see_subscript(self, node):
        value = self.evaluate(node.value)
        if value is not None and value.kind in ("cells", "rows", "table") and not isinstance(node.slice, ast.Slice):
            method = "putting by index" if isinstance(node.ctx, ast.Store) else "reading by index"
            self._cell_of(value, node, node.value, method, node.slice)
        value = self.evaluate(node.slice)
        if value is not None and value.kind == "mtime":
            self._fact("mtime", value.node, path=value.path, method="is part of a key")

    def _see_dict(self, node):
        for key in node.keys:
            value = self.evaluate(key) if key is not None else None
            if value is not None and value.kind == "mtime":
                self._fact("mtime", value.node, path=value.path, method="is part of a key")

    def _see_call(self, node):
        called = self.evaluate(node.func)
        if called is not None and called.kind == "ref" and called.name in TABLES:
            self._fact("open", node, path=argument(node, 0, "tablename"))
        elif called is not None and called.kind == "ref" and called.name in TAQL and node.args:
            fact = self._fact("query", node, row=node.args[0], method="taql")
            self.reads[node] = fact
        elif called is not None and called.kind in ("function", "class"):
            callee = called.node if called.kind == "function" else self.methods.get((called.node, "__init__"))
            if callee is not None:
                self._call(node, callee)
        if isinstance(node.func, ast.Attribute):
            self._method(node, node.func)
        self._handed_on(node)
        if self._mapped(node) is None and node.args:
            self._map(node)

    def _handed_on(self, node):
        """pool.submit(t.getcell, "DATA", row): a method that another function calls with the arguments after it."""
        for position, given in enumerate(node.args):
            if isinstance(given, ast.Attribute) and given.attr in CELL_METHODS:
                receiver = self.evaluate(given.value)
                if receiver is not None and receiver.kind == "table":
                    call = ast.Call(given, node.args[position + 1 :], node.keywords)
                    self._table_method(ast.copy_location(call, node), given, receiver)

    def _call(self, node, callee):
        parameters = parameters_of(callee)
        owned = isinstance(self.parents.get(callee), ast.ClassDef)
        static = any(dotted(one) == "staticmethod" for one in callee.decorator_list)
        arguments = {}
        if owned and not static and parameters:
            arguments[parameters[0].arg] = node.func.value if isinstance(node.func, ast.Attribute) else None
            parameters = parameters[1:]
        arguments.update((one.arg, given) for one, given in zip(parameters, node.args))
        arguments.update((keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg)
        self._fact("call", node, callee=callee, arguments=arguments)
        kept = any(
            (dotted(one.func) if isinstance(one, ast.Call) else dotted(one)).split(".")[-1] in MEMORIZERS
            for one in callee.decorator_list
        )
        for given in (*node.args, *(keyword.value for keyword in node.keywords)):
            value = self.evaluate(given)
            if kept and value is not None and value.kind == "mtime":
                self._fact(
                    "mtime", value.node, path=value.path, method=f"is an argument of {callee.name}, which is cached"
                )

    def _map(self, node):
        """map(function, rows): a call in a loop."""
        if (node.func.attr if isinstance(node.func, ast.Attribute) else dotted(node.func)) == "map" and len(
            node.args
        ) > 1:
            called = self.evaluate(node.args[0])
            if called is not None and called.kind == "function":
                parameters = [one.arg for one in parameters_of(called.node)]
                if isinstance(node.args[0], ast.Attribute):
                    parameters = parameters[1:]
                loops, self.loops = self.loops, (*self.loops, Loop(node, parameters, ()))
                given = {name: ast.Name(name, ast.Load()) for name in parameters[: len(node.args) - 1]}
                self._fact("call", node, callee=called.node, arguments=given)
                self.loops = loops

    def _method(self, node, func):
        receiver = self.evaluate(func.value)
        kind = receiver.kind if receiver is not None else ""
        if kind == "table" and func.attr == "open":
            path = argument(node, 0, "thename", "tablename")
            self._fact("open", node, path=path, method="open")
            if dotted(func.value):
                self._store(func.value, Value("table", node=node, path=path))
        elif kind == "table":
            self._table_method(node, func, receiver)
        elif kind == "cells" and func.attr in CELL_METHODS or kind == "rows" and func.attr in ("get", "put"):
            self._cell_of(receiver, node, func.value, func.attr, argument(node, 0, "rownr"))
        elif func.attr == "fast_concat" and kind in ("uvdata", "", "uvdatas", "parameter"):
            self._fact("combine", node, method="fast_concat", row=argument(node, 1, "axis"))
        elif (
            kind == "uvdata"
            and func.attr in ("read", "from_file")
            or (kind == "ref" and receiver.name in UVDATA and func.attr == "from_file")
        ):
            self._fact("combine", node, method="read", row=argument(node, len(node.args), "axis"))
        elif kind == "few" and func.attr in ("append", "extend", "insert"):
            self._store(func.value, Value("other"))
        elif func.attr in KEYED and node.args:
            value = self.evaluate(node.args[0])
            if value is not None and value.kind == "mtime" and kind != "ref":
                self._fact("mtime", value.node, path=value.path, method="is part of a key")

    def _table_method(self, node, func, table):
        column = self.text(argument(node, 0, "columnname"))
        if func.attr in CELL_METHODS | COLUMN_METHODS and table.fact is not None and func.attr.startswith("get"):
            table.fact.reads += 1
        if func.attr in CELL_METHODS:
            self._fact(
                "cell",
                node,
                method=func.attr,
                table=table,
                receiver=func.value,
                column=column,
                row=argument(node, 1, "rownr"),
            )
        elif func.attr in FIRST_ROWS:
            place = FIRST_ROWS[func.attr]
            start, rows = argument(node, place, "startrow"), argument(node, place + 1, "nrow")
            if isinstance(rows, ast.Constant) and rows.value == 1 and start is not None:
                self._fact("cell", node, method=func.attr, table=table, receiver=func.value, column=column, row=start)
            elif func.attr == "getcol":
                fact = self._fact(
                    "read",
                    node,
                    table=table,
                    receiver=func.value,
                    column=column,
                    whole=len(node.args) + len(node.keywords) == 1,
                )
                self.reads[node] = fact
                fact.uses.append(use_of(node, self.parents, self.evaluate))
        elif func.attr in ("query", "iter", "select", "selectrows"):
            self.reads[node] = self._fact(
                "query",
                node,
                method=func.attr,
                table=table,
                receiver=func.value,
                row=argument(node, 0, "query", "columnnames"),
            )
