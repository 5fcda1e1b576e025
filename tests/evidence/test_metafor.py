"""Our estimates beside R metafor's, pinned by validation/metafor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calcidiol.evidence.binomial import fit_binomial
from calcidiol.evidence.estimate import fit

REFERENCE: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "metafor.json").read_text())
CASES = REFERENCE["cases"]


def close(ours: float, theirs: float) -> None:
    assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-7)


def test_the_grid_is_complete() -> None:
    names = {(c["set"], c["method"], c["test"]) for c in CASES}
    assert len(names) == len(CASES) >= 60
    assert {"bcg", "normand1999", "raudenbush1985", "CANCER_INCIDENCE_RCT"} <= {c["set"] for c in CASES}


@pytest.mark.parametrize("case", CASES, ids=[f"{c['set']}-{c['method']}-{c['test']}" for c in CASES])
def test_pool_equals_metafor(case: dict[str, Any]) -> None:
    data = REFERENCE["sets"][case["set"]]
    ours = fit(
        np.array(data["yi"]),
        np.array(data["vi"]),
        method=case["method"],
        interval="wald" if case["test"] == "z" else "hk",
        floor=case["test"] == "adhoc",
    )
    for name, value in {
        "estimate": ours.coef[0],
        "se": ours.se[0],
        "ci_low": ours.ci_low[0],
        "ci_high": ours.ci_high[0],
        "pi_low": ours.pi_low,
        "pi_high": ours.pi_high,
        "tau2": ours.tau2,
        "i2": ours.i2,
        "q": ours.q,
        "q_p": ours.q_p,
    }.items():
        close(value, case[name])
    np.testing.assert_allclose(ours.weights, case["weights"], rtol=1e-6)


@pytest.mark.parametrize("case", REFERENCE["glmm"], ids=[c["set"] for c in REFERENCE["glmm"]])
def test_shares_equal_glmer(case: dict[str, Any]) -> None:
    ours = fit_binomial(np.array(case["e"], dtype=float), np.array(case["n"], dtype=float), "hk")
    assert ours.mean == pytest.approx(case["estimate"], abs=5e-6)
    assert ours.tau2 == pytest.approx(case["tau2"], abs=5e-5, rel=1e-5)
    assert ours.q == pytest.approx(case["q"], rel=1e-7)
    # rma.glmm takes its standard error from a numerical Hessian
    assert ours.se == pytest.approx(case["metafor"]["se"], rel=2e-5)
    assert ours.i2 == pytest.approx(case["metafor"]["i2"], abs=1e-3)
    assert ours.ci_low == pytest.approx(case["metafor"]["ci_low"], rel=5e-5)
    assert ours.ci_high == pytest.approx(case["metafor"]["ci_high"], rel=5e-5, abs=5e-5)


@pytest.mark.parametrize("method", ["REML", "DL", "PM"])
def test_meta_regression_equals_metafor(method: Any) -> None:
    bcg, theirs = REFERENCE["bcg"], REFERENCE["bcg"]["methods"][method]["regression"]
    X = np.column_stack([np.ones(13), bcg["ablat"], bcg["year"]])
    ours = fit(np.array(bcg["yi"]), np.array(bcg["vi"]), X, method=method, floor=False)
    np.testing.assert_allclose(ours.coef, theirs["coef"], rtol=1e-6)
    np.testing.assert_allclose(ours.se, theirs["se"], rtol=1e-6)
    np.testing.assert_allclose(ours.ci_low, theirs["ci_low"], rtol=1e-6)
    close(ours.tau2, theirs["tau2"])
    close(ours.i2, theirs["i2"])
    close(ours.q, theirs["q"])
