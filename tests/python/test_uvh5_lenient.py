"""UVH5 headers and data by other writers, their fields of other types than the memo's: pyuvdata is the oracle of what is
taken, and as what."""
import json
import pathlib
import shutil
import subprocess
import warnings

import h5py
import numpy as np
import pytest

import msio

pyuvdata = pytest.importorskip("pyuvdata")
MSIO = pathlib.Path(msio.__file__).parent / "msio"  # the command
LONG = h5py.string_dtype("utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lenient") / "made"
    msio.simulate_uvh5(folder, antennas=3, times=2, subbands=1, channels=4)
    return next(folder.iterdir())


@pytest.fixture
def path(made, tmp_path):
    return shutil.copy(made, tmp_path / "other.uvh5")


def put(path, name, value, dtype=None):
    with h5py.File(path, "r+") as file:
        if name in file:
            del file[name]
        if value is not None:
            file.create_dataset(name, data=value, dtype=dtype)


def get(path, name):
    with h5py.File(path) as file:
        return file[name][()]


def by_pyuvdata(path, **how):
    made = pyuvdata.UVData()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.read(path, file_type="uvh5", run_check=False, run_check_acceptability=False, fix_autos=False, **how)
    return made


def as_array(kind):
    return lambda value: np.asarray(value)[None].astype(kind)


def load(what, *arrays, **how):
    return msio.load(what, *arrays, channel_order="stored", **how)


# Numbers, whole ones: (name in the file, attribute of UVData).
COUNTS = ("Nblts", "Ntimes", "Nbls", "Nfreqs", "Npols", "Nspws", "Nants_data")
AS_NUMBER = {"int8": np.int8, "int64": np.int64, "uint16": np.uint16, "float32": np.float32, "float64": np.float64,
             "big-endian": lambda v: np.asarray(v).astype(">i4"), "array": as_array(np.int64),
             "array of floats": as_array(np.float32)}
AS_TEXT = {"bytes": lambda v: np.bytes_(str(v)), "str": lambda v: str(v), "padded": lambda v: np.bytes_(f" {v} ")}


@pytest.mark.parametrize("kind", [*AS_NUMBER, *AS_TEXT])
@pytest.mark.parametrize("name", COUNTS)
def test_sizes(path, name, kind):
    value = int(get(path, "Header/" + name))
    put(path, "Header/" + name, {**AS_NUMBER, **AS_TEXT}[kind](value))
    assert getattr(by_pyuvdata(path), name) == value
    loaded = load(path)
    assert loaded.shape == (int(get(path, "Header/Nblts")), int(get(path, "Header/Nfreqs")),
                            int(get(path, "Header/Npols")))


@pytest.mark.parametrize("kind", ["float32", "float64", "array of floats", *AS_TEXT])
@pytest.mark.parametrize("name", ["dut1", "earth_omega", "gst0"])
def test_numbers(path, name, kind):
    put(path, "Header/" + name, {**AS_NUMBER, **AS_TEXT}[kind](1.5))
    assert getattr(by_pyuvdata(path), name) == 1.5
    found = json.loads(subprocess.run([MSIO, "info", path, "--json"], capture_output=True, check=True).stdout)
    assert found and load(path).rows


@pytest.mark.parametrize("value", [1.0, 1.2, np.float32(1.1), 1, np.array([1.0]), np.bytes_("1.0"), "1.2",
                                   np.array([b"1.1"])])
def test_version(path, value):
    """pyuvdata looks at none."""
    put(path, "Header/version", value)
    theirs = by_pyuvdata(path)
    assert np.array_equal(load(path).visdata, theirs.data_array)


NAMES = [np.arange(3), np.arange(3.0) + .5, np.arange(3, dtype="u1"), np.array([1e5, 1e-5, 12345678.9]),
         np.array([1.1, 2.2, 1e20], "f4"), np.array([True, False, True]), np.array([b"a", b"bb", b"ccc"]),
         np.array([b"a b", b" b", b""])]


@pytest.mark.parametrize("names", NAMES, ids=[str(names.dtype) + str(i) for i, names in enumerate(NAMES)])
def test_antenna_names(path, names):
    antennas = len(get(path, "Header/antenna_numbers"))
    put(path, "Header/antenna_names", np.resize(names, antennas))
    theirs = by_pyuvdata(path).telescope.antenna_names
    assert [antenna[1] for antenna in load(path).antennas] == list(theirs)


