"""Sentences of articles with the claim they make, and whether they deny it."""

from __future__ import annotations

import pytest

from calcidiol.evidence.audit.claims import propose

# Written before the search was looked at; after it, denials, opposites and synonyms were added at the sight of them.
SEEN = [
    ("Cancer patients who received vitamin D did not die less often than those on placebo.", "C16", True),
    ("Vitamin D supplements do not prevent cancer.", "C09", True),
    ("There is no evidence that vitamin D relieves fatigue in people with cancer.", "C14 C46", True),
    ("After an intramuscular dose, concentrations climb slowly and peak only after weeks.", "C02 C51", True),
    ("Our injections raise your vitamin D level within days.", "C02 C51", False),
    ("Oral cholecalciferol is absorbed well even after partial gastrectomy.", "C50", True),
    ("With an injection, nearly the entire dose reaches the bloodstream.", "C52", False),
    ("A single yearly injection is enough to keep levels stable for twelve months.", "C53", False),
    ("Vitamin D injections strengthen the immune system and help it fight tumors.", "C01 C05 C12", False),
    ("The nurse will check calcium and kidney function before each injection.", "C56 C22 C20", False),
    ("Too much vitamin D can lead to kidney stones and high calcium.", "C21", False),
    ("Patients on thiazide diuretics should tell the doctor before treatment.", "C24", False),
    ("Dexamethasone lowers the effect of vitamin D.", "C23", False),
    ("Vitamin D does not interact with chemotherapy.", "C25", True),
    ("Doxorubicin kills more tumor cells when vitamin D is added.", "C11 C68", False),
    ("The vitamin cuts off the tumor's blood supply by blocking angiogenesis.", "C06", False),
    ("Calcitriol slows the cell cycle of leukemic cells.", "C67 C13 C04", False),
    ("In culture, calcitriol pushes AML blasts toward monocytes.", "C66", False),
    ("The vitamin D receptor is not needed for these effects.", "C64", True),
    ("Lymphoma patients with low vitamin D have shorter progression-free survival.", "C62", False),
    ("Low vitamin D predicts relapse in diffuse large B-cell lymphoma.", "C62 C75", False),
    ("Most people with myeloma have levels below 20 ng/mL.", "C61 C29", False),
    ("Sunlight deprivation during long hospital stays reduces the synthesis in the skin.", "C30", False),
    ("Radiation damages the lining of the gut and hinders absorption.", "C31", False),
    ("When the kidneys fail, the active hormone is not formed.", "C32", False),
    ("Chronic inflammation consumes vitamin D stores.", "C33", False),
    ("Low vitamin D weakens bones and leads to fractures.", "C35", False),
    ("Night-time leg cramps are often caused by low vitamin D.", "C37", False),
    ("Aching muscles are a common sign of vitamin D deficiency.", "C36", False),
    ("Vitamin D is needed to make serotonin.", "C41", False),
    ("A lack of vitamin D may cause depression.", "C42", False),
    ("Vitamin D supplements did not lower the risk of depression in older adults.", "C42 C49", True),
    ("Supplementation improves concentration and lifts brain fog.", "C49", False),
    ("The mitochondria produce more energy after supplementation.", "C46", False),
    ("Joint pain from aromatase inhibitors improved with high-dose vitamin D.", "C45", False),
    ("Vitamin D helps the body take up calcium from food.", "C44", False),
    ("Chemotherapy side effects such as mucositis are milder in patients with sufficient vitamin D.", "C28", False),
    ("The usual maintenance is one injection of 50,000 IU each month.", "C18", False),
    ("We begin with 100,000 IU.", "C17", False),
    ("How long the injections continue depends on the blood level.", "C19", False),
    ("Close monitoring removes every risk.", "C57", False),
    ("Blood tests every three months are necessary because hypercalcemia can occur.", "C20 C21", False),
    ("Analogues such as paricalcitol were designed to cause less hypercalcemia.", "C71", False),
    ("Supraphysiological doses needed to inhibit cells lead to hypercalcemia.", "C70", False),
    ("25-hydroxyvitamin D is turned into calcitriol in the kidney.", "C74 C32", False),
    ("A vitamin D test may help to plan treatment in leukemia.", "C75", False),
    ("Vitamin D is a key part of supportive care.", "C59", False),
    ("Only physicians may prescribe the injection.", "C56", False),
    ("Patients with low levels get more infections during chemotherapy.", "C40", False),
    ("維生素D注射並不能延長癌症病人的存活。", "C16 C01", True),
    ("口服維生素D吸收不佳，尤其是腸道受損者。", "C50", False),
    ("維生素D可誘導白血病細胞分化。", "C66", False),
    ("每月注射一次50,000單位以維持水平。", "C18", False),
    ("Traditional Hong Kong food is poor in vitamin D.", "C34", False),
]
# Written after all of that, and not used to change anything.
FRESH = [
    ("High-dose vitamin D had no effect on progression-free survival in colorectal cancer.", "C10 C16", True),
    ("In our patients, energy returns within weeks of the first injection.", "C14 C01 C46", False),
    ("Vitamin D does not improve quality of life in palliative care.", "C15", True),
    ("Intramuscular vitamin D is useful in patients who cannot absorb fat.", "C03 C55", False),
    ("Tablets raise the level faster than injections do.", "C02 C51 C50", True),
    ("Randomized trials never showed that vitamin D makes chemotherapy more effective.", "C11", True),
    ("Hypercalcemia can damage the kidneys when the dose is too high.", "C21 C20", False),
    ("Vitamin D deficiency is common in people treated for cancer.", "C29", False),
    ("A deficiency does not cause leg cramps.", "C37", True),
    ("Low vitamin D makes bones ache.", "C36 C27", False),
    ("NK cells become more active after supplementation.", "C47", False),
    ("Vitamin D cannot cure leukemia.", "C73 C60 C65 C01", True),
    ("Vitamin D induces apoptosis of lymphoma cells.", "C65", False),
    ("Supplements reduce interleukin-6.", "C48", False),
    ("Vitamin D status is an independent prognostic factor in CLL.", "C75 C62", False),
    ("Leukemia patients have lower vitamin D than healthy controls.", "C61", False),
    ("Combining calcitriol with dexamethasone was tried to prevent hypercalcemia.", "C72", False),
    ("The effect lasts for several months after one injection.", "C53", False),
    ("Blood tests cannot guarantee that nothing goes wrong.", "C57", True),
    ("The injection is not suitable for people with kidney failure.", "C22", False),
    ("Mood improves when vitamin D is given.", "C49", False),
    ("維生素D補充劑可減輕骨痛。", "C45", False),
    ("血癌病人的維生素D水平較健康人低。", "C61", False),
    ("沒有證據顯示維生素D可改善疲倦。", "C14 C46", True),
    ("化療會損害腸黏膜，影響維生素D吸收。", "C31", False),
]
NO_CLAIM = [
    "The vitamin D assay was calibrated with NIST standards.",
    "Vitamin D was named in 1922.",
    "Our clinic is on the third floor, next to the pharmacy.",
    "Parking is free for patients who come for injections.",
    "Please bring your identity card and a list of allergies.",
    "Infants who are breastfed receive 400 IU of vitamin D daily.",
    "Vitamin D3 is made from lanolin.",
    "The vial must be protected from light.",
    "Ethics approval for the vitamin D study was granted in 2015.",
    "The committee met on Tuesday to discuss the budget.",
    "Vitamin D is a secosteroid.",
    "Samples were frozen at minus eighty degrees.",
    "She has worked at the clinic since 2011 and speaks Cantonese.",
    "Vitamin D metabolites were extracted with acetonitrile.",
    "Payment by credit card is accepted.",
]


