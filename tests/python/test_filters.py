"""HDF5 filters of hdf5plugin: what it packed is read as h5py reads it, natively where msio knows the filter."""
import itertools
import json
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

import msio
from msio import _msio

hdf5plugin = pytest.importorskip("hdf5plugin", reason="hdf5plugin is not installed")
if not hdf5plugin.get_config().build_config.embedded_filters:
    pytest.skip("this hdf5plugin has no filters of its own", allow_module_level=True)

PROGRAM = os.path.join(os.path.dirname(msio.__file__), "msio")
SHAPES = [((37, 11, 2), (8, 5, 2)), ((100, 64, 4), (50, 64, 4)), ((7, 3, 1), (7, 3, 1)), ((5, 1), (2, 1))]
TYPES = ["?", "u1", "<i2", "<f4", "<f8", "<c8", "<c16", ">f4", [("r", "<i4"), ("i", "<i4")], [("r", "<i2"), ("i", "<i2")]]


def native():
    """Filters that msio decodes itself: what `filters` tells of them, and how h5py is told."""
    p = hdf5plugin
    for block, codec in itertools.product((0, 8, 512), ("none", "lz4", "zstd")):
        yield "bitshuffle" + ("" if codec == "none" else "+" + codec), p.Bitshuffle(nelems=block, cname=codec)
    for level in (1, 19):
        yield "zstd", p.Zstd(clevel=level)
    for block in (0, 100, 4096):
        yield "lz4", p.LZ4(nbytes=block)
    for codec, shuffle in itertools.product(("blosclz", "lz4", "lz4hc", "zlib", "zstd"), (0, 1, 2)):
        yield "blosc+" + codec, p.Blosc(cname=codec, shuffle=shuffle)


NATIVE = list(native())


def values(dtype, shape, rng):
    """Half of it noise, half of it runs."""
    dtype = np.dtype(dtype)
    if dtype.names:
        made = np.zeros(shape, dtype)
        made["r"], made["i"] = values(dtype["r"], shape, rng), values(dtype["i"], shape, rng)
        return made
    numbers = rng.integers(0, 2 if dtype.kind == "b" else 100, shape)
    numbers[: shape[0] // 2] = 1
    return (numbers * (1 + 2j)).astype(dtype) if dtype.kind == "c" else numbers.astype(dtype)


def as_delivered(array):
    if array.dtype.names:
        array = array["r"].astype("f8") + 1j * array["i"]
    return array


@pytest.mark.parametrize("number", range(len(NATIVE)), ids=[f"{n}-{k.filter_options}" for n, k in NATIVE])
def test_every_filter_type_and_shape(tmp_path, number):
    said, how = NATIVE[number]
    path, rng, wanted = tmp_path / "packed.h5", np.random.default_rng(number), {}
    with h5py.File(path, "w") as file:
        for i, (dtype, (shape, chunk), more) in enumerate(itertools.product(
                TYPES, SHAPES, ({}, {"shuffle": True}, {"fletcher32": True}))):
            file.create_dataset(str(i), data=values(dtype, shape, rng), chunks=chunk, **more, **how)
    with h5py.File(path) as file:
        for name, dataset in file.items():
            told = _msio.describe_dataset(path, name)
            filters = [f for f in ("shuffle", "fletcher32") if getattr(dataset, f)]
            filters.insert(bool(dataset.shuffle), said)
            assert told["filters"].replace("fletcher32, " + said, said + ", fletcher32") == ", ".join(filters)
            # HDF5 puts fletcher32 behind: of tiny blocks msio holds what comes of them
            assert told["native"], (name, told["why_not"])
            found, expected = msio.read(path, name), as_delivered(dataset[()])
            assert np.array_equal(found, expected), (name, told)


@pytest.mark.parametrize("said, how", [("bitshuffle+lz4", hdf5plugin.Bitshuffle()), ("zstd", hdf5plugin.Zstd()),
                                       ("lz4", hdf5plugin.LZ4()), ("blosc+lz4", hdf5plugin.Blosc())])
def test_parts_and_masks(tmp_path, said, how):
    """Rows, channels and correlations of packed chunks; a chunk that the filter was not applied to."""
    path, rng = tmp_path / "parts.h5", np.random.default_rng(4)
    data = values("<c8", (60, 40, 4), rng)
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("d", data=data, chunks=(20, 16, 4), **how)
        dataset.id.write_direct_chunk((20, 16, 0), data[20:40, 16:32].tobytes(), 1)
    with h5py.File(path) as file:
        assert np.array_equal(file["d"][()], data)
    assert np.array_equal(msio.read(path, "d"), data)
    assert np.array_equal(msio.read(path, "d", rows=slice(3, 50, 7), chans=slice(9, 33), corrs=1), data[3:50:7, 9:33, 1:2])
    assert np.array_equal(msio.read(path, "d", rows=[59, 0, 21]), data[[59, 0, 21]])


def repack(path, **how):
    """The file with its large datasets packed anew."""
    other = str(path) + ".new"
    with h5py.File(path) as old, h5py.File(other, "w") as new:
        old.copy("Header", new)
        for name, dataset in old["Data"].items():
            chunks = tuple(map(min, dataset.chunks, dataset.shape)) if dataset.chunks else True
            new.create_dataset("Data/" + name, data=dataset[()], dtype=dataset.dtype, chunks=chunks, **how)
    os.replace(other, path)


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    """A group as it was made, and the same packed as HERA's files are."""
    folder = tmp_path_factory.mktemp("groups")
    msio.simulate_uvh5(folder / "plain", antennas=6, times=4, subbands=4, channels=16)
    shutil.copytree(folder / "plain", folder / "packed")
    for name in os.listdir(folder / "packed"):
        repack(folder / "packed" / name, **hdf5plugin.Bitshuffle())
    return folder


def command(*words):
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True)
    return done.returncode, done.stdout, done.stderr


