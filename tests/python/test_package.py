"""The package's own calls against python-casacore, h5py and numpy, over simulated and real data."""
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import DATA, simulate_ms

import msio
from msio import _msio

h5py = pytest.importorskip("h5py")


@pytest.fixture(scope="module")
def ms(tmp_path_factory):
    path = tmp_path_factory.mktemp("simulated") / "obs.ms"
    return pathlib.Path(simulate_ms(path, antennas=6, times=4, subbands=3, channels=8))


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "group"
    msio.simulate_uvh5(folder, antennas=5, times=4, subbands=4, channels=6, polarizations=2)
    (found,) = msio.groups(folder, subbands=4)
    return found


def by_h5py(group, name, subbands=None):
    """An array of all subbands, channels ascending."""
    parts = []
    for number, path in sorted(group.files, reverse=True):
        if subbands is None or number in subbands:
            with h5py.File(path, "r") as file:
                array = file["Data/" + name][()]
                parts.append(array.reshape(len(array), -1, array.shape[-1])[:, ::-1])
    return np.concatenate(parts, axis=1)


# ---------------------------------------------------------------- columns and datasets

def test_columns(ms):
    ct = pytest.importorskip("casacore.tables")
    table = ct.table(str(ms), ack=False)
    for name in table.colnames():
        if name == "FLAG_CATEGORY":
            with pytest.raises(msio.UndefinedError):
                msio.read(ms, name)
            continue
        assert np.array_equal(msio.read(ms, name), table.getcol(name)), name
    data = table.getcol("DATA")
    for selection in ({"chans": slice(2, 5)}, {"chans": slice(-3, None), "corrs": 1}, {"rows": slice(None, None, -7)},
                      {"rows": [5, 3, -1, 3]}, {"rows": 7}, {"rows": np.int64(-2), "chans": slice(None, None, 3)}):
        rows = selection.get("rows", slice(None))
        chans, corrs = selection.get("chans", slice(None)), selection.get("corrs", slice(None))
        corrs = slice(corrs, corrs + 1) if isinstance(corrs, int) else corrs
        assert np.array_equal(msio.read(ms, "DATA", **selection), data[rows][..., chans, corrs]), selection
    assert msio.read(f"{ms}::ANTENNA", "NAME") == ct.table(str(ms / "ANTENNA"), ack=False).getcol("NAME")
    assert msio.read(ms / "ANTENNA", "NAME", rows=2) == msio.read(f"{ms}::ANTENNA", "NAME")[2]


def test_out(ms):
    expected = msio.read(ms, "DATA")
    out = np.zeros_like(expected)
    assert msio.read(ms, "DATA", out=out) is out and np.array_equal(out, expected)
    wide = np.zeros((expected.shape[0], 2 * expected.shape[1], expected.shape[2]), expected.dtype)
    msio.read(ms, "DATA", out=wide[:, ::2])
    assert np.array_equal(wide[:, ::2], expected) and not wide[:, 1::2].any()
    turned = np.zeros(expected.shape[::-1], expected.dtype).T
    assert np.array_equal(msio.read(ms, "DATA", out=turned), expected)
    for bad, kind in ((out[1:], ValueError), (out.astype("c16"), TypeError), (out.astype(">c8"), TypeError)):
        with pytest.raises(kind):
            msio.read(ms, "DATA", out=bad)
    out.flags.writeable = False
    with pytest.raises(ValueError):
        msio.read(ms, "DATA", out=out)


def test_datasets(group):
    path = group.paths[0]
    with h5py.File(path, "r") as file:
        for name in ("Data/visdata", "Data/flags", "Data/nsamples", "Header/time_array", "Header/freq_array",
                     "Header/Nfreqs", "Header/uvw_array"):
            assert np.array_equal(msio.read(path, name), file[name][()]), name
        vis = file["Data/visdata"][()]
        assert np.array_equal(msio.read(path, "visdata", rows=slice(2, 9, 3), chans=slice(-2, None), corrs=0),
                              vis[2:9:3, ..., -2:, :1])
        assert np.array_equal(msio.read(path, "visdata", rows=[4, 1]), vis[[4, 1]])
        assert msio.read(path, "Header/antenna_names") == [name.decode() for name in file["Header/antenna_names"][()]]
        assert msio.read(path, "Header/telescope_name") == file["Header/telescope_name"][()].decode()
    with pytest.raises(KeyError):
        msio.read(path, "nothing")
    with pytest.raises(ValueError):
        msio.read(path, "Header/freq_array", chans=slice(0, 1))


