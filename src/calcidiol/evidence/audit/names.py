"""Names of authors: where the block of authors ends, and the names in it, whatever the style of the list."""

from __future__ import annotations

import re
import unicodedata

from calcidiol.evidence.audit.records import Author
from calcidiol.evidence.audit.spelling import clean, concat, fold, fold_word, has_han

__all__ = ["author_block_end", "comparable", "names_end", "read_author", "same_author", "split_authors"]

_LETTER = r"[A-Z\u00c0-\u00de\u0100-\u024f]"
_PARTICLE = r"(?:van|von|de|del|della|der|den|di|da|dos|du|la|le|el|al|bin|ben|ten|ter|af|av|zu|st\.?|d'|o')"
_PART = (
    rf"(?:{_PARTICLE}[\s-]+)*(?!(?:Vitamin|Hypovitaminosis|Calcitriol|The|Is|Does|Can|Effects?)\b)(?:{_LETTER}|d'|O'|al-|el-)[\w'’]+"
    rf"(?:-[\w'’]+|\s(?:{_PARTICLE}[\s-])*{_LETTER}[\w'’]{{2,}})*"
)
_INITIALS = rf"(?:{_LETTER}\.?[\s-]?){{1,5}}(?<!\s)(?![\w'’])"
_SUFFIX = r"(?:,?\s+(?:Jr|Sr|III|II|2nd|3rd)(?!\w)\.?)?"
_SEPARATOR = r"\s*(?:[,;&]|\band\b|\bund\b|\bet\b(?!\s+al))[\s,;&]*(?:and\s+|&\s*)?"
_VANCOUVER = rf"{_PART}\s+{_INITIALS}{_SUFFIX}"
_APA = rf"{_PART},\s*{_INITIALS}{_SUFFIX}"
_WESTERN = rf"{_INITIALS}\s*{_PART}"
_ET_AL = re.compile(r"[\s,;]*(?:\bet\s+al\b\.?|\band\s+(?:others|colleagues)\b|等人?)[.,;:]*", re.IGNORECASE)
_ONE = re.compile(rf"(?:{_APA}|{_VANCOUVER}|{_WESTERN})")
_NEXT = re.compile(rf"(?:{_SEPARATOR})(?:\.\.\.\s*|…\s*)?(?:{_APA}|{_VANCOUVER}|{_WESTERN})")
_FULL = re.compile(
    rf"^{_PART},\s+{_LETTER}[\w'’\-]+(?:\s+{_LETTER}\.?|\s+{_LETTER}[\w'’\-]+)*(?=[,.]\s|\s+and\s|,?\s*\()"
)
_GROUP = re.compile(
    r"^[^.]{3,120}?\b(?:Group|Consortium|Investigators|Collaborat\w+|Committee|Society|Organization|Organisation|Institute|"
    r"Association|Agency|Authority|Panel|Network)\b[^.]{0,60}(?=\.\s)"
)


