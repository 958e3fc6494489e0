"""Contact values as they may be shown to anybody who works on a case."""

HIDDEN = "•••"


def mask(kind: str, value: str | None) -> str | None:
    """Enough to tell two contact points of one customer apart, too little to reach anybody."""
    if value is None:
        return None
    if kind in ("mobile", "landline") and len(value) >= 8:
        return value[:3] + HIDDEN + value[-2:]
    if kind == "email":
        return HIDDEN + "@" + HIDDEN
    return HIDDEN
