"""The configuration is read strictly, refused with every reason at once, and never says a secret."""

from __future__ import annotations

import contextlib
import pickle
import traceback
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from graphwiz_trader.config import ConfigError, HftConfig, RiskConfig, exchange_ids, load
from graphwiz_trader.config.credentials import credentials, stream_key
from graphwiz_trader.config.exchange_ids import EXCHANGES, INSTALL_CCXT, ids_through_ccxt
from graphwiz_trader.config.reference import as_markdown, as_yaml, rows
from graphwiz_trader.config.yaml_tree import YamlTextError, parse

ROOT = Path(__file__).parent.parent


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "hft.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def problems(write):
    """What is wrong with a text: the message's lines without the file's path."""

    def problems(text: str | bytes) -> list[str]:
        path = write(text)
        with pytest.raises(ConfigError) as caught:
            load(path)
        lines = str(caught.value).splitlines()
        assert all(line.startswith(str(path)) for line in lines)
        return [line.removeprefix(str(path)).lstrip(":") for line in lines]

    return problems


# What a file means


@pytest.mark.parametrize("text", ["", "# only a comment\n", "hft:\n", "hft: {}\n", "hft:\n  risk:\n", "\ufeffhft:\n"])
def test_an_empty_file_means_the_defaults(write, text):
    assert load(write(text)) == HftConfig()


def test_the_shipped_file_says_exactly_the_defaults():
    assert load(ROOT / "config/hft.yaml") == HftConfig()


def test_the_shipped_file_shows_every_key_that_has_a_value_of_its_own():
    shown = set(_keys_of(yaml.safe_load((ROOT / "config/hft.yaml").read_text())))
    assets = {f"hft.paper.balances.{asset}" for asset in HftConfig().paper.balances}
    shown = (shown - assets) | {"hft.paper.balances"} if assets <= shown else shown
    optional = {"taker_fee_ppm", "maker_fee_ppm"}
    optional |= {f"endpoints.{name}" for name in ("rest", "stream", "orders", "backup_stream")}
    keys = {row.key for row in rows() if row.key.partition("<id>.")[2] not in optional}
    expected = {key.replace("<id>", exchange) for key in keys for exchange in ("binance", "binanceusdm")}
    assert shown == expected


def _keys_of(value: object, prefix: str = "") -> list[str]:
    if not isinstance(value, dict):
        return [prefix]
    return [key for name, below in value.items() for key in _keys_of(below, f"{prefix}.{name}".lstrip("."))]


def test_the_defaults_send_nothing_beyond_this_machine():
    config = HftConfig()
    assert config.mode == "simulated"
    assert all(exchange.endpoints is None for exchange in config.market_data.exchanges.values())


def test_money_is_exact_however_it_is_written(write):
    for text in ("20000.10", "'20000.10'", "2000010e-2"):
        assert load(write(f"hft: {{risk: {{max_exposure: {text}}}}}")).risk.max_exposure == Decimal("20000.10")


def test_a_leading_zero_does_not_make_a_number_octal(write):
    assert load(write("hft: {risk: {max_orders_per_second: 010}}")).risk.max_orders_per_second == 10


def test_what_is_written_back_loads_to_the_same_values(write):
    text = """
    hft:
      data_dir: /tmp/somewhere else
      risk: {max_exposure: 123456.789, max_position_size: 1e4}
      strategies: {statistical_arbitrage: {z_score_threshold: 3}}
      market_data:
        exchanges:
          binance:
            symbols: [ETH/BTC]
            taker_fee_ppm: 750
            endpoints: {rest: "http://127.0.0.1:1", stream: "ws://[::1]:2", orders: "ws://localhost:3/ws-api/v3"}
    """
    config = load(write(text))
    assert load(write(as_yaml(config))) == config


def test_a_configuration_is_frozen_and_crosses_processes():
    config = HftConfig()
    with pytest.raises(ValidationError):
        config.mode = "live"  # type: ignore[assignment]
    assert pickle.loads(pickle.dumps(config)) == config


# What is refused, and how it is said


