"""Models, statistics and functions over blocks, against numpy over what python-casacore reads."""
import threading

import numpy as np
import pytest

import msio

ct = pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
LIGHT = 299792458.0
SKY = "Format = Name, Type, Ra, Dec, I, Q, ReferenceFrequency='1.4e9', SpectralIndex='[]'\na, POINT, 285.3deg, 16.2deg, 3, 0.5,, [-0.7]\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("visibilities")
    (folder / "sky.txt").write_text(SKY)
    try:
        msio.simulate_ms(folder / "a.ms", antennas=9, times=3, subbands=2, channels=12, imaging_columns=True,
                         sky=folder / "sky.txt", noise=0.5, gains=3)
    except msio.CasacoreError as error:
        pytest.skip(str(error))
    return folder


@pytest.fixture
def ms(made, tmp_path):
    import shutil
    return shutil.copytree(made / "a.ms", tmp_path / "a.ms")


@pytest.fixture
def sky(made):
    return made / "sky.txt"


def column(path, name):
    with ct.table(str(path), ack=False) as t:
        return t.getcol(name)


def expected(path):
    uvw, window, field = (column(path, name) for name in ("UVW", "DATA_DESC_ID", "FIELD_ID"))
    place, frequency = column(f"{path}::FIELD", "PHASE_DIR")[:, 0], column(f"{path}::SPECTRAL_WINDOW", "CHAN_FREQ")
    ra0, dec0 = place[field].T
    ra, dec = np.deg2rad(285.3), np.deg2rad(16.2)
    l = np.cos(dec) * np.sin(ra - ra0)
    m = np.sin(dec) * np.cos(dec0) - np.cos(dec) * np.sin(dec0) * np.cos(ra - ra0)
    delay = uvw[:, 0] * l + uvw[:, 1] * m + uvw[:, 2] * (np.sqrt(1 - l**2 - m**2) - 1)
    f = frequency[window]
    phase = np.exp(2j * np.pi * delay[:, None] * f / LIGHT)
    return np.stack([(3 * (f / 1.4e9)**-0.7 + q) * phase for q in (0.5, -0.5)], axis=-1)


def test_simulated_sky(made, ms):
    np.testing.assert_allclose(column(ms, "MODEL_DATA"), expected(ms), rtol=0, atol=4e-6)
    gains = np.load(made / "a.ms.gains.npy")
    assert gains.shape == (9, 2, 24)
    with pytest.raises(ValueError):
        msio.simulate_ms(made / "b.ms", gains=1)
    with pytest.raises(msio.FormatError, match="line 1"):
        (made / "bad.txt").write_text("a, POINT\n")
        msio.simulate_ms(made / "b.ms", sky=made / "bad.txt")


def test_simulated_sky_of_subbands(made, tmp_path):
    try:
        msio.simulate_uvh5(tmp_path / "g", antennas=4, times=2, subbands=2, channels=6, sky=made / "sky.txt", noise=0.1, gains=1)
    except msio.UnsupportedError as error:
        pytest.skip(str(error))
    loaded = msio.load(tmp_path / "g", missing="skip")
    assert np.isfinite(loaded.visdata).all() and np.abs(loaded.visdata).std() > 0 and not loaded.flags.any()
    assert np.load(tmp_path / "g.gains.npy").shape == (4, 2, 12)


def test_smearing_that_is_not_known(ms, sky):
    with pytest.raises(ValueError, match="frequency, time"):
        msio.model(ms, sky, smear="space")
    msio.model(ms, sky, column="OTHER_DATA", smear=("frequency", "time"))
    np.testing.assert_allclose(column(ms, "OTHER_DATA"), expected(ms), rtol=0, atol=0.1)
    assert np.abs(column(ms, "OTHER_DATA") - expected(ms)).max() > 1e-5


def test_model(ms, sky):
    assert msio.model(ms, sky, column="OTHER_DATA") == len(column(ms, "UVW"))
    want = expected(ms)
    np.testing.assert_allclose(column(ms, "OTHER_DATA"), want, rtol=0, atol=4e-6)
    before = column(ms, "CORRECTED_DATA")
    msio.model(ms, sky, column="CORRECTED_DATA", mode="subtract", threads=2)
    np.testing.assert_allclose(column(ms, "CORRECTED_DATA"), before - want, rtol=0, atol=4e-6)
    msio.model(ms, sky, column="CORRECTED_DATA", mode="add")
    np.testing.assert_allclose(column(ms, "CORRECTED_DATA"), before, rtol=0, atol=4e-6)


