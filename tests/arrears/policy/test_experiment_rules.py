"""The check of experiments: arms that can be compared, and none that does more than the policy allows."""

from pathlib import Path

import pytest
from marts_warehouse import policy_pack

from arrears.policy.check import check

BASIS = "2026-01-01,,Board paper 7,verified"
SOUND = [
    f"words,champion,0.5,tier=M1 product=auto,standard,0.02,{BASIS}",
    f"words,gentle,0.4,tier=M1 product=auto,gentle_m1,0.02,{BASIS}",
    f"words,alone,0.1,tier=M1 product=auto,hold_out,0.02,{BASIS}",
    f"later,champion,0.9,tier=M2 jurisdiction=CN,standard,0.05,{BASIS}",
    f"later,alone,0.1,tier=M2 jurisdiction=CN,hold_out,0.05,{BASIS}",
]
GENTLE = [f"gentle_m1,M1,4,30,sms,M1_GENTLE,gentle,1,,{BASIS}"]


def _found(directory: Path, experiments: list[str], challengers: list[str]) -> list[str]:
    pack = check(policy_pack(directory, experiments=experiments, challenger_treatments=challengers))
    return [str(finding) for finding in pack.findings]


def test_sound_experiments_pass(tmp_path: Path) -> None:
    assert _found(tmp_path, SOUND, GENTLE) == []


AUTO, CN = "tier=M1 product=auto", "tier=M2 jurisdiction=CN"
WRONG: dict[str, tuple[str, str, str]] = {
    # what: from, to, what the finding says
    "shares": (
        f"alone,0.1,{AUTO}",
        f"alone,0.2,{AUTO}",
        "line 2, column share: expected shares of words that sum to 1",
    ),
    "no champion": ("words,champion", "words,usual", "an arm champion of words, found none"),
    "champion does otherwise": (f"0.9,{CN},standard", f"0.9,{CN},hold_out", "standard, as the arm is champion"),
    "one arm": (SOUND[4], "", "two arms of later or more"),
    "unknown treatment": (f"{AUTO},gentle_m1", f"{AUTO},kind", "treatment: expected gentle_m1 or hold_out or standard"),
    "treatment of another tier": (
        "gentle_m1,M1,4,30,sms",
        "gentle_m1,M2,,,phone",
        "rows of gentle_m1 for the population",
    ),
    "treatment that ends": ("gentle,1,,2026-01-01,", "gentle,1,,2026-01-01,2026-02-01", "none on 2026-02-01"),
    "other population": (f"alone,0.1,{AUTO}", "alone,0.1,tier=M1", f"{AUTO}, as line 2 has, found tier=M1"),
    "unknown tier": ("tier=M2", "tier=M99", "a tier that is known, found tier=M99"),
    "unknown jurisdiction": ("jurisdiction=CN", "jurisdiction=ZZ", "a jurisdiction that is known"),
    "unknown word": ("jurisdiction=CN", "city=Wuhan", "found city=Wuhan"),
    "overlap": (CN, "jurisdiction=CN", "customers whom words (line 2) has not, found an overlap"),
    "two hold-outs": (f"{AUTO},gentle_m1", f"{AUTO},hold_out", "one hold-out"),
    "no share": ("alone,0.1,tier=M2", "alone,0,tier=M2", "column share: expected a number above 0"),
    "no effect": ("hold_out,0.05", "hold_out,0", "column least_effect"),
    "firmer": ("M1_GENTLE,gentle", "M1_GENTLE,firm", "gentle or gentler, as the standard is, found firm"),
    "more channels": ("M1,4,30,sms", "M1,4,30,field_visit", "on which the standard uses field_visit in M1"),
    "earlier": ("M1,4,30,sms,M1_GENTLE", "M1,4,30,phone,", "on which the standard uses phone in M1"),
    "under another condition": ("gentle,1,,2026", "gentle,1,wilful,2026", "under the same condition"),
    "less help": ("M1,4,30,sms", "M1,4,30,care", "an optional channel"),
    "reserved name": ("gentle_m1,M1,4", "standard,M1,4", "a name of its own, found standard"),
}


@pytest.mark.parametrize("what", WRONG)
def test_malformed_experiment_is_refused(tmp_path: Path, what: str) -> None:
    old, new, says = WRONG[what]
    changed = ["\n".join(lines).replace(old, new).splitlines() for lines in (SOUND, GENTLE)]
    assert changed != [SOUND, GENTLE]

    found = _found(tmp_path, *([line for line in lines if line] for lines in changed))

    assert any(says in text for text in found), found


def test_experiments_of_other_days_do_not_meet(tmp_path: Path) -> None:
    ended = [line.replace("2026-01-01,,", "2025-01-01,2026-01-01,").replace("words", "before") for line in SOUND[:1]]
    ended += [ended[0].replace("before,champion,0.5", "before,alone,0.5").replace("standard", "hold_out")]
    assert _found(tmp_path, SOUND + ended, GENTLE) == []


def test_arm_has_one_share_for_all_time(tmp_path: Path) -> None:
    """A draw that changes while it lasts is none."""
    changed = [line.replace("2026-01-01,,", "2026-01-01,2026-02-01,") for line in SOUND[3:]]
    changed += [
        line.replace("2026-01-01,,", "2026-02-01,,").replace(share, "0.5")
        for line, share in zip(SOUND[3:], ("0.9", "0.1"), strict=True)
    ]
    found = _found(tmp_path, changed, [])
    assert any("column valid_from: expected 2026-01-01, as line 2 has, found 2026-02-01" in text for text in found), (
        found
    )
