"""As much of a W&B server as the start of a run needs: it takes what comes, and can go away."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PROJECT = {"id": "p", "name": "project", "entity": {"id": "e", "name": "someone"}}
ARTIFACT = {
    "id": "a", "state": "COMMITTED",
    "artifactSequence": {"id": "s", "latestArtifact": {"id": "a", "versionIndex": 0}},
}  # fmt: skip
"""As if it were there already: then its files are not asked for."""


class WandbServer:
    """Answers on a port of its own until it is closed; rows are kept as W&B keeps them, by line.

    Args:
        rows: of runs that are there already.

    Attributes:
        url: where it answers.
        started: names of the runs that were started, in order.
        rows: logged rows of each run.
    """

    def __init__(self, rows=None):
        self.started, self.rows = [], rows or {}
        self.got_rows = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._open = []

    def close(self):
        """Go away, in the middle of whatever is said."""
        self._server.shutdown()
        self._server.server_close()
        for connection in self._open:
            try:
                connection.close()
            except OSError:
                pass
        self._thread.join()

    def answer(self, path, body):
        """What W&B would say, as far as anybody asks."""
        if path.endswith("/file_stream"):
            run = path.split("/")[-2]
            if history := body.get("files", {}).get("wandb-history.jsonl"):
                rows, first = self.rows.setdefault(run, []), history["offset"]
                rows[first:] = [json.loads(line) for line in history["content"]]
                self.got_rows.set()
            return {"exitcode": None, "limits": {}}
        variables = body.get("variables") or {}
        if "UpsertBucket" in body.get("query", ""):
            self.started.append(variables["name"])
        files = [
            {"name": name, "uploadUrl": f"{self.url}/upload"} for name in variables.get("files", [])
        ]
        bucket = {
            "id": "QnVja2V0", "name": variables.get("name"), "displayName": "a", "config": "{}",
            "description": "", "sweepName": None, "historyLineCount": 0, "project": PROJECT,
        }  # fmt: skip
        viewer = {
            "id": "VXNlcg==", "entity": "someone", "username": "someone", "email": "a@b.c",
            "flags": "{}", "teams": {"edges": []},
        }  # fmt: skip
        rows = self.rows.get(variables.get("name"))
        there = rows and bucket | {
            "historyLineCount": len(rows), "historyTail": json.dumps([json.dumps(rows[-1])]),
            "summaryMetrics": json.dumps(rows[-1]), "eventsLineCount": 0, "eventsTail": "[]",
            "logLineCount": 0, "tags": [], "notes": None, "wandbConfig": '{"t": {}}',
        }  # fmt: skip
        data = {
            "viewer": viewer, "model": {"id": "m", "bucket": there or None},
            "serverInfo": {"features": []}, "upsertBucket": {"inserted": True, "bucket": bucket},
            "createRunFiles": {"runID": "QnVja2V0", "uploadHeaders": [], "files": files},
            "project": None, "createArtifact": {"artifact": ARTIFACT},
        }  # fmt: skip
        return {"data": data}

    def _handler(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                server._open.append(self.connection)

            def do_POST(self):
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if content[:2] == b"\x1f\x8b":
                    content = gzip.decompress(content)
                try:
                    body = json.loads(content or b"{}")
                except ValueError:
                    body = {}
                out = json.dumps(server.answer(self.path, body)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            do_PUT = do_POST

            def log_message(self, *args):
                pass

        return Handler
