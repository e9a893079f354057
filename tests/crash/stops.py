"""stops.py - the program ended on purpose, its child ended, orphaned or hung."""
import signal
import statistics
import subprocess
import time

from harness import PATIENCE_S, SLUICE, Failed, Process, Program, check, wait_for
from load import Load


def sigterm_under_load_drains_and_exits_0_within_5_seconds(options):
    """And the next start finds everything."""
    took = []
    with Program() as program:
        program.start()
        with Load(program, options.seed) as load:
            for _ in range(3):
                load.wait_acked(1500)
                code, seconds = program.stop()
                check(code == 0, f"SIGTERM: exit {code}:", program.said()[-1000:])
                check(seconds < 5, f"SIGTERM: {seconds:.1f} s")
                took.append(seconds)
                program.start()
            load.wait_acked(100)
            said = load.verify()
    print(f"    {said}; ended within {', '.join(f'{s:.2f}' for s in took)} s")


def sigterm_during_a_start_exits_0_too(options):
    with Program() as program:
        for delay in (0, 0.02, 0.05, 0.1, 0.2, 0.4):
            program.spawn()
            try:
                program.wait_listening(10)
                time.sleep(delay)  # different places of a start, none of them special
                code, seconds = program.stop()
            except Failed as why:
                raise Failed(f"{delay} s after listening: {why}") from why
            check(code == 0 and seconds < 5, f"SIGTERM {delay} s after listening: exit {code} after {seconds:.1f} s:", program.said()[-1000:])


def the_first_sql_answer_of_a_first_start_knows_every_table(options):
    """The store answers before it has tables; nobody may read that one is unknown, nor `sluice trace` stumble over it."""
    for _ in range(3):
        with Program() as program:
            program.spawn()
            program.wait_listening()
            program.send([{"event": "sold", "message_id": "first"}])
            wait_for("SQL", lambda: program.sql("SELECT count() FROM sluice.sold") != "", every=0)

            def traced():
                code, out, err, _ = program.run("trace", "first", "--json")
                check("UNKNOWN" not in out + err, out, err)
                return code == 0

            wait_for("the trace", traced, every=0)


def the_child_dies_with_its_parent(options):
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGABRT):
        with Program() as program:
            program.start()
            child = program.wait_child()
            program.process.signal(number)
            program.popen.wait()
            wait_for(f"the end of the child after {number.name} of its parent", lambda: not child.alive(), 5)


def a_stopped_child_dies_with_its_parent_too(options):
    with Program() as program:
        program.start()
        child = program.wait_child()
        child.signal(signal.SIGSTOP)
        program.kill()
        wait_for("the end of the stopped child", lambda: not child.alive(), 5)


def up_right_after_a_kill_waits_for_the_lock(options):
    """The killed program's child may still hold the store; 5 times without any pause."""
    with Program() as program:
        program.start()
        with Load(program, options.seed, threads=2) as load:
            took = []
            for _ in range(5):
                load.wait_acked(100)
                program.kill()
                took.append(program.start())
            said = load.verify()
    print(f"    {said}; ready after {', '.join(f'{s:.2f}' for s in took)} s")


def a_second_up_on_the_same_data_is_refused_clearly(options):
    with Program() as program:
        program.start()
        began = time.monotonic()
        second = subprocess.run([SLUICE, "up", str(program.project), "--data", str(program.data), "--demo"], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=PATIENCE_S)
        check(second.returncode == 1, f"the second `up` ended with {second.returncode}")
        check(str(program.data) in second.stderr and "in use" in second.stderr, "it says:", second.stderr)
        check(program.send([{"event": "still here"}])["accepted"] == 1, "the first one goes on")
    print(f"    after {time.monotonic() - began:.0f} s: {second.stderr.strip()}")


def up_waits_for_one_that_is_just_ending(options):
    """The old one holds DATA for three more seconds; the new one takes over without being told."""
    with Program() as program:
        program.start()
        old = Process(program.process.pid)
        old_popen = program.popen
        program.spawn_beside()
        wait_for("the second one's look at the lock", lambda: program.process.alive(), 5)
        time.sleep(1)  # it must not have given up by then
        check(program.popen.poll() is None, "the second one did not wait:", program.said())
        old.signal(signal.SIGTERM)
        check(old_popen.wait(timeout=10) == 0, "the old one ended badly")
        program.wait_ready()


def a_hung_child_is_replaced_and_meanwhile_health_counts_what_waits(options):
    """SIGSTOP for 30 s under load; the supervisor kills it after 10 s."""
    with Program() as program:
        program.start()
        with Load(program, options.seed, threads=2, pause=0.02) as load:
            load.wait_acked(500)
            child = program.wait_child()
            child.signal(signal.SIGSTOP)
            stopped = time.monotonic()
            told = 0
            why = ""

            def replaced():
                nonlocal told, why
                stage = program.stage("process")
                if stage["lag_events"] > told:
                    told, why = stage["lag_events"], stage["why"] or why
                return not child.alive()

            wait_for("the end of the hung child", replaced, 30)
            killed = time.monotonic() - stopped
            check(told > 500, f"/health said at most that {told} events wait")
            load.wait_acked(1)
            wait_for("SQL", lambda: program.sql("SELECT 1") == "1\n")
            while time.monotonic() - stopped < 30:  # hang the next ones as soon as they answer: 30 s of a store that does not work
                child = program.child()
                if child:
                    child.signal(signal.SIGSTOP)
                time.sleep(0.2)
            child = program.child()
            if child:
                child.signal(signal.SIGCONT)
            worst = max(load.waits)
            said = load.verify()
    print(f"    {said}; /health said up to {told} events wait ({why!r}); killed after {killed:.1f} s; slowest acknowledgement {worst:.2f} s, "
          f"median {statistics.median(load.waits) * 1000:.0f} ms")


def a_child_that_is_slow_for_a_moment_is_left_alone(options):
    """Stopped for 4 s and continued: what it was told still lands, and only once."""
    with Program() as program:
        program.start()
        child = program.wait_child()
        with Load(program, options.seed, threads=2, pause=0.02) as load:
            for _ in range(2):
                load.wait_acked(300)
                child.signal(signal.SIGSTOP)
                load.wait_acked(300)
                time.sleep(4)
                child.signal(signal.SIGCONT)
            said = load.verify()
        check(child.alive(), "the child was replaced")
    print(f"    {said}")


TESTS = [
    sigterm_under_load_drains_and_exits_0_within_5_seconds,
    sigterm_during_a_start_exits_0_too,
    the_first_sql_answer_of_a_first_start_knows_every_table,
    the_child_dies_with_its_parent,
    a_stopped_child_dies_with_its_parent_too,
    up_right_after_a_kill_waits_for_the_lock,
    a_second_up_on_the_same_data_is_refused_clearly,
    up_waits_for_one_that_is_just_ending,
    a_hung_child_is_replaced_and_meanwhile_health_counts_what_waits,
    a_child_that_is_slow_for_a_moment_is_left_alone,
]
