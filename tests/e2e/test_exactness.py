"""An API's JSON comes through byte for byte: only white space outside strings goes, and nothing is re-encoded."""

import pytest
from api import reply
from client import error
from gateway import Gateway, config


@pytest.fixture(scope="module")
def gateway(api):
    with Gateway(config(api.url)) as running:
        yield running


@pytest.mark.parametrize(
    "body",
    [
        b"0",
        b"-0",
        b"-0.0",
        b"3.50",
        b"1E+400",
        b"1e-400",
        b"9007199254740993",
        b"18446744073709551615",
        b"18446744073709551616",
        b"-9223372036854775809",
        b"123456789012345678901234567890123456789012345678901234567890",
        b"0.1000000000000000055511151231257827021181583404541015625",
        rb'"\ud800"',
        rb'"\udc00\ud800"',
        rb'"\u0041\/\b\f\n\r\t\"\\"',
        rb'"\u0000"',
        '"é 中 😀 \u2028\u2029"'.encode(),
        b'""',
        b"true",
        b"null",
        b"[]",
        b"{}",
        b'{"b":1,"a":2,"b":3}',
        b'{"":{"":[]}}',
        b'["a  b\\n{ }",[ ],{"c d":0}]'.replace(b"[ ]", b"[]"),
        b"[" * 500 + b"]" * 500,
        b'{"a":' * 300 + b"1" + b"}" * 300,
        b'{"\\ud800":1}',
    ],
)
def test_it_comes_through_as_it_is(client, api, body):
    api.on("/exact", reply(body))
    client.say("fetch exact", b'{"jsonrpc":"2.0","id":1,"method":"fetch","params":["exact"]}')
    assert sorted([client.line(), client.line()]) == sorted(
        [b"OK " + body, b'{"jsonrpc":"2.0","id":1,"result":' + body + b"}"]
    )


@pytest.mark.parametrize(
    "body, minified",
    [
        (b' { "a" : [ 1 , 2.50 ] ,\r\n\t"b c" : " d " } \n', b'{"a":[1,2.50],"b c":" d "}'),
        (b"\xef\xbb\xbf[1]", b"[1]"),
        (b"\xef\xbb\xbf\n [ ]", b"[]"),
        (b'\t"a\\"  b"\n', b'"a\\"  b"'),
        (b'[ "\\\\" , 1E+400 , 99999999999999999999 ]', b'["\\\\",1E+400,99999999999999999999]'),
        (b'{"n": 1E+400,\n "s": "\\ud800 x" }', b'{"n":1E+400,"s":"\\ud800 x"}'),
    ],
)
def test_only_white_space_outside_strings_goes(client, api, body, minified):
    api.on("/spaced", reply(body))
    client.say("fetch spaced")
    assert client.line() == b"OK " + minified


def nested(depth):
    return b"[" * depth + b"]" * depth


def test_a_thousand_levels_come_through(client, api):
    api.on("/deep", reply(nested(1000)))
    client.say("fetch deep")
    assert client.line() == b"OK " + nested(1000)


def test_more_levels_are_refused(client, api):
    for depth in (1001, 1024, 1025, 20_000):
        api.on("/deeper", reply(nested(depth)))
        error(client.ask("fetch deeper"), "upstream_bad_payload")


@pytest.mark.parametrize("big", [b"1E+400", b"99999999999999999999", b'"\\ud800"'])
def test_depth_is_counted_alike_beside_odd_values(client, api, big):
    api.on("/odd", reply(b"[" * 1000 + big + b"]" * 1000))
    client.say("fetch odd")
    assert client.line() == b"OK " + b"[" * 1000 + big + b"]" * 1000
    api.on("/odd", reply(b"[" * 1001 + big + b"]" * 1001))
    error(client.ask("fetch odd"), "upstream_bad_payload")


@pytest.mark.parametrize(
    "body",
    [
        b"01",
        b"1.",
        b".5",
        b"+1",
        b"1e",
        b"- 1",
        b"0x10",
        b"Infinity",
        b"nul",
        b"tru e",
        b"'a'",
        b'{"a":1,}',
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b'{"a" 1}',
        b"{1:2}",
        b'{"a":1 "b":2}',
        b'"\\x"',
        b'"\\u00g0"',
        b'"\\u12"',
        b'"tab\there"',
        b'"\xc3"',
        b'"\xed\xa0\x80"',
        b'"\xf4\x90\x80\x80"',
        b"[1]\0",
        b"[1] 2",
        b"/* c */ 1",
        b"[1E+400,]",
        b'[99999999999999999999,"\\x"]',
        b'["\\ud800",01]',
        b"\xef\xbb\xbf\xef\xbb\xbf1",
        b"1\xef\xbb\xbf",
        b"\x0b1",
        b"\xc2\xa01",
        b'"',
        b"]",
    ],
)
def test_what_rfc_8259_refuses_is_refused(client, api, body):
    api.on("/wrong", reply(body))
    error(client.ask("fetch wrong"), "upstream_bad_payload")
