#!/usr/bin/env python3
"""bench_predict.py - a hundred sources predicted by msio and by codex-africanus, timed in turns; the results are compared.

usage: PYTHON bench/bench_predict.py MSIO [--tries N] [--antennas N] [--times N]

PYTHON has numpy and, to be compared with, codex-africanus (pip install codex-africanus numba); without it that row is LEFT OUT, and said
to be. The data set is simulated in memory (/dev/shm where there is one): four windows of 48 channels, two correlations. Of the sources a
quarter are Gaussians, the others points, all with spectral indices. msio's time is that of a whole process of `msio model`, which
reads UVW and writes MODEL_DATA; codex-africanus' is that of its calls alone, from arrays in memory to an array in memory, after a
first call that compiles them: phase_delay and gaussian in double precision and the sum over the sources, on blocks of rows that its
threads, one a processor, take in turn.
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
    head = (f"Format = Type, Ra, Dec, I, ReferenceFrequency='{REFERENCE}', SpectralIndex='[]', MajorAxis, MinorAxis, Orientation\n")
    return head + "".join(f"{'GAUSSIAN' if major else 'POINT'}, {ra!r}rad, {dec!r}rad, {flux!r},, [{index!r}], {major / ARCSEC!r}, "
                          f"{minor / ARCSEC!r}, {angle * 180 / np.pi!r}\n" for ra, dec, flux, index, major, minor, angle in sky.tolist())


class DataSet:
    """A simulated set, and what of it the other way needs, in memory."""

    def __init__(self, msio, folder, o):
        self.msio, self.folder, self.path = msio, folder, os.path.join(folder, "obs.ms")
        self.call("simulate", "ms", "--out", self.path, "--imaging", "--antennas", o.antennas, "--times", o.times, "--subbands", 4, "--quiet")
        self.uvw, self.window, self.field = (self.read(name) for name in ("UVW", "DATA_DESC_ID", "FIELD_ID"))
        self.frequency = self.read("CHAN_FREQ", "::SPECTRAL_WINDOW")
        self.centre = self.read("PHASE_DIR", "::FIELD")[:, 0]

    def call(self, *arguments):
        subprocess.run([self.msio, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    def read(self, column, subtable=""):
        out = os.path.join(self.folder, "column.npy")
        self.call("read", self.path + subtable, column, "--out", out, "--quiet")
        return np.load(out)


def predicted_by_africanus(data, sky, threads):
    from africanus.model.shape import gaussian
    from africanus.rime import phase_delay
    out = np.empty((len(data.uvw), data.frequency.shape[1], 2), np.complex64)
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
        out[rows] = np.einsum("src,sc->rc", terms, flux)[:, :, None]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(predict, jobs))
    return out


def timed(call):
    start = time.perf_counter()
    value = call()
    return time.perf_counter() - start, value


def main():
    parser = argparse.ArgumentParser(description="A hundred sources, by msio and by codex-africanus.")
    parser.add_argument("msio")
    parser.add_argument("--tries", type=int, default=5)
    parser.add_argument("--antennas", type=int, default=32)
    parser.add_argument("--times", type=int, default=4)
    o = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="msio-predict-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    threads = len(os.sched_getaffinity(0))
    try:
        import africanus
        peer = f"codex-africanus {africanus.__version__}"
    except ImportError as why:
        peer = None
        print(f"codex-africanus: LEFT OUT: {why}")
    try:
        data = DataSet(os.path.abspath(o.msio), folder, o)
        sky, text = made_sky(*data.centre[0]), os.path.join(folder, "sky.txt")
        with open(text, "w") as file:
            file.write(as_text(sky))
        ours, theirs = [], []
        if peer:
            predicted_by_africanus(data, sky, threads)
        for _ in range(o.tries):
            ours.append(timed(lambda: data.call("model", data.path, "--sky", text, "--quiet"))[0])
            if peer:
                seconds, model = timed(lambda: predicted_by_africanus(data, sky, threads))
                theirs.append(seconds)
        print(f"{SOURCES} sources, {len(data.uvw)} rows of {data.frequency.shape[1]} channels, {threads} processors, medians of {o.tries}")
        print(f"msio model: {statistics.median(ours):.3f} s ({', '.join(f'{s:.3f}' for s in ours)})")
        if peer:
            print(f"{peer}: {statistics.median(theirs):.3f} s ({', '.join(f'{s:.3f}' for s in theirs)})")
            apart = np.abs(data.read("MODEL_DATA") - model).max() / sky[:, 2].sum()
            print(f"msio is {statistics.median(theirs) / statistics.median(ours):.2f} times as fast; the two differ by at most "
                  f"{apart:.1e} of the total flux")
            if apart > 1e-6:
                raise SystemExit("the two differ by more than 1e-6 of the flux")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
