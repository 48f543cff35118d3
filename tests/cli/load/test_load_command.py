#!/usr/bin/env python3
"""`msio load` and the loading that `msio verify` judges, held against h5py and numpy value by value; Measurement Sets
against python-casacore.

usage: test_load_command.py MSIO [GROUP]      GROUP: Npy, Hdf5, Selections, Report, Check, Errors, Ms, Verify
"""
import glob
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest

import running
from running import main, MSIO, msio_text as msio, oracle, report

with oracle():
    import h5py
    import numpy as np

SCRATCH = tempfile.mkdtemp(prefix="msio-load-")
SMALL = ("--antennas", 6, "--times", 4, "--subbands", 16, "--channels", 5)
ARRAYS = ("visdata", "flags", "nsamples")
PAIRS = 21


def folder():
    return tempfile.mkdtemp(dir=SCRATCH)


def simulate(*options):
    """A group; its folder."""
    where = folder()
    msio("simulate", "uvh5", "--out", where, "--quiet", *options)
    return where


class Made:
    """Data sets that several tests read, each made once."""
    kept = {}

    @classmethod
    def of(cls, name, *options):
        if name not in cls.kept:
            cls.kept[name] = simulate(*options)
        return cls.kept[name]


def whole():
    return Made.of("whole", *SMALL)


def holed():
    return Made.of("holed", *SMALL, "--missing", "3,7")


def paths_of(where):
    """The files by their subbands."""
    found = glob.glob(os.path.join(glob.escape(where), "*.hdf5"))
    return {int(re.search(r"_sb(\d+)", path).group(1)): path for path in found}


def expected(paths):
    """The arrays that loading these files gives, by h5py: each ascending in frequency, then one after the other."""
    parts = []
    for path in paths:
        with h5py.File(path, "r") as file:
            frequency = file["Header/freq_array"][0]
            order = np.argsort(frequency)
            parts.append({"frequencies": frequency[order],
                          **{name: file["Data"][name][:, 0][:, order] for name in ARRAYS}})
    parts.sort(key=lambda part: part["frequencies"][0])
    result = {name: np.concatenate([part[name] for part in parts], axis=1) for name in ARRAYS}
    result["frequencies"] = np.concatenate([part["frequencies"] for part in parts])
    result["by subband"] = {name: np.stack([part[name] for part in parts]) for name in ARRAYS}
    return result


def load_npy(*arguments):
    """All three arrays as `msio load --out x.npy` writes them."""
    out = os.path.join(folder(), "x.npy")
    msio("load", *arguments, "--out", out, "--quiet")
    return {name: np.load(out[:-3] + name + ".npy") for name in ARRAYS}


class Base(unittest.TestCase):
    def same(self, found, wanted):
        """Bit by bit, and of one type."""
        self.assertEqual((found.dtype, found.shape), (wanted.dtype, wanted.shape))
        self.assertEqual(found.tobytes(), np.ascontiguousarray(wanted).tobytes())

    def same_arrays(self, found, wanted):
        for name in ARRAYS:
            with self.subTest(array=name):
                self.same(found[name], wanted[name])