@pytest.mark.parametrize("name", ["é", "ant1", "北", "x" * 200])
@pytest.mark.parametrize("kind", ["variable", "variable ascii", "fixed"])
def test_antenna_names_of_every_string_type(path, name, kind):
    antennas = len(get(path, "Header/antenna_numbers"))
    names = [name + str(i) for i in range(antennas)]
    if kind == "fixed":
        put(path, "Header/antenna_names", np.array([text.encode() for text in names]))
    elif kind == "variable" or name.isascii():
        put(path, "Header/antenna_names", names, dtype=LONG if kind == "variable" else h5py.string_dtype("ascii"))
    if kind == "fixed" or name.isascii():  # other ones pyuvdata refuses
        assert list(by_pyuvdata(path).telescope.antenna_names) == [antenna[1] for antenna in load(path).antennas]
    if kind != "variable ascii" or name.isascii():
        assert [antenna[1] for antenna in load(path).antennas] == names


@pytest.mark.parametrize("value", [True, False, 0, 1, 2, -1, 1.0, np.bytes_("False"), np.bytes_("True"), "true", "no",
                                   "maybe", np.array([True]), np.array([0]), np.uint8(255)])
@pytest.mark.parametrize("name", ["flex_spw", "blts_are_rectangular", "time_axis_faster_than_bls", "multi_phase_center"])
def test_truths(path, name, value):
    put(path, "Header/" + name, value)
    if name == "flex_spw":
        put(path, "Header/flex_spw_id_array", np.full(int(get(path, "Header/Nfreqs")), get(path, "Header/spw_array")[0]))
    assert np.array_equal(load(path).visdata, by_pyuvdata(path).data_array)


@pytest.mark.parametrize("name", ["telescope_name", "instrument", "history", "phase_type"])
@pytest.mark.parametrize("store", [np.bytes_, str, lambda text: np.frombuffer(text.encode(), "u1"),
                                   lambda text: np.array([text.encode()])], ids=["fixed", "variable", "uint8", "array"])
def test_texts(path, name, store):
    put(path, "Header/" + name, store("drift"))
    theirs = by_pyuvdata(path)
    ours = load(path)
    assert np.array_equal(ours.visdata, theirs.data_array)
    if name == "phase_type":
        assert ours.phase_type == "drift"


@pytest.mark.parametrize("name, convert", [
    ("freq_array", lambda v: v.astype("f4")), ("spw_array", lambda v: v.astype("f8")),
    ("polarization_array", lambda v: v.astype("f4")), ("polarization_array", lambda v: v.astype(">i2")),
    ("antenna_numbers", lambda v: v.astype("f8")), ("antenna_numbers", lambda v: v.astype("u1")),
    ("channel_width", lambda v: np.float32(np.ravel(v)[0])), ("channel_width", lambda v: int(np.ravel(v)[0])),
    ("antenna_positions", lambda v: v.astype("f4")), ("time_array", lambda v: v.astype(">f8")),
    ("ant_1_array", lambda v: v.astype("f8")), ("ant_2_array", lambda v: v.astype("u1")),
    ("integration_time", lambda v: np.zeros(12) + np.ravel(v)[0])])
def test_arrays_of_other_types(path, name, convert):
    put(path, "Header/" + name, convert(get(path, "Header/" + name)))
    theirs, ours = by_pyuvdata(path, read_data=False), load(path)
    assert np.array_equal(ours.frequencies, theirs.freq_array)
    assert np.array_equal(ours.polarizations, theirs.polarization_array)
    assert np.array_equal([antenna[0] for antenna in ours.antennas], theirs.telescope.antenna_numbers)
    assert np.array_equal([antenna[2] for antenna in ours.antennas], theirs.telescope.antenna_positions)
    assert np.array_equal(ours.antenna1, theirs.ant_1_array) and np.array_equal(ours.antenna2, theirs.ant_2_array)
    assert np.array_equal(ours.integration_times, theirs.integration_time)


@pytest.mark.parametrize("place", [(-2409150.4, -4478573.1, 3838617.3), (5109325.2, 2006719.9, -3238887.6),
                                   (6378137.0, 0, 0), (0, 10., 6356852.3)])
