"""Files with flexible polarizations, a spectral window a polarization: loaded as pyuvdata reads them."""
import json
import pathlib
import subprocess
import warnings

import h5py
import numpy as np
import pytest

import msio

pyuvdata = pytest.importorskip("pyuvdata")
MSIO = pathlib.Path(msio.__file__).parent / "msio"  # the command


def band(first, channels=4, width=1e5):
    return first + width * np.arange(channels)


def write(path, template, windows, order=None):
    """windows: (number, polarization, frequencies), stored one after the other; order: of all their channels."""
    rng = np.random.default_rng(7)
    freq = np.concatenate([w[2] for w in windows])
    ids = np.concatenate([np.full(len(w[2]), w[0]) for w in windows])
    if order is not None:
        freq, ids = freq[order], ids[order]
    n = len(freq)
    with h5py.File(template) as source, h5py.File(path, "w") as made:
        source.copy("Header", made)
        header, rows = made["Header"], len(source["Header/time_array"])
        uvw = header["uvw_array"][()].astype("f8")
        del header["uvw_array"]
        header["uvw_array"] = uvw
        values = dict(freq_array=freq, channel_width=np.full(n, 1e5), Nfreqs=n, Npols=1, Nspws=len(windows),
                      spw_array=np.array([w[0] for w in windows]), flex_spw=True, flex_spw_id_array=ids,
                      flex_spw_polarization_array=np.array([w[1] for w in windows]),
                      polarization_array=np.array([0]), version=np.bytes_("1.0"))
        for name, value in values.items():
            if name in header:
                del header[name]
            header[name] = value
        data, shape = made.create_group("Data"), (rows, n, 1)
        data["visdata"] = (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype("c8")
        data["flags"] = rng.random(shape) < 0.3
        data["nsamples"] = rng.random(shape).astype("f4")
    return path


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flex") / "made"
    msio.simulate_uvh5(folder, antennas=3, times=2, subbands=1, channels=4)
    return next(folder.iterdir())


A, B, C = band(1e8), band(2e8, 3), band(3e8, 5)
CASES = {
    "two polarizations": [(1, -5, A), (2, -6, A)],
    "four polarizations": [(i, -5 - i, A) for i in range(4)],
    "in an odd order": [(i, p, A) for i, p in enumerate((-7, -5, -8, -6))],
    "Stokes": [(i, p, A) for i, p in enumerate((3, 1, 2))],
    "two bands": [(1, -5, A), (2, -5, B), (3, -6, A), (4, -6, B)],
    "polarizations within bands": [(1, -6, A), (2, -5, A), (3, -6, B), (4, -5, B)],
    "bands in other orders": [(1, -5, B), (2, -5, A), (3, -6, A), (4, -6, B)],
    "three bands of four": [(10 * b + p, -5 - p, f) for p in range(4) for b, f in enumerate((C, A, B))],
    "descending": [(1, -5, A[::-1]), (2, -6, A[::-1])],
    "other ways round": [(1, -5, A[::-1]), (2, -6, A)],
    "channels of any order": [(1, -5, C[[3, 0, 4, 1, 2]]), (2, -6, C[[1, 0, 2, 4, 3]])],
    "one polarization": [(1, -6, A), (2, -6, B)],
    "one window": [(3, -7, A)],
}


def by_pyuvdata(path):
    made = pyuvdata.UVData()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.read(path, file_type="uvh5", run_check=False, fix_autos=False)
    return made


def check(path):
    expected = by_pyuvdata(path)
    pols = list(expected.polarization_array)
    channels = np.argsort(expected.freq_array, kind="stable")
    got = msio.load([path], ("visdata", "flags", "nsamples"))
    arrays = zip((got.visdata, got.flags, got.nsamples),
                 (expected.data_array, expected.flag_array, expected.nsample_array))
    assert sorted(got.polarizations) == sorted(pols)
    places = [pols.index(p) for p in got.polarizations]
    np.testing.assert_array_equal(got.frequencies, expected.freq_array[channels])
    for mine, theirs in arrays:
        np.testing.assert_array_equal(mine, theirs[:, channels][:, :, places])
    return got, expected


@pytest.mark.parametrize("windows", CASES.values(), ids=CASES)
def test_values(windows, template, tmp_path):
    got, expected = check(write(tmp_path / "f.uvh5", template, windows))
    assert list(got.polarizations) == list(expected.polarization_array)


@pytest.mark.parametrize("seed", range(8))
def test_channels_of_windows_anywhere(seed, template, tmp_path):
    windows = [(p * 10 + b, -5 - p, f) for p in range(4) for b, f in enumerate((A, C))]
    order = np.random.default_rng(seed).permutation(4 * (len(A) + len(C)))
    check(write(tmp_path / "f.uvh5", template, windows, order))


@pytest.mark.parametrize("name", ["two bands", "other ways round", "channels of any order", "three bands of four"])
def test_selections(name, template, tmp_path):
    path = write(tmp_path / "f.uvh5", template, CASES[name])
    whole = msio.load([path], "visdata")
    some = msio.load([path], "visdata", rows=slice(1, 5), corrs=slice(1, None))
    np.testing.assert_array_equal(some.visdata, whole.visdata[1:5, :, 1:])
    last = msio.load([path], "visdata", rows=-1, corrs=-1)
    np.testing.assert_array_equal(last.visdata, whole.visdata[-1:, :, -1:])


@pytest.mark.parametrize("windows, said", [
    ([(1, -5, A), (2, -6, A), (3, -5, B)], "no window of polarization -6"),
    ([(1, -5, A), (2, -6, band(1.00001e8))], "no window of polarization -6"),
    ([(1, -5, A), (2, -5, A), (3, -6, A)], "several windows of polarization -5"),
], ids=["a band lacks one", "other frequencies", "one twice"])
def test_incomplete_bands_are_refused(windows, said, template, tmp_path):
    path = write(tmp_path / "f.uvh5", template, windows)
    with pytest.raises(msio.Error, match=said):
        msio.load([path])
    done = subprocess.run([MSIO, "load", path, "--check"], capture_output=True, text=True)
    assert done.returncode != 0 and said in done.stderr


def test_beside_a_file_of_the_usual_kind(template, tmp_path):
    one = write(tmp_path / "one.uvh5", template, [(1, -5, A), (2, -6, A)])
    two = write(tmp_path / "two.uvh5", template, [(1, -5, B), (2, -6, B)])
    got = msio.load([one, two], "visdata")
    expected = np.concatenate([by_pyuvdata(p).data_array for p in (one, two)], axis=1)
    np.testing.assert_array_equal(got.visdata, expected)


def test_information_tells_them(template, tmp_path):
    path = write(tmp_path / "f.uvh5", template, CASES["two bands"])
    told = subprocess.run([MSIO, "info", path, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(told.stdout)["flex_spw_polarization_array"] == [-5, -5, -6, -6]
    told = subprocess.run([MSIO, "info", path], capture_output=True, text=True, check=True)
    assert "XX XX YY YY (flexible: one a spectral window)" in told.stdout
