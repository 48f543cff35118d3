#!/usr/bin/env python3
"""`msio info`, `msio read` and `msio plan` of HDF5 and UVH5 files, held against h5py and numpy.

usage: test_hdf5_command.py MSIO [GROUP]      GROUP: Read, Slices, Strings, Info, Uvh5, Plan, Errors (the classes below)
"""
import io
import json
import os
import shutil
import tempfile
import unittest

from running import DATA, main, msio, oracle

with oracle():
    import h5py
    import numpy as np

SCRATCH = tempfile.mkdtemp(prefix="msio-hdf5-")
MADE = {}


def scratch(name):
    return os.path.join(SCRATCH, name)


def once(make):
    """The path that `make` returns, made at the first call."""
    def get():
        if make not in MADE:
            MADE[make] = make()
        return MADE[make]
    return get


def simple(dtype, shape, seed=1):
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape, dtype=int))
    if np.dtype(dtype) == bool:
        return (rng.integers(0, 2, count) == 1).reshape(shape)
    if np.issubdtype(dtype, np.complexfloating):
        return (rng.normal(size=count) + 1j * rng.normal(size=count)).astype(dtype).reshape(shape)
    if np.issubdtype(dtype, np.floating):
        return rng.normal(size=count).astype(dtype).reshape(shape)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, count, dtype=dtype, endpoint=True).reshape(shape)


TYPES = {"int8": "Char", "uint8": "uChar", "int16": "Short", "uint16": "uShort", "int32": "Int", "uint32": "uInt",
         "int64": "Int64", "uint64": "uInt64", "float32": "Float", "float64": "Double", "complex64": "Complex",
         "complex128": "DComplex", "bool": "Bool"}
STORAGES = {
    "contiguous": {},
    "chunked": {"chunks": (4, 5, 2)},
    "lzf": {"chunks": (4, 5, 2), "compression": "lzf"},
    "gzip": {"chunks": (3, 7, 1), "compression": "gzip", "shuffle": True},
    "checked": {"chunks": (13, 11, 3), "fletcher32": True},
}


@once
def numbers():
    """Every type, every storage, every count of axes."""
    path = scratch("numbers.h5")
    with h5py.File(path, "w") as file:
        for dtype in TYPES:
            file[f"types/{dtype}"] = simple(dtype, (7, 3))
            file[f"scalars/{dtype}"] = simple(dtype, ())[()]
        for name, how in STORAGES.items():
            file.create_dataset(f"storage/{name}", data=simple("float32", (13, 11, 3)), **how)
        small = simple("int16", (4, 3))
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.COMPACT)
        compact = h5py.h5d.create(file["storage"].id, b"compact", h5py.h5t.NATIVE_INT16,
                                  h5py.h5s.create_simple(small.shape), properties)
        compact.write(h5py.h5s.ALL, h5py.h5s.ALL, small)
        file["big_endian"] = simple("float64", (5, 4)).astype(">f8")
        file.create_dataset("never_written", (6, 4), "f8", chunks=(2, 2), fillvalue=2.5)
        for ndim in range(1, 6):
            file[f"axes/{ndim}"] = simple("int32", (6, 5, 4, 3, 2)[:ndim])
        file.create_dataset("empty", (0, 3), "f4")
        file["special"] = np.array([1.5, np.nan, np.inf, -np.inf])
        pair = np.dtype([("r", "i4"), ("i", "i4")])
        file["pairs"] = np.array([[(1, -2), (3, 4)], [(2**31 - 1, -2**31), (0, 0)]], pair)
        file["odd"] = np.array([(1, 2.5, 3)], [("a", "i4"), ("b", "f8"), ("c", "u1")])
    return path


@once
def strings():
    path = scratch("strings.hdf5")
    with h5py.File(path, "w") as file:
        text = h5py.string_dtype("utf-8")
        file.create_dataset("names", data=np.array(["a", "", "Nançay", "日本", "x" * 40], object), dtype=text)
        file["fixed"] = np.array([b"one", b"three", b""], "S7")
        file.create_dataset("grid", data=np.array([[f"{i}{k}{n}" for n in range(3) for k in range(2)]
                                                   for i in range(4)], object).reshape(4, 2, 3), dtype=text)
        file.create_dataset("alone", data="a single one", dtype=text)
        file.create_dataset("quoted", data=np.array(['a "b" \\ \n'], object), dtype=text)
    return path


@once
def group():
    where = scratch("group")
    msio("simulate", "uvh5", "--out", where, "--antennas", "5", "--times", "3", "--subbands", "2", "--channels", "6",
         "--pols", "2")
    return sorted(os.path.join(where, name) for name in os.listdir(where) if name.endswith(".hdf5"))


