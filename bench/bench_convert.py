"""bench_convert.py - what a pipeline does today instead of a conversion: pyuvdata reads and writes, casacore concatenates.

usage: bench_convert.py FOLDER FILE...

FOLDER has room for what is made, and msio's results: obs.ms, obs.uvh5. Requests come as lines "work variant threads check"
on standard input, a line of JSON answers each; check 1 compares msio's result with that of this work as well. Files are those of one group; what is compiled when it is first needed is not timed.
"""
import json
import os
import shutil
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import astropy  # noqa: E402
import astropy.units as u  # noqa: E402
import astropy_iers_data  # noqa: E402
import erfa  # noqa: E402
import h5py  # noqa: E402
import numpy as np  # noqa: E402
import pyuvdata  # noqa: E402
from astropy.utils import iers  # noqa: E402
from casacore import tables  # noqa: E402

EOP = os.path.join(os.path.dirname(astropy_iers_data.__file__), "data", "eopc04.1962-now")
iers.conf.auto_download = False
iers.conf.auto_max_age = None
EARTH = iers.IERS_B.open(EOP)
iers.earth_orientation_table.set(EARTH)
CENTRE = np.radians((97.9, 16.4))  # run_convert.py asks msio for the same
EXACT = ["DATA", "FLAG", "WEIGHT_SPECTRUM", "WEIGHT", "ANTENNA1", "ANTENNA2", "TIME", "INTERVAL"]
UVW_M, ULPS = 1e-9, 2.5e-7  # metres; two roundings of a float32, of its size
ROWS_AT_ONCE = 1 << 14


def meridian(uv):
    """Each time a field at hour angle 0, and u, v, w to it: as the pipeline has it, visibilities untouched."""
    place, dec = uv.telescope.location, uv.extra_keywords["phase_center_dec"]
    uv.phase_center_catalog, uv.Nphase = {}, 0
    numbers = np.zeros(uv.Nblts, int)
    for t, jd in enumerate(np.unique(uv.time_array)):
        first, rest = np.rint(jd), jd - np.rint(jd)
        x, y = EARTH.pm_xy(first, rest)
        ra, icrs_dec = erfa.atoc13("H", 0.0, dec, first, rest, float(EARTH.ut1_utc(first, rest).to_value(u.s)),
                                   place.lon.rad, place.lat.rad, place.height.to_value(u.m), x.to_value(u.rad),
                                   y.to_value(u.rad), 0, 0, 0, 0)
        uv._add_phase_center(f"meridian_icrs_t{t}", cat_type="sidereal", cat_lon=float(ra), cat_lat=float(icrs_dec),
                             cat_frame="icrs", cat_epoch=2000.0, cat_id=t)
        numbers[uv.time_array == jd] = t
    uv.phase_center_id_array = numbers
    uv._set_app_coords_helper()
    uv.set_uvws_from_antenna_positions(update_vis=False)


def centre(uv):
    meridian(uv)
    uv.phase(lon=CENTRE[0], lat=CENTRE[1], epoch="J2000", phase_frame="icrs", cat_name="centre")


class Differs(Exception):
    """msio's result is not pyuvdata's."""


class Pipeline:
    def __init__(self, folder, paths):
        def lowest(path):
            with h5py.File(path) as file:
                return file["Header/freq_array"][()].min()
        self.paths, self.folder = sorted(paths, key=lowest), folder
        self.ours, self.back = os.path.join(folder, "obs.ms"), os.path.join(folder, "obs.uvh5")
        self.scratch = os.path.join(folder, "pyuvdata")

    def place(self, name):
        return os.path.join(self.scratch, name)

    def window(self, path, turn, out):
        uv = pyuvdata.UVData()
        uv.read(path, file_type="uvh5", run_check=False)
        uv.uvw_array = uv.uvw_array.astype(float)
        uv.reorder_freqs(channel_order="freq", run_check=False)
        turn(uv)
        uv.write_ms(out, run_check=False, clobber=True)

    def to_table(self, turn, joined):
        parts = [self.place(f"{i}.ms") for i in range(len(self.paths))]
        for path, part in zip(self.paths, parts):
            self.window(path, turn, part)
        if joined:
            tables.table(parts, ack=False).copy(self.place("all.ms"), deep=True).close()
            return [self.place("all.ms")]
        return parts

    def to_file(self):
        uv = pyuvdata.UVData()
        uv.read_ms(self.ours, run_check=False)
        uv.write_uvh5(self.place("back.uvh5"), clobber=True, run_check=False)

    # ---------------------------------------------------------------- what msio made

    def check_table(self, made, exact):
        at = 0
        with tables.table(self.ours, ack=False) as ours:
            for path in made:
                with tables.table(path, ack=False) as theirs:
                    for row in range(0, theirs.nrows(), ROWS_AT_ONCE):
                        n = min(ROWS_AT_ONCE, theirs.nrows() - row)
                        for name in EXACT:
                            a, b = ours.getcol(name, at + row, n), theirs.getcol(name, row, n)
                            same = np.array_equal(a, b) if exact or name != "DATA" else (abs(a - b) <= ULPS * abs(b)).all()
                            if not same:
                                raise Differs(f"{name} is not pyuvdata's in rows {at + row} and on")
                        if not np.allclose(ours.getcol("UVW", at + row, n), theirs.getcol("UVW", row, n), rtol=0, atol=UVW_M):
                            raise Differs(f"UVW is not pyuvdata's in rows {at + row} and on")
                    at += theirs.nrows()
            if at != ours.nrows():
                raise Differs(f"msio made {ours.nrows()} rows, pyuvdata {at}")

    def check_file(self):
        def rows(file):
            return np.lexsort([file[f"Header/{name}"][()] for name in ("ant_2_array", "ant_1_array", "time_array")])
        with h5py.File(self.back) as ours, h5py.File(self.place("back.uvh5")) as theirs:
            a, b = rows(ours), rows(theirs)
            for name in ("Header/time_array", "Header/ant_1_array", "Header/ant_2_array", "Data/visdata", "Data/flags",
                         "Data/nsamples"):
                if not np.array_equal(ours[name][()][a], theirs[name][()][b]):
                    raise Differs(f"{name} is not what pyuvdata makes of the table")

    def run(self, work, check):
        shutil.rmtree(self.scratch, ignore_errors=True)
        os.makedirs(self.scratch)
        began = time.perf_counter()
        if work == "convert-export":
            self.to_file()
        else:
            made = self.to_table(centre if work == "convert-centre" else meridian, work == "convert-meridian")
        seconds = time.perf_counter() - began
        if check and work == "convert-export":
            self.check_file()
        elif check:
            self.check_table(made, work == "convert-meridian")
        shutil.rmtree(self.scratch)
        return seconds


def main():
    pipeline = Pipeline(sys.argv[1], sys.argv[2:])
    versions = {"pyuvdata": pyuvdata.__version__, "astropy": astropy.__version__, "python": sys.version.split()[0]}
    print(json.dumps({"versions": versions, "eop": EOP}), flush=True)
    for line in sys.stdin:
        work, _, _, check = line.split()
        try:
            answer = {"seconds": pipeline.run(work, int(check))}
        except Exception as error:  # told of, whatever a library raises
            answer = {"seconds": -1, "why": f"{type(error).__name__}: {error}", "differs": isinstance(error, Differs)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
