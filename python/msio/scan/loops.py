"""loops.py - loops of a Python source: which names take another value from turn to turn."""

import ast

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

# Calls that give the same for the same arguments: a path made by them is another one only if a part of it is.
PURE = frozenset("""str int float len range sorted tuple list join abspath realpath normpath expanduser fspath Path
    PurePath format rstrip lstrip strip replace getkeyword as_posix joinpath resolve with_suffix with_name nrows
    dirname basename lower upper table""".split())


def dotted(node):
    """`a.b.c` of names and attributes; "" for all else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def target_names(target, containers=True):
    """The names that an assignment to target binds; containers: an item's container counts as bound."""
    if isinstance(target, (ast.Tuple, ast.List)):
        return [name for part in target.elts for name in target_names(part, containers)]
    if isinstance(target, ast.Starred) or isinstance(target, ast.Subscript) and containers:
        return target_names(target.value, containers)
    name = dotted(target)
    return [name] if name else []


def mentions(expression, names):
    """Whether the expression reads one of the names."""
    return any(isinstance(node, (ast.Name, ast.Attribute)) and dotted(node) in names for node in ast.walk(expression))


def calls_unknown(expression):
    """Whether a call in the expression may give something else each time."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else dotted(node.func)
            if name not in PURE:
                return True
    return False


def bindings(body, containers=True):
    """(names, value, always): each binding within the statements, not within functions that they define; always: the
    name changes with each turn; containers: see target_names."""
    stack = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda, *COMPREHENSIONS)):
            continue
        if isinstance(node, ast.Assign):
            yield [name for target in node.targets for name in target_names(target, containers)], node.value, False
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            yield target_names(node.target, containers), node.value, False
        elif isinstance(node, ast.AugAssign):
            yield target_names(node.target, containers), node.value, True
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            yield target_names(node.target), node.iter, False
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            yield target_names(node.optional_vars), node.context_expr, False
        stack.extend(ast.iter_child_nodes(node))


class Loop:
    """A loop, or what acts as one: a comprehension's `for`, a function that is called in a loop.

    targets: names that the loop itself changes; perhaps: those that it may change. bound: all that its body binds.
    replaced: those of them that are other objects then, not the same with other items.
    varies: those whose value depends on the turn. unsure: these, and those that hold what an unknown call gave.
    few: whether it plainly takes few turns.
    """

    def __init__(self, node, targets, body, repeats=False, perhaps=()):
        self.node, self.few = node, False
        targets, found = set(targets), list(bindings(body))
        self.values = [(name, value) for names, value, _ in found for name in names]
        self.bound = targets.union(perhaps, *(names for names, _, _ in found))
        self.replaced = targets.union(perhaps, *(names for names, _, _ in bindings(body, containers=False)))
        self.unsure = self._closure(targets.union(perhaps), found, True)
        self.varies = self.unsure if repeats else self._closure(targets, found, False)

    @staticmethod
    def _closure(targets, found, by_calls):
        varies, waiting = set(targets), []
        for names, value, always in found:
            read = {dotted(node) for node in ast.walk(value) if isinstance(node, (ast.Name, ast.Attribute))}
            if always or not read.isdisjoint(names) or (by_calls and calls_unknown(value)):
                varies.update(names)
            else:
                waiting.append((names, read))
        while True:
            more = [names for names, read in waiting if not read.isdisjoint(varies)]
            if all(varies.issuperset(names) for names in more):
                return varies
            varies.update(*more)

    def changes(self, expression):
        """Whether the expression's value surely depends on the turn."""
        return expression is not None and mentions(expression, self.varies)

    def may_change(self, expression):
        """Whether it may: also when it is unknown."""
        return expression is None or mentions(expression, self.unsure) or calls_unknown(expression)

    def rebinds(self, expression):
        """Whether the expression reads a name that the body binds."""
        return mentions(expression, self.bound)

    def replaces(self, expression):
        """Whether the expression reads a name that the body binds to another object."""
        return mentions(expression, self.replaced)

    @classmethod
    def of_statement(cls, node):
        """Of a `for` or `while` statement."""
        if isinstance(node, ast.While):
            return cls(node, (), [*node.body, ast.Expr(node.test)], repeats=True)
        return cls(node, target_names(node.target), node.body)

    @classmethod
    def of_generator(cls, generator):
        """Of one `for` of a comprehension."""
        return cls(generator, target_names(generator.target), ())


def plainly_few(iterable, limit=64):
    """Whether a literal or a range has some items, but less than limit."""
    if isinstance(iterable, (ast.Tuple, ast.List)):
        return 0 < len(iterable.elts) < limit and not any(isinstance(one, ast.Starred) for one in iterable.elts)
    if isinstance(iterable, ast.Call) and dotted(iterable.func) == "range" and iterable.args:
        limits = [one.value if isinstance(one, ast.Constant) else None for one in iterable.args[:3]]
        return all(isinstance(one, int) for one in limits) and 0 not in limits[2:] and len(range(*limits)) < limit
    return False


def opens_once(node, loop, parents):
    """Whether node is under a condition that a first turn meets and later ones do not: `if t is None`, `if n == 0`."""
    while node is not None and node is not loop:
        parent = parents.get(node)
        if isinstance(parent, ast.If) and node in parent.body and parent is not loop:
            test = parent.test
            if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
                return True
            if isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.Is, ast.Eq, ast.NotIn)):
                return True
        node = parent
    return False


def ends_at_once(node, loop, parents):
    """Whether the loop is left without a condition after node succeeded: a loop of attempts, which runs once."""
    child = node
    while child is not loop:
        parent = parents.get(child)
        if parent is None or isinstance(parent, (ast.If, ast.IfExp)) and parent is not loop:
            return False
        blocks = [block for _, block in ast.iter_fields(parent) if isinstance(block, list) and child in block]
        after = blocks[0][blocks[0].index(child) + 1 :] if blocks else []
        if isinstance(parent, (ast.Try, ast.For, ast.AsyncFor, ast.While)) and blocks and blocks[0] is parent.body:
            after = after + (parent.orelse if isinstance(parent, ast.Try) else [])
        if isinstance(child, ast.With):
            after = child.body + after
        if isinstance(child, ast.Return) or any(isinstance(one, (ast.Break, ast.Return)) for one in after):
            return True
        child = parent
    return False
