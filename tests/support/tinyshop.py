"""A tiny shop for the whole chain: families buy from their own aisle, in a rhythm,
from before AS_OF to four weeks after.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import importlib.util
import shutil
from pathlib import Path

import yaml

AS_OF = "2024-06-03"
USERS, ITEMS, AISLES = 40, 60, 4
_ROOT = Path(__file__).resolve().parents[2]
_CONF = _ROOT / "conf"
HAS_PETASTORM = importlib.util.find_spec("petastorm") is not None  # .venv-modern has none
SMALL = (  # settings of a chain that takes minutes where the defaults take longer
    f"train.reader={'petastorm' if HAS_PETASTORM else 'pyarrow'}",
    "candidates.sources=[als,co_purchase,repeat,popular,item_cf]",
    "candidates.als.factors=8",
    "candidates.als.iterations=3",
    "models.use=[logistic,fnn]",
    "train.epochs=1",
    "train.batch=512",
    "ranking.k=5",
)


def chain_of_smoke() -> Path:
    """Where `make smoke` leaves the lake of its first run, for tests to copy: a
    folder for each state of what makes it.
    """
    rooms = ("lib", "jobs", "conf", "requirements", "deploy/local", "tests/support")
    made_of = [_ROOT / "pyproject.toml", *(file for room in rooms for file in (_ROOT / room).rglob("*"))]
    digest = hashlib.sha256(repr(SMALL).encode())
    for file in sorted(f for f in made_of if f.suffix in (".py", ".yaml", ".toml", ".txt", ".lock")):
        digest.update(str(file.relative_to(_ROOT)).encode() + b"\0" + file.read_bytes())
    return _ROOT / "build" / "tiny-chain" / digest.hexdigest()[:16]


def purchases() -> list[dict[str, str]]:
    """Weekly baskets; user u buys mostly from aisle u mod 4. Every (customer, basket, sku) is there once."""
    rows, first = [], dt.datetime(2023, 12, 4, 9, tzinfo=dt.UTC)
    for user in range(USERS):
        for week in range(30):
            if (user + week) % 5 == 4:
                continue
            at = first + dt.timedelta(days=7 * week + user % 7, minutes=user)
            for n in range(4):
                aisle = (user + (1 if n == 3 and week % 3 == 0 else 0)) % AISLES
                item = aisle + AISLES * ((user // AISLES + n * 3 + (week // 4) * (n == 2)) % (ITEMS // AISLES))
                rows.append(
                    {
                        "customer": f"ü{user:03d}",
                        "sku": f"sku-{item:03d}",
                        "at": at.isoformat(),
                        "basket": f"{user}-{week}",
                        "qty": str(1 + n % 2),
                        "paid": f"{1.25 + item / 10:.2f}",
                        "off": "0.25" if item % 7 == week % 7 else "0.00",
                    }
                )
    return list({(r["customer"], r["basket"], r["sku"]): r for r in rows}.values())


def catalogue() -> list[dict[str, str]]:
    """Every item with an aisle and a kind."""
    return [
        {
            "sku": f"sku-{i:03d}",
            "title": f"thing {i}",
            "aisle": f"aisle {i % AISLES}",
            "kind": f"kind {i % 12}",
            "colour": f"colour {i % 5}",
            "grams": str(100 + 10 * i),
        }
        for i in range(ITEMS)
    ]


def write_shop(folder: Path) -> None:
    """``folder/files`` with sales and catalogue, and ``folder/conf`` with a mapping tinyshop over them."""
    (folder / "files").mkdir(parents=True)
    for table, rows in {"sales": purchases(), "catalogue": catalogue()}.items():
        with (folder / "files" / f"{table}.csv").open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
    shutil.copytree(_CONF, folder / "conf")
    text = yaml.safe_dump(_mapping(folder / "files"))
    (folder / "conf" / "datasets" / "tinyshop.yaml").write_text(text, encoding="utf-8")


def _mapping(files: Path) -> dict[str, object]:
    return {
        "name": "tinyshop",
        "version": 1,
        "time_zone": "Europe/Berlin",
        "currency": {"code": "EUR", "minor_per_major": 100},
        "root": {"folder": str(files)},
        "files": {
            "sales": {
                "path": "sales.csv",
                "format": "csv",
                "columns": {
                    "customer": "string",
                    "sku": "string",
                    "at": "timestamp",
                    "basket": "string",
                    "qty": "long",
                    "paid": "decimal",
                    "off": "decimal",
                },
            },
            "catalogue": {
                "path": "catalogue.csv",
                "format": "csv",
                "columns": {
                    "sku": "string",
                    "title": "string",
                    "aisle": "string",
                    "kind": "string",
                    "colour": "string",
                    "grams": "long",
                },
            },
        },
        "events": [
            {
                "from": "sales",
                "type": "purchase",
                "role": "feedback",
                "reward": {"value": 1.0},
                "user": "customer",
                "item": "sku",
                "time": "at",
                "key": ["customer", "basket", "sku"],
                "quantity": "qty",
                "amount": {"column": "paid", "unit": "major"},
                "discounts": [{"column": "off", "unit": "major"}],
                "session": "basket",
            }
        ],
        "dimensions": {
            "items": {
                "from": "catalogue",
                "item": "sku",
                "name": "title",
                "department": "aisle",
                "product_type": "kind",
                "attributes": {"colour": "colour", "grams": {"column": "grams", "type": "number"}},
                "known_at": {"from": "2023-01-01"},
            }
        },
    }
