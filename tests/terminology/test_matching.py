"""Names and codes: what must match, and what must not."""

from __future__ import annotations

import doctest
import importlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcidiol.quantity import convert, same_kind
from calcidiol.terminology import products
from calcidiol.terminology.conditions import concepts, concepts_of, malabsorption_of
from calcidiol.terminology.drugs import drug_classes, drug_text_classes, vitamin_d
from calcidiol.terminology.excipients import excipient_ids, excipients_of
from calcidiol.terminology.labs import lab_by_loinc, lab_by_name, labs
from calcidiol.terminology.routes import route_by_code, route_by_name, route_in_text


@pytest.mark.parametrize("module", ["conditions", "drugs", "excipients", "labs", "negation", "routes", "table", "text"])
def test_examples_in_the_docstrings(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"calcidiol.terminology.{module}")).failed == 0


# --- labs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "analyte"),
    [
        ("25(OH)D", "25ohd"),
        ("25-OH Vitamin D, Total", "25ohd"),
        ("Vitamin D 25-Hydroxy", "25ohd"),
        ("25-羥基維生素D", "25ohd"),
        ("1,25-Dihydroxyvitamin D", "1_25_ohd"),
        ("calcitriol", "1_25_ohd"),
        ("Calcium", "calcium"),
        ("Calcium [Mass/volume] in Serum or Plasma", "calcium"),
        ("Ca++", "calcium_ionized"),
        ("Calcium.ionized [Moles/volume] in Blood", "calcium_ionized"),
        ("Adjusted calcium", "calcium_corrected"),
        ("血鈣", "calcium"),
        ("ＡＬＢ", "albumin"),
        ("PLT", "platelets"),
        ("Neutrophils #", "neutrophils"),
        ("VITAMIN D,25-OH,TOTAL,IA", "25ohd"),
        ("Vit D, 25-Hydroxy", "25ohd"),
        ("Vitamin D 25-OH Lvl", "25ohd"),
        ("25-OH Vit. D3 (LC-MS/MS)", "25ohd"),
        ("Calcium Lvl", "calcium"),
        ("Calcium Ionized, Whole Blood", "calcium_ionized"),
        ("Creatinine, Ser", "creatinine"),
        ("Parathyroid Hormone (PTH), Intact", "pth"),
        ("Vit B12 D", None),
        ("1,25-OH Vit D", "1_25_ohd"),
    ],
)
def test_lab_name(name: str, analyte: str | None) -> None:
    item = lab_by_name(name)
    assert (item and item.id) == analyte


@pytest.mark.parametrize(
    "name",
    [
        "Calcium in urine",
        "Creatinine [Mass/volume] in Urine",
        "Neutrophils %",
        "Albumin/Globulin ratio",
        "calcium channel",
        "",
        "D",
        "vitamin B12",
    ],
)
def test_no_lab_name(name: str) -> None:
    assert lab_by_name(name) is None


def test_loinc() -> None:
    assert lab_by_loinc(["62292-8"]).id == "25ohd"  # type: ignore[union-attr]
    assert lab_by_loinc(["29265-6"]).id == "calcium_corrected"  # type: ignore[union-attr]
    assert lab_by_loinc(["17862-4"]) is None, "calcium in urine, mass per volume"
    assert lab_by_loinc(["13959-2"]) is None


@pytest.mark.parametrize("analyte", sorted(labs()))
def test_ranges_and_units_of_an_analyte(analyte: str) -> None:
    item = labs()[analyte]
    assert item.possible[0] <= item.plausible[0] < item.plausible[1] <= item.possible[1]
    assert item.unit in item.usual
    assert all(same_kind(u, item.unit, item.substance) for u in item.usual)
    if item.low is not None and item.high is not None:
        assert item.plausible[0] <= item.low < item.high <= item.plausible[1]
    assert item.limits_tag in ("V", "R", "P", "S")


def _check_digit(loinc: str) -> int:
    """Mod-10 check digit of a LOINC code: double every second digit from the right, add digits."""
    total = 0
    for i, d in enumerate(reversed(loinc)):
        n = int(d) * (2 if i % 2 == 0 else 1)
        total += n // 10 + n % 10
    return (10 - total % 10) % 10


def test_loinc_check_digits() -> None:
    for item in labs().values():
        for code in (*item.loinc, *item.mass_ratio_loinc):
            number, digit = code.split("-")
            assert _check_digit(number) == int(digit), code


