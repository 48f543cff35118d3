"""Groups, loading, streams of groups: h5py, python-casacore and numpy are the oracles."""
import gc
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import time
import weakref

import h5py
import numpy as np
import pytest

import msio
from conftest import DATA, rows_taken_by_threads

ARRAYS = ("visdata", "flags", "nsamples")
SUBBANDS, CHANNELS = 4, 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("subbands") / "group"
    msio.simulate_uvh5(path, antennas=4, times=5, subbands=SUBBANDS, channels=CHANNELS, noise=0.1)
    return path


@pytest.fixture(scope="module")
def group(folder):
    return msio.groups(folder, subbands=SUBBANDS)[0]


@pytest.fixture(scope="module")
def as_stored(group):
    """{array: [row][channel][polarization]}, one file after the other, and the frequencies, by h5py."""
    made, frequencies = {name: [] for name in ARRAYS}, []
    for path in group.paths:
        with h5py.File(path) as file:
            frequencies.append(file["Header/freq_array"][()].ravel())
            for name in ARRAYS:
                array = file["Data/" + name][()]
                made[name].append(array.reshape(len(array), -1, array.shape[-1]))
    return {name: np.concatenate(parts, axis=1) for name, parts in made.items()}, np.concatenate(frequencies)


@pytest.fixture(scope="module")
def expected(as_stored):
    """The same, channels ascending."""
    arrays, frequencies = as_stored
    order = np.argsort(frequencies)
    return {name: array[:, order] for name, array in arrays.items()}


@pytest.fixture
def own(folder, tmp_path):
    """A group that a test may write to."""
    shutil.copytree(folder, tmp_path / "own")
    return msio.groups(tmp_path / "own", subbands=SUBBANDS)[0]


def assert_same(loaded, expected, rows=slice(None), chans=slice(None), corrs=slice(None)):
    for name in ARRAYS:
        array = expected[name][rows]
        array = array.reshape(len(array), SUBBANDS, CHANNELS, array.shape[-1])[:, :, chans][..., corrs]
        array = array.reshape(len(array), array.shape[1] * array.shape[2], array.shape[3])
        ours = getattr(loaded, name)
        assert ours.shape == loaded.shape == array.shape and np.array_equal(ours, array), name


# ---------------------------------------------------------------- groups

def test_groups(folder, group):
    names = sorted(os.listdir(folder))
    assert [number for number, _ in group.files] == list(range(SUBBANDS)) and group.complete
    assert sorted(map(os.path.basename, group.paths)) == names
    assert group.expected == SUBBANDS and list(group.missing) == [] and group.duplicate == group.late == []
    assert group.time == names[0][:19] + "Z" and "4 of 4" in repr(group)
    assert time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(group.seconds)) == group.time


def test_folders_are_one_pool(group, tmp_path):
    for number, path in group.files:
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / "ab"[number % 2])
    (tmp_path / "a" / "notes.txt").write_text("x")
    (tmp_path / "b" / "2025-10-05T13:27:52_sb03_incomplete.hdf5").write_text("x")
    (tmp_path / "b" / "2025-10-05T13:27:52_sb09.hdf5").write_text("x")
    found = msio.groups([tmp_path / "a", str(tmp_path / "b")], subbands=SUBBANDS)
    assert len(found) == 1 and len(found[0].paths) == SUBBANDS and found.ignored == 1
    assert [os.path.basename(path) for path in found.incomplete] == ["2025-10-05T13:27:52_sb03_incomplete.hdf5"]
    assert [os.path.basename(path) for path in found.unexpected] == ["2025-10-05T13:27:52_sb09.hdf5"]


def test_other_names(group, tmp_path):
    for number, path in group.files:
        shutil.copy(path, tmp_path / f"north-{number}.uvh5")
    (found,) = msio.groups(tmp_path, pattern="north-{subband}.uvh5", subbands=SUBBANDS)
    assert len(found.paths) == SUBBANDS
    (tmp_path / "north-7.uvh5").write_text("no HDF5 file")
    told = msio.groups(tmp_path, pattern="north-*.uvh5", subbands=SUBBANDS)
    assert [os.path.basename(path) for path, _ in told.unreadable] == ["north-7.uvh5"] and told.unreadable[0][1]


