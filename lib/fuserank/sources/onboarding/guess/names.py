"""What shops call their columns, and what that is here; several languages, after letters alone are left."""

from __future__ import annotations

import re
import unicodedata


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# The likelier first: among the columns of a table the earliest word wins.
WORDS: dict[str, tuple[str, ...]] = {
    "user": _words(
        "user customer client visitor member household reviewer buyer shopper account consumer person uid profile "
        "card kunde kunden cliente utilisateur usuario hshd cust nutzer besucher mitglied distinct anonymous "
        "pseudo cookie email emailaddress mail"
    ),
    "item": _words(
        "item product article sku asin stockcode artikel produkt produit producto movie book isbn track song "
        "artist venue location poi upc ean gtin listing goods content prod offer recipe game anime news video "
        "course variant business hotel restaurant beer aid app plu produto prodotto articulo articolo artigo "
        "merchandise"
    ),
    "time": _words(
        "eventtime timestamp datetime time ts unixreviewtime createdat purchasedat orderedat occurredat "
        "invoicedate orderdate transactiondate purchasedate eventdate date created when day datum fecha "
        "reviewtime listenedat visitedat tdat"
    ),
    "type": ("eventtype", "event", "action", "behavior", "behaviour", "interaction", "activity", "type", "eventname"),
    "value": ("rating", "stars", "star", "overall", "score", "grade", "feedback"),
    "quantity": ("quantity", "qty", "units", "menge", "anzahl", "cantidad", "count"),
    "amount": _words(
        "amount salesvalue revenue total totalprice linetotal spend paid netamount sales betrag umsatz importe "
        "importo montant summe subtotal gesamtpreis price unitprice itemprice saleprice preis einzelpreis "
        "verkaufspreis stckpreis prix prixunitaire precio preciounitario prezzo valor"
    ),
    "session": _words(
        "session basket invoice invoiceno invoicenumber order transaction visit receipt cart bestellung bestell ticket"
    ),
    "store": ("store", "shop", "branch", "filiale", "outlet"),
    "platform": ("platform", "channel", "device", "app", "source"),
    "event": _words("event line row record review orderline orderitem transactionline interaction rating"),
    "currency": ("currency", "currencycode"),
    "name": _words(
        "name title productname itemname description label headline producttitle bezeichnung titel nom nombre "
        "artikelbezeichnung"
    ),
    "department": ("department", "division", "maincategory", "section", "categoryl", "rootcategory"),
    "category": _words(
        "category categories productcategory categorycode genre genres subcategory kategorie group warengruppe "
        "categorie categoria rubrik"
    ),
    "product_type": ("producttype", "itemtype", "type", "subtype", "class"),
    "brand": ("brand", "label", "marke", "vendor"),
    "manufacturer_id": ("manufacturer", "maker", "hersteller", "supplier", "publisher"),
    "package_size": ("packagesize", "size", "pack"),
    "price": ("price", "listprice", "unitprice", "saleprice", "preis", "prix", "precio", "cost"),
    "age": ("age", "ageband", "agegroup"),
    "income": ("income", "incomeband"),
    "home_ownership": ("homeownership", "homeowner"),
    "marital_status": ("maritalstatus", "marital"),
    "household_size": ("householdsize",),
    "household_comp": ("householdcomp", "householdcomposition"),
    "kids_count": ("kids", "kidscount", "children"),
}
ID_ENDS = ("id", "ids", "no", "nr", "number", "num", "code", "key", "idx", "index", "hash", "nummer")