def test_a_packed_group_is_loaded(groups):
    plain, packed = (msio.load(sorted((groups / name).iterdir())) for name in ("plain", "packed"))
    for name in ("visdata", "flags", "nsamples"):
        assert np.array_equal(getattr(packed, name), getattr(plain, name)), name


def test_the_command_reads_packed_files(groups, tmp_path):
    path = sorted((groups / "packed").iterdir())[1]
    code, out, _ = command("info", path)
    lines = [line for line in out.decode().splitlines() if "Data/" in line]
    assert code == 0 and len(lines) == 3
    assert all("bitshuffle+lz4" in line and line.rstrip().endswith("native") for line in lines)
    code, out, _ = command("info", "--json", path)
    columns = {c["name"]: c for c in json.loads(out)["columns"]}
    assert columns["Data/visdata"]["filters"] == "bitshuffle+lz4" and columns["Data/visdata"]["native"]
    code, _, _ = command("read", path, "visdata", "--out", tmp_path / "vis.npy")
    with h5py.File(path) as file:
        assert code == 0 and np.array_equal(np.load(tmp_path / "vis.npy"), file["Data/visdata"][:, 0])
    code, out, _ = command("plan", path, "visdata")
    assert code == 0 and b"hdf5 library" not in out.lower()
    code, out, error = command("verify", groups / "packed", "--target", "subband-loading=60")
    assert code == 0, (out, error)


# ---------------------------------------------------------------- what msio leaves to HDF5

OTHERS = [("bzip2", 307, hdf5plugin.BZip2()), ("blosc2", 32026, hdf5plugin.Blosc2()),
          ("zfp", 32013, hdf5plugin.Zfp(reversible=True))]


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    path = tmp_path_factory.mktemp("others") / "others.h5"
    with h5py.File(path, "w") as file:
        for name, _, how in OTHERS:
            file.create_dataset(name, data=np.arange(4000.0).reshape(40, 100), chunks=(16, 50), **how)
    return path


