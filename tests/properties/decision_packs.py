"""Policy packs that nobody has seen: the shipped ones with rules changed by chance, and stricter ones of a pack."""

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from random import Random

from marts_warehouse import policy_pack

Line = dict[str, str]
SINCE = "1900-01-01"
BASIS = {"source": "Test", "confidence": "unverified", "valid_from": SINCE, "valid_to": ""}
PACKS = ("DEFAULT", "CN", "US", "GB", "IN", "EU")
LIMITED = ("", "phone", "sms", "field_visit", "care")


def unseen(directory: Path, as_of: date, seed: int) -> Path:
    """The shipped packs with other limits, hours, closures and treatments."""
    policy_pack(directory)
    random = Random(seed)
    _change(directory, "contact_limits", lambda lines: _limits(lines, random))
    _change(directory, "contact_windows", lambda lines: _windows(lines, random, as_of))
    _change(directory, "contact_rules", lambda lines: _rules(lines, random))
    _change(directory, "treatments", lambda lines: _treatments(lines, random))
    _change(directory, "challenger_treatments", lambda lines: _challengers(lines, random))
    _change(directory, "experiments", lambda lines: _experiments(lines, random, as_of))
    return directory


def stricter(base: Path, directory: Path) -> Path:
    """A pack that in every rule allows less than another."""
    directory.mkdir()
    for seed in base.glob("*.csv"):
        (directory / seed.name).write_bytes(seed.read_bytes())
    _change(directory, "contact_limits", lambda lines: [_lower(line) for line in lines])
    _change(directory, "contact_windows", lambda lines: [_narrower(line) for line in lines])
    _change(directory, "contact_rules", lambda lines: [_longer(line) for line in lines])
    return directory


def _limits(lines: list[Line], random: Random) -> list[Line]:
    for line in random.sample(lines, 12):
        line["at_most"] = str(max(0, int(line["at_most"]) + random.choice((-2, -1, 1, 3))))
    for pack in PACKS:
        keys = {
            (line["channel"], line["counted"], line["per"], line["days"])
            for line in lines
            if line["jurisdiction"] == pack
        }
        for _ in range(2):
            channel, days = random.choice(LIMITED), random.choice(("1", "3", "7", "30"))
            counted = random.choice(("attempt", "attempt", "unanswered", "answered", "conversation"))
            per = random.choice(("customer", "loan", "loan", "contact_point"))
            if (channel, counted, per, days) not in keys:
                lines.append(
                    BASIS
                    | {"jurisdiction": pack, "channel": channel, "counted": counted, "per": per, "days": days}
                    | {"at_most": str(random.choice((0, 1, 2, 4, 6))), "strength": "hard"}
                )
                keys.add((channel, counted, per, days))
    return lines


def _windows(lines: list[Line], random: Random, as_of: date) -> list[Line]:
    weekday = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[as_of.weekday()]
    for pack in random.sample(PACKS, 4):
        opens, closes = random.choice((("09:30", "18:00"), ("10:00", "20:30"), ("02:30", "12:00"), ("", "")))
        row = BASIS | {"jurisdiction": pack, "channel": random.choice(("phone", "sms", "field_visit"))}
        lines.append(row | {"weekday": random.choice((weekday, "holiday", "")), "opens": opens, "closes": closes})
    return _without_repeats(lines, ("jurisdiction", "channel", "weekday", "valid_from"))


def _rules(lines: list[Line], random: Random) -> list[Line]:
    for line in lines:
        reason, parameter = line["reason_code"], line["parameter"]
        if parameter.startswith("minimum_amount"):
            line["parameter"] = f"minimum_amount={random.choice(('0', '10.00', '10.01', '200.00'))}"
        elif reason in ("DISPUTED", "DECEASED", "REPRESENTED") and random.random() < 0.3:
            line["parameter"] = "joint_debtors=true"
        elif reason == "CHANNEL_REFUSED" and random.random() < 0.3:
            line["parameter"] = random.choice(("requires_granted=true", "opt_out_closes=all"))
        elif reason in ("COMPLAINT_OPEN", "FRAUD_VICTIM", "VULNERABLE") and random.random() < 0.4:
            line["blocks_until"] = random.choice(("3", "30"))
        elif reason == "CONVERSATION_PAUSE":
            line["blocks_until"] = random.choice(("1", "3", "7", "14"))
    dropped = random.choice(("ACTIVE_MILITARY", "NO_VISITS", "CONVERSATION_PAUSE"))
    return [line for line in lines if (line["jurisdiction"], line["reason_code"]) != ("EU", dropped)]


