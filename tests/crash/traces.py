"""traces.py - `sluice trace` says of one message id what became of it: one test per fate."""
import signal

from harness import Program, check, wait_for

SECONDS_MAX = 1.0


def found(program, message_id, wanted):
    """Traces until the verdicts are as wanted, and gives the copies; every single trace must be quick."""
    def look():
        code, answer, took = program.trace(message_id)
        check(took < SECONDS_MAX, f"the trace took {took:.2f} s")
        check(code == (0 if answer["found"] else 1), f"exit {code} for {answer}")
        verdicts = [copy["verdict"] for copy in answer["copies"]]
        return answer["copies"] if verdicts == wanted else None

    return wait_for(f"verdicts {wanted} of {message_id}", look)


def a_stored_event_has_place_epoch_and_time(options):
    with Program() as program:
        program.start()
        reply = program.send([{"event": "sold", "message_id": "one", "timestamp": "2026-03-28T14:22:01Z", "user_id": "u1"}])
        copy = found(program, "one", ["stored"])[0]
        check(copy["place"] == reply["position"], f"place {copy['place']}, acknowledged at {reply['position']}")
        check(copy["source"] == "site" and copy["event"] == "sold" and copy["user_key"] == "u1", copy)
        check(copy["event_time"] == 1774707721000, f"event time {copy['event_time']}")
        row = program.sql("SELECT epoch, toUnixTimestamp64Milli(received_at) FROM sluice.events WHERE message_id = 'one' FORMAT TSV").split()
        check([str(copy["epoch"]), str(copy["received_at"])] == row, f"epoch and arrival {copy}, the table has {row}")
        code, text, _, _ = program.run("trace", "one")
        check(code == 0 and "stored" in text and copy["place"] in text, text)


def a_duplicate_names_its_original_and_a_conflict(options):
    with Program() as program:
        program.start()
        event = {"event": "sold", "message_id": "two", "timestamp": "2026-03-28T14:22:01Z", "properties": {"n": 1}}
        first = program.send([event])["position"]
        second = program.send([event])["position"]
        third = program.send([{**event, "properties": {"n": 2}}])["position"]
        copies = found(program, "two", ["stored", "duplicate", "duplicate"])
        check([copy["place"] for copy in copies] == [first, second, third], f"places {copies}")
        check([copy["conflict"] for copy in copies[1:]] == [False, True], f"conflicts {copies}")
        check(program.sql("SELECT count() FROM sluice.events WHERE message_id = 'two'") == "1\n", "the table has more than one")
        program.wait_stored()
        code, report = program.ledger()
        totals = report["totals"]
        check(code == 0 and (totals["received"], totals["stored"], totals["duplicate"], totals["conflict"]) == (3, 1, 2, 1), f"ledger {totals}")


def a_quarantined_event_has_reason_and_path(options):
    with Program() as program:
        program.start()
        reply = program.send([{"event": "sold", "message_id": "three", "timestamp": "soon"}])
        copy = found(program, "three", ["quarantined"])[0]
        check((copy["reason"], copy["path"]) == ("timestamp_invalid", "$.timestamp"), copy)
        check(reply["rejected"] == [{"index": 0, "reason": "timestamp_invalid", "path": "$.timestamp"}], reply)


def a_pending_event_is_found_while_the_store_hangs(options):
    with Program() as program:
        program.start()
        program.send([{"event": "sold", "message_id": "before"}])
        found(program, "before", ["stored"])
        child = program.wait_child()
        child.signal(signal.SIGSTOP)
        reply = program.send([{"event": "sold", "message_id": "four"}, {"event": "", "message_id": "four"}])
        copies = found(program, "four", ["pending", "pending"])
        check(not program.trace("four")[1]["complete"], "it says that it asked the store")
        check(copies[0]["place"] == reply["position"], copies)
        code, _, said, took = program.run("trace", "never sent")
        check(code == 1 and "does not answer" in said and took < SECONDS_MAX, f"exit {code} after {took:.2f} s while the store hangs: {said}")
        child.signal(signal.SIGCONT)
        found(program, "four", ["stored", "quarantined"])


def an_id_that_never_came_is_not_received(options):
    with Program() as program:
        program.start()
        program.send([{"event": "sold", "message_id": "five"}])
        found(program, "five", ["stored"])
        code, answer, took = program.trace("six")
        check(code == 1 and not answer["found"] and answer["copies"] == [] and took < SECONDS_MAX, f"exit {code}, {took:.2f} s: {answer}")
        code, text, _, _ = program.run("trace", "six")
        check(code == 1 and "not received" in text, f"exit {code}: {text}")


def odd_ids_are_traced_too(options):
    """Quotes, backslashes, tabs, percent signs and other alphabets are ids like any other."""
    ids = ["o'brien", 'say "hi"', "back\\slash", "tab\tand\nline", "100%20", "a&b=c#d?e", "Łódź/東京", "x" * 512]
    with Program() as program:
        program.start()
        program.send([{"event": "sold", "message_id": message_id} for message_id in ids])
        for message_id in ids:
            found(program, message_id, ["stored"])


TESTS = [
    a_stored_event_has_place_epoch_and_time,
    a_duplicate_names_its_original_and_a_conflict,
    a_quarantined_event_has_reason_and_path,
    a_pending_event_is_found_while_the_store_hangs,
    an_id_that_never_came_is_not_received,
    odd_ids_are_traced_too,
]