@once
def new_layout():
    """A twin without the axis of spectral windows that simulated files have, as files before version 1.0 have it."""
    path = scratch("new.uvh5")
    with h5py.File(group()[0]) as old, h5py.File(path, "w") as new:
        old.copy("Header", new)
        for name in ("visdata", "flags", "nsamples"):
            type_ = old[f"Data/{name}"].dtype
            new.create_dataset(f"Data/{name}", data=old[f"Data/{name}"][()][:, 0], dtype=type_, compression="lzf")
        header = new["Header"]
        for name, value in (("freq_array", header["freq_array"][()].ravel()), ("version", np.bytes_(b"1.1")),
                            ("channel_width", np.full(6, float(np.ravel(header["channel_width"][()])[0])))):
            if name in header:
                del header[name]
            header[name] = value
    return path


def values(path, name):
    """A dataset as h5py reads it, with pairs of numbers as complex ones."""
    with h5py.File(path) as file:
        found = file[name][()]
    if getattr(found, "dtype", None) is not None and found.dtype.names == ("r", "i"):
        return found["r"].astype("f8") + 1j * found["i"]
    return found


def npy(path, name, *options):
    return np.load(io.BytesIO(msio("read", path, name, *options).stdout))


def lines(path, name, *options):
    return [json.loads(line) for line in msio("read", path, name, *options, "--format", "json").stdout.splitlines()]


def as_json(array):
    """What --format json writes of an array: a list of its rows."""
    def element(value):
        if isinstance(value, complex):
            return [element(value.real), element(value.imag)]
        if isinstance(value, float) and not np.isfinite(value):
            return {"nan": "nan", "inf": "inf", "-inf": "-inf"}[str(value)]
        return [element(one) for one in value] if isinstance(value, list) else value
    return element(np.asarray(array).tolist()) if np.ndim(array) else [element(np.asarray(array).item())]


class Base(unittest.TestCase):
    def same(self, path, name, wanted, *options):
        """All three formats hold what is wanted."""
        with self.subTest(dataset=name, options=options):
            found = npy(path, name, *options)
            self.assertEqual((found.dtype, found.shape), (wanted.dtype, wanted.shape))
            np.testing.assert_array_equal(found, wanted)
            self.assertEqual(msio("read", path, name, *options, "--format", "raw").stdout, wanted.tobytes())
            self.assertEqual(lines(path, name, *options), as_json(wanted))


class TestRead(Base):
    def test_types(self):
        for dtype in TYPES:
            wanted = values(numbers(), f"types/{dtype}")
            self.same(numbers(), f"types/{dtype}", wanted)

    def test_scalars(self):
        for dtype in TYPES:
            wanted = np.asarray(values(numbers(), f"scalars/{dtype}"))
            self.assertEqual(wanted.shape, ())
            self.same(numbers(), f"scalars/{dtype}", wanted)

    def test_storages(self):
        for name in [*STORAGES, "compact"]:
            self.same(numbers(), f"storage/{name}", values(numbers(), f"storage/{name}"))

    def test_one_to_five_axes(self):
        for ndim in range(1, 6):
            self.same(numbers(), f"axes/{ndim}", values(numbers(), f"axes/{ndim}"))

    def test_big_endian_numbers_come_in_the_machine_s_order(self):
        self.same(numbers(), "big_endian", values(numbers(), "big_endian").astype("f8"))

    def test_what_was_never_written_is_the_fill_value(self):
        self.same(numbers(), "never_written", np.full((6, 4), 2.5))

    def test_no_rows(self):
        self.same(numbers(), "empty", np.zeros((0, 3), "f4"))

    def test_nan_and_infinities(self):
        self.same(numbers(), "special", values(numbers(), "special"))

    def test_pairs_of_integers_become_complex128(self):
        self.same(numbers(), "pairs", values(numbers(), "pairs"))

    def test_through_the_library(self):
        for name in ("storage/lzf", "storage/gzip", "types/int16", "pairs"):
            found = npy(numbers(), name, "--native=no")
            np.testing.assert_array_equal(found, values(numbers(), name))

    def test_names(self):
        wanted = values(numbers(), "storage/lzf")
        for name in ("storage/lzf", "/storage/lzf", "lzf"):
            np.testing.assert_array_equal(npy(numbers(), name), wanted)

    def test_a_file_that_is_known_by_its_mark_alone(self):
        path = scratch("no_ending")
        shutil.copy(numbers(), path)
        np.testing.assert_array_equal(npy(path, "pairs"), values(numbers(), "pairs"))

    def test_a_file_behind_a_user_block(self):
        path = scratch("user_block.dat")
        with h5py.File(path, "w", userblock_size=1024) as file:
            file["x"] = np.arange(10)
        np.testing.assert_array_equal(npy(path, "x"), np.arange(10))

    def test_out_and_its_report(self):
        out = scratch("out.npy")
        report = json.loads(msio("read", numbers(), "lzf", "--rows", "2:5", "--out", out, "--json").stdout)
        np.testing.assert_array_equal(np.load(out), values(numbers(), "storage/lzf")[2:5])
        self.assertEqual({key: report[key] for key in ("column", "type", "format", "dtype", "rows", "shape", "bytes")},
                         {"column": "storage/lzf", "type": "Float", "format": "npy", "dtype": "<f4", "rows": 3,
                          "shape": [3, 11, 3], "bytes": os.path.getsize(out)})

    def test_larger_than_what_is_kept_in_memory(self):
        """Several parts: npy keeps 256 MiB of values, JSON 64 MiB."""
        path = scratch("large.h5")
        with h5py.File(path, "w") as file:
            file.create_dataset("zeros", (40_000_000,), "f8", chunks=(1_000_003,), fillvalue=7)
            file["zeros"][-3:] = [1, 2, 3]
            file.create_dataset("wide", data=np.broadcast_to(np.arange(70.0).reshape(70, 1, 1, 1), (70, 15_000, 10, 1)),
                                chunks=(9, 15_000, 10, 1), compression="gzip")
        out = scratch("large.npy")
        msio("read", path, "zeros", "--rows", "::-1", "--out", out)
        found = np.load(out, mmap_mode="r")
        self.assertEqual(found.shape, (40_000_000,))
        np.testing.assert_array_equal(found[:4], [3, 2, 1, 7])
        self.assertEqual(found[-1], 7)
        self.assertEqual(float(np.sum(found)), 7 * (40_000_000 - 3) + 6)
        self.assertEqual(lines(path, "wide", "--chans", "-1"), [[[[float(n)]] * 10] for n in range(70)])
        for name in (out, path):
            os.remove(name)


