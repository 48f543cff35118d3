#!/usr/bin/env python3
"""What `msio read` shows on a terminal, held against python-casacore, h5py and numpy.

usage: test_show.py MSIO [GROUP]      GROUP: Columns, Datasets, Ends (the classes below)

Exit codes: 0 all passed, 1 some failed, 77 nothing could be tested (and why).
"""
import json
import math
import os
import re
import tempfile
import unittest

import test_command as tables  # ends with 77 where python-casacore is missing
import test_hdf5_command as files

import casacore.tables as ct
import h5py
import numpy as np

from running import main, msio, shown

SCRATCH = tempfile.mkdtemp(prefix="msio-show-")
WIDE = 900


def scratch(name):
    return os.path.join(SCRATCH, name)


def value_of(text):
    """The value that a line shows, as numpy's tolist gives it; complex ones as Python's."""
    text = re.sub(r"\btrue\b", "True", re.sub(r"\bfalse\b", "False", text))
    text = re.sub(r"(?<![\w\"])-?\b(nan|inf)\b(?!\w)", lambda m: f"float('{m.group(0)}')", text)
    return eval(text, {"__builtins__": {}, "float": float})  # pylint: disable=eval-used # of our own command


def same(one, other):
    """Equal values and types: a NaN equals a NaN, a float of 32 bits the double that it is read as."""
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(other, float) and isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and one == other


class Base(unittest.TestCase):
    def check(self, path, name, wanted, *options, labels=None, kind=None):
        """All rows, in a line each, with their numbers; wanted: their values as lists."""
        rows, _ = shown("read", path, name, *options, width=WIDE)
        self.assertEqual(len(rows), len(wanted))
        for i, (line, value) in enumerate(zip(rows, wanted)):
            label, text = line.split(maxsplit=1)
            self.assertEqual(int(label), i if labels is None else labels[i])
            found = value_of(text)
            if kind in (np.float32, np.complex64):  # the fewest digits of that type
                found = np.array(found, kind).tolist()
            self.assertTrue(same(found, value), (name, text, value))


