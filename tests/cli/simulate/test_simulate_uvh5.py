#!/usr/bin/env python3
"""`msio simulate uvh5`, held against h5py: every dataset's type, shape, chunks, filters and values; names; errors.

The values are computed here once more, from docs/simulation.md; the layout of the file is that of a twin which h5py
writes as the correlator does.

usage: test_simulate_uvh5.py MSIO [GROUP]      GROUP: Values, Layout, Names, Errors (the classes below, without Test)
"""
import glob
import json
import os
import re
import resource
import signal
import subprocess
import tempfile
import unittest

from running import main, MSIO, msio_text as msio, oracle

with oracle():
    import h5py
    import numpy as np

SCRATCH = tempfile.mkdtemp(prefix="msio-uvh5-")
SMALL = ("--antennas", 6, "--times", 3, "--subbands", 3, "--channels", 8)
R23 = 8388593
LIGHT = 299792458.0
# flux, Q, U, V as parts of it, hour angle at first, declination less that of the phase centre
SOURCES = ((4.0, 0.05, 0.02, 0.01, -0.011, 0.003), (2.0, -0.10, 0.05, -0.02, 0.004, -0.006),
           (1.0, 0.20, -0.10, 0.05, -0.020, 0.010))


def folder():
    return tempfile.mkdtemp(dir=SCRATCH)


def simulate(*options, where=None):
    """Makes a group; its folder."""
    where = where or folder()
    msio("simulate", "uvh5", "--out", where, "--quiet", *options)
    return where


def files(where):
    return sorted(glob.glob(os.path.join(glob.escape(where), "*")), key=subband_of)


def subband_of(path):
    return int(os.path.basename(path).split("_sb")[1].split(".")[0])  # a scratch folder's name may hold "_sb" too


# ---------------------------------------------------------------- the formulas

def visibilities(header):
    """docs/simulation.md: all of a file's visdata, from what its header holds."""
    uvw = header["uvw_array"][:].astype(float)
    days = header["time_array"][:]
    t = np.round((days - days[0]) * 86400 / 12.885)
    dec0 = header["phase_center_app_dec"][()]
    total = 0
    for flux, q, u, v, hour_angle, offset in SOURCES:
        h, dec = hour_angle + 7.2921159e-5 * 12.885 * t, dec0 + offset
        l = -np.cos(dec) * np.sin(h)
        m = np.sin(dec) * np.cos(dec0) - np.cos(dec) * np.sin(dec0) * np.cos(h)
        n = np.sin(dec) * np.sin(dec0) + np.cos(dec) * np.cos(dec0) * np.cos(h)
        delay = (uvw * np.stack([l, m, n - 1], axis=1)).sum(axis=1) / LIGHT
        phase = np.exp(2j * np.pi * delay[:, None, None, None] * header["freq_array"][:][None, :, :, None])
        part = {-5: 1 + q, -6: 1 - q, -7: u - 1j * v, -8: u + 1j * v}
        total = total + flux * phase * np.array([part[p] for p in header["polarization_array"]])
    return total


def noise(n, sigma, seed):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + (n.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9e3779b97f4a7c15)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xbf58476d1ce4e5b9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94d049bb133111eb)
        z = z ^ z >> np.uint64(31)
    radius = np.sqrt(-2 * np.log(((z >> np.uint64(32)).astype(float) + 0.5) / 2**32))
    return sigma * radius * np.exp(2j * np.pi * (z & np.uint64(0xffffffff)).astype(float) / 2**32)


def numbers(path, shape):
    """n of every element, counted over all subbands' files."""
    elements = int(np.prod(shape))
    return subband_of(path) * elements + np.arange(elements, dtype=np.int64).reshape(shape)


