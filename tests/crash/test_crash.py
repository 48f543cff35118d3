"""Every call by which a write changes files is made to fail, or the process is killed there, and at random moments; after
each casacore opens the table, and its values are as docs/consistency.md promises.

usage: test_crash.py WRITE_ONCE FAILING.so KIND [--kills N]
"""
import fcntl
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
    from casacore import tables
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

ROWS, CHAN, CORR = 1203, 64, 4
MANY_ROWS = 9001  # for what is written in parts: DATA takes more than one of them
MORE_ROWS = 50
LONG = 1000  # kills of the long run
BY_CASACORE = ("columns", "rows")  # added by casacore, whose own calls are not spoilt
LARGE_TILE = 8300  # rows of DATA: 17 MB, more than a block may have
TILE = {"DATA": 32, "CORRECTED_DATA": 32, "FLAG": 256}
VARIED_RUN, VARIED_TILE = 300, 100  # rows whose cells have one shape; of a tile, to which none come back later
ERRORS = {"ENOSPC": 28, "EDQUOT": 122, "EFBIG": 27, "EIO": 5}
COLUMNS = {"data": ["DATA"], "flag": ["FLAG"], "part": ["DATA"], "flag_part": ["FLAG"],
           "both": ["DATA", "FLAG", "ANTENNA1"], "atomic": ["DATA"], "atomic_kept": ["DATA"], "atomic_both": ["DATA", "FLAG", "ANTENNA1"],
           "fresh": ["MODEL_DATA"], "fresh_zeros": ["MODEL_DATA"], "fresh_atomic": ["DATA", "MODEL_DATA"],
           "value": ["DATA"], "scalar": ["ANTENNA1"], "sync": ["DATA"], "sync_atomic": ["DATA"],
           "copy": ["CORRECTED_DATA"], "copy_varying": ["VARIED_COPY"], "copy_atomic": ["CORRECTED_DATA"], "unguarded": ["DATA"],
           "stream": ["DATA", "FLAG"], "columns": ["NEW_DATA"], "rows": ["rows"],
           "runs": ["DATA"], "stream_rows": ["DATA", "FLAG"],
           "large": ["DATA"], "large_runs": ["DATA"],
           "list": ["DATA"], "cells": ["DATA"], "incremental": ["TIME"], "strings": ["NAME"],
           "computed": ["CORRECTED_DATA"], "model": ["CORRECTED_DATA"]}
FLUX = 5  # Jy of the model's source, which stands at the phase centre
ALL = ("DATA", "CORRECTED_DATA", "FLAG", "ANTENNA1", "TIME", "NAME")


def element_values(column, turn):
    """What the column holds before any write (turn 0) and after one (turn 1); write_once.c computes the same."""
    if column == "ANTENNA1":
        return np.arange(ROWS, dtype=np.int32) + (1000000 if turn else 0)
    if column == "TIME":
        return np.arange(ROWS) // 2 + (1000000. if turn else 0.)
    if column == "NAME":
        return np.array([f"{'bc' if turn else 'a'}{row}" for row in range(ROWS)])
    e = np.arange(ROWS * CHAN * CORR).reshape(ROWS, CHAN, CORR)
    if column == "FLAG":
        return ((((e >> 3) ^ e) & 1) ^ turn).astype(bool)
    if column == "CORRECTED_DATA" and not turn:
        return np.full(e.shape, 7, np.complex64)
    if column == "CORRECTED_DATA":
        turn = 0  # a copy of DATA
    return (-(e + 1) if turn else e + 1).astype(np.complex64)


