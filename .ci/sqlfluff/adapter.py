"""dbt's `adapter` for sqlfluff, which renders the project without dbt: the macro that PostgreSQL would get."""

from collections.abc import Callable
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context


@pass_context
def dispatch(context: Context, name: str, package: str | None = None) -> Callable[..., Any]:
    """The macro `postgres__<name>`, or `default__<name>` where PostgreSQL has none of its own."""
    for prefix in ("postgres", "default"):
        macro = context.get(f"{prefix}__{name}")
        if macro is not None:
            return macro
    raise LookupError(f"macro {name}: expected postgres__{name} or default__{name} among the macros, found neither")
