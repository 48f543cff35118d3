"""Whether subbands belong together: pyuvdata's UVData.__add__ is the oracle of what is put together, to its tolerances."""
import shutil
import warnings

import h5py
import numpy as np
import pytest

import msio

pyuvdata = pytest.importorskip("pyuvdata")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("agree") / "made"
    msio.simulate_uvh5(folder, antennas=4, times=3, subbands=2, channels=4)
    return folder


@pytest.fixture
def pair(made, tmp_path):
    """Two abutting subbands that a test may change: those of the second file are changed."""
    shutil.copytree(made, tmp_path / "own")
    paths = sorted(str(path) for path in (tmp_path / "own").iterdir())
    for path in paths:  # pyuvdata adds only doubles
        put(path, "uvw_array", get(path, "uvw_array").astype("f8"))
    return paths


def put(path, name, value):
    with h5py.File(path, "r+") as file:
        header = file["Header"]
        if name in header:
            del header[name]
        if value is not None:
            header[name] = value


def get(path, name):
    with h5py.File(path) as file:
        return file["Header/" + name][()]


def pyuvdata_takes(paths):
    quiet = dict(run_check=False, run_check_acceptability=False, fix_autos=False, check_extra=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, *others = (pyuvdata.UVData.from_file(path, file_type="uvh5", **quiet) for path in paths)
        try:
            for other in others:
                first.__iadd__(other, run_check=False, check_extra=False, run_check_acceptability=False)
        except ValueError as error:
            return str(error)
    return None


def harmful(paths, **how):
    return [difference for difference in msio.check(paths, **how) if not difference[3]]


def assert_as_pyuvdata(paths, field):
    """Both take them (field None), or both refuse them for that field."""
    refused, found = pyuvdata_takes(paths), harmful(paths)
    assert (refused is None) == (field is None), refused
    assert [difference[1] for difference in found] == ([field] if field else []), found
    if field:
        with pytest.raises(msio.Error, match=field) as told:
            msio.load(paths)
        assert paths[1] in str(told.value)
    else:
        msio.load(paths)


# ---------------------------------------------------------------- u, v, w

@pytest.mark.parametrize("metres, fits", [(0, True), (5e-4, True), (9.99e-4, True), (1.01e-3, False), (5, False)])
@pytest.mark.parametrize("axis", range(3))
def test_uvw_as_far_as_pyuvdata(pair, metres, fits, axis):
    uvw = get(pair[1], "uvw_array")
    uvw[7, axis] -= metres
    put(pair[1], "uvw_array", uvw)
    assert_as_pyuvdata(pair, None if fits else "uvw_array")


def test_uvw_says_which_row_is_farthest(pair):
    uvw = get(pair[1], "uvw_array")
    uvw[4, 1] += .25
    uvw[9, 2] -= 2
    put(pair[1], "uvw_array", uvw)
    (found,) = msio.check(pair)
    assert found[:2] == (pair[1], "uvw_array") and not found[3]
    for part in ("row 9 ", "by 2 m", "most of 2 rows", "0.001 m", "uvw_tolerance"):
        assert part in found[2], found[2]
    ants = get(pair[1], "ant_1_array")[9], get(pair[1], "ant_2_array")[9]
    assert f"antennas {ants[0]} and {ants[1]}" in found[2]


def test_uvw_is_taken_where_that_is_asked_for(pair):
    uvw = get(pair[1], "uvw_array")
    put(pair[1], "uvw_array", uvw + 5)
    with pytest.raises(ValueError, match="uvw_array"):
        msio.load(pair)
    with pytest.raises(ValueError, match="uvw_array"):
        msio.load(pair, uvw_tolerance=4.9)
    for how in (5.1, "any", float("inf")):
        assert np.array_equal(msio.load(pair, uvw_tolerance=how).uvw, uvw) and msio.check(pair, uvw_tolerance=how) == []
        with msio.load_stream(pair, uvw_tolerance=how, rows_per_batch=4) as batches:
            assert sum(len(batch.uvw) for batch in batches) == len(uvw)
    with pytest.raises(ValueError, match="uvw_array"):
        next(msio.load_stream(pair))
    for wrong in (-1, float("nan")):
        with pytest.raises(ValueError, match="uvw_tolerance"):
            msio.load(pair, uvw_tolerance=wrong)


@pytest.mark.parametrize("how", [dict(times=1), dict(rows=slice(10, 20)), dict(rows=slice(12, 14))])
def test_a_short_span_is_compared_alone(pair, how):
    """Rows that nobody wants may differ; those that are wanted may not."""
    uvw = get(pair[1], "uvw_array")
    there = uvw.copy()
    there[-1] += 1
    put(pair[1], "uvw_array", there)
    assert len(msio.load(pair, **how).uvw)
    there[13] += 1
    put(pair[1], "uvw_array", there)
    with pytest.raises(ValueError, match="uvw_array"):
        msio.load(pair, **how)


@pytest.mark.parametrize("scale", [1, 1e3, 1e5])
def test_floats_and_doubles_are_no_difference(pair, scale):
    """pyuvdata takes only what is within its tolerance; a float of 40 km alone is 2 mm beside its double."""
    uvw = get(pair[0], "uvw_array") * scale / 7
    put(pair[0], "uvw_array", uvw)
    put(pair[1], "uvw_array", uvw.astype("f4"))
    assert harmful(pair) == [] and np.array_equal(msio.load(pair).uvw, uvw)
    assert harmful(pair[::-1]) == [] and np.array_equal(msio.load(pair[::-1]).uvw, uvw.astype("f4"))
    wrong = uvw.astype("f4")
    wrong[3, 0] += 2e-3 + abs(uvw).max() * 2 ** -21
    put(pair[1], "uvw_array", wrong)
    assert [difference[1] for difference in harmful(pair)] == ["uvw_array"]


def test_uvw_of_rows_in_another_order_and_of_conjugated_pairs(pair):
    order = np.random.default_rng(5).permutation(len(get(pair[1], "time_array")))
    turned = np.arange(len(order)) % 3 == 0
    with h5py.File(pair[1], "r+") as file:
        header = file["Header"]
        for name in ("time_array", "integration_time", "uvw_array"):
            header[name][...] = header[name][()][order]
        a, b = header["ant_1_array"][()][order], header["ant_2_array"][()][order]
        turned &= a != b
        header["ant_1_array"][...], header["ant_2_array"][...] = np.where(turned, b, a), np.where(turned, a, b)
        header["uvw_array"][...] *= np.where(turned, -1, 1)[:, None]
    assert harmful(pair) == [] and msio.load(pair).rows == len(order)
    row = int(np.flatnonzero(turned)[2])
    put(pair[1], "uvw_array", get(pair[1], "uvw_array") * np.where(np.arange(len(order)) == row, -1, 1)[:, None])
    (found,) = harmful(pair)
    assert found[1] == "uvw_array" and f"row {row} " in found[2]


def test_uvw_that_are_no_numbers(pair):
    uvw = get(pair[0], "uvw_array")
    uvw[2, 1] = np.nan
    put(pair[1], "uvw_array", uvw)
    assert [difference[1] for difference in harmful(pair)] == ["uvw_array"]
    put(pair[0], "uvw_array", uvw)
    assert harmful(pair) == []


# ---------------------------------------------------------------- the rest

@pytest.mark.parametrize("seconds, fits", [(5e-4, True), (2e-3, False)])
def test_integrations(pair, seconds, fits):
    integration = get(pair[1], "integration_time") + np.zeros(len(get(pair[1], "time_array")))
    integration[5] += seconds
    put(pair[1], "integration_time", integration)
    assert_as_pyuvdata(pair, None if fits else "integration_time")


@pytest.mark.parametrize("here, there, field", [
    (b"Jy", b"Jy", None), (b"Jy", b"K str", "vis_units"), (None, b"uncalib", None), (b"UNCALIB", None, None),
    (None, b"Jy", "vis_units")])
def test_units(pair, here, there, field):
    for path, value in zip(pair, (here, there)):
        put(path, "vis_units", None if value is None else np.bytes_(value))
    assert_as_pyuvdata(pair, field)


@pytest.mark.parametrize("name, change, field", [
    ("altitude", 5e-4, None), ("altitude", 1, "latitude, longitude, altitude"),
    ("latitude", 1e-9, None), ("latitude", 1e-5, "latitude, longitude, altitude"),
    ("longitude", 1e-9, None), ("longitude", 1e-5, "latitude, longitude, altitude")])
def test_where_the_telescope_stands(pair, name, change, field):
    put(pair[1], name, get(pair[1], name) + change)
    refused, found = pyuvdata_takes(pair), harmful(pair)
    assert (refused is None) == (field is None), refused
    assert [difference[1] for difference in found] == ([field] if field else [])


@pytest.mark.parametrize("metres, fits", [(5e-4, True), (0.01, False)])
def test_where_antennas_stand(pair, metres, fits):
    """pyuvdata keeps the first one's, whatever the distance."""
    positions = get(pair[1], "antenna_positions")
    positions[2, 1] += metres
    put(pair[1], "antenna_positions", positions)
    assert [difference[1] for difference in harmful(pair)] == ([] if fits else ["antenna_positions"])


def test_what_is_only_told(pair):
    """pyuvdata warns of these, and goes on without them."""
    antennas = len(get(pair[0], "antenna_numbers"))
    put(pair[0], "antenna_diameters", np.full(antennas, 4.65))
    put(pair[1], "antenna_diameters", np.full(antennas, 25.))
    put(pair[1], "instrument", np.bytes_("another"))
    put(pair[1], "pol_convention", np.bytes_("sum"))
    found = msio.check(pair)
    assert [(field, harmless) for _, field, _, harmless in found] == [
        ("instrument", True), ("pol_convention", True), ("antenna_diameters", True)]
    assert msio.load(pair).rows


# ---------------------------------------------------------------- where they look

def catalog(path, centers, ids):
    """A catalog of {id: (name, lon, lat)}, and which of them each row looks at."""
    with h5py.File(path, "r+") as file:
        header = file["Header"]
        for name in ("phase_center_catalog", "phase_type", "version", "Nphase", "phase_center_id_array",
                     "phase_center_app_ra", "phase_center_app_dec", "phase_center_frame_pa"):
            if name in header:
                del header[name]
        rows = len(header["time_array"])
        header["version"], header["Nphase"] = np.bytes_("1.1"), len(centers)
        header["phase_center_id_array"] = np.asarray(ids)[np.arange(rows) % len(ids)]
        for name in ("phase_center_app_ra", "phase_center_app_dec", "phase_center_frame_pa"):
            header[name] = np.zeros(rows)
        for number, (name, lon, lat) in centers.items():
            entry = header.create_group(f"phase_center_catalog/{number}")
            entry["cat_name"], entry["cat_type"] = np.bytes_(name), np.bytes_("sidereal")
            entry["cat_frame"], entry["cat_epoch"] = np.bytes_("icrs"), 2000.
            entry["cat_lon"], entry["cat_lat"] = lon, lat
            entry["info_source"] = np.bytes_("file")


A, B, C = ("a", 1., .5), ("b", 1.2, .4), ("c", 1.2, .4001)


@pytest.mark.parametrize("here, there, differ", [
    (({0: A, 1: B}, [0, 1]), ({0: A, 1: B}, [0, 1]), False),
    (({0: A, 1: B}, [0, 1]), ({5: B, 3: A}, [3, 5]), False),  # other numbers for the same
    (({0: A, 1: B}, [0, 1]), ({0: A, 1: B}, [1, 0]), True),
    (({0: A, 1: B}, [0, 1]), ({0: A, 1: C}, [0, 1]), True),
    (({0: A, 1: B}, [0, 1]), ({0: A}, [0]), True)])
def test_rows_of_several_phase_centers(pair, here, there, differ):
    """By what the catalogs say: pyuvdata goes by the numbers, and takes other places under the same ones."""
    catalog(pair[0], *here)
    catalog(pair[1], *there)
    found = harmful(pair)
    assert bool(found) == differ and {field for _, field, _, _ in found} <= {"phase_center_id_array", "phase_center",
                                                                                        "phase_type"}
    assert (len(harmful(pair[::-1])) > 0) == differ
    if not differ:
        assert msio.load(pair, times=1).rows
    else:
        with pytest.raises(ValueError, match="phase_"):
            msio.load(pair, times=1)


def test_one_phase_center(pair):
    catalog(pair[0], {0: A}, [0])
    catalog(pair[1], {7: A}, [7])
    assert harmful(pair) == []
    with h5py.File(pair[1], "r+") as file:
        entry = file["Header/phase_center_catalog/7"]
        del entry["cat_frame"]
        entry["cat_frame"] = np.bytes_("fk5")
    assert [field for _, field, _, _ in harmful(pair)] == ["phase_center_catalog"]
    catalog(pair[1], {0: B}, [0])
    assert [field for _, field, _, _ in harmful(pair)] == ["phase_center"]


def test_old_and_new_words_for_a_drift_scan(pair):
    catalog(pair[1], {0: A}, [0])
    with h5py.File(pair[1], "r+") as file:
        entry = file["Header/phase_center_catalog/0"]
        for name in ("cat_type", "cat_frame", "cat_epoch"):
            del entry[name]
        entry["cat_type"], entry["cat_frame"] = np.bytes_("unprojected"), np.bytes_("altaz")
        entry["cat_lon"][...], entry["cat_lat"][...] = 0, np.pi / 2
    assert harmful(pair) == []