def make_table(path):
    cell = {"shape": [CHAN, CORR], "ndim": 2}
    desc = [tables.makearrcoldesc("DATA", 0j, valuetype="complex", datamanagertype="TiledShapeStMan",
                                  datamanagergroup="TiledData", **cell),
            tables.makearrcoldesc("CORRECTED_DATA", 0j, valuetype="complex", datamanagertype="TiledShapeStMan",
                                  datamanagergroup="TiledCorrected", **cell),
            tables.makearrcoldesc("FLAG", False, valuetype="bool", datamanagertype="TiledShapeStMan",
                                  datamanagergroup="TiledFlag", **cell),
            tables.makescacoldesc("ANTENNA1", 0, valuetype="int"),
            tables.makescacoldesc("NAME", "", datamanagertype="StandardStMan", datamanagergroup="Names"),
            tables.makescacoldesc("TIME", 0., valuetype="double", datamanagertype="IncrementalStMan", datamanagergroup="Times")]
    info = {f"*{k}": {"TYPE": "TiledShapeStMan", "NAME": name, "SEQNR": k, "COLUMNS": [column],
                      "SPEC": {"DEFAULTTILESHAPE": np.array([CORR, CHAN, TILE[column]], np.int32)}}
            for k, (column, name) in enumerate([("DATA", "TiledData"), ("CORRECTED_DATA", "TiledCorrected"),
                                                ("FLAG", "TiledFlag")])}
    t = tables.table(path, tables.maketabdesc(desc), nrow=ROWS, dminfo=info, ack=False)
    for column in ALL:
        t.putcol(column, element_values(column, 0))
    t.addcols(tables.maketabdesc([tables.makearrcoldesc("MODEL_DATA", 0j, valuetype="complex", ndim=2)]),
              {"TYPE": "TiledShapeStMan", "NAME": "TiledModel", "SPEC": {}})
    t.close()


