"""Set up Superset, run by its own Python (`.venv-bi`): its tables, its administrator, the dashboards from the archive.

    python bi/set_up.py assets.zip

Every step may be done again. It is one process, since each of Superset's own commands takes seconds to start.
"""

import os
import sys
from pathlib import Path
from zipfile import ZipFile

import yaml
from flask import g
from flask_migrate import upgrade
from superset.app import create_app

DATABASE_FILE = "databases/arrears.yaml"


def set_up(bundle: Path) -> None:
    from superset import appbuilder, db, security_manager
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.commands.importers.v1.utils import get_contents_from_bundle
    from superset.models.slice import Slice

    upgrade()
    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()
    g.user = _administrator(security_manager)
    with ZipFile(bundle) as archive:
        contents = get_contents_from_bundle(archive)
    # The import of dashboards alone leaves charts that are there as they are; that of assets replaces all.
    ImportAssetsCommand(contents, passwords={DATABASE_FILE: os.environ["WAREHOUSE_PASSWORD"]}).run()
    charts = {yaml.safe_load(text)["uuid"] for name, text in contents.items() if name.startswith("charts/")}
    for chart in db.session.query(Slice).filter(Slice.is_managed_externally):
        if str(chart.uuid) not in charts:
            db.session.delete(chart)
    db.session.commit()


def _administrator(security_manager):
    name, password = os.environ["SUPERSET_ADMIN"], os.environ["SUPERSET_ADMIN_PASSWORD"]
    user = security_manager.find_user(name)
    if user is None:
        role = security_manager.find_role("Admin")
        user = security_manager.add_user(name, "Arrears", "Admin", f"{name}@localhost", role, password=password)
    else:
        security_manager.reset_password(user.id, password)
    return user


if __name__ == "__main__":
    application = create_app()
    with application.app_context():
        set_up(Path(sys.argv[1]))
