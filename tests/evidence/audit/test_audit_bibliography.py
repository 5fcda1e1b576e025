"""The embedded bibliography as data."""

from __future__ import annotations

import re

import pytest

from calcidiol.errors import KnowledgeError
from calcidiol.evidence.audit.bibliography import COLUMNS, bibliography, first_page, load, read_rows
from calcidiol.evidence.audit.spelling import concat


def test_at_least_300_articles_with_every_field() -> None:
    whole = [
        r
        for r in load()
        if r.authors and r.title and r.journal and r.year and r.volume and r.pages and r.doi and r.pmid
    ]
    assert len(whole) >= 300


def test_every_record_names_where_it_was_seen() -> None:
    assert all(r.source and r.tag in ("V", "R", "P", "S") for r in load())


def test_identifiers_have_their_form_and_stand_once() -> None:
    dois = [r.doi for r in load() if r.doi]
    pmids = [r.pmid for r in load() if r.pmid]
    assert all(re.fullmatch(r"10\.\d{4,9}/\S+", d) for d in dois)
    assert all(re.fullmatch(r"\d{5,8}", p) for p in pmids)
    assert len(set(dois)) == len(dois)
    assert len(set(pmids)) == len(pmids)


def test_the_papers_to_start_from_are_there() -> None:
    library = bibliography()
    for doi in ("10.1038/nrc3691", "10.4049/jimmunol.0803217", "10.1155/2016/6213872", "10.1093/ajcn/85.6.1586",
                "10.3390/ijms222312741", "10.1001/jama.2019.2402", "10.1007/s12032-025-03052-1", "10.1001/jama.2017.2115"):  # fmt: skip  # noqa: E501
        assert doi in library.by_doi


def test_fields_are_plausible() -> None:
    for record in load():
        assert 1900 < int(record.year) <= 2026, record.id
        assert len(concat(record.title)) >= 8, record.id
        assert not re.search(r"\d", "".join(a.surname for a in record.authors)), record.id
        match = re.fullmatch(r"(\d+)-(\d+)", record.pages)
        assert not match or int(match.group(2)) >= int(match.group(1)), record.id


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": ""}, "title is empty"),
        ({"source": ""}, "source is empty"),
        ({"year": "20l4"}, "not a year"),
        ({"id": "b"}, "stands twice"),
    ],
)
def test_a_faulty_row_is_refused_with_its_line(change: dict[str, str], words: str) -> None:
    good = dict.fromkeys(COLUMNS, "x") | {"id": "a", "year": "2014"}
    rows = [good | {"id": "b"}, good | change]
    with pytest.raises(KnowledgeError, match=words) as error:
        read_rows(rows, "some.csv")
    assert "some.csv line 3" in str(error.value)


@pytest.mark.parametrize(
    ("pages", "first"),
    [("5458-67", "5458"), ("e178", "178"), ("S178-S181", "s178"), ("0284", "284"), ("R304-R315", "r304")],
)
def test_first_page(pages: str, first: str) -> None:
    assert first_page(pages) == first
