"""The package's own writes, read back by python-casacore in this process and checked with numpy."""
import os
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
from conftest import MANAGERS, make_table

import msio

ct = pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
ROWS = 37


@pytest.fixture(params=MANAGERS, ids=lambda name: name.removesuffix("StMan"))
def table(request, tmp_path):
    return make_table(ct, tmp_path / "t", request.param, ROWS)


@pytest.fixture
def tiled(tmp_path):
    return make_table(ct, tmp_path / "t", "TiledShapeStMan", ROWS)


def by_casacore(path, column):
    with ct.table(path, ack=False) as t:
        return np.asarray(t.getcol(column))


def other(array, number):
    """Values of the same type and shape that differ from row to row."""
    made = np.arange(array.size).reshape(array.shape) * 3 + number
    return (made % 2).astype(bool) if array.dtype == bool else made.astype(array.dtype)


SELECTIONS = ({}, {"rows": slice(3, 30, 4)}, {"rows": [5, 3, -1, 20]}, {"rows": 7}, {"rows": slice(None, None, -1)},
              {"chans": slice(0, 3, 2)}, {"corrs": 1}, {"rows": slice(2, 9), "chans": 1, "corrs": slice(1, None, 2)},
              {"rows": np.arange(ROWS) % 3 == 0, "corrs": slice(0, 2)}, {"rows": slice(5, 5)})


@pytest.mark.parametrize("selection", SELECTIONS, ids=str)
@pytest.mark.parametrize("column", ["ARRAY_complex", "ARRAY_boolean", "ARRAY_short"])
def test_selections(table, column, selection):
    expected = by_casacore(table, column)
    before = expected.copy()
    value = other(msio.read(table, column, **selection), 11)
    rows, chans, corrs = (selection.get(name, slice(None)) for name in ("rows", "chans", "corrs"))
    chans, corrs = (slice(one, one + 1) if isinstance(one, int) else one for one in (chans, corrs))
    part = expected[rows][..., chans, corrs].shape
    assert value.shape == part
    if isinstance(rows, int):
        expected[rows, chans, corrs] = value
    else:
        expected[np.arange(ROWS)[rows].reshape(-1, 1, 1), np.arange(3)[chans].reshape(1, -1, 1),
                 np.arange(5)[corrs].reshape(1, 1, -1)] = value
    try:
        msio.write(table, column, value, **selection)
    except msio.UnsupportedError:  # the last row without all others: casacore would change more than that
        assert msio.Table(table).describe(column)["manager"] == "IncrementalStMan" and (ROWS - 1) in np.arange(ROWS)[rows]
        assert np.array_equal(by_casacore(table, column), before)
        return
    assert np.array_equal(by_casacore(table, column), expected)
    assert np.array_equal(msio.read(table, column, **selection), value)


@pytest.mark.parametrize("atomic", [False, True])
def test_orders_strides_and_byte_orders(tiled, atomic):
    value = other(by_casacore(tiled, "ARRAY_complex"), 3)
    wide = np.zeros((2 * ROWS, 3, 10), value.dtype)
    wide[::2, :, ::2] = value
    back = value[::-1].copy()
    for given in (np.asfortranarray(value), wide[::2, :, ::2], back[::-1], value.astype(">c8"),
                  value.transpose(1, 0, 2).copy().transpose(1, 0, 2)):
        msio.fill(tiled, "ARRAY_complex", 0)
        msio.write(tiled, "ARRAY_complex", given, atomic=atomic)
        assert np.array_equal(by_casacore(tiled, "ARRAY_complex"), value)


def test_types(tiled):
    value = by_casacore(tiled, "ARRAY_float")
    for wrong in (value.astype("f8"), value.astype("c8"), value.tolist(), value.astype("i4")):
        with pytest.raises(TypeError):
            msio.write(tiled, "ARRAY_float", wrong)
    assert np.array_equal(by_casacore(tiled, "ARRAY_float"), value)
    msio.write(tiled, "ARRAY_float", value.astype("f8") * 2, casting="same_kind")
    assert np.array_equal(by_casacore(tiled, "ARRAY_float"), value * 2)
    msio.write(tiled, "ARRAY_float", (value * 3).tolist(), casting="same_kind", sync=True)
    assert np.array_equal(by_casacore(tiled, "ARRAY_float"), value * 3)
    with pytest.raises(TypeError):
        msio.write(tiled, "ARRAY_int", value, casting="same_kind")


