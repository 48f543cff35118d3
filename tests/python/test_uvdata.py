"""read_uvdata: pyuvdata's own read of the files, and their combination along frequency, are the oracle."""
import shutil
import warnings

import h5py
import numpy as np
import pytest

import msio
from conftest import DATA

pyuvdata = pytest.importorskip("pyuvdata", reason="pyuvdata is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")


def by_pyuvdata(paths):
    read = []
    for path in paths:
        one = pyuvdata.UVData()
        one.read(str(path), file_type="uvh5", run_check=False)
        one.uvw_array = one.uvw_array.astype(np.float64)
        read.append(one)
    return read[0].fast_concat(read[1:], "freq", run_check=False) if len(read) > 1 else read[0]


def assert_same(ours, expected):
    for name in expected:
        a, b = getattr(ours, name), getattr(expected, name)
        assert a == b and (a.required, a.form) == (b.required, b.form), name
    for name in ("data_array", "flag_array", "nsample_array", "uvw_array", "time_array", "freq_array",
                 "flex_spw_id_array"):
        a, b = getattr(ours, name), getattr(expected, name)
        assert a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True), name
    assert ours.history == expected.history and ours.filename == expected.filename
    assert ours.extra_keywords == expected.extra_keywords
    assert ours.phase_center_catalog == expected.phase_center_catalog
    assert ours == expected


@pytest.fixture
def paths(tmp_path):
    msio.simulate_uvh5(tmp_path / "group", antennas=4, times=3, subbands=3, channels=6)
    return msio.groups(tmp_path / "group", subbands=3)[0].paths


@pytest.fixture
def whole_metadata(monkeypatch):
    """Counts the files whose metadata or data pyuvdata reads."""
    seen, read = [], pyuvdata.UVData.read

    def counted(self, path, **how):
        seen.append(how.get("read_data", True))
        return read(self, path, **how)
    monkeypatch.setattr(pyuvdata.UVData, "read", counted)
    return seen


def change(path, name, value):
    with h5py.File(path, "r+") as file:
        if name in file:
            del file[name]
        file[name] = value


def split(source, folder, parts):
    """Writes a file's channels to several files, by pyuvdata."""
    whole, made = pyuvdata.UVData(), []
    whole.read(str(source), file_type="uvh5", run_check=False)
    for number, channels in enumerate(np.array_split(np.arange(whole.Nfreqs), parts)):
        made.append(str(folder / f"part{number}.uvh5"))
        whole.select(freq_chans=channels, inplace=False, run_check=False).write_uvh5(made[-1], run_check=False)
    return made


def test_a_group_needs_one_files_metadata(paths, whole_metadata):
    expected = by_pyuvdata(paths)
    whole_metadata.clear()
    ours = msio.read_uvdata(paths)
    assert whole_metadata == [False]
    assert_same(ours, expected)
    assert ours.Nfreqs == 18 and np.all(np.diff(ours.freq_array) < 0)


def test_a_group_and_a_folder(paths, tmp_path):
    expected = by_pyuvdata(paths)
    assert_same(msio.read_uvdata(tmp_path / "group", expected=3), expected)
    assert_same(msio.read_uvdata(msio.groups(tmp_path / "group", subbands=3)[0], threads=1), expected)


def test_ascending(paths):
    expected = by_pyuvdata(paths)
    expected.reorder_freqs(channel_order="freq", run_check=False)
    ours = msio.read_uvdata(paths, ascending=True)
    assert_same(ours, expected)
    assert ours.data_array.flags.c_contiguous


@pytest.mark.parametrize("order", [[2, 0, 1], [2, 1, 0], [1], [0, 2]])
def test_files_in_any_order(paths, order):
    wanted = [paths[i] for i in order]
    assert_same(msio.read_uvdata(wanted), by_pyuvdata(wanted))


@pytest.mark.parametrize("name", ["ata_v1_2.uvh5", "hera_int32.uvh5", "hera_old_layout.uvh5"])
@pytest.mark.parametrize("parts", [1, 3])
def test_real_files(name, parts, tmp_path):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    paths = [str(path)] if parts == 1 else split(path, tmp_path, parts)
    expected = by_pyuvdata(paths)
    assert_same(msio.read_uvdata(paths), expected)
    expected.reorder_freqs(channel_order="freq", run_check=False)
    assert_same(msio.read_uvdata(paths, ascending=True), expected)


def test_histories_and_keywords_that_differ(paths, whole_metadata):
    for number, path in enumerate(paths):
        change(path, "Header/history", f"observed by hand number {number}, then copied")
        change(path, "Header/extra_keywords/number", number)
    expected = by_pyuvdata(paths)
    whole_metadata.clear()
    assert_same(msio.read_uvdata(paths), expected)
    assert whole_metadata == [False]


def test_widths_of_each_channel(paths):
    for number, path in enumerate(paths):
        change(path, "Header/channel_width", np.full(6, 1e5 + number))
    assert_same(msio.read_uvdata(paths), by_pyuvdata(paths))


