"""Conversion: pyuvdata's own write of the same files is the oracle, table by table, column by column."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

import msio
from conftest import DATA

pyuvdata = pytest.importorskip("pyuvdata", reason="pyuvdata is not installed")
pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
from astropy import units  # noqa: E402
from astropy.coordinates import SkyCoord  # noqa: E402
from astropy.io import fits  # noqa: E402
from astropy.wcs import WCS  # noqa: E402
from casacore.tables import addImagingColumns, table  # noqa: E402
from comparing_sets import described, differences, same_value  # noqa: E402
from uvdata_phases import CENTRE, EOP, to_centre, to_meridian  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
# pyuvdata adds a column to OBSERVATION after it is made, and gives ISMPointing buckets of a size that casacore would not
UNSEEN = ("OBSERVATION: manager of", "POINTING: manager of")


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


@pytest.mark.parametrize("group, edit", [(2, "as simulated"), (2, "ascending"), (2, "rows shuffled"),
                                         (2, "antenna 2 first"), (2, "some turned"), (4, "samples"),
                                         (4, "baseline-major"), (4, "some turned")], indirect=["group"])
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


@pytest.mark.parametrize("name, asked, phase", [("ata_v1_2", "auto", "none"), ("hera_int32", "auto", "zenith"),
                                                ("hera_old_layout", "zenith", "zenith")])
def test_files_of_others(name, asked, phase, tmp_path):
    """Their own conversion is told of, and equal; and what comes back."""
    path = DATA / f"{name}.uvh5"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    uv = by_pyuvdata(path, tmp_path / "theirs.ms", None)
    made = msio.convert([path], tmp_path / "ours.ms", phase=asked, like_pyuvdata=True, eop=EOP)
    assert made.phase == phase
    skip = UNSEEN + KNOWN_TELESCOPES + (("MAIN.WEIGHT row", "MAIN.SIGMA row") if uv.Npols == 4 else ())
    assert differences(tmp_path / "ours.ms", tmp_path / "theirs.ms", skip=skip, relative=TURNED) == []
    msio.export_uvh5(tmp_path / "ours.ms", tmp_path / "back.uvh5", eop=EOP)
    back = pyuvdata.UVData.from_file(tmp_path / "back.uvh5")
    if (uv.ant_1_array < uv.ant_2_array).any():  # a Measurement Set has all pairs one way round
        uv.conjugate_bls("ant1<ant2")
    order = [uv.polarization_array.tolist().index(p) for p in back.polarization_array]
    assert np.array_equal(back.ant_1_array, uv.ant_1_array) and np.array_equal(back.ant_2_array, uv.ant_2_array)
    assert np.array_equal(back.flag_array, uv.flag_array[:, :, order])
    assert np.array_equal(back.nsample_array, uv.nsample_array[:, :, order])
    off = np.abs(back.data_array - uv.data_array[:, :, order])
    assert (off <= 2e-7 * np.abs(uv.data_array[:, :, order])).all()  # some are stored as integers or doubles, and turned
    assert phase != "none" or not off.any()
    assert np.abs(back.uvw_array - uv.uvw_array).max() < 1e-9 and np.array_equal(back.time_array, uv.time_array)


def test_files_that_say_too_little(tmp_path):
    path = DATA / "hera_old_layout.uvh5"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    with pytest.raises(msio.Error, match="at which declination it looked.*: phase it to the zenith"):
        msio.convert([path], tmp_path / "ours.ms", eop=EOP)
    path = DATA / "hera_int32.uvh5"
    with pytest.raises(msio.Error, match="at which declination it looked"):
        msio.convert([path], tmp_path / "ours.ms", phase="meridian", eop=EOP)
    assert os.listdir(tmp_path) == []


# Where visibilities are turned, the last place of their floats may differ.
TURNED = {"DATA": 1e-7}


@pytest.mark.parametrize("phase, edit", [("centre", "as simulated"), ("centre", "some turned"),
                                         ("zenith", "antenna 2 first")])
def test_visibilities_are_turned_as_pyuvdata_turns_them(group, tmp_path, edit, phase):
    change(group.paths[1], EDITS[edit])
    by_pyuvdata(group.paths[1], tmp_path / "theirs.ms", to_centre if phase == "centre" else None)
    made = msio.convert([group.paths[1]], tmp_path / "ours.ms", like_pyuvdata=True, eop=EOP,
                        phase=np.degrees(CENTRE) if phase == "centre" else phase)
    assert made.phase == phase
    # ids of a catalog are pyuvdata's own count
    found = differences(tmp_path / "ours.ms", tmp_path / "theirs.ms", skip=UNSEEN, relative=TURNED)
    assert [line for line in found if ".SOURCE_ID" not in line] == []


@pytest.mark.parametrize("phase, edit, threads", [("centre", "as simulated", 1), ("centre", "some turned", 2),
                                                  ("centre", "baseline-major", 2), ("zenith", "rows shuffled", 2)])
def test_many_antennas_are_turned_as_pyuvdata_does(tmp_path, phase, edit, threads):
    """A time has many more rows than antennas, so that a row's phasors are products of its antennas'."""
    msio.simulate_uvh5(tmp_path / "group", antennas=24, times=4, subbands=1, channels=19)
    path = msio.groups(tmp_path / "group", subbands=1)[0].paths[0]
    change(path, EDITS[edit])
    by_pyuvdata(path, tmp_path / "theirs.ms", to_centre if phase == "centre" else None)
    msio.convert([path], tmp_path / "ours.ms", like_pyuvdata=True, eop=EOP, threads=threads,
                 phase=np.degrees(CENTRE) if phase == "centre" else phase)
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


def test_what_the_default_changes(group, tmp_path):
    """docs/conversion.md names each; all else is as like_pyuvdata has it."""
    msio.convert(group, tmp_path / "like.ms", like_pyuvdata=True, eop=EOP)
    msio.convert(group, tmp_path / "ours.ms", eop=EOP)
    found = differences(tmp_path / "ours.ms", tmp_path / "like.ms", layout=False)
    assert {line.split(":")[0].split(" row")[0] for line in found} == {
        "ANTENNA.MOUNT", "FIELD.TIME", "OBSERVATION.TIME_RANGE", "POINTING", "PROCESSOR", "STATE", "SOURCE.DIRECTION"}
    with table(str(tmp_path / "ours.ms"), ack=False) as t:
        times, spans = t.getcol("TIME"), t.getcol("INTERVAL")
        assert {m["SPEC"]["BUCKETSIZE"] for m in t.getdminfo().values() if m["TYPE"] == "StandardStMan"} == {32768}

    def subtable(name):
        return table(f"{tmp_path}/ours.ms/{name}", ack=False)
    with subtable("ANTENNA") as t:
        assert set(t.getcol("MOUNT")) == {"alt-az"}
    with subtable("OBSERVATION") as t:
        assert np.allclose(t.getcell("TIME_RANGE", 0), [(times - spans / 2).min(), (times + spans / 2).max()], rtol=0,
                           atol=1e-6)
    with subtable("FIELD") as t:
        assert np.array_equal(t.getcol("TIME"), np.unique(times))
    with subtable("STATE") as t:
        assert t.nrows() == 1 and t.getcell("OBS_MODE", 0) == "OBSERVE_TARGET#ON_SOURCE" and t.getcell("SIG", 0)
    with subtable("PROCESSOR") as t:
        assert t.nrows() == 1 and t.getcell("TYPE", 0) == "CORRELATOR"
    with subtable("POINTING") as t:
        assert t.nrows() == 0
    with subtable("SOURCE") as t:
        assert t.getcolkeyword("DIRECTION", "MEASINFO")["Ref"] == "ICRS"


def test_no_samples_have_no_weight(group, tmp_path):
    def nothing(file):
        replace(file, "Data/nsamples", np.zeros(file["Data/nsamples"].shape))
    change(group.paths[0], nothing)
    msio.convert([group.paths[0]], tmp_path / "ours.ms", eop=EOP)
    with table(str(tmp_path / "ours.ms"), ack=False) as t:
        assert not t.getcol("WEIGHT").any() and not t.getcol("SIGMA").any()


def test_missing_subbands(group, tmp_path):
    os.remove(group.paths[1])
    found = msio.groups(tmp_path / "group", subbands=3)[0]
    with pytest.raises(FileNotFoundError):
        msio.convert(found, tmp_path / "ours.ms", eop=EOP)
    assert not (tmp_path / "ours.ms").exists()
    skipped = msio.convert(found, tmp_path / "skipped.ms", missing="skip", eop=EOP)
    assert (skipped.spectral_windows, skipped.missing) == (2, 1)
    made = msio.convert(found, tmp_path / "ours.ms", missing="flag", eop=EOP)
    assert (made.spectral_windows, made.missing) == (3, 1)
    with table(str(tmp_path / "ours.ms"), ack=False) as t, t.query("DATA_DESC_ID==1") as lost:
        assert lost.nrows() == 45 and lost.getcol("FLAG").all() and not lost.getcol("DATA").any()
        assert not lost.getcol("WEIGHT_SPECTRUM").any()
    with table(f"{tmp_path}/ours.ms/SPECTRAL_WINDOW", ack=False) as t:
        assert np.allclose(np.diff(np.concatenate([t.getcell("CHAN_FREQ", s) for s in range(3)])), 244140.625)


@pytest.mark.parametrize("imaging", ["zeros", "data"])
def test_imaging_columns(group, tmp_path, imaging):
    msio.convert(group, tmp_path / "ours.ms", imaging=imaging, eop=EOP)
    with table(str(tmp_path / "ours.ms"), ack=False) as t:
        data = t.getcol("DATA")
        assert t.getcol("MODEL_DATA").shape == data.shape and not t.getcol("MODEL_DATA").any()
        assert np.array_equal(t.getcol("CORRECTED_DATA"), data if imaging == "data" else np.zeros_like(data))
        assert t.getcol("IMAGING_WEIGHT").shape == data.shape[:2] and not t.getcol("IMAGING_WEIGHT").any()


def test_imaging_columns_are_those_that_casacore_adds(group, tmp_path):
    """But for the names of their managers, and IMAGING_WEIGHT, whose shape casacore fixes (and writes its zeros)."""
    msio.convert(group, tmp_path / "ours.ms", imaging="zeros", eop=EOP)
    msio.convert(group, tmp_path / "theirs.ms", eop=EOP)
    addImagingColumns(str(tmp_path / "theirs.ms"), ack=False)
    with table(str(tmp_path / "ours.ms"), ack=False) as ours, table(str(tmp_path / "theirs.ms"), ack=False) as theirs:
        assert sorted(ours.colnames()) == sorted(theirs.colnames())
        assert ours.getcolkeyword("MODEL_DATA", "CHANNEL_SELECTION").tolist() == [[0, 6]] * 3
        for column in ("MODEL_DATA", "CORRECTED_DATA", "IMAGING_WEIGHT"):
            a, b = described(ours, column), described(theirs, column)
            assert same_value(ours.getcolkeywords(column), theirs.getcolkeywords(column)), column
            if column == "IMAGING_WEIGHT":
                a = {**a, "option": 4, "shape": np.array([6]), "comment": ""}
            assert same_value(a, b), (column, a, b)
            tiles = [t.getdminfo(column)["SPEC"]["HYPERCUBES" if column == "IMAGING_WEIGHT" else "DEFAULTTILESHAPE"]
                     for t in (ours, theirs)]
            assert same_value(*tiles), (column, tiles)


def test_options(group, tmp_path):
    place = (-2409000.0, -4478000.0, 3838000.0)
    msio.convert(group, tmp_path / "ours.ms", telescope="DSA_110", antennas=[(2, "here", place, 7.0)], tile_rows=16,
                 eop=EOP, threads=1, memory=16 << 20)
    with table(f"{tmp_path}/ours.ms/ANTENNA", ack=False) as t:
        assert t.getcell("NAME", 2) == "here" and t.getcell("DISH_DIAMETER", 2) == 7.0
        assert np.allclose(t.getcell("POSITION", 2), place, rtol=0, atol=1e-9)
    with table(f"{tmp_path}/ours.ms/OBSERVATION", ack=False) as t:
        assert t.getcell("TELESCOPE_NAME", 0) == "DSA_110"
    with table(str(tmp_path / "ours.ms"), ack=False) as t:
        tiles = [m["SPEC"]["HYPERCUBES"]["*1"]["TileShape"].tolist() for m in t.getdminfo().values()
                 if m["NAME"] == "TiledData"]
    assert tiles == [[2, 6, 16]]
    msio.convert(group, tmp_path / "all.ms", eop=EOP)
    ours, other = (msio.read(tmp_path / name, "DATA") for name in ("ours.ms", "all.ms"))
    assert np.array_equal(ours, other)


def test_antennas_by_a_file(group, tmp_path):
    """Places of a file are as those of a list, and as pyuvdata's of files that hold them."""
    def move(file):
        file["Header/antenna_positions"][:5] += np.arange(5)[:, None] * (1.5, -0.25, 3.0)
    with h5py.File(group.paths[0]) as file:
        names = [name.decode() for name in file["Header/antenna_names"][()]]
    change(group.paths[0], move)
    uv = by_pyuvdata(group.paths[0], tmp_path / "theirs.ms")
    places = uv.telescope.antenna_positions + uv.telescope._location.xyz()
    change(group.paths[0], lambda file: replace(file, "Header/antenna_positions", np.random.default_rng(3).uniform(
        0, 99, file["Header/antenna_positions"].shape)))
    (tmp_path / "antennas").write_text("".join(f"{name},{x!r},{y!r},{z!r}\n" for name, (x, y, z)
                                               in zip(names, places.tolist())))
    msio.convert(group.paths[:1], tmp_path / "ours.ms", antennas=tmp_path / "antennas", tile_channels=3,
                 like_pyuvdata=True, eop=EOP)
    found = differences(tmp_path / "ours.ms", tmp_path / "theirs.ms", skip=UNSEEN, layout=False)
    assert found == []
    with table(str(tmp_path / "ours.ms"), ack=False) as t:
        tiles = [m["SPEC"]["HYPERCUBES"]["*1"]["TileShape"].tolist() for m in t.getdminfo().values()
                 if m["NAME"] == "TiledData"]
    assert tiles == [[2, 3, 5461]]
    msio.convert(group.paths[:1], tmp_path / "listed.ms", like_pyuvdata=True, eop=EOP,
                 antennas=[(i, None, place, 0) for i, place in enumerate(places)])
    assert differences(tmp_path / "listed.ms", tmp_path / "ours.ms", layout=False) == []
    (tmp_path / "antennas").write_text("1,2,3\n")
    with pytest.raises(msio.Error, match="line 1, column 5"):
        msio.convert(group.paths[:1], tmp_path / "none.ms", antennas=str(tmp_path / "antennas"), eop=EOP)


