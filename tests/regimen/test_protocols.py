"""Formulas against their published examples; protocols as regimens for one patient; goals."""

from __future__ import annotations

import math
from datetime import date

import pytest

from calcidiol.errors import KnowledgeError, UsageError
from calcidiol.regimen.formulas import singh_bonham_daily, van_groningen_rise, van_groningen_total
from calcidiol.regimen.goals import default_goal, from_table, goal
from calcidiol.regimen.protocol import Facts, instantiate, load, protocols
from calcidiol.terminology import products

ON = date(2026, 11, 21)
TABLE = products()


def test_van_groningen_example() -> None:
    assert van_groningen_total(25, 70) == 140_000  # project notes on safety 1.3
    assert van_groningen_rise(140_000, 70) == pytest.approx(50)
    assert van_groningen_total(90, 70) == 0
    assert van_groningen_total(25, 300) == van_groningen_total(25, 125)


def test_singh_bonham_example() -> None:
    assert singh_bonham_daily(15, 20, 60, 28, 4) == pytest.approx(7490)
    assert singh_bonham_daily(5, 1, 60, 28, 4) == 0  # the rise comes by itself
    assert singh_bonham_daily(5, 60, 20, 60, 2) == 10_000


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_formulas_refuse_what_is_not_a_number(bad: float) -> None:
    with pytest.raises(UsageError):
        van_groningen_total(bad, 70)
    with pytest.raises(UsageError):
        van_groningen_total(25, 0)
    with pytest.raises(UsageError):
        singh_bonham_daily(bad, 20, 60, 28, 4)


def made(name: str, level: float, weight: float) -> str:
    return instantiate(protocols()[name], ON, TABLE, Facts(level, weight)).name


def test_formula_protocols_depend_on_the_patient() -> None:
    assert made("van-groningen", 25, 70) == "oral 25000 IU every 7 d x 6 then oral 1000 IU daily x 140"
    assert made("van-groningen", 10, 130).startswith("oral 25000 IU every 7 d x 8 then")  # capped at 200,000 IU
    assert made("van-groningen", 74.9, 70).startswith("oral 25000 IU once then")
    assert made("van-groningen", 80, 70) == "oral 1000 IU daily x 182"
    assert made("victoria", 25, 70) == "oral 20000 IU daily x 11 then oral 2000 IU daily x 171"
    assert made("victoria", 10, 120) == "oral 40000 IU daily x 11 then oral 2000 IU daily x 171"
    assert made("victoria", 80, 70) == "oral 2000 IU daily x 182"


@pytest.mark.parametrize("name", list(protocols()))
def test_every_protocol_is_dispensable(name: str) -> None:
    regimen = instantiate(protocols()[name], ON, TABLE, Facts(25, 70))
    assert regimen.protocol == name
    assert all(run.product and TABLE[run.product].gives(run.amount) for run in regimen.runs)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"name": "x", "source": "s"}, "'tag'"),
        ({"name": "x", "source": "s", "tag": "P"}, "either"),
        ({"name": "x", "source": "s", "tag": "P", "text": "none", "formula": "victoria"}, "either"),
        ({"name": "x", "source": "s", "tag": "P", "formula": "magic"}, "magic"),
        ({"name": "x", "source": "s", "tag": "P", "formula": "victoria"}, "step_iu"),
        ({"name": "x", "source": "s", "tag": "P", "text": "none", "dose": 3}, "unknown key"),
    ],
)
def test_an_incomplete_protocol_is_refused(row: dict[str, object], says: str) -> None:
    with pytest.raises(KnowledgeError) as told:
        load({"p": row})
    assert says in str(told.value)


def test_goals() -> None:
    assert (default_goal().low, default_goal().high, default_goal().excess) == (75, 125, 125)
    assert goal("30-50 ng/mL").low == pytest.approx(74.88, abs=0.01)
    assert goal("60 to 100 nmol/L").excess == 125
    assert goal("100-150").excess == 150
    assert goal("75-125", alpha_excess=0.1).alpha_excess == 0.1


@pytest.mark.parametrize("text", ["", "75", "125-75", "75-75", "1-2", "75-125 mmol", "75-125 foo", "0-300", "nan-inf"])
def test_a_goal_that_makes_no_sense(text: str) -> None:
    with pytest.raises(UsageError):
        goal(text)


def test_a_goal_with_odd_numbers() -> None:
    with pytest.raises(UsageError):
        goal(alpha_excess=2.0)
    with pytest.raises(UsageError):
        goal(week_from=30)
    with pytest.raises(KnowledgeError):
        from_table({"low": 75})
