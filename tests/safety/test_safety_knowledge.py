"""The rule files: what is refused when they are loaded, with file and line."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import pytest

from calcidiol.errors import KnowledgeError
from calcidiol.safety.language import parse
from calcidiol.safety.numbers import read as read_numbers
from calcidiol.safety.rulebook import FILES, knowledge, read

TEXTS = {name: resources.files("calcidiol.safety").joinpath(name).read_text("utf-8") for name in FILES}


def changed(file: str, old: str, new: str) -> dict[str, str]:
    assert old in TEXTS[file]
    return {**TEXTS, file: TEXTS[file].replace(old, new, 1)}


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("rules.toml", 'when = "age < 18 a"', 'when = "agee < 18 a"', "'agee' is no field"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "age < 18 mmol/L"', "unit 'mmol/L' does not fit"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "age < old a"', "a number is needed"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "age 18 a"', "stands where"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "age < 18 a 7"', "not expected here"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "age <"', "ends too early"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "(age < 18 a"', "ends too early"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "has unicorn"', "concept 'unicorn' is not in conditions.toml"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "takes magic"', "drug class 'magic' is not in drugs.toml"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "started magic within 3 d"', "drug class 'magic'"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "due party within 3 d"', "kind of visit 'party'"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "allergic to air"', "substance 'air'"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "sex is other"', "'female' or 'male' or 'unknown'"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "calcium is older than -3 d"', "not possible"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "alt > high"', "no high reference limit"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "age < 18 a and age > 20 a"', "at once"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "age < 18 a and age >= 18 a"', "at once"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "has falls and not has falls"', "says and denies"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "inr is unknown and inr > 2 1"', "known and unknown"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "inr is unknown and inr is older than 2 d"', "known and unknown"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "calcium > 9.5 mmol/L"', "never decides"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "has immobilized"', ""),
        ("rules.toml", 'id = "CI24"', 'id = "CI23"', "stands already in"),
        ("rules.toml", 'when = "has cyp24a1_loss or has williams_syndrome"', 'when = "age < 18 a"', "keep one"),
        ("rules.toml", 'action = "STOP"', 'action = "MAYBE"', "'action' is 'MAYBE'"),
        ("rules.toml", 'scope = "all"', 'scope = "some"', "'scope' is 'some'"),
        ("rules.toml", 'tag = "V"', 'tag = "X"', "'tag' is 'X'"),
        ("rules.toml", 'lifted_by = "lift.adult"\n', "", "needs 'lifted_by'"),
        ("rules.toml", 'lifted_by = "lift.adult"', 'lifted_by = "lift.adult"\ncolor = "red"', "unknown key 'color'"),
        ("rules.toml", 'source = "out of scope: adults only"\n', "", "'source' is missing"),
        ("rules.toml", 'permitted = ["permitted.measure"]', 'permitted = ["permitted.party"]', "permitted.party"),
        ("rules.toml", "limit = { largest_single_iu = 100000 }", "", "needs limit.largest_single_iu"),
        ("rules.toml", "limit = { largest_single_iu = 100000 }", "limit = { largest = 1 }", "unknown limit 'largest'"),
        ("rules.toml", 'source = "our choice"', 'limit = { daily_only = true }\nsource = "our choice"', "WARN cannot"),
        ("rules.toml", 'action = "ALT"\nscope = "im"', 'action = "ALT"\nscope = "all"', "leaves no other route"),
        ("rules.toml", 'version = "2026-11-24"', "", "needs 'version'"),
        ("rules.toml", '[[hard]]\nid = "HL01"', '[[hard]]\nid = "HL99"', "nothing checks a hard limit 'HL99'"),
        ("rules.toml", 'route = "oral"', 'route = "nose"', "must be oral or im"),
        ("rules.toml", "[[rule]]", "[[rule", "not valid TOML"),
        ("interactions.toml", 'level = "moderate"', 'level = "huge"', "'level' is 'huge'"),
        ("interactions.toml", 'classes = ["thiazide"]', 'classes = ["magic"]', "'magic'"),
        ("monitoring.toml", 'labs = ["calcium", "albumin", "creatinine"]', 'labs = ["gold"]', "analyte 'gold'"),
        ("monitoring.toml", 'after = "first"', 'after = "lunch"', "'after' is 'lunch'"),
        ("session.toml", 'kind = "before"', 'kind = "during"', "'kind' is 'during'"),
        ("numbers.toml", "value = 300000", "value = -1", "a number above 0 is needed"),
        ("numbers.toml", "value = 300000", "value = true", "a number above 0 is needed"),
        ("numbers.toml", "value = 300000\n", "", "needs value, unit, source and tag"),
        ("numbers.toml", "[hard.wait_days]", "[hard.other]", "[hard.other] is used nowhere"),
    ],
)  # fmt: skip
def test_a_fault_in_a_rule_file_is_named(file: str, old: str, new: str, says: str) -> None:
    texts = changed(file, old, new)
    if not says:
        read(texts)
        return
    with pytest.raises(KnowledgeError) as told:
        read(texts)
    assert says in str(told.value)
    assert f"safety/{file}" in str(told.value)


AGE = 'when = "age < 18 a"'
ONE = "limit = { largest_single_iu = 100000 }"


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        # a value of the wrong kind
        ("rules.toml", AGE, "when = 18", "'when' is 18, a text in quotes is needed"),
        ("rules.toml", 'permitted = ["permitted.measure"]', 'permitted = "permitted.measure"', "list of different"),
        ("rules.toml", ONE, 'limit = { largest_single_iu = "1" }', "numbers above 0"),
        ("rules.toml", ONE, "limit = { largest_single_iu = 0 }", "numbers above 0"),
        ("rules.toml", ONE, "limit = { largest_single_iu = nan }", "numbers above 0"),
        ("interactions.toml", 'classes = ["thiazide"]', 'classes = "thiazide"', "a list of different words"),
        ("interactions.toml", "moves = { CL25 = 1.15 }", "moves = { CL25 = -1.15 }", "numbers above 0"),
        ("monitoring.toml", "days = 7\n", 'days = "seven"\n', "a whole number is needed"),
        ("monitoring.toml", "days = 7\n", "days = 7.5\n", "a whole number is needed"),
        ("monitoring.toml", "tolerance_days = 2", "tolerance_days = -2", "a whole number of 0 or more"),
        ("monitoring.toml", "count = 2", "count = 0", "a whole number of 1 or more"),
        ("monitoring.toml", "mandatory = false", 'mandatory = "no"', "true or false is needed"),
        ("session.toml", "within_days = 7", "within_days = -7", "a whole number of 0 or more"),
        ("numbers.toml", "value = 28\n", "value = 27.5\n", "no whole number of days"),
        # a word that nobody knows
        ("rules.toml", 'id = "HL01"\nscope = "single_dose"', 'id = "HL01"\nscope = "some"', "'scope' is 'some'"),
        ("monitoring.toml", 'labs = ["platelets"]\ndays', 'labs = ["thrombos"]\ndays', "the analyte 'thrombos'"),
        ("monitoring.toml", 'labs = ["1_25_ohd", ', 'labs = ["1_25_odh", ', "the analyte '1_25_odh'"),
        ("rules.toml", "[[rule]]", "[[rulle]]", "'rulle' is not known here"),
        ("monitoring.toml", "[[check]]", "[[chekc]]", "'chekc' is not known here"),
        ("session.toml", "[[item]]", '[more]\nx = "y"\n[[item]]', "'more' is not known here"),
        ("rules.toml", 'agree = "all"', 'agree = "none"', "'agree' is 'none'"),
        ("interactions.toml", "moves = { CL25 = 1.15 }", "moves = { CL52 = 1.15 }", "unknown parameter 'CL52'"),
        ("interactions.toml", 'size = "known"', 'size = "big"', "'size' is 'big'"),
        ("monitoring.toml", 'id = "lift.measure"', 'id = "lift.mesure"', "no rule is lifted by 'lift.mesure'"),
        ("rules.toml", 'scope = "im"', 'scope = "excipient"', "needs 'allergic to ...'"),
        ("numbers.toml", 'unit = "d"', 'unit = "h"', "it is read in 'd'"),
        ("numbers.toml", 'tag = "P"', 'tag = "Q"', "needs a source and a tag"),
        ("numbers.toml", "[own_limit.calcium]", "[own_limit.calcuim]", "[own_limit.calcuim] is used nowhere"),
        # what stands twice, is never given or can never be
        ("monitoring.toml", 'id = "M02"', 'id = "M01"', "the check 'M01' stands already in"),
        ("monitoring.toml", 'id = "lift.measure_again"', 'id = "lift.measure"', "the lift 'lift.measure' stands"),
        ("session.toml", 'id = "S02"', 'id = "S01"', "the item 'S01' stands already in"),
        ("interactions.toml", 'id = "DI02"', 'id = "DI01"', "the interaction 'DI01' stands already in"),
        ("rules.toml", '[[hard]]\nid = "HL02"', '[[hard]]\nid = "HL01"', "the hard limit 'HL01' stands already in"),
        ("rules.toml", "[permitted.oral]", '[permitted.tea]\nsource = "x"\ntag = "P"\n[permitted.oral]', "no rule"),
        ("monitoring.toml", "every_days = 182\n", "", "'every_days' of 1 or more is needed"),
        ("monitoring.toml", "days = 0\n", "days = -1\n", "the day of the plan (0) or later"),
        ("rules.toml", AGE, 'when = "has williams_syndrome or has cyp24a1_loss"', "keep one"),
        ("rules.toml", AGE, 'when = "not (not has cyp24a1_loss and not has williams_syndrome)"', "keep one"),
        ("rules.toml", AGE, 'when = "sex is female and sex is male"', "female and male at once"),
        ("rules.toml", AGE, 'when = "calcium > high and not calcium > high - 0.1 mmol/L"', "over its high limit"),
        ("rules.toml", AGE, 'when = "inr is older than 9 d and not inr is older than 9 d"', "says and denies"),
        ("rules.toml", AGE, 'when = "inr is older than 9 d and not inr is older than 5 d"', "'days since inr' above 9"),
        ("rules.toml", AGE, 'when = "started platinum within 3 d and not started platinum within 5 d"', "above 5"),
    ],
)  # fmt: skip
def test_nothing_malformed_slips_through(file: str, old: str, new: str, says: str) -> None:
    with pytest.raises(KnowledgeError) as told:
        read(changed(file, old, new))
    assert says in str(told.value)
    assert re.match(rf"safety/{file} line \d+: ", str(told.value))


@pytest.mark.parametrize(
    "when",
    [
        "inr is older than 5 d and not inr is older than 9 d",
        "started platinum within 5 d and not started platinum within 3 d",
        "calcium > high - 0.1 mmol/L and not calcium > high",
        "calcium > high and not calcium > 2.7 mmol/L",
        "sex is female and not sex is male",
    ],
)
def test_what_can_be_true_is_not_refused(when: str) -> None:
    made = read(changed("rules.toml", AGE, f'when = "{when}"'))
    assert len(made.rules) == len(read(TEXTS).rules)


def test_a_header_may_be_indented_and_a_table_inline() -> None:
    fault = changed("rules.toml", AGE, "when = 18")
    indented = fault["rules.toml"].replace("[[rule]]", "  [[ rule ]]")
    with pytest.raises(KnowledgeError, match=r"rules\.toml line \d+: 'when' is 18"):
        read({**fault, "rules.toml": indented})
    inline = 'version = "x"\nitem = [{id = "S01", kind = "before", source = "s", tag = "P", within_days = "x"}]\n'
    with pytest.raises(KnowledgeError, match=r"session\.toml \[item\] number 1: 'within_days'"):
        read({**TEXTS, "session.toml": inline})
    with pytest.raises(KnowledgeError, match=r"needs tables \[\[item\]\]"):
        read({**TEXTS, "session.toml": "item = [1]\n"})


def test_the_line_is_that_of_the_rule() -> None:
    texts = changed("rules.toml", 'when = "age < 18 a"', 'when = "agee < 18 a"')
    lines = texts["rules.toml"].splitlines()
    at = next(i for i, line in enumerate(lines) if "agee" in line)
    header = max(i for i in range(at) if lines[i] == "[[rule]]") + 1
    with pytest.raises(KnowledgeError, match=rf"safety/rules.toml line {header}:"):
        read(texts)


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_needed(name: str) -> None:
    with pytest.raises(KnowledgeError, match=f"safety/{name}"):
        read({k: v for k, v in TEXTS.items() if k != name})
    with pytest.raises(KnowledgeError, match=f"safety/{name}"):
        read({**TEXTS, name: 'version = "x"\n'})


def test_numbers_need_their_sections() -> None:
    with pytest.raises(KnowledgeError, match=r"\[hard"):
        read_numbers({})


def test_a_condition_may_not_explode() -> None:
    text = " and ".join(["(has falls or has fracture)"] * 10)
    with pytest.raises(KnowledgeError, match="branches"):
        parse(text, "here")


def test_another_unit_of_the_same_kind_is_converted() -> None:
    assert parse("calcium > 10.5 mg/dL", "here").number == pytest.approx(2.62, abs=0.001)  # type: ignore[attr-defined]


def test_every_rule_of_the_lists_is_there() -> None:
    known = knowledge()
    ids = {r.id for r in known.rules}
    assert {f"CI{i:02d}" for i in range(1, 25)} <= ids
    clashes = {c.id for c in known.clashes}
    assert {f"DI{i:02d}" for i in range(1, 19)} | {f"ON{i:02d}" for i in range(1, 17)} == clashes


def test_every_text_is_there_in_both_languages_and_none_is_left_over() -> None:
    known = knowledge()
    ids = {r.text_id for r in (*known.rules, *known.stops)} | {f"rule.{h}" for h in known.hard}
    ids |= {r.lifted_by for r in (*known.rules, *known.stops) if r.lifted_by} | {
        h.lifted_by for h in known.hard.values()
    }
    ids |= set(known.permitted) | {c.text_id for c in known.clashes} | {c.text_id for c in known.checks}
    ids |= {i.text_id for i in known.items} | {"session.S16", "monitor.checkpoint"}
    ids |= {f"ctcae.{x}" for x in ("hypercalcemia", "hypocalcemia", "none")}
    ids |= {
        f"place.{x}" for x in ("moved", "unavoidable", "with_visit", "site_irradiated", "site_lymphedema", "bone_agent")
    }
    ids |= {
        f"calcium.{x}"
        for x in (
            "provenance", "not_validated", "no_basis", "not_known", "limit", "egfr", "albumin", "dbp", "thiazide",
            "intake", "direction_up", "pth", "not_credited",
        )
    }  # fmt: skip
    for name in ("en", "zh-Hant"):
        words = tomllib.loads(
            resources.files("calcidiol.report").joinpath(f"words/safety.{name}.toml").read_text("utf-8")
        )
        texts = {k for k, v in words.items() if "." in k}
        assert texts == ids, name
    assert words["reviewed"] is False  # of the Chinese texts


TABLES = {name: tomllib.loads(text) for name, text in TEXTS.items()}


def test_every_rule_is_read_as_it_is_written() -> None:
    known = read(TEXTS)
    version = TABLES["rules.toml"]["version"]
    for file, key, rules in (("rules.toml", "rule", known.rules), ("monitoring.toml", "stop", known.stops)):
        for row, rule in zip(TABLES[file][key], rules, strict=True):
            name = row["id"] + (f".{row['part']}" if "part" in row else "")
            assert rule.name == name
            assert (rule.id, rule.part, rule.action, rule.scope) == (
                row["id"], row.get("part", ""), row["action"], row["scope"],
            )  # fmt: skip
            assert rule.when == row["when"]
            assert rule.condition == parse(row["when"], "here")
            assert rule.text_id == row.get("text", f"rule.{name}")
            assert rule.lifted_by == row.get("lifted_by", "")
            assert rule.permitted == tuple(row.get("permitted", ()))
            assert (rule.source, rule.tag) == (row["source"], row["tag"])
            assert rule.version_date == row.get("version_date", version)
            assert rule.limits == row.get("limit", {})
            assert rule.where.startswith(f"safety/{file} line ")


def test_every_hard_limit_and_permission_is_read_as_it_is_written() -> None:
    known, table = read(TEXTS), TABLES["rules.toml"]
    assert [*known.hard] == [row["id"] for row in table["hard"]]
    for row in table["hard"]:
        one = known.hard[row["id"]]
        assert (one.id, one.action, one.scope, one.lifted_by) == (
            row["id"], row.get("action", "STOP"), row["scope"], row["lifted_by"],
        )  # fmt: skip
        assert one.permitted == tuple(row.get("permitted", ()))
        assert (one.source, one.tag, one.version_date) == (row["source"], row["tag"], table["version"])
    assert {*known.permitted} == {f"permitted.{name}" for name in table["permitted"]}
    for name, row in table["permitted"].items():
        permission = known.permitted[f"permitted.{name}"]
        assert permission.when == (parse(row["when"], "here") if "when" in row else None)
        assert (permission.route, permission.agree, permission.source, permission.tag) == (
            row.get("route", ""), row.get("agree", ""), row["source"], row["tag"],
        )  # fmt: skip


def test_every_interaction_is_read_as_it_is_written() -> None:
    for row, clash in zip(TABLES["interactions.toml"]["interaction"], read(TEXTS).clashes, strict=True):
        asked = " or ".join(f"takes {c}" for c in row["classes"])
        when = f"({asked}) and ({row['when']})" if "when" in row else asked
        assert clash.condition == parse(when, "here")
        part = row.get("part", "")
        assert (clash.id, clash.part, clash.classes, clash.level) == (
            row["id"], part, tuple(row["classes"]), row["level"],
        )  # fmt: skip
        assert clash.text_id == f"interaction.{row['id']}" + (f".{part}" if part else "")
        assert (clash.source, clash.tag, clash.size) == (row["source"], row["tag"], row.get("size", ""))
        assert clash.moves == row.get("moves", {})
        assert clash.where.startswith("safety/interactions.toml line ")


def test_every_check_item_and_lift_is_read_as_it_is_written() -> None:
    known = read(TEXTS)
    assert known == knowledge()
    for row, check in zip(TABLES["monitoring.toml"]["check"], known.checks, strict=True):
        assert check.condition == (parse(row["when"], "here") if "when" in row else None)
        assert (check.id, check.labs, check.days, check.after) == (
            row["id"], tuple(row["labs"]), row["days"], row["after"],
        )  # fmt: skip
        assert (check.every_days, check.count) == (row.get("every_days", 0), row.get("count", 1))
        assert check.tolerance_days == row.get("tolerance_days", 0)
        assert (check.text_id, check.source, check.tag) == (f"monitor.{row['id']}", row["source"], row["tag"])
        assert check.mandatory is row.get("mandatory", True)
        assert check.where.startswith("safety/monitoring.toml line ")
    for row, item in zip(TABLES["session.toml"]["item"], known.items, strict=True):
        assert item.condition == (parse(row["when"], "here") if "when" in row else None)
        assert (item.id, item.kind, item.when) == (row["id"], row["kind"], row.get("when", ""))
        assert (item.labs, item.within_days) == (tuple(row.get("labs", ())), float(row.get("within_days", 0)))
        assert (item.text_id, item.source, item.tag) == (f"session.{row['id']}", row["source"], row["tag"])
        assert item.where.startswith("safety/session.toml line ")
    for row in TABLES["monitoring.toml"]["lift"]:
        lift = known.lifts[row["id"]]
        assert (lift.id, lift.labs, lift.days) == (row["id"], tuple(row.get("labs", ())), row["days"])
        assert (lift.source, lift.tag) == (row["source"], row["tag"])
        assert lift.where.startswith("safety/monitoring.toml line ")


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("interactions.toml", 'level = "moderate"\nsize = "known"\nsource = "PMC4127365', 'source = "PMC4127365',
         "interactions.toml line 10: 'level' is missing"),
        ("interactions.toml", 'classes = ["thiazide"]', 'classes = ["nothing"]',
         "interactions.toml line 10.*drug class 'nothing' is not in drugs.toml"),
        ("interactions.toml", 'when = "not takes inducing', 'when = "not takes nothing',
         "drug class 'nothing_antiepileptic' is not in drugs.toml"),
        ("session.toml", 'labs = ["calcium"', 'labs = ["kalzium"', r"session.toml line \d+: the analyte 'kalzium'"),
        ("monitoring.toml", 'labs = ["calcium", "albumin", "creatinine"]', 'labs = ["kalzium"]',
         r"monitoring.toml line \d+: the analyte 'kalzium'"),
        ("monitoring.toml", 'when = "egfr < 60', 'when = "egfrr < 60',
         r"monitoring.toml line \d+.*'egfrr' is no field"),
        ("rules.toml", '[[hard]]\nid = "HL06"\naction = "HOLD"', '[[hard]]\nid = "HL06"\naction = "MAYBE"',
         r"rules.toml line \d+: the action 'MAYBE' is unknown. Known: STOP, HOLD, ALT, WARN"),
        ("rules.toml", '[[hard]]\nid = "HL06"', '[[hard]]\nid = "HL06"\ncolor = "red"', "unknown key 'color'"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "allergic to nothing"',
         "substance 'nothing' is not in excipients.toml"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "takes nothing"', "drug class 'nothing' is not in drugs.toml"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "due party within 3 d"',
         "kind of visit 'party' is not in language.VISITS"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "agee < 18 a"',
         "'agee' is no field: analytes of labs.toml and age, ca_x_po4, calcium_before, "),
        ("rules.toml", 'when = "age < 18 a"', 'when = "egfr > high"', "'egfr' has no high reference limit"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "crp < low"', "'crp' has no low reference limit"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "calcium > high - 1 kg"', "unit 'kg' does not fit"),
        ("rules.toml", 'when = "age < 18 a"', 'when = "started nothing within 3 d"', "is not in drugs.toml"),
    ],
)  # fmt: skip
def test_a_fault_names_its_file_line_and_what_is_known(file: str, old: str, new: str, says: str) -> None:
    with pytest.raises(KnowledgeError, match=says):
        read(changed(file, old, new))