class TestValues(unittest.TestCase):
    def check_data(self, path, flags=True, sigma=0.0, seed=0):
        with h5py.File(path, "r") as file:
            header, data = file["Header"], file["Data"]
            visdata = data["visdata"][:]
            n = numbers(path, visdata.shape)
            expected = visibilities(header)
            if sigma:
                expected = expected + noise(n, sigma, seed)
            np.testing.assert_allclose(visdata, expected, rtol=0, atol=4e-6 * (1 + sigma))
            np.testing.assert_array_equal(data["nsamples"][:], (1 + (13 * n % R23) / 2**23).astype(np.float32))
            pattern = (n % 37 == 0) | (n % 8191 < 64)
            np.testing.assert_array_equal(data["flags"][:], pattern if flags else np.zeros_like(pattern))

    def check_rows(self, path, antennas, times):
        """Time, antennas, integration time, and uvw from the antennas' positions."""
        pairs = np.array([(i, j) for i in range(antennas) for j in range(i, antennas)])
        with h5py.File(path, "r") as file:
            header = file["Header"]
            np.testing.assert_array_equal(header["ant_1_array"][:], np.tile(pairs[:, 0], times))
            np.testing.assert_array_equal(header["ant_2_array"][:], np.tile(pairs[:, 1], times))
            t = np.repeat(np.arange(times), len(pairs))
            np.testing.assert_array_equal(header["time_array"][:],
                                          2440587.5 + (1759670872 + 12885 * (2 * t + 1) / 2000) / 86400)
            np.testing.assert_array_equal(header["integration_time"][:], 12.885)
            places = header["antenna_positions"][:]
            x, y, z = (places[header["ant_2_array"][:]] - places[header["ant_1_array"][:]]).T
            longitude, dec = np.radians(header["longitude"][()]), header["phase_center_app_dec"][()]
            out = x * np.cos(longitude) + y * np.sin(longitude)
            u = y * np.cos(longitude) - x * np.sin(longitude)
            v, w = z * np.cos(dec) - out * np.sin(dec), z * np.sin(dec) + out * np.cos(dec)
            np.testing.assert_allclose(header["uvw_array"][:], np.stack([u, v, w], axis=1), rtol=1e-6, atol=1e-4)

    def test_all_values_of_a_group(self):
        for path in files(simulate(*SMALL)):
            self.check_data(path)
            self.check_rows(path, 6, 3)

    def test_many_chunks_and_integrations_that_share_them(self):
        (path,) = files(simulate("--antennas", 40, "--times", 5, "--subbands", 1, "--channels", 20))
        self.check_data(path)
        self.check_rows(path, 40, 5)

    def test_one_and_four_polarizations(self):
        for pols, listed in ((1, [-5]), (2, [-5, -6]), (4, [-5, -7, -8, -6])):
            for path in files(simulate(*SMALL, "--pols", pols)):
                self.check_data(path)
                with h5py.File(path, "r") as file:
                    self.assertEqual(file["Header/polarization_array"][:].tolist(), listed)

    def test_noise_of_a_seed(self):
        for path in files(simulate(*SMALL, "--noise", 0.75, "--seed", 12)):
            self.check_data(path, sigma=0.75, seed=12)

    def test_no_flags_on_request(self):
        for path in files(simulate(*SMALL, "--flags", "none")):
            self.check_data(path, flags=False)

    def test_every_compression_holds_the_same(self):
        for way, found in (("none", (None, None)), ("lzf", ("lzf", None)), ("gzip", ("gzip", 4))):
            for path in files(simulate(*SMALL, "--antennas", 12, "--compression", way)):
                self.check_data(path)
                with h5py.File(path, "r") as file:
                    for dataset in file["Data"].values():
                        self.assertEqual((dataset.compression, dataset.compression_opts), found)
                        self.assertFalse(dataset.shuffle or dataset.fletcher32)
                    self.assertIsNone(file["Header/uvw_array"].compression)

    def test_one_row_is_enough(self):
        (path,) = files(simulate("--antennas", 1, "--times", 1, "--subbands", 1, "--channels", 1, "--pols", 1))
        self.check_data(path)
        self.check_rows(path, 1, 1)

    def test_no_byte_depends_on_the_threads(self):
        group = ("--antennas", 20, "--times", 2, "--subbands", 1, "--channels", 16, "--noise", 1)
        made = []
        for threads in ("1", "2", "5"):
            where = folder()
            msio("simulate", "uvh5", "--out", where, *group, env={"OMP_NUM_THREADS": threads})
            with open(files(where)[0], "rb") as file:
                made.append(file.read())
        self.assertEqual(made[0], made[1])
        self.assertEqual(made[0], made[2])


# ---------------------------------------------------------------- the layout

SERIES = (("Header/time_array", (), float), ("Header/integration_time", (), float),
          ("Header/uvw_array", (3,), np.float32), ("Header/ant_1_array", (), int), ("Header/ant_2_array", (), int),
          ("Data/visdata", "cell", np.complex64), ("Data/flags", "cell", bool), ("Data/nsamples", "cell", np.float32))


