"""uvh5_cases.py - UVH5 files of every kind, sound and wrong, and what h5py reads from the sound ones.

    uvh5_cases.py FOLDER [DATA]
    uvh5_cases.py --make PATH FIELD VALUE

The second form makes one file of 30 rows whose field of that name holds the value (Python). The first form
writes FOLDER/good.list, a line a file (its path, and the path of its expected texts without .header, .rows, .order),
and FOLDER/bad.list (path, status, words that the message must have, separated by tabs). DATA: others' files.
What is expected comes from h5py and numpy alone, by the memo "UVH5 file format".
"""
import glob
import itertools
import json
import os
import sys

import h5py
import numpy as np

MSIO_TYPES = {"bool": "Bool", "int8": "Char", "uint8": "uChar", "int16": "Short", "uint16": "uShort", "int32": "Int",
              "uint32": "uInt", "int64": "Int64", "uint64": "uInt64", "float16": "Float", "float32": "Float",
              "float64": "Double", "complex64": "Complex", "complex128": "DComplex"}

# ---------------------------------------------------------------- writing

DROP = object()  # as a value: no such field
EMPTY = object()  # as a value: a dataset without elements


class Spaced:
    """Strings whose padding is spaces."""

    def __init__(self, value):
        self.value = value


def write_spaced(group, name, value):
    array = np.asarray(value, dtype="S")
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(array.dtype.itemsize + 3)
    kind.set_strpad(h5py.h5t.STR_SPACEPAD)
    space = h5py.h5s.create(h5py.h5s.SCALAR) if array.ndim == 0 else h5py.h5s.create_simple(array.shape)
    data = h5py.h5d.create(group.id, name.encode(), kind, space)
    data.write(h5py.h5s.ALL, h5py.h5s.ALL, array)


def put(group, name, value):
    """A field; a callable writes itself."""
    if value is DROP:
        return
    if value is EMPTY:
        group[name] = h5py.Empty("f")
    elif isinstance(value, dict):
        sub = group.create_group(name)
        for key, item in value.items():
            put(sub, key, item)
    elif isinstance(value, Spaced):
        write_spaced(group, name, value.value)
    elif callable(value):
        value(group, name)
    else:
        group[name] = value


def baselines(antennas):
    return [(a, b) for a in range(antennas) for b in range(a, antennas)]


def rows_of(order, antennas, times):
    """(time, antenna 1, antenna 2) of every row."""
    jd = 2460000.5 + np.arange(times) * 1.5e-4
    if order == "one row":
        return [(jd[0], 0, 1)]
    pairs = baselines(antennas)
    if order == "time":
        return [(t, a, b) for t in jd for a, b in pairs]
    if order == "baseline":
        return [(t, a, b) for a, b in pairs for t in jd]
    if order == "time, one missing":
        return [(t, a, b) for t in jd for a, b in pairs][:-2] + [(jd[-1], *pairs[-1])]
    if order == "baseline, one missing":
        return [(t, a, b) for a, b in pairs for t in jd if (t, a, b) != (jd[1], 0, 1)]
    if order == "time, turning":
        return [(t, a, b) for i, t in enumerate(jd) for a, b in (pairs if i % 2 else pairs[::-1])]
    if order == "time, descending":
        return [(t, a, b) for t in jd[::-1] for a, b in pairs]
    if order == "baseline, descending":
        return [(t, a, b) for a, b in pairs for t in jd[::-1]]
    if order == "a time twice":
        return [(t, a, b) for t in list(jd) + [jd[0]] for a, b in pairs]
    if order == "a baseline twice":
        return [(t, a, b) for t in jd for a, b in pairs + [(0, 0)]]
    if order == "averaged":
        return [(t, a, b) for i, (a, b) in enumerate(pairs) for t in jd[:: 1 + i % 2] + 1e-5 * (i % 2)]
    if order == "conjugated":
        return [(t, b, a) for t in jd for a, b in pairs] + [(jd[-1] + 1, a, b) for a, b in pairs]
    if order == "shuffled":
        rows = [(t, a, b) for t in jd for a, b in pairs]
        return [rows[i] for i in np.random.default_rng(5).permutation(len(rows))]
    if order == "one time":
        return [(jd[0], a, b) for a, b in pairs]
    if order == "one baseline":
        return [(t, 0, 1) for t in jd]
    if order == "none":
        return []
    raise ValueError(order)


