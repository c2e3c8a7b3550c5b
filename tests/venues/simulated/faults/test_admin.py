"""The admin port: faults are listed, added and cleared while the exchange runs, by who has the token alone."""

from __future__ import annotations

import httpx
import pytest

from graphwiz_trader.venues.simulated.faults.admin import AdminPort
from venues.simulated.clients import get, in_loop, serving


def with_admin(test):
    def run():
        async def body():
            async with serving("binance", "binanceusdm") as exchange:
                admin = AdminPort(exchange.faults)
                await admin.start()
                headers = {"Authorization": f"Bearer {admin.address.token}"}
                try:
                    async with httpx.AsyncClient(headers=headers) as client:
                        await test(exchange, admin.address.url, client)
                finally:
                    await admin.stop()

        in_loop(body)

    run.__name__ = test.__name__
    return run


BUSY = {"fault": "http_status", "status": 429, "venue": "binance", "count": 5}


@with_admin
async def test_a_fault_is_added_strikes_is_listed_and_is_cleared(exchange, url, client):
    added = await client.post(url, json={"faults": [BUSY]})
    assert (added.status_code, added.json()) == (201, {"numbers": [1]})
    assert (await get(exchange.urls["binance"].rest, "/api/v3/time")).status_code == 429
    (entry,) = (await client.get(url)).json()["faults"]
    assert (entry["number"], entry["at"], entry["fault"], entry["fired"]) == (1, "binance", "http_status", 1)
    assert (await client.delete(f"{url}/1")).json() == {"cleared": 1}
    assert (await get(exchange.urls["binance"].rest, "/api/v3/time")).status_code == 200
    assert (await client.delete(f"{url}/1")).status_code == 404


@with_admin
async def test_all_faults_are_cleared_at_once(exchange, url, client):
    await client.post(url, json={"faults": [BUSY, {"fault": "drop", "probability": 0.1}]})
    assert len((await client.get(url)).json()["faults"]) == 3, "one for every venue counts at each"
    await client.delete(url)
    assert (await client.get(url)).json() == {"faults": []}


@with_admin
async def test_nobody_without_the_token_sees_or_changes_anything(exchange, url, client):
    await client.post(url, json={"faults": [BUSY]})
    for wrong in ("", "Bearer", "Bearer wrong", "Basic eDp5", "Bearer \xe9"):
        async with httpx.AsyncClient(headers={"Authorization": wrong.encode("latin-1")}) as stranger:
            for method in ("GET", "POST", "DELETE"):
                assert (await stranger.request(method, url)).status_code == 401
    assert len(exchange.faults.listing()) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"faults":[{"fault":"dorp"}]}', "body: faults[0].fault: no fault 'dorp'; did you mean drop?"),
        (b'{"faults":[{"fault":"drop","venue":"okx"}]}', "no venue 'okx' is served"),
        (b"[]", "expected a group"),
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"seed":1,"faults":[]}', "seed: it is the exchange's"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_armed(body, said):
    @with_admin
    async def run(exchange, url, client):
        refused = await client.post(url, content=body)
        assert refused.status_code == 400
        assert said in refused.json()["error"]
        assert exchange.faults.listing() == []

    run()


@with_admin
async def test_other_paths_and_methods_say_what_there_is(exchange, url, client):
    for method, path in (("PUT", ""), ("DELETE", "/x"), ("DELETE", "/99999999999999999999"), ("GET", "/1")):
        answer = await client.request(method, url + path)
        assert answer.status_code == 404
        assert "faults" in answer.json()["error"] or "armed" in answer.json()["error"]
