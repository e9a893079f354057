"""Every attempt of attempts.txt over the SQL port: as a plain body, as form data, in the URL, split over both, and by parameters."""
import os
import pathlib
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

URL = os.environ["SLUICE_SQL_URL"]
HERE = pathlib.Path(__file__).parent


def send(query=None, body=None, content_type="text/plain", **keys):
    if query is not None:
        keys["query"] = query
    url = URL + "/?" + urllib.parse.urlencode(keys)
    request = urllib.request.Request(url, None if body is None else body.encode(), {"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, reply.headers, reply.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode(errors="replace")


class Attempts(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sluice-attempts-")
        self.out = pathlib.Path(self.folder.name, "stolen")
        lines = (HERE / "attempts.txt").read_text().splitlines()
        self.attempts = [line.replace("\\n", "\n").replace("{out}", str(self.out)) for line in lines if line and not line.startswith("#")]

    def tearDown(self):
        self.assertFalse(self.out.exists())
        self.folder.cleanup()

    def refused(self, reply, sql):
        status, headers, text = reply
        with self.subTest(sql=sql):
            self.assertGreaterEqual(status, 400, text)
            self.assertTrue(headers.get("X-ClickHouse-Exception-Code"), text)
            self.assertTrue(text.startswith("Code: "), text)
            self.assertNotIn("root:", text)

    def test_each_as_a_body(self):
        self.assertGreater(len(self.attempts), 90)
        for sql in self.attempts:
            self.refused(send(body=sql), sql)
            self.refused(send(body=sql, content_type="application/x-www-form-urlencoded"), sql)

    def test_each_in_the_url(self):
        for sql in self.attempts:
            self.refused(send(query=sql), sql)
            first, _, rest = sql.partition(" ")
            self.refused(send(query=first, body=rest), sql)

    def test_names_by_parameters(self):
        for name in ("default.secret", "/etc/passwd", "file('/etc/passwd')", "system.processes", "(SELECT 1)"):
            for sql in ("SELECT * FROM {t:Identifier}", "SELECT 1 IN {t:Identifier}", "DESCRIBE TABLE {t:Identifier}", "SELECT * FROM sluice.{t:Identifier}"):
                self.refused(send(body=sql, param_t=name), f"{sql} t={name}")
        self.refused(send(body="SELECT {f:Identifier}('/etc/passwd')", param_f="file"), "a function by parameter")

    def test_settings_by_the_url(self):
        for key, value in (("additional_table_filters", "{'sluice.events': 'file(\\'/etc/passwd\\') != \\'\\''}"), ("readonly", "0"), ("allow_ddl", "1"),
                           ("role", "writer"), ("max_memory_usage_for_user", "0"), ("path", "/tmp"), ("session_timezone", "'; SET ROLE writer; --")):
            self.refused(send(body="SELECT 1", **{key: value}), f"{key}={value}")

    def test_roles_by_headers(self):
        request = urllib.request.Request(URL, b"DROP TABLE sluice.events", {"X-Sluice-Role": "writer", "X-Sluice-Rows": "1"})
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=60)
        self.assertEqual(caught.exception.code, 403)

    def test_a_foreign_host_or_page(self):
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(urllib.request.Request(URL + "/?query=SELECT+1", headers=headers), timeout=60)
            self.assertEqual(caught.exception.code, 403)

    def test_afterwards_everything_still_works(self):
        self.assertEqual(send(body="SELECT count() FROM sluice.events")[2], "1000\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
