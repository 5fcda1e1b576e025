"""Verdicts: what is harmless, what is a fault, and what a mixture is."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcidiol.evidence.audit.bibliography import Bibliography, bibliography
from calcidiol.evidence.audit.entry import parse
from calcidiol.evidence.audit.matching import judge
from calcidiol.evidence.audit.records import Author, Record, Reference

LAPPE = (
    "Lappe JM, Travers-Gustafson D, Davies KM, Recker RR, Heaney RP. Vitamin D and calcium supplementation reduces cancer risk: "  # noqa: E501
    "results of a randomized trial. Am J Clin Nutr. 2007;85(6):1586-1591."
)


def verdict(text: str, library: Bibliography | None = None) -> Reference:
    library = library or bibliography()
    return judge(parse(text, library.journals.at_end), library)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("1586-1591", "1586–91"),
        ("1586-1591", "1586"),
        ("Am J Clin Nutr", "American Journal of Clinical Nutrition"),
        ("Am J Clin Nutr", "Am. J. Clin. Nutr."),
        ("Am J Clin Nutr", "The American Journal of Clinical Nutrition"),
        ("Lappe JM, Travers-Gustafson D, Davies KM, Recker RR, Heaney RP", "Lappe JM, et al"),
        ("Lappe JM, Travers-Gustafson D, Davies KM, Recker RR, Heaney RP", "Lappe JM, Travers-Gustafson D, Davies KM, et al"),  # noqa: E501
        ("Lappe JM, Travers-Gustafson D, Davies KM, Recker RR, Heaney RP", "Lappe J, Travers-Gustafson D, Davies K, Recker R, Heaney R"),  # noqa: E501
        ("Lappe JM, Travers-Gustafson D, Davies KM, Recker RR, Heaney RP", "Lappe, J. M., Travers-Gustafson, D., ... Heaney, R. P"),  # noqa: E501
        ("(6)", ""),
        ("Vitamin D and calcium supplementation reduces cancer risk", "VITAMIN D AND CALCIUM SUPPLEMENTATION REDUCES CANCER RISK"),  # noqa: E501
        ("Vitamin D and", "Vitamin D &"),
        ("randomized", "randomised"),
        (": results of a randomized trial", ""),
        ("Travers-Gustafson", "Travers\u2010Gustafson"),
        ("1591.", "1591. doi:10.1093/ajcn/85.6.1586"),
        ("1591.", "1591. PMID: 17556697"),
        ("1591.", "1591. Accessed 3 May 2021."),
        ("1591.", "1591. [PubMed] [Google Scholar]"),
        ("2007;", "2007 Jun;"),
    ],
)  # fmt: skip
def test_harmless(old: str, new: str) -> None:
    found = verdict(LAPPE.replace(old, new))
    assert (found.status, found.fields_that_differ) == ("exact", ())
    assert found.matched is not None
    assert found.matched.pmid == "17556697"


@pytest.mark.parametrize(
    ("old", "new", "fields"),
    [
        ("2007;", "2008;", ("year",)),
        ("2007;", "2006;", ("year",)),
        ("Am J Clin Nutr", "J Clin Nutr", ("journal",)),
        ("Am J Clin Nutr", "Eur J Clin Nutr", ("journal",)),
        ("85(6)", "86(6)", ("volume",)),
        ("85(6)", "85(5)", ("issue",)),
        ("1586-1591", "1586-1599", ("pages",)),
        ("1586-1591", "1568-1573", ("pages",)),
        ("Lappe JM", "Lapp JM", ("authors",)),
        ("Lappe JM", "Lappe KM", ("authors",)),
        ("Lappe JM, Travers-Gustafson D", "Travers-Gustafson D, Lappe JM", ("authors",)),
        (", Heaney RP", "", ("authors",)),
        (", Heaney RP", ", Heaney RP, Garland CF", ("authors",)),
        ("cancer risk", "fracture risk", ("title",)),
        ("reduces", "increases", ("title",)),
        ("calcium supplementation", "supplementation", ("title",)),
        ("randomized trial", "randomized trial in men", ("title",)),
        ("Vitamin D and", "Effects of vitamin D and", ("title",)),
        ("results of a randomized trial", "a cohort study", ("title",)),
        ("1591.", "1591. doi:10.1093/ajcn/85.6.1587", ("doi",)),
        ("1591.", "1591. doi:10.1038/nrc3691", ("doi",)),
        ("1591.", "1591. PMID: 17556698", ("pmid",)),
        ("2007;85(6)", "2008;86(6)", ("year", "volume")),
    ],
)
def test_faults(old: str, new: str, fields: tuple[str, ...]) -> None:
    found = verdict(LAPPE.replace(old, new))
    assert (found.status, found.fields_that_differ) == ("differs", fields)
    assert found.matched is not None
    assert found.matched.pmid == "17556697"


@pytest.mark.parametrize(
    "text",
    [
        "Lappe J, Watson P, et al. Vitamin D and calcium supplementation reduces cancer risk: results of a randomized trial. JAMA 2017;317:1234-43.",  # noqa: E501
        "Lappe JM, Travers-Gustafson D, Davies KM, et al. Effect of Vitamin D and Calcium Supplementation on Cancer Incidence in Older Women: "  # noqa: E501
        "A Randomized Clinical Trial. Am J Clin Nutr 2007;85:1586-91.",
        "Lappe JM, Travers-Gustafson D, Davies KM, Recker RR, Heaney RP. Vitamin D and calcium supplementation reduces cancer risk: results of a "  # noqa: E501
        "randomized trial. JAMA 2017;317:1234-1243.",
    ],
)  # fmt: skip
def test_mixtures(text: str) -> None:
    found = verdict(text)
    assert found.status == "composite"
    assert {found.matched.pmid, found.also_matched.pmid} == {"17556697", "28350929"}  # type: ignore[union-attr]
    assert len(found.fields_that_differ) >= 2


def test_identifiers_alone() -> None:
    for text in ("10.1038/nrc3691", "https://doi.org/10.1038/NRC3691", "PMID: 24705652", "doi:10.1038/nrc3691."):
        assert verdict(text).status == "exact", text
    assert verdict("doi:10.1038/nrc9999").status == "not_found"


def test_the_reference_without_a_title() -> None:
    assert verdict("Feldman D et al. Nat Rev Cancer 2014;14:342-57.").status == "exact"
    assert verdict("Feldman D et al. Nat Rev Cancer 2014;14:343-57.").status == "differs"


def test_real_papers_that_are_not_here_are_not_found() -> None:
    whole = bibliography()
    gone = {"lappe2007", "lappe2017", "feldman2014"}
    library = Bibliography.of(r for r in whole.records if r.id not in gone)
    found = verdict(LAPPE, library)
    assert found.status == "not_found"
    assert found.matched is None
    assert len(found.nearest) == 3


def test_an_invented_reference_is_not_found() -> None:
    found = verdict(
        "Okafor B, Lindqvist M. Nanoparticles of calcitriol cure myeloma in nine days. Lancet 2019;393:1-9."
    )
    assert found.status == "not_found"


def test_authors_in_another_script_are_not_held_against_it() -> None:
    found = verdict("王偉, 陳大文. " + LAPPE.split(". ", 1)[1])
    assert found.status == "exact"
    assert found.not_checked == ("authors",)


def _paper(**fields: str) -> Record:
    base = Record("x2012", (Author("Müller", "HG"), Author("de la Cruz", "A")), True, "Vitamin D in leukaemia", "Blood", "2012", volume="120", pages="11-19", source="test", tag="P")  # fmt: skip  # noqa: E501
    return dataclasses.replace(base, **fields)  # type: ignore[arg-type]


def test_year_of_online_publication_is_harmless_only_where_a_source_gives_it() -> None:
    text = "Müller HG, de la Cruz A. Vitamin D in leukaemia. Blood. 2011;120:11-9."
    assert verdict(text, Bibliography.of([_paper()])).status == "differs"
    assert verdict(text, Bibliography.of([_paper(epub_year="2011")])).status == "exact"


@pytest.mark.parametrize(
    "names",
    ["Muller HG, Cruz A", "Mueller H, de la Cruz A", "MÜLLER HG, DE LA CRUZ A", "Hans G. Müller, Ana de la Cruz"],
)
def test_ways_to_write_a_name(names: str) -> None:
    found = verdict(f"{names}. Vitamin D in leukemia. Blood. 2012;120:11-9.", Bibliography.of([_paper()]))
    assert found.status == "exact", found.fields_that_differ


def test_a_field_that_our_record_lacks_is_named() -> None:
    found = verdict(
        "Müller HG, de la Cruz A. Vitamin D in leukaemia. Blood. 2012;120:11-9. doi:10.1/x",
        Bibliography.of([_paper(pages="")]),
    )
    assert found.status == "exact"
    assert "pages" in found.not_checked


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(bibliography().records) - 1), st.integers(1, 60))
def test_a_wrong_volume_or_year_is_never_exact(place: int, shift: int) -> None:
    record = bibliography().records[place]
    names = ", ".join(str(a) for a in record.authors[:3])
    if not record.volume.isdigit():
        return
    volume = int(record.volume) + shift
    text = f"{names}, et al. {record.title}. {record.journal}. {record.year};{volume}:{record.pages}."
    assert verdict(text).status != "exact"
    year = int(record.year) - shift
    if str(year) != record.epub_year:
        assert (
            verdict(f"{names}, et al. {record.title}. {record.journal}. {year};{record.volume}:{record.pages}.").status
            != "exact"
        )


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_any_text_has_a_verdict(text: str) -> None:
    assert verdict(text).status in ("exact", "differs", "composite", "not_found")


@pytest.mark.parametrize("heading", ["Review: ", "Commentary: ", "Reply: ", "Editorial. "])
@pytest.mark.parametrize(
    "names", ["Feldman D, Krishnan AV, et al. ", "Feldman D. ", "Feldman, D., Krishnan, A. V., et al. (2014). "]
)
def test_a_word_before_the_title_makes_another_title(heading: str, names: str) -> None:
    text = (
        f"{names}{heading}The role of vitamin D in reducing cancer risk and progression. Nat Rev Cancer 2014;14:342-57."
    )
    assert "title" in verdict(text).fields_that_differ


def test_the_last_author_behind_an_ellipsis() -> None:
    title = "Effect of High-Dose vs Standard-Dose Vitamin D3 Supplementation on Progression-Free Survival Among Patients With Advanced or Metastatic Colorectal Cancer"  # noqa: E501
    text = f"Ng, K., Nimeiri, H. S., McCleary, N. J., . . . Fuchs, C. S. (2019). {title}: The SUNSHINE Randomized Clinical Trial. JAMA, 321(14), 1370-1379."  # noqa: E501
    assert verdict(text).status == "exact"


@pytest.mark.parametrize(
    ("names", "place"),
    [
        (
            'David Feldman, Aruna V. Krishnan, Srilatha Swami, Edward Giovannucci, and Brian J. Feldman. "',
            '" Nature reviews cancer 14.5 (2014): 342-357.',
        ),
        ('Feldman, D, et al. "', '" Nature reviews. Cancer vol. 14,5 (2014): 342-57.'),
        (
            "Feldman, David; Krishnan, Aruna V.; Swami, Srilatha; Giovannucci, Edward; Feldman, Brian J. ",
            ". Nature Reviews Cancer 2014, 14, 342-357.",
        ),
        ("FELDMAN D et al: ", ". Nat Rev Cancer 14: 342-357, 2014."),
        ("Feldman D, Krishnan AV, et al. ", ". Nat Rev Cancer (2014) 14(5):342-57. 10.1038/nrc3691 [PubMed]"),
        ("Feldman D, Krishnan AV, et al. ", ". Nat Rev Cancer 2014 14 342-357."),
    ],
)
def test_further_styles(names: str, place: str) -> None:
    found = verdict(f"{names}The role of vitamin D in reducing cancer risk and progression{place}")
    assert (found.status, found.fields_that_differ) == ("exact", ())


def test_the_doi_of_another_paper_than_the_one_described() -> None:
    found = verdict("Smith J. Wrong paper altogether. doi:10.1038/nrc3691")
    assert (found.status, found.fields_that_differ) == ("differs", ("authors", "title"))