def test_streams(ms, group):
    data, flag = msio.read(ms, "DATA"), msio.read(ms, "FLAG")
    seen = 0
    with msio.stream(ms, ["DATA", "FLAG"], chans=slice(1, 6), rows_per_batch=50) as stream:
        for batch in stream:
            assert batch.row == seen
            seen += batch.rows
            assert np.array_equal(batch["DATA"], data[batch.row:seen, 1:6])
            assert np.array_equal(batch["FLAG"], flag[batch.row:seen, 1:6])
    assert seen == len(data)
    kept = [batch["UVW"] for batch in msio.stream(ms, "UVW", rows_per_batch=77)]
    assert np.array_equal(np.concatenate(kept), msio.read(ms, "UVW"))
    vis, seen = by_h5py(group, "visdata"), 0
    for batch in msio.load_stream(group, rows_per_batch=20):
        assert np.array_equal(batch.visdata, vis[batch.row:batch.row + batch.rows])
        seen += batch.rows
    assert seen == len(vis)
    stream = msio.load_stream(group)
    next(stream)
    stream.close()
    with pytest.raises(ValueError):
        next(stream)


# ---------------------------------------------------------------- metadata and flags

def test_metadata(ms):
    ct = pytest.importorskip("casacore.tables")
    facts = msio.metadata(ms)
    assert msio.metadata(str(ms)) is facts
    table, windows = ct.table(str(ms), ack=False), ct.table(str(ms / "SPECTRAL_WINDOW"), ack=False)
    assert facts.rows == table.nrows() and [c.name for c in facts.columns] == table.colnames()
    for row, window in enumerate(facts.spectral_windows):
        assert np.array_equal(window.frequencies, windows.getcell("CHAN_FREQ", row))
        assert not window.frequencies.flags.writeable
    antennas = ct.table(str(ms / "ANTENNA"), ack=False)
    assert [a.name for a in facts.antennas] == antennas.getcol("NAME")
    assert np.array_equal([a.position for a in facts.antennas], antennas.getcol("POSITION"))
    fields = ct.table(str(ms / "FIELD"), ack=False)
    for row, field in enumerate(facts.fields):
        assert np.array_equal(field.phase_dir.value, fields.getcell("PHASE_DIR", row))
    times, ddid, field = table.getcol("TIME"), table.getcol("DATA_DESC_ID"), table.getcol("FIELD_ID")
    assert facts.time_range == (times.min(), times.max()) and facts.times == len(np.unique(times))
    assert np.array_equal(facts.scans, np.unique(table.getcol("SCAN_NUMBER")))
    assert np.array_equal(facts.fields_with_rows, np.unique(field))
    assert np.array_equal(facts.find_rows(spectral_window=1), np.flatnonzero(ddid == 1))
    assert np.array_equal(facts.find_rows(field=field[0], time=(times[0], times[0])),
                          np.flatnonzero((field == field[0]) & (times == times[0])))
    assert facts.row_index()["rows"].sum() == facts.rows
    assert str(ms) in repr(facts) and "3 spectral windows" in repr(facts)
    with pytest.raises(AttributeError):
        facts.nonsense
    table.close()
    with ct.table(str(ms), readonly=False, ack=False) as writer:
        writer.putcell("SCAN_NUMBER", 0, 4321)
    assert 4321 in msio.metadata(ms).scans and 4321 not in facts.scans


