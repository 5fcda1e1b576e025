"""numbalsoda's LSODA on the card's equations: `python peer_numbalsoda.py FOLDER RTOL ...`.

Run by the peers' interpreter, so it imports nothing of this package. Its own statement of the equations; one compiled
loop over the patients, restarted at every dose; compiling is not timed.
"""

import sys
import time
from pathlib import Path

import numpy as np
from numba import carray, cfunc, njit
from numbalsoda import lsoda, lsoda_sig

YEAR_D = 365.25
# Order of the parameters handed to the right-hand side; the last two are the mean input and the day of the year.
ORDER = (
    "ka", "kim", "kim_slow", "kc", "v1", "v2", "q", "clo", "vmax", "km", "clh", "v25", "v25p", "q25", "cl25",
    "hill_clmax", "hill_c50", "hill_g", "season_amplitude", "season_phase_d",
)  # fmt: skip
SIZE = len(ORDER) + 2


@cfunc(lsoda_sig)
def slopes(t, y_, dy_, p_):  # type: ignore[no-untyped-def]
    """Depots (nmol), then the four concentrations (nmol/L); time in days."""
    y, dy, p = carray(y_, (8,)), carray(dy_, (8,)), carray(p_, (SIZE,))
    a, b, c, d = y[4], y[5], y[6], y[7]
    season = 1.0 + p[18] * np.cos(2.0 * np.pi * (p[21] + t - p[19]) / YEAR_D)
    formed = a * (p[8] / (p[9] + a) + p[10])
    dy[0] = -p[0] * y[0]
    dy[1] = -p[1] * y[1]
    dy[2] = -p[2] * y[2]
    dy[3] = -p[3] * y[3]
    dy[4] = (p[0] * y[0] + p[1] * y[1] + p[2] * y[2] + p[20] * season - p[7] * a - formed - p[6] * (a - b)) / p[4]
    dy[5] = p[6] * (a - b) / p[5]
    cleared = p[14] * c
    if p[15] > 0.0:
        z = (max(c, 0.0) / p[16]) ** p[17]
        cleared += p[15] * z / (1.0 + z) * c
    dy[6] = (formed + p[3] * y[3] - cleared - p[13] * (c - d)) / p[11]
    dy[7] = p[13] * (c - d) / p[12]


ADDRESS = slopes.address


@njit
def everybody(rows, state, bio, days, nmol, into, times, rtol, out):  # type: ignore[no-untyped-def]
    """Levels of all patients; at equal times the sample is read before the dose."""
    n, m = out.shape
    for i in range(n):
        y = state[:, i].copy()
        doses = days.shape[1]
        now = min(times[0], days[i, 0]) if doses else times[0]
        o = 0
        for e in range(doses + 1):
            stop = days[i, e] if e < doses else times[m - 1]
            # Outputs up to and with the stop, then the stop itself.
            k = 0
            while o + k < m and times[o + k] <= stop + 1e-12:
                k += 1
            grid = np.empty(k + 2)
            grid[0] = now
            for j in range(k):
                grid[j + 1] = max(times[o + j], now)
            count = k + 1
            if stop > grid[count - 1]:
                grid[count] = stop
                count += 1
            first = 0
            while first + 1 < count and grid[first + 1] <= now:
                out[i, o] = y[6]
                o += 1
                k -= 1
                first += 1
            if count - first > 1:
                found, success = lsoda(ADDRESS, y, grid[first:count], rows[i], rtol, rtol)
                for j in range(k):
                    out[i, o + j] = found[j + 1, 6] if success else np.nan
                o += k
                y = found[-1].copy()
            now = max(stop, now)
            if e < doses:
                given = nmol[i, e]
                if into[i, e] == 0:
                    y[0] += given * bio[i, 0]
                elif into[i, e] == 1:
                    y[1] += given * bio[i, 1] * bio[i, 2]
                    y[2] += given * bio[i, 1] * (1.0 - bio[i, 2])
                else:
                    y[3] += given * bio[i, 3]


def main() -> None:
    """Read the problem, solve it at each tolerance, write levels and CPU seconds."""
    folder, rtols = Path(sys.argv[1]), [float(r) for r in sys.argv[2:]]
    with np.load(folder / "problem.npz") as told:
        given = dict(told)
    place = {str(name): i for i, name in enumerate(given["names"])}
    p = given["parameters"]
    rows = np.empty((len(p), SIZE))
    for j, name in enumerate(ORDER):
        rows[:, j] = p[:, place[name]]
    if not bool(given["saturable"]):
        rows[:, ORDER.index("hill_clmax")] = 0.0
    rows[:, -2] = given["mean_input"]
    rows[:, -1] = float(given["doy"])
    bio = np.ascontiguousarray(p[:, [place[k] for k in ("f_oral", "f_im", "im_fast", "f_calcifediol")]])
    times = np.ascontiguousarray(given["times"], dtype=np.float64)
    # One row of doses for each patient, or one for all.
    doses = tuple(
        np.ascontiguousarray(np.broadcast_to(given[k], (len(p), given[k].shape[-1])), dtype=kind)
        for k, kind in (("days", np.float64), ("nmol", np.float64), ("into", np.int64))
    )
    state = np.ascontiguousarray(given["state"])
    level = np.empty((len(p), len(times)))
    everybody(rows[:1], state[:, :1].copy(), bio[:1], *(d[:1] for d in doses), times, rtols[0], level[:1])
    for i, rtol in enumerate(rtols):
        started = time.process_time()
        everybody(rows, state, bio, *doses, times, rtol, level)
        np.savez(folder / f"answer{i}.npz", level=level, cpu_s=time.process_time() - started)


if __name__ == "__main__":
    main()
