"""Whole plans: statuses, invariants, replay, inputs that count."""

import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import calcidiol as cd
from calcidiol.errors import UsageError
from calcidiol.planning import capsule as capsules
from calcidiol.planning.again import remake, replay
from calcidiol.planning.answer import Plan
from calcidiol.report.words import Words
from calcidiol.safety.verdict import Verdict

ON = "2026-11-21"
EXAMPLES = Path(__file__).parents[2] / "examples"
SAY = Words("en").say


@pytest.fixture(scope="module")
def plans() -> dict[str, Plan]:
    """Every example's plan, made once."""
    return {p.stem: cd.plan(cd.read(p), on=ON) for p in sorted(EXAMPLES.iterdir()) if p.suffix in (".yaml", ".json")}


def told(plan: Plan) -> dict[str, Any]:
    """As it comes back from a file."""
    made: dict[str, Any] = json.loads(json.dumps(plan.to_dict(SAY), allow_nan=False))
    return made


def test_every_example_ends_as_its_name_says(plans: dict[str, Plan]) -> None:
    expected = {
        "simple-deficiency": "planned",
        "obesity": "planned",
        "gastrectomy": "planned",
        "injections-already-given": "planned",
        "cll": "planned",
        "lymphoma-raised-calcium": "refused",
        "myeloma-low-albumin": "refused",
        "ckd-4": "planned",
        "thiazide-and-digoxin": "planned",
        "wrong-unit": "unusable",
        "thrombocytopenia": "planned",
    }
    assert {name: plans[name].status for name in expected} == expected
    assert {p.exit_code for p in plans.values()} == {0, 3, 4}


