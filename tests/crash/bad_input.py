"""bad_input.py - what no client should send, over real sockets, beside a stream of good events.

Each is a clear error or a quarantined row with its reason; memory stays bounded; nothing else is lost meanwhile.
"""
import contextlib
import gzip
import json
import select
import socket
import time
import urllib.parse

from harness import KEY, Program, ask, check, wait_for
from load import Load

MIB = 1024 * 1024
GROWTH_MAX_MIB = 350  # of the program's resident memory over its start, at any moment; the edge alone may hold 256 MiB of bodies


class Other:
    """Counts what a test sends besides the load, so that the ledger can be held to the last event."""

    def __init__(self):
        self.received = 0
        self.quarantined = []  # reasons, in order


@contextlib.contextmanager
def good_events_beside(options):
    """A running program and a load; at the end every good event must be there and every bad one be counted."""
    with Program() as program:
        program.start()
        other = Other()
        with Load(program, options.seed, threads=2, batch=10, pause=0.02) as load:
            load.wait_acked(100)
            program.process.forget_peak()
            before = program.process.memory()[0]
            yield program, other
            load.wait_acked(100)
            peak = program.process.memory()[1]
            said = load.verify(other.received)
            check(max(load.waits) < 10, f"a good event waited {max(load.waits):.1f} s for its acknowledgement")
        reasons = program.sql("SELECT reason FROM sluice.quarantine WHERE message_id NOT LIKE 'bad%' ORDER BY log_offset FORMAT TSV").split()
        check(reasons == other.quarantined, f"reasons in quarantine: {reasons}, expected: {other.quarantined}")
        check(peak - before < GROWTH_MAX_MIB, f"resident memory grew from {before:.0f} to {peak:.0f} MiB")
        print(f"    {said}; memory {before:.0f} MiB, at most {peak:.0f} MiB")


def event(**fields):
    return json.dumps({"event": "odd", **fields}).encode()


def odd(properties):
    return b'{"event":"odd","properties":' + properties + b"}"


def every_bad_body_is_a_quarantined_row_with_its_reason(options):
    deep = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
    cases = [
        ("an empty body", b"", "body_empty", "$"),
        ("an empty array", b"[]", "body_empty", "$"),
        ("wrong JSON", b'{"event":"odd",', "json_invalid", None),
        ("no JSON at all", b"hello", "json_invalid", None),
        ("a number", b"12", "not_an_object", "$"),
        ("no event name", b"{}", "event_missing", "$.event"),
        ("an event name of another type", b'{"event":7}', "field_type", "$.event"),
        ("10,000-deep JSON", deep, "json_too_deep", None),
        ("10,000-deep properties", odd(deep), "json_too_deep", None),
        ("invalid UTF-8", odd(b'{"a":"\xff"}'), "invalid_unicode", None),
        ("an overlong NUL", odd(b'{"a":"\xc0\x80"}'), "invalid_unicode", None),
        ("a NUL byte", odd(b'{"a":"\0"}'), "invalid_unicode", None),
        ("an escaped NUL", odd(b'{"a":"\\u0000"}'), "invalid_unicode", None),
        ("a lone surrogate", odd(b'{"a":"\\ud800"}'), "invalid_unicode", None),
        ("duplicate keys", odd(b'{"a":1,"a":2}'), "duplicate_key", "$.properties.a"),
        ("duplicate keys, differently written", odd(b'{"a":1,"\\u0061":2}'), "duplicate_key", "$.properties.a"),
        ("NaN", odd(b'{"a":NaN}'), "json_invalid", "$.properties.a"),
        ("Infinity", odd(b'{"a":-Infinity}'), "json_invalid", "$.properties.a"),
        ("a time of the year 9999", event(timestamp="9999-01-01T00:00:00Z"), "timestamp_out_of_range", "$.timestamp"),
        ("a time of the year 1850", event(timestamp="1850-01-01T00:00:00Z"), "timestamp_out_of_range", "$.timestamp"),
        ("a time that is none", event(timestamp="garbage"), "timestamp_invalid", "$.timestamp"),
        ("the 31st of February", event(timestamp="2026-02-31T00:00:00Z"), "timestamp_invalid", "$.timestamp"),
        ("an id of 513 bytes", event(message_id="x" * 513), "id_too_long", "$.message_id"),
        ("an event of 2 MiB", event(properties={"a": "x" * 2 * MIB}), "event_too_large", None),
        ("too many events", b"[" + b",".join([b'{"event":"odd"}'] * 10_001) + b"]", "batch_too_large", "$"),
        ("half a gzip", gzip.compress(event())[:20], "body_encoding", "$"),
    ]
    with good_events_beside(options) as (program, other):
        for name, body, reason, path in cases:
            status, _, text = program.post(body)
            check(status == 400, f"{name}: {status}: {text[:300]}")
            verdict = json.loads(text)
            check((verdict["received"], verdict["accepted"], len(verdict["rejected"])) == (1, 0, 1), f"{name}: {verdict}")
            rejected = verdict["rejected"][0]
            check(rejected["reason"] == reason and (path is None or rejected["path"] == path), f"{name}: {rejected}, expected {reason} at {path}")
            other.received += 1
            other.quarantined.append(reason)
        # One bad event among good ones: only it.
        status, _, text = program.post(b'[{"event":"odd"},{"event":"odd","properties":{"a":1,"a":2}},{"event":"odd"}]')
        verdict = json.loads(text)
        check(status == 200 and verdict["accepted"] == 2 and [r["index"] for r in verdict["rejected"]] == [1], verdict)
        other.received += 3
        other.quarantined.append("duplicate_key")
    print(f"    {len(cases) + 1} kinds")


