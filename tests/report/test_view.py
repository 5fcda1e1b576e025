"""What a report shows: the parts that every recommendation must carry, in words that fit the numbers."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcidiol.report import dosing, tables
from calcidiol.report.view import view
from calcidiol.report.words import LANGUAGES, Words, chance


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_of_plan_can_be_viewed(plan: dict[str, Any], lang: str) -> None:
    v = view(plan, lang)
    assert v.status_text
    assert v.headline
    assert v.statement
    assert bool(v.unreviewed) == (lang != "en")
    assert v.capsule


def test_dates_products_volumes_and_totals_of_the_doses(planned: dict[str, Any]) -> None:
    v = view(planned)
    runs = planned["regimen"]["doses"]
    assert len(v.steps) == len(runs) == 2
    for step, run in zip(v.steps, runs, strict=True):
        last = date.fromisoformat(run["start"]) + timedelta(days=run["every_days"] * (run["count"] - 1))
        assert (step.first, step.last) == (run["start"], last.isoformat())
        assert step.dose == f"{run['amount']:,.0f} IU"
        assert step.total == f"{run['iu'] * run['count']:,.0f} IU"
    assert v.steps[0].volume == f"{runs[0]['volume_ml']:g} mL"
    assert ("Total", f"{planned['regimen']['total_iu']:,.0f} IU") in v.totals


def test_pieces_are_counted_where_a_dose_needs_more_than_one(planned: dict[str, Any]) -> None:
    run = planned["regimen"]["doses"][1]
    run |= {"product": "invita-800", "amount": 2400.0, "iu": 2400.0, "volume_ml": None}
    from calcidiol.terminology import products

    capsule = next(p for p in products().values() if p.form == "capsule" and p.strength_iu == 800)
    run["product"] = capsule.id
    assert view(planned).steps[1].pieces.startswith("3 capsules")


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (
            {"product": "dibase-100000-im", "amount": 50000.0, "count": 2},
            "1 ampoule a dose, 2 in all; the rest of each",
        ),
        ({"product": "dibase-100000-im", "amount": 100000.0, "count": 3}, "1 ampoule a dose, 3 in all"),
        ({"product": "dibase-100000-im", "amount": 100000.0, "count": 1}, "1 ampoule a dose"),
        ({"product": "calciferol-d3-verfora-drops", "amount": 5000.0, "count": 56}, "10 drops a dose, 560 in all"),
        ({"product": "unknown", "amount": 5000.0, "count": 56}, ""),
    ],
)
def test_what_to_dispense_is_counted(planned: dict[str, Any], run: dict[str, Any], told: str) -> None:
    planned["regimen"]["doses"][0] |= run | {"unit": "[iU]"}
    pieces = view(planned).steps[0].pieces
    assert pieces.startswith(told)
    assert ("rest" in pieces) == ("rest" in told)


def test_each_day_of_injections_is_told(planned: dict[str, Any]) -> None:
    planned["regimen"]["doses"][0] |= {"start": "2026-11-21", "every_days": 14, "count": 3}
    first, second = view(planned).steps
    assert first.days == "2026-11-21, 2026-12-05, 2026-12-19"
    assert second.days == ""
    planned["regimen"]["doses"][1]["count"] = 3
    assert view(planned).steps[1].days == ""


def test_cautions_stand_beside_the_verdict(planned: dict[str, Any], unusable: dict[str, Any]) -> None:
    cautions = [n.text for n in view(planned).findings if n.level == "caution"]
    assert cautions
    assert [n.text for n in view(planned).mind] == cautions
    planned["card"]["domain"][0]["inside"] = False
    assert view(planned).mind[-1].text == "Outside the domain of the model: weight."
    assert view(unusable).mind == ()


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0, "< 0.1%"), (-0.001, "< 0.1%"), (0.00099, "< 0.1%"), (0.0123, "1.2%"), (0.099, "9.9%"), (0.0996, "10%"),
     (0.386, "39%"), (1.0, "100%")],
)  # fmt: skip
def test_a_chance_has_no_more_digits_than_it_can_bear(value: float, told: str) -> None:
    assert chance(value) == told
    assert Words("en").say("calcium.limit", {"excess": value}).count(told) == 1


def test_a_reason_is_told_once(planned: dict[str, Any]) -> None:
    route = {"text_id": "outside.route", "params": {"route": "im"}}
    product = {"text_id": "outside.product", "params": {"amount": 100000.0, "unit": "[iU]"}}
    planned["alternatives"][1]["why_not"] = [product, product]
    planned["alternatives"][2]["why_not"] = [route, product, route, product]
    told = view(planned).choices
    assert told[1].why == ("No product that this patient may have gives 100,000 IU.",)
    assert told[2].why == ("The route (intramuscular) is not allowed for this patient.",)


def test_calcifediol_is_totalled_in_micrograms(planned: dict[str, Any]) -> None:
    run = planned["regimen"]["doses"][1]
    run |= {"substance": "calcifediol", "amount": 266.0, "unit": "ug", "iu": None, "volume_ml": None, "count": 3}
    step = view(planned).steps[1]
    assert (step.dose, step.total) == ("266 \u00b5g", "798 \u00b5g")
    assert "IU" not in step.total


def test_checks_of_one_day_stand_together(planned: dict[str, Any]) -> None:
    v = view(planned)
    days = [c.on for c in v.checks]
    assert days == sorted(set(days))
    assert {m["on"] for m in planned["monitoring"]} == set(days)
    for item in planned["monitoring"]:
        told = next(c for c in v.checks if c.on == item["on"])
        assert Words("en").say(item["reason_id"], item["params"]) in told.why


def test_tags_other_than_v_are_shown() -> None:
    assert tables.tagged("label", "V") == "label"
    assert tables.tagged("label", "P") == "label [P]"


def test_stop_rules_and_blocking_rules_come_first(refused: dict[str, Any]) -> None:
    rules = refused["verdict"]["rules"]
    warn = {**rules[0], "id": "AD99", "action": "WARN"}
    refused["verdict"]["rules"] = [warn, *rules]
    marks = [n.mark for n in view(refused).reasons]
    assert marks[-1].startswith("AD99")
    assert marks[0].startswith("CI01")


def test_a_stopped_record_says_first_why_and_how_to_go_on(unusable: dict[str, Any]) -> None:
    v = view(unusable)
    assert v.reasons[0].level == "stop"
    assert "--confirm unit_trap:" in v.reasons[0].small[0]
    assert v.steps == ()
    assert v.no_interactions == v.labels["not_judged"]


def test_what_a_person_confirmed_is_shown_as_confirmed(planned: dict[str, Any]) -> None:
    confirmed = [n for n in view(planned).findings if "confirmed by a person" in " ".join(n.small)]
    assert len(confirmed) == 1
    assert confirmed[0].level == "note"


def test_levels_are_readable_in_both_units(planned: dict[str, Any]) -> None:
    row = view(planned).levels.rows[0]
    level = planned["forecasts"]["individual"]["level"]["p50"][0]
    assert row[1] == f"{level:.0f} ({level / 2.496:.0f})"


def test_the_numbers_for_print_stand_four_weeks_apart(planned: dict[str, Any]) -> None:
    v = view(planned)
    days = [date.fromisoformat(row[0]) for row in v.months.rows]
    assert days[0].isoformat() == planned["on"]
    assert {(b - a).days for a, b in itertools.pairwise(days)} == {28}
    assert days[-1] == date.fromisoformat(v.levels.rows[-1][0])
    assert set(v.months.rows) <= set(v.levels.rows)


def test_results_carry_their_percentile_and_method(planned: dict[str, Any]) -> None:
    row = view(planned).results.rows[0]
    assert row[2] == planned["labs"][0]["received"]
    assert row[4] == f"{planned['labs'][0]['percentile']:.1f}"


def test_like_things_that_were_not_used_are_told_once(planned: dict[str, Any]) -> None:
    told = [row[1] for row in view(planned).ignored.rows]
    assert len(told) == len(set(told))
    assert len(told) >= 1


def test_the_next_result_covers_everything_from_zero_up(planned: dict[str, Any]) -> None:
    rows = view(planned).next_rows.rows
    assert rows[0][0].startswith("<")
    assert rows[-1][0].startswith("\u2265")
    assert len(rows) == len(planned["next_result"]["rows"])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none", "No vitamin D now"),
        ("im 300000 IU once", "300,000 IU intramuscular, once"),
        ("oral 2000 IU daily x 105", "2,000 IU by mouth, daily \u00d7 105"),
        ("oral calcifediol 266 ug every 28 d x 7", "266 \u00b5g calcifediol by mouth, every 28 days \u00d7 7"),
        (
            "im 100000 IU once then oral 2000 IU daily x 181",
            "100,000 IU intramuscular, once; then 2,000 IU by mouth, daily \u00d7 181",
        ),
        (
            "im 50000 IU as dibase-100000-im every 14 d x 2 from day 3",
            "50,000 IU intramuscular, every 14 days \u00d7 2 from day 3",
        ),
        ("something else", "something else"),
    ],
)
def test_the_short_text_of_a_regimen_in_words(name: str, words: str) -> None:
    assert dosing.worded(name, Words("en")).replace("\u00a0", " ") == words


@given(
    st.sampled_from(["im", "oral"]),
    st.integers(1, 300000),
    st.integers(2, 365),
    st.one_of(st.just("daily"), st.integers(2, 90).map(lambda d: f"every {d} d")),
)
def test_every_run_that_the_regimen_room_writes_is_read(route: str, iu: int, count: int, rhythm: str) -> None:
    name = f"{route} {iu} IU {rhythm} x {count}"
    assert dosing.worded(f"{name} then {name}", Words("en")) != f"{name} then {name}"


def test_the_regimen_rooms_own_text_is_understood() -> None:
    from calcidiol import regimen
    from calcidiol.terminology import products

    start = date(2026, 11, 21)
    for protocol in regimen.protocols().values():
        if protocol.text:
            made = regimen.parse(protocol.text, start, products())
            assert dosing.worded(made.name, Words("en")) != made.name


def test_the_calcium_forecast_is_told_with_what_it_rests_on(planned: dict[str, Any]) -> None:
    v, calcium = view(planned), planned["calcium"]
    assert f"Added by the regimen: {chance(calcium['excess'])}" in v.calcium[0]
    assert f"{calcium['upper_limit_mmol_per_l']:g} mmol/L" in v.calcium[0]
    assert any("hydrochlorothiazide" in t for t in v.calcium)
    assert any("No small trial can validate" in t for t in v.calcium)
    assert v.chances[-1][1] == chance(calcium["excess"])


@pytest.mark.parametrize(("acceptable", "level"), [(True, "note"), (False, "caution")])
def test_a_calcium_limit_that_is_not_kept_is_said(planned: dict[str, Any], acceptable: bool, level: str) -> None:
    planned["calcium"]["acceptable"] = acceptable
    v = view(planned)
    assert v.calcium_level == level
    assert any("the calcium limit is not kept" in t for t in v.calcium) is not acceptable
    assert any("the calcium limit is not kept" in n.text for n in v.reasons) is not acceptable


def test_where_the_calcium_model_has_no_basis_there_is_no_probability(planned: dict[str, Any]) -> None:
    planned["calcium"] |= {
        "status": "exploratory", "text_id": "calcium.no_basis", "params": {"what": ["bone_metastases"]},
        "excess": None, "probability": None, "untreated": None, "mc_error": None, "exploratory": True,
        "acceptable": None,
    }  # fmt: skip
    v = view(planned)
    assert v.calcium_level == "caution"
    assert "bone metastases" in v.calcium[0]
    assert v.calcium[0] in [n.text for n in v.mind]
    assert not any("calcium" in text for text, _, _ in v.chances)
