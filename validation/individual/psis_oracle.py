"""k-hat, smoothed weights and effective draws of arviz for seeded log weights: pinned beside it as psis.json.

python validation/individual/psis_oracle.py > validation/individual/psis.json      (environment of requirements.txt)
"""

import json

import numpy as np


def log_weights(case: int) -> np.ndarray:
    """Log weights of a case: light, heavy and very heavy tails, a proposal too narrow, and a bounded ratio."""
    rng = np.random.default_rng([11, case])
    n = (1000, 2000, 4000)[case % 3]
    kind = case // 3
    if kind == 0:
        return rng.standard_normal(n)
    if kind == 1:
        return -np.log1p(-rng.random(n)) * 0.3
    if kind == 2:
        return -np.log(1 - rng.random(n)) * 0.9
    if kind == 3:
        x = 0.6 * rng.standard_normal(n)
        return -0.5 * x**2 + 0.5 * (x / 0.6) ** 2
    x = 1.5 * rng.standard_normal(n)
    return -0.5 * x**2 + 0.5 * (x / 1.5) ** 2


if __name__ == "__main__":
    import arviz

    told = []
    for case in range(15):
        smoothed, k = arviz.psislw(log_weights(case))
        w = np.exp(np.asarray(smoothed))
        told.append(
            {
                "case": case,
                "k_hat": float(k),
                "effective": float(1 / np.sum(w**2)),
                "top": np.sort(w)[::-1][:5].tolist(),
            }
        )
    print(json.dumps({"arviz": arviz.__version__, "cases": told}, indent=1))