_UMLAUTS = {ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue", ord("ø"): "oe", ord("å"): "aa"}


def author_block_end(text: str) -> int:
    """Where the authors of an entry end (an index into the text; 0 where no authors were recognized)."""
    if has_han(text[:12]):
        match = re.match(
            r"^(?:[^.\"(\[]|\([A-Za-z][A-Za-z ,.'-]*\)){2,120}?(?=\.\s|\s*\(\d{4}|\s*\"|\s*\[[A-Z]\])", text
        )
        return match.end() if match else 0
    quote = text.find('"')
    if 2 < quote < 600 and _only_names(text[:quote]):
        return quote
    et_al = _ET_AL.search(text[:400])
    front = re.search(r"\(\s*(?:19|20)\d{2}[a-z]?(?:\s*,[^)]{0,20})?\s*\)", text[:600])
    end = names_end(text)
    if et_al and end and et_al.start() - end <= 2 and not (front and front.start() - et_al.end() < 3):
        last = et_al.end() - (text[et_al.end() - 1] in ",;")
        return max(et_al.end(), last + _group_behind(text[last:]))
    if end and front and front.start() - end > 25:
        front = None  # the year in brackets stands behind the journal
    if front and front.start() > 1 and front.start() >= end:
        before = text[: front.start()]
        # "(2014)" right behind names is the end of the authors; behind a journal it is not.
        near = len(before) < 90 or end >= front.start() - 25 or before.count(",") * 14 > len(before)
        if near and not re.search(r"[a-z]{3}\.\s+[A-Z][a-z]+ [a-z]+", before):
            return len(before.rstrip())
    if et_al and et_al.start() >= end - 2 and et_al.start() < max(end + 60, 90):
        return et_al.end()
    if end:
        return end
    if et_al and et_al.start() < 90:
        return et_al.end()
    full = _FULL.match(text)
    if full:
        # "Brian W. Hollis, and ..." goes on; "Hollis, Brian W. The role ..." has ended.
        stop = re.search(
            r"(?<=[a-z]{2})\.\s+|(?<=\s[A-Z])\.\s+(?=[\"A-Z][\w\"]{2,})(?![A-Z][\w'-]+(?:[,.]|\s+and\b|\s*&))",
            text[full.end() - 1 :],
        )
        if stop:
            return full.end() - 1 + stop.start() + 1
    group = _GROUP.match(text)
    if group:
        return group.end()
    return 0


def _only_names(text: str) -> bool:
    """Whether every word could belong to a list of names."""
    small = ("and", "&", "et", "al", "und")
    for word in re.split(r"[\s,.;]+", text):
        if word and word not in small and not word[0].isupper() and not re.fullmatch(_PARTICLE, word, re.IGNORECASE):
            return False
    return True


def names_end(text: str) -> int:
    """The longest run of names from the start, each with initials."""
    match = _ONE.match(text)
    if not match:
        return 0
    end = match.end()
    while True:
        following = _NEXT.match(text, end)
        if not following:
            break
        end = following.end()
    if text[end : end + 1] == ".":
        end += 1
    return end + _group_behind(text[end:])


def _group_behind(text: str) -> int:
    """How long the name of a study group is that stands behind the last author or "et al."; 0: none."""
    group = re.match(
        r"[,;]\s*(?:(?:for|on behalf of)\s+(?:the\s+)?[A-Z][^.:]{3,80}?(?:Group|Consortium|Investigators|Study|Trial|Committee)|"  # noqa: E501
        r"(?:the\s+)?[A-Z][^.:]{3,60}?(?:Study Group|Research Group|Working Group|Consortium|Investigators))\b\.?",
        text,
    )
    return group.end() if group else 0


def split_authors(block: str) -> tuple[list[list[str]], bool]:
    """The names in a block of authors, each as its words; and whether the block ends in "et al.".

    >>> split_authors("Feldman D, Krishnan AV, et al.")
    ([['Feldman', 'D'], ['Krishnan', 'AV']], True)
    >>> split_authors("Feldman, D., Krishnan, A. V., & Swami, S.")
    ([['Feldman', 'D'], ['Krishnan', 'AV'], ['Swami', 'S']], False)
    """
    block = re.sub(r"\(\s*(?:19|20)\d{2}[a-z]?[^)]{0,20}\)", " ", block)
    et_al = bool(_ET_AL.search(block)) or bool(re.search(r"\.\.\.|…", block))
    block = _ET_AL.sub(" , ", block)
    block = re.sub(r"\.\.\.|…", ", ", block)
    block = re.sub(r"\((?:eds?|[\u4e00-\u9fff]+)\.?\)|\beds?\.", " ", block)
    block = re.sub(r",?\s+(Jr|Sr|II|III|2nd|3rd)\b\.?", " ", block)
    block = _without_group(block)
    if not re.search(r"[a-z\u00df-\u00ff]{2}", block):
        # "MÜLLER HG, DE LA CRUZ A": all but the last word of a name in ordinary case, so that it is not read as initials.  # noqa: E501
        block = re.sub(rf"{_LETTER}{{2,}}(?=[\s-]+{_LETTER})", lambda m: m.group().title(), block)
    if has_han(block):
        # A name in both scripts is compared by its Latin one.
        block = re.sub(r"[\u4e00-\u9fff\u00b7]+\s*\(([A-Za-z][A-Za-z .'-]*)\)", r"\1", block)
        pieces = [p for p in re.split(r"[,;、&]|\band\b|\s和\s", block) if p.strip(" .")]
    elif ";" in block:
        pieces = re.split(r";|\s&\s|\band\b", block)
    else:
        pieces = re.split(r",|\s?&\s?|\band\b|\bund\b", block)
    names: list[list[str]] = []
    for piece in pieces:
        words = _name_words(piece)
        if not words:
            continue
        only_initials = all(_is_initials(w) for w in words)
        if ";" not in block and only_initials and names and not any(_is_initials(w) for w in names[-1]):
            names[-1].append("".join(words))
            continue
        initials = "".join(w for w in words if _is_initials(w))
        full = [w for w in words if not _is_initials(w)]
        names.append([*full, initials] if initials else full)
    # "Feldman, David, Aruna V. Krishnan": a lone surname followed by a lone given name is one person.
    if (
        ";" not in block
        and len(names) >= 2
        and not any(_is_initials(w) for w in names[0])
        and (_without_particles(names[0]) == 1 or (len(names[0]) == 2 and len(names[1]) == 1))
        and re.match(rf"^\s*{_PART},\s+{_LETTER}", block)
        and len(names[1]) <= 2
        and (len(names) == 2 or len(names[2]) >= 2)
        and len(names[1][0]) > 1
    ):
        names[0:2] = [[*names[0], *names[1]]]
    return names, et_al


def _without_particles(name: list[str]) -> int:
    """How many words of a name are no particles."""
    return sum(not re.fullmatch(_PARTICLE, word, re.IGNORECASE) for word in name)


def _without_group(block: str) -> str:
    """Drop a study group behind a list of authors: "Merlino LA, Curtis J; Iowa Women's Health Study"."""
    head, semicolon, tail = block.rpartition(";")
    if semicolon and ";" not in head and not re.search(rf"\s{_INITIALS}$|,\s*{_INITIALS}$", tail.strip(" .")):
        people = [p for p in head.split(",") if re.match(rf"^\s*{_VANCOUVER}\s*$", p)]
        if people and len(people) == len(head.split(",")):
            return head
    return block


def _is_initials(word: str) -> bool:
    return bool(re.fullmatch(rf"{_LETTER}{{1,4}}", word)) and not (len(word) == 4 and word in ("WHO",))


def _name_words(piece: str) -> list[str]:
    piece = re.sub(r"[*†‡§\d]+", " ", piece)
    piece = re.sub(
        rf"(?<![\w'])((?:{_LETTER}[.\s-]+)*{_LETTER})(?![\w'])", lambda m: re.sub(r"[.\s-]", "", m.group()), piece
    )
    return [w for w in re.split(r"[\s.,]+", piece.strip(" .,:;\"'()[]")) if w and w not in ("-", "'")]


def read_author(text: str) -> Author:
    """One author as the bibliography writes it: surname, then initials ("Garcia de Herreros A")."""
    text = clean(text).strip(" .,")
    match = re.match(rf"^(?P<surname>.+?)\s+(?P<initials>{_LETTER}{{1,5}})(?:\s+(?:Jr|Sr|II|III|2nd|3rd))?$", text)
    if not match:
        return Author(text)
    return Author(match.group("surname"), match.group("initials"))


def _surname_forms(surname: str) -> set[str]:
    """Ways to write a surname: with and without particles, with either way to spell an umlaut."""
    forms = {concat(surname)}
    bare = re.sub(rf"\b{_PARTICLE}[\s-]+", "", surname, flags=re.IGNORECASE)
    forms.add(concat(bare))
    umlaut = surname.lower().translate(_UMLAUTS)
    forms.add("".join(letter for letter in umlaut if letter.isalpha()))
    forms.add(re.sub(r"[aou]e", lambda m: m.group()[0], concat(surname)))
    return {form for form in forms if len(form) > 1 or len(surname) == 1}


def _letters(text: str) -> str:
    """Letters without accents, one by one: `fold` would make one letter of the initials "AE"."""
    plain = unicodedata.normalize("NFKD", text.lower())
    return "".join(fold_word(letter) for letter in plain if letter.isalpha())


def _without_first_part(surname: str, author: Author, initials: str) -> str:
    """The initials of an author whose surname lost its first part to them; empty where that is not so.

    Reference managers make "Dawson-Hughes B" to "Hughes BD", "van den Ouweland J" to "Ouweland JVD".
    """
    parts = re.split(r"[\s-]+", fold(surname.replace("-", " ")))
    for cut in range(1, len(parts)):
        lost = "".join(part[0] for part in parts[:cut])
        if "".join(parts[cut:]) == concat(author.surname) and initials.endswith(lost) and initials != lost:
            return initials.removesuffix(lost)
    return ""


def comparable(name: list[str]) -> bool:
    """Whether a cited name can be compared with a Latin one."""
    return not has_han("".join(name))


def same_author(name: list[str], author: Author) -> bool:
    """Whether a cited name is this author: surname the same, initials or given names not against it.

    Initials agree when the shorter is the beginning of the longer: "D" stands for "DJ", "David J" too.
    """
    words = list(name)
    initials = words.pop() if words and _is_initials(words[-1]) and len(words) > 1 else ""
    wanted = _surname_forms(author.surname)
    for start in range(len(words)):
        for end in range(len(words), start, -1):
            surname = " ".join(words[start:end])
            real = _letters(author.initials)
            if not _surname_forms(surname) & wanted:
                real = _without_first_part(surname, author, real)
                if not real:
                    continue
            given = words[:start] + words[end:]
            # Particles that stand beside the surname are not given names.
            given = [g for g in given if not re.fullmatch(_PARTICLE, g, re.IGNORECASE)]
            letters = "".join(_letters(part)[:1] for g in given for part in re.split(r"-", g))
            more = _letters(initials)
            # "John S. Adams" and "M. Hassan Murad": the initial stands behind the given name or before it.
            for cited in (letters + more, more + letters):
                if not cited or not real or cited.startswith(real) or real.startswith(cited):
                    return True
    return False
