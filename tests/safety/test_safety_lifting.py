"""A refusal comes with what to measure, and when, to lift it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from safety_people import ON, base, dose, person

from calcidiol import safety
from calcidiol.kinetics.events import Regimen
from calcidiol.patient.record import Patient
from calcidiol.regimen import parse
from calcidiol.safety.verdict import MonitorItem
from calcidiol.terminology import products

NONE = Regimen("none")


def lifting(patient: Patient) -> list[MonitorItem]:
    asked = parse("oral 1000 IU daily x 90", ON, products())
    verdict = safety.gate(patient, asked, ON, products())
    found = safety.monitoring(patient, verdict.regimen or NONE, ON, rules=verdict.rules)
    return [m for m in found if "rules" in m.params]


@pytest.mark.parametrize(
    ("line", "days", "labs", "lift", "rules"),
    [
        ("no calcium", 0, ("calcium", "calcium_ionized"), "lift.measure", ("LB01",)),
        ("no calcium; no 25ohd", 0, ("calcium", "calcium_ionized", "25ohd"), "lift.measure", ("LB01", "LB05")),
        ("25ohd@91=30", 0, ("25ohd",), "lift.measure_again", ("LB06",)),
        ("calcium=2.8", 1, ("calcium", "albumin", "calcium_ionized", "pth", "1_25_ohd"), "lift.calcium_normal",
         ("CI01",)),
        ("25ohd=130", 84, ("25ohd", "calcium", "albumin"), "lift.level_in_target", ("CI04",)),
        ("25ohd=300", 28, ("25ohd", "calcium", "albumin", "creatinine"), "lift.level_below", ("CI04", "HL05")),
        ("has lymphoma", 0, ("1_25_ohd", "calcium", "albumin"), "lift.calcitriol_measured", ("CI08",)),
        ("phosphate=1.9", 7, ("phosphate", "calcium", "albumin"), "lift.phosphate", ("AD01",)),
        ("dose oral 350000@2", 5, ("25ohd", "calcium", "albumin"), "lift.newer_level", ("AD03",)),
        ("dose oral 300001@6", 1, ("25ohd", "calcium", "albumin"), "lift.newer_level", ("AD03",)),
        ("dose im 350000@20", 8, ("25ohd", "calcium", "albumin"), "lift.newer_level", ("AD03",)),
        ("no platelets; takes chemotherapy", 0, ("platelets",), "lift.platelets_measured", ("CI16",)),
    ],
)  # fmt: skip
def test_what_lifts_it(line: str, days: int, labs: tuple[str, ...], lift: str, rules: tuple[str, ...]) -> None:
    item = next(m for m in lifting(person(line)) if m.reason_id == lift)
    assert item.on == ON + timedelta(days=days)
    assert item.labs == labs
    assert item.rule == rules[0]
    assert item.params == {"days": days, "labs": labs, "rules": rules}
    assert item.mandatory
    row = safety.knowledge().lifts[lift]
    assert (item.source, item.tag) == (row.source, row.tag)


@pytest.mark.parametrize("line", ["", "age=16", "platelets=20", "allergy sesame", "has pregnancy"])
def test_what_no_measurement_lifts_asks_for_none(line: str) -> None:
    assert lifting(person(line)) == []


def test_a_result_of_that_day_lifts_the_hold() -> None:
    """What the item promises holds: with the result on its day the refusal is gone."""
    patient = replace(base(), doses=(dose("oral", 200_000.0, 3), dose("im", 150_000.0, 10)))
    (item,) = lifting(patient)
    newer = replace(next(x for x in patient.labs if x.analyte == "25ohd"), value=80.0)
    for days, refused in ((0, False), (-1, True)):
        on = item.on + timedelta(days=days)
        labs = tuple(replace(x, when=x.when.replace(year=on.year, month=on.month, day=on.day)) for x in patient.labs)
        shifted = replace(patient, labs=(*labs, replace(newer, when=labs[0].when)))
        assert safety.limits(shifted, on, products()).refused is refused


def test_a_checkpoint_and_a_lift_stand_side_by_side() -> None:
    asked = parse("oral 50000 IU every 7 d x 8", ON, products())
    patient = person("no platelets; takes chemotherapy")
    verdict = safety.gate(patient, asked, ON, products())
    assert verdict.regimen is not None
    found = safety.monitoring(patient, verdict.regimen, ON, rules=verdict.rules)
    assert {m.reason_id for m in found} >= {"lift.platelets_measured", "monitor.checkpoint", "monitor.M02"}
    assert "lift.newer_level" not in {m.reason_id for m in found}


def test_a_lift_that_no_rule_has_is_an_error() -> None:
    from importlib import resources

    from calcidiol.errors import KnowledgeError
    from calcidiol.safety.rulebook import FILES, read

    folder = resources.files("calcidiol.safety")
    texts = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in FILES}
    texts["monitoring.toml"] = texts["monitoring.toml"].replace(
        'id = "lift.phosphate"\nlabs', 'id = "lift.nothing"\nlabs'
    )
    with pytest.raises(KnowledgeError, match=r"no rule is lifted by 'lift\.nothing'"):
        read(texts)