class TestNpy(Base):
    def test_three_arrays_of_a_folder(self):
        found = load_npy(whole())
        self.assertEqual(found["visdata"].shape, (4 * PAIRS, 80, 2))
        self.same_arrays(found, expected(paths_of(whole()).values()))

    def test_one_array_goes_to_the_name_itself(self):
        for name in ARRAYS:
            out = os.path.join(folder(), "one.npy")
            msio("load", whole(), "--what", name, "--out", out)
            self.assertEqual(os.listdir(os.path.dirname(out)), ["one.npy"])
            self.same(np.load(out), expected(paths_of(whole()).values())[name])

    def test_two_arrays(self):
        out = os.path.join(folder(), "two.npy")
        msio("load", whole(), "--what", "flags,nsamples", "--out", out)
        self.assertEqual(sorted(os.listdir(os.path.dirname(out))), ["two.flags.npy", "two.nsamples.npy"])

    def test_layout_by_subband(self):
        found = load_npy(whole(), "--layout", "subband-row-chan-pol")
        self.assertEqual(found["visdata"].shape, (16, 4 * PAIRS, 5, 2))
        self.same_arrays(found, expected(paths_of(whole()).values())["by subband"])

    def test_files_in_any_order(self):
        files = [paths_of(whole())[i] for i in (4, 2, 3)]
        self.same_arrays(load_npy(*files), expected(files))

    def test_one_file(self):
        file = paths_of(whole())[9]
        self.same_arrays(load_npy(file), expected([file]))

    def test_several_folders_are_one_pool(self):
        one, two = folder(), folder()
        for number, path in paths_of(whole()).items():
            os.symlink(path, os.path.join(two if number % 3 else one, os.path.basename(path)))
        self.same_arrays(load_npy(one, two), expected(paths_of(whole()).values()))

    def test_every_compression_and_way(self):
        for way in ("lzf", "gzip"):
            where = simulate("--antennas", 8, "--times", 3, "--subbands", 2, "--channels", 6, "--compression", way)
            wanted = expected(paths_of(where).values())
            for native in ("auto", "no"):
                self.same_arrays(load_npy(where, "--subbands", "0,1", "--native", native), wanted)

    def test_no_value_depends_on_threads_memory_or_repeats(self):
        wanted = expected(paths_of(whole()).values())
        for options in (("--threads", 1), ("--threads", 5), ("--memory", "64MiB"), ("--repeat", 3)):
            self.same_arrays(load_npy(whole(), *options), wanted)

    def test_integers_are_complex128(self):
        path = os.path.join(running.DATA, "hera_int32.uvh5")
        if not os.path.exists(path):
            self.skipTest(f"{path} is not there")
        with h5py.File(path, "r") as file:
            stored = file["Data/visdata"][()].squeeze(1) if file["Data/visdata"].ndim == 4 else file["Data/visdata"][()]
        self.same(load_npy(path)["visdata"], stored["r"] + 1j * stored["i"])


class TestHdf5(Base):
    def load(self, *arguments):
        out = os.path.join(folder(), "x.h5")
        msio("load", *arguments, "--out", out)
        self.assertEqual(os.listdir(os.path.dirname(out)), ["x.h5"])
        with h5py.File(out, "r") as file:
            return {name: dataset[()] for name, dataset in file.items()}

    def test_arrays_of_both_layouts(self):
        wanted = expected(paths_of(whole()).values())
        self.same_arrays(self.load(whole()), wanted)
        found = self.load(whole(), "--layout", "subband-row-chan-pol")
        self.same_arrays(found, wanted["by subband"])
        self.assertEqual(found["layout"], b"subband-row-chan-pol")

    def test_what_was_not_asked_for_is_not_there(self):
        found = self.load(whole(), "--what", "flags")
        self.assertIn("flags", found)
        self.assertNotIn("visdata", found)
        self.assertNotIn("nsamples", found)

    def test_axes_rows_and_antennas(self):
        found, wanted = self.load(whole()), expected(paths_of(whole()).values())
        self.same(found["frequencies"], wanted["frequencies"])
        with h5py.File(paths_of(whole())[0], "r") as file:
            header = {name: item[()] for name, item in file["Header"].items() if isinstance(item, h5py.Dataset)}
        for name, stored in (("times", "time_array"), ("antenna1", "ant_1_array"), ("antenna2", "ant_2_array"),
                             ("uvw", "uvw_array"), ("integration_time", "integration_time"),
                             ("antenna_names", "antenna_names"), ("antenna_numbers", "antenna_numbers"),
                             ("antenna_positions", "antenna_positions"), ("antenna_diameters", "antenna_diameters"),
                             ("polarizations", "polarization_array")):
            np.testing.assert_array_equal(found[name], header[stored], name)
        np.testing.assert_array_equal(found["widths"], np.full(80, header["channel_width"]))
        np.testing.assert_array_equal(found["subbands"], np.arange(15, -1, -1))
        self.assertEqual([path.decode() for path in found["subband_paths"]],
                         [paths_of(whole())[i] for i in range(15, -1, -1)])
        self.assertEqual((found["time_unit"], found["format"]), (b"JD, days", b"msio subbands 1.0"))

    def test_missing_subbands_are_named(self):
        found = self.load(holed(), "--missing", "flag")
        self.assertEqual(found["missing_subbands"].tolist(), [3, 7])
        self.assertEqual(dict(zip(found["subbands"].tolist(), found["subband_present"].tolist())),
                         {i: i not in (3, 7) for i in range(16)})

    def test_no_rows(self):
        found = self.load(whole(), "--rows", "0:0")
        self.assertEqual((found["visdata"].shape, found["times"].shape), ((0, 80, 2), (0,)))