def text_kind(strings):
    if strings == "spaced":
        return Spaced
    if strings == "variable":
        return lambda value: (
            (lambda g, n: g.create_dataset(n, data=value, dtype=h5py.string_dtype()))
            if isinstance(value, list) else (lambda g, n: g.create_dataset(n, data=value, dtype=h5py.string_dtype())))
    return np.bytes_ if strings == "fixed" else None


def make(path, version="1.2", axis=None, strings="fixed", order="time", antennas=4, times=3, channels=6, pols=2,
         windows=1, phase=None, optional=False, scalar_time=False, scalar_width=None, visdata="c8", flags="b1",
         header=None, data=None):
    """A file; header and data: what is other than usual."""
    rng = np.random.default_rng(7)
    text = text_kind(strings)
    old = version is None or version.startswith("0")
    axis = old if axis is None else axis
    phase = phase or ("drift" if version in (None, "0.1", "1.0") else "catalog")
    scalar_width = axis and windows == 1 if scalar_width is None else scalar_width
    rows = rows_of(order, antennas, times)
    n, telescope = len(rows), antennas + 3
    h = {
        "latitude": 37.2339, "longitude": np.float32(-118.2825), "altitude": 1222,
        "telescope_name": text("OVRO_MMA"), "instrument": text("DSA"), "history": text("made by\na test \u00fc"
                                                                                     if strings == "variable"
                                                                                     else "made by\na test"),
        "Nants_data": antennas, "Nants_telescope": np.int32(telescope), "Nbls": np.uint16(len({r[1:] for r in rows})),
        "Nblts": n, "Nfreqs": channels, "Npols": np.uint8(pols), "Nspws": windows, "Ntimes": np.int64(times),
        "antenna_numbers": np.arange(telescope) * 2 + 1, "antenna_names": text([f"ant{i}" for i in range(telescope)]),
        "antenna_positions": rng.normal(size=(telescope, 3)) * 1000,
        "uvw_array": (rng.normal(size=(n, 3)) * 100).astype("f4"),
        "time_array": np.array([r[0] for r in rows], dtype="f8"),
        "ant_1_array": np.array([r[1] for r in rows], dtype="i8") * 2 + 1,
        "ant_2_array": np.array([r[2] for r in rows], dtype="i4") * 2 + 1,
        "integration_time": 12.885 if scalar_time else rng.normal(size=n) + 10,
        "freq_array": 1.4e9 - np.arange(channels) * 244140.625,
        "channel_width": 244140.625 if scalar_width else np.full(channels, 244140.625, dtype="f4"),
        "spw_array": np.arange(windows) + 3, "polarization_array": -5 - np.arange(pols),
    }
    if version is not None:
        h["version"] = text(version)
    if axis:
        h["freq_array"] = h["freq_array"].reshape(1, -1)
    if windows > 1:
        h["flex_spw"] = True
        h["flex_spw_id_array"] = np.arange(channels) % windows + 3
    h.update(phase_fields(phase, text, n, rng))
    if optional:
        h.update(optional_fields(text, n, telescope, channels, windows, rng))
    h.update(header or {})
    shape = (n, 1, channels, pols) if axis else (n, channels, pols)
    d = {"visdata": complex_of(rng, shape, visdata), "flags": truths(shape, flags), "nsamples": np.ones(shape, "f4")}
    d.update(data or {})
    with h5py.File(path, "w") as f:
        put(f, "Header", h)
        put(f, "Data", d)


