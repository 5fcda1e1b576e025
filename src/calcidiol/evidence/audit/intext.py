"""Citations in the running text: numbers in brackets, superscripts, author and year."""

from __future__ import annotations

import re

from calcidiol.evidence.audit.records import Cited, InText
from calcidiol.evidence.audit.spelling import clean, concat, has_han, raise_numbers

__all__ = ["find_citations", "loosely_cited", "points_to"]

_NUMBERS = r"\d{1,3}(?:\s*[-,;]\s*\d{1,3})*"
_SQUARE = re.compile(rf"\\?\[\s*({_NUMBERS})\s*\\?\]")
_ROUND = re.compile(rf"(?<=[\w.,;%)])\s?\(({_NUMBERS})\)")
_CARET = re.compile(rf"(?:(?<=[^\W\d_]{{3}})|(?<=[.,;:)\"%\]]))\s?\^\(?({_NUMBERS})\)?\^?")  # not "10^9", "m^2"
_EXPONENT = re.compile(r"(?:(?:^|[\s\u00d7x(/])\d+|\b(?:[kcdm]?m|kg|s|x|r|R|I|Ca|chi))$")
_CAPITAL = r"[A-Z\u00c0-\u00de\u0100-\u024f]"
_LATIN = r"(?:(?![\u4e00-\u9fff])[\w'\-])"
_NAME = (
    rf"(?:(?:van|von|de|del|der|den|di|da|la|le|el|al)[\s-]+)*(?:{_CAPITAL}|d'|O'|Al-|El-){_LATIN}+"
    rf"(?:\s+(?:de\s+)?{_CAPITAL}{_LATIN}{{2,}})?"
)
_HAN = r"[\u4e00-\u9fff]{1,4}?(?=等|與|与|和|\s|[(,])"
_YEARS = r"(?:19|20)\d{2}[a-z]?(?:\s*[,;&]\s*(?:(?:19|20)\d{2})?[a-z]?(?![A-Za-z\d]))*"
_OTHERS = r"(?:,?\s*(?:et\s+al\.?|and\s+(?:colleagues|coworkers|co-workers|others|associates)|等人?|及其同事))"
_AUTHORS = rf"(?P<one>{_NAME}|{_HAN})(?:(?P<others>{_OTHERS})|\s*(?:,\s*{_NAME})*,?\s*(?:&|\band\b|和|與|与)\s*(?P<two>{_NAME}|{_HAN}))?(?:'s)?"  # noqa: E501
_NARRATIVE = re.compile(rf"{_AUTHORS}\s*[\[(]\s*(?P<years>{_YEARS})\s*(?:,\s*p+\.?\s*\d+[-\d]*)?\s*[\])]")
_INSIDE = re.compile(
    rf"^(?:(?:e\.g\.|see(?: also)?|cf\.|reviewed (?:in|by)|參見|见|如)[,:]?\s*)?{_AUTHORS}\s*,?\s*\(?(?P<years>{_YEARS})\)?\s*(?:[,:].*)?$"  # noqa: E501
)
_LOOSE = re.compile(rf"(?P<one>{_NAME})\s+(?:et\s+al\.?|and\s+colleagues),?\s+(?P<years>(?:19|20)\d{{2}}[a-z]?)\b")
_NOT_NAMES = frozenset(
    (  # noqa: SIM905
        "january february march april may june july august september october november december spring summer autumn winter "  # noqa: E501
        "in since until from by before after during between about version updated update published accessed copyright issue "  # noqa: E501
        "volume table figure fig phase act the year section chapter and of on at as a an early late mid around circa data "  # noqa: E501
        "monday tuesday wednesday thursday friday saturday sunday "
        "china taiwan kong usa uk london europe asia nebraska singapore japan korea taipei kaohsiung taichung tainan macau beijing shanghai guangzhou germany france australia canada india "  # noqa: E501
        "edition released approved founded established registered reviewed revised born died trial study guideline guidelines "  # noqa: E501
        "university hospital college clinic lancet journal iu covid covid-19 sars "
        "台北 臺北 台灣 臺灣 香港 澳門 高雄 台中 臺中 台南 臺南 北京 上海 廣州 广州 中國 中国 台湾 日本 新加坡"
    ).split()
)


