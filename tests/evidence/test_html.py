"""Claims as HTML: closed boxes with their studies, sources and plot; nothing from the data can become markup."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser

import pytest

from calcidiol import evidence
from calcidiol.errors import UsageError


class Balance(HTMLParser):
    """Counts opening and closing tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "rect", "line", "circle", "polygon"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("rect", "line", "circle", "polygon"):
            return
        assert self.open.pop() == tag


def test_claims_link_to_papers_and_close_their_tags() -> None:
    page = evidence.claims_html(["C02", "C16", "C66", "C02"], standalone=True)
    assert page.count('id="claim-C02"') == 1
    assert "https://doi.org/10.1210/jc.2008-0350" in page
    assert "Trials of treatment beside this prognosis" in page
    assert "<svg" in page
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    with pytest.raises(UsageError):
        evidence.claims_html(["C99"])


def test_markup_in_the_data_stays_text() -> None:
    [told] = evidence.tell_claims(("C37",))
    bad = "<script>alert(1)</script>"
    html = evidence.claim_html(
        dataclasses.replace(told, claim=bad, summary=bad, reading=bad, notes=(bad,), steps=(bad,))
    )
    assert "<script>" not in html
    assert html.count("&lt;script&gt;") == 5
