"""Two Measurement Sets compared: every table, column, keyword and description, with casacore.

What differs is returned as lines of text. Rows of HISTORY are not compared, nor SIGMA where a weight is 0 (pyuvdata
leaves memory there that it never wrote).
"""
import numpy as np
from casacore.tables import table

EXACT, ULPS = 0.0, None
# absolute tolerances by (subtable, column); MAIN's by column
TOLERANCES = {("MAIN", "UVW"): 1e-9, ("FIELD", "PHASE_DIR"): 1e-12, ("FIELD", "DELAY_DIR"): 1e-12,
              ("FIELD", "REFERENCE_DIR"): 1e-12, ("SOURCE", "DIRECTION"): 1e-12, ("ANTENNA", "POSITION"): 1e-8,
              ("OBSERVATION", "TELESCOPE_LOCATION"): 1e-8}
SUBTABLES = ["ANTENNA", "DATA_DESCRIPTION", "FEED", "FIELD", "FLAG_CMD", "HISTORY", "OBSERVATION", "POINTING",
             "POLARIZATION", "PROCESSOR", "SOURCE", "SPECTRAL_WINDOW", "STATE"]


def same_value(a, b):
    """Keywords and descriptions: nested records, arrays, scalars."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_value(a[k], b[k]) for k in a)
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(same_value(x, y) for x, y in zip(a, b))
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        x, y = np.asarray(a), np.asarray(b)
        return x.shape == y.shape and x.dtype.kind == y.dtype.kind and bool((x == y).all())
    return type(a) is type(b) and a == b


def described(t, column):
    """A column's description without what the table's path and the files' own numbers are in."""
    desc = dict(t.getcoldesc(column))
    desc.pop("dataManagerGroup")
    return desc


def managers(t):
    """Data managers by column: type, name, bucket or tiles. The default tile is none of what readers see."""
    found = {}
    for entry in t.getdminfo().values():
        spec = entry["SPEC"]
        cubes = {k: {n: v for n, v in c.items()} for k, c in spec.get("HYPERCUBES", {}).items()}
        found[tuple(sorted(entry["COLUMNS"]))] = (entry["TYPE"], entry["NAME"], spec.get("BUCKETSIZE"), cubes)
    return found


def keywords(t):
    return {k: v for k, v in t.getkeywords().items() if not (isinstance(v, str) and v.startswith("Table: "))}


def cells(t, column, row):
    return t.getcell(column, row) if t.iscelldefined(column, row) else None


def compare_column(name, column, a, b, relative):
    """The cells of one column of both."""
    if a.nrows() == 0:
        return []
    tolerance = TOLERANCES.get((name, column), EXACT)
    if a.isscalarcol(column) and a.coldatatype(column) != "record":
        x, y = a.getcol(column), b.getcol(column)
    elif a.coldatatype(column) == "record":
        return []
    else:
        shapes = [[cells(t, column, r) for r in range(t.nrows())] for t in (a, b)]
        if name == "MAIN" and shapes[0][0] is not None and len({np.shape(c) for c in shapes[0]}) == 1:
            shapes = [[np.array(t.getcol(column))] for t in (a, b)]
        for r, (x, y) in enumerate(zip(*shapes)):
            if (x is None) != (y is None) or np.shape(x) != np.shape(y):
                return [f"{name}.{column} row {r}: {x!r} and {y!r}"]
            if x is not None and not close(x, y, tolerance, relative.get(column, 0), a, column):
                return [f"{name}.{column} row {r}: {worst(x, y)}"]
        return []
    if not close(x, y, tolerance, relative.get(column, 0), a, column):
        return [f"{name}.{column}: {worst(np.asarray(x), np.asarray(y))}"]
    return []


def worst(x, y):
    x, y = np.asarray(x), np.asarray(y)
    if x.dtype.kind in "fc":
        return f"differ by {np.nanmax(np.abs(x - y))}, {np.count_nonzero(x != y)} of {x.size}"
    where = np.argwhere(x != y)[:1]
    return f"{len(np.argwhere(x != y))} differ, first {where.tolist()}: {x.ravel()[:4]} {y.ravel()[:4]}"


def close(x, y, tolerance, relative, t, column):
    x, y = np.asarray(x), np.asarray(y)
    if x.shape != y.shape or x.dtype != y.dtype:
        return False
    if x.dtype.kind not in "fc":
        return bool((x == y).all())
    if column == "SIGMA":
        known = t.getcol("WEIGHT").reshape(x.shape) > 0
        x, y = x[known], y[known]
    both = np.isnan(x) & np.isnan(y)
    return bool((both | (np.abs(x - y) <= tolerance + relative * np.abs(y)) | (x == y)).all())


def compare_table(name, a, b, relative, layout):
    found = []
    if sorted(a.colnames()) != sorted(b.colnames()):
        return [f"{name}: columns {sorted(set(a.colnames()) ^ set(b.colnames()))}"]
    if a.colnames() != b.colnames():
        found.append(f"{name}: order of columns")
    for column in a.colnames():
        x, y = described(a, column), described(b, column)
        if not same_value(x, y):
            found.append(f"{name}.{column}: " + ", ".join(
                f"{k} {x.get(k)!r} and {y.get(k)!r}" for k in {**x, **y} if not same_value(x.get(k), y.get(k))))
    if not same_value(keywords(a), keywords(b)):
        found.append(f"{name}: keywords {keywords(a)} and {keywords(b)}")
    if layout:
        x, y = managers(a), managers(b)
        found += [f"{name}: manager of {k}: {x.get(k)} and {y.get(k)}" for k in {**x, **y}
                  if not same_value(x.get(k), y.get(k))]
    if a.info() != b.info():
        found.append(f"{name}: info {a.info()} and {b.info()}")
    if name == "HISTORY":
        return found
    if a.nrows() != b.nrows():
        return found + [f"{name}: {a.nrows()} and {b.nrows()} rows"]
    for column in a.colnames():
        found += compare_column(name, column, a, b, relative)
    return found


def differences(ours, theirs, layout=True, relative=None, skip=()):
    """Lines, one for each thing in which the Measurement Set `ours` differs from `theirs`."""
    relative = {"SIGMA": 1e-7} | (relative or {})
    with table(str(ours), ack=False) as a, table(str(theirs), ack=False) as b:
        links = [sorted(k for k, v in t.getkeywords().items() if isinstance(v, str) and v.startswith("Table: "))
                 for t in (a, b)]
        found = [] if links[0] == links[1] else [f"subtables {links[0]} and {links[1]}"]
        found += compare_table("MAIN", a, b, relative, layout)
    for name in SUBTABLES:
        with table(f"{ours}/{name}", ack=False) as a, table(f"{theirs}/{name}", ack=False) as b:
            found += compare_table(name, a, b, relative, layout)
    return [line for line in found if not line.startswith(tuple(skip))]


if __name__ == "__main__":
    import sys
    print("\n".join(differences(*sys.argv[1:3])) or "equal")
