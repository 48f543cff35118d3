"""Density grids against numpy's histogram2d over what python-casacore reads; pictures, and the command that draws them."""
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import msio

ct = pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
COMMAND = [sys.executable, "-c", "import _msio_command; _msio_command.main()"]
SKY = "Format = Name, Type, Ra, Dec, I, Q\na, POINT, 285.3deg, 16.2deg, 3, 0.5\n"


@pytest.fixture(scope="module")
def ms(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plots")
    (folder / "sky.txt").write_text(SKY)
    try:
        msio.simulate_ms(folder / "a.ms", antennas=9, times=3, subbands=2, channels=12, sky=folder / "sky.txt", noise=0.5)
    except msio.CasacoreError as error:
        pytest.skip(str(error))
    shape = column(folder / "a.ms", "FLAG").shape
    msio.write(folder / "a.ms", "FLAG", np.random.default_rng(1).random(shape) < 0.2)
    return folder / "a.ms"


def column(path, name):
    with ct.table(str(path), ack=False) as t:
        return t.getcol(name)


def test_density(ms):
    data, flag, uvw = column(ms, "DATA"), column(ms, "FLAG"), column(ms, "UVW")
    found = msio.density(ms, "uvdist", "amp", bins=(64, 32))
    distance = np.broadcast_to(np.hypot(uvw[:, 0], uvw[:, 1])[:, None, None], data.shape)
    amplitude = np.abs(data.astype(complex))
    want, _, _ = np.histogram2d(distance[~flag], amplitude[~flag], [found.x_edges, found.y_edges])
    np.testing.assert_array_equal(found.count, want.T)
    assert found.points == (~flag).sum() and found.outside == found.not_finite == 0 and found.flagged is None
    assert (found.x, found.y, found.x_unit) == ("uvdist", "amp", "m") and "amp against uvdist" in repr(found)
    assert found.rows == len(data) and 32 < found.count.shape[1] <= 64
    assert amplitude[~flag].max() < found.y_edges[-1]


def test_flags_ranges_and_selections(ms):
    flag, window = column(ms, "FLAG"), column(ms, "DATA_DESC_ID")
    found = msio.density(ms, "chan", "time", flags=True, spw=1, corr=0, threads=2)
    mine = flag[window == 1][:, :, 0].reshape(3, -1, 12)
    np.testing.assert_array_equal(found.count, np.full((3, 12), mine.shape[1]))
    np.testing.assert_array_equal(found.flagged, mine.sum(axis=1))
    part = msio.density(ms, "chan", "phase", y_range=(0, 90), bins=(12, 9))
    assert part.outside > 0 and part.points + part.outside == (~flag).sum()
    np.testing.assert_allclose(part.y_edges, np.arange(0, 91, 10))


def test_errors(ms):
    for wrong, words in ((dict(x="colour"), "colour"), (dict(x="amp"), "same"), (dict(bins=(1, 5)), "bins"), (dict(y_range=(3, 2)), "y_range"),
                         (dict(field=99), "no row"), (dict(corr=-1), "index")):
        with pytest.raises(ValueError, match=words):
            msio.density(ms, **wrong)
    with pytest.raises(msio.ColumnError):
        msio.density(ms, column="NOTHING")
    with pytest.raises(TypeError):
        msio.density(ms, bins=(1.5, 5))


# ---------------------------------------------------------------- pictures

def handed_over(density):
    """As `msio plot` hands a grid to `python -m msio.plot`."""
    def scale(name, unit, edges):
        return [name, unit, len(edges) - 1, float(edges[0]), float(edges[1] - edges[0])]
    head = {"x": scale(density.x, density.x_unit, density.x_edges), "y": scale(density.y, density.y_unit, density.y_edges),
            "flagged": density.flagged is not None, "rows": density.rows, "points": density.points,
            "outside": density.outside, "not_finite": density.not_finite, "antennas": density.antennas}
    return json.dumps(head).encode() + b"\n" + density.count.tobytes() + (b"" if density.flagged is None else density.flagged.tobytes())


def test_a_grid_is_handed_over(ms):
    from msio import plot
    for flags in (False, True):
        sent = msio.density(ms, "u", "v", flags=flags)
        got = plot.read(io.BytesIO(handed_over(sent)))
        np.testing.assert_array_equal(got.count, sent.count)
        np.testing.assert_array_equal(got.x_edges, sent.x_edges)
        assert (got.flagged is None) == (not flags) and vars(got).keys() == vars(sent).keys()
        with pytest.raises(ValueError, match="ends before"):
            plot.read(io.BytesIO(handed_over(sent)[:-8]))


@pytest.mark.parametrize("axes", [("uvdist", "amp"), ("time", "phase"), ("freq", "real"), ("baseline", "amp"), ("u", "v"),
                                  ("flag", "antenna"), ("chan", "time")])
def test_every_kind_of_axis_is_drawn(ms, tmp_path, axes):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    from msio import plot
    for flags in (False, True):
        found = msio.density(ms, *axes, flags=flags)
        plot.draw(found, tmp_path / "a.png", title="a $b_ title")
        assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
        (picture,) = plot.figure(found).axes[0].images
        shown = picture.get_array()
        assert (shown.mask == ((found.count if set(axes) != {"u", "v"} or flags else found.count + found.count[::-1, ::-1]) == 0)).all()
        if flags:
            np.testing.assert_array_equal(shown.compressed(), (found.flagged / np.maximum(found.count, 1))[found.count > 0])
    plot.draw(found, tmp_path / "a.svg")
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()


def test_no_point_at_all(ms):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    from msio import plot
    plot.draw(msio.density(ms, "time", "amp", y_range=(1e6, 2e6)), io.BytesIO(), "png")


def test_the_command(ms, tmp_path):
    image = pytest.importorskip("matplotlib.image", reason="matplotlib is not installed")
    done = subprocess.run([*COMMAND, "plot", ms, "--x", "chan", "--y", "amp", "--out", tmp_path / "a.png", "--json"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told, found = json.loads(done.stdout), msio.density(ms, "chan", "amp")
    assert told["points"] == found.points and told["y"]["bins"] == len(found.y_edges) - 1
    shown = image.imread(tmp_path / "a.png")
    assert len(np.unique(shown[::3, ::3].reshape(-1, shown.shape[2]), axis=0)) > 10  # a cell's colour tells its count
    assert (shown[:, :, :3] == 1).all(axis=2).mean() > 0.2
    done = subprocess.run([*COMMAND, "plot", ms, "--x", "u", "--y", "v", "--out", tmp_path / "a.svg"], capture_output=True, text=True)
    assert done.returncode == 0 and b"<svg" in (tmp_path / "a.svg").read_bytes()


def test_the_program_that_draws_tells_what_it_lacks(tmp_path):
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'matplotlib'\")")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-m", "msio.plot", "png"], input=b"", capture_output=True, env=environment)
    assert done.returncode and b"No module named 'matplotlib'" in done.stderr and not done.stdout
    assert subprocess.run([sys.executable, "-m", "msio.plot"], input=b"", capture_output=True).returncode == 2
