"""Where Airflow sends lineage and metrics, ours among them: nowhere unless a setting says so."""

import json
from urllib.parse import urlsplit

from arrears.errors import ConfigurationError
from arrears.settings import Settings

_WITHOUT_CODE = {"scope": {}, "controls": {"include_source_code": False}}
"""Of tasks that are functions; where a task is defined stands in its event as it is."""


def telemetry_environment(settings: Settings) -> dict[str, str]:
    """Airflow's configuration for both.

    Raises:
        ConfigurationError: an address that nothing can be sent to.
    """
    return _lineage(settings) | _metrics(settings)


def _lineage(settings: Settings) -> dict[str, str]:
    if not settings.lineage_to:
        # Whatever OPENLINEAGE_… the environment brings along: by our setting or not at all.
        return {"AIRFLOW__OPENLINEAGE__DISABLED": "True"}
    from arrears.lineage import NAMESPACE, transport

    return {
        "AIRFLOW__OPENLINEAGE__DISABLED": "False",
        "AIRFLOW__OPENLINEAGE__NAMESPACE": NAMESPACE,
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport(settings.lineage_to)),
        "AIRFLOW__OPENLINEAGE__EMISSION_POLICY": json.dumps([_WITHOUT_CODE]),
    }


def _metrics(settings: Settings) -> dict[str, str]:
    if not settings.metrics_to:
        return {}
    address = urlsplit(settings.metrics_to)
    # Names with DAGs and tasks in them, beside tags that say the same, would be sent twice.
    common = {"AIRFLOW__METRICS__LEGACY_NAMES_ON": "False"}
    if address.scheme == "statsd" and address.hostname:
        return common | {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": address.hostname,
            "AIRFLOW__METRICS__STATSD_PORT": str(address.port or 8125),
            # Plain StatsD has no tags; in this notation Telegraf, Vector and Prometheus' exporter read them.
            "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
        }
    if address.scheme in ("http", "https") and address.hostname:
        return common | {
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_ENDPOINT": settings.metrics_to,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_SERVICE_NAME": "arrears",
        }
    raise ConfigurationError(
        f"ARREARS_METRICS_TO: expected statsd://host:port or the http(s) address of an OpenTelemetry collector, "
        f"found {settings.metrics_to!r}"
    )
