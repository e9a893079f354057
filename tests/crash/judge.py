"""judge.py - the judge of all other tests is judged: what is planted must be found, by the check that is meant to find it."""
from harness import Failed, Program, check
from load import Load


def planted_faults_are_found(options):
    first_row = "SELECT * FROM sluice.events WHERE message_id LIKE 'm%' AND event = 'sold' LIMIT 1"
    plants = {
        "lost": "ALTER TABLE sluice.events DELETE WHERE message_id = '{acked}' SETTINGS mutations_sync = 2",
        "doubled": "INSERT INTO sluice.events SELECT * FROM sluice.events WHERE message_id = '{acked}'",
        "nobody sent": "INSERT INTO sluice.events SELECT * REPLACE ('m9.0.0.0' AS message_id) FROM (" + first_row + ")",
        "quarantine has it 0 times": "ALTER TABLE sluice.quarantine DELETE WHERE message_id = '{bad}' SETTINGS mutations_sync = 2",
        "rows of the metric": "ALTER TABLE {table} UPDATE amount = amount + 0.001 WHERE sales > 0 SETTINGS mutations_sync = 2",
        "rows of visits": "ALTER TABLE {visits} UPDATE events = events + 1 WHERE events > 0 SETTINGS mutations_sync = 2",
    }
    with Program() as program:
        program.start()
        with Load(program, options.seed, threads=2) as load:
            load.wait_acked(1000)
            load.verify()
            names = {"acked": next(i for b in load.batches if b.acks for i in b.ids),
                     "bad": next(b.bad for b in load.batches if b.acks and b.bad),
                     **{word: program.sql(f"SELECT 'sluice.' || name FROM system.tables WHERE database = 'sluice' AND match(name, '^metric_{metric}_[0-9a-f]{{16}}_')").strip()
                        for word, metric in (("table", "sold"), ("visits", "visits"))}}
            for sign, statement in plants.items():
                backup = {"sluice.events", "sluice.quarantine", names["table"], names["visits"]}
                for table in backup:
                    program.store_write(f"CREATE TABLE sluice.kept_{table.split('.')[1]} CLONE AS {table}")
                program.store_write(statement.format(**names))
                try:
                    load.verify(metric_patience=1)
                    found = "nothing"
                except Failed as why:
                    found = str(why)
                check(sign in found, f"planted: {sign}; the judge found: {found}")
                for table in backup:
                    program.store_write(f"EXCHANGE TABLES {table} AND sluice.kept_{table.split('.')[1]}")
                    program.store_write(f"DROP TABLE sluice.kept_{table.split('.')[1]}")
            load.verify()
    print(f"    {len(plants)} kinds")


TESTS = [planted_faults_are_found]
