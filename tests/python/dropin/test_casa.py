"""casatools and casatasks in one process with patched tables: nothing that is read is stale, no lock is lost.

CASA brings a casacore of its own, which shares neither tables nor locks with python-casacore's; all it shares with them is
the process, and POSIX locks are the process's. Each test runs a script in a process of its own, in both orders of import.
"""
import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

for _name in ("casatools", "casatasks", "casadata", "casacore"):
    if importlib.util.find_spec(_name) is None:
        pytest.skip(f"LEFT OUT: {_name} is not installed (pip install casatools casatasks casadata python-casacore)", allow_module_level=True)

sys.path.append(str(pathlib.Path(__file__).resolve().parents[3] / "cli" / "chain"))
import run_task  # noqa: E402

IMPORTS = {"casa first": "import casatasks, casatools\nimport msio\n", "msio first": "import msio\n"}

BEGIN = """
import numpy as np
msio.patch_casacore()
from casacore.tables import table
import casatasks, casatools
import msio.tables

MS = "small.ms"
msio.simulate_ms(MS, antennas=8, times=6, subbands=2, imaging_columns=True)

def casa(name):
    tools = casatools.table()
    tools.open(MS)
    values = tools.getcol(name).transpose()
    tools.close()
    return values

def served():
    return sum(msio.tables.served()["msio"].values())

def refused_elsewhere():
    # whether another process cannot have casacore's write lock: byte 0 of table.lock
    import subprocess, sys
    code = ("import fcntl, sys\\n"
            "try:\\n    fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)\\n"
            "except OSError:\\n    sys.exit(7)\\n")
    return subprocess.run([sys.executable, "-c", code, MS + "/table.lock"]).returncode == 7
"""


def environment(folder):
    """That in which CASA has its configuration, its home and its log in a folder."""
    return {**os.environ, "CASASITECONFIG": run_task.write_site(folder), "HOME": str(folder)}


