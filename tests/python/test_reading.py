"""msio.read and msio.stream: python-casacore, h5py and numpy are the oracles."""
import os
import re
import pathlib
import signal
import subprocess
import sys
import threading
import time

import h5py
import numpy as np
import pytest

import msio
from msio import _msio
from conftest import DATA, agrees, make_table, rows_taken_by_threads, same

ROWS = {"all": None, "slice": slice(3, 40, 4), "backwards": slice(30, 2, -7), "beyond": slice(20, 10**9),
        "none": slice(9, 9), "one": 5, "last": -1, "list": [7, 7, 0, -2], "empty": []}
PARTS = {"all": None, "slice": slice(1, 5, 2), "end": slice(-2, None), "beyond": slice(1, 99), "one": 0, "last": -1,
         "none": slice(2, 2)}


def part_of(array, chans, corrs):
    """The part as numpy has it, where an integer keeps its axis."""
    for axis, wanted in ((-2, chans), (-1, corrs)):
        if isinstance(wanted, int):
            wanted = slice(wanted, wanted + 1 or None)
        if wanted is not None:
            array = array[(..., wanted) + (slice(None),) * (-1 - axis)]
    return array


@pytest.fixture(scope="module")
def ms(tmp_path_factory):
    path = tmp_path_factory.mktemp("reading") / "sim.ms"
    msio.simulate_ms(path, antennas=5, times=4, subbands=2, channels=8)
    return path


@pytest.fixture(scope="module")
def columns(ms, casacore_tables):
    """What python-casacore reads."""
    with casacore_tables.table(str(ms), ack=False) as table:
        return {name: table.getcol(name) for name in ("DATA", "FLAG", "UVW", "TIME", "WEIGHT", "ANTENNA1", "FLAG_ROW")}


@pytest.fixture(scope="module")
def h5(tmp_path_factory):
    """A file with datasets of many kinds."""
    path, rng = tmp_path_factory.mktemp("datasets") / "sets.hdf5", np.random.default_rng(3)
    with h5py.File(path, "w") as file:
        for kind in ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">f4", ">i2", ">f8", "c8", "c16", "?"):
            name = kind.replace(">", "big_").replace("?", "bool")
            values = rng.integers(0, 2 if kind == "?" else 99, (41, 6, 3)).astype(kind)
            file.create_dataset(f"plain/{name}", data=values)
            file.create_dataset(f"chunked/{name}", data=values, chunks=(8, 4, 3), compression="gzip", shuffle=True)
        file["line"] = np.arange(41.0)
        file["number"] = 42
        file["text"] = "words é"
        file["texts"] = [f"text {i}" for i in range(41)]
        file["record"] = np.zeros(4, dtype=[("a", "i4"), ("b", "f8")])
    return path


# ---------------------------------------------------------------- columns

@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("name", ["DATA", "FLAG", "UVW", "TIME"])
def test_rows(ms, columns, name, rows):
    wanted = {"all": slice(None), "empty": slice(0, 0)}.get(rows, ROWS[rows])
    assert same(msio.read(ms, name, rows=ROWS[rows]), np.asarray(columns[name][wanted]))


@pytest.mark.parametrize("chans", PARTS)
@pytest.mark.parametrize("corrs", ["all", "one", "last", "none", "beyond"])
def test_parts_of_cells(ms, columns, chans, corrs):
    chans, corrs = PARTS[chans], PARTS[corrs]
    for rows in (None, slice(2, 9), 3):
        expected = part_of(columns["DATA"][rows if rows is not None else slice(None)], chans, corrs)
        assert same(msio.read(ms, "DATA", rows=rows, chans=chans, corrs=corrs), expected)
    assert same(msio.read(ms, "UVW", corrs=slice(1, 3)), columns["UVW"][:, 1:3])


