"""Finding the list and cutting it into entries, whatever its form."""

from __future__ import annotations

import pytest

from calcidiol.evidence.audit.listing import find_list

A = "Feldman D, Krishnan AV, Swami S. The role of vitamin D in reducing cancer risk. Nat Rev Cancer. 2014;14:342-57."
B = "Lappe J, Watson P, et al. Effect of vitamin D on cancer in older women. JAMA 2017;317:1234-43. doi:10.1001/jama.2017.2115"  # noqa: E501
C = "陳大文, 王小明. 維生素D與癌症. 台灣醫學. 2018;22:10-15."
BODY = "Some running text about vitamin D. It has 2014 in it, and (3) and [a] too.\n\n"


@pytest.mark.parametrize("label", ["[{}] ", "{}. ", "({}) ", "{}) ", "- {}. ", "{} ", "**{}.** ", "\\[{}\\] "])
@pytest.mark.parametrize(
    "heading",
    ["References", "REFERENCES:", "## References", "**References**", "Bibliography", "Reference", "參考文獻", "参考文献：", "Literature cited",  # noqa: E501
     "7. References", "References 參考文獻"],
)  # fmt: skip
def test_numbered(label: str, heading: str) -> None:
    text = BODY + heading + "\n\n" + "\n".join(label.format(i) + e for i, e in enumerate((A, B, C), 1)) + "\n"
    listing = find_list(text)
    assert [e.number for e in listing.entries] == [1, 2, 3]
    assert [e.text[:7] for e in listing.entries] == [A[:7], B[:7], C[:3] + ", " + C[5:7]]
    assert "Feldman" not in listing.body
    assert "running text" in listing.body


def test_wrapped_lines_and_cut_words() -> None:
    text = (
        BODY
        + "References\n1. Feldman D, Krishnan AV. The role of vitamin D in reduc-\n   ing cancer risk. Nat Rev\n   Cancer. 2014;14:342-\n57.\n2. "  # noqa: E501
        + B
    )
    first = find_list(text).entries[0].text
    assert "14:342-57" in first
    assert "reduc-ing" in first


def test_an_underlined_heading_and_blank_lines() -> None:
    text = BODY + f"References\n----------\n\n1. {A}\n\n2. {B}\n\n3. {C}\n"
    assert len(find_list(text).entries) == 3


def test_without_numbers_paragraphs_bullets_lines() -> None:
    for joined in (f"{A}\n\n{B}\n", f"- {A}\n- {B}\n", f"{A}\n{B}\n", f"• {A}\n• {B}\n"):
        listing = find_list(BODY + "References\n\n" + joined)
        assert [e.text[:5] for e in listing.entries] == ["Feldm", "Lappe"], joined
        assert not any(e.printed for e in listing.entries)


def test_hanging_indent() -> None:
    text = (
        BODY
        + "Bibliography\nFeldman D, Krishnan AV. The role of vitamin D.\n    Nat Rev Cancer. 2014;14:342-57.\nLappe J. Effect of vitamin D.\n    JAMA 2017;317:1234-43.\n"  # noqa: E501
    )
    assert [e.text[-6:] for e in find_list(text).entries] == ["42-57.", "34-43."]


def test_all_on_one_line() -> None:
    text = BODY + f"References: 1. {A} 2. {B} 3. {C}"
    assert [e.number for e in find_list(text).entries] == [1, 2, 3]


def test_no_heading_at_all() -> None:
    assert len(find_list(BODY + f"[1] {A}\n[2] {B}\n").entries) == 2
    assert len(find_list(BODY + f"{A}\n{B}\n").entries) == 2


def test_dois_alone() -> None:
    text = BODY + "References\nhttps://doi.org/10.1038/nrc3691\n10.1001/jama.2017.2115\ndoi:10.1093/ajcn/85.6.1586\n"
    assert len(find_list(text).entries) == 3


def test_the_last_heading_counts_and_what_follows_the_list_does_not() -> None:
    text = f"Contents\nReferences\n\nIntroduction\n\n{BODY}\nReferences\n1. {A}\n2. {B}\n\nAbout the clinic\nWe are open from 9 to 5 and glad to see you at any time of the year 2020.\n"  # noqa: E501
    listing = find_list(text)
    assert len(listing.entries) == 2
    assert "glad to see you" not in listing.entries[-1].text
    assert "glad to see you" in listing.body


def test_a_numbered_list_of_advice_is_not_a_reference_list() -> None:
    text = (
        BODY
        + "1. Take the tablet with a meal.\n2. Have blood drawn after three months.\n3. Ask before you double the dose.\n"  # noqa: E501
    )
    assert find_list(text).entries == ()


def test_no_list() -> None:
    assert find_list("Just a sentence.").entries == ()
    assert find_list("References\n\nnone\n").entries == ()


def test_a_skipped_number_is_kept_as_printed() -> None:
    text = BODY + f"References\n1. {A}\n2. {B}\n4. {A}\n"
    assert [e.number for e in find_list(text).entries] == [1, 2, 4]