def phase_fields(phase, text, n, rng):
    if phase == "drift":
        return {"phase_type": text("drift"), "object_name": text("zenith"), "phase_center_app_dec": 0.28}
    if phase == "phased":
        return {"phase_type": text("phased"), "object_name": text("3C48"), "phase_center_ra": 0.42,
                "phase_center_dec": 0.57, "phase_center_epoch": 2000.0, "phase_center_frame": text("icrs")}
    by_row = {"phase_center_id_array": np.arange(n) % 2 * 5, "phase_center_app_ra": rng.normal(size=n),
              "phase_center_app_dec": rng.normal(size=n), "phase_center_frame_pa": np.zeros(n), "Nphase": 2}
    first = {"cat_name": "3c286", "cat_type": "sidereal", "cat_lon": 3.53, "cat_lat": 0.53, "cat_frame": "icrs",
             "cat_epoch": 2000.0, "cat_pm_ra": 0, "cat_pm_dec": -1.5, "cat_vrad": 12.5, "cat_dist": 900.25,
             "info_source": "user", "cat_times": None}
    second = {"cat_name": "Mars", "cat_type": "ephem", "cat_lon": [1.0, 1.25, 1.5], "cat_lat": [0.1, 0.2, 0.25],
              "cat_frame": "icrs", "cat_epoch": None, "cat_times": [2460000.5, 2460000.625, 2460000.75],
              "cat_pm_ra": None, "cat_pm_dec": None, "cat_vrad": [1.0, 2.0, 3.0], "cat_dist": [0.5, 0.25, 0.125]}
    if phase == "json":
        entries = {"3c286": dict(first, cat_id=0), "Mars \u2642": dict(second, cat_id=5)}
        return dict(by_row, phase_center_catalog={k: json.dumps({a: b for a, b in v.items() if a != "cat_name"})
                                                  for k, v in entries.items()})
    catalog = {"0": first, "5": second}
    if phase == "named":  # groups by name, with numbers inside
        catalog = {"3c286": dict(first, cat_id=0), "Mars": dict(second, cat_id=5)}
        for entry in catalog.values():
            del entry["cat_name"]
    as_stored = lambda v: EMPTY if v is None else text(v) if isinstance(v, str) else v
    return dict(by_row, phase_center_catalog={k: {a: as_stored(b) for a, b in v.items()} for k, v in catalog.items()})


def optional_fields(text, n, telescope, channels, windows, rng):
    return {
        "telescope_frame": text("itrs"), "ellipsoid": text("SPHERE"), "x_orientation": text("east"),
        "antenna_diameters": np.full(telescope, 4.65, dtype="f4"), "mount_type": text(["fixed"] * telescope),
        "Nfeeds": 2, "feed_array": text([["x", "y"]] * telescope), "feed_angle": rng.normal(size=(telescope, 2)),
        "flex_spw_polarization_array": -5 - np.arange(windows), "vis_units": text("Jy"), "pol_convention": text("avg"),
        "eq_coeffs": rng.normal(size=(telescope, channels)), "eq_coeffs_convention": text("divide"),
        "timesys": text("UTC"), "rdate": text("2025-10-05"), "gst0": 13.9, "dut1": np.float32(-0.1),
        "earth_omega": 360.985, "uvplane_reference_time": -7, "blt_order": text("time, baseline"),
        "blts_are_rectangular": True, "time_axis_faster_than_bls": np.uint8(0), "filename": text("made.uvh5"),
        "multi_phase_center": False, "lst_array": rng.uniform(0, 6, size=n), "scan_number_array": np.arange(n) // 3,
        "something_new": np.arange(6, dtype="i2").reshape(2, 3), "something_large": np.zeros(20000),
        "something_odd": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), "group_of_mine": {"inner": 3},
        "extra_keywords": {
            "integer": 3, "fraction": 0.1, "truth": np.bool_(True), "text": text("a b "), "nothing": EMPTY,
            "many": np.arange(5, dtype=">i2"), "texts": text(["a", "bcd", ""]), "long": text("x" * 200000),
            "wide": np.arange(30000.0), "complex": np.complex64(1 + 2j), "unsigned": np.uint64(2**64 - 1),
            "small": np.int8(-3), "half": np.float16(0.5), "empty_text": np.array(b"\0", dtype="S1"),
            "none_of_them": np.zeros((0, 3)),
        },
    }


def complex_of(rng, shape, kind):
    if kind in ("c8", "c16"):
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(kind)
    value = np.zeros(shape, dtype=[("r", kind), ("i", kind)])
    value["r"] = rng.integers(-100, 100, size=shape)
    return value