# What a type column says → role and reward of the event. Exposures were shown; of feedback the sign counts first.
TYPES: dict[str, tuple[str, float]] = {
    "impression": ("exposure", 0.0),
    "exposure": ("exposure", 0.0),
    "show": ("exposure", 0.0),
    "shown": ("exposure", 0.0),
    "view": ("feedback", 0.2),
    "pageview": ("feedback", 0.2),
    "pv": ("feedback", 0.2),
    "detail": ("feedback", 0.2),
    "visit": ("feedback", 0.2),
    "click": ("feedback", 0.2),
    "play": ("feedback", 0.5),
    "listen": ("feedback", 0.5),
    "watch": ("feedback", 0.5),
    "fav": ("feedback", 0.5),
    "favorite": ("feedback", 0.5),
    "wishlist": ("feedback", 0.5),
    "like": ("feedback", 0.5),
    "save": ("feedback", 0.5),
    "share": ("feedback", 0.5),
    "cart": ("feedback", 0.5),
    "addtocart": ("feedback", 0.5),
    "add": ("feedback", 0.5),
    "remove": ("feedback", -0.2),
    "basket": ("feedback", 0.5),
    "purchase": ("feedback", 1.0),
    "buy": ("feedback", 1.0),
    "order": ("feedback", 1.0),
    "transaction": ("feedback", 1.0),
    "sale": ("feedback", 1.0),
    "checkout": ("feedback", 1.0),
    "rating": ("feedback", 1.0),
    "review": ("feedback", 1.0),
    "removefromcart": ("feedback", -0.2),
    "dislike": ("feedback", -1.0),
    "skip": ("feedback", -0.2),
    "hide": ("feedback", -1.0),
    "return": ("reversal", 0.0),
    "refund": ("reversal", 0.0),
    "cancel": ("reversal", 0.0),
    "cancellation": ("reversal", 0.0),
    "chargeback": ("reversal", 0.0),
}
# Beginnings of words that a longer name for a kind of event has, all of them; the first that fits says what it is.
PHRASES: tuple[tuple[str, tuple[str, float]], ...] = (
    *(
        (p, ("feedback", -0.2))
        for p in (
            "remove cart",
            "delete cart",
            "remove basket",
            "remove bag",
            "remov wishlist",
            "product removed",
            "item removed",
            "unfav",
            "skip",
        )
    ),
    *(
        (p, ("reversal", 0.0))
        for p in ("refund", "return", "cancel", "chargeback", "storn", "retour", "rembours", "devol")
    ),
    *((p, ("feedback", -1.0)) for p in ("unlike", "dislike", "thumb down", "not interest", "hide")),
    *((p, ("exposure", 0.0)) for p in ("impression", "list view", "item list", "shown")),
    *(
        (p, ("feedback", 0.5))
        for p in (
            "wish",
            "favo",
            "bookmark",
            "add cart",
            "add basket",
            "add bag",
            "product added",
            "item added",
            "addtocart",
            "warenkorb",
            "panier",
            "carrito",
            "payment info",
            "shipping info",
            "checkout",
        )
    ),
    *((p, ("feedback", 0.2)) for p in ("cart view", "view cart")),
    *(
        (p, ("feedback", 1.0))
        for p in (
            "purchas",
            "buy",
            "bought",
            "order complet",
            "order placed",
            "order paid",
            "order creat",
            "ordered",
            "transact",
            "sale",
            "sold",
            "kauf",
            "gekauft",
            "bestell",
            "achat",
            "compra",
        )
    ),
    *(
        (p, ("feedback", 0.2))
        for p in ("view", "visit", "detail", "select", "click", "ansicht", "klick", "vue", "vista", "consult")
    ),
    *(
        (p, ("feedback", 0.5))
        for p in ("play", "listen", "watch", "stream", "download", "share", "like", "save", "borrow", "rent")
    ),
)
# What the name of a file says of all its rows.
FILES: dict[str, str] = {
    "purchase": "purchase",
    "order": "purchase",
    "transaction": "purchase",
    "sale": "purchase",
    "invoice": "purchase",
    "buy": "purchase",
    "bought": "purchase",
    "verkauf": "purchase",
    "umsatz": "purchase",
    "bestell": "purchase",
    "retail": "purchase",
    "basket": "purchase",
    "view": "view",
    "click": "click",
    "play": "play",
    "listen": "play",
    "checkin": "visit",
    "visit": "visit",
    "rating": "rating",
    "review": "review",
    "like": "like",
}


def letters(text: str) -> str:
    """The text's letters and digits, lower case."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def word(text: str) -> str:
    """A name in a mapping's words: lower case without accents, _ for anything else."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    made = re.sub(r"[^a-z0-9]+", "_", bare).strip("_")
    return made if re.match(r"[a-z]", made) else f"t_{made}".rstrip("_")


def name_parts(text: str) -> list[str]:
    """The words of a name, lower case: orderId, order_id and Order ID are order and id."""
    return [p.lower() for p in re.split(r"[\W_]+|(?<=[a-z0-9])(?=[A-Z])", text) if p]


def some(n: int, what: str) -> str:
    """1 row, 2,000 rows."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def rank(role: str, column: str) -> int | None:
    """How well a column's name says the role: 0 is best; None where it says nothing of it."""
    whole = letters(column)
    forms = {whole} | {whole.removesuffix(e) for e in ID_ENDS if whole.endswith(e)} | {whole.removesuffix("s")}
    parts = name_parts(column)
    for place, name in enumerate(WORDS[role]):
        if name in forms:
            return 2 * place
    for place, name in enumerate(WORDS[role]):
        if len(name) > 2 and name in parts:
            return 2 * place + 101
    return None


def kind_of_file(table: str) -> str | None:
    """The event type that a file's name tells."""
    plain = letters(table)
    return next((kind for name, kind in FILES.items() if name in plain), None)
