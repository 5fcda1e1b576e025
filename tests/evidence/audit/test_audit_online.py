"""Online sources on recorded answers: no test here opens a connection."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest

from calcidiol.errors import MissingError
from calcidiol.evidence.audit import audit, render_text
from calcidiol.evidence.audit.answers import crossref_record, openalex_record, pubmed_record
from calcidiol.evidence.audit.bibliography import bibliography
from calcidiol.evidence.audit.entry import parse
from calcidiol.evidence.audit.matching import judge
from calcidiol.evidence.audit.online import Gate, look_up
from calcidiol.evidence.audit.records import Cited, Record

ANSWERS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "answers" / "answers.json").read_text(encoding="utf-8")
)
EXAMPLE = "Example AM, van der Sample B. Depot vitamin D in example leukemia. Journal of Examples. 2015;7(2):11-19. doi:10.5555/vitd.retracted"  # noqa: E501


class Recorded:
    """A source that answers from a list and counts the questions."""

    def __init__(self, name: str, by_id: dict[str, Any], reader: Any, by_text: tuple[Any, ...] = ()) -> None:
        self.name, self._by_id, self._by_text, self._reader = name, by_id, by_text, reader
        self.asked: list[str] = []
        self.trouble: Exception | None = None

    def by_id(self, doi: str, pmid: str) -> list[dict[str, Any]]:
        self.asked.append(doi or pmid)
        if self.trouble:
            raise self.trouble
        found = self._by_id.get(doi) or self._by_id.get(pmid)
        return [found] if found else []

    def by_text(self, cited: Cited) -> list[dict[str, Any]]:
        self.asked.append(cited.title)
        if self.trouble:
            raise self.trouble
        return list(self._by_text)

    def read(self, answer: dict[str, Any]) -> Record | None:
        return self._reader(answer)  # type: ignore[no-any-return]


def sources() -> list[Recorded]:
    return [
        Recorded(
            "Crossref",
            {"10.5555/vitd.retracted": ANSWERS["crossref"]["retracted"]},
            crossref_record,
            (ANSWERS["crossref"]["keum"],),
        ),
        Recorded("PubMed", {"10.5555/vitd.retracted": ANSWERS["pubmed"]["retracted"]}, pubmed_record),
        Recorded("OpenAlex", {"10.1001/jama.2019.2402": ANSWERS["openalex"]["ng"]}, openalex_record),
    ]


def test_crossref() -> None:
    record = crossref_record(ANSWERS["crossref"]["keum"])
    assert record is not None
    assert [str(a) for a in record.authors] == ["Keum N", "Lee DH", "Greenwood DC", "Manson JE", "Giovannucci E"]
    assert (record.year, record.volume, record.issue, record.pages) == ("2019", "30", "5", "733-743")
    gone = crossref_record(ANSWERS["crossref"]["retracted"])
    assert gone is not None
    assert gone.title == "Depot vitamin D in example leukemia"
    assert gone.epub_year == "2014"
    assert gone.flags == (
        "retracted according to Crossref (said in the title)",
        "retracted according to Crossref (doi:10.5555/vitd.notice)",
    )
    assert crossref_record(ANSWERS["crossref"]["dataset"]) is None
    assert crossref_record(ANSWERS["crossref"]["undated"]) is None


def test_pubmed() -> None:
    record = pubmed_record(ANSWERS["pubmed"]["urashima"])
    assert record is not None
    assert record.doi == "10.1001/jama.2019.2210"
    assert record.title.endswith("The AMATERASU Randomized Clinical Trial")
    gone = pubmed_record(ANSWERS["pubmed"]["retracted"])
    assert gone is not None
    assert [f.split(" (")[0] for f in gone.flags] == [
        "retracted according to PubMed",
        "retracted according to PubMed",
        "corrected according to PubMed",
    ]
    assert pubmed_record(ANSWERS["pubmed"]["empty"]) is None


def test_openalex() -> None:
    record = openalex_record(ANSWERS["openalex"]["ng"])
    assert record is not None
    assert [str(a) for a in record.authors] == ["Ng K", "Nimeiri HS"]
    assert (record.pages, record.pmid, record.flags) == ("1370-1379", "30964527", ("retracted according to OpenAlex",))
    assert openalex_record(ANSWERS["openalex"]["bare"]) is None


def test_a_paper_that_is_only_online_becomes_exact_and_carries_its_flags() -> None:
    cited = parse(EXAMPLE)
    assert judge(cited, bibliography()).status == "not_found"
    library, notes = look_up([cited], bibliography(), sources=sources())
    found = judge(cited, library)
    assert found.status == "exact"
    assert found.matched is not None
    assert len(found.matched.flags) == 5
    assert found.matched.pmid == "99999991"
    assert notes == []


def test_a_reference_without_an_identifier_is_looked_up_by_its_words() -> None:
    cited = parse(
        "Keum N, et al. Vitamin D supplementation and total cancer incidence and mortality: a meta-analysis of randomized controlled trials. Ann Oncol 2019;30:733-43."  # noqa: E501
    )
    gone = type(bibliography()).of(r for r in bibliography().records if r.doi != "10.1093/annonc/mdz059")
    library, _ = look_up([cited], gone, sources=sources())
    assert judge(cited, library).status == "exact"


def test_flags_are_added_to_papers_that_are_here() -> None:
    cited = parse("doi:10.1001/jama.2019.2402")
    library, _ = look_up([cited], bibliography(), sources=sources())
    assert judge(cited, library).matched.flags == ("retracted according to OpenAlex",)  # type: ignore[union-attr]
    assert not judge(cited, bibliography()).matched.flags  # type: ignore[union-attr]


def test_answers_are_kept_on_disk(tmp_path: Path) -> None:
    cited = [parse(EXAMPLE)]
    first = sources()
    look_up(cited, bibliography(), cache=tmp_path, sources=first)
    second = sources()
    library, _ = look_up(cited, bibliography(), cache=tmp_path, sources=second)
    assert sum(len(s.asked) for s in first) > 0
    assert sum(len(s.asked) for s in second) == 0
    assert judge(cited[0], library).status == "exact"


def test_a_torn_cache_file_is_asked_again(tmp_path: Path) -> None:
    cited = [parse(EXAMPLE)]
    look_up(cited, bibliography(), cache=tmp_path, sources=sources())
    for path in tmp_path.glob("*.json"):
        path.write_text("{", encoding="utf-8")
    again = sources()
    look_up(cited, bibliography(), cache=tmp_path, sources=again)
    assert sum(len(s.asked) for s in again) > 0


def test_requests_are_spaced() -> None:
    now = [0.0]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    gate = Gate(sources()[1], None, clock=lambda: now[0], sleep=sleep)
    for key in ("a", "b", "c"):
        gate.ask(key, list)
    assert waits == pytest.approx([0.4, 0.4])


def test_no_network_leaves_the_offline_verdict_and_a_sentence() -> None:
    broken = sources()
    for source in broken:
        source.trouble = ConnectionError("getaddrinfo failed")
    cited = [parse(EXAMPLE), parse("doi:10.1038/nrc3691")]
    library, notes = look_up(cited, bibliography(), sources=broken)
    assert judge(cited[1], library).status == "exact"
    assert [n.split(" could")[0] for n in notes] == ["Crossref", "PubMed", "OpenAlex"]
    assert all("no network connection" in n for n in notes)
    assert all(len(s.asked) == 1 for s in broken), "a source that failed is not asked again"


def test_a_source_that_hangs_is_left() -> None:
    import threading

    never = threading.Event()
    gate = Gate(sources()[0], None, timeout_s=0.05)
    assert gate.ask("x", lambda: [{}] if never.wait(5) else []) == []
    assert "no answer within" in gate.failed
    never.set()


def test_without_the_extra_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] in ("habanero", "pyalex", "Bio"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingError, match=r"calcidiol\[online\]"):
        audit(f"References\n1. {EXAMPLE}\n2. {EXAMPLE}\n", online=True)


def test_a_flag_is_shown() -> None:
    library, _ = look_up([parse("doi:10.1001/jama.2019.2402")], bibliography(), sources=sources())
    audited = audit("References\n1. doi:10.1001/jama.2019.2402\n2. doi:10.1038/nrc3691\n", library=library)
    assert "WARNING: retracted according to OpenAlex" in render_text(audited)