def test_wrong_arguments(tiled):
    value = by_casacore(tiled, "ARRAY_float")
    for keywords, kind in (({"rows": slice(0, 3)}, ValueError), ({"rows": [ROWS]}, IndexError),
                           ({"chans": 3}, IndexError), ({"rows": np.ones(3, bool)}, IndexError)):
        with pytest.raises(kind):
            msio.write(tiled, "ARRAY_float", value, **keywords)
    for call, kind in ((lambda: msio.write(tiled, "NONE", value), msio.ColumnError),
                       (lambda: msio.write(str(tiled) + "x", "ARRAY_float", value), msio.NotFoundError),
                       (lambda: msio.fill(tiled, "ARRAY_int", 0.5), TypeError),
                       (lambda: msio.fill(tiled, "ARRAY_boolean", 1), TypeError),
                       (lambda: msio.fill(tiled, "ARRAY_short", 100000), TypeError),
                       (lambda: msio.fill(tiled, "ARRAY_float", [1, 2]), ValueError),
                       (lambda: msio.copy(tiled, "ARRAY_float", "ARRAY_double"), msio.Error)):
        with pytest.raises(kind):
            call()
    assert np.array_equal(by_casacore(tiled, "ARRAY_float"), value)


def test_fill_and_copy(tiled):
    expected = by_casacore(tiled, "ARRAY_complex")
    msio.fill(tiled, "ARRAY_complex", 2 - 3j, rows=[4, 9], chans=slice(1, 3))
    expected[[4, 9], 1:3] = 2 - 3j
    assert np.array_equal(by_casacore(tiled, "ARRAY_complex"), expected)
    msio.fill(tiled, "ARRAY_boolean", True, corrs=2)
    assert by_casacore(tiled, "ARRAY_boolean")[:, :, 2].all()
    with ct.table(tiled, readonly=False, ack=False) as t:
        for name in ("COPY", "ZERO"):
            t.addcols(ct.maketabdesc(ct.makearrcoldesc(name, 0j, ndim=2, valuetype="complex")),
                      {"TYPE": "TiledShapeStMan", "NAME": name, "SPEC": {"DEFAULTTILESHAPE": [5, 3, 8]}})
    with pytest.raises(msio.UndefinedError):
        msio.fill(tiled, "ZERO", 0)
    msio.copy(tiled, "ARRAY_complex", "COPY")
    msio.fill(tiled, "ZERO", 0, cell_shape=(3, 5))
    assert np.array_equal(by_casacore(tiled, "COPY"), expected)
    zero = by_casacore(tiled, "ZERO")
    assert zero.shape == expected.shape and not zero.any()
    msio.copy(tiled, "ARRAY_complex", "ZERO", rows=slice(3, 8), chans=slice(0, 2), atomic=True)
    zero[3:8, :2] = expected[3:8, :2]
    assert np.array_equal(by_casacore(tiled, "ZERO"), zero)


def test_streams(tiled):
    value, flags = by_casacore(tiled, "ARRAY_complex") * 2, ~by_casacore(tiled, "ARRAY_boolean")
    rows = []
    with msio.stream_write(tiled, ["ARRAY_complex", "ARRAY_boolean"], rows_per_batch=5) as batches:
        for batch in batches:
            rows += range(batch.row, batch.row + batch.rows)
            batch["ARRAY_complex"][...] = value[batch.row:batch.row + batch.rows]
            batch["ARRAY_boolean"][...] = flags[batch.row:batch.row + batch.rows]
    assert rows == list(range(ROWS))
    assert np.array_equal(by_casacore(tiled, "ARRAY_complex"), value)
    assert np.array_equal(by_casacore(tiled, "ARRAY_boolean"), flags)
    with msio.stream_write(tiled, "ARRAY_complex", chans=slice(0, 2), rows_per_batch=10) as batches:
        first = next(batches)
        first["ARRAY_complex"][...] = 1
        next(batches)["ARRAY_complex"][...] = 2
    value[:10, :2] = 1  # no batch was asked for after the second
    assert np.array_equal(by_casacore(tiled, "ARRAY_complex"), value)
    assert not first["ARRAY_complex"].flags.owndata and first["ARRAY_complex"].sum() == 10 * 2 * 5  # outlives the stream
    with pytest.raises(ValueError):
        batches._stream.next()


