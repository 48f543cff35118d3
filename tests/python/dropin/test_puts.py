"""Puts of msio.tables.table against python-casacore's own: the same tables afterwards, the same exceptions."""
import os
import shutil
import subprocess
import sys
import tempfile
import threading

import numpy as np
import pytest
from conftest import MANAGERS, agrees, make_table, outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
import casacore.tables as ct  # noqa: E402

from msio import tables as mt  # noqa: E402
from msio._dropin import _putting  # noqa: E402


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch):
    """The tables here are: else all would be put cell by cell, and parts by casacore."""
    monkeypatch.setattr(_putting, "SMALL", 0)


OWN = {name: getattr(ct.table, name) for name in ("getcol", "getvarcol")}


def contents(table):
    """All values of a table, as casacore reads them."""
    found = {}
    for name in table.colnames():
        cells = OWN["getvarcol"](table, name)
        found[name] = {key: None if isinstance(cell, bool) else cell for key, cell in cells.items()}
    return found


class Pair:
    """Two tables of the same contents, one written through msio."""

    def __init__(self, folder, made, readonly=False, **options):
        folder = tempfile.mkdtemp(dir=folder)  # never the place of a table that another example left open
        self.paths = [os.path.join(folder, name) for name in ("ours.tab", "theirs.tab")]
        for path in self.paths:
            shutil.copytree(made, path)
        self.options = {"readonly": readonly, "ack": False, **options}
        self.ours, self.theirs = mt.table(self.paths[0], **self.options), ct.table(self.paths[1], **self.options)

    def agree(self, call):
        ours, theirs = outcome(call, self.ours), outcome(call, self.theirs)
        assert agrees(ours, theirs), (ours, theirs)
        return ours

    def both(self, call):
        call(self.ours)
        call(self.theirs)

    def check(self):
        """The same as seen by this process's casacore, and, once closed, by another process."""
        assert agrees(contents(self.ours), contents(self.theirs))
        self.ours.close()
        self.theirs.close()
        ours, theirs = seen_elsewhere(self.paths)
        assert ours == theirs


SEEN = """
import hashlib, sys
from casacore.tables import table
for path in sys.argv[1:]:
    t = table(path, ack=False)
    for name in t.colnames():
        cells = t.getvarcol(name) if t.nrows() else {}
        print(name, [hashlib.md5(repr((getattr(c, "shape", None), c.tolist() if hasattr(c, "tolist") else c)).encode())
                     .hexdigest() for c in cells.values()], end=";")
    print()
"""


def seen_elsewhere(paths):
    """What another process's casacore reads from each table."""
    seen = subprocess.run([sys.executable, "-c", SEEN, *paths], check=True, capture_output=True, timeout=60).stdout
    return seen.splitlines()


def natively():
    return sum(calls for method, calls in mt.served()["msio"].items() if method.startswith("put"))


def values(rng, kind, shape):
    if kind == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if kind.startswith("c"):
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(kind)
    return (100 * rng.normal(size=shape)).astype(kind)


TYPES = {"SCALAR_B": "bool", "SCALAR_I": "i4", "SCALAR_D": "f8", "SCALAR_C": "c16", "SCALAR_short": "i2",
         "SCALAR_float": "f4", "SCALAR_complex": "c8", "ARRAY_float": "f4", "ARRAY_double": "f8", "ARRAY_complex": "c8",
         "ARRAY_dcomplex": "c16", "ARRAY_int": "i4", "ARRAY_boolean": "bool", "ARRAY_short": "i2", "LINE": "f8", "VARY": "f4"}
KINDS = ("bool", "i2", "i4", "i8", "f4", "f8", "c8", "c16", ">f4", "u4")
relaxed = settings(max_examples=100 if os.environ.get("MSIO_TEST_LONG") else 8, deadline=None, suppress_health_check=list(HealthCheck))