def test_mass_ratio() -> None:
    item = labs()["urine_calcium_creatinine"]
    assert item.mass_ratio_factor == pytest.approx(convert(1, "mmol/mmol", "mmol/mmol") * 113.12 / 40.078, rel=1e-4)


# --- drugs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("HCTZ 25 mg", {"thiazide"}),
        ("Furosemide 40 mg", {"loop_diuretic"}),
        ("digoxin 0.125 mg", {"digoxin"}),
        ("Xgeva 120 mg", {"denosumab"}),
        ("zoledronic acid 4 mg iv", {"bisphosphonate"}),
        ("calcium 500 mg", {"calcium"}),
        ("Calcium carbonate 600 mg / vitamin D 400 IU", {"calcium"}),
        ("leucovorin calcium 50 mg", {"leucovorin"}),
        ("atorvastatin calcium 20 mg", set()),
        ("ketoconazole shampoo", set()),
        ("dexamethasone eye drops", set()),
        ("no digoxin", set()),
        ("carbamazepine", {"inducing_antiepileptic", "enzyme_inducer"}),
        ("rifampicin", {"rifampicin", "enzyme_inducer"}),
        ("enzalutamide", {"androgen_deprivation", "inducing_antiandrogen", "enzyme_inducer"}),
        ("calcitriol 0.25 ug", {"active_vitamin_d"}),
        ("apixaban", {"anticoagulant", "doac"}),
        ("低分子肝素", {"anticoagulant", "heparin"}),
        ("paclitaxel weekly", {"taxane", "chemotherapy"}),
        ("imatinib", {"imatinib"}),
        ("paracetamol", set()),
    ],
)
def test_drug_text(text: str, classes: set[str]) -> None:
    assert set(drug_text_classes([], text)) == classes


@pytest.mark.parametrize(
    ("code", "drug_class"),
    [
        ("C03AA03", "thiazide"),
        ("C03BA11", "thiazide"),
        ("C03CA01", "loop_diuretic"),
        ("H02AB02", "glucocorticoid"),
        ("C01AA05", "digoxin"),
        ("N03AB02", "inducing_antiepileptic"),
        ("J04AB02", "rifampicin"),
        ("J02AC01", "azole"),
        ("A08AB01", "fat_binder"),
        ("M05BA08", "bisphosphonate"),
        ("M05BX04", "denosumab"),
        ("A12AA04", "calcium"),
        ("A11CC04", "active_vitamin_d"),
        ("A02AA04", "antacid"),
        ("N05AN01", "lithium"),
        ("L04AD01", "calcineurin_inhibitor"),
        ("H05BX01", "cinacalcet"),
        ("B01AA03", "warfarin"),
        ("B01AC04", "antiplatelet"),
        ("J05AG03", "efavirenz"),
        ("L01XA01", "cisplatin"),
        ("L01EA01", "imatinib"),
        ("L02BG04", "aromatase_inhibitor"),
        ("L01BC02", "fluoropyrimidine"),
        ("L01FF01", "checkpoint_inhibitor"),
        ("L01EF01", "cdk46_inhibitor"),
        ("L01CD01", "taxane"),
        ("L01XF01", "retinoid"),
        ("L01XX27", "arsenic_trioxide"),
        ("L01BA01", "methotrexate"),
        ("L01XX24", "asparaginase"),
        ("L02AE02", "androgen_deprivation"),
        ("L01EG02", "mtor_inhibitor"),
    ],
)
def test_atc(code: str, drug_class: str) -> None:
    assert drug_class in drug_text_classes([("atc", code)], "")


def test_every_interaction_has_a_class() -> None:
    asked = {r for c in drug_classes().values() for r in c.rules}
    assert {f"DI{n:02}" for n in range(1, 19)} | {f"ON{n:02}" for n in range(1, 17)} <= asked


@pytest.mark.parametrize("text", ["vitamin D3 1000 IU", "Cholecalciferol 25,000 IU capsule", "維生素D3 800 IU"])
def test_vitamin_d3(text: str) -> None:
    assert vitamin_d([], text).substance == "cholecalciferol"  # type: ignore[union-attr]


