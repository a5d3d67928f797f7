package gantry.conformance;

import com.google.gson.Gson;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import org.apache.rocketmq.client.apis.ClientException;
import org.apache.rocketmq.client.apis.message.MessageView;

/** One line of output. */
final class Event {
    private static final Gson GSON = new Gson();
    private final Map<String, Object> fields = new LinkedHashMap<>();

    Event(String name, int id) {
        fields.put("event", name);
        fields.put("id", id);
    }

    static Event received(int id, MessageView m) {
        Event e = new Event("received", id)
            .with("msgId", m.getMessageId().toString())
            .with("topic", m.getTopic())
            .with("tag", m.getTag().orElse(""))
            .with("keys", String.join(" ", m.getKeys()))
            .with("attempt", m.getDeliveryAttempt())
            .with("messageGroup", m.getMessageGroup().orElse(""))
            .with("deliverAt", m.getDeliveryTimestamp().orElse(0L))
            .with("born", m.getBornTimestamp())
            .with("props", m.getProperties());
        ByteBuffer body = m.getBody();
        byte[] bytes = new byte[body.remaining()];
        body.get(bytes);
        return e.body(bytes);
    }

    Event with(String field, Object value) {
        fields.put(field, value);
        return this;
    }

    Object get(String field) {
        return fields.get(field);
    }

    Event body(byte[] bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        String text = new String(bytes, StandardCharsets.UTF_8);
        int end = text.indexOf('|');
        return with("body", end < 0 ? text : text.substring(0, end)).with("size", bytes.length).with("crc", crc.getValue());
    }

    Event because(Throwable error) {
        while (error.getCause() != null && !(error instanceof ClientException)) {
            error = error.getCause();
        }
        int code = 0;
        if (error instanceof ClientException) {
            String text = String.valueOf(error.getMessage());
            java.util.regex.Matcher m = java.util.regex.Pattern.compile("response-code=(\\d+)").matcher(text);
            code = m.find() ? Integer.parseInt(m.group(1)) : 0;
        }
        return with("error", error.toString()).with("code", code);
    }

    void emit() {
        String line = GSON.toJson(fields);
        synchronized (System.out) {
            System.out.println(line);
            System.out.flush();
        }
    }
}
