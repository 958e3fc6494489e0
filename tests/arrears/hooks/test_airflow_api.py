"""The client of Airflow's API, while Airflow has no answer."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from arrears.errors import ServiceError
from arrears.hooks import airflow_api
from arrears.hooks.airflow_api import AirflowApi
from arrears.settings import Settings

OK = httpx.Response(200, json={"state": "running", "dag_run_id": "r"})


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AirflowApi]:
    monkeypatch.setattr(airflow_api.time, "sleep", lambda _: None)
    monkeypatch.setenv("ARREARS_SECRET_AIRFLOW_USER_ADMIN", "secret")
    yield AirflowApi(Settings(home=tmp_path))


def answer(api: AirflowApi, *answers: httpx.Response | Exception) -> list[str]:
    """From now on Airflow answers so, the last for ever; the calls are noted."""
    calls: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        said = answers[min(len(calls), len(answers) - 1)]
        calls.append(request.method)
        if isinstance(said, Exception):
            raise said
        return said

    api._client = httpx.Client(base_url=api.url, transport=httpx.MockTransport(respond))
    return calls


def test_what_is_read_is_asked_for_again_until_there_is_an_answer(api: AirflowApi) -> None:
    calls = answer(api, httpx.Response(500), httpx.ReadTimeout("timed out"), OK)

    assert api.run("dag", "r").state == "running"
    assert len(calls) == 3


def test_patience_ends(api: AirflowApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_api, "PATIENCE_SECONDS", 0)
    answer(api, httpx.ReadTimeout("timed out"))

    with pytest.raises(ServiceError, match="does not answer"):
        api.run("dag", "r")


@pytest.mark.parametrize("status", [500, 409])
def test_a_run_is_started_once(api: AirflowApi, status: int) -> None:
    calls = answer(api, httpx.Response(status), OK)

    with pytest.raises(ServiceError, match=rf"refused POST .*: {status}"):
        api.trigger("dag", None, {})
    assert calls == ["POST"]


def test_what_is_not_there_is_not_asked_for_again(api: AirflowApi) -> None:
    calls = answer(api, httpx.Response(404), OK)

    with pytest.raises(ServiceError, match=r"refused GET .*: 404"):
        api.run("dag", "r")
    assert len(calls) == 1
