"""Places for what a shop tells of its items and users in words of its own: a film's
director, a wine's year, a customer's city.

A mapping names an attribute and its type; in tables it stands in the next place of that type. So
contracts, schedulers and models are the same for all shops, and what no shop tells is a column of one
value, which models leave out (docs/adr/0013-attributes-take-places.md).
"""

from __future__ import annotations

ITEM_CATEGORIES = ("attribute_1", "attribute_2", "attribute_3")
ITEM_NUMBERS = ("number_1", "number_2")
USER_CATEGORIES = ("attribute_1", "attribute_2")
USER_NUMBERS = ("number_1",)
# Places with a meaning of their own, which an attribute takes by `role`.
ITEM_ROLES = ("department", "category", "product_type", "brand", "manufacturer_id")
USER_ROLES = (
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_comp",
    "kids_count",
)
