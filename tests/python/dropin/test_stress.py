"""Threads over one and many tables while others write, and memory over many opens and reads.

For seconds, and some thousand opens; with MSIO_TEST_LONG in the environment for a minute, and 100000.
"""
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import make_table

pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
import casacore.tables as ct  # noqa: E402

import msio  # noqa: E402
from msio import tables as mt  # noqa: E402

LONG = bool(os.environ.get("MSIO_TEST_LONG"))
SECONDS = 60 if LONG else 3
OPENS = 100_000 if LONG else 3_000

WRITER = """
import sys, time
import casacore.tables as ct
until = time.monotonic() + float(sys.argv[2])
turn = 0
while turn < 5 or time.monotonic() < until:
    turn += 1
    t = ct.table(sys.argv[1], readonly=False, ack=False)
    t.putcol("ARRAY_int", t.getcol("ARRAY_int") * 0 + turn)
    t.close()
    time.sleep(0.05)
"""


@pytest.fixture
def many(tmp_path):
    """One table for each of some managers, and what they hold."""
    paths = [make_table(ct, tmp_path / f"{manager}-{i}.tab", manager, rows=60, seed=i)
             for i, manager in enumerate(("TiledShapeStMan", "StandardStMan", "IncrementalStMan", "TiledColumnStMan"))]
    held = {}
    for path in paths:
        with ct.table(path, ack=False) as t:
            held[path] = {name: t.getcol(name) for name in t.colnames() if name.startswith("ARRAY_")}
    return held


def worker(held, shared, seed, until, wrong, done):
    """Reads at random, each way there is, until the time is over."""
    rng = np.random.default_rng(seed)
    paths = list(held)
    readers = {}
    try:
        while time.monotonic() < until:
            path = paths[rng.integers(len(paths))]
            names = list(held[path])
            name, row = names[rng.integers(len(names))], int(rng.integers(60))
            expected, way = held[path][name], int(rng.integers(6))
            if way == 0:
                found, expected = msio.read(path, name, rows=slice(row, None)), expected[row:]
            elif way == 1:
                found = shared[path].read(name)
            elif way == 2:
                with msio.Table(path) as own:
                    found, expected = own.reader(name)(row), expected[row]
            elif way == 3:
                reader = readers.setdefault((path, name), shared[path].reader(name))
                found, expected = reader(row), expected[row]
            elif way == 4:
                found = np.concatenate([np.array(batch[name]) for batch in msio.stream(path, name, rows_per_batch=17)])
            else:
                found, expected = msio.metadata(path).rows, 60
            done.append(1)
            if not np.array_equal(found, expected):
                wrong.append((path, name, way))
    except BaseException as error:  # noqa: BLE001 - a thread's exception would be lost
        wrong.append(repr(error))


def test_eight_threads_over_many_tables(many):
    shared = {path: msio.Table(path) for path in many}
    wrong, done, until = [], [], time.monotonic() + SECONDS
    threads = [threading.Thread(target=worker, args=(many, shared, seed, until, wrong, done)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
    assert len(done) > 100
    for table in shared.values():
        table.close()


def test_eight_threads_over_one_table_that_another_process_writes(tmp_path):
    """A read gives one state of the column, never parts of two."""
    path = make_table(ct, tmp_path / "one.tab", "TiledShapeStMan", rows=200)
    with ct.table(path, readonly=False, ack=False) as t:
        t.putcol("ARRAY_int", t.getcol("ARRAY_int") * 0)
    wrong, states = [], set()
    table = msio.Table(path)

    def watch():
        try:
            while writer.poll() is None:
                values = np.unique(table.read("ARRAY_int"))
                states.add(int(values[0]))
                if len(values) != 1:
                    wrong.append(values)
        except BaseException as error:  # noqa: BLE001
            wrong.append(repr(error))
    with subprocess.Popen([sys.executable, "-c", WRITER, path, str(SECONDS)]) as writer:
        threads = [threading.Thread(target=watch) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert writer.returncode == 0
    assert not wrong, wrong[:3]
    assert len(states) > 2, "no write was seen"
    table.close()


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no /proc/self/statm here")
def test_memory_stays_flat(many):
    """The second half of the opens and reads may not take more than the first left."""
    path, name = next(iter(many)), "ARRAY_float"

    def once():
        with msio.Table(path) as own:
            own.read(name)
            own.reader(name)(3)
        table = mt.table(path, ack=False)
        table.getcol(name), table.getcell(name, 4)
        table.close()
        msio.read(path, name, rows=[3, 1])

    for _ in range(OPENS // 2):
        once()
    half, descriptors = resident(), len(os.listdir("/proc/self/fd"))
    for _ in range(OPENS // 2):
        once()
    assert resident() - half < 1 << 20
    assert len(os.listdir("/proc/self/fd")) <= descriptors
