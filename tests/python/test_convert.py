"""Conversion: pyuvdata's own write of the same files is the oracle, table by table, column by column."""
import os
import shutil
import warnings

import h5py
import numpy as np
import pytest

import msio
from conftest import DATA

pyuvdata = pytest.importorskip("pyuvdata", reason="pyuvdata is not installed")
pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
import astropy.units as u  # noqa: E402
import astropy_iers_data  # noqa: E402
import erfa  # noqa: E402
from astropy.utils import iers  # noqa: E402
from casacore.tables import table  # noqa: E402
from comparing_sets import differences  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
EOP = os.path.join(os.path.dirname(astropy_iers_data.__file__), "data", "eopc04.1962-now")
iers.conf.auto_download = False
iers.conf.auto_max_age = None
CENTRE = np.radians((97.9, 16.4))
EARTH = iers.IERS_B.open(EOP)
iers.earth_orientation_table.set(EARTH)
# pyuvdata adds a column to OBSERVATION after it is made, and gives ISMPointing buckets of a size that casacore would not
UNSEEN = ("OBSERVATION: manager of", "POINTING: manager of")


def instant(jd, uv):
    """What ERFA needs to know of a time and a place."""
    first, rest = np.rint(jd), jd - np.rint(jd)
    place = uv.telescope.location
    x, y = EARTH.pm_xy(first, rest)
    return (first, rest, float(EARTH.ut1_utc(first, rest).to_value(u.s)), place.lon.rad, place.lat.rad,
            place.height.to_value(u.m), x.to_value(u.rad), y.to_value(u.rad), 0, 0, 0, 0)


def to_meridian(uv):
    """Each time a field at hour angle 0, and u, v, w to it: as the pipeline has it, visibilities untouched."""
    dec = uv.extra_keywords.get("phase_center_dec")
    uv.phase_center_catalog, uv.Nphase = {}, 0
    numbers = np.zeros(uv.Nblts, int)
    for t, jd in enumerate(np.unique(uv.time_array)):
        ra, icrs_dec = erfa.atoc13("H", 0.0, dec, *instant(jd, uv))
        uv._add_phase_center(f"meridian_icrs_t{t}", cat_type="sidereal", cat_lon=float(ra), cat_lat=float(icrs_dec),
                             cat_frame="icrs", cat_epoch=2000.0, cat_id=t)
        numbers[uv.time_array == jd] = t
    uv.phase_center_id_array = numbers
    uv._set_app_coords_helper()
    uv.set_uvws_from_antenna_positions(update_vis=False)


def to_centre(uv):
    """One field: from each time's meridian, where the correlator stopped the visibilities."""
    to_meridian(uv)
    uv.phase(lon=CENTRE[0], lat=CENTRE[1], epoch="J2000", phase_frame="icrs", cat_name="centre")


def by_pyuvdata(path, out, phase=to_meridian):
    uv = pyuvdata.UVData()
    uv.read(str(path), file_type="uvh5", run_check=False)
    uv.uvw_array = uv.uvw_array.astype(float)
    uv.reorder_freqs(channel_order="freq", run_check=False)
    if phase:
        phase(uv)
    uv.write_ms(str(out), run_check=False, clobber=True, force_phase=phase is None)
    return uv


def change(path, edit):
    with h5py.File(path, "r+") as file:
        edit(file)


def replace(file, name, values):
    attributes = dict(file[name].attrs)
    dtype = file[name].dtype
    del file[name]
    file.create_dataset(name, data=np.asarray(values).astype(dtype)).attrs.update(attributes)


def each_row(file, order):
    """Rows in another order."""
    rows = len(file["Header/time_array"])
    for group in ("Header", "Data"):
        for name, dataset in file[group].items():
            if isinstance(dataset, h5py.Dataset) and dataset.ndim and dataset.shape[0] == rows and \
                    name not in ("antenna_names", "antenna_numbers", "antenna_positions", "antenna_diameters"):
                replace(file, f"{group}/{name}", dataset[()][order])


def samples(file):
    """Sample counts that differ, among them zeros."""
    shape = file["Data/nsamples"].shape
    replace(file, "Data/nsamples", np.random.default_rng(2).integers(0, 5, shape))


def ascending(file):
    replace(file, "Header/freq_array", file["Header/freq_array"][()][:, ::-1])


def turned(file, which):
    a, b = file["Header/ant_1_array"][()], file["Header/ant_2_array"][()]
    swap = which(a, b)
    replace(file, "Header/ant_1_array", np.where(swap, b, a))
    replace(file, "Header/ant_2_array", np.where(swap, a, b))


EDITS = {
    "as simulated": lambda file: None,
    "ascending": ascending,
    "samples": samples,
    "rows shuffled": lambda file: each_row(file, np.random.default_rng(1).permutation(len(file["Header/time_array"]))),
    "baseline-major": lambda file: each_row(file, np.lexsort((file["Header/time_array"][()],
                                                              file["Header/ant_2_array"][()],
                                                              file["Header/ant_1_array"][()]))),
    "antenna 2 first": lambda file: turned(file, lambda a, b: a < b),
    "some turned": lambda file: turned(file, lambda a, b: (a + b) % 3 == 0),
}


