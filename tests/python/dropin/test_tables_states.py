"""Tables that fork, refer, move, change their rows and lock in unusual ways: msio.tables.table as python-casacore's own."""
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import agrees, outcome

pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
import casacore.tables as ct  # noqa: E402

from msio import tables as mt  # noqa: E402

SCALARS = ct.maketabdesc([ct.makescacoldesc("A", 0), ct.makescacoldesc("B", 0)])
ONE = ct.maketabdesc([ct.makescacoldesc("A", 0)])


def make(path, rows=10):
    with ct.table(str(path), SCALARS, nrow=rows, ack=False) as made:
        made.putcol("A", np.arange(rows))
        made.putcol("B", 100 + np.arange(rows))
    return str(path)


def stored_reference(folder, columns=""):
    root = make(folder / "root.tab")
    with ct.table(root, ack=False) as opened:
        reference = opened.select(columns, name="ref.tab") if columns else opened.query("A>3", name="ref.tab")
        reference.close()
    return root, str(folder / "ref.tab")


# ---------------------------------------------------------------- each is called with a class of tables and a folder

def selections_of_renamed_columns(table, folder):
    ref = table(stored_reference(folder, "A as X, B as A")[1], ack=False)
    return [ref.query("A>103").getcol("A"), ref.sort("A desc").getcell("A", 0), ref.selectrows([1]).getcol("A"),
            [part.getcol("A")[0] for part in ref.iter("A")],
            lambda: ref.query("A>103").getcol("B")]


def slices_of_cells_that_differ(table, folder):
    found = []
    for manager in ("StandardStMan", "TiledShapeStMan"):
        made = table(str(folder / manager), ct.maketabdesc([ct.makearrcoldesc("D", 0.0, ndim=2, datamanagertype=manager)]),
                     nrow=4, ack=False)
        for row in range(4):
            made.putcell("D", row, np.full((2 + row, 3), float(row)))
        out = np.zeros((4, 2, 2))
        made.getcolslicenp("D", out, [0, 0], [1, 1])
        found += [made.getcolslice("D", [0, 0], [1, 1]), made.getcolslice("D", [1, 0], [1, -1]), out]
    return found


def writes_through_results_and_concatenations(table, folder):
    first, second = make(folder / "first.tab"), make(folder / "second.tab")
    opened = table(first, readonly=False, ack=False)
    opened.query("A>3", columns="A,B").putcol("B", np.zeros(6, int))
    found = [opened.getcol("B"), opened.getcell("B", 5)]
    table([first, second], readonly=False, ack=False).putcol("A", np.arange(20) * 3)
    return [*found, opened.getcol("A"), table(second, ack=False).getcol("A")]


def a_stored_reference_and_its_root(table, folder):
    paths = stored_reference(folder)
    root, ref = (table(path, readonly=False, ack=False) for path in paths)
    ref.getcol("A"), ref.getcell("A", 1)
    root.putcol("A", 1000 + np.arange(10))
    found = [ref.getcol("A"), ref.getcell("A", 1)]
    root.flush()
    found += [ref.getcol("A"), ref.getcell("A", 2)]
    ref.putcell("A", 0, -3)
    return [*found, root.getcell("A", 4), root.getcol("A"), ref.getcol("A")]


def rows_removed_from_a_selection(table, folder):
    chosen = table(make(folder / "a.tab"), ack=False).selectrows([1, 2, 3, 7])
    chosen.getcol("A"), chosen.getcell("A", 0)
    chosen.removerows([0])
    return len(chosen), chosen.getcol("A"), chosen.getcell("A", 0)


def another_table_under_the_old_name(table, folder):
    path = make(folder / "a.tab")
    moved, beside = table(path, readonly=False, ack=False), table(path, ack=False)
    moved.getcol("A"), moved.getcell("A", 2), beside.getcell("A", 2)
    moved.rename(str(folder / "moved.tab"))
    found = [moved.getcol("A"), beside.getcol("A"), beside.getcell("A", 2)]
    other = table(path, ONE, nrow=10, ack=False)
    other.putcol("A", -np.arange(10))
    other.flush()
    return [*found, moved.getcol("A"), moved.getcell("A", 1), other.getcol("A"), other.getcell("A", 1)]


def a_table_in_memory_named_like_one_on_disk(table, folder):
    memory = table(make(folder / "a.tab"), ONE, nrow=10, memorytable=True, ack=False)
    memory.putcol("A", -np.arange(10))
    return memory.getcol("A"), memory.getcell("A", 1), memory.query("A<-5").getcol("A")


def subclasses_with_a_constructor_of_their_own(table, folder):
    class Mine(table):
        def __init__(self, path):
            super().__init__(path, ack=False)
    mine = Mine(make(folder / "a.tab"))
    return (len(mine.query("A>3")), len(mine.sort("A")), len(mine.selectrows([1])),
            [part.getcell("B", 0) for part in mine.iter("A")])