def test_model_errors(ms, sky, tmp_path):
    bad = tmp_path / "bad.txt"
    bad.write_text("Format = Type, Ra, Dec, I\nDISK, 1deg, 1deg, 1\n")
    with pytest.raises(msio.UnsupportedError, match="line 2, column 1"):
        msio.model(ms, bad)
    with pytest.raises(ValueError, match="replace, add, subtract"):
        msio.model(ms, sky, mode="divide")
    with pytest.raises(msio.ArgumentError, match="FLAG holds"):
        msio.model(ms, sky, column="FLAG")
    with pytest.raises(msio.NotFoundError):
        msio.model(ms, tmp_path / "none.txt")


def test_stats(ms):
    data, flag, one, two = (column(ms, name) for name in ("DATA", "FLAG", "ANTENNA1", "ANTENNA2"))
    msio.write(ms, "FLAG", np.arange(flag.size).reshape(flag.shape) % 5 == 0)
    flag, model = column(ms, "FLAG"), column(ms, "MODEL_DATA")
    found = msio.stats(ms, ["DATA", "MODEL_DATA"], by=["antenna", "channel", "time", "baseline"], chi2=("DATA", "MODEL_DATA"))
    good = data[~flag].astype(complex)
    v = found.columns["DATA"]
    assert v["count"] == good.size and v["nan"] == v["inf"] == 0 and found.rows == len(data)
    np.testing.assert_allclose([v["mean"], v["amplitude"], v["min"], v["max"]],
                               [good.mean(), np.abs(good).mean(), np.abs(good).min(), np.abs(good).max()], rtol=1e-7)
    np.testing.assert_allclose(v["median"], np.median(np.abs(good)), rtol=1.2e-3)
    weighted = column(ms, "WEIGHT_SPECTRUM") * np.abs(data.astype(complex) - model)**2
    np.testing.assert_allclose(found.chi2, weighted[~flag].sum(), rtol=1e-7)
    assert found.dof == 2 * int((~flag).sum()) and found.weights == "WEIGHT_SPECTRUM"
    antennas = found.by["antenna"]
    assert antennas["antenna"].tolist() == list(range(9))
    for entry in antennas:
        rows = (one == entry["antenna"]) | (two == entry["antenna"])
        mine = data[rows][~flag[rows]].astype(complex)
        assert entry["DATA"]["count"] == mine.size
        np.testing.assert_allclose(entry["DATA"]["rms"], np.sqrt((np.abs(mine)**2).mean()), rtol=1e-7)
        np.testing.assert_allclose(entry["chi2"], weighted[rows][~flag[rows]].sum(), rtol=1e-7)
    assert found.by["channel"].dtype.names[:2] == ("spw", "channel") and len(found.by["channel"]) == 24
    assert np.array_equal(found.by["time"]["time"], np.unique(column(ms, "TIME")))
    assert len(found.by["baseline"]) == 45 and "DATA" in repr(found)
    alone = msio.stats(ms, (), by="antenna", chi2=("DATA", "MODEL_DATA"))
    assert alone.columns == {} and (alone.dof, alone.by["antenna"]["dof"].sum()) == (found.dof, antennas["dof"].sum())
    np.testing.assert_allclose(alone.chi2, found.chi2, rtol=1e-9)
    without = msio.stats(ms, "DATA", medians=False).columns["DATA"]
    assert np.isnan(without["median"])
    np.testing.assert_allclose(without["rms"], v["rms"], rtol=1e-12)  # the blocks are others than with two columns
    plain = msio.stats(ms, "DATA")
    assert plain.chi2 is None and plain.dof is None and plain.by == {}


def test_stats_errors(ms):
    with pytest.raises(msio.ColumnError):
        msio.stats(ms, "NOTHING")
    with pytest.raises(ValueError, match="two columns"):
        msio.stats(ms, chi2="DATA")
    with pytest.raises(ValueError, match="colour"):
        msio.stats(ms, by="colour")
    with pytest.raises(ValueError):
        msio.stats(ms, [])