def shorter(file):
    for name in ("Data/visdata", "Data/flags", "Data/nsamples"):
        replace(file, name, file[name][()][:, :, :4])
    replace(file, "Header/freq_array", file["Header/freq_array"][()][:, :4])
    file["Header/Nfreqs"][()] = 4


def test_windows_of_different_widths(group, tmp_path):
    change(group.paths[0], shorter)
    msio.convert(group, tmp_path / "ours.ms", eop=EOP, memory=16 << 20)
    with table(str(tmp_path / "ours.ms"), ack=False) as t:
        for s, path in enumerate(group.paths[::-1]):
            one = msio.load([path])
            with t.query(f"DATA_DESC_ID=={s}") as window:
                assert np.array_equal(window.getcol("DATA"), one.visdata.conj())
                assert np.array_equal(window.getcol("FLAG"), one.flags)


def shapes_of_tiles(path, manager):
    """{channels of the cells: shape of their tiles}"""
    with table(str(path), ack=False) as t:
        spec, = (m["SPEC"] for m in t.getdminfo().values() if m["NAME"] == manager)
    return {cube["CubeShape"][1]: cube["TileShape"].tolist() for cube in spec["HYPERCUBES"].values()}


@pytest.mark.parametrize("asked, wanted", [({"tile_rows": 8}, {4: [2, 4, 8], 6: [2, 6, 8]}),
                                           ({"tile_rows": 8, "tile_channels": 3}, {4: [2, 3, 8], 6: [2, 3, 8]}),
                                           ({"tile_rows": 16, "tile_channels": 5}, {4: [2, 4, 16], 6: [2, 5, 16]})])
