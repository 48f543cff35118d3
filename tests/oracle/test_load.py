#!/usr/bin/env python3
"""Batched loading against h5py and numpy: layouts, types, filters, orders of rows, selections, missing subbands, errors.

usage: test_load.py DUMP_LOAD
"""
import os
import shutil
import sys
import tempfile
import unittest

try:
    import h5py  # noqa: F401
    import numpy as np
except ImportError as error:
    print(f"skipped: {error} (Debian: python3-h5py)")
    sys.exit(77)
import loading
from loading import File, check, expected, load

loading.DUMP = sys.argv.pop(1)


def band(number, channels=8, descending=True, width=1e5, top=1.5e9, gap=0.0):
    """Frequencies of a subband: 0 is the highest, as the correlator numbers them."""
    low = top - (number + 1) * (channels * width + gap)
    ascending = low + width * np.arange(channels)
    return ascending[::-1] if descending else ascending


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="msio-load-")
        self.out = os.path.join(self.dir, "out")
        self.files = []

    def tearDown(self):
        shutil.rmtree(self.dir)

    def path(self, number, second=0):
        return os.path.join(self.dir, f"2025-10-05T13:27:{52 + second:02d}_sb{number:02d}.hdf5")

    def make(self, count=4, how=None, **more):
        """count files, each written as how(number) says."""
        self.files = [File(100 + i, more.pop("frequencies", None) or band(i), number=i, **more) for i in range(count)]
        for f in self.files:
            f.write(self.path(f.number), **(how(f.number) if how else {}))
        return self.files

    def paths(self):
        return [self.path(f.number) for f in self.files]

    def refused(self, status, *words, paths=None, **options):
        code, path, message = load(self.out, options, *(paths or self.paths()), code=3)
        self.assertEqual(code, status, message)
        for word in words:
            self.assertIn(word, message + " " + path)
        return message


class Layouts(Case):
    def test_every_storage_and_both_layouts(self):
        kinds = [dict(), dict(chunks=(16, 3, 1)), dict(chunks=(16, 8, 2), compression="lzf"),
                 dict(chunks=(7, 8, 1), compression="gzip", shuffle=True), dict(chunks=(60, 8, 2), checksum=True),
                 dict(chunks=(16, 3, 1), compression="lzf", shuffle=True, checksum=True)]
        for old in (False, True):
            for byte_order in "<>":
                for i, kind in enumerate(kinds):
                    self.make(3, lambda n: dict(kind, old=old, byte_order=byte_order, flag_bytes=4 if i % 2 else 1))
                    for layout in (0, 1):
                        for native in (1, 0):
                            got = load(self.out, {"layout": layout, "native": native}, *self.paths())
                            check(got, expected(self.files, layout))

    def test_each_file_stored_in_its_own_way(self):
        kinds = [dict(), dict(chunks=(16, 3, 1), compression="lzf", old=True), dict(chunks=(5, 8, 2)),
                 dict(flag_bytes=4, byte_order=">", scalar_time=True, version="1.0")]
        self.make(4, lambda n: kinds[n])
        for way in (0, 1, 2, 3):
            for threads in (1, 2):
                check(load(self.out, {"way": way, "threads": threads}, *self.paths()), expected(self.files))

    def test_types(self):
        for dtype in ("c8", "c16", "i4"):
            self.make(2, lambda n: dict(chunks=(16, 4, 1)), dtype=dtype)
            got = load(self.out, {}, *self.paths())
            self.assertEqual(got["type"], "Complex" if dtype == "c8" else "DComplex")
            check(got, expected(self.files))
            for asked in (9, 10):
                check(load(self.out, {"type": asked}, *self.paths()), expected(self.files))

    def test_a_group_of_a_folder(self):
        self.make(4)
        for second in range(4):
            os.rename(self.path(second), self.path(second, second))
        got = load(self.out, {}, self.dir, env={"GROUP_SIZE": "4"})
        check(got, expected(self.files))
        self.assertEqual([s[0] for s in got["subbands"]], [3, 2, 1, 0])
        self.assertEqual(got["missing"], [])

    def test_channels_that_ascend_and_single_ones(self):
        self.files = [File(1, band(0, 1), number=0), File(2, band(1, 8, descending=False), number=1),
                      File(3, band(2, 8), number=2)]
        for f in self.files:
            f.write(self.path(f.number))
        self.files[0].frequencies[0] = 1.6e9
        self.files[0].write(self.path(0))
        check(load(self.out, {}, *self.paths()), expected(self.files))

    def test_spectral_windows_of_a_flexible_file(self):
        f = File(5, np.concatenate([band(3), band(1, descending=False), band(2)]))
        f.write(self.path(0))
        with h5py.File(self.path(0), "a") as h:
            del h["Header/spw_array"], h["Header/Nspws"]
            h["Header/Nspws"], h["Header/spw_array"], h["Header/flex_spw"] = 3, [1, 2, 3], True
            h["Header/flex_spw_id_array"] = np.repeat([1, 2, 3], 8)
            h["Header/version"] = "1.1"
        got = load(self.out, {}, self.path(0))
        check(got, expected([f]))
        self.assertEqual(len(got["subbands"]), 3)