def test_a_misspelt_key_names_the_nearest_right_one_and_its_line(problems):
    assert problems("hft:\n  risk:\n    max_exposur: 3\n")[0].startswith(
        "3: hft.risk.max_exposur: unknown key; did you mean max_exposure?"
    )


def test_a_misspelt_exchange_names_the_nearest_right_one(problems):
    (line,) = problems("hft: {market_data: {exchanges: {binanse: {}}}}")
    assert line.endswith(
        "found 'binanse', expected an exchange id; did you mean binance or binanceus? "
        "(allowed: binance, binanceusdm, binancecoinm, okx; any id of ccxt.pro)"
    )


def test_every_exchange_of_ccxt_can_be_named(write):
    import ccxt.pro

    ids = ids_through_ccxt()
    assert ids == frozenset(ccxt.pro.exchanges) - set(EXCHANGES)
    text = "".join(f"      {name}: {{websocket: false, symbols: [BTC/USDT]}}\n" for name in sorted(ids))
    config = load(write(f"hft:\n  market_data:\n    exchanges:\n{text}"))
    assert set(config.enabled_exchanges) == ids


def test_an_exchange_behind_ccxt_has_one_line(problems):
    (line,) = problems("hft: {market_data: {exchanges: {kraken: {lines: 2}}}}")
    assert "hft.market_data.exchanges.kraken.lines: is more than 1, and ccxt keeps its connections itself" in line


def test_without_ccxt_its_exchanges_are_refused_with_what_to_install(problems, monkeypatch):
    monkeypatch.setattr(exchange_ids, "ids_through_ccxt", frozenset)
    (line,) = problems("hft: {market_data: {exchanges: {kraken: {}}}}")
    assert line.endswith(
        f"(allowed: binance, binanceusdm, binancecoinm, okx; with ccxt any that it knows: {INSTALL_CCXT})"
    )


def test_a_misspelt_key_below_an_exchange_names_that_exchange_s_keys(problems):
    (line,) = problems("hft: {market_data: {exchanges: {binance: {symbol: [BTC/USDT]}}}}")
    assert "hft.market_data.exchanges.binance.symbol: unknown key; did you mean symbols?" in line


def test_a_misspelt_top_key_is_named(problems):
    assert problems("htf: {}") == ["1: htf: unknown key; did you mean hft? (allowed: hft)"]


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(problems):
    lines = problems(
        "hft:\n  enabled: 3\n  mode: live\n  observer: {port: 70000}\n  risk: {max_exposure: -1, x: 1}\n  risc: 7\n"
    )
    assert [line.split(":")[0] for line in lines] == ["2", "3", "4", "5", "5", "6"]


