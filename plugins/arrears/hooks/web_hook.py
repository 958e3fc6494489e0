"""A POST of JSON to a web hook, by an Airflow connection."""

from collections.abc import Mapping

import httpx

from arrears.errors import ConfigurationError, ServiceError

SECONDS = 10
"""How long it may take: whoever tells is a task that has failed and wants to end."""


def post(conn_id: str, payload: Mapping[str, object]) -> None:
    """Post to the address of a connection: a whole one as its host, or put together from schema (https), host and port.

    Its password, if any, goes along as a bearer token.

    Raises:
        ConfigurationError: the connection has no host.
        ServiceError: it was not reached, or did not take it. Without the address, which may be a secret.
    """
    from airflow.sdk import BaseHook

    connection = BaseHook.get_connection(conn_id)
    if not connection.host:
        raise ConfigurationError(f"connection {conn_id}: expected the address of a web hook as host, found none")
    port = f":{connection.port}" if connection.port else ""
    is_whole = "://" in connection.host
    address = connection.host if is_whole else f"{connection.schema or 'https'}://{connection.host}{port}"
    headers = {"Authorization": f"Bearer {connection.password}"} if connection.password else {}
    try:
        answer = httpx.post(address, json=payload, headers=headers, timeout=SECONDS)
    except httpx.HTTPError as error:
        raise ServiceError(f"connection {conn_id}: the web hook was not reached: {type(error).__name__}") from None
    if not answer.is_success:
        raise ServiceError(f"connection {conn_id}: the web hook answered {answer.status_code}")
