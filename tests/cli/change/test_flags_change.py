#!/usr/bin/env python3
"""`msio flags --set, --clear, --backup, --restore`: held against numpy over python-casacore's FLAG and FLAG_ROW.

usage: test_flags_change.py MSIO [GROUP]      GROUP: Change, Backup, Hostile (classes below)

Exit codes: 0 all passed, 1 some failed, 77 nothing could be tested (and why).
"""
import os
import shutil
import struct
import zlib

from running import main, msio, oracle, report

with oracle():
    import numpy as np
    import casacore.tables as ct

from test_write_command import SCRATCH, WritingTest, cells, column, scratch, small, state


def of_many_shapes(name, rows=200):
    """FLAG of cells that differ in shape, some of which were never written, and FLAG_ROW."""
    path = scratch(name)
    shutil.rmtree(path, ignore_errors=True)
    columns = [ct.makearrcoldesc("FLAG", False, ndim=2, valuetype="boolean"), ct.makescacoldesc("FLAG_ROW", False)]
    info = {"*1": {"NAME": "f", "TYPE": "TiledShapeStMan", "SPEC": {"DEFAULTTILESHAPE": [2, 4, 8]}, "COLUMNS": ["FLAG"],
                   "SEQNR": 0}}
    random = np.random.default_rng(2)
    with ct.table(path, ct.maketabdesc(columns), nrow=rows, dminfo=info, ack=False) as table:
        for row in range(rows):
            if not 60 <= row < 75:
                shape = ((4, 2), (16, 4), (7, 1))[row // 25 % 3 if row < 100 else row % 3]
                table.putcell("FLAG", row, random.random(shape) < 0.3)
        table.putcol("FLAG_ROW", random.random(rows) < 0.2)
    return path


def randomize(path, seed):
    random = np.random.default_rng(seed)
    with ct.table(path, readonly=False, ack=False) as table:
        for row in range(table.nrows()):
            if table.iscelldefined("FLAG", row):
                table.putcell("FLAG", row, random.random(table.getcell("FLAG", row).shape) < 0.3)
        table.putcol("FLAG_ROW", random.random(table.nrows()) < 0.3)


def both(path):
    return cells(path, "FLAG"), np.array(column(path, "FLAG_ROW"))


def counts(flags, flag_row):
    defined = [(cell, row) for cell, row in zip(flags, flag_row) if cell is not None]
    return {"flagged": sum(cell.size if row else int(cell.sum()) for cell, row in defined),
            "total": sum(cell.size for cell, _ in defined)}


def of(counted):
    return {key: counted[key] for key in ("flagged", "total")}


class FlagsTest(WritingTest):
    def same(self, path, flags, flag_row):
        found, found_row = both(path)
        for row, (got, wanted) in enumerate(zip(found, flags)):
            self.assertEqual(got is None, wanted is None, row)
            if wanted is not None:
                np.testing.assert_array_equal(got, wanted, f"row {row}")
        np.testing.assert_array_equal(found_row, flag_row)


class TestChange(FlagsTest):
    def check(self, path):
        rows = len(both(path)[1])
        for seed, (way, text, pick) in enumerate((
                ("--set", (), np.s_[:, :, :]), ("--clear", (), np.s_[:, :, :]),
                ("--set", ("--rows", "10:90:3"), np.s_[10:90:3, :, :]), ("--clear", ("--rows=-40:",), np.s_[-40:, :, :]),
                ("--set", ("--chans", "1:3"), np.s_[:, 1:3, :]), ("--clear", ("--chans", "1:3"), np.s_[:, 1:3, :]),
                ("--clear", ("--rows", "5:150", "--corrs", "0:1"), np.s_[5:150, :, 0:1]),
                ("--set", ("--rows=::-2", "--chans", "::-1"), np.s_[::-2, ::-1, :]))):
            randomize(path, seed)
            flags, flag_row = both(path)
            before = counts(flags, flag_row)
            whole = not any("chans" in word or "corrs" in word for word in text)
            for row in np.arange(rows)[pick[0]]:
                if flags[row] is not None:
                    if way == "--clear" and flag_row[row] and not whole:
                        flags[row][:] = True  # what FLAG_ROW flagged beside the selection stays flagged
                    flags[row][pick[1:]] = way == "--set"
                if way == "--clear" or whole:
                    flag_row[row] = way == "--set"
            found = report("flags", path, way, *text)
            self.same(path, flags, flag_row)
            self.assertEqual(of(found["before"]), before)
            self.assertEqual(of(found["after"]), counts(flags, flag_row))
            self.assertEqual(found["never_written"], sum(flags[row] is None for row in np.arange(rows)[pick[0]]))

    def test_measurement_set(self):
        self.check(small("change.ms"))

    def test_cells_that_differ_in_shape(self):
        self.check(of_many_shapes("change_many"))

    def test_flag_row_left_alone(self):
        path = small("alone.ms")
        randomize(path, 3)
        flags, flag_row = both(path)
        report("flags", path, "--clear", "--no-flag-row")
        self.same(path, [np.zeros_like(cell) for cell in flags], flag_row)

    def test_wrong_usage(self):
        path = small("usage.ms")
        for wrong in (("--set", "--clear"), ("--set", "--by", "spw"), ("--rows", "1:2"), ("--set", "--limit", "0.5"),
                      ("--restore", "x", "--set"), ("--backup", "x", "--rows", "1"), ("--set", "--nolock"),
                      ("--dry-run",), ("--backup", "")):
            self.refused(path, "flags", path, *wrong)
        self.assertFalse(os.path.exists("x"))


class TestBackup(FlagsTest):
    def check(self, path, name):
        file = scratch(name)
        randomize(path, 11)
        flags, flag_row = both(path)
        found = report("flags", path, "--set", "--backup", file)
        self.assertEqual(found["backup"], file)
        self.same(path, [cell if cell is None else np.ones_like(cell) for cell in flags], np.ones_like(flag_row))
        with open(file, "rb") as kept:
            head = kept.read(56)
            body = kept.read()
        self.assertEqual(head[:8], b"MSIOFLAG")
        self.assertEqual(struct.unpack("<I", head[48:52])[0], zlib.crc32(head[:48]))
        self.assertEqual(struct.unpack("<I", body[-4:])[0], zlib.crc32(body[:-4]))
        bits = np.concatenate([cell.ravel() for cell in flags if cell is not None])
        packed = np.packbits(bits, bitorder="little").tobytes()
        self.assertEqual(body[:len(packed)], packed)
        row_bits = np.packbits(flag_row, bitorder="little").tobytes()
        self.assertEqual(body[len(packed):len(packed) + len(row_bits)], row_bits)
        before = state(path)
        report("flags", path, "--restore", file, "--dry-run")
        self.assertEqual(state(path), before)
        found = report("flags", path, "--restore", file)
        self.same(path, flags, flag_row)
        self.assertEqual(of(found["after"]), counts(flags, flag_row))
        return file

    def test_measurement_set(self):
        self.check(small("backup.ms"), "backup.flags")

    def test_cells_that_differ_in_shape(self):
        self.check(of_many_shapes("backup_many"), "many.flags")

    def test_alone_and_what_stands_there(self):
        path = small("only.ms")
        before, file = state(path), scratch("only.flags")
        found = report("flags", path, "--backup", file)
        self.assertEqual(state(path), before)
        self.assertIsNone(found["after"])
        self.refused(path, "flags", path, "--set", "--backup", file, says="--force")
        report("flags", path, "--set", "--backup", file, "--force")
        self.refused(path, "flags", path, "--clear", "--backup", scratch("absent/x"), code=3)
        self.assertEqual([name for name in os.listdir(SCRATCH) if "msio-" in name], [])


class TestHostile(FlagsTest):
    @classmethod
    def setUpClass(cls):
        cls.path = of_many_shapes("hostile")
        cls.file = scratch("hostile.flags")
        msio("flags", cls.path, "--backup", cls.file, "--force")
        with open(cls.file, "rb") as kept:
            cls.good = kept.read()

    def try_bytes(self, content, code=3):
        with open(scratch("bad.flags"), "wb") as file:
            file.write(content)
        return self.refused(self.path, "flags", self.path, "--restore", scratch("bad.flags"), code=code)

    def test_cut_short(self):
        for length in list(range(0, 70, 9)) + [len(self.good) - 1, len(self.good) // 2]:
            self.try_bytes(self.good[:length])
        self.try_bytes(self.good + b"x")

    def test_flipped(self):
        random = np.random.default_rng(4)
        for at in list(range(0, 56, 5)) + list(random.integers(56, len(self.good), 25)):
            bad = bytearray(self.good)
            bad[at] ^= 1 << random.integers(0, 8)
            if 52 <= at < 56:  # spare
                continue
            self.try_bytes(bytes(bad))

    def sealed(self, content):
        """Bytes whose checksums hold: what a hostile hand would write."""
        content = bytearray(content)
        content[48:52] = struct.pack("<I", zlib.crc32(content[:48]))
        content[-4:] = struct.pack("<I", zlib.crc32(content[56:-4]))
        return bytes(content)

    def test_numbers_that_make_no_sense(self):
        for at in (16, 24, 32, 40):
            for value in (-1, 2**62, 2**40, 0, 3):
                bad = bytearray(self.good)
                if struct.unpack("<q", bad[at:at + 8])[0] == value:
                    continue
                bad[at:at + 8] = struct.pack("<q", value)
                with open(scratch("bad.flags"), "wb") as file:
                    file.write(self.sealed(bad))
                before = state(self.path)
                run = msio("flags", self.path, "--restore", scratch("bad.flags"), code=None)
                self.assertIn(run.returncode, (2, 3), (at, value, run.stderr))
                self.assertEqual(state(self.path), before)

    def test_shapes_that_make_no_sense(self):
        random, codes = np.random.default_rng(8), set()
        bits, rows = struct.unpack("<q", self.good[32:40])[0], struct.unpack("<q", self.good[16:24])[0]
        runs = 56 + -(-bits // 8) + -(-rows // 8)
        for _ in range(60):
            bad = bytearray(self.good)
            bad[random.integers(runs, len(bad) - 4)] ^= 1 << random.integers(0, 8)
            with open(scratch("bad.flags"), "wb") as file:
                file.write(self.sealed(bad))
            before = state(self.path)
            codes.add(msio("flags", self.path, "--restore", scratch("bad.flags"), code=None).returncode)
            self.assertEqual(state(self.path), before)
        self.assertLessEqual(codes, {2, 3})

    def test_newer_version(self):
        bad = bytearray(self.good)
        bad[8] = 2
        self.assertIn("newer msio", self.try_bytes(self.sealed(bad)).stderr.decode())

    def test_another_table(self):
        for other in (of_many_shapes("fewer", 150), small("another.ms")):
            self.refused(other, "flags", other, "--restore", self.file, code=2, says="another table's")
        same_rows = of_many_shapes("reshaped")
        with ct.table(same_rows, readonly=False, ack=False) as table:
            table.putcell("FLAG", 60, np.zeros((4, 2), bool))
        self.refused(same_rows, "flags", same_rows, "--restore", self.file, code=2, says="row 60")
        self.refused(same_rows, "flags", same_rows, "--restore", scratch("absent"), code=3)


if __name__ == "__main__":
    main(globals(), SCRATCH)
