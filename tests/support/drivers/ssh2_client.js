// node's ssh2 as a client; see job.py. The folder of its package comes as the second argument.
'use strict';
const fs = require('fs');
const path = require('path');

const { Client } = require(process.argv[3]);
const constants = require(path.join(process.argv[3], 'lib/protocol/constants.js'));

if (process.argv[2] === 'lists') {
    console.log(JSON.stringify({
        'kex': constants.SUPPORTED_KEX, 'host key': constants.SUPPORTED_SERVER_HOST_KEY, 'cipher': constants.SUPPORTED_CIPHER,
        'mac': constants.SUPPORTED_MAC,
    }));
    process.exit(0);
}

const task = JSON.parse(process.argv[2]);
const given = task.stdin ? fs.readFileSync(task.stdin) : Buffer.alloc(0);
const client = new Client();
let exchanges = 0;

function fail(error) {
    console.error(String(error && error.stack || error));
    process.exit(1);
}

function finish(status) {
    process.stdout.write(JSON.stringify({ status: status === undefined ? null : status, rekeys: exchanges - 1 }) + '\n', () => {
        client.end();
        process.exit(0);
    });
}

function session() {
    const begun = (error, stream) => {
        if (error) fail(error);
        const seen = [], errors = [];
        let status, resized = false;
        stream.on('data', (data) => {
            seen.push(data);
            if (task.resize && !resized && Buffer.concat(seen).includes('ready')) {
                resized = true;
                stream.setWindow(task.resize[1], task.resize[0], 0, 0);
            }
        });
        stream.stderr.on('data', (data) => errors.push(data));
        stream.on('exit', (code) => { status = code; });
        stream.on('close', () => {
            fs.writeFileSync(task.out, Buffer.concat(seen));
            fs.writeFileSync(task.err, Buffer.concat(errors));
            finish(status);
        });
        if (task.pty) stream.write(given); else stream.end(given);
    };
    const pty = task.pty ? { term: 'xterm', cols: task.pty[0], rows: task.pty[1] } : false;
    if (task.command === null) client.shell(pty, begun);
    else client.exec(task.command, { pty }, begun);
}

function sftp() {
    client.sftp((error, files) => {
        if (error) fail(error);
        files.fastPut(task.put, task.there, (putError) => {
            if (putError) fail(putError);
            files.fastGet(task.there, task.get, (getError) => { if (getError) fail(getError); finish(0); });
        });
    });
}

function forward() {
    client.forwardOut('127.0.0.1', 1, task.destination[0], task.destination[1], (error, stream) => {
        if (error) fail(error);
        const seen = [];
        stream.on('data', (data) => seen.push(data));
        stream.on('close', () => { fs.writeFileSync(task.out, Buffer.concat(seen)); finish(0); });
        stream.end(given);
    });
}

const known = fs.readFileSync(task.known_hosts, 'utf8').split('\n').filter((line) => line && !line.startsWith('@'))
    .map((line) => line.split(' ')[2]);
const options = {
    host: '127.0.0.1', port: task.port, username: task.user, privateKey: fs.readFileSync(task.key), readyTimeout: 20000,
    hostVerifier: (key) => known.includes(key.toString('base64')), algorithms: {},
};
for (const [kind, option] of [['kex', 'kex'], ['host key', 'serverHostKey'], ['cipher', 'cipher'], ['mac', 'hmac']])
    if (task.forced && task.forced[kind]) options.algorithms[option] = [task.forced[kind]];
if (task.keepalive) Object.assign(options, { keepaliveInterval: task.keepalive * 1000, keepaliveCountMax: 1 });
if (task.agent) Object.assign(options, { agent: process.env.SSH_AUTH_SOCK, agentForward: true });
client.on('handshake', () => { exchanges += 1; });
client.on('error', fail);
client.on('ready', () => ({ session, sftp, forward })[task.action]());
client.connect(options);