def test_groups_that_cannot_be(tmp_path, group):
    for given, how, kind in ((tmp_path / "none", {}, FileNotFoundError), (group.paths[0], {}, FileNotFoundError),
                             ([], {}, ValueError), (3, {}, TypeError),
                             (tmp_path, dict(pattern="{time}{time}"), ValueError),
                             (tmp_path, dict(subbands=0), ValueError),
                             (tmp_path, dict(window=-1), ValueError)):
        with pytest.raises(kind):
            msio.groups(given, **how)
    assert msio.groups(tmp_path) == []


def test_groups_travel_between_processes(group, expected):
    assert_same(msio.load(pickle.loads(pickle.dumps(group))), expected)


# ---------------------------------------------------------------- what is loaded

def test_arrays_and_facts(group, expected):
    loaded = msio.load(group)
    assert_same(loaded, expected)
    assert [getattr(loaded, name).dtype for name in ARRAYS] == [np.dtype("c8"), np.dtype(bool), np.dtype("f4")]
    with h5py.File(group.paths[0]) as file:
        header = file["Header"]
        for ours, name in (("times", "time_array"), ("antenna1", "ant_1_array"), ("antenna2", "ant_2_array"),
                           ("uvw", "uvw_array"), ("integration_times", "integration_time"),
                           ("polarizations", "polarization_array")):
            assert np.array_equal(getattr(loaded, ours), header[name][()]), ours
        assert [antenna[1] for antenna in loaded.antennas] == [name.decode() for name in header["antenna_names"][()]]
        assert np.array_equal([antenna[2] for antenna in loaded.antennas], header["antenna_positions"][()])
        assert loaded.header["Nblts"] == header["Nblts"][()]
    assert np.all(np.diff(loaded.frequencies) > 0) and np.all(loaded.widths > 0) and loaded.rows == len(loaded.times)
    assert [number for number, *_ in loaded.subbands] == [3, 2, 1, 0]
    assert [first for *_, first, _ in loaded.subbands] == [0, 6, 12, 18]
    assert loaded.phase_type == "drift" and np.isnan(loaded.phase_center[0]) and "4 subbands" in repr(loaded)


@pytest.mark.parametrize("what", ["folder", "path", "files", "tuple", "generator", "bytes"])
def test_what_may_be_loaded(folder, group, expected, what):
    given = {"folder": str(folder), "path": pathlib.Path(folder), "files": group.paths,
             "tuple": tuple(group.paths[::-1]), "bytes": os.fsencode(folder),
             "generator": (pathlib.Path(path) for path in group.paths)}[what]
    assert_same(msio.load(given, expected=SUBBANDS), expected)


def test_which_arrays(group, expected):
    loaded = msio.load(group, "flags")
    assert loaded.visdata is None and loaded.nsamples is None and np.array_equal(loaded.flags, expected["flags"])
    nothing = msio.load(group, ())
    assert nothing.flags is None and nothing.shape == expected["flags"].shape and "no array" in repr(nothing)
    assert np.array_equal(msio.load(group, "visdata", visdata_type="c16").visdata, expected["visdata"].astype("c16"))


@pytest.mark.parametrize("rows", [slice(3, 30, 4), slice(7, None), slice(-9, None), slice(40, 10**9), slice(30, 3, -5),
                                  slice(9, 9), [7, 2, 2], [-1, 0], [], 5, -1, np.arange(50) % 7 == 0])
def test_rows(group, expected, rows):
    wanted = [rows] if isinstance(rows, int) else np.array(rows, int) if isinstance(rows, list) else rows
    loaded = msio.load(group, rows=rows)
    assert_same(loaded, expected, rows=wanted)
    assert np.array_equal(loaded.times, msio.load(group, ()).times[wanted])


@pytest.mark.parametrize("times", [0, 2, -1, slice(1, 3), slice(2, None), slice(-2, None), slice(0, 99)])
def test_times(group, expected, times):
    all_times = msio.load(group, ()).times
    wanted = np.atleast_1d(np.unique(all_times)[times])
    assert_same(msio.load(group, times=times), expected, rows=np.isin(all_times, wanted))


@pytest.mark.parametrize("chans", [slice(1, 5, 2), slice(2, None), slice(-2, None), slice(0, 99), 0, -1,
                                   slice(None, None, 3)])
@pytest.mark.parametrize("corrs", [None, 1, -2, slice(0, 1)])
def test_parts(group, expected, chans, corrs):
    def whole(part):
        return slice(None) if part is None else slice(part, part + 1 or None) if isinstance(part, int) else part
    assert_same(msio.load(group, chans=chans, corrs=corrs), expected, chans=whole(chans), corrs=whole(corrs))


