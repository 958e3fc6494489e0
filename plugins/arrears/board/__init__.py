"""The board: a day of Arrears on one page inside Airflow, with the documents that the DAGs write beside it."""
