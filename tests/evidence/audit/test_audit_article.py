"""A whole article in the form of D0: author and year in the text, a numbered list at the end."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from calcidiol.evidence.audit import Audit, audit

ARTICLE = Path(__file__).parent / "articles" / "injected-vitamin-d.md"
EXPECTED = {
    1: ("exact", ()),
    2: ("differs", ("year",)),
    3: ("differs", ("authors", "year")),
    4: ("composite", ("authors", "journal", "year", "volume", "pages")),
    5: ("exact", ()),
    6: ("differs", ("authors",)),
    7: ("differs", ("pages",)),
    8: ("not_found", ()),
    9: ("exact", ()),
    10: ("exact", ()),
}


def verdicts(audited: Audit) -> dict[int | None, tuple[str, tuple[str, ...]]]:
    return {r.number: (r.status, r.fields_that_differ) for r in audited.references if r.status != "missing"}


def test_every_reference_has_its_verdict() -> None:
    audited = audit(ARTICLE)
    assert verdicts(audited) == EXPECTED
    assert all(r.times_cited == 1 for r in audited.references)
    assert audited.uncited == ()


def test_the_mixed_reference_names_both_papers() -> None:
    mixed = audit(ARTICLE).references[3]
    assert {mixed.matched.pmid, mixed.also_matched.pmid} == {"17556697", "28350929"}  # type: ignore[union-attr]


def test_the_real_paper_behind_a_wrong_reference_is_named() -> None:
    data = audit(ARTICLE).to_dict()["references"]
    assert data[1]["matched"]["doi"] == "10.4049/jimmunol.0803217"
    assert data[1]["matched"]["year"] == 2009
    assert data[2]["matched"]["doi"] == "10.1155/2016/6213872"


def test_citations_without_an_entry_are_missing() -> None:
    missing = [r for r in audit(ARTICLE).references if r.status == "missing"]
    assert [(r.cited.authors, r.cited.year, r.number) for r in missing] == [
        (("Pilz",), "2018", None),
        (("Okereke",), "2020", None),
    ]


def test_what_was_not_found_has_neighbors_and_careful_words() -> None:
    from calcidiol.evidence.audit import render_text

    audited = audit(ARTICLE)
    assert audited.references[7].matched is None
    assert len(audited.references[7].nearest) == 3
    text = render_text(audited)
    assert "NOT FOUND HERE" in text
    assert "does not exist" not in text.lower()


def test_the_text_itself_gives_the_same(tmp_path: Path) -> None:
    assert verdicts(audit(ARTICLE.read_text(encoding="utf-8"))) == EXPECTED


def test_html_gives_the_same(tmp_path: Path) -> None:
    text = ARTICLE.read_text(encoding="utf-8")
    body, _, rest = text.partition("## References")
    entries, _, after = rest.partition("## About")
    items = re.split(r"\n\d+\. ", entries)[1:]
    page = (
        "<html><head><style>p {}</style><title>x</title></head><body>"
        + "".join(f"<p>{html.escape(p)}</p>" for p in body.split("\n\n"))
        + "<h2>References</h2><ol>"
        + "".join(f"<li>{html.escape(i)}</li>" for i in items)
        + f"</ol><h2>About</h2><p>{html.escape(after)}</p><script>1. Evil (2001). Not an entry, 1, 2.</script></body></html>"  # noqa: E501
    )
    path = tmp_path / "article.html"
    path.write_text(page, encoding="utf-8")
    assert verdicts(audit(path)) == EXPECTED


@pytest.mark.parametrize("apart", [True, False], ids=["entry by entry", "in one paragraph"])
def test_pdf_gives_the_same(tmp_path: Path, apart: bool) -> None:
    """Lines wrapped and hyphenated, page numbers inside entries, entries apart or run together."""
    typst = pytest.importorskip("typst")
    text = ARTICLE.read_text(encoding="utf-8")
    source = tmp_path / "article.typ"
    plain = re.sub(r"(?m)^#+ ", "= ", text)
    plain = re.sub(r"([@<>#_*$\\~`])", r"\\\1", plain)
    plain = re.sub(r"(?m)^(\d+)\. ", r"\1\\. ", plain)
    if apart:
        plain = re.sub(r"(?m)^(\d+\\\. )", r"\n\1", plain)
    head = '#set page(width: 12cm, height: 16cm, numbering: "1")\n#set text(hyphenate: true)\n#set par(justify: true)\n'
    source.write_text(head + plain, encoding="utf-8")
    path = tmp_path / "article.pdf"
    typst.compile(str(source), output=str(path))
    assert verdicts(audit(path)) == EXPECTED


def test_data_has_the_keys_that_others_read() -> None:
    data = audit(ARTICLE).to_dict()
    assert {"references", "claims", "counts", "uncited", "unmatched_sentences", "bibliography_size"} <= set(data)
    for reference in data["references"]:
        assert {"number", "cited", "status", "fields_that_differ", "matched", "also_matched", "nearest"} <= set(
            reference
        )
        assert isinstance(reference["cited"], str)
        for paper in (reference["matched"], reference["also_matched"], *reference["nearest"]):
            assert paper is None or {"doi", "pmid", "title", "year", "journal"} <= set(paper)


def test_a_paper_that_stands_twice_is_noted() -> None:
    audited = audit(
        "As Feldman 2014 says.\n\nReferences\n1. doi:10.1038/nrc3691\n2. Feldman D, et al. Nat Rev Cancer 2014;14:342-57.\n"  # noqa: E501
    )
    assert [r.status for r in audited.references] == ["exact", "exact"]
    assert "references 1 and 2 are the same paper" in audited.notes
    assert audited.references[1].times_cited == 1
