package gantry.conformance;

import java.io.Closeable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.rocketmq.client.apis.ClientConfiguration;
import org.apache.rocketmq.client.apis.message.Message;
import org.apache.rocketmq.client.apis.message.MessageBuilder;
import org.apache.rocketmq.client.apis.producer.Producer;
import org.apache.rocketmq.client.apis.producer.ProducerBuilder;
import org.apache.rocketmq.client.apis.producer.SendReceipt;

/** Producers and what is sent by them. */
final class Senders {
    private final ClientConfiguration configuration;
    private final Map<Integer, Closeable> running;

    Senders(ClientConfiguration configuration, Map<Integer, Closeable> running) {
        this.configuration = configuration;
        this.running = running;
    }

    void start(Command c) throws Exception {
        List<String> topics = new ArrayList<>(c.topics);
        if (c.topic != null) {
            topics.add(c.topic);
        }
        ProducerBuilder builder = Main.PROVIDER.newProducerBuilder().setClientConfiguration(configuration);
        running.put(c.id, builder.setTopics(topics.toArray(String[]::new)).build());
    }

    void send(Command c) {
        for (int i = 0; i < Math.max(c.count, 1); i++) {
            sendOne((Producer) running.get(c.target), c, i);
        }
    }

    private void sendOne(Producer producer, Command c, int i) {
        byte[] body = body(c, i);
        try {
            SendReceipt r = producer.send(message(c, body));
            new Event("sent", c.id).with("topic", c.topic).with("msgId", r.getMessageId().toString())
                .with("handle", r.getRecallHandle()).body(body).emit();
        } catch (Throwable e) {
            new Event("failed", c.id).because(e).body(body).emit();
        }
    }

    private static byte[] body(Command c, int i) {
        byte[] id = ((c.prefix == null ? "m" : c.prefix) + "-" + i + "|").getBytes(StandardCharsets.UTF_8);
        byte[] body = Arrays.copyOf(id, Math.max(id.length, c.size));
        Arrays.fill(body, id.length, body.length, (byte) 'x');
        return body;
    }

    private static Message message(Command c, byte[] body) {
        MessageBuilder m = Main.PROVIDER.newMessageBuilder().setTopic(c.topic).setBody(body);
        if (c.tag != null) {
            m.setTag(c.tag);
        }
        if (c.keys != null) {
            m.setKeys(c.keys.split(" "));
        }
        if (c.messageGroup != null) {
            m.setMessageGroup(c.messageGroup);
        }
        if (c.deliverAt != 0) {
            m.setDeliveryTimestamp(c.deliverAt);
        }
        c.props.forEach(m::addProperty);
        return m.build();
    }

    void load(Command c) {
        Producer producer = (Producer) running.get(c.target);
        AtomicBoolean ended = new AtomicBoolean();
        Thread sender = new Thread(() -> {
            for (int i = 0; !ended.get(); i++) {
                sendOne(producer, c, i);
                pause(1000 / Math.max(c.rate, 1));
            }
        });
        sender.start();
        running.put(c.id, () -> {
            ended.set(true);
            try {
                sender.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    void recall(Command c, Event done) throws Exception {
        done.with("msgId", ((Producer) running.get(c.target)).recallMessage(c.topic, c.handle).getMessageId().toString());
    }
}
