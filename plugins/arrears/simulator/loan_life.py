"""What a borrower does with a loan, month after month: the rates of a real tape, drawn from the loan's own chance."""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from random import Random

from arrears.domain.amortisation import add_months, level_instalment, month_end, split
from arrears.simulator.book import Instalment
from arrears.simulator.calibration import ENDS, STATES, TAPE_RATES

WRITE_OFF_AT = 8
"""Months behind at which the bank writes a loan off."""
_LATE_WITHIN_MONTH = 0.06
_BOUNCES = 0.004
_PAYS_PART = 0.15
_WAIVED = 0.02
_HARDSHIP = 0.04
_STUCK = 0.20
"""Of the loans that stay at three and more, those that pay one instalment a month and no arrears."""
_EXTENSION = 12
"""Instalments added by a term extension."""


@dataclass(frozen=True)
class Movement:
    """A transaction in the making; amounts in cents. `reverses` is the position of the reversed one."""

    kind: str
    cents: int
    on: date
    reverses: int | None = None


@dataclass(frozen=True)
class Relief:
    """A hardship arrangement."""

    kind: str
    starts_on: date
    ends_on: date
    status: str
    schedule_version: int | None = None
    reduced_amount: int | None = None


@dataclass(frozen=True)
class LateMonth:
    """A month at whose end instalments were unpaid."""

    due_on: date
    ends_on: date
    unpaid: int


@dataclass(frozen=True)
class Terms:
    """What was agreed; the principal in cents."""

    principal: int
    annual_rate: Decimal
    count: int
    first_due: date
    fee: int = 0