def test_a_mask_selects_where_it_is_true(ms, columns):
    mask = columns["ANTENNA1"] == 1
    assert same(msio.read(ms, "DATA", rows=mask), columns["DATA"][mask])
    assert same(msio.read(ms, "TIME", rows=list(mask)), columns["TIME"][mask])
    assert len(msio.read(ms, "TIME", rows=np.zeros(len(mask), bool))) == 0
    with pytest.raises(IndexError, match="mask"):
        msio.read(ms, "DATA", rows=mask[1:])
    with msio.Table(ms) as table:
        assert same(table.read("TIME", rows=mask), columns["TIME"][mask])
        assert table.read("TIME", rows=[]).shape == (0,)
        for wrong in (mask[1:], [0.5, 1], [[0, 1]], ["0"]):
            with pytest.raises(IndexError):
                table.read("TIME", rows=wrong)


@pytest.mark.parametrize("how, kind", [
    (dict(rows=10**6), IndexError), (dict(rows=-10**6), IndexError), (dict(rows=[0, 10**6]), IndexError),
    (dict(rows=[0.5]), TypeError), (dict(rows="x"), TypeError), (dict(rows=[[1, 2]]), TypeError),
    (dict(chans=8), IndexError), (dict(chans=-9), IndexError), (dict(corrs=2), IndexError),
    (dict(rows=2**70), IndexError), (dict(rows=[0, -2**70]), IndexError), (dict(chans=True), TypeError),
    (dict(chans=[1, 2]), TypeError), (dict(chans=1.5), TypeError), (dict(chans=slice(5, 1, -1)), ValueError)])
def test_what_cannot_be(ms, how, kind):
    with pytest.raises(msio.RangeError if kind is IndexError else kind):
        msio.read(ms, "DATA", **how)


def test_an_error_names_the_row_that_was_asked_for(ms, h5):
    for path, column in (ms, "TIME"), (h5, "plain/f4"):
        for rows in (-5001, [0, -5001]):
            with pytest.raises(msio.RangeError, match="-5001"):
                msio.read(path, column, rows=rows)


def test_a_name_with_a_zero_in_it_is_no_columns(ms):
    with msio.Table(ms) as table:
        for call in (table.read, table.read_cells, table.describe, table.reader, lambda name: msio.stream(ms, name)):
            with pytest.raises(ValueError, match="zero"):
                call("DATA\0X")


def test_axes_that_are_not_there(ms):
    for name, how in (("UVW", dict(chans=0)), ("TIME", dict(corrs=0)), ("TIME", dict(chans=slice(0, 1)))):
        with pytest.raises(ValueError, match="no axis"):
            msio.read(ms, name, **how)
    with pytest.raises(TypeError, match="name of a column"):
        msio.read(ms, 3)


def test_strings(ms, casacore_tables):
    with casacore_tables.table(str(ms / "ANTENNA"), ack=False) as table:
        names = table.getcol("NAME")
    assert msio.read(ms / "ANTENNA", "NAME") == names and msio.read(f"{ms}::ANTENNA", "NAME", rows=-1) == names[-1]
    assert msio.read(ms / "ANTENNA", "NAME", rows=[2, 0]) == [names[2], names[0]]
    for how in (dict(chans=0), dict(corrs=0), dict(out=np.zeros(5))):
        with pytest.raises(ValueError, match="strings"):
            msio.read(ms / "ANTENNA", "NAME", **how)


def test_cells_whose_shape_varies(tmp_path, casacore_tables):
    """The wanted rows tell the shape: VARY has cells of 2, 3, 4, 2, ... lines, and a fifth of them is not there."""
    path = make_table(casacore_tables, tmp_path / "vary.tab", "TiledShapeStMan", rows=30)
    with casacore_tables.table(path, ack=False) as table:
        for rows in ([0, 3, 6], [1], 2, slice(0, 19, 6)):
            numbers = [rows] if isinstance(rows, int) else list(range(30)[rows]) if isinstance(rows, slice) else rows
            cells = np.array([table.getcell("VARY", row) for row in numbers])
            for chans in (None, slice(-1, None), 0, slice(1, 99)):
                expected = part_of(cells[0] if isinstance(rows, int) else cells, chans, slice(1, 3))
                assert same(msio.read(path, "VARY", rows=rows, chans=chans, corrs=slice(1, 3)), expected)
    for kind, rows in ((msio.ShapeError, [0, 1]), (msio.UndefinedError, [4])):
        with pytest.raises(kind):
            msio.read(path, "VARY", rows=rows, chans=slice(0, 1))


