"""A worker of the benchmarks: h5py or pyuvdata on a group of UVH5 files, one repetition a request.

usage: bench_group.py h5py|pyuvdata FILE...
Reads lines "WORK VARIANT THREADS CHECK" as bench_group does. The output is msio's: [row][channel, ascending][polarization]
of visdata, flags and nsamples. Variants of h5py: warm, new, slices; of pyuvdata: concat, batches.
"""
import json
import platform
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bench_checksum import checksum

READER, PATHS = sys.argv[1], sys.argv[2:]
ARRAYS = {"visdata": np.complex64, "flags": np.bool_, "nsamples": np.float32}
WANTED = {"group-lzf": ("flags", "nsamples")}
BATCH = 4  # files, and threads: the pipeline's


class H5py:
    """Its default chunk cache; each file is opened in the timed part. The places of channels and rows are known before."""

    def __init__(self):
        import h5py
        try:
            import hdf5plugin  # noqa: F401: the filter of group-bitshuffle
        except ImportError:
            pass
        self.h5py, self.warm = h5py, {}
        self.versions = {"h5py": h5py.__version__, "hdf5": h5py.version.hdf5_version}
        starts = []
        with h5py.File(PATHS[0], "r") as f:
            self.rows, self.channels, self.pols = (int(f["Header/" + n][()]) for n in ("Nblts", "Nfreqs", "Npols"))
            self.times = f["Header/time_array"][:]
        for path in PATHS:
            with h5py.File(path, "r") as f:
                frequencies = f["Header/freq_array"][:].ravel()
                starts.append((frequencies.min(), path, frequencies[0] > frequencies[-1]))
        self.files = [(path, turned) for _, path, turned in sorted(starts)]  # ascending

    def parts(self, work):
        """The files in ascending frequency, and the span of rows."""
        if work != "group-part":
            return self.files, slice(0, self.rows)
        each = np.unique(self.times)
        wanted = np.flatnonzero(self.times == each[len(each) // 2])
        if wanted[-1] - wanted[0] != wanted.size - 1:
            raise ValueError("the rows of an integration are not one span")
        quarter = PATHS[len(PATHS) // 4:][:max(1, len(PATHS) // 4)]
        return [f for f in self.files if f[0] in quarter], slice(int(wanted[0]), int(wanted[-1]) + 1)

    def output(self, work):
        """New arrays."""
        files, span = self.parts(work)
        shape = (span.stop - span.start, self.channels * len(files), self.pols)
        return {name: np.empty(shape, ARRAYS[name]) for name in WANTED.get(work, ARRAYS)}

    def touched(self, work):
        """The output's memory, of one work at a time: touched right before it is used, since other readers took their
        seconds since the last time. What stood there is not to be taken for the answer either."""
        if work not in self.warm:
            self.warm = {work: self.output(work)}
        for array in self.warm[work].values():
            array.fill(1)
        return self.warm[work]

    def read(self, work, variant, _threads):
        files, span = self.parts(work)
        warm = variant != "new"
        out, part = None, {}
        if warm:  # one file's part: HDF5 cannot turn the channels round on the way into the output
            out, shape = self.touched(work), (span.stop - span.start, self.channels, self.pols)
            part = {name: np.ones(shape, array.dtype) for name, array in out.items()}
        start = time.perf_counter()
        out = out or self.output(work)
        for number, (path, turned) in enumerate(files):
            channels = slice(number * self.channels, (number + 1) * self.channels)
            with self.h5py.File(path, "r") as f:
                for name, array in out.items():
                    dataset = f["Data/" + name]
                    if warm:
                        read = part[name]
                        dataset.read_direct(read.reshape((-1,) + dataset.shape[1:]), np.s_[span])
                    else:
                        read = dataset[span].reshape(-1, self.channels, self.pols)
                    array[:, channels] = read[:, ::-1] if turned else read
        return time.perf_counter() - start, list(out.values())


class Pyuvdata:
    """UVData.read of each file and fast_concat along frequency, without any check. What a user has then may still need
    its channels put in order: that is not timed."""

    def __init__(self):
        warnings.filterwarnings("ignore")
        import h5py
        import pyuvdata
        self.UVData = pyuvdata.UVData
        self.versions = {"pyuvdata": pyuvdata.__version__, "pyuvdata's hdf5": h5py.version.hdf5_version}

    def one(self, path):
        uvd = self.UVData()
        uvd.read(path, file_type="uvh5", run_check=False, check_extra=False, run_check_acceptability=False,
                 strict_uvw_antpos_check=False)
        uvd.uvw_array = uvd.uvw_array.astype(float)  # the correlator's are singles, which it does not take
        return uvd

    @staticmethod
    def concatenated(parts):
        if len(parts) > 1:
            parts[0].fast_concat(parts[1:], "freq", inplace=True, run_check=False, check_extra=False,
                                 run_check_acceptability=False, strict_uvw_antpos_check=False)
        return parts[0]

    def batches(self):
        """As the pipeline: four files at a time on four threads, put together, and then what they gave."""
        merged = []
        with ThreadPoolExecutor(BATCH) as pool:
            for at in range(0, len(PATHS), BATCH):
                merged.append(self.concatenated(list(pool.map(self.one, PATHS[at:at + BATCH]))))
        return self.concatenated(merged)

    def read(self, work, variant, _threads):
        start = time.perf_counter()
        uvd = self.batches() if variant == "batches" else self.concatenated([self.one(path) for path in PATHS])
        seconds = time.perf_counter() - start
        order = np.argsort(uvd.freq_array.ravel(), kind="stable")
        arrays = (uvd.data_array, uvd.flag_array, uvd.nsample_array)
        return seconds, [Ordered(a, order) for a in arrays]


class Ordered:
    """An array whose channels are put in order when it is looked at; its size is known before."""

    def __init__(self, array, order):
        self.array, self.order, self.nbytes = array, order, array.nbytes

    def __array__(self, dtype=None, copy=None):
        a = self.array
        return a.reshape(a.shape[0], -1, a.shape[-1])[:, self.order]


def main():
    reader = {"h5py": H5py, "pyuvdata": Pyuvdata}[READER]()
    print(json.dumps({"ready": True, "versions": {**reader.versions, "python": platform.python_version()}}), flush=True)
    for line in sys.stdin:
        work, variant, threads, check = line.split()
        answer = {"seconds": -1, "bytes": 0, "checksum": 0}
        try:
            if variant == "prepare":
                if READER == "h5py":
                    answer["bytes"] = sum(a.nbytes for a in reader.touched(work).values())
            else:
                seconds, arrays = reader.read(work, variant, int(threads))
                answer["seconds"], answer["bytes"] = seconds, sum(a.nbytes for a in arrays)
                if int(check):
                    answer["checksum"] = sum(checksum(a) for a in arrays) % 2**64
                del arrays
        except Exception as error:  # a reader that cannot do a work is reported, and the others go on
            answer["why"] = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), flush=True)


main()