@pytest.mark.parametrize("chans", [None, slice(1, 5, 2), slice(-2, None)])
def test_channels_as_they_are_stored(group, as_stored, chans):
    expected, frequencies = as_stored
    loaded = msio.load(group, channel_order="stored", chans=chans)
    assert_same(loaded, expected, chans=slice(None) if chans is None else chans)
    assert np.array_equal(loaded.frequencies, frequencies.reshape(SUBBANDS, CHANNELS)[:, chans or slice(None)].ravel())
    assert [number for number, *_ in loaded.subbands] == [0, 1, 2, 3]
    turned = msio.load(group.paths[::-1], "flags", channel_order="stored")
    assert np.array_equal(turned.frequencies, frequencies.reshape(SUBBANDS, CHANNELS)[::-1].ravel())
    batches = list(msio.load_stream(group, "visdata", channel_order="stored", rows_per_batch=20))
    assert np.array_equal(np.concatenate([batch.visdata for batch in batches]), expected["visdata"])


def test_missing_subbands_where_channels_stay_as_they_are_stored(own, as_stored):
    expected, frequencies = as_stored
    os.remove(own.paths[2])
    (group,) = msio.groups(os.path.dirname(own.paths[0]), subbands=SUBBANDS)
    loaded = msio.load(group, missing="flag", channel_order="stored")
    assert loaded.flags[:, 12:18].all() and not loaded.visdata[:, 12:18].any()
    assert np.allclose(loaded.frequencies, frequencies, rtol=1e-12)
    there = np.r_[0:12, 18:24]
    assert np.array_equal(loaded.visdata[:, there], expected["visdata"][:, there])
    skipped = msio.load(group, "visdata", missing="skip", channel_order="stored")
    assert np.array_equal(skipped.visdata, expected["visdata"][:, there])


def test_wanted_subbands_and_layouts(group, expected):
    two = msio.load(group, "visdata", subbands=[1, 2])
    assert np.array_equal(two.visdata, expected["visdata"][:, 6:18])
    assert [number for number, *_ in two.subbands] == [2, 1]
    apart = msio.load(group, layout="subband-row-chan-pol")
    assert apart.shape == (SUBBANDS, 50, CHANNELS, 2)
    assert np.array_equal(np.concatenate(list(apart.visdata), axis=1), expected["visdata"])
    assert np.array_equal(msio.load(group, memory=1 << 24, threads=1).visdata, expected["visdata"])


@pytest.mark.parametrize("how, kind", [
    (dict(rows=[50]), IndexError), (dict(rows=99), IndexError), (dict(rows=[0.5]), TypeError),
    (dict(rows="x"), TypeError), (dict(rows=[True, False]), IndexError), (dict(times=5), IndexError),
    (dict(times=slice(0, 4, 2)), ValueError),
    (dict(times=1, rows=1), ValueError), (dict(chans=6), IndexError), (dict(chans=-7), IndexError),
    (dict(chans=slice(4, 1, -1)), ValueError), (dict(chans=[1]), TypeError), (dict(corrs=2), IndexError),
    (dict(subbands=[9]), IndexError), (dict(subbands=[2**32]), IndexError), (dict(subbands=[0.5]), TypeError),
    (dict(memory=0), ValueError), (dict(layout="other"), ValueError), (dict(missing="other"), ValueError),
    (dict(channel_order="other"), ValueError),    (dict(arrays="other"), ValueError), (dict(visdata_type="f4"), ValueError)])
def test_what_cannot_be(group, how, kind):
    with pytest.raises(kind):
        msio.load(group, **how)


def test_what_is_not_there(tmp_path, folder):
    for given, how, kind in ((tmp_path, {}, FileNotFoundError), (tmp_path / "none", {}, FileNotFoundError),
                             ([], {}, ValueError), (None, {}, TypeError),
                             (folder, dict(expected=SUBBANDS, time="2001-01-01T00:00:00"), FileNotFoundError)):
        with pytest.raises(kind):
            msio.load(given, **how)


def test_a_folder_of_several_groups(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "two")
    first = sorted(os.listdir(folder))[0][:19]
    msio.simulate_uvh5(tmp_path / "two", antennas=3, times=2, subbands=SUBBANDS, channels=4, time="2025-10-05T15:00:00")
    with pytest.raises(FileNotFoundError, match="2 groups"):
        msio.load(tmp_path / "two", expected=SUBBANDS)
    assert msio.load(tmp_path / "two", (), expected=SUBBANDS, time=first).rows == 50


