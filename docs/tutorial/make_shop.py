"""Write the files of the tutorial's shop: the same bytes on every machine. Standard library only.

Usage: python docs/tutorial/make_shop.py FOLDER

A corner shop for coffee, tea and what goes with it: 80 customers, 48 products, 30 weeks. Each customer has a
favourite shelf, comes back in a rhythm of one to three weeks and takes favourites again; who buys coffee takes
filters with it. Three of the lines are wrong on purpose.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
import sys
from pathlib import Path

SHELVES = {
    "coffee": ("House blend", "Espresso", "Decaf", "Filter roast", "Ethiopia", "Colombia", "Crema", "Cold brew"),
    "tea": ("Earl Grey", "Green tea", "Rooibos", "Camomile", "Peppermint", "Darjeeling", "Jasmine", "Chai"),
    "chocolate": ("Dark 70", "Dark 85", "Milk", "Hazelnut", "Orange", "Sea salt", "Nougat", "White"),
    "bakery": ("Shortbread", "Ginger nuts", "Oat cakes", "Brownie", "Lemon cake", "Scones", "Muffin", "Stollen"),
    "milk": (
        "Whole milk",
        "Oat drink",
        "Soya drink",
        "Cream",
        "Almond drink",
        "Low-fat milk",
        "Condensed",
        "Barista oat",
    ),
    "kitchen": ("Filters", "Tea strainer", "Mug", "Descaler", "Grinder", "Kettle", "Spoon", "Tin"),
}
MAKERS = ("Alder", "Birch", "Cedar")
CUSTOMERS, WEEKS = 80, 30
FIRST = dt.date(2023, 12, 4)  # a Monday; the last line is of 2024-06-30
WRONG = (
    {
        "order_id": "90001",
        "customer": "",
        "product": "P101",
        "ordered_at": "2024-05-06 10:15",
        "quantity": "1",
        "price": "8.90",
    },
    {
        "order_id": "90002",
        "customer": "C017",
        "product": "P203",
        "ordered_at": "2024-02-30 09:00",
        "quantity": "2",
        "price": "4.20",
    },
    {
        "order_id": "90003",
        "customer": "C031",
        "product": "P305",
        "ordered_at": "2024-04-11 16:40",
        "quantity": "two",
        "price": "3.10",
    },
)


def products() -> list[dict[str, str]]:
    """A line for each product: P101 … P108 stand on the first shelf, P201 … on the second."""
    return [
        {
            "product": f"P{100 * s + n}",
            "name": name,
            "category": shelf,
            "brand": MAKERS[(s + n) % 3],
            "price": f"{2 + (s * 7 + n * 13) % 80 / 10:.2f}",
        }
        for s, (shelf, names) in enumerate(SHELVES.items(), 1)
        for n, name in enumerate(names, 1)
    ]


def orders(seed: int = 2024) -> list[dict[str, str]]:
    """A line for each product in an order, in the order of time; then those that are wrong."""
    draw = random.Random(seed).random  # random() alone gives the same numbers in every version of Python
    price = {p["product"]: float(p["price"]) for p in products()}
    lines = []
    for customer in range(1, CUSTOMERS + 1):
        shelf = 1 + customer % 4
        favourites = [f"P{100 * shelf + 1 + int(8 * draw())}" for _ in range(3)]
        pause = 1 + customer % 3
        for week in range(customer % pause, WEEKS, pause):
            if draw() < 0.15:
                continue  # on holiday
            minute = int(600 * draw())
            at = dt.datetime.combine(FIRST, dt.time(9)) + dt.timedelta(weeks=week, days=int(7 * draw()), minutes=minute)
            basket = {
                favourites[int(3 * draw())],
                favourites[0],
                f"P{100 * (1 + int(6 * draw())) + 1 + int(8 * draw() ** 2)}",
            }
            if any(p.startswith("P1") for p in basket) and draw() < 0.7:
                basket.add("P601")  # filters
            lines += [
                {
                    "customer": f"C{customer:03d}",
                    "product": p,
                    "ordered_at": f"{at:%Y-%m-%d %H:%M}",
                    "quantity": str(1 + int(2 * draw() ** 3 * 2)),
                    "price": f"{price[p]:.2f}",
                }
                for p in sorted(basket)
            ]
    lines.sort(key=lambda line: (line["ordered_at"], line["customer"], line["product"]))
    numbers: dict[tuple[str, str], int] = {}
    numbered = [
        {
            "order_id": str(10001 + numbers.setdefault((line["customer"], line["ordered_at"]), len(numbers))),
            **line,
        }
        for line in lines
    ]
    return [*numbered, *WRONG]


def main(folder: Path) -> None:
    """Write ``orders.csv`` and ``products.csv`` into the folder, and say so."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in {"orders": orders(), "products": products()}.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        print(f"{folder.name}/{name}.csv: {len(rows):,} lines")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