def test_vitamin_d_kinds() -> None:
    assert vitamin_d([], "ergocalciferol 50,000 units").substance == "ergocalciferol"  # type: ignore[union-attr]
    assert vitamin_d([("rxnorm", "1889")], "").substance == "calcifediol"  # type: ignore[union-attr]
    assert vitamin_d([], "Vitamin D 1000 IU").assumed  # type: ignore[union-attr]
    assert vitamin_d([], "calcipotriol ointment") is None
    assert vitamin_d([], "no vitamin D") is None
    assert vitamin_d([], "calcitriol (active vitamin D)") is None


def test_products_are_read_as_vitamin_d_and_their_excipients_are_known() -> None:
    for product in products().values():
        assert vitamin_d([], f"{product.name} {product.substance}") is not None
        for name in (*product.excipients, product.vehicle):
            assert name in (*excipient_ids(), "unknown", ""), (product.id, name)


# --- conditions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "no history of sarcoidosis",
        "No evidence of sarcoidosis",
        "denies sarcoidosis",
        "family history of sarcoidosis",
        "Mother has sarcoidosis",
        "sarcoidosis ruled out",
        "FH: sarcoidosis (father)",
        "Mother with sarcoidosis",
        "sarcoidosis in her sister",
        "Father died of sarcoidosis",
        "no fever, cough or sarcoidosis",
        "否認結節病",
        "排除結節病",
        "無結節病史",
        "risk of sarcoidosis",
        "history of sarcoidosis",
        "sarcoidosis, resolved",
        "screening for sarcoidosis",
    ],
)
def test_sarcoidosis_is_not_there(text: str) -> None:
    assert "sarcoidosis" not in concepts_of([], text)


@pytest.mark.parametrize(
    "text",
    [
        "sarcoidosis",
        "Pulmonary sarcoidosis, stage II",
        "No known allergies, sarcoidosis",
        "suspected sarcoidosis",
        "?sarcoidosis",
        "sarcoidosis?",
        "rule out sarcoidosis",
        "r/o sarcoidosis",
        "Mother of two with sarcoidosis",
        "patient with sarcoidosis, lives with mother",
        "Sarcoïdosis",
        "結節病",
    ],
)
def test_sarcoidosis_is_there(text: str) -> None:
    found = concepts_of([], text)
    assert {"sarcoidosis", "granulomatous"} <= set(found)


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("no improvement of hypercalcemia", "hypercalcemia"),
        ("hypercalcemia not controlled", "hypercalcemia"),
        ("myeloma, no CRAB features", "myeloma"),
        ("myeloma no bone lesions", "myeloma"),
        ("lymphoma negative for CD30", "lymphoma"),
        ("triple negative breast cancer", "breast_cancer"),
        ("PJP prophylaxis for CLL", "cll"),
        ("TB excluded; sarcoidosis confirmed", "sarcoidosis"),
        ("patient with known sarcoidosis", "sarcoidosis"),
        ("not only sarcoidosis", "sarcoidosis"),
        ("?kidney stones", "stones_current"),
        ("Waldenström macroglobulinaemia", "lymphoma"),
        ("CKD stage IV", "ckd_4"),
        ("Chronic kidney disease, stage V", "ckd_5"),
        ("hypercalcemia without symptoms", "hypercalcemia"),
        ("no known drug allergy. Kidney stones.", "stones_current"),
    ],
)
def test_words_that_only_sound_like_a_denial(text: str, concept: str) -> None:
    assert concept in concepts_of([], text)


@pytest.mark.parametrize(
    "text",
    [
        "hypercalcemia: no",
        "hypercalcemia ruled out",
        "hypercalcemia was excluded",
        "hypercalcemia negative",
        "hypercalcemia : none",
    ],
)
def test_denial_after_the_name(text: str) -> None:
    assert concepts_of([], text) == ()