def find_citations(body: str, list_size: int) -> tuple[InText, ...]:
    """Citations in the running text, each once for each place.

    Parameters
    ----------
    body
        The article without its reference list.
    list_size
        Largest number in the list; 0 where it has none. Numbers in round brackets and superscripts count only within
        it, since they are often something else.
    """
    text = clean(raise_numbers(body))
    found: list[InText] = _keys(text)
    squares = [m for m in _SQUARE.finditer(text) if _is_citation(m, text)]
    for match in squares:
        found.extend(InText(match.group(0).replace("\\", ""), number=n) for n in _expand(match.group(1)) if n > 0)
    raised = [(m.group(), _expand(m.group(1))) for m in _CARET.finditer(text)]
    # A superscript beyond the list is a citation too where the others are.
    limit = list_size + 20 if sum(max(numbers) <= list_size for _, numbers in raised) >= 2 else list_size
    for words, numbers in raised:
        if list_size and all(1 <= n <= limit for n in numbers):
            found.extend(InText(words, number=n) for n in numbers)
    named = _named(text)
    found.extend(named)
    if not squares and not named and list_size:
        rounds = [m for m in _ROUND.finditer(text) if all(1 <= n <= list_size for n in _expand(m.group(1)))]
        covered = {n for m in rounds for n in _expand(m.group(1))}
        if len(covered) * 2 >= list_size:
            for match in rounds:
                found.extend(InText(match.group(0).strip(), number=n) for n in _expand(match.group(1)))
    return tuple(found)


def _keys(text: str) -> list[InText]:
    """Citations by key: ``[@holick2007]``, ``@holick_2007`` of pandoc, and footnotes ``[^x]`` that nothing explains."""
    found = []
    if re.search(r"\[[^\[\]]{0,60}@[A-Za-z]", text):
        for match in re.finditer(r"(?<![\w.])-?@\{?([A-Za-z][A-Za-z'-]*?)[-_:]?((?:19|20)\d{2})([a-z]?)\w*\}?", text):
            found.append(InText(match.group(), surname=match.group(1), year=match.group(2) + match.group(3)))
    explained = set(re.findall(r"(?m)^\s*\[\^([^\]\s]+)\]:", text))
    for name in re.findall(r"\[\^([^\]\s]{1,40})\](?!:)", text):
        if name not in explained:
            found.append(InText(f"[^{name}]", number=int(name) if name.isdigit() else None, surname=name))
    return found


def _is_citation(match: re.Match[str], text: str) -> bool:
    """Not an interval or an exponent: "CI [3, 9]" has its name before it, "10[9]/L" and "m[2]" a number or a unit."""
    before = text[max(0, match.start() - 12) : match.start()]
    if re.fullmatch(r"-?\d{1,2}", match.group(1)) and _EXPONENT.search(before):
        return False
    return not re.search(r"(?:CI|interval|range|IQR|mean|median)\W*$", before, re.IGNORECASE)


def _expand(text: str) -> list[int]:
    numbers: list[int] = []
    for part in re.split(r"[,;]", text):
        ends = [int(n) for n in re.findall(r"\d+", part)]
        if len(ends) >= 2 and "-" in part and ends[0] < ends[1] <= ends[0] + 60:
            numbers.extend(range(ends[0], ends[1] + 1))
        else:
            numbers.extend(ends)
    return numbers