class TestSlices(Base):
    SLICES = ["1:4", "::2", "-3:", ":-2", "::-1", "-1:0:-2", "4:1", "100:", "2", "-1", "3::-1", "1::3"]

    @staticmethod
    def slice(text):
        parts = [int(part) if part else None for part in text.split(":")]
        if len(parts) == 1:
            return slice(parts[0], parts[0] + 1 if parts[0] != -1 else None)
        return slice(*parts)

    def test_rows(self):
        for name in ("axes/1", "axes/2", "axes/3", "axes/5", "storage/gzip", "types/complex64"):
            for text in self.SLICES:
                self.same(numbers(), name, values(numbers(), name)[self.slice(text)], f"--rows={text}")

    def test_channels(self):
        for name in ("axes/2", "axes/3", "axes/4", "storage/lzf"):
            for text in self.SLICES:
                self.same(numbers(), name, values(numbers(), name)[:, self.slice(text)], f"--chans={text}")

    def test_correlations(self):
        for name in ("axes/3", "axes/4", "axes/5", "storage/gzip"):
            for text in ("0", "-1", "1:", "::-1", "::2", "2:0:-1", "5:"):
                self.same(numbers(), name, values(numbers(), name)[:, :, self.slice(text)], f"--corrs={text}")

    def test_all_at_once(self):
        for name in ("axes/3", "axes/4", "axes/5", "storage/lzf"):
            for rows, chans, corrs in (("::-1", "1::2", "-1:"), ("1:5:2", "::-2", "::-1"), ("-1", "0", "1"),
                                       ("::-2", "-1::-1", "::2"), ("2:2", "::-1", ":")):
                wanted = values(numbers(), name)[self.slice(rows), self.slice(chans), self.slice(corrs)]
                self.same(numbers(), name, wanted, f"--rows={rows}", f"--chans={chans}", f"--corrs={corrs}")

    def test_axes_that_are_not_there(self):
        for name, option, words in (("axes/1", "--chans", "one axis"), ("axes/1", "--corrs", "one axis"),
                                    ("axes/2", "--corrs", "two axes"), ("scalars/int32", "--rows", "single value")):
            for command in ("read", "plan"):
                run = msio(command, numbers(), name, option, "0:1", code=2, text=True)
                self.assertIn(words, run.stderr)
                self.assertIn(option, run.stderr)
                self.assertEqual(run.stdout, "")

    def test_an_index_that_is_not_there(self):
        for option in ("--rows", "--chans", "--corrs"):
            for index in ("6", "-7"):
                run = msio("read", numbers(), "axes/3", f"{option}={index}", code=3, text=True)
                self.assertIn(f" {index} of axes/3 asked for", run.stderr)


