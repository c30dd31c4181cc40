"""What is an item of the catalogue before it has an id in the database: one offer of one vendor."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """An offer as its source tells it; `external_id` is unique within that source, and so is the vendor's."""

    external_id: str
    title: str
    description: str
    region: str
    district: str
    category: str
    quality: float
    price_usd: float | None
    tags: tuple[str, ...] = ()
    vendor_external_id: str | None = None
    vendor_name: str | None = None
    created_at: datetime | None = None
