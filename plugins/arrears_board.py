"""The board inside Airflow's own web page: its entry in the navigation, and the application behind it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

Message = MutableMapping[str, Any]


async def board(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """The application, imported when it is first asked for: all processes of Airflow read this file, one serves it."""
    from arrears.board.app import app

    await app(scope, receive, send)


class ArrearsBoard(AirflowPlugin):
    """A page in the navigation, and beside it the documents that it links to."""

    name = "arrears_board"
    fastapi_apps: ClassVar = [{"app": board, "url_prefix": "/arrears", "name": "Arrears board"}]
    external_views: ClassVar = [
        {
            "name": "Arrears",
            # Relative, so that it holds behind a proxy that puts Airflow below a path.
            "href": "arrears/",
            "destination": "nav",
            "url_route": "arrears",
            "nav_top_level": True,
        }
    ]