def truths(shape, kind):
    if kind == "b1":
        return np.zeros(shape, dtype=bool)

    def write(group, name):
        group.create_dataset(name, shape, dtype=h5py.enum_dtype({"FALSE": 0, "TRUE": 1}, basetype=kind))
    return write


# ---------------------------------------------------------------- what is expected

def escaped(value):
    raw = value.encode() if isinstance(value, str) else bytes(value)
    raw = raw.split(b"\0")[0].rstrip(b" ")
    return '"' + "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\x{c:02x}" for c in raw) + '"'


def shown(value):
    """One element."""
    if isinstance(value, (bytes, str)):
        return escaped(value)
    if isinstance(value, (bool, np.bool_)):
        return "1" if value else "0"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (complex, np.complexfloating)):
        return "%.17g%+.17gi" % (value.real, value.imag)
    return "%.17g" % float(value)


def listed(values):
    return " ".join(shown(v) for v in values)


def text_at(header, name):
    if name not in header or header[name].shape is None:
        return "-"
    return escaped(header[name][()] if header[name].shape == () else header[name][0])


def array_at(header, name, convert=float, length=None):
    if name not in header or header[name].shape is None:
        return "-"
    values = header[name][()]
    if values.dtype.kind in "SO":
        return listed(bytes(v) if isinstance(v, bytes) else v for v in values.ravel())
    if values.ndim == 0:
        values = np.full(length, values)
    return listed(convert(v) for v in values.ravel())


def number_at(header, name, convert=float, otherwise="nan"):
    if name not in header or header[name].shape is None:
        return otherwise
    return shown(convert(header[name][()].ravel()[0] if header[name].shape else header[name][()]))


STORED = {"complex64": ("Complex", "{r, i} of float32"), "complex128": ("DComplex", "{r, i} of float64"),
          "float32": ("Float", "float32"), "float64": ("Double", "float64")}


def stored(dataset):
    kind = dataset.dtype
    if kind.names:
        part = kind[0]
        return "DComplex {r, i} of int%d%s" % (
            8 * part.itemsize, "" if part.isnative else " big-endian")
    base = dataset.id.get_type()
    if base.get_class() == h5py.h5t.ENUM:
        return "Bool enum of %s" % base.get_super().dtype.name
    return " ".join(STORED[kind.name])


def catalog_lines(header):
    if "phase_center_catalog" not in header:
        return []
    lines = []
    for key, entry in header["phase_center_catalog"].items():
        if isinstance(entry, h5py.Group):
            members = {k: v[()] if v.shape is not None else None for k, v in entry.items()}
        else:
            members = json.loads(entry[()])
        members = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in members.items()}
        number = int(key) if key.isdigit() and isinstance(entry, h5py.Group) else members["cat_id"]
        line = f"phase_center {number} {escaped(members.get('cat_name', key))}"
        for name in "cat_type", "cat_frame", "info_source":
            line += " " + (escaped(members[name]) if members.get(name) is not None else "-")
        for name in "cat_epoch", "cat_pm_ra", "cat_pm_dec":
            line += " " + ("nan" if members.get(name) is None else shown(float(members[name])))
        for name in "cat_lon", "cat_lat", "cat_times", "cat_dist", "cat_vrad":
            values = members.get(name)
            values = [] if values is None else values if isinstance(values, list) else [values]
            line += f" [{listed(float(v) for v in values)}]"
        lines.append(line)
    return lines


BY_ROW = ("time_array integration_time lst_array ant_1_array ant_2_array uvw_array phase_center_id_array "
          "phase_center_app_ra phase_center_app_dec phase_center_frame_pa scan_number_array").split()


def field_line(name, dataset, keyword):
    kind = dataset.dtype
    if kind.kind in "SO":
        type_name = "String"
    elif h5py.check_enum_dtype(kind):
        type_name = "Bool"
    else:
        type_name = MSIO_TYPES.get(kind.name, "Record")
    shape = (0,) if dataset.shape is None else dataset.shape
    elements = int(np.prod(shape, dtype=int))
    line = f"{name} {type_name} ({', '.join(map(str, shape))})"
    if elements == 0 or type_name == "Record" or (name in BY_ROW and shape):
        return line + " -"
    if name.startswith("something_large"):
        return line + " -"
    values = dataset[()]
    flat = [values] if shape == () else list(np.asarray(values).ravel())
    return line + " " + listed(flat)