class TestStrings(unittest.TestCase):
    def texts(self, name):
        with h5py.File(strings()) as file:
            found = file[name][()]
        decode = np.vectorize(lambda text: text.decode() if isinstance(text, bytes) else text, otypes=[object])
        return decode(np.asarray(found, object))

    def check(self, name, index, *options):
        wanted = self.texts(name)[index]
        found = npy(strings(), name, *options)
        self.assertEqual((found.dtype.kind, found.shape), ("U", wanted.shape))
        self.assertEqual(found.tolist(), wanted.tolist())
        self.assertEqual(lines(strings(), name, *options), as_json(wanted))

    def test_variable_and_fixed_length(self):
        for name in ("names", "fixed", "grid", "quoted"):
            self.check(name, ())

    def test_width_is_that_of_the_longest(self):
        self.assertEqual(npy(strings(), "names").dtype, "<U40")
        self.assertEqual(npy(strings(), "names", "--rows", ":-1").dtype, "<U6")

    def test_a_scalar(self):
        self.assertEqual(lines(strings(), "alone"), ["a single one"])
        found = npy(strings(), "alone")
        self.assertEqual((found.shape, found.item()), ((), "a single one"))

    def test_slices(self):
        self.check("names", slice(None, None, -2), "--rows=::-2")
        self.check("grid", (slice(1, 3), slice(None, None, -1)), "--rows=1:3", "--chans=::-1")
        self.check("grid", (slice(None, None, -1), slice(1, None), slice(-1, None, -2)), "--rows=::-1", "--chans=1",
                   "--corrs=-1::-2")
        self.check("grid", (slice(2, 2),), "--rows=2:2")

    def test_no_raw_form(self):
        self.assertIn("no raw form", msio("read", strings(), "names", "--format", "raw", code=2, text=True).stderr)


class TestInfo(unittest.TestCase):
    def report(self, path):
        return json.loads(msio("info", path, "--json").stdout)

    def test_hdf5(self):
        found = self.report(numbers())
        self.assertEqual((found["path"], found["kind"], found["bytes"]),
                         (numbers(), "hdf5", os.path.getsize(numbers())))
        names = []
        with h5py.File(numbers()) as file:
            file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
            columns = {column["name"]: column for column in found["columns"]}
            self.assertEqual(sorted(columns), sorted(names))
            for name in names:
                column, dataset = columns[name], file[name]
                with self.subTest(dataset=name):
                    self.assertEqual((column["ndim"], column["shape"]), (dataset.ndim, list(dataset.shape)))
                    self.assertEqual(column["tile"], list(dataset.chunks) if dataset.chunks else None)
                    self.assertEqual(column["manager"], "hdf5")
                    self.assertIs(column["undefined_shape"], False)

    def test_columns(self):
        columns = {column["name"]: column for column in self.report(numbers())["columns"]}
        for dtype, name in TYPES.items():
            self.assertEqual(columns[f"types/{dtype}"]["type"], name)
        self.assertEqual(columns["storage/lzf"]["filters"], "lzf")
        self.assertEqual(columns["storage/gzip"]["filters"], "shuffle, deflate")
        self.assertEqual([columns[f"storage/{name}"]["storage"] for name in ("contiguous", "gzip", "compact")],
                         ["contiguous", "chunked", "compact"])
        self.assertTrue(columns["storage/lzf"]["native"])
        self.assertEqual((columns["pairs"]["type"], columns["pairs"]["stored"]), ("DComplex", "{r, i} of int32"))
        self.assertEqual((columns["odd"]["readable"], columns["odd"]["native"]), (False, False))
        self.assertTrue(columns["odd"]["why_not"])

    def test_text(self):
        text = msio("info", numbers(), text=True).stdout
        self.assertIn(f"{numbers()}\n  HDF5 file, ", text)
        self.assertIn("more; --all lists them", text)
        text = msio("info", numbers(), "--all", text=True).stdout
        self.assertRegex(text, r"\n  storage/gzip +float32 +\[13,11,3\] +\[3,7,1\] +shuffle, deflate +\d")
        self.assertRegex(text, r"\n  odd .*not readable\n")
        for line in text.splitlines()[1:]:
            self.assertLessEqual(len(line), 100)

    def test_filters_of_plugins(self):
        """LZ4, which msio decodes, and bzip2, for which HDF5 needs the plugin that wrote the file."""
        if not all(h5py.h5z.filter_avail(number) for number in (307, 32004)):
            self.skipTest("HDF5 has no plugins of LZ4 and bzip2 (Debian: hdf5-filter-plugin)")
        path, none = scratch("plugins.h5"), {"HDF5_PLUGIN_PATH": SCRATCH}
        data = simple("int16", (20, 6, 4))
        with h5py.File(path, "w") as file:
            file.create_dataset("a/lz4", data=data, chunks=(7, 6, 4), compression=32004, compression_opts=(64,))
            file.create_dataset("a/bzip2", data=data, chunks=(7, 6, 4), compression=307, compression_opts=(9,))
        columns = {column["name"]: column for column in self.report(path)["columns"]}
        self.assertEqual([columns[n]["filters"] for n in ("a/lz4", "a/bzip2")], ["lz4", "bzip2"])
        self.assertEqual([columns[n]["native"] for n in ("a/lz4", "a/bzip2")], [True, False])
        text = msio("info", path, text=True).stdout
        self.assertRegex(text, r"a/lz4 .* lz4 .* native")
        self.assertRegex(text, r"a/bzip2 .* bzip2 .* hdf5")
        self.assertIn("a/bzip2: filter bzip2 (307) is not decoded here", text)
        for name, env in (("lz4", none), ("lz4", {}), ("bzip2", {})):
            read = msio("read", path, name, "--format", "npy", env=env).stdout
            np.testing.assert_array_equal(np.load(io.BytesIO(read)), data)
        run = msio("read", path, "bzip2", "--format", "json", code=None, env=none, text=True)
        self.assertNotEqual(run.returncode, 0)
        for words in (path, "a/bzip2 is packed with filter bzip2 (307)", "HDF5_PLUGIN_PATH"):
            self.assertIn(words, run.stderr)

    def test_a_file_of_nothing(self):
        path = scratch("nothing.h5")
        h5py.File(path, "w").close()
        self.assertEqual(self.report(path)["columns"], [])
        self.assertIn("HDF5 file, 0 datasets", msio("info", path, text=True).stdout)

    def test_a_damaged_header_is_told_and_the_rest_too(self):
        path = scratch("headless.uvh5")
        shutil.copy(group()[0], path)
        with h5py.File(path, "a") as file:
            del file["Header/freq_array"]
        run = msio("info", path, "--json", code=3)
        found = json.loads(run.stdout)
        self.assertEqual((found["kind"], found["error"]["code"]), ("hdf5", "E_FORMAT"))
        self.assertIn("freq_array", found["error"]["message"])
        self.assertIn("Data/visdata", [column["name"] for column in found["columns"]])
        text = msio("info", path, code=3, text=True)
        self.assertIn("Data/visdata", text.stdout)
        self.assertEqual(text.stderr.count("\n"), 1)
        np.testing.assert_array_equal(npy(path, "nsamples"), values(path, "Data/nsamples")[:, 0])

    def test_names_with_escape_sequences_do_not_reach_the_terminal(self):
        path = scratch("escape.h5")
        with h5py.File(path, "w") as file:
            file["\x1b[31mred"] = np.arange(3)
        self.assertNotIn("\x1b", msio("info", path, text=True).stdout)


