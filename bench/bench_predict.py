#!/usr/bin/env python3
"""bench_predict.py - a hundred sources predicted by msio, codex-africanus and DP3, timed in turns; the results are compared.

usage: PYTHON bench/bench_predict.py MSIO [--tries N] [--antennas N] [--times N] [--dp3 PYTHON]

PYTHON has numpy and, to be compared with, codex-africanus (pip install codex-africanus numba); without it that row is LEFT OUT, and said
to be. The data set is simulated in memory (/dev/shm where there is one): four windows of 48 channels, two correlations. Of the sources a
quarter are Gaussians, the others points, all with spectral indices. msio's time is that of a whole process of `msio model`, which
reads UVW and writes MODEL_DATA; codex-africanus' is that of its calls alone, from arrays in memory to an array in memory, after a
first call that compiles them: phase_delay and gaussian in double precision and the sum over the sources, on blocks of rows that its
threads, one a processor, take in turn.

--dp3 names a Python that has DP3's wheel (pip install dp3); without it that row is left out. DP3 knows one field, one window and four
correlations, splits baselines into antennas and predicts no autocorrelations: the data set is then one integration of one window, with
u, v, w of antennas, and autocorrelations are not compared. Its time, too, is that of a whole process, which reads DATA and writes a column.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

SOURCES, REFERENCE, BLOCK = 100, 1.4e9, 64  # Hz; rows
ARCSEC = np.pi / 180 / 3600


def made_sky(ra0, dec0):
    """Columns: ra, dec (rad), I (Jy), spectral index, major, minor (rad, full widths), angle (rad)."""
    rng = np.random.default_rng(18)
    sky = np.zeros((SOURCES, 7))
    sky[:, 0], sky[:, 1] = ra0 + rng.normal(0, 0.01, SOURCES), dec0 + rng.normal(0, 0.01, SOURCES)
    sky[:, 2], sky[:, 3] = rng.uniform(0.1, 2, SOURCES), rng.normal(-0.7, 0.2, SOURCES)
    extended = slice(0, SOURCES // 4)
    sky[extended, 4] = rng.uniform(20, 60, SOURCES // 4) * ARCSEC
    sky[extended, 5] = sky[extended, 4] * rng.uniform(0.2, 0.9, SOURCES // 4)
    sky[extended, 6] = rng.uniform(0, np.pi, SOURCES // 4)
    return sky


def as_text(sky):
    head = (f"Format = Name, Type, Ra, Dec, I, ReferenceFrequency='{REFERENCE}', SpectralIndex='[]', MajorAxis, MinorAxis, Orientation\n")
    return head + "".join(f"s{i}, {'GAUSSIAN' if major else 'POINT'}, {ra!r}rad, {dec!r}rad, {flux!r},, [{index!r}], {major / ARCSEC!r}, "
                          f"{minor / ARCSEC!r}, {angle * 180 / np.pi!r}\n" for i, (ra, dec, flux, index, major, minor, angle) in
                          enumerate(sky.tolist()))


# What DP3's wheel runs as a program.
DP3 = "import sys; from dp3 import entrypoint; sys.exit(entrypoint())"


class DataSet:
    """A simulated set, and what of it the other way needs, in memory."""

    def __init__(self, msio, folder, o):
        self.msio, self.folder, self.path = msio, folder, os.path.join(folder, "obs.ms")
        self.text = os.path.join(folder, "sky.txt")
        self.simulate(o)
        self.sky = made_sky(*self.read("PHASE_DIR", "::FIELD")[0, 0])
        self.write_sky(self.sky)
        self.cross = self.read("ANTENNA1") != self.read("ANTENNA2")
        self.uvw, self.window, self.field = (self.read(name) for name in ("UVW", "DATA_DESC_ID", "FIELD_ID"))
        self.frequency = self.read("CHAN_FREQ", "::SPECTRAL_WINDOW")
        self.centre = self.read("PHASE_DIR", "::FIELD")[:, 0]

    def write_sky(self, sky):
        with open(self.text, "w") as file:
            file.write(as_text(sky))

    def simulate(self, o):
        times, windows, self.corrs = (1, 1, 4) if o.dp3 else (o.times, 4, 2)
        self.write_sky(made_sky(0, 0))  # another one: DATA are no answer
        self.call("simulate", "ms", "--out", self.path, "--imaging", "--antennas", o.antennas, "--times", times, "--subbands", windows,
                  "--corrs", self.corrs, "--quiet", *(("--sky", self.text) if o.dp3 else ()))

    def predict_by_dp3(self, python):
        done = subprocess.run([python, "-c", DP3, f"msin={self.path}", "msin.autoweight=false", "steps=[predict]",
                               f"predict.sourcedb={self.text}", "msout=.", "msout.datacolumn=DP3_MODEL"],
                              capture_output=True, text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
        if done.returncode:
            raise SystemExit(f"DP3: {(done.stdout + done.stderr).strip()[-500:]}")

    def call(self, *arguments):
        subprocess.run([self.msio, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    def read(self, column, subtable=""):
        out = os.path.join(self.folder, "column.npy")
        self.call("read", self.path + subtable, column, "--out", out, "--quiet")
        return np.load(out)


def predicted_by_africanus(data, sky, threads):
    from africanus.model.shape import gaussian
    from africanus.rime import phase_delay
    out = np.zeros((len(data.uvw), data.frequency.shape[1], data.corrs), np.complex64)
    extended = sky[:, 4] > 0
    jobs = []
    for window in np.unique(data.window):
        for field in np.unique(data.field):
            rows = np.flatnonzero((data.window == window) & (data.field == field))
            jobs += [(window, field, rows[at:at + BLOCK]) for at in range(0, len(rows), BLOCK)]

    def predict(job):
        window, field, rows = job
        (ra0, dec0), frequency, uvw = data.centre[field], data.frequency[window], data.uvw[rows]
        l = np.cos(sky[:, 1]) * np.sin(sky[:, 0] - ra0)
        m = np.sin(sky[:, 1]) * np.cos(dec0) - np.cos(sky[:, 1]) * np.sin(dec0) * np.cos(sky[:, 0] - ra0)
        terms = phase_delay(np.stack([l, m], axis=1), uvw, frequency, convention="casa")
        terms[extended] *= gaussian(uvw, frequency, sky[extended, 4:])
        flux = sky[:, 2, None] * (frequency / REFERENCE)**sky[:, 3, None]
        out[rows, :, ::data.corrs - 1] = np.einsum("src,sc->rc", terms, flux)[:, :, None]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(predict, jobs))
    return out


def timed(call):
    start = time.perf_counter()
    value = call()
    return time.perf_counter() - start, value


def told(name, seconds, ours, apart):
    """A rival's line; ends the program where it disagrees."""
    print(f"{name}: {statistics.median(seconds):.3f} s ({', '.join(f'{s:.3f}' for s in seconds)}); msio is "
          f"{statistics.median(seconds) / statistics.median(ours):.2f} times as fast; the two differ by at most {apart:.1e} of the total flux")
    if apart > 1e-6:
        raise SystemExit("the two differ by more than 1e-6 of the flux")