@pytest.mark.parametrize(
    ("code", "concept"),
    [
        ("E83.52", "hypercalcemia"),
        ("E83.51", "hypocalcemia"),
        ("N20.0", "stones_current"),
        ("Z87.442", "stones_history"),
        ("D86.9", "sarcoidosis"),
        ("A15.0", "tuberculosis"),
        ("C91.1", "lymphoma"),
        ("C91.10", "cll"),
        ("C83.3", "lymphoma"),
        ("C90.0", "myeloma"),
        ("C79.51", "bone_metastases"),
        ("C64.1", "renal_cancer"),
        ("E21.0", "primary_hyperparathyroidism"),
        ("E20.1", "pseudohypoparathyroidism"),
        ("O09.0", "pregnancy"),
        ("D69.6", "thrombocytopenia"),
        ("D70.1", "neutropenia"),
        ("E88.3", "tumor_lysis"),
        ("K91.2", "malabsorption"),
        ("Z90.3", "gastrectomy"),
        ("N18.4", "ckd_4"),
        ("N18.6", "dialysis"),
        ("K74.6", "cirrhosis"),
        ("I89.0", "lymphedema"),
        ("R64", "cachexia"),
        ("E67.3", "hypervitaminosis_d"),
        ("C92.0", "aml"),
    ],
)
@pytest.mark.parametrize("system", ["icd10", "icd10cm"])
def test_icd(code: str, concept: str, system: str) -> None:
    assert concept in concepts_of([(system, code)], "")
    assert concept in concepts_of([(system, code.replace(".", "").lower())], "")


def test_wider_and_past() -> None:
    assert concepts_of([], "history of kidney stones") == ("stones_history",)
    assert concepts_of([], "Diffuse large B-cell lymphoma in remission") == ("cancer_history",)
    assert "gastrectomy" in concepts_of([], "status post total gastrectomy")
    assert concepts_of([], "secondary hyperparathyroidism") == ("secondary_hyperparathyroidism",)
    assert concepts_of([], "latent tuberculosis") == ()
    assert "cancer" in concepts_of([("icd10", "C50.9")], "")
    assert "granulomatous" not in concepts_of([], "granuloma annulare")
    assert concepts_of([], "Pregnancy test negative") == ()


def test_malabsorption() -> None:
    assert malabsorption_of(concepts_of([], "short bowel syndrome")) == 2
    assert malabsorption_of(concepts_of([], "gastrectomy")) == 1
    assert malabsorption_of([]) == 0


def test_snomed_warning_of_safety_md() -> None:
    """27059002 is hypothyroidism after surgery; it must never be read as hypoparathyroidism."""
    assert concepts_of([("snomed", "27059002")], "") == ()


def test_allergies() -> None:
    assert excipients_of([], "groundnut oil") == ("arachis", "soya")
    assert excipients_of([], "allergic to sesame") == ("sesame",)
    assert excipients_of([], "No known allergies") == ()
    assert excipients_of([("snomed", "91935009")], "") == ("arachis", "soya")


def test_routes() -> None:
    assert route_by_code(["78421000"]) == "im"
    assert route_by_code(["26643006"]) == "oral"
    assert route_by_name("Intramuscular") == "im"
    assert route_in_text("300000 IU 肌肉注射") == "im"
    assert route_in_text("oral or im") is None
    assert route_in_text("swim") is None


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=120))
def test_any_text_is_matched_without_a_fault(text: str) -> None:
    assert set(concepts_of([("icd10", text), ("snomed", text)], text)) <= set(concepts())
    assert set(drug_text_classes([("atc", text), ("rxnorm", text)], text)) <= set(drug_classes())
    vitamin_d([("atc", text)], text)
    assert set(excipients_of([("snomed", text)], text)) <= set(excipient_ids())
    lab_by_name(text)
    assert route_in_text(text) in (None, "oral", "im", "iv", "sc", "topical", "sublingual")


@pytest.mark.parametrize("concept", sorted(concepts()))
def test_denial_takes_every_concept_away(concept: str) -> None:
    for name in concepts()[concept].names:
        if name.isascii():
            assert concept not in concepts_of([], f"no evidence of {name.strip()}"), name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Benicar HCT 20/12.5", "thiazide"), ("Zaroxolyn 2.5 mg", "thiazide"), ("Hygroton", "thiazide"),
        ("Micardis Plus", "thiazide"), ("Rifinah 300", "rifampicin"), ("Lysodren", "enzyme_inducer"),
        ("Mysoline 250", "inducing_antiepileptic"), ("Deltasone", "glucocorticoid"), ("Priadel", "lithium"),
        ("Savaysa 60 mg", "anticoagulant"), ("Marevan", "warfarin"), ("ASA 81 mg", "antiplatelet"),
        ("Fosavance", "bisphosphonate"), ("Carafate", "antacid"), ("Platinol", "cisplatin"),
        ("Sandimmune", "calcineurin_inhibitor"), ("Sporanox", "azole"), ("Bumex", "loop_diuretic"),
    ],
)  # fmt: skip
def test_brands(text: str, name: str) -> None:
    assert name in drug_text_classes([], text)


