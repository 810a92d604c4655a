"""Puts many objects into a bucket of a Swift of the tests, by Swift's own code for disks and listings, in a second for a thousand: ten
times as fast as asking its servers. `swift_fill.py FOLDER ACCOUNT BUCKET <{"name": "text", …}`"""
import glob
import hashlib
import json
import logging
import sys

from swift.common import utils
from swift.common.ring import Ring
from swift.common.storage_policy import POLICIES
from swift.container.backend import ContainerBroker
from swift.obj.diskfile import DiskFileManager

folder, account, bucket = sys.argv[1:]
utils.validate_configuration()
listings = glob.glob(f"{folder}/devices/d1/containers/*/*/*/{utils.hash_path(account, bucket)}.db")
assert len(listings) == 1, listings
ring = Ring(folder, ring_name="object")
disk = DiskFileManager({"devices": f"{folder}/devices", "mount_check": "false"}, logging.getLogger())
rows = []
for name, text in json.load(sys.stdin).items():
    content, now = text.encode(), utils.Timestamp.now().internal
    tag = hashlib.md5(content).hexdigest()
    place = disk.get_diskfile("d1", ring.get_part(account, bucket, name), account, bucket, name, POLICIES[0])
    with place.create() as writer:
        writer.write(content)
        writer.put({"X-Timestamp": now, "Content-Type": "text/plain", "ETag": tag, "Content-Length": str(len(content))})
    rows.append({"name": name, "created_at": now, "size": len(content), "content_type": "text/plain", "etag": tag, "deleted": 0,
                 "storage_policy_index": 0})
ContainerBroker(listings[0], account=account, container=bucket).merge_items(rows)
