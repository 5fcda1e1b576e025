"""Regimen text: what is understood, what is refused, and that writing and reading are inverse."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcidiol.errors import UsageError
from calcidiol.kinetics.events import Regimen
from calcidiol.regimen.text import dose_run, format, parse
from calcidiol.terminology import products

ON = date(2026, 11, 21)
TABLE = products()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("im 100000 IU every 28 d x 3", "im 100000 IU every 28 d x 3"),
        ("IM 100,000 IU every 4 weeks × 3", "im 100000 IU every 28 d x 3"),
        ("q4w i.m. 100 000 IU x 3", "im 100000 IU every 28 d x 3"),
        ("intramusculr 100k iu evry 28 days 3 times", "im 100000 IU every 28 d x 3"),
        ("oral 50'000 UI weekly for 8 weeks", "oral 50000 IU every 7 d x 8"),
        ("im 300000 IU once", "im 300000 IU once"),
        ("single dose im 300000 [iU]", "im 300000 IU once"),
        ("im 300000 IU x 1", "im 300000 IU once"),
        ("oral 2000 IU daily x 180", "oral 2000 IU daily x 180"),
        ("vitamin D3 50 mcg by mouth daily for 180 days", "oral 2000 IU daily x 180"),
        ("oral calcifediol 20 µg daily x 90", "oral calcifediol 20 ug daily x 90"),
        ("oral calcifediol 0.266 mg monthly x 6", "oral calcifediol 266 ug every 30 d x 6"),
        ("oral 20000 IU twice weekly x 14", "oral 20000 IU every 3.5 d x 14"),
        ("im 300000 IU once + oral 1000 IU daily x 30", "im 300000 IU once + oral 1000 IU daily x 30"),
        (
            "oral 50000 IU weekly x 8, then 2000 IU oral daily x 9",
            "oral 50000 IU every 7 d x 8 then oral 2000 IU daily x 9",
        ),
        ("im 50000 IU every 14 d x 3 from day 35", "im 50000 IU every 14 d x 3 from day 35"),
        ("im 50000 IU once from 2026-12-01", "im 50000 IU once from day 10"),
        ("oral ergocalciferol 50000 IU weekly x 8", "oral ergocalciferol 50000 IU every 7 d x 8"),
        ("none", "none"),
        ("  No vitamin D now ", "none"),
    ],
)
def test_spellings(text: str, told: str) -> None:
    read = parse(text, ON, TABLE)
    assert read.name == told
    assert parse(read.name, ON, TABLE) == read


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("foo", "no amount"),
        ("2000 IU daily x 3", "no route"),
        ("oral 2000 daily x 3", "no amount"),
        ("oral 2000 IU daily", "how many doses"),
        ("oral 2000 IU x 3", "no interval"),
        ("oral 2000 IU daily weekly x 3", "more than one interval"),
        ("oral im 2000 IU daily x 3", "more than one route"),
        ("oral 2000 IU 3000 IU daily x 3", "two amounts"),
        ("oral 2000 IU biweekly x 3", "can mean"),
        ("oral 2000 IU daily x 0", "no dose"),
        ("oral 2000 IU daily x 3 for 8 weeks", "more than one number"),
        ("oral 100.000 IU once", "two ways"),
        ("oral 1,5 IU once", "two ways"),
        ("oral -2000 IU once", "no amount"),
        ("oral 0 IU once", "out of range"),
        ("oral 1e308 IU once", "no amount"),
        ("oral 99999999999 IU once", "out of range"),
        ("oral 2000 IU every 300 d x 3000", "10 years"),
        ("oral calcifediol 20 IU daily x 9", "in ug"),
        ("im calcifediol 20 ug daily x 9", "by mouth"),
        ("oral 2000 IU daily x 3 +", "nothing stands after"),
        ("+ oral 2000 IU daily x 3", "nothing stands before"),
        ("oral 2000 IU daily x 3 sideways", "not understood"),
        ("im 50000 IU once from 2020-01-01", "before the first day"),
        ("im 50000 IU once from 2026-13-01", "not a day"),
        ("im 50000 IU as calciferol-kr-300000-im once", "cannot give"),
        ("im 50000 IU as nothing-like-it once", "no product"),
        ("oral 50000 IU as calciferol-kr-300000-im once", "calciferol-kr-300000-im is"),
    ],
)
def test_what_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError) as told:
        parse(text, ON, TABLE)
    assert says in str(told.value)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = parse(text, ON, TABLE)
    except UsageError:
        return
    assert parse(read.name, ON, TABLE) == read


@st.composite
def regimens(draw: st.DrawFn) -> Regimen:
    runs = []
    for _ in range(draw(st.integers(0, 3))):
        product = draw(st.sampled_from(sorted(TABLE.values(), key=lambda p: p.id)))
        most = int(product.max_single_amount / product.smallest_amount)
        amount = product.smallest_amount * draw(st.integers(1, max(most, 1)))
        if not product.gives(amount):
            amount = product.max_single_amount
        count = draw(st.integers(1, 40))
        every = draw(st.sampled_from([1.0, 3.5, 7.0, 14.0, 28.0, 84.0]))
        start = ON + timedelta(days=draw(st.integers(0, 60)))
        listed = product if draw(st.booleans()) else None
        runs.append(
            dose_run(listed, product.substance, product.route, amount, product.strength_unit, start, every, count)
        )
    made = Regimen("", tuple(runs))
    return Regimen(format(made, ON, TABLE), made.runs)


@given(regimens())
def test_writing_and_reading_are_inverse(regimen: Regimen) -> None:
    assert parse(regimen.name, ON, TABLE) == regimen


def test_then_starts_where_the_next_dose_would_have_been() -> None:
    read = parse("im 100000 IU once then im 50000 IU every 28 d x 2 then oral 1000 IU daily x 5", ON, TABLE)
    assert [(run.start - ON).days for run in read.runs] == [0, 28, 84]
    assert parse("oral 100000 IU once then oral 1000 IU daily x 5", ON, TABLE).runs[1].start == ON + timedelta(days=1)


def test_a_dose_that_no_product_gives_has_no_product() -> None:
    run = parse("im 123456 IU once", ON, TABLE).runs[0]
    assert run.product == ""
    assert run.amount_nmol == pytest.approx(123456 / 40 / 384.64 * 1000)


def test_a_part_of_an_ampoule_has_its_volume() -> None:
    run = parse("im 50000 IU as streuli-d3-300000-im once", ON, TABLE).runs[0]
    assert run.volume_ml == 0.17
    assert parse("im 50000 IU once", ON, TABLE).runs[0].volume_ml == 0.5  # half of a 100,000 IU ampoule: less waste


def test_a_run_before_the_start_cannot_be_written() -> None:
    run = dose_run(None, "cholecalciferol", "oral", 1000.0, "[iU]", ON, 1.0, 3)
    with pytest.raises(UsageError):
        format(Regimen("", (run,)), ON + timedelta(days=1), TABLE)
