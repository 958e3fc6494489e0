"""What the DAGs hand to each other. Each event carries the business date as its partition key."""

from airflow.sdk import Asset

LANDING = Asset(name="landing", uri="arrears://warehouse/landing")
MARTS = Asset(name="marts", uri="arrears://warehouse/marts")
CHECKED_MARTS = Asset(name="checked_marts", uri="arrears://warehouse/checked_marts")
"""The marts of a day passed their gate, whether or not lists follow from them."""
CONTACT_LISTS = Asset(name="contact_lists", uri="arrears://vendors/contact_lists")
VENDOR_RESULTS = Asset(name="vendor_results", uri="arrears://warehouse/vendor_results")
RECALLS = Asset(name="recalls", uri="arrears://vendors/recalls")
