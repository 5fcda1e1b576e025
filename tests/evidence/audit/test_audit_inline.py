"""References in full in the running text, and articles with several lists, notes, keys and links."""

from __future__ import annotations

import pytest

from calcidiol.evidence.audit import audit
from calcidiol.evidence.audit.inline import references_in_text

FELDMAN = (
    "Feldman D, Krishnan AV, Swami S, Giovannucci E, Feldman BJ. The role of vitamin D in reducing cancer risk and "
    "progression. Nat Rev Cancer. 2014;14(5):342-57"
)
HOLICK = "Holick, M. F. (2007). Vitamin D deficiency. *The New England Journal of Medicine, 357*(3), 266–281"
INVENTED = "Baxter Q, Lindqvist R. Monthly cholecalciferol in lymphoma. Eur J Haematol. 2020;104(3):201-209"


def verdicts(text: str) -> list[tuple[str, str | None]]:
    return [(r.status, r.matched.id if r.matched else None) for r in audit(text).references]


@pytest.mark.parametrize(
    "text",
    [
        "It acts in many ways ({0}). Deficiency is common ({1}), and one trial is unknown ({2}).\n",
        "It acts [{0}].\nDeficiency is common; see {1}. Another trial was small: {2}.\n",
        "This agrees with {0}. By contrast, {1} tells another story.\n\nThen there is {2}.\n",
        "它的作用（{0}）。缺乏很常見（{1}）。另一試驗（{2}）。\n",
    ],
)
def test_references_in_the_running_text(text: str) -> None:
    audited = audit(text.format(FELDMAN, HOLICK, INVENTED))
    assert [(r.status, r.matched.id if r.matched else None) for r in audited.references] == [
        ("exact", "feldman2014"),
        ("exact", "holick2007"),
        ("not_found", None),
    ]
    assert any("3 of the references stand in the running text" in note for note in audited.notes)


def test_a_fault_in_a_reference_in_the_text_is_told() -> None:
    text = f"As we read ({FELDMAN.replace('2014;', '2013;')}), cells differ.\n"
    assert [(r.status, r.fields_that_differ) for r in audit(text).references] == [("differs", ("year",))]


def test_identifiers_in_the_text_are_references_where_there_is_no_list() -> None:
    text = "A trial (doi:10.1001/jama.2019.2402) and https://pubmed.ncbi.nlm.nih.gov/24705652/ say so.\n"
    assert verdicts(text) == [("exact", "ng2019"), ("exact", "feldman2014")]
    page = '<html><body><p>See <a href="https://pubmed.ncbi.nlm.nih.gov/24705652/">this</a>.</p></body></html>'
    assert verdicts(page) == [("exact", "feldman2014")]


def test_beside_a_list_only_whole_references_in_brackets_count() -> None:
    text = f"It acts [1] ({HOLICK}). Level 12 (3): 4-5, N Engl J Med 2007;357:266-81.\n\nReferences\n1. {FELDMAN}.\n"
    assert verdicts(text) == [("exact", "feldman2014"), ("exact", "holick2007")]


def test_the_article_itself_and_prose_with_numbers_are_no_references() -> None:
    text = (
        "Cite this article as: Chan KW. Vitamin D in our clinic. Clinic J. 2024;12(3):114-9.\n\n"
        "The ratio was 1:12, in 2006, 2010 and 2014 it was 1:8. The dose of 300,000 IU is given at weeks 0, 6 (2 to 8).\n"  # noqa: E501
    )
    assert references_in_text(text)[0] == []


@pytest.mark.parametrize("second", ["## References for part B", "# Further reading", "**延伸閱讀**", "## Quellen"])
def test_each_list_of_an_article_is_read(second: str) -> None:
    text = (
        f"# Part A\n\nOne [1].\n\n## References for part A\n\n1. {FELDMAN}.\n\n# Part B\n\nIn 2019, two, three and "
        f"four were seen (Holick, 2007). It is so, and it was so.\n\n{second}\n\n{HOLICK}.\n"
    )
    audited = audit(text)
    assert [(r.number, r.status) for r in audited.references] == [(1, "exact"), (2, "exact")]
    assert any("2 lists" in note for note in audited.notes)


def test_ibid_is_the_reference_before_it() -> None:
    text = f"A.[^1] B.[^2] C.[^3]\n\n[^1]: {FELDMAN}.\n[^2]: Ibid., 345.\n[^3]: See {HOLICK}.\n"
    assert [(r.number, r.status) for r in audit(text).references] == [(1, "exact"), (3, "exact")]


