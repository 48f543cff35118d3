"""columns.py - what a column that was read is used for: one expression after the other, from the read outwards."""

import ast

SAME_ROWS = frozenset(
    {
        "numpy.asarray",
        "numpy.array",
        "numpy.ravel",
        "numpy.atleast_1d",
        "numpy.logical_not",
        "numpy.squeeze",
        "list",
        "tuple",
        "sorted",
    }
)
SAME_ROWS_METHODS = frozenset({"ravel", "flatten", "copy", "astype", "tolist", "squeeze"})
FUNCTIONS = {
    **dict.fromkeys(("numpy.unique", "pandas.unique", "set", "frozenset"), "unique"),
    **dict.fromkeys(
        (
            "numpy.min",
            "numpy.max",
            "numpy.amin",
            "numpy.amax",
            "numpy.nanmin",
            "numpy.nanmax",
            "numpy.ptp",
            "min",
            "max",
        ),
        "range",
    ),
    **dict.fromkeys(
        (
            "numpy.mean",
            "numpy.sum",
            "numpy.any",
            "numpy.all",
            "numpy.count_nonzero",
            "numpy.average",
            "sum",
            "any",
            "all",
        ),
        "sum",
    ),
    **dict.fromkeys(("len", "numpy.size", "numpy.shape"), "shape"),
}
METHODS = {**dict.fromkeys(("min", "max", "ptp"), "range"), **dict.fromkeys(("mean", "sum", "any", "all"), "sum")}
ATTRIBUTES = dict.fromkeys(("shape", "size", "ndim", "dtype", "nbytes"), "shape")
CHANGING = frozenset({"return_index", "return_inverse", "return_counts", "weights", "where", "key", "default"})


def is_constant(node):
    """A number, or a minus before one."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


def _is_key(index, evaluate):
    """Whether an index of FLAG chooses by what flags are counted by: spectral window, channel, antenna, ..."""
    if isinstance(index, ast.Tuple):
        return all(_is_key(part, evaluate) for part in index.elts)
    if isinstance(index, ast.Slice):
        return all(
            part is None or isinstance(part, ast.Constant) and part.value == 0 for part in (index.lower, index.upper)
        )
    if is_constant(index) or isinstance(index, ast.Constant) and index.value is Ellipsis:
        return True
    value = evaluate(index)
    return value is not None and value.kind in ("mask", "index")


def carried(node, evaluate):
    """The part of an expression whose rows, flattened or scaled, are the expression's own; None: it has none."""
    if isinstance(node, ast.Call) and not node.keywords:
        if isinstance(node.func, ast.Attribute) and node.func.attr in SAME_ROWS_METHODS:
            base = evaluate(node.func.value)
            if base is None or base.kind != "ref":
                return node.func.value
        called = evaluate(node.func)
        if called is not None and called.kind == "ref" and called.name in SAME_ROWS and len(node.args) == 1:
            return node.args[0]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        return node.operand
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)):
        if is_constant(node.right):
            return node.left
        if is_constant(node.left) and not isinstance(node.op, ast.Div):
            return node.right
    if isinstance(node, ast.Subscript) and _is_key(node.slice, evaluate):
        value = evaluate(node.value)
        if value is not None and value.kind == "column" and value.name == "FLAG":
            return node.value
    return None


def _use_in_call(node, call, evaluate):
    if call.args[:1] != [node] or any(keyword.arg in CHANGING for keyword in call.keywords):
        return "other"
    called = evaluate(call.func)
    if called is None or called.kind != "ref":
        return "other"
    use = FUNCTIONS.get(called.name, "other")
    if len(call.args) > 1 and (use != "sum" or called.name in ("sum", "any", "all")):
        return "other"  # min(a, b)
    return use


def _all_named(targets, length):
    """Whether an assignment of a tuple binds each part to a name of its own."""
    return all(
        isinstance(target, ast.Tuple)
        and len(target.elts) == length
        and all(isinstance(one, ast.Name) for one in target.elts)
        for target in targets
    )


def use_of(node, parents, evaluate):
    """What the expression node, a column's rows, is used for: "unique", "range", "sum", "shape", "cell", "bound" (to a
    name), "nothing", or "other"."""
    parent = parents[node]
    while (
        carried(parent, evaluate) is node
        or isinstance(parent, ast.Attribute)
        and (parent.attr in SAME_ROWS_METHODS and carried(parents[parent], evaluate) is node)
    ):
        node = parents[parent] if isinstance(parent, ast.Attribute) else parent
        parent = parents[node]
    if isinstance(parent, ast.Attribute):
        call = parents[parent]
        if isinstance(call, ast.Call) and call.func is parent:
            changed = any(keyword.arg in CHANGING for keyword in call.keywords)
            return "other" if changed else METHODS.get(parent.attr, "other")
        return ATTRIBUTES.get(parent.attr, "other")
    if isinstance(parent, ast.Call):
        return _use_in_call(node, parent, evaluate)
    if isinstance(parent, ast.Subscript) and parent.value is node and isinstance(parent.ctx, ast.Load):
        return "cell" if is_constant(parent.slice) else "other"
    if isinstance(parent, ast.Tuple) and isinstance(parents[parent], ast.Assign):
        return "bound" if _all_named(parents[parent].targets, len(parent.elts)) else "other"
    if isinstance(parent, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
        targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
        return "bound" if all(isinstance(target, ast.Name) for target in targets) else "other"
    return "nothing" if isinstance(parent, ast.Expr) else "other"
