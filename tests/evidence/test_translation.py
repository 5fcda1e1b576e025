"""What a Chinese report shows of a claim is translated, with the same numbers, and marked as not reviewed."""

from __future__ import annotations

import string

import pytest

from calcidiol import evidence
from calcidiol.errors import UsageError
from calcidiol.evidence.advice import table
from calcidiol.evidence.certainty import step_texts
from calcidiol.evidence.pool import note_templates
from calcidiol.evidence.translation import tongue

CHINESE = tongue("zh-Hant")
CITED = tuple(dict.fromkeys(advice.claim for advice in table()))


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("claim_id", CITED)
def test_every_text_of_a_cited_claim_is_translated(claim_id: str) -> None:
    shown = evidence.show(claim_id)
    texts, words = CHINESE.sections["claims"], CHINESE.sections["vocabulary"]
    assert {f"{claim_id}.{part}" for part in ("claim", "summary", "reading")} <= set(texts)
    for step in shown.entry.certainty.steps:
        if not step.text_id:
            assert f"{claim_id}.{step.domain}" in CHINESE.sections["judged"]
    studies = (*shown.supporting, *shown.contradicting, *shown.trials_beside)
    needed = {word for s in studies for word in (s.outcome, s.kind, s.design, s.measure) if word and word != "animal"}
    needed |= {s.cancer_type for s in studies if s.kind == "cohort" and "line" not in s.cancer_type}
    if shown.pooled is not None:
        needed |= {shown.pooled.title, shown.pooled.benefit}
        notes = (*shown.pooled.notes, *shown.pooled.excluded)
        assert {note.id for note in notes} <= set(CHINESE.sections["notes"])
    assert needed - set(words) == set()


def test_translations_keep_every_number() -> None:
    for name, english in step_texts().items():
        assert fields(CHINESE.sections["steps"][name]) == fields(english), name
    for name, chinese in CHINESE.sections["notes"].items():
        assert fields(chinese) == fields(note_templates()[name]), name


def test_a_claim_reads_in_both_languages() -> None:
    [english], [chinese] = evidence.tell_claims(("C16",)), evidence.tell_claims(("C16",), "zh-Hant")
    assert "first reading" in english.verdict_text
    assert "言過其實" in chinese.verdict_text
    assert len(english.steps) == len(chinese.steps)
    assert [s.id for _, rows in english.groups for s in rows] == [s.id for _, rows in chinese.groups for s in rows]
    assert "整體存活" in chinese.plot
    assert not CHINESE.reviewed
    assert tongue().reviewed
    with pytest.raises(UsageError, match="not translated"):
        tongue("fr")