def test_locked_elsewhere(tiled):
    """The error names the process and what helps."""
    code = textwrap.dedent("""
        import sys
        from casacore.tables import table
        t = table(sys.argv[1], ack=False)
        t.getcell("ARRAY_float", 0)
        print("open", flush=True)
        sys.stdin.read()
        """)
    with subprocess.Popen([sys.executable, "-c", code, tiled], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as other_process:
        other_process.stdout.readline()
        with pytest.raises(msio.LockedError, match=f"{other_process.pid}.*unlock"):
            msio.fill(tiled, "ARRAY_float", 0)
        other_process.stdin.close()
    msio.fill(tiled, "ARRAY_float", 0)
    assert not by_casacore(tiled, "ARRAY_float").any()


def test_lock_of_casacore_in_this_process(tiled):
    """A write under casacore's lock leaves that lock as it is, and is refused where there is none."""
    value = by_casacore(tiled, "ARRAY_float")
    held = msio._msio.Table(tiled, writable=True, lock_is_held=True)
    with pytest.raises(msio.LockedError, match="does not"):
        held.write("ARRAY_float", value + 1)
    with ct.table(tiled, readonly=False, ack=False, lockoptions="user") as t:
        t.lock(False)
        with pytest.raises(msio.LockedError):
            held.write("ARRAY_float", value + 1)
        t.unlock()
        t.lock()
        held.write("ARRAY_float", value + 1)
        look = "import sys, fcntl; f = open(sys.argv[1] + '/table.lock', 'r+b')\n" \
               "try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1); print('free')\nexcept OSError: print('locked')"
        assert subprocess.check_output([sys.executable, "-c", look, tiled], text=True) == "locked\n"
        t.unlock()
        t.lock()
        assert np.array_equal(t.getcol("ARRAY_float"), value + 1)
        t.unlock()
        assert subprocess.check_output([sys.executable, "-c", look, tiled], text=True) == "free\n"


def test_interrupted(tmp_path):
    """Ctrl-C ends a write; with atomic nothing is changed."""
    path = make_table(ct, tmp_path / "t", "TiledShapeStMan", ROWS)
    with ct.table(path, ack=False) as t:
        t.getcell("ARRAY_float", 0)  # its lock stands in the way
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            msio.fill(path, "ARRAY_float", 0)
    assert by_casacore(path, "ARRAY_float").any()


def test_repair_after_a_kill(tmp_path):
    path = make_table(ct, tmp_path / "t", "TiledShapeStMan", ROWS)
    assert msio.repair(path) is None
    code = textwrap.dedent("""
        import sys, numpy as np, msio
        shape = msio.read(sys.argv[1], "ARRAY_double").shape
        print("going", flush=True)
        for number in range(1, 10**9):
            msio.write(sys.argv[1], "ARRAY_double", np.full(shape, float(number)), atomic=True)
        """)
    for wait in range(1, 9):
        process = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE)
        process.stdout.readline()
        threading.Event().wait(wait * 0.013)
        process.kill()
        process.communicate()
        found = msio.repair(path)
        assert found is None or found["columns"] == "ARRAY_double" and not found["may_be_mixed"]
        assert len(np.unique(by_casacore(path, "ARRAY_double"))) == 1 or wait == 1


# ---------------------------------------------------------------- cells that differ in shape, and strings

def cells_by_casacore(path, column):
    with ct.table(path, ack=False) as t:
        return [t.getcell(column, row) if t.iscelldefined(column, row) else None for row in range(t.nrows())]


def same_cells(ours, theirs):
    return len(ours) == len(theirs) and all(
        (a is None and b is None) or (np.shape(a) == np.shape(b) and np.array_equal(np.asarray(a), np.asarray(b)))
        for a, b in zip(ours, theirs))


