"""Columns and rows that the package adds, as the python-casacore of this process then sees them, its locks included."""
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import make_table, simulate_ms

import msio

ct = pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
NEW = ["MODEL_DATA", "CORRECTED_DATA", "IMAGING_WEIGHT"]
ROWS = 10


@pytest.fixture
def table(tmp_path):
    path = str(tmp_path / "t")
    with ct.table(path, ct.maketabdesc([ct.makescacoldesc("A", 0)]), nrow=ROWS, ack=False) as t:
        t.putcol("A", np.arange(ROWS))
    return path


def columns_of(path):
    with ct.table(path, ack=False) as t:
        return t.colnames()


def test_described_columns(table):
    told = msio.add_columns(table, {
        "F": {"type": "f4", "shape": (4, 2), "manager": "TiledColumnStMan", "manager_name": "tiles", "tile": (5, 4, 2),
              "comment": "two words", "keywords": {"UNIT": "Jy", "LIST": [1, -2], "REAL": 0.5, "NAMES": ["a", "bc"]}},
        "V": {"type": "Complex", "ndim": 2, "manager": "TiledShapeStMan", "tile": (8, 4, 2)},
        "ANY": {"type": bool, "ndim": None},
        "S": {"type": np.int64},
        "D": {"type": float, "shape": [3], "direct": True, "manager": "IncrementalStMan", "bucket_bytes": 4096},
        "T": {"type": str}})
    assert told == {"added": ["F", "V", "ANY", "S", "D", "T"], "there": []}
    with ct.table(table, ack=False) as t:
        assert t.colnames() == ["A", "F", "V", "ANY", "S", "D", "T"]
        kinds = {"F": "float", "V": "complex", "ANY": "boolean", "S": "int64", "D": "double", "T": "string"}
        assert {name: t.coldatatype(name) for name in kinds} == kinds
        assert t.getcoldesc("F")["comment"] == "two words"
        keywords = t.getcolkeywords("F")
        assert (keywords["UNIT"], keywords["REAL"], keywords["NAMES"]) == ("Jy", 0.5, ["a", "bc"])
        assert keywords["LIST"].tolist() == [1, -2]
        assert not t.getcol("F").any() and t.getcol("F").shape == (ROWS, 4, 2)
        assert t.getdminfo("F")["NAME"] == "tiles" and list(t.getdminfo("F")["SPEC"]["DEFAULTTILESHAPE"]) == [2, 4, 5]
        assert not t.iscelldefined("V", 0) and t.getcoldesc("V")["ndim"] == 2 and t.getcoldesc("ANY")["ndim"] == -1
        assert t.getdminfo("D")["TYPE"] == "IncrementalStMan" and t.getdminfo("D")["SPEC"]["BUCKETSIZE"] == 4096
        assert t.getcol("T") == [""] * ROWS and t.getcol("A").tolist() == list(range(ROWS))
    value = (np.arange(ROWS * 8) * 1j).reshape(ROWS, 4, 2).astype("c8")
    msio.write(table, "V", value, cell_shape=(4, 2))
    with ct.table(table, ack=False) as t:
        assert np.array_equal(t.getcol("V"), value)


WRONG = (({"A": {"type": "f4"}}, ValueError), ({"X": {"type": "f4", "manager": "NoSuchStMan"}}, ValueError),
         ({"X": {"type": "f2"}}, TypeError), ({"X": {"type": object}}, TypeError), ({"X": {"type": "Floats"}}, TypeError),
         ({"X": {}}, TypeError), ({"X": {"type": "f4", "tiles": (1,)}}, TypeError), ({"X": "f4"}, TypeError),
         ({"": {"type": "f4"}}, ValueError), ({"X": {"type": "f4", "manager": "TiledShapeStMan"}}, ValueError),
         ({"X": {"type": "f4", "ndim": 2, "manager": "TiledShapeStMan", "tile": (4, 4)}}, ValueError),
         ({"X": {"type": "f4", "shape": (0, 2)}}, ValueError), ({"X": {"type": "f4", "shape": (2,), "ndim": 2}}, ValueError),
         ({"X": {"type": "f4", "shape": (1,) * 9}}, ValueError), ({"X": {"type": "f4", "shape": 3}}, TypeError),
         ({"X": {"type": "f4", "keywords": {"K": 2**40}}}, TypeError), ({}, ValueError), ({1: {"type": "f4"}}, TypeError),
         ({"X": {"type": "f4", "keywords": {"K": {"a": 1}}}}, TypeError), ("X", TypeError), (None, TypeError))


@pytest.mark.parametrize("wrong, kind", WRONG, ids=str)
def test_wrong_descriptions_change_nothing(table, wrong, kind):
    with pytest.raises(kind):
        msio.add_columns(table, {"GOOD": {"type": "i4"}, **wrong} if isinstance(wrong, dict) and wrong else wrong)
    assert columns_of(table) == ["A"]


