"""uvdata_phases.py - a pyuvdata object phased as `msio convert` phases: for the benchmark of conversion, and for its tests."""
import os

import astropy.units as u
import astropy_iers_data
import erfa
import numpy as np
from astropy.utils import iers
from pyuvdata.utils.phasing import calc_uvw

EOP = os.path.join(os.path.dirname(astropy_iers_data.__file__), "data", "eopc04.1962-now")
iers.conf.auto_download = False
iers.conf.auto_max_age = None
EARTH = iers.IERS_B.open(EOP)
iers.earth_orientation_table.set(EARTH)
CENTRE = np.radians((97.9, 16.4))


def instant(jd, uv):
    """What ERFA needs to know of a time and a place."""
    first, rest = np.rint(jd), jd - np.rint(jd)
    place = uv.telescope.location
    x, y = EARTH.pm_xy(first, rest)
    return (first, rest, float(EARTH.ut1_utc(first, rest).to_value(u.s)), place.lon.rad, place.lat.rad,
            place.height.to_value(u.m), x.to_value(u.rad), y.to_value(u.rad), 0, 0, 0, 0)


def set_uvws(uv):
    """u, v, w from the antennas' positions, time by time: pyuvdata's set_uvws_from_antenna_positions(update_vis=False) is
    one call for all rows, in which calc_uvw takes the antennas of the row before again where hour angle and declination are
    equal to the last bit. The meridian's are at some pair of times, while the turn of the axes (frame_pa) differs: one of them
    gets the other's u and v."""
    telescope = uv.telescope
    for jd in np.unique(uv.time_array):
        of = np.flatnonzero(uv.time_array == jd)
        uv.uvw_array[of] = calc_uvw(
            app_ra=uv.phase_center_app_ra[of], app_dec=uv.phase_center_app_dec[of], frame_pa=uv.phase_center_frame_pa[of],
            lst_array=uv.lst_array[of], use_ant_pos=True, antenna_positions=telescope.antenna_positions,
            antenna_numbers=telescope.antenna_numbers, ant_1_array=uv.ant_1_array[of], ant_2_array=uv.ant_2_array[of],
            telescope_lat=telescope.location.lat.rad, telescope_lon=telescope.location.lon.rad)


def to_meridian(uv):
    """Each time a field at hour angle 0, and u, v, w to it: as the pipeline has it, visibilities untouched."""
    dec = uv.extra_keywords.get("phase_center_dec")
    uv.phase_center_catalog, uv.Nphase = {}, 0
    numbers = np.zeros(uv.Nblts, int)
    for t, jd in enumerate(np.unique(uv.time_array)):
        ra, icrs_dec = erfa.atoc13("H", 0.0, dec, *instant(jd, uv))
        uv._add_phase_center(f"meridian_icrs_t{t}", cat_type="sidereal", cat_lon=float(ra), cat_lat=float(icrs_dec),
                             cat_frame="icrs", cat_epoch=2000.0, cat_id=t)
        numbers[uv.time_array == jd] = t
    uv.phase_center_id_array = numbers
    uv._set_app_coords_helper()
    set_uvws(uv)


def to_centre(uv):
    """One field: from each time's meridian, where the correlator stopped the visibilities."""
    to_meridian(uv)
    uv.phase(lon=CENTRE[0], lat=CENTRE[1], epoch="J2000", phase_frame="icrs", cat_name="centre")