def test_copies_that_compute(ms):
    data, model, flag = (column(ms, name) for name in ("DATA", "MODEL_DATA", "FLAG"))
    told = msio.copy(ms, "DATA", "CORRECTED_DATA", minus="MODEL_DATA", stats=True)
    np.testing.assert_array_equal(column(ms, "CORRECTED_DATA"), data - model)
    good = (data - model)[~flag].astype(complex)
    np.testing.assert_allclose([told["count"], told["rms"], told["max"]],
                               [good.size, np.sqrt((np.abs(good)**2).mean()), np.abs(good).max()], rtol=1e-9)
    assert told.dtype == msio.stats(ms).columns["DATA"].dtype
    assert msio.copy(ms, "MODEL_DATA", "MODEL_DATA", scale=2 - 1j, rows=slice(3, 90, 4), chans=slice(2, 5), corrs=1) is None
    wanted = model.copy()
    wanted[3:90:4, 2:5, 1] = wanted[3:90:4, 2:5, 1].astype(complex) * (2 - 1j)
    np.testing.assert_array_equal(column(ms, "MODEL_DATA"), wanted)
    msio.copy(ms, "DATA", "CORRECTED_DATA", conjugate=True, threads=2, memory=1 << 20)
    np.testing.assert_array_equal(column(ms, "CORRECTED_DATA"), data.conj())
    msio.copy(ms, "DATA", "CORRECTED_DATA", rows=7, scale=3)
    np.testing.assert_array_equal(column(ms, "CORRECTED_DATA")[7], data[7] * np.float32(3))
    with pytest.raises(ValueError, match="plain copies"):
        msio.copy(ms, "DATA", "CORRECTED_DATA", scale=2, atomic=True)
    with pytest.raises(msio.ColumnError):
        msio.copy(ms, "DATA", "CORRECTED_DATA", minus="NOTHING")
    with pytest.raises(msio.ArgumentError, match="Complex or Float"):
        msio.copy(ms, "FLAG", "FLAG", scale=2)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("block", [1, 50_000, 4 << 20])
def test_map(ms, threads, block):
    data, model = column(ms, "DATA"), column(ms, "MODEL_DATA")
    how = {"threads": threads, "block": block, "memory": 1 << 20}
    msio.map(ms, ["DATA", "MODEL_DATA"], "CORRECTED_DATA", lambda a, b: a - b, **how)
    np.testing.assert_array_equal(column(ms, "CORRECTED_DATA"), data - model)
    assert sum(msio.map(ms, "FLAG", (), lambda flag: flag.size, **how)) == data.size
    parts = msio.map(ms, ["DATA", "TIME"], (), lambda a, t: a[:, 0, 0], **how)
    np.testing.assert_array_equal(np.concatenate(parts), data[:, 0, 0])
    flag, weight = np.abs(data) > 3, column(ms, "WEIGHT_SPECTRUM")
    msio.map(ms, "DATA", ("FLAG", "WEIGHT_SPECTRUM"), lambda a: (np.abs(a) > 3, np.ones(a.shape, "f4")), rows=slice(0, 40), **how)
    np.testing.assert_array_equal(column(ms, "FLAG")[:40], flag[:40])
    np.testing.assert_array_equal(column(ms, "WEIGHT_SPECTRUM")[40:], weight[40:])
    assert msio.map(ms, "DATA", (), len, rows=[5, 3], **how) in ([2], [1, 1])


def test_map_errors(ms):
    before = column(ms, "CORRECTED_DATA")

    def fail(a):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        msio.map(ms, "DATA", (), fail)
    with pytest.raises(ValueError, match="another shape"):
        msio.map(ms, "DATA", "CORRECTED_DATA", lambda a: a[:, :1])
    with pytest.raises(TypeError, match="does not fit"):
        msio.map(ms, "DATA", "FLAG", lambda a: a)
    with pytest.raises(TypeError, match="tuple of 2"):
        msio.map(ms, "DATA", ("CORRECTED_DATA", "MODEL_DATA"), lambda a: a)
    kept = []
    with pytest.raises(ValueError, match="keep a copy"):
        msio.map(ms, "DATA", (), lambda a: kept.append(a[1:]))
    with pytest.raises(ValueError, match="read-only"):
        msio.map(ms, "DATA", (), lambda a: a.fill(0))
    with pytest.raises(TypeError):
        msio.map(ms, "DATA", (), 7)
    with pytest.raises(msio.ColumnError):
        msio.map(ms, "NOTHING", (), len)
    np.testing.assert_array_equal(column(ms, "CORRECTED_DATA"), before)


def test_map_from_several_threads(ms):
    results = []
    threads = [threading.Thread(target=lambda: results.append(sum(msio.map(ms, "DATA", (), len, block=20_000))))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [270] * 4