def _treatments(lines: list[Line], random: Random) -> list[Line]:
    more = (
        ("M1", "1", "30", "field_visit", "4", "lost_contact"),
        ("M2", "", "", "sms", "2", ""),
        ("M3", "61", "75", "sms", "1", ""),
        ("M7_plus", "", "", "phone", "1", ""),
        ("pre_due", "", "", "phone", "2", ""),
        ("write_off", "", "", "phone", "2", ""),
    )
    for tier, first, last, channel, step, requires in random.sample(more, 3):
        row = BASIS | {"tier": tier, "dpd_from": first, "dpd_to": last, "channel": channel, "step": step}
        lines.append(row | {"template_or_offer": "", "tone": "firm", "requires": requires})
    return lines


def _challengers(lines: list[Line], random: Random) -> list[Line]:
    """A later and a gentler one; in the tiers of which they do not speak the standard holds."""
    row = BASIS | {"treatment": "late", "tone": "gentle", "step": "1", "template_or_offer": "", "requires": ""}
    first = random.choice(("4", "12"))
    lines.append(row | {"tier": "M1", "dpd_from": first, "dpd_to": "30", "channel": "sms"})
    lines.append(row | {"tier": "M2", "dpd_from": "45", "dpd_to": "", "channel": "phone"})
    return [*lines, row | {"treatment": "quiet", "tier": "M1", "dpd_from": "8", "dpd_to": "30", "channel": "phone"}]


def _experiments(lines: list[Line], random: Random, as_of: date) -> list[Line]:
    """One of early tiers with a hold-out and challengers, one of late tiers, one that is over and one to come."""
    begun = as_of - timedelta(days=random.choice((0, 60, 150, 400)))
    shares = random.choice((("0.5", "0.2", "0.2", "0.1"), ("0.25", "0.25", "0.25", "0.25")))
    treatments = ("standard", "hold_out", "late", "quiet")
    of_product = random.choice(("", " product=personal", " jurisdiction=CN jurisdiction=US"))
    early = "tier=pre_due tier=M1 tier=M2" + of_product
    rows = [("early", share, early, treatment) for share, treatment in zip(shares, treatments, strict=True)]
    rows += [("later", "0.7", "tier=M3 tier=M6 tier=write_off", name) for name in ("standard", "hold_out")]
    rows[-1] = ("later", "0.3", *rows[-1][2:])
    for name, share, population, treatment in rows:
        arm = "champion" if treatment == "standard" else f"arm_{treatment}"
        lines.append(_arm(name, arm, share, population, treatment, begun.isoformat(), ""))
    for name, start, end in (("over", SINCE, as_of), ("to_come", as_of + timedelta(days=1), "")):
        lines.append(_arm(name, "champion", "0.5", "", "standard", str(start), str(end)))
        lines.append(_arm(name, "nobody", "0.5", "", "hold_out", str(start), str(end)))
    return lines


def _arm(experiment: str, arm: str, share: str, population: str, treatment: str, start: str, end: str) -> Line:
    row = {"experiment": experiment, "arm": arm, "share": share, "population": population, "treatment": treatment}
    return BASIS | row | {"least_effect": "0.02", "valid_from": start, "valid_to": end}


def _lower(line: Line) -> Line:
    return line | {"at_most": str(max(0, int(line["at_most"]) - 1))}


def _narrower(line: Line) -> Line:
    if not line["closes"]:
        return line
    opens, closes = (int(line[name][:2]) for name in ("opens", "closes"))
    return line | {"opens": f"{opens + 1:02}:30", "closes": f"{closes - 2:02}:30"}


def _longer(line: Line) -> Line:
    if line["blocks_until"] != "lifted":
        return line | {"blocks_until": str(int(line["blocks_until"]) + 3)}
    if line["parameter"].startswith("minimum_amount"):
        return line | {"parameter": "minimum_amount=600.00"}
    if line["reason_code"] == "CHANNEL_REFUSED":
        return line | {"parameter": line["parameter"] or "opt_out_closes=all"}
    # A closure of one channel closes all.
    return line if line["parameter"] else line | {"applies_to_channel": ""}


def _without_repeats(lines: list[Line], key: tuple[str, ...]) -> list[Line]:
    return list({tuple(line[name] for name in key): line for line in reversed(lines)}.values())[::-1]


def _change(directory: Path, seed: str, change: Callable[[list[Line]], list[Line]]) -> None:
    path = directory / f"{seed}.csv"
    with path.open(newline="") as rows:
        reader = csv.DictReader(rows)
        lines, names = list(reader), list(reader.fieldnames or ())
    changed = change(lines)
    with path.open("w", newline="") as rows:
        writer = csv.DictWriter(rows, names)
        writer.writeheader()
        writer.writerows(
            _without_repeats(changed, tuple(name for name in names if name not in ("source", "confidence")))
        )