def test_calls_that_contradict_themselves(table):
    for given in ({"imaging": True, "columns": "X"}, {"imaging": True, "like": "A"}, {"columns": [], "like": "A"},
                  {"columns": "X", "like": "A", "copy_data": True}, {"columns": [1], "like": "A"}):
        with pytest.raises(TypeError):
            msio.add_columns(table, **given)
    for path, kind in ((table + "x", FileNotFoundError), (os.path.dirname(table), msio.Error)):
        with pytest.raises(kind):
            msio.add_columns(path, {"X": {"type": "i4"}})
    with pytest.raises(KeyError):
        msio.add_columns(table, "X", like="NONE")
    for rows, kind in ((-1, ValueError), (2.5, TypeError)):
        with pytest.raises(kind):
            msio.add_rows(table, rows)
    assert columns_of(table) == ["A"]


def test_imaging_columns(own_ms):
    with ct.table(own_ms, readonly=False, ack=False) as t:
        t.removecols([name for name in NEW if name in t.colnames()])
    twin = shutil.copytree(own_ms, own_ms + ".twin")
    ct.addImagingColumns(twin, ack=False)
    data = msio.read(own_ms, "DATA")
    assert msio.add_columns(own_ms, imaging=True, copy_data=True) == {"added": NEW, "there": []}
    assert msio.add_columns(own_ms, imaging=True) == {"added": [], "there": NEW}
    with ct.table(own_ms, ack=False) as ours, ct.table(twin, ack=False) as theirs:
        assert ours.colnames() == theirs.colnames()
        assert np.array_equal(ours.getcol("CORRECTED_DATA"), data) and not ours.getcol("MODEL_DATA").any()
        assert not ours.getcol("IMAGING_WEIGHT").any() and ours.getcol("IMAGING_WEIGHT").shape == data.shape[:2]
        for name in NEW:
            assert ours.getcoldesc(name)["valueType"] == theirs.getcoldesc(name)["valueType"]
            assert ours.getdminfo(name)["TYPE"] == theirs.getdminfo(name)["TYPE"]
        assert np.array_equal(ours.getcolkeyword("MODEL_DATA", "CHANNEL_SELECTION"),
                              theirs.getcolkeyword("MODEL_DATA", "CHANNEL_SELECTION"))


def test_columns_like_others(own_ms, tmp_path):
    assert msio.add_columns(own_ms, ["X_DATA", "Y_DATA"], like="DATA", allocate=True) == {
        "added": ["X_DATA", "Y_DATA"], "there": []}
    assert msio.add_columns(own_ms, ["Y_DATA", "Z_DATA"], like="DATA", zeros=False) == {
        "added": ["Z_DATA"], "there": ["Y_DATA"]}
    with ct.table(own_ms, ack=False) as t:
        assert not t.getcol("X_DATA").any() and t.getcol("X_DATA").shape == t.getcol("DATA").shape
        assert not t.iscelldefined("Z_DATA", 0)
    vary = make_table(ct, tmp_path / "vary", "StandardStMan")
    msio.add_columns(vary, "LIKE", like="VARY")
    with ct.table(vary, ack=False) as t:
        for row in range(t.nrows()):
            assert t.iscelldefined("LIKE", row) == t.iscelldefined("VARY", row)
            assert not t.iscelldefined("LIKE", row) or t.getcell("LIKE", row).shape == t.getcell("VARY", row).shape


def test_rows(table):
    msio.add_rows(table, 7)
    msio.add_rows(table, 0)
    with msio.Table(table) as open_before:
        msio.add_rows(table, np.int64(3))
        assert open_before.read("A").shape == (ROWS + 10,)
    with ct.table(table, ack=False) as t:
        assert t.nrows() == ROWS + 10 and t.getcol("A").tolist() == [*range(ROWS), *[0] * 10]
    subtable = simulate_ms(os.path.dirname(table) + "/obs.ms", antennas=3, times=1, subbands=1, channels=2)
    with ct.table(subtable + "::HISTORY", ack=False) as t:
        before = t.nrows()
    msio.add_rows(subtable + "::HISTORY", 2)
    with ct.table(subtable + "::HISTORY", ack=False) as t:
        assert t.nrows() == before + 2


# ---------------------------------------------------------------- locks of python-casacore in this process

def is_locked_for_others(path):
    """Whether another process cannot have casacore's write lock."""
    code = ("import fcntl, sys\n"
            "try:\n    fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)\n"
            "except OSError:\n    sys.exit(7)\n")
    return subprocess.run([sys.executable, "-c", code, path + "/table.lock"]).returncode == 7