@pytest.fixture
def group(tmp_path, request):
    pols = getattr(request, "param", 2)
    msio.simulate_uvh5(tmp_path / "group", antennas=5, times=3, subbands=3, channels=6, polarizations=pols)
    return msio.groups(tmp_path / "group", subbands=3)[0]


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("group", [2, 4], indirect=True)
def test_a_file_is_what_pyuvdata_writes(group, tmp_path, edit):
    change(group.paths[0], EDITS[edit])
    uv = by_pyuvdata(group.paths[0], tmp_path / "theirs.ms")
    made = msio.convert([group.paths[0]], tmp_path / "ours.ms", like_pyuvdata=True, eop=EOP)
    skip = UNSEEN
    if uv.Npols == 4:  # with one window pyuvdata leaves these in the file's order of polarizations
        skip += ("MAIN.WEIGHT row", "MAIN.SIGMA row", "MAIN.WEIGHT:", "MAIN.SIGMA:")
    assert made.phase == "meridian" and made.earth_orientation
    assert differences(tmp_path / "ours.ms", tmp_path / "theirs.ms", skip=skip) == []


# What pyuvdata takes from its own list of telescopes, and not from the file.
KNOWN_TELESCOPES = ("ANTENNA.MOUNT", "FEED: keywords", "FEED.RECEPTOR_ANGLE")


@pytest.mark.parametrize("name, phase", [("ata_v1_2", "none"), ("hera_int32", "zenith"), ("hera_old_layout", "zenith")])
def test_files_of_others(name, phase, tmp_path):
    path = DATA / f"{name}.uvh5"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    uv = by_pyuvdata(path, tmp_path / "theirs.ms", None)
    msio.convert([path], tmp_path / "ours.ms", phase=phase, like_pyuvdata=True, eop=EOP)
    skip = UNSEEN + KNOWN_TELESCOPES + (("MAIN.WEIGHT row", "MAIN.SIGMA row") if uv.Npols == 4 else ())
    assert differences(tmp_path / "ours.ms", tmp_path / "theirs.ms", skip=skip, relative=TURNED) == []


# Where visibilities are turned, the last place of their floats may differ.
TURNED = {"DATA": 1e-7}


@pytest.mark.parametrize("edit", ["as simulated", "ascending", "rows shuffled", "antenna 2 first", "some turned"])
@pytest.mark.parametrize("phase", ["zenith", "centre"])
def test_visibilities_are_turned_as_pyuvdata_turns_them(group, tmp_path, edit, phase):
    change(group.paths[1], EDITS[edit])
    by_pyuvdata(group.paths[1], tmp_path / "theirs.ms", to_centre if phase == "centre" else None)
    made = msio.convert([group.paths[1]], tmp_path / "ours.ms", like_pyuvdata=True, eop=EOP,
                        phase=np.degrees(CENTRE) if phase == "centre" else phase)
    assert made.phase == phase
    # ids of a catalog are pyuvdata's own count
    found = differences(tmp_path / "ours.ms", tmp_path / "theirs.ms", skip=UNSEEN, relative=TURNED)
    assert [line for line in found if ".SOURCE_ID" not in line] == []


def test_windows_of_a_group_are_those_of_its_files(group, tmp_path):
    made = msio.convert(group, tmp_path / "ours.ms", like_pyuvdata=True, eop=EOP)
    assert (made.rows, made.spectral_windows, made.missing) == (3 * 45, 3, 0)
    lowest_first = group.paths[::-1]
    with table(str(tmp_path / "ours.ms"), ack=False) as all_windows:
        for s, path in enumerate(lowest_first):
            by_pyuvdata(path, tmp_path / "theirs.ms")
            with all_windows.query(f"DATA_DESC_ID=={s}") as ours, table(str(tmp_path / "theirs.ms"), ack=False) as theirs:
                for column in theirs.colnames():
                    if column in ("DATA_DESC_ID", "FLAG_CATEGORY"):
                        continue
                    x, y = ours.getcol(column), theirs.getcol(column)
                    assert np.allclose(x, y, rtol=0, atol=1e-9 if column == "UVW" else 1.2e-7 if column == "SIGMA" else 0), column
            with table(f"{tmp_path}/theirs.ms/SPECTRAL_WINDOW", ack=False) as theirs, \
                    table(f"{tmp_path}/ours.ms/SPECTRAL_WINDOW", ack=False) as ours:
                for column in ("CHAN_FREQ", "CHAN_WIDTH", "REF_FREQUENCY", "TOTAL_BANDWIDTH", "NUM_CHAN"):
                    assert np.array_equal(ours.getcell(column, s), theirs.getcell(column, 0)), column
                assert ours.getcell("NAME", s) == f"SPW{s}"