def the_segment_dialect_answers_200_and_quarantines_all_the_same(options):
    """Its SDKs drop a batch for any 4xx, so content never causes one."""
    bodies = [(b"{", "json_invalid"), (b"", "body_empty"), (json.dumps({"batch": [{"type": "nonsense"}]}).encode(), "type_unknown"),
              (json.dumps({"batch": [{"type": "track", "event": "odd", "timestamp": "soon", "userId": "u"}]}).encode(), "timestamp_invalid")]
    with good_events_beside(options) as (program, other):
        for body, reason in bodies:
            status, _, text = ask(program.urls["collect"], "POST", "/v1/batch", body, {"Authorization": "Basic ZGVtbzo="})
            check(status == 200 and json.loads(text)["success"] is True, f"{reason}: {status}: {text[:300]}")
            other.received += 1
            other.quarantined.append(reason)


def without_a_known_key_nothing_is_received(options):
    with good_events_beside(options) as (program, _):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic d3Jvbmc6"}, {"Authorization": "Bearer "},
                        {"Authorization": "nonsense"}, {"Authorization": "Bearer " + "x" * 10_000}):
            status, answer, text = program.post([{"event": "odd"}], headers)
            error = json.loads(text)["error"]
            check(status == 401 and error["message"] and error["next"] and "WWW-Authenticate" in answer, f"{headers}: {status}: {text[:300]}")
        rows = program.sql("SELECT count() FROM sluice.events WHERE event = 'odd'")
        check(rows == "0\n", f"{rows} events of unknown senders")