def test_write_locks_on_other_tables_survive(table, tmp_path):
    other = make_table(ct, tmp_path / "other", rows=4)
    with ct.table(other, readonly=False, ack=False, lockoptions="user") as t:
        t.lock(True)
        t.putcell("SCALAR_I", 0, 77)
        msio.add_columns(table, {"X": {"type": "f4"}})
        msio.add_columns(table, "Y", like="X")
        msio.add_rows(table, 2)
        assert t.haslock(True) and is_locked_for_others(other)
        t.putcell("SCALAR_I", 1, 78)
        t.unlock()
        assert t.getcol("SCALAR_I", 0, 2).tolist() == [77, 78]
    assert columns_of(table) == ["A", "X", "Y"] and not is_locked_for_others(other)


# ---------------------------------------------------------------- tables that are open in this very process

@pytest.fixture(params=["read", "written", "user", "permanent", "user, read"])
def opened(request, table):
    """A table that python-casacore has open, and has locked or not."""
    how = {"read": "auto", "written": "auto"}.get(request.param, request.param.split(",")[0])
    t = ct.table(table, readonly=False, lockoptions=how, ack=False)
    if how == "user":
        t.lock("read" not in request.param)
    t.getcell("A", 3)
    if how != "user" or t.haslock(True):
        if request.param != "read":
            t.putcell("A", 4, 44)
    assert t.haslock(True) == (request.param in ("written", "user", "permanent"))
    yield t
    t.close()


def is_locked_elsewhere(path, kind):
    """Whether another process is refused that lock of the table."""
    code = ("import sys, fcntl\nwith open(sys.argv[1] + '/table.lock', 'r+b') as f:\n"
            f"    try: fcntl.lockf(f, fcntl.{kind} | fcntl.LOCK_NB, 1)\n    except OSError: sys.exit(1)\n")
    return subprocess.run([sys.executable, "-c", code, path]).returncode == 1


def test_columns_and_rows_of_a_table_that_is_open_here(opened, table):
    """They are added by the casacore that has it open: it sees them at once, and what it holds stays held."""
    t = opened
    locks = t.haslock(True), t.haslock(False)
    value = t.getcell("A", 4)
    option = t.lockoptions()
    told = msio.add_columns(table, {
        "F": {"type": "f4", "shape": (4, 2), "manager": "TiledColumnStMan", "manager_name": "tiles", "tile": (5, 4, 2),
              "comment": "two words", "keywords": {"UNIT": "Jy", "LIST": [1, -2], "REAL": 0.5, "NAMES": ["a", "bc"]}},
        "V": {"type": "Complex", "ndim": 2, "manager": "TiledShapeStMan", "tile": (8, 4, 2)},
        "ANY": {"type": bool, "ndim": None}, "S": {"type": np.int64},
        "D": {"type": float, "shape": [3], "direct": True, "manager": "IncrementalStMan", "bucket_bytes": 4096},
        "T": {"type": str}}, lock_seconds=1)
    assert told["added"] == ["F", "V", "ANY", "S", "D", "T"]
    msio.add_rows(table, 3, lock_seconds=1)
    with pytest.raises(ValueError):
        msio.add_rows(table, -1)
    assert (t.haslock(True), t.haslock(False)) == locks and t.lockoptions() == option
    assert is_locked_elsewhere(table, "LOCK_SH") == locks[0] and is_locked_elsewhere(table, "LOCK_EX") == locks[1]
    assert len(t) == ROWS + 3 and t.colnames() == ["A", *told["added"]]
    assert t.getcell("A", 4) == value
    assert t.getcoldesc("F")["comment"] == "two words" and t.getcol("F").shape == (ROWS + 3, 4, 2)
    keywords = t.getcolkeywords("F")
    assert (keywords["UNIT"], keywords["REAL"], keywords["NAMES"], list(keywords["LIST"])) == ("Jy", 0.5, ["a", "bc"], [1, -2])
    assert list(t.getdminfo("F")["SPEC"]["DEFAULTTILESHAPE"]) == [2, 4, 5]
    assert t.getdminfo("D")["SPEC"]["BUCKETSIZE"] == 4096
    assert not t.iscelldefined("V", 0) and t.getcoldesc("ANY")["ndim"] == -1
    if option["option"] == "user" and not locks[0]:
        t.unlock()
        t.lock(True)
    t.putcell("S", ROWS, 7)
    t.putcell("A", 5, 55)
    t.flush()
    t.close()
    assert not is_locked_elsewhere(table, "LOCK_EX")
    with ct.table(table, ack=False) as again:
        assert again.getcell("S", ROWS) == 7 and list(again.getcol("A")[4:6]) == [value, 55]


