#!/usr/bin/env python3
"""`msio simulate --sky`, held against numpy and casacore: directions and uvw by casacore's measures, visibilities by the
textbook's sum in double precision over what the data sets themselves hold, gains, noise, weights; errors.

usage: test_simulate_sky.py MSIO [GROUP]      GROUP: Ms, Uvh5, Errors (the classes below, without Test)
"""
import glob
import hashlib
import os
import shutil
import tempfile
import unittest

from running import main, msio_text as msio, oracle

with oracle():
    import h5py
    import numpy as np
    from casacore import measures, tables
    from sky_model import DEGREE, LIGHT, SKY, model, text

SCRATCH = tempfile.mkdtemp(prefix="msio-sky-")
SHAPE = ("--antennas", 9, "--times", 3, "--subbands", 3, "--channels", 10)


def sky_file(shift=0.0, sky=SKY):
    path = tempfile.mkstemp(dir=SCRATCH, suffix=".txt")[1]
    with open(path, "w") as out:
        out.write(text(sky, shift))
    return path


def apparent(times, ra, dec):
    """Hour angle and apparent declination by casacore's measures, rad; times: s, MJD UTC."""
    dm = measures.measures()
    dm.do_frame(dm.position("itrf", *(f"{x}m" for x in (-2409150.0, -4478573.0, 3838617.0))))
    seen = []
    for time in times:
        dm.do_frame(dm.epoch("utc", f"{time}s"))
        at = dm.measure(dm.direction("j2000", f"{ra}rad", f"{dec}rad"), "hadec")
        seen.append((at["m0"]["value"], at["m1"]["value"]))
    return np.array(seen)


def meridian(date):
    """Right ascension of the meridian, in degrees."""
    dm = measures.measures()
    dm.do_frame(dm.position("itrf", *(f"{x}m" for x in (-2409150.0, -4478573.0, 3838617.0))))
    dm.do_frame(dm.epoch("utc", date))
    return dm.measure(dm.direction("hadec", "0rad", "0.28125rad"), "j2000")["m0"]["value"] / DEGREE % 360


def digests(folder):
    """Of the files that hold the main table's tiles."""
    found = {}
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "table.f*_TSM*"))):
        with open(path, "rb") as file:
            found[os.path.relpath(path, folder)] = hashlib.md5(file.read()).hexdigest()
    if len(found) < 6:
        raise AssertionError(f"{folder} has too few files of tiles: {sorted(found)}")
    return found