def test_tiles_of_windows_of_different_widths(group, tmp_path, asked, wanted):
    change(group.paths[0], shorter)
    msio.convert(group, tmp_path / "ours.ms", eop=EOP, imaging="zeros", **asked)
    msio.convert(group, tmp_path / "other.ms", eop=EOP)
    for manager in ("TiledData", "TiledFlag", "TiledWgtSpectrum", "TiledModel"):
        assert shapes_of_tiles(tmp_path / "ours.ms", manager) == wanted
    with table(str(tmp_path / "ours.ms"), ack=False) as ours, table(str(tmp_path / "other.ms"), ack=False) as other:
        for column in ("DATA", "FLAG", "WEIGHT_SPECTRUM"):
            for row in (0, ours.nrows() // 2, ours.nrows() - 1):
                assert np.array_equal(ours.getcell(column, row), other.getcell(column, row))


def looking(uv, times, **where):
    uv.phase(select_mask=np.isin(uv.time_array, np.unique(uv.time_array)[times]), **where)


def ephemeris(uv, name):
    """An ephemeris of a time before, two within, and one after the observation."""
    times = np.linspace(uv.time_array.min() - 0.01, uv.time_array.max() + 0.01, 4)
    looking(uv, [0], lon=np.linspace(1.7, 1.71, 4), lat=np.linspace(0.28, 0.29, 4), ephem_times=times, cat_type="ephem",
            cat_name=name, phase_frame="icrs")


CATALOGS = {
    "frames": lambda uv: (looking(uv, [0], lon=1.7, lat=0.28, phase_frame="fk5", epoch=2000.0, cat_name="there"),
                          looking(uv, [1], lon=1.7, lat=0.28, phase_frame="fk4", epoch=1950.0, cat_name="old")),
    "an ephemeris": lambda uv: ephemeris(uv, "moving"),
    "both": lambda uv: (ephemeris(uv, "moving"),
                        looking(uv, [2], lon=1.7, lat=0.28, phase_frame="fk5", epoch=2000.0, cat_name="there")),
}


@pytest.mark.parametrize("catalog", CATALOGS)
def test_catalogs_are_as_pyuvdata_writes_them(group, tmp_path, catalog):
    uv = pyuvdata.UVData()
    uv.read(group.paths[0], file_type="uvh5", run_check=False)
    uv.uvw_array = uv.uvw_array.astype(float)
    to_meridian(uv)
    CATALOGS[catalog](uv)
    uv.write_uvh5(tmp_path / "phased.uvh5", run_check=False)
    theirs = by_pyuvdata(tmp_path / "phased.uvh5", tmp_path / "theirs.ms", lambda uv: None)
    made = msio.convert([tmp_path / "phased.uvh5"], tmp_path / "ours.ms", like_pyuvdata=True, eop=EOP)
    assert made.phase == "none"
    skip = UNSEEN + ("FIELD: manager of",)  # pyuvdata adds the columns of frames after the table is made
    assert differences(tmp_path / "ours.ms", tmp_path / "theirs.ms", skip=skip) == []
    msio.convert([tmp_path / "phased.uvh5"], tmp_path / "other.ms", eop=EOP)
    with table(f"{tmp_path}/other.ms/FIELD", ack=False) as field, table(f"{tmp_path}/other.ms/SOURCE", ack=False) as source:
        ours = field.getcolkeyword("PHASE_DIR", "MEASINFO")
        mine = source.getcolkeyword("DIRECTION", "MEASINFO")
        assert ours["Ref"] == mine["Ref"]
        if "VarRefCol" in ours:
            by_id = dict(zip(field.getcol("SOURCE_ID"), field.getcol(ours["VarRefCol"])))
            assert [by_id[i] for i in source.getcol("SOURCE_ID")] == source.getcol(mine["VarRefCol"]).tolist()
    msio.export_uvh5(tmp_path / "ours.ms", tmp_path / "back.uvh5", eop=EOP)
    back = pyuvdata.UVData.from_file(tmp_path / "back.uvh5", run_check=False)
    assert np.array_equal(back.uvw_array, theirs.uvw_array)
    for i, entry in theirs.phase_center_catalog.items():
        here = back.phase_center_catalog[i]
        assert (here["cat_frame"], here["cat_epoch"]) == (entry["cat_frame"], entry["cat_epoch"])
        assert here["cat_lon"] == np.median(entry["cat_lon"]) and here["cat_lat"] == np.median(entry["cat_lat"])


def drift(uv):
    uv.phase(lon=0.1, lat=1.2, cat_type="driftscan", phase_frame="altaz", cat_name="up")


def near(uv):
    looking(uv, [0], lon=1.7, lat=0.28, dist=1000 * units.km, cat_type="near_field", phase_frame="icrs", cat_name="close")


@pytest.mark.parametrize("catalog, words", [(drift, "up is driftscan"), (near, "close is near_field")])
def test_catalogs_that_pyuvdata_refuses_too(group, tmp_path, catalog, words):
    uv = pyuvdata.UVData()
    uv.read(group.paths[0], file_type="uvh5", run_check=False)
    uv.uvw_array = uv.uvw_array.astype(float)
    to_meridian(uv)
    catalog(uv)
    uv.write_uvh5(tmp_path / "phased.uvh5", run_check=False)
    with pytest.raises((ValueError, NotImplementedError)):
        by_pyuvdata(tmp_path / "phased.uvh5", tmp_path / "theirs.ms", lambda uv: None)
    with pytest.raises(msio.Error, match=words):
        msio.convert([tmp_path / "phased.uvh5"], tmp_path / "ours.ms", phase="none", eop=EOP)
    assert not (tmp_path / "ours.ms").exists()


def test_what_stands_there_stays(group, tmp_path):
    msio.convert(group, tmp_path / "ours.ms", eop=EOP)
    with pytest.raises(ValueError, match="stands there"):
        msio.convert(group, tmp_path / "ours.ms", eop=EOP)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="stands there"):
        msio.convert(group, tmp_path / "file", eop=EOP, overwrite=True)
    assert (tmp_path / "file").read_text() == "mine"
    msio.convert(group, tmp_path / "ours.ms", eop=EOP, overwrite=True)