def test_missing_subbands(own, expected):
    os.remove(own.paths[2])
    (group,) = msio.groups(os.path.dirname(own.paths[0]), subbands=SUBBANDS)
    assert list(group.missing) == [2] and not group.complete and "missing 2" in repr(group)
    with pytest.raises(FileNotFoundError):
        msio.load(group)
    skipped, flagged = msio.load(group, missing="skip"), msio.load(group, missing="flag")
    assert np.array_equal(skipped.visdata, np.delete(expected["visdata"], np.s_[6:12], axis=1))
    assert list(skipped.missing) == list(flagged.missing) == [2] and "missing 2" in repr(flagged)
    assert flagged.flags[:, 6:12].all() and not flagged.visdata[:, 6:12].any() and not flagged.nsamples[:, 6:12].any()
    assert np.allclose(np.diff(flagged.frequencies), flagged.widths[0], rtol=1e-6) and len(flagged.frequencies) == 24
    assert [there for _, there, *_ in flagged.subbands] == [True, False, True, True]
    assert np.array_equal(msio.load(group, missing="flag", chans=slice(-2, None)).frequencies.reshape(4, 2),
                          flagged.frequencies.reshape(4, 6)[:, -2:])


def test_subbands_of_different_sizes(own):
    """Parts that are counted from the end, or beyond it, would be other ones in each subband."""
    for path in own.paths[:1]:
        with h5py.File(path, "r+") as file:
            for name in ("Header/freq_array", "Data/visdata", "Data/flags", "Data/nsamples"):
                values, axis = file[name][()], -1 if name.startswith("Header") else -2
                kept = np.take(values, range(4), axis=axis)
                del file[name]
                file[name] = kept
            file["Header/Nfreqs"][()] = 4
    whole = msio.load(own.paths)
    assert whole.visdata.shape[1] == 3 * 6 + 4
    assert msio.load(own.paths, "visdata", chans=slice(1, None)).visdata.shape[1] == 3 * 5 + 3
    assert np.array_equal(msio.load(own.paths, "visdata", chans=slice(0, 4)).visdata[:, -4:], whole.visdata[:, -4:])
    for chans in (slice(-2, None), -1, slice(0, 5)):
        with pytest.raises(ValueError, match="another part"):
            msio.load(own.paths, chans=chans)


def test_files_that_do_not_fit(own):
    with h5py.File(own.paths[1], "r+") as file:
        file["Header/time_array"][...] += 1
    with pytest.raises(ValueError, match="time"):
        msio.load(own)
    differences = msio.check(own)
    ((path, field, text, harmless),) = differences
    assert path == own.paths[1] and "time_array" in field and text and not harmless


def test_nothing_differs(group, folder):
    assert msio.check(group) == msio.check(group.paths) == msio.check(folder, expected=SUBBANDS) == []


def test_real_files():
    files = sorted(DATA.glob("*.uvh5"))
    if not files:
        pytest.skip(f"no UVH5 files in {DATA}")
    for path in files:
        loaded = msio.load(path)
        with h5py.File(path) as file:
            order = np.argsort(file["Header/freq_array"][()].ravel())
            for name in ARRAYS:
                array = file["Data/" + name][()]
                if array.dtype.names == ("r", "i"):
                    array = array["r"] + 1j * array["i"]
                array = array.reshape(len(array), -1, array.shape[-1])[:, order]
                assert np.array_equal(getattr(loaded, name), array), (path, name)


# ---------------------------------------------------------------- Measurement Sets

@pytest.fixture(scope="module")
def ms(tmp_path_factory):
    path = tmp_path_factory.mktemp("windows") / "sim.ms"
    msio.simulate_ms(path, antennas=4, times=3, subbands=3, channels=8)
    return path


