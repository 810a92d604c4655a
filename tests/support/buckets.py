"""What stands between a gateway and its bucket in the tests: a proxy that lets requests down on purpose, and a stand-in for S3 that is
fast and believes every signature, for speed and for what a real server would not do."""
import http.client
import ssl
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape


class _Server(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is no news


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class Listening:
    """An HTTP server in threads of this process."""

    def __init__(self, handler, port=0, context=None):
        self._handler, self._context = handler, context
        self.port = port
        self.open()

    def open(self):
        self._server = _Server(("127.0.0.1", self.port), self._handler)
        if self._context:
            self._server.socket = self._context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self):
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"


class LettingDown(Listening):
    """Passes requests on to a server of S3 as they were signed (Host and all), and fails as `mode` says:
    pass | refuse (hangs up; closed likewise) | error (500) | slow down (503) | cut (half of a listing arrives) | cut xml (half of
    a listing, which claims to be all) | endless (a last page that says there is more) | other signature | forbidden objects."""

    def __init__(self, port):
        self.mode = "pass"
        self.behind = port
        self.asked = 0
        outer = self

        class Handler(Answering):
            def do_GET(self):
                outer.asked += 1
                outer.handle(self)
        super().__init__(Handler)

    def handle(self, client):
        mode = self.mode
        listing = "list-type=2" in client.path
        headers = dict(client.headers.items())
        if mode in ("refuse", "closed"):  # or what was open before would go on
            client.close_connection = True
            return
        if mode in ("error", "slow down"):
            client.answer(500 if mode == "error" else 503, b"<Error><Code>SlowDown</Code></Error>")
            return
        if mode == "other signature":
            last = headers["authorization"][-1]
            headers["authorization"] = headers["authorization"][:-1] + ("1" if last == "0" else "0")
        if mode == "forbidden objects" and not listing:
            client.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.behind, timeout=60)
        connection.request("GET", client.path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if listing and mode == "endless":
            body = body.replace(b"<IsTruncated>false", b"<IsTruncated>true")
        if listing and mode == "cut xml":
            body = body[:len(body) // 2]
        if listing and mode == "cut":
            client.send_response(answer.status)
            client.send_header("Content-Length", str(len(body)))
            client.end_headers()
            client.wfile.write(body[:len(body) // 2])
            client.wfile.flush()
            client.close_connection = True
            return
        client.answer(answer.status, body)


class StandIn(Listening):
    """Lists and hands out `objects` (name: text) of one bucket, a thousand names a page. Keeps the headers that it was asked with."""

    def __init__(self, objects=None, context=None):
        self.objects = objects or {}
        self.headers = []
        outer = self

        class Handler(Answering):
            def do_GET(self):
                if len(outer.headers) < 100:
                    outer.headers.append(dict(self.headers.items()))
                outer.handle(self)
        super().__init__(Handler, context=context)

    def handle(self, client):
        split = urllib.parse.urlsplit(client.path)
        query = urllib.parse.parse_qs(split.query, keep_blank_values=True)
        if "list-type" not in query:
            name = urllib.parse.unquote(split.path).split("/", 2)[2]
            text = self.objects.get(name)
            client.answer(404 if text is None else 200, (text or "").encode())
            return
        names = sorted(name for name in self.objects if name.startswith(query["prefix"][0]))
        begin = int(query.get("continuation-token", ["0"])[0])
        page = names[begin:begin + 1000]
        more = begin + 1000 < len(names)
        xml = "".join(f"<Contents><Key>{escape(name)}</Key><ETag>\"{hash(self.objects[name])}\"</ETag>"
                      f"<Size>{len(self.objects[name])}</Size></Contents>" for name in page)
        token = f"<NextContinuationToken>{begin + 1000}</NextContinuationToken>" if more else ""
        client.answer(200, f"<ListBucketResult><KeyCount>{len(page)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>{token}{xml}"
                           "</ListBucketResult>".encode())


def certified(folder, run, host="127.0.0.1"):
    """A TLS context with a certificate for `host`, and the file of the authority that vouches for it."""
    kind = "IP" if host[0].isdigit() else "DNS"
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={host}",
         "-addext", f"subjectAltName={kind}:{host}", "-keyout", folder / "tls.key", "-out", folder / "tls.pem"]).ok()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem", folder / "tls.key")
    return context, folder / "tls.pem"
