"""bench_convert.py - what a pipeline does today instead of a conversion: pyuvdata reads and writes, CASA concatenates; where
there is no CASA, casacore does, whose deep copy of the tables put together is the shorter work.

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
import h5py  # noqa: E402
import numpy as np  # noqa: E402
import pyuvdata  # noqa: E402
from casacore import tables  # noqa: E402

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "cli", "chain"))
import run_task  # noqa: E402
from uvdata_phases import EOP, to_centre, to_meridian  # noqa: E402

EXACT = ["DATA", "FLAG", "WEIGHT_SPECTRUM", "WEIGHT", "ANTENNA1", "ANTENNA2", "TIME", "INTERVAL"]
UVW_M, ULPS = 1e-9, 2.5e-7  # metres; two roundings of a float32, of its size
ROWS_AT_ONCE = 1 << 14


def casa(folder):
    """(CASA's task concat, or None; what the concatenation is by)"""
    os.environ["CASASITECONFIG"] = run_task.write_site(folder)
    try:
        import casadata  # noqa: F401
        import casatasks
    except ImportError:
        return None, "casacore's deep copy"
    return casatasks.concat, f"casatasks {casatasks.version_string()}"


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
        self.concat, self.concat_by = casa(folder)

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
        if joined and self.concat:
            self.concat(vis=parts, concatvis=self.place("all.ms"), copypointing=False)
        elif joined:
            tables.table(parts, ack=False).copy(self.place("all.ms"), deep=True).close()
        if joined:
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
            made = self.to_table(to_centre if work == "convert-centre" else to_meridian, work == "convert-meridian")
        seconds = time.perf_counter() - began
        if check and work == "convert-export":
            self.check_file()
        elif check:
            self.check_table(made, work == "convert-meridian")
        shutil.rmtree(self.scratch)
        return seconds


def main():
    pipeline = Pipeline(sys.argv[1], sys.argv[2:])
    versions = {"pyuvdata": pyuvdata.__version__, "astropy": astropy.__version__, "concat": pipeline.concat_by,
                "python": sys.version.split()[0]}
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