def test_keys_and_footnotes_that_nothing_explains_are_missing() -> None:
    text = f"A [@feldman2014; @nobody_2015].\n\n# References {{-}}\n\n::: {{#refs}}\n{FELDMAN}.\n:::\n"
    assert [(r.status, r.cited.text) for r in audit(text).references] == [
        ("exact", FELDMAN + "."),
        ("missing", "@nobody_2015"),
    ]
    text = f"A.[^a] B.[^b] C.[^lost]\n\n[^a]: {FELDMAN}.\n[^b]: {HOLICK}.\n"
    assert [r.cited.text for r in audit(text).references if r.status == "missing"] == ["[^lost]"]


@pytest.mark.parametrize(
    "entry",
    [
        '^ a b Holick MF (July 2007). "Vitamin D deficiency". The New England Journal of Medicine. 357 (3): 266–281.',
        "For a recent review, see Holick MF. Vitamin D deficiency. N Engl J Med. 2007;357:266-81.",
        "Holick MF. Vitamin D deficiency. N Engl J Med. 357:3 (2007) 266-281. Erratum in: N Engl J Med. 2008;1(1):1-2.",
        "Holick MF: Vitamin D deficiency. N Engl J Med 357 (2007), S. 266-281.",
        '<a id="r1"></a>**Holick MF.** [Vitamin D deficiency](https://doi.org/10.1056/nejmra070553). *N Engl J Med.* '
        "2007;**357**:266–81. [PubMed](https://pubmed.ncbi.nlm.nih.gov/17634462/)",
        "https://pubmed.ncbi.nlm.nih.gov/17634462/",
        "PMID: 17634462",
    ],
)
def test_ways_to_write_one_reference(entry: str) -> None:
    assert verdicts(f"Text [1].\n\nReferences\n\n1. {entry}\n") == [("exact", "holick2007")]


def test_a_study_group_behind_et_al_is_no_part_of_the_title() -> None:
    entry = (
        "Jackson RD, LaCroix AZ, Gass M, et al; Women's Health Initiative Investigators. Calcium plus vitamin D "
        "supplementation and the risk of fractures. N Engl J Med. 2006;354(7):669-83."
    )
    assert verdicts(f"Text [1].\n\nReferences\n1. {entry}\n") == [("exact", "jackson2006")]


def test_names_far_before_the_numbers_are_not_its_authors() -> None:
    text = "Lee JM opened the clinic. It grew fast. Nurses came. More rooms followed. N Engl J Med 2007;357:266-81.\n"
    assert references_in_text(text)[0] == []


def test_short_entries_on_lines_of_their_own() -> None:
    listed = (
        "Holick MF (2007) Vitamin D deficiency. N Engl J Med 357(3):266-281\n"
        "Grant WB, McDonnell SL, Hastie C, Sattar N, Pell J (2020) Letter in response to the article: Vitamin D "
        "concentrations and COVID-19 infection in UK biobank (Hastie et al.). Diabetes Metab Syndr 14(5):893-894\n"
        "Holick MF (2006) High prevalence of vitamin D inadequacy and implications for health. Mayo Clin Proc 81(3):353-373\n"  # noqa: E501
    )
    assert [s for s, _ in verdicts(f"Text.\n\nReferences\n\n{listed}")] == ["exact", "exact", "exact"]


def test_numbers_on_lines_of_their_own_without_a_point() -> None:
    listed = f"1\n{FELDMAN}.\n2\nHolick MF. Vitamin D deficiency. N Engl J Med 2007;357:266-81.\n"
    audited = audit(f"Text [1, 2].\n\nReferences\n\n{listed}")
    assert [(r.number, r.status) for r in audited.references] == [(1, "exact"), (2, "exact")]


def test_authors_and_journal_of_one_other_paper_of_another_year() -> None:
    entry = (
        "Carpagnano GE, Lecce VD, Quaranta VN, et al. Vitamin D deficiency aggravates COVID-19: systematic review and "
        "meta-analysis. Journal of Endocrinological Investigation. 2022;62(5):1308-1316."
    )
    reference = audit(f"Text [1].\n\nReferences\n1. {entry}\n").references[0]
    assert (reference.status, reference.matched and reference.matched.id) == ("composite", "pereira2022")
    assert reference.also_matched is not None
    assert reference.also_matched.id == "carpagnano2021"


def test_notes_that_tell_something_are_no_references() -> None:
    notes = "1. Prices as of March 2024, in dollars; subject to change, without notice.\n2. In 2019, two nurses, one room, and a bed.\n"  # noqa: E501
    assert {r.status for r in audit(f"Text [1, 2].\n\nNotes\n\n{notes}").references} == {"missing"}
    cited = f"1. {FELDMAN}.\n2. Ibid.\n"
    assert verdicts(f"Text [1, 2].\n\nNotes\n\n{cited}") == [("exact", "feldman2014")]