def header_text(path):
    with h5py.File(path, "r") as f:
        h, d = f["Header"], f["Data"]
        version = text_at(h, "version")
        parts = (version.strip('"') if version != "-" else "0.0").split(".")
        n, channels = int(h["Nblts"][()]), int(h["Nfreqs"][()])
        lines = [f"path {path}", f"version {version} {parts[0]} {parts[1]}"]
        for name in "Nblts Ntimes Nbls Nfreqs Npols Nspws Nants_data Nants_telescope".split():
            lines.append(f"{name} {int(h[name][()])}")
        lines.append("Nfeeds " + number_at(h, "Nfeeds", int, "0"))
        lines.append(f"has_spw_axis {int(d['visdata'].ndim == 4)}")
        lines += [f"{name} {stored(d[name])}" for name in ("visdata", "flags", "nsamples")]
        for name in ("telescope_name instrument telescope_frame ellipsoid x_orientation eq_coeffs_convention vis_units "
                     "pol_convention object_name phase_type phase_center_frame timesys rdate blt_order history "
                     "filename").split():
            lines.append(f"{name} {text_at(h, name)}")
        for name in ("latitude longitude altitude phase_center_ra phase_center_dec phase_center_epoch gst0 dut1 "
                     "earth_omega uvplane_reference_time").split():
            lines.append(f"{name} {number_at(h, name)}")
        for name in "flex_spw multi_phase_center blts_are_rectangular time_axis_faster_than_bls".split():
            lines.append(f"{name} {number_at(h, name, int, '-1')}")
        for name in "antenna_positions antenna_diameters feed_angle freq_array eq_coeffs".split():
            lines.append(f"{name} {array_at(h, name)}")
        lines.append(f"channel_width {array_at(h, 'channel_width', length=channels)}")
        for name in ("antenna_numbers spw_array flex_spw_id_array flex_spw_polarization_array "
                     "polarization_array").split():
            lines.append(f"{name} {array_at(h, name, int)}")
        for name in "antenna_names mount_type feed_array".split():
            lines.append(f"{name} {array_at(h, name)}")
        lines += sorted(catalog_lines(h))
        lines += sorted(keyword_lines(h))
        fields = []
        h.visititems(lambda name, o: fields.append(field_line(name, o, False)) if isinstance(o, h5py.Dataset) else None)
        lines += sorted("field " + line for line in fields)
    return "\n".join(lines) + "\n"


def keyword_lines(header):
    if "extra_keywords" not in header:
        return []
    return ["keyword " + field_line(name, o, True) for name, o in header["extra_keywords"].items()]


def row_block(header, name, chosen, n, width=1, convert=float):
    if name not in header or header[name].shape is None:
        return f"{name} -"
    values = header[name][()]
    if values.ndim == 0:
        values = np.full(n, values)
    return f"{name} " + listed(convert(v) for v in values[chosen].ravel())