def test_flags(ms):
    flag, row = msio.read(ms, "FLAG"), msio.read(ms, "FLAG_ROW")
    counted = msio.flags(ms, by=("spw", "antenna", "channel", "time", "baseline"))
    whole = flag | row[:, None, None]
    assert (counted.flagged, counted.total) == (whole.sum(), whole.size)
    assert counted.fraction == whole.mean() and counted.low == counted.high == counted.fraction
    ddid, one, two = (msio.read(ms, name) for name in ("DATA_DESC_ID", "ANTENNA1", "ANTENNA2"))
    assert list(counted.by["spw"]["flagged"]) == [whole[ddid == spw].sum() for spw in counted.by["spw"]["spw"]]
    for antenna, flagged in zip(counted.by["antenna"]["antenna"], counted.by["antenna"]["flagged"]):
        assert flagged == whole[(one == antenna) | (two == antenna)].sum()
    assert counted.by["time"]["flagged"].sum() == counted.flagged
    assert msio.flags(ms, flag_row=False).flagged == flag.sum()
    assert msio.flags(ms, by="field").by["field"]["total"].sum() == whole.size
    assert "%" in repr(counted)
    with pytest.raises(ValueError):
        msio.flags(ms, by="colour")


# ---------------------------------------------------------------- subbands

def test_load(group):
    loaded = msio.load(group)
    for name in ("visdata", "flags", "nsamples"):
        assert np.array_equal(getattr(loaded, name), by_h5py(group, name)), name
    assert loaded.flags.dtype == bool and np.all(np.diff(loaded.frequencies) > 0)
    with h5py.File(group.paths[0], "r") as file:
        header = file["Header"]
        assert np.array_equal(loaded.times, header["time_array"][()])
        assert np.array_equal(loaded.antenna1, header["ant_1_array"][()])
        assert np.array_equal(loaded.uvw, header["uvw_array"][()])
        assert loaded.header["telescope_name"] == header["telescope_name"][()].decode()
    folder = os.path.dirname(group.paths[0])
    assert np.array_equal(msio.load(folder, expected=4).visdata, loaded.visdata)
    assert np.array_equal(msio.load(pathlib.Path(folder), "visdata", expected=4).visdata, loaded.visdata)
    part = msio.load(group, ["flags"], times=1, chans=slice(1, -1, 2), corrs=1, subbands=[2, 1])
    expected = by_h5py(group, "flags", (1, 2)).reshape(-1, 2, 6, 2)[loaded.times == np.unique(loaded.times)[1]]
    assert np.array_equal(part.flags, expected[:, :, 1:-1:2, 1:].reshape(len(expected), -1, 1)) and part.visdata is None
    other = msio.load(group, layout="subband-row-chan-pol", rows=slice(3, 30, 4)).visdata
    assert np.array_equal(np.moveaxis(other, 0, 1).reshape(len(loaded.visdata[3:30:4]), -1, 2), loaded.visdata[3:30:4])
    assert np.array_equal(msio.load(group, rows=[7, 2]).nsamples, loaded.nsamples[[7, 2]])
    assert "4 subbands" in repr(loaded)


def test_load_into_arrays(group):
    expected = by_h5py(group, "visdata")
    out = {"visdata": np.zeros(expected.shape, "c16"), "flags": np.ones(expected.shape, bool)}
    loaded = msio.load(group, ["visdata", "flags"], out=out)
    assert loaded.visdata is out["visdata"] and np.array_equal(out["visdata"], expected)
    assert np.array_equal(out["flags"], by_h5py(group, "flags"))
    for bad in ({"visdata": np.zeros(3, "c8")}, {"visdata": np.zeros(expected.shape, "f8")},
                {"nothing": np.zeros(expected.shape)}):
        with pytest.raises(ValueError):
            msio.load(group, ["visdata"], out=bad)


def test_missing_subbands(tmp_path):
    msio.simulate_uvh5(tmp_path / "g", antennas=3, times=2, subbands=4, channels=4, missing=[2])
    (group,) = msio.groups([tmp_path / "g"], subbands=4)
    assert list(group.missing) == [2] and not group.complete and "missing 2" in repr(group)
    with pytest.raises(FileNotFoundError):
        msio.load(group)
    assert msio.load(group, missing="skip").visdata.shape[1] == 12
    flagged = msio.load(group, missing="flag")
    assert flagged.visdata.shape[1] == 16 and flagged.flags[:, 4:8].all() and not flagged.visdata[:, 4:8].any()
    with pytest.raises(ValueError):
        msio.load(group, missing="perhaps")


