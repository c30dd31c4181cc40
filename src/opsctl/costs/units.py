"""In which units are prices written, and what of a month's usage does each multiply?"""

from decimal import Decimal
from enum import StrEnum

MONTH_DAYS = Decimal("30.4")
"""Days of a month, as bills of a year are twelve of: 365 / 12, rounded to what the book's averages are worth."""
SECONDS_A_DAY = Decimal(86_400)
MONTH_SECONDS = MONTH_DAYS * SECONDS_A_DAY
GB = Decimal(10**9)
"""Bytes of a gigabyte on a bill; memory is counted in GiB, as providers do."""
GIB = Decimal(2**30)


class Meter(StrEnum):
    """What is counted in a month, each in its own base unit."""

    MONTHS = "months"
    REQUESTS = "requests"
    CPU_MILLISECONDS = "CPU-ms"
    VCPU_SECONDS = "vCPU-seconds"
    GIB_SECONDS = "GiB-seconds"
    STORED_GB = "GB-months"
    SENT_GB = "GB sent"
    LOGGED_GB = "GB of logs"
    SERIES = "series"
    INPUT_TOKENS = "input tokens"
    OUTPUT_TOKENS = "output tokens"
    INSTANCES = "instances"


class Unit(StrEnum):
    """The unit of a price, as it is written in the book."""

    MONTH = "per month"
    REQUEST = "per request"
    THOUSAND_REQUESTS = "per thousand requests"
    MILLION_REQUESTS = "per million requests"
    CPU_MILLISECOND = "per CPU-ms"
    MILLION_CPU_MILLISECONDS = "per million CPU-ms"
    VCPU_SECOND = "per vCPU-second"
    VCPU_HOUR = "per vCPU-hour"
    GIB_SECOND = "per GiB-second"
    GIB_HOUR = "per GiB-hour"
    GB_MONTH = "per GB-month"
    GB_SENT = "per GB sent"
    GB_LOGGED = "per GB of logs"
    THOUSAND_SERIES = "per thousand series-months"
    THOUSAND_INPUT_TOKENS = "per thousand input tokens"
    MILLION_INPUT_TOKENS = "per million input tokens"
    THOUSAND_OUTPUT_TOKENS = "per thousand output tokens"
    MILLION_OUTPUT_TOKENS = "per million output tokens"
    INSTANCE_MONTH = "per instance-month"
    INSTANCE_HOUR = "per instance-hour"

    @property
    def meter(self) -> Meter:
        """Return what is counted."""
        return _MEANINGS[self][0]

    @property
    def size(self) -> Decimal:
        """Return how much of the meter one unit is: 1,000,000 requests, 3,600 vCPU-seconds; of a month's hours one."""
        return _MEANINGS[self][1]


_ONE, _THOUSAND, _MILLION, _HOUR = Decimal(1), Decimal(1000), Decimal(1_000_000), Decimal(3600)
_MEANINGS: dict[Unit, tuple[Meter, Decimal]] = {
    Unit.MONTH: (Meter.MONTHS, _ONE),
    Unit.REQUEST: (Meter.REQUESTS, _ONE),
    Unit.THOUSAND_REQUESTS: (Meter.REQUESTS, _THOUSAND),
    Unit.MILLION_REQUESTS: (Meter.REQUESTS, _MILLION),
    Unit.CPU_MILLISECOND: (Meter.CPU_MILLISECONDS, _ONE),
    Unit.MILLION_CPU_MILLISECONDS: (Meter.CPU_MILLISECONDS, _MILLION),
    Unit.VCPU_SECOND: (Meter.VCPU_SECONDS, _ONE),
    Unit.VCPU_HOUR: (Meter.VCPU_SECONDS, _HOUR),
    Unit.GIB_SECOND: (Meter.GIB_SECONDS, _ONE),
    Unit.GIB_HOUR: (Meter.GIB_SECONDS, _HOUR),
    Unit.GB_MONTH: (Meter.STORED_GB, _ONE),
    Unit.GB_SENT: (Meter.SENT_GB, _ONE),
    Unit.GB_LOGGED: (Meter.LOGGED_GB, _ONE),
    Unit.THOUSAND_SERIES: (Meter.SERIES, _THOUSAND),
    Unit.THOUSAND_INPUT_TOKENS: (Meter.INPUT_TOKENS, _THOUSAND),
    Unit.MILLION_INPUT_TOKENS: (Meter.INPUT_TOKENS, _MILLION),
    Unit.THOUSAND_OUTPUT_TOKENS: (Meter.OUTPUT_TOKENS, _THOUSAND),
    Unit.MILLION_OUTPUT_TOKENS: (Meter.OUTPUT_TOKENS, _MILLION),
    Unit.INSTANCE_MONTH: (Meter.INSTANCES, _ONE),
    # An instance is kept for the whole month: a price an hour counts as often as the month has hours.
    Unit.INSTANCE_HOUR: (Meter.INSTANCES, _HOUR / MONTH_SECONDS),
}