class TestUvh5(Base):
    def test_info(self):
        path = group()[1]
        found = json.loads(msio("info", path, "--json").stdout)
        with h5py.File(path) as file:
            header = {name: item[()] for name, item in file["Header"].items() if isinstance(item, h5py.Dataset)}
        self.assertEqual((found["kind"], found["rows"], found["bytes"]),
                         ("uvh5", header["Nblts"], os.path.getsize(path)))
        self.assertEqual(sorted(column["name"] for column in found["columns"]),
                         ["Data/flags", "Data/nsamples", "Data/visdata"])
        (window,) = found["spectral_windows"]
        self.assertEqual(window["frequencies"], np.ravel(header["freq_array"]).tolist())
        self.assertEqual(window["reference_frequency"], window["frequencies"][0])
        self.assertAlmostEqual(window["bandwidth"], float(np.sum(window["widths"])), 3)
        self.assertEqual([antenna["name"] for antenna in found["antennas"]],
                         [name.decode() for name in header["antenna_names"]])
        self.assertEqual([antenna["number"] for antenna in found["antennas"]], header["antenna_numbers"].tolist())
        np.testing.assert_array_equal([antenna["offset"] for antenna in found["antennas"]],
                                      header["antenna_positions"])
        self.assertEqual(found["polarizations"][0]["polarization_array"], header["polarization_array"].tolist())
        self.assertEqual(found["observation"]["telescope"], header["telescope_name"].decode())
        self.assertEqual(found["times_jd"], [header["time_array"].min(), header["time_array"].max()])
        self.assertEqual((found["order"]["times"], found["order"]["baselines"]), (3, 15))
        for key in ("fields", "time_range", "telescope", "version", "history_bytes", "extra_keywords"):
            self.assertIn(key, found)

    def test_antennas_stand_where_pyuvdata_s_formula_puts_them(self):
        path = group()[0]
        found = json.loads(msio("info", path, "--json").stdout)["antennas"]
        with h5py.File(path) as file:
            latitude, longitude = (np.radians(file[f"Header/{name}"][()]) for name in ("latitude", "longitude"))
            height, offsets = file["Header/altitude"][()], file["Header/antenna_positions"][()]
        a, e2 = 6378137.0, 6.69437999014e-3
        n = a / np.sqrt(1 - e2 * np.sin(latitude)**2)
        place = np.array([(n + height) * np.cos(latitude) * np.cos(longitude),
                          (n + height) * np.cos(latitude) * np.sin(longitude),
                          (n * (1 - e2) + height) * np.sin(latitude)])
        np.testing.assert_allclose([antenna["position"] for antenna in found], offsets + place, rtol=0, atol=1e-4)

    def test_time_range_is_iso(self):
        path = group()[0]
        first, last = json.loads(msio("info", path, "--json").stdout)["time_range"]
        with h5py.File(path) as file:
            times = file["Header/time_array"][()]
        for text, jd in ((first, times.min()), (last, times.max())):
            day = (np.datetime64(text[:-1]) - np.datetime64("1858-11-17T00:00:00")) / np.timedelta64(1, "ms")
            self.assertAlmostEqual(day / 1e3, (jd - 2400000.5) * 86400, delta=1e-3)
            self.assertTrue(text.endswith("Z"))

    def test_polarizations_have_casacore_s_codes(self):
        path = scratch("all_pols.uvh5")
        shutil.copy(group()[0], path)
        for numbers_, names, codes in (([-1, -2], ["RR", "LL"], [5, 8]), ([-3, -4], ["RL", "LR"], [6, 7]),
                                       ([-5, -6], ["XX", "YY"], [9, 12]), ([-7, -8], ["XY", "YX"], [10, 11]),
                                       ([1, 4], ["I", "V"], [1, 4])):
            with h5py.File(path, "a") as file:
                file["Header/polarization_array"][...] = numbers_
            (found,) = json.loads(msio("info", path, "--json").stdout)["polarizations"]
            self.assertEqual((found["correlations"], found["corr_type"]), (names, codes))

    def test_several_spectral_windows(self):
        path = scratch("flex.uvh5")
        shutil.copy(new_layout(), path)
        with h5py.File(path, "a") as file:
            header = file["Header"]
            for name, value in (("Nspws", 2), ("spw_array", np.array([7, 3])), ("flex_spw", True),
                                ("flex_spw_id_array", np.array([3, 7, 7, 3, 3, 7]))):
                if name in header:
                    del header[name]
                header[name] = value
            frequencies = header["freq_array"][()]
        windows = json.loads(msio("info", path, "--json").stdout)["spectral_windows"]
        self.assertEqual([window["number"] for window in windows], [7, 3])
        self.assertEqual([window["frequencies"] for window in windows],
                         [frequencies[[1, 2, 5]].tolist(), frequencies[[0, 3, 4]].tolist()])

    def test_text(self):
        text = msio("info", group()[0], text=True).stdout
        for part in ("UVH5 file ", "\nObservation\n", "3 times, 15 baselines, time-major, none missing",
                     "\nSpectral windows: 1\n", "\nFields: 1\n", "\nAntennas: 7, 5 in rows, positions ITRF\n",
                     "\nPolarizations: 2\n", "\nData: 3 "):
            self.assertIn(part, text)

    @staticmethod
    def data(path, name):
        wanted = values(path, f"Data/{name}")
        return wanted.astype("c8") if name == "visdata" else wanted

    def test_data(self):
        for name in ("visdata", "flags", "nsamples"):
            wanted = self.data(new_layout(), name)
            self.assertEqual(wanted.shape, (45, 6, 2))
            self.same(new_layout(), name, wanted)
            self.same(new_layout(), f"Data/{name}", wanted[-5::2, ::-1, 1:], "--rows=-5::2", "--chans=::-1",
                      "--corrs=1")

    def test_the_axis_of_windows_of_old_files_is_left_out(self):
        for path in group():
            for name in ("visdata", "flags", "nsamples"):
                wanted = self.data(path, name)
                self.assertEqual(wanted.shape, (45, 1, 6, 2))
                self.same(path, name, wanted[:, 0])
                self.same(path, name, wanted[::-3, 0, 1:5:2, ::-1], "--rows=::-3", "--chans=1:5:2", "--corrs=::-1")
        for path, axis in ((group()[0], True), (new_layout(), False)):
            found = json.loads(msio("info", path, "--json").stdout)
            self.assertEqual((found["kind"], found["spw_axis"]), ("uvh5", axis))
            self.assertEqual([column["ndim"] for column in found["columns"]], [3 + axis] * 3)

    def test_other_data_keep_an_axis_of_one(self):
        path = scratch("other.h5")
        with h5py.File(path, "w") as file:
            file["Data/visdata"] = simple("float32", (3, 1, 4, 2))
        self.same(path, "visdata", values(path, "Data/visdata"))

    def test_fields_of_the_header(self):
        path = group()[0]
        self.same(path, "Header/time_array", values(path, "Header/time_array"))
        self.same(path, "uvw_array", values(path, "Header/uvw_array")[::-1, -1:], "--rows=::-1", "--chans=-1")
        self.assertEqual(lines(path, "Header/antenna_names"),
                         [name.decode() for name in values(path, "Header/antenna_names")])

    def test_files_of_telescopes(self):
        found = [os.path.join(DATA, name) for name in sorted(os.listdir(DATA)) if name.endswith(".uvh5")] \
            if os.path.isdir(DATA) else []
        if not found:
            self.skipTest(f"no UVH5 files in {DATA}")
        for path in found:
            self.assertEqual(json.loads(msio("info", path, "--json").stdout)["kind"], "uvh5")
            names = []
            with h5py.File(path) as file:
                file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
            for name in names:
                with self.subTest(path=path, dataset=name):
                    self.compare(path, name)

    def compare(self, path, name):
        wanted = values(path, name)
        if isinstance(wanted, h5py.Empty):
            self.assertEqual(npy(path, name).size, 0)
            return
        wanted = np.asarray(wanted)
        if wanted.dtype.kind in "SO":
            texts = [text.decode() if isinstance(text, bytes) else text for text in wanted.ravel().tolist()]
            self.assertEqual(npy(path, name).ravel().tolist(), [text.rstrip(" \0") for text in texts])
            return
        if name.startswith("Data/") and wanted.ndim == 4:
            wanted = wanted[:, 0]
        found = npy(path, name)
        self.assertEqual(found.shape, wanted.shape)
        np.testing.assert_array_equal(found, wanted)