class TestSelections(Base):
    def check(self, options, pick):
        wanted = expected(paths_of(whole()).values())["by subband"]
        found = load_npy(whole(), "--layout", "subband-row-chan-pol", *options)
        self.same_arrays(found, {name: wanted[name][pick] for name in ARRAYS})

    def test_channels_are_counted_within_each_subband(self):
        every = slice(None)
        for text, chans in (("1:4", slice(1, 4)), ("::2", slice(0, 5, 2)), ("-2:", slice(3, 5)), ("3", slice(3, 4)),
                            ("2:99", slice(2, 5)), ("1:5:3", slice(1, 5, 3))):
            with self.subTest(chans=text):
                self.check(("--chans", text), (every, every, chans))

    def test_rows(self):
        every = slice(None)
        for text, rows in (("5:9", slice(5, 9)), ("-3:", slice(81, 84)), ("::7", slice(0, 84, 7)),
                           ("11", slice(11, 12)), ("80:500", slice(80, 84)), ("::-1", slice(None, None, -1)),
                           ("50:10:-4", slice(50, 10, -4))):
            with self.subTest(rows=text):
                self.check(("--rows", text), (every, rows))

    def test_integrations(self):
        every = slice(None)
        for text, times in (("0:1", slice(0, 1)), ("1:3", slice(1, 3)), ("-1:", slice(3, 4)), ("2", slice(2, 3)),
                            (":99", every), ("3:", slice(3, 4))):
            rows = slice((times.start or 0) * PAIRS, (times.stop or 4) * PAIRS)
            with self.subTest(times=text):
                self.check(("--times", text), (every, rows))

    def test_polarizations(self):
        every = slice(None)
        self.check(("--corrs", "1"), (every, every, every, slice(1, 2)))
        self.check(("--corrs", ":1"), (every, every, every, slice(0, 1)))

    def test_all_together(self):
        self.check(("--rows", "3:40:3", "--chans", "1::2", "--corrs", "-1:"),
                   (slice(None), slice(3, 40, 3), slice(1, 5, 2), slice(1, 2)))

    def test_subbands(self):
        files = [paths_of(whole())[i] for i in (0, 1, 2, 9)]
        self.same_arrays(load_npy(whole(), "--subbands", "9,0-2"), expected(files))

    def test_subbands_beyond_sixteen(self):
        where = Made.of("beyond", "--antennas", 3, "--times", 1, "--subbands", 18, "--channels", 2)
        text = msio("load", where, code=2).stderr
        self.assertIn("beyond 15", text)
        self.same_arrays(load_npy(where, "--subbands", "0-17"), expected(paths_of(where).values()))

    def test_what_is_not_there(self):
        for options in (("--chans", "5"), ("--rows", "84"), ("--times", "4"), ("--corrs", "-3")):
            with self.subTest(options=options):
                error = report("load", whole(), *options, code=3)["error"]
                self.assertEqual(error["code"], "E_RANGE")
        error = report("load", whole(), "--subbands", "3,16", code=3)["error"]
        self.assertEqual(error["code"], "E_NOT_FOUND")
        self.assertIn("missing: 16", error["message"])


