"""A small valid directory of contract files that tests break in one place each."""

from pathlib import Path

STAMP = "2026-01-05T20:00:00+08:00"
FILES = {
    "customers": f"customer_id,full_name,jurisdiction,updated_at\nC1,Test Person,US,{STAMP}\nC2,,CN,{STAMP}\n",
    "loans": (
        "loan_id,customer_id,product,currency,principal,disbursed_on,day_count,status,updated_at\n"
        f"L1,C1,auto,USD,300.00,2025-12-10,actual,active,{STAMP}\n"
    ),
    "repayment_schedule": (
        "loan_id,schedule_version,effective_from,instalment_no,due_date,principal_due,updated_at\n"
        + "".join(f"L1,1,2025-12-10,{n},2026-0{n}-10,100.00,{STAMP}\n" for n in (1, 2, 3))
    ),
    "loan_transactions": (
        f"transaction_id,loan_id,kind,amount,effective_on,recorded_at\nT1,L1,repayment,100.00,2026-01-05,{STAMP}\n"
    ),
}


class Directory:
    """A directory of contract files that starts out valid."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for table, text in FILES.items():
            self.write(table, text)

    def write(self, table: str, text: str | bytes) -> Path:
        path = self.path / f"{table}.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def edit(self, table: str, old: str, new: str) -> None:
        text = (self.path / f"{table}.csv").read_text()
        assert old in text
        self.write(table, text.replace(old, new, 1))
