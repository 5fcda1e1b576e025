"""Files that cannot be read end in a sentence, not in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcidiol.errors import CalcidiolError
from calcidiol.evidence.audit import audit, render_html, render_text
from calcidiol.evidence.audit.document import _without_furniture, read_document

REFERENCE = (
    "Feldman D, et al. The role of vitamin D in reducing cancer risk and progression. Nat Rev Cancer. 2014;14:342-57."
)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.txt", b"", "is empty"),
        ("blank.md", b" \n\t\n", "is empty"),
        ("binary.txt", b"abc\x00\x01\x02def", "not text"),
        ("gbk.txt", "\u7ef4\u751f\u7d20D".encode("gbk"), "UTF-8"),
        ("big5.txt", "\u7dad\u751f\u7d20".encode("big5"), "UTF-8"),
        ("broken.pdf", b"%PDF-1.4 nothing more", "PDF"),
        ("not.pdf", b"plain text", "PDF"),
        ("page.html", b"<html><head><title>x</title></head><body></body></html>", "no words"),
    ],
)
def test_unreadable(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CalcidiolError, match=words) as error:
        audit(path)
    assert name in str(error.value)


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CalcidiolError, match="no file"):
        audit(tmp_path / "nothing.txt")
    with pytest.raises(CalcidiolError, match="no file"):
        audit("nothing-here.pdf")
    with pytest.raises(CalcidiolError, match="folder"):
        audit(tmp_path)


def _pdf(tmp_path: Path, password: str = "") -> Path:
    import pypdf

    writer = pypdf.PdfWriter()
    writer.add_blank_page(200, 200)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    path = tmp_path / "page.pdf"
    writer.write(path)
    return path


def test_encrypted_and_scanned_pdf(tmp_path: Path) -> None:
    with pytest.raises(CalcidiolError, match="no text"):
        audit(_pdf(tmp_path))
    with pytest.raises(CalcidiolError, match="encrypted"):
        audit(_pdf(tmp_path, "secret"))


def test_utf16_and_byte_order_marks(tmp_path: Path) -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        path = tmp_path / f"{encoding}.txt"
        path.write_text(f"Text.\n\nReferences\n1. {REFERENCE}\n", encoding=encoding)
        assert [r.status for r in audit(path).references] == ["exact"]


def test_windows_line_ends() -> None:
    assert len(audit(f"Text.\r\n\r\nReferences\r\n1. {REFERENCE}\r\n2. {REFERENCE}\r\n").references) == 2


def test_a_document_without_a_list_says_so() -> None:
    audited = audit("Only a text about vitamin D.\nNothing else.\n")
    assert audited.references == ()
    assert any("no reference list" in note for note in audited.notes)


def test_html_is_escaped() -> None:
    audited = audit(
        "Vitamin D lowers <script>alert(1)</script> cytokines in cancer.\n\nReferences\n1. <b>Evil</b> A. <img src=x onerror=y>. Blood. 2012;1:2-3.\n"  # noqa: E501
    )
    page = render_html(audited)
    assert "<script>" not in page
    assert "<img" not in page
    assert "&lt;img" in page


def test_page_and_text_say_the_same() -> None:
    audited = audit(f"Text.\n\nReferences\n1. {REFERENCE}\n2. {REFERENCE.replace('2014', '2019')}\n")
    page, text = render_html(audited), render_text(audited)
    assert 'lang="en"' in page
    assert page.count("<article") == 2
    for shown in (page, text):
        assert "10.1038/nrc3691" in shown
        assert "year" in shown


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=400))
def test_any_text_can_be_audited(text: str) -> None:
    if text.strip():
        audited = audit(text + "\n\n")
        assert isinstance(audited.to_dict(), dict)
        render_text(audited)
        render_html(audited)


@pytest.mark.parametrize(
    "text",
    [
        "Aaa-Bbb Ccc-Ddd " * 40 + 'x"' + "y" * 50 + '" 2014',
        "A B C D " * 200 + "2014;12:3-4",
        "A" + "-bbb" * 300 + " C. Title. Blood. 2014;12:3-4.",
        "(" * 300 + "2014" + ")" * 300,
        "et al " * 300,
        "1-" * 400 + " 2014",
    ],
)
def test_odd_text_is_read_without_end(text: str) -> None:
    """Patterns that once ran for minutes on the first of these; a hang is the failure."""
    assert len(audit(f"References\n1. {text}\n2. {REFERENCE}\n").references) <= 3


def test_old_western_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("Mu\u00f1oz und M\u00fcller \u2013 Vitamin D".encode("cp1252"))
    assert read_document(path) == "Mu\u00f1oz und M\u00fcller \u2013 Vitamin D"


def test_running_heads_of_two_pages_are_left_out() -> None:
    pages = [
        "Some Journal 2024\nReview\nfirst line\nlast, cut\nPage 1 of 2",
        "Some Journal 2024\nReview\nin two\nend\nPage 2 of 2",
    ]
    assert _without_furniture(pages) == ["first line\nlast, cut", "in two\nend"]
