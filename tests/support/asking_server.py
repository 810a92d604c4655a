#!/usr/bin/env python3
"""A target that asks: AsyncSSH's server with questions in two rounds, or a password that has expired. Usage: PORT HOST_KEY HOW."""
import asyncio
import sys

import asyncssh

SECRET, CODE, NEW = "correct horse", "123456", "battery staple"


class Asking(asyncssh.SSHServer):
    how = ""

    def begin_auth(self, username):
        return True

    def connection_made(self, conn):
        conn.send_auth_banner("Authorised staff \x1b[31monly\n")

    def kbdint_auth_supported(self):
        return self.how in ("questions", "silent")

    def get_kbdint_challenge(self, username, lang, submethods):
        self.round = 1
        return "Sign in", "Two things\x1b[2J are wanted", "en", [("Password: ", False), ("Colour: ", True)]

    def validate_kbdint_response(self, username, responses):
        if self.round == 1:
            if responses != [SECRET, "blue"]:
                return False
            self.round = 2
            return "", "", "en", [("Code: ", False)]
        return responses == [CODE]

    def password_auth_supported(self):
        return self.how == "expired"

    def validate_password(self, username, password):
        if password == SECRET:
            raise asyncssh.PasswordChangeRequired("Your password has expired.")
        return False

    def change_password(self, username, old, new):
        return (old, new) == (SECRET, NEW)


async def session(process):
    process.stdout.write(f"ran {process.command}\n")
    process.exit(7)


async def serve(port, host_key, how):
    Asking.how = how
    await asyncssh.create_server(Asking, "127.0.0.1", int(port), server_host_keys=[host_key], process_factory=session)
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