def numbers_and_times_at_the_edges_are_stored_as_sent(options):
    properties = b'{"huge":1e400,"long":123456789012345678901234567890,"small":-1E+400,"fine":0.1234567894}'
    sent = b'{"event":"odd","message_id":"numbers","properties":' + properties + b"}"
    times = {"1970": "1970-01-01T00:00:00Z", "1901": "1901-01-01T00:00:00Z", "2099": "2099-12-31T23:59:59.999Z", "zoneless": "2026-03-28T14:22:01"}
    with good_events_beside(options) as (program, other):
        for body in [sent] + [event(message_id=name, timestamp=text) for name, text in times.items()]:
            status, _, text = program.post(body)
            check(status == 200, f"{body[:100]}: {status}: {text[:300]}")
            other.received += 1
        wait_for("all of them stored", lambda: program.sql("SELECT count() FROM sluice.events WHERE event = 'odd'") == f"{other.received}\n")
        row = json.loads(program.sql("SELECT properties, texts, mapKeys(numbers) AS named, toString(numbers['properties.fine']) AS fine "
                                     "FROM sluice.events WHERE message_id = 'numbers' FORMAT JSONEachRow"))
        check(row["properties"] == properties.decode(), row)
        check(row["texts"] == {"properties.huge": "1e400", "properties.long": "123456789012345678901234567890", "properties.small": "-1E+400",
                               "properties.fine": "0.123456789"}, row)
        check(row["named"] == ["properties.fine"] and row["fine"] == "0.123456789", row)
        rows = program.sql("SELECT message_id, event_time, arrayStringConcat(arrayFilter(f -> f != 'derived_id', flags), ',') FROM sluice.events "
                           "WHERE event = 'odd' AND message_id != 'numbers' ORDER BY event_time FORMAT TSV")
        check([line.split("\t") for line in rows.splitlines()] == [
            ["1901", "1901-01-01 00:00:00.000", ""], ["1970", "1970-01-01 00:00:00.000", ""],
            ["zoneless", "2026-03-28 14:22:01.000", "no_zone"], ["2099", "2099-12-31 23:59:59.999", "future"]], rows)


# Sockets

def connect(program):
    where = urllib.parse.urlsplit(program.urls["collect"])
    return socket.create_connection((where.hostname, where.port), timeout=60)