def _named(text: str) -> list[InText]:
    found: list[InText] = []
    taken: list[tuple[int, int]] = []
    for match in re.finditer(r"[(\[]([^()\[\]]{4,400})[)\]]", text):
        if not re.search(r"(?:19|20)\d{2}", match.group(1)):
            continue
        for part in re.split(r";", match.group(1)):
            inside = _INSIDE.match(part.strip())
            if inside and _is_name(inside.group("one")):
                found.extend(_from(inside, part.strip()))
                taken.append(match.span())
    for match in _NARRATIVE.finditer(text):
        if _is_name(match.group("one")) and not any(a <= match.start() < b for a, b in taken):
            found.extend(_from(match, match.group(0)))
            taken.append(match.span())
    for match in _LOOSE.finditer(text):
        if _is_name(match.group("one")) and not any(a <= match.start() < b for a, b in taken):
            found.append(InText(match.group(0), surname=match.group("one"), year=match.group("years")))
    return found


def _from(match: re.Match[str], text: str) -> list[InText]:
    groups = match.groupdict()
    surname = re.sub(r"'s$", "", groups["one"]).strip()
    first_words = surname.split()
    # "In Lappe (2017)": a word at the start of a sentence is not part of the name.
    while len(first_words) > 1 and first_words[0].lower() in _NOT_NAMES:
        first_words = first_words[1:]
    surname = " ".join(first_words)
    years: list[str] = []
    for piece in re.findall(r"(?:19|20)\d{2}[a-z]?|\b[a-z]\b", groups["years"]):
        years.append(piece if piece[0].isdigit() else f"{years[-1][:4]}{piece}" if years else "")
    return [
        InText(re.sub(r"\s+", " ", text), surname=surname, second=groups.get("two") or "", year=y) for y in years if y
    ]


def _is_name(name: str) -> bool:
    words = name.split()
    if not words or words[-1].lower() in _NOT_NAMES:
        return False
    return not re.search(r"[部院會会署局所校]$", name)  # an agency: its name is longer than what was read here


def points_to(citation: InText, number: int, cited: Cited) -> bool:
    """Whether a citation in the text means this entry of the list."""
    if citation.number is not None:
        return citation.number == number
    if cited.year and citation.year[:4] != cited.year[:4]:
        return False
    if cited.letter and citation.year[4:] and citation.year[4:] != cited.letter:
        return False
    wanted = concat(citation.surname)
    last = concat(citation.surname.split()[-1]) if citation.surname else ""
    if len(wanted) > 1 and citation.surname.isupper() and wanted == _initials_of_a_group(cited.text):
        return True  # "WHO, 2017" and "World Health Organization. ... 2017"
    if cited.authors:
        first = cited.authors[0]
        forms = {concat(first), *(concat(word) for word in first.split() if len(word) > 1)}
        surname = " ".join(w for w in first.split() if not (w.isupper() and len(w) <= 4))
        forms.add(concat(surname))
        if wanted in forms or (len(last) > 2 and last in forms):
            return True
        # A Chinese citation gives the surname alone.
        name = citation.surname
        return has_han(name) and any(first.startswith(name[k:]) for k in range(len(name)))
    front = concat(cited.text[:60])
    return bool(wanted) and (front.startswith(wanted) or (has_han(cited.text[:12]) and wanted in front))


def _initials_of_a_group(text: str) -> str:
    """First letters of the capital words before the first point: "who" of "World Health Organization. Vitamin D"."""
    front = re.split(r"[.,;:(]", text, maxsplit=1)[0]
    return "".join(word[0].lower() for word in re.findall(r"\b[A-Z][a-z]\w+", front))


def loosely_cited(body: str, cited: Cited) -> int:
    """How often first author and year stand together in the text without the form of a citation ("Jeffery 2019 says").

    `body` is the running text as `clean` gives it.
    """
    if not cited.authors or not cited.year:
        return 0
    surname = " ".join(w for w in cited.authors[0].split() if not (w.isupper() and len(w) <= 4))
    if len(surname) < 2:
        return 0
    return len(re.findall(rf"\b{re.escape(surname)}\b[^.;()\n]{{0,40}}\b{re.escape(cited.year[:4])}\b", body))
