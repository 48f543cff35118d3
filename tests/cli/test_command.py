#!/usr/bin/env python3
"""The msio command from its user's side, held against python-casacore and numpy.

usage: test_command.py MSIO [GROUP]      GROUP: Info, Read, Plan, ... (the classes below, without Test)

Exit codes: 0 all passed, 1 some failed, 77 nothing could be tested (and why).
"""
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import unittest

from running import DATA, main, MSIO, msio, on_terminal, oracle, report

with oracle():
    import numpy as np
    import casacore.tables as ct

SCRATCH = tempfile.mkdtemp(prefix="msio-cli-")

TYPES = {"boolean": "Bool", "uchar": "uChar", "short": "Short", "ushort": "uShort", "int": "Int", "uint": "uInt",
         "int64": "Int64", "float": "Float", "double": "Double", "complex": "Complex", "dcomplex": "DComplex",
         "string": "String"}


# ---------------------------------------------------------------- running the command

def load(*arguments):
    """The array that `msio read` writes to its standard output."""
    return np.load(io.BytesIO(msio("read", *arguments).stdout))


def lines(*arguments):
    """The values that `msio read --format json` writes."""
    return [json.loads(line) for line in msio("read", *arguments, "--format", "json").stdout.splitlines()]


# ---------------------------------------------------------------- tables to read

def heed_interrupts():
    """In the child: a shell that runs the tests in the background has SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def scratch(name):
    return os.path.join(SCRATCH, name)


def unpacked(archive):
    """The Measurement Set of an archive of the test data; the test is skipped where it is absent."""
    path = os.path.join(DATA, archive)
    if not os.path.exists(path):
        raise unittest.SkipTest(f"{path} is not there; MSIO_TEST_DATA names its folder")
    target = scratch(archive[:-4])
    if not os.path.exists(target):
        with tarfile.open(path) as tar:
            tar.extractall(target + ".part")
        os.rename(target + ".part", target)
    (name,) = os.listdir(target)
    return os.path.join(target, name)


def archives():
    for archive in ("vla_small.ms.tgz", "lofar_be.ms.tgz", "bda_variable_shape.ms.tgz"):
        yield unpacked(archive)


def measurement_sets():
    """The archives' Measurement Sets that are there, and a simulated one."""
    for archive in ("vla_small.ms.tgz", "lofar_be.ms.tgz", "bda_variable_shape.ms.tgz"):
        try:
            yield unpacked(archive)
        except unittest.SkipTest as absent:
            print(f"left out: {absent}")
    yield simulated()


def simulated():
    """A small simulated Measurement Set, made once."""
    path = scratch("small.ms")
    if not os.path.exists(path):
        run = msio("simulate", "ms", "--out", path, "--antennas", 5, "--times", 3, "--subbands", 2, "--channels", 8,
                   "--quiet", code=None)
        if b"casacore" in run.stderr:
            raise unittest.SkipTest(run.stderr.decode())
        assert run.returncode == 0, run.stderr
    return path


def larger():
    """One with some megabytes of data, made once."""
    path = scratch("larger.ms")
    if not os.path.exists(path):
        simulated()  # skips where casacore is missing
        msio("simulate", "ms", "--out", path, "--antennas", 20, "--times", 20, "--subbands", 2, "--channels", 16)
    return path


def strange():
    """A table of ragged, undefined and odd cells, made once."""
    path = scratch("strange.table")
    if os.path.exists(path):
        return path
    columns = [ct.makescacoldesc("TEXT", ""), ct.makescacoldesc("NUMBER", 0.0), ct.makescacoldesc("WHOLE", 0),
               ct.makearrcoldesc("RAGGED", 0.0, ndim=2), ct.makearrcoldesc("WORDS", ""),
               ct.makearrcoldesc("PAIR", "", shape=[2]), ct.makearrcoldesc("Z", 0j, shape=[2, 3])]
    table = ct.table(path, ct.maketabdesc(columns), nrow=5, ack=False)
    table.putcol("TEXT", ["", "abc", "d\"q\\\n\t", "\u03b1\u03b2\u03b3 \u00fc", "last"])
    table.putcol("NUMBER", np.array([1.5, math.nan, math.inf, -math.inf, -0.0]))
    table.putcol("WHOLE", np.arange(5))
    for row, shape in ((0, (2, 3)), (1, (4, 1)), (3, (2, 3))):
        table.putcell("RAGGED", row, np.arange(shape[0] * shape[1], dtype=float).reshape(shape) + 0.1 * row)
    table.putcell("WORDS", 0, ["one", "two"])
    table.putcell("WORDS", 1, ["three"])
    for row in range(5):
        table.putcell("PAIR", row, [f"a{row}", "\u00e9" * row])
        table.putcell("Z", row, (np.arange(6).reshape(3, 2).T + row) * (1 + 2j))
    table.close()
    return path


def numpy_cell(value):
    """What the command must write in JSON for a value of python-casacore."""
    if isinstance(value, dict):
        return np.array(value["array"]).reshape(value["shape"]).tolist()
    if isinstance(value, np.ndarray):
        return [numpy_cell(item) for item in value] if value.ndim else numpy_cell(value[()])
    if isinstance(value, (list, tuple)):
        return [numpy_cell(item) for item in value]
    if isinstance(value, (complex, np.complexfloating)):
        return [numpy_cell(value.real), numpy_cell(value.imag)]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (float, np.floating)):
        value = float(value)
        return value if math.isfinite(value) else "nan" if value != value else "inf" if value > 0 else "-inf"
    if isinstance(value, np.integer):
        return int(value)
    return value


def subtables(path, missing=False):
    """Paths of the subtables; those that are not there (the archives lack some) only when they are wanted."""
    with ct.table(path, ack=False) as table:
        paths = [value.split(": ", 1)[1] for value in table.getkeywords().values()
                 if isinstance(value, str) and value.startswith("Table: ")]
    return [path for path in paths if missing or os.path.exists(path)]


# ---------------------------------------------------------------- tests

class TestHelp(unittest.TestCase):
    commands = ("info", "read", "plan", "flags", "groups", "load", "write", "fill", "copy", "repair", "verify", "compare", "history",
                "simulate", "bench")

    def test_main_help_names_every_command(self):
        text = msio("--help").stdout.decode()
        for name in self.commands:
            self.assertRegex(text, rf"(?m)^  {name} ")

    def test_each_help_has_options_exit_codes_and_examples(self):
        for name in self.commands:
            text = msio(name, "--help").stdout.decode()
            for part in (f"usage: msio {name} ", "--threads N", "--native", "--prof[=report|json:FILE]", "Exit codes",
                         "  2  wrong usage", "  3  ", "Examples\n  msio "):
                self.assertIn(part, text, name)

    def test_help_fits_100_columns(self):
        for name in self.commands:
            for line in msio(name, "--help").stdout.decode().splitlines():
                self.assertLessEqual(len(line), 100, line)

    def test_help_of_a_command_by_name(self):
        self.assertEqual(msio("help", "read").stdout, msio("read", "--help").stdout)

    def test_help_wins_over_missing_operands_and_writes_no_messages(self):
        self.assertEqual(msio("read", "--help").stderr, b"")

    def test_version(self):
        self.assertRegex(msio("--version").stdout.decode(), r"^msio \d+\.\d+\.\d+\n$")
        self.assertEqual(msio("info", "--version").stdout, msio("--version").stdout)

    def test_without_a_command_usage_goes_to_standard_error(self):
        run = msio(code=2)
        self.assertEqual(run.stdout, b"")
        self.assertIn(b"usage: msio COMMAND", run.stderr)