def test_files_in_other_orders(group, tmp_path):
    """Windows have the first file's rows in its order."""
    msio.convert(group, tmp_path / "before.ms", eop=EOP)
    change(group.paths[1], EDITS["rows shuffled"])
    change(group.paths[2], EDITS["baseline-major"])
    msio.convert(group, tmp_path / "ours.ms", eop=EOP)
    assert differences(tmp_path / "ours.ms", tmp_path / "before.ms") == []


def no_dec(file):
    del file["Header/extra_keywords/phase_center_dec"]
    for name in ("phase_center_app_dec", "phase_center_dec"):
        if name in file["Header"]:
            del file["Header"][name]


def nowhere(file):
    file["Header/latitude"][()] = 200.0


def other_antennas(file):
    file["Header/antenna_positions"][0] += 10.0


def stranger(file):
    file["Header/ant_1_array"][0] = 4000


def other_times(file):
    file["Header/time_array"][...] += 1e-6


def other_baselines(file):
    a = file["Header/ant_1_array"][()]
    row = np.flatnonzero(a == 0)[0]
    file["Header/ant_1_array"][row] = 4


def elsewhere(file):
    file["Header/extra_keywords/phase_center_dec"][()] += 0.01
    file["Header/phase_center_app_dec"][()] += 0.01


