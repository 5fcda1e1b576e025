"""Text of a record made safe to show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcidiol.report import clean


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Ana Meier", "Ana Meier"),
        ("王小明", "王小明"),
        ("a\nb\tc", "a b c"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("a\x00b", "a\ufffdb"),
        ("abc\u202edcba", "abc\ufffddcba"),
        ("\ud800", "\ufffd"),
        ("דוד לוי", "דוד לוי"),
        ("e\u0301", "\u00e9"),
    ],
)
def test_what_is_shown(raw: str, shown: str) -> None:
    assert clean.text(raw) == shown


@given(st.text())
def test_one_line_that_can_be_written_and_is_stable(raw: str) -> None:
    shown = clean.text(raw)
    assert "\n" not in shown
    assert "\x1b" not in shown
    shown.encode("utf-8")
    assert clean.text(shown) == shown


def test_plain_data_keeps_numbers_and_structure() -> None:
    data = {"a\n": [1.5, 2.5], "b": ["x\x1b", None, True], "c": {"d": 3}}
    assert clean.plain(data) == {"a ": [1.5, 2.5], "b": ["x\ufffd", None, True], "c": {"d": 3}}
