"""Ask Crossref, PubMed and OpenAlex for the papers of a reference list, through their maintained clients.

The clients (habanero, Biopython, pyalex) are the optional extra ``calcidiol[online]`` and are imported only here.
Answers are kept on disk, requests to one source are spaced, each has a time limit, and a source that cannot be reached
is left out with a note. Records found online join the embedded bibliography for this audit; flags (retraction, concern,
correction) are added to records that are already in it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from calcidiol.errors import MissingError
from calcidiol.evidence.audit.answers import crossref_record, openalex_record, pubmed_record
from calcidiol.evidence.audit.bibliography import Bibliography
from calcidiol.evidence.audit.matching import judge
from calcidiol.evidence.audit.records import Cited, Record

__all__ = [
    "SOURCES",
    "CrossrefSource",
    "Gate",
    "OpenAlexSource",
    "PubMedSource",
    "Source",
    "default_sources",
    "look_up",
]

TIMEOUT_S = 15.0
INTERVAL_S = {"Crossref": 0.2, "PubMed": 0.4, "OpenAlex": 0.15}  # below the public limits of 2026-11, our choice (P)
NEAREST = 3
SOURCES = 3


class Source(Protocol):
    """One online source: a name, requests for raw answers, and their reading."""

    name: str

    def by_id(self, doi: str, pmid: str) -> list[dict[str, Any]]:
        """Raw answers for a DOI or PMID; empty where the source does not know it."""

    def by_text(self, cited: Cited) -> list[dict[str, Any]]:
        """Raw answers that are likest to a reference without an identifier."""

    def read(self, answer: dict[str, Any]) -> Record | None:
        """One raw answer as a record; None where it is not an article."""


def _missing(package: str) -> MissingError:
    return MissingError(
        f"Looking up references online needs {package}, which is not installed. "
        "Install the extra with: pip install 'calcidiol[online]', or leave out --online."
    )


class CrossrefSource:
    """Crossref through habanero."""

    name = "Crossref"

    def __init__(self, email: str | None = None) -> None:
        try:
            from habanero import Crossref
        except ImportError as error:
            raise _missing("habanero") from error
        self._client = Crossref(timeout=int(TIMEOUT_S), mailto=email)

    def by_id(self, doi: str, pmid: str) -> list[dict[str, Any]]:
        """The work with this DOI."""
        if not doi:
            return []
        try:
            answer = self._client.works(ids=doi)
        except Exception as error:
            if "404" in str(error):
                return []
            raise
        return [answer["message"]]

    def by_text(self, cited: Cited) -> list[dict[str, Any]]:
        """The works likest to the whole reference."""
        answer = self._client.works(query_bibliographic=cited.text[:400], limit=NEAREST)
        return list(answer["message"]["items"])

    def read(self, answer: dict[str, Any]) -> Record | None:
        """A Crossref work."""
        return crossref_record(answer)


class PubMedSource:
    """PubMed through Biopython's Entrez and Medline."""

    name = "PubMed"

    def __init__(self, email: str | None = None) -> None:
        try:
            from Bio import Entrez, Medline
        except ImportError as error:
            raise _missing("biopython") from error
        Entrez.tool = "calcidiol"
        Entrez.email = email
        Entrez.max_tries = 1  # the gate decides whether a source is asked again
        self._entrez, self._medline = Entrez, Medline

    def _fetch(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        if not ids:
            return []
        with self._entrez.efetch(db="pubmed", id=",".join(ids), rettype="medline", retmode="text") as handle:
            return [dict(record) for record in self._medline.parse(handle) if record.get("PMID")]

    def _search(self, term: str) -> list[dict[str, Any]]:
        with self._entrez.esearch(db="pubmed", term=term, retmax=NEAREST) as handle:
            return self._fetch([str(i) for i in self._entrez.read(handle)["IdList"]])

    def by_id(self, doi: str, pmid: str) -> list[dict[str, Any]]:
        """The article with this PMID, else with this DOI."""
        return self._fetch([pmid]) if pmid else self._search(f"{doi}[doi]")

    def by_text(self, cited: Cited) -> list[dict[str, Any]]:
        """The articles whose titles hold the words of the title."""
        words = re.findall(r"\w{3,}", cited.title)[:14]
        return self._search(" AND ".join(f"{w}[ti]" for w in words)) if len(words) >= 3 else []

    def read(self, answer: dict[str, Any]) -> Record | None:
        """A MEDLINE record."""
        return pubmed_record(answer)


class OpenAlexSource:
    """OpenAlex through pyalex."""

    name = "OpenAlex"

    def __init__(self, email: str | None = None, api_key: str | None = None) -> None:
        try:
            import pyalex
        except ImportError as error:
            raise _missing("pyalex") from error
        pyalex.config.email = email
        pyalex.config.api_key = api_key  # the documented API takes one; without it OpenAlex may answer less often
        self._pyalex = pyalex

    def by_id(self, doi: str, pmid: str) -> list[dict[str, Any]]:
        """The work with this DOI or PMID."""
        key = f"https://doi.org/{doi}" if doi else f"pmid:{pmid}"
        try:
            return [dict(self._pyalex.Works()[key])]
        except Exception as error:
            if "404" in str(error):
                return []
            raise

    def by_text(self, cited: Cited) -> list[dict[str, Any]]:
        """The works likest to the title."""
        if not cited.title:
            return []
        query = re.sub(r"[^\w\s-]", " ", cited.title)
        return [dict(work) for work in self._pyalex.Works().search(query).get(per_page=NEAREST)]

    def read(self, answer: dict[str, Any]) -> Record | None:
        """An OpenAlex work."""
        return openalex_record(answer)


def default_sources() -> list[Source]:
    """The three sources; they are told the address in CALCIDIOL_EMAIL, OpenAlex the key in OPENALEX_API_KEY, if any.

    Raises
    ------
    MissingError
        A client is not installed; the message names the extra.
    """
    email = os.environ.get("CALCIDIOL_EMAIL") or None
    return [CrossrefSource(email), PubMedSource(email), OpenAlexSource(email, os.environ.get("OPENALEX_API_KEY"))]


class Gate:
    """Lets requests to one source through: from the disk where it can, spaced, within a time limit.

    Parameters
    ----------
    source
        The source.
    cache
        Folder for the answers; None: nothing is kept.
    clock, sleep
        Seconds now, and how to wait; given by tests.
    """

    def __init__(
        self,
        source: Source,
        cache: Path | None,
        *,
        timeout_s: float = TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.source, self.cache, self.timeout_s = source, cache, timeout_s
        self.clock, self.sleep = clock, sleep
        self.last = float("-inf")
        self.failed = ""

    def ask(self, key: str, request: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """The answers to one request; empty once the source has failed."""
        kept = self._kept(key)
        if kept is not None and kept.exists():
            try:
                return list(json.loads(kept.read_text(encoding="utf-8")))
            except (ValueError, OSError):
                kept.unlink(missing_ok=True)  # a torn file from an earlier run
        if self.failed:
            return []
        wait = self.last + INTERVAL_S.get(self.source.name, 0.5) - self.clock()
        if wait > 0:
            self.sleep(wait)
        self.last = self.clock()
        try:
            answers = _within(self.timeout_s, request)
        except Exception as error:  # the clients raise many kinds; all mean that there is no answer
            self.failed = _reason(error)
            return []
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            part = kept.with_suffix(".part")
            part.write_text(json.dumps(answers, default=str), encoding="utf-8")
            part.replace(kept)
        return answers

    def _kept(self, key: str) -> Path | None:
        if self.cache is None:
            return None
        name = hashlib.sha256(f"{self.source.name}\n{key}".encode()).hexdigest()[:32]
        return self.cache / f"{self.source.name.lower()}-{name}.json"


def _within(seconds: float, request: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Run a request with a time limit, since not every client has one of its own."""
    outcome: list[list[dict[str, Any]]] = []
    trouble: list[Exception] = []

    def run() -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a client's advice (Entrez: give an address) is not for the reader
                outcome.append(request())
        except Exception as error:
            trouble.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"no answer within {seconds:g} s")
    if trouble:
        raise trouble[0]
    return outcome[0]


def _reason(error: Exception) -> str:
    text = str(error)
    if isinstance(error, TimeoutError):
        return text or "no answer in time"
    if re.search(r"getaddrinfo|name resolution|Name or service|Connection|urlopen|unreachable|Network", text):
        return "no network connection"
    return f"{type(error).__name__}: {text[:120]}"


def look_up(
    cited: Sequence[Cited],
    library: Bibliography,
    *,
    cache: Path | None = None,
    sources: Sequence[Source] | None = None,
    gates: Sequence[Gate] | None = None,
) -> tuple[Bibliography, list[str]]:
    """Ask the sources for each reference.

    Parameters
    ----------
    cited
        The references.
    library
        The embedded bibliography.
    cache
        Folder for answers, None: nothing is kept.
    sources, gates
        Other sources (or gates with a clock of their own), for tests.

    Returns
    -------
    tuple
        The bibliography with what was found, and notes (a source that could not be reached).

    Raises
    ------
    MissingError
        A client is not installed.
    """
    if gates is None:
        gates = [Gate(source, cache) for source in (default_sources() if sources is None else sources)]
    found: list[Record] = []
    for one in cited:
        offline = judge(one, library)
        known = offline.matched if offline.status == "exact" else None
        doi = one.doi or (known.doi if known else "")
        pmid = one.pmid or (known.pmid if known else "")
        for gate in gates:
            answers: list[dict[str, Any]] = []
            if doi or pmid:
                answers = gate.ask(f"id {doi} {pmid}", lambda g=gate, d=doi, p=pmid: g.source.by_id(d, p))  # type: ignore[misc]
            if not known and not answers:
                answers = gate.ask(f"text {one.text}", lambda g=gate, o=one: g.source.by_text(o))  # type: ignore[misc]
            found.extend(record for record in map(gate.source.read, answers) if record)
    notes = [
        f"{gate.source.name} could not be asked ({gate.failed}); the verdicts rest on what was at hand"
        for gate in gates
        if gate.failed
    ]
    return _joined(library, found), notes


def _joined(library: Bibliography, found: Sequence[Record]) -> Bibliography:
    """The bibliography with new records, and with flags added to the records it has."""
    flags: dict[int, list[str]] = {}
    fresh: dict[str, Record] = {}
    for record in found:
        place = library.by_doi.get(record.doi) if record.doi else None
        if place is None and record.pmid:
            place = library.by_pmid.get(record.pmid)
        if place is not None:
            flags.setdefault(place, []).extend(record.flags)
            continue
        key = record.doi or f"pmid {record.pmid}"
        if key in fresh:
            fresh[key] = _merged(fresh[key], record)
        else:
            fresh[key] = record
    rows = list(library.records)
    for place, more in flags.items():
        joined = tuple(dict.fromkeys((*rows[place].flags, *more)))
        rows[place] = dataclasses.replace(rows[place], flags=joined)
    return Bibliography.of((*rows, *fresh.values())) if fresh or any(flags.values()) else library


def _merged(one: Record, other: Record) -> Record:
    """Two answers on one paper: gaps of the first filled from the second, flags of both."""
    gaps = {
        name: getattr(other, name)
        for name in ("epub_year", "volume", "issue", "pages", "doi", "pmid", "journal")
        if not getattr(one, name) and getattr(other, name)
    }
    return dataclasses.replace(
        one, **gaps, flags=tuple(dict.fromkeys((*one.flags, *other.flags))), source=f"{one.source}; {other.source}"
    )
