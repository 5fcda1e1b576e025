"""The HTML page as text: complete, closed to injection, loading nothing from elsewhere, deterministic."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calcidiol import report
from calcidiol.report.words import Words

VOID = {"meta", "br", "rect", "path", "circle", "polygon", "polyline"}
NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "${7*7} #{7*7} <%= 7*7 %>",
    "</script><script>alert(1)//",
    "]]><!--",
    "#set page(width: 1cm); #eval(\"1\") $x$ `raw` *b* _i_ @ref <label> \\ // /* */",
    "\u202eevil\u202c",
    "\x00\x1b[2J\x08",
    "👩‍⚕️🦴☠️",
    "مريم الأحمد",
    "דוד לוי",
    "Ng̃ọc Zǎlgo̶͝",
    "A" * 4000,
    "\ud83d",
]  # fmt: skip


class Checker(html.parser.HTMLParser):
    """Tags balance; collects elements with their attributes and what scripts hold."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(page: str) -> Checker:
    found = Checker()
    found.feed(page)
    assert found.open == []
    return found


def skeleton(found: Checker) -> list[str]:
    return [tag for tag, a in found.elements if tag in ("script", "style", "img", "section", "svg", "meta", "a")]


@pytest.mark.parametrize("lang", ["en", "zh-Hant"])
def test_pages_are_whole_and_load_nothing(plan: dict[str, Any], lang: str) -> None:
    page = report.html(plan, lang)
    found = parsed(page)
    assert page.startswith("<!doctype html>")
    assert dict(found.elements[0][1])["lang"] == lang
    for tag, attributes in found.elements:
        assert tag not in ("link", "iframe", "img", "object", "base", "form")
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in ("src", "style", "srcset")
            if name == "href":
                # A link to a paper loads nothing until the reader follows it.
                assert value is not None
                assert value.startswith("#") or (tag == "a" and value.startswith("https://doi.org/"))
    assert "[ui." not in page


def test_links_inside_the_page_lead_somewhere(plan: dict[str, Any]) -> None:
    found = parsed(report.html(plan)).elements
    ids = [a["id"] for _, a in found if "id" in a]
    assert len(ids) == len(set(ids))
    for _, a in found:
        for name in ("href", "aria-labelledby", "aria-describedby"):
            if a.get(name) and not str(a[name]).startswith("https://doi.org/"):
                assert {part.lstrip("#") for part in str(a[name]).split()} <= set(ids)


def test_the_policy_allows_exactly_the_pages_own_style_and_script(planned: dict[str, Any]) -> None:
    page = report.html(planned)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    allowed = policy.group(1).replace("&#39;", "'")
    assert "unsafe" not in allowed
    assert allowed.startswith("default-src 'none'")
    for pattern in (r"<style>(.*?)</style>", r"<script>(.*?)</script>"):
        (body,) = re.findall(pattern, page, re.S)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in allowed


def test_the_same_plan_gives_the_same_page(plan: dict[str, Any]) -> None:
    assert report.html(plan) == report.html(json.loads(json.dumps(plan)))


@pytest.mark.parametrize("nasty", NASTY)
def test_no_text_of_a_record_becomes_markup(planned: dict[str, Any], nasty: str) -> None:
    plain = parsed(report.html(planned))
    planned["patient"] |= {"name": nasty, "id": nasty}
    planned["inputs"]["used"][0] |= {"name": nasty, "value": nasty, "received": nasty, "unit": nasty}
    planned["interactions"][0]["params"]["drug"] = nasty
    planned["findings"][0]["params"] = {"text": nasty}
    planned["inputs"]["ignored"] = [{"item": nasty, "text_id": "lab_unknown", "params": {"text": nasty, "hint": nasty}}]
    planned["labs"][0] |= {"received": nasty, "assay": nasty}
    page = report.html(planned)
    page.encode("utf-8")
    told = parsed(page)

    assert skeleton(told) == skeleton(plain)
    assert "\x1b" not in page
    assert "\x00" not in page
    assert "\u202e" not in page
    if nasty.isascii() and nasty.isprintable():
        assert nasty in "".join(told.text)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=60))
def test_any_name_gives_a_whole_page(planned: dict[str, Any], name: str) -> None:
    planned["patient"]["name"] = name
    page = report.html(planned)
    assert page.encode("utf-8").decode("utf-8") == page
    assert skeleton(parsed(page)) == skeleton(
        parsed(report.html(planned | {"patient": planned["patient"] | {"name": "A"}}))
    )


def test_what_must_stand_beside_every_recommendation(planned: dict[str, Any]) -> None:
    """The list of the knowledge file (safety, section 9): each part is on the page."""
    text = " ".join(parsed(report.html(planned)).text)
    say = Words("en").say
    card, capsule = planned["card"], planned["capsule"]
    needed = [
        "not a medical device", "A clinician reviews the basis below and decides",
        card["citation"], card["population"], card["id"], *card["known_failures"],
        capsule["hash"], "seed 0", "rules of 20",
        *(r["source"] for r in planned["verdict"]["rules"]), *(r["id"] for r in planned["verdict"]["rules"]),
        *(say(r["text_id"], r["params"]) for r in planned["stop_rules"]),
        *(say(r["lifted_by_id"], r["params"]) for r in planned["stop_rules"]),
        *(r["source"] for r in planned["stop_rules"]),
        *(say(i["effect_id"], i["params"]) for i in planned["interactions"]),
        *(say(f["id"], f["params"]) for f in planned["findings"]), *(m["source"] for m in planned["monitoring"]),
        *(i["source"] for i in planned["inputs"]["imputed"]), *(i["received"] for i in planned["inputs"]["used"]),
        *(say(e["text_id"], e["params"]) for e in planned["evidence"]),
        *(c for e in planned["evidence"] for c in e["claims"]),
        *(say(r["text_id"], r["params"]) for a in planned["alternatives"] for r in a["why_not"]),
        *(say(n["text_id"], n["params"]) for n in planned["trust"]["notes"] + planned["search"]["notes"]),
    ]  # fmt: skip
    flat = re.sub(r"\s+", " ", text)
    assert [x for x in needed if re.sub(r"\s+", " ", x) not in flat] == []


def test_cautions_stand_in_the_box_of_the_verdict(planned: dict[str, Any]) -> None:
    page = report.html(planned)
    box = page[page.index('<section class="verdict') : page.index("</section>")]
    cautions = [f for f in planned["findings"] if f["level"] == "caution"]
    assert cautions
    for f in cautions:
        assert Words("en").say(f["id"], f["params"]) in box
