"""Sentences for plans and patients: each rests on a claim, sounds as sure as it is, and has words in both languages."""

from __future__ import annotations

import re
from typing import Any

import pytest

from calcidiol import evidence
from calcidiol.evidence import advice, questions
from calcidiol.evidence.certainty import certainty
from calcidiol.evidence.load import load
from calcidiol.report.words import LANGUAGES, Words

EVERYTHING: dict[str, Any] = {
    "routes": ["im", "oral"],
    "single_dose_iu": 300000,
    "every_days": 28,
    "status": "allowed",
    "cancer": True,
    "leukemia": True,
    "conditions": ["ckd", "malabsorption"],
    "drugs": ["thiazide", "glucocorticoid", "chemotherapy"],
}


def test_everything_that_can_be_said_is_said() -> None:
    rows = evidence.for_plan(EVERYTHING)
    assert {row["id"] for row in rows} == {row.id for row in advice.table()}
    for row in rows:
        assert row["claims"]
        assert row["certainty"] in ("very low", "low", "moderate", "high")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sentence_has_words(lang: str) -> None:
    words = Words(lang)
    for row in evidence.for_plan(EVERYTHING):
        said = words.say(row["text_id"], row["params"])
        assert words.has(row["text_id"]), row["text_id"]
        assert "–" not in said
        assert not re.search(r"[{}]", said)
        if row["params"] and row["id"] != "survival":
            assert re.search(r"\d", said)
    for line in questions.answers():
        assert words.has(line.text_id), line.text_id
    for edge in evidence.edges():
        assert words.has(f"mechanism.edge.{edge.id}")


def test_words_carry_the_certainty() -> None:
    words, opens = Words("en"), {
        "contradicted": "contradicted by",
        "unsupported": "No trial supports",
        "trials": "Randomized trials show",
        "cohorts": "Association only",
        "cells": "Cell experiments only",
        "series": "Uncontrolled series only",
        "levels": "Blood levels only",
    }  # fmt: skip
    for row in evidence.for_plan(EVERYTHING):
        if row["lead"] in opens:
            assert opens[row["lead"]] in words.say(row["text_id"], row["params"]), row["text_id"]


def test_what_does_not_apply_is_not_said() -> None:
    ids = {row["id"] for row in evidence.for_plan({"routes": ["oral"], "single_dose_iu": 2000, "status": "allowed"})}
    assert ids == {"oral_works", "calcium", "monitoring_limits"}
    assert evidence.for_plan({}) == ()


def test_cells_never_lend_their_certainty_to_a_patient() -> None:
    row = next(r for r in evidence.for_plan(EVERYTHING) if r["lead"] == "cells")
    assert row["certainty"] == "very low"


def test_lead_follows_verdict_and_design() -> None:
    ledger = load()
    for name, wanted in {
        "C02": "contradicted",
        "C26": "unsupported",
        "C21": "trials",
        "C66": "cells",
        "C62": "cohorts",
    }.items():
        claim = ledger.claims[name]
        assert advice.lead(claim, certainty(claim, ledger)) == wanted


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pages(lang: str) -> None:
    words = Words(lang)
    page = evidence.patients_page(words.say, lang=lang, reviewed=lang == "en")
    assert page.startswith("<!doctype html>")
    assert f'lang="{lang}"' in page
    assert page.count("<li>") == len(questions.answers())
    assert ('class="mark"' in page) == (lang != "en")
    assert "[patients" not in page
    map_page = evidence.mechanism_page(words.say, lang=lang)
    for edge in evidence.edges():
        assert f'href="#edge-{edge.id}"' in map_page
        assert f'id="edge-{edge.id}"' in map_page
    assert "nmol/L" in map_page
    assert "[mechanism" not in map_page


def test_topics_of_the_patients_page() -> None:
    topics = {line.topic for line in questions.answers()}
    assert {"fatigue", "bone_pain", "infection", "mood", "survival", "side_effects"} <= topics
