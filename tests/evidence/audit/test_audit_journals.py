"""When two names are one journal."""

from __future__ import annotations

import pytest

from calcidiol.evidence.audit.bibliography import bibliography

SAME = [
    ("Nat Rev Cancer", "Nature Reviews Cancer"),
    ("Nat. Rev. Cancer", "Nature reviews. Cancer"),
    ("J Clin Endocrinol Metab", "The Journal of Clinical Endocrinology & Metabolism"),
    ("JCEM", "Journal of Clinical Endocrinology and Metabolism"),
    ("PNAS", "Proc Natl Acad Sci U S A"),
    ("N Engl J Med", "The New England Journal of Medicine"),
    ("BMJ", "British Medical Journal"),
    ("JAMA", "Journal of the American Medical Association"),
    ("Cancers (Basel)", "Cancers"),
    ("PLOS ONE", "PLoS One"),
    ("Lancet", "The Lancet"),
    ("Int J Mol Sci", "International Journal of Molecular Sciences"),
    ("Acta Derm Venereol", "Acta Dermato Venereologica"),
    ("Haematologica", "Haematologica"),
    ("J Womens Health", "Journal of Women's Health"),
    ("Br J Nutr", "British Journal of Nutrition"),
]
OTHER = [
    ("Cancer", "Cancers"),
    ("Cancer", "Cancer Research"),
    ("J Nutr", "Br J Nutr"),
    ("J Clin Oncol", "J Clin Endocrinol Metab"),
    ("Nutr J", "J Nutr"),
    ("J Intern Med", "JAMA Internal Medicine"),
    ("Nat Rev Cancer", "Nat Rev Immunol"),
    ("JAMA", "JAMA Oncology"),
    ("Lancet", "Lancet Oncology"),
    ("Br J Cancer", "Br J Haematol"),
    ("Blood", "Blood Advances"),
    ("Nutrients", "Nutrition"),
    ("", "Blood"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_same(one: str, other: str) -> None:
    assert bibliography().journals.same(one, other)
    assert bibliography().journals.same(other, one)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other(one: str, other: str) -> None:
    assert not bibliography().journals.same(one, other)
    assert not bibliography().journals.same(other, one)
