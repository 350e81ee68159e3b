// Everything that test_clients.py wants from jayson's TCP client, in one run: prints one JSON object of the answers.
'use strict';

const jayson = require('jayson');

const client = jayson.client.tcp({host: '127.0.0.1', port: Number(process.argv[2])});

// client.request(...), whose callback gets the whole answer, as a promise of it; null where none is due.
function ask(...request) {
  return new Promise((resolve, reject) => {
    client.request(...request, (failed, answer) => (failed ? reject(failed) : resolve(answer ?? null)));
  });
}

async function main() {
  const answers = {
    call: await ask('fetch', ['one']),
    error: await ask('fetch', ['missing']),
    notification: await ask('fetch', ['notified'], null),
    batch: await ask(['b0', 'b1', 'b2'].map((name) => client.request('fetch', [name]))),
    many: await Promise.all(Array.from({length: 100}, (_, n) => ask('fetch', [`m${n}`]))),
  };
  console.log(JSON.stringify(answers));
}

main().catch((failed) => {
  console.error(failed);
  process.exit(1);
});
