package gantry.conformance;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonElement;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** One line of output. */
final class Event {
    private final JsonObject json = new JsonObject();

    static Event of(String name, int id) {
        Event e = new Event();
        e.json.addProperty("event", name);
        e.json.addProperty("id", id);
        return e;
    }

    static Event error(int id, Throwable t) {
        return of("error", id).failure(t);
    }

    /** A message body and its fate as the producer saw it. */
    static Event sent(int id, Message m, SendResult r) {
        return of("sent", id).body(m.getBody()).put("status", r.getSendStatus().name())
            .put("msgId", r.getMsgId()).put("offsetMsgId", r.getOffsetMsgId())
            .queue(r.getMessageQueue()).put("offset", r.getQueueOffset());
    }

    static Event failed(int id, Message m, Throwable t) {
        return of("failed", id).body(m.getBody()).failure(t);
    }

    static Event received(int id, MessageExt m, String queueBroker) {
        return received("received", id, m, queueBroker);
    }

    /** A message whose transaction the server asks about. */
    static Event checked(int id, MessageExt m) {
        return received("checked", id, m, "");
    }

    private static Event received(String name, int id, MessageExt m, String queueBroker) {
        return of(name, id).body(m.getBody()).put("msgId", m.getMsgId())
            .put("topic", m.getTopic()).put("queue", m.getQueueId()).put("broker", queueBroker)
            .put("offset", m.getQueueOffset()).put("tag", m.getTags() == null ? "" : m.getTags())
            .put("keys", m.getKeys() == null ? "" : m.getKeys())
            .put("attempt", m.getReconsumeTimes()).put("storeHost", String.valueOf(m.getStoreHost()))
            .put("physical", m.getCommitLogOffset()).put("born", m.getBornTimestamp())
            .put("messageGroup", m.getProperties().getOrDefault("__SHARDINGKEY", ""))
            .put("props", new Gson().toJsonTree(m.getProperties()));
    }

    Event failure(Throwable t) {
        put("error", String.valueOf(t.getMessage())).put("class", t.getClass().getSimpleName());
        if (t instanceof MQBrokerException b) {
            put("code", b.getResponseCode());
        }
        if (t instanceof MQClientException c) {
            put("code", c.getResponseCode());
        }
        return this;
    }

    /** What identifies a body: the id before the first '|', its size and checksum. */
    Event body(byte[] body) {
        int end = 0;
        while (end < body.length && body[end] != '|') {
            end++;
        }
        CRC32 crc = new CRC32();
        crc.update(body);
        return put("body", new String(body, 0, end, StandardCharsets.UTF_8))
            .put("size", body.length).put("crc", crc.getValue());
    }

    Event queue(MessageQueue q) {
        return put("topic", q.getTopic()).put("queue", q.getQueueId()).put("broker", q.getBrokerName());
    }

    Event put(String name, String value) {
        json.addProperty(name, value);
        return this;
    }

    Event put(String name, long value) {
        json.addProperty(name, value);
        return this;
    }

    Event put(String name, JsonElement value) {
        json.add(name, value);
        return this;
    }

    void emit() {
        byte[] line = (json + "\n").getBytes(StandardCharsets.UTF_8);
        synchronized (System.out) {
            System.out.write(line, 0, line.length);
            System.out.flush();
        }
    }
}
