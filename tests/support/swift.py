"""OpenStack Swift with s3api on loopback: a real server of S3 that checks signatures, regions and payload hashes. And the bucket of a
test on it, written by other implementations: curl's signatures, and Swift's own code for many objects at once. What its processes want
to find in /etc/swift is the package's."""
import hashlib
import json
import os
import pwd
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from processes import Daemon, free_port, run, wait_until

KEY_ID, SECRET = "test:tester", "testing"
REGION = "us-east-1"


class Swift:
    """Four servers and a cache, each one process. `start()` once for many tests; each takes a bucket of its own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.port = free_port()
        self._started = {}  # name: its arguments and its process

    def start(self):
        (self.folder / "devices" / "d1").mkdir(parents=True)
        cache = free_port()
        self._run(["memcached", "-l", "127.0.0.1", "-p", str(cache), *(["-u", "root"] if os.getuid() == 0 else [])], "memcached")
        ports = {kind: free_port() for kind in ("account", "container", "object")}
        for kind, port in ports.items():
            self._ring(kind, port)
            self._serve(kind, port, f"[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n")
        self._ports = {**ports, "proxy": self.port}
        for kind in ports:  # or the proxy leaves them alone for a while
            self._wait_for(kind)
        filters = "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in
                          ("catch_errors", "slo"))
        self._serve("proxy", self.port, f"""[pipeline:main]
pipeline = catch_errors cache s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
error_suppression_limit = 1000000
{filters}[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{cache}
[filter:s3api]
use = egg:swift#s3api
location = {REGION}
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {SECRET} .admin
""")
        self._wait_for("proxy")
        return self

    def _run(self, arguments, name):
        self._started[name] = arguments, Daemon(arguments, self.folder / f"{name}.log")

    def _wait_for(self, kind):
        wait_until(lambda: self.request("GET", "/anything", port=self._ports[kind]), f"an answer of Swift's {kind} server", 60)

    def kill(self, kind):
        """proxy: nobody answers any more; container: nobody knows what is in a bucket."""
        self._started[kind][1].kill()

    def revive(self, kind):
        self._run(self._started[kind][0], kind)
        self._wait_for(kind)

    def _ring(self, kind, port):
        builder = self.folder / f"{kind}.builder"
        for step in (["create", "4", "1", "1"], ["add", f"r1z1-127.0.0.1:{port}/d1", "1"], ["rebalance"]):
            run(["swift-ring-builder", builder, *step]).ok()

    def _serve(self, kind, port, rest):
        path = self.folder / f"{kind}-server.conf"
        path.write_text(f"""[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {pwd.getpwuid(os.getuid()).pw_name}
swift_dir = {self.folder}
devices = {self.folder}/devices
mount_check = false
log_level = ERROR
{rest}""")
        self._run([f"swift-{kind}-server", path], kind)

    def request(self, method, path, body=None, headers=None, port=None):
        """Swift's own protocol: (status, headers, body); None while nobody answers."""
        url = f"http://127.0.0.1:{port or self.port}{path}"
        request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()
        except OSError:
            return None

    def bucket(self, name):
        return Bucket(self, name)

    def stop(self):
        for _, daemon in reversed(self._started.values()):
            daemon.kill()


class Bucket:
    def __init__(self, swift, name):
        self.swift, self.name = swift, name
        wait_until(lambda: self.curl("PUT", "").status == 0, f"the bucket {name}", 30)

    def curl(self, method, key, body=b""):
        """A request that curl signs. The key's id has a colon, which --user would take for its end."""
        signer = f"{urllib.parse.quote(KEY_ID, safe='')}:{SECRET}"
        url = f"http://{signer}@127.0.0.1:{self.swift.port}/{self.name}" + (f"/{key}" if key else "")
        return run(["curl", "-sS", "--fail-with-body", "--path-as-is", "-X", method, "--aws-sigv4", f"aws:amz:{REGION}:s3",
                    "-H", f"x-amz-content-sha256: {hashlib.sha256(body).hexdigest()}",
                    *(["--data-binary", "@-", "-H", "Content-Type: text/plain"] if body else []), url], given=body)

    def put(self, key, text):
        self.curl("PUT", key, text.encode()).ok()

    def delete(self, key):
        self.curl("DELETE", key).ok()

    def put_many(self, files):
        """Into a bucket that is empty."""
        run(["/usr/bin/python3", "-P", Path(__file__).with_name("swift_fill.py"), self.swift.folder, "AUTH_test", self.name],
            given=json.dumps(files).encode(), timeout=120).ok()
