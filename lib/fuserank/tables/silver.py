"""Silver: typed, UTC, keyed by the dictionaries; every table says when a row is known."""

from __future__ import annotations

from fuserank.tables import columns as c
from fuserank.tables.attributes import ITEM_CATEGORIES, ITEM_NUMBERS, USER_CATEGORIES, USER_NUMBERS
from fuserank.tables.contract import Column, Person, Table


def _text(name: str, unit: str, doc: str, nullable: bool = True, person: Person | None = None) -> Column:
    return Column(name, "string", unit, doc, nullable, person=person)


EVENTS = Table(
    name="silver.events",
    grain="one row per event of a user with an item",
    keys=("event_id",),
    writer="silver",
    doc="t = (u, i, t, s): what users did with items, each event with its type and role.",
    partition_by=("event_date",),
    stats_columns=0,  # found by day; within a day neither ids nor users lie in order
    change_feed=True,
    streamed=True,
    not_in_digest=("run_id",),
    columns=(
        _text(
            "event_id",
            "id",
            "SHA-256 over the data set's name, the event type and the mapping's declared key",
            False,
            person="quasi",
        ),
        _text("user_id", "id", "business id, after NFC and outer trim", False, person="id"),
        _text("item_id", "id", "business id, after NFC and outer trim", False, person="quasi"),
        c.user_index(),
        c.item_index(),
        _text("event_type", "name", "open list, declared by the mapping", False, person="none"),
        Column(
            "role",
            "string",
            "name",
            "exposure, feedback or reversal",
            check="role in ('exposure','feedback','reversal')",
            person="none",
        ),
        Column("event_time", "timestamp", "utc_timestamp", "when it happened"),
        Column("event_date", "date", "utc_date", "UTC day of event_time"),
        c.known_at(),
        Column(
            "reward_q20",
            "long",
            "weight",
            "reward f(type, value) of the mapping, times 2^20",
            default=1 << 20,
            person="none",
        ),
        Column("value", "double", "score", "the type's own value (rating), where it has one", True),
        Column("quantity", "long", "count", "units", True),
        Column("amount_minor", "long", "minor_units", "what was paid for the line", True),
        Column("discount_minor", "long", "minor_units", "store discount on the line", True),
        Column("coupon_minor", "long", "minor_units", "coupon discount on the line", True),
        _text("session", "id", "basket, visit or session", person="quasi"),
        _text("store_id", "id", "place of the event", person="quasi"),
        _text("platform", "name", "web, app, store …"),
        _text("request_id", "id", "the ranking request that an exposure or feedback belongs to", person="quasi"),
        Column("position", "int", "rank_from_1", "place in the slate", True),
        Column(
            "propensity",
            "double",
            "probability",
            "probability with which the logging policy showed it",
            True,
            person="none",
        ),
        _text("campaign_id", "id", "campaign", person="quasi"),
        _text(
            "reverses_event_id", "id", "the event that this reversal takes back from its own time on", person="quasi"
        ),
        _text("text_ref", "path", "where a review's text is kept"),
        _text("dataset", "name", "the mapping that it came by", False, person="none"),
        Column("row_hash", "long", "hash", "xxhash64 of the row's content: a MERGE updates only what differs"),
        c.run_id(),
    ),
)


def _dictionary(side: str) -> Table:
    return Table(
        name=f"silver.{side}_dictionary",
        grain=f"one row per {side} ever seen",
        keys=(f"{side}_id",),
        writer="silver",
        doc=f"Append-only: {side} id to dense index, numbered by (first event time, id) within a batch, never moved.",
        change_feed=True,
        streamed=True,
        columns=(
            _text(f"{side}_id", "id", "business id", False, person="id" if side == "user" else "none"),
            getattr(c, f"{side}_index")(),
            Column(
                "first_event_time", "timestamp", "utc_timestamp", "time of the first event in the batch that brought it"
            ),
            Column("deleted_at", "timestamp", "utc_timestamp", "tombstone: from then on it is no one", True),
            c.run_id(),
        ),
    )