class Rows(Case):
    def test_other_orders_are_brought_to_the_first_one(self):
        rng = np.random.default_rng(3)
        for storage in (dict(), dict(chunks=(16, 3, 1), compression="lzf")):
            self.make(4)
            self.files[1].reorder(rng.permutation(len(self.files[1].times)))
            self.files[2].reorder(np.lexsort((self.files[2].times, self.files[2].ant2, self.files[2].ant1)))
            self.files[3].times += 2e-4 / 86400  # a clock of its own, within the tolerance
            for f in self.files:
                f.write(self.path(f.number), **storage)
            want = expected(self.files[:3])
            check(load(self.out, {}, *self.paths()[:3]), want)
            got = load(self.out, {}, *self.paths())
            self.files[3].times = self.files[0].times
            check(got, expected(self.files))
            self.refused("E_SHAPE", "another order", "sb01", refuse=1)

    def test_baseline_major(self):
        self.make(3, order="baseline")
        check(load(self.out, {}, *self.paths()), expected(self.files))
        check(load(self.out, {"time": 1, "times": 2}, *self.paths()),
              expected(self.files, rows=(self.files[0].times > self.files[0].times.min() + 1e-5)
                       & (self.files[0].times < self.files[0].times.max() - 1e-5)))

    def test_conjugated_pairs(self):
        for pols in ((-5, -6), (-5, -7, -8, -6), (-1, -2, -3, -4)):
            self.make(3, pols=pols)
            cross = np.flatnonzero(self.files[1].ant1 != self.files[1].ant2)
            self.files[1].turn(cross[::2])
            self.files[2].turn(cross)
            self.files[2].reorder(np.arange(len(self.files[2].times))[::-1])
            for f in self.files:
                f.write(self.path(f.number))
            check(load(self.out, {}, *self.paths()), expected(self.files))
            check(load(self.out, {"layout": 1}, *self.paths()), expected(self.files, 1))
        self.make(2, pols=(-5, -7, -8, -6))
        self.files[1].turn(np.flatnonzero(self.files[1].ant1 != self.files[1].ant2))
        self.files[1].write(self.path(1))
        self.refused("E_SHAPE", "polarizations", corr=0, corrs=2)

    def test_rows_that_do_not_fit(self):
        self.make(3)
        other = File(9, band(1), number=1, times=3)
        other.write(self.path(1))
        self.refused("E_SHAPE", "Nblts", "sb01")
        self.make(3)
        self.files[2].times[5] += 1.0
        self.files[2].write(self.path(2))
        self.refused("E_SHAPE", "time_array", "sb02", "row")
        self.make(3)
        self.files[1].ant2[4] = self.files[1].ant2[3]
        self.files[1].ant1[4] = self.files[1].ant1[3]
        self.files[1].write(self.path(1))
        self.refused("E_SHAPE", "ant_1_array", "sb01")
        self.make(3)
        self.files[1].integration[7] = 10.0
        self.files[1].write(self.path(1))
        self.refused("E_SHAPE", "integration_time", "sb01", "row 7")