def test_windows_of_a_measurement_set(ms, casacore_tables):
    with casacore_tables.table(str(ms), ack=False) as table, \
            casacore_tables.table(str(ms / "SPECTRAL_WINDOW"), ack=False) as windows:
        data, flag, ddid = table.getcol("DATA"), table.getcol("FLAG"), table.getcol("DATA_DESC_ID")
        order = np.argsort(windows.getcol("CHAN_FREQ")[:, 0])
        frequencies = np.sort(windows.getcol("CHAN_FREQ").ravel())
    loaded = msio.load(ms)
    assert np.array_equal(loaded.visdata, np.concatenate([data[ddid == window] for window in order], axis=1))
    assert np.array_equal(loaded.flags, np.concatenate([flag[ddid == window] for window in order], axis=1))
    assert np.array_equal(loaded.frequencies, frequencies) and loaded.header is None
    part = msio.load(ms, "visdata", rows=slice(-5, None), chans=slice(-3, None), corrs=-1)
    assert np.array_equal(part.visdata, loaded.visdata.reshape(-1, 3, 8, 2)[-5:, :, -3:, 1:].reshape(5, 9, 1))


# ---------------------------------------------------------------- the caller's arrays

@pytest.mark.parametrize("kind", ["c8", "c16"])
def test_out(group, expected, kind):
    shape = expected["visdata"].shape
    out = {"visdata": np.full(shape, np.nan, kind), "nsamples": np.zeros(shape, "f4")}
    loaded = msio.load(group, out=out)
    assert loaded.visdata is out["visdata"] and loaded.nsamples is out["nsamples"]
    assert_same(loaded, expected)
    assert set(out) == {"visdata", "nsamples"}


def test_out_that_does_not_fit(group, expected):
    shape = expected["visdata"].shape
    frozen = np.zeros(shape, "c8")
    frozen.flags.writeable = False
    for out in (np.zeros((3, 4, 2), "c8"), np.zeros((shape[0] + 1, *shape[1:]), "c8"), np.zeros(shape[::-1], "c8")):
        with pytest.raises(ValueError, match=r"the answer has shape \(50, 24, 2\)"):
            msio.load(group, "visdata", out={"visdata": out})
    for out in (np.zeros(shape, "f8"), np.zeros(shape, ">c8"), [1.0], None):
        with pytest.raises(ValueError, match="complex64 or complex128"):
            msio.load(group, "visdata", out={"visdata": out})
    with pytest.raises(ValueError, match="may not be written"):
        msio.load(group, "visdata", out={"visdata": frozen})
    for how in (dict(out={"other": frozen}), dict(out={"flags": np.zeros(shape, bool)}),
                dict(out={"visdata": np.zeros(shape, "c16")}, visdata_type="c8")):
        with pytest.raises(ValueError):
            msio.load(group, "visdata", **how)
    with pytest.raises(TypeError):
        msio.load(group, "visdata", out=np.zeros(shape, "c8"))


def test_out_that_is_not_contiguous(group, expected):
    shape = expected["visdata"].shape
    for vis in (np.zeros(shape[::-1], "c8").T, np.zeros((*shape[:2], 4), "c8")[..., ::2], np.zeros(shape, "c8")[::-1]):
        out = {"visdata": vis, "flags": np.zeros(shape, bool)}
        loaded = msio.load(group, out=out)
        assert loaded.visdata is vis and loaded.flags is out["flags"]
        assert_same(loaded, expected)
    for vis in (np.zeros((3, 4, 2), "c8").T, np.zeros(shape[:2], "c8").T):
        with pytest.raises(ValueError, match="the answer has shape"):
            msio.load(group, "visdata", out={"visdata": vis})


def test_arrays_outlive_what_was_loaded(group, expected):
    """One owner holds all arrays of a result, and goes with the last of them."""
    loaded = msio.load(group)
    kept, freed = loaded.visdata[3:9, ::2], weakref.ref(loaded)
    del loaded
    gc.collect()
    assert freed() is None
    for _ in range(3):
        msio.load(group)
    assert np.array_equal(kept, expected["visdata"][3:9, ::2])


# ---------------------------------------------------------------- streams

@pytest.mark.parametrize("how", [{}, dict(rows_per_batch=7), dict(rows=slice(3, 40, 2), rows_per_batch=4),
                                 dict(rows=[9, 1, 1]), dict(times=slice(1, 3)), dict(memory=11 << 20), dict(rows=[]),
                                 dict(threads=1)])
def test_batches_make_up_the_selection(group, how):
    whole = msio.load(group, rows=how.get("rows"), times=how.get("times"))
    with msio.load_stream(group, **how) as stream:
        seen = list(stream)
    assert [batch.row for batch in seen] == [sum(b.rows for b in seen[:i]) for i in range(len(seen))]
    assert sum(batch.rows for batch in seen) == whole.rows
    for name in (*ARRAYS, "times", "antenna1", "antenna2", "uvw", "integration_times") if seen else ():
        assert np.array_equal(np.concatenate([getattr(batch, name) for batch in seen]), getattr(whole, name)), name
    for batch in seen:
        assert np.array_equal(batch.frequencies, whole.frequencies) and batch.header["Nblts"] == 50