class TestErrors(unittest.TestCase):
    def error(self, *arguments, code=3):
        """The one line and the JSON object of a failing call."""
        plain = msio(*arguments, code=code)
        self.assertEqual(plain.stdout, b"")
        text = plain.stderr.decode()
        self.assertEqual(text.count("\n"), 1, text)
        run = msio(arguments[0], "--json", *arguments[1:], code=code)
        error = json.loads(run.stdout)["error"]
        self.assertEqual(set(error), {"code", "message", "path"})
        self.assertIn(error["message"], text)
        return text, error

    def test_a_missing_table(self):
        text, error = self.error("info", scratch("nothing.ms"))
        self.assertTrue(text.startswith("msio info: "))
        self.assertIn("nothing.ms", text)
        self.assertEqual(error["code"], "E_NOT_FOUND")

    def test_a_missing_column(self):
        _, error = self.error("read", strange(), "NOTHING")
        self.assertEqual(error["code"], "E_NO_COLUMN")
        self.error("plan", strange(), "NOTHING")

    def test_a_missing_subtable(self):
        self.error("info", strange() + "::NOTHING")

    def test_wrong_usage(self):
        for arguments in (["frobnicate"], ["info"], ["info", "a", "b"], ["read", "x"], ["read", "x", "y", "z"],
                          ["info", "x", "--frob"], ["read", "x", "y", "--rows"], ["read", "x", "y", "--rows", "a:b"],
                          ["read", "x", "y", "--rows", "1:2:0"], ["read", "x", "y", "--rows", "1:2:3:4"],
                          ["read", "x", "y", "--format", "xml"], ["info", "x", "--threads", "many"],
                          ["info", "x", "--threads", "-1"], ["info", "x", "--native=perhaps"],
                          ["info", "x", "--prof=loud"], ["info", "x", "--all=1"], ["verify"],
                          ["verify", "x", "--target", "open"], ["verify", "x", "--target", "open=-1"],
                          ["verify", "x", "--target", "nothing=1"], ["verify", "x", "--require", "nothing"],
                          ["simulate"], ["simulate", "ms"], ["simulate", "uvh5"],
                          ["simulate", "ms", "--out", "x", "--corrs", "3"],
                          ["simulate", "ms", "--out", "x", "--antennas", "0"]):
            with self.subTest(arguments=arguments):
                _, error = self.error(*arguments, code=2)
                self.assertEqual(error["code"], "E_ARGUMENT")

    def test_an_hdf5_file_is_told_by_its_kind(self):
        path = scratch("file.uvh5")
        with open(path, "wb") as file:
            file.write(b"\x89HDF\r\n\x1a\n" + bytes(100))
        text, error = self.error("info", path)
        self.assertIn("HDF5", text)
        self.assertEqual(error["code"], "E_FORMAT")
        text, error = self.error("flags", path)
        self.assertIn("HDF5", text)
        self.assertEqual(error["code"], "E_UNSUPPORTED")

    def test_a_file_that_is_no_table(self):
        path = scratch("plain.txt")
        with open(path, "w") as file:
            file.write("hello\n")
        self.error("info", path)

    def test_a_folder_that_is_no_table(self):
        os.makedirs(scratch("folder"), exist_ok=True)
        self.error("info", scratch("folder"))

    def test_a_table_that_another_process_has_locked(self):
        path = scratch("locked.table")
        shutil.copytree(strange(), path)
        with ct.table(path, readonly=False, lockoptions="permanentwait", ack=False):
            text, error = self.error("read", path, "NUMBER", "--format", "json")
            self.assertEqual(error["code"], "E_LOCKED")
            self.assertIn(str(os.getpid()), text)
            self.assertEqual(len(lines(path, "NUMBER", "--nolock")), 5)

    def test_a_damaged_table(self):
        path = scratch("damaged.table")
        if not os.path.exists(path):
            shutil.copytree(strange(), path)
            os.truncate(os.path.join(path, "table.dat"), 100)
        self.error("info", path)

    def test_names_with_escape_sequences_do_not_reach_the_terminal(self):
        run = msio("info", scratch("\x1b[31mred"), code=3)
        self.assertNotIn(b"\x1b", run.stderr)

    def test_profile_that_cannot_be_written(self):
        run = msio("info", strange(), "--prof=json:" + scratch("no/such/folder.json"), code=3)
        self.assertIn(b"folder.json", run.stderr)