def runner(folder, imports):
    """What runs a script after these imports, in a process of its own."""
    def run_script(script):
        (folder / "script.py").write_text(imports + BEGIN + script + "\nprint('the end')\n")
        done = subprocess.run([sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, timeout=300,
                              env=environment(folder))
        assert done.returncode == 0 and done.stdout.endswith("the end\n"), done.stdout + done.stderr
    return run_script


@pytest.fixture(params=IMPORTS)
def run(request, tmp_path):
    """Runs a script after the imports in one order."""
    return runner(tmp_path, IMPORTS[request.param])


def test_flagdata_between_reads(run):
    run("""
t = table(MS, ack=False)
before = t.getcol("FLAG")
fraction = msio.flags(MS).fraction
casatasks.flagdata(vis=MS, mode="manual", antenna="2", flagbackup=False)
after = t.getcol("FLAG")
assert after.sum() > before.sum()
assert np.array_equal(after, casa("FLAG"))
assert np.array_equal(msio.read(MS, "FLAG"), after)
assert msio.flags(MS).fraction == (after | casa("FLAG_ROW")[:, None, None]).mean() > fraction
assert served() >= 2
""")


def test_flagdata_within_a_loop_over_cells(run):
    run("""
t = table(MS, ack=False)
for row in range(40):
    if row == 10:
        casatasks.flagdata(vis=MS, mode="manual", antenna="3", flagbackup=False)
        flags = casa("FLAG")
    cell = t.getcell("FLAG", row)
    assert row < 10 or np.array_equal(cell, flags[row]), row
assert served() == 40
""")


def test_applycal_between_reads(run):
    run("""
t = table(MS, ack=False)
before = t.getcol("CORRECTED_DATA")
casatasks.gencal(vis=MS, caltable="gain.cal", caltype="amp", parameter=[2.0])
casatasks.applycal(vis=MS, gaintable=["gain.cal"], flagbackup=False)
after = t.getcol("CORRECTED_DATA")
assert not np.array_equal(after, before)
assert np.array_equal(after, casa("CORRECTED_DATA"))
assert np.allclose(after, t.getcol("DATA") / 4, rtol=1e-5)
assert msio.metadata(MS).rows == t.nrows()
""")


def test_both_write_in_turn(run):
    run("""
t = table(MS, ack=False)
w = table(MS, readonly=False, ack=False)
shape = t.getcell("DATA", 0).shape
for turn in range(5):
    w.putcell("DATA", 3, np.full(shape, turn + 1, np.complex64))
    assert (t.getcell("DATA", 3) == turn + 1).all()      # not flushed yet: python-casacore knows it
    w.flush()
    assert (casa("DATA")[3] == turn + 1).all()
    w.unlock()
    tools = casatools.table()
    tools.open(MS, nomodify=False)
    cell = tools.getcell("DATA", 5)
    cell[:] = 10 * turn
    tools.putcell("DATA", 5, cell)
    tools.flush()
    assert (t.getcell("DATA", 5) == 10 * turn).all()
    cell[:] = 11 * turn
    tools.putcell("DATA", 6, cell)
    tools.close()
    assert (t.getcell("DATA", 6) == 11 * turn).all()
    assert (t.getcol("DATA", 6, 1) == 11 * turn).all()
    assert (t.getcell("DATA", 3) == turn + 1).all()
""")


def test_casa_writes_while_puts_wait(run):
    run("""
t = table(MS, ack=False)
w = table(MS, readonly=False, ack=False)
flags = t.getcell("FLAG", 2)
w.putcell("EXPOSURE", 1, 5.0)
tools = casatools.table()
tools.open(MS, nomodify=False)
cell = tools.getcell("FLAG", 2)
tools.putcell("FLAG", 2, ~cell)
tools.close()
assert np.array_equal(t.getcell("FLAG", 2), ~flags)
assert t.getcell("EXPOSURE", 1) == 5.0 and w.getcell("EXPOSURE", 1) == 5.0
""")


def test_reads_leave_the_locks_of_casatools(run):
    run("""
import gc
t = table(MS, ack=False, lockoptions="usernoread")
tools = casatools.table()
tools.open(MS, nomodify=False, lockoptions={"option": "permanent"})
assert refused_elsewhere()
t.getcol("DATA"), t.getcell("FLAG", 3), msio.read(MS, "UVW"), msio.flags(MS), msio.metadata(MS)
for batch in msio.stream(MS, "DATA"):
    pass
with msio.Table(MS) as own:
    own.read("TIME")
gc.collect()
assert refused_elsewhere()
tools.close()
""")


def test_reads_leave_the_locks_of_python_casacore(run):
    run("""
import gc
w = table(MS, readonly=False, ack=False, lockoptions="user")
w.lock()
assert refused_elsewhere()
w.getcol("DATA"), w.getcell("FLAG", 3), msio.read(MS, "UVW"), msio.flags(MS), msio.metadata(MS)
with msio.Table(MS) as own:
    own.read("TIME")
gc.collect()
assert refused_elsewhere()
w.unlock()
assert not refused_elsewhere()
""")


def test_what_msio_wrote_is_opened_calibrated_and_imaged(tmp_path):
    """Gains of antennas go into DATA, a point source of 1 Jy into MODEL_DATA, in columns that msio added: gaincal finds the
    gains, applycal takes them out, and the image is that of the source."""
    runner(tmp_path, IMPORTS["msio first"])("""
MS = "written.ms"
msio.simulate_ms(MS, antennas=10, times=3, subbands=2, channels=4)
assert msio.add_columns(MS, imaging=True)["added"] == ["MODEL_DATA", "CORRECTED_DATA", "IMAGING_WEIGHT"]
one, two, data = (msio.read(MS, name) for name in ("ANTENNA1", "ANTENNA2", "DATA"))
rng = np.random.default_rng(16)
gains = rng.uniform(0.7, 1.4, (10, 2)) * np.exp(1j * rng.uniform(-1, 1, (10, 2)))
gains[0] = abs(gains[0])
msio.write(MS, "DATA", np.broadcast_to((gains[one] * gains[two].conj())[:, None], data.shape).astype("c8"))
msio.fill(MS, "MODEL_DATA", 1)
for name, value in (("FLAG", False), ("FLAG_ROW", False), ("WEIGHT", 1), ("SIGMA", 1)):
    msio.fill(MS, name, value)
bad = np.flatnonzero((one == 3) & (two == 4))  # which gaincal must not see
msio.fill(MS, "DATA", 1000, rows=bad)
msio.fill(MS, "FLAG", True, rows=bad)

tools = casatools.ms()
assert tools.open(MS) and tools.nrow() == len(one)
tools.close()
for name in ("DATA", "MODEL_DATA", "FLAG", "CORRECTED_DATA"):
    assert np.array_equal(casa(name), msio.read(MS, name)), name

casatasks.gaincal(vis=MS, caltable="gains.cal", solint="inf", combine="scan,field", refant="0", gaintype="G", calmode="ap",
                  minsnr=0)
tools = casatools.table()
tools.open("gains.cal")
solved, antenna = tools.getcol("CPARAM")[:, 0].T, tools.getcol("ANTENNA1")
tools.close()
there = antenna < len(gains)  # the table of antennas has some without data
assert there.sum() >= 10 and np.allclose(solved[there], gains[antenna[there]], rtol=1e-3), solved[there]

casatasks.applycal(vis=MS, gaintable=["gains.cal"], flagbackup=False)
corrected, flags = msio.read(MS, "CORRECTED_DATA"), msio.read(MS, "FLAG")
assert flags[bad].all() and not flags.all() and np.allclose(corrected[~flags], 1, atol=1e-3)

msio.fill(MS, "WEIGHT_SPECTRUM", 1)
places = np.append(rng.uniform(-300, 300, (10, 2)), np.zeros((10, 1)), axis=1)  # m; fringes of at least 30 arcsec
msio.write(MS, "UVW", places[two] - places[one])
casatasks.tclean(vis=MS, imagename="point", field="0", datacolumn="corrected", imsize=64, cell="15arcsec", niter=10, gain=1.0,
                 specmode="mfs", weighting="natural", gridder="standard")
image = casatools.image()
image.open("point.image")
pixels = image.getchunk()[:, :, 0, 0]
image.close()
assert np.unravel_index(pixels.argmax(), pixels.shape) == (32, 32) and abs(pixels.max() - 1) < 0.02, pixels.max()
""")