def test_headers_that_differ_are_pyuvdatas_matter(paths, whole_metadata):
    change(paths[1], "Header/dut1", 0.25)
    expected = by_pyuvdata(paths)
    whole_metadata.clear()
    assert_same(msio.read_uvdata(paths), expected)
    assert whole_metadata == [False] * 4
    change(paths[1], "Header/instrument", "another")
    for read in (by_pyuvdata, msio.read_uvdata):
        with pytest.raises(ValueError, match="instrument"):
            read(paths)


def test_uvw_that_differ_are_pyuvdatas_matter(paths):
    with h5py.File(paths[2], "r+") as file:
        file["Header/uvw_array"][0, 0] += 1e-7
    assert_same(msio.read_uvdata(paths), by_pyuvdata(paths))
    with h5py.File(paths[2], "r+") as file:
        file["Header/uvw_array"][:, 0] += 100
    for read in (by_pyuvdata, msio.read_uvdata):
        with pytest.raises(ValueError, match="uvw_array"):
            read(paths)


def test_rows_in_another_order_are_refused_as_by_pyuvdata(paths):
    with h5py.File(paths[1], "r+") as file:
        for name in ("ant_1_array", "ant_2_array", "uvw_array", "time_array"):
            file["Header/" + name][...] = file["Header/" + name][()][::-1]
    for read in (by_pyuvdata, msio.read_uvdata):
        with pytest.raises(ValueError):
            read(paths)


def test_files_that_msio_does_not_put_together_are_pyuvdatas_matter(paths):
    assert_same(msio.read_uvdata([paths[0], paths[1], paths[1]]), by_pyuvdata([paths[0], paths[1], paths[1]]))
    with h5py.File(paths[0], "r+") as file:
        del file["Header/extra_keywords"]
    assert_same(msio.read_uvdata(paths), by_pyuvdata(paths))
    expected = by_pyuvdata(paths)
    expected.reorder_freqs(channel_order="freq", run_check=False)
    assert_same(msio.read_uvdata(paths, ascending=True), expected)


def test_times_that_differ_a_little_are_pyuvdatas_matter(paths):
    """Sidereal times, which pyuvdata makes of them, are allowed less than they are."""
    with h5py.File(paths[1], "r+") as file:
        file["Header/time_array"][...] += 1e-9
    for read in (by_pyuvdata, msio.read_uvdata):
        with pytest.raises(ValueError, match="lst_array"):
            read(paths)


@pytest.mark.parametrize("number, name", [(1, "object_name"), (0, "antenna_diameters"), (1, "antenna_diameters")])
def test_a_header_that_lacks_something(paths, number, name):
    with h5py.File(paths[number], "r+") as file:
        del file["Header/" + name]
    assert_same(msio.read_uvdata(paths), by_pyuvdata(paths))


def test_several_windows(paths, tmp_path):
    made = []
    for number, path in enumerate(paths):
        one = pyuvdata.UVData()
        one.read(path, file_type="uvh5", run_check=False)
        one.uvw_array = one.uvw_array.astype(np.float64)
        one.flex_spw_id_array = np.array([2 * number] * 4 + [2 * number + 1] * 2)
        one.spw_array = np.array([2 * number, 2 * number + 1])
        one.Nspws = 2
        made.append(str(tmp_path / f"windows{number}.uvh5"))
        one.write_uvh5(made[-1], run_check=False)
    expected = by_pyuvdata(made)
    assert expected.Nspws == 6
    assert_same(msio.read_uvdata(made), expected)


def test_old_phasing_is_pyuvdatas_matter(paths, whole_metadata):
    for path in paths:
        for name, value in (("phase_type", "phased"), ("phase_center_ra", 1.2), ("phase_center_dec", 0.3),
                            ("phase_center_epoch", 2000.0), ("phase_center_frame", "icrs")):
            change(path, "Header/" + name, value)
    expected = by_pyuvdata(paths)
    whole_metadata.clear()
    assert_same(msio.read_uvdata(paths), expected)
    assert True in whole_metadata


def test_samples_of_double_precision_are_pyuvdatas_matter(paths):
    for path in paths:
        with h5py.File(path, "r+") as file:
            samples = file["Data/nsamples"][()]
            del file["Data/nsamples"]
            file["Data/nsamples"] = samples.astype(np.float64)
    ours = msio.read_uvdata(paths)
    assert ours.nsample_array.dtype == np.float64
    assert_same(ours, by_pyuvdata(paths))


def test_the_object_is_whole(paths, tmp_path):
    """What a pipeline does next: checks, phases, writes, reads again."""
    ours, expected = msio.read_uvdata(paths), by_pyuvdata(paths)
    for one, path in ((ours, tmp_path / "ours.uvh5"), (expected, tmp_path / "expected.uvh5")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert one.check()
            one.phase(lon=1.0, lat=0.5, phase_frame="icrs", cat_name="somewhere")
            one.write_uvh5(str(path))
    shutil.rmtree(tmp_path / "group")
    assert_same(ours, expected)
    again, other = by_pyuvdata([tmp_path / "ours.uvh5"]), by_pyuvdata([tmp_path / "expected.uvh5"])
    assert np.array_equal(again.data_array, other.data_array) and np.array_equal(again.uvw_array, other.uvw_array)


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        msio.read_uvdata(tmp_path / "none.uvh5")