class TestInfo(unittest.TestCase):
    keys = ("path kind rows bytes columns spectral_windows fields antennas polarizations data_descriptions "
            "observation time_range subtables").split()

    def test_columns_of_every_table(self):
        for path in [*measurement_sets(), strange()]:
            for table_path in [path, *subtables(path)]:
                with self.subTest(table=table_path):
                    info = report("info", table_path)
                    for key in self.keys:
                        self.assertIn(key, info)
                    with ct.table(table_path, ack=False) as table:
                        self.check_table(info, table)

    def test_window_without_channels(self):
        path = scratch("no-channels.ms")
        shutil.copytree(simulated(), path)
        with ct.table(path + "::SPECTRAL_WINDOW", readonly=False, ack=False) as table:
            for column in ("CHAN_FREQ", "CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION"):
                table.putcell(column, 0, np.zeros(0))
        text = msio("info", path).stdout.decode()
        row = next(line for line in text[text.index("Spectral windows"):].splitlines()[2:])
        self.assertRegex(row, r"^ *0 .* 0 +- +- +- ")
        self.assertEqual(report("info", path)["spectral_windows"][0]["frequencies"], [])

    def check_table(self, info, table):
        self.assertEqual(info["rows"], table.nrows())
        self.assertEqual([column["name"] for column in info["columns"]], table.colnames())
        managers = {name: manager["TYPE"] for manager in table.getdminfo().values() for name in manager["COLUMNS"]}
        for column in info["columns"]:
            name = column["name"]
            with self.subTest(column=name):
                self.assertEqual(column["type"], TYPES[table.getcoldesc(name)["valueType"]])
                self.assertEqual(column["manager"], managers[name])
                self.assertIs(column["undefined_shape"], column["shape"] is None)
                if table.isscalarcol(name):
                    self.assertEqual((column["ndim"], column["shape"]), (0, []))
                elif column["shape"] is not None:
                    self.check_shape(column, table)

    def check_shape(self, column, table):
        self.assertEqual(column["ndim"], len(column["shape"]))
        for row in {0, table.nrows() - 1} if table.nrows() else ():
            if table.iscelldefined(column["name"], row):
                self.assertEqual(list(np.shape(table.getcell(column["name"], row))), column["shape"])

    def test_tiles(self):
        path = simulated()
        with ct.table(path, ack=False) as table:
            managers = table.getdminfo()
        tiles = {}
        for manager in managers.values():
            cube = manager["SPEC"].get("HYPERCUBES", {}).get("*1")
            if cube:
                tiles.update({name: cube["TileShape"].tolist()[::-1] for name in manager["COLUMNS"]})
        self.assertTrue(tiles)
        for column in report("info", path)["columns"]:
            self.assertEqual(column["tile"], tiles.get(column["name"]), column["name"])

    def test_bytes_are_those_of_all_files(self):
        for path in [*measurement_sets(), strange()]:
            expected = sum(os.path.getsize(os.path.join(folder, name))
                           for folder, _, names in os.walk(path) for name in names)
            self.assertEqual(report("info", path)["bytes"], expected)

    def test_a_plain_table_has_no_observation(self):
        info = report("info", strange())
        self.assertEqual(info["kind"], "table")
        self.assertIsNone(info["observation"])
        self.assertIsNone(info["time_range"])
        self.assertEqual(info["antennas"], [])
        self.assertEqual(info["subtables"], [])

    def test_facts_of_a_measurement_set(self):
        lists = {"spectral_windows": ("SPECTRAL_WINDOW", {"name": "NAME", "frequencies": "CHAN_FREQ",
                                                          "widths": "CHAN_WIDTH", "bandwidth": "TOTAL_BANDWIDTH",
                                                          "reference_frequency": "REF_FREQUENCY"}),
                 "fields": ("FIELD", {"name": "NAME", "phase_dir": "PHASE_DIR", "reference_dir": "REFERENCE_DIR",
                                      "delay_dir": "DELAY_DIR"}),
                 "antennas": ("ANTENNA", {"name": "NAME", "station": "STATION", "position": "POSITION",
                                          "diameter": "DISH_DIAMETER", "mount": "MOUNT"}),
                 "polarizations": ("POLARIZATION", {"corr_type": "CORR_TYPE", "corr_product": "CORR_PRODUCT"}),
                 "data_descriptions": ("DATA_DESCRIPTION", {"spectral_window_id": "SPECTRAL_WINDOW_ID",
                                                            "polarization_id": "POLARIZATION_ID"})}
        for path in measurement_sets():
            info = report("info", path)
            self.assertEqual(info["kind"], "ms")
            for key, (subtable, columns) in lists.items():
                with ct.table(f"{path}::{subtable}", ack=False) as table:
                    self.assertEqual(len(info[key]), table.nrows())
                    for row, entry in enumerate(info[key]):
                        for name, column in columns.items():
                            expected = numpy_cell(table.getcell(column, row))
                            self.assertEqual(entry[name], expected, (path, key, row, name))

    def test_observation(self):
        for path in measurement_sets():
            with ct.table(path + "::OBSERVATION", ack=False) as table:
                found = report("info", path)["observation"]
                self.assertEqual(found["telescope"], table.getcell("TELESCOPE_NAME", 0))
                self.assertEqual(found["observer"], table.getcell("OBSERVER", 0))

    def test_time_range_in_iso_8601(self):
        for path in measurement_sets():
            with ct.table(path + "::OBSERVATION", ack=False) as table:
                low, high = table.getcell("TIME_RANGE", 0)
            if not (low > 0 and high >= low):
                with ct.table(path, ack=False) as table:
                    times = table.getcol("TIME")
                low, high = times.min(), times.max()
            expected = [str(np.datetime64("1858-11-17T00:00:00.000") + np.timedelta64(round(t * 1000), "ms")) + "Z"
                        for t in (low, high)]
            self.assertEqual(report("info", path)["time_range"], expected)

    def test_time_range_of_the_column_where_the_observation_has_none(self):
        path = scratch("untimed.ms")
        shutil.copytree(simulated(), path)
        with ct.table(path + "::OBSERVATION", readonly=False, ack=False) as table:
            table.putcell("TIME_RANGE", 0, np.zeros(2))
        with ct.table(path, ack=False) as table:
            times = table.getcol("TIME")
        begin = str(np.datetime64("1858-11-17T00:00:00.000") + np.timedelta64(round(times.min() * 1000), "ms")) + "Z"
        self.assertEqual(report("info", path)["time_range"][0], begin)

    def test_subtables(self):
        for path in archives():
            info = report("info", path)
            expected = {os.path.basename(name): name for name in subtables(path, missing=True)}
            self.assertEqual({s["name"] for s in info["subtables"]}, set(expected))
            for entry in info["subtables"]:
                if not os.path.exists(expected[entry["name"]]):
                    self.assertIsNone(entry["rows"], entry["name"])
                    continue
                with ct.table(expected[entry["name"]], ack=False) as table:
                    self.assertEqual(entry["rows"], table.nrows(), entry["name"])

    def test_a_missing_subtable_is_no_error(self):
        path = scratch("without_field.ms")
        shutil.copytree(simulated(), path)
        shutil.rmtree(os.path.join(path, "FIELD"))
        info = report("info", path)
        self.assertEqual(info["fields"], [])
        self.assertIsNone({s["name"]: s["rows"] for s in info["subtables"]}["FIELD"])
        self.assertIn(b"named and missing: 1\n  FIELD\n", msio("info", path).stdout)

    def test_a_damaged_manager_is_told_and_the_rest_shown(self):
        path = scratch("half.ms")
        shutil.copytree(simulated(), path)
        with ct.table(path, ack=False) as table:
            managers = {name: manager for manager in table.getdminfo().values() for name in manager["COLUMNS"]}
        os.truncate(os.path.join(path, f"table.f{managers['DATA']['SEQNR']}"), 8)
        run = msio("info", path, "--json", code=3)
        info = json.loads(run.stdout)
        self.assertIn("error", info)
        self.assertTrue(run.stderr.startswith(b"msio info: "))
        columns = {column["name"]: column for column in info["columns"]}
        self.assertIn("error", columns["DATA"])
        self.assertEqual(columns["TIME"]["type"], "Double")
        self.assertIn(b"TIME", msio("info", path, code=3).stdout)

    def test_a_reference_table_is_followed(self):
        path, selected = simulated(), scratch("selected.ms")
        with ct.table(path, ack=False) as table:
            table.query("ANTENNA1 == 1", name=selected).close()
        with ct.table(selected, ack=False) as table:
            info = report("info", selected)
            self.assertEqual(info["rows"], table.nrows())
            self.assertEqual(info["kind"], "ms")
            np.testing.assert_array_equal(load(selected, "DATA"), table.getcol("DATA"))

    def test_text_fits_100_columns(self):
        for path in [*measurement_sets(), strange()]:
            for line in msio("info", path).stdout.decode().splitlines():
                if not line.startswith(os.sep):
                    self.assertLessEqual(len(line), 100, line)

    def test_text_names_what_there_is(self):
        path = simulated()
        text = msio("info", path).stdout.decode()
        with ct.table(path + "::ANTENNA", ack=False) as table:
            antennas = f"Antennas: {table.nrows()}"
        for word in ("Measurement Set 2", "Spectral windows: 2", antennas, "TiledShapeStMan", "native", "DATA",
                     "Observation"):
            self.assertIn(word, text)

    def test_native_no_says_so(self):
        for column in report("info", simulated(), "--native=no")["columns"]:
            self.assertFalse(column["native"])
            self.assertTrue(column["why_not"])