class TestPlan(unittest.TestCase):
    def plan(self, path, name, *options):
        return json.loads(msio("plan", path, name, *options, "--json").stdout)

    def test_contiguous(self):
        found = self.plan(numbers(), "storage/contiguous")
        self.assertEqual((found["path"], found["column"], found["rows"]), (numbers(), "storage/contiguous", 13))
        size = 13 * 11 * 3 * 4
        self.assertEqual((found["bytes_wanted"], found["bytes_stored"], found["bytes_read"]), (size, size, size))
        self.assertEqual((found["reads"], found["amplification"], found["files"]), (1, 1, 1))
        self.assertIn(found["way"], ("direct", "scratch", "mapped"))

    def test_a_part(self):
        whole, part = self.plan(numbers(), "storage/chunked"), self.plan(numbers(), "storage/chunked", "--rows=-4:")
        self.assertEqual(whole["pieces"], 4 * 3 * 2)
        self.assertEqual(part["bytes_wanted"], 4 * 11 * 3 * 4)
        self.assertLess(part["pieces"], whole["pieces"])
        back = self.plan(numbers(), "storage/chunked", "--rows=:-5:-1")
        self.assertEqual(back["bytes_wanted"], part["bytes_wanted"])

    def test_axes(self):
        found = self.plan(numbers(), "axes/2", "--chans=1:3")
        self.assertEqual(found["bytes_wanted"], 6 * 2 * 4)
        found = self.plan(group()[0], "visdata", "--chans=::2", "--corrs=0")
        self.assertEqual(found["bytes_wanted"], 45 * 3 * 8)

    def test_compressed(self):
        found = self.plan(numbers(), "storage/gzip")
        self.assertEqual(found["bytes_wanted"], 13 * 11 * 3 * 4)
        with h5py.File(numbers()) as file:
            self.assertGreaterEqual(found["bytes_read"], file["storage/gzip"].id.get_storage_size())

    def test_pieces(self):
        found = self.plan(numbers(), "storage/chunked", "--pieces", "5")
        self.assertEqual(len(found["first_pieces"]), 5)
        with h5py.File(numbers()) as file:
            first = min(file["storage/chunked"].id.get_chunk_info(n).byte_offset for n in range(24))
        self.assertEqual(found["first_pieces"][0]["offset"], first)
        self.assertIn("first result row", msio("plan", numbers(), "chunked", "--pieces", 3, text=True).stdout)

    def test_through_the_library(self):
        self.assertEqual(self.plan(numbers(), "storage/lzf", "--native=no")["way"], "hdf5")
        self.assertRegex(msio("plan", numbers(), "lzf", "--native=no", text=True).stdout, r"\n  way +hdf5\n")

    def test_nothing(self):
        for options in ([], ["--rows", "2:2"]):
            found = self.plan(numbers(), "empty" if not options else "axes/3", *options)
            self.assertEqual((found["bytes_wanted"], found["pieces"], found["amplification"]), (0, 0, 0))