class Selections(Case):
    def test_rows_channels_polarizations(self):
        self.make(3, lambda n: dict(chunks=(16, 3, 1)), pols=(-5, -7, -8, -6))
        n = len(self.files[0].times)
        rng = np.random.default_rng(4)
        for layout in (0, 1):
            check(load(self.out, {"layout": layout, "row": 3, "rows": 11, "row_step": 2}, *self.paths()),
                  expected(self.files, layout, rows=slice(3, 25, 2)))
            check(load(self.out, {"layout": layout, "chan": 1, "chans": 3, "chan_step": 2, "corr": 1, "corrs": 2},
                       *self.paths()), expected(self.files, layout, chans=slice(1, 7, 2), corrs=slice(1, 3)))
            check(load(self.out, {"layout": layout, "corr": 0, "corrs": 2, "corr_step": 3}, *self.paths()),
                  expected(self.files, layout, corrs=slice(0, 4, 3)))
            rows = rng.integers(0, n, 25)
            check(load(self.out, {"layout": layout, "list": ",".join(map(str, rows))}, *self.paths()),
                  expected(self.files, layout, rows=rows))
        check(load(self.out, {"time": 2, "times": 1}, *self.paths()), expected(self.files, rows=slice(30, 45)))

    def test_what(self):
        self.make(2)
        want = expected(self.files)
        for what, names in ((1, ["visdata"]), (2, ["flags"]), (6, ["flags", "nsamples"]), (0, [])):
            got = load(self.out, {"what": what}, *self.paths())
            for name in ("visdata", "flags", "nsamples"):
                if name in names:
                    self.assertTrue((got[name] == want[name]).all())
                else:
                    self.assertIsNone(got[name])
            self.assertEqual(got["frequencies"], list(want["frequencies"]))

    def test_nothing(self):
        self.make(2)
        got = load(self.out, {"rows": 0}, *self.paths())
        self.assertEqual(got["shape"], [0, 16, 2])
        got = load(self.out, {"chans": 0}, *self.paths())
        self.assertEqual(got["shape"][1], 0)

    def test_out_of_range(self):
        self.make(2)
        self.refused("E_RANGE", "channel", chan=3, chans=6)
        self.refused("E_RANGE", "rows", row=50, rows=20)
        self.refused("E_RANGE", "polarization", corr=2, corrs=1)
        self.refused("E_RANGE", "integrations", time=3, times=2)
        self.refused("E_ARGUMENT", "both", time=1, row=1)
        self.refused("E_SIZE", "bytes", memory=1000)

    def test_streams(self):
        self.make(3, lambda n: dict(chunks=(16, 3, 1)))
        want = expected(self.files)
        for batch in (1, 7, 15, 1000):
            for name in ("visdata", "flags", "nsamples"):
                if os.path.exists(f"{self.out}.{name}"):
                    os.remove(f"{self.out}.{name}")
            loading.subprocess.run([loading.DUMP, self.out, f"batch={batch}", "--", *self.paths()], check=True)
            for name, dtype in (("visdata", "c8"), ("flags", "u1"), ("nsamples", "f4")):
                got = np.fromfile(f"{self.out}.{name}", dtype).reshape(want[name].shape)
                self.assertTrue((got == want[name]).all(), (batch, name))


