// The same job in Node: net in, http with a keep-alive agent out. Usage: PORT UPSTREAM CONNECTIONS
//
// Written as its users write it: a promise per request, text replies in request order, JSON-RPC replies as they complete.
import http from 'node:http';
import net from 'node:net';

const [port, upstream, connections] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: Number(connections), maxFreeSockets: Number(connections) });

function fetchJson(path, query) {
  const search = query.length ? '?' + new URLSearchParams(query) : '';
  return new Promise((resolve, reject) => {
    const request = http.get(`${upstream}/${path.join('/')}${search}`, { agent, timeout: 30000 }, (response) => {
      response.setEncoding('utf8');
      let body = '';
      response.on('data', (text) => { body += text; });
      response.on('end', () => {
        if (response.statusCode !== 200) return reject(new Error(`status ${response.statusCode}`));
        try { resolve(JSON.parse(body)); } catch (error) { reject(error); }
      });
    });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', reject);
  });
}

function answerText(line) {
  const words = line.trim().split(/\s+/);
  const query = words.filter((word) => word.includes('=')).map((word) => word.split('=', 2));
  return fetchJson(words.filter((word) => !word.includes('=')), query).then(
    (value) => `OK ${JSON.stringify(value)}\n`,
    (error) => `ERR upstream_error ${JSON.stringify({ message: error.message })}\n`);
}

function answerJsonRpc(line) {
  const { id, method, params = [] } = JSON.parse(line);
  const named = !Array.isArray(params);
  const path = named ? [method, params.id] : [method, ...params];
  const query = named ? Object.entries(params).filter(([key]) => key !== 'id') : [];
  return fetchJson(path, query).then(
    (result) => JSON.stringify({ jsonrpc: '2.0', id, result }) + '\n',
    (error) => JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32000, message: error.message, data: { symbol: 'upstream_error' } } }) + '\n');
}

function serve(socket) {
  let rest = '';
  let last = Promise.resolve();  // of the text replies
  const write = (text) => { if (!socket.destroyed) socket.write(text); };
  socket.setEncoding('utf8');
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith('{')) {
        answerJsonRpc(line).then(write);
      } else {
        const before = last, reply = answerText(line);
        last = reply.then((answer) => before.then(() => write(answer)));
      }
    }
  });
}

net.createServer(serve).listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
