// node's ssh2 as a server. The first argument is a JSON object: port, host_keys (files), authorized (file), forced, rekey, home; the
// second the folder of the package.
'use strict';
const { spawn } = require('child_process');
const fs = require('fs');

const { Server, utils } = require(process.argv[3]);

const task = JSON.parse(process.argv[2]);
const authorized = fs.readFileSync(task.authorized, 'utf8').split('\n').filter(Boolean).map((line) => utils.parseKey(line));
const algorithms = {};
for (const [kind, option] of [['kex', 'kex'], ['host key', 'serverHostKey'], ['cipher', 'cipher'], ['mac', 'hmac']])
    if (task.forced && task.forced[kind]) algorithms[option] = [task.forced[kind]];

function run(stream, command) {
    const child = spawn(command[0], command.slice(1), { env: { ...process.env, HOME: task.home } });
    stream.pipe(child.stdin);
    child.stdin.on('error', () => {});
    child.stdout.on('data', (data) => { if (!stream.write(data)) { child.stdout.pause(); stream.once('drain', () => child.stdout.resume()); } });
    child.stderr.on('data', (data) => stream.stderr.write(data));
    child.on('close', (code) => { stream.exit(code); stream.end(); });
}

function authenticate(context) {
    if (context.method !== 'publickey') return context.reject(['publickey']);
    const key = authorized.find((known) => known.getPublicSSH().equals(context.key.data));
    if (!key) return context.reject();
    if (context.signature && key.verify(context.blob, context.signature, context.hashAlgo) !== true) return context.reject();
    return context.accept();
}

const server = new Server({ hostKeys: task.host_keys.map((path) => fs.readFileSync(path)), algorithms }, (client) => {
    client.on('handshake', () => console.log('exchange'));
    client.on('authentication', authenticate);
    client.on('error', (error) => console.log(`ended: ${error.message}`));
    client.on('session', (acceptSession) => {
        const session = acceptSession();
        session.on('exec', (accept, reject, info) => {
            if (task.rekey) client.rekey();
            run(accept(), ['/bin/sh', '-c', info.command]);
        });
        session.on('subsystem', (accept, reject, info) => {
            if (info.name === 'sftp') run(accept(), ['/usr/lib/openssh/sftp-server']); else reject();
        });
    });
});
server.listen(task.port, '127.0.0.1');