def test_every_manager(managed, casacore_tables):
    with casacore_tables.table(managed, ack=False) as table:
        for name in table.colnames():
            if name not in ("VARY", "TEXTS"):
                expected = table.getcol(name)
                ours = msio.read(managed, name)
                assert same(ours, expected) if isinstance(expected, list) else np.array_equal(ours, expected), name


def test_real_sets(real_sets, casacore_tables):
    """Cell by cell, because getcol of cells that vary ends the process in some versions of casacore."""
    for path in real_sets:
        with casacore_tables.table(path, ack=False) as table:
            rows = range(table.nrows())
            for name in table.colnames():
                cells = [table.getcell(name, row) if table.iscelldefined(name, row) else None for row in rows]
                if table.coldatatype(name) == "string":
                    continue
                try:
                    ours = msio.read(path, name)
                except msio.UndefinedError:
                    assert any(cell is None for cell in cells), (path, name)
                except msio.ShapeError:
                    assert len({np.shape(cell) for cell in cells}) > 1, (path, name)
                else:
                    assert np.array_equal(ours, np.array(cells), equal_nan=ours.dtype.kind in "fc"), (path, name)


# ---------------------------------------------------------------- the caller's array

def test_out_is_filled_as_it_is(ms, columns):
    wide = np.zeros((len(columns["DATA"]), 3, 4), "c8")
    assert msio.read(ms, "DATA", chans=slice(2, 5), out=wide[:, :, ::2]) is not None
    assert np.array_equal(wide[:, :, ::2], columns["DATA"][:, 2:5]) and not wide[:, :, 1::2].any()
    with pytest.raises(ValueError):
        msio.read(ms, "DATA", out=np.zeros((1, *columns["DATA"].shape), "c8"))
    nothing = np.zeros((len(columns["DATA"]), 0, 2), "c8")
    assert msio.read(ms, "DATA", chans=slice(1, 1), out=nothing) is nothing
    with pytest.raises(ValueError):
        msio.read(ms, "DATA", chans=slice(1, 1), out=wide)


@pytest.mark.parametrize("form", ["contiguous", "strided", "turned", "unaligned"])
def test_out_of_a_dataset(h5, form):
    expected = msio.read(h5, "chunked/c8")
    if form == "unaligned":
        out = np.zeros(expected.nbytes + 1, "u1")[1:].view("c8").reshape(expected.shape)
    else:
        out = {"contiguous": np.zeros_like(expected), "strided": np.zeros((41, 6, 6), "c8")[:, :, ::2],
               "turned": np.zeros((3, 6, 41), "c8").T}[form]
    assert msio.read(h5, "chunked/c8", out=out) is out and np.array_equal(out, expected)


@pytest.mark.parametrize("chans, size", [(slice(None), 6), (slice(2, 2), 0)])
def test_out_that_does_not_fit(h5, ms, chans, size):
    rows, fixed = msio.metadata(ms).rows, np.zeros((41, size, 3), "f4")
    for path, column, right in (h5, "plain/f4", fixed), (ms, "DATA", np.zeros((rows, size if not size else 8, 2), "c8")):
        frozen = right.copy()
        frozen.flags.writeable = False
        for out in (right[np.newaxis], right[..., :1], right[1:]):
            with pytest.raises(ValueError, match=re.escape(f"{out.shape}, the answer of {right.shape}")):
                msio.read(path, column, chans=chans, out=out)
        for out in (np.zeros(right.shape, kind) for kind in ("i2", "c16", right.dtype.newbyteorder())):
            with pytest.raises(TypeError, match=f"{out.dtype}, the answer of {right.dtype}"):
                msio.read(path, column, chans=chans, out=out)
        for out in ([1, 2], 3.0):
            with pytest.raises(TypeError, match=type(out).__name__):
                msio.read(path, column, chans=chans, out=out)
        for out in (frozen, frozen[::-1]):
            with pytest.raises(ValueError, match="may not be written"):
                msio.read(path, column, chans=chans, out=out)


