"""loading.py - groups of UVH5 files made by h5py, and what loading them must give, by numpy alone."""
import json
import os
import subprocess

import h5py
import numpy as np

DUMP = None  # the program that loads, set by who imports this


class File:
    """One subband as numpy arrays, in the order of the file: rows, channels, polarizations."""

    def __init__(self, seed, frequencies, antennas=5, times=4, pols=(-5, -6), number=0, dtype="c8", order="time"):
        rng = np.random.default_rng(seed)
        pairs = [(a, b) for a in range(antennas) for b in range(a, antennas)]
        rows = [(t, a, b) for t in range(times) for a, b in pairs]
        if order == "baseline":
            rows = [(t, a, b) for a, b in pairs for t in range(times)]
        self.number, self.pols, self.dtype = number, list(pols), dtype
        self.frequencies = np.asarray(frequencies, float)
        self.widths = np.full(len(frequencies), 1e5)
        self.times = np.array([2460000.5 + t * 12.885 / 86400 for t, _, _ in rows])
        self.ant1 = np.array([a for _, a, _ in rows])
        self.ant2 = np.array([b for _, _, b in rows])
        shape = (len(rows), len(frequencies), len(pols))
        if dtype == "i4":
            self.vis = rng.integers(-2**31, 2**31, shape) + 1j * rng.integers(-2**31, 2**31, shape)
        else:
            self.vis = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
        self.flags = rng.random(shape) < 0.3
        self.nsamples = rng.random(shape).astype("f4")
        self.uvw = np.array([np.random.default_rng(row).standard_normal(3) * 100 for row in rows])  # all subbands'
        self.integration = np.full(len(rows), 12.885)
        self.positions = np.arange(3.0 * antennas).reshape(antennas, 3)
        self.names = [f"ant{a}" for a in range(antennas)]
        self.numbers = list(range(antennas))

    def reorder(self, permutation):
        for name in ("times", "ant1", "ant2", "vis", "flags", "nsamples", "uvw", "integration"):
            setattr(self, name, getattr(self, name)[permutation])

    def turn(self, rows):
        """Writes these rows as the conjugated pair: the same data."""
        swap = {-7: -8, -8: -7, -3: -4, -4: -3}
        partner = [self.pols.index(swap.get(p, p)) for p in self.pols]
        self.ant1[rows], self.ant2[rows] = self.ant2[rows].copy(), self.ant1[rows].copy()
        self.vis[rows] = np.conj(self.vis[rows][:, :, partner])
        self.flags[rows] = self.flags[rows][:, :, partner]
        self.nsamples[rows] = self.nsamples[rows][:, :, partner]
        self.uvw[rows] *= -1

    def write(self, path, old=False, compression=None, chunks=None, flag_bytes=1, shuffle=False, checksum=False,
              scalar_time=False, byte_order="<", version=None):
        n, c, p = self.vis.shape
        shape = (n, 1, c, p) if old else (n, c, p)
        more = {"compression": compression, "shuffle": shuffle, "fletcher32": checksum}
        if chunks:
            more["chunks"] = (chunks[0], 1, chunks[1], chunks[2]) if old else tuple(chunks)
        if not chunks and not (compression or shuffle or checksum):
            more = {}
        part = {"c8": "f4", "c16": "f8", "i4": "i4"}[self.dtype]
        vis = np.empty(shape, [("r", byte_order + part), ("i", byte_order + part)])
        vis["r"], vis["i"] = self.vis.real.reshape(shape), self.vis.imag.reshape(shape)
        with h5py.File(path, "w") as f:
            f.create_dataset("Data/visdata", data=vis, **more)
            if flag_bytes == 1:
                f.create_dataset("Data/flags", data=self.flags.reshape(shape), **more)
            else:
                truth = h5py.enum_dtype({"FALSE": 0, "TRUE": 1}, basetype=f"{byte_order}i{flag_bytes}")
                f.create_dataset("Data/flags", data=self.flags.reshape(shape).astype(f"i{flag_bytes}"), dtype=truth, **more)
            f.create_dataset("Data/nsamples", data=self.nsamples.reshape(shape).astype(byte_order + "f4"), **more)
            h = f.create_group("Header")
            h["Nblts"], h["Nfreqs"], h["Npols"], h["Nspws"] = n, c, p, 1
            h["Ntimes"], h["Nbls"] = len(set(self.times)), len(set(zip(self.ant1, self.ant2)))
            h["Nants_data"] = len(set(self.ant1) | set(self.ant2))
            h["Nants_telescope"] = len(self.numbers)
            h["antenna_names"] = np.array(self.names, "S")
            h["antenna_numbers"], h["antenna_positions"] = self.numbers, self.positions
            h["ant_1_array"], h["ant_2_array"] = self.ant1, self.ant2
            h["time_array"], h["uvw_array"] = self.times, self.uvw
            h["integration_time"] = 12.885 if scalar_time else self.integration
            h["freq_array"] = self.frequencies[None] if old else self.frequencies
            h["channel_width"] = self.widths[0] if old else self.widths
            h["polarization_array"], h["spw_array"] = self.pols, [1]
            h["telescope_name"], h["instrument"], h["history"], h["object_name"] = "T", "I", "made", "zenith"
            h["latitude"], h["longitude"], h["altitude"], h["phase_type"] = 37.0, -118.0, 1200.0, "drift"
            if version:
                h["version"] = version
            h["extra_keywords/phase_center_dec"] = 0.5


