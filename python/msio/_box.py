"""Slices in casacore's words."""


def box_axis(blc, trc, inc):
    """(start, stop, step) of an axis from its first and last element, both included; negative: begin and end.

    The last element that is taken may lie before trc, which then may lie beyond the axis.
    """
    start = max(blc, 0)
    if trc < 0 or inc < 1:
        return start, None, inc
    return start, start + (trc - start) // inc * inc + 1, inc
