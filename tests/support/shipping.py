"""A gateway whose recordings leave for a bucket, with a target and one user; and what stands in the bucket, asked past the gateway."""
import hashlib
import re
import signal
import urllib.parse
import xml.etree.ElementTree as ElementTree

from clients import Clients
from processes import wait_until
from swift import KEY_ID, REGION, SECRET
from targets import OpenSshTarget

PREFIX = "logs/"


def access_key(folder):
    path = folder / "access-key"
    path.touch(mode=0o600)
    path.write_text(f"aws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")
    return path


class Shipped:
    """`place` is where the gateway asks: a server of S3, or what stands in front of it."""

    def __init__(self, make_gateway, folder, bucket, place, config=None, **upload):
        self.folder, self.bucket = folder, bucket
        self.gateway = make_gateway(recording__upload={
            "url": f"s3://{bucket.name}/{PREFIX}", "region": REGION, "endpoint": place, "every": "1s", "encryption": "none",
            "access_key_file": str(access_key(folder)), **upload}, **(config or {}))
        self.target = OpenSshTarget(folder / "web", ca_lines=[self.gateway.user_ca]).start()
        self.user = Clients(folder / "alice", "alice", self.gateway.port, self.gateway.host_key)
        self.gateway.apply({
            "user": [{"name": "alice", "keys": [self.user.public_key]}],
            "target": [{"name": "web", "address": f"127.0.0.1:{self.target.port}", "logins": [self.target.login],
                        "auth": "certificate", "host_keys": [self.target.host_key]}],
            "rule": [{"name": "work", "users": ["alice"], "targets": ["web"], "allow": ["shell", "exec"]}]})

    @property
    def to(self):
        return f"{self.target.login}@web@gw"

    def run(self, command, **more):
        return self.user.ssh(self.to, command, **more)

    def look(self):
        """Now, and not when the period is over."""
        self.gateway.daemon.process.send_signal(signal.SIGHUP)

    def recordings(self):
        return {entry["audit_key"]: entry for entry in self.gateway.recordings()}

    def wait_for(self, state, count, timeout=40):
        """`count` recordings in that state of shipping, by audit key."""
        def there():
            found = {key: entry for key, entry in self.recordings().items() if entry["shipping"] == state}
            return found if len(found) >= count else None
        return wait_until(there, f"{count} recordings that are {state}", timeout)

    def stop(self):
        self.target.stop()


def objects(bucket, prefix=PREFIX):
    """{key: size} as the server lists them."""
    listed = {}
    marker = ""
    while True:
        query = {"prefix": prefix, "max-keys": "1000", **({"marker": marker} if marker else {})}
        text = bucket.curl("GET", "?" + urllib.parse.urlencode(sorted(query.items()))).ok().out
        tree = ElementTree.fromstring(re.sub(rb' xmlns="[^"]+"', b"", text))
        page = {item.find("Key").text: int(item.find("Size").text) for item in tree.iter("Contents")}
        listed.update(page)
        if tree.findtext("IsTruncated") != "true" or not page:
            return listed
        marker = max(page)


def content(bucket, key):
    return bucket.curl("GET", urllib.parse.quote(key)).ok().out


def uploads(bucket):
    """Keys of uploads that have begun and not ended."""
    text = bucket.curl("GET", "?uploads=").ok().out
    tree = ElementTree.fromstring(re.sub(rb' xmlns="[^"]+"', b"", text))
    return [item.find("Key").text for item in tree.iter("Upload")]


def sha256(data):
    return hashlib.sha256(data).hexdigest()
