"""What only casacore reads, beside python-casacore in one process: the same values, whatever is imported first."""
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

tables = pytest.importorskip("casacore.tables", reason="python-casacore is not installed")

# What a program does first, and then; each in a process of its own.
ORDERS = {
    "msio": "import msio",
    "casacore, msio": "import casacore.tables; import msio",
    "msio, casacore": "import msio; import casacore.tables",
    "msio.tables": "import msio; import msio.tables",
    "msio reads, casacore": "import msio; msio.read(PATH, COLUMN); import casacore.tables",
    "casacore opens, msio": "from casacore.tables import table; kept = table(PATH, ack=False); import msio",
    "patched": "import msio; msio.patch_casacore(); import casacore.tables",
}

READS = """
import sys, numpy as np
PATH, COLUMN, EXPECTED = sys.argv[1:]
{order}
expected = np.load(EXPECTED, allow_pickle=False)
def same(got, what):
    assert got.shape == expected.shape and np.array_equal(got, expected), (what, got, expected)
same(np.asarray(msio.read(PATH, COLUMN)), "read")
same(np.concatenate([np.asarray(b[COLUMN]) for b in msio.stream(PATH, [COLUMN])]), "stream")
assert np.array_equal(np.asarray(msio.read(PATH, COLUMN, rows=[2, 0])), expected[[2, 0]]), "listed rows"
assert np.array_equal(np.asarray(msio.read(PATH, COLUMN, rows=slice(0, 3, 2))), expected[0:3:2]), "every other row"
import casacore.tables
with casacore.tables.table(PATH, ack=False) as t:
    same(np.asarray(t.getcol(COLUMN)), "casacore")
assert msio.metadata(PATH).rows == len(expected)
print("well")
"""


