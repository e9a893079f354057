"""kills.py - kill -9 of program and child at random points under load."""
import random
import signal
import statistics
import time

from harness import Program, check
from load import Load


def kill_9_of_program_and_child_loses_nothing_and_doubles_nothing(options):
    """A kill of the program counts if it left a request unanswered and an epoch uncommitted. The child alone is killed besides."""
    dice = random.Random(f"kills/{options.seed}")
    hits = kills = child_kills = 0
    ready = []
    with Program() as program:
        program.start()
        with Load(program, options.seed) as load:
            while hits < options.kills:
                check(kills < 20 * options.kills + 50, f"only {hits} of {kills} kills hit an unanswered request and an uncommitted epoch")
                time.sleep(dice.uniform(0.1, 0.9))
                choice = dice.random()
                child = program.child()
                if choice < 0.3 and child:
                    child.signal(signal.SIGKILL)
                    child_kills += 1
                    if choice < 0.15:  # and the program lives on
                        continue
                    time.sleep(dice.uniform(0, 0.3))
                moment = time.monotonic()
                program.kill()
                kills += 1
                cut, committed = program.epochs()
                if cut > committed and load.lost_answer_at(moment):
                    hits += 1
                if dice.random() < 0.2:  # once more while it still recovers
                    program.spawn()
                    time.sleep(dice.uniform(0.02, 1.0))
                    program.kill()
                    kills += 1
                ready.append(program.start())
            load.wait_acked(1)
            said = load.verify()
    print(f"    {said}")
    print(f"    {kills} kills of the program, {hits} with an unanswered request and an uncommitted epoch; {child_kills} of the child; "
          f"seed {options.seed}")
    print(f"    ready (accepting and answering SQL) after: median {statistics.median(ready):.2f} s, max {max(ready):.2f} s")

TESTS = [kill_9_of_program_and_child_loses_nothing_and_doubles_nothing]