def test_schema_holds_for_every_example(plans: dict[str, Plan]) -> None:
    from importlib.resources import files

    schema = json.loads(files("calcidiol.planning").joinpath("plan.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for name, plan in plans.items():
        problems = [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(told(plan))]
        assert not problems, (name, problems[:3])


def test_no_sentence_is_missing(plans: dict[str, Plan]) -> None:
    for lang in ("en", "zh-Hant"):
        say = Words(lang).say
        for name, plan in plans.items():
            text = json.dumps(plan.to_dict(say), ensure_ascii=False)
            holes = re.findall(r'"\[(?!iU\])[A-Za-z][A-Za-z_0-9.]*(?:\]|: )[^"]*', text)
            assert not holes, (lang, name, holes[:5])


def test_thrombocytopenia_goes_by_mouth(plans: dict[str, Plan]) -> None:
    regimen = plans["thrombocytopenia"].regimen
    assert regimen is not None
    assert {run.route for run in regimen.runs} == {"oral"}
    assert plans["thrombocytopenia"].verdict.status == "reduced"


def test_forecasts_are_weekly_or_finer_and_ordered(plans: dict[str, Plan]) -> None:
    for plan in plans.values():
        forecasts = told(plan)["forecasts"]
        if forecasts is None:
            assert plan.status == "unusable"
            continue
        for f in forecasts.values():
            days = [date.fromisoformat(d) for d in f["dates"]]
            assert max(b - a for a, b in pairwise(days)) <= timedelta(days=7)
            for low, middle, high in zip(f["level"]["p05"], f["level"]["p50"], f["level"]["p95"], strict=True):
                assert 0 < low <= middle <= high


def test_lab_band_is_wider_than_level_band(plans: dict[str, Plan]) -> None:
    f = told(plans["simple-deficiency"])["forecasts"]["individual"]
    wide = [b - a for a, b in zip(f["lab"]["p05"], f["lab"]["p95"], strict=True)]
    narrow = [b - a for a, b in zip(f["level"]["p05"], f["level"]["p95"], strict=True)]
    assert all(w > n for w, n in zip(wide, narrow, strict=True))


def test_replay_finds_the_same_plan_and_a_changed_one(plans: dict[str, Plan]) -> None:
    before = told(plans["gastrectomy"])
    assert list(replay(before, SAY)) == []
    before["regimen"]["total_iu"] += 1
    before["capsule"]["options"]["seed"] = 0
    assert [d.split(":")[0] for d in replay(before, SAY)] == ["regimen.total_iu"]


def test_replay_of_what_is_no_plan() -> None:
    with pytest.raises(UsageError, match="capsule"):
        remake({"hello": 1})
    with pytest.raises(UsageError, match="damaged"):
        remake({"format": capsules.FORMAT, "patient": {"id": 3}, "on": ON, "options": {}})


def test_seed_changes_little_and_the_same_seed_nothing() -> None:
    patient = cd.read(EXAMPLES / "simple-deficiency.yaml")
    one, same, other = (cd.plan(patient, on=ON, seed=s) for s in (3, 3, 4))
    assert told(one) == told(same)
    a, b = (told(p)["probabilities"]["in_band"] for p in (one, other))
    # Two independent estimates differ by more than 5 joint errors once in about 2 million.
    assert abs(a["value"] - b["value"]) < 0.05 + 5 * (a["mc_error"] ** 2 + b["mc_error"] ** 2) ** 0.5


def test_a_plan_needs_its_verdict() -> None:
    with pytest.raises(ValueError, match="verdict"):
        Plan("planned", ON, Verdict("refused", (), None), (), (), None, (), (), {})
    regimen = cd.Regimen("x")
    with pytest.raises(ValueError, match="cannot carry"):
        Plan("refused", ON, Verdict("refused", (), None), (), (), regimen, (), (), {})


@pytest.mark.parametrize("missing", ["calcium", "creatinine", "25ohd"])
def test_no_dose_without_the_three_labs(missing: str) -> None:
    patient = cd.read(EXAMPLES / "simple-deficiency.yaml")
    without = replace(patient, labs=tuple(x for x in patient.labs if x.analyte != missing))
    plan = cd.plan(without, on=ON)
    assert plan.status == "refused"
    assert plan.regimen is None


def test_stale_labs_give_no_dose() -> None:
    patient = cd.read(EXAMPLES / "simple-deficiency.yaml")
    assert cd.plan(patient, on="2027-11-21").status == "refused"


def test_a_confirmed_stop_is_shown_as_confirmed(plans: dict[str, Plan]) -> None:
    patient = cd.read(EXAMPLES / "wrong-unit.yaml")
    key = next(f.key for f in plans["wrong-unit"].findings if f.level == "stop")
    plan = cd.plan(patient, on=ON, confirmed=(key,))
    assert plan.status != "unusable"
    assert any(f["key"] == key and f["confirmed"] for f in told(plan)["findings"])


def test_a_missing_weight_widens_the_band() -> None:
    patient = cd.read(EXAMPLES / "simple-deficiency.yaml")
    unknown = replace(patient, weight_kg=(), height_cm=())

    def width(p: cd.Patient) -> float:
        f = cd.forecast(p, "oral 4000 IU daily x 180", on=ON)["forecasts"]["individual"]["level"]
        return float(f["p95"][26] / f["p05"][26])

    assert width(unknown) > width(patient)
    names = [i["name"] for i in told(cd.plan(unknown, on=ON))["inputs"]["imputed"]]
    assert "weight" in names


def test_an_injection_is_slower_and_longer_than_by_mouth() -> None:
    patient = cd.read(EXAMPLES / "simple-deficiency.yaml")
    level = {
        route: cd.forecast(patient, f"{route} 300000 IU once", on=ON)["forecasts"]["individual"]
        for route in ("oral", "im")
    }
    dates = level["im"]["dates"]
    early, late = dates.index("2026-11-27"), dates.index("2027-05-22")
    assert level["oral"]["level"]["p50"][early] > level["im"]["level"]["p50"][early]
    assert level["oral"]["level"]["p50"][late] < level["im"]["level"]["p50"][late]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"goal": "high"}, "not a band"),
        ({"goal": "125-75"}, "low < high"),
        ({"route": "nasal"}, "nasal"),
        ({"card": "none-such"}, "none-such"),
        ({"on": "21.11.2026"}, "2026-11-21"),
        ({"on": "9999-12-31"}, "1850 to 2200"),
        ({"on": date(1, 1, 1)}, "1850 to 2200"),
    ],
)
def test_requests_that_make_no_sense(options: dict[str, Any], says: str) -> None:
    patient = cd.read(EXAMPLES / "simple-deficiency.yaml")
    with pytest.raises(UsageError, match=says):
        cd.plan(patient, **{"on": ON, **options})


def test_a_day_is_a_date_a_text_or_a_moment_of_it() -> None:
    patient = cd.Patient("nobody")
    for on in (date(2026, 11, 21), "2026-11-21", datetime(2026, 11, 21, 23, 59)):
        assert cd.plan(patient, on=on).on == "2026-11-21"


def test_differences_name_path_and_values() -> None:
    assert list(capsules.differences({"a": [1, {"b": 2.0}]}, {"a": [1, {"b": 2.0 + 1e-12}]})) == []
    assert list(capsules.differences({"a": [1]}, {"a": [1, 2], "c": 0})) == ["a: 1 entries before, 2 now", "c: new"]
    assert list(capsules.differences({"a": 1.0}, {"a": 1.1})) == ["a: 1.0 before, 1.1 now"]