def load(out, options, *paths, code=0, env=None):
    """Runs the loader; what it wrote as a dictionary, or its error's three parts."""
    run = subprocess.run([DUMP, out, *[f"{k}={v}" for k, v in options.items()], "--", *paths], capture_output=True,
                         text=True, env={**os.environ, **(env or {})}, timeout=300)
    assert run.returncode == code, f"{options} {paths}: exit code {run.returncode}\n{run.stderr}"
    if code:
        return run.stderr.strip().split("\t")
    with open(out + ".json") as f:
        result = json.load(f)
    types = {"visdata": {"Complex": "c8", "DComplex": "c16"}[result["type"]], "flags": "u1", "nsamples": "f4"}
    for name, dtype in types.items():
        data = np.fromfile(f"{out}.{name}", dtype)
        result[name] = data.reshape(result["shape"]) if data.size else None
    return result


def expected(files, layout=0, rows=slice(None), chans=slice(None), corrs=slice(None)):
    """What loading gives: rows in the first file's order, channels ascending. Files in the order of the list."""
    first = files[0]
    key = {(round(t * 1e7), a, b): i for i, (t, a, b) in enumerate(zip(first.times, first.ant1, first.ant2))}
    arrays = {"visdata": [], "flags": [], "nsamples": []}
    frequencies = []
    swap = {-7: -8, -8: -7, -3: -4, -4: -3}
    partner = [first.pols.index(swap.get(p, p)) if swap.get(p, p) in first.pols else i for i, p in enumerate(first.pols)]
    for f in sorted(files, key=lambda f: f.frequencies.min()):
        place = np.empty(len(key), int)
        turned = np.zeros(len(key), bool)
        for i, (t, a, b) in enumerate(zip(f.times, f.ant1, f.ant2)):
            t = round(t * 1e7)
            r = key.get((t, a, b))
            if r is None:
                r = key[t, b, a]
                turned[r] = True
            place[r] = i
        channels = np.argsort(f.frequencies)
        vis, flags, nsamples = (x[place][:, channels] for x in (f.vis, f.flags, f.nsamples))
        vis[turned] = np.conj(vis[turned][:, :, partner])
        flags[turned], nsamples[turned] = flags[turned][:, :, partner], nsamples[turned][:, :, partner]
        for name, array in (("visdata", vis), ("flags", flags), ("nsamples", nsamples)):
            arrays[name].append(array[rows][:, chans][:, :, corrs])
        frequencies.append(f.frequencies[channels][chans])
    result = {k: np.stack(v) if layout else np.concatenate(v, 1) for k, v in arrays.items()}
    result["frequencies"] = np.concatenate(frequencies)
    for name in ("times", "ant1", "ant2", "uvw", "integration"):
        result[name] = getattr(first, name)[rows]
    return result


def check(got, want):
    """Every array and everything beside it, value by value."""
    for name in ("visdata", "flags", "nsamples"):
        assert got[name].shape == want[name].shape, (name, got[name].shape, want[name].shape)
        values = want[name].astype(got[name].dtype)
        assert (got[name] == values).all(), (name, np.argwhere(got[name] != values)[:4])
    assert got["frequencies"] == list(want["frequencies"]), "frequencies"
    assert got["times"] == list(want["times"]), "times"
    assert got["antenna1"] == list(want["ant1"]) and got["antenna2"] == list(want["ant2"]), "antennas"
    assert (np.array(got["uvw"]).reshape(-1, 3) == want["uvw"]).all(), "uvw"
    assert got["integrations"] == list(want["integration"]), "integrations"
