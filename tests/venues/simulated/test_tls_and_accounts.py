"""Serving over TLS with an authority of its own, and accounts from a file."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest
import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from graphwiz_trader.venues.simulated import DEMO_API_KEY
from graphwiz_trader.venues.simulated.account_file import AccountFileError, read_accounts
from graphwiz_trader.venues.simulated.exchange import UnknownVenueError
from graphwiz_trader.venues.simulated.tls import AUTHORITY_FILE, server_context
from patience import PATIENCE_S
from venues.simulated.clients import Client, ed25519_signed, hmac_signed, in_loop, serving

PEM = Ed25519PrivateKey.generate()
PUBLIC_PEM = PEM.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=folder / AUTHORITY_FILE)


def test_clients_that_trust_the_authority_reach_rest_and_streams_over_tls(tmp_path):
    async def run():
        async with serving(tls=server_context(tmp_path)) as exchange:
            urls = exchange.urls["binance"]
            assert urls.rest.startswith("https://127.0.0.1:")
            trusted = trusting(tmp_path)
            async with httpx.AsyncClient(verify=trusted) as client:
                assert (await client.get(urls.rest + "/api/v3/ping")).status_code == 200
            async with websockets.connect(urls.stream + "/ws/btcusdt@trade", ssl=trusted) as socket:
                await socket.send('{"id":1,"method":"LIST_SUBSCRIPTIONS"}')
                assert await asyncio.wait_for(socket.recv(), PATIENCE_S) == '{"result":["btcusdt@trade"],"id":1}'
            async with httpx.AsyncClient() as stranger:
                with pytest.raises(httpx.ConnectError):
                    await stranger.get(urls.rest + "/api/v3/ping")

    in_loop(run)


def test_a_client_that_speaks_plain_text_to_a_tls_port_is_turned_away_and_others_are_served(tmp_path):
    async def run():
        async with serving(tls=server_context(tmp_path)) as exchange:
            urls = exchange.urls["binance"]
            port = int(urls.rest.rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200" not in await asyncio.wait_for(reader.read(), PATIENCE_S)
            writer.close()
            async with httpx.AsyncClient(verify=trusting(tmp_path)) as client:
                assert (await client.get(urls.rest + "/api/v3/ping")).status_code == 200

    in_loop(run)


def test_the_certificates_are_kept_and_the_key_is_its_owners_alone(tmp_path):
    folder = tmp_path / "deep" / "tls"
    server_context(folder)
    made = {path.name: path.read_bytes() for path in folder.iterdir()}
    server_context(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made
    assert (folder / "server.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["server.pem", "server.key", AUTHORITY_FILE])
@pytest.mark.parametrize("how", ["damaged", "gone", "of another set"])
def test_certificates_that_do_not_belong_together_are_made_anew(tmp_path, name, how):
    folder, other = tmp_path / "tls", tmp_path / "other"
    server_context(folder)
    server_context(other)
    if how == "of another set":
        (other / name).replace(folder / name)
    elif how == "gone":
        (folder / name).unlink()
    else:
        (folder / name).write_text("damaged")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    server_context(folder)
    assert all((folder / made).read_bytes() != content for made, content in before.items())


def accounts(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "accounts.yaml"
    path.write_text(text)
    return path


def test_each_key_of_the_file_opens_its_own_account(tmp_path):
    indented = PUBLIC_PEM.replace("\n", "\n      ")
    path = accounts(
        tmp_path,
        f"- {{name: alice, key: alice1, secret: hush, funds: {{USDT: '10'}}}}\n"
        f"- name: bob\n  exchange: binance\n  key: bob1\n  secret: |\n      {indented}",
    )

    async def run():
        async with serving("binance", "binanceusdm", more_accounts=read_accounts(path)) as exchange:
            async with Client(exchange.urls["binance"].orders) as client:
                alice = await client.ask("account.status", hmac_signed({}, "alice1", "hush"))
                assert alice["result"]["balances"] == [{"asset": "USDT", "free": "10.00000000", "locked": "0.00000000"}]
                bob = await client.ask("account.status", ed25519_signed({}, "bob1", PEM))
                assert len(bob["result"]["balances"]) == 4
                stolen = await client.ask("account.status", hmac_signed({}, "bob1", "hush"))
                assert stolen["error"]["code"] == -1022
            async with Client(exchange.urls["binanceusdm"].orders) as client:
                assert (await client.ask("account.status", hmac_signed({}, "alice1", "hush")))["status"] == 200
                assert (await client.ask("account.status", ed25519_signed({}, "bob1", PEM)))["error"]["code"] == -2015

    in_loop(run)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- [", "is no YAML at line"),
        ("name: x", "holds no list; expected a list of accounts, as `- {name:"),
        ("", "holds no list"),
        ("[" * 5_000, "too deep"),
        (
            "- {name: x, key: k, secret: hush}\n- {name: x, key: k2}",
            "account 2: Object missing required field `secret`",
        ),
        ("- {name: x, key: '', secret: hush}", "account 1: its key is empty"),
        ("- {name: x, key: k, secret: ' '}", "account 1: its secret is empty"),
        ("- {name: x, key: k, secret: hush, fund: {}}", "unknown field `fund`"),
        ("- {name: x, key: k, secret: hush, funds: {USDT: '-1'}}", "expected a decimal"),
        ("- {name: x, key: k, secret: hush}\n- {name: y, key: k, secret: hush}", "keys are unique"),
    ],
)
def test_a_file_that_is_wrong_is_refused_without_a_word_of_its_secrets(tmp_path, text, said):
    with pytest.raises(AccountFileError) as refused:
        read_accounts(accounts(tmp_path, text))
    assert said in str(refused.value)
    assert "hush" not in str(refused.value)


def test_an_account_for_a_venue_that_is_not_served_or_with_a_key_of_another_kind_is_refused(tmp_path):
    entries = read_accounts(accounts(tmp_path, "- {name: x, key: k, secret: hush, exchange: kraken}"))
    assert "hush" not in repr(entries)

    async def open_with(entries):
        async with serving(more_accounts=entries):
            pass

    with pytest.raises(UnknownVenueError, match="kraken"):
        asyncio.run(open_with(entries))
    rubbish = read_accounts(accounts(tmp_path, "- {name: x, key: k, secret: '-----BEGIN PUBLIC KEY-----'}"))
    with pytest.raises(AccountFileError, match="account 'x' at binance: its PEM cannot be read; expected"):
        asyncio.run(open_with(rubbish))


@pytest.mark.parametrize(
    "entry",
    [
        f"key: {DEMO_API_KEY}, secret: hush",
        "key: k, secret: hush}\n- {name: y, exchange: binance, key: k, secret: hush",
    ],
)
def test_no_account_has_the_key_of_another_one(tmp_path, entry):
    entries = read_accounts(accounts(tmp_path, f"- {{name: x, {entry}}}"))

    async def open_them():
        async with serving(more_accounts=entries):
            pass

    with pytest.raises(AccountFileError, match="has the key of another"):
        asyncio.run(open_them())