@pytest.mark.parametrize("wrong, kind", WRONG, ids=str)
def test_wrong_descriptions_change_nothing_of_a_table_that_is_open_here(table, wrong, kind):
    with ct.table(table, readonly=False, ack=False) as t:
        with pytest.raises(kind):
            msio.add_columns(table, {"GOOD": {"type": "i4"}, **wrong} if isinstance(wrong, dict) and wrong else wrong)
        with pytest.raises(msio.UnsupportedError):  # it could not show the table any more
            msio.add_columns(table, {"GOOD": {"type": "i4"}, "U": {"type": "uShort"}})
        assert t.colnames() == ["A"]
    assert columns_of(table) == ["A"]


def test_imaging_columns_of_a_set_that_is_open_here(own_ms):
    """They are as those that are added to a set that nobody has open."""
    with ct.table(own_ms, readonly=False, ack=False) as t:
        t.removecols([name for name in NEW if name in t.colnames()])
        t.putkeyword("definedmodel_field_0", "model")
        t.putkeyword("model", {"a": 1})
    twin = shutil.copytree(own_ms, own_ms + ".twin")
    assert msio.add_columns(twin, imaging=True, copy_data=True)["added"] == NEW
    assert msio.add_columns(twin, ["X", "Y"], like="DATA") == {"added": ["X", "Y"], "there": []}
    with ct.table(own_ms, readonly=False, lockoptions="user", ack=False) as t:
        t.lock(True)
        assert msio.add_columns(own_ms, imaging=True, copy_data=True, lock_seconds=1) == {"added": NEW, "there": []}
        assert msio.add_columns(own_ms, imaging=True) == {"added": [], "there": NEW}
        assert msio.add_columns(own_ms, ["X", "MODEL_DATA", "Y"], like="DATA") == {"added": ["X", "Y"],
                                                                                  "there": ["MODEL_DATA"]}
        assert t.haslock(True) and is_locked_elsewhere(own_ms, "LOCK_SH")
        with pytest.raises(KeyError):
            msio.add_columns(own_ms, "Z", like="NONE")
        with ct.table(twin, ack=False) as theirs:
            assert t.colnames() == theirs.colnames() and t.keywordnames() == theirs.keywordnames()
            for name in [*NEW, "X", "Y"]:
                assert np.array_equal(t.getcol(name), theirs.getcol(name)), name
                ours, other = t.getcoldesc(name), theirs.getcoldesc(name)
                assert ours.pop("keywords").keys() == other.pop("keywords").keys()
                assert ours.keys() == other.keys() and str(ours) == str(other), name
                storage = [table.getdminfo(name) for table in (t, theirs)]
                assert [one["TYPE"] for one in storage] == [storage[1]["TYPE"]] * 2
                assert [list(one["SPEC"]["DEFAULTTILESHAPE"]) for one in storage] == \
                    [list(storage[1]["SPEC"]["DEFAULTTILESHAPE"])] * 2
            assert np.array_equal(t.getcolkeyword("MODEL_DATA", "CHANNEL_SELECTION"),
                                  theirs.getcolkeyword("MODEL_DATA", "CHANNEL_SELECTION"))
        t.putcell("MODEL_DATA", 0, np.full_like(t.getcell("DATA", 0), 5j))
        t.unlock()
    assert (msio.read(own_ms, "MODEL_DATA", rows=0) == 5j).all() and not msio.read(own_ms, "MODEL_DATA", rows=1).any()


def test_columns_like_cells_that_vary_of_a_table_that_is_open_here(tmp_path):
    vary = make_table(ct, tmp_path / "vary", "StandardStMan")
    with ct.table(vary, readonly=False, ack=False) as t:
        msio.add_columns(vary, ["LIKE", "TOO"], like="VARY")
        msio.add_columns(vary, "SCALAR", like="SCALAR_I")
        assert t.getcoldesc("SCALAR")["valueType"] == "int"
        for row in range(t.nrows()):
            assert t.iscelldefined("LIKE", row) == t.iscelldefined("VARY", row)
            assert not t.iscelldefined("LIKE", row) or t.getcell("LIKE", row).shape == t.getcell("VARY", row).shape


def test_the_lock_of_another_process_ends_the_wait_for_a_table_that_is_open_here(table):
    code = ("import sys\nfrom casacore.tables import table\nt = table(sys.argv[1], readonly=False, lockoptions='user', ack=False)\n"
            "t.lock(True)\nprint('locked', flush=True)\nsys.stdin.readline()\n")
    with ct.table(table, readonly=False, lockoptions="user", ack=False) as t, \
            subprocess.Popen([sys.executable, "-c", code, table], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             text=True) as other:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(msio.LockedError):
            msio.add_rows(table, 1, lock_seconds=1)
        other.communicate("\n")
        msio.add_rows(table, 1, lock_seconds=5)
        t.lock(False)
        assert len(t) == ROWS + 1