def test_windows_of_a_measurement_set(ms):
    loaded = msio.load(ms)
    assert loaded.visdata.shape[1] == 24 and np.all(np.diff(loaded.frequencies) > 0)
    ddid, data = msio.read(ms, "DATA_DESC_ID"), msio.read(ms, "DATA")
    order = np.argsort([window.frequencies[0] for window in msio.metadata(ms).spectral_windows])
    expected = np.concatenate([data[ddid == spw] for spw in order], axis=1)
    assert np.array_equal(loaded.visdata, expected)


def test_check(group, tmp_path):
    assert msio.check(group) == []
    msio.simulate_uvh5(tmp_path / "other", antennas=4, times=4, subbands=4, channels=6)
    (other,) = msio.groups(tmp_path / "other", subbands=4)
    differences = msio.check([group.paths[0], other.paths[1]])
    assert differences and not all(harmless for *_, harmless in differences)
    with pytest.raises(msio.ShapeError):
        msio.load([group.paths[0], other.paths[1]])


def test_real_files():
    files = sorted(DATA.glob("*.uvh5"))
    if not files:
        pytest.skip(f"no UVH5 files in {DATA}")
    for path in files:
        loaded = msio.load(path)
        with h5py.File(path, "r") as file:
            flags = file["Data/flags"][()]
            flags = flags.reshape(len(flags), -1, flags.shape[-1])
            order = np.argsort(file["Header/freq_array"][()].ravel())
            assert np.array_equal(loaded.flags, flags[:, order].astype(bool))


# ---------------------------------------------------------------- threads, signals, memory

def test_threads(ms, group):
    expected, wrong = msio.read(ms, "DATA"), []
    vis = by_h5py(group, "visdata")

    def work():
        for _ in range(10):
            if not np.array_equal(msio.read(ms, "DATA"), expected) or msio.metadata(ms).rows != len(expected):
                wrong.append("read")
            if not np.array_equal(msio.load(group, "visdata").visdata, vis):
                wrong.append("load")
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_ctrl_c_ends_a_long_call(tmp_path):
    code = ("import msio, sys, time\nprint('begun', flush=True)\n"
            "try:\n    msio.simulate_uvh5(sys.argv[1])\n"
            "except KeyboardInterrupt:\n    print('stopped', flush=True)\n")
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "g")], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline() == "begun\n"
        time.sleep(0.7)
        run.send_signal(signal.SIGINT)
        assert run.stdout.readline() == "stopped\n"
    assert not list(tmp_path.glob("g/*.hdf5"))


WAITING = """
import fcntl, os, signal, subprocess, sys, threading
import msio
path = sys.argv[1]
table, reader = msio.Table(path), msio.Table(path).reader("TIME")
writer = subprocess.Popen([sys.executable, "-c", "import fcntl, sys; file = open(sys.argv[1], 'r+b'); "
    "fcntl.lockf(file, fcntl.LOCK_EX, 1, 0); print(flush=True); sys.stdin.read()", path + "/table.lock"],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
writer.stdout.readline()
calls = {"Table": lambda: msio.Table(path), "read": lambda: table.read("TIME"), "cell": lambda: reader(3),
         "metadata": lambda: msio.metadata(path), "flags": lambda: msio.flags(path), "load": lambda: msio.load(path),
         "stream": lambda: msio.stream(path, "TIME")}
for name, call in calls.items():
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        print(name, call())
    except BaseException as error:
        print(name, type(error).__name__)
writer.communicate(b"")
"""


def test_ctrl_c_ends_the_wait_for_a_lock(ms):
    done = subprocess.run([sys.executable, "-c", WAITING, str(ms)], capture_output=True, text=True, timeout=120)
    calls = ("Table", "read", "cell", "metadata", "flags", "load", "stream")
    assert done.stdout == "".join(f"{name} KeyboardInterrupt\n" for name in calls), done.stderr


