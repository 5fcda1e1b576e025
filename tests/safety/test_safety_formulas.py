"""Payne, CKD-EPI, Cockcroft-Gault, Child-Pugh, CTCAE: the published and given test values."""

from __future__ import annotations

from datetime import timedelta

import pytest
from safety_people import ON, base, person

from calcidiol.errors import UsageError
from calcidiol.safety import calcium, ctcae, liver, renal
from calcidiol.safety.seen import FALSE, MISSING, POSSIBLE, TRUE, Seen, opposite, plain

MG = 88.42


@pytest.mark.parametrize(
    ("female", "age", "mg_dl", "expected"),
    [(True, 55, 0.9, 75.5), (False, 60, 1.0, 86.2), (True, 40, 0.6, 116.3), (False, 70, 3.0, 21.7)],
)
def test_ckd_epi_2021(female: bool, age: float, mg_dl: float, expected: float) -> None:
    assert renal.ckd_epi_2021(mg_dl * MG, age, female) == pytest.approx(expected, abs=0.05)


def test_cockcroft_gault() -> None:
    assert renal.cockcroft_gault(1.2 * MG, 70, 60, True) == pytest.approx(41.3, abs=0.05)
    ratio = renal.cockcroft_gault(1.2 * MG, 70, 60, True) / renal.cockcroft_gault(1.2 * MG, 70, 60, False)
    assert ratio == pytest.approx(0.85)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
def test_kidney_function_of_nonsense_is_an_error(bad: float) -> None:
    with pytest.raises(UsageError):
        renal.ckd_epi_2021(bad, 60, True)
    with pytest.raises(UsageError):
        renal.cockcroft_gault(80, 60, bad, True)


@pytest.mark.parametrize(
    ("egfr", "stage"),
    [(90, "G1"), (89.9, "G2"), (60, "G2"), (59.9, "G3a"), (45, "G3a"), (44, "G3b"), (30, "G3b"), (29, "G4"),
     (15, "G4"), (14.9, "G5")],
)  # fmt: skip
def test_kdigo_stage(egfr: float, stage: str) -> None:
    assert renal.kdigo_stage(egfr) == stage


def test_payne_and_back() -> None:
    assert calcium.payne(2.0, 30.0) == 2.2
    assert calcium.payne(8.0 * 0.2495, 30.0) == pytest.approx((8.0 + 0.8) * 0.2495, abs=0.002)
    assert calcium.uncorrected(calcium.payne(2.37, 23.0), 23.0) == 2.37


def test_payne_of_bounds() -> None:
    known, low = Seen.of(2.4), Seen.of(20.0, "<")
    got = calcium.corrected(known, low)
    assert (got.lo, got.hi, got.lo_open) == (2.8, 3.2, True)
    high = calcium.corrected(known, Seen.of(45.0, ">"))
    assert high.lo == 0.0
    assert high.hi == pytest.approx(2.3)


@pytest.mark.parametrize(
    ("parts", "score"),
    [
        ((33.9, 35.1, 1.69, "none", "none"), (5, 5)),
        ((34.0, 35.0, 1.7, "mild", "1-2"), (10, 10)),
        ((50.0, 28.0, 2.3, "none", "none"), (8, 8)),
        ((50.1, 27.9, 2.31, "moderate", "3-4"), (15, 15)),
        ((None, None, None, None, None), (5, 15)),
        ((10.0, float("nan"), 1.0, "none", "none"), (5, 7)),
    ],
)
def test_child_pugh(parts: tuple[float | None, float | None, float | None, str, str], score: tuple[int, int]) -> None:
    assert liver.child_pugh(*parts) == score


def test_child_pugh_class() -> None:
    assert [liver.child_pugh_class(n) for n in (5, 6, 7, 9, 10, 15)] == ["A", "A", "B", "B", "C", "C"]


@pytest.mark.parametrize("version", ctcae.VERSIONS)
def test_ctcae(version: str) -> None:
    grades = [ctcae.hypercalcemia(x, 2.6, "corrected", version) for x in (2.6, 2.61, 2.9, 2.91, 3.1, 3.11, 3.4, 3.41)]
    assert grades == [0, 1, 1, 2, 2, 3, 3, 4]
    grades = [ctcae.hypercalcemia(x, 1.3, "ionized", version) for x in (1.3, 1.31, 1.5, 1.51, 1.6, 1.61, 1.8, 1.81)]
    assert grades == [0, 1, 1, 2, 2, 3, 3, 4]
    grades = [ctcae.hypocalcemia(x, 2.15, "corrected", version) for x in (2.15, 2.14, 2.0, 1.99, 1.75, 1.74, 1.5, 1.49)]
    assert grades == [0, 1, 1, 2, 2, 3, 3, 4]
    assert ctcae.hypocalcemia(0.79, 1.15, "ionized", version) == 4