def test_out_of_one_row(h5):
    out = np.zeros((6, 3), "f4")
    msio.read(h5, "plain/f4", rows=4, out=out)
    assert np.array_equal(out, msio.read(h5, "plain/f4")[4])


# ---------------------------------------------------------------- datasets

def test_datasets_of_every_type(h5):
    with h5py.File(h5) as file:
        for name in [f"{where}/{kind}" for where in ("plain", "chunked") for kind in file[where]]:
            expected, ours = file[name][()], msio.read(h5, name)
            assert ours.dtype == expected.dtype.newbyteorder("=") and np.array_equal(ours, expected), name


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("chans", PARTS)
def test_parts_of_datasets(h5, rows, chans):
    rows, chans = ROWS[rows], PARTS[chans]
    whole = msio.read(h5, "chunked/f8")
    wanted = slice(None) if rows is None else slice(0, 0) if rows == [] else rows
    for corrs in (None, 1, slice(0, 99, 2)):
        assert same(msio.read(h5, "chunked/f8", rows=rows, chans=chans, corrs=corrs),
                    part_of(whole[wanted], chans, corrs))


def test_masks_of_datasets(h5):
    whole = msio.read(h5, "plain/i4")
    mask = whole[:, 0, 0] > 50
    assert same(msio.read(h5, "plain/i4", rows=mask), whole[mask])
    with pytest.raises(IndexError, match="mask"):
        msio.read(h5, "plain/i4", rows=mask[:5])


def test_texts_and_numbers(h5):
    assert msio.read(h5, "text") == "words é" and msio.read(h5, "number") == 42
    assert msio.read(h5, "texts") == [f"text {i}" for i in range(41)]
    assert msio.read(h5, "texts", rows=3) == "text 3" and msio.read(h5, "texts", rows=[3]) == ["text 3"]
    with pytest.raises(ValueError, match="strings"):
        msio.read(h5, "texts", out=np.zeros(41))


@pytest.mark.parametrize("name, how, kind", [
    ("nothing", {}, KeyError), ("plain/f4", dict(rows=41), IndexError), ("plain/f4", dict(chans=6), IndexError),
    ("plain/f4", dict(corrs=-4), IndexError), ("line", dict(corrs=0), ValueError), ("line", dict(chans=0), ValueError),
    ("record", {}, msio.Error), ("plain/f4", dict(rows=[1.5]), TypeError), ("number", dict(rows=1), IndexError)])
def test_what_datasets_cannot(h5, name, how, kind):
    with pytest.raises(kind):
        msio.read(h5, name, **how)


def test_what_a_dataset_is(h5):
    with h5py.File(h5) as file:
        assert sorted(_msio.dataset_names(h5)) == sorted(
            ["line", "number", "text", "texts", "record"] + [f"{w}/{k}" for w in ("plain", "chunked") for k in file[w]])
    told = _msio.describe_dataset(h5, "chunked/i2")
    assert told["shape"] == (41, 6, 3) and told["chunk"] == (8, 4, 3)
    assert told["native"] and "deflate" in told["filters"]
    assert _msio.describe_dataset(h5, "number")["shape"] == () and _msio.describe_dataset(h5, "line")["chunk"] is None


def test_paths(ms, h5, tmp_path):
    for path in (str(ms), pathlib.Path(ms), os.fsencode(ms)):
        assert len(msio.read(path, "TIME")) == 120
    assert msio.read(os.fsencode(h5), "number") == 42
    (tmp_path / "words.txt").write_text("no HDF5 file")
    with pytest.raises(msio.Error):
        msio.read(tmp_path / "words.txt", "TIME")
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(FileNotFoundError):
            msio.read(path, "TIME")