class TestErrors(unittest.TestCase):
    def error(self, *arguments, code=3):
        """The one line and the JSON object of a failing call."""
        plain = msio(*arguments, code=code, text=True)
        self.assertEqual(plain.stdout, "")
        self.assertEqual(plain.stderr.count("\n"), 1, plain.stderr)
        found = json.loads(msio(*arguments, "--json", code=code).stdout)["error"]
        self.assertEqual(set(found), {"code", "message", "path"})
        self.assertIn(found["message"], plain.stderr)
        return plain.stderr, found["code"]

    def each(self, path):
        return [self.error("info", path), self.error("read", path, "visdata"), self.error("plan", path, "visdata")]

    def test_a_dataset_that_is_not_there(self):
        for command in ("read", "plan"):
            text, code = self.error(command, group()[0], "vsdata")
            self.assertEqual(code, "E_NO_COLUMN")
            self.assertIn("near it, of", text)
            self.assertIn("Data/visdata", text)
            self.assertIn("Header/freq_array", self.error(command, group()[0], "FREQ_ARAY")[0])
            self.assertIn("Header/antenna_names", self.error(command, group()[0], "antenna_nam")[0])
            self.assertIn("nor one like it", self.error(command, group()[0], "zzzzzzzzzzzzzzzz" * 8)[0])

    def test_a_name_that_several_have(self):
        text, code = self.error("read", numbers(), "int32")
        self.assertEqual(code, "E_NO_COLUMN")
        self.assertIn("scalars/int32", text)
        self.assertIn("types/int32", text)

    def test_a_group_is_no_dataset(self):
        self.assertEqual(self.error("read", group()[0], "Data")[1], "E_NO_COLUMN")

    def test_neither_numbers_nor_strings(self):
        for command in ("read", "plan"):
            text, code = self.error(command, numbers(), "odd")
            self.assertEqual(code, "E_UNSUPPORTED")
            self.assertIn("odd", text)
        self.error("read", numbers(), "odd", "--format", "json")

    def test_strings_have_no_plan(self):
        self.assertEqual(self.error("plan", strings(), "names")[1], "E_UNSUPPORTED")

    def test_a_file_that_is_named_so_and_is_not(self):
        path = scratch("garbage.hdf5")
        with open(path, "w") as file:
            file.write("this is no HDF5 file\n" * 1000)
        for text, code in self.each(path):
            self.assertEqual(code, "E_FORMAT")
            self.assertIn("no HDF5 file", text)

    def test_an_empty_file(self):
        path = scratch("empty.uvh5")
        with open(path, "w"):
            pass
        for _, code in self.each(path):
            self.assertEqual(code, "E_FORMAT")

    def test_a_file_that_was_cut(self):
        path = scratch("cut.uvh5")
        with open(group()[0], "rb") as whole, open(path, "wb") as cut:
            cut.write(whole.read()[:-1000])
        for text, code in self.each(path):
            self.assertEqual(code, "E_FORMAT")
            self.assertIn("cut", text)

    def test_a_file_that_is_still_being_written(self):
        path = scratch("2025-10-05T13:27:52_sb00_incomplete.hdf5")
        shutil.copy(group()[0], path)
        for text, code in self.each(path):
            self.assertEqual(code, "E_LOCKED")
            self.assertIn("still being written", text)

    def test_a_damaged_chunk(self):
        path = scratch("damaged.h5")
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=np.arange(1000), chunks=(100,), compression="gzip")
            place = file["x"].id.get_chunk_info(5)
        with open(path, "r+b") as file:
            file.seek(place.byte_offset)
            file.write(b"\xff" * place.size)
        out = scratch("damaged.npy")
        self.assertEqual(self.error("read", path, "x", "--out", out)[1], "E_FORMAT")
        self.assertFalse(os.path.exists(out))
        np.testing.assert_array_equal(npy(path, "x", "--rows", ":500"), np.arange(500))

    def test_a_path_that_is_not_there(self):
        for _, code in self.each(scratch("nothing.hdf5")):
            self.assertEqual(code, "E_NOT_FOUND")

    def test_a_folder_that_is_no_table(self):
        where = scratch("folder.hdf5")
        os.makedirs(where, exist_ok=True)
        for text, _ in self.each(where):
            self.assertIn("no casacore table", text)

    def test_commands_that_take_tables_only(self):
        text, code = self.error("flags", group()[0])
        self.assertEqual(code, "E_UNSUPPORTED")
        self.assertIn("HDF5", text)

    def test_wrong_usage(self):
        for arguments in (["info", group()[0], group()[1]], ["read", group()[0]], ["plan", group()[0]],
                          ["read", group()[0], "visdata", "--rows", "a:b"],
                          ["read", group()[0], "visdata", "--format", "fits"]):
            self.assertEqual(self.error(*arguments, code=2)[1], "E_ARGUMENT")


if __name__ == "__main__":
    main(globals(), SCRATCH, tried=("info", numbers()))
