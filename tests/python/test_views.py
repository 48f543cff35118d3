"""msio.read(..., copy=False): arrays over the file's own pages. python-casacore, h5py and numpy are the oracles."""
import gc
import os
import subprocess
import sys
import time
import warnings

import h5py
import numpy as np
import pytest

import msio
from conftest import DATA

PARTS = [{}, {"rows": slice(3, 60, 7)}, {"rows": 5}, {"rows": -1, "chans": slice(1, 4)}, {"rows": slice(10, 40)},
         {"chans": slice(2, 7, 2)}, {"corrs": 1}, {"chans": 3, "corrs": slice(0, 1)}, {"rows": [4, 6, 8, 10]}]


@pytest.fixture(scope="module")
def data(simulated_ms, casacore_tables):
    table = casacore_tables.table(simulated_ms, ack=False)
    values = table.getcol("DATA")
    table.close()
    return values


@pytest.fixture
def dataset(tmp_path):
    """A file of one contiguous dataset of 8 MB, and its values."""
    values = np.random.default_rng(3).normal(size=(1024, 1024))
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        file["values"] = values
    return tmp_path / "plain.h5", values


def is_view(array):
    return isinstance(array.base, msio.View)


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_views_are_what_casacore_reads(simulated_ms, data, part):
    expected = data
    for axis, wanted in ((-2, part.get("chans")), (-1, part.get("corrs"))):
        wanted = slice(wanted, wanted + 1) if isinstance(wanted, int) else wanted
        if wanted is not None:
            expected = expected[(..., wanted) + (slice(None),) * (-1 - axis)]
    expected = expected[part.get("rows", slice(None))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        array = msio.read(simulated_ms, "DATA", copy=False, **part)
    assert is_view(array) and not array.flags.writeable
    assert array.dtype == expected.dtype and np.array_equal(array, expected)
    assert os.path.dirname(array.base.path) == os.path.realpath(simulated_ms) and array.base.offset >= 0
    assert array.base.check() is None
    with pytest.raises(ValueError):
        array[...] = 0


def test_private_views_change_in_memory(simulated_ms, data):
    array = msio.read(simulated_ms, "DATA", copy=False, private=True)
    assert is_view(array) and array.base.writable
    array *= 2
    assert np.array_equal(array, data * np.float32(2))
    assert np.array_equal(msio.read(simulated_ms, "DATA"), data)
    part = array[5:7]
    del array
    gc.collect()
    assert np.array_equal(part, data[5:7] * np.float32(2))  # the base lives as long as any view of it


@pytest.mark.parametrize("column, why", [("FLAG", "bits"), ("SCAN_NUMBER", "more than once|divides"), ("TIME", None)])
def test_what_cannot_be_shown_is_copied_and_says_so(simulated_ms, casacore_tables, column, why):
    with pytest.warns(msio.CopyWarning, match=why) as told:
        array = msio.read(simulated_ms, column, copy=False)
    assert [one.filename for one in told] == [__file__]
    table = casacore_tables.table(simulated_ms, ack=False)
    assert not is_view(array) and np.array_equal(array, table.getcol(column))
    table.close()


def test_cells_never_written_are_filled_in_a_copy(tmp_path, casacore_tables):
    ct = casacore_tables
    columns = [ct.makearrcoldesc("X", 0.0, ndim=1, valuetype="float", datamanagertype="TiledShapeStMan", datamanagergroup="x")]
    table = ct.table(str(tmp_path / "t.tab"), ct.maketabdesc(columns), nrow=3, ack=False)
    table.putcell("X", 1, np.arange(4, dtype="f4"))
    table.close()
    with pytest.warns(msio.CopyWarning, match="never written"):
        array = msio.read(tmp_path / "t.tab", "X", copy=False, fill=-1)
    assert np.array_equal(array, [[-1] * 4, range(4), [-1] * 4])


def test_mistakes_are_errors(simulated_ms, dataset):
    with pytest.raises(IndexError):
        msio.read(simulated_ms, "DATA", rows=10**9, copy=False)
    with pytest.raises(KeyError):
        msio.read(simulated_ms, "DATUM", copy=False)
    with pytest.raises(ValueError):
        msio.read(simulated_ms, "UVW", chans=1, copy=False)
    with pytest.raises(ValueError):
        msio.read(simulated_ms, "DATA", out=np.empty(3), copy=False)
    with pytest.raises(ValueError):
        msio.read(simulated_ms, "DATA", private=True)
    with pytest.raises(KeyError):
        msio.read(dataset[0], "nothing", copy=False)
    with pytest.raises(TypeError):
        msio.View()


def test_datasets(dataset, tmp_path):
    path, values = dataset
    array = msio.read(path, "values", copy=False)
    assert is_view(array) and np.array_equal(array, values)
    assert np.array_equal(msio.read(path, "values", rows=slice(2, 99, 5), corrs=slice(1, 30, 3), copy=False), values[2:99:5, 1:30:3])
    assert np.array_equal(msio.read(path, "values", rows=7, copy=False), values[7])
    with h5py.File(tmp_path / "packed.h5", "w") as file:
        file.create_dataset("values", data=values, chunks=(64, 64), compression="gzip")
        file["text"] = "word"
    with pytest.warns(msio.CopyWarning, match="filtered") as told:
        assert np.array_equal(msio.read(tmp_path / "packed.h5", "values", copy=False), values)
    assert [one.filename for one in told] == [__file__]
    with pytest.warns(msio.CopyWarning, match="strings"):
        assert msio.read(tmp_path / "packed.h5", "text", copy=False) == "word"


def test_nothing_is_read_or_allocated(dataset):
    path, values = dataset
    if not os.path.exists("/proc/self/io"):
        pytest.skip("no /proc/self/io here")

    def bytes_read():
        with open("/proc/self/io") as file:
            return int(file.readline().split()[1])
    msio.read(path, "values", copy=False)  # what is loaded once
    before = bytes_read()
    array = msio.read(path, "values", copy=False)
    assert bytes_read() - before < values.nbytes / 16
    assert array.sum() == values.sum()
    assert bytes_read() - before < values.nbytes / 16


def test_a_cut_file_warns_at_the_next_call(dataset, simulated_ms):
    path, values = dataset
    array = msio.read(path, "values", copy=False)
    os.truncate(path, array.base.offset + 100 * values.strides[0])
    assert np.array_equal(array[:99], values[:99]) and not array[200:].any()
    with pytest.warns(msio.ViewWarning, match="zeros"):
        msio.read(simulated_ms, "TIME")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        msio.read(simulated_ms, "TIME")  # once is enough
    with pytest.raises(OSError, match="zeros"):
        array.base.check()


def test_a_cut_file_warns_when_the_array_ends(dataset):
    path, _ = dataset
    array = msio.read(path, "values", copy=False, private=True)
    array[:] = 1
    os.truncate(path, 5000)
    assert not array[200:].any()
    with pytest.warns(msio.ViewWarning, match="zeros"):
        del array
        gc.collect()


def test_a_file_that_is_written_is_told(dataset):
    path, _ = dataset
    array = msio.read(path, "values", copy=False)
    time.sleep(0.02)  # longer than a tick of the file system's clock
    with open(path, "r+b") as file:
        file.seek(array.base.offset)
        file.write(b"\0" * 8)
    with pytest.raises(msio.ChangedError, match="written"):
        array.base.check()
    with pytest.warns(msio.ViewWarning, match="written"):
        del array
        gc.collect()


def test_views_end_with_the_program(dataset):
    program = "import msio, sys; a = msio.read(sys.argv[1], 'values', copy=False); keep = [a]; keep.append(keep); print(a.sum())"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program, dataset[0]], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and float(done.stdout) == dataset[1].sum()


