"""No sentence of advice stands alone: each rests on a rule with a source or on a claim that the report itself holds."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from calcidiol import report
from calcidiol.evidence import load


def test_every_sentence_of_advice_has_a_claim_or_a_rule(plan: dict[str, Any]) -> None:
    claims = load().claims
    for rule in (*plan["verdict"]["rules"], *plan["stop_rules"]):
        assert rule["id"]
        assert rule["source"]
    for check in plan["monitoring"]:
        assert check["rule"]
        assert check["source"]
    for interaction in plan["interactions"]:
        assert interaction["id"]
        assert interaction["source"]
    for sentence in plan["evidence"]:
        assert sentence["claims"]
        assert set(sentence["claims"]) <= set(claims)
        assert sentence["verdict"]
        assert sentence["certainty"]


@pytest.mark.parametrize("lang", ["en", "zh-Hant"])
def test_each_sentence_of_evidence_links_to_its_claim_and_the_claim_to_its_studies(
    plan: dict[str, Any], lang: str
) -> None:
    page = report.html(plan, lang)
    cited = list(dict.fromkeys(c for e in plan["evidence"] for c in e["claims"]))
    linked = re.findall(r'href="#(claim-[^"]+)"', page)
    assert linked == [f"claim-{c}" for e in plan["evidence"] for c in e["claims"]]
    for claim in cited:
        assert page.count(f'id="claim-{claim}"') == 1
        box = page.split(f'id="claim-{claim}"')[1].split("</details>")[0]
        studies = [*load().claims[claim].supporting, *load().claims[claim].contradicting]
        for study in studies:
            assert f"<b>{study}</b>" in box
            if load().studies[study].doi:
                assert f"https://doi.org/{load().studies[study].doi}" in box
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_the_pdf_holds_the_claims_with_plots_and_links(planned: dict[str, Any]) -> None:
    import pypdf

    document = pypdf.PdfReader(io.BytesIO(report.pdf(planned)))
    text = "\n".join(page.extract_text() for page in document.pages)
    inside, outside = 0, set()
    for page in document.pages:
        for link in page.get("/Annots") or ():
            action = link.get_object().get("/A")
            if action is not None and "/URI" in action:
                outside.add(str(action["/URI"]))
            else:
                inside += 1
    cited = [c for e in planned["evidence"] for c in e["claims"]]
    assert inside >= len(cited) > 0
    for claim in set(cited):
        assert f"{claim}  {load().claims[claim].claim}"[:40] in text
        for study in load().claims[claim].supporting:
            assert study in text
            if load().studies[study].doi:
                assert f"https://doi.org/{load().studies[study].doi}" in outside
    assert "estimate (95 % interval)" in text


@pytest.mark.parametrize("lang", ["en", "zh-Hant"])
@pytest.mark.parametrize("certainty", ["very low", "low", "moderate", "high"])
def test_every_certainty_is_told_in_words(lang: str, certainty: str) -> None:
    from calcidiol.report.tables import Ui, evidence
    from calcidiol.report.words import Words

    words = Words(lang)
    note = evidence({"text": "x", "verdict": "supported", "certainty": certainty, "claims": ["C02"]}, words, Ui(words))
    assert note.small[0] != certainty
    assert ("certainty" in note.small[0]) == (lang == "en")
