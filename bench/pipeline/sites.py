"""The calls of a continuum pipeline, each as it is done today (python-casacore and numpy) and with msio.

Each function takes the path of a Measurement Set and returns what the pipeline wants to know; both ways return the same.
Those that write leave the same columns.
"""
import numpy as np


def table(path, **more):
    from casacore.tables import table as casacore_table
    return casacore_table(path, ack=False, **more)


# ---------------------------------------------------------------- 1: three columns, populated and of one shape

def check_today(path):
    found = {}
    with table(path, readonly=False) as t:
        for row in range(t.nrows()):
            for name in ("DATA", "FLAG", "WEIGHT_SPECTRUM"):
                found.setdefault(name, set()).add(t.getcell(name, row).shape)
    return {name: sorted(shapes) for name, shapes in found.items()}


def check_msio(path):
    import msio
    found, asked = {}, []
    with msio.Table(path) as t:
        for name in ("DATA", "FLAG", "WEIGHT_SPECTRUM"):
            told = t.describe(name)
            if told["shape"] is not None and not told["can_be_undefined"]:
                found[name] = [tuple(told["shape"])]  # the manager's header says it of every cell
            else:
                asked.append(name)
    for name in asked:
        shapes = set()
        for batch in msio.stream(path, name):
            shapes.add(batch[name].shape[1:])
        found[name] = sorted(shapes)
    return found


# ---------------------------------------------------------------- 4, 8: fields, times, windows

def fields_today(path):
    with table(path) as t:
        times = t.getcol("TIME")
        return (np.unique(t.getcol("FIELD_ID")).tolist(), float(times.min()), float(times.max()),
                np.unique(t.getcol("OBSERVATION_ID")).tolist())


def fields_msio(path):
    import msio
    facts = msio.metadata(path)
    return (facts.fields_with_rows.tolist(), *facts.time_range, np.unique(msio.read(path, "OBSERVATION_ID")).tolist())


def windows_today(path, field=3):
    with table(path) as t:
        return np.unique(t.getcol("DATA_DESC_ID")[t.getcol("FIELD_ID") == field]).tolist()


def windows_msio(path, field=3):
    import msio
    index = msio.metadata(path).row_index()
    return np.unique(index["data_description"][index["field"] == field]).tolist()


# ---------------------------------------------------------------- 5: a model of one source

FLUX = 3.5  # Jy


def _source(path):
    """Right ascension and declination, rad, beside the first field's centre."""
    with table(path + "::FIELD") as t:
        ra, dec = t.getcell("PHASE_DIR", 0)[0]
    return float(ra) + 0.01, float(dec) - 0.005


def predict_today(path):
    """One point source into MODEL_DATA, as pipelines do it: whole columns, then one put."""
    with table(path + "::SPECTRAL_WINDOW") as t:
        frequency = t.getcol("CHAN_FREQ")
    with table(path + "::FIELD") as t:
        place = t.getcol("PHASE_DIR")[:, 0]
    ra, dec = _source(path)
    with table(path, readonly=False) as t:
        uvw, window, field = t.getcol("UVW"), t.getcol("DATA_DESC_ID"), t.getcol("FIELD_ID")
        ra0, dec0 = place[field].T
        l = np.cos(dec) * np.sin(ra - ra0)
        m = np.sin(dec) * np.cos(dec0) - np.cos(dec) * np.sin(dec0) * np.cos(ra - ra0)
        delay = (uvw[:, 0] * l + uvw[:, 1] * m + uvw[:, 2] * (np.sqrt(1 - l**2 - m**2) - 1)) / 299792458.0
        phase = 2 * np.pi * delay[:, None] * frequency[window]
        model = np.repeat((FLUX * np.exp(1j * phase)).astype(np.complex64)[:, :, None], 2, axis=2)
        t.putcol("MODEL_DATA", model)
        return _predicted(path, t.nrows())


