"""Reading single entries in the styles of the trade."""

from __future__ import annotations

import pytest

from calcidiol.evidence.audit.bibliography import bibliography
from calcidiol.evidence.audit.entry import parse
from calcidiol.evidence.audit.names import same_author
from calcidiol.evidence.audit.records import Author

T = "The role of vitamin D in reducing cancer risk and progression"
STYLES = {
    "vancouver": f"Feldman D, Krishnan AV, Swami S. {T}. Nat Rev Cancer. 2014;14(5):342-357.",
    "vancouver month": f"Feldman D, Krishnan AV, Swami S. {T}. Nat Rev Cancer. 2014 May;14(5):342-57. doi: 10.1038/nrc3691. Epub 2014 Apr 4.",  # noqa: E501
    "apa": f"Feldman, D., Krishnan, A. V., & Swami, S. (2014). {T}. *Nature Reviews Cancer*, *14*(5), 342–357.",
    "mdpi": f"Feldman, D.; Krishnan, A.V.; Swami, S. {T}. Nat. Rev. Cancer 2014, 14, 342–357.",
    "nature": f"Feldman, D., Krishnan, A. V. & Swami, S. {T}. Nat. Rev. Cancer 14, 342–357 (2014).",
    "ieee": f'D. Feldman, A. V. Krishnan, and S. Swami, "{T}," Nature Reviews Cancer, vol. 14, no. 5, pp. 342–357, May 2014.',  # noqa: E501
    "mla": f'Feldman, David, Aruna V. Krishnan, and Srilatha Swami. "{T}." Nature Reviews Cancer, vol. 14, no. 5, 2014, pp. 342-57.',  # noqa: E501
    "chicago": f"Feldman, David, Aruna V. Krishnan, and Srilatha Swami. “{T}.” Nature Reviews Cancer 14, no. 5 (2014): 342–57.",  # noqa: E501
    "harvard": f"Feldman, D., Krishnan, A.V. and Swami, S. (2014) '{T}', Nature Reviews Cancer, 14(5), pp. 342–357.",
    "elsevier": f"D. Feldman, A.V. Krishnan, S. Swami, {T}, Nat. Rev. Cancer 14 (2014) 342–357.",
}


@pytest.mark.parametrize("style", STYLES)
def test_styles(style: str) -> None:
    cited = parse(STYLES[style], bibliography().journals.at_end)
    assert cited.title == T
    assert cited.year == "2014"
    assert cited.volume == "14"
    assert cited.pages in ("342-357", "342-57")
    assert cited.journal.replace(".", "") in ("Nat Rev Cancer", "Nature Reviews Cancer")
    assert len(cited.authors) == 3
    assert cited.authors[0].split()[0] == "Feldman"


def test_chinese_authors_and_journal() -> None:
    cited = parse("陳大文、王小明。維生素D與癌症。台灣醫學。2018；22：10-15。")
    assert cited.authors == ("陳大文", "王小明")
    assert cited.title == "維生素D與癌症"
    assert (cited.year, cited.volume, cited.pages) == ("2018", "22", "10-15")


def test_mixed_scripts() -> None:
    cited = parse("王偉, Lee HJ, 等. Serum vitamin D in leukemia. Blood. 2015;126(3):100-9.")
    assert cited.title == "Serum vitamin D in leukemia"
    assert cited.et_al
    assert cited.authors[1] == "Lee HJ"


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("doi: 10.1038/nrc3691.", "10.1038/nrc3691"),
        ("https://doi.org/10.1016/S2213-8587(21)00345-4", "10.1016/s2213-8587(21)00345-4"),
        ("DOI 10.1093/ajcn/85.6.1586, PMID: 17556697", "10.1093/ajcn/85.6.1586"),
        ("http://dx.doi.org/10.1002/jbmr.1959)", "10.1002/jbmr.1959"),
    ],
)
def test_identifiers(text: str, doi: str) -> None:
    assert parse(text).doi == doi


def test_pmid() -> None:
    assert parse("Smith A. Something. PMID: 17556697; PMC1234567").pmid == "17556697"
    assert parse("https://pubmed.ncbi.nlm.nih.gov/30964527/").pmid == "30964527"


def test_a_number_in_the_title_is_not_the_volume() -> None:
    cited = parse(
        "Jeffery LE, Burke F. 1,25-Dihydroxyvitamin D3 and IL-2 combine in 2009 models. J Immunol. 2009;183(9):5458-67."
    )
    assert (cited.volume, cited.issue, cited.pages, cited.year) == ("183", "9", "5458-67", "2009")


def test_article_numbers() -> None:
    cited = parse(
        "Scragg R, Khaw KT. Monthly high-dose vitamin D and cancer risk. JAMA Oncol. 2018;4(11):e182178.",
        bibliography().journals.at_end,
    )
    assert (cited.volume, cited.pages) == ("4", "e182178")


def test_no_title_style() -> None:
    cited = parse("Feldman D et al. Nat Rev Cancer 2014;14:342.", bibliography().journals.at_end)
    assert (cited.title, cited.journal, cited.year, cited.volume, cited.pages) == (
        "",
        "Nat Rev Cancer",
        "2014",
        "14",
        "342",
    )


def test_a_name_that_begins_like_a_suffix_and_a_double_volume() -> None:
    cited = parse("Ramot R, Oberoi AK, Sreenivas V, Gahlot M. Sun and vitamin D. BMC Pediatr. 2013;12:92.")
    assert cited.authors == ("Ramot R", "Oberoi AK", "Sreenivas V", "Gahlot M")
    cited = parse('Brock, K., et al. "Low vitamin D in Australians." J Steroid Biochem, vol. 89-90, 2004, pp. 581-8.')
    assert (cited.volume, cited.year, cited.pages) == ("89-90", "2004", "581-8")


@pytest.mark.parametrize(
    ("cited", "real", "same"),
    [
        (["Bischoff-Ferrari", "HA"], Author("Ferrari", "HAB"), True),
        (["van", "den", "Ouweland", "J"], Author("Ouweland", "JVD"), True),
        (["El", "Zein", "O"], Author("Zein", "OE"), True),
        (["Baker-Hughes", "B"], Author("Hughes", "BD"), False),
        (["Dawson-Hughes", "C"], Author("Hughes", "BD"), False),
        (["M", "Hassan", "Murad"], Author("Murad", "MH"), True),
        (["Hassan", "Murad", "M"], Author("Murad", "MH"), True),
        (["Smith", "A"], Author("Smith", "AE"), True),
        (["Smith", "E"], Author("Smith", "AE"), False),
        (["Smith", "Ö"], Author("Smith", "O"), True),
    ],
)
def test_one_person(cited: list[str], real: Author, same: bool) -> None:
    assert same_author(cited, real) is same