def test_ctcae_of_a_version_not_seen() -> None:
    assert ctcae.VERSIONS == ("4.03", "5.0", "6.0")
    with pytest.raises(UsageError, match=r"'7\.0' is not known here; known are 4\.03, 5\.0, 6\.0"):
        ctcae.hypercalcemia(2.8, 2.6, version="7.0")
    with pytest.raises(UsageError, match=r"7\.0"):
        ctcae.calcium_grade(base(), ON, "7.0")


@pytest.mark.parametrize(
    ("line", "term", "grade", "kind", "value"),
    [
        ("", "none", 0, "corrected", 2.3),
        ("calcium=2.71", "hypercalcemia", 1, "corrected", 2.71),
        ("calcium=2.5; albumin=20", "hypercalcemia", 1, "corrected", 2.9),
        ("calcium=2.5; albumin=19", "hypercalcemia", 2, "corrected", 2.92),
        ("calcium=3.2", "hypercalcemia", 3, "corrected", 3.2),
        ("calcium=>3.5", "hypercalcemia", 4, "corrected", 3.5),
        ("calcium_ionized=1.55", "hypercalcemia", 2, "ionized", 1.55),
        ("calcium=2.65; calcium_ionized=1.9", "hypercalcemia", 4, "ionized", 1.9),
        ("calcium=1.9", "hypocalcemia", 2, "corrected", 1.9),
        ("calcium=<1.4", "hypocalcemia", 4, "corrected", 1.4),
        ("calcium=2.56; high calcium=2.55", "hypercalcemia", 1, "corrected", 2.56),
    ],
)
def test_the_grade_of_a_record_is_that_of_the_worse_calcium(
    line: str, term: str, grade: int, kind: str, value: float
) -> None:
    got = ctcae.calcium_grade(person(line), ON, "6.0")
    assert got is not None
    assert (got.version, got.term, got.grade, got.kind) == ("6.0", term, grade, kind)
    assert got.value == pytest.approx(value)
    assert got.when == ON - timedelta(days=3)


def test_no_calcium_no_grade() -> None:
    assert ctcae.calcium_grade(person("no calcium"), ON) is None


@pytest.mark.parametrize(
    ("seen", "limit", "answers"),
    [
        (Seen.of(5.0), 5.0, (FALSE, TRUE, FALSE, TRUE)),
        (Seen.of(5.1), 5.0, (TRUE, TRUE, FALSE, FALSE)),
        (Seen.of(4.9), 5.0, (FALSE, FALSE, TRUE, TRUE)),
        (Seen.of(5.0, ">"), 5.0, (TRUE, TRUE, FALSE, FALSE)),
        (Seen.of(5.0, ">="), 5.0, (POSSIBLE, TRUE, FALSE, POSSIBLE)),
        (Seen.of(5.0, "<"), 5.0, (FALSE, FALSE, TRUE, TRUE)),
        (Seen.of(5.0, "<="), 5.0, (FALSE, POSSIBLE, POSSIBLE, TRUE)),
        (Seen.of(4.0, ">"), 5.0, (POSSIBLE, POSSIBLE, POSSIBLE, POSSIBLE)),
    ],
)
def test_comparisons_of_bounded_values(seen: Seen, limit: float, answers: tuple[int, int, int, int]) -> None:
    assert (seen.above(limit), seen.at_least(limit), seen.below(limit), seen.at_most(limit)) == answers


def test_how_a_bounded_value_is_shown() -> None:
    assert [Seen.of(10.0, c).shown for c in ("", "<", "<=", ">", ">=")] == [10.0, "<10", "<=10", ">10", ">=10"]
    assert Seen(5.0, 7.0).shown == "5 to 7"
    assert Seen.of(123456.7).shown == 123457.0


def test_not() -> None:
    assert [opposite(x) for x in (FALSE, MISSING, POSSIBLE, TRUE)] == [TRUE, TRUE, POSSIBLE, FALSE]


@pytest.mark.parametrize(
    ("value", "limit", "told"),
    [
        (80.0438, 70.0, "80"), (69.996, 70.0, "69.996"), (70.0, 70.0, "70"), (2.604, 2.6, "2.604"), (2.6, None, "2.6"),
        (350_000.0, 300_000.0, "350,000"), (9_999.0, None, "10,000"), (1_234_567.0, None, "1,230,000"),
        (300_001.0, 300_000.0, "300,001"), (0.0, 0.0, "0"), (0.05, None, "0.05"),
    ],
)  # fmt: skip
def test_numbers_in_a_sentence_are_short_and_never_look_like_the_limit(
    value: float, limit: float | None, told: str
) -> None:
    assert plain(value, limit) == told