def test_a_key_given_twice_is_refused(problems):
    assert problems("hft:\n  risk: {currency: USDT}\n  enabled: true\n  risk: {}\n") == [
        "4: hft.risk: this key is given twice: keep one of the two"
    ]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("risk.max_exposure", "-1", "found -1, expected an exact decimal number of risk.currency, more than 0"),
        ("risk.max_exposure", "0", "more than 0 and at most 1000000000000"),
        ("risk.max_exposure", ".nan", "expected a decimal number"),
        ("risk.max_exposure", "NaN", "expected an exact decimal number"),
        ("risk.max_exposure", "1e999", "at most 1000000000000"),
        ("risk.max_exposure", "true", "found true, expected an exact decimal number"),
        ("risk.max_exposure", "0.0000000000001", "at most 12 decimals"),
        ("risk.max_exposure", "", "found nothing"),
        ("risk.max_orders_per_second", "true", "found true, expected a whole number of orders/s, at least 1"),
        ("risk.max_orders_per_second", "2.5", "found 2.5, expected a whole number"),
        ("risk.max_orders_per_second", "'5'", "found '5', expected a whole number"),
        ("risk.currency", "usdt", "expected an asset's name in capital letters"),
        ("enabled", "1", "found 1, expected true or false"),
        ("enabled", "'true'", "found 'true', expected true or false"),
        ("mode", "live", "found 'live', expected simulated"),
        ("data_dir", "''", "expected the path of a folder"),
        ("data_dir", "3", "found 3, expected a folder"),
        ("observer.port", "70000", "expected a whole number of TCP port, at least 0 and at most 65535"),
        ("strategies.statistical_arbitrage.lookback_period", "1", "at least 2 and at most 1000"),
        ("strategies.statistical_arbitrage.z_score_threshold", ".inf", "expected a number of standard deviations"),
        ("strategies.statistical_arbitrage.z_score_threshold", "1e999", "expected a number of standard deviations"),
        ("market_data.exchanges.binance.symbols", "[BTCUSDT]", "expected BASE/QUOTE in capital letters, as BTC/USDT"),
        ("market_data.exchanges.okx.symbols", "['BTC/USD:BTC-261225']", "contracts that expire are not followed"),
        (
            "market_data.exchanges.okx.symbols",
            "['BTC/USD:BTC-261225-90000-C']",
            "contracts that expire are not followed",
        ),
        ("market_data.exchanges.binance.symbols", "['BTC/USDT:']", "or BASE/QUOTE:SETTLE for a swap"),
        ("market_data.exchanges.binance.symbols", "[]", "found an empty list, expected 1 to 100 symbols"),
        ("market_data.exchanges.binance.symbols", "BTC/USDT", "expected a list of 1 to 100 symbols"),
        ("market_data.exchanges.binance.symbols", "[A/B, A/B]", "every symbol once; repeated: A/B"),
        ("market_data.exchanges.binance.websocket", "false", "this exchange is only streamed"),
        ("market_data.exchanges.binance.format", "fix", "found 'fix', expected json or sbe"),
        (
            "market_data.exchanges.binanceusdm.format",
            "sbe",
            "binary streams are there of binance alone; set it to json",
        ),
        ("market_data.exchanges.binance", "7", "expected a group of keys: enabled, symbols"),
        ("market_data.exchanges", "[binance]", "expected a group of keys"),
        ("market_data.exchanges.binance.endpoints", "{rest: 'http://127.0.0.1'}", "stream: missing, expected a ws://"),
    ],
)
def test_a_value_out_of_bounds_says_what_was_found_and_what_is_allowed(problems, key, value, expected):
    parents, _, name = f"hft.{key}".rpartition(".")
    text = "".join(f"{'  ' * depth}{part}:\n" for depth, part in enumerate(parents.split(".")))
    lines = problems(f"{text}{'  ' * len(parents.split('.'))}{name}: {value}\n")
    assert key in lines[0]
    assert expected in lines[0]


@pytest.mark.parametrize(
    ("text", "both_values"),
    [
        ("risk: {max_position_size: 60000}", "60000 is more than max_exposure 50000"),
        ("risk: {max_exposure: 9000}", "10000 is more than max_exposure 9000"),
        (
            "strategies: {statistical_arbitrage: {max_position_size: 10001}}",
            "10001 is more than risk.max_position_size 10000",
        ),
        (
            "strategies: {cross_exchange_arbitrage: {max_position_size: 3e4}}",
            "30000 is more than risk.max_position_size 10000",
        ),
        ("market_data: {max_skew_ms: 1001}", "1001 is more than max_book_age_ms 1000"),
        ("market_data: {stale_after_ms: 900}", "1000 is more than stale_after_ms 900"),
    ],
)
def test_limits_that_contradict_one_another_are_refused_with_both_values(problems, text, both_values):
    (line,) = problems(f"hft: {{{text}}}")
    assert both_values in line


def test_contradictions_of_several_sections_are_reported_together(problems):
    assert len(problems("hft: {risk: {max_exposure: 1}, market_data: {max_skew_ms: 60000}}")) == 2