def write_twin(path, model, integrations, compression):
    """The same by h5py, from a file of ours: the header's datasets in the order in which they were made, then those that
    grow, made empty and appended to one integration at a time."""
    with h5py.File(model, "r") as given, h5py.File(path, "w") as file:
        fixed = []
        given.visititems(lambda name, object: fixed.append(name) if isinstance(object, h5py.Dataset) else None)
        fixed = set(fixed) - {name for name, _, _ in SERIES}
        for name in sorted(fixed, key=lambda name: h5py.h5o.get_info(given[name].id).addr):
            file[name] = given[name][()]
        cell = given["Data/visdata"].shape[1:]
        for name, more, dtype in SERIES:
            shape = cell if more == "cell" else more
            file.create_dataset(name, (0, *shape), maxshape=(None, *shape), dtype=dtype, chunks=True,
                                compression=compression if more == "cell" else None)
        rows = given["Data/visdata"].shape[0] // integrations
        for t in range(integrations):
            for name, _, _ in SERIES:
                file[name].resize((t + 1) * rows, axis=0)
                file[name][t * rows:] = given[name][t * rows:(t + 1) * rows]


def chunk_table(file):
    """(address, dataset, place in it, bytes, filter mask) of every chunk, by address."""
    found = []
    for name, _, _ in SERIES:
        dataset = file[name].id
        for i in range(dataset.get_num_chunks()):
            chunk = dataset.get_chunk_info(i)
            found.append((chunk.byte_offset, name, chunk.chunk_offset, chunk.size, chunk.filter_mask))
    return sorted(found)