def test_a_salicylate_of_the_bowel_is_no_antiplatelet() -> None:
    assert "antiplatelet" not in drug_text_classes([], "mesalamine 5-ASA 1.2 g")


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("https://twcore.mohw.gov.tw/ig/twcore/CodeSystem/icd-10-cm-2023-tw", "icd10cm"),
        ("https://twcore.mohw.gov.tw/ig/twcore/CodeSystem/icd-10-cm-2014-tw", "icd10cm"),
        ("https://twcore.mohw.gov.tw/ig/twcore/CodeSystem/icd-10-pcs-2023-tw", ""),
        ("http://hl7.org/fhir/sid/icd-10-am", "icd10"),
        ("ICD10", "icd10"),
        ("http://hl7.org/fhir/sid/icd-9-cm", ""),
        ("http://snomed.info/sct/900000000000207008", "snomed"),
        ("http://loinc.org", "loinc"),
        ("", ""),
        (None, ""),
    ],
)
def test_code_systems_by_their_uri(uri: str | None, name: str) -> None:
    from calcidiol.patient.coding import system_of

    assert system_of(uri) == name


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("25-OH 維生素D 總量", "25ohd"),
        ("肌酸酐、血", "creatinine"),
        ("白蛋白(血)", "albumin"),
        ("血清白蛋白濃度", "albumin"),
        ("血小板計數檢查", "platelets"),
        ("Kreatinin i.S.", "creatinine"),
        ("Kalzium im Serum", "calcium"),
        ("25-OH-Vitamin D3 (Calcidiol)", "25ohd"),
        ("Calcium ionisiert", "calcium_ionized"),
        ("Kalzium (Ca)", "calcium"),
        ("Thrombozyten", "platelets"),
        ("クレアチニン", "creatinine"),
        ("25-ヒドロキシビタミンD", "25ohd"),
        ("補正カルシウム", "calcium_corrected"),
        ("肌酸酐、尿", None),
        ("尿液肌酸酐", None),
        ("Kalzium im Urin", None),
        ("Calcium (Urin)", None),
        ("尿中カルシウム", None),
        ("1,25-ジヒドロキシビタミンD", "1_25_ohd"),
        ("Calcium (ionized)", "calcium_ionized"),
        ("Vitamin D (1,25)", "1_25_ohd"),
        ("Albumin (Urin)", None),
    ],
)
def test_names_of_other_languages(text: str, item: str | None) -> None:
    found = lab_by_name(text)
    assert (None if found is None else found.id) == item


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("Sarkoidose der Lunge", "sarcoidosis"),
        ("サルコイドーシス", "sarcoidosis"),
        ("Tuberculous pleurisy", "tuberculosis"),
        ("Staghorn calculus left kidney", "stones_current"),
        ("Nierensteine", "stones_current"),
        ("Hyperkalzämie", "hypercalcemia"),
        ("Primärer Hyperparathyreoidismus", "primary_hyperparathyroidism"),
        ("Richter's transformation", "lymphoma"),
        ("CKD stage 3b", "ckd_3"),
        ("Chronic kidney disease, stage 3 (moderate)", "ckd_3"),
    ],
)
def test_diagnoses_as_others_write_them(text: str, concept: str) -> None:
    assert concept in concepts_of([], text)


@pytest.mark.parametrize("text", ["CKD stage 1", "CKD stage 4", "Gallstones", "Latent tuberculous infection"])
def test_diagnoses_that_are_not_these(text: str) -> None:
    assert not {"ckd_3", "stones_current", "tuberculosis"} & set(concepts_of([], text))


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("アルファロールカプセル0.25μg", "active_vitamin_d"),
        ("Etalpha 0.25 ug", "active_vitamin_d"),
        ("Co-amilozide 5/50", "thiazide"),
        ("St. John's wort", "enzyme_inducer"),
        ("Natecal D3 600 mg/400 UI", "calcium"),
    ],
)
def test_medicines_as_others_write_them(text: str, known: str) -> None:
    assert known in drug_text_classes([], text)


def test_the_vitamin_d_of_a_bisphosphonate_is_a_dose() -> None:
    found = vitamin_d([], "Fosamax Plus D 70 mg/2800 IU")
    assert found is not None
    assert found.substance == "cholecalciferol"