class TestRead(unittest.TestCase):
    def test_every_dense_column_of_every_table(self):
        for path in measurement_sets():
            for table_path in [path, *subtables(path)]:
                with ct.table(table_path, ack=False) as table:
                    for name in table.colnames():
                        self.check_column(table_path, table, name)

    def check_column(self, path, table, name):
        if table.nrows() == 0 or table.getcoldesc(name)["valueType"] == "string":
            return
        cells = [table.getcell(name, row) if table.iscelldefined(name, row) else None for row in range(table.nrows())]
        run = msio("read", path, name, code=None)
        if any(cell is None for cell in cells) or len({np.shape(cell) for cell in cells}) > 1:
            self.assertEqual(run.returncode, 3, (path, name))
            self.assertIn(b"--format json", run.stderr)
            return
        self.assertEqual(run.returncode, 0, (path, name, run.stderr))
        expected, found = np.array(cells), np.load(io.BytesIO(run.stdout))
        kind = table.getcoldesc(name)["valueType"]
        width = {"boolean": "b1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
                 "int64": "i8", "float": "f4", "double": "f8", "complex": "c8", "dcomplex": "c16"}[kind]
        self.assertEqual(found.dtype, np.dtype(width), (path, name))
        np.testing.assert_array_equal(found, expected.astype(width), err_msg=f"{path} {name}")

    def test_casacore_gives_the_same_bytes(self):
        for path in archives():
            for name in ("UVW", "TIME", "ANTENNA1", "FLAG_ROW"):
                self.assertEqual(msio("read", path, name).stdout, msio("read", path, name, "--native=no").stdout)

    def test_threads_do_not_matter(self):
        one = msio("read", simulated(), "DATA", "--threads", 1).stdout
        self.assertEqual(one, msio("read", simulated(), "DATA", "--threads", 4).stdout)

    def test_raw_is_the_values_alone(self):
        found = np.frombuffer(msio("read", simulated(), "DATA", "--format", "raw").stdout, np.complex64)
        np.testing.assert_array_equal(found, load(simulated(), "DATA").ravel())

    def test_raw_strings_are_refused(self):
        self.assertIn(b"strings", msio("read", strange(), "TEXT", "--format", "raw", code=2).stderr)

    def test_header_is_aligned_as_numpy_asks(self):
        written = msio("read", simulated(), "UVW").stdout
        self.assertEqual(written[:8], b"\x93NUMPY\x01\x00")
        length = 10 + int.from_bytes(written[8:10], "little")
        self.assertEqual(length % 64, 0)
        self.assertEqual(written[length - 1:length], b"\n")

    def test_subtable_by_colons_and_by_slash(self):
        path = simulated()
        with ct.table(path + "::ANTENNA", ack=False) as table:
            expected = table.getcol("POSITION")
        np.testing.assert_array_equal(load(path + "::ANTENNA", "POSITION"), expected)
        np.testing.assert_array_equal(load(path + "/ANTENNA", "POSITION"), expected)

    def test_json_of_numbers(self):
        path = simulated()
        with ct.table(path, ack=False) as table:
            for name in ("DATA", "FLAG", "UVW", "TIME", "ANTENNA1", "FLAG_ROW", "WEIGHT"):
                expected = [numpy_cell(table.getcell(name, row)) for row in range(4)]
                self.assertEqual(lines(path, name, "--rows", ":4"), expected, name)

    def test_json_of_strange_values(self):
        self.assertEqual(lines(strange(), "NUMBER"), [1.5, "nan", "inf", "-inf", -0.0])
        self.assertEqual(math.copysign(1, lines(strange(), "NUMBER")[4]), -1)

    def test_zero_rows(self):
        found = load(simulated(), "DATA", "--rows", "5:5")
        self.assertEqual(found.shape, (0, 8, 2))
        self.assertEqual(lines(simulated(), "DATA", "--rows", "5:5"), [])
        self.assertEqual(lines(simulated(), "DATA", "--rows", "5:5", "--chans", "1:"), [])
        self.assertEqual(report("plan", simulated(), "DATA", "--rows", "5:5", "--chans", "1:")["bytes_wanted"], 0)

    def test_zero_channels(self):
        self.assertEqual(load(simulated(), "DATA", "--chans", "3:3").shape[1:], (0, 2))
        self.assertEqual(lines(simulated(), "DATA", "--chans", "3:3", "--rows", ":1"), [[]])


class TestSlices(unittest.TestCase):
    slices = (":", "2:9", "2:", ":-3", "-4:", "::3", "1::2", "::-1", "8:2:-2", "-1:-4:-1", "100:", "5:2", "-100:100",
              ":100:7", "3", "-2")

    @staticmethod
    def of(text):
        parts = [int(part) if part else None for part in text.split(":")]
        if len(parts) == 1:
            return slice(parts[0], parts[0] + 1 if parts[0] != -1 else None)
        return slice(*parts)

    def test_rows(self):
        path = simulated()
        with ct.table(path, ack=False) as table:
            times, data = table.getcol("TIME"), table.getcol("DATA")
        for text in self.slices:
            with self.subTest(rows=text):
                np.testing.assert_array_equal(load(path, "TIME", "--rows=" + text), times[self.of(text)])
                np.testing.assert_array_equal(load(path, "DATA", "--rows", text), data[self.of(text)])
                self.assertEqual(lines(path, "TIME", "--rows", text), times[self.of(text)].tolist())

    def test_channels_and_correlations(self):
        path = simulated()
        with ct.table(path, ack=False) as table:
            data = table.getcol("DATA")
        for chans in ("2:5", "::-1", "6:1:-2", "-3:", "-1", "::3"):
            for corrs in (":", "1:", "::-1", "0", "-1"):
                with self.subTest(chans=chans, corrs=corrs):
                    expected = data[4:9, self.of(chans), self.of(corrs)]
                    options = ("--rows", "4:9", "--chans", chans, "--corrs", corrs)
                    np.testing.assert_array_equal(load(path, "DATA", *options), expected)
                    found = lines(path, "DATA", *options)
                    self.assertEqual(found, [numpy_cell(cell) for cell in expected])

    def test_correlations_of_a_vector_are_its_elements(self):
        path = simulated()
        with ct.table(path, ack=False) as table:
            uvw = table.getcol("UVW")
        np.testing.assert_array_equal(load(path, "UVW", "--corrs", "::-1"), uvw[:, ::-1])

    def test_axes_that_are_not_there(self):
        for column, option in (("UVW", "--chans"), ("TIME", "--chans"), ("TIME", "--corrs")):
            for form in ("npy", "json"):
                run = msio("read", simulated(), column, option, "0:1", "--format", form, code=2)
                self.assertIn(option.encode(), run.stderr)

    def test_single_indices_must_exist(self):
        for options in (["--rows", "1000000"], ["--rows", "-1000000"], ["--chans", "8"], ["--corrs", "-3"]):
            msio("read", simulated(), "DATA", *options, code=3)

    def test_ragged_cells_are_sliced_one_by_one(self):
        with ct.table(strange(), ack=False) as table:
            cells = [table.getcell("RAGGED", row) if table.iscelldefined("RAGGED", row) else None for row in range(5)]
        expected = [None if cell is None else cell[-2:, ::-1].tolist() for cell in cells]
        self.assertEqual(lines(strange(), "RAGGED", "--chans", "-2:", "--corrs", "::-1"), expected)

    def test_rows_of_one_shape_within_a_ragged_column_are_dense(self):
        with ct.table(strange(), ack=False) as table:
            cell = table.getcell("RAGGED", 3)
        np.testing.assert_array_equal(load(strange(), "RAGGED", "--rows", "3:4", "--corrs", "1:"), [cell[:, 1:]])


