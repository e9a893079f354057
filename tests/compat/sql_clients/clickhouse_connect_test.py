"""clickhouse-connect, as an analyst uses it: ten questions, answers in pandas."""
import decimal
import io
import os
import unittest
import urllib.parse

import clickhouse_connect
import pandas as pd
from clickhouse_connect.driver.exceptions import DatabaseError

from running_project import COUNT, COUNTRIES, EVENTS

AMOUNTS = [decimal.Decimal(i) + decimal.Decimal("0.25") for i in range(COUNT)]


class ClickHouseConnect(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        url = urllib.parse.urlparse(os.environ["SLUICE_SQL_URL"])
        cls.client = clickhouse_connect.get_client(host=url.hostname, port=url.port, database="sluice", username="analyst", password="any")

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def test_01_a_count_is_a_number(self):
        frame = self.client.query_df("SELECT count() AS events, uniqExact(user_id) AS users FROM events")
        self.assertEqual((frame.events[0], frame.users[0]), (COUNT, 50))

    def test_02_groups_come_in_order(self):
        frame = self.client.query_df("SELECT event, count() AS n FROM events GROUP BY event ORDER BY event")
        expected = {name: sum(1 for i in range(COUNT) if EVENTS[i % 3] == name) for name in EVENTS}
        self.assertEqual(dict(zip(frame.event, frame.n)), expected)

    def test_03_decimal_sums_are_exact(self):
        frame = self.client.query_df("SELECT sum(numbers['properties.amount']) AS total FROM events WHERE event = 'order_paid'")
        self.assertEqual(frame.total[0], sum(a for i, a in enumerate(AMOUNTS) if i % 3 == 1))

    def test_04_parameters_are_bound_by_the_server(self):
        frame = self.client.query_df("SELECT count() AS n FROM events WHERE texts['properties.country'] = {country:String}", parameters={"country": "it"})
        self.assertEqual(frame.n[0], COUNT // len(COUNTRIES))
        odd = self.client.query("SELECT {s:String}", parameters={"s": "it's a \\ and a\ttab"})
        self.assertEqual(odd.result_rows[0][0], "it's a \\ and a\ttab")

    def test_05_times_are_utc_timestamps(self):
        frame = self.client.query_df("SELECT min(event_time) AS first, max(event_time) AS last FROM events")
        self.assertEqual(pd.Timestamp(frame["first"][0]).tz_localize(None), pd.Timestamp("2026-03-01 00:00:00"))
        self.assertEqual(pd.Timestamp(frame["last"][0]).tz_localize(None), pd.Timestamp("2026-03-01 16:39:00"))

    def test_06_a_pivot_by_hour(self):
        frame = self.client.query_df("SELECT toStartOfHour(event_time) AS hour, texts['properties.country'] AS country, count() AS n FROM events GROUP BY ALL")
        table = frame.pivot_table(index="hour", columns="country", values="n", aggfunc="sum")
        self.assertEqual(table.shape, (17, 4))
        self.assertTrue((table.iloc[0] == 15).all())

    def test_07_maps_are_dictionaries(self):
        row = self.client.query("SELECT texts, numbers FROM events WHERE message_id = 'm_7'").result_rows[0]
        self.assertEqual(row[0]["properties.country"], COUNTRIES[7 % 4])
        self.assertEqual(row[1]["properties.amount"], decimal.Decimal("7.25"))

    def test_08_rows_stream_in_blocks(self):
        total = 0
        with self.client.query_df_stream("SELECT message_id, event_time FROM events") as stream:
            for frame in stream:
                total += len(frame)
        self.assertEqual(total, COUNT)

    def test_09_csv_reads_into_pandas(self):
        text = self.client.raw_query("SELECT event, user_id FROM events ORDER BY event_time", fmt="CSVWithNames")
        frame = pd.read_csv(io.BytesIO(text))
        self.assertEqual(list(frame.columns), ["event", "user_id"])
        self.assertEqual(len(frame), COUNT)
        self.assertEqual(frame.user_id[49], "u_49")

    def test_10_an_empty_answer_keeps_its_columns(self):
        result = self.client.query("SELECT event, event_time FROM events WHERE event = 'nothing'")
        self.assertEqual(list(result.column_names), ["event", "event_time"])
        self.assertEqual(result.row_count, 0)

    def test_11_the_schema_can_be_browsed(self):
        self.assertIn("events", {row[0] for row in self.client.query("SHOW TABLES FROM sluice").result_rows})
        described = {row[0]: row[1] for row in self.client.query("DESCRIBE TABLE `sluice`.`events`").result_rows}
        self.assertEqual(described["event_time"], "DateTime64(3, 'UTC')")

    def test_12_a_caller_may_lower_limits(self):
        with self.assertRaises(DatabaseError) as caught:
            self.client.query("SELECT message_id FROM events", settings={"max_result_rows": 10})
        self.assertIn("396", str(caught.exception))

    def test_13_what_is_not_open_says_so(self):
        for sql in ("SELECT * FROM system.processes", "SELECT file('/etc/passwd')"):
            with self.assertRaises(DatabaseError) as caught:
                self.client.query(sql)
            self.assertIn("497", str(caught.exception))
        with self.assertRaises(DatabaseError):
            self.client.command("DROP TABLE events")


if __name__ == "__main__":
    unittest.main(verbosity=2)
