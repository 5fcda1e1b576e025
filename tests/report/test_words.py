"""Words: every id that the program can say has a sentence in both languages, and sentences never fail."""

from __future__ import annotations

import re
import string
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcidiol.errors import UsageError
from calcidiol.report.words import LANGUAGES, Words

SOURCE = Path(str(files("calcidiol")))
PREFIXES = (
    "search|lost|outside|binding|policy|sample|trust|withheld|imputed|rule|lift|monitor|interaction|"
    "statement|permitted|ignored|session|evidence|place"
)
ROOMS = ("patient", "individual", "safety", "regimen", "planning", "evidence")


def ids_in_source() -> set[str]:
    """Text ids as they stand in code and data: prefixed ones, and ids of findings made while reading."""
    found = set()
    for room in ROOMS:
        for path in sorted((SOURCE / room).rglob("*")):
            if path.suffix not in (".py", ".toml"):
                continue
            text = path.read_text(encoding="utf-8")
            told = re.findall(rf'"((?:{PREFIXES})\.[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)"', text)
            found |= {x for x in told if not x.endswith(".toml")}
    for path in sorted((SOURCE / "patient").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'(?:Finding|\.remark)\(\s*"([a-z0-9_]+)"', text))
        found |= set(re.findall(r'\.(?:skip|refuse|count)\(\s*(?:"\w+"|[\w.]+),\s*"([a-z0-9_]+)"', text))
    return found


def test_the_source_names_many_ids() -> None:
    found = ids_in_source()
    assert len(found) > 150
    assert {"search.chosen", "trust.no_labs", "lab_without_unit", "unit_trap", "imputed.sun"} <= found


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_id_of_the_source_is_without_a_sentence(lang: str) -> None:
    words = Words(lang)
    assert sorted(x for x in ids_in_source() if not words.has(x)) == []


def test_both_languages_have_the_same_ids() -> None:
    assert sorted(Words("en").ids ^ Words("zh-Hant").ids) == []


def test_sentences_of_both_languages_name_the_same_parameters() -> None:
    """A parameter may be left out by a translation only if it is a word of grammar, never a number or a name."""

    def names(sentence: str) -> set[str]:
        return {field for _, field, _, _ in string.Formatter().parse(sentence) if field}

    english, chinese = _sentences("en"), _sentences("zh-Hant")
    differing = {k: names(english[k]) ^ names(chinese[k]) for k in english if names(english[k]) ^ names(chinese[k])}
    assert differing == {}


def test_chinese_is_marked_until_a_clinician_has_read_it() -> None:
    words = Words("zh-Hant")
    assert not any(words.reviewed(x) for x in words.ids)


def test_every_text_of_a_plan_is_known(plan: dict[str, Any]) -> None:
    for lang in LANGUAGES:
        words = Words(lang)
        for text_id, params in _texts(plan):
            told = words.say(text_id, params)
            assert not told.startswith("["), text_id
            assert "{" not in told


def test_a_missing_id_is_shown_with_its_parameters() -> None:
    assert Words("en").say("no.such.id", {"level": 3}) == "[no.such.id: level: 3]"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(UsageError, match="Known: en, zh-Hant"):
        Words("fr")


def test_a_sentence_reads_no_attributes() -> None:
    """Parameters cannot be used to reach into objects."""
    words = Words("en")
    words._told["test.reach"] = "{value.__class__} {value[0]}"
    try:
        assert "class" not in words.say("test.reach", {"value": "x"})
    finally:
        del words._told["test.reach"]


@given(
    st.dictionaries(
        st.sampled_from(["value", "unit", "analyte", "date", "probability", "effective", "limit", "seen", "labs"]),
        st.none() | st.text() | st.floats() | st.integers() | st.lists(st.text(max_size=5), max_size=3),
    )
)
def test_no_parameters_make_a_sentence_fail(params: dict[str, Any]) -> None:
    words = Words("en")
    for text_id in ("unit_trap", "policy.surprising", "lost.excess", "rule.CI01", "search.chosen", "binding.routes"):
        assert words.say(text_id, params)


def _sentences(lang: str) -> dict[str, str]:
    told: dict[str, str] = {}
    for file in sorted((SOURCE / "report" / "words").glob(f"*.{lang}.toml")):
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        told |= {k: v for k, v in table.items() if k not in ("language", "reviewed")}
    return told


def _texts(value: Any) -> list[tuple[str, dict[str, Any]]]:
    """All pairs of id and parameters inside plain data."""
    found = []
    if isinstance(value, dict):
        for key in ("text_id", "effect_id", "reason_id", "lifted_by_id"):
            if value.get(key):
                found.append((value[key], value.get("params") or {}))
        for inner in value.values():
            found += _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            found += _texts(inner)
    return found


def test_what_a_rule_saw_is_told_in_the_language() -> None:
    seen = "platelets 24 x 10^9/L (< 30, 2026-11-20); age 73.39 y (>= 70); calcium, ionized: ?; Total gastrectomy"
    assert Words("en").observed(seen) == (
        "platelets 24 \u00d7 10\u2079/L (< 30, 2026-11-20); age 73 y (\u2265 70); calcium, ionized: not known; "
        "Total gastrectomy"
    )
    told = Words("zh-Hant").observed(seen)
    assert told.startswith("\u8840\u5c0f\u677f 24 \u00d7 10\u2079/L")
    assert "\u5e74\u9f61 73 \u6b72" in told
    assert "ionized" not in told
    assert told.endswith("Total gastrectomy")  # what the record says stays as it stands there


def test_every_concept_class_and_protocol_has_a_name() -> None:
    from calcidiol.regimen import protocols

    terms = [
        name
        for file, kind in (("conditions.toml", "concept"), ("drugs.toml", "class"))
        for name in tomllib.loads((SOURCE / "terminology" / file).read_text(encoding="utf-8"))[kind]
    ]
    table = protocols()
    for lang in LANGUAGES:
        words = Words(lang)
        assert [x for x in terms if not words.has(f"concept.{x}")] == []
        assert [
            p.id for p in (table.values() if isinstance(table, dict) else table) if not words.has(f"protocol.{p.id}")
        ] == []
