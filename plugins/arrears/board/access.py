"""Who may see what: Airflow's own users, tokens and roles.

Airflow asks nobody for a token on the pages of a plugin: every route of the board has one of these as its dependency.
"""

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, ConnectionDetails
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import HTTPException, status

CUSTOMERS = "Arrears customers"
"""What a role must be allowed to read to look up a customer, where the auth manager knows views of plugins."""


def figures_reader(user: GetUserDep) -> BaseUser:
    """The user, who may see figures: whoever may see Airflow's web page."""
    if not get_auth_manager().is_authorized_view(access_view=AccessView.WEBSITE, user=user):
        raise HTTPException(status.HTTP_403_FORBIDDEN, "Your role may not see Airflow's web page, nor the board.")
    return user


def customers_reader(user: GetUserDep) -> BaseUser:
    """The user, who may look up a customer."""
    if not may_look_up(user):
        raise HTTPException(status.HTTP_403_FORBIDDEN, "Your role may see figures, and no customer.")
    return user


def may_look_up(user: BaseUser) -> bool:
    """Whether the user may see a customer's decision.

    The simple auth manager lets every user see every view of a plugin: there it takes the role `op`, who may read the
    connections, and with them all that a customer's page shows.
    """
    manager = get_auth_manager()
    if isinstance(manager, SimpleAuthManager) and isinstance(user, SimpleAuthManagerUser):
        warehouse = ConnectionDetails(conn_id="warehouse")
        return manager.is_authorized_connection(method="GET", details=warehouse, user=user)
    return manager.is_authorized_custom_view(method="GET", resource_name=CUSTOMERS, user=user)
