"""Paramiko as a client; see job.py."""
import json
import logging
import sys
import threading
import warnings

warnings.filterwarnings("ignore")
import paramiko  # noqa: E402
from job import READY, answer, given, job  # noqa: E402

exchanges = 0


class Count(logging.Handler):
    def emit(self, record):
        global exchanges
        exchanges += "Switch to new keys" in record.getMessage()


def lists():
    transport = paramiko.Transport
    return {"kex": list(transport._kex_info), "host key": list(transport._key_info), "cipher": list(transport._cipher_info),
            "mac": list(transport._mac_info)}


def connect(task):
    transport = paramiko.Transport(("127.0.0.1", task["port"]))
    if task.get("rekey"):
        transport.packetizer.REKEY_BYTES = task["rekey"]
    wanted, forced = transport.get_security_options(), task.get("forced", {})
    for ours, theirs in (("kex", "kex"), ("host key", "key_types"), ("cipher", "ciphers"), ("mac", "digests")):
        if ours in forced:
            setattr(wanted, theirs, [forced[ours]])
    transport.start_client(timeout=20)
    shown = transport.get_remote_server_key()
    known = [line.split()[2] for line in open(task["known_hosts"]) if not line.startswith("@")]
    assert shown.get_base64() in known, f"another host key: {shown.get_name()}"
    kinds = {"rsa": paramiko.RSAKey, "ecdsa": paramiko.ECDSAKey, "ed25519": paramiko.Ed25519Key}
    kind = open(task["key"] + ".pub").read().split()[0]
    key = kinds[next(name for name in kinds if name in kind)].from_private_key_file(task["key"])
    transport.auth_publickey(task["user"], key)
    if task.get("keepalive"):
        transport.set_keepalive(task["keepalive"])
    return transport


def session(transport, task):
    channel = transport.open_session()
    if task.get("agent"):
        paramiko.agent.AgentRequestHandler(channel)
    if task.get("pty"):
        channel.get_pty("xterm", *task["pty"])
    if task.get("command") is None:
        channel.invoke_shell()
    else:
        channel.exec_command(task["command"])
    seen, errors = bytearray(), bytearray()

    def errors_read():
        while data := channel.recv_stderr(65536):
            errors.extend(data)

    def send():
        channel.sendall(given(task))
        if not task.get("pty"):
            channel.shutdown_write()
    work = [threading.Thread(target=errors_read), threading.Thread(target=send)]
    for thread in work:
        thread.start()
    resized = False
    while data := channel.recv(65536):
        seen += data
        if task.get("resize") and not resized and READY in seen:
            channel.resize_pty(*task["resize"])
            resized = True
    for thread in work:
        thread.join()
    with open(task["out"], "wb") as out, open(task["err"], "wb") as err:
        out.write(seen)
        err.write(errors)
    return channel.recv_exit_status()


def sftp(transport, task):
    client = paramiko.SFTPClient.from_transport(transport)
    client.put(task["put"], task["there"])
    client.get(task["there"], task["get"])
    return 0


def forward(transport, task):
    channel = transport.open_channel("direct-tcpip", tuple(task["destination"]), ("127.0.0.1", 1))

    def send():
        channel.sendall(given(task))
        channel.shutdown_write()
    sending = threading.Thread(target=send)
    sending.start()
    with open(task["out"], "wb") as out:
        while data := channel.recv(65536):
            out.write(data)
    sending.join()
    return 0


def main(task):
    logging.getLogger("paramiko").addHandler(Count())
    logging.getLogger("paramiko").setLevel(logging.DEBUG)
    logging.getLogger("paramiko").propagate = False
    transport = connect(task)
    status = {"session": session, "sftp": sftp, "forward": forward}[task["action"]](transport, task)
    transport.close()
    answer(status, exchanges - 1)


if sys.argv[1] == "lists":
    print(json.dumps(lists()))
else:
    main(job())