def _predicted(path, rows):
    """Some of the model, for the comparison."""
    with table(path) as t:
        some = t.getcol("MODEL_DATA", rows // 3, 100)
    weight = np.arange(1, some.size + 1).reshape(some.shape)
    return [float(np.abs(some).sum()), float((some.real * weight).sum()), float((some.imag * weight).sum())]


def predict_msio(path):
    import msio
    import tempfile
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as sky:
        sky.write("Format = Type, Ra, Dec, I\nPOINT, %rrad, %rrad, %r\n" % (*_source(path), FLUX))
        sky.flush()
        rows = msio.model(path, sky.name)
    return _predicted(path, rows)


# ---------------------------------------------------------------- statistics, beside reading their columns

def _reading(*names):
    """What reading the columns costs, and no more: a call that gives their rows."""
    def rows(path):
        import msio
        return sum(len(batch[names[0]]) for batch in msio.stream(path, names, memory=64 << 20))
    return rows


def all_statistics_msio(path):
    import msio
    keys = ("spw", "field", "scan", "antenna", "baseline", "channel", "correlation", "time")
    return msio.stats(path, by=keys, chi2=("DATA", "MODEL_DATA")).rows


# ---------------------------------------------------------------- 7: is the model there?

def model_today(path, field=3):
    with table(path) as t:
        rows = np.flatnonzero(t.getcol("FIELD_ID") == field)
        span = t.getcol("MODEL_DATA", int(rows[0]), int(rows[-1] - rows[0] + 1))
        return bool(np.any(span[rows - rows[0]] != 0))


def model_msio(path, field=3):
    import msio
    rows = msio.metadata(path).find_rows(field=field)
    return any(np.any(msio.read(path, "MODEL_DATA", rows=part) != 0) for part in np.array_split(rows, 16) if len(part))


# ---------------------------------------------------------------- 9: flags

def flags_today(path):
    with table(path) as t:
        flag, field = t.getcol("FLAG"), t.getcol("FIELD_ID")
        window, one, two = t.getcol("DATA_DESC_ID"), t.getcol("ANTENNA1"), t.getcol("ANTENNA2")
    flag |= _flag_rows(path)[:, None, None]
    rows = flag.sum(axis=(1, 2))
    cell = flag.shape[1] * flag.shape[2]
    fraction = {"total": float(flag.mean())}
    fraction["spw"] = [float(rows[window == w].mean() / cell) for w in np.unique(window)]
    fraction["channel"] = [float(f) for w in np.unique(window) for f in flag[window == w].mean(axis=(0, 2))]
    fraction["antenna"] = [float(rows[(one == a) | (two == a)].mean() / cell) for a in np.unique(one)]
    fraction["field"] = [float(rows[field == f].mean() / cell) for f in np.unique(field)]
    return fraction


def _flag_rows(path):
    with table(path) as t:
        return t.getcol("FLAG_ROW")


def flags_msio(path):
    import msio
    counted = msio.flags(path, by=("spw", "channel", "antenna", "field"))
    return {"total": counted.fraction, **{name: found["fraction"].tolist() for name, found in counted.by.items()}}


# ---------------------------------------------------------------- 10, 11: statistics of the data

def _chi(corrected, model, flag, weight):
    difference = corrected - model
    power = (difference.real**2 + difference.imag**2) * weight
    return float(power[~flag].sum(dtype=np.float64)), int((~flag).sum())


def chi_today(path):
    with table(path) as t:
        return _chi(*(t.getcol(name) for name in ("CORRECTED_DATA", "MODEL_DATA", "FLAG", "WEIGHT_SPECTRUM")))


def _chi_statistics(path):
    import msio
    return msio.stats(path, (), chi2=("CORRECTED_DATA", "MODEL_DATA"), flag_row=False)


def chi_msio(path):
    found = _chi_statistics(path)
    return found.chi2, found.dof // 2


def _amplitudes(data, flag, one, two, antennas):
    """Sums of amplitudes, their squares and their number by antenna."""
    amplitude = np.where(flag, 0, np.abs(data))
    rows = (amplitude.sum(axis=(1, 2), dtype=np.float64), (amplitude.astype(np.float64)**2).sum(axis=(1, 2)),
            (~flag).sum(axis=(1, 2)))
    other = one != two
    return np.array([np.bincount(one, row, antennas) + np.bincount(two[other], row[other], antennas) for row in rows])


def _ranking(sums):
    mean = sums[0] / sums[2]
    spread = np.sqrt(np.maximum(sums[1] / sums[2] - mean**2, 0))
    return [float(value) for value in mean / spread]


def antennas_today(path):
    with table(path) as t:
        one, two = t.getcol("ANTENNA1"), t.getcol("ANTENNA2")
        return _ranking(_amplitudes(t.getcol("DATA"), t.getcol("FLAG"), one, two, max(one.max(), two.max()) + 1))


def _antenna_statistics(path):
    import msio
    return msio.stats(path, by="antenna", flag_row=False, medians=False)


def antennas_msio(path):
    data = _antenna_statistics(path).by["antenna"]["DATA"]
    return (data["amplitude"] / np.sqrt(data["rms"]**2 - data["amplitude"]**2)).tolist()


# ---------------------------------------------------------------- 13, 14: whole columns

PLOTS = ("TIME", "ANTENNA1", "ANTENNA2", "CORRECTED_DATA", "FLAG")
GRIDDING = ("UVW", "DATA", "FLAG", "WEIGHT_SPECTRUM")


def columns_today(path, names):
    with table(path) as t:
        return {name: t.getcol(name) for name in names}


def columns_msio(path, names):
    import msio
    return {name: msio.read(path, name) for name in names}


# ---------------------------------------------------------------- 13: a picture of all amplitudes against time

PICTURE = 16.0, 512  # Jy and bins of amplitude


def _seen(count, edges):
    """Of a grid [time][amplitude]: points of each time, and their mean amplitude."""
    middle = (edges[1:] + edges[:-1]) / 2
    return [*count.sum(axis=1).tolist(), float((count.sum(axis=0) * middle).sum() / count.sum())]


def picture_today(path):
    """Whole columns, and numpy's counting."""
    most, bins = PICTURE
    with table(path) as t:
        data, flag, time = t.getcol("CORRECTED_DATA"), t.getcol("FLAG"), t.getcol("TIME")
    times, which = np.unique(time, return_inverse=True)
    amplitude, which = np.abs(data)[~flag], np.broadcast_to(which[:, None, None], flag.shape)[~flag]
    count, _, edges = np.histogram2d(which, amplitude, [np.arange(len(times) + 1) - 0.5, np.linspace(0, most, bins + 1)])
    return _seen(count, edges)


def picture_msio(path):
    import msio
    most, bins = PICTURE
    found = msio.density(path, "time", "amp", column="CORRECTED_DATA", bins=(1024, bins), y_range=(0, most), flag_row=False)
    return _seen(found.count.T, found.y_edges)


# ---------------------------------------------------------------- views: every number of DATA looked at, or two

def _sum(data):
    return float(data.view(np.float32).sum())


def sum_today(path):
    with table(path) as t:
        return _sum(t.getcol("DATA"))


def sum_of_read(path):
    import msio
    return _sum(msio.read(path, "DATA"))


def sum_of_view(path):
    import msio
    return _sum(msio.read(path, "DATA", copy=False))


def _ends(data):
    return [data.shape, float(abs(data[0, 0, 0])), float(abs(data[-1, -1, -1]))]


def ends_today(path):
    with table(path) as t:
        return _ends(t.getcol("DATA"))


def ends_of_view(path):
    import msio
    return _ends(msio.read(path, "DATA", copy=False))


# ---------------------------------------------------------------- 16: metadata

def facts_today(path):
    with table(path) as t:
        times = t.getcol("TIME")
        span = float(times.min()), float(times.max())
    with table(path + "::FIELD") as t:
        directions = t.getcol("PHASE_DIR")[:, 0].tolist()
    with table(path + "::SPECTRAL_WINDOW") as t:
        frequencies = t.getcol("CHAN_FREQ").tolist()
    with table(path + "::ANTENNA") as t:
        antennas = t.getcol("NAME"), t.getcol("POSITION").tolist()
    with table(path + "::POLARIZATION") as t:
        types = t.getcol("CORR_TYPE").tolist()
    return span, directions, frequencies, *antennas, types


def facts_msio(path):
    import msio
    facts = msio.metadata(path)
    return (facts.time_range, [field.phase_dir.value[0].tolist() for field in facts.fields],
            [window.frequencies.tolist() for window in facts.spectral_windows],
            [antenna.name for antenna in facts.antennas], [antenna.position.tolist() for antenna in facts.antennas],
            [polarization.types.tolist() for polarization in facts.polarizations])


def facts_again(path):
    """The cached, checked answer as a pipeline uses it: the object, not lists made of it."""
    import msio
    return msio.metadata(path).rows


# ---------------------------------------------------------------- single calls of tables

def _loop(t, name):
    get, total = t.getcell, 0.0
    for row in range(t.nrows()):
        total += 1 if get(name, row) is not None else 0
    return total


def _calls(open_table):
    def with_table(call):
        def timed(path):
            with open_table(path) as t:
                return call(t)
        return timed
    return {"getcol of DATA, new array": with_table(lambda t: t.getcol("DATA")),
            "getcolslice, 12 of 48 channels": with_table(lambda t: t.getcolslice("DATA", [12, 0], [23, 1])),
            "getcell of DATA, all rows": with_table(lambda t: _loop(t, "DATA")),
            "getcell of TIME, all rows": with_table(lambda t: _loop(t, "TIME"))}


def msio_table(path):
    from msio.tables import table as served
    return served(path, ack=False)


SITES = {
    "1 three columns on every row": (check_today, check_msio),
    "4 fields, times, observations": (fields_today, fields_msio),
    "7 is MODEL_DATA filled": (model_today, model_msio),
    "8 windows of a field": (windows_today, windows_msio),
    "9 flag fractions": (flags_today, flags_msio),
    "10 chi-squared": (chi_today, chi_msio),
    "11 signal to noise by antenna": (antennas_today, antennas_msio),
    "13 columns for plots": (lambda path: columns_today(path, PLOTS), lambda path: columns_msio(path, PLOTS)),
    "14 columns for gridding": (lambda path: columns_today(path, GRIDDING), lambda path: columns_msio(path, GRIDDING)),
    "16 metadata": (facts_today, facts_msio),
}
# What --writing times too, whose values differ by the rounding of single precision; and what today's way has no time for.
MODEL = "5 model of one source into MODEL_DATA"
READ_AND_SUM = "sum over DATA, a view; today: msio.read and sum"
VIEW = "a view of DATA, its first and last number; today: getcol"
PLOT = "13 all amplitudes against time, on a grid"
COMPUTED = {PLOT: (picture_today, picture_msio), "sum over DATA, a view": (sum_today, sum_of_view), READ_AND_SUM: (sum_of_read, sum_of_view),
            VIEW: (ends_today, ends_of_view), MODEL: (predict_today, predict_msio),
            "10 chi-squared; today: reading the columns alone": (
                _reading("CORRECTED_DATA", "MODEL_DATA", "FLAG", "WEIGHT_SPECTRUM"), lambda path: _chi_statistics(path).rows),
            "11 signal to noise; today: reading the columns alone": (
                _reading("DATA", "FLAG", "ANTENNA1", "ANTENNA2"), lambda path: _antenna_statistics(path).rows),
            "all statistics by all keys; today: reading the columns alone": (
                _reading("DATA", "FLAG", "MODEL_DATA"), all_statistics_msio)}
# How much two answers may differ where numpy computes in single precision; else 1e-9.
TOLERANCES = {"10 chi-squared": 1e-5, "11 signal to noise by antenna": 1e-5, MODEL: 1e-4, PLOT: 1e-6}
CALLS = {name: (call, _calls(msio_table)[name]) for name, call in _calls(table).items()}


# ---------------------------------------------------------------- calls that write, into a copy

CHUNK = 100_000


def _spans(rows):
    return [slice(start, min(start + CHUNK, rows)) for start in range(0, rows, CHUNK)]


def mark(path, names):
    """Some rows of every tile get other values than any call leaves: one that wrote nothing is found out."""
    import msio
    for name in names:
        msio.fill(path, name, True if name == "FLAG" else 7, rows=slice(3, None, 97))


def some_flags(path, names):
    """Flags as they may be before a call that adds to them."""
    import msio
    rows, (channels, correlations) = msio.metadata(path).rows, msio.read(path, "FLAG", rows=0).shape
    for span in _spans(rows):
        numbers = np.arange(span.start, span.stop)[:, None, None] * 7 + np.arange(channels)[:, None] * 3
        msio.write(path, "FLAG", (numbers + np.arange(correlations)) % 11 < numbers // 7 % 6, rows=span)


def fill_today(path):
    with table(path, readonly=False) as t:
        for row in range(t.nrows()):
            t.putcell("MODEL_DATA", row, np.zeros_like(t.getcell("DATA", row)))


def fill_msio(path):
    import msio
    msio.fill(path, "MODEL_DATA", 0)


def zeros_today(path):
    with table(path, readonly=False) as t:
        shape = t.getcell("DATA", 0).shape
        for span in _spans(t.nrows()):
            for name in ("MODEL_DATA", "CORRECTED_DATA"):
                n = span.stop - span.start
                t.putcol(name, np.zeros((n, *shape), np.complex64), span.start, n)


def zeros_msio(path):
    import msio
    for name in ("MODEL_DATA", "CORRECTED_DATA"):
        msio.fill(path, name, 0)


def corrected_today(path):
    with table(path, readonly=False) as t:
        t.putcol("CORRECTED_DATA", t.getcol("DATA"))


def corrected_msio(path):
    import msio
    msio.copy(path, "DATA", "CORRECTED_DATA")


LIMIT = 0.3


def extend_today(path):
    with table(path, readonly=False) as t:
        flags = t.getcol("FLAG")
        for row in range(len(flags)):
            for corr in range(flags.shape[2]):
                if flags[row, :, corr].mean() > LIMIT:
                    flags[row, :, corr] = True
        t.putcol("FLAG", flags)


def extend_msio(path):
    import msio
    msio.extend_flags(path, channel=LIMIT, flag_row=False)


def _rfi(data, flags):
    power = data.real**2 + data.imag**2
    return (power > 9 * power.mean(axis=1, keepdims=True)) & ~flags


def rfi_today(path):
    with table(path, readonly=False) as t:
        for span in _spans(t.nrows()):
            n = span.stop - span.start
            data, flags = t.getcol("DATA", span.start, n), t.getcol("FLAG", span.start, n)
            t.putcol("FLAG", flags | _rfi(data, flags), span.start, n)


def rfi_msio(path):
    import msio
    for span in _spans(msio.metadata(path).rows):
        data, flags = msio.read(path, "DATA", rows=span), msio.read(path, "FLAG", rows=span)
        msio.write(path, "FLAG", flags | _rfi(data, flags), rows=span)


def left(path, names):
    """What is in the columns then, by casacore: a span of rows after the other."""
    with table(path) as t:
        for name in names:
            for span in _spans(t.nrows()):
                yield t.getcol(name, span.start, span.stop - span.start)


# name: (what is done before the clock, today, msio, the columns that are compared)
WRITING = {
    "2 fill MODEL_DATA row by row": (mark, fill_today, fill_msio, ["MODEL_DATA"]),
    "3 zeros into two columns": (mark, zeros_today, zeros_msio, ["MODEL_DATA", "CORRECTED_DATA"]),
    "6 CORRECTED_DATA = DATA": (mark, corrected_today, corrected_msio, ["CORRECTED_DATA"]),
    "12 extend flags": (some_flags, extend_today, extend_msio, ["FLAG"]),
    "15 RFI in chunks": (some_flags, rfi_today, rfi_msio, ["FLAG"]),
}


# ---------------------------------------------------------------- calls of other packages, and into memory that stands

def _into_warm_memory(open_table):
    """The array is there and touched, as in a loop that reads one column after the other into it."""
    def stage(path):
        t = open_table(path)
        array = np.empty((t.nrows(), *t.getcell("DATA", 0).shape), np.complex64)
        array.fill(1)
        t.getcolnp("DATA", array)

        def call():
            t.getcolnp("DATA", array)
            return array
        return call
    return stage


def _group_files(folder):
    import msio
    (found,) = msio.groups([folder])
    return [str(path) for path in found.paths]


def _compiled(paths):
    """pyuvdata imports its parts, and compiles some functions, when a process first calls them: 2 s, before the clock."""
    from pyuvdata import UVData
    UVData().read(paths[0], file_type="uvh5", read_data=False, run_check=False)
    return paths


def uvdata_today(folder):
    """pyuvdata reads each file and puts them together along frequency."""
    from pyuvdata import UVData
    paths = _compiled(_group_files(folder))

    def call():
        parts = []
        for path in paths:
            one = UVData()
            one.read(path, file_type="uvh5", run_check=False)
            one.uvw_array = one.uvw_array.astype(np.float64)  # the correlator's are singles
            parts.append(one)
        return _uvdata_arrays(parts[0].fast_concat(parts[1:], "freq", run_check=False))
    return call


def uvdata_msio(folder):
    import msio
    paths = _compiled(_group_files(folder))
    return lambda: _uvdata_arrays(msio.read_uvdata(paths))


def _again(way):
    """The same in a process that has done it before, as one that reads group after group: the first is let go of."""
    def stage(folder):
        call = way(folder)
        call()
        return call
    return stage


def _uvdata_arrays(uvd):
    return [uvd.data_array, uvd.flag_array, uvd.nsample_array, uvd.freq_array, uvd.uvw_array]


def _sets(path):
    """The data sets of an MS, one for each field and window: dask-ms selects their rows by TaQL and makes its graphs."""
    from daskms import xds_from_ms
    return xds_from_ms(path, columns=["DATA", "FLAG"])


def _computed(sets):
    import dask
    return dask.compute([s.DATA.data for s in sets], [s.FLAG.data for s in sets], scheduler="threads", num_workers=2)


def dask_ms(path):
    import daskms  # noqa: F401
    return lambda: _computed(_sets(path))


def dask_ms_graphs(path):
    import daskms  # noqa: F401
    return lambda: len(_sets(path))


def dask_ms_but_reads(path):
    """All that is not reading: what remains however fast columns are read."""
    call = dask_ms(path)
    from casacore import tables
    tables.table.getcolnp = lambda *_, **__: None
    return lambda: len(call())


def _patched(way):
    def stage(path):
        import msio
        msio.patch_casacore()
        return way(path)
    return stage


# name: (what is needed besides, on what, today, msio); each way prepares, and returns what is timed
STAGED = {
    "getcolnp of DATA, warm memory": ((), "ms", _into_warm_memory(table), _into_warm_memory(msio_table)),
    "read_uvdata of 16 files": (("pyuvdata",), "group", uvdata_today, uvdata_msio),
    "read_uvdata, the next group": (("pyuvdata",), "group", _again(uvdata_today), _again(uvdata_msio)),
    "dask-ms: DATA and FLAG, two threads": (("daskms",), "ms", dask_ms, _patched(dask_ms)),
    "dask-ms: of that, the graphs": (("daskms",), "ms", dask_ms_graphs, _patched(dask_ms_graphs)),
    "dask-ms: of that, all but the reads": (("daskms",), "ms", dask_ms_but_reads, _patched(dask_ms_but_reads)),
}