@relaxed
@given(data=st.data(), seed=st.integers(0, 2**31))
def test_columns_rows_and_parts(managed, tmp_path, data, seed):
    """Puts of all kinds, right and wrong, in any order, with reads between them."""
    pair, rng = Pair(tmp_path, managed), np.random.default_rng(seed)
    names = [name for name in TYPES if name in pair.theirs.colnames()]
    for _ in range(data.draw(st.integers(1, 8))):
        name = data.draw(st.sampled_from(names))
        shape = () if name.startswith("SCALAR") else (4,) if name == "LINE" else (3, 5)
        kind = data.draw(st.sampled_from((TYPES[name],) * 6 + KINDS))
        start, nrow, step = data.draw(st.tuples(st.integers(-1, 38), st.integers(-1, 38), st.integers(0, 4)))
        start, nrow, step = (0, -1, 1) if data.draw(st.booleans()) else (start, nrow, step)
        rows = max(0, (37 - max(start, 0) + max(step, 1) - 1) // max(step, 1))
        rows = min(rows, nrow) if nrow >= 0 else rows
        rows += data.draw(st.sampled_from((0, 0, 0, 0, 0, 0, 1)))
        how = data.draw(st.sampled_from(("putcol", "putcol", "putcolslice", "putcellslice", "putvarcol")))
        how = "putvarcol" if name == "VARY" else how
        blc = [data.draw(st.integers(0, size - 1)) for size in shape]
        trc = [data.draw(st.integers(low, size)) for low, size in zip(blc, shape)]
        part = tuple(high - low + 1 for low, high in zip(blc, trc))
        if how == "putcol":
            value = values(rng, kind, (rows, *shape))
            pair.agree(lambda t: t.putcol(name, value, start, nrow, step))
        elif how == "putvarcol":
            value = {f"r{i}": values(rng, kind, (1, *shape)) for i in range(rows)}
            pair.agree(lambda t: t.putvarcol(name, value, start, nrow, step))
        elif how == "putcolslice":
            value = values(rng, kind, (rows, *part))
            pair.agree(lambda t: t.putcolslice(name, value, blc, trc, [], start, nrow, step))
        else:
            value = values(rng, kind, part)
            pair.agree(lambda t: t.putcellslice(name, start, value, blc, trc))
        if data.draw(st.booleans()):
            seen = data.draw(st.sampled_from([name for name in names if name != "VARY"]))  # of which 3.5.2 dies
            pair.agree(lambda t: t.getcol(seen))
            pair.agree(lambda t: t.getcell(seen, 3))
    pair.check()


@pytest.mark.parametrize("manager", MANAGERS)
def test_what_is_put_natively(tmp_path, manager):
    made = make_table(ct, tmp_path / "made", manager)
    pair, rng = Pair(tmp_path, made), np.random.default_rng(1)
    for name, kind in TYPES.items():
        if name in pair.theirs.colnames() and name != "VARY":
            before = natively()
            value = values(rng, kind, (37, *pair.theirs.getcell(name, 0).shape) if "ARRAY" in name or name == "LINE" else 37)
            pair.agree(lambda t: t.putcol(name, value))
            pair.agree(lambda t: t.getcol(name))
            if manager != "IncrementalStMan":
                assert natively() == before + 1, (name, mt.served()["casacore"])
    pair.check()


def test_a_few_rows_are_gathered_and_parts_are_casacores(tmp_path, monkeypatch):
    pair, rng = Pair(tmp_path, make_table(ct, tmp_path / "made", "TiledColumnStMan")), np.random.default_rng(4)
    monkeypatch.setattr(_putting, "SMALL", 64 << 10)
    before = mt.served()
    for row in range(36):
        value = values(rng, "c8", (2, 3, 5))
        pair.both(lambda t: t.putcol("ARRAY_complex", value, row, 2))
        pair.both(lambda t: t.putcol("ARRAY_float", value.real, row, 2))
    assert mt.served()["msio"]["putcol"] > before["msio"].get("putcol", 0)
    pair.agree(lambda t: t.putcolslice("ARRAY_complex", np.ones((3, 2, 1), "c8"), [0, 1], [1, 1], [], 4, 3))
    pair.agree(lambda t: t.putcellslice("ARRAY_complex", 8, np.ones((2, 1), "c8"), [0, 1], [1, 1]))
    pair.check()


def fill_added(table):
    """Arrays of fixed shape hold anything in rows that were just added: whatever casacore's memory held."""
    for name in table.colnames():
        if name == "LINE" or name.startswith("ARRAY_"):
            table.putcol(name, table.getcol(name, 0, 2), 37, 2)


def test_a_column_that_was_just_added(tmp_path):
    pair = Pair(tmp_path, make_table(ct, tmp_path / "made"))
    desc = ct.maketabdesc([ct.makearrcoldesc("MODEL", 0j, ndim=2, valuetype="complex", datamanagertype="TiledShapeStMan",
                                             datamanagergroup="model")])
    model = values(np.random.default_rng(2), "c8", (37, 3, 5))
    pair.agree(lambda t: t.addcols(desc, ct.makedminfo(desc)))
    before = natively()
    pair.agree(lambda t: t.iscelldefined("MODEL", 3))
    pair.agree(lambda t: t.putcol("MODEL", model))
    assert natively() == before + 1
    for call in (lambda t: t.iscelldefined("MODEL", 3), lambda t: t.getcolshapestring("MODEL", 0, 2),
                 lambda t: t.getcell("MODEL", 36), lambda t: t.addrows(2), fill_added, lambda t: t.iscelldefined("MODEL", 37),
                 lambda t: t.putcell("MODEL", 37, model[0]), lambda t: t.getcell("MODEL", 37)):
        pair.agree(call)
    pair.check()


def test_a_table_that_was_just_made(tmp_path):
    answers = []
    for name, kind in (("ours", mt.table), ("theirs", ct.table)):
        made = kind(str(tmp_path / name), ct.maketabdesc([ct.makescacoldesc("A", 0)]), nrow=5, ack=False)
        made.putcol("A", np.arange(5, dtype="i4"))
        made.addrows(2)
        made.putcol("A", np.full(4, 9, "i4"), 3)
        answers.append(made.getcol("A"))
        made.close()
    assert np.array_equal(*answers)


@pytest.mark.parametrize("option", ["auto", "autonoread", "user", "usernoread", "permanent", "permanentwait"])
def test_locks_of_all_kinds(tmp_path, option):
    pair = Pair(tmp_path, make_table(ct, tmp_path / "made"), lockoptions=option)
    for step, array in enumerate((np.arange(37, dtype="i4"), np.arange(37, dtype="i4") * 2)):
        pair.agree(lambda t: t.putcol("SCALAR_I", array))
        pair.agree(lambda t: t.lock())
        before = natively()
        pair.agree(lambda t: t.putcol("SCALAR_I", array))
        assert natively() == before + 1
        pair.agree(lambda t: t.haslock())
        pair.agree(lambda t: t.getcol("SCALAR_I"))
        pair.agree(lambda t: OWN["getcol"](t, "SCALAR_I"))  # also where casacore takes no lock to read
        pair.agree(lambda t: t.putcol("SCALAR_S", [f"a text of row {step}"] * 37))
        pair.agree(lambda t: t.putcolslice("ARRAY_float", np.ones((37, 1, 1), "f4"), [1, 1], [1, 1]))
        pair.agree(lambda t: t.unlock())
    pair.check()


def test_selections_and_objects_beside_each_other(tmp_path):
    pair, rng = Pair(tmp_path, make_table(ct, tmp_path / "made", "TiledShapeStMan")), np.random.default_rng(3)
    beside = [ct.table(path, ack=False, readonly=False) for path in pair.paths]
    chosen = [t.selectrows([30, 2, 2, 7]) for t in (pair.ours, pair.theirs)]
    for number in range(3):
        value = values(rng, "c8", (4, 3, 5))
        for part in chosen:
            part.putcol("ARRAY_complex", value)
        other = values(rng, "c8", (3, 5))
        for t in beside:
            t.putcell("ARRAY_complex", 3 + number, other)  # dirty in casacore, in the tile that is put next
        for t in (pair.ours, pair.theirs):
            t.putcol("ARRAY_complex", value[:2], 4, 2)
        assert agrees(*(t.getcol("ARRAY_complex") for t in beside))
    assert mt.served()["msio"]["putcol"] >= 6
    for t in beside:
        t.close()
    pair.check()


def test_a_table_that_is_only_read(tmp_path):
    pair = Pair(tmp_path, make_table(ct, tmp_path / "made"), readonly=True)
    assert pair.agree(lambda t: t.putcol("SCALAR_I", np.arange(37, dtype="i4")))[0] is RuntimeError
    pair.check()


def test_shadow_reads_what_was_put(tmp_path, caplog):
    pair = Pair(tmp_path, make_table(ct, tmp_path / "made"))
    mt.shadow(1)
    try:
        pair.agree(lambda t: t.putcol("SCALAR_D", np.arange(37.0)))
        pair.agree(lambda t: t.putcolslice("ARRAY_boolean", np.ones((37, 2, 2), bool), [0, 0], [1, 1]))
        pair.agree(lambda t: t.putcellslice("ARRAY_int", 3, np.ones((2, 2), "i4"), [0, 0], [1, 1]))
        pair.agree(lambda t: t.putvarcol("LINE", {f"r{i}": np.full((1, 4), float(i)) for i in range(37)}))
    finally:
        mt.shadow(0)
    assert not caplog.records
    pair.check()


def test_rows_copied_between_tables_are_seen(tmp_path):
    pair = Pair(tmp_path, make_table(ct, tmp_path / "made"))
    source = make_table(ct, tmp_path / "source", seed=5)
    pair.agree(lambda t: t.getcol("SCALAR_D"))
    pair.agree(lambda t: ct.table(source, ack=False).copyrows(t, 0, 0, 20))
    pair.agree(lambda t: t.getcol("SCALAR_D"))
    pair.check()


OFF = """
import numpy as np, sys
from msio.tables import table, served
table(sys.argv[1], readonly=False, ack=False).putcol("SCALAR_D", np.arange(37.0))
assert served() == {"msio": {}, "casacore": {}}, served()
"""


def test_puts_are_left_alone_where_the_patch_is_refused(tmp_path):
    path = make_table(ct, tmp_path / "made")
    subprocess.run([sys.executable, "-c", OFF, path], check=True, timeout=60, env={**os.environ, "MSIO_PATCH": "off"})


# ---------------------------------------------------------------- cells one by one

CELLS = ct.maketabdesc([ct.makescacoldesc(name, value, valuetype=kind) for name, value, kind in (
    ("B", True, "boolean"), ("H", 0, "short"), ("I", 0, "int"), ("Q", 0, "uint"), ("F", 0.0, "float"),
    ("D", 0.0, "double"), ("C", 0j, "complex"), ("Z", 0j, "dcomplex"))] + [
        ct.makearrcoldesc("ARRAY", 0j, ndim=2, shape=[4, 2], valuetype="complex", datamanagertype="TiledColumnStMan",
                          datamanagergroup="array"),
        ct.makearrcoldesc("FRESH", 0j, ndim=2, valuetype="complex", datamanagertype="TiledShapeStMan",
                          datamanagergroup="fresh")])


@pytest.fixture
def cells(tmp_path):
    made = ct.table(str(tmp_path / "made"), CELLS, nrow=50, ack=False)
    for name in made.colnames():
        if name not in ("ARRAY", "FRESH"):
            made.putcol(name, np.zeros(50, TYPES_OF[made.coldatatype(name)]))
    made.putcol("ARRAY", np.zeros((50, 4, 2), "c8"))
    made.close()
    return Pair(tmp_path, str(tmp_path / "made"))


TYPES_OF = {"boolean": bool, "short": "i2", "int": "i4", "uint": "u4", "float": "f4", "double": "f8",
            "complex": "c8", "dcomplex": "c16"}
SCALARS = [True, 3, -3, 2**31 - 1, 2**31, 2**40, 2.5, float("nan"), 1j, "text", None, [3], np.True_, np.int8(3), np.int16(3),
           np.uint16(3), np.int32(3), np.uint32(3), np.int64(3), np.float32(2.5), np.float64(2.5), np.complex64(2j),
           np.complex128(2j), np.array(3), np.array(2.5), np.array([3])]


def test_scalars_of_all_kinds(cells):
    for name in ("B", "H", "I", "Q", "F", "D", "C", "Z"):
        for row, value in enumerate(SCALARS):
            cells.agree(lambda t: t.putcell(name, row, value))
    cells.check()


def test_rows_of_all_kinds(cells):
    for row in (0, 49, 50, -1, True, 3.0, None, "x", np.int64(4), np.uint8(5), np.array(6), [7, 8], [9, 60], (10,), np.arange(3),
                2**40):
        for name, value in (("I", 3), ("ARRAY", np.ones((4, 2), "c8")), ("NOPE", 3), (3, 3)):
            cells.agree(lambda t: t.putcell(name, row, value))
    cells.check()


def test_cells_of_other_layouts_and_shapes(cells):
    own = np.arange(8, dtype="c8").reshape(4, 2)
    for row, value in enumerate((own, own * 2, own.astype("c16"), own.real.copy(), own.T.copy(), own.T.copy().T, own[::-1],
                                 own.astype(">c8"), own.reshape(8), own.tolist(), own[:3], np.ma.array(own), own[0, 0])):
        cells.agree(lambda t: t.putcell("ARRAY", row, value))
        cells.agree(lambda t: t.putcell("FRESH", row, value))
    cells.check()


def test_loops_are_gathered_and_casacore_is_asked_when_others_come_between(cells):
    value, t = np.ones((4, 2), "c8"), cells.ours
    before = mt.served()
    for row in range(50):
        t.putcell("ARRAY", row, value * row)
        t.putcell("D", row, float(row))
    after = mt.served()
    assert after["casacore"] == before["casacore"]
    assert after["msio"]["putcell"] == before["msio"].get("putcell", 0) + 100
    t.flush()
    for turn in range(20):
        for row in range(50):  # a read of a table that was asked for as a whole comes between: that does not pay
            assert t.getcol("ARRAY", row, 1)[0, 0, 0] == (row if turn == 0 else row + turn - 1)
            t.putcell("ARRAY", row, value * (row + turn))
    assert mt.served()["casacore"]["putcell", "cells after others that msio did not put, or between other calls"] > 900
    for row in range(50):
        cells.theirs.putcell("ARRAY", row, value * (row + 19))
        cells.theirs.putcell("D", row, float(row))
    cells.check()


def test_loops_that_read_and_put(cells):
    """Cells are read while others are gathered: what was put is seen, other columns are read ahead, all by msio."""
    before = mt.served()
    for t in (cells.ours, cells.theirs):
        for turn in range(20):
            for row in range(50):
                value = t.getcell("ARRAY", row)
                assert value[0, 0] == (turn * (turn - 1) // 2 if turn else 0)
                assert t.getcell("I", row) == (0 if turn == 0 else turn - 1) and t.getcell("F", 49 - row) == 0
                t.putcell("ARRAY", row, value + turn)
                t.putcell("I", row, turn)
                assert t.getcell("I", row) == turn
    after = mt.served()
    assert after["casacore"] == before["casacore"]
    assert after["msio"]["putcell"] == before["msio"].get("putcell", 0) + 2000
    assert after["msio"]["getcell"] == before["msio"].get("getcell", 0) + 4000
    assert cells.ours.getcol("ARRAY")[7, 0, 0] == 190
    cells.check()


def test_cells_read_in_no_order_while_others_are_gathered(cells):
    """Each has the gathered ones stored: soon they are casacore's, and the values are the same."""
    rng = np.random.default_rng(3)
    rows = rng.integers(0, 50, 600).tolist()
    for t in (cells.ours, cells.theirs):
        for turn, row in enumerate(rows):
            t.putcell("D", row, t.getcell("D", rows[-turn]) + 1.0)
    cells.check()


@pytest.mark.parametrize("end", ["flush", "unlock", "close", "del t", "exit", "exit by an exception", "16 MiB"])
def test_when_cells_are_in_the_file(tmp_path, end):
    """Another process sees them, after the same calls as casacore's own."""
    made = make_table(ct, tmp_path / "made", "TiledColumnStMan")
    lines = {"exit": "", "exit by an exception": "raise SystemExit(0)", "del t": "del t\nimport gc\ngc.collect()\nlook()",
             "16 MiB": "for i in range(15_000): t.putcell('ARRAY_dcomplex', 3 + i % 2, np.full((3, 5), i, 'c16'))\nkill()"}
    program = f"""
import os, signal, subprocess, sys
import numpy as np
from msio.tables import table, served
def look():
    subprocess.run([sys.executable, "-c", "import sys; from casacore.tables import table; t = table(sys.argv[1], ack=False, "
                    "lockoptions='usernoread'); assert (t.getcell('ARRAY_double', 36) == 36).all()", sys.argv[1]], check=True)
def kill():
    os.kill(os.getpid(), signal.SIGKILL)
t = table(sys.argv[1], readonly=False, ack=False)
for row in range(37):
    t.putcell("ARRAY_double", row, np.full((3, 5), float(row)))
{lines.get(end, f"t.{end}()" + chr(10) + "look()" + chr(10) + "kill()")}
"""
    ended = subprocess.run([sys.executable, "-c", program, made], timeout=60)
    assert ended.returncode == (-9 if end in ("flush", "unlock", "close", "16 MiB") else 0)
    seen = ct.table(made, ack=False)
    if end == "16 MiB":
        assert seen.getcell("ARRAY_dcomplex", 3).any()
    else:
        assert all((seen.getcell("ARRAY_double", row) == row).all() for row in range(37))


FORK = """
import os, sys
import numpy as np
from msio.tables import table
t = table(sys.argv[1], readonly=False, ack=False)
for row in range(20):
    t.putcell("SCALAR_I", row, row)
    t.putcell("ARRAY_float", row, np.full((3, 5), row, "f4"))
child = os.fork()
if child == 0:
    os._exit(0 if t.getcell("SCALAR_I", 7) == 7 and (t.getcol("ARRAY_float", 7, 1) == 7).all() else 1)
assert os.waitpid(child, 0)[1] == 0
for row in range(20):
    t.putcell("SCALAR_I", row, 100 + row)
child = os.fork()
if child == 0:
    sys.exit(0)  # what the parent put is not stored by it
assert os.waitpid(child, 0)[1] == 0
"""


def test_children_read_what_was_put_and_store_nothing(tmp_path):
    made = make_table(ct, tmp_path / "made")
    subprocess.run([sys.executable, "-c", FORK, made], check=True, timeout=60)
    seen = ct.table(made, ack=False)
    assert np.array_equal(seen.getcol("SCALAR_I")[:20], 100 + np.arange(20))
    assert (seen.getcol("ARRAY_float")[:20] == np.arange(20)[:, None, None]).all()


def test_cells_put_by_several_threads(tmp_path):
    made = make_table(ct, tmp_path / "made")
    opened = mt.table(made, readonly=False, ack=False)
    wrong = []

    def work(name, value):
        try:
            for turn in range(40):
                for row in range(37):
                    opened.putcell(name, row, value * (row + turn))
                if turn % 7 == 3:
                    opened.putcol(name, np.array([value * (row + turn) for row in range(37)]))
                if not np.array_equal(opened.getcol(name)[5], value * (5 + turn)):
                    wrong.append((name, turn))
        except Exception as error:
            wrong.append(error)
    threads = [threading.Thread(target=work, args=arguments) for arguments in (
        ("SCALAR_D", 1.0), ("ARRAY_float", np.ones((3, 5), "f4")), ("ARRAY_complex", np.ones((3, 5), "c8")),
        ("ARRAY_double", np.ones((3, 5))))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    opened.close()
    seen = ct.table(made, ack=False)
    assert np.array_equal(seen.getcol("SCALAR_D"), 39.0 + np.arange(37))
    assert np.array_equal(seen.getcol("ARRAY_complex")[:, 0, 0], 39.0 + np.arange(37))


def test_shadow_reads_cells_that_were_put(cells, caplog):
    mt.shadow(1)
    try:
        for row in range(20):
            cells.agree(lambda t: t.putcell("ARRAY", row, np.full((4, 2), row, "c8")))
            cells.agree(lambda t: t.putcell("I", row, row))
    finally:
        mt.shadow(0)
    assert not caplog.records
    cells.check()


def test_rows_put_at_once(cells):
    whole = {"I": 5, "ARRAY": np.ones((4, 2), "c8"), "D": 2.5, "B": True, "F": 1.5, "MORE": 3}
    before = natively()
    cells.ours.row(["I", "ARRAY"])[30:50] = {"I": 7, "ARRAY": np.full((4, 2), 3, "c8")}
    assert natively() == before + 40
    cells.theirs.row(["I", "ARRAY"])[30:50] = {"I": 7, "ARRAY": np.full((4, 2), 3, "c8")}
    for call in (lambda t: t.row(["I", "ARRAY"]).put(3, whole), lambda t: t.row(["I", "D"]).put(4, {"I": "text", "D": 1.0}),
                 lambda t: t.row(["I", "D"]).put(4, whole, False), lambda t: t.__setitem__(7, whole), lambda t: t.__setitem__(slice(8, 11), whole),
                 lambda t: t.__setitem__(slice(11, 13), [whole, {"D": 9.0}]), lambda t: t.__setitem__(60, whole),
                 lambda t: t.row(["I", "D"], exclude=True).put(20, whole), lambda t: t.row("D").put(21, whole),
                 lambda t: t.row(["D"]).put(22, {"NONE": 3}), lambda t: t.row(["D"]).put(22, 3), lambda t: t.D.__setitem__(30, 2.0),
                 lambda t: t.D.__setitem__(slice(31, 34), [1.0, 2.0, 3.0]), lambda t: t.ARRAY.putcell(33, whole["ARRAY"])):
        cells.agree(call)
    cells.check()


NO_ROOM = """
import gc, resource, sys, traceback
import numpy as np
from msio.tables import table
def limit(bytes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, resource.RLIM_INFINITY))
t = table(sys.argv[1], readonly=False, ack=False)
t.putcell("A", 3, 5)
for row in range(300, 340):
    t.putcell("D", row, np.full(512, 7.0))
limit(65536)
{end}
limit(resource.RLIM_INFINITY)
"""
RAISED = """
try:
    {call}
except RuntimeError:
    traceback.print_exc()
limit(resource.RLIM_INFINITY)
t.putcol("D", np.full((5, 512), 9.0), 310, 5)
t.flush()
t.putcell("D", 320, np.full(512, 8.0))
gc.collect()
t.close()
"""


@pytest.mark.parametrize("end", ["t.flush()", "t.unlock()", "t.getcol('D')", "t.getcell('D', 5)", "t.close()", "del", "exit"])
def test_cells_for_which_there_is_no_room(tmp_path, end):
    """That they are lost is said, once; what is put afterwards stands, and all else is as it was."""
    path = str(tmp_path / "t")
    desc = ct.maketabdesc([ct.makearrcoldesc("D", 0.0, ndim=1, shape=[512], datamanagertype="TiledColumnStMan",
                                             datamanagergroup="d"), ct.makescacoldesc("A", 0)])
    with ct.table(path, desc, nrow=400, ack=False) as made:
        made.putcol("D", np.ones((400, 512)))
    code = NO_ROOM.format(end={"del": "del t", "exit": "sys.exit(3)"}.get(end, RAISED.format(call=end)))
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=60)
    assert run.returncode == (3 if end == "exit" else 0), run.stderr
    assert run.stderr.count("msio._errors.ReadError") == 1 and "File too large" in run.stderr
    assert run.stderr.count("put one by one into column D") == 1 and "are lost" in run.stderr
    expected = np.ones(400)
    if end not in ("del", "exit"):
        expected[310:315], expected[320] = 9, 8
    with ct.table(path, ack=False) as t:
        assert np.array_equal(t.getcol("D"), np.repeat(expected[:, np.newaxis], 512, axis=1))
        assert t.getcell("A", 3) == 5  # which has room
    assert "table.msio_write" not in os.listdir(path)