def test_streams_of_parts_and_of_what_is_missing(own, expected):
    os.remove(own.paths[3])
    (group,) = msio.groups(os.path.dirname(own.paths[0]), subbands=SUBBANDS)
    batches = list(msio.load_stream(group, "visdata", missing="flag", chans=slice(-2, None), corrs=0, rows_per_batch=20,
                                    visdata_type="c16"))
    got = np.concatenate([batch.visdata for batch in batches]).reshape(50, 4, 2)
    assert got.dtype == np.dtype("c16") and batches[0].flags is None and not got[:, 0].any()
    assert np.array_equal(got[:, 1:], expected["visdata"].reshape(50, 4, 6, 2)[:, 1:, -2:, 0])


def test_batches_own_their_arrays(group, expected):
    kept = list(msio.load_stream(group, rows_per_batch=10))
    for batch in kept:
        batch.visdata *= 2
    assert np.array_equal(np.concatenate([batch.visdata for batch in kept]), 2 * expected["visdata"])


def test_the_end_of_a_stream(group):
    stream = msio.load_stream(group, rows_per_batch=25)
    assert len(list(stream)) == 2
    with pytest.raises(StopIteration):
        next(stream)
    with msio.load_stream(group, rows_per_batch=1) as stream:
        next(stream)
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        next(stream)
    for how in (dict(rows_per_batch=-1), dict(memory=100), dict(chans=9)):
        with pytest.raises((ValueError, IndexError)):
            msio.load_stream(group, **how)


def test_a_file_that_fails_midway(own):
    with h5py.File(own.paths[2]) as file:
        place = file["Data/visdata"].id.get_offset() or file["Data/visdata"].id.get_chunk_info(0).byte_offset
    os.truncate(own.paths[2], place + 8)
    with pytest.raises(msio.Error):
        list(msio.load_stream(own, "visdata"))
    with pytest.raises(msio.Error):
        msio.load(own, "visdata")


def test_one_thread_at_a_time(group):
    assert rows_taken_by_threads(msio.load_stream(group, rows_per_batch=1)) == list(range(50))


INTERRUPTED = """
import os, signal, sys, threading, time
import msio
def later():
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=later).start()
try:
    while True:
        if sys.argv[2] == "load":
            msio.load(sys.argv[1], expected=4)
        else:
            for batch in msio.load_stream(sys.argv[1], expected=4, rows_per_batch=10):
                pass
except KeyboardInterrupt:
    print("stopped")
"""


@pytest.mark.parametrize("call", ["load", "stream"])
def test_ctrl_c(folder, call):
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, str(folder), call], capture_output=True, text=True,
                          timeout=60)
    assert done.stdout == "stopped\n" and done.returncode in (0, -signal.SIGINT), done.stderr


def test_progress(group, capsys):
    msio.load(group, progress=True)
    assert "loading" in capsys.readouterr().err


# ---------------------------------------------------------------- headers

def test_headers(group):
    header = msio.uvh5_header(pathlib.Path(group.paths[1]))
    with h5py.File(group.paths[1]) as file:
        for name, value in header.items():
            if name == "extra_keywords":
                assert set(value) == set(file["Header/extra_keywords"])
                continue
            stored = file["Header/" + name][()]
            if value is None:
                assert np.ndim(stored) > 0 and len(stored) == 50, name
            elif isinstance(value, str):
                assert value == stored.decode(), name
            elif isinstance(value, list):
                assert value == [text.decode() for text in stored], name
            else:
                assert np.array_equal(value, stored), name
        assert set(header) == set(file["Header"])
    header["Nblts"] = 0
    assert msio.uvh5_header(group.paths[1])["Nblts"] == 50


def test_headers_follow_the_file(own):
    assert msio.uvh5_header(own.paths[0])["instrument"] != "another"
    with h5py.File(own.paths[0], "r+") as file:
        del file["Header/instrument"]
        file["Header/instrument"] = "another"
    assert msio.uvh5_header(own.paths[0])["instrument"] == "another"
    for path, kind in ((os.path.dirname(own.paths[0]), msio.FormatError), ("/nowhere.uvh5", FileNotFoundError)):
        with pytest.raises(kind):
            msio.uvh5_header(path)
