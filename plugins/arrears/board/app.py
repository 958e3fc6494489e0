"""The board's web application; Airflow mounts it beside its own pages.

Every route depends on Airflow's authentication (`access`). What a page shows is read when it is asked for.
"""

from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import psycopg2
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.common.db.common import SessionDep
from fastapi import Depends, FastAPI, Form, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from arrears.board import documents
from arrears.board.access import customers_reader, figures_reader, may_look_up
from arrears.board.customer import explained
from arrears.board.notices import notices
from arrears.board.pages import render
from arrears.board.parts import CHANNELS, known_days, problem_of, read_day, reader
from arrears.board.runs import dag_states
from arrears.errors import ArrearsError
from arrears.settings import get_settings

PREFIX = "/arrears"
"""Where Airflow mounts the application."""

OURS = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'"
)
DATA_DOCS = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
DBT_DOCS = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:"
"""What a browser may load for a page: nothing from elsewhere, whatever a document asks for."""

FiguresReader = Annotated[BaseUser, Depends(figures_reader)]
CustomersReader = Annotated[BaseUser, Depends(customers_reader)]

app = FastAPI(title="Arrears", docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/")
def board(request: Request, user: FiguresReader, session: SessionDep, day: str = "") -> HTMLResponse:
    """A business date at a glance; the newest one unless another is asked for."""
    settings, now = get_settings(), datetime.now(UTC)
    try:
        with reader(settings) as warehouse:
            days = known_days(warehouse)
            shown = _date(day) or (days[0] if days else None)
            found = read_day(warehouse, shown, now=now, settings=settings) if shown else None
    except psycopg2.Error as error:
        return _page(request, user, "unread.html", problem=problem_of(error), status=503)
    if shown is None or found is None:
        return _page(request, user, "empty.html")
    dags = dag_states(session, user, shown, is_newest=shown == days[0])
    return _page(
        request,
        user,
        "day.html",
        day=shown,
        days=days,
        earlier=max((each for each in days if each < shown), default=None),
        later=min((each for each in days if each > shown), default=None),
        read_at=now,
        zone=settings.bank_tz,
        channels=CHANNELS,
        parts=found,
        dags=dags,
        notices=notices(found, dags),
        has_page=lambda path: path is not None and documents.data_docs(settings, path) is not None,
    )


@app.get("/customer")
def ask_for_customer(request: Request, user: CustomersReader, day: str = "") -> HTMLResponse:
    """The form that asks for a customer."""
    return _page(request, user, "customer.html", found=None, problem=None, customer_id="", day=_date(day) or "")


@app.post("/customer")
def look_up_customer(
    request: Request, user: CustomersReader, customer_id: Annotated[str, Form()], day: Annotated[str, Form()]
) -> HTMLResponse:
    """A customer's decisions of a day; that they were looked at is written down. The id is in no address and no log."""
    asked, as_of = customer_id.strip(), _date(day)
    found, problem, status = None, None, 200
    if not asked or as_of is None:
        problem, status = "Give the customer's id and a day, such as 2020-04-15.", 400
    else:
        try:
            found = explained(get_settings(), customer_id=asked, as_of=as_of, asked_by=user.get_name())
        except ArrearsError as error:
            problem, status = str(error), 404
        except psycopg2.Error as error:
            problem, status = problem_of(error), 503
    return _page(
        request, user, "customer.html", status=status, found=found, problem=problem, customer_id=asked, day=as_of or ""
    )


@app.get("/docs/data/{path:path}")
def data_docs(request: Request, user: FiguresReader, path: str) -> HTMLResponse:
    """A page of Data Docs: what a gate checked and found, in counts."""
    return _document(request, user, documents.data_docs(get_settings(), path or "index.html"), DATA_DOCS)


@app.get("/docs/dbt/")
def dbt_docs(request: Request, user: FiguresReader) -> HTMLResponse:
    """dbt's documentation of models and columns, below the board's own navigation."""
    is_there = documents.dbt_docs(get_settings()) is not None
    return _page(request, user, "models.html" if is_there else "no_document.html", status=200 if is_there else 404)


@app.get("/docs/dbt/page")
def dbt_page(request: Request, user: FiguresReader) -> HTMLResponse:
    """The one file that dbt writes, with a style sheet that makes it fit a phone and the dark."""
    style = f'<link rel="stylesheet" href="{_places(request)["board"]}/static/dbt.css"></head>'
    return _document(request, user, documents.dbt_docs(get_settings()), DBT_DOCS, style)


@app.get("/docs/dbt/{picture:path}")
def dbt_picture(_: FiguresReader, picture: str) -> Response:
    """Nothing: dbt's page asks for pictures by what its script fills in only later, which a browser calls an error."""
    return Response(status_code=204)


@app.get("/static/{name}")
def static(name: str) -> Response:
    """Style sheet and script: alone of all open to everybody, since the page that refuses somebody needs them, too."""
    kind = {"board.css": "text/css", "board.js": "text/javascript", "dbt.css": "text/css"}.get(name)
    if kind is None:
        raise HTTPException(404)
    return Response(_static(name), media_type=kind, headers={"Cache-Control": "max-age=300"})


@app.exception_handler(HTTPException)
def refuse(request: Request, error: HTTPException) -> HTMLResponse:
    """A page in place of JSON: it is a person who reads it."""
    return _html(
        render("refused.html", **_places(request), status=error.status_code, detail=error.detail), error.status_code
    )


def _document(request: Request, user: BaseUser, path: Path | None, policy: str, style: str = "") -> HTMLResponse:
    if path is None:
        return _page(request, user, "no_document.html", status=404)
    text = path.read_text(encoding="utf-8")
    return _html(text.replace("</head>", style, 1) if style else text, policy=policy)


def _page(request: Request, user: BaseUser, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    return _html(render(template, **_places(request), may_look_up=may_look_up(user), **values), status)


def _places(request: Request) -> dict[str, str]:
    """Where the board and Airflow itself begin, whatever path a proxy puts before them."""
    root = request.scope.get("root_path", "")
    return {"board": root, "airflow": root.removesuffix(PREFIX)}


def _html(text: str, status: int = 200, policy: str = OURS) -> HTMLResponse:
    headers = {
        "Content-Security-Policy": f"{policy}; frame-ancestors 'self'",
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(text, status, headers)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@cache
def _static(name: str) -> bytes:
    return files("arrears.board").joinpath("static", name).read_bytes()
