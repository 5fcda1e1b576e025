"""Reading and scoring published arms."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calcidiol.errors import KnowledgeError, UsageError
from calcidiol.evaluate.arms import read_arms
from calcidiol.evaluate.predict import POINTS, normal_points, predict, with_values
from calcidiol.evaluate.score import figures
from calcidiol.evaluate.score_arms import render_html, render_text, score_arms
from calcidiol.kinetics import default_card, load_card
from calcidiol.kinetics.card import Number

HEAD = (
    "study_id,population,cancer,baseline_25ohd_nmol_l,route,regimen_text,dose_iu,interval_days,n_doses,schedule,"
    "time_days,mean_25ohd_nmol_l,comment\n"
)


def table(tmp_path: Path, *rows: str) -> Path:
    """A table with these rows."""
    path = tmp_path / "arms.csv"
    path.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_shipped_table_scores_105_rows_of_54_studies() -> None:
    used = [o for o in read_arms() if o.used]
    assert len(used) == 105
    assert len({o.study for o in used}) == 54


def test_reasons_stand_in_the_row(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "a:1,healthy,n,,oral,,2000,1,90,,0,40,baseline",
        "a:1,healthy,n,,oral,,2000,1,90,,90,80,",
        "b:1,healthy,n,50,oral,,,1,90,,90,80,",
        "c:1,healthy,n,,oral,,2000,1,90,,90,80,",
        "d:1,healthy,n,50,oral,,2000,1,90,,90,80,EXCLUDE from scoring",
        "e:1,healthy,n,50,oral,,2000,1,90,,90,,",
        "f:1,healthy,n,50,oral,,0,1,90,,90,48,",
        "g:1,healthy,n,50,oral,,,,,0:50000;7:50000,14,90,",
    )
    told = {o.study_id: o.why_not for o in read_arms(path) if o.time_d > 0}
    assert told == {
        "a:1": "",
        "b:1": "no dose",
        "c:1": "no baseline",
        "d:1": "EXCLUDE stands in the comment",
        "e:1": "no level",
        "f:1": "no dose",
        "g:1": "",
    }
    rows = score_arms(path)["rows"]
    assert [r["used"] for r in rows] == [False, True, False, False, False, False, False, True]
    assert all((r["predicted"] is None) == (not r["used"]) for r in rows)


def test_words_become_covariates(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "a:1,obese adults,n,40,oral,,2000,1,90,,90,80,",
        "b:1,after bariatric surgery,y,40,oral,,2000,1,90,,90,80,MEDIANS reported",
        "c:1,ventilated ICU adults,n,40,im,,300000,0,1,,7,60,",
    )
    a, b, c = read_arms(path)
    assert a.population.bmi == 33.0
    assert (b.population.malabsorption, b.population.cancer, b.median) == (2, True, True)
    assert (c.population.acute, c.kind, c.route) == (True, "single", "im")


def test_where_and_with_what_a_study_was_done(tmp_path: Path) -> None:
    head = HEAD.replace("population,", "population,country,")
    path = tmp_path / "arms.csv"
    lines = (
        "a:1,healthy,USA (Omaha),n,40,oral,50000 IU weekly,50000,7,8,,56,80,form not stated",
        "b:1,healthy,USA,n,40,oral,50000 IU vitamin D3 weekly,50000,7,8,,56,80,",
        "c:1,healthy,USA,n,40,oral,50000 IU daily,50000,1,56,,56,80,",
        "d:1,healthy,France,n,40,oral,50000 IU weekly,50000,7,8,,56,80,",
        "e:1,healthy,France,n,40,im,300000 IU ergocalciferol,300000,0,1,,56,80,",
        "f:1,healthy,USA,n,40,oral,50000 IU weekly,50000,7,8,,56,80,form taken as D3 from the text",
        "g:1,healthy,India (north),n,40,oral,60000 IU weekly,60000,7,8,,56,80,",
        "h:1,American Indian adults,USA,n,40,oral,2000 IU daily,2000,1,56,,56,80,",
    )
    path.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    told = {o.study: (o.population.presumed_d2, o.population.south_asia) for o in read_arms(path)}
    assert [name for name, (d2, _) in told.items() if d2] == ["a", "e"]
    assert [name for name, (_, south) in told.items() if south] == ["g"]


def test_factors_of_studies_move_their_arms_alone(tmp_path: Path) -> None:
    rows = [o for o in read_arms() if o.used]
    plain = load_card("two-route-2026")
    factors = {
        "oral_presumed_d2": Number(0.7, "1", "test", "P"),
        "conversion_south_asia": Number(0.8, "1", "test", "P"),
    }
    card = replace(plain, numbers={**plain.numbers, "between_studies": factors})
    ratio = predict(card, rows) / predict(plain, rows)
    moved = np.array([o.population.presumed_d2 or o.population.south_asia for o in rows])
    assert (ratio[moved] < 0.98).all()
    assert (ratio[~moved] == 1.0).all()


def test_studies_of_one_regimen_among_themselves(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "a:1,healthy,n,40,oral,,2000,1,90,,90,80,",
        "b:1,healthy,n,40,oral,,2000,1,90,,90,100,",
        "c:1,healthy,n,40,oral,,2000,1,90,,300,400,",
    )
    like = score_arms(path)["like_arms"]
    assert (like["groups"], like["n"]) == (1, 2)
    assert like["gsd_of_levels"] == pytest.approx(np.exp(np.std(np.log([80.0, 100.0]), ddof=1)))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a:1,x,n,forty,oral,,2000,1,90,,90,80,", "column baseline_25ohd_nmol_l"),
        ("a:1,x,n,40,oral,,,,,0-50000,90,80,", "column schedule"),
        ("a:1,x,n,40,oral,,2000,1,90,,nan,80,", "column time_days"),
    ],
)
def test_cells_that_are_no_numbers(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(KnowledgeError, match=f"line 2, {says}"):
        read_arms(table(tmp_path, row))


def test_a_table_without_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="study_id"):
        read_arms(path)


def test_figures_by_hand() -> None:
    predicted, observed = np.array([110.0, 90.0, 200.0, 100.0]), np.array([100.0, 100.0, 100.0, 100.0])
    told = figures(predicted, observed, np.array([50.0, 5.1, 99.0, 70.0]))
    logs = np.log([1.1, 0.9, 2.0, 1.0])
    assert told["gmr"] == pytest.approx(np.exp(logs.mean()))
    assert told["gsd"] == pytest.approx(np.exp(logs.std(ddof=1)))
    assert (told["within_1_25"], told["within_1_5"]) == (0.75, 0.75)
    assert (told["coverage_50"], told["coverage_80"], told["coverage_90"]) == (0.5, 0.5, 0.75)


def test_the_rule_of_people_is_centered() -> None:
    z = normal_points(5)
    assert z.shape == (POINTS, 5)
    assert z.mean(axis=0) == pytest.approx(np.zeros(5), abs=1e-12)
    assert (z**2).mean(axis=0) == pytest.approx(np.ones(5))


def test_more_conversion_is_more_level() -> None:
    rows = [o for o in read_arms() if o.used][:10]
    card = load_card("two-route-2026")
    low, high = predict(card, rows), predict(card, rows, {"conversion": np.full(10, 0.3)})
    assert (high > low).all()
    assert (predict(with_values(card, vmax=60.0, clh=0.5), rows) > low).all()


def test_scoring_the_shipped_table() -> None:
    told = score_arms()
    assert json.loads(json.dumps(told, allow_nan=False))["overall"]["n"] == 105
    best, others = told["overall"], told["comparators"].values()
    assert {"huang-you-2021"} <= set(told["comparators"])
    assert all(
        abs(np.log(best["gmr"])) <= abs(np.log(o["gmr"])) + 1e-9
        for o in others
        if default_card().id != "two-route-2026"
    )
    assert "route: im" in told["groups"]
    assert "all" in render_text(told)
    spread = told["spread"]
    assert spread["n"] == sum(o.used and o.sd is not None for o in read_arms())
    assert 0.5 < spread["printed_over_predicted"] < 1.4
    assert sum(group["levels"] for group in spread["asked"].values()) == spread["n"]
    assert "times the card's" in render_text(told)
    page = render_html(told)
    assert page.count("<circle") == 105


def test_the_external_arms_are_other_studies_and_say_where_they_were_seen() -> None:
    path = Path(__file__).parents[2] / "validation" / "model" / "external_arms.csv"
    rows = read_arms(path)
    assert sum(o.used for o in rows) == 56
    assert not {o.study for o in rows} & {o.study for o in read_arms()}
    assert all("seen at" in line for line in path.read_text(encoding="utf-8").splitlines()[1:])