class TestLayout(unittest.TestCase):
    def check_twin(self, times, *options, compression=None):
        (model,) = files(simulate("--times", times, "--subbands", 1, *options))
        twin = os.path.join(folder(), "twin.h5")
        write_twin(twin, model, times, compression)
        with h5py.File(model, "r") as ours, h5py.File(twin, "r") as theirs:
            for name, _, _ in SERIES:
                self.assertEqual(ours[name].dtype, theirs[name].dtype, name)
                self.assertEqual(ours[name].shape, theirs[name].shape, name)
                self.assertEqual(ours[name].chunks, theirs[name].chunks, name)
                self.assertEqual(ours[name].maxshape, theirs[name].maxshape, name)
                self.assertTrue(ours[name].id.get_type() == theirs[name].id.get_type(), name)
                plists = [file[name].id.get_create_plist() for file in (ours, theirs)]
                self.assertEqual(*[plist.get_layout() for plist in plists])
                self.assertEqual(*[plist.get_fill_time() for plist in plists])
                self.assertEqual(*[plist.get_alloc_time() for plist in plists])
                self.assertEqual(*[[plist.get_filter(i) for i in range(plist.get_nfilters())] for plist in plists])
            mine, other = chunk_table(ours), chunk_table(theirs)
            self.assertEqual([chunk[1:] for chunk in mine], [chunk[1:] for chunk in other])
        return model

    def test_chunks_lie_as_h5py_lays_them(self):
        self.check_twin(4, "--antennas", 50, "--channels", 12)

    def test_so_do_those_of_dsa110s_channels(self):
        model = self.check_twin(2, "--antennas", 96)
        with h5py.File(model, "r") as file:
            self.assertEqual([file[name].chunks for name, _, _ in SERIES],
                             [(1024,), (1024,), (512, 3), (1024,), (1024,), (128, 1, 12, 1), (256, 1, 24, 1),
                              (256, 1, 12, 1)])

    def test_of_other_shapes(self):
        for channels, pols in ((1, 1), (3, 1), (384, 4), (1000, 2), (4096, 4)):
            self.check_twin(2, "--antennas", 4, "--channels", channels, "--pols", pols)

    def test_of_compressed_ones(self):
        for way in ("lzf", "gzip"):
            self.check_twin(2, "--antennas", 30, "--channels", 24, "--compression", way, compression=way)

    def test_the_header(self):
        made = simulate(*SMALL, "--noise", 0.5, "--seed", 7)
        for subband, path in enumerate(files(made)):
            with h5py.File(path, "r") as file:
                header = file["Header"]
                values = {"Nants_data": 6, "Nants_telescope": 8, "Nbls": 21, "Nblts": 63, "Nfreqs": 8, "Npols": 2,
                          "Ntimes": 3, "Nspws": 1}
                for name, value in values.items():
                    self.assertEqual((header[name].shape, header[name].dtype, header[name][()]), ((), np.int64, value))
                numbers_ = {"latitude": 37.23164910336975, "longitude": -118.27705393103636,
                            "altitude": 1195.8753412719816, "phase_center_app_dec": 0.28125,
                            "channel_width": 244140.625, "extra_keywords/phase_center_dec": 0.28125,
                            "extra_keywords/ha_phase_center": 0.0}
                for name, value in numbers_.items():
                    self.assertEqual((header[name].shape, header[name].dtype, header[name][()]), ((), float, value))
                texts = {"telescope_name": b"OVRO_MMA", "instrument": b"DSA", "object_name": b"simulated",
                         "history": b"simulated: subband %d of 3, flags pattern, noise 0.5, seed 7" % subband,
                         "phase_type": b"drift", "extra_keywords/phase_center_epoch": b"HADEC",
                         "extra_keywords/fs_table": b"simulated.npz",
                         "extra_keywords/applied_delays_ns": b" ".join([b"0"] * 16)}
                for name, value in texts.items():
                    self.assertEqual((header[name].dtype, header[name][()]), (np.dtype(f"S{len(value)}"), value))
                expected = 1311375000.0 + 244140.625 * (23 - 8 * subband - np.arange(8))
                self.assertEqual(header["freq_array"].shape, (1, 8))
                np.testing.assert_array_equal(header["freq_array"][0], expected)
                self.assertEqual(header["spw_array"][:].tolist(), [1])
                self.assertEqual(header["polarization_array"].dtype, np.int64)
                self.assertEqual(header["antenna_names"].dtype, np.dtype("S4"))
                self.assertEqual(header["antenna_names"][:].tolist(), [b"%d" % (i + 1) for i in range(8)])
                self.assertEqual(header["antenna_numbers"][:].tolist(), list(range(8)))
                a = np.arange(8)
                east, north = 25.0 * (a - 48), 20.0 * (7 * a % 59)
                np.testing.assert_array_equal(
                    header["antenna_positions"][:],
                    np.stack([7 * east + 2 * north, 4 * north - 4 * east, 6 * north], axis=1) / 8)
                np.testing.assert_array_equal(header["antenna_diameters"][:], [4.65] * 8)
                known = {"freq_array", "spw_array", "polarization_array", "antenna_names", "antenna_numbers",
                         "antenna_positions", "antenna_diameters", "extra_keywords", "time_array", "integration_time",
                         "uvw_array", "ant_1_array", "ant_2_array", *values, *numbers_, *texts}
                self.assertEqual(set(header), {name for name in known if "/" not in name})

    def test_the_correlators_size(self):
        (path,) = files(simulate("--subbands", 1))
        self.assertAlmostEqual(os.path.getsize(path) / 2**20, 138.6, delta=0.05)
        with h5py.File(path, "r") as file:
            counted = {name: file[name].id.get_num_chunks() for name, _, _ in SERIES}
            self.assertEqual(file["Header/Nants_telescope"][()], 117)
        self.assertEqual(counted, {"Header/time_array": 110, "Header/integration_time": 110, "Header/uvw_array": 219,
                                   "Header/ant_1_array": 110, "Header/ant_2_array": 110, "Data/visdata": 6984,
                                   "Data/flags": 1748, "Data/nsamples": 3496})


# ---------------------------------------------------------------- names and folders

