"""msio.tables.table against python-casacore's own: every read method, the same values or the same exception."""
import random
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest
from conftest import agrees, make_table, outcome, same
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
import casacore.tables as ct  # noqa: E402

import msio  # noqa: E402
from msio._dropin import _serving  # noqa: E402
from msio import tables as mt  # noqa: E402


@pytest.fixture
def pair(managed):
    ours, theirs = mt.table(managed, ack=False), ct.table(managed, ack=False)
    yield ours, theirs
    ours.close()
    theirs.close()


def agree(pair, call):
    ours = outcome(call, pair[0])
    if isinstance(ours, tuple) and ours and ours[0] is msio.ShapeError:
        return ours  # python-casacore 3.5.2 dies of a segmentation fault where tiled cells differ in shape
    theirs = outcome(call, pair[1])
    assert agrees(ours, theirs), (ours, theirs)
    return ours


integers = st.integers(-3, 45)
bounds = st.lists(st.integers(-2, 6), min_size=0, max_size=3)
steps = st.lists(st.integers(-1, 3), min_size=0, max_size=3)
relaxed = settings(max_examples=60, deadline=None,
                   suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@relaxed
@given(start=integers, nrow=integers, step=st.integers(-1, 9))
def test_getcol_of_any_rows(pair, start, nrow, step):
    for name in pair[1].colnames():
        agree(pair, lambda t: t.getcol(name, start, nrow, step))


@relaxed
@given(blc=bounds, trc=bounds, inc=steps, start=integers, nrow=integers)
def test_slices_of_any_bounds(pair, blc, trc, inc, start, nrow):
    for name in ("ARRAY_complex", "ARRAY_boolean", "VARY", "SCALAR_D", "LINE"):
        agree(pair, lambda t: t.getcolslice(name, blc, trc, inc, start, nrow))
        agree(pair, lambda t: t.getcellslice(name, start, blc, trc, inc))


@relaxed
@given(rows=st.lists(integers, min_size=1, max_size=40))
def test_getcell_in_any_order(pair, rows):
    for name in pair[1].colnames():
        for row in rows:
            agree(pair, lambda t: t.getcell(name, row))


@relaxed
@given(rows=st.lists(st.integers(0, 36), min_size=1, max_size=30), start=integers, nrow=integers)
def test_selected_rows(pair, rows, start, nrow):
    ours, theirs = (t.selectrows(rows) for t in pair)
    assert isinstance(ours, mt.table)
    for name in theirs.colnames():
        agree((ours, theirs), lambda t: t.getcol(name, start, nrow))
        agree((ours, theirs), lambda t: t.getcell(name, start))
    again = [t.selectrows(list(range(0, len(rows), 2))) for t in (ours, theirs)]
    agree(again, lambda t: t.getcol("ARRAY_int"))


def test_whole_columns(pair):
    for name in pair[1].colnames():
        agree(pair, lambda t: t.getcol(name))
        agree(pair, lambda t: t.getvarcol(name))
        agree(pair, lambda t: t.getvarcol(name, 3, 5, 2))
        agree(pair, lambda t: t.getcolshapestring(name))
        agree(pair, lambda t: t.col(name)[2:9:3])


def test_arguments_that_are_wrong(pair):
    name = "ARRAY_float"
    for call in (lambda t: t.getcol("NOPE"), lambda t: t.getcol(3), lambda t: t.getcol(name, "x"),
                 lambda t: t.getcell(name, 1.5), lambda t: t.getcell(name, None), lambda t: t.getcell(["a"], 1),
                 lambda t: t.getcol(name, 0, 5, 0), lambda t: t.getcolslice(name, 1, 2), lambda t: t.getcol(),
                 lambda t: t.getcolslice(name, [0.5, 0], [1, 1]), lambda t: t.getcellslice(name, 99, [0, 0], [1, 1])):
        agree(pair, call)


@pytest.mark.parametrize("name", ["ARRAY_complex", "ARRAY_boolean", "ARRAY_int", "ARRAY_double"])
def test_into_arrays(pair, name):
    own = pair[1].getcol(name)
    for dtype, shape in ((own.dtype, own.shape), (np.dtype("c16"), own.shape), (own.dtype, own.shape[::-1]),
                         (own.dtype, (own.shape[0] + 1, *own.shape[1:])), (own.dtype, (own.size,))):
        def read(t):
            out = np.zeros(shape, dtype)
            returned = t.getcolnp(name, out)
            return returned, out
        agree(pair, read)

    def some(t):
        out = np.zeros((4, 3, 2), own.dtype)
        t.getcolslicenp(name, out, [0, 1], [4, 2], [2, 1], 5, 4, 3)
        return out

    def cell(t):
        out, part = np.zeros(own.shape[1:], own.dtype), np.zeros((2, 3), own.dtype)
        t.getcellnp(name, 7, out)
        t.getcellslicenp(name, part, 3, [1, 0], [2, 2])
        return out, part
    agree(pair, some)
    agree(pair, cell)
    agree(pair, lambda t: t.getcolnp(name, np.zeros((0,))))
    agree(pair, lambda t: t.getcolnp(name, np.zeros(own.shape[::-1], own.dtype).T))


def test_rows_of_a_table(managed):
    ours, theirs = mt.table(managed, ack=False), ct.table(managed, ack=False)
    names = theirs.colnames()[:3]
    agree((ours, theirs), lambda t: t.row(names).get(3))
    agree((ours, theirs), lambda t: t.row(names)[2:5])
    agree((ours, theirs), lambda t: t.row(names, exclude=True).get(1))
    agree((ours, theirs), lambda t: t[1])
    agree((ours, theirs), lambda t: t[1:7:2])
    agree((ours, theirs), lambda t: t[99])


def test_queries_sorts_and_iterators(tmp_path):
    path = make_table(ct, tmp_path / "t", rows=40)
    ours, theirs = mt.table(path, ack=False), ct.table(path, ack=False)
    for select in (lambda t: t.query("SCALAR_I > 3"), lambda t: t.query("SCALAR_I > 3", sortlist="SCALAR_D"),
                   lambda t: t.sort("SCALAR_D desc"), lambda t: t.query("SCALAR_I > 2").sort("SCALAR_D"),
                   lambda t: t.query("SCALAR_I > 3", columns="SCALAR_D as ARRAY_int, SCALAR_I as SCALAR_float"),
                   lambda t: t.select("SCALAR_I as ARRAY_int, ARRAY_float"), lambda t: t.query(limit=5, offset=3),
                   lambda t: t.query("SCALAR_I > 3", columns="ARRAY_float, SCALAR_I").query("SCALAR_I < 7"),
                   lambda t: t.select("SCALAR_I*2 as SCALAR_I")):
        both = select(ours), select(theirs)
        assert isinstance(both[0], mt.table)
        for name in both[1].colnames():
            agree(both, lambda t: t.getcol(name))
            agree(both, lambda t: t.getcell(name, 1))
    agree((ours, theirs), lambda t: [part.getcol("ARRAY_complex") for part in t.iter("SCALAR_I")])
    agree((ours, theirs), lambda t: [len(part) for part in t.iter(["SCALAR_I", "SCALAR_B"], order="descending")])
    assert all(isinstance(part, mt.table) for part in ours.iter("SCALAR_I"))


def test_reads_are_served(managed):
    mt._counting.served.clear()
    table = mt.table(managed, ack=False)
    for row in range(20):
        table.getcell("ARRAY_float", row)
    table.getcol("ARRAY_complex")
    table.getcolslice("ARRAY_complex", [0, 0], [1, 1])
    table.selectrows([3, 1]).getcol("ARRAY_double")
    assert mt.served() == {"msio": {"getcell": 20, "getcol": 2, "getcolslice": 1}, "casacore": {}}


def test_real_sets(real_sets):
    for path in real_sets:
        ours, theirs = mt.table(path, ack=False), ct.table(path, ack=False)
        for name in theirs.colnames():
            agree((ours, theirs), lambda t: t.getcol(name, 0, 50))
            agree((ours, theirs), lambda t: [t.getcell(name, row) for row in range(0, min(len(theirs), 300), 7)])
            agree((ours, theirs), lambda t: t.getcolslice(name, [1, 0], [2, 1], [], 3, 20))


# ---------------------------------------------------------------- writers

def test_what_this_process_puts_is_read_at_once(own_table):
    reader, writer, plain = mt.table(own_table, ack=False), mt.table(own_table, readonly=False, ack=False), \
        ct.table(own_table, readonly=False, ack=False)
    for turn in range(20):
        for put in (writer, plain):
            value = np.full((3, 5), turn + (put is plain) / 2)
            put.putcell("ARRAY_double", 7, value)
            assert np.array_equal(reader.getcell("ARRAY_double", 7), value)
            assert np.array_equal(reader.getcol("ARRAY_double")[7], value)
            assert np.array_equal(put.getcell("ARRAY_double", 7), value)
        plain.query("ROWID() == 3").putcell("SCALAR_I", 0, turn)
        assert reader.getcell("SCALAR_I", 3) == turn
        ct.taql("update $plain set SCALAR_I = $turn + 100 where ROWID() == 4",
                locals={"plain": plain, "turn": turn})
        assert reader.getcol("SCALAR_I")[4] == turn + 100
        plain.row(["SCALAR_D"]).put(5, {"SCALAR_D": turn / 4})
        assert reader.getcell("SCALAR_D", 5) == turn / 4
        writer[6] = {"SCALAR_D": turn / 8}
        assert reader.getcol("SCALAR_D", 6, 1)[0] == turn / 8


def test_rows_and_columns_that_come(own_table):
    writer, reader = mt.table(own_table, readonly=False, ack=False), mt.table(own_table, ack=False)
    assert len(reader.getcol("SCALAR_I")) == 20
    writer.addrows(3)
    assert len(reader.getcol("SCALAR_I")) == 23
    writer.addcols(ct.maketabdesc([ct.makescacoldesc("NEW", 0)]))
    writer.putcol("NEW", np.arange(23))
    assert np.array_equal(reader.getcol("NEW"), np.arange(23))
    writer.removecols("NEW")
    assert "NEW" not in reader.colnames()
    with pytest.raises(RuntimeError):
        reader.getcol("NEW")


def test_a_table_that_is_being_made(tmp_path):
    table = mt.table(str(tmp_path / "new"), ct.maketabdesc([ct.makescacoldesc("A", 0)]), nrow=5, ack=False)
    table.putcol("A", np.arange(5))
    assert np.array_equal(table.getcol("A"), np.arange(5))
    memory = mt.table(str(tmp_path / "memory"), ct.maketabdesc([ct.makescacoldesc("A", 0)]), nrow=5, ack=False,
                      memorytable=True)
    memory.putcol("A", np.zeros(5, int))
    memory.putcell("A", 2, 7)
    assert memory.getcell("A", 2) == 7 and list(memory.getcol("A")) == [0, 0, 7, 0, 0]


def test_another_process_that_writes(own_table):
    code = ("import sys, casacore.tables as ct\n"
            "for line in sys.stdin:\n"
            "    t = ct.table(sys.argv[1], readonly=False, ack=False)\n"
            "    t.putcell('SCALAR_I', 9, int(line)); t.close(); print('put', flush=True)\n")
    table, own = mt.table(own_table, ack=False), msio.Table(own_table)
    with subprocess.Popen([sys.executable, "-c", code, own_table], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as writer:
        for turn in range(30):
            for row in range(12):
                table.getcell("SCALAR_I", row)
            before = own.glance
            assert before != 0 and own.glance == before
            table.unlock()  # python-casacore's own lock, which it keeps until another process asks
            print(turn, file=writer.stdin, flush=True)
            assert writer.stdout.readline() == "put\n"
            assert own.glance != before
            assert table.getcell("SCALAR_I", 9) == turn
            assert table.getcol("SCALAR_I")[9] == turn
        writer.stdin.close()


# ---------------------------------------------------------------- shadow, threads, ends

def test_shadow_gives_casacores_answer_and_says_so(own_table, caplog, monkeypatch):
    mt.shadow(1)
    try:
        table = mt.table(own_table, ack=False)
        expected = ct.table(own_table, ack=False).getcol("ARRAY_int")
        assert same(table.getcol("ARRAY_int"), expected)
        assert not caplog.records
        true = _serving._read

        def wrong(*arguments):
            array = true(*arguments)
            array[3] += 1
            return array
        monkeypatch.setattr(_serving, "_read", wrong)
        assert same(table.getcol("ARRAY_int"), expected)
        assert "ARRAY_int" in caplog.text and own_table in caplog.text
    finally:
        mt.shadow(0)
    for share in (-1, 2, float("nan")):
        with pytest.raises(ValueError):
            mt.shadow(share)


def test_rows_with_undefined_cells(tmp_path):
    path = str(tmp_path / "some.tab")
    made = ct.table(path, ct.maketabdesc([ct.makescacoldesc("X", 0), ct.makearrcoldesc("NEVER", 0.0, ndim=2),
                                          ct.makearrcoldesc("SOMETIMES", 0.0, ndim=1)]), nrow=9, ack=False)
    made.putcol("X", np.arange(9))
    for row in (1, 4, 8):
        made.putcell("SOMETIMES", row, np.arange(row))
    made.close()
    ours, theirs = mt.table(path, ack=False), ct.table(path, ack=False)
    before = mt.served()["msio"].get("getcell", 0)
    for columns in ([], ["SOMETIMES", "X"], "NEVER"):
        mine, other = ours.row(columns), theirs.row(columns)
        for row in (0, 1, 2, 4, 8, 3, 9, -1, 10**12):
            assert agrees(outcome(lambda r: r.get(row), mine), outcome(lambda r: r.get(row), other)), (columns, row)
    assert same(ours[2:7], theirs[2:7])
    assert mt.served()["msio"]["getcell"] > before
    gone = weakref.ref(ours)
    del ours, mine
    assert gone() is None


SHADOWED = {
    "getcol": lambda t, out: t.getcol("ARRAY_int"),
    "getcolnp": lambda t, out: t.getcolnp("ARRAY_int", out) or out,
    "getcolslice": lambda t, out: t.getcolslice("ARRAY_int", [0, 0], [1, 1]),
    "getcolslicenp": lambda t, out: t.getcolslicenp("ARRAY_int", out, [0, 0], [out.shape[1] - 1, out.shape[2] - 1]) or out,
    "getvarcol": lambda t, out: t.getvarcol("ARRAY_int"),
    "getcellnp": lambda t, out: t.getcellnp("ARRAY_int", 3, out[3]) or out[3],
    "getcellslice": lambda t, out: t.getcellslice("ARRAY_int", 3, [0, 0], [1, 1]),
    "getcellslicenp": lambda t, out: t.getcellslicenp("ARRAY_int", out[3], 3, [0, 0],
                                                      [out.shape[1] - 1, out.shape[2] - 1]) or out[3]}


@pytest.mark.parametrize("method", SHADOWED)
def test_shadow_watches_every_way_to_read(own_table, caplog, monkeypatch, method):
    theirs = ct.table(own_table, ack=False)
    expected = SHADOWED[method](theirs, np.empty_like(theirs.getcol("ARRAY_int")))
    true = _serving._read

    def wrong(method, column, rows, box, out=None):
        array = true(method, column, rows, box, out)
        array[-1, 0, 1] += 1
        return array
    monkeypatch.setattr(_serving, "_read", wrong)
    mt.shadow(1)
    try:
        table = mt.table(own_table, ack=False)
        assert same(SHADOWED[method](table, np.empty_like(theirs.getcol("ARRAY_int"))), expected)
    finally:
        mt.shadow(0)
    assert f"differ in {method}('ARRAY_int'" in caplog.text and own_table in caplog.text
    place = "r20" if method == "getvarcol" else "0, 1]"
    assert "1 of " in caplog.text and place in caplog.text


def test_shadow_watches_loops_and_rows(own_table, caplog, monkeypatch):
    theirs = ct.table(own_table, ack=False)
    own = mt._casacore._own["getcell"]
    monkeypatch.setitem(mt._casacore._own, "getcell", lambda *arguments: own(*arguments) + 1)
    mt.shadow(1)
    try:
        table = mt.table(own_table, ack=False)
        for row in (0, 1, 2, 9):
            assert same(table.getcell("ARRAY_int", row), theirs.getcell("ARRAY_int", row) + 1)
        assert caplog.text.count("differ in getcell('ARRAY_int'") == 4
        assert table.row(["ARRAY_int", "SCALAR_I"]).get(2)["SCALAR_I"] == theirs.getcell("SCALAR_I", 2) + 1
        assert caplog.text.count("differ in getcell('SCALAR_I', 2)") == 1
        assert table[3]["SCALAR_I"] == theirs.getcell("SCALAR_I", 3) + 1
    finally:
        mt.shadow(0)


def test_shadow_leaves_the_programs_chance_alone(own_table):
    random.seed(7)
    expected = random.random()
    mt.shadow(0.5)
    try:
        table = mt.table(own_table, ack=False)
        random.seed(7)
        table.getcol("ARRAY_int"), table.getcell("ARRAY_int", 1), table.getcell("ARRAY_int", 2)
        assert random.random() == expected
    finally:
        mt.shadow(0)


def test_shadowed_loops_are_counted_and_freed(own_table):
    mt.shadow(0.5)
    try:
        before = mt.served()["msio"].get("getcell", 0)
        table = mt.table(own_table, ack=False)
        for row in range(20):
            table.getcell("ARRAY_int", row)
        assert mt.served()["msio"]["getcell"] == before + 20
        gone = weakref.ref(table)
        del table
        assert gone() is None
    finally:
        mt.shadow(0)


def test_threads_over_one_table(managed):
    theirs = ct.table(managed, ack=False)
    names = [name for name in theirs.colnames() if name.startswith("ARRAY")]
    expected = {name: theirs.getcol(name) for name in names}
    table, wrong = mt.table(managed, ack=False), []

    def work(seed):
        rng = np.random.default_rng(seed)
        own = msio.Table(managed)
        for _ in range(300):
            name, row = names[rng.integers(len(names))], int(rng.integers(37))
            if not np.array_equal(own.read(name)[row], expected[name][row]):
                wrong.append(name)
            reader = own.reader(name)
            if not np.array_equal(reader(row), expected[name][row]):
                wrong.append(name)
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    table.close()


def test_tables_are_freed(managed):
    table = mt.table(managed, ack=False)
    table.getcell("ARRAY_int", 1)
    table[2]
    gone = weakref.ref(table)
    del table
    assert gone() is None  # at once: a circle of references would keep it open until it is collected


def test_a_closed_table(managed):
    table, theirs = mt.table(managed, ack=False), ct.table(managed, ack=False)
    table.getcell("ARRAY_int", 1)
    table.close()
    theirs.close()
    agree((table, theirs), lambda t: t.getcol("ARRAY_int"))
    agree((table, theirs), lambda t: t.getcell("ARRAY_int", 1))
