"""Lists of references in the forms that articles really have: boxes, tables, footnotes, GB/T 7714, sections, slips."""

from __future__ import annotations

import pytest

from calcidiol.evidence.audit import audit
from calcidiol.evidence.audit.layout import plain_layout

TITLE = "The role of vitamin D in reducing cancer risk and progression"
FELDMAN = f"Feldman D, Krishnan AV, Swami S, et al. {TITLE}. Nat Rev Cancer. 2014;14(5):342-57."
SMITH = (
    "Smith H, Anderson F, et al. Effect of annual intramuscular vitamin D on fracture risk in elderly men "
    "and women: a population-based, randomized, double-blind, placebo-controlled trial. "
    "Rheumatology. 2007;46(12):1852-7."
)
WRONG = FELDMAN.replace("2014;14(5)", "2011;14(5)")


def told(text: str) -> list[tuple[int | None, str, tuple[str, ...]]]:
    return [(r.number, r.status, r.fields_that_differ) for r in audit(text).references]


ALL_THREE = [(1, "exact", ()), (2, "exact", ()), (3, "differs", ("year",))]


@pytest.mark.parametrize(
    "layout",
    [
        "Text [1-3].\n\n> **References**\n>\n> 1. {0}\n> 2. {1}\n> 3. {2}\n\nThe end.\n",
        "Text [1-3].\n\n+----------+\n| References |\n| 1. {0} |\n| 2. {1} |\n| 3. {2} |\n+----------+\n",
        "Text [1-3].\n\n## References\n\n| # | Reference |\n|---|---|\n| 1 | {0} |\n| 2 | {1} |\n| 3 | {2} |\n",
        "Text[^1] and[^2] and[^3].\n\n[^1]: {0}\n[^2]: {1}\n[^3]: {2}\n",
        "Text[^a] and[^b].\n\n[^a]: {0}\n\nMore text[^c].\n\n[^b]: {1}\n[^c]: {2}\n",
        "Text ①②③。\n\n參考文獻\n① {0}\n② {1}\n③ {2}\n",
        "Text [1-3].\n\n參考資料：\n1、{0}\n2、{1}\n3、{2}\n",
        "Text [1-3].\n\nReferences\n\n1. {0}\n2. {1}\n\n### Reviews\n\n3. {2}\n",
        "Text [1-3].\n\nReferences\n1.\n{0}\n2.\n{1}\n3.\n{2}\n",
    ],
)
def test_the_list_is_found_whatever_stands_around_it(layout: str) -> None:
    assert told(layout.format(FELDMAN, SMITH, WRONG)) == ALL_THREE


def test_a_number_given_twice_does_not_swallow_an_entry() -> None:
    audited = audit(f"Text [1, 2].\n\nReferences\n1. {FELDMAN}\n1. {SMITH}\n2. {WRONG}\n")
    assert [r.status for r in audited.references] == ["exact", "exact", "differs"]
    assert "the number 1 is given to 2 references" in audited.notes


def test_cells_of_a_table_are_the_parts_of_an_entry() -> None:
    head = "".join(f"<th>{name}</th>" for name in ("No.", "Authors", "Title", "Journal", "Year", "Vol", "Pages"))
    cells = ("1", "Feldman D, et al", "The role of vitamin D in reducing cancer risk and progression", "Nat Rev Cancer")
    rows = "".join(
        "<tr>" + "".join(f"<td>{c}</td>" for c in (number, *cells[1:], year, "14", "342-357")) + "</tr>"
        for number, year in (("1", "2014"), ("2", "2013"))
    )
    text = f"<html><body><p>Text [1, 2].</p><h2>References</h2><table><tr>{head}</tr>{rows}</table></body></html>"
    assert told(text) == [(1, "exact", ()), (2, "differs", ("year",))]