class TestNames(unittest.TestCase):
    def names(self, *options):
        return [os.path.basename(path) for path in files(simulate(*SMALL, *options))]

    def test_subbands_and_jitter(self):
        made = self.names("--subbands", 12, "--jitter", 6)
        late = [b * 40503 % 65536 * 7 // 65536 for b in range(12)]
        self.assertEqual(made, [f"2025-10-05T13:27:{52 + late[b]:02d}_sb{b:02d}.hdf5" for b in range(12)])
        self.assertGreater(len(set(late)), 3)
        self.assertEqual((min(late), late[0], max(late)), (0, 0, 6))

    def test_no_jitter(self):
        self.assertEqual(self.names("--jitter", 0), [f"2025-10-05T13:27:52_sb{b:02d}.hdf5" for b in range(3)])

    def test_time_over_midnight(self):
        made = self.names("--time", "2024-12-31T23:59:58", "--jitter", 60)
        self.assertTrue(made[1].startswith("2025-01-01T00:00:"), made)

    def test_missing_subbands(self):
        self.assertEqual([name[-9:] for name in self.names("--subbands", 5, "--missing", "3,0")],
                         ["sb01.hdf5", "sb02.hdf5", "sb04.hdf5"])

    def test_what_is_missing_changes_no_other_file(self):
        whole, part = simulate(*SMALL), simulate(*SMALL, "--missing", "0")
        for one, other in zip(files(whole)[1:], files(part)):
            with open(one, "rb") as first, open(other, "rb") as second:
                self.assertEqual(first.read(), second.read())

    def test_the_group_is_found(self):
        where = simulate(*SMALL, "--subbands", 16, "--missing", "2,9")
        (group,) = json.loads(msio("groups", where, "--json").stdout)["groups"]
        self.assertEqual((group["missing"], len(group["files"])), ([2, 9], 14))

    def test_report(self):
        where = os.path.join(folder(), "made")
        found = json.loads(msio("simulate", "uvh5", "--out", where, *SMALL, "--missing", "1", "--json").stdout)
        self.assertEqual(found["files"], [{"subband": subband_of(path), "path": path} for path in files(where)])
        self.assertEqual(found["bytes"], sum(os.path.getsize(path) for path in files(where)))
        self.assertEqual([found[key] for key in ("path", "rows", "antennas", "times", "subbands", "channels", "pols",
                                                 "compression")], [where, 63, 6, 3, 3, 8, 2, "none"])

    def test_the_size_is_told_first_and_on_standard_error(self):
        run = msio("simulate", "uvh5", "--out", folder(), *SMALL)
        self.assertRegex(run.stderr, r"63 rows a subband, about [\d.]+ [kM]B\n")
        self.assertRegex(run.stdout, r": 3 files, [\d.]+ [kM]B written in ")

    def test_files_stay_unless_forced(self):
        where = simulate(*SMALL)
        before = [os.stat(path) for path in files(where)]
        run = msio("simulate", "uvh5", "--out", where, *SMALL, "--noise", 1, code=2)
        self.assertIn("--force", run.stderr)
        self.assertIn("and 2 more", run.stderr)
        self.assertEqual(before, [os.stat(path) for path in files(where)])
        simulate(*SMALL, "--pols", 4, "--force", where=where)
        self.assertEqual(len(files(where)), 3)
        for path in files(where):
            with h5py.File(path, "r") as file:
                self.assertEqual(file["Data/visdata"].shape[-1], 4)

    def test_other_files_of_the_folder_stay(self):
        where = folder()
        with open(os.path.join(where, "notes_sb.txt"), "w") as file:
            file.write("words")
        simulate(*SMALL, "--force", where=where)
        with open(os.path.join(where, "notes_sb.txt")) as file:
            self.assertEqual(file.read(), "words")

    def test_anothers_unfinished_file_is_not_touched(self):
        where = folder()
        path = os.path.join(where, "2025-10-05T13:27:52_sb00_incomplete.hdf5")
        with open(path, "w") as file:
            file.write("the correlator's")
        for options in ([], ["--force"]):
            simulate(*SMALL, *options, where=where)
            self.assertEqual(len(os.listdir(where)), 4)
            with open(path) as file:
                self.assertEqual(file.read(), "the correlator's")


class TestErrors(unittest.TestCase):
    def error(self, *arguments, code):
        plain = msio("simulate", "uvh5", *arguments, "--quiet", code=code)
        self.assertEqual(plain.stdout, "")
        self.assertEqual(plain.stderr.count("\n"), 1, plain.stderr)
        error = json.loads(msio("simulate", "uvh5", *arguments, "--json", code=code).stdout)["error"]
        counts = re.compile(r"[0-9.e+]+ are free")  # other programs write meanwhile
        self.assertIn(counts.sub("", error["message"]), counts.sub("", plain.stderr))
        return error

    def test_wrong_usage(self):
        where = os.path.join(folder(), "made")
        for wrong in (["--missing", "3"], ["--missing", "0,1,2"], ["--missing", ""], ["--missing", "1,"],
                      ["--missing", "x"], ["--missing", "-1"], ["--missing", "1 2"], ["--jitter", "-1"],
                      ["--jitter", "3601"], ["--pols", "3"], ["--pols", "0"], ["--antennas", "0"],
                      ["--antennas", "32769"], ["--times", "0"], ["--channels", "0"], ["--subbands", "0"],
                      ["--subbands", "10001"], ["--compression", "zip"], ["--flags", "all"], ["--noise", "-1"],
                      ["--noise", "nan"], ["--noise", "inf"], ["--noise", ""], ["--seed", "-1"], ["--seed", "x"],
                      ["--time", "2025-02-30T00:00:00"], ["--time", "2025-10-05"], ["--time", ""],
                      ["--time", "9999-12-31T23:59:58"], ["--time", "2025-10-05T13:27:52" * 9],
                      ["--corrs", "2"], ["--layout", "wide"], ["--byte-order", "big"], ["--imaging"],
                      ["--channels", "10000000", "--pols", "4"], ["extra"]):
            with self.subTest(wrong=wrong):
                self.assertEqual(self.error("--out", where, *SMALL, *wrong, code=2)["code"], "E_ARGUMENT")
                self.assertFalse(os.path.exists(where))
        self.error(*SMALL, code=2)
        self.error(*SMALL, "--out", "", code=2)

    def test_options_of_uvh5_are_not_for_ms(self):
        run = msio("simulate", "ms", "--out", os.path.join(folder(), "x.ms"), "--pols", "2", code=2)
        self.assertIn("--pols is not for ms", run.stderr)

    def test_a_file_in_the_place_of_the_folder(self):
        path = os.path.join(folder(), "file")
        with open(path, "w"):
            pass
        self.assertEqual(self.error("--out", path, *SMALL, code=2)["path"], path)

    def test_no_folder_to_make_it_in(self):
        where = os.path.join(folder(), "none", "made")
        self.assertEqual(self.error("--out", where, *SMALL, code=3)["code"], "E_IO")

    def test_a_folder_in_the_place_of_a_file_stays(self):
        where = folder()
        os.mkdir(os.path.join(where, "2025-10-05T13:27:52_sb00.hdf5"))
        msio("simulate", "uvh5", "--out", where, *SMALL, "--force", code=2)
        self.assertEqual(len(os.listdir(where)), 1)

    def test_more_than_the_disk_holds_is_not_begun(self):
        where = os.path.join(folder(), "made")
        error = self.error("--out", where, "--antennas", 32768, "--times", 100, code=3)
        self.assertEqual(error["code"], "E_IO")
        self.assertIn("free", error["message"])
        self.assertFalse(os.path.exists(where))

    def limited(self, where, most, *options):
        """A run that may not write more than so many bytes to a file."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        return subprocess.run([MSIO, "simulate", "uvh5", "--out", where, "--antennas", "20", "--times", "4",
                               "--subbands", "2", "--quiet", *options], capture_output=True, text=True, timeout=60,
                              preexec_fn=limit, restore_signals=False)

    def test_a_limit_of_file_size_leaves_nothing(self):
        for most in (0, 50000, 400000):
            where = os.path.join(folder(), "made")
            run = self.limited(where, most)
            self.assertEqual((run.returncode, run.stdout), (3, ""), (most, run.stderr))
            self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
            self.assertIn("ulimit -f", run.stderr)
            self.assertFalse(os.path.exists(where))

    def test_a_limit_of_file_size_leaves_what_stood_there(self):
        where = simulate("--antennas", 20, "--times", 4, "--subbands", 2)
        before = [os.stat(path) for path in files(where)]
        self.assertEqual(self.limited(where, 400000, "--force").returncode, 3)
        self.assertEqual([os.stat(path) for path in files(where)], before)

    def test_a_stopped_run_leaves_nothing(self):
        where = os.path.join(folder(), "made")
        run = subprocess.Popen([MSIO, "simulate", "uvh5", "--out", where, "--compression", "gzip"],
                               stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(
                                   signal.SIGINT, signal.SIG_DFL))
        run.stderr.readline()
        while not glob.glob(os.path.join(os.path.dirname(where), ".made.msio-*", "*.hdf5")) and run.poll() is None:
            pass
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
        self.assertEqual(run.returncode, -signal.SIGINT)
        self.assertEqual(os.listdir(os.path.dirname(where)), [])


if __name__ == "__main__":
    main(globals(), SCRATCH, tried=("simulate", "uvh5", "--out", folder(), *SMALL))