def varied_shape(row):
    return (CHAN // 2 if row // VARIED_RUN % 2 else CHAN, CORR)


def varied_tile(row):
    """Rows of one shape are in one cube, in their order."""
    run, within = divmod(row, VARIED_RUN)
    return run % 2, (run // 2 * VARIED_RUN + within) // VARIED_TILE


def make_varied(path):
    """Two columns more, of cells of two shapes."""
    make_table(path)
    with tables.table(path, readonly=False, ack=False) as t:
        for column in ("VARIED", "VARIED_COPY"):
            t.addcols(tables.maketabdesc([tables.makearrcoldesc(column, 0j, valuetype="complex", ndim=2)]),
                      {"TYPE": "TiledShapeStMan", "NAME": "Tiled" + column,
                       "SPEC": {"DEFAULTTILESHAPE": np.array([CORR, CHAN, VARIED_TILE], np.int32)}})
            for row in range(ROWS):
                t.putcell(column, row, np.full(varied_shape(row), row + 1 if column == "VARIED" else -1, np.complex64))
        cubes = [cube for manager in t.getdminfo().values() if manager["NAME"] == "TiledVARIED_COPY"
                 for cube in manager["SPEC"]["HYPERCUBES"].values() if np.prod(cube["CubeShape"])]
        assert len(cubes) == 2 and all(cube["TileShape"][2] == VARIED_TILE for cube in cubes), cubes


def make_measurement_set(path):
    """The same columns in a Measurement Set with one window and one field; UVW are such that phases turn."""
    make_table(path)
    os.rename(path, path + ".columns")
    with tables.default_ms(path) as ms, tables.table(path + ".columns", ack=False) as made:
        info = {k: v for k, v in made.getdminfo().items() if v["COLUMNS"] in (["DATA"], ["CORRECTED_DATA"], ["MODEL_DATA"], ["NAME"])}
        for number, (name, manager) in enumerate(info.items()):
            desc = {column: made.getcoldesc(column) for column in manager["COLUMNS"]}
            ms.addcols(desc, {"*1": {**manager, "SEQNR": number + 1}})
        ms.addrows(ROWS)
        for column in ALL:
            ms.putcol(column, made.getcol(column))
        ms.putcol("UVW", np.arange(3.0 * ROWS).reshape(ROWS, 3))
    shutil.rmtree(path + ".columns")
    for name, cells in (("SPECTRAL_WINDOW", {"NUM_CHAN": CHAN, "CHAN_FREQ": 1.4e9 + 1e6 * np.arange(CHAN)}),
                        ("POLARIZATION", {"NUM_CORR": CORR, "CORR_TYPE": np.arange(9, 13, dtype=np.int32)}),
                        ("DATA_DESCRIPTION", {"SPECTRAL_WINDOW_ID": 0, "POLARIZATION_ID": 0}),
                        ("FIELD", {"NUM_POLY": 0, "PHASE_DIR": np.array([[1, 0.5]])})):
        with tables.table(f"{path}/{name}", readonly=False, ack=False) as t:
            t.addrows(1)
            for column, value in cells.items():
                t.putcell(column, 0, value)


class Expected:
    """What a write of a kind may leave."""

    def __init__(self, kind):
        self.kind = kind
        self.columns = COLUMNS[kind]
        self.atomic = "atomic" in kind
        self.mixed_rows = set()  # of DATA, in the state judged last
        self.mixed_tiles = 0  # of a write that keeps no old bytes
        self.old = {c: element_values(c, 0) for c in ALL}
        self.new = {c: element_values(c, 1) if c in self.columns else self.old[c] for c in ALL}
        if "part" in kind:
            for c in self.columns:
                self.new[c][:, CHAN // 4:] = self.old[c][:, CHAN // 4:]
        if kind == "value":
            self.new["DATA"] = np.full((ROWS, CHAN, CORR), -1, np.complex64)
            self.old["DATA"] = self.old["DATA"].copy()
        if kind == "list":
            rows, row = [], 0
            while row < ROWS and len(rows) < 200:
                rows.append(row)
                row += 10 if len(rows) % 2 else 12
            others = np.setdiff1d(np.arange(ROWS), rows)
            self.new["DATA"][others] = self.old["DATA"][others]
        if kind == "computed":
            self.new["CORRECTED_DATA"] = -2j * np.conj(self.old["DATA"])
        if kind == "model":
            self.new["CORRECTED_DATA"] = np.broadcast_to(np.array([FLUX, 0, 0, FLUX], np.complex64), (ROWS, CHAN, CORR))
        if kind in ("runs", "large_runs"):
            others = [row for row in range(ROWS) if row < 7 or row % 203 == 0]
            self.new["DATA"][others] = self.old["DATA"][others]
        self.model = np.zeros((ROWS, CHAN, CORR), np.complex64) if kind == "fresh_zeros" else element_values("DATA", 1)

    def judge_added(self, t):
        """Columns are not there, or without values, or all zeros; rows are there, or not."""
        if self.kind == "rows":
            return "new" if t.nrows() > ROWS else "old"
        there = [c for c in self.columns if c in t.colnames()]
        for c in there:
            defined = [t.iscelldefined(c, row) for row in range(0, ROWS, 401)]
            if any(defined) and (not all(defined) or t.getcol(c).shape[:2] != (ROWS, CHAN) or np.any(t.getcol(c))):
                return f"MIXED {c}"
            if not any(defined):
                there = []
        return "new" if len(there) == len(self.columns) else "old"

    def judge_varied(self, t, settled):
        """The states of VARIED_COPY, and what is mixed."""
        states, of_tile = set(), {}
        for row in range(ROWS):
            cell = t.getcell("VARIED_COPY", row)
            its = {-1: "old", row + 1: "new"}
            found = {its.get(value, "MIXED VARIED_COPY: neither old nor new") for value in np.unique(cell.real).tolist()}
            of_tile.setdefault(varied_tile(row), set()).update(found)
            states |= found
        if settled and any(len(found) > 1 for found in of_tile.values()):
            states.add("MIXED VARIED_COPY: a tile")
        return states

    def judge(self, path, settled):
        """Reads the table by casacore. "old", "new", "both", or what is wrong ("MIXED ..."). settled: after a repair
        tiles are whole, too."""
        states = set()
        with tables.table(path, ack=False, lockoptions="usernoread") as t:
            if t.nrows() not in ([ROWS, ROWS + MORE_ROWS] if self.kind == "rows" else [ROWS]):
                return f"MIXED {t.nrows()} rows"
            if self.kind in BY_CASACORE:
                states.add(self.judge_added(t))
            if self.kind == "copy_varying":
                states |= self.judge_varied(t, settled)
            for c in self.old:
                now = np.asarray(t.getcol(c, 0, ROWS))
                old, new = self.old[c], self.new[c]
                is_old, is_new = now == old, now == new
                across = 0 if settled or c != "NAME" else 2  # a thread's string that lies across a page's border
                if np.count_nonzero(~(is_old | is_new)) > across:
                    return f"MIXED {c}: {np.count_nonzero(~(is_old | is_new))} elements are neither old nor new"
                if c not in self.columns:
                    continue
                changes = old != new
                states |= {"old"} if np.any(is_old & changes) else set()
                states |= {"new"} if np.any(is_new & changes) else set()
                if c == "DATA" and not settled:
                    mixed = np.any(is_old & changes, axis=(1, 2)) & np.any(is_new & changes, axis=(1, 2))
                    self.mixed_rows = set(np.flatnonzero(mixed).tolist())
                if settled and c in TILE:
                    for first in range(0, ROWS, TILE[c]):
                        tile = slice(first, first + TILE[c])
                        part = is_new[tile][changes[tile]]
                        if np.all(part) or not np.any(part):
                            continue
                        self.mixed_tiles += 1
                        if self.kind != "unguarded":
                            return f"MIXED {c}: rows from {first} on"
            defined = [t.iscelldefined("MODEL_DATA", row) for row in range(0, ROWS, 401)]
            if any(defined):
                if not all(defined) or not np.array_equal(t.getcol("MODEL_DATA"), self.model):
                    return "MIXED MODEL_DATA"
                states.add("new")
            elif "MODEL_DATA" in self.columns:
                states.add("old")
        wrong = [state for state in states if state.startswith("MIXED")]
        if wrong:
            return wrong[0]
        if settled and self.atomic and len(states) > 1:
            return "MIXED: all or nothing was asked for"
        return "both" if len(states) > 1 else states.pop()


class Driver:
    def __init__(self, writer, failing, kind):
        self.writer, self.failing, self.kind = writer, failing, kind
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="msio-crash-"))
        self.original = os.path.join(self.folder, "original")
        self.table = os.path.join(self.folder, "under", "table")
        self.count = os.path.join(self.folder, "count")
        self.begun = os.path.join(self.folder, "begun")
        os.mkdir(os.path.join(self.folder, "under"))
        os.environ["MSIO_CRASH_TEST"] = self.folder
        {"model": make_measurement_set, "copy_varying": make_varied}.get(kind, make_table)(self.original)
        self.expected = Expected(kind)
        self.lock_file = -1
        self.runs = self.kills = self.repaired = self.refused = 0
        self.wrong = []

    def fresh_copy(self):
        shutil.rmtree(self.table, ignore_errors=True)
        shutil.copytree(self.original, self.table)
        if self.kind == "atomic_kept":
            self.open_elsewhere()
        self.inode = self.inode_now()

    def calls(self):
        with open(self.count, "rb") as f:
            return struct.unpack("=I", f.read(4))[0]

    def run(self, kind, at=0, how="", on=False):
        with open(self.count, "wb") as f:
            f.write(b"\0" * mmap.PAGESIZE)
        env = {**os.environ, "LD_PRELOAD": self.failing, "MSIO_FAIL_UNDER": os.path.dirname(self.table),
               "MSIO_FAIL_COUNT": self.count, "MSIO_FAIL_AT": str(at), "MSIO_FAIL_HOW": how, "MSIO_FAIL_ON": str(int(on))}
        done = subprocess.run([self.writer, kind, self.table], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def plain(self, kind):
        done = subprocess.run([self.writer, kind, self.table], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120)
        return done.returncode, done.stdout + done.stderr

    def complain(self, what, said):
        self.wrong.append(f"{self.kind}, {what}: {said}")
        print("  WRONG", self.wrong[-1], flush=True)

    def judge(self, what, settled):
        try:
            state = self.expected.judge(self.table, settled)
        except RuntimeError as error:
            state = f"MIXED: casacore: {error}"
        if state.startswith("MIXED"):
            self.complain(what + (", repaired" if settled else ""), state)
        return state

    def read_by_msio(self, what):
        """Rows of mixed tiles are refused, rows are refused only where something was left, and nothing changes."""
        journal = os.path.join(self.table, "table.msio_write")
        before = os.path.exists(journal)
        code, said = self.plain("read")
        if code or os.path.exists(journal) != before:
            self.complain(what + ", read by msio", said)
            return
        lines = [line.split() for line in said.splitlines()]
        refused = {line[1]: {int(row) for row in line[2:]} for line in lines[1:]}
        blocks = int(lines[0][2])
        self.refused += sum(map(len, refused.values()))
        if not blocks and any(refused.values()):
            self.complain(what + ", read by msio", f"nothing was left, and rows are refused: {said[:200]}")
        if blocks and not any(refused.values()) and self.kind != "copy_varying":  # whose column is not read there
            self.complain(what + ", read by msio", f"{blocks} blocks were left, and nothing is refused")
        if any(rows for column, rows in refused.items() if column not in self.expected.columns):
            self.complain(what + ", read by msio", "rows of columns that nobody wrote are refused")
        missed = self.expected.mixed_rows - refused.get("DATA", set())
        if self.kind != "unguarded" and missed:
            self.complain(what + ", read by msio", f"rows {sorted(missed)[:5]} are half new, and not refused")

    def settle(self, what):
        """The state at once, and after a repair; now and then the next write repairs."""
        if self.kind in BY_CASACORE:
            self.wait_for_casacore()
        self.judge(what, False)
        self.read_by_msio(what)
        code, said = self.plain("repair")  # waits for the lock, which casacore's process may have a moment longer
        if code or said.split()[3] != "0":
            self.complain(what + ", repair", said)
        self.repaired += int(said.split()[2]) if not code else 0
        state = self.judge(what, True)
        left = [name for name in os.listdir(self.table) if "msio" in name or name.endswith("_tmp")]
        if any(name == "table.msio_write" or "_TSM" in name for name in left):
            self.complain(what, f"{left} stayed")
        if self.runs % 5 == 0 and self.kind not in BY_CASACORE:
            code, said = self.plain(self.kind)
            if code == 0 and self.judge(what + ", written again", True) != "new":
                self.complain(what, "a second write did not make all new")
            elif code and not ("fresh" in self.kind and "has a shape already" in said):
                self.complain(what + ", written again", said)
        return state

    def spoil(self, at, how, on):
        self.fresh_copy()
        code, said = self.run(self.kind, at, how, on)
        self.runs += 1
        what = f"call {at} of {self.calls()}, {how}{' from there on' if on else ''}"
        killed = code == -signal.SIGKILL
        self.kills += killed
        reached = self.calls() >= at or os.environ.get("MSIO_STORE") != "probe"  # that one chooses by the clock
        if how in ("before", "after", "torn") and not killed and reached:
            self.complain(what, f"not killed: {code} {said}")
        if not killed and code not in (0, 1):
            self.complain(what, f"{code} {said}")
        if code == 1:
            number = how[4:] if how.startswith("half") else how
            if said.split()[:2] != ["E_IO", number]:
                self.complain(what, said)
            if how == "short":
                self.complain(what, "a short write is no failure")
        state = self.settle(what)
        if code == 0 and state != "new":
            self.complain(what, f"it succeeded, and the table is {state}")
        return said

    def is_of_this_test(self, pid):
        """Whether a process was started by this one, or by one that was: it has inherited its environment."""
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                return f"MSIO_CRASH_TEST={self.folder}".encode() in f.read().split(b"\0")
        except OSError:
            return False

    def wait_for_casacore(self):
        """A change that has begun comes to its end, also when the process that asked for it was killed."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if not any(self.is_of_this_test(pid) for pid in os.listdir("/proc") if pid.isdigit()):
                return
            time.sleep(0.002)
        self.complain("the change that was begun", "has not ended after 30 seconds")

    def open_elsewhere(self):
        """The lock by which casacore tells that it has a table open: then files are not exchanged, old bytes are kept."""
        if self.lock_file >= 0:
            os.close(self.lock_file)
        self.lock_file = os.open(os.path.join(self.table, "table.lock"), os.O_RDWR)
        F_OFD_SETLK = 37
        fcntl.fcntl(self.lock_file, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 1, 1, 0))

    def inode_now(self):
        """Of the file that DATA, or a copy of it, lies in."""
        return os.stat(os.path.join(self.table, f"table.f{ {'copy_atomic': 1, 'model': 2}.get(self.kind, 0)}_TSM1")).st_ino

    def atomic_way(self):
        """Whether the column, all or nothing, became another file; None: the kind does not say."""
        if self.kind not in ("atomic", "sync_atomic", "atomic_kept", "copy_atomic"):
            return None
        return "kept" if self.inode_now() == self.inode else "exchanged"

    def every_call(self, long):
        self.fresh_copy()
        code, said = self.run(self.kind)
        calls = self.calls()
        if code or self.judge("undisturbed", True) != "new":
            self.complain("undisturbed", said)
        if self.atomic_way() != {"atomic": "exchanged", "sync_atomic": "exchanged", "copy_atomic": "exchanged",
                                  "atomic_kept": "kept"}.get(self.kind):
            self.complain("undisturbed", f"all or nothing: DATA's file was {self.atomic_way()}")
        ends = 2 if ROWS == MANY_ROWS else 6  # of many calls that store one block after the other, a few: but in the long run
        chosen = [at for at in range(1, calls + 1) if long or at <= ends or at > calls - ends or at % 16 == 0]
        errors, lasting = list(ERRORS.values()), [ERRORS["ENOSPC"], ERRORS["EIO"]]
        for turn, at in enumerate(chosen):  # every error at each call in the long run; else one after the other
            for number in errors if long else [errors[turn % len(errors)]]:
                self.spoil(at, str(number), False)
            for number in lasting if long else [lasting[turn % len(lasting)]]:
                self.spoil(at, str(number), True)
            for how in ("short", "torn", "half28", "before", "after"):
                self.spoil(at, how, False)
        return len(chosen)

    def begin(self):
        """A writer that has begun."""
        if os.path.exists(self.begun):
            os.remove(self.begun)
        writer = subprocess.Popen([self.writer, self.kind, self.table, "--loop", self.begun], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL)
        while not os.path.exists(self.begun) and writer.poll() is None:
            time.sleep(0.0002)
        return writer

    def takes(self):
        """How long one write takes that nothing disturbs."""
        self.fresh_copy()
        writer = self.begin()
        began = time.monotonic()
        if writer.wait(timeout=120):
            self.complain("undisturbed", f"exit code {writer.returncode}")
        return time.monotonic() - began

    def kill_once(self, longest):
        writer = self.begin()
        time.sleep(random.random() * longest)
        writer.kill()
        killed = writer.wait() == -signal.SIGKILL
        self.kills += killed
        self.runs += 1
        return killed

    def random_kills(self, kills):
        """At so many moments. A write that ended before its moment was not killed, and counts as none."""
        once = "fresh" in self.kind or self.kind in ("copy", "copy_varying", "copy_atomic", "computed", "model", "value", *BY_CASACORE)
        longest, killed = 0.08, 0
        self.fresh_copy()
        if once:
            longest = 1.1 * min(self.takes() for _ in range(5))
        for k in range(4 * kills):
            if killed == kills:
                break
            if once:
                self.fresh_copy()
            killed += self.kill_once(longest)
            self.settle(f"random kill {k}")

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    global ROWS
    writer, failing, kind = sys.argv[1:4]
    if kind in ("copy_atomic", "large", "large_runs"):
        ROWS = MANY_ROWS
    if "large" in kind:
        TILE["DATA"] = LARGE_TILE
    kills = int(sys.argv[5]) if len(sys.argv) > 5 else 30
    seed = random.randrange(1 << 30)
    random.seed(seed)
    driver = Driver(os.path.abspath(writer), os.path.abspath(failing), kind)
    try:
        calls = 0 if kind in BY_CASACORE else driver.every_call(kills >= LONG)
        driver.random_kills(kills)
    finally:
        driver.close()
    print(f"{kind}: {calls} calls, {driver.runs} runs, {driver.kills} kills, {driver.repaired} blocks put back, "
          f"{driver.refused} rows refused before, "
          f"{len(driver.wrong)} mixed or wrong (seed {seed})")
    if kind == "unguarded":
        print(f"{driver.expected.mixed_tiles} mixed tiles, as nothing was kept")
        return 1 if driver.wrong or not driver.expected.mixed_tiles else 0
    # a probe may choose another way from run to run, which does not come to every call
    least = 2 if os.environ.get("MSIO_STORE") == "probe" else 3
    if kind not in BY_CASACORE and (calls < 4 or driver.kills < least * calls):
        print("too few calls were counted: the library does not stand before the writer's calls")
        return 1
    return 1 if driver.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