USER_DICTIONARY = _dictionary("user")
ITEM_DICTIONARY = _dictionary("item")

ITEMS = Table(
    name="silver.items",
    grain="one row per item that the catalogue describes and version of it",
    keys=("item_id", "known_at"),
    writer="silver",
    doc="The catalogue, each version from known_at until valid_to. An item without a row here is a valid item.",
    version=3,
    change_feed=True,
    columns=(
        _text("item_id", "id", "business id", False, person="none"),
        _text("name", "text", "what a person calls it"),
        _text("department", "name", "widest class"),
        _text("category", "name", "class"),
        _text("product_type", "name", "narrowest class"),
        _text("brand", "name", "brand or brand class"),
        _text("manufacturer_id", "id", "maker", person="none"),
        _text("package_size", "text", "as printed"),
        Column("price_minor", "long", "minor_units", "what a unit costs by the catalogue", True),
        *(_text(name, "name", "what the mapping puts there, of the shop's own attributes") for name in ITEM_CATEGORIES),
        *(Column(name, "double", "score", "the same, a number", True) for name in ITEM_NUMBERS),
        c.known_at(),
        Column(
            "valid_to", "timestamp", "utc_timestamp", "known_at of the item's next version; null: this one holds", True
        ),
        Column("row_hash", "long", "hash", "xxhash64 of the row's content"),
        c.run_id(),
    ),
)

USERS = Table(
    name="silver.users",
    grain="one row per user with demographics",
    keys=("user_id",),
    slice_by=("dataset",),
    partition_by=("dataset",),
    writer="silver",
    doc="Demographics, where known.",
    version=2,
    columns=(
        _text("user_id", "id", "business id", False, person="id"),
        _text("age", "code", "age band", person="quasi"),
        _text("income", "code", "income band", person="quasi"),
        _text("home_ownership", "code", "home ownership", person="quasi"),
        _text("marital_status", "code", "marital status", person="quasi"),
        _text("household_size", "code", "persons, banded", person="quasi"),
        _text("household_comp", "code", "composition", person="quasi"),
        _text("kids_count", "code", "children, banded", person="quasi"),
        *(
            _text(n, "name", "what the mapping puts there, of the shop's own attributes", person="quasi")
            for n in USER_CATEGORIES
        ),
        *(Column(name, "double", "score", "the same, a number", True, person="quasi") for name in USER_NUMBERS),
        c.known_at(),
        _text("dataset", "name", "mapping", False, person="none"),
        c.run_id(),
    ),
)

IDENTITY_LINKS = Table(
    name="silver.identity_links",
    grain="one row per id of another platform and time from which something is said of it",
    keys=("other_id", "known_at"),
    slice_by=("dataset",),
    partition_by=("dataset",),
    writer="silver",
    doc=(
        "Ids of one person: an event of other_id counts as one of user_id by what was last said of it at the event's"
        " time."
    ),
    columns=(
        _text("other_id", "id", "the id on another platform", False, person="id"),
        _text("user_id", "id", "the id that stays", False, person="id"),
        Column("consent", "boolean", "flag", "whether the person agreed; where not, the row ends an earlier link"),
        _text("platform", "name", "of other_id: web, app …"),
        c.known_at(),
        _text("dataset", "name", "mapping", False, person="none"),
        c.run_id(),
    ),
)

SOCIAL = Table(
    name="silver.social",
    grain="one row per user, other user and time from which something is said of the two",
    keys=("user_id", "other_id", "known_at"),
    slice_by=("dataset",),
    partition_by=("dataset",),
    writer="silver",
    doc="Whom a user trusts, follows or knows: what was last said of the two before a day holds on it.",
    columns=(
        _text("user_id", "id", "business id", False, person="id"),
        _text("other_id", "id", "the user who is trusted", False, person="id"),
        Column("weight", "double", "score", "above 0 a link; 0 or less ends it; null is none", True),
        c.known_at(),
        _text("dataset", "name", "mapping", False, person="none"),
        c.run_id(),
    ),
)

