"""The check after each abuse finds what it is there to find."""

from __future__ import annotations

import logging

import pytest

from venues.simulated.fuzz.arena import VENUES, arena


@pytest.mark.parametrize("venue", VENUES)
def test_a_single_unit_that_is_gone_is_found(venue):
    with arena() as field:
        field.check()
        field.venues[venue].accounts[2].balance("USDT").free_units -= 1
        with pytest.raises(AssertionError, match="appeared or gone"):
            field.check()


def test_an_error_in_the_log_is_found():
    with arena() as field:
        logging.getLogger("graphwiz.simulated").error("a bug")
        with pytest.raises(AssertionError, match="a bug"):
            field.check()


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_that_fails_at_a_request_is_found(venue, monkeypatch):
    with arena() as field:
        monkeypatch.setattr(field.exchange.venues[venue], "answer", lambda _request: 1 // 0)
        with pytest.raises(AssertionError, match="does not answer any more"):
            field.check()
