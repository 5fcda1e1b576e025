"""Our estimates beside R metafor's, pinned by validation/metafor."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calcidiol.evidence.binomial import fit_binomial
from calcidiol.evidence.effect import Effect
from calcidiol.evidence.estimate import check_method, fit
from calcidiol.evidence.load import load
from calcidiol.evidence.pool import Pool, pool, pool_selection
from calcidiol.evidence.record import Group
from calcidiol.evidence.select import Selection
from calcidiol.evidence.sensitivity import cumulative, egger_test, leave_one_out, subgroups

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
    assert ours is not None
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


def bcg_effects() -> tuple[Effect, ...]:
    bcg = REFERENCE["bcg"]
    sample = load().studies["VIDA2018_INC"]
    rows = []
    for i, (y, v, year) in enumerate(zip(bcg["yi"], bcg["vi"], bcg["year"], strict=True)):
        study = dataclasses.replace(sample, study_id=f"BCG{i:02d}_{year}", family=f"BCG{i}", schedule=bcg["alloc"][i])
        rows.append(Effect(study.study_id, (study,), "RR", y, v))
    return tuple(rows)


def bcg_pool(method: str) -> Pool:
    """The BCG trials as one of our pools."""
    selection = Selection(Group(id="BCG", title="BCG", scale="ratio", benefit=""), "ratio", bcg_effects(), (), ())
    return pool_selection(selection, check_method(method), "hk")


@pytest.mark.parametrize("method", ["REML", "DL", "PM"])
def test_leave_one_out_and_cumulative_equal_metafor(method: str) -> None:
    theirs, pooled = REFERENCE["bcg"]["methods"][method], bcg_pool(method)
    assert len(leave_one_out(pooled)) == len(cumulative(pooled)) == 13
    for line, b, tau2, q in zip(
        leave_one_out(pooled),
        theirs["leave_one_out"]["estimate"],
        theirs["leave_one_out"]["tau2"],
        theirs["leave_one_out"]["q"],
        strict=True,
    ):
        close(math.log(line.estimate), b)
        close(line.tau2, tau2)
        close(line.q, q)
    for line, b, tau2, i2 in zip(
        cumulative(pooled),
        theirs["cumulative"]["estimate"],
        theirs["cumulative"]["tau2"],
        theirs["cumulative"]["i2"],
        strict=True,
    ):
        close(math.log(line.estimate), b)
        close(line.tau2, tau2)
        close(line.i2, i2)


def test_subgroups_equal_metafor() -> None:
    split = subgroups(bcg_pool("REML"), "allocation", lambda e: e.members[0].schedule)
    theirs = REFERENCE["bcg"]["subgroups"]
    assert {line.name for line in split.lines} == set(theirs)
    for line in split.lines:
        close(math.log(line.estimate), theirs[line.name]["estimate"])
        close(line.tau2, theirs[line.name]["tau2"])
    assert (split.df, 0 < split.p < 1) == (2, True)


@pytest.mark.parametrize("name", sorted(REFERENCE["egger"]))
def test_egger_equals_metafor(name: str) -> None:
    data, theirs = REFERENCE["sets"][name], REFERENCE["egger"][name]
    ours = egger_test(np.array(data["yi"]), np.array(data["vi"]))
    assert ours.df == theirs["df"]
    close(ours.t, theirs["t"])
    close(ours.p, theirs["p"])


@pytest.mark.parametrize("group", [name for name in REFERENCE["sets"] if name.isupper()])
def test_the_ledger_is_still_what_r_pooled(group: str) -> None:
    """A change of the ledger's effects asks for a new run of validation/metafor."""
    effects = pool(group).effects
    np.testing.assert_allclose([e.y for e in effects], REFERENCE["sets"][group]["yi"], rtol=1e-12)
    np.testing.assert_allclose([e.v for e in effects], REFERENCE["sets"][group]["vi"], rtol=1e-12)