CAMPAIGNS = Table(
    name="silver.campaigns",
    grain="one row per campaign",
    keys=("campaign_id",),
    slice_by=("dataset",),
    partition_by=("dataset",),
    writer="silver",
    doc="Campaigns, known from their start.",
    columns=(
        _text("campaign_id", "id", "campaign", False, person="none"),
        _text("campaign_type", "name", "kind of campaign"),
        Column("start_date", "date", "utc_date", "first day"),
        Column("end_date", "date", "utc_date", "last day"),
        c.known_at(),
        _text("dataset", "name", "mapping", False, person="none"),
        c.run_id(),
    ),
)

CAMPAIGN_USERS = Table(
    name="silver.campaign_users",
    grain="one row per campaign and user",
    keys=("campaign_id", "user_id"),
    slice_by=("dataset",),
    partition_by=("dataset",),
    writer="silver",
    doc="Who was sent which campaign, known from its start.",
    columns=(
        _text("campaign_id", "id", "campaign", False, person="quasi"),
        _text("user_id", "id", "user", False, person="id"),
        c.known_at(),
        _text("dataset", "name", "mapping", False, person="none"),
        c.run_id(),
    ),
)

COUPONS = Table(
    name="silver.coupons",
    grain="one row per coupon, item and campaign",
    keys=("coupon_id", "item_id", "campaign_id"),
    slice_by=("dataset",),
    partition_by=("dataset",),
    writer="silver",
    doc="Which coupon is good for which item in which campaign, known from the campaign's start.",
    columns=(
        _text("coupon_id", "id", "coupon", False, person="none"),
        _text("item_id", "id", "item", False, person="none"),
        _text("campaign_id", "id", "campaign", False, person="none"),
        c.known_at(),
        _text("dataset", "name", "mapping", False, person="none"),
        c.run_id(),
    ),
)

REDEMPTIONS = Table(
    name="silver.redemptions",
    grain="one row per redemption (a coupon may be redeemed several times a day: redemption_no counts them)",
    keys=("user_id", "coupon_id", "campaign_id", "redeemed_at", "redemption_no"),
    slice_by=("dataset",),
    partition_by=("dataset",),
    writer="silver",
    doc=(
        "Coupons that users redeemed, known from their own time; from the day's end where the source tells only the"
        " day."
    ),
    columns=(
        _text("user_id", "id", "user", False, person="id"),
        _text("coupon_id", "id", "coupon", False, person="quasi"),
        _text("campaign_id", "id", "campaign", False, person="quasi"),
        Column("redeemed_at", "timestamp", "utc_timestamp", "when"),
        Column("redemption_no", "int", "count", "1, 2, … among equal rows"),
        c.known_at(),
        _text("dataset", "name", "mapping", False, person="none"),
        c.run_id(),
    ),
)

PROMOTIONS = Table(
    name="silver.promotions",
    grain="one row per item, store and week",
    keys=("item_id", "store_id", "week_start"),
    slice_by=("dataset",),  # no partition: Delta sorts all 20.9 M rows by it before it writes
    stats_columns=0,
    writer="silver",
    doc="Displays and mailers by store and week, known from the week's first day.",
    columns=(
        _text("item_id", "id", "item", False, person="none"),
        _text("store_id", "id", "store", False, person="none"),
        Column("week_start", "date", "utc_date", "first day of the week"),
        Column("on_display", "boolean", "flag", "on display in the store"),
        Column("in_mailer", "boolean", "flag", "in the week's mailer"),
        _text("display_location", "code", "where, as the source says; several joined by +"),
        _text("mailer_location", "code", "where, as the source says; several joined by +"),
        c.known_at(),
        _text("dataset", "name", "mapping", False, person="none"),
        c.run_id(),
    ),
)

TABLES = (
    EVENTS,
    USER_DICTIONARY,
    ITEM_DICTIONARY,
    ITEMS,
    USERS,
    IDENTITY_LINKS,
    SOCIAL,
    CAMPAIGNS,
    CAMPAIGN_USERS,
    COUPONS,
    REDEMPTIONS,
    PROMOTIONS,
)