class TestStrings(unittest.TestCase):
    def test_scalars(self):
        with ct.table(strange(), ack=False) as table:
            expected = table.getcol("TEXT")
        found = load(strange(), "TEXT")
        self.assertEqual(found.dtype.kind, "U")
        self.assertEqual(found.dtype.itemsize // 4, max(map(len, expected)))
        self.assertEqual(found.tolist(), expected)
        self.assertEqual(lines(strange(), "TEXT"), expected)

    def test_arrays(self):
        with ct.table(strange(), ack=False) as table:
            expected = [table.getcell("PAIR", row) for row in range(5)]
            expected = [cell["array"] if isinstance(cell, dict) else list(cell) for cell in expected]
        self.assertEqual(load(strange(), "PAIR").tolist(), expected)
        self.assertEqual(load(strange(), "PAIR", "--corrs", "::-1").tolist(), [cell[::-1] for cell in expected])
        self.assertEqual(load(strange(), "PAIR", "--corrs", "1:").tolist(), [cell[1:] for cell in expected])
        self.assertEqual(lines(strange(), "PAIR", "--corrs", "::-1"), [cell[::-1] for cell in expected])

    def test_arrays_of_several_lengths_need_json(self):
        self.assertIn(b"--format json", msio("read", strange(), "WORDS", code=3).stderr)
        self.assertEqual(lines(strange(), "WORDS"), [["one", "two"], ["three"], None, None, None])

    def test_names_of_every_antenna_table(self):
        for path in measurement_sets():
            with ct.table(path + "::ANTENNA", ack=False) as table:
                self.assertEqual(load(path + "::ANTENNA", "NAME").tolist(), table.getcol("NAME"))

    def test_bytes_that_are_no_utf8(self):
        path = scratch("latin.table")
        table = ct.table(path, ct.maketabdesc([ct.makescacoldesc("TEXT", "")]), nrow=1, ack=False)
        table.putcell("TEXT", 0, "marker-xy-marker")
        table.close()
        for name in os.listdir(path):
            with open(os.path.join(path, name), "rb") as file:
                content = file.read()
            with open(os.path.join(path, name), "wb") as file:
                file.write(content.replace(b"marker-xy-marker", b"marker-\xe9\xff-marker"))
        self.assertEqual(lines(path, "TEXT"), ["marker-\ufffd\ufffd-marker"])
        self.assertEqual(load(path, "TEXT").tolist(), ["marker-\ufffd\ufffd-marker"])

    def test_no_rows(self):
        self.assertEqual(load(strange(), "TEXT", "--rows", "3:3").shape, (0,))


class TestRagged(unittest.TestCase):
    def test_json_of_cells_of_any_shape(self):
        with ct.table(strange(), ack=False) as table:
            expected = [numpy_cell(table.getcell("RAGGED", row)) if table.iscelldefined("RAGGED", row) else None
                        for row in range(5)]
        self.assertEqual(lines(strange(), "RAGGED"), expected)
        self.assertEqual(lines(strange(), "RAGGED", "--rows", "::-1"), expected[::-1])

    def test_varying_data(self):
        path = unpacked("bda_variable_shape.ms.tgz")
        with ct.table(path, ack=False) as table:
            expected = [numpy_cell(table.getcell("DATA", row)) for row in range(table.nrows())]
        self.assertEqual(lines(path, "DATA"), expected)

    def test_npy_of_what_is_not_dense_names_the_way_out(self):
        for column in ("RAGGED", "WORDS"):
            run = msio("read", strange(), column, code=3)
            self.assertIn(b"--format json", run.stderr)


class TestOutput(unittest.TestCase):
    def test_a_file(self):
        path = scratch("out.npy")
        run = msio("read", simulated(), "DATA", "--out", path)
        self.assertEqual(run.stdout, b"")
        with open(path, "rb") as file:
            self.assertEqual(file.read(), msio("read", simulated(), "DATA").stdout)
        self.assertEqual([name for name in os.listdir(SCRATCH) if name.startswith("out.npy")], ["out.npy"])

    def test_a_report_on_the_file(self):
        path = scratch("told.npy")
        found = report("read", simulated(), "DATA", "--out", path)
        self.assertEqual(found["shape"], list(np.load(path).shape))
        self.assertEqual(found["dtype"], np.load(path).dtype.str)
        self.assertEqual(found["bytes"], os.path.getsize(path))

    def test_json_without_a_file_is_lines(self):
        self.assertEqual(msio("read", simulated(), "TIME", "--json").stdout,
                         msio("read", simulated(), "TIME", "--format", "json").stdout)

    def test_dash_is_standard_output(self):
        self.assertEqual(msio("read", simulated(), "TIME", "--out", "-").stdout,
                         msio("read", simulated(), "TIME").stdout)

    def test_permissions_of_a_new_file_are_the_users(self):
        path = scratch("mode.npy")
        msio("read", simulated(), "TIME", "--out", path, umask=0o027)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o640)

    def test_a_failed_read_leaves_the_old_file(self):
        path = scratch("old.npy")
        with open(path, "w") as file:
            file.write("precious")
        msio("read", strange(), "RAGGED", "--out", path, code=3)
        with open(path) as file:
            self.assertEqual(file.read(), "precious")
        self.assertEqual([name for name in os.listdir(SCRATCH) if name.startswith("old.npy")], ["old.npy"])

    def test_a_link_is_written_through(self):
        target, link = scratch("target.npy"), scratch("link.npy")
        with open(target, "w"):
            pass
        os.symlink(target, link)
        msio("read", simulated(), "TIME", "--out", link)
        self.assertTrue(os.path.islink(link))
        self.assertGreater(os.path.getsize(target), 0)

    def test_a_device_stays_a_device(self):
        msio("read", simulated(), "TIME", "--out", "/dev/null")
        self.assertFalse(os.path.isfile("/dev/null"))

    def test_a_folder_that_is_not_there(self):
        self.assertIn(b"no/such", msio("read", simulated(), "TIME", "--out", scratch("no/such/x.npy"), code=3).stderr)

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full here")
    def test_a_full_disk(self):
        for form in ("npy", "json"):
            run = msio("read", simulated(), "DATA", "--format", form, "--out", "/dev/full", code=3)
            self.assertIn(b"No space left", run.stderr)
            self.assertEqual(run.stderr.count(b"\n"), 1)

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full here")
    def test_a_report_to_a_full_disk(self):
        with open("/dev/full", "w") as full:
            for arguments in (["info", simulated()], ["plan", simulated(), "DATA"], ["--help"]):
                run = subprocess.run([MSIO, *arguments], stdout=full, stderr=subprocess.PIPE)
                self.assertEqual(run.returncode, 3)
                self.assertIn(b"No space left", run.stderr)

    def test_a_reader_that_stops_early(self):
        for form in ("npy", "json"):
            run = subprocess.Popen([MSIO, "read", larger(), "DATA", "--format", form], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
            run.stdout.read(10)
            run.stdout.close()
            self.assertEqual(run.wait(timeout=60), 3)
            self.assertIn(b"stopped before all was written", run.stderr.read())
            run.stderr.close()

    def test_a_terminal_takes_no_binary(self):
        for options in (["--format", "npy"], ["--format", "raw"], ["--out", "-"]):
            code, shown = on_terminal("read", simulated(), "TIME", *options)
            self.assertEqual(code, 2)
            self.assertIn("a terminal takes no", shown)
        code, shown = on_terminal("read", simulated(), "TIME", "--rows", ":2", "--format", "json")
        self.assertEqual(code, 0)
        self.assertEqual(len(shown.split()), 2)

    def test_ctrl_c_stops_a_read(self):
        fifo = scratch("fifo")
        os.mkfifo(fifo)
        run = subprocess.Popen([MSIO, "read", larger(), "DATA", "--format", "json", "--out", fifo],
                               stderr=subprocess.PIPE, preexec_fn=heed_interrupts)
        with open(fifo, "rb") as reader:  # far less is read than there is: the command waits for its reader
            reader.read(1)
            run.send_signal(signal.SIGINT)
            self.assertEqual(run.wait(timeout=60), -signal.SIGINT)
        self.assertEqual(run.stderr.read(), b"")
        run.stderr.close()

    def test_ctrl_c_stops_a_read_whose_reader_waits(self):
        for form in ("npy", "json"):
            run = subprocess.Popen([MSIO, "read", larger(), "DATA", "--format", form], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, preexec_fn=heed_interrupts)
            run.stdout.read(1)
            run.send_signal(signal.SIGINT)
            self.assertEqual(run.wait(timeout=60), -signal.SIGINT)
            self.assertEqual(run.stderr.read(), b"")
            run.stdout.close()
            run.stderr.close()

    def test_ctrl_c_leaves_no_part_of_a_file(self):
        folder = tempfile.mkdtemp(dir=SCRATCH)
        run = subprocess.Popen([MSIO, "read", larger(), "DATA", "--format", "json", "--out", folder + "/x.json"],
                               preexec_fn=heed_interrupts)
        while run.poll() is None and not os.listdir(folder):
            pass
        run.send_signal(signal.SIGINT)
        self.assertIn(run.wait(timeout=60), (-signal.SIGINT, 0))
        if run.returncode == 0 or os.listdir(folder):  # it was done before the signal came
            self.assertEqual(os.listdir(folder), ["x.json"])
            with open(folder + "/x.json") as file:
                self.assertEqual(sum(1 for _ in file), len(load(larger(), "TIME")))

    def test_no_progress_in_a_pipe(self):
        self.assertEqual(msio("read", simulated(), "DATA").stderr, b"")

    def test_quiet(self):
        self.assertEqual(msio("read", simulated(), "DATA", "--out", scratch("quiet.npy"), "--quiet").stderr, b"")

    def test_profile_as_a_report(self):
        run = msio("read", simulated(), "DATA", "--prof")
        self.assertIn(b"ncalls", run.stderr)
        self.assertIn(b"read", run.stderr)
        np.load(io.BytesIO(run.stdout))

    def test_profile_as_json(self):
        path = scratch("profile.json")
        msio("read", simulated(), "DATA", "--prof=json:" + path)
        with open(path) as file:
            json.load(file)


class TestPlan(unittest.TestCase):
    def test_numbers_of_a_whole_column(self):
        path = simulated()
        data = load(path, "DATA")
        plan = report("plan", path, "DATA")
        self.assertEqual(plan["rows"], data.shape[0])
        self.assertEqual(plan["bytes_wanted"], data.nbytes)
        self.assertEqual(plan["bytes_stored"], data.nbytes)
        self.assertGreaterEqual(plan["bytes_read"], data.nbytes)
        self.assertAlmostEqual(plan["amplification"], plan["bytes_read"] / plan["bytes_stored"])
        self.assertIn(plan["way"], ("direct", "scratch", "mapped"))

    def test_flags_are_bits_in_the_file(self):
        plan = report("plan", simulated(), "FLAG")
        self.assertAlmostEqual(plan["bytes_wanted"] / plan["bytes_stored"], 8, delta=0.5)

    def test_selection(self):
        data = load(simulated(), "DATA")
        plan = report("plan", simulated(), "DATA", "--rows", "2:8", "--chans", "-4::2", "--corrs", "1:")
        self.assertEqual(plan["bytes_wanted"], data[2:8, -4::2, 1:].nbytes)
        self.assertEqual(plan["rows"], 6)

    def test_pieces(self):
        plan = report("plan", simulated(), "DATA", "--pieces", 5)
        pieces = plan["first_pieces"]
        self.assertEqual(len(pieces), min(5, plan["pieces"]))
        for piece in pieces:
            self.assertTrue(os.path.exists(piece["file"]))
            self.assertLessEqual(piece["offset"] + piece["length"], os.path.getsize(piece["file"]))

    def test_casacores_way(self):
        self.assertEqual(report("plan", simulated(), "DATA", "--native=no")["way"], "casacore")

    def test_text(self):
        text = msio("plan", simulated(), "DATA", "--pieces", 2).stdout.decode()
        for word in ("way", "pieces", "reads", "bytes wanted", "bytes read", "amplification", "offset"):
            self.assertIn(word, text)
        for line in text.splitlines()[1:]:
            self.assertLessEqual(len(line), 100)


class TestVerify(unittest.TestCase):
    targets = {"metadata": 1e-3, "flag-validation": 10e-3, "subband-loading": 300, "calibration": 1800, "imaging": 3600}
    keys = {"name", "target_seconds", "measured_seconds", "bytes", "roofline_seconds", "verdict", "reason"}

    # no test depends on how fast the machine is
    easy = ("--target", "metadata=100", "--target", "flag-validation=100")

    def paths(self, *arguments, code):
        return {path["name"]: path for path in report("verify", simulated(), *self.easy, *arguments, code=code)["paths"]}

    def test_the_five_targets_are_there_and_say_why_they_are_not_measured(self):
        run = subprocess.run([MSIO, "verify", simulated(), "--json"], capture_output=True)
        self.assertIn(run.returncode, (0, 1))
        paths = {path["name"]: path for path in json.loads(run.stdout)["paths"]}
        for name, seconds in self.targets.items():
            self.assertEqual(set(paths[name]) & self.keys, self.keys)
            self.assertEqual(paths[name]["target_seconds"], seconds)
            self.assertTrue(paths[name]["reason"])
            if name in ("metadata", "flag-validation", "subband-loading"):
                self.assertIn(paths[name]["verdict"], ("PASS", "FAIL"))
            else:
                self.assertEqual(paths[name]["verdict"], "NOT MEASURED")

    def test_metadata_and_flags_are_judged(self):
        paths = self.paths(code=0)
        self.assertEqual(paths["metadata"]["verdict"], "PASS")
        self.assertGreater(paths["metadata"]["uncached_seconds"], 0)
        self.assertEqual(paths["flag-validation"]["verdict"], "PASS")
        self.assertEqual(paths["flag-validation"]["bytes"], load(simulated(), "FLAG").size // 8)
        self.paths("--target", "metadata=1e-9", code=1)
        self.paths("--target", "flag-validation=1e-9", code=1)

    def test_what_exists_is_measured(self):
        paths = self.paths(code=0)
        for name in ("open", "open-all", "read-DATA", "read-FLAG", "read-UVW", "read-TIME", "read-ANTENNA1"):
            self.assertGreater(paths[name]["measured_seconds"], 0, name)
            self.assertEqual(paths[name]["verdict"], "NOT MEASURED")
            self.assertEqual(paths[name]["reason"], "no target set")
        self.assertEqual(paths["read-DATA"]["bytes"], load(simulated(), "DATA").nbytes)
        self.assertGreater(paths["read-DATA"]["roofline_seconds"], 0)

    def test_a_target_met(self):
        paths = self.paths("--target", "read-DATA=100", code=0)
        self.assertEqual(paths["read-DATA"]["verdict"], "PASS")
        self.assertEqual(paths["read-DATA"]["target_seconds"], 100)

    def test_a_target_missed(self):
        paths = self.paths("--target", "read-DATA=1e-9", "--target", "open=100", code=1)
        self.assertEqual(paths["read-DATA"]["verdict"], "FAIL")
        self.assertEqual(paths["open"]["verdict"], "PASS")

    def test_a_column_of_the_users_choice(self):
        paths = self.paths("--target", "read-WEIGHT=100", code=0)
        self.assertEqual(paths["read-WEIGHT"]["verdict"], "PASS")

    def test_required_paths(self):
        self.paths("--target", "open=100", "--require", "open", code=0)
        self.paths("--target", "open=100", "--require", "open,metadata", code=0)
        self.paths("--target", "open=100", "--require", "open,imaging", code=1)
        self.paths("--target", "open=100", "--require", "read-DATA", code=1)

    def test_a_table_that_is_no_measurement_set(self):
        found = report("verify", strange(), code=1)["paths"]
        self.assertIn("open", [path["name"] for path in found])

    def test_several_tables(self):
        found = report("verify", simulated(), strange(), *self.easy, code=0)["paths"]
        self.assertEqual([path["path"] for path in found if path["name"] == "open"], [simulated(), strange()])

    def test_cells_of_several_shapes_are_read_ragged(self):
        found = {p["name"]: p for p in report("verify", strange(), "--target", "read-RAGGED=100", "--require",
                                              "read-RAGGED", "--target", "read-TEXT=100")["paths"]}
        self.assertEqual(found["read-RAGGED"]["verdict"], "PASS")
        self.assertEqual(found["read-RAGGED"]["bytes"], 8 * (6 + 4 + 6))
        self.assertIn("read ragged: cells of 2 shapes, 2 cells never written", found["read-RAGGED"]["reason"])
        self.assertGreater(found["read-RAGGED"]["roofline_seconds"], 0)
        self.assertEqual(found["read-TEXT"]["verdict"], "PASS")

    def test_real_files_are_measured(self):
        for path in archives():
            names = {"DATA", "FLAG", "UVW"}
            found = {p["name"]: p for p in report("verify", path, *self.easy, *(
                word for name in names for word in ("--target", f"read-{name}=100")), code=0)["paths"]}
            with ct.table(path, ack=False) as table:
                for name in names:
                    self.assertEqual(found[f"read-{name}"]["verdict"], "PASS", (path, found[f"read-{name}"]["reason"]))
                    self.assertGreater(found[f"read-{name}"]["roofline_seconds"], 0)
                    cells = [table.getcell(name, row) for row in range(table.nrows())]
                    self.assertEqual(found[f"read-{name}"]["bytes"], sum(cell.nbytes for cell in cells))
                    shapes = len({cell.shape for cell in cells})
                    self.assertEqual(f"cells of {shapes} shapes" in found[f"read-{name}"]["reason"], shapes > 1)

    def test_writing_is_timed_on_a_copy(self):
        def state():
            return {os.path.join(folder, name): open(os.path.join(folder, name), "rb").read()
                    for folder, _, names in os.walk(simulated()) for name in names}
        before, beside = state(), os.listdir(os.path.dirname(simulated()))
        paths = self.paths("--write", "--target", "write-DATA=100", "--target", "write-FLAG=1e-9", "--target",
                           "write-WEIGHT=100", "--require", "write-DATA", code=1)
        self.assertEqual([paths[f"write-{name}"]["verdict"] for name in ("DATA", "FLAG", "WEIGHT", "UVW")],
                         ["PASS", "FAIL", "PASS", "NOT MEASURED"])
        for name in ("DATA", "FLAG", "WEIGHT_SPECTRUM", "UVW", "ANTENNA1", "TIME"):
            path = paths[f"write-{name}"]
            self.assertGreater(path["measured_seconds"], 0, path["reason"])
            self.assertGreater(path["roofline_seconds"], 0, name)
            self.assertEqual(path["bytes"], load(simulated(), name).nbytes)
            self.assertIn("its values over themselves", path["how"])
        self.assertEqual(state(), before)
        self.assertEqual(os.listdir(os.path.dirname(simulated())), beside)
        text = msio("verify", simulated(), *self.easy, "--write").stdout.decode()
        self.assertRegex(text, r"write-DATA +- +\d")

    def test_writing_is_timed_where_it_is_asked_to(self):
        folder = scratch("for-copies")
        os.mkdir(folder)
        paths = self.paths("--write", "--scratch", folder, "--target", "write-DATA=100", "--require", "write-DATA", code=0)
        self.assertEqual(paths["write-DATA"]["verdict"], "PASS")
        self.assertEqual(os.listdir(folder), [])
        paths = self.paths("--write", "--scratch", os.path.join(folder, "missing"), code=0)
        self.assertNotIn("write-DATA", paths)
        self.assertEqual(paths["write"]["verdict"], "NOT MEASURED")
        self.assertIn("--scratch DIR", paths["write"]["reason"])
        self.assertEqual(msio("verify", simulated(), "--target", "write-DATA=1", code=2).stdout, b"")

    def test_columns_that_are_not_written_natively_are_told(self):
        found = {p["name"]: p for p in report("verify", strange(), "--write", "--target", "write-TEXT=100", code=1)["paths"]}
        self.assertEqual(found["write-TEXT"]["verdict"], "NOT MEASURED")
        self.assertTrue(found["write-TEXT"]["reason"])

    def test_a_column_without_a_value(self):
        path = scratch("unwritten.table")
        ct.table(path, ct.maketabdesc([ct.makearrcoldesc("DATA", 0j, ndim=2)]), nrow=3, ack=False).close()
        found = {p["name"]: p for p in report("verify", path, "--require", "read-DATA", code=1)["paths"]}
        self.assertIsNone(found["read-DATA"]["measured_seconds"])
        self.assertIn("ever written", found["read-DATA"]["reason"])

    def test_tries_and_the_machines_load(self):
        paths = self.paths("--target", "read-DATA=100", "--target", "read-UVW=1e-9", code=1)
        for name, path in paths.items():
            self.assertIn("tries", path)
            self.assertEqual(set(path["load"]), {"average", "others"})
            if path["measured_seconds"] is None:
                self.assertEqual((path["tries"], path["met"]), (0, None), name)
                continue
            self.assertGreaterEqual(path["tries"], 3)
            self.assertGreaterEqual(path["load"]["average"], 0)
            self.assertTrue(0 <= path["load"]["others"] <= 1)
        self.assertEqual((paths["read-DATA"]["met"], paths["read-UVW"]["met"], paths["read-TIME"]["met"]),
                         (paths["read-DATA"]["tries"], 0, None))
        text = msio("verify", simulated(), *self.easy, "--target", "read-UVW=1e-9", code=1).stdout.decode()
        self.assertRegex(text, r"met in 0 of \d[\d ]* tries; load average \d+\.\d\d; other programs used \d+% of the")

    def test_the_load_of_others_is_seen(self):
        busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count())]
        try:
            path = self.paths(code=0)["read-DATA"]
        finally:
            for one in busy:
                one.kill()
                one.wait()
        self.assertGreater(path["load"]["others"], 0)

    def test_text(self):
        text = msio("verify", simulated(), *self.easy, "--target", "open=1e-9", code=1).stdout.decode()
        for word in ("target", "measured", "rate", "roofline", "verdict", "NOT MEASURED", "MEASURED", "read-DATA",
                     "every flag counted", "a cached answer"):
            self.assertIn(word, text)
        for line in text.splitlines():
            if not line.startswith(os.sep):
                self.assertLessEqual(len(line), 120)

    def test_a_missing_table(self):
        msio("verify", scratch("nothing.ms"), code=3)


