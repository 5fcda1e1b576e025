"""Before the first dose: the input that holds the untreated level, and the yearly cycle that the season makes of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcidiol.kinetics.layout import ROW

Floats = NDArray[np.float64]
YEAR_D = 365.25
POINTS = 16
"""Points of the year at which the non-linear terms are evaluated; the cycle has up to seven harmonics."""
ITERATIONS = 60
CONVERGED = 1e-10


def clearance_25(p: Floats, level: Floats) -> Floats:
    """Clearance of 25(OH)D at a level, L/d; p is (N, P), level broadcasts to (N, ...)."""
    extra = (slice(None),) + (None,) * (level.ndim - 1)
    z = (np.maximum(level, 0.0) / p[:, ROW["hill_c50"]][extra]) ** p[:, ROW["hill_g"]][extra]
    return p[:, ROW["cl25"]][extra] + p[:, ROW["hill_clmax"]][extra] * z / (1.0 + z)


def constant(p: Floats) -> tuple[Floats, Floats]:
    """Concentration of D3 (nmol/L) and input (nmol/d) that hold the untreated level, each of shape (N,).

    The positive root of clh c^2 + (vmax + clh km - f) c - f km = 0, f being the 25(OH)D cleared a day.
    """
    level = p[:, ROW["untreated"]]
    formed = clearance_25(p, level) * level
    clh, km = p[:, ROW["clh"]], p[:, ROW["km"]]
    b = p[:, ROW["vmax"]] + clh * km - formed
    root = np.sqrt(b * b + 4.0 * clh * formed * km)
    # The stable form of the root for either sign of b.
    c1 = np.where(b > 0, 2.0 * formed * km / (b + root), (root - b) / (2.0 * clh))
    return c1, p[:, ROW["clo"]] * c1 + formed


def periodic(p: Floats, day_of_year: float) -> tuple[Floats, Floats]:
    """State on a day of the yearly cycle, shape (8, N), and the mean input, shape (N,).

    The season multiplies the input by 1 + a cos(2 pi (day - phase) / year). Linear parts are solved for each harmonic,
    the remainder of the non-linear terms is iterated at `POINTS` points of the year.
    """
    n = len(p)
    c1, r0 = constant(p)
    state = np.zeros((8, n))
    amplitude = p[:, ROW["season_amplitude"]]
    if not np.any(amplitude):
        state[4] = state[5] = c1
        state[6] = state[7] = p[:, ROW["untreated"]]
        return state, r0

    def col(name: str) -> Floats:
        return p[:, ROW[name]][:, None]

    time = np.arange(POINTS) * YEAR_D / POINTS
    season = 1.0 + amplitude[:, None] * np.cos(2 * np.pi * (time - col("season_phase_d")) / YEAR_D)
    source = np.fft.rfft(r0[:, None] * season, axis=1)
    omega = 1j * 2 * np.pi * np.arange(source.shape[1]) / YEAR_D
    store = 1.0 / (1.0 + omega * col("v2") / np.maximum(col("q"), 1e-300))
    store = np.where(col("q") > 0, store, 0.0)
    vmax, km, clh = col("vmax"), col("km"), col("clh")
    slope = vmax * km / (km + c1[:, None]) ** 2 + clh
    linear1 = col("v1") * omega + col("clo") + slope + np.where(col("q") > 0, col("q") * (1.0 - store), 0.0)
    x = np.repeat(c1[:, None], POINTS, axis=1)
    for _ in range(ITERATIONS):
        rest = vmax * x / (km + x) + clh * x - slope * x
        new = np.fft.irfft((source - np.fft.rfft(rest, axis=1)) / linear1, POINTS, axis=1)
        new = np.maximum(new, 1e-6 * x)
        change = float(np.max(np.abs(new - x) / x, initial=0.0))
        x = new
        if change < CONVERGED:
            break
    formed = np.fft.rfft(vmax * x / (km + x) + clh * x, axis=1)
    level = p[:, ROW["untreated"]][:, None]
    side = np.where(col("q25") > 0, 1.0 / (1.0 + omega * col("v25p") / np.maximum(col("q25"), 1e-300)), 0.0)
    # d(clearance x level)/d(level), numerically: the saturable law has no short derivative worth its own line.
    step = 1e-4 * level
    cut = (clearance_25(p, level + step) * (level + step) - clearance_25(p, level - step) * (level - step)) / (2 * step)
    linear3 = col("v25") * omega + cut + np.where(col("q25") > 0, col("q25") * (1.0 - side), 0.0)
    y = np.repeat(level, POINTS, axis=1)
    for _ in range(ITERATIONS):
        rest = clearance_25(p, y) * y - cut * y
        new = np.fft.irfft((formed - np.fft.rfft(rest, axis=1)) / linear3, POINTS, axis=1)
        new = np.maximum(new, 1e-6 * y)
        change = float(np.max(np.abs(new - y) / y, initial=0.0))
        y = new
        if change < CONVERGED:
            break
    turn = np.exp(2j * np.pi * np.arange(source.shape[1]) * day_of_year / YEAR_D)
    turn[1:] *= 2.0
    turn[-1] /= 2.0
    wave1, wave3 = np.fft.rfft(x, axis=1) / POINTS, np.fft.rfft(y, axis=1) / POINTS
    state[4] = (wave1 * turn).real.sum(axis=1)
    state[5] = (wave1 * np.where(col("q") > 0, store, 1.0) * turn).real.sum(axis=1)
    state[6] = (wave3 * turn).real.sum(axis=1)
    state[7] = (wave3 * np.where(col("q25") > 0, side, 1.0) * turn).real.sum(axis=1)
    return state, r0
