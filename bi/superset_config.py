"""Superset's configuration, beyond its defaults. `arrears bi` gives what varies in the environment."""

import os
from copy import deepcopy

from superset.config import TALISMAN_CONFIG as _SHIPPED

SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = os.environ["SUPERSET_METADATA_URI"]

# The pages can be read in both; the dashboards are in both at once.
LANGUAGES = {
    "en": {"flag": "us", "name": "English"},
    "zh": {"flag": "cn", "name": "简体中文"},
}

# Figures of the day stand for a while; a build of the marts shows within this many seconds.
DATA_CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache", "CACHE_DEFAULT_TIMEOUT": 60}

# Superset's pages would tell its makers of each visit.
TALISMAN_CONFIG = deepcopy(_SHIPPED)
TALISMAN_CONFIG["content_security_policy"]["img-src"] = ["'self'", "blob:", "data:"]

# A query is given up where PostgreSQL gives it up, too (BI_LIMITS of bi_reader).
SQLLAB_TIMEOUT = 300
SUPERSET_WEBSERVER_TIMEOUT = 300