def run(code, *words, **environment):
    kept = {k: v for k, v in os.environ.items() if k != "HDF5_PLUGIN_PATH"}
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True,
                          env=kept | environment)
    return done.returncode, done.stdout, done.stderr


READ = "import sys, msio; print(msio.read(sys.argv[1], sys.argv[2])[39, 98:])"
HIDDEN = "import sys; sys.modules['hdf5plugin'] = None; "


@pytest.mark.parametrize("name", [n for n, _, _ in OTHERS])
@pytest.mark.parametrize("before", ["", "import hdf5plugin; ", "import h5py, hdf5plugin; h5py.File(sys.argv[1])[sys.argv[2]][()]; "])
def test_others_are_read_by_the_plugins_of_hdf5plugin(others, name, before):
    """Whether it was imported or not: its filters are registered with h5py's HDF5 library alone."""
    assert not _msio.describe_dataset(others, name)["native"]
    code, out, error = run("import sys; " + before + READ, others, name)
    assert (code, out.strip()) == (0, "[3998. 3999.]"), error


@pytest.mark.parametrize("name, number", [(n, i) for n, i, _ in OTHERS])
def test_a_filter_that_nobody_has_is_named(others, tmp_path, name, number):
    code = HIDDEN + ("import msio\ntry: msio.read(sys.argv[1], sys.argv[2])\n"
                     "except msio.Error as e: print(e.code, e)")
    code, out, error = run(code, others, name, HDF5_PLUGIN_PATH=str(tmp_path))
    assert code == 0, error
    assert out.startswith("E_UNSUPPORTED") and f"{name} is packed with filter {name} ({number})" in out, out
    assert "pip install hdf5plugin" in out and "HDF5_PLUGIN_PATH" in out and str(others) in out
    done = subprocess.run([PROGRAM, "read", others, name, "--format", "json"], capture_output=True, text=True,
                          env=os.environ | {"HDF5_PLUGIN_PATH": str(tmp_path)})
    assert done.returncode and f"filter {name} ({number})" in done.stderr, done.stderr
    done = subprocess.run([PROGRAM, "info", others], capture_output=True, text=True)
    line = next(line for line in done.stdout.splitlines() if line.split()[:1] == [name])
    assert done.returncode == 0 and name in line.split()[1:] and line.rstrip().endswith("hdf5")


def test_the_plugin_path_of_the_environment_serves_the_command(others):
    done = subprocess.run([PROGRAM, "read", others, "bzip2", "--rows", ":1", "--format", "json"], capture_output=True,
                          text=True, env=os.environ | {"HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH})
    assert done.returncode == 0, done.stderr


def test_a_chunk_that_was_not_packed_needs_no_plugin(tmp_path):
    """An optional filter that was left out of every chunk, as HDF5 leaves it out."""
    path, data = tmp_path / "masked.h5", np.arange(30.0).reshape(5, 6)
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("d", (5, 6), "<f8", chunks=(5, 6), **hdf5plugin.BZip2())
        dataset.id.write_direct_chunk((0, 0), data.tobytes(), 1)
    code, out, error = run(HIDDEN + "import msio; print(msio.read(sys.argv[1], 'd')[4, 5])", path,
                           HDF5_PLUGIN_PATH=str(tmp_path))
    assert (code, out.strip()) == (0, "29.0"), error


def test_damage_behind_a_plugin_stays_damage(others, tmp_path):
    """A read that fails though every filter is there is told as the file's fault."""
    path = tmp_path / "damaged.h5"
    shutil.copy(others, path)
    with h5py.File(path, "r+") as file:
        file["bzip2"].id.write_direct_chunk((0, 0), b"BZh9" + bytes(60), 0)
    with pytest.raises(msio.FormatError):
        msio.read(path, "bzip2")