@pytest.mark.parametrize("manager", ["StandardStMan", "TiledShapeStMan"])
def test_cells_of_any_shapes(tmp_path, manager):
    path = make_table(ct, tmp_path / "t", manager, rows=12)
    cells = cells_by_casacore(path, "VARY")
    same = [None if cell is None else cell * 2 for cell in cells]  # cells keep their shapes
    msio.write(path, "VARY", same)
    assert same_cells(cells_by_casacore(path, "VARY"), same)
    others = [np.full((1 + row % 4, 2 + row % 3), row, "f4") for row in range(12)]  # and get new ones
    if manager == "TiledShapeStMan":  # where casacore gives no cell another shape; one without gets its own
        with pytest.raises(msio.CasacoreError, match="conformance"):
            msio.write(path, "VARY", [others[0]], rows=[0])
        msio.write(path, "VARY", [None, others[4]], rows=[0, 4])
        assert same_cells(cells_by_casacore(path, "VARY"), [*same[:4], others[4], *same[5:]])
        return
    msio.write(path, "VARY", [*others[:3], None, *others[4:6]], rows=slice(0, 6))
    expected = [*others[:3], same[3], *others[4:6], *same[6:]]
    assert same_cells(cells_by_casacore(path, "VARY"), expected)
    objects = np.empty(2, object)
    objects[:] = [others[10], others[7].astype(">f4")]
    msio.write(path, "VARY", objects, rows=[10, 7])
    msio.write(path, "VARY", [others[11].T.copy().T], rows=[11])
    expected[10], expected[7], expected[11] = others[10], others[7], others[11]
    assert same_cells(cells_by_casacore(path, "VARY"), expected)
    msio.write(path, "VARY", [others[2].astype("f4") + 1, np.zeros((3, 2), "f4")], rows=np.arange(12) < 2)
    expected[0], expected[1] = others[2] + 1, np.zeros((3, 2))
    assert same_cells(cells_by_casacore(path, "VARY"), expected)


def test_strings(tmp_path):
    path = make_table(ct, tmp_path / "t", "StandardStMan", rows=12)
    names = ["", "short", "\u00e9t\u00e9", "longer than eight bytes"] * 3
    msio.write(path, "SCALAR_S", names)
    assert cells_by_casacore(path, "SCALAR_S") == names
    msio.write(path, "SCALAR_S", "one", rows=-1)
    msio.write(path, "SCALAR_S", np.array(["a", "b"]), rows=[3, 0])
    assert cells_by_casacore(path, "SCALAR_S") == ["b", *names[1:3], "a", *names[4:11], "one"]
    before = cells_by_casacore(path, "TEXTS")
    msio.write(path, "TEXTS", [["x", "", "\u00e9\u00e8"], None, np.array(["y", "z"])], rows=[1, 3, 5])
    after = cells_by_casacore(path, "TEXTS")
    assert [after[1], after[3], after[5]] == [["x", "", "\u00e9\u00e8"], before[3], ["y", "z"]]
    assert [after[row] for row in (0, 2, 4, 6, 7)] == [before[row] for row in (0, 2, 4, 6, 7)]
    assert list(msio.read(path, "SCALAR_S", rows=[0, 11])) == ["b", "one"]


def test_wrong_cells(tmp_path):
    path = make_table(ct, tmp_path / "t", "StandardStMan", rows=4)
    before = cells_by_casacore(path, "VARY"), cells_by_casacore(path, "SCALAR_S")
    good = [np.zeros((2, 2), "f4")] * 4
    for column, values, kind, more in (
            ("VARY", good[:3], ValueError, {}), ("VARY", [*good[:3], np.zeros((2, 2))], TypeError, {}),
            ("VARY", [*good[:3], [[1.0]]], TypeError, {}), ("VARY", [*good[:3], np.zeros((1,) * 9, "f4")], ValueError, {}),
            ("VARY", good, TypeError, {"chans": 0}), ("VARY", good, TypeError, {"atomic": True}),
            ("VARY", good, IndexError, {"rows": [0, 1, 2, 9]}), ("SCALAR_S", ["a", "b", "c", 3], TypeError, {}),
            ("SCALAR_S", [["a", "b"], "b", "c", "d"], ValueError, {}), ("SCALAR_S", [b"a"] * 4, TypeError, {}),
            ("NONE", good, KeyError, {}), ("SCALAR_I", good, (TypeError, ValueError), {})):
        with pytest.raises(kind):
            msio.write(path, column, values, **more)
    assert same_cells(cells_by_casacore(path, "VARY"), before[0]) and cells_by_casacore(path, "SCALAR_S") == before[1]
    msio.write(path, "VARY", [], rows=[])