def no_times(file):
    file["Header/time_array"][7] = np.nan


def antennas_nowhere(file):
    file["Header/antenna_positions"][1] = np.nan


def fewer_rows(file):
    """As a file that still grows: its datasets are longer one after the other."""
    replace(file, "Data/visdata", file["Data/visdata"][:30])


def mixed(file):
    replace(file, "Header/polarization_array", [-5, -1])


BAD = {"no declination": (no_dec, 0, "declination"), "no place": (nowhere, 0, "no place on Earth"),
       "other antennas": (other_antennas, 1, "stands at"), "no such antenna": (stranger, 0, "4000"),
       "other times": (other_times, 1, "time"), "other baselines": (other_baselines, 1, "baseline|ant_"),
       "another pointing": (elsewhere, 1, "looks at"), "no time": (no_times, 0, "time"),
       "antennas nowhere": (antennas_nowhere, 0, "no numbers"), "a file that grows": (fewer_rows, 0, "visdata"),
       "mixed polarizations": (mixed, 0, "one kind")}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_leaves_nothing(group, tmp_path, what):
    edit, which, words = BAD[what]
    files = group.paths if which else group.paths[:1]
    change(group.paths[which], edit)
    with pytest.raises((ValueError, msio.Error), match=words):
        msio.convert(files, tmp_path / "ours.ms", phase="meridian", eop=EOP)
    assert [name for name in os.listdir(tmp_path) if "ours" in name] == []


