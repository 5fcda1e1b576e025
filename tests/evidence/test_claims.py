"""The ledger as one reads it: claims, one claim, search, text."""

from __future__ import annotations

import json

import pytest

from calcidiol import evidence
from calcidiol.errors import UsageError
from calcidiol.evidence.load import load


def test_ledger_by_document_and_topic() -> None:
    assert len(evidence.claims()) == 75
    assert {e.claim.document for e in evidence.claims(document="d1")} == {"D1"}
    assert [e.claim.claim_id for e in evidence.claims(topic="night cramps")] == ["C37"]
    told = json.loads(json.dumps(evidence.claims(document="D2")[0].to_dict()))
    assert {"id", "claim", "verdict", "certainty", "supporting", "contradicting", "grade"} <= set(told)


def test_unknown_names_say_what_there_is() -> None:
    with pytest.raises(UsageError, match="D0, D1, D2"):
        evidence.claims(document="D9")
    with pytest.raises(UsageError, match="No claim has 'unicorn'"):
        evidence.claims(topic="unicorn")
    with pytest.raises(UsageError, match=r"no claim 'C99'.*Near: C"):
        evidence.show("C99")
    with pytest.raises(UsageError, match="no word to search for"):
        evidence.search("the of")


def test_changed_verdicts_keep_the_first_and_say_why() -> None:
    changed = [c for c in load().claims.values() if c.verdict != c.first_verdict]
    assert {c.claim_id for c in changed} == {"C16", "C19", "C34", "C35", "C57", "C63", "C69"}
    assert all(c.second_reading.startswith("Changed from " + c.first_verdict) for c in changed)
    kept = [c for c in load().claims.values() if c.verdict == c.first_verdict]
    assert all(c.second_reading.startswith("Kept") for c in kept)


def test_prognosis_is_shown_with_trials_of_treatment() -> None:
    for claim in load().claims.values():
        if claim.question == "prognosis":
            shown = evidence.show(claim.claim_id)
            assert shown.trials_beside
            assert all(s.kind == "trial" for s in shown.trials_beside)
            assert "Trials of treatment beside this prognosis" in evidence.text_show(shown)


def test_concentrations_stand_beside_what_patients_reach() -> None:
    shown = evidence.show("C66")
    tanaka = next(d for d in shown.distances if d.used.study_id == "TANAKA1982_HL60")
    assert tanaka.times_high == pytest.approx(12 / 0.13)
    assert "nmol/L of calcitriol: 0.923 to 92.3 times that" in " ".join(evidence.text_show(shown).split())


def test_every_claim_can_be_shown_and_drawn() -> None:
    for name in load().claims:
        shown = evidence.show(name)
        json.dumps(shown.to_dict(), allow_nan=False)
        assert evidence.text_show(shown).startswith(name)
        assert evidence.forest_of_claim(shown).startswith("<svg")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("IM versus oral", "C02"),
        ("injections by mouth", "IM_VS_ORAL_25OHD"),
        ("hypercalcaemia", "C70"),
        ("leg cramps", "C37"),
        ("Friedberg lymphoma rituximab", "ILYAD2024_EFS"),
        ("depression", "C42"),
    ],
)
def test_search_finds(text: str, wanted: str) -> None:
    assert wanted in [hit.id for hit in evidence.search(text)]
    assert wanted in evidence.text_search(evidence.search(text))


def test_search_of_nothing() -> None:
    assert evidence.search("xylophone") == ()
    assert evidence.text_search(()).startswith("Nothing was found")


def test_text_of_a_pool_has_its_numbers_and_notes() -> None:
    text = evidence.text_pool(evidence.pool("CANCER_MORTALITY_RCT"))
    assert "VITAL2018_MORT" in text
    assert "By schedule: daily" in text
    assert "Leaving one study out" in text
    assert "HR and RR are pooled together" in text