class TestSimulate(unittest.TestCase):
    small = ("--antennas", 3, "--times", 2, "--subbands", 2, "--channels", 4)

    def setUp(self):
        simulated()  # skips where casacore is missing

    def test_shape(self):
        path = scratch("made.ms")
        found = report("simulate", "ms", "--out", path, *self.small, "--corrs", 4)
        with ct.table(path, ack=False) as table:
            self.assertEqual(table.nrows(), 3 * 4 // 2 * 2 * 2)
            self.assertEqual(found["rows"], table.nrows())
            self.assertEqual(table.getcol("DATA").shape, (table.nrows(), 4, 4))

    def test_the_size_is_told_first_and_on_standard_error(self):
        run = msio("simulate", "ms", "--out", scratch("told.ms"), *self.small)
        self.assertRegex(run.stderr.decode(), r"24 rows, about [\d.]+ [kM]?B")

    def test_what_stands_there_stays_in_a_pipe(self):
        path = scratch("kept.ms")
        msio("simulate", "ms", "--out", path, *self.small)
        self.assertIn(b"--force", msio("simulate", "ms", "--out", path, *self.small, code=2).stderr)
        msio("simulate", "ms", "--out", path, "--antennas", 4, "--times", 1, "--subbands", 1, "--channels", 4,
             "--force")
        with ct.table(path, ack=False) as table:
            self.assertEqual(table.nrows(), 10)

    def test_asks_on_a_terminal(self):
        path = scratch("asked.ms")
        msio("simulate", "ms", "--out", path, *self.small)
        code, shown = on_terminal("simulate", "ms", "--out", path, *self.small, typed=b"n\n")
        self.assertEqual(code, 2)
        self.assertIn("Replace it?", shown)
        code, shown = on_terminal("simulate", "ms", "--out", path, *self.small, typed=b"y\n")
        self.assertEqual(code, 0, shown)

    def test_what_is_no_table_is_not_replaced(self):
        path = scratch("precious")
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "thesis.txt"), "w") as file:
            file.write("words")
        self.assertNotEqual(msio("simulate", "ms", "--out", path, *self.small, "--force", code=None).returncode, 0)
        self.assertTrue(os.path.exists(os.path.join(path, "thesis.txt")))

    def test_layouts_and_byte_orders(self):
        for layout in ("dsa110", "default", "wide"):
            for order in ("little", "big"):
                path = scratch(f"{layout}-{order}.ms")
                msio("simulate", "ms", "--out", path, *self.small, "--layout", layout, "--byte-order", order,
                     "--imaging")
                with ct.table(path, ack=False) as table:
                    self.assertIn("CORRECTED_DATA", table.colnames())
                    np.testing.assert_array_equal(load(path, "DATA"), table.getcol("DATA"))
                self.assertEqual(report("info", path)["byte_order"], order)

    def test_more_than_the_disk_holds(self):
        run = msio("simulate", "ms", "--out", scratch("huge.ms"), "--times", 100000000, "--subbands", 1000, code=None)
        self.assertIn(run.returncode, (2, 3))
        self.assertFalse(os.path.exists(scratch("huge.ms")))