def run(order, path, column, tmp_path):
    """Reads in a new process; the expected values come from python-casacore, in a third one."""
    expected = tmp_path / f"{column}.npy"
    if not expected.exists():
        subprocess.run([sys.executable, "-c", "import sys, numpy; from casacore.tables import table; "
                        "numpy.save(sys.argv[3], table(sys.argv[1], ack=False).getcol(sys.argv[2]))",
                        str(path), column, str(expected)], check=True)
    done = subprocess.run([sys.executable, "-c", READS.format(order=ORDERS[order]), str(path), column, str(expected)],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.stdout.endswith("well\n")


def make_ms(path):
    ms = tables.default_ms(str(path))
    ms.addrows(3)
    ms.putcol("TIME", np.arange(3.0) + len(path.name))
    ms.putcol("ANTENNA2", np.arange(3, dtype=np.int32))
    ms.putcol("FLAG", np.zeros((3, 2, 2), bool))
    ms.putcol("UVW", np.arange(9.0).reshape(3, 3))
    return ms


@pytest.mark.parametrize("order", ORDERS)
def test_forwarded_columns(order, tmp_path, monkeypatch):
    """An MS of msconcat forwards its columns to a stored concatenation."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.ms", "bb.ms"):
        make_ms(tmp_path / name).close()
    tables.msconcat(["a.ms", "bb.ms"], "c.ms")
    run(order, tmp_path / "c.ms", "TIME", tmp_path)


@pytest.mark.parametrize("order", ORDERS)
def test_multifile(order, tmp_path):
    """One file for all managers, as this very python-casacore writes it."""
    (tmp_path / "casarc").write_text("table.storage.option: multifile\n")
    make = textwrap.dedent("""
        import sys, numpy as np
        from casacore.tables import makescacoldesc, maketabdesc, table
        t = table(sys.argv[1], maketabdesc([makescacoldesc("I", 0)]), nrow=4, ack=False)
        t.putcol("I", np.arange(4, dtype=np.int32) + 7)
        t.close()""")
    subprocess.run([sys.executable, "-c", make, str(tmp_path / "m.tab")], check=True,
                   env={**os.environ, "CASARCFILES": str(tmp_path / "casarc")})
    if not (tmp_path / "m.tab" / "table.mf").exists():
        pytest.skip("this python-casacore does not write multifiles")
    run(order, tmp_path / "m.tab", "I", tmp_path)


def make_managed(path, manager):
    """Adds to an MS a column of the manager; returns its name."""
    ms = make_ms(path)
    descriptions = {
        "SiscoStMan": tables.makearrcoldesc("D", 0j, ndim=2, valuetype="complex"),
        "StokesIStMan": tables.makearrcoldesc("D", 0j, ndim=2, valuetype="complex", shape=[4, 4]),
        "UvwStMan": tables.makearrcoldesc("D", 0.0, ndim=1, shape=[3]),
    }
    try:
        ms.addcols(tables.maketabdesc([descriptions[manager]]), dict(NAME="S", TYPE=manager))
        if manager != "UvwStMan":
            for row in range(3):
                ms.putcell("D", row, np.full((4, 2 if manager == "SiscoStMan" else 4), row + 1j, np.complex64))
    except RuntimeError as error:
        pytest.skip(f"this python-casacore cannot write {manager}: {error}")
    finally:
        ms.close()
    try:
        with tables.table(str(path), ack=False) as made:
            made.getcol("D")
    except RuntimeError as error:
        pytest.skip(f"this python-casacore cannot read {manager} back: {error}")


@pytest.mark.parametrize("manager", ["SiscoStMan", "StokesIStMan", "UvwStMan"])
@pytest.mark.parametrize("order", ["msio", "casacore, msio", "msio.tables"])
def test_newer_managers(manager, order, tmp_path):
    """Managers that casacore has since 3.7 or 3.8."""
    make_managed(tmp_path / "a.ms", manager)
    run(order, tmp_path / "a.ms", "D", tmp_path)


@pytest.fixture
def varied(tmp_path):
    """A StManAipsIO table of every type: no layout of msio's."""
    desc = tables.maketabdesc([
        *[tables.makescacoldesc("S_" + kind, 0, valuetype=kind) for kind in ("uchar", "short", "int", "uint", "double")],
        tables.makescacoldesc("S_boolean", True), tables.makescacoldesc("S_dcomplex", 0j), tables.makescacoldesc("S_string", ""),
        tables.makearrcoldesc("A_float", 0.0, valuetype="float"), tables.makearrcoldesc("A_string", ""),
        tables.makearrcoldesc("A_bool", True, ndim=2, shape=[5, 4])])
    path = tmp_path / "v.tab"
    t = tables.table(str(path), desc, nrow=5, ack=False,
                     dminfo={"*1": {"TYPE": "StManAipsIO", "NAME": "old", "COLUMNS": t_columns(desc)}})
    for i in range(5):
        for kind in ("uchar", "short", "int", "uint", "double"):
            t.putcell("S_" + kind, i, 3 * i)
        t.putcell("S_boolean", i, i % 2 == 0)
        t.putcell("S_dcomplex", i, i - 2j)
        t.putcell("S_string", i, "\u00e9" * i)
        t.putcell("A_bool", i, (np.arange(20).reshape(5, 4) + i) % 3 == 0)
        if i != 3:
            t.putcell("A_float", i, np.arange(i * 2, dtype=np.float32).reshape(i, 2) if i else np.arange(2, dtype=np.float32))
            t.putcell("A_string", i, [f"s{i}", ""])
    t.close()
    return path


def t_columns(desc):
    return [name for name in desc if not name.startswith("_")]


def test_every_type(varied):
    """Types, parts of cells, ragged cells and strings through the process's casacore are python-casacore's own."""
    import msio
    with tables.table(str(varied), ack=False) as t:
        for name in t.colnames():
            if name.startswith("S_") or name == "A_bool":
                expected = t.getcol(name)
                got = msio.read(str(varied), name)
                assert list(np.asarray(got).ravel()) == list(np.asarray(expected).ravel()), name
        part = msio.read(str(varied), "A_bool", chans=slice(1, 5, 2), corrs=slice(2, 4))
        assert np.array_equal(part, t.getcol("A_bool")[:, 1:5:2, 2:4])


def test_a_lock_of_this_process(varied):
    """What this process has locked for writing is read without waiting, once it is flushed."""
    import msio
    with tables.table(str(varied), readonly=False, lockoptions="user", ack=False) as t:
        t.lock(True)
        t.putcell("S_int", 1, 77)
        t.flush()
        assert msio.read(str(varied), "S_int")[1] == 77
        t.unlock()
