# `arrears`, one image for Airflow's parts and the demo vendors, and `superset`, which adds the dashboards: the same locked
# versions as the embedded system.
FROM python:3.11-slim-bookworm AS arrears

RUN useradd --create-home --uid 50000 arrears \
    && mkdir -p /opt/arrears /var/lib/arrears \
    && chown arrears /opt/arrears /var/lib/arrears

WORKDIR /opt/arrears
COPY requirements/bootstrap.txt requirements/runtime.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/bootstrap.txt \
    && uv pip install --system --no-cache --compile-bytecode --require-hashes -r requirements/runtime.txt

COPY --chown=arrears pyproject.toml ./
COPY --chown=arrears plugins plugins
RUN uv pip install --system --no-cache --no-deps --no-build-isolation -e .
COPY --chown=arrears dags dags
COPY --chown=arrears dbt_project dbt_project
COPY --chown=arrears expectations expectations
COPY --chown=arrears bi bi

USER arrears
ENV ARREARS_HOME=/var/lib/arrears

FROM arrears AS superset
COPY --chown=arrears requirements/bi.txt requirements/
RUN uv venv --python python3.11 .venv-bi \
    && uv pip install --python .venv-bi/bin/python --no-cache --compile-bytecode --require-hashes -r requirements/bi.txt
