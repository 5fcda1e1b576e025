"""Whether a text names something, or says that it is not there, was long ago, or is somebody else's.

A small closed grammar in the manner of NegEx (Chapman 2001, J Biomed Inform 34:301): a cue before a name, in the same
part of the sentence, takes the name away. What is suspected or still to be ruled out is named: the safe reading.
"""

from __future__ import annotations

import re

__all__ = ["historical", "named", "negated"]

_NEGATED = re.compile(
    r" (?:no|not|without|denies|denied|negative for|ruled out|excluded|exclusion of|"
    r"absence of|absent|free of|never had|"
    r"unlikely|no evidence of|not known to have|family history|family hx|fhx|fh|mother|father|sister|brother|aunt|"
    r"uncle|grandmother|"
    r"grandfather|relative|parents?|siblings?|screening for|screen for|at risk of|risk of|risk for|"
    r"history negative for|prevention of|vaccination against|fear of|concern for|unremarkable for|donor) "
)
_NEGATED_AFTER = re.compile(
    r"^ *(?:: *(?:no|none|negative|denied|absent) |"
    r"(?:was |is |has been |were )?(?:ruled out|excluded|absent|not present|unlikely|denied|refuted|not found|"
    r"negative(?! for)) )"
)
_RELATIVES = (
    "mother|father|sister|brother|aunt|uncle|grandmother|grandfather|parents?|siblings?|son|daughter|cousin|"
    "wife|husband|mum|mom|dad|relative"
)
_FAMILY = re.compile(
    rf" (?:family history|family hx|fhx|fh|(?:{_RELATIVES}) (?:with|had|has|died of|died from)|(?:{_RELATIVES}) :)"
    r" ?[:(]? (?:of )?$"
)
"""What stands right before a name that is somebody else's, where a colon or "with" would end the reach of a denial."""
_FAMILY_AFTER = re.compile(rf"^ *(?:\( *|in (?:his |her |the |a )?)(?:maternal |paternal )?(?:{_RELATIVES}) ")
_PSEUDO = re.compile(
    r" (?:no|not|without) (?:further |significant |clear )?(?:improvement|change|increase|decrease|response|"
    r"relief|resolution|progress|"
    r"controlled|improved|resolved|only|responding|progressing|longer (?:controlled|responding))(?: (?:in|of|to|"
    r"on|for|from))? "
)
"""Words that sound like a denial and are none: "no improvement of hypercalcemia"."""
_HISTORICAL = re.compile(
    r" (?:history of|hx of|h / o|past|previous|previously|prior|former|formerly|resolved|in remission|status post|"
    r"s / p|old|remote|treated|"
    r"healed|cured|childhood|after|years ago|personal history) "
)
_HISTORICAL_AFTER = re.compile(
    r"^[ ,;:(]*(?:(?:[a-z0-9]+ ){0,3})?(?:in (?:complete |full |partial )?remission|resolved|cured|healed|history|"
    r"in the past|years ago|removed) "
)
_BREAK = re.compile(r" (?:[.;:]|but|however|although|except|now|currently|with) ")
_NEGATED_CJK = (
    "無",
    "无",
    "沒有",
    "没有",
    "否認",
    "否认",
    "排除",
    "家族史",
    "未見",
    "未见",
    "不考慮",
    "母親",
    "父親",
    "母亲",
    "父亲",
    "非",
)
_REACH = 60


def _places(phrase: str, plain: str) -> list[int]:
    needle = phrase if phrase.isascii() else phrase.strip()
    found = []
    place = plain.find(needle)
    while place >= 0:
        found.append(place)
        place = plain.find(needle, place + 1)
    return found


def _before(plain: str, place: int) -> str:
    part = plain[max(0, place - _REACH) : place + 1]
    cuts = [m.end() - 1 for m in _BREAK.finditer(part)]
    part = part[cuts[-1] :] if cuts else part
    comma = part.rfind(" , ")
    # "no fever, cough or sarcoidosis" denies all three; "no known allergies, CLL" denies only the first
    return (
        part
        if comma < 0 or " or " in part[comma:] or " nor " in part[comma:] or " and " in part[comma:]
        else part[comma + 2 :]
    )


def negated(phrase: str, plain: str) -> bool:
    """Whether every mention of `phrase` in `plain` is denied, suspected, a risk, or somebody else's.

    Both are as `text.words` leaves them.
    """
    return bool(_places(phrase, plain)) and not named(phrase, plain)


def named(phrase: str, plain: str) -> bool:
    """Whether `plain` says that `phrase` is there.

    Examples
    --------
    >>> from calcidiol.terminology.text import words
    >>> named(words("sarcoidosis"), words("Pulmonary sarcoidosis, stable"))
    True
    >>> named(words("sarcoidosis"), words("No history of sarcoidosis"))
    False
    """
    cjk = not phrase.isascii()
    for place in _places(phrase, plain):
        before = _PSEUDO.sub(" ", _before(plain, place))
        if _NEGATED.search(before):
            continue
        after = plain[place + len(phrase) - 1 :]
        if _NEGATED_AFTER.match(after) or _FAMILY_AFTER.match(after):
            continue
        if _FAMILY.search(plain[max(0, place - _REACH) : place + 1]):
            continue
        if cjk and any(cue in plain[max(0, place - 8) : place] for cue in _NEGATED_CJK):
            continue
        return True
    return False


def historical(phrase: str, plain: str) -> bool:
    """Whether `plain` names `phrase`, but as something past ("history of kidney stones")."""
    needle = phrase if phrase.isascii() else phrase.strip()
    places = _places(needle, plain)
    if not places or not named(phrase, plain):
        return False
    past = [
        bool(_HISTORICAL.search(_before(plain, p))) or bool(_HISTORICAL_AFTER.match(plain[p + len(needle.rstrip()) :]))
        for p in places
    ]
    return all(past) or ("病史" in plain and cjk_past(plain))


def cjk_past(plain: str) -> bool:
    """Whether a Chinese text speaks of a past illness."""
    return "病史" in plain or "曾" in plain
