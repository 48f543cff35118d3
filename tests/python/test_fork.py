"""Fork while other threads read: children do what the threads do, at once, and none waits for a lock that a thread of the
parent held. Pools of processes; streams, arrays and tables that were begun before.

Each runs in a process of its own, which kills a child that hangs and says so.
"""
import os
import subprocess
import sys

import pytest

pytest.importorskip("casacore.tables", reason="python-casacore is not installed")

import msio  # noqa: E402

FORKS = 5000 if os.environ.get("MSIO_TEST_LONG") else 160

COMMON = """
import multiprocessing, os, signal, sys, threading, time
import numpy as np
import msio
from msio.tables import table

path, group, forks = sys.argv[1], sys.argv[2], int(sys.argv[3])
t = table(path, ack=False)
data, rows = t.getcol("DATA"), t.nrows()
share = msio.flags(path).fraction
kept = np.array(data)

def all_rows():
    assert sum(batch.rows for batch in msio.stream(path, ["DATA", "FLAG"], rows_per_batch=7)) == rows

def getcell():
    assert np.array_equal(t.getcell("DATA", 3), kept[3]) and t.getcell("ANTENNA1", 0) == 0

def getcol():
    assert np.array_equal(t.getcol("DATA"), kept) and len(t.getcol("TIME")) == rows

def read():
    assert np.array_equal(msio.read(path, "DATA"), kept)

def flags():
    assert msio.flags(path, by=["baseline", "channel"]).fraction == share

def metadata():
    facts = msio.metadata(path)
    assert facts.rows == rows and len(facts.find_rows(scan=facts.scans[0])) > 0

def own():
    with table(path, ack=False) as mine:
        assert np.array_equal(mine.getcol("DATA", 2, 5), kept[2:7])

def load():
    assert msio.load(group, expected=2).visdata.shape[0] == 60

work = [getcell, getcol, read, flags, metadata, own, all_rows, load]

stop = False

def keep_working(first):
    i = first
    while not stop:
        work[i % len(work)]()
        i += 1

threads = [threading.Thread(target=keep_working, args=(2 * i,), daemon=True) for i in range(4)]

def begin():
    for do in work:
        do()
    for thread in threads:
        thread.start()

def child(does):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            does()
            code = 0
        except BaseException as error:
            os.write(2, f"a child failed: {type(error).__name__}: {error}\\n".encode())
        finally:
            os._exit(code)
    return pid

def wait(pid):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    sys.exit("a child hangs")
"""

CHILDREN = COMMON + """
def some(number):
    for i in range(3):
        work[(number + i) % len(work)]()

def all_and_fork(number):
    for do in work:
        do()
    assert wait(child(lambda: some(number + 2))) == 0
    some(number + 4)

begin()
for i in range(forks):
    assert wait(child(lambda: (all_and_fork if i % 10 == 0 else some)(i // 10 if i % 10 == 0 else i))) == 0, i
stop = True
for thread in threads:
    thread.join()
print("well")
"""

STREAMS = COMMON + """
def in_child():
    for one in (batches, loaded):
        try:
            next(one)
        except msio.UnsupportedError as error:
            assert "fork" in str(error)
        else:
            raise AssertionError("the parent's stream went on")
    close = globals().pop("loaded")
    del close
    all_rows()
    load()

for i in range(forks // 20):
    batches = iter(msio.stream(path, ["DATA"], rows_per_batch=3))
    loaded = iter(msio.load_stream(group, expected=2, rows_per_batch=5))
    seen = sum(next(batches).rows for _ in range(i % 3))
    parts = sum(1 for _ in zip(range(i % 2), loaded))
    assert wait(child(in_child)) == 0
    assert seen + sum(batch.rows for batch in batches) == rows
    assert parts + sum(1 for _ in loaded) == 12
print("well")
"""

POOLS = COMMON + """
from concurrent.futures import ProcessPoolExecutor

def task(number):
    work[number % len(work)]()
    return msio.read(path, "DATA", rows=slice(number, number + 2))  # memory of the child's pool

begin()
fork = multiprocessing.get_context("fork")
for i in range(max(1, forks // 200)):
    with fork.Pool(3) as pool:
        for n, part in enumerate(pool.map_async(task, range(16)).get(120)):
            assert np.array_equal(part, kept[n:n + 2])
    with ProcessPoolExecutor(3, mp_context=fork) as pool:
        for n, part in enumerate(pool.map(task, range(16), timeout=120)):
            assert np.array_equal(part, kept[n:n + 2])
stop = True
for thread in threads:
    thread.join()
print("well")
"""

ARRAYS = COMMON + """
big = [msio.read(path, "DATA") for _ in range(5)]  # memory of the pool

def in_child():
    assert all(np.array_equal(array, kept) for array in big)
    big[0][:] = 0  # the child's own
    del big[1:]
    read()
    assert np.array_equal(msio.read(path, "DATA", out=big[0]), kept)

begin()
for i in range(forks // 10):
    assert wait(child(in_child)) == 0
assert len(big) == 5 and all(np.array_equal(array, kept) for array in big)
stop = True
for thread in threads:
    thread.join()
print("well")
"""

INTERRUPTED = COMMON + """
# A signal handler that forks while a stream is waited for: the child's wait ends with an error.
done = []

def fork_now(*_):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    pid = os.fork()
    done.append(pid)

for i in range(forks // 20):
    done.clear()
    signal.signal(signal.SIGALRM, fork_now)
    signal.setitimer(signal.ITIMER_REAL, 0.0005 * (i % 7 + 1))
    try:
        while not done:
            all_rows()
        if done[0] == 0:
            read()
    except (RuntimeError, AssertionError) as error:
        if not done or done[0] != 0:
            raise
        os._exit(0 if "fork" in str(error) or isinstance(error, AssertionError) else 1)
    if done[0] == 0:
        os._exit(0)
    assert wait(done[0]) == 0
print("well")
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fork")
    msio.simulate_ms(folder / "small.ms", antennas=5, times=4, subbands=2, channels=8)
    msio.simulate_uvh5(folder / "group", antennas=5, times=4, subbands=2, channels=8)
    return folder


@pytest.mark.parametrize("program", [CHILDREN, STREAMS, POOLS, ARRAYS, INTERRUPTED],
                         ids=["children", "streams", "pools", "arrays", "signal"])
def test_children_do_not_hang(inputs, program):
    ran = subprocess.run([sys.executable, "-c", program, inputs / "small.ms", inputs / "group", str(FORKS)],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1500)
    assert ran.returncode == 0 and ran.stdout.endswith("well\n"), ran.stdout + ran.stderr
