"""The official Python v5 client under remote control; see clients/go/main.go for the lines it reads and writes."""
import itertools
import json
import os
import sys
import threading
import time
import zlib

from rocketmq.grpc_protocol import FilterType
from rocketmq.v5.client import ClientConfiguration, Credentials
from rocketmq.v5.consumer import ConsumeResult, MessageListener, PushConsumer, SimpleConsumer
from rocketmq.v5.model import FilterExpression, Message
from rocketmq.v5.producer import Producer

TLS = os.environ.get("TLS") != "off"
output = threading.Lock()
running = {}  # clients, and how loads are ended, by the id of the command that made them
messages = {}  # received by simple consumers, by number
numbers = itertools.count()


def emit(**event):
    with output:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


def configuration():
    return ClientConfiguration(sys.argv[1], Credentials())


def content(body):
    return {"body": body.split(b"|", 1)[0].decode(), "size": len(body), "crc": zlib.crc32(body)}


def received(c, m):
    return {
        "event": "received", "id": c["id"], "msgId": m.message_id, "topic": m.topic, "tag": m.tag or "",
        "keys": " ".join(sorted(m.keys)), "attempt": m.delivery_attempt or 0, "messageGroup": m.message_group or "",
        "deliverAt": m.delivery_timestamp or 0, "born": m.born_timestamp or 0, "props": dict(m.properties or {}),
        **content(m.body),
    }


def because(error):
    code = getattr(error, "code", None)
    return {"error": f"{type(error).__name__}: {error}", "code": int(code) if isinstance(code, int) else 0}


def message(c, i):
    body = f"{c.get('prefix') or 'm'}-{i}|".encode()
    m = Message()
    m.topic = c["topic"]
    m.body = body + b"x" * (c.get("size", 0) - len(body))
    if c.get("tag"):
        m.tag = c["tag"]
    if c.get("keys"):
        for key in c["keys"].split():
            m.keys = key  # adds it
    for key, value in (c.get("props") or {}).items():
        m.add_property(key, value)
    if c.get("messageGroup"):
        m.message_group = c["messageGroup"]
    if c.get("deliverAt"):
        m.delivery_timestamp = c["deliverAt"] // 1000
    return m


def start_producer(c):
    topics = list(c.get("topics") or []) + ([c["topic"]] if c.get("topic") else [])
    producer = Producer(configuration(), topics, tls_enable=TLS)
    producer.startup()
    running[c["id"]] = producer


def send_one(producer, c, i):
    body = {}
    try:
        m = message(c, i)
        body = content(m.body)
        r = producer.send(m)
        emit(event="sent", id=c["id"], topic=c["topic"], msgId=r.message_id, offset=r.offset, handle=r.recall_handle or "", **body)
    except Exception as e:
        emit(event="failed", id=c["id"], **because(e), **body)


def send(c):
    for i in range(max(c.get("count", 1), 1)):
        send_one(running[c["target"]], c, i)


class Load:
    def __init__(self, c):
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(c,))
        self.thread.start()

    def run(self, c):
        for i in itertools.count():
            if self.ended.wait(1 / max(c.get("rate", 1), 1)):
                return
            send_one(running[c["target"]], c, i)

    def shutdown(self):
        self.ended.set()
        self.thread.join()


def subscription(c):
    kind = FilterType.SQL if c.get("filterType") == "SQL92" else FilterType.TAG
    return {c["topic"]: FilterExpression(c.get("expression") or "*", kind)}


def start_simple(c):
    consumer = SimpleConsumer(configuration(), c["group"], subscription(c), await_duration=c["await"] // 1000, tls_enable=TLS)
    consumer.startup()
    running[c["id"]] = consumer


def receive(c):
    for m in running[c["target"]].receive(c["max"], c["invisible"] // 1000) or []:
        number = next(numbers)
        messages[number] = m
        emit(message=number, **received(c, m))


class Listener(MessageListener):
    def __init__(self, c):
        self.c = c

    def consume(self, m):
        e = received(self.c, m)
        emit(**e)
        named = self.c.get("failBody") in ("*", e["body"])
        most = self.c.get("failAttempts", 0)
        return ConsumeResult.FAILURE if named and (most == 0 or e["attempt"] <= most) else ConsumeResult.SUCCESS


def start_push(c):
    consumer = PushConsumer(configuration(), c["group"], Listener(c), subscription(c), tls_enable=TLS)
    consumer.startup()
    running[c["id"]] = consumer


def run(c, done):
    op = c["op"]
    if op == "producer":
        start_producer(c)
    elif op == "send":
        send(c)
    elif op == "load":
        running[c["id"]] = Load(c)
    elif op == "recall":
        recalled = running[c["target"]].recall_message(c["topic"], c["handle"])
        done["msgId"] = getattr(recalled, "message_id", recalled)
    elif op == "simple":
        start_simple(c)
    elif op == "receive":
        receive(c)
    elif op == "ack":
        running[c["target"]].ack(messages[c["message"]])
    elif op == "change":
        running[c["target"]].change_invisible_duration(messages[c["message"]], c["invisible"] // 1000)
    elif op == "push":
        start_push(c)
    elif op == "stop":
        running.pop(c["target"]).shutdown()
    else:
        raise ValueError(f"unknown op {op}")


def answer(c):
    begin = time.monotonic()
    done = {"event": "done", "id": c["id"]}
    try:
        run(c, done)
    except Exception as e:
        done = {"event": "error", "id": c["id"], **because(e)}
    emit(**done, millis=int((time.monotonic() - begin) * 1000))


def main():
    emit(event="ready")
    for line in sys.stdin:
        threading.Thread(target=answer, args=(json.loads(line),), daemon=True).start()
    for client in list(running.values()):
        try:
            client.shutdown()
        except Exception as e:
            sys.stderr.write(f"shutdown: {e}\n")
    os._exit(0)


main()