def test_memory_is_given_back(ms):
    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    for turn in range(2):
        before = resident()
        for _ in range(3000):
            table = _msio.Table(ms)
            table.read("UVW", rows=slice(0, 5))
            reader = table.reader("DATA")
            for row in range(4):
                reader(row)
            table.keywords("UVW")
            del reader
            table.close()
            msio.metadata(ms)
    assert resident() - before < 4 << 20


def test_profile(ms):
    with msio.profile() as seen:
        msio.read(ms, "DATA")
    assert "read" in seen.text() and seen.json()["format"]


def test_a_closed_table(ms):
    table = msio.Table(ms)
    reader = table.reader("TIME")
    assert isinstance(reader(0), float) and reader(-1) is None and reader(10**9) is None
    table.close()
    table.close()
    assert reader(0) is None
    with pytest.raises(ValueError):
        table.read("TIME")


def test_errors_are_of_their_kinds(ms, tmp_path):
    for call, kind in ((lambda: msio.read(tmp_path / "none", "A"), FileNotFoundError),
                       (lambda: msio.read(ms, "A"), KeyError),
                       (lambda: msio.read(ms, "DATA", rows=[10**7]), IndexError),
                       (lambda: msio.Table(tmp_path), FileNotFoundError),
                       (lambda: msio.read(ms, "DATA", rows="x"), (TypeError, ValueError))):
        with pytest.raises(kind) as caught:
            call()
        if isinstance(caught.value, msio.Error):
            assert isinstance(caught.value, RuntimeError) and caught.value.code.startswith("E_")
            assert str(caught.value) and "'" != str(caught.value)[0]


@pytest.mark.parametrize("module", ["dask", "tables"])
def test_modules_need_no_import_of_their_own(module):
    pytest.importorskip({"dask": "dask", "tables": "casacore"}[module])
    program = f"import msio; print(msio.{module}.__name__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == f"msio.{module}\n", done.stderr


# ---------------------------------------------------------------- what an import loads

def loaded_by(code, before="import numpy"):
    """Modules that the code loads in a new process, beyond those that `before` does."""
    source = f"import sys\n{before}\nbase = set(sys.modules)\n{code}\nprint(*sorted(set(sys.modules) - base))"
    run = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True,
                         env={name: value for name, value in os.environ.items() if not name.startswith("MSIO_")})
    return set(run.stdout.split())


def test_what_an_import_loads():
    assert loaded_by("import msio", "import numpy, atexit") == {"msio", "msio._errors", "msio._msio"}


def test_what_every_name_loads():
    """Nothing of the standard library that is large: what is used rarely is loaded when it is used."""
    found = loaded_by("import msio\nfor name in msio.__all__:\n    getattr(msio, name)",
                      "import numpy, atexit, contextlib, copy, functools, importlib, operator, os, threading")
    modules = ("_errors", "_msio", "_own_casacore", "_progress", "_ragged", "_record", "_selecting", "adding", "converting", "meta",
               "patching", "profiling", "reading", "simulating", "subbands", "uvdata", "visibilities", "writing")
    assert found == {"msio", "_msio_startup", *(f"msio.{module}" for module in modules)}


def test_rows_are_what_dataclasses_know(ms):
    import copy
    import dataclasses
    import pickle
    with msio.Table(ms):
        antenna = msio.metadata(ms).antennas[0]
    names = [field.name for field in dataclasses.fields(antenna)]
    assert names == list(antenna.__slots__) == list(antenna.__match_args__) and dataclasses.is_dataclass(antenna)
    assert list(dataclasses.asdict(antenna)) == names
    other = dataclasses.replace(antenna, name="elsewhere")
    assert other.name == "elsewhere" and other != antenna and type(other) is type(antenna)
    for twin in (copy.copy(antenna), copy.deepcopy(antenna), pickle.loads(pickle.dumps(antenna))):
        assert twin == antenna and twin is not antenna
    for change in (lambda: setattr(antenna, "name", "x"), lambda: delattr(antenna, "name"),
                   lambda: setattr(antenna, "new", 1)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            change()
    with pytest.raises(TypeError):
        type(antenna)(1)
