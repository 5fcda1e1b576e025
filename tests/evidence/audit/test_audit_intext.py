"""Citations in the running text."""

from __future__ import annotations

import pytest

from calcidiol.evidence.audit import audit
from calcidiol.evidence.audit.intext import find_citations


def numbers(text: str, size: int = 10) -> list[int | None]:
    return [c.number for c in find_citations(text, size)]


def names(text: str) -> list[tuple[str, str]]:
    return [(c.surname, c.year) for c in find_citations(text, 10) if c.number is None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("as shown [3].", [3]),
        ("as shown [3, 5].", [3, 5]),
        ("as shown [3-5].", [3, 4, 5]),
        ("as shown [3–5,8].", [3, 4, 5, 8]),
        ("as shown [1][2]", [1, 2]),
        ("as shown.¹", [1]),
        ("as shown,²,³ and then⁴⁻⁶", [2, 3, 4, 5, 6]),
        ("as shown^2^", [2]),
        ("beyond the list [12]", [12]),
        ("an area of 3 m² and 10⁹ cells", []),
        ("the mean was 5 (95% CI [3, 9])", []),
    ],
)
def test_numbers(text: str, expected: list[int]) -> None:
    assert numbers(text) == expected


def test_round_brackets_only_where_they_are_the_style_of_the_text() -> None:
    assert numbers("one (1) two (2) three (3)", 4) == [1, 2, 3]
    assert numbers("there are reasons: rest (3) and more", 10) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(Feldman et al., 2014)", [("Feldman", "2014")]),
        ("Feldman et al. (2014) wrote", [("Feldman", "2014")]),
        ("In Feldman et al. (2014) it", [("Feldman", "2014")]),
        ("(Larriba and Muñoz, 2020)", [("Larriba", "2020")]),
        ("(Larriba & Munoz, 2020; Lappe, 2017)", [("Larriba", "2020"), ("Lappe", "2017")]),
        ("(see Lappe 2017a, b)", [("Lappe", "2017a"), ("Lappe", "2017b")]),
        ("Keum and Giovannucci (2014)", [("Keum", "2014")]),
        ("van Schoor et al. (2011)", [("van Schoor", "2011")]),
        ("（Feldman等，2014）", [("Feldman", "2014")]),
        ("陳等人（2018）指出", [("陳", "2018")]),
        ("Lappe and colleagues, 2017, found", [("Lappe", "2017")]),
        ("(since January 2014)", []),
        ("In 2014 (May 2015)", []),
        ("(Figure 2014)", []),
    ],
)
def test_author_and_year(text: str, expected: list[tuple[str, str]]) -> None:
    assert names(text) == expected


LISTED = (
    "Feldman D, et al. The role of vitamin D in reducing cancer risk and progression. Nat Rev Cancer. {0};14(5):342-57."
)


def test_a_citation_with_the_year_of_the_paper_finds_the_entry_with_a_wrong_year() -> None:
    text = "It acts (Feldman et al., {0}).\n\nReferences\n1. " + LISTED.format(2011) + "\n"
    assert [r.status for r in audit(text.format(2014)).references] == ["differs"]
    assert [r.status for r in audit(text.format(2011)).references] == ["differs"]
    assert [r.status for r in audit(text.format(2012)).references] == ["differs", "missing"]


def test_letters_behind_years() -> None:
    entries = (
        "Feldman D (2014a) The role of vitamin D in reducing cancer risk and progression. Nat Rev Cancer 14:342-357"
    )
    audited = audit(f"It acts (Feldman, 2014a, b).\n\nReferences\n1. {entries}\n")
    assert [(r.status, r.cited.year) for r in audited.references] == [("exact", "2014"), ("missing", "2014")]


def test_superscripts_beyond_the_list_and_exponents() -> None:
    listed = "\n\nReferences\n1. " + LISTED.format(2014) + "\n2. " + LISTED.format(2014) + "\n"
    audited = audit("One.¹ Two.² Three.³⁻⁴ An area of 5 m² with 10⁹ cells and 3×10^6 more." + listed)
    assert [r.number for r in audited.references if r.status == "missing"] == [3, 4]
    page = "<html><body><p>One<sup>1,2</sup>; 5 m<sup>2</sup> with 10<sup>9</sup> cells.</p><h2>References</h2><ol>"
    page += "".join(f"<li>{LISTED.format(2014)}</li>" for _ in range(2)) + "</ol></body></html>"
    assert [r.status for r in audit(page).references] == ["exact", "exact"]


def test_what_stands_in_brackets_with_a_year_is_not_always_a_citation() -> None:
    entries = (
        "\n\nReferences\n1. " + LISTED.format(2014) + "\n2. World Health Organization. Vitamin D. Geneva: WHO; 2017.\n"
    )
    body = (
        "It opened (Hong Kong, 2019) on (Monday, 2024), in Kaohsiung (2018), at a University (2020); (IU, 2007), "
        "COVID-19 (2020), The Lancet (2019), 本院（台北，2021），衛生福利部（2022）。A guideline (WHO, 2017) exists. "
        "Jones and Brown (2012; 2013) differ."
    )
    audited = audit(body + entries)
    assert [(r.cited.authors, r.cited.year) for r in audited.references if r.status == "missing"] == [
        (("Jones",), "2012"),
        (("Jones",), "2013"),
    ]
    assert audited.references[1].times_cited == 1
