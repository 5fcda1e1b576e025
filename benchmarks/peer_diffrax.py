"""diffrax (Tsit5, float64, all patients at once), injections every 28 days: `python peer_diffrax.py FOLDER RTOL ...`.

Run by the peers' interpreter, so it imports nothing of this package. Its own statement of the equations; one solve
between two doses; compiling is not timed. Only for a linear clearance and daily outputs.
"""

import sys
import time
from pathlib import Path

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
YEAR_D, EVERY = 365.25, 28


def slopes(t, y, q):  # type: ignore[no-untyped-def]
    """Injected depots (nmol), then the four concentrations (nmol/L); time in days."""
    b, c, x1, x2, x3, x4 = y
    season = 1.0 + q["season_amplitude"] * jnp.cos(2.0 * jnp.pi * (q["doy"] + t - q["season_phase_d"]) / YEAR_D)
    formed = x1 * (q["vmax"] / (q["km"] + x1) + q["clh"])
    absorbed = q["kim"] * b + q["kim_slow"] * c + q["mean_input"] * season
    return jnp.stack([
        -q["kim"] * b, -q["kim_slow"] * c,
        (absorbed - q["clo"] * x1 - formed - q["q"] * (x1 - x2)) / q["v1"], q["q"] * (x1 - x2) / q["v2"],
        (formed - q["cl25"] * x3 - q["q25"] * (x3 - x4)) / q["v25"], q["q25"] * (x3 - x4) / q["v25p"],
    ])  # fmt: skip


def main() -> None:
    """Read the problem, solve it at each tolerance, write levels and CPU seconds."""
    folder, rtols = Path(sys.argv[1]), [float(r) for r in sys.argv[2:]]
    with np.load(folder / "problem.npz") as told:
        given = dict(told)
    nmol = given["nmol"].ravel()
    wrong = bool(given["saturable"]) or (given["into"] != 1).any() or (nmol != nmol[0]).any()
    if wrong or (given["days"].ravel() != EVERY * np.arange(len(nmol))).any():
        raise SystemExit("only equal injections every 28 days and a linear clearance")
    p = given["parameters"]
    q = {str(name): jnp.asarray(p[:, i]) for i, name in enumerate(given["names"])}
    q |= {"mean_input": jnp.asarray(given["mean_input"]), "doy": jnp.full(len(p), float(given["doy"]))}
    start = jnp.asarray(np.delete(given["state"], (0, 3), axis=0).T)
    last = len(given["times"])
    spans = -(-last // EVERY)

    def one(q, y, rtol):  # type: ignore[no-untyped-def]
        def span(y, k):  # type: ignore[no-untyped-def]
            dose = jnp.where(k < len(nmol), nmol[0], 0.0) * q["f_im"]
            y = y.at[0].add(dose * q["im_fast"]).at[1].add(dose * (1.0 - q["im_fast"]))
            found = diffrax.diffeqsolve(
                diffrax.ODETerm(slopes), diffrax.Tsit5(), EVERY * k, EVERY * (k + 1.0), 0.1, y, q,
                saveat=diffrax.SaveAt(ts=EVERY * k + jnp.arange(EVERY + 1.0)),
                stepsize_controller=diffrax.PIDController(rtol=rtol, atol=rtol), max_steps=100_000,
            ).ys  # fmt: skip
            return found[-1], found[:-1, 4]

        return jax.lax.scan(span, y, jnp.arange(spans, dtype=float))[1].reshape(-1)[:last]

    solve = jax.jit(jax.vmap(one, (0, 0, None)))
    solve(q, start, rtols[0]).block_until_ready()
    for i, rtol in enumerate(rtols):
        started = time.process_time()
        level = np.asarray(solve(q, start, rtol).block_until_ready())
        np.savez(folder / f"answer{i}.npz", level=level, cpu_s=time.process_time() - started)


if __name__ == "__main__":
    main()
