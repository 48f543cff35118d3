"""Real Measurement Sets, copied and written column by column with changed values: by the package and by the command.

python-casacore compares every cell of every column, those that were not written included.
"""
import json
import os
import pathlib
import shutil
import subprocess

import numpy as np
import pytest

import msio
from msio.writing import _DTYPES

ct = pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
MSIO = pathlib.Path(msio.__file__).parent / "msio"  # the command
TABLES = ("", "ANTENNA", "FIELD", "SPECTRAL_WINDOW", "POLARIZATION", "DATA_DESCRIPTION")
# Columns that are written by msio natively, in the main tables, at least: so that this tests what it is to test.
LEAST = ("DATA", "FLAG", "UVW", "ANTENNA1", "ANTENNA2")


def cells(table, name):
    return [table.getcell(name, row) if table.iscelldefined(name, row) else None for row in range(table.nrows())]


def all_cells(path):
    with ct.table(path, ack=False) as table:
        return {name: cells(table, name) for name in table.colnames()}


def same(a, b):
    """Whether two cells are: NaNs and strings too."""
    if a is None or b is None:
        return a is b
    if isinstance(a, (np.ndarray, float, complex)):
        return np.shape(a) == np.shape(b) and np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind in "fc")
    return a == b


def changed(values, salt):
    """Other values of the same type, different from row to row."""
    values = np.asarray(values)
    if values.dtype == bool:
        return (np.arange(values.size).reshape(values.shape) * 5 + salt) % 3 == 0
    if values.dtype.kind in "iu":
        return values[::-1].copy() if salt % 2 else np.roll(values, salt)
    return (values * values.dtype.type(-0.5) + values.dtype.type(salt)).astype(values.dtype)


def rows_of_one_shape(found):
    """Lists of rows by the shape of their cells; rows without a cell are in none."""
    shapes = {}
    for row, cell in enumerate(found):
        if cell is not None:
            shapes.setdefault(np.shape(cell), []).append(row)
    return shapes


def write_by_package(path, name, expected):
    for shape, rows in rows_of_one_shape(expected).items():
        values = changed(msio.read(path, name, rows=rows), 3)
        msio.write(path, name, values, rows=rows)
        for row, value in zip(rows, values):
            expected[row] = value


def write_by_command(path, name, expected, folder):
    """The last rows that have one shape; whether msio itself wrote them, and not casacore for it."""
    whole = list(reversed(expected))
    rows = next((i for i, cell in enumerate(whole) if cell is None or np.shape(cell) != np.shape(whole[0])), len(whole))
    rows = (rows + 1) // 2
    if whole[0] is None or not rows:
        return False
    first = len(expected) - rows
    values = changed(msio.read(path, name, rows=slice(first, None)), 5)
    np.save(folder / "in.npy", values)
    done = subprocess.run([MSIO, "write", path, name, "--in", folder / "in.npy", "--rows", f"{first}:", "--force", "--json"],
                          capture_output=True, text=True)
    if done.returncode == 3 and "not written natively" in done.stderr:
        return False  # casacore would change rows before these, too: all_cells tells that nothing was
    assert done.returncode == 0, done.stderr
    expected[first:] = values
    return json.loads(done.stdout)["way"] == "native"


def write_columns(path, folder):
    """Writes all that can be written; the names of the columns that msio wrote without casacore."""
    expected, written = all_cells(path), []
    for name in expected:
        with msio.Table(path) as table:
            described = table.describe(name)
        if described["type"] not in _DTYPES or not any(cell is not None for cell in expected[name]):
            continue
        before = list(expected[name])
        try:
            write_by_package(path, name, expected[name])
        except msio.UnsupportedError:
            assert expected[name] == before or all(map(same, expected[name], before))
            continue
        if write_by_command(path, name, expected[name], folder):
            written.append(name)
    left = all_cells(path)
    for name, wanted in expected.items():
        wrong = [row for row, (a, b) in enumerate(zip(left[name], wanted)) if not same(a, b)]
        assert len(left[name]) == len(wanted) and not wrong, (path, name, wrong[:5])
    return written


@pytest.mark.parametrize("which", [0, 1, 2])
def test_columns_of_real_sets(real_sets, which, tmp_path):
    if which >= len(real_sets):
        pytest.skip(f"there are {len(real_sets)} sets")
    path = str(shutil.copytree(real_sets[which], tmp_path / "own.ms"))
    written = write_columns(path, tmp_path)
    assert set(LEAST) <= set(written)
    for name in TABLES[1:]:
        write_columns(os.path.join(path, name), tmp_path)
    assert msio.repair(path) is None


@pytest.mark.parametrize("which", [0, 1, 2])
def test_copies_and_new_columns_of_real_sets(real_sets, which, tmp_path):
    """A column beside DATA, made and filled by the command and by the package."""
    if which >= len(real_sets):
        pytest.skip(f"there are {len(real_sets)} sets")
    path = str(shutil.copytree(real_sets[which], tmp_path / "own.ms"))
    before = all_cells(path)
    done = subprocess.run([MSIO, "copy", path, "DATA", "BY_COMMAND", "--make"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    msio.add_columns(path, "BY_PACKAGE", like="DATA")
    for rows in rows_of_one_shape(before["DATA"]).values():
        msio.copy(path, "DATA", "BY_PACKAGE", rows=rows)
    left = all_cells(path)
    for name in ("BY_COMMAND", "BY_PACKAGE"):
        assert all(map(same, left.pop(name), before["DATA"])), name
    assert list(left) == list(before) and all(all(map(same, left[name], before[name])) for name in before)
