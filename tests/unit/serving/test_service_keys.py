"""API keys: made, shown once, checked, rotated, revoked; and how often one may be used."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from fuserank.common.errors import FuserankError
from fuserank.serving import keys as k
from fuserank.serving.limits import Buckets
from fuserank.serving.store import snapshot
from tests.support.cli import ran
from tests.support.service import Running, running, until
from tests.support.stores import user, write_snapshot

USER = "/v1/users/u1/recommendations"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = write_snapshot(tmp_path / "store", [user("u1")])
    snapshot.switch(folder.parent, folder.name)
    return tmp_path / "store"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.yaml"


def new(file: Path, *words: str) -> str:
    return str(json.loads(ran("serve-key", "new", "--keys", str(file), "--json", *words).output)["key"])


@pytest.fixture
def keyed(root: Path, file: Path) -> Iterator[tuple[Running, str]]:
    key = new(file, "--name", "shop")
    with running(root, keys=file) as service:
        yield service, key


def test_only_a_valid_key_of_the_scope_opens_a_route(keyed: tuple[Running, str], file: Path) -> None:
    service, key = keyed
    assert service.ask("GET", USER, key=key).status == 200
    assert service.ask("GET", USER, authorization=f"bearer  {key}").status == 200
    other = f"fr_{'0' * 12}_{key[16:]}"
    for authorization in ("", key, f"Basic {key}", "Bearer", f"Bearer {key[:-1]}", f"Bearer {key}x", f"Bearer {other}"):
        reply = service.ask("GET", USER, authorization=authorization)
        assert (reply.status, reply.error["code"]) == (401, "no_key"), authorization
        assert reply.headers["www-authenticate"] == "Bearer"
    reply = service.ask("GET", "/metrics", key=key)
    assert (reply.status, reply.error["code"]) == (403, "wrong_scope")
    assert service.ask("POST", USER, b"{" * 100, key="wrong").status == 401, "nothing is read without a key"
    for path in ("/health", "/ready", "/openapi.json"):
        assert service.ask("GET", path).status == 200


def test_a_rotation_has_two_valid_keys_until_one_is_revoked(keyed: tuple[Running, str], file: Path) -> None:
    service, old = keyed
    newer = new(file, "--name", "shop-2", "--scope", "recommend", "--scope", "admin")
    until(lambda: service.ask("GET", USER, key=newer).status == 200)
    assert service.ask("GET", USER, key=old).status == 200
    assert service.ask("GET", "/metrics", key=newer).status == 200
    assert "shop is revoked" in ran("serve-key", "revoke", "shop", "--keys", str(file)).output
    until(lambda: service.ask("GET", USER, key=old).status == 401)
    assert service.ask("GET", USER, key=newer).status == 200
    listed = json.loads(ran("serve-key", "list", "--keys", str(file), "--json").output)["keys"]
    assert [(row["name"], row["state"]) for row in listed] == [("shop", "revoked"), ("shop-2", "valid")]


def test_a_broken_file_leaves_the_keys_before_in_force_and_is_logged(keyed: tuple[Running, str], file: Path) -> None:
    service, key = keyed
    for text in ("keys: [", "- a", "keys: [{name: x}]", None):
        file.unlink() if text is None else file.write_text(text)
        before = len(service.lines("keys"))
        until(lambda b=before: service.ask("GET", USER, key=key).status != 200 or len(service.lines("keys")) > b)
        assert service.ask("GET", USER, key=key).status == 200


def test_neither_file_nor_log_nor_numbers_hold_a_key(keyed: tuple[Running, str], file: Path) -> None:
    service, key = keyed
    admin = new(file, "--scope", "admin")
    service.ask("GET", USER, key=key)
    service.ask("GET", USER + f"?k={key}", key=key)
    until(lambda: service.ask("GET", "/metrics", key=admin).status == 200)
    secret = key[16:].encode()
    until(lambda: len(service.lines("request")) >= 3)
    assert [line["key"] for line in service.lines("request")][:2] == ["shop", "shop"]
    assert secret not in service.log.getvalue() + file.read_bytes()
    assert secret not in service.ask("GET", "/metrics", key=admin).body
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_key_is_printed_with_name_creation_and_expiry(file: Path) -> None:
    output = ran("serve-key", "new", "--keys", str(file), "--name", "shop", "--days", "90").output
    words = {line.split()[0]: line.split(maxsplit=1)[1] for line in output.splitlines()[:5]}
    assert words.keys() == {"key", "name", "scopes", "created", "expires"}
    assert words["expires"] != "never"
    row = k.read(file)[0]
    assert row.expires is not None
    assert (row.expires - row.created).days == 90
    assert row.state(row.expires) == "expired"
    assert "shop" in ran("serve-key", "list", "--keys", str(file)).output


@pytest.mark.parametrize("name", ["keys.yaml", "keys.json"])
def test_an_expired_key_opens_nothing_whatever_the_form_of_the_file(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    key, row = k.made(file, "old", ["recommend"], 1)
    assert k.Keys(file, print).of(b"Bearer " + key.encode()) == row
    text = file.read_text()
    assert text.startswith("{" if name.endswith("json") else "keys:")
    year = str(row.created.year)
    file.write_text(text.replace(f"{year}-", "2001-"))
    with pytest.raises(k.KeysError, match=r"no key in .* is valid"):
        k.Keys(file, print)


def test_a_name_is_taken_once_and_a_wrong_one_refused(file: Path) -> None:
    k.made(file, "shop", ["recommend"], None)
    with pytest.raises(k.KeysError, match="has a key 'shop' already"):
        k.made(file, "shop", ["recommend"], None)
    k.revoked(file, "shop")
    k.made(file, "shop", ["recommend"], None)
    with pytest.raises(k.KeysError, match="letters, digits"):
        k.made(file, "a b", ["recommend"], None)
    with pytest.raises(k.KeysError, match="no key 'shopp'"):
        k.revoked(file, "shopp")
    with pytest.raises(FuserankError, match="--scope root"):
        ran("serve-key", "new", "--keys", str(file), "--scope", "root")
    with pytest.raises(k.KeysError, match="no folder"):
        k.made(file.parent / "nowhere" / "keys", "a", ["recommend"], None)


def test_keys_have_256_random_bits_and_a_salt_each(file: Path) -> None:
    made = [k.made(file, None, ["recommend"], None) for _ in range(3)]
    assert len({key for key, _ in made}) == len({row.salt for _, row in made}) == 3
    assert all(len(key.split("_", 2)[2]) == 43 for key, _ in made)
    assert not {f.name for f in msgspec.structs.fields(k.KeyRow)} & {"key", "secret"}


def test_a_key_that_asks_too_often_waits_and_others_do_not(root: Path, file: Path) -> None:
    one, two = new(file, "--name", "one"), new(file, "--name", "two")
    with running(root, keys=file, rate=0.2, burst=3) as service:
        replies = [service.ask("GET", USER, key=one) for _ in range(5)]
        assert [r.status for r in replies] == [200, 200, 200, 429, 429]
        assert replies[-1].error["code"] == "too_many_requests"
        assert 1 <= int(replies[-1].headers["retry-after"]) <= 5
        assert service.ask("GET", USER, key=two).status == 200
        assert service.ask("GET", "/ready").status == 200


def test_a_bucket_fills_evenly_and_holds_its_burst() -> None:
    now = [0.0]
    buckets = Buckets(rate=10, burst=2, clock=lambda: now[0])
    assert [buckets.wait("a") for _ in range(3)] == [0, 0, 1]
    now[0] = 0.1
    assert [buckets.wait("a") for _ in range(2)] == [0, 1]
    now[0] = 100
    assert [buckets.wait("a") for _ in range(3)] == [0, 0, 1]
    now[0] = 50  # a clock that steps back takes nothing away
    assert buckets.wait("a") == 1
    now[0] = 50.2
    assert buckets.wait("a") == 0


def test_without_keys_the_start_is_refused_but_on_this_machine_alone(root: Path, tmp_path: Path) -> None:
    store = ["serve", "--store", str(root)]
    with pytest.raises(FuserankError, match=r"nobody may ask without a key: .* --insecure-local"):
        ran(*store)
    with pytest.raises(FuserankError, match="there is no file of keys"):
        ran(*store, "--keys", str(tmp_path / "none.yaml"))
    with pytest.raises(FuserankError, match=r"--insecure-local answers on 127\.0\.0\.1 alone"):
        ran(*store, "--insecure-local", "--host", "0.0.0.0")
    with pytest.raises(FuserankError, match=r"nothing is in the store .*publish_store"):
        ran("serve", "--lake", str(tmp_path), "--surface", "moon", "--insecure-local")
