// The official Node v5 client under remote control; see clients/go/main.go for the lines it reads and writes.
'use strict';

const readline = require('node:readline');
const zlib = require('node:zlib');
const { Producer, SimpleConsumer, PushConsumer, FilterExpression, ConsumeResult } = require('rocketmq-client-nodejs');

const sql92 = 2; // FilterType.SQL of the protocol
const endpoints = process.argv[2];
const silent = { info() {}, warn() {}, error() {}, debug() {}, close() {} };
const clients = new Map(); // by the id of the command that made it
const loads = new Map();
const messages = []; // received by simple consumers, by number

function emit(event) {
  process.stdout.write(JSON.stringify(event) + '\n');
}

function options(more) {
  return { endpoints, namespace: '', sslEnabled: process.env.TLS !== 'off', logger: silent, ...more };
}

function content(body) {
  const end = body.indexOf('|');
  return { body: body.toString('utf8', 0, end < 0 ? body.length : end), size: body.length, crc: crc32(body) };
}

const table = Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

function crc32(body) {
  if (zlib.crc32) return zlib.crc32(body);
  let c = 0xffffffff;
  for (const b of body) c = table[(c ^ b) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function received(id, m) {
  return {
    event: 'received', id, msgId: m.messageId, topic: m.topic, offset: m.offset ?? 0, tag: m.tag ?? '',
    keys: m.keys.join(' '), attempt: m.deliveryAttempt ?? 0, messageGroup: m.messageGroup ?? '',
    deliverAt: m.deliveryTimestamp ? m.deliveryTimestamp.getTime() : 0,
    born: m.bornTimestamp ? m.bornTimestamp.getTime() : 0,
    props: Object.fromEntries(m.properties), ...content(m.body),
  };
}

function because(error) {
  return { error: String(error && error.message ? error.message : error), code: error && error.code > 0 ? error.code : 0 };
}

// message is the i-th of a command: "prefix-i|xxxx" of the wanted size.
function message(c, i) {
  let body = Buffer.from(`${c.prefix || 'm'}-${i}|`);
  if (c.size > body.length) body = Buffer.concat([body, Buffer.alloc(c.size - body.length, 'x')]);
  const m = { topic: c.topic, body };
  if (c.tag) m.tag = c.tag;
  if (c.keys) m.keys = c.keys.split(' ');
  if (c.props) m.properties = new Map(Object.entries(c.props));
  if (c.messageGroup) m.messageGroup = c.messageGroup;
  if (c.deliverAt) m.deliveryTimestamp = new Date(c.deliverAt);
  return m;
}

async function sendOne(producer, c, m) {
  try {
    const r = await producer.send(m);
    emit({ event: 'sent', id: c.id, topic: c.topic, msgId: r.messageId, offset: r.offset, handle: r.recallHandle, ...content(m.body) });
  } catch (e) {
    emit({ event: 'failed', id: c.id, ...because(e), ...content(m.body) });
  }
}

function subscription(c) {
  const expression = c.expression || '*';
  return new Map([[c.topic, c.filterType === 'SQL92' ? new FilterExpression(expression, sql92) : expression]]);
}

// started keeps a client once it has started, and ends what it began if it could not.
async function started(c, client) {
  try {
    await client.startup();
  } catch (e) {
    client.shutdown().catch(() => {});
    throw e;
  }
  clients.set(c.id, client);
}

function fails(c, e) {
  return (c.failBody === '*' || c.failBody === e.body) && (!c.failAttempts || e.attempt <= c.failAttempts);
}

function startPush(c) {
  const consume = async m => {
    const e = received(c.id, m);
    emit(e);
    return fails(c, e) ? ConsumeResult.FAILURE : ConsumeResult.SUCCESS;
  };
  return started(c, new PushConsumer(options({
    consumerGroup: c.group, subscriptions: subscription(c), messageListener: { consume }, longPollingTimeout: 5000,
  })));
}

function load(c) {
  let i = 0;
  loads.set(c.id, setInterval(() => sendOne(clients.get(c.target), c, message(c, i++)), 1000 / Math.max(c.rate, 1)));
}

async function stop(id) {
  clearInterval(loads.get(id));
  loads.delete(id);
  const client = clients.get(id);
  clients.delete(id);
  if (client) await client.shutdown();
}

async function run(c, done) {
  switch (c.op) {
    case 'producer':
      return started(c, new Producer(options({ topics: [...(c.topics || []), ...(c.topic ? [c.topic] : [])] })));
    case 'send':
      for (let i = 0; i < Math.max(c.count || 1, 1); i++) await sendOne(clients.get(c.target), c, message(c, i));
      return;
    case 'load':
      return load(c);
    case 'recall':
      done.msgId = (await clients.get(c.target).recallMessage(c.topic, c.handle)).messageId;
      return;
    case 'simple':
      return started(c, new SimpleConsumer(options({
        consumerGroup: c.group, subscriptions: subscription(c), awaitDuration: c.await,
      })));
    case 'receive':
      for (const m of await clients.get(c.target).receive(c.max, c.invisible)) {
        emit({ ...received(c.id, m), message: messages.push(m) - 1 });
      }
      return;
    case 'ack':
      return clients.get(c.target).ack(messages[c.message]);
    case 'change':
      return clients.get(c.target).changeInvisibleDuration(messages[c.message], c.invisible);
    case 'push':
      return startPush(c);
    case 'stop':
      return stop(c.target);
    default:
      throw new Error(`unknown op ${c.op}`);
  }
}

async function answer(c) {
  const begin = Date.now();
  let done = { event: 'done', id: c.id };
  try {
    await run(c, done);
  } catch (e) {
    done = { event: 'error', id: c.id, ...because(e) };
  }
  emit({ ...done, millis: Date.now() - begin });
}

const lines = readline.createInterface({ input: process.stdin });
lines.on('line', line => answer(JSON.parse(line)));
lines.on('close', async () => {
  await Promise.allSettled([...loads.keys(), ...clients.keys()].map(stop));
  process.exit(0);
});
process.on('unhandledRejection', e => process.stderr.write(`unhandled: ${e && e.stack}\n`));
emit({ event: 'ready' });
