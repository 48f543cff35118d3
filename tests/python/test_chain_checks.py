"""The checks of bench/chain let nothing pass that is wrong: each finds what it must in data made for it, and not in others."""
import pathlib
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "chain"))
import chain_checks  # noqa: E402

ANTENNAS, TIMES, CHANNELS, NOISE, FLUX = 12, 40, 6, 0.5, 5.0
ALONE = np.sqrt(2) * NOISE / (FLUX * np.sqrt((ANTENNAS - 1) * TIMES))


@pytest.fixture
def random():
    return np.random.default_rng(5)


@pytest.fixture
def truth(random):
    shape = ANTENNAS, 2, CHANNELS
    return random.uniform(0.8, 1.2, shape) * np.exp(1j * random.uniform(-np.pi, np.pi, shape))


def missed(findings):
    return [f["name"].split(":")[0] if "|" not in f["name"] else "residual" for f in findings if not f["met"]]


def solve(random, truth):
    """As a solver leaves them: with the noise's errors, phases relative to antenna 3."""
    wrong = ALONE / 2 * (random.normal(size=truth.shape) + 1j * random.normal(size=truth.shape))
    return chain_checks.relative(truth * (1 + wrong), 3)


def check(solved, truth, known=None):
    known = np.ones(truth.shape, bool) if known is None else known
    return chain_checks.check_gains(solved, known, truth, 3, NOISE, FLUX, TIMES)


def test_gains(random, truth):
    solved = solve(random, truth)
    assert missed(check(solved, truth)) == []
    for factor in (1.3, np.exp(0.4j), 0):
        wrong = solved.copy()
        wrong[7, 1, 2] *= factor  # of one antenna, receptor and channel
        assert "gains" in missed(check(wrong, truth)), factor
    assert "gains" in missed(check(solved * 1.05, truth))
    assert "gains" in missed(check(solved.conj(), truth))
    known = np.ones(truth.shape, bool)
    known[0, 0, 0] = False
    assert missed(check(solved, truth, known)) == ["gains solved, of all"]
    assert missed(check(solved, truth, known & False)) == ["gains solved, of all", "gains", "gains"]


def residual(random, truth):
    pairs = np.array([(i, j) for i in range(ANTENNAS) for j in range(i + 1, ANTENNAS)] * TIMES)
    gains = (truth[pairs[:, 0]] * truth[pairs[:, 1]].conj()).swapaxes(1, 2)
    noise = NOISE * (random.normal(size=gains.shape) + 1j * random.normal(size=gains.shape))
    return noise / gains, np.zeros(gains.shape, bool), pairs


def test_residual(random, truth):
    left, flagged, pairs = residual(random, truth)

    def judge(left, flagged=flagged):
        return missed(chain_checks.check_residual(left, flagged, pairs, truth, NOISE))
    assert judge(left) == []
    assert judge(left * 1.1) == judge(left * 0.9) == judge(left + 0.4) == ["residual"]
    spoiled, where = left.copy(), flagged.copy()
    spoiled[5, 2], where[5, 2] = 500, True
    assert judge(spoiled) == ["residual"] and judge(spoiled, where) == []
    assert judge(left, ~flagged) == ["residual"]  # nothing is left to be judged


def picture(sources, beam=5.0):
    x, y = np.mgrid[:128, :128]
    return sum(flux * np.exp(-4 * np.log(2) * ((x - a)**2 + (y - b)**2) / beam**2) for a, b, flux in sources)


def test_image():
    sources = [(40.2, 60.4, 4.0), (90, 31.7, 2.0)]
    image = picture(sources)

    def judge(image):
        return missed(chain_checks.check_image(image, sources, 5.0))
    assert judge(image) == []
    assert judge(image * 0.9) == ["source 1", "source 2"]
    assert judge(picture([(41.2, 60.4, 4.0), sources[1]])) == ["source 1"]
    assert judge(picture([(40.2, 60.4, 4.5), sources[1]])) == ["source 1"]
    assert judge(picture([*sources, (20, 100, 0.5)])) == ["what else is in the image, of the brightest source"]
    assert "source 2" in judge(picture(sources[:1]))
    assert "source 1" in judge(image[::-1])