def test_telescope_location(path, place):
    """ITRF in the place of latitude, longitude, altitude."""
    for name in ("latitude", "longitude", "altitude"):
        put(path, "Header/" + name, None)
    put(path, "Header/telescope_location", np.array(place))
    location = by_pyuvdata(path, read_data=False).telescope.location
    run = subprocess.run([MSIO, "info", path, "--json"], capture_output=True, check=True)
    found = json.loads(run.stdout)["telescope"]
    assert abs(found["latitude"] - location.lat.deg) < 1e-10 and abs(found["longitude"] - location.lon.deg) < 1e-10
    assert abs(found["altitude"] - location.height.to_value("m")) < 1e-3  # beside the pole pyuvdata is 0.3 mm off


# ---------------------------------------------------------------- the data's types

@pytest.mark.parametrize("part", ["i1", "u1", "<i2", ">i2", "<i4", "<i8", "<f2", "<f4", "<f8"])
def test_visdata_of_every_type(path, part, tmp_path):
    value = get(path, "Data/visdata")
    stored = np.zeros(value.shape, [("r", part), ("i", part)])
    stored["r"], stored["i"] = np.abs(value.real) % 100, np.abs(value.imag) % 100
    put(path, "Data/visdata", stored)
    theirs = by_pyuvdata(path).data_array
    kind = theirs.dtype.newbyteorder("=")
    ours = load(path).visdata
    assert ours.dtype == kind and np.array_equal(ours, theirs)
    assert msio.read_uvdata(path).data_array.dtype == kind
    with msio.load_stream(path, rows_per_batch=5, channel_order="stored") as batches:
        assert np.array_equal(np.concatenate([batch.visdata for batch in batches]), theirs)
    raw = msio.read(path, "Data/visdata")
    assert raw.dtype == kind and np.array_equal(raw.reshape(theirs.shape), theirs)
    subprocess.run([MSIO, "load", path, "--what", "visdata", "--out", tmp_path / "x.npy"], check=True)
    subprocess.run([MSIO, "load", path, "--out", tmp_path / "x.h5"], check=True)
    written = np.load(tmp_path / "x.npy"), h5py.File(tmp_path / "x.h5")["visdata"][()]
    assert all(array.dtype == kind and np.array_equal(array[:, ::-1], theirs) for array in written)


@pytest.mark.parametrize("kind", ["f2", "f4", ">f2"])
def test_nsamples(path, kind):
    put(path, "Data/nsamples", get(path, "Data/nsamples").astype(kind))
    theirs = by_pyuvdata(path).nsample_array
    for ours in (load(path).nsamples, msio.read_uvdata(path).nsample_array,
                 np.concatenate([batch.nsamples for batch in msio.load_stream(path, rows_per_batch=5, channel_order="stored")])):
        assert ours.dtype == theirs.dtype.newbyteorder("=") and np.array_equal(ours, theirs)
    assert load(path, "flags").nsamples is None


def test_nsamples_of_several_types(made, tmp_path):
    msio.simulate_uvh5(tmp_path / "g", antennas=3, times=2, subbands=2, channels=4)
    paths = sorted((tmp_path / "g").iterdir())
    put(paths[0], "Data/nsamples", get(paths[0], "Data/nsamples").astype("f2"))
    assert load(paths).nsamples.dtype == np.float32
    put(paths[1], "Data/nsamples", get(paths[1], "Data/nsamples").astype("f2"))
    assert load(paths).nsamples.dtype == np.float16
    out = np.empty(load(paths, ()).shape, "f4")
    assert load(paths, "nsamples", out={"nsamples": out}).nsamples is out and out.min() >= 0


@pytest.mark.parametrize("kind", ["f8", "i4", "u1"])
def test_other_nsamples_are_rounded_to_floats(path, kind):
    put(path, "Data/nsamples", get(path, "Data/nsamples").astype(kind))
    theirs = by_pyuvdata(path).nsample_array
    ours = load(path).nsamples
    assert ours.dtype == np.float32 and np.array_equal(ours, theirs.astype("f4"))
    assert msio.read(path, "Data/nsamples").dtype == theirs.dtype