@pytest.mark.parametrize(
    "address",
    [
        "ws://10.0.0.1",
        "wss://stream.binance.com:9443",
        "ws://127.0.0.1.evil.com",
        "ws://localhost.evil.com",
        "ws://0.0.0.0",
    ],
)
def test_an_address_beyond_this_machine_is_refused_in_simulated_mode(problems, address):
    endpoints = f"{{rest: 'http://127.0.0.1', stream: '{address}', orders: 'ws://localhost'}}"
    (line,) = problems(f"hft: {{market_data: {{exchanges: {{binance: {{endpoints: {endpoints}}}}}}}}}")
    assert "endpoints.stream: " in line
    assert "is not this machine" in line


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"hft: \xff\xfe", "byte 5 is not UTF-8 text: save the file as UTF-8"),
        (b"hft: {}\n" + b"#" * 70_000, "longer than 65536 bytes: this is not a configuration file"),
        ("hft: [", "1: not readable as YAML"),
        ("hft: \x00", "1: not readable as YAML"),
        ("[" * 30_000, "1: groups stand inside one another more than 20 deep"),
        ("hft: !!python/object/apply:os.system ['true']", "tags"),
        ("hft: !secret x", "tags"),
        ("a: &a [x]\nb: *a\n", "anchors and aliases are not used here"),
        ("hft: {}\n---\nhft: {}\n", "not readable as YAML"),
        ("[hft]", "expected one group of keys, hft:, at the top of the file"),
        ("3", "expected one group of keys"),
        ("? [a]\n: 1\n", "a key should be a word"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_in_one_line(problems, text, reason):
    (line,) = problems(text)
    assert reason in line


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read: No such file"):
        load(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)


@given(st.text(max_size=200))
def test_any_text_is_either_values_or_one_kind_of_error(text):
    with contextlib.suppress(YamlTextError):
        parse(text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), st.lists))
def test_any_value_in_any_place_is_either_accepted_or_a_validation_error(value):
    for name in RiskConfig.model_fields:
        with contextlib.suppress(ValidationError):
            RiskConfig.model_validate({name: value})


# Secrets


SECRET = "s3cr3tVALUEs3cr3tVALUEs3cr3tVALUEs3cr3tVALUEs3cr3tVALUEs3cr3tVAL"


@pytest.mark.parametrize(
    "text",
    [
        f"hft: {{api_key: {SECRET}}}",
        f"hft: {{market_data: {{exchanges: {{binance: {{apiKey: {SECRET}, api_secret: x}}}}}}}}",
        f"GRAPHWIZ_BINANCE_API_SECRET: {SECRET}",
        f"hft: {{market_data: {{exchanges: {{binance: {{symbols: [{SECRET}]}}}}}}}}",
        f"hft: {{{SECRET}: 1}}",
        f"hft: {{mode: {SECRET}}}",
        f"hft: [{SECRET}",
        f"hft: {{data_dir: {{password: {SECRET}}}}}",
        f"hft: {{market_data: {{exchanges: {{binance: {{endpoints: {{rest: 'http://u:{SECRET}@127.0.0.1'}}}}}}}}}}",
    ],
)
def test_a_secret_in_the_file_is_an_error_that_does_not_say_it(write, text):
    with pytest.raises(ConfigError) as caught:
        load(write(text))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_secret_in_the_file_is_told_where_it_belongs(problems):
    (line,) = problems(f"hft: {{market_data: {{exchanges: {{binance: {{api_secret: {SECRET}}}}}}}}}")
    assert "set GRAPHWIZ_<EXCHANGE>_API_KEY and GRAPHWIZ_<EXCHANGE>_API_SECRET in the environment" in line


def test_secrets_come_from_the_environment_and_print_as_asterisks(monkeypatch):
    monkeypatch.setenv("GRAPHWIZ_BINANCE_API_KEY", "key")
    monkeypatch.setenv("GRAPHWIZ_BINANCE_API_SECRET", SECRET)
    found = credentials("binance")
    assert found.api_secret is not None
    assert found.api_secret.get_secret_value() == SECRET
    assert SECRET not in f"{found!r} {found} {found.model_dump_json()}"
    assert credentials("binanceusdm").api_key is None