def test_real_datasets():
    files = sorted(DATA.glob("*.uvh5"))
    if not files:
        pytest.skip(f"no UVH5 files in {DATA}")
    for path in files:
        with h5py.File(path) as file:
            for name in _msio.dataset_names(path):
                expected, told = file[name][()], _msio.describe_dataset(path, name)
                if told["type"] == "String":
                    ours, expected = msio.read(path, name), np.atleast_1d(expected).ravel().tolist()
                    ours = [ours] if isinstance(ours, str) else ours
                    assert ours == [text.decode().rstrip(" \0") for text in expected], name
                elif expected.dtype.names == ("r", "i"):
                    assert np.array_equal(msio.read(path, name), expected["r"] + 1j * expected["i"]), name
                elif isinstance(expected, h5py.Empty):
                    assert msio.read(path, name).size == 0, name
                elif told["type"] != "Record":
                    assert np.array_equal(msio.read(path, name), expected), name


def test_progress(ms, h5, capsys):
    msio.read(ms, "DATA", progress=True)
    msio.read(h5, "plain/f4", progress=True)
    assert "reading DATA" in capsys.readouterr().err


# ---------------------------------------------------------------- streams

@pytest.mark.parametrize("how", [{}, dict(rows_per_batch=7), dict(memory=20000),
                                 dict(rows=slice(5, 90, 3), rows_per_batch=4), dict(rows=[9, 3, 3, 100]),
                                 dict(rows=slice(50, 3, -2), rows_per_batch=5),
                                 dict(rows=np.arange(120) % 3 == 0, rows_per_batch=9), dict(rows=[]), dict(threads=1)])
def test_batches_make_up_the_selection(ms, columns, how):
    rows, names, seen = how.get("rows", slice(None)), ["DATA", "FLAG", "TIME"], []
    with msio.stream(ms, names, **how) as batches:
        for batch in batches:
            assert list(batch) == names and batch.row == sum(b.rows for b in seen)
            assert batch.rows == len(batch["TIME"]) <= how.get("rows_per_batch", 120)
            seen.append(batch)
    expected = {name: columns[name][rows if not isinstance(rows, list) or rows else slice(0, 0)] for name in names}
    for name in names:
        assert not len(expected[name]) if not seen else same(np.concatenate([b[name] for b in seen]), expected[name])


def test_parts_of_streams(ms, columns):
    for chans in PARTS.values():
        stream = msio.stream(ms, ["TIME", "DATA", "UVW"], chans=chans, rows_per_batch=50)
        assert same(np.concatenate([batch["DATA"] for batch in stream]), part_of(columns["DATA"], chans, None))
    both = next(msio.stream(ms, ["DATA", "WEIGHT"], corrs=-1))
    assert same(both["DATA"], columns["DATA"][..., 1:]) and same(both["WEIGHT"], columns["WEIGHT"][:, 1:])
    for names, how in ((["DATA", "UVW"], dict(corrs=0)), (["TIME"], dict(chans=0)), (["UVW", "TIME"], dict(chans=0))):
        with pytest.raises(ValueError):
            msio.stream(ms, names, **how)


def test_streams_of_cells_that_vary(tmp_path, casacore_tables):
    path = make_table(casacore_tables, tmp_path / "vary.tab", "TiledShapeStMan", rows=30)
    with casacore_tables.table(path, ack=False) as table:
        expected = np.array([table.getcell("VARY", row) for row in (1, 7, 13)])
    (batch,) = msio.stream(path, "VARY", rows=[1, 7, 13], chans=slice(1, None))
    assert same(batch["VARY"], expected[:, 1:])


def test_batches_own_their_arrays(ms, columns):
    kept = [batch["DATA"] for batch in msio.stream(ms, "DATA", rows_per_batch=10)]
    for array in kept:
        array *= 2
    assert np.array_equal(np.concatenate(kept), 2 * columns["DATA"])


def test_large_batches_own_theirs_too(tmp_path):
    msio.simulate_ms(tmp_path / "large.ms", antennas=30, times=4, subbands=2, channels=64)
    kept = [batch["DATA"] for batch in msio.stream(tmp_path / "large.ms", "DATA", rows_per_batch=1500)]
    assert kept[0].nbytes > 1 << 20
    assert np.array_equal(np.concatenate(kept), msio.read(tmp_path / "large.ms", "DATA"))