@dataclass
class LoanLife:
    """Plays one loan from its first due date to `end`; nothing that it holds lies after `end`."""

    terms: Terms
    end: date
    chance: Random
    risk: float
    """How much likelier than the average loan this one is to fall behind."""
    movements: list[Movement] = field(default_factory=list)
    late_months: list[LateMonth] = field(default_factory=list)
    reliefs: list[Relief] = field(default_factory=list)
    schedules: list[tuple[date | None, list[Instalment]]] = field(default_factory=list)
    """Each version's first day (None for the first version: the loan's own) and instalments."""
    closed_on: date | None = None
    written_off_on: date | None = None
    _is_over: bool = False
    _due_before: int = 0
    """Instalments that were due by the last month's end."""
    _paid: int = 0
    _cumulative: list[int] = field(default_factory=list)
    _paused_until: date | None = None
    _reduced_until: date | None = None

    def play(self) -> None:
        self._start_schedule(None, self.terms.principal, self.terms.count, self.terms.first_due, self.terms.fee)
        month = 0
        while not self._is_over:
            due_on = add_months(self._instalments[0].due_on, month, self.terms.first_due.day)
            if due_on > self.end:
                return
            due = min(month + 1, len(self._instalments))
            restructured = self._live_through(due_on, due)
            month = 0 if restructured else month + 1

    # One month ----------------------------------------------------------------------------------------------------
    def _live_through(self, due_on: date, due: int) -> bool:
        """One month with `due` instalments due by its end; tells whether a new schedule begins."""
        before = max(0, self._due_before - self._settled)
        self._due_before = due
        if self._in_relief(due_on, due):
            unpaid = due - self._settled
        else:
            to = "written_off" if self._is_hopeless(due_on) else self._draw(before)
            if to in ENDS:
                self._finish(to, due_on, due)
                return False
            unpaid = self._move(before, to, due_on, due)
        if unpaid > 0:
            self.late_months.append(LateMonth(due_on, month_end(due_on), unpaid))
        elif self._settled == len(self._instalments):
            self.closed_on, self._is_over = self.movements[-1].on, True
        return 2 <= unpaid <= 4 and self.chance.random() < _HARDSHIP and self._ask_for_relief(due_on)

    def _is_hopeless(self, due_on: date) -> bool:
        oldest = self._instalments[self._settled].due_on
        return (due_on.year - oldest.year) * 12 + due_on.month - oldest.month >= WRITE_OFF_AT

    def _draw(self, unpaid: int) -> str:
        """The next state by the tape's rates; the risk of the loan counts where it begins to fall behind."""
        rates = dict(TAPE_RATES[STATES[min(unpaid, 3)]])
        if unpaid == 0:
            rates["1"] *= self.risk
        return self.chance.choices(list(rates), list(rates.values()))[0]

    def _move(self, before: int, to: str, due_on: date, due: int) -> int:
        """Pay what leads to the drawn state; returns the unpaid instalments at the month's end."""
        unpaid = int(to.rstrip("+"))
        if to == "3+" and before >= 3:
            unpaid = before if self.chance.random() < _STUCK else before + 1
        unpaid = min(unpaid, due - self._settled)
        owed = self._cumulative[due - unpaid] - self._paid
        if owed > 0:
            self._pay(owed, self._payment_day(due_on, is_late=before > 0 or unpaid > 0), may_bounce=True)
        elif self._paid == self._cumulative[self._settled]:
            self._pay_part(due_on, before)
        return due - self._settled

    def _payment_day(self, due_on: date, *, is_late: bool) -> date:
        last = month_end(due_on)
        if is_late:
            return due_on.replace(day=self.chance.randint(1, last.day))
        if self.chance.random() < _LATE_WITHIN_MONTH:
            return min(last, due_on + timedelta(days=self.chance.randint(1, 10)))
        return due_on - timedelta(days=self.chance.randint(0, 3))

    def _pay(self, cents: int, on: date, *, may_bounce: bool = False) -> None:
        position = len(self.movements)
        self._book("repayment", cents, on)
        if may_bounce and self.chance.random() < _BOUNCES:
            again_on = on + timedelta(days=self.chance.randint(6, 9))
            if again_on <= month_end(on):
                self._book("reversal", cents, on + timedelta(days=self.chance.randint(2, 5)), position)
                self._book("repayment", cents, again_on)

    def _pay_part(self, due_on: date, before: int) -> None:
        """Now and then a part of the oldest instalment, or the bank waives a little of it."""
        remaining = self._instalments[min(self._settled, len(self._instalments) - 1)].amount
        drawn = self.chance.random()
        day = due_on.replace(day=self.chance.randint(due_on.day, month_end(due_on).day))
        if drawn < _PAYS_PART:
            self._pay(remaining * self.chance.randint(30, 80) // 100, day)
        elif before >= 2 and drawn < _PAYS_PART + _WAIVED:
            self._book("waiver", max(1, remaining * self.chance.randint(2, 6) // 100), day)

    def _book(self, kind: str, cents: int, on: date, reverses: int | None = None) -> None:
        """Keep a movement unless it lies after the end, and count it towards the schedule."""
        if on > self.end or cents <= 0:
            return
        self.movements.append(Movement(kind, cents, on, reverses))
        self._paid += -cents if kind == "reversal" else cents

    def _finish(self, how: str, due_on: date, due: int) -> None:
        """Pay off, or write off at the month's end, what is left of the principal."""
        self._is_over = True  # Even when it happens after the end: nothing more is to be seen then.
        left = sum(instalment.principal for instalment in self._instalments[self._settled :])
        last = month_end(due_on)
        if how == "written_off":
            if last <= self.end:
                self._book("write_off", left, last)
                self.written_off_on = last
            return
        on = due_on + timedelta(days=self.chance.randint(0, (last - due_on).days))
        if on <= self.end:
            accrued = sum(instalment.interest + instalment.fee for instalment in self._instalments[self._settled : due])
            part_paid = self._paid - self._cumulative[self._settled]
            self._book("repayment", left + accrued - part_paid, on)
            self.closed_on = on

    # Relief -------------------------------------------------------------------------------------------------------
    def _in_relief(self, due_on: date, due: int) -> bool:
        """Whether an arrangement decides this month: nothing is paid in a pause, the reduced amount otherwise."""
        if self._paused_until and due_on < self._paused_until:
            return True
        if self._reduced_until and due_on < self._reduced_until:
            self._pay(self._instalments[0].amount // 2, due_on)
            return True
        return False

    def _ask_for_relief(self, due_on: date) -> bool:
        """Ask once; tells whether a new schedule begins with the next month."""
        starts_on = add_months(due_on, 1, 1)
        if self.reliefs or starts_on > self.end:
            return False
        kind = self.chance.choice(["payment_pause", "reduced_payment", "term_extension", "declined"])
        ends_on = add_months(starts_on, 3, 1)
        if kind == "declined":
            self.reliefs.append(Relief("payment_pause", starts_on, ends_on, "declined"))
        elif kind == "payment_pause":
            self._paused_until = ends_on
            self.reliefs.append(Relief(kind, starts_on, ends_on, "accepted"))
        elif kind == "reduced_payment":
            self._reduced_until = ends_on
            half = self._instalments[0].amount // 2
            self.reliefs.append(Relief(kind, starts_on, ends_on, "accepted", reduced_amount=half))
        else:
            self._extend(starts_on)
            return True
        return False

    def _extend(self, starts_on: date) -> None:
        left = sum(instalment.principal for instalment in self._instalments[self._settled :])
        count = len(self._instalments) - self._settled + _EXTENSION
        self._start_schedule(starts_on, left, count, add_months(starts_on, 0, self.terms.first_due.day))
        ends_on = self._instalments[-1].due_on
        self.reliefs.append(Relief("term_extension", starts_on, ends_on, "accepted", schedule_version=2))

    # Schedule -----------------------------------------------------------------------------------------------------
    def _start_schedule(
        self, starts_on: date | None, principal: int, count: int, first_due: date, fee: int = 0
    ) -> None:
        rate = self.terms.annual_rate
        parts = split(principal, rate, level_instalment(principal, rate, count), count)
        instalments = [
            Instalment(number, add_months(first_due, number - 1), repaid, interest, fee if number == 1 else 0)
            for number, (repaid, interest) in enumerate(parts, start=1)
        ]
        self.schedules.append((starts_on, instalments))
        self._cumulative = [0, *accumulate(instalment.amount for instalment in instalments)]
        self._paid = self._due_before = 0

    @property
    def _instalments(self) -> list[Instalment]:
        return self.schedules[-1][1]

    @property
    def _settled(self) -> int:
        """How many instalments are paid in full."""
        return bisect_right(self._cumulative, self._paid) - 1