def rows_text(path):
    """All rows, every third from the second on, and some in no order."""
    with h5py.File(path, "r") as f:
        h = f["Header"]
        n = int(h["Nblts"][()])
        blocks = []
        for chosen in (list(range(n)), list(range(1, n, 3)), [n - 1, 0, n // 2, 0] if n else []):
            blocks.append(f"rows {len(chosen)}")
            for name in BY_ROW:
                whole = name in ("ant_1_array", "ant_2_array", "phase_center_id_array", "scan_number_array")
                blocks.append(row_block(h, name, np.array(chosen, dtype=int), n, convert=int if whole else float))
    return "\n".join(blocks) + "\n"


def runs_are_single(keys):
    seen = [k for k, _ in itertools.groupby(keys)]
    return len(seen) == len(set(seen))


def is_rectangular(outer, inner):
    groups = [[i for _, i in g] for _, g in itertools.groupby(zip(outer, inner), key=lambda x: x[0])]
    return all(g == groups[0] and len(set(g)) == len(g) for g in groups)


def order_text(path):
    with h5py.File(path, "r") as f:
        h = f["Header"]
        times = [float(t) for t in h["time_array"][()]]
        pairs = list(zip(h["ant_1_array"][()].tolist(), h["ant_2_array"][()].tolist()))
    axis, rectangular = 0, False
    if runs_are_single(times):
        axis, rectangular = 1, bool(times) and is_rectangular(times, pairs)
    elif runs_are_single(pairs):
        axis, rectangular = 2, is_rectangular(pairs, times)
    ascending = all(a <= b or (axis == 2 and p != q) for a, b, p, q in zip(times, times[1:], pairs, pairs[1:]))
    return f"{axis} {int(rectangular)} {int(ascending)} {len(set(times))} {len(set(pairs))}\n"


# ---------------------------------------------------------------- sound files

def good_cases():
    for version in (None, "0.1", "1.0", "1.1", "1.2"):
        for axis in (False, True):
            for optional in (False, True):
                yield dict(version=version, axis=axis, optional=optional)
    for strings in ("spaced", "variable"):
        for phase in ("catalog", "phased", "json", "named"):
            if strings == "variable" or phase != "json":
                yield dict(strings=strings, phase=phase, optional=True, version="1.0")
    for phase in ("drift", "phased", "json", "named", "catalog"):
        yield dict(phase=phase, version="1.0")
    for order in ("baseline", "time, one missing", "baseline, one missing", "time, turning", "time, descending",
                  "baseline, descending", "a time twice", "a baseline twice", "averaged", "conjugated", "shuffled",
                  "one time", "one baseline", "one row", "none"):
        yield dict(order=order, optional=True)
    for visdata in ("c16", "i4", "i2", ">i4"):
        yield dict(visdata=visdata)
    for flags in ("u1", "i4"):
        yield dict(flags=flags)
    yield dict(windows=3)
    yield dict(windows=2, axis=True, scalar_width=False)
    yield dict(scalar_time=True, scalar_width=True)
    yield dict(scalar_time=True, version=None)
    yield dict(antennas=3000, order="one row", optional=True)  # arrays beyond what is read at once
    yield dict(antennas=2, order="one row", channels=10000, optional=True)
    yield dict(antennas=1, channels=1, pols=1)
    yield dict(channels=1, header={"freq_array": 1.4e9, "spw_array": 3, "channel_width": [5.0]})
    yield dict(header={"Nblts": [30], "Nfreqs": 6.0, "latitude": np.array([[12]])})


# ---------------------------------------------------------------- wrong files

REQUIRED = ("latitude longitude altitude telescope_name instrument history Nants_data Nants_telescope antenna_numbers "
            "antenna_names Nbls Nblts Nspws Nfreqs Npols Ntimes antenna_positions freq_array channel_width spw_array "
            "polarization_array uvw_array time_array integration_time ant_1_array ant_2_array").split()
WITH_PHASE = ("phase_center_id_array phase_center_app_ra phase_center_app_dec phase_center_frame_pa Nphase").split()
TEXTS = "telescope_name instrument history antenna_names".split()
SIZES = "Nblts Nbls Ntimes Nfreqs Npols Nspws Nants_data Nants_telescope".split()


def huge(shape, kind):
    """A dataset of that shape, of which nothing is stored."""
    return lambda group, name: group.create_dataset(name, shape, dtype=kind, chunks=tuple(min(s, 64) for s in shape))


def bad_fields():
    """(options, status, words)"""
    for name in REQUIRED + WITH_PHASE + ["phase_center_catalog"]:
        yield dict(header={name: DROP}), "E_FORMAT", [name, "missing"]
        if name != "phase_center_catalog":
            yield dict(header={name: EMPTY}), "E_FORMAT", [name]
    for name in REQUIRED + ["phase_type"]:
        yield dict(version=None, header={name: DROP}), "E_FORMAT", [name, "missing"]
    for name in "phase_center_ra", "phase_center_dec", "phase_center_epoch":
        yield dict(version="0.1", phase="phased", header={name: DROP}), "E_FORMAT", [name, "missing"]
    for name in REQUIRED:
        if name in TEXTS:
            yield dict(header={name: 1 + 2j}), "E_FORMAT", [name, "shape" if name == "antenna_names" else "no text"]
        else:
            yield dict(header={name: np.bytes_("five")}), "E_FORMAT", [name]
        if name != "latitude":
            odd = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
            yield dict(header={name: odd}), "E_FORMAT", [name]
    for name in SIZES:
        for value in (-1, 1.5, float("nan"), float("inf"), 2**60, np.uint64(2**64 - 1), np.arange(2), 1 + 2j):
            yield dict(header={name: value}), "E_FORMAT", [name]
    for value in (2**40, 31, 29, 0):
        yield dict(header={"Nblts": value}), "E_FORMAT", [str(value)]
    for name, shape in (("freq_array", (5,)), ("freq_array", (2, 3)), ("freq_array", (6, 1)), ("channel_width", (5,)),
                        ("spw_array", (2,)), ("polarization_array", (3,)), ("antenna_positions", (7, 2)),
                        ("antenna_positions", (21,)), ("antenna_numbers", (8,)), ("time_array", (29,)),
                        ("time_array", (30, 1)), ("time_array", ()), ("uvw_array", (30, 2)), ("uvw_array", (90,)),
                        ("ant_1_array", (31,)), ("integration_time", (1,)), ("eq_coeffs", (7, 5)),
                        ("antenna_diameters", (6,)), ("flex_spw_id_array", (7,)), ("lst_array", (29,)),
                        ("latitude", (2,)), ("dut1", (2,)), ("freq_array", (1,) * 8 + (6,) + (1,) * 2)):
        yield dict(header={name: np.zeros(shape)}), "E_FORMAT", [name]
    yield dict(header={"antenna_names": np.array([b"a"] * 6)}), "E_FORMAT", ["antenna_names", "(6)", "(7)"]
    yield dict(header={"telescope_name": np.array([b"a", b"b"])}), "E_FORMAT", ["telescope_name", "(2)"]
    yield dict(header={"antenna_numbers": np.arange(7) + 2**40}), "E_FORMAT", ["antenna_numbers", "32 bits"]
    yield dict(header={"polarization_array": [-5.5, 1]}), "E_FORMAT", ["polarization_array"]
    yield dict(header={"flex_spw_id_array": np.arange(6)}), "E_FORMAT", ["flex_spw_id_array", "spw_array"]
    yield dict(header={"flex_spw": True}), "E_FORMAT", ["flex_spw_id_array", "missing"]
    yield dict(header={"flex_spw": 1 + 2j}), "E_FORMAT", ["flex_spw"]
    yield dict(header={"version": np.bytes_("abc")}), "E_FORMAT", ["version", "abc"]
    yield dict(header={"version": 2.5}), "E_UNSUPPORTED", ["2.5"]
    yield dict(header={"version": np.bytes_("2.0")}), "E_UNSUPPORTED", ["2.0"]
    far = (7, 2**40)
    yield dict(header={"eq_coeffs": huge(far, "f8")}), "E_FORMAT", ["eq_coeffs", str(2**40)]
    yield (dict(header={"Nfreqs": 2**36, "freq_array": huge((2**36,), "f8"), "channel_width": 1.0},
                data={n: huge((30, 2**36, 2), k) for n, k in (("visdata", "c8"), ("flags", "?"), ("nsamples", "f4"))}),
           "E_UNSUPPORTED", ["256 MiB"])
    yield dict(header={"extra_keywords": {"wide": huge((2**40,), "f8")}}), "E_UNSUPPORTED", ["256 MiB"]


def bad_catalogs():
    entry = {"cat_name": np.bytes_("a"), "cat_type": np.bytes_("sidereal"), "cat_lon": 1.0, "cat_lat": 2.0}
    wrong = {
        "cat_lon": [np.bytes_("north"), np.complex64(1)], "cat_type": [5, DROP, EMPTY, np.array([b"a", b"b"])],
        "cat_epoch": [np.bytes_("J2000"), np.arange(3.0)],
    }
    for name, values in wrong.items():
        for value in values:
            catalog = {"0": dict(entry, **{name: value})}
            yield dict(header={"phase_center_catalog": catalog, "Nphase": 1}), "E_FORMAT", [name]
    yield dict(header={"phase_center_catalog": {"zero": entry}, "Nphase": 1}), "E_FORMAT", ["zero", "cat_id"]
    yield dict(header={"phase_center_catalog": {"99999999999": entry}, "Nphase": 1}), "E_FORMAT", ["cat_id"]
    yield dict(header={"phase_center_catalog": {"0": entry}, "Nphase": 2}), "E_FORMAT", ["Nphase", "1", "2"]
    yield dict(header={"phase_center_catalog": {"0": 5}, "Nphase": 1}), "E_FORMAT", ["phase_center_catalog/0"]
    sound = '{"cat_type": "sidereal", "cat_id": 3, "cat_lon": [1, 2.5], "cat_lat": null}'
    texts = [sound[:n] for n in range(len(sound))]
    texts += [sound + "x", "[]", "{}", "null", '{"a": {"b": 1}}', '{"a": [1, "b"]}',
             '{"a": "\\ud800"}', '{"a": "\\u0000"}', '{"a": "\\x"}', "[" * 10000, '{"cat_id": 3, "cat_type": 4}',
             '{"cat_type": "x", "cat_id": 1.5}', '{"cat_type": "x", "cat_id": 1e300}', '{"a": "\\']
    for text in texts:
        yield (dict(version="1.0", header={"phase_center_catalog": {"x": text}, "phase_type": np.bytes_("drift")}),
               "E_FORMAT", ["phase_center_catalog/x"])


def bad_data():
    shape = (30, 6, 2)
    for name, sound in ("visdata", "c8"), ("flags", "?"), ("nsamples", "f4"):
        yield dict(data={name: DROP}), "E_FORMAT", ["Data/" + name, "missing"]
        for other in ((29, 6, 2), (30, 5, 2), (30, 6, 3), (30, 12), (30, 1, 6, 2), (1, 30, 1, 6, 2), ()):
            named = "Data/" if other[1:2] == (1,) else "Data/" + name
            yield dict(data={name: np.zeros(other, sound)}), "E_FORMAT", [named]
        yield dict(data={name: {"inner": 1}}), "E_FORMAT", ["Data/" + name]
        yield dict(data={name: np.full(shape, b"a")}), "E_FORMAT", ["Data/" + name, "string"]
    yield dict(data={"visdata": np.zeros(shape, "f4")}), "E_FORMAT", ["Data/visdata", "float32", "complex"]
    yield dict(data={"flags": np.zeros(shape, "f4")}), "E_FORMAT", ["Data/flags", "float32"]
    yield dict(data={"nsamples": np.zeros(shape, "c8")}), "E_FORMAT", ["Data/nsamples"]
    four = (30, 2, 6, 2)
    yield (dict(windows=2, axis=True, data={"visdata": np.zeros(four, "c8"), "flags": np.zeros(four, "?"),
                                            "nsamples": np.zeros(four, "f4")}), "E_UNSUPPORTED", ["axis of their own"])


def write_all(folder, data):
    with open(os.path.join(folder, "good.list"), "w") as good:
        files = sorted(glob.glob(os.path.join(data, "*.uvh5"))) if data else []
        for i, options in enumerate(good_cases()):
            files.append(os.path.join(folder, f"good{i}.uvh5"))
            make(files[-1], **options)
        for i, path in enumerate(files):
            base = os.path.join(folder, f"expected{i}")
            for kind, tell in ("header", header_text), ("rows", rows_text), ("order", order_text):
                with open(f"{base}.{kind}", "w") as out:
                    out.write(tell(path))
            print(path, base, sep="\t", file=good)
    with open(os.path.join(folder, "bad.list"), "w") as bad:
        cases = itertools.chain(bad_fields(), bad_catalogs(), bad_data())
        for i, (options, status, words) in enumerate(cases):
            path = os.path.join(folder, f"bad{i}.uvh5")
            make(path, **options)
            print(path, status, *words, sep="\t", file=bad)


if __name__ == "__main__" and sys.argv[1] == "--make":
    path, field, value = sys.argv[2:]
    make(path, header={field: eval(value)})
elif __name__ == "__main__":
    write_all(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