@pytest.mark.parametrize(
    ("entry", "status", "fields"),
    [
        # GB/T 7714: capitals, kind of document in brackets
        (f"FELDMAN D, KRISHNAN A V, SWAMI S, et al. {TITLE}[J]. Nat Rev Cancer, 2014, 14(5): 342-357.", "exact", ()),
        (f"FELDMAN D, KRISHNAN A V, 等. {TITLE}[J/OL]. Nat Rev Cancer, 2014, 15(5): 342-357.", "differs", ("volume",)),
        # a Chinese rendering of the first author beside the Latin one; numbers with their Chinese words
        (f"費爾德曼（Feldman D）等，2014年，〈{TITLE}〉，《Nat Rev Cancer》，第14卷第5期，第342－357頁。", "exact", ()),
        (f"費爾德曼（Feldman D）等，2014年，〈{TITLE}〉，《Nat Rev Cancer》，14卷，第242頁。", "differs", ("pages",)),
        # NLM form of a page that was looked at, and an entry without a date
        (
            f"Feldman D, et al. {TITLE}. Nat Rev Cancer [Internet]. 2014 [cited 2024 Mar 12];14(5):342-57."
            " Available from: https://example.org/a/1",
            "exact",
            (),
        ),
        (f"Feldman D, Krishnan AV, Swami S, et al. {TITLE}. Nat Rev Cancer. n.d.", "exact", ()),
        # full given names
        (
            "Feldman, David, Aruna V. Krishnan, Srilatha Swami, Edward Giovannucci, and Brian J. Feldman. 2014. "
            f'"{TITLE}." Nature Reviews Cancer 14 (5): 342-57.',
            "exact",
            (),
        ),
    ],
)
def test_one_paper_in_many_forms(entry: str, status: str, fields: tuple[str, ...]) -> None:
    assert told(f"Text [1].\n\nReferences\n[1] {entry}\n") == [(1, status, fields)]


def test_numbers_that_cannot_be_read_are_never_called_the_same() -> None:
    odd = FELDMAN.replace("2014;14(5):342-57", "2014;14 = 9 * 998")
    [(_, status, fields)] = told(f"Text [1].\n\nReferences\n[1] {odd}\n")
    assert (status, fields) == ("differs", ("pages",))


def test_letters_in_brackets_inside_a_title_are_not_a_kind_of_document() -> None:
    from calcidiol.evidence.audit.entry import strip_noise

    assert (
        strip_noise("Mutations by benzo[a]pyrene in a gene[J]. Cell") == "Mutations by benzo[a]pyrene in a gene . Cell"
    )


def test_a_soft_hyphen_at_a_line_end_joins_a_word() -> None:
    assert plain_layout("reducing can\u00ad\ncer risk") == "reducing cancer risk"
    assert told(f"Text [1].\n\nReferences\n[1] {FELDMAN.replace('cancer risk', 'can-' + chr(10) + 'cer risk')}\n") == [
        (1, "exact", ())
    ]


def test_a_soft_hyphen_in_a_pdf_is_a_hyphen(tmp_path) -> None:  # type: ignore[no-untyped-def]
    import typst

    from calcidiol.evidence.audit.document import read_document

    source = tmp_path / "a.typ"
    source.write_text("#set text(hyphenate: true)\nPages 342-57 of 25-hydroxyvitamin", encoding="utf-8")
    paper = tmp_path / "a.pdf"
    paper.write_bytes(typst.compile(str(source), format="pdf"))
    assert "342-57 of 25-hydroxyvitamin" in read_document(paper)


def test_initials_are_not_taken_for_no_date() -> None:
    entry = f'Feldman, N. D., et al. "{TITLE}." Nat Rev Cancer, vol. 14, no. 5, 2014, pp. 342-57.'
    assert told(f"Text [1].\n\nReferences\n[1] {entry}\n") == [(1, "differs", ("authors",))]


def test_a_doi_on_a_line_of_its_own_belongs_to_the_entry_before() -> None:
    entry = f"Feldman, D., Krishnan, A. V., et al. (2014). {TITLE}. Nature Reviews Cancer, 14(5), 342-357."
    other = "Prietl, B., et al. (2013). Vitamin D and immune function. Nutrients, 5(7), 2502-2521."
    text = f"Text (Feldman et al., 2014).\n\nReferences\n{entry}\nhttps://doi.org/10.1038/nrc3691\n{other}\n"
    assert [status for _, status, _ in told(text)] == ["exact", "exact"]
    dois = "Text.\n\nReferences\nhttps://doi.org/10.1038/nrc3691\nhttps://doi.org/10.3390/nu5072502\n"
    assert [status for _, status, _ in told(dois)] == ["exact", "exact"]