def permanent_locks_are_not_given_up(table, folder):
    opened = table(make(folder / "a.tab"), readonly=False, ack=False, lockoptions="permanent")
    opened.putcol("A", np.arange(10) * 3)
    opened.getcol("A")
    opened.putcol("A", np.arange(10) * 4)
    opened.unlock()
    return opened.getcol("A"), opened.getcell("A", 3)


def rows_of_a_table_are_closed_with_it(table, folder):
    path = make(folder / "a.tab")
    with table(path, ack=False) as opened:
        opened[0]
    return ct.tabledelete(path, ack=False), os.path.exists(path), lambda: opened[0]


def columns_come_and_go(table, folder):
    opened = table(make(folder / "a.tab"), readonly=False, ack=False)
    found = [sorted(opened[1])]
    opened.addcols(ct.makecoldesc("N", ct.makescacoldesc("N", 1)["desc"]))
    found.append(sorted(opened[1]))
    opened.removecols("N")
    return [*found, sorted(opened[1])]


def truths_are_no_rows(table, folder):
    opened = table(make(folder / "a.tab"), ack=False)
    opened.getcell("A", 1)
    return lambda: opened.getcell("A", True), lambda: opened.getcell("B", True)


def updates_that_fail_half_way(table, folder):
    opened = table(make(folder / "a.tab"), readonly=False, ack=False)
    opened.getcol("A"), opened.getcell("A", 0)
    failed = outcome(lambda: ct.taql("update $opened set B=[1,2,3,4,5][A], A=1000+A"))
    return [failed[0].__name__], opened.getcell("A", 0), opened.getcol("A")


def rows_put_before_anything_was_read(table, folder):
    path = make(folder / "a.tab")
    plain = ct.table(path, readonly=False, ack=False)
    plain.row(["A"]).put(2, {"A": 55})
    return table(path, ack=False).getcol("A")


def a_table_object_that_went_with_what_it_wrote(table, folder):
    path = make(folder / "a.tab")
    writer, beside = table(path, readonly=False, ack=False), ct.table(path, ack=False)
    writer.putcol("A", np.zeros(10, int))
    del writer
    return beside.nrows(), table(path, ack=False).getcol("A"), table(path, ack=False).getcell("A", 3)


def iterators_are_python_casacores(table, folder):
    opened = table(make(folder / "a.tab"), ack=False)
    walk = opened.iter("B")
    found = [isinstance(walk, ct.tableiter), len([part.getcol("A") for part in walk])]
    walk.reset()
    return [*found, next(walk).getcol("A"), [part.getcell("A", 0) for part in opened.col("B").iter("descending")]]


def truths_of_numpy_are_no_rows(table, folder):
    opened = table(make(folder / "a.tab"), ack=False)
    opened.getcell("A", 1)
    return [lambda: opened.getcell("A", np.True_), lambda: opened.getcol("A", np.False_),
            lambda: opened.getcol("A", 0, np.True_)]


def arrays_of_types_that_casacore_does_not_fill(table, folder):
    types = ("short", "uint", "int64")
    path = str(folder / "a.tab")
    table(path, ct.maketabdesc([ct.makearrcoldesc(name, 0, ndim=1, shape=[2], valuetype=name) for name in types]), nrow=3,
          ack=False).close()
    opened = table(path, ack=False)
    arrays = [np.zeros((3, 2), dtype) for dtype in ("i2", "u4", "i8")]
    return [call for name, array in zip(types, arrays) for call in (
        lambda name=name, array=array: opened.getcolnp(name, array), lambda name=name, array=array: opened.getcellnp(
            name, 1, array[0]), lambda name=name, array=array: opened.getcolslicenp(name, array, [0], [1]))]


@pytest.mark.parametrize("scenario", [
    selections_of_renamed_columns, slices_of_cells_that_differ, writes_through_results_and_concatenations,
    a_stored_reference_and_its_root, rows_removed_from_a_selection, another_table_under_the_old_name,
    a_table_in_memory_named_like_one_on_disk, subclasses_with_a_constructor_of_their_own, permanent_locks_are_not_given_up,
    rows_of_a_table_are_closed_with_it, columns_come_and_go, truths_are_no_rows, updates_that_fail_half_way,
    rows_put_before_anything_was_read, a_table_object_that_went_with_what_it_wrote, iterators_are_python_casacores,
    truths_of_numpy_are_no_rows, arrays_of_types_that_casacore_does_not_fill], ids=lambda scenario: scenario.__name__)
def test_as_python_casacore_does(tmp_path, monkeypatch, scenario):
    """The same answers; those that are functions are called, and may raise."""
    answers = []
    for name, kind in (("ours", mt.table), ("theirs", ct.table)):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        answers.append([outcome(part) if callable(part) else part for part in scenario(kind, tmp_path / name)])
    assert len(answers[0]) == len(answers[1])
    for ours, theirs in zip(*answers):
        assert agrees(ours, theirs), (ours, theirs)


