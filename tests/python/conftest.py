"""What the package's tests share: tables that python-casacore makes, the real data sets, comparison."""
import os
import pathlib
import signal
import tarfile
import threading

import numpy as np
import pytest

import msio

DATA = pathlib.Path(os.environ.get("MSIO_TEST_DATA", pathlib.Path(__file__).parents[3] / "shared" / "data"))

# The tests use the package as it is installed; where it is patched is up to them.
os.environ.pop("MSIO_PATCH", None)
os.environ.pop("MSIO_SHADOW", None)

# What a shell runs in the background ignores Ctrl-C, and so would the programs that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def casacore_tables():
    return pytest.importorskip("casacore.tables", reason="python-casacore is not installed")


MANAGERS = ("StandardStMan", "IncrementalStMan", "TiledShapeStMan", "TiledColumnStMan")
SCALARS = {"B": True, "I": 0, "S": "", "D": 0.0, "C": 0j}


def make_table(ct, path, manager="StandardStMan", rows=37, seed=1):
    """A table with a column of each kind that the manager takes, full of random values."""
    rng = np.random.default_rng(seed)
    tiled = manager.startswith("Tiled")
    columns = []
    if not tiled:
        columns += [ct.makescacoldesc("SCALAR_" + name, value, datamanagertype=manager, datamanagergroup="a")
                    for name, value in SCALARS.items()]
        columns += [ct.makescacoldesc("SCALAR_" + name, value, valuetype=name, datamanagertype=manager,
                                      datamanagergroup="a")
                    for name, value in (("short", 0), ("float", 0.0), ("complex", 0j), ("uchar", 0))]
    types = {"float": 0.0, "double": 0.0, "complex": 0j, "dcomplex": 0j, "int": 0, "boolean": True, "short": 0}
    for name, value in types.items():
        group = f"t{name}" if tiled else "a"
        columns.append(ct.makearrcoldesc("ARRAY_" + name, value, ndim=2, shape=[3, 5], valuetype=name,
                                         datamanagertype=manager, datamanagergroup=group))
    if manager != "TiledColumnStMan":
        columns.append(ct.makearrcoldesc("VARY", 0.0, ndim=2, valuetype="float", datamanagertype=manager,
                                         datamanagergroup="vary"))
    if not tiled:
        columns.append(ct.makearrcoldesc("TEXTS", "", ndim=1, datamanagertype="StandardStMan",
                                         datamanagergroup="texts"))
        columns.append(ct.makearrcoldesc("LINE", 0.0, ndim=1, shape=[4], datamanagertype=manager,
                                         datamanagergroup="a"))
    table = ct.table(str(path), ct.maketabdesc(columns), nrow=rows, ack=False)
    fill(table, rng, rows)
    table.close()
    return str(path)


def fill(table, rng, rows):
    for name in table.colnames():
        kind = table.coldatatype(name)
        shape = () if table.isscalarcol(name) else (4,) if name == "LINE" else (3, 5)
        if name == "TEXTS":
            for row in range(0, rows, 3):
                table.putcell(name, row, [f"r{row}", "", "é"])
        elif name == "VARY":
            for row in range(rows):
                if row % 5 != 4:
                    table.putcell(name, row, rng.normal(size=(2 + row % 3, 4)).astype("f4"))
        elif kind == "string":
            table.putcol(name, [f"text {int(i)}" for i in rng.integers(0, 5, rows)])
        elif kind == "boolean":
            table.putcol(name, rng.integers(0, 2, (rows, *shape)).astype(bool))
        elif "complex" in kind:
            table.putcol(name, (rng.normal(size=(rows, *shape)) + 1j * rng.normal(size=(rows, *shape))))
        elif kind in ("float", "double"):
            table.putcol(name, rng.normal(size=(rows, *shape)))
        else:
            table.putcol(name, rng.integers(0, 9, (rows, *shape)))


@pytest.fixture(scope="session", params=MANAGERS)
def managed(request, tmp_path_factory, casacore_tables):
    """One table for each storage manager."""
    return make_table(casacore_tables, tmp_path_factory.mktemp("tables") / request.param, request.param)


@pytest.fixture
def own_table(tmp_path, casacore_tables):
    """A table that a test may write to."""
    return make_table(casacore_tables, tmp_path / "own.tab", rows=20)


def simulate_ms(path, **shape):
    """A Measurement Set, and its path; no test without casacore, which makes it."""
    try:
        msio.simulate_ms(path, **shape)
    except msio.CasacoreError as error:
        pytest.skip(str(error))
    return str(path)


@pytest.fixture(scope="session")
def simulated_ms(tmp_path_factory):
    return simulate_ms(tmp_path_factory.mktemp("simulated") / "obs.ms", antennas=6, times=12, subbands=3, channels=8)


@pytest.fixture
def own_ms(tmp_path):
    """A Measurement Set that a test may write to."""
    return simulate_ms(tmp_path / "own.ms", antennas=4, times=2, subbands=2, channels=4)


@pytest.fixture(scope="session")
def all_ms(simulated_ms, real_sets):
    return [simulated_ms, *real_sets]


@pytest.fixture(scope="session")
def real_sets(tmp_path_factory):
    """The real Measurement Sets, unpacked."""
    archives = sorted(DATA.glob("*.ms.tgz"))
    if not archives:
        pytest.skip(f"no Measurement Sets in {DATA}")
    where, found = tmp_path_factory.mktemp("real"), []
    for archive in archives:
        with tarfile.open(archive) as packed:
            packed.extractall(where / archive.name)
        found += [str(table.parent) for table in (where / archive.name).glob("*/table.dat")]
    return found


def rows_taken_by_threads(stream):
    """The first rows of its batches, which four threads take; a call that comes in between another is refused."""
    rows, wrong = [], []

    def work():
        while True:
            try:
                rows.append(next(stream).row)
            except StopIteration:
                return
            except ValueError as refused:
                if "another thread" not in str(refused):
                    wrong.append(refused)
                    return
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    return sorted(rows)


def same(a, b):
    """Whether two answers are the same: kinds, types, shapes, values, NaNs."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    return a == b or (a != a and b != b)


def agrees(ours, theirs):
    """The same values, or an exception of the same kind, or of a kind of it."""
    failed = [isinstance(given, tuple) and given and isinstance(given[0], type) for given in (ours, theirs)]
    if all(failed):
        return issubclass(ours[0], theirs[0])
    return not any(failed) and same(ours, theirs)


def outcome(call, *arguments, **keywords):
    """What a call gives, or the kind and words of its exception."""
    try:
        return call(*arguments, **keywords)
    except Exception as error:
        return type(error), str(error)