def test_the_end_of_a_stream(ms):
    stream = msio.stream(ms, "TIME", rows_per_batch=60)
    assert len(list(stream)) == 2
    for _ in range(2):
        with pytest.raises(StopIteration):
            next(stream)
    with msio.stream(ms, "TIME", rows_per_batch=1) as stream:
        next(stream)
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        next(stream)


@pytest.mark.parametrize("names, how, kind", [
    (["NONE"], {}, KeyError), ([], {}, ValueError), ([3], {}, TypeError), ("DATA", dict(memory=10), ValueError),
    ("DATA", dict(memory=-1), ValueError), ("DATA", dict(rows_per_batch=0), ValueError),
    ("DATA", dict(rows=[120]), IndexError), ("DATA", dict(rows=[0.5]), TypeError), ("DATA", dict(chans=9), IndexError)])
def test_streams_that_cannot_be(ms, names, how, kind):
    with pytest.raises(kind):
        list(msio.stream(ms, names, **how))
    with pytest.raises(TypeError):
        _msio.ColumnStream(object(), ("DATA",), None, (0, -1, 1), (0, -1, 1), 0, 0, 0)


def test_one_thread_at_a_time(ms):
    """What several threads take from one stream is each row once; a call that comes in between is refused."""
    assert rows_taken_by_threads(msio.stream(ms, ["DATA", "FLAG"], rows_per_batch=1)) == list(range(120))


def test_other_threads_run_meanwhile(ms):
    """Streams of one table on several threads."""
    expected, wrong = msio.read(ms, "DATA"), []

    def work():
        for _ in range(5):
            got = np.concatenate([batch["DATA"] for batch in msio.stream(ms, "DATA", rows_per_batch=17)])
            if not np.array_equal(got, expected):
                wrong.append(got)
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


INTERRUPTED = """
import os, signal, sys, threading, time
import msio
told = []
def later():
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=later).start()
try:
    while True:
        for batch in msio.stream(sys.argv[1], ["DATA", "FLAG"], rows_per_batch=500):
            pass
except KeyboardInterrupt:
    print("stopped")
"""


def test_ctrl_c_ends_a_stream(ms):
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, str(ms)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "stopped\n", done.stderr


def test_a_stream_that_was_interrupted(ms):
    """A handler's exception ends the call that waits; the stream can be closed afterwards."""
    class Enough(Exception):
        pass

    def raise_it(*_):
        raise Enough

    before = signal.signal(signal.SIGALRM, raise_it)
    try:
        stream = msio.stream(ms, "DATA", rows_per_batch=1)
        with pytest.raises(Enough):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            end = time.monotonic() + 30
            while time.monotonic() < end:
                for _ in stream:
                    pass
                stream = msio.stream(ms, "DATA", rows_per_batch=1)
        stream.close()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_fewer_than_no_threads(ms):
    for call in (lambda: msio.read(ms, "TIME", threads=-1), lambda: next(msio.stream(ms, "TIME", threads=-1)),
                 lambda: msio.flags(ms, threads=-1), lambda: msio.load(ms, threads=-1)):
        with pytest.raises(msio.ArgumentError, match="-1 threads asked for"):
            call()


@pytest.mark.parametrize("before", ["", "x"])
def test_messages_that_end_within_a_character(tmp_path, before):
    with pytest.raises(msio.ArgumentError, match="the pattern"):
        msio.groups(tmp_path, pattern=before + "\u00e9" * 600)


def test_wrong_arguments_agree_with_numpy(ms, columns):
    """Any index that numpy refuses is refused, by an exception of its kind."""
    for index in (200, -121, [0, 500], slice(None, None, 0)):
        def ours():
            return msio.read(ms, "TIME", rows=index)

        def theirs():
            return columns["TIME"][index]
        given = []
        for call in (ours, theirs):
            try:
                given.append(call())
            except Exception as failed:  # noqa: BLE001: any kind is compared
                given.append((type(failed), str(failed)))
        assert agrees(*given), (index, given)