def test_columns_rows_and_subtables_are_served_however_they_are_reached(tmp_path):
    path, sub = make(tmp_path / "a.tab"), make(tmp_path / "sub.tab")
    with ct.table(path, readonly=False, ack=False) as made, ct.table(sub, ack=False) as below:
        made.putkeyword("SUB", below)
    table = mt.table(path, ack=False)
    before = mt.served()
    assert [part.getcol("A").tolist() for part in mt.tableiter(table, ["B"])] == [[row] for row in range(10)]
    assert [part.getcol("A").tolist() for part in table.B.iter()] == [[row] for row in range(10)]
    assert mt.tablerow(table, ["A"])[2:4] == [{"A": 2}, {"A": 3}] and mt.tablecolumn(table, "B")[3] == 103
    assert isinstance(table.SUB, mt.table) and table.SUB.getcol("A").tolist() == list(range(10))
    after = mt.served()
    assert after["casacore"] == before["casacore"]
    assert after["msio"]["getcol"] == before["msio"].get("getcol", 0) + 21


PATCHED = """
import sys
from casacore import tables as ct
from casacore.tables import tableiter, tablerow
table = ct.table(sys.argv[1], ack=False)
early = table.iter("B"), table.row(["A"])
import msio
msio.patch_casacore()
from msio.tables import served
assert [part.getcol("A")[0] for part in tableiter(table, ["B"])] == list(range(10))
assert tablerow(table, ["A"])[2:4] == [{"A": 2}, {"A": 3}]
assert served()["casacore"] == {} and served()["msio"] == {"getcell": 2, "getcol": 10, "tablerow": 2}, served()
assert [part.getcol("A")[0] for part in early[0]] == list(range(10)) and early[1][3] == {"A": 3}
late = table.iter("B"), table.row(["A"])
msio.unpatch_casacore()
assert [part.getcol("A")[0] for part in late[0]] == list(range(10)) and late[1][3] == {"A": 3}
assert [part.getcol("A")[0] for part in tableiter(table, ["B"])] == list(range(10))
"""


def test_the_patch_serves_the_classes_of_rows_and_iterators_too(tmp_path):
    subprocess.run([sys.executable, "-c", PATCHED, make(tmp_path / "a.tab")], check=True, timeout=60)


# ---------------------------------------------------------------- other processes

FORKS = """
import multiprocessing, sys
import numpy as np
from casacore.tables import makescacoldesc, maketabdesc
from MODULE import table
made = table(sys.argv[1], maketabdesc([makescacoldesc("A", 0)]), nrow=1000, ack=False)
made.putcol("A", KIND(np.arange(1000)))
def work(row):
    return int(made.getcol("A")[row])
pool = multiprocessing.get_context("fork").Pool(1)          # while something waits to be flushed
made.putcol("A", KIND(np.arange(1000) + 5000))
made.addrows(500)
made.flush()
made.unlock()
pool.map(work, [3])
pool.close()
pool.join()
"""


def test_a_forked_child_does_not_write_what_its_parent_had_in_memory(tmp_path):
    left = []
    for number, (module, kind) in enumerate((("msio.tables", "list"), ("casacore.tables", "list"), ("msio.tables", "np.array"))):
        path = str(tmp_path / str(number))
        program = FORKS.replace("MODULE", module).replace("KIND", kind)
        subprocess.run([sys.executable, "-c", program, path], check=True, timeout=60)
        left.append(ct.table(path, ack=False).getcol("A"))
    assert len(left[0]) == len(left[2]) == 1500
    assert np.array_equal(*left[:2])  # casacore itself writes some old rows there, when the child locks
    assert np.array_equal(left[2][:1000], np.arange(1000) + 5000)  # of what msio puts nothing waits


WRITER = """
import sys, time
from casacore.tables import table
held = table(sys.argv[1], readonly=False, ack=False, lockoptions="user")
held.lock()
print("locked", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("option", ["autonoread", "usernoread"])
def test_tables_without_read_locks_do_not_wait(tmp_path, option):
    path = make(tmp_path / "a.tab")
    table = mt.table(path, ack=False, lockoptions=option)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE)
    try:
        writer.stdout.readline()
        before = mt.served()
        assert np.array_equal(table.getcol("A"), np.arange(10)) and table.getcell("B", 3) == 103
        after = mt.served()
        assert after["casacore"] == before["casacore"]  # to wait for the lock in vain is an error, and casacore's turn
        assert all(after["msio"][method] == before["msio"].get(method, 0) + 1 for method in ("getcol", "getcell"))
    finally:
        writer.kill()
        writer.wait()