def test_half_a_pair_of_secrets_is_refused(monkeypatch):
    monkeypatch.setenv("GRAPHWIZ_BINANCE_API_KEY", SECRET)
    with pytest.raises(ConfigError, match="GRAPHWIZ_BINANCE_API_SECRET: is not set while") as caught:
        credentials("binance")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "secret", "with_secret", "said"),
    [
        ("", "", False, "GRAPHWIZ_BINANCE_API_KEY: is not set: hft.market_data.exchanges.binance.format is sbe"),
        ("", SECRET, False, "GRAPHWIZ_BINANCE_API_KEY: is not set"),
        ("key", SECRET, False, "GRAPHWIZ_BINANCE_API_SECRET: is no PEM, so GRAPHWIZ_BINANCE_API_KEY is an HMAC key"),
        ("key", "", True, "GRAPHWIZ_BINANCE_API_SECRET: is not set: the simulated exchange sees by it"),
        ("key", "", False, ""),
        ("key", f"-----BEGIN {SECRET}", False, ""),
        ("key", f"-----BEGIN {SECRET}", True, ""),
    ],
)
def test_binary_streams_want_the_key_of_an_ed25519_pair(monkeypatch, key, secret, with_secret, said):
    monkeypatch.setenv("GRAPHWIZ_BINANCE_API_KEY", key)
    monkeypatch.setenv("GRAPHWIZ_BINANCE_API_SECRET", secret)
    if not said:
        assert stream_key("binance", with_secret=with_secret).get_secret_value() == "key"
        return
    with pytest.raises(ConfigError, match=said) as caught:
        stream_key("binance", with_secret=with_secret)
    assert "set the format to json" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_an_empty_variable_is_not_a_secret(monkeypatch):
    monkeypatch.setenv("GRAPHWIZ_BINANCE_API_KEY", "")
    assert credentials("binance").api_key is None


# The reference


def test_the_reference_page_is_made_from_the_models():
    page = (ROOT / "docs/configuration.md").read_text()
    assert page == as_markdown(), "run `make docs`"


def test_every_key_has_a_meaning_and_every_number_a_unit_and_bounds():
    for row in rows():
        assert row.meaning.endswith("."), row.key
        if "number" in row.expected:
            assert " of " in row.expected, f"{row.key} has no unit"
            assert "at most" in row.expected, f"{row.key} has no upper bound"
            assert "at least" in row.expected or "more than" in row.expected, f"{row.key} has no lower bound"


@pytest.mark.parametrize(("lines", "is_right"), [(1, True), (4, True), (0, False), (5, False)])
def test_there_are_one_to_four_parallel_lines(write, lines, is_right):
    text = f"hft:\n  market_data:\n    exchanges:\n      binance:\n        lines: {lines}\n"
    if is_right:
        assert load(write(text)).market_data.exchanges["binance"].lines == lines
    else:
        with pytest.raises(ConfigError, match=r"market_data\.exchanges\.binance\.lines"):
            load(write(text))


@pytest.mark.parametrize(("mode", "is_right"), [("paper", True), ("shadow", True), ("simulated", False)])
def test_an_address_for_orders_is_needed_only_where_orders_are_sent(write, mode, is_right):
    endpoints = "{rest: 'http://127.0.0.1:1', stream: 'ws://127.0.0.1:1'}"
    text = f"hft:\n  mode: {mode}\n  market_data:\n    exchanges:\n      binance:\n        endpoints: {endpoints}\n"
    if is_right:
        assert load(write(text)).market_data.exchanges["binance"].endpoints.orders is None
    else:
        with pytest.raises(ConfigError, match=r"endpoints\.orders: is missing.*or set hft\.mode to paper"):
            load(write(text))


def test_a_backup_of_the_streams_is_held_to_this_machine_too(write):
    addresses = "rest: 'http://127.0.0.1:1', stream: 'ws://127.0.0.1:1', orders: 'ws://127.0.0.1:1'"
    endpoints = f"{{{addresses}, backup_stream: 'wss://elsewhere.example'}}"
    text = f"hft:\n  market_data:\n    exchanges:\n      binance:\n        endpoints: {endpoints}\n"
    with pytest.raises(ConfigError, match=r"backup_stream.*is not this machine"):
        load(write(text))