def test_cut_files_and_tables_of_the_earth(group, tmp_path):
    size = os.path.getsize(group.paths[1])
    with open(group.paths[1], "r+b") as file:
        file.truncate(size * 2 // 3)
    with pytest.raises((ValueError, msio.Error)):
        msio.convert(group, tmp_path / "ours.ms", eop=EOP)
    (tmp_path / "earth").write_text("no table\n" * 30)
    with pytest.raises(msio.Error, match="finals2000A"):
        msio.convert(group.paths[:1], tmp_path / "ours.ms", eop=tmp_path / "earth")
    with open(EOP) as old:
        (tmp_path / "earth").write_text("".join(old.readlines()[:1000]))
    with pytest.raises(IndexError, match="newer"):
        msio.convert(group.paths[:1], tmp_path / "ours.ms", eop=tmp_path / "earth")
    with pytest.raises(FileNotFoundError):
        msio.convert(group.paths[:1], tmp_path / "ours.ms", eop=tmp_path / "none")
    assert not (tmp_path / "ours.ms").exists()


def test_a_subband_twice(group, tmp_path):
    with pytest.raises(ValueError, match="overlap"):
        msio.convert([*group.paths, group.paths[1]], tmp_path / "ours.ms", eop=EOP)
    assert not (tmp_path / "ours.ms").exists()


def test_a_file_that_is_being_written(group, tmp_path):
    """Another process has it open, as the correlator has until it is whole."""
    writer = subprocess.Popen([sys.executable, "-c", "import h5py, sys\nf = h5py.File(sys.argv[1], 'r+')\nprint(flush=True)\n"
                               "sys.stdin.read()", group.paths[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline() == b"\n"
        with pytest.raises(msio.Error, match="lock|written|open"):
            msio.convert(group, tmp_path / "ours.ms", eop=EOP)
        assert not (tmp_path / "ours.ms").exists()
    finally:
        writer.communicate()
    msio.convert(group, tmp_path / "ours.ms", eop=EOP)


def test_a_file_that_changes_meanwhile(tmp_path, monkeypatch):
    msio.simulate_uvh5(tmp_path / "group", antennas=24, times=12, subbands=2)
    found = msio.groups(tmp_path / "group", subbands=2)[0]
    grown = []

    def grow(done, total):
        if not grown and done > 0:
            grown.append(done)
            with open(found.paths[0], "ab") as file:
                file.write(b"more")
    from msio import converting
    monkeypatch.setattr(converting, "_progress", lambda wanted, text: contextlib.nullcontext(grow))
    with pytest.raises(msio.Error, match="changed|written|grew|came or went"):
        msio.convert(found, tmp_path / "ours.ms", eop=EOP, memory=16 << 20)
    assert grown and [name for name in os.listdir(tmp_path) if "ours" in name] == []


def test_both_tables_of_the_earth_agree(group, tmp_path):
    finals = EOP.replace("eopc04.1962-now", "finals2000A.all")
    for name, eop in (("a", EOP), ("b", finals), ("c", None)):
        made = msio.convert(group.paths[:1], tmp_path / f"{name}.ms", eop=eop)
        assert made.earth_orientation == (eop is not None)
    places = [msio.read(f"{tmp_path}/{name}.ms::FIELD", "PHASE_DIR") for name in "abc"]
    assert np.abs(places[0] - places[1]).max() < np.radians(1e-3 / 3600)  # a milliarcsecond
    assert 0 < np.abs(places[0] - places[2]).max() < np.radians(13.5 / 3600)


def test_cancelled_leaves_nothing(group, tmp_path, monkeypatch):
    def stop(done, total):
        raise KeyboardInterrupt
    from msio import converting
    monkeypatch.setattr(converting, "_progress", lambda wanted, text: contextlib.nullcontext(stop))
    with pytest.raises(KeyboardInterrupt):
        msio.convert(group, tmp_path / "ours.ms", eop=EOP)
    assert [name for name in os.listdir(tmp_path) if "ours" in name] == []


# ---------------------------------------------------------------- the sky

@pytest.mark.skipif(not shutil.which("wsclean"), reason="wsclean is not installed: its image of a converted sky is LEFT OUT")
@pytest.mark.parametrize("phase", ["meridian", "centre"])
def test_wsclean_finds_a_source_at_its_place(tmp_path, phase):
    """The antennas stand on a lattice, whose images of the source only a wide band makes weaker."""
    msio.simulate_uvh5(tmp_path / "probe", antennas=2, times=3, subbands=1, channels=1)
    msio.convert(tmp_path / "probe", tmp_path / "probe.ms", expected=1)
    centre = msio.read(f"{tmp_path}/probe.ms::FIELD", "PHASE_DIR")[1, 0]  # of the second integration
    ra, dec = np.degrees(centre + np.radians((400 / 3600 / np.cos(centre[1]), -250 / 3600)))
    (tmp_path / "sky.txt").write_text(f"Format = Name, Type, Ra, Dec, I\na, POINT, {ra:.12f}deg, {dec:.12f}deg, 3\n")
    msio.simulate_uvh5(tmp_path / "group", antennas=32, times=3, sky=tmp_path / "sky.txt",
                       missing=[n for n in range(16) if n % 3])
    msio.convert(sorted((tmp_path / "group").iterdir()), tmp_path / "obs.ms",
                 phase=phase if phase == "meridian" else np.degrees(centre))
    run = subprocess.run(["wsclean", "-quiet", "-reorder", "-field", "1" if phase == "meridian" else "0", "-name", "sky", "-j", "2",
                          "-size", "256", "256", "-scale", "6asec", "-niter", "10", "-gain", "0.1", "-weight", "natural",
                          "-pol", "i", "obs.ms"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    with fits.open(tmp_path / "sky-image.fits") as file:
        pixels, header = file[0].data[0, 0], file[0].header
    j, i = np.unravel_index(pixels.argmax(), pixels.shape)
    at = [n + (a - c) / (a - 2 * b + c) / 2  # the vertex of the parabola through the highest pixel and its neighbours
          for n, (a, b, c) in ((i, pixels[j, i - 1:i + 2]), (j, pixels[j - 1:j + 2, i]))]
    off = WCS(header).celestial.pixel_to_world(*at).separation(SkyCoord(ra, dec, unit="deg"))
    assert off.to_value("deg") < 0.1 * header["BMIN"], (off, header["BMIN"])
    assert abs(pixels[j, i] - 3) < 0.15, pixels[j, i]


# ---------------------------------------------------------------- back

@pytest.mark.parametrize("group, phase", [(2, "meridian"), (4, "meridian")], indirect=["group"])
def test_files_come_back_bit_for_bit(group, tmp_path, phase):
    change(group.paths[0], samples)
    msio.convert(group, tmp_path / "ours.ms", phase=phase, eop=EOP)
    made = msio.export_uvh5(tmp_path / "ours.ms", tmp_path / "back.uvh5", eop=EOP)
    assert (made.rows, made.spectral_windows) == (45, 3)
    one, back = msio.load(group), msio.load([tmp_path / "back.uvh5"])
    order = [list(one.polarizations).index(p) for p in back.polarizations]
    assert back.polarizations.tolist() == sorted(one.polarizations, reverse=True)
    assert np.array_equal(one.visdata[..., order].view(np.int64), back.visdata.view(np.int64))
    assert np.array_equal(one.flags[..., order], back.flags)
    assert np.array_equal(one.nsamples[..., order], back.nsamples)
    assert np.array_equal(one.times, back.times) and np.array_equal(one.frequencies, back.frequencies)
    assert np.array_equal(one.antenna1, back.antenna1) and np.array_equal(one.antenna2, back.antenna2)
    with h5py.File(tmp_path / "back.uvh5") as file:
        assert file["Header/extra_keywords/phase_center_dec"][()] == 0.28125
        assert file["Data/visdata"].chunks is None and file["Data/flags"].dtype == bool


def test_pyuvdata_reads_what_comes_back(group, tmp_path):
    uv = by_pyuvdata(group.paths[1], tmp_path / "theirs.ms")
    msio.export_uvh5(tmp_path / "theirs.ms", tmp_path / "back.uvh5", eop=EOP)
    back = pyuvdata.UVData.from_file(tmp_path / "back.uvh5")
    assert np.array_equal(back.data_array, uv.data_array) and np.array_equal(back.flag_array, uv.flag_array)
    assert np.array_equal(back.nsample_array, uv.nsample_array) and np.array_equal(back.time_array, uv.time_array)
    assert np.abs(back.uvw_array - uv.uvw_array).max() < 1e-9
    assert np.abs(back.lst_array - uv.lst_array).max() < 1e-11
    for name in ("phase_center_app_ra", "phase_center_app_dec", "phase_center_frame_pa"):
        assert np.abs(getattr(back, name) - getattr(uv, name)).max() < 1e-11, name
    assert np.abs(back.telescope.antenna_positions - uv.telescope.antenna_positions).max() < 1e-8
    assert back.telescope.antenna_names.tolist() == uv.telescope.antenna_names.tolist()
    assert [c["cat_name"] for c in back.phase_center_catalog.values()] == \
        [c["cat_name"] for c in uv.phase_center_catalog.values()]


def test_a_file_a_window(group, tmp_path):
    msio.convert(group, tmp_path / "ours.ms", eop=EOP)
    msio.export_uvh5(tmp_path / "ours.ms", tmp_path / "back", file_a_window=True, eop=EOP)
    assert sorted(os.listdir(tmp_path / "back")) == ["spw00.uvh5", "spw01.uvh5", "spw02.uvh5"]
    for s, path in enumerate(group.paths[::-1]):
        one, back = msio.load([path]), msio.load([tmp_path / "back" / f"spw{s:02}.uvh5"])
        assert np.array_equal(one.visdata, back.visdata) and np.array_equal(one.frequencies, back.frequencies)
    again = msio.convert(sorted(str(p) for p in (tmp_path / "back").iterdir()), tmp_path / "again.ms", eop=EOP)
    assert again.phase == "none"
    for column in ("DATA", "FLAG", "WEIGHT_SPECTRUM", "UVW", "TIME", "FIELD_ID"):
        ours, other = (msio.read(tmp_path / name, column) for name in ("ours.ms", "again.ms"))
        assert np.array_equal(ours, other), column
    with pytest.raises(ValueError, match="stands there"):
        msio.export_uvh5(tmp_path / "ours.ms", tmp_path / "back", file_a_window=True, eop=EOP, overwrite=True)


def test_an_object_of_pyuvdata(group, tmp_path):
    uv = by_pyuvdata(group.paths[0], tmp_path / "theirs.ms")
    msio.write_ms(uv, tmp_path / "ours.ms")
    assert differences(tmp_path / "ours.ms", tmp_path / "theirs.ms", skip=UNSEEN) == []
    assert sorted(name for name in os.listdir(tmp_path) if name.startswith(".")) == []


def test_what_cannot_come_back(group, tmp_path):
    with pytest.raises(ValueError, match="UVH5 file already"):
        msio.export_uvh5(group.paths[0], tmp_path / "back.uvh5")
    msio.convert(group, tmp_path / "ours.ms", eop=EOP)
    (tmp_path / "back.uvh5").write_text("mine")
    with pytest.raises(ValueError, match="stands there"):
        msio.export_uvh5(tmp_path / "ours.ms", tmp_path / "back.uvh5")
    shutil.rmtree(tmp_path / "ours.ms" / "FIELD")
    with pytest.raises(msio.Error):
        msio.export_uvh5(tmp_path / "ours.ms", tmp_path / "other.uvh5")
    assert (tmp_path / "back.uvh5").read_text() == "mine" and not (tmp_path / "other.uvh5").exists()