class Missing(Case):
    def test_missing_subbands(self):
        self.make(6)
        for number in (2, 5):
            os.remove(self.path(number))
        there = [f for f in self.files if f.number not in (2, 5)]
        env = {"GROUP_SIZE": "6"}
        code, _, message = load(self.out, {}, self.dir, code=3, env=env)
        self.assertEqual(code, "E_NOT_FOUND")
        self.assertIn("2, 5", message)
        got = load(self.out, {"missing": 1}, self.dir, env=env)
        check(got, expected(there))
        self.assertEqual(got["missing"], [2, 5])
        for f in self.files:
            if f not in there:
                f.vis[:], f.flags[:], f.nsamples[:] = 0, True, 0
        for layout in (0, 1):
            got = load(self.out, {"missing": 2, "layout": layout}, self.dir, env=env)
            want = expected(self.files, layout)
            self.assertTrue(np.allclose(got["frequencies"], want["frequencies"], rtol=1e-14))
            got["frequencies"] = list(want["frequencies"])
            check(got, want)
            self.assertEqual([s[:2] for s in got["subbands"]], [[5, 0], [4, 1], [3, 1], [2, 0], [1, 1], [0, 1]])

    def test_where_a_missing_one_stands_must_be_known(self):
        self.make(3)
        os.remove(self.path(1))
        os.remove(self.path(2))
        code, _, message = load(self.out, {"missing": 2}, self.dir, code=3, env={"GROUP_SIZE": "3"})
        self.assertEqual(code, "E_NOT_FOUND", message)
        self.assertIn("skip", message)


class Differences(Case):
    def change(self, field, value, number=1):
        with h5py.File(self.path(number), "a") as f:
            del f["Header/" + field]
            f["Header/" + field] = value

    def test_fields(self):
        self.make(3)
        self.change("polarization_array", [-6, -5])
        self.refused("E_SHAPE", "polarization_array", "sb01")
        self.make(3)
        self.change("antenna_names", np.array(["ant0", "x", "ant2", "ant3", "ant4"], "S"))
        self.refused("E_SHAPE", "antenna_names", "sb01", "x")
        self.make(3)
        self.change("antenna_positions", self.files[1].positions + 0.01)
        self.refused("E_SHAPE", "antenna_positions")
        self.make(3)
        self.change("antenna_numbers", [0, 1, 2, 3, 7])
        self.refused("E_SHAPE", "antenna_numbers")
        self.make(3)
        self.change("extra_keywords/phase_center_dec", 0.6)
        self.refused("E_SHAPE", "phase_center")
        self.make(3)
        self.change("telescope_name", "another")
        self.refused("E_SHAPE", "telescope_name")

    def test_frequencies(self):
        self.make(3)
        self.files[2].frequencies = band(1, 8) + 3e5
        self.files[2].write(self.path(2))
        self.refused("E_SHAPE", "overlap", "freq_array")
        self.make(3)
        self.files[2].frequencies = band(5)
        self.files[2].write(self.path(2))
        check(load(self.out, {}, *self.paths()), expected(self.files))  # a gap is no error
        self.files[2] = File(3, band(9, 4), number=2)
        self.files[2].write(self.path(2))
        check(load(self.out, {}, *self.paths()), expected(self.files))
        self.refused("E_SHAPE", "Nfreqs", layout=1)

    def test_files_that_cannot_be_read(self):
        self.make(3)
        with open(self.path(1), "r+b") as f:
            f.truncate(os.path.getsize(self.path(1)) // 2)
        self.refused("E_FORMAT", "sb01")
        self.make(3)
        with h5py.File(self.path(2), "a") as f:
            del f["Header/time_array"]
        self.refused("E_FORMAT", "time_array", "sb02")
        with open(self.path(2), "w") as f:
            f.write("no file of this kind")
        self.refused("E_FORMAT", "HDF5")
        os.remove(self.path(2))
        self.refused("E_NOT_FOUND", "sb02")
        os.rename(self.path(1), self.path(1).replace(".hdf5", "_incomplete.hdf5"))
        self.refused("E_LOCKED", "written", paths=[self.path(1).replace(".hdf5", "_incomplete.hdf5")])


if __name__ == "__main__":
    unittest.main()
