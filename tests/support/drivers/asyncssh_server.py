"""AsyncSSH as a server. The argument is a JSON object: port, host_keys (files), authorized (file), forced, rekey, home."""
import asyncio
import fcntl
import json
import logging
import os
import pty
import struct
import sys
import termios
import warnings

warnings.filterwarnings("ignore")
import asyncssh  # noqa: E402
from asyncssh_client import options  # noqa: E402


def set_size(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


async def terminal(process, command, env):
    main, other = pty.openpty()
    set_size(main, *process.get_terminal_size()[:2])
    child = await asyncio.create_subprocess_exec(*command, stdin=other, stdout=other, stderr=other, env=env, start_new_session=True,
                                                 preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(other)
    ended = asyncio.Event()

    def readable():
        try:
            data = os.read(main, 65536)
        except OSError:
            data = b""
        if data:
            process.stdout.write(data)
        else:
            asyncio.get_running_loop().remove_reader(main)
            ended.set()
    asyncio.get_running_loop().add_reader(main, readable)

    async def typed():
        while True:
            try:
                data = await process.stdin.read(4096)
                if not data:
                    return
                os.write(main, data)
            except asyncssh.TerminalSizeChanged as changed:
                set_size(main, changed.width, changed.height)
    typing = asyncio.create_task(typed())
    status = await child.wait()
    await ended.wait()
    typing.cancel()
    return status


async def pipes(process, command, env):
    child = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                                                 stderr=asyncio.subprocess.PIPE, env=env)

    async def copy(source, sink, end):
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
            if end:
                sink.close()
        except (BrokenPipeError, ConnectionResetError, asyncssh.BreakReceived):
            pass
    reading = asyncio.create_task(copy(process.stdin, child.stdin, True))
    await asyncio.gather(copy(child.stdout, process.stdout, False), copy(child.stderr, process.stderr, False))
    status = await child.wait()
    reading.cancel()
    return status


def handler(task):
    async def handle(process):
        env = {**os.environ, "HOME": task["home"], "TERM": process.get_terminal_type() or "dumb"}
        agent = process.channel.get_agent_path()
        if agent:
            env["SSH_AUTH_SOCK"] = agent
        command = ["/bin/sh", "-c", process.command] if process.command else ["/bin/sh", "-i"]
        status = await (terminal if process.get_terminal_type() else pipes)(process, command, env)
        process.exit(status)
    return handle


class Count(logging.Handler):
    def emit(self, record):
        if "Requesting key exchange" in record.getMessage():
            print("exchange", flush=True)


async def main(task):
    logging.getLogger("asyncssh").addHandler(Count())
    logging.getLogger("asyncssh").setLevel(logging.DEBUG)
    asyncssh.set_debug_level(2)
    wanted = options(task)
    wanted.pop("server_host_key_algs", None)
    await asyncssh.listen("127.0.0.1", task["port"], server_host_keys=task["host_keys"], authorized_client_keys=task["authorized"],
                          process_factory=handler(task), encoding=None, sftp_factory=True, allow_scp=True, agent_forwarding=True, **wanted)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
