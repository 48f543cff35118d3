"""Many tables in one long-lived process: descriptors stay within a quarter of their limit, and answers stay right."""
import os
import resource
import shutil

import numpy as np
import pytest
from conftest import simulate_ms

import msio

MANY = 150


@pytest.fixture(scope="module")
def sets(casacore_tables, tmp_path_factory):
    """Many small Measurement Sets, each with a scan number of its own."""
    folder = tmp_path_factory.mktemp("sets")
    simulate_ms(folder / "first.ms", antennas=3, times=2, subbands=2, channels=4)
    paths = []
    for i in range(MANY):
        paths.append(str(folder / f"{i}.ms"))
        shutil.copytree(folder / "first.ms", paths[-1])
        with casacore_tables.table(paths[-1], readonly=False, ack=False) as table:
            table.putcol("SCAN_NUMBER", np.full(len(table), i, dtype=np.int32))
    return paths


@pytest.fixture(params=[256, 1024])
def limit(request):
    """Lowers the limit of descriptors; how many more are open, besides what was before, is asked of it."""
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (request.param, usual[1]))
    yield lambda: (len(os.listdir("/proc/self/fd")) - before, request.param // 4)
    resource.setrlimit(resource.RLIMIT_NOFILE, usual)


def within(limit):
    more, quarter = limit()
    return more <= quarter


def test_metadata_of_many(sets, limit):
    for _ in range(2):
        for i, path in enumerate(sets):
            facts = msio.metadata(path)
            assert facts.scans == (i,) and len(facts.spectral_windows) == 2
            assert within(limit)


def test_metadata_that_the_caller_keeps(sets, limit):
    kept = [msio.metadata(path) for path in sets]
    assert within(limit)
    assert [facts.scans for facts in kept] == [(i,) for i in range(MANY)]
    assert all(len(facts.find_rows(scan=i)) == facts.rows for i, facts in enumerate(kept))
    assert within(limit)


def test_flags_of_many(sets, limit):
    first = msio.flags(sets[0])
    for _ in range(2):
        for path in sets:
            flags = msio.flags(path)
            assert (flags.flagged, flags.total) == (first.flagged, first.total)
            assert within(limit)


def test_reads_of_many(sets, limit):
    first = msio.read(sets[0], "DATA")
    for i, path in enumerate(sets):
        assert np.array_equal(msio.read(path, "DATA"), first)
        assert (msio.read(path, "SCAN_NUMBER") == i).all()
        assert within(limit)


def test_tables_that_stay_open(sets, limit):
    tables = [msio.Table(path) for path in sets]
    for _ in range(2):
        for i, table in enumerate(tables):
            assert (table.read("SCAN_NUMBER") == i).all()
            assert within(limit)
    for table in tables:
        table.close()


def test_the_drop_in(sets, limit):
    from msio.tables import table
    for i, path in enumerate(sets):
        with table(path, ack=False) as one:
            assert (one.getcol("SCAN_NUMBER") == i).all()
            assert one.getcell("DATA", 3).shape == (4, 2)
        assert within(limit)


def test_a_change_is_seen_after_giving_back(sets, casacore_tables, limit):
    for path in sets:
        msio.metadata(path)
    with casacore_tables.table(sets[0], readonly=False, ack=False) as table:
        table.putcol("SCAN_NUMBER", np.full(len(table), MANY, dtype=np.int32))
    try:
        assert msio.metadata(sets[0]).scans == (MANY,)
        assert msio.metadata(sets[1]).scans == (1,)
    finally:
        with casacore_tables.table(sets[0], readonly=False, ack=False) as table:
            table.putcol("SCAN_NUMBER", np.zeros(len(table), dtype=np.int32))


def test_others_took_them_all(sets, limit):
    """open() gets what msio gave back, and msio what it needs, though others took all that there were."""
    for path in sets[:40]:
        msio.metadata(path)
    taken = []
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    try:
        assert msio.metadata(sets[50]).scans == (50,)
        assert msio.metadata(sets[0]).scans == (0,)
        assert (msio.read(sets[60], "SCAN_NUMBER") == 60).all()
    finally:
        for one in taken:
            os.close(one)
    assert within(limit)


def test_groups_of_many(tmp_path, limit):
    for i in range(10):
        msio.simulate_uvh5(tmp_path, antennas=3, times=2, subbands=4, channels=4,
                           time=f"2025-10-05T10:{i * 6:02}:00")
    groups = msio.groups(tmp_path, subbands=4)
    assert len(groups) == 10
    loaded = [msio.load(group) for group in groups]
    assert within(limit)
    assert all(one.visdata.shape == loaded[0].visdata.shape for one in loaded)
    for group in groups:
        for path in group.paths:
            assert len(msio.uvh5_header(path)) > 3
    assert within(limit)