class TestReport(Base):
    def test_json(self):
        found = report("load", whole())
        wanted = expected(paths_of(whole()).values())
        self.assertEqual(found["shape"], [4 * PAIRS, 80, 2])
        self.assertEqual(found["frequencies"], wanted["frequencies"].tolist())
        self.assertEqual((found["subbands"], found["missing"]), (list(range(15, -1, -1)), []))
        self.assertEqual(found["bytes"], sum(wanted[name].nbytes for name in ARRAYS))
        self.assertEqual(found["what"], {"visdata": "<c8", "flags": "|b1", "nsamples": "<f4"})
        self.assertEqual([(file["subband"], file["path"]) for file in found["files"]],
                         [(i, paths_of(whole())[i]) for i in range(15, -1, -1)])
        self.assertEqual(len(found["seconds"]), 1)
        self.assertGreater(found["roofline_seconds"], 0)

    def test_repeats(self):
        found = report("load", whole(), "--repeat", 4)
        for key in ("seconds", "index_seconds", "read_seconds"):
            self.assertEqual(len(found[key]), 4)
            for seconds in found[key]:
                self.assertGreater(seconds, 0)

    def test_bytes_and_roofline_of_a_part(self):
        for options in (("--times", "1:2"), ("--rows", "::-5"), ("--chans", "1:3"), ("--subbands", "2-4"),
                        ("--layout", "subband-row-chan-pol"), ("--what", "visdata", "--corrs", "0")):
            with self.subTest(options=options):
                found = report("load", whole(), *options)
                each = {"<c8": 8, "|b1": 1, "<f4": 4}
                self.assertEqual(found["bytes"],
                                 np.prod(found["shape"]) * sum(each[dtype] for dtype in found["what"].values()))
                self.assertGreater(found["roofline_seconds"], 0)

    def test_json_with_out(self):
        out = os.path.join(folder(), "x.npy")
        found = report("load", whole(), "--what", "visdata", "--out", out)
        self.assertEqual(found["out"], out)
        self.same(np.load(out), expected(paths_of(whole()).values())["visdata"])

    def test_missing_is_skipped(self):
        found = report("load", holed(), "--missing", "skip")
        self.assertEqual((found["shape"], found["missing"]), ([4 * PAIRS, 70, 2], [3, 7]))
        self.assertEqual(found["subbands"], [i for i in range(15, -1, -1) if i not in (3, 7)])
        self.same_arrays(load_npy(holed(), "--missing", "skip"), expected(paths_of(holed()).values()))

    def test_missing_is_flagged(self):
        found = report("load", holed(), "--missing", "flag")
        self.assertEqual((found["shape"], found["missing"]), ([4 * PAIRS, 80, 2], [3, 7]))
        self.assertEqual([file["path"] for file in found["files"] if file["subband"] in (3, 7)], [None, None])
        np.testing.assert_allclose(found["frequencies"], expected(paths_of(whole()).values())["frequencies"])
        arrays = load_npy(holed(), "--missing", "flag", "--layout", "subband-row-chan-pol")
        wanted = expected(paths_of(whole()).values())["by subband"]
        for i, number in enumerate(range(15, -1, -1)):
            for name in ARRAYS:
                blank = np.ones_like if name == "flags" else np.zeros_like
                self.same(arrays[name][i], blank(wanted[name][i]) if number in (3, 7) else wanted[name][i])

    def test_missing_is_an_error(self):
        for options in ((), ("--missing", "error")):
            error = report("load", holed(), *options, code=3)["error"]
            self.assertEqual(error["code"], "E_NOT_FOUND")
            self.assertIn("3, 7", error["message"])

    def test_text(self):
        text = msio("load", holed(), "--missing", "skip", "--repeat", 2).stdout
        for part in (holed(), "the group of 2025-10-05T13:27:5", "[84,70,2], row-chan-pol", "visdata        Complex",
                     "missing: 3, 7 (left out)", "into new memory", "roofline"):
            self.assertIn(part, text)
        for line in text.splitlines():
            self.assertLessEqual(len(line), 120)

    def test_one_of_several_groups(self):
        where = simulate(*SMALL)
        msio("simulate", "uvh5", "--out", where, "--quiet", *SMALL, "--time", "2025-10-05T14:00:00", "--noise", 1)
        text = msio("load", where, code=2).stderr
        times = [group["time"] for group in report("groups", where)["groups"]]
        self.assertEqual(len(times), 2)
        for time in times:
            self.assertIn(time, text)
        self.assertIn("--time", text)
        for time in (times[1], times[1][:-1]):
            found = report("load", where, "--time", time, "--what", "flags")
            self.assertTrue(all("T14:00:0" in file["path"] for file in found["files"]))
        self.assertIn(times[0], msio("load", where, "--time", "2025-10-05T15:00:00", code=3).stderr)

    def test_names_of_another_pattern(self):
        where, pattern = folder(), "north-{time}.{subband}.uvh5"
        for number, path in paths_of(whole()).items():
            os.symlink(path, os.path.join(where, f"north-2025-10-05T13:27:52.{number}.uvh5"))
        self.assertEqual(report("load", where, code=3)["error"]["code"], "E_NOT_FOUND")
        self.assertEqual(report("load", where, "--pattern", pattern)["subbands"], list(range(15, -1, -1)))

    def test_a_profile(self):
        out = os.path.join(folder(), "profile.json")
        msio("load", whole(), f"--prof=json:{out}")
        with open(out) as file:
            self.assertIn("subband-loading", file.read())

    def test_help(self):
        text = msio("load", "--help").stdout
        for part in ("usage: msio load GROUP... ", "--what LIST", "--missing error|skip|flag", "--layout", "--check",
                     "--repeat N", "Exit codes", "Examples\n  msio "):
            self.assertIn(part, text)
        for line in text.splitlines():
            self.assertLessEqual(len(line), 100, line)
        self.assertIn("\n  load ", msio("--help").stdout)