class TestMs(unittest.TestCase):
    def make(self, *options, sky=None):
        path = tempfile.mktemp(dir=SCRATCH, suffix=".ms")
        msio("simulate", "ms", "--out", path, "--quiet", *SHAPE, "--sky", sky or sky_file(), *options)
        return path

    def read(self, path):
        """Columns, and what the subtables say of each row."""
        with tables.table(path, ack=False) as t:
            c = {name: t.getcol(name) for name in t.colnames() if name != "FLAG_CATEGORY"}
        with tables.table(path + "::FIELD", ack=False) as t:
            c["dir"] = t.getcol("PHASE_DIR")[:, 0]
        with tables.table(path + "::SPECTRAL_WINDOW", ack=False) as t:
            c["freq"] = t.getcol("CHAN_FREQ")
        with tables.table(path + "::POLARIZATION", ack=False) as t:
            c["types"] = t.getcol("CORR_TYPE")[0]
        return c

    def expected(self, c):
        out = np.empty(c["DATA"].shape, complex)
        for spw in range(len(c["freq"])):
            rows = c["DATA_DESC_ID"] == spw
            place = c["dir"][c["FIELD_ID"][rows]]
            out[rows] = model(c["UVW"][rows], c["freq"][spw], place[:, 0], place[:, 1], c["types"])
        return out

    def test_the_sky_alone(self):
        for corrs in (1, 2, 4):
            c = self.read(self.make("--corrs", corrs, "--imaging"))
            want = self.expected(c)
            for name in ("DATA", "MODEL_DATA", "CORRECTED_DATA"):
                np.testing.assert_allclose(c[name], want, rtol=0, atol=1e-6)
            self.assertGreater(np.abs(want).std(), 0.1)
            self.assertFalse(c["FLAG"].any() or c["FLAG_ROW"].any())
            for name in ("WEIGHT", "SIGMA", "WEIGHT_SPECTRUM", "IMAGING_WEIGHT"):
                self.assertTrue((c[name] == 1).all())

    def test_gains_and_noise(self):
        path = self.make("--corrs", 4, "--noise", 0.25, "--seed", 5, "--gains", 7, "--imaging")
        c, gains = self.read(path), np.load(path + ".gains.npy")
        channels = c["freq"].size
        self.assertEqual(gains.shape, (9, 2, channels))
        self.assertTrue((np.abs(gains) > 0.7).all() and (np.abs(gains) < 1.33).all())
        self.assertGreater(np.abs(gains).std(), 0.05)
        want = self.expected(c)
        np.testing.assert_allclose(c["MODEL_DATA"], want, rtol=0, atol=1e-6)
        at = c["DATA_DESC_ID"][:, None] * c["freq"].shape[1] + np.arange(c["freq"].shape[1])
        for p, (one, two) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            g1, g2 = gains[c["ANTENNA1"][:, None], one, at], gains[c["ANTENNA2"][:, None], two, at]
            want[..., p] *= g1 * g2.conj()
        rest = c["DATA"] - want
        for part in (rest.real, rest.imag):
            self.assertLess(abs(part.std() - 0.25), 0.01)
            self.assertLess(abs(part.mean()), 0.01)
        for name, value in (("SIGMA", 0.25), ("WEIGHT", 16), ("WEIGHT_SPECTRUM", 16), ("IMAGING_WEIGHT", 16)):
            np.testing.assert_array_equal(c[name], np.float32(value))

    def test_gains_follow_the_formula(self):
        gains = np.load(self.make("--corrs", 2, "--gains", 7) + ".gains.npy")
        n = np.arange(4, dtype=np.uint64)
        for k in (0, 1, 17):
            with np.errstate(over="ignore"):
                z = np.uint64(7) + (np.uint64(8 * k) + n + np.uint64(1)) * np.uint64(0x9e3779b97f4a7c15)
                z = (z ^ z >> np.uint64(30)) * np.uint64(0xbf58476d1ce4e5b9)
                z = (z ^ z >> np.uint64(27)) * np.uint64(0x94d049bb133111eb)
            r = ((z ^ z >> np.uint64(31)) >> np.uint64(11)).astype(float) / 2**53
            x = 2 * np.pi * np.arange(gains.shape[2]) / gains.shape[2]
            want = (0.8 + 0.4 * r[0]) * (1 + 0.1 * np.cos(x + 2 * np.pi * r[2]))
            want = want * np.exp(1j * (2 * np.pi * r[1] + 0.2 * np.sin(x + 2 * np.pi * r[3])))
            np.testing.assert_allclose(gains[k // 2, k % 2], want, rtol=1e-12)

    def test_directions_and_uvw(self):
        """casacore counts UT1 by its own table: 0.3 s of time at most, 5 arcsec."""
        path = self.make()
        c = self.read(path)
        times = np.unique(c["TIME"])
        for t, time in enumerate(times):
            (hour_angle, declination), = apparent([time], *c["dir"][t])
            self.assertLess(abs(hour_angle), 2.5e-5)
            self.assertLess(abs(declination - 0.28125), 2e-6)
        with tables.taql(f"select UVW, mscal.uvwj2000() as FRESH from '{path}'") as t:
            np.testing.assert_allclose(t.getcol("UVW"), t.getcol("FRESH"), rtol=0, atol=0.05)
        with tables.table(path + "::ANTENNA", ack=False) as t:
            place = t.getcol("POSITION")
        length = np.linalg.norm(place[c["ANTENNA2"]] - place[c["ANTENNA1"]], axis=1)
        np.testing.assert_allclose(np.linalg.norm(c["UVW"], axis=1), length, rtol=0, atol=1e-8)

    def test_threads_change_nothing(self):
        sky = sky_file()
        made = []
        for threads in ("1", "2", "3", "8"):
            path = tempfile.mktemp(dir=SCRATCH, suffix=".ms")
            msio("simulate", "ms", "--out", path, "--quiet", *SHAPE, "--sky", sky, "--noise", 1, "--gains", 2,
                 env={"OMP_NUM_THREADS": threads})
            with open(path + ".gains.npy", "rb") as file:
                made.append((digests(path), file.read()))
        for other in made[1:]:
            self.assertEqual(other, made[0])

    def test_overwriting(self):
        sky = sky_file()
        path = self.make("--gains", 1, sky=sky)
        before = np.load(path + ".gains.npy")
        shutil.rmtree(path)
        said = msio("simulate", "ms", "--out", path, *SHAPE, "--sky", sky, "--gains", 2, code=2).stderr
        self.assertIn("gains", said)
        self.assertFalse(os.path.exists(path))
        np.testing.assert_array_equal(np.load(path + ".gains.npy"), before)
        for _ in range(2):
            msio("simulate", "ms", "--out", path, *SHAPE, "--sky", sky, "--gains", 2, "--force", "--quiet")
        self.assertTrue((np.load(path + ".gains.npy") != before).any())


class TestUvh5(unittest.TestCase):
    def make(self, *options, shift=0.0):
        folder = tempfile.mkdtemp(dir=SCRATCH)
        msio("simulate", "uvh5", "--out", folder, "--quiet", *SHAPE, "--time", "2025-10-05T05:00:00", "--sky",
             sky_file(shift), *options)
        return folder

    SHIFT = meridian("2025/10/05/05:00:20") - 285.25

    def test_visibilities(self):
        """Against hour angles by casacore's measures, which differ by UT1; the same for all sources: a rotation."""
        for pols, noise in ((2, 0.0), (4, 0.0), (2, 0.5)):
            gains = ("--gains", 3)
            folder = self.make("--pols", pols, "--noise", noise, *gains, shift=self.SHIFT)
            g = np.load(folder + ".gains.npy")
            for path in glob.glob(os.path.join(folder, "*")):
                subband = int(os.path.basename(path).split("_sb")[1].split(".")[0])
                with h5py.File(path, "r") as file:
                    h, visdata = file["Header"], file["Data/visdata"][:, 0]
                    times = (h["time_array"][:] - 2400000.5) * 86400
                    uvw, frequency = h["uvw_array"][:].astype(float), h["freq_array"][0]
                    one, two, pol = h["ant_1_array"][:], h["ant_2_array"][:], h["polarization_array"][:]
                    self.assertFalse(file["Data/flags"][:].any())
                    self.assertTrue((file["Data/nsamples"][:] == 1).all())
                types = [{-5: 9, -6: 12, -7: 10, -8: 11}[p] for p in pol]
                want = 0
                for source in SKY:
                    seen = apparent(np.unique(times), (source[1] + self.SHIFT) * DEGREE, source[2] * DEGREE)
                    at = seen[np.unique(times, return_inverse=True)[1]]
                    want = want + np.concatenate([
                        model(-uvw[i:i + 1], frequency, np.array([at[i, 0]]), np.array([0.28125]), types,
                              [(source[0], 0.0, at[i, 1] / DEGREE, *source[3:])]) for i in range(len(uvw))])
                order = 2 - subband
                at = order * 10 + np.arange(10)[::-1]
                hands = {9: (0, 0), 10: (0, 1), 11: (1, 0), 12: (1, 1)}
                for p, kind in enumerate(types):
                    a, b = hands[kind]
                    want[..., p] *= g[one[:, None], a, at] * g[two[:, None], b, at].conj()
                rest = visdata - want.conj()
                if noise:
                    self.assertLess(abs(rest.real.std() - noise), 0.05)
                else:
                    self.assertLess(np.abs(rest).max(), 0.12)
                    self.assertGreater(np.abs(visdata + 0).std(), 0.5)
                    self.assertGreater(np.abs(visdata - want).max(), 1.0)

    def test_a_point_is_imaged_where_it_stands(self):
        """The dirty image there and on the other side, by the sum that CASA and WSClean grid."""
        folder = tempfile.mkdtemp(dir=SCRATCH)
        one = (("a", 285.0 + self.SHIFT + 0.15, 16.2, 1.0, 0, 0, 0, 0, 0, 0, 0),)
        msio("simulate", "uvh5", "--out", folder, "--quiet", "--antennas", 24, "--times", 1, "--channels", 4, "--time",
             "2025-10-05T05:00:00", "--sky", sky_file(sky=one))
        path = sorted(glob.glob(os.path.join(folder, "*")))[0]
        with h5py.File(path, "r") as file:
            h = file["Header"]
            first = h["time_array"][:] == h["time_array"][0]
            times = [(h["time_array"][0] - 2400000.5) * 86400]
            uvw, frequency = -h["uvw_array"][:][first].astype(float), h["freq_array"][0]
            data = file["Data/visdata"][:, 0, :, 0][first].conj()  # as a Measurement Set has both
        (hour_angle, declination), = apparent(times, one[0][1] * DEGREE, one[0][2] * DEGREE)
        l0 = -np.cos(declination) * np.sin(hour_angle)
        m0 = np.sin(declination) * np.cos(0.28125) - np.cos(declination) * np.sin(0.28125) * np.cos(hour_angle)
        self.assertGreater(np.hypot(l0, m0), 1e-3)

        def brightness(l, m):
            delay = (uvw * [l, m, np.sqrt(1 - l**2 - m**2) - 1]).sum(axis=1) / LIGHT
            return (data * np.exp(-2j * np.pi * delay[:, None] * frequency)).real.mean()

        self.assertGreater(brightness(l0, m0), 0.99)
        self.assertLess(brightness(-l0, -m0), 0.7)


class TestErrors(unittest.TestCase):
    def test_what_is_refused(self):
        out = os.path.join(SCRATCH, "never")
        bad = tempfile.mkstemp(dir=SCRATCH)[1]
        with open(bad, "w") as file:
            file.write("Format = Name, Type, Ra, Dec, I\na, DISK, 1deg, 1deg, 1\n")
        for kind in ("ms", "uvh5"):
            said = msio("simulate", kind, "--out", out, "--sky", bad, code=3).stderr
            self.assertIn("line 2, column 4", said)
            self.assertIn("DISK", said)
            self.assertIn("no such file", msio("simulate", kind, "--out", out, "--sky", out, code=3).stderr.lower())
            msio("simulate", kind, "--out", out, "--gains", 1, code=2)
            msio("simulate", kind, "--out", out, "--sky", sky_file(), "--noise", "-1", code=2)
            msio("simulate", kind, "--out", out, "--sky", sky_file(), "--gains", "x", code=2)
        msio("simulate", "ms", "--out", out, "--noise", 1, code=2)
        self.assertFalse(glob.glob(out + "*"))


if __name__ == "__main__":
    main(globals(), SCRATCH)
