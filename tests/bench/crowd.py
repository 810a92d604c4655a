#!/usr/bin/env python3
"""Thousands of light peers in one process, by AsyncSSH: a target that echoes, or clients that type.

  crowd.py serve HOST_KEY CA_LINE PORT
  crowd.py type PORT LOGIN KEY          then lines on stdin:
      open N        so many sessions are open            → "opened N"
      type SECONDS  each session types a byte every PACE seconds and sees its echo  → "typed COUNT"
"""
import asyncio
import sys

import asyncssh

PACE = 4.0
AT_ONCE = 16
ALGORITHMS = {"kex_algs": ["curve25519-sha256"], "encryption_algs": ["aes128-gcm@openssh.com"], "compression_algs": ["none"]}


class EchoSession(asyncssh.SSHServerSession):
    def connection_made(self, chan):
        self.m_channel = chan

    def shell_requested(self):
        return True

    def exec_requested(self, command):
        return True

    def data_received(self, data, datatype):
        self.m_channel.write(data)


class EchoServer(asyncssh.SSHServer):
    def session_requested(self):
        return EchoSession()


class TypingSession(asyncssh.SSHClientSession):
    def connection_made(self, chan):
        self.m_channel, self.m_echo = chan, None

    def data_received(self, data, datatype):
        if self.m_echo and not self.m_echo.done():
            self.m_echo.set_result(data)

    async def key(self):
        self.m_echo = asyncio.get_running_loop().create_future()
        self.m_channel.write(b"k")
        if await asyncio.wait_for(self.m_echo, 60) != b"k":
            raise RuntimeError("another byte came back")


async def serve(host_key, ca_line, port):
    trusted = asyncssh.import_authorized_keys(f"cert-authority {ca_line}\n")
    server = await asyncssh.listen("127.0.0.1", int(port), server_factory=EchoServer, server_host_keys=[host_key], encoding=None,
                                   authorized_client_keys=trusted, backlog=4096, login_timeout=300, **ALGORITHMS)
    print("ready", flush=True)
    await server.wait_closed()


class Crowd:
    def __init__(self, port, login, key):
        self.m_port, self.m_login, self.m_key = int(port), login, asyncssh.read_private_key(key)
        self.m_sessions, self.m_connections = [], []

    async def open(self, count):
        turns = asyncio.Semaphore(AT_ONCE)

        async def one():
            async with turns:
                connection = await asyncssh.connect("127.0.0.1", self.m_port, username=self.m_login, client_keys=[self.m_key],
                                                    known_hosts=None, agent_path=None, login_timeout=300, config=[], **ALGORITHMS)
                _, session = await connection.create_session(TypingSession, "cat", encoding=None)
                await session.key()
                self.m_connections.append(connection)
                self.m_sessions.append(session)

        await asyncio.gather(*(one() for _ in range(count - len(self.m_sessions))))
        return f"opened {len(self.m_sessions)}"

    async def type(self, seconds):
        loop, count, running = asyncio.get_running_loop(), 0, []
        begin = loop.time()
        step = PACE / len(self.m_sessions)
        while (due := begin + count * step) < begin + seconds:
            await asyncio.sleep(max(0.0, due - loop.time()))
            running.append(asyncio.create_task(self.m_sessions[count % len(self.m_sessions)].key()))
            count += 1
        await asyncio.gather(*running)
        return f"typed {count}"

    async def obey(self):
        loop = asyncio.get_running_loop()
        print("ready", flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            word, number = line.split()
            print(await (self.open(int(number)) if word == "open" else self.type(float(number))), flush=True)


def main():
    role, *arguments = sys.argv[1:]
    asyncio.run(serve(*arguments) if role == "serve" else Crowd(*arguments).obey())


if __name__ == "__main__":
    main()
