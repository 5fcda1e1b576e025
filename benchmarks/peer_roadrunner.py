"""libroadrunner (CVODE, compiled model) on injections every 28 days: `python peer_roadrunner.py FOLDER RTOL ...`.

Run by the peers' interpreter, so it imports nothing of this package. Its own statement of the equations; one call
between two doses, which is how its interface takes them. Only for a linear clearance and daily outputs.
"""

import sys
import time
from pathlib import Path

import antimony
import numpy as np
import roadrunner

EVERY = 28
MODEL = """
model d3
  b' = -kim * b; c' = -kim_slow * c;
  season := 1 + season_amplitude * cos(2 * pi * (doy + time - season_phase_d) / 365.25);
  formed := x1 * (vmax / (km + x1) + clh);
  x1' = (kim * b + kim_slow * c + mean_input * season - clo * x1 - formed - q * (x1 - x2)) / v1;
  x2' = q * (x1 - x2) / v2;
  x3' = (formed - cl25 * x3 - q25 * (x3 - x4)) / v25;
  x4' = q25 * (x3 - x4) / v25p;
  b = 0; c = 0; x1 = 1; x2 = 1; x3 = 1; x4 = 1; mean_input = 1; doy = 0;
  kim = 1; kim_slow = 1; season_amplitude = 0; season_phase_d = 0; clo = 1; vmax = 1; km = 1; clh = 1; q = 1; v1 = 1;
  v2 = 1; cl25 = 1; q25 = 1; v25 = 1; v25p = 1;
end
"""
STATES = ("b", "c", "x1", "x2", "x3", "x4")


def main() -> None:
    """Read the problem, solve it at each tolerance, write levels and CPU seconds."""
    folder, rtols = Path(sys.argv[1]), [float(r) for r in sys.argv[2:]]
    with np.load(folder / "problem.npz") as told:
        given = dict(told)
    nmol = given["nmol"].ravel()
    if bool(given["saturable"]) or (given["into"] != 1).any():
        raise SystemExit("only injections and a linear clearance")
    if (given["days"].ravel() != EVERY * np.arange(len(nmol))).any():
        raise SystemExit("only injections every 28 days")
    if antimony.loadAntimonyString(MODEL) < 0:
        raise SystemExit(antimony.getLastError())
    model = roadrunner.RoadRunner(antimony.getSBMLString("d3"))
    model.timeCourseSelections = ["x3"]
    for i, rtol in enumerate(rtols):
        model.integrator.relative_tolerance = model.integrator.absolute_tolerance = rtol
        started = time.process_time()
        level = everybody(model, given, nmol)
        np.savez(folder / f"answer{i}.npz", level=level, cpu_s=time.process_time() - started)


def everybody(model, given, nmol):  # type: ignore[no-untyped-def]
    """Levels of all patients, one after the other."""
    p, times = given["parameters"], given["times"]
    place = {str(name): i for i, name in enumerate(given["names"])}
    used = [k for k in place if k in set(model.model.getGlobalParameterIds())]
    level = np.empty((len(p), len(times)))
    for i in range(len(p)):
        model.resetAll()
        for name in used:
            model[name] = p[i, place[name]]
        model["mean_input"], model["doy"] = given["mean_input"][i], float(given["doy"])
        for name, value in zip(STATES, np.delete(given["state"][:, i], (0, 3)), strict=True):
            model[name] = value
        share = p[i, place["im_fast"]]
        for k in range(len(nmol)):
            dose = nmol[k] * p[i, place["f_im"]]
            model["b"] = model["b"] + dose * share
            model["c"] = model["c"] + dose * (1.0 - share)
            until = EVERY * (k + 1) if k + 1 < len(nmol) else int(times[-1])
            found = model.simulate(EVERY * k, until, until - EVERY * k + 1)
            level[i, EVERY * k : until + 1] = np.asarray(found)[:, 0]
    return level


if __name__ == "__main__":
    main()