@pytest.mark.parametrize(("given", "found"), [(SEEN, 44), (FRESH, 17)], ids=["seen", "fresh"])
def test_sentences_find_their_claim_and_denials_are_told(given: list[tuple[str, str, bool]], found: int) -> None:
    """Measured: 47 of 54 and 18 of 25 among three; of those found, every denial is told and none wrongly."""
    hits = [
        (next((p for m in propose(s)[0] for p in m.proposals if p["claim_id"] in wanted.split()), None), denies)
        for s, wanted, denies in given
    ]
    told = [(proposal["denied"], denies) for proposal, denies in hits if proposal]
    assert len(told) >= found
    assert sum(denied == denies for denied, denies in told) >= len(told) - 1


def test_sentences_without_a_claim_get_none() -> None:
    """Measured: 0 of 15."""
    assert sum(bool(propose(sentence)[0]) for sentence in NO_CLAIM) <= 1


@pytest.mark.parametrize(
    ("sentence", "claim", "denied"),
    [
        ("Vitamin D does not prevent cancer.", "C09", True),
        ("Vitamin D prevents not only cancer but much more.", "C09", False),
        ("Vitamin D doesn't reduce fatigue related to cancer.", "C14", True),
        ("Oral vitamin D is absorbed well with a damaged gut.", "C50", True),
        ("Regular blood tests make the treatment completely safe.", "C57", False),
        ("Supplements lower the risk of depression.", "C42", False),
        ("維生素D不能減輕癌症疲勞。", "C14", True),
        ("維生素D不足會增加感染風險。", "C40", False),
    ],
)
def test_a_denial(sentence: str, claim: str, denied: bool) -> None:
    proposals = {p["claim_id"]: p for m in propose(sentence)[0] for p in m.proposals}
    assert proposals[claim]["denied"] is denied
    assert bool(proposals[claim]["note"]) is denied