def talk(program, *parts):
    """Sends the parts, as far as they are taken, and returns (status or 0, all that came back until the end of the connection)."""
    with connect(program) as wire:
        for part in parts:
            try:
                wire.sendall(part)
            except OSError:  # answered and closed before all was sent
                break
        got = b""
        with contextlib.suppress(OSError):
            while chunk := wire.recv(65536):
                got += chunk
    return (int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.1 ") else 0), got


HEAD = b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer demo\r\n"
CHUNKED_EVENT = b'f\r\n{"event":"odd"}\r\n0\r\n\r\n'


def requests_that_can_be_read_in_two_ways_are_refused_and_closed(options):
    smuggled = b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer demo\r\nContent-Length: 15\r\n\r\n" + b'{"event":"odd"}'
    cases = {
        "Transfer-Encoding: xchunked": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKED_EVENT,
        "Transfer-Encoding: chunked, identity": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKED_EVENT,
        "both length headers": HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED_EVENT + smuggled,
        "two Content-Lengths": HEAD + b"Content-Length: 15\r\nContent-Length: 16\r\n\r\n" + b'{"event":"odd"}',
        "a negative length": HEAD + b"Content-Length: -1\r\n\r\n" + b'{"event":"odd"}',
        "a bare LF": HEAD.replace(b"\r\n", b"\n") + b"Content-Length: 15\n\n" + b'{"event":"odd"}',
        "a chunk size that is none": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "a head of 1 MiB": HEAD + b"X-Long: " + b"x" * MIB + b"\r\n\r\n",
        "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n",
    }
    with good_events_beside(options) as (program, _):
        for name, data in cases.items():
            status, answer = talk(program, data)
            check(400 <= status < 600 and status not in (401, 404, 405), f"{name}: {status}: {answer[:300]}")
            check(answer.count(b"HTTP/1.1 ") == 1, f"{name}: more than one answer: {answer[:1000]}")
        check(program.sql("SELECT count() FROM sluice.events WHERE event = 'odd'") == "0\n", "an event of them was stored")


def an_event_of_100_mb_and_gzip_bombs_are_refused_in_bounded_memory(options):
    bomb = gzip.compress(b" " * 256 * MIB, 9)
    big = gzip.compress(b'{"event":"odd","properties":{"a":"' + b"x" * 100_000_000 + b'"}}', 1)
    chunk = b"x" * MIB
    with good_events_beside(options) as (program, other):
        for _ in range(3):
            for name, head, parts in (
                    ("a length of 100 MB", b"Content-Length: 100000040\r\n\r\n", [b'{"event":"odd","properties":{"a":"'] + [chunk] * 95),
                    ("100 MB in chunks", b"Transfer-Encoding: chunked\r\n\r\n", [b"%x\r\n" % MIB + chunk + b"\r\n"] * 95 + [b"0\r\n\r\n"])):
                status, answer = talk(program, HEAD + head, *parts)
                check(status in (0, 400, 413), f"{name}: {status}: {answer[:300]}")
                if status == 400:
                    check(b"body_too_large" in answer, f"{name}: {answer[:500]}")
                    other.received += 1
                    other.quarantined.append("body_too_large")
            for name, body in (("a gzip bomb", bomb), ("100 MB that pack well", big)):
                status, _, text = program.post(body, {**KEY, "Content-Encoding": "gzip"})
                check(status == 400 and json.loads(text)["rejected"][0]["reason"] == "body_unpacked_too_large", f"{name}: {status}: {text[:300]}")
                other.received += 1
                other.quarantined.append("body_unpacked_too_large")
        status, _, text = program.post(bomb, {"Content-Encoding": "gzip"})  # without a key
        check(status == 401, f"a gzip bomb without a key: {status}: {text[:300]}")
        check("body_too_large" in other.quarantined, "no body of 100 MB was answered")
    print(f"    bombs of {len(bomb)} bytes")


def five_thousand_idle_and_a_hundred_slow_clients_hinder_nobody(options):
    """Slow ones stop in the middle of a request: they are told 408 or cut off after 30 s."""
    with good_events_beside(options) as (program, other), contextlib.ExitStack() as opened:
        idle = [opened.enter_context(connect(program)) for _ in range(5000)]
        slow = [opened.enter_context(connect(program)) for _ in range(100)]
        for i, wire in enumerate(slow):
            wire.sendall([HEAD[:50], HEAD, HEAD + b"Content-Length: 100000\r\n\r\n{", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"][i % 4])
        began = time.monotonic()

        def connections():
            _, _, text = ask(program.urls["web"], "GET", "/metrics")
            line = next(line for line in text.decode().splitlines() if line.startswith('sluice_connections_open{listener="collect"}'))
            return float(line.split()[-1])

        wait_for("all connections", lambda: connections() >= 5100, 20)
        check(json.loads(program.post([{"event": "odd"}])[2])["accepted"] == 1, "a new client is not served")
        other.received += 1
        answers = []
        waiting = {wire.fileno(): wire for wire in slow}
        poll = poll_of(slow)
        while waiting:
            check(time.monotonic() - began < 45, f"{len(waiting)} slow clients are still connected after 45 s")
            for number, _ in poll.poll(1000):
                answers.append(end_of(waiting.pop(number)))
                poll.unregister(number)
        ended = time.monotonic() - began
        check(set(answers) <= {"408", "closed"}, f"slow clients were answered {set(answers)}")
        check(not poll_of(idle).poll(0), "idle clients were cut off before 60 s")
    print(f"    5000 idle; 100 slow ones were ended after {ended:.0f} s: {', '.join(sorted(set(answers)))}")


def poll_of(wires):
    poll = select.poll()
    for wire in wires:
        poll.register(wire, select.POLLIN)
    return poll


def end_of(wire):
    """The status with which a connection ended, or 'closed'."""
    try:
        return wire.recv(1000)[9:12].decode() or "closed"
    except OSError:
        return "closed"


TESTS = [
    every_bad_body_is_a_quarantined_row_with_its_reason,
    the_segment_dialect_answers_200_and_quarantines_all_the_same,
    without_a_known_key_nothing_is_received,
    numbers_and_times_at_the_edges_are_stored_as_sent,
    requests_that_can_be_read_in_two_ways_are_refused_and_closed,
    an_event_of_100_mb_and_gzip_bombs_are_refused_in_bounded_memory,
    five_thousand_idle_and_a_hundred_slow_clients_hinder_nobody,
]
