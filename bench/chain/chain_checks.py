"""chain_checks.py - what must come out of a calibrated and imaged observation whose truth is known: numbers beside limits.

Arrays in, findings out: each a dict(name, found, least, most, met). What reads files stands in chain_casa.py.
"""
import numpy as np

GAINS_RMS, GAINS_WORST = 2.0, 8.0  # of the error that noise alone leaves in a solution
RESIDUAL = 0.04                    # of the noise; solutions take some of it away
FLUX, PLACE = 0.05, 0.1            # of a source's flux; of the beam's minor axis
REST = 0.1                         # of the brightest source: what else may stand in the image


def finding(name, found, least, most):
    return {"name": name, "found": float(found), "least": float(least), "most": float(most),
            "met": bool(least <= found <= most)}


def relative(gains, reference):
    """Gains [antenna, receptor, channel] with the phases of one antenna taken out, as a solver leaves them."""
    return gains * np.exp(-1j * np.angle(gains[reference]))


def check_gains(solved, known, truth, reference, noise, flux, integrations):
    """Solved gains beside the injected ones, both [antenna, receptor, channel]; known: where there is a solution. flux: of
    the sky, Jy; noise: of each part of a visibility, Jy."""
    antennas = len(truth)
    wrong = np.abs(relative(solved, reference) / relative(truth, reference) - 1)[known]
    # of one channel: noise of both parts, over baselines of an antenna and times; the reference's phase has as much
    alone = np.sqrt(2) * noise / (flux * np.sqrt((antennas - 1) * integrations))
    return [finding("gains solved, of all", known.mean(), 1, 1),
            finding("gains: rms of relative error", np.sqrt(np.mean(wrong**2)) if wrong.size else np.inf, 0, GAINS_RMS * alone),
            finding("gains: worst relative error", wrong.max() if wrong.size else np.inf, 0, GAINS_WORST * alone)]


def check_residual(residual, flagged, antennas, gains, noise):
    """CORRECTED - MODEL [row, channel, correlation] of cross-correlations: times the injected gains it is the noise that was
    put in. antennas: [row, 2]; gains: [antenna, receptor, channel]."""
    one, two = (np.abs(gains[antennas[:, i]]).swapaxes(1, 2) for i in range(2))
    left = (residual * one * two)[~flagged]
    rms = np.sqrt(np.mean(np.concatenate([left.real, left.imag])**2)) if left.size else np.inf
    return [finding("|CORRECTED - MODEL|: rms of each part, Jy", rms, noise * (1 - RESIDUAL), noise * (1 + RESIDUAL))]


def vertex(a, b, c):
    """Of the parabola through three neighbours: how far from the middle one, and how high."""
    at = (a - c) / (a - 2 * b + c) / 2
    return at, b - (a - c) * at / 4


def check_image(image, sources, beam):
    """image [x, y], Jy a beam; sources: (x, y, flux) in pixels; beam: its minor axis in pixels."""
    found, rest = [], image.copy()
    reach = int(np.ceil(2.5 * beam))
    for n, (x, y, flux) in enumerate(sources):
        near = image[int(x) - reach:int(x) + reach + 1, int(y) - reach:int(y) + reach + 1]
        i, j = (int(k) for k in np.unravel_index(near.argmax(), near.shape))
        i, j = i + int(x) - reach, j + int(y) - reach
        dx, high = vertex(*image[i - 1:i + 2, j])
        dy, higher = vertex(*image[i, j - 1:j + 2])
        found += [finding(f"source {n + 1}: flux, Jy", high + higher - image[i, j], flux * (1 - FLUX), flux * (1 + FLUX)),
                  finding(f"source {n + 1}: off its place, of the beam", np.hypot(i + dx - x, j + dy - y) / beam, 0, PLACE)]
        rest[i - reach:i + reach + 1, j - reach:j + reach + 1] = 0
    brightest = max(flux for _, _, flux in sources)
    return found + [finding("what else is in the image, of the brightest source", np.abs(rest).max() / brightest, 0, REST)]