class TestColumns(Base):
    def test_scalars_of_every_type(self):
        path = scratch("types.table")
        values = {"bool": [True, False, True], "short": [-3, 0, 32767], "int": [-(2**31), 7, 2**31 - 1],
                  "int64": [-(2**63), 2**53 + 1, 2**63 - 1], "float": [0.1, 1e-30, 16777216.0],
                  "double": [0.1, 4917926159.808, -1e300], "complex": [0.1 - 2j, 0j, 1e-30 + 3j],
                  "dcomplex": [0.1 + 1e-300j, -1 / 3 - 2j, 5e10 + 0j], "string": ["", "two words", 'a "q" \\ b']}
        zero = {"bool": False, "string": "", "complex": 0j, "dcomplex": 0j, "float": 0.0, "double": 0.0}
        columns = [ct.makescacoldesc(name.upper(), zero.get(name, 0), valuetype=name) for name in values]
        table = ct.table(path, ct.maketabdesc(columns), nrow=3, ack=False)
        for name, column in values.items():
            table.putcol(name.upper(), column if name == "string" else np.array(column))
        table.close()
        for name, column in values.items():
            kind = {"float": np.float32, "complex": np.complex64}.get(name)
            with self.subTest(type=name):
                self.check(path, name.upper(), np.array(column, kind).tolist() if kind else column, kind=kind)

    def test_ragged_undefined_and_special_cells(self):
        path = tables.strange()
        lines, said = shown("read", path, "RAGGED")
        self.assertEqual(said, "")
        self.assertEqual([line.split()[:2] for line in lines],
                         [["0", "[2,3]"], ["1", "[4,1]"], ["2", "-"], ["3", "[2,3]"], ["4", "-"]])
        for row in (2, 4):
            self.assertIn("(never written)", lines[row])
        with ct.table(path, ack=False) as table:
            for row in (0, 1, 3):
                self.assertEqual(value_of(lines[row].split(maxsplit=2)[2]), table.getcell("RAGGED", row).tolist())
            self.check(path, "NUMBER", table.getcol("NUMBER").tolist())
            self.check(path, "Z", [table.getcell("Z", row).tolist() for row in range(5)])
        lines, _ = shown("read", path, "WORDS", "--rows", ":2")
        self.assertEqual(lines, ['0  [2]  ["one", "two"]', '1  [1]  ["three"]'])

    def test_slices(self):
        path = tables.strange()
        with ct.table(path, ack=False) as table:
            cells = [table.getcell("Z", row) for row in range(5)]
        self.check(path, "Z", [cells[row][::-1, 1:].tolist() for row in (4, 2, 0)], "--rows=::-2", "--chans=::-1",
                   "--corrs=1:", labels=(4, 2, 0))
        lines, said = shown("read", path, "TEXT", "--rows", "2:2")
        self.assertEqual((lines, "no rows" in said), ([], True))
        self.assertIn("no axes", shown("read", path, "WHOLE", "--chans", "1", code=2)[1])
        self.assertIn("shape [4,1]", shown("read", path, "RAGGED", "--corrs", "2", code=3)[1])

    def test_real_files(self):
        for path in tables.measurement_sets():
            with ct.table(path, ack=False) as table:
                count = table.nrows()
                rows = list(range(count)) if count <= 20 else [*range(10), *range(count - 10, count)]
                for name in ("TIME", "UVW", "ANTENNA1"):
                    lines, said = shown("read", path, name)
                    if count > 20:
                        self.assertEqual(lines.pop(10).strip(), "...")
                        self.assertIn("20 of ", said)
                    for row, line in zip(rows, lines, strict=True):
                        label, text = line.split(maxsplit=1)
                        self.assertEqual((int(label), value_of(text)), (row, table.getcell(name, row).tolist()
                                                                        if name == "UVW" else table.getcell(name, row)))

    def test_json_stays_json(self):
        lines, said = shown("read", tables.simulated(), "TIME", "--rows", ":3", "--json")
        self.assertEqual(([float(line) for line in lines], said),
                         (tables.load(tables.simulated(), "TIME", "--rows", ":3").tolist(), ""))

    def test_no_escape_sequence_comes_through(self):
        path = scratch("escape.table")
        table = ct.table(path, ct.maketabdesc([ct.makescacoldesc("TEXT", "")]), nrow=1, ack=False)
        table.putcell("TEXT", 0, "a\x1b[31mred\x07 \u009b2J b")
        table.close()
        lines, _ = shown("read", path, "TEXT")
        self.assertEqual(lines, ['0  "a\\u001b[31mred\\u0007 \\u009b2J b"'])


class TestDatasets(Base):
    def test_numbers_of_every_type(self):
        with h5py.File(files.numbers()) as file:
            for dtype in files.TYPES:
                kind = {"float32": np.float32, "complex64": np.complex64}.get(dtype)
                self.check(files.numbers(), f"types/{dtype}", file[f"types/{dtype}"][()].tolist(), kind=kind)
            for ndim in range(2, 5):
                self.check(files.numbers(), f"axes/{ndim}", file[f"axes/{ndim}"][()].tolist())
            self.check(files.numbers(), "axes/4", file["axes/4"][()][::-1, 1:3, ::-2].tolist(), "--rows=::-1",
                       "--chans=1:3", "--corrs=::-2", labels=range(5, -1, -1))

    def test_single_values(self):
        with h5py.File(files.numbers()) as file:
            lines, said = shown("read", files.numbers(), "scalars/float64")
            self.assertEqual(([value_of(line) for line in lines], said), ([file["scalars/float64"][()]], ""))
        self.assertEqual(shown("read", files.strings(), "alone")[0], ['"a single one"'])

    def test_strings(self):
        lines, _ = shown("read", files.strings(), "names")
        self.assertEqual(lines, ['0  "a"', '1  ""', '2  "Nançay"', '3  "日本"', f'4  "{"x" * 40}"'])
        self.assertEqual(shown("read", files.strings(), "quoted")[0], ['0  "a \\"b\\" \\\\ \\n"'])
        wanted = np.array([[f"{i}{k}{n}" for n in range(3) for k in range(2)] for i in range(4)]).reshape(4, 2, 3)
        self.check(files.strings(), "grid", wanted.tolist())
        self.check(files.strings(), "grid", wanted[::-1, ::-1, 1:].tolist(), "--rows=::-1", "--chans=::-1",
                   "--corrs=1:", labels=(3, 2, 1, 0))

    def test_records_are_refused(self):
        self.assertIn("neither numbers nor strings", shown("read", files.numbers(), "odd", code=3)[1])

    def test_visibilities(self):
        path = files.group()[0]
        with h5py.File(path) as file:
            wanted = file["Data/visdata"][()][:, 0]
        lines, said = shown("read", path, "visdata", width=WIDE)
        del lines[10]
        for row, line in zip([*range(10), *range(len(wanted) - 10, len(wanted))], lines, strict=True):
            label, text = line.split(maxsplit=1)
            self.assertEqual((int(label), np.array(value_of(text), np.complex64).tolist()), (row, wanted[row].tolist()))
        self.assertIn(f"20 of {len(wanted)} rows", said)


