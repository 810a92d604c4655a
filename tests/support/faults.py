"""A proxy between a gateway and its server of S3 that passes requests on as they were signed, and fails as it is told."""
import http.client
import time

from buckets import Answering, Listening


class Faults(Listening):
    """`mode`: pass | closed (nobody listens) | error (500) | slow down (503) | slow (a second before each answer) | cut (hangs up in the
    middle of what is sent) | lost (the request is done, its answer never comes) | other bytes (what is read back differs). What was
    done is in `done`: (method, path, status)."""

    def __init__(self, port):
        self.mode = "pass"
        self.behind = port
        self.done = []
        self.asked = 0
        outer = self

        class Handler(Answering):
            def handle_one(self):
                outer.asked += 1
                outer.handle(self)
            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one
        super().__init__(Handler)

    def handle(self, client):
        mode = self.mode
        length = int(client.headers.get("Content-Length", 0))
        if mode == "closed":
            client.close_connection = True
            return
        if mode == "cut" and length > 1000:
            client.rfile.read(length // 2)
            client.close_connection = True
            return
        body = client.rfile.read(length)
        if mode in ("error", "slow down"):
            client.answer(500 if mode == "error" else 503, b"<Error><Code>SlowDown</Code></Error>")
            return
        if mode == "slow":
            time.sleep(1)
        connection = http.client.HTTPConnection("127.0.0.1", self.behind, timeout=60)
        connection.request(client.command, client.path, body=body, headers=dict(client.headers.items()))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.done.append((client.command, client.path, answer.status))
        if mode == "lost":
            client.close_connection = True
            return
        if mode == "other bytes" and client.command == "GET" and "?" not in client.path and content:
            content = content[:-1] + bytes([content[-1] ^ 1])
        client.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() in ("etag", "content-range", "content-type"):
                client.send_header(name, value)
        size = answer.getheader("Content-Length") if client.command == "HEAD" else len(content)
        if answer.status != 204 and size is not None:
            client.send_header("Content-Length", str(size))
        client.end_headers()
        if client.command != "HEAD":
            client.wfile.write(content)
        client.wfile.flush()

    def puts(self):
        """Paths of objects that were put as a whole, or completed."""
        return [path.split("?")[0] for method, path, status in self.done
                if status == 200 and (method == "PUT" and "?" not in path or method == "POST" and "uploadId" in path)]
