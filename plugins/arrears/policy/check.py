"""Whether a policy pack may decide anything: the check of `arrears policy check` and of every build of the marts."""

from pathlib import Path

from arrears.errors import ConfigurationError
from arrears.policy import experiments, rules, strictness
from arrears.policy.pack import Finding, Pack, read_pack

_SHOWN = 5


def check(directory: Path) -> Pack:
    """Read a policy directory; the pack's `findings` are everything that is wrong with it, in the order of the files.

    Raises:
        ConfigurationError: there is no such directory.
    """
    pack = read_pack(directory)
    pack.findings += rules.findings(pack)
    if not pack.findings:
        # Compared only where each pack is sound by itself: a row that is missing makes any other look stricter.
        pack.findings += strictness.findings(pack)
        pack.findings += experiments.findings(pack)
    pack.findings.sort(key=_place)
    return pack


def require_sound(directory: Path) -> Pack:
    """The pack of a directory.

    Raises:
        ConfigurationError: something is wrong with it; names the first findings and how many there are.
    """
    pack = check(directory)
    if pack.findings:
        first = "; ".join(str(finding) for finding in pack.findings[:_SHOWN])
        more = len(pack.findings) - _SHOWN
        rest = f"; and {more} more" if more > 0 else ""
        raise ConfigurationError(
            f"policy packs in {directory}: {first}{rest}. `arrears policy check {directory}` has all"
        )
    return pack


def _place(finding: Finding) -> tuple[str, int, str]:
    return finding.file, finding.line or 0, finding.column or ""