class TestEnds(unittest.TestCase):
    def test_a_line_fits_the_terminal(self):
        for width in (40, 80, 133):
            for path, name in ((tables.larger(), "DATA"), (tables.strange(), "Z"), (files.group()[0], "visdata"),
                               (files.strings(), "names")):
                lines, said = shown("read", path, name, width=width)
                self.assertTrue(all(len(line) <= width for line in lines), (name, width))
                cut = [line for line in lines if line.endswith("...") and line.strip() != "..."]
                self.assertEqual(bool(cut), "in part" in said)
                if name != "names":
                    continue
                wanted = '4  "' + "x" * 40 + '"'
                self.assertEqual(lines[4], wanted if len(wanted) <= width else wanted[:width - 3] + "...")

    def test_what_is_cut_is_cut_between_values(self):
        with ct.table(tables.larger(), ack=False) as table:
            wanted = table.getcell("DATA", 0).ravel()
        for width in range(30, 100, 7):
            line = shown("read", tables.larger(), "DATA", "--rows", "0", width=width)[0][0]
            found = re.findall(r"[^\[\], ]+j", line.split(maxsplit=1)[1])
            self.assertTrue(line.endswith("..."), line)
            self.assertEqual([np.complex64(complex(text)) for text in found], wanted[:len(found)].tolist())

    def test_a_number_is_never_cut(self):
        line = shown("read", tables.larger(), "TIME", "--rows", "0", width=10)[0][0]
        self.assertEqual(float(line.split()[1]), tables.load(tables.larger(), "TIME", "--rows", "0")[0])

    def test_the_rest_is_told_of_where_there_is_one(self):
        _, said = shown("read", tables.larger(), "TIME")
        for way in ("--rows", "--format json", "--out FILE"):
            self.assertIn(way, said)
        lines, said = shown("read", tables.larger(), "TIME", "--rows", ":20")
        self.assertEqual((len(lines), said), (20, ""))
        lines, said = shown("read", tables.larger(), "TIME", "--rows", ":21")
        self.assertEqual((len(lines), "20 of 21 rows" in said), (21, True))
        self.assertEqual(shown("read", tables.larger(), "TIME", "--quiet")[1], "")

    def test_only_what_is_shown_is_read(self):
        chunked = scratch("chunked.h5")
        values = np.arange(100000, dtype="f4").reshape(5000, 20)
        with h5py.File(chunked, "w") as file:
            file.create_dataset("visdata", data=values, chunks=(50, 20), compression="lzf")
        for path, name, row in ((tables.larger(), "DATA", 16 * 2 * 8), (chunked, "visdata", 20 * 4)):
            profile = scratch("profile.json")
            shown("read", path, name, env={"MSIO_PROF": f"json:{profile}"})
            with open(profile, encoding="utf-8") as file:
                (read,) = [one for one in json.load(file)["paths"] if one["name"] == "read"]
            self.assertEqual((read["ncalls"], read["rows"], read["bytes"]), (2, 20, 20 * row))

    def test_a_pipe_gets_npy_as_before(self):
        self.assertEqual(msio("read", tables.larger(), "TIME").stdout[:6], b"\x93NUMPY")


if __name__ == "__main__":
    main(globals(), SCRATCH, tables.SCRATCH, files.SCRATCH)