class TestCheck(unittest.TestCase):
    def changed(self, change):
        """Two files, of which the second was changed."""
        where = folder()
        files = [shutil.copy(paths_of(whole())[i], where) for i in (0, 1)]
        with h5py.File(files[1], "r+") as file:
            change(file)
        return files

    def test_nothing_differs(self):
        self.assertEqual(report("load", whole(), "--check"), {"differences": [], "missing": [], "harmful": 0})
        self.assertEqual(msio("load", whole(), "--check").stdout, "0 differences, 0 harmful\n")

    def test_a_gap_is_harmless(self):
        found = report("load", holed(), "--check")
        self.assertEqual((found["harmful"], found["missing"]), (0, [3, 7]))
        self.assertEqual([d["field"] for d in found["differences"]], ["freq_array"] * 2)
        self.assertTrue(all(d["harmless"] for d in found["differences"]))
        self.assertIn("(harmless)", msio("load", holed(), "--check").stdout)

    def test_another_antenna_is_not(self):
        def change(file):
            file["Header/antenna_positions"][2, 1] += 5
        files = self.changed(change)
        found = report("load", *files, "--check", code=1)
        self.assertEqual(found["harmful"], 1)
        (difference,) = found["differences"]
        self.assertEqual((difference["path"], difference["field"], difference["harmless"]),
                         (files[1], "antenna_positions", False))
        self.assertIn(files[1], msio("load", *files, "--check", code=1).stdout)
        self.assertEqual(report("load", *files, code=3)["error"]["code"], "E_SHAPE")

    def test_frequencies_that_overlap(self):
        def change(file):
            with h5py.File(paths_of(whole())[0], "r") as first:
                file["Header/freq_array"][...] = first["Header/freq_array"][...]
        self.assertIn("overlap", report("load", *self.changed(change), "--check", code=1)["differences"][0]["text"])

    def test_uvw_that_differ(self):
        where = simulate("--antennas", 4, "--times", 2, "--subbands", 2, "--channels", 4)
        files = [paths_of(where)[i] for i in (0, 1)]
        with h5py.File(files[1], "r+") as file:
            file["Header/uvw_array"][3, 0] += 5
        told = msio("load", *files, "--check", code=1)
        self.assertIn("uvw_array", told.stdout)
        self.assertIn("row 3 ", told.stdout)
        self.assertIn("uvw_array", report("load", *files, code=3)["error"]["message"])
        self.assertIn("0.001 m", report("load", *files, "--uvw-tolerance", "0.001", code=3)["error"]["message"])
        for how in ("5.01", "any"):
            self.assertEqual(report("load", *files, "--uvw-tolerance", how)["shape"], [20, 8, 2])
            msio("load", *files, "--check", "--uvw-tolerance", how)
        for wrong in ("-1", "far", "", "nan"):
            msio("load", *files, "--uvw-tolerance", wrong, code=2)

    def test_nothing_is_written_with_it(self):
        msio("load", whole(), "--check", "--out", os.path.join(folder(), "x.npy"), code=2)


