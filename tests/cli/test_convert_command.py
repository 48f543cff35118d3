"""msio convert, against h5py and python-casacore: values, both ways, following a folder, bad input, kills and full disks.

usage: test_convert_command.py MSIO GROUP
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from running import main, MSIO, msio, oracle

with oracle():
    import h5py
    import numpy as np
    from casacore.tables import table

FAILING = os.environ.get("MSIO_TEST_FAILING")


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="msio-convert-")
        cls.group = os.path.join(cls.folder, "group")
        msio("simulate", "uvh5", "--out", cls.group, "--antennas", 6, "--times", 3, "--subbands", 4, "--channels", 8)
        cls.files = sorted(os.path.join(cls.group, name) for name in os.listdir(cls.group))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def place(self, name):
        return os.path.join(self.folder, f"{self.id().split('.')[-1]}-{name}")

    def made(self, *arguments):
        return json.loads(msio("convert", *arguments, "--json").stdout)

    def left(self, *names):
        """What stands in the folder beside the group."""
        return sorted(set(os.listdir(self.folder)) - {"group", *map(os.path.basename, names)})


class Values(Case):
    def test_windows_hold_the_files(self):
        out = self.place("obs.ms")
        told = self.made(*self.files, "--out", out)
        self.assertEqual((told["rows"], told["spws"], told["missing"], told["phase"]), (252, 4, 0, "meridian"))
        self.assertFalse(told["earth_orientation"])
        self.assertGreater(told["bytes_written"], 0)
        self.assertEqual(told["path"], out)
        self.assertGreater(told["roofline_seconds"], 0)
        mine = os.path.basename(self.place(""))
        self.assertEqual([name for name in self.left() if name.startswith((mine, "."))], [mine + "obs.ms"])
        by_frequency = sorted(self.files, key=lambda path: h5py.File(path)["Header/freq_array"][0, 0])
        with table(out, ack=False) as t:
            for s, path in enumerate(by_frequency):
                with h5py.File(path) as file, t.query(f"DATA_DESC_ID=={s}") as window:
                    vis = file["Data/visdata"][()].reshape(63, 8, 2)[:, ::-1]
                    self.assertTrue((window.getcol("DATA") == vis.conj()).all())
                    self.assertTrue((window.getcol("FLAG") == file["Data/flags"][()].astype(bool)[:, 0, ::-1]).all())
                    self.assertTrue((window.getcol("WEIGHT_SPECTRUM") == file["Data/nsamples"][()][:, 0, ::-1]).all())
                    self.assertTrue((window.getcol("ANTENNA1") == file["Header/ant_1_array"][()]).all())
                    time_s = (file["Header/time_array"][()] - 2400000.5) * 86400
                    self.assertTrue((window.getcol("TIME") == time_s).all())

    def test_threads_and_memory_change_nothing(self):
        first, second = self.place("a.ms"), self.place("b.ms")
        self.made(*self.files, "--out", first, "--threads", 1)
        self.made(*self.files, "--out", second, "--threads", 3, "--memory", "16MiB", "--tile-rows", 5)
        with table(first, ack=False) as a, table(second, ack=False) as b:
            for column in a.colnames():
                if column != "FLAG_CATEGORY":
                    self.assertTrue((a.getcol(column) == b.getcol(column)).all(), column)

    def test_back(self):
        out, back, folder = self.place("obs.ms"), self.place("back.uvh5"), self.place("folder")
        self.made(*self.files, "--out", out)
        told = self.made(out, "--out", back)
        self.assertEqual((told["rows"], told["spws"]), (63, 4))
        self.assertGreater(told["roofline_seconds"], 0)
        self.assertIsNone(self.made(out, "--out", folder, "--no-roofline")["roofline_seconds"])
        self.assertEqual(sorted(os.listdir(folder)), [f"spw{s:02}.uvh5" for s in range(4)])
        by_frequency = sorted(self.files, key=lambda path: h5py.File(path)["Header/freq_array"][0, 0])
        with h5py.File(back) as file:
            self.assertEqual(file["Data/visdata"].shape, (63, 32, 2))
            for s, path in enumerate(by_frequency):
                with h5py.File(path) as one, h5py.File(f"{folder}/spw{s:02}.uvh5") as window:
                    vis = one["Data/visdata"][()].reshape(63, 8, 2)[:, ::-1]
                    self.assertEqual(file["Data/visdata"][:, 8 * s:8 * s + 8].tobytes(), vis.tobytes())
                    self.assertEqual(window["Data/visdata"][()].tobytes(), vis.tobytes())
                    self.assertTrue((window["Header/freq_array"][()] == one["Header/freq_array"][()][0, ::-1]).all())
                    self.assertTrue((window["Header/time_array"][()] == one["Header/time_array"][()]).all())

    def test_tables_of_the_earth_are_read_to_their_end(self):
        """Lines of nothing but what is wanted; the days that are asked for stand last."""
        with h5py.File(self.files[0]) as file:
            day = int(file["Header/time_array"][0] - 2400000.5)
        lines = [f"2025 1 1 {mjd} 0.1 0.2 0.3 0" for mjd in range(day - 5000, day + 2)]
        earth, out = self.place("earth.txt"), self.place("obs.ms")
        for last, code, words in (("0.3", 0, ""), ("300", 3, "is none"), ("nan", 3, "newer")):
            with open(earth, "w") as file:
                file.write("\n".join(lines[:-1] + [lines[-1].replace("0.3", last)]))
            run = msio("convert", *self.files, "--out", out, "--force", "--eop", earth, code=code, text=True)
            self.assertIn(words, run.stderr)
            self.assertNotIn("UT1 was taken", run.stderr)

    def test_the_user_knows_better_than_the_files(self):
        with h5py.File(self.files[0]) as file:
            names = [name.decode() for name in file["Header/antenna_names"][()]]
        places = {name: (-2409150 - 25.5 * i, -4478573.25, 3838617.125) for i, name in enumerate(names)}
        earth, plain, out = self.place("antennas.txt"), self.place("plain.ms"), self.place("obs.ms")
        with open(earth, "w") as file:
            file.write("name,x,y,z,diameter\n" + "".join(
                "%s, %r, %r, %r%s\n" % (name, *place, ",7.5" if name == names[1] else "") for name, place in places.items()))
        self.made(*self.files, "--out", plain)
        self.made(*self.files, "--out", out, "--antennas", earth, "--telescope", "DSA_110", "--tile-rows", 16,
                  "--tile-channels", 4)
        with table(f"{out}/ANTENNA", ack=False) as t, table(f"{plain}/ANTENNA", ack=False) as old:
            self.assertTrue((t.getcol("POSITION") == [places[name] for name in names]).all())
            sizes = old.getcol("DISH_DIAMETER")
            sizes[1] = 7.5
            self.assertTrue((t.getcol("DISH_DIAMETER") == sizes).all())
        with table(f"{out}/OBSERVATION", ack=False) as t:
            self.assertEqual(t.getcol("TELESCOPE_NAME"), ["DSA_110"])
        with table(out, ack=False) as t, table(plain, ack=False) as old:
            tiles = {m["NAME"]: m["SPEC"]["HYPERCUBES"]["*1"]["TileShape"].tolist() for m in t.getdminfo().values()
                     if m["NAME"] in ("TiledData", "TiledFlag", "TiledWgtSpectrum")}
            self.assertEqual(tiles, dict.fromkeys(("TiledData", "TiledFlag", "TiledWgtSpectrum"), [2, 4, 16]))
            for column in ("DATA", "FLAG", "WEIGHT_SPECTRUM"):
                self.assertTrue((t.getcol(column) == old.getcol(column)).all(), column)
            self.assertGreater(np.abs(t.getcol("UVW") - old.getcol("UVW")).max(), 1)
            lengths = [np.linalg.norm(np.subtract(places[names[b]], places[names[a]]))
                       for a, b in zip(t.getcol("ANTENNA1"), t.getcol("ANTENNA2"))]
            self.assertLess(np.abs(np.linalg.norm(t.getcol("UVW"), axis=1) - lengths).max(), 1e-6)

    def test_what_a_group_lacks(self):
        group, out = self.place("group"), self.place("obs.ms")
        os.mkdir(group)
        for path in self.files[:1] + self.files[2:]:
            shutil.copy(path, group)
        run = msio("convert", group, "--out", out, "--subbands", 4, code=3, text=True)
        number = int(os.path.basename(self.files[1]).split("_sb")[1][:2])
        self.assertIn(f"1 subband is missing: {number};", run.stderr)
        self.assertFalse(os.path.exists(out))
        self.assertEqual(self.made(group, "--out", out, "--subbands", 4, "--missing", "skip")["spws"], 3)
        told = self.made(group, "--out", out, "--subbands", 4, "--missing", "flag", "--force")
        self.assertEqual((told["spws"], told["missing"]), (4, 1))
        with table(out, ack=False) as t:
            lost = ~t.getcol("DATA").any(axis=(1, 2))
            self.assertEqual(set(t.getcol("DATA_DESC_ID")[lost]), {3 - number})  # the highest is subband 0
            self.assertEqual(lost.sum(), 63)
            self.assertTrue(t.getcol("FLAG")[lost].all())
            self.assertFalse(t.getcol("WEIGHT_SPECTRUM")[lost].any())

    def test_text(self):
        run = msio("convert", *self.files, "--out", self.place("obs.ms"), text=True)
        self.assertIn("252 rows, 4 spectral windows", run.stdout)
        self.assertIn("--eop", run.stderr)


LARGEST = 104  # MiB resident, pages of mapped files among them
# Run in a Python of its own: a process begins with its parent's peak.
PEAK = """import os, sys
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)
print(status, used.ru_maxrss)"""


class Memory(Case):
    def peak(self, *arguments):
        """MiB resident at the most, pages of mapped files among them."""
        done = subprocess.run([sys.executable, "-S", "-c", PEAK, MSIO, "convert", *arguments, "--memory", "16MiB", "--quiet"],
                              capture_output=True, text=True, check=True, timeout=240)
        status, kib = map(int, done.stdout.split())
        self.assertEqual(status, 0, done.stderr)
        return kib / 1024

    def test_both_ways_keep_no_more_than_they_were_given(self):
        if not FAILING:
            self.skipTest("a sanitizer's memory would be measured")
        group, ms, back = self.place("large"), self.place("large.ms"), self.place("large.uvh5")
        msio("simulate", "uvh5", "--out", group, "--antennas", 24, "--quiet")
        self.assertLess(self.peak(group, "--out", ms), LARGEST)
        self.assertLess(self.peak(ms, "--out", back), LARGEST)
        for path in (ms, back):
            files = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names] or [path]
            self.assertGreater(sum(map(os.path.getsize, files)), 1.25 * 2**20 * LARGEST)


class Errors(Case):
    def refuse(self, words, *arguments, code=3):
        before = self.left()
        run = msio("convert", *arguments, code=code, text=True)
        self.assertIn(words, run.stderr)
        self.assertEqual(len(run.stderr.strip().splitlines()), 1, run.stderr)
        self.assertEqual(run.stdout, "")
        self.assertEqual(self.left(), before)

    def test_usage(self):
        out = self.place("x.ms")
        self.refuse("what is to be converted", "--out", out, code=2)
        self.refuse("--out PATH", *self.files, code=2)
        self.refuse("RA,DEC", *self.files, "--out", out, "--phase", "12", code=2)
        self.refuse("RA,DEC", *self.files, "--out", out, "--phase", "12,91", code=2)
        self.refuse("--out-dir", "--follow", self.group, code=2)
        self.refuse("belong to --follow", *self.files, "--out", out, "--wait", "3", code=2)
        self.refuse("list the files wanted", *self.files, "--out", out, "--subbands", 4, code=2)
        self.refuse("--tile-channels", *self.files, "--out", out, "--tile-channels", 0, code=2)

    def test_tables_of_antennas(self):
        """What is wrong is told with line and column; tests/io/convert/test_antenna_table.c has all kinds."""
        out, antennas = os.path.join(self.folder, "x.ms"), os.path.join(self.folder, "antennas.txt")
        for text, words in (("1,-2409150,-4478573,3838617\n2,-2409150,-4478573\n", "line 2, column 12"),
                            ("1,-2409150,-4478573,3838617\n", "antenna 2, which rows are of, is not in it"), ("", "no antennas")):
            with open(antennas, "w") as file:
                file.write(text)
            self.refuse(words, *self.files, "--out", out, "--antennas", antennas)
        os.remove(antennas)
        self.refuse("antennas.txt", *self.files, "--out", out, "--antennas", antennas)

    def test_files(self):
        out = self.place("x.ms")
        self.refuse("No such file", *self.files, os.path.join(self.folder, "none.hdf5"), "--out", out)
        self.refuse("overlap", self.files[0], self.files[1], self.files[0], "--out", out)
        broken = os.path.join(self.folder, "group", "cut.hdf5")
        shutil.copy(self.files[0], broken)
        os.truncate(broken, os.path.getsize(broken) // 2)
        self.refuse("cut.hdf5", broken, "--out", out)
        os.remove(broken)
        self.refuse("no folder", self.files[0], "--out", os.path.join(self.folder, "none", "x.ms"))

    def test_headers_that_lie(self):
        """A number of each kind in turn: a message, or an MS; never a crash."""
        path = os.path.join(self.folder, "group", "lying.hdf5")
        for name, value in (("Header/latitude", np.nan), ("Header/longitude", 1e300), ("Header/altitude", -np.inf),
                            ("Header/phase_center_app_dec", np.inf), ("Header/extra_keywords/phase_center_dec", 17.0),
                            ("Header/Nants_telescope", 0), ("Header/Nblts", 2**40), ("Header/Nfreqs", -1)):
            shutil.copy(self.files[0], path)
            with h5py.File(path, "r+") as file:
                file[name][()] = value
            run = msio("convert", path, "--out", self.place("x.ms"), "--force", code=None, text=True)
            self.assertIn(run.returncode, (0, 3), (name, run.stderr))
        for name, value in (("Header/time_array", np.nan), ("Header/time_array", 1e15), ("Header/ant_1_array", -1),
                            ("Header/ant_2_array", 2**31 - 1), ("Header/antenna_numbers", 2**30),
                            ("Header/freq_array", np.nan), ("Header/polarization_array", 99)):
            shutil.copy(self.files[0], path)
            with h5py.File(path, "r+") as file:
                file[name][...] = value
            run = msio("convert", path, "--out", self.place("x.ms"), "--force", code=None, text=True)
            self.assertIn(run.returncode, (0, 3), (name, run.stderr))
        os.remove(path)

    def test_headers_of_any_kind(self):
        """Datasets of the header replaced by others, in type, shape and value: an MS, or one line and nothing left."""
        rng = np.random.default_rng(17)
        path, out = os.path.join(self.folder, "group", "any.hdf5"), os.path.join(self.folder, "any.ms")
        with h5py.File(self.files[0]) as file:
            names = sorted(name for name in file["Header"] if isinstance(file["Header"][name], h5py.Dataset))
        others = [lambda shape: rng.integers(-2**40, 2**40, shape), lambda shape: np.full(shape, np.nan),
                  lambda shape: rng.normal(size=shape) * 10.0**rng.integers(-300, 300), lambda shape: np.zeros(shape, np.int8),
                  lambda shape: np.full(shape, b"of another kind"), lambda shape: np.zeros((*shape, 2)),
                  lambda shape: np.zeros(shape[:-1] + (3,)), lambda shape: np.zeros(0)]
        ends = {0: 0, 3: 0}
        for _ in range(30):
            shutil.copy(self.files[0], path)
            name, other = "Header/" + names[rng.integers(len(names))], others[rng.integers(len(others))]
            with h5py.File(path, "r+") as file:
                shape = file[name].shape
                del file[name]
                file[name] = other(shape)
            run = msio("convert", path, "--out", out, code=None, text=True)
            self.assertIn(run.returncode, ends, (name, run.stderr))
            ends[run.returncode] += 1
            if run.returncode:
                self.assertEqual(len(run.stderr.strip().splitlines()), 1, (name, run.stderr))
            self.assertEqual(os.path.exists(out), run.returncode == 0, (name, run.stderr))
            self.assertEqual([left for left in os.listdir(self.folder) if left.startswith(".any")], [])
            shutil.rmtree(out, ignore_errors=True)
        os.remove(path)
        self.assertGreater(min(ends.values()), 0)

    def test_what_stands_there(self):
        out = self.place("x.ms")
        os.mkdir(out)
        self.refuse("stands there", *self.files, "--out", out, "--force", code=2)
        self.refuse("stands there", *self.files, "--out", out, code=2)


def first_whole(run):
    """The next line of a group that is converted: it may be looked at, and told of, before all of it has come."""
    told = json.loads(run.stdout.readline())
    while "error" in told:
        told = json.loads(run.stdout.readline())
    return told


class Follow(Case):
    def test_groups_as_they_come(self):
        incoming, results = self.place("incoming"), self.place("results")
        os.mkdir(incoming)
        os.mkdir(results)
        follow = ["convert", "--follow", incoming, "--out-dir", results, "--subbands", "4", "--json"]
        run = subprocess.Popen([MSIO, *follow, "--wait", "1", "--missing", "flag"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        try:
            for path in self.files:  # complete
                shutil.copy(path, incoming)
            first = json.loads(run.stdout.readline())
            self.assertEqual((first["missing"], first["spws"]), (0, 4))
            with open(os.path.join(incoming, "2026-01-01T00:00:00_sb00.hdf5"), "w") as file:
                file.write("no HDF5")
            failed = json.loads(run.stdout.readline())  # told once, and stops nothing
            self.assertEqual(failed["time"], "2026-01-01T00:00:00Z")
            self.assertIn("message", failed["error"])
            later = [name.replace("2025-10-05", "2025-10-06") for name in map(os.path.basename, self.files)]
            for path, name in list(zip(self.files, later))[:3]:  # one is missing
                shutil.copy(path, os.path.join(incoming, name))
            second = json.loads(run.stdout.readline())
            self.assertEqual((second["missing"], second["spws"]), (1, 4))
            for path in self.files:  # its files changed
                name = "2026-01-01T00:00:00" + os.path.basename(path)[19:]
                shutil.copy(path, os.path.join(incoming, "whole"))
                os.rename(os.path.join(incoming, "whole"), os.path.join(incoming, name))
            self.assertEqual(first_whole(run)["spws"], 4)
        finally:
            run.send_signal(signal.SIGTERM)
            rest, said = run.communicate(timeout=60)
        self.assertEqual(rest, "")
        self.assertEqual(len(os.listdir(results)), 3)
        for name in os.listdir(results):
            self.assertTrue(name.endswith(".ms") and "Z" not in name, name)
        again = subprocess.Popen([MSIO, *follow], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(1.5)
        again.send_signal(signal.SIGTERM)
        self.assertEqual(again.communicate(timeout=60)[0], "")  # nothing is done twice

    def test_groups_that_only_looks_find(self):
        """No watch can tell which subband a name means: the headers do, when all files are there."""
        incoming, results = self.place("incoming"), self.place("results")
        os.mkdir(incoming)
        os.mkdir(results)
        run = subprocess.Popen([MSIO, "convert", "--follow", incoming, "--out-dir", results, "--subbands", "4", "--json",
                                "--pattern", "{time}_*.hdf5"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            for i, path in enumerate(self.files):
                shutil.copy(path, os.path.join(self.folder, "coming"))
                os.rename(os.path.join(self.folder, "coming"),
                          os.path.join(incoming, f"{os.path.basename(path)[:19]}_{'dcba'[i]}.hdf5"))
            self.assertEqual(first_whole(run)["spws"], 4)
        finally:
            run.send_signal(signal.SIGTERM)
            rest, said = run.communicate(timeout=60)
        self.assertEqual(rest, "", said)


class Crash(Case):
    def run_once(self, out, **environment):
        return subprocess.run([MSIO, "convert", *self.files, "--out", out, "--quiet"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, env={**os.environ, **environment})

    def test_kills_leave_nothing_under_the_name(self):
        out = self.place("obs.ms")
        began = time.monotonic()
        self.assertEqual(self.run_once(out).returncode, 0)
        whole = time.monotonic() - began
        shutil.rmtree(out)
        rng = random.Random(7)
        for _ in range(12):
            run = subprocess.Popen([MSIO, "convert", *self.files, "--out", out, "--quiet"], stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.1, 1) * whole)
            run.kill()
            run.wait(timeout=60)
            if os.path.exists(out):  # it was done before
                with table(out, ack=False) as t:
                    self.assertEqual(t.nrows(), 252)
                shutil.rmtree(out)
        self.assertEqual(self.run_once(out).returncode, 0)
        self.assertEqual([name for name in self.left() if name.startswith(".test_kills")], [])
        with table(out, ack=False) as t:
            self.assertTrue(t.getcol("DATA").any())

    def test_full_disks(self):
        if not FAILING:
            self.skipTest("the library that spoils calls is not built under sanitizers")
        count = self.place("count")
        out = self.place("obs.ms")
        plan = {"LD_PRELOAD": FAILING, "MSIO_FAIL_UNDER": os.path.realpath(self.folder), "MSIO_FAIL_COUNT": count}

        def spoil(at):
            with open(count, "wb") as file:
                file.write(bytes(4))
            return self.run_once(out, **plan, MSIO_FAIL_AT=str(at), MSIO_FAIL_HOW="28", MSIO_FAIL_ON="1")
        self.assertEqual(spoil(0).returncode, 0)
        with open(count, "rb") as file:
            calls = int.from_bytes(file.read(4), sys.byteorder)
        self.assertGreater(calls, 20)
        shutil.rmtree(out)
        for at in sorted({max(1, calls * part // 14) for part in range(1, 14)}):
            run = spoil(at)
            if run.returncode == 0:  # what could not be removed, or a lock file
                shutil.rmtree(out, ignore_errors=True)
                continue
            self.assertEqual(run.returncode, 3, (at, run.stderr))
            self.assertEqual(len(run.stderr.strip().splitlines()), 1, (at, run.stderr))
            self.assertFalse(os.path.exists(out), at)
        self.assertEqual(self.run_once(out).returncode, 0)


if __name__ == "__main__":
    main(globals())
