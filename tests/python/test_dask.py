"""dask arrays against numpy: schedulers, workers that die, files that change."""
import os
import pickle
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import make_table, simulate_ms

import msio

pytest.importorskip("dask.array", reason="dask is not installed")
import dask  # noqa: E402

import msio.dask  # noqa: E402


@pytest.fixture(scope="module")
def ms(tmp_path_factory):
    return simulate_ms(tmp_path_factory.mktemp("dask") / "obs.ms", antennas=6, times=6, subbands=3, channels=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("dask") / "group"
    msio.simulate_uvh5(path, antennas=5, times=6, subbands=4, channels=6)
    return str(path)


@pytest.mark.parametrize("scheduler", ["threads", "synchronous", "processes"])
def test_columns(ms, scheduler):
    for chunks in (None, 100, (200, 178)):
        arrays = msio.dask.columns(ms, ["DATA", "FLAG", "TIME", "UVW"], chunks)
        with dask.config.set(scheduler=scheduler):
            for name, array in arrays.items():
                assert np.array_equal(array.compute(), msio.read(ms, name)), name
                assert array.dtype == msio.read(ms, name, rows=slice(0, 1)).dtype


def test_a_group(folder):
    loaded = msio.load(folder, expected=4)
    for chunks in (None, 7):
        arrays = msio.dask.group(folder, chunks, expected=4)
        for name in ("visdata", "flags", "nsamples"):
            assert np.array_equal(arrays[name].compute(), getattr(loaded, name)), name
        assert np.array_equal(arrays["frequencies"], loaded.frequencies)
    assert np.array_equal(arrays["visdata"][20:33, 5:9].compute(), loaded.visdata[20:33, 5:9])


def test_a_groups_selections_and_missing_subbands(folder, tmp_path):
    loaded = msio.load(folder, expected=4, subbands=[1, 3], chans=slice(1, 4), visdata_type="complex128")
    arrays = msio.dask.group(folder, 10, "visdata", expected=4, subbands=[1, 3], chans=slice(1, 4),
                             visdata_type="complex128")
    assert np.array_equal(arrays["visdata"].compute(), loaded.visdata) and "flags" not in arrays
    assert arrays["visdata"].dtype == np.complex128
    (found,) = msio.groups(folder, subbands=5)
    assert list(found.missing) == [4]
    with pytest.raises(FileNotFoundError):
        msio.dask.group(found)
    whole = msio.load(found, missing="flag")
    arrays = pickle.loads(pickle.dumps(msio.dask.group(found, missing="flag")))
    assert np.array_equal(arrays["flags"].compute(), whole.flags) and arrays["flags"].shape[1] == 5 * 6
    assert np.array_equal(arrays["frequencies"], whole.frequencies)


def test_chunks_that_are_none(folder, ms):
    for chunks in (0, -3, (1, 2)):
        with pytest.raises(ValueError):
            msio.dask.group(folder, chunks, expected=4)
        with pytest.raises(ValueError):
            msio.dask.columns(ms, "DATA", chunks)
    with msio.Table(ms) as table:
        rows = table.nrows
    with pytest.raises(ValueError, match="at least one row, not -1"):
        msio.dask.columns(ms, "DATA", (rows + 1, -1))
    for chunks in ("64MiB", {0: 7}, 2.5, (rows / 2, rows / 2), ((rows,),)):
        with pytest.raises(TypeError, match="number of rows"):
            msio.dask.columns(ms, "DATA", chunks)


def test_chunks_as_dask_names_them(folder, ms):
    for make in (lambda chunks: msio.dask.columns(ms, "DATA", chunks)["DATA"],
                 lambda chunks: msio.dask.group(folder, chunks, "visdata", expected=4)["visdata"]):
        assert make("auto").name == make(None).name
        assert make(-1).chunks[0] == (make(None).shape[0],)


def test_arrays_made_together_have_the_same_chunks(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(msio.dask, "_CHUNK_BYTES", 40_000)
    ms = tmp_path / "larger.ms"
    msio.simulate_ms(ms, antennas=16, times=6, subbands=2)
    columns = msio.dask.columns(ms, ["FLAG", "DATA", "TIME"])
    assert len({array.chunks[0] for array in columns.values()}) == 1 < columns["TIME"].numblocks[0]
    assert np.array_equal((columns["DATA"] * ~columns["FLAG"]).compute(), msio.read(ms, "DATA") * ~msio.read(ms, "FLAG"))
    arrays = msio.dask.group(folder, expected=4)
    assert len({arrays[name].chunks[0] for name in ("visdata", "flags", "nsamples")}) == 1
    assert np.array_equal(arrays["nsamples"].compute(), msio.load(folder, expected=4).nsamples)


def test_chunks_of_numpys_integers(ms):
    for chunks in (np.int64(100), np.array([200, 178]), [200, 178]):
        array = msio.dask.columns(ms, "DATA", chunks)["DATA"]
        assert np.array_equal(array.compute(), msio.read(ms, "DATA")), chunks


def test_columns_that_make_no_array(tmp_path, casacore_tables):
    path = make_table(casacore_tables, tmp_path / "vary.tab", rows=4)
    with pytest.raises(msio.UnsupportedError, match="TEXTS holds strings"):
        msio.dask.columns(path, ["ARRAY_int", "TEXTS"])
    array = msio.dask.columns(path, "VARY", (1, 3))["VARY"]  # row 1 has three lines, row 0 two
    assert array[:1].compute().shape == (1, 2, 4)
    with pytest.raises(msio.ShapeError, match="VARY varies in shape"):
        array.compute()
    with pytest.raises(msio.ShapeError, match=r"row 0 has \[2, 4\], rows 1 to 1 have \[3, 4\]"):
        msio.dask.columns(path, "VARY", 1)["VARY"][1].compute()


def test_chunks_are_whole_tiles_and_names_are_the_files_state(ms, monkeypatch):
    monkeypatch.setattr(msio.dask, "_CHUNK_BYTES", 1)
    with msio.Table(ms) as table:
        tile = table.describe("DATA")["tile"][0]
    array = msio.dask.columns(ms, "DATA")["DATA"]
    assert array.chunks[0][0] == min(tile, len(array))
    monkeypatch.chdir(os.path.dirname(ms))
    program = f"import msio.dask; msio.dask._CHUNK_BYTES = 1; print(msio.dask.columns({ms!r}, 'DATA')['DATA'].name)"
    assert array.name == msio.dask.columns(os.path.basename(ms), "DATA")["DATA"].name
    assert array.name == subprocess.run([sys.executable, "-c", program], check=True, capture_output=True,
                                        text=True).stdout.strip()
    with pytest.raises(ValueError):
        msio.dask.columns(ms, "DATA", (1, 2))


def test_tasks_pickle_and_hold_nothing(ms):
    array = msio.dask.columns(ms, "DATA", 100)["DATA"]
    again = pickle.loads(pickle.dumps(array))
    assert np.array_equal(again.compute(), msio.read(ms, "DATA"))
    assert max(len(pickle.dumps(task)) for task in dict(array.dask).values()) < len(ms) + 300


def test_tasks_beside_arrays_whose_keys_are_their_words(ms):
    array = msio.dask.columns(ms, "DATA", 100)["DATA"]
    for key in ("DATA", ms):
        one = dask.delayed(np.ones)(array.shape, dask_key_name=key)
        both = array + dask.array.from_delayed(one, array.shape, float)
        assert np.array_equal(both.compute(), msio.read(ms, "DATA") + 1)


def test_threads_of_a_task(ms):
    array = msio.dask.columns(ms, "TIME", 100)["TIME"].map_blocks(_threads_here, dtype=int)
    for scheduler, threads in {"synchronous": 0, "threads": 1, "processes": 1}.items():
        assert set(array.compute(scheduler=scheduler)) == {threads}, scheduler
        with dask.config.set(scheduler=scheduler):
            assert set(array.compute()) == {threads}, scheduler


def _threads_here(block):
    return np.full(block.shape, msio.dask._threads())


def test_a_file_that_changed_is_an_error(tmp_path):
    path = tmp_path / "g"
    msio.simulate_uvh5(path, antennas=3, times=2, subbands=2, channels=4)
    arrays = msio.dask.group(path, expected=2)
    file = msio.groups(path, subbands=2)[0].paths[1]
    os.utime(file, ns=(1, 1))
    with pytest.raises(msio.ChangedError, match="changed"):
        arrays["visdata"].compute(scheduler="synchronous")


@pytest.fixture
def own_ms(ms, tmp_path):
    """A copy that a test may write to."""
    return shutil.copytree(ms, tmp_path / "own.ms")


def _exchange(path):
    shutil.copytree(path, path.with_suffix(".new"))
    shutil.rmtree(path)
    path.with_suffix(".new").rename(path)


def _write_at_the_old_time(path):
    largest = max(path.glob("table.f*_TSM*"), key=os.path.getsize)
    times = largest.stat()
    with largest.open("r+b") as file:
        file.write(b"msio")
    os.utime(largest, ns=(times.st_atime_ns, times.st_mtime_ns))


def _add_a_row(path):
    with pytest.importorskip("casacore.tables").table(str(path), ack=False, readonly=False) as table:
        table.addrows()


def _write_another_column(path):
    with pytest.importorskip("casacore.tables").table(str(path), ack=False, readonly=False) as table:
        table.putcell("TIME", 0, 1)


@pytest.mark.parametrize("change", [_exchange, _write_at_the_old_time, _add_a_row, _write_another_column])
def test_a_table_that_changed_is_an_error(own_ms, change):
    array = msio.dask.columns(own_ms, "DATA", 100)["DATA"]
    change(own_ms)
    with pytest.raises(msio.ChangedError, match="changed"):
        array.compute(scheduler="synchronous")
    assert msio.dask.columns(own_ms, "DATA", 100)["DATA"].name != array.name


def test_subtables(own_ms):
    name = f"{own_ms}::ANTENNA"
    array = msio.dask.columns(name, "POSITION", 2)["POSITION"]
    assert np.array_equal(array.compute(scheduler="synchronous"), msio.read(name, "POSITION"))
    os.utime(own_ms / "ANTENNA" / "table.dat", ns=(1, 1))
    with pytest.raises(msio.ChangedError, match="ANTENNA"):
        array.compute(scheduler="synchronous")


@pytest.mark.parametrize("reference", ["selection", "concatenation", "selection of the concatenation"])
def test_tables_that_refer_to_others(own_ms, tmp_path, reference):
    ct = pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
    name, own = str(tmp_path / "reference.tab"), str(own_ms)
    source = own
    if "concatenation" in reference:
        source = str(tmp_path / "both.tab")
        with ct.table([str(shutil.copytree(own_ms, tmp_path / "second.ms")), own], ack=False) as both:
            both.rename(source)
    if "selection" in reference:
        ct.taql(f"select from {source} where ANTENNA1 != 2 giving {name}").close()
    else:
        name = source
    table = ct.table(name, ack=False)
    expected = table.getcol("DATA")
    table.close()
    array = msio.dask.columns(name, "DATA", 10)["DATA"]
    assert np.array_equal(array.compute(scheduler="synchronous"), expected)
    with ct.table(own, ack=False, readonly=False) as writer:
        writer.putcell("DATA", 0, writer.getcell("DATA", 0) + 1)
    with pytest.raises(msio.ChangedError, match="changed"):
        array.compute(scheduler="synchronous")


def test_two_worker_processes_one_of_which_dies(ms):
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    expected = msio.read(ms, "DATA")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster, \
            distributed.Client(cluster) as client:
        array = msio.dask.columns(ms, "DATA", 5)["DATA"]
        slow = array.map_blocks(_slowly, dtype=array.dtype)
        future = client.compute(slow)
        while sum(map(len, client.has_what().values())) < 3:
            time.sleep(0.01)
        assert not future.done()
        victim = next(iter(cluster.workers.values())).process.pid
        os.kill(victim, 9)
        assert np.array_equal(future.result(timeout=120), expected)


def _slowly(block):
    time.sleep(0.05)
    return block


# ---------------------------------------------------------------- arrays into columns

@pytest.fixture
def to_write(tmp_path):
    """A Measurement Set of several tiles, and a column in it that was never written."""
    path = simulate_ms(tmp_path / "write.ms", antennas=32, times=6, subbands=2, imaging_columns=True)
    msio.add_columns(path, "NEW", like="DATA", zeros=False)
    return path


def by_casacore(path, column):
    with pytest.importorskip("casacore.tables").table(path, ack=False) as table:
        return table.getcol(column)


@pytest.mark.parametrize("scheduler", ["threads", "synchronous", "processes"])
def test_store(to_write, scheduler):
    data, flags = msio.read(to_write, "DATA"), msio.read(to_write, "FLAG")
    arrays = msio.dask.columns(to_write, ["DATA", "FLAG"], 500)
    with dask.config.set(scheduler=scheduler):
        assert msio.dask.store([arrays["DATA"] * 2, arrays["DATA"].conj()], to_write, ["CORRECTED_DATA", "NEW"]) is None
        flipped = dask.array.from_array(~flags, chunks=(100, 7, 1))
        assert msio.dask.store(flipped, to_write, "FLAG", compute=False).compute() == len(flags)
    for column, wanted in (("CORRECTED_DATA", data * 2), ("NEW", data.conj()), ("FLAG", ~flags), ("DATA", data)):
        assert np.array_equal(by_casacore(to_write, column), wanted), column


def test_stores_chunks_are_whole_tiles(to_write):
    with msio.Table(to_write) as table:
        tile, rows = table.describe("MODEL_DATA")["tile"][0], table.nrows
    assert rows > 2 * tile
    for chunks in ((1,) * rows, (tile + 1, rows - tile - 1), (rows,), (tile, rows - tile)):
        sizes = msio.dask._tile_chunks(chunks, tile)
        assert sum(sizes) == rows and all(end % tile == 0 for end in np.cumsum(sizes)[:-1]), chunks
    assert msio.dask._tile_chunks((0,), tile) == (0,)


def test_stores_that_are_refused(to_write):
    arrays = msio.dask.columns(to_write, ["DATA", "CORRECTED_DATA", "TIME"])
    before = by_casacore(to_write, "CORRECTED_DATA")
    for wrong, column in ((arrays["DATA"][:5], "MODEL_DATA"), (arrays["DATA"][:, :2], "MODEL_DATA"), (arrays["TIME"], "FLAG"),
                          (arrays["CORRECTED_DATA"] + arrays["DATA"], "CORRECTED_DATA"),
                          ([arrays["DATA"]], ["MODEL_DATA", "NEW"]), ([arrays["DATA"]] * 2, ["NEW", "NEW"])):
        with pytest.raises(ValueError):
            msio.dask.store(wrong, to_write, column)
    with pytest.raises(TypeError):
        msio.dask.store(arrays["DATA"].astype("c16"), to_write, "MODEL_DATA")
    with pytest.raises(KeyError):
        msio.dask.store(arrays["DATA"], to_write, "NONE")
    assert np.array_equal(by_casacore(to_write, "CORRECTED_DATA"), before)
    arrays = msio.dask.columns(to_write, ["DATA"])
    msio.dask.store(arrays["DATA"].astype("c16") + 1, to_write, "MODEL_DATA", casting="same_kind", sync=True)
    assert np.array_equal(by_casacore(to_write, "MODEL_DATA"), msio.read(to_write, "DATA") + 1)
    with pytest.raises(msio.ChangedError):
        msio.dask.store(arrays["DATA"] * 2, to_write, "CORRECTED_DATA")


def test_a_store_sees_that_others_write(to_write):
    """Only files of the columns that it writes may change while it reads."""
    stored = msio.dask.store(msio.dask.columns(to_write, "DATA", 500)["DATA"] * 2, to_write, "NEW", compute=False)
    msio.fill(to_write, "UVW", 1)
    with pytest.raises(msio.ChangedError):
        stored.compute(scheduler="synchronous")


def _die_at_first(block, flag):
    """The process ends at the first block that comes here; dask calls this once with an empty one itself."""
    if not block.size:
        return block
    try:
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return block
    os.kill(os.getpid(), 9)


def test_a_pools_process_that_dies(to_write, tmp_path):
    """dask's pool of processes ends with it; the same call, made again, writes all."""
    def stored():
        array = msio.dask.columns(to_write, "DATA", 500)["DATA"] * 3
        msio.dask.store(array.map_blocks(_die_at_first, str(tmp_path / "died"), dtype=array.dtype), to_write, "NEW")
    with dask.config.set(scheduler="processes"):
        with pytest.raises(Exception, match="terminated abruptly"):
            stored()
        stored()
    assert np.array_equal(by_casacore(to_write, "NEW"), msio.read(to_write, "DATA") * 3)


def test_a_task_that_is_killed_while_it_writes_runs_again(to_write):
    """Killed at any moment; then the same rows are written once more, by whoever comes next."""
    program = ("import sys, numpy, msio.dask\n"
               "path, value = sys.argv[1], complex(sys.argv[2])\n"
               "block = numpy.full((3000, 48, 2), value, 'c8')\n"
               "print('ready', flush=True)\n"
               "msio.dask._write_rows(path, 'MODEL_DATA', 100, None, False, 60, block)\n")
    before = by_casacore(to_write, "MODEL_DATA")
    for value in range(1, 9):
        run = subprocess.Popen([sys.executable, "-c", program, to_write, str(value)], stdout=subprocess.PIPE)
        run.stdout.readline()
        time.sleep(0.002 * value)
        run.kill()
        run.communicate()
        msio.dask._write_rows(to_write, "MODEL_DATA", 100, None, False, 60, np.full((3000, 48, 2), value, "c8"))
        expected = before.copy()
        expected[100:3100] = value
        assert np.array_equal(by_casacore(to_write, "MODEL_DATA"), expected), value
        assert msio.repair(to_write) is None


def test_workers_one_of_which_dies_store_all(to_write, tmp_path):
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None) as cluster, \
            distributed.Client(cluster):
        array = msio.dask.columns(to_write, "DATA", 341)["DATA"] * 2
        dying = array.map_blocks(_die_at_first, str(tmp_path / "died"), dtype=array.dtype)
        msio.dask.store([dying, array + 1], to_write, ["NEW", "CORRECTED_DATA"])
    assert os.path.exists(tmp_path / "died")
    assert np.array_equal(by_casacore(to_write, "NEW"), msio.read(to_write, "DATA") * 2)
    assert np.array_equal(by_casacore(to_write, "CORRECTED_DATA"), msio.read(to_write, "DATA") * 2 + 1)
