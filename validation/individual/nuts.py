"""The same posteriors by NUTS, equations restated in JAX: nothing of calcidiol is imported here.

    python validation/individual/nuts.py cases.json nuts.json

Needs its own environment (requirements.txt beside it). Cases that the second file holds already are left as they are,
and each new one is added as soon as it is done, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax import lax
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.infer import MCMC, NUTS, init_to_sample

jax.config.update("jax_enable_x64", True)
CHAINS = 64
YEAR = 365.25
POINTS = 16
LABS = 4
WILD, WIDTH = 0.02, 3.0


def grid(case: dict) -> dict:
    """Steps from the first event to day 0: short after a dose by mouth, at most two days; what happens at each end."""
    stops = sorted({*case["dose_time"], *case["lab_time"], 0.0})
    t, since, steps = stops[0], 1e9, []
    rows: list[tuple[float, float, np.ndarray, int]] = []

    def happening(at: float) -> tuple[np.ndarray, int]:
        given = np.zeros(3)
        for time, amount, into in zip(case["dose_time"], case["dose_nmol"], case["dose_into"], strict=True):
            if time == at:
                given[into] += amount
        lab = case["lab_time"].index(at) if at in case["lab_time"] else -1
        return given, lab

    given, lab = happening(t)
    rows.append((t, 0.0, given, lab))
    if given[0] > 0:
        since = 0.0
    for stop in stops[1:]:
        while t < stop - 1e-9:
            h = min(2.0, 0.08 + 0.4 * since, stop - t)
            if stop - t - h < 0.25 * h:
                h = stop - t
            last = t + h >= stop - 1e-9
            given, lab = happening(stop) if last else (np.zeros(3), -1)
            rows.append((t, h, given, lab))
            since += h
            t = stop if last else t + h
            if given[0] > 0:
                since = 0.0
    del steps
    return {
        "t": np.array([r[0] for r in rows]),
        "h": np.array([r[1] for r in rows]),
        "given": np.array([r[2] for r in rows]),
        "lab": np.array([r[3] for r in rows]),
    }


def spectral() -> np.ndarray:
    """Derivative of a periodic function at equidistant points of the year (Trefethen 2000, chapter 3)."""
    n = POINTS
    j = np.arange(n)
    difference = j[:, None] - j[None]
    with np.errstate(divide="ignore"):
        d = 0.5 * (-1.0) ** difference / np.tan(difference * np.pi / n)
    np.fill_diagonal(d, 0.0)
    return d * 2 * np.pi / YEAR


D = jnp.asarray(spectral())
EYE = jnp.eye(POINTS)


def start(p: dict, doy):
    """The yearly cycle at a day: collocation, solved by Newton."""
    formed = p["cl25"] * p["untreated"]
    b = p["vmax"] + p["clh"] * p["km"] - formed
    c = (-b + jnp.sqrt(b * b + 4 * p["clh"] * formed * p["km"])) / (2 * p["clh"])
    r0 = p["clo"] * c + formed
    time = jnp.arange(POINTS) * YEAR / POINTS
    rate = r0 * (1 + p["season_amplitude"] * jnp.cos(2 * jnp.pi * (time - p["season_phase_d"]) / YEAR))
    store = jnp.linalg.inv(EYE + p["v2"] / p["q"] * D)
    linear = p["v1"] * D + (p["clo"] + p["q"]) * EYE - p["q"] * store
    x = jnp.full(POINTS, c)
    for _ in range(5):
        f = linear @ x + p["vmax"] * x / (p["km"] + x) + p["clh"] * x - rate
        slope = linear + jnp.diag(p["vmax"] * p["km"] / (p["km"] + x) ** 2 + p["clh"])
        x = x - jnp.linalg.solve(slope, f)
    side = jnp.linalg.inv(EYE + p["v25p"] / p["q25"] * D)
    made = p["vmax"] * x / (p["km"] + x) + p["clh"] * x
    y = jnp.linalg.solve(p["v25"] * D + (p["cl25"] + p["q25"]) * EYE - p["q25"] * side, made)
    # Trigonometric interpolation to the day.
    u = 2 * jnp.pi * (doy - time) / YEAR
    kernel = 1 + 2 * sum(jnp.cos(k * u) for k in range(1, POINTS // 2)) + jnp.cos(POINTS // 2 * u)
    at = kernel / POINTS
    return jnp.stack([at @ x, at @ (store @ x), at @ y, at @ (side @ y)]), r0


def levels(p: dict, steps: dict, doy):
    """25(OH)D at each result, and on day 0."""
    first, r0 = start(p, doy + steps["t"][0])

    def slope(y, t, into):
        season = 1 + p["season_amplitude"] * jnp.cos(2 * jnp.pi * (doy + t - p["season_phase_d"]) / YEAR)
        formed = p["vmax"] * y[0] / (p["km"] + y[0]) + p["clh"] * y[0]
        return jnp.stack(
            [
                (r0 * season + into - p["clo"] * y[0] - formed - p["q"] * (y[0] - y[1])) / p["v1"],
                p["q"] / p["v2"] * (y[0] - y[1]),
                (formed - p["cl25"] * y[2] - p["q25"] * (y[2] - y[3])) / p["v25"],
                p["q25"] / p["v25p"] * (y[2] - y[3]),
            ]
        )

    def step(carry, now):
        y, mouth, muscle, seen = carry
        t, h, given, lab = now

        def into(s):
            return p["ka"] * mouth * jnp.exp(-p["ka"] * s) + p["kim"] * muscle * jnp.exp(-p["kim"] * s)

        i0, i1, i2 = into(0.0), into(0.5 * h), into(h)
        k1 = slope(y, t, i0)
        k2 = slope(y + 0.5 * h * k1, t + 0.5 * h, i1)
        k3 = slope(y + 0.5 * h * k2, t + 0.5 * h, i1)
        k4 = slope(y + h * k3, t + h, i2)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        seen = jnp.where(jnp.arange(LABS) == lab, y[2], seen)  # sample first, dose after
        mouth = mouth * jnp.exp(-p["ka"] * h) + p["f_oral"] * given[0]
        muscle = muscle * jnp.exp(-p["kim"] * h) + p["f_im"] * given[1]
        return (y, mouth, muscle, seen), None

    begin = (first, jnp.array(0.0), jnp.array(0.0), jnp.ones(LABS))
    (y, _, _, seen), _ = lax.scan(step, begin, (steps["t"], steps["h"], steps["given"], steps["lab"]))
    return seen, y[2]


def individual(z, case: dict) -> dict:
    """Parameters of standardized effects z (5,)."""
    p = dict(case["parameters"])
    bent = z[0] - 0.15 * jnp.minimum(z[0] + 1.0, 0.0) ** 2
    eta = jnp.concatenate([bent[None], z[1:]]) * case["spreads"]
    p["untreated"] = p["untreated"] * jnp.exp(eta[0])
    conversion = jnp.exp(eta[1] + case["baseline_exponent"] * eta[0])
    p["vmax"], p["clh"] = p["vmax"] * conversion, p["clh"] * conversion
    p["cl25"] = p["cl25"] * jnp.exp(eta[2])
    p["f_oral"] = p["f_oral"] * jnp.exp(eta[3])
    p["kim"] = p["kim"] * jnp.exp(eta[4])
    return p


def log_likelihood(seen, bias, case: dict):
    center = jnp.log(seen) + bias * case["biased"]
    sd = jnp.sqrt(case["residual"][0] ** 2 + (case["residual"][1] * jnp.exp(-center)) ** 2)
    r = (case["log"] - center) / sd
    calm = jnp.exp(-0.5 * r**2) / jnp.sqrt(2 * jnp.pi)
    wild = 2 / (jnp.pi * jnp.sqrt(3.0)) / WIDTH / (1 + (r / WIDTH) ** 2 / 3) ** 2
    density = jnp.log((1 - WILD) * calm + WILD * wild) - jnp.log(sd)
    s = -case["kind"] * r
    u = s / WIDTH
    student = 0.5 + (jnp.arctan(u / jnp.sqrt(3.0)) + jnp.sqrt(3.0) * u / (3 + u**2)) / jnp.pi
    beyond = jnp.log((1 - WILD) * jax.scipy.special.ndtr(s) + WILD * student)
    return jnp.sum(case["real"] * jnp.where(case["kind"] == 0, density, beyond))


def model(case):
    # Five effects and the bias, all N(0, 1), seen through a linear map that makes them about N(0, 1) again afterwards.
    y = numpyro.sample("y", dist.Normal(0, 1).expand([6]).to_event(1))
    x = case["center"] + case["root"] @ y
    numpyro.factor("prior", -0.5 * jnp.sum(x**2) + 0.5 * jnp.sum(y**2))
    z = numpyro.deterministic("z", x[:5])
    bias = numpyro.deterministic("bias", x[5]) * case["assay_bias"]
    seen, now = levels(individual(z, case), case["steps"], case["doy"])
    numpyro.deterministic("now", jnp.log(now))
    numpyro.factor("labs", log_likelihood(seen, bias, case))


def prepared(case: dict, longest: int) -> dict:
    """Arrays of one length for all cases, so that one compiled sampler serves them all."""
    steps = grid(case)
    pad = longest - len(steps["t"])
    steps = {
        "t": np.pad(steps["t"], (0, pad), constant_values=0.0),
        "h": np.pad(steps["h"], (0, pad)),
        "given": np.pad(steps["given"], ((0, pad), (0, 0))),
        "lab": np.pad(steps["lab"], (0, pad), constant_values=-1),
    }
    n = len(case["lab_time"])

    def filled(values, fill):
        return np.array([*values, *[fill] * (LABS - n)], dtype=float)

    assert case["effects"][1][2] == ["vmax", "clh"]
    return {
        "center": np.array(case["center"]),
        "root": np.array(case["root"]),
        "parameters": {k: float(v) for k, v in case["parameters"].items()},
        "spreads": np.array([e[1] for e in case["effects"]]),
        "baseline_exponent": case["baseline_exponent"],
        "residual": np.array(case["residual"]),
        "assay_bias": case["assay_bias"],
        "doy": case["doy"],
        "steps": steps,
        "log": filled(case["lab_log"], 4.0),
        "kind": filled(case["lab_kind"], 0),
        "biased": filled(case["lab_biased"], 0),
        "real": filled([1.0] * n, 0),
    }


def sampler(step: float, depth: int, samples: int, warmup: int = 20) -> MCMC:
    """NUTS with a fixed step."""
    kernel = NUTS(
        model,
        step_size=step,
        adapt_step_size=False,
        adapt_mass_matrix=False,
        max_tree_depth=depth,
        forward_mode_differentiation=True,
        init_strategy=init_to_sample,
    )
    return MCMC(
        kernel,
        num_warmup=warmup,
        num_samples=samples,
        num_chains=CHAINS,
        chain_method="vectorized",
        progress_bar=False,
        jit_model_args=True,
    )


def sampled(mcmc: MCMC, case: dict, data: dict) -> dict:
    """Means, SDs and diagnostics of one case."""
    mcmc.run(jax.random.PRNGKey(case["case"]), data, extra_fields=("diverging", "num_steps", "accept_prob"))
    draws = mcmc.get_samples(group_by_chain=True)
    bias = [draws["bias"][..., None] * case["assay_bias"]] if any(case["lab_biased"]) else []
    x = np.concatenate([draws["z"], *bias, draws["now"][..., None]], -1)
    extra = mcmc.get_extra_fields()
    return {
        "case": case["case"],
        "mean": x.mean((0, 1)).tolist(),
        "sd": x.std((0, 1)).tolist(),
        "effective": np.asarray(effective_sample_size(x)).tolist(),
        "effective_square": np.asarray(effective_sample_size((x - x.mean((0, 1))) ** 2)).tolist(),
        "r_hat": np.asarray(split_gelman_rubin(x)).tolist(),
        "divergent": int(extra["diverging"].sum()),
        "accepted": float(extra["accept_prob"].mean()),
        "draws": int(x.shape[0] * x.shape[1]),
    }


def main(path: str, kept: Path) -> None:
    cases = json.loads(Path(path).read_text(encoding="utf-8"))
    longest = max(len(grid(c)["t"]) for c in cases)
    # The unknowns are about N(0, 1): a fixed step serves most cases; those with two explanations mix more slowly.
    samplers = [sampler(0.6, 3, 68), sampler(0.5, 3, 384, warmup=100), sampler(0.3, 4, 384, warmup=100)]
    told = json.loads(kept.read_text(encoding="utf-8"))["cases"] if kept.exists() else []
    for case in cases:
        if any(row["case"] == case["case"] for row in told):
            continue
        for mcmc in samplers:
            row = sampled(mcmc, case, prepared(case, longest))
            short = {k: row[k] for k in ("case", "divergent", "accepted", "draws")}
            print(short, round(min(row["effective"])), max(row["r_hat"]), file=sys.stderr, flush=True)
            if trusted(row):
                told = sorted([*told, row], key=lambda r: r["case"])
                versions = {"jax": jax.__version__, "numpyro": numpyro.__version__}
                kept.write_text(json.dumps({"versions": versions, "cases": told}, indent=1) + "\n", encoding="utf-8")
                break


def trusted(row: dict) -> bool:
    """Enough effective draws of every unknown, chains that agree, no divergence."""
    return min(row["effective"]) >= 5000 and max(row["r_hat"]) < 1.01 and not row["divergent"]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