def africanus_version():
    try:
        import africanus
        return africanus.__version__
    except ImportError as why:
        print(f"codex-africanus: LEFT OUT: {why}")
        return None


def compare(o, folder, threads):
    africanus = africanus_version()
    data = DataSet(os.path.abspath(o.msio), folder, o)
    flux = data.sky[:, 2].sum()
    ours, theirs, dp3 = [], [], []
    if africanus:
        predicted_by_africanus(data, data.sky, threads)
    if o.dp3:
        data.predict_by_dp3(o.dp3)  # makes its column
    for _ in range(o.tries):
        ours.append(timed(lambda: data.call("model", data.path, "--sky", data.text, "--quiet"))[0])
        if africanus:
            seconds, model = timed(lambda: predicted_by_africanus(data, data.sky, threads))
            theirs.append(seconds)
        if o.dp3:
            dp3.append(timed(lambda: data.predict_by_dp3(o.dp3))[0])
    print(f"{SOURCES} sources, {len(data.uvw)} rows of {data.frequency.shape[1]} channels, {threads} processors, medians of {o.tries}")
    print(f"msio model: {statistics.median(ours):.3f} s ({', '.join(f'{s:.3f}' for s in ours)})")
    found = data.read("MODEL_DATA")
    if africanus:
        told(f"codex-africanus {africanus}", theirs, ours, np.abs(found - model).max() / flux)
    if o.dp3:
        told("DP3", dp3, ours, np.abs(found - data.read("DP3_MODEL"))[data.cross].max() / flux)


def main():
    parser = argparse.ArgumentParser(description="A hundred sources, by msio, by codex-africanus and by DP3.")
    parser.add_argument("msio")
    parser.add_argument("--tries", type=int, default=5)
    parser.add_argument("--antennas", type=int, default=32)
    parser.add_argument("--times", type=int, default=4)
    parser.add_argument("--dp3", metavar="PYTHON")
    o = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="msio-predict-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    try:
        compare(o, folder, len(os.sched_getaffinity(0)))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