class TestBench(unittest.TestCase):
    def command(self, script):
        """A copy of the command with this program beside it, or none."""
        folder = tempfile.mkdtemp(dir=SCRATCH)
        copy = os.path.join(folder, "msio")
        shutil.copy(MSIO, copy)
        if script:
            program = os.path.join(folder, "msio-bench")
            with open(program, "w") as file:
                file.write(script)
            os.chmod(program, 0o755)
        libraries = {line.split()[2] for line in subprocess.run(["ldd", MSIO], capture_output=True, text=True)
                     .stdout.splitlines() if "libmsio" in line and "=>" in line}
        path = ":".join(os.path.dirname(library) for library in libraries)
        return copy, {**os.environ, "LD_LIBRARY_PATH": path + ":" + os.environ.get("LD_LIBRARY_PATH", "")}

    def test_hands_over_its_arguments_and_the_exit_code(self):
        copy, env = self.command("#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit 4\n")
        run = subprocess.run([copy, "bench", "data", "--quick", "flag", "--on", "x.ms", "--json", "--threads", "2"],
                             capture_output=True, text=True, env=env)
        self.assertEqual(run.returncode, 4)
        self.assertEqual(run.stdout.split(), ["data", "flag", "--on", "x.ms", "--quick", "--json", "--threads", "2"])

    def test_a_missing_program_is_told(self):
        copy, env = self.command(None)
        run = subprocess.run([copy, "bench"], capture_output=True, text=True, env=env)
        self.assertEqual(run.returncode, 3)
        self.assertIn("msio-bench", run.stderr)


if __name__ == "__main__":
    main(globals(), SCRATCH)
