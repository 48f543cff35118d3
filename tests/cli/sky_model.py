"""The textbook's sum over the components of a sky, in numpy and double precision: what predictions are held against."""
import numpy as np

LIGHT = 299792458.0
DEGREE = np.pi / 180
REFERENCE = 1.4e9
# name, ra and dec in degrees, I, Q, U, V, spectral index, major and minor axis in arcsec, angle in degrees
SKY = (("a", 285.3, 16.3, 4.0, 0.3, -0.2, 0.1, -0.7, 0, 0, 0), ("b", 284.6, 15.2, 2.0, 0, 0, 0, 0, 0, 0, 0),
       ("c", 286.4, 16.0, 1.0, 0, 0, 0, 0.4, 90, 30, 25))


def text(sky=SKY, shift=0.0):
    """The same as a file's text; shift: degrees of right ascension."""
    lines = [f"Format = Name, Type, Ra, Dec, I, Q, U, V, ReferenceFrequency='{REFERENCE}', SpectralIndex='[]', "
             "MajorAxis, MinorAxis, Orientation"]
    for name, ra, dec, i, q, u, v, index, major, minor, angle in sky:
        kind = "GAUSSIAN" if major else "POINT"
        lines.append(f"{name}, {kind}, {ra + shift}deg, {dec}deg, {i}, {q}, {u}, {v},, [{index}], {major}, {minor}, {angle}")
    return "\n".join(lines) + "\n"


EARTH = 7.292115146e-5  # rad/s


def turned(uvw, dec0, angle):
    """Baselines turned about the Earth's axis, which the phase centre's north points to."""
    pole = np.stack([0 * dec0, np.cos(dec0), np.sin(dec0)], axis=-1)
    along = (uvw * pole).sum(axis=1, keepdims=True)
    return uvw * np.cos(angle) + np.cross(pole, uvw) * np.sin(angle) + pole * along * (1 - np.cos(angle))


def smeared(uvw, frequency, ra0, dec0, corr_type, sky=SKY, width=0.0, interval=0.0, samples=40):
    """As model, but means over channels of a width (Hz) and integrations (s): at the middles of so many parts of each."""
    parts = (np.arange(samples) + 0.5) / samples - 0.5
    total = 0
    for time in parts if interval else [0.0]:
        for shift in parts if width else [0.0]:
            total = total + model(turned(uvw, dec0, EARTH * interval * time), frequency + shift * width, ra0, dec0, corr_type, sky)
    return total / (samples if interval else 1) / (samples if width else 1)


def model(uvw, frequency, ra0, dec0, corr_type, sky=SKY):
    """[row][channel][correlation]; ra0, dec0 in rad, a value a row; corr_type: casacore's Stokes codes."""
    wavenumber = frequency / LIGHT
    sums = np.zeros((4, len(uvw), len(frequency)), complex)
    for _, ra, dec, *stokes, index, major, minor, angle in sky:
        ra, dec, angle = ra * DEGREE, dec * DEGREE, angle * DEGREE
        l = np.cos(dec) * np.sin(ra - ra0)
        m = np.sin(dec) * np.cos(dec0) - np.cos(dec) * np.sin(dec0) * np.cos(ra - ra0)
        n = np.sqrt(1 - l**2 - m**2)
        delay = uvw[:, 0] * l + uvw[:, 1] * m + uvw[:, 2] * (n - 1)
        phase = np.exp(2j * np.pi * delay[:, None] * wavenumber)
        u, v = uvw[:, 0, None] * wavenumber, uvw[:, 1, None] * wavenumber
        along, across = u * np.sin(angle) + v * np.cos(angle), u * np.cos(angle) - v * np.sin(angle)
        arcsec = DEGREE / 3600
        phase *= np.exp(-np.pi**2 / (4 * np.log(2)) * ((major * arcsec * along)**2 + (minor * arcsec * across)**2))
        for p in range(4):
            sums[p] += stokes[p] * ((frequency / REFERENCE)**index if p == 0 else 1) * phase
    i, q, u, v = sums
    parts = {1: i, 2: q, 3: u, 4: v, 5: i + v, 6: q + 1j * u, 7: q - 1j * u, 8: i - v, 9: i + q, 10: u + 1j * v,
             11: u - 1j * v, 12: i - q}
    return np.stack([parts[c] for c in corr_type], axis=-1)