@pytest.mark.parametrize("which", range(3))
def test_columns_of_real_sets(real_sets, casacore_tables, which):
    """Each column is shown, or copied with a reason; the values are casacore's."""
    if which >= len(real_sets):
        pytest.skip("there are fewer real sets here")
    table = casacore_tables.table(real_sets[which], ack=False)
    shown = 0
    for column in table.colnames():
        try:
            expected = table.getcol(column, 0, 5)
        except RuntimeError:
            continue  # cells without a value, or of several shapes
        if isinstance(expected, np.ndarray):
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                array = msio.read(real_sets[which], column, rows=slice(0, 5), copy=False)
            assert is_view(array) == (not told)
            assert np.array_equal(array, expected, equal_nan=array.dtype.kind in "fc")
            shown += is_view(array)
    table.close()
    assert shown > 0 or "_be" in real_sets[which]


@pytest.mark.parametrize("path", sorted(DATA.glob("*.uvh5")), ids=lambda path: path.name)
def test_datasets_of_real_files(path):
    with h5py.File(path) as file:
        names = []
        file["Data"].visititems(lambda name, item: names.append(f"Data/{name}") if isinstance(item, h5py.Dataset) else None)
        names += [f"Header/{name}" for name, item in file["Header"].items()
                  if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu"]
        shown = 0
        for name in names:
            expected = file[name][()]
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                array = msio.read(path, name, copy=False)
            assert is_view(array) == (not told)
            if expected.dtype.names is None:
                assert np.array_equal(array, expected, equal_nan=expected.dtype.kind in "fc")
            shown += is_view(array)
    assert shown > 0
