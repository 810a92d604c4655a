"""AsyncSSH as a client; see job.py."""
import asyncio
import json
import logging
import os
import sys
import warnings

warnings.filterwarnings("ignore")
import asyncssh  # noqa: E402
from job import READY, answer, given, job  # noqa: E402

exchanges = 0


class Count(logging.Handler):
    def emit(self, record):
        global exchanges
        exchanges += "Requesting key exchange" in record.getMessage()


def lists():
    from asyncssh import encryption, kex, mac, public_key

    def text(names):
        return [name.decode() for name in names]
    keys = text(public_key.get_public_key_algs()) + text(public_key.get_certificate_algs())
    return {"kex": text(kex.get_kex_algs()), "host key": keys, "cipher": text(encryption.get_encryption_algs()),
            "mac": text(mac.get_mac_algs())}


def options(task):
    forced, result = task.get("forced", {}), {}
    for ours, theirs in (("kex", "kex_algs"), ("host key", "server_host_key_algs"), ("cipher", "encryption_algs"), ("mac", "mac_algs"),
                         ("compression", "compression_algs")):
        if ours in forced:
            result[theirs] = [forced[ours]]
    if task.get("rekey"):
        result["rekey_bytes"] = task["rekey"]
    if task.get("keepalive"):
        result.update(keepalive_interval=task["keepalive"], keepalive_count_max=1)
    return result


async def session(connection, task):
    terminal = {"term_type": "xterm", "term_size": task["pty"]} if task.get("pty") else {}
    process = await connection.create_process(task.get("command"), encoding=None, **terminal)
    seen, errors = bytearray(), bytearray()

    async def errors_read():
        while data := await process.stderr.read(65536):
            errors.extend(data)

    async def send():
        try:
            process.stdin.write(given(task))
            await process.stdin.drain()
            if not task.get("pty"):
                process.stdin.write_eof()
        except BrokenPipeError:
            pass  # the command was done before
    work = [asyncio.create_task(errors_read()), asyncio.create_task(send())]
    resized = False
    while data := await process.stdout.read(65536):
        seen += data
        if task.get("resize") and not resized and READY in seen:
            process.change_terminal_size(*task["resize"])
            resized = True
    await asyncio.gather(*work)
    await process.wait_closed()
    with open(task["out"], "wb") as out, open(task["err"], "wb") as err:
        out.write(seen)
        err.write(errors)
    return process.exit_status


async def files(connection, task):
    if task["action"] == "scp":
        await asyncssh.scp(task["put"], (connection, task["there"]))
        await asyncssh.scp((connection, task["there"]), task["get"])
        return 0
    async with connection.start_sftp_client() as sftp:
        await sftp.put(task["put"], task["there"])
        await sftp.get(task["there"], task["get"])
    return 0


async def forward(connection, task):
    reader, writer = await connection.open_connection(*task["destination"], encoding=None)
    payload = given(task)

    async def send():
        writer.write(payload)
        await writer.drain()
        writer.write_eof()
    sending = asyncio.create_task(send())
    with open(task["out"], "wb") as out:
        while data := await reader.read(65536):
            out.write(data)
    await sending
    return 0


async def main(task):
    logging.getLogger("asyncssh").addHandler(Count())
    logging.getLogger("asyncssh").setLevel(logging.DEBUG)
    logging.getLogger("asyncssh").propagate = False
    asyncssh.set_debug_level(2)
    agent = os.environ.get("SSH_AUTH_SOCK") if task.get("agent") else None
    with open(task["known_hosts"]) as file:
        hosts = asyncssh.import_known_hosts(file.read())
    actions = {"session": session, "sftp": files, "scp": files, "forward": forward}
    async with asyncssh.connect("127.0.0.1", port=task["port"], username=task["user"], client_keys=[task["key"]], known_hosts=hosts,
                                config=None, agent_path=agent, agent_forwarding=bool(agent), **options(task)) as connection:
        status = await actions[task["action"]](connection, task)
    answer(status, exchanges - 1)


if __name__ == "__main__":
    if sys.argv[1] == "lists":
        print(json.dumps(lists()))
    else:
        asyncio.run(main(job()))
