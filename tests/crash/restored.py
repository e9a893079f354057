"""restored.py - DATA/store put back from an older copy, or lost: the next start builds it again from the log."""
import shutil
import signal

from harness import Program, check, wait_for
from load import Load

EVENTS_BY_EPOCH = "SELECT epoch, count(), min(log_offset), max(log_offset) FROM sluice.events GROUP BY epoch ORDER BY epoch FORMAT TSV"


def fill_and_stop(program, load, count):
    load.wait_acked(count)
    check(program.stop()[0] == 0, program.said()[-1000:])


def rows_by_epoch(program):
    program.wait_stored()
    return program.sql(EVENTS_BY_EPOCH)


def healed(program, before):
    newest = int(before.splitlines()[-1].split("\t")[0])

    def as_before():
        now = [line for line in program.sql(EVENTS_BY_EPOCH).splitlines() if int(line.split("\t")[0]) <= newest]
        return now == before.splitlines()

    wait_for("rows per epoch as they were", as_before)
    check("store lost rows" in program.said(), "a shortfall was not reported:", program.said()[:2000])


def heals(program, load, before):
    """Starts; the epochs must come back as they were, while new events come."""
    program.start()
    healed(program, before)
    load.wait_acked(200)


def an_older_copy_of_the_store_heals_by_folding_again(options):
    with Program() as program:
        program.start()
        with Load(program, options.seed, threads=2) as load:
            fill_and_stop(program, load, 1000)
            shutil.copytree(program.data / "store", program.folder / "early", symlinks=True)
            program.start()
            fill_and_stop(program, load, 1000)
            program.start()
            program.urls.pop("collect")  # the load pauses: what is compared must stand still
            before = rows_by_epoch(program)
            check(program.stop()[0] == 0, program.said()[-1000:])
            shutil.rmtree(program.data / "store")
            (program.folder / "early").rename(program.data / "store")
            heals(program, load, before)
            print(f"    {len(before.splitlines())} epochs, {load.verify()}")


def a_store_that_is_gone_is_built_again(options):
    with Program() as program:
        program.start()
        with Load(program, options.seed, threads=2) as load:
            for _ in range(2):
                fill_and_stop(program, load, 700)
                program.start()
            program.urls.pop("collect")
            before = rows_by_epoch(program)
            check(program.stop()[0] == 0, program.said()[-1000:])
            shutil.rmtree(program.data / "store")
            heals(program, load, before)
            print(f"    {len(before.splitlines())} epochs, {load.verify()}")


def an_older_copy_put_back_under_the_running_program_heals_too(options):
    """The child is asked for every epoch whenever it was started anew, not only at the program's start."""
    with Program() as program:
        program.start()
        with Load(program, options.seed, threads=2) as load:
            fill_and_stop(program, load, 700)
            shutil.copytree(program.data / "store", program.folder / "early", symlinks=True)
            program.start()
            load.wait_acked(700)
            collect = program.urls.pop("collect")
            before = rows_by_epoch(program)
            child = program.wait_child()
            child.signal(signal.SIGSTOP)
            (program.data / "store").rename(program.folder / "newer")
            (program.folder / "early").rename(program.data / "store")
            program.tables_may_be_missing = True
            child.signal(signal.SIGKILL)
            program.urls["collect"] = collect
            healed(program, before)
            load.wait_acked(200)
            print(f"    {len(before.splitlines())} epochs, {load.verify()}")


def a_store_of_another_data_directory_is_refused(options):
    """Its rows would look like ours; nothing of it is touched, events go on to be kept, and the right one heals it."""
    with Program() as program, Program() as other:
        for each in (program, other):
            each.start()
            each.send([{"event": "sold", "message_id": "a"}])
            each.wait_stored()
            each.stop()
        (program.data / "store").rename(program.folder / "right")
        shutil.copytree(other.data / "store", program.data / "store", symlinks=True)
        program.spawn()
        program.wait_listening()
        why = wait_for("/health to tell", lambda: "data id" in (said := program.stage("process")["why"]) and said, 15)
        check(program.send([{"event": "sold", "message_id": "b"}])["accepted"] == 1, "events are still taken")
        check(program.stop()[0] == 0, program.said()[-1000:])
        shutil.rmtree(program.data / "store")
        (program.folder / "right").rename(program.data / "store")
        program.start()
        program.wait_stored()
        check(program.sql("SELECT count() FROM sluice.events") == "2\n", "not both events are there")
        print(f"    /health: {why}")


TESTS = [
    an_older_copy_of_the_store_heals_by_folding_again,
    a_store_that_is_gone_is_built_again,
    an_older_copy_put_back_under_the_running_program_heals_too,
    a_store_of_another_data_directory_is_refused,
]