def short_files():
    """In the command's process: no file may become long."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))


class TestErrors(unittest.TestCase):
    def error(self, *arguments, code=3):
        """The one line and the JSON object of a failing call."""
        plain = msio("load", *arguments, code=code)
        self.assertEqual(plain.stdout, "")
        self.assertEqual(plain.stderr.count("\n"), 1, plain.stderr)
        error = report("load", *arguments, code=code)["error"]
        self.assertEqual(set(error), {"code", "message", "path"})
        return error

    def test_what_is_missing(self):
        path = os.path.join(folder(), "nothing.hdf5")
        for arguments in ([path], [paths_of(whole())[0], path], [path, "--out", os.path.join(folder(), "x.npy")]):
            error = self.error(*arguments)
            self.assertEqual((error["code"], error["path"]), ("E_NOT_FOUND", path))

    def test_an_empty_folder(self):
        self.assertEqual(self.error(folder())["code"], "E_NOT_FOUND")

    def test_what_is_no_uvh5(self):
        path = os.path.join(folder(), "a.hdf5")
        with open(path, "w") as file:
            file.write("text\n" * 1000)
        self.assertEqual(self.error(path)["code"], "E_FORMAT")
        with h5py.File(path, "w") as file:
            file["values"] = [1, 2]
        self.assertEqual(self.error(path)["path"], path)

    def test_a_file_cut_off(self):
        path = shutil.copy(paths_of(whole())[0], folder())
        os.truncate(path, os.path.getsize(path) // 2)
        self.assertEqual(self.error(path)["code"], "E_FORMAT")

    def test_too_little_memory(self):
        self.assertEqual(self.error(whole(), "--memory", "1kB")["code"], "E_SIZE")

    def test_wrong_usage(self):
        file = paths_of(whole())[0]
        for arguments in ([], [whole(), "--what", "data"], [whole(), "--what", ""], [whole(), "--layout", "x"],
                          [whole(), "--missing", "x"], [whole(), "--out", "x.txt"], [whole(), "--out", ".npy"],
                          [whole(), "--repeat", "0"], [whole(), "--repeat", "x"], [whole(), "--memory", "much"],
                          [whole(), "--memory", "1XB"], [whole(), "--memory", "-1"], [whole(), "--chans", "x"],
                          [whole(), "--chans", "::-1"], [whole(), "--corrs", "::-1"], [whole(), "--times", "::2"],
                          [whole(), "--rows", "0:1", "--times", "0:1"], [whole(), "--subbands", "x"],
                          [whole(), "--subbands", ""], [whole(), "--subbands", "3-1"], [whole(), "--subbands", "1,"],
                          [whole(), "--subbands", "10000"], [whole(), "--frob"], [whole(), file],
                          [file, "--subbands", "0"], [file, "--time", "2025-10-05T13:27:52"],
                          [whole(), "--pattern", "{time}{time}{subband}"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.error(*arguments, code=2)["code"], "E_ARGUMENT")

    def test_memory_in_every_unit(self):
        for text in ("1e9", "512MiB", "2GiB", "1GB", "900000kB", "1TiB", "300M"):
            msio("load", whole(), "--memory", text)

    def test_a_file_that_stands_there_stays(self):
        for name, out in (("x.npy", "x.npy"), ("x.flags.npy", "x.npy"), ("x.h5", "x.h5")):
            where = folder()
            what = ("--what", "visdata") if name == out else ()
            path = os.path.join(where, name)
            with open(path, "w") as file:
                file.write("mine")
            out = os.path.join(where, out)
            self.assertIn("--force", self.error(whole(), *what, "--out", out)["message"])
            self.assertEqual(os.listdir(where), [name])
            with open(path) as file:
                self.assertEqual(file.read(), "mine")
            msio("load", whole(), *what, "--out", out, "--force")
            self.assertGreater(os.path.getsize(path), 1000)

    def test_a_folder_in_the_place_of_the_output(self):
        where = folder()
        for name in ("x.npy", "x.h5"):
            os.mkdir(os.path.join(where, name))
            self.error(whole(), "--what", "flags", "--out", os.path.join(where, name))
            self.error(whole(), "--what", "flags", "--force", "--out", os.path.join(where, name))

    def test_a_folder_of_the_output_that_is_not_there(self):
        for name in ("x.npy", "x.h5"):
            self.assertEqual(self.error(whole(), "--out", os.path.join(folder(), "no", name))["code"], "E_IO")

    def test_nothing_is_left_of_what_failed(self):
        where = folder()
        for name in ("x.npy", "x.h5"):
            run = subprocess.run([MSIO, "load", whole(), "--out", os.path.join(where, name)], timeout=240,
                                 capture_output=True, preexec_fn=short_files)
            self.assertEqual(run.returncode, 3, run.stderr)
            self.assertEqual(os.listdir(where), [])


def measurement_set(*options, subbands=3):
    """A simulated Measurement Set, made once; skips where casacore is missing."""
    key = "ms" + repr(options) + str(subbands)
    if key not in Made.kept:
        path = os.path.join(folder(), "obs.ms")
        run = msio("simulate", "ms", "--out", path, "--antennas", 5, "--times", 3, "--subbands", subbands, "--channels",
                   4, "--quiet", *options, code=None)
        if "casacore" in run.stderr:
            raise unittest.SkipTest(run.stderr)
        assert run.returncode == 0, run.stderr
        Made.kept[key] = path
    return Made.kept[key]


class TestMs(Base):
    def setUp(self):
        try:
            import casacore.tables as tables
        except ImportError as missing:
            self.skipTest(f"{missing}; the oracle of these tests is python-casacore")
        self.tables = tables

    def windows(self, path):
        """Of each window its arrays with ascending channels, in the order of frequency."""
        found = []
        main = self.tables.table(path, ack=False)
        window_of = self.tables.table(path + "::DATA_DESCRIPTION", ack=False).getcol("SPECTRAL_WINDOW_ID")
        frequencies = self.tables.table(path + "::SPECTRAL_WINDOW", ack=False).getcol("CHAN_FREQ")
        windows = window_of[main.getcol("DATA_DESC_ID")]
        for number, frequency in enumerate(frequencies):
            rows, order = np.flatnonzero(windows == number), np.argsort(frequency)
            found.append((frequency[order], number,
                          {name: main.getcol(column)[rows][:, order]
                           for name, column in zip(ARRAYS, ("DATA", "FLAG", "WEIGHT_SPECTRUM"))}))
        return sorted(found, key=lambda window: window[0][0])

    def test_windows_are_subbands(self):
        path = measurement_set()
        windows, found = self.windows(path), report("load", path)
        self.assertEqual(found["subbands"], [window[1] for window in windows])
        self.assertEqual(found["frequencies"], np.concatenate([window[0] for window in windows]).tolist())
        self.assertGreater(found["roofline_seconds"], 0)
        arrays = load_npy(path)
        for name in ARRAYS:
            self.same(arrays[name], np.concatenate([window[2][name] for window in windows], axis=1))
        arrays = load_npy(path, "--layout", "subband-row-chan-pol", "--rows", "2::3", "--chans", "1:")
        for name in ARRAYS:
            self.same(arrays[name], np.stack([window[2][name][2::3, 1:] for window in windows]))

    def test_several_sets(self):
        both = [measurement_set(subbands=1), folder()]
        both[1] = shutil.copytree(both[0], os.path.join(both[1], "second.ms"))
        window = self.tables.table(both[1] + "::SPECTRAL_WINDOW", readonly=False, ack=False)
        window.putcol("CHAN_FREQ", window.getcol("CHAN_FREQ") + 1e9)
        window.close()
        windows = sorted((w for path in both for w in self.windows(path)), key=lambda w: w[0][0])
        arrays = load_npy(*both)
        for name in ARRAYS:
            self.same(arrays[name], np.concatenate([w[2][name] for w in windows], axis=1))
        self.assertGreater(report("load", *both)["roofline_seconds"], 0)

    def test_what_a_set_does_not_have_is_left_out(self):
        path = shutil.copytree(measurement_set(), os.path.join(folder(), "few.ms"))
        main = self.tables.table(path, readonly=False, ack=False)
        main.removecols("WEIGHT_SPECTRUM")
        main.close()
        self.assertEqual(list(report("load", path)["what"]), ["visdata", "flags"])
        self.assertEqual(report("load", path, "--what", "nsamples", code=3)["error"]["code"], "E_NO_COLUMN")

    def test_through_casacore(self):
        path = measurement_set()
        natively, other = load_npy(path), load_npy(path, "--native", "no")
        self.same_arrays(other, natively)

    def test_hdf5_of_a_set(self):
        path, out = measurement_set(), os.path.join(folder(), "x.h5")
        msio("load", path, "--out", out)
        main = self.tables.table(path, ack=False)
        rows = np.flatnonzero(main.getcol("DATA_DESC_ID") == 0)
        with h5py.File(out, "r") as file:
            self.assertEqual(file["time_unit"][()], b"MJD, seconds")
            for name, column in (("times", "TIME"), ("antenna1", "ANTENNA1"), ("antenna2", "ANTENNA2"), ("uvw", "UVW"),
                                 ("integration_time", "INTERVAL")):
                np.testing.assert_array_equal(file[name][()], main.getcol(column)[rows], name)


class TestVerify(unittest.TestCase):
    easy = ("--target", "metadata=100", "--target", "flag-validation=100")

    def judged(self, *arguments, code=0):
        found = report("verify", *arguments, *self.easy, code=code)["paths"]
        return next(path for path in found if path["name"] == "subband-loading")

    def check(self, *arguments):
        path = self.judged(*arguments)
        self.assertEqual((path["verdict"], path["target_seconds"]), ("PASS", 300))
        self.assertGreater(path["measured_seconds"], 0)
        self.assertGreater(path["roofline_seconds"], 0)
        self.assertAlmostEqual(path["factor_below_target"], 300 / path["measured_seconds"])
        self.assertIn("times below the target", path["reason"])
        return path

    def size(self, files):
        return sum(expected(files)[name].nbytes for name in ARRAYS)

    def test_a_folder(self):
        path = self.check(whole(), "--require", "subband-loading")
        self.assertEqual((path["path"], path["bytes"]), (whole(), self.size(paths_of(whole()).values())))

    def test_files(self):
        files = [paths_of(whole())[i] for i in range(4)]
        self.assertEqual(self.check(*files)["bytes"], self.size(files))
        self.assertEqual(self.check(files[0])["bytes"], self.size(files[:1]))

    def test_a_group_with_holes(self):
        path = self.check(holed())
        self.assertIn("14 subbands (2 missing)", path["reason"])

    def test_a_complete_group_is_preferred(self):
        where = simulate(*SMALL, "--missing", "5")
        msio("simulate", "uvh5", "--out", where, "--quiet", *SMALL, "--time", "2025-10-05T14:00:00")
        self.assertIn("16 subbands:", self.check(where)["reason"])

    def test_a_measurement_set(self):
        path = self.check(measurement_set())
        self.assertEqual(path["path"], measurement_set())
        self.assertIn("3 subbands", path["reason"])

    def test_a_mixture_judges_both(self):
        found = {path["name"]: path for path in report("verify", measurement_set(), whole(), *self.easy)["paths"]}
        for name in ("metadata", "flag-validation", "subband-loading"):
            self.assertEqual(found[name]["verdict"], "PASS", name)
        self.assertIn("read-DATA", found)
        self.assertIn(found["subband-loading"]["path"], (measurement_set(), whole()))

    def test_a_target_missed(self):
        path = self.judged(whole(), "--target", "subband-loading=1e-9", code=1)
        self.assertEqual(path["verdict"], "FAIL")
        text = msio("verify", whole(), "--target", "subband-loading=1e-9", code=1).stdout
        self.assertIn("times above the target", text)

    def test_others_say_why_they_are_not_measured(self):
        found = {path["name"]: path for path in report("verify", whole())["paths"]}
        for name in ("metadata", "flag-validation", "calibration", "imaging"):
            self.assertEqual(found[name]["verdict"], "NOT MEASURED")
            self.assertTrue(found[name]["reason"])
        msio("verify", whole(), "--require", "metadata", code=1)
        msio("verify", whole(), "--require", "read-DATA", code=1)

    def test_text(self):
        text = msio("verify", whole()).stdout
        self.assertRegex(text, r"subband-loading +5 min .* PASS\n")
        self.assertIn("times below the target", text)
        for line in text.splitlines():
            self.assertLessEqual(len(line), 120)

    def test_what_cannot_be_read(self):
        for path in (folder(), os.path.join(folder(), "nothing.hdf5"), os.path.join(folder(), "nothing")):
            error = report("verify", path, code=3)["error"]
            self.assertEqual(error["path"], path)


if __name__ == "__main__":
    main(globals(), SCRATCH)
