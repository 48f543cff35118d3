"""Flags by limits and by neighbours, in numpy and double precision: what msio's are held against."""
import numpy as np

LIGHT = 299792458.0
STEPS = ("amp", "chi2", "uvdist", "correlation", "channel", "time", "baseline")


def _beyond(square, low, high):
    """NaN is beyond any limit that there is; infinities, too."""
    with np.errstate(invalid="ignore"):
        out = ~np.isfinite(square)
        if low is not None:
            out |= square < float(low)**2
        if high is not None:
            out |= square > float(high)**2
    return out


def _square(values):
    values = values.astype("c16")
    with np.errstate(all="ignore"):
        return values.real**2 + values.imag**2


def _step(name, limit, flags, columns, wavelengths):
    if name == "amp":
        return _beyond(_square(columns["DATA"]), *limit)
    if name == "chi2":
        with np.errstate(all="ignore"):
            weight = columns["WEIGHT"].astype("f8")
            weight = weight if weight.ndim == 3 else np.broadcast_to(weight[:, None, :], flags.shape)
            difference = columns["DATA"].astype("c16") - columns["MODEL_DATA"].astype("c16")
            value = weight * (difference.real**2 + difference.imag**2)
            return (weight >= 0) & np.isfinite(weight) & ~(value <= limit)
    if name == "uvdist":
        square = (columns["UVW"][:, :2]**2).sum(axis=1)[:, None] * np.ones(flags.shape[1])
        if wavelengths:
            square = square * (columns["FREQUENCY"] / LIGHT)**2
        return np.broadcast_to(_beyond(square, *limit)[:, :, None], flags.shape)
    if name in ("correlation", "channel"):
        axis = 2 if name == "correlation" else 1
        return np.broadcast_to(flags.sum(axis=axis, keepdims=True) > limit * flags.shape[axis], flags.shape)
    low, high = np.minimum(columns["ANTENNA1"], columns["ANTENNA2"]), np.maximum(columns["ANTENNA1"], columns["ANTENNA2"])
    keys = {"time": (columns["SCAN_NUMBER"], low, high), "baseline": (columns["TIME"],)}[name]
    keys = list(zip(columns["DATA_DESC_ID"], columns["FIELD_ID"], *keys))
    out = np.zeros_like(flags)
    for key in set(keys):
        rows = [row for row, own in enumerate(keys) if own == key]
        out[rows] = flags[rows].sum(axis=0) > limit * len(rows)
    return out


def extended(columns, limits, wavelengths=False, flag_row=True):
    """Flags, FLAG_ROW and counts of rows whose cells have one shape. columns: by name, [row][channel][correlation], with
    FREQUENCY [row][channel]; limits: of STEPS."""
    whole_rows = columns["FLAG_ROW"] if flag_row else np.zeros_like(columns["FLAG_ROW"])
    flags = columns["FLAG"] | whole_rows[:, None, None]
    counts = {"rows": len(flags), "total": flags.size, "before": int(flags.sum())}
    for name in STEPS:
        counts[name] = 0
        if name in limits:
            now = flags | _step(name, limits[name], flags, columns, wavelengths)
            counts[name] = int(now.sum() - flags.sum())
            flags = now
    counts["after"] = int(flags.sum())
    new = flags.all(axis=(1, 2)) & ~whole_rows if flag_row else np.zeros_like(whole_rows)
    counts["flag_rows"] = int(new.sum())
    return np.where(whole_rows[:, None, None], columns["FLAG"], flags), columns["FLAG_ROW"] | new, counts
