package gantry.conformance;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Sends a given number of messages in one of the producer's four ways and reports each. */
final class Sender {
    private final DefaultMQProducer producer;
    private final Command c;

    private Sender(DefaultMQProducer producer, Command c) {
        this.producer = producer;
        this.c = c;
    }

    /** Returns what is to be closed with the program: nothing, or the producer of one-way messages. */
    static AutoCloseable sendAll(String namesrv, Command c) throws Exception {
        String mode = c.text("mode", "sync");
        if (mode.equals("transaction")) {
            transaction(namesrv, c);
            return null;
        }
        DefaultMQProducer producer = start(namesrv, c);
        try {
            new Sender(producer, c).send(mode);
        } finally {
            if (!mode.equals("oneway")) {
                producer.shutdown();
            }
        }
        // Nothing tells when one-way messages have arrived, and a closed connection takes with it what is under way.
        return mode.equals("oneway") ? producer::shutdown : null;
    }

    static DefaultMQProducer start(String namesrv, Command c) throws Exception {
        System.setProperty("rocketmq.message.compressType", c.text("compression", "ZLIB"));
        DefaultMQProducer producer = c.number("trace", 0) == 1
            ? new DefaultMQProducer(c.group("GID_producer"), true, null) : new DefaultMQProducer(c.group("GID_producer"));
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName(c.instance("producer"));
        producer.setMaxMessageSize(8 << 20); // the server is to judge, not the client
        producer.setVipChannelEnabled(c.number("vip", 0) == 1);
        if (c.number("incompressible", 0) == 1) {
            producer.setCompressMsgBodyOverHowmuch(Integer.MAX_VALUE);
        }
        producer.setSendMsgTimeout(c.number("timeout", 3000));
        producer.start();
        return producer;
    }

    /** The i-th message of a command: "prefix-i|xxxx" of the wanted size. */
    static Message message(Command c, int i) {
        byte[] head = (c.text("prefix", "m") + "-" + i + "|").getBytes(StandardCharsets.UTF_8);
        byte[] body = Arrays.copyOf(head, Math.max(head.length, c.number("size", 0)));
        Arrays.fill(body, head.length, body.length, (byte) 'x');
        Message m = new Message(c.topic(), body);
        if (!c.text("tag", "").isEmpty()) {
            m.setTags(c.text("tag", ""));
        }
        if (!c.text("keys", "").isEmpty()) {
            m.setKeys(c.text("keys", ""));
        }
        String[] property = c.text("property", "").split("=", 2);
        if (property.length == 2) {
            m.putUserProperty(property[0], property[1]);
        }
        c.pairs("props").forEach(m::putUserProperty);
        if (!c.text("messageGroup", "").isEmpty()) {
            MessageAccessor.putProperty(m, "__SHARDINGKEY", c.text("messageGroup", ""));
        }
        if (c.big("deliverAt", 0) != 0) {
            MessageAccessor.putProperty(m, "TIMER_DELIVER_MS", String.valueOf(c.big("deliverAt", 0)));
        }
        return m;
    }

    private void send(String mode) throws Exception {
        int count = c.number("count", 1);
        switch (mode) {
            case "sync" -> {
                for (int i = 0; i < count; i++) {
                    sync(message(c, i), i);
                }
            }
            case "oneway" -> {
                for (int i = 0; i < count; i++) {
                    oneway(message(c, i));
                }
            }
            case "async" -> async(count);
            case "batch" -> batch(count);
            default -> throw new IllegalArgumentException("unknown mode " + mode);
        }
    }

    private void sync(Message m, int i) {
        try {
            int queues = c.number("queues", 0); // 0: the producer chooses
            SendResult r = queues == 0 ? producer.send(m)
                : producer.send(m, (all, message, n) -> pick(all, (Integer) n % queues), i);
            Event.sent(c.id(), m, r).emit();
        } catch (Exception e) {
            Event.failed(c.id(), m, e).emit();
        }
    }

    private static MessageQueue pick(List<MessageQueue> all, int number) {
        return all.stream().filter(q -> q.getQueueId() == number).findFirst().orElseThrow();
    }

    private void oneway(Message m) throws Exception {
        producer.sendOneway(m);
        Event.of("oneway", c.id()).body(m.getBody()).emit();
    }

    private void async(int count) throws Exception {
        CountDownLatch answers = new CountDownLatch(count);
        for (int i = 0; i < count; i++) {
            Message m = message(c, i);
            producer.send(m, new SendCallback() {
                @Override
                public void onSuccess(SendResult r) {
                    Event.sent(c.id(), m, r).emit();
                    answers.countDown();
                }

                @Override
                public void onException(Throwable t) {
                    Event.failed(c.id(), m, t).emit();
                    answers.countDown();
                }
            });
        }
        if (!answers.await(20, TimeUnit.SECONDS)) {
            throw new IllegalStateException(answers.getCount() + " callbacks never came");
        }
    }

    /** Sends one message in a transaction that commits at once. */
    private static void transaction(String namesrv, Command c) throws Exception {
        TransactionMQProducer producer = new TransactionMQProducer(c.group("GID_transaction"));
        producer.setNamesrvAddr(namesrv);
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message m, Object argument) {
                return LocalTransactionState.COMMIT_MESSAGE;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt m) {
                return LocalTransactionState.COMMIT_MESSAGE;
            }
        });
        producer.start();
        try {
            Message m = message(c, 0);
            Event.sent(c.id(), m, producer.sendMessageInTransaction(m, null)).emit();
        } finally {
            producer.shutdown();
        }
    }

    private void batch(int count) throws Exception {
        List<Message> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(message(c, i));
        }
        SendResult r = producer.send(all);
        String[] ids = r.getMsgId().split(",");
        String[] offsetIds = r.getOffsetMsgId().split(",");
        Event.of("batch", c.id()).put("msgId", r.getMsgId()).put("offsetMsgId", r.getOffsetMsgId())
            .put("status", r.getSendStatus().name()).queue(r.getMessageQueue()).put("offset", r.getQueueOffset()).emit();
        for (int i = 0; i < count; i++) {
            Event.of("sent", c.id()).body(all.get(i).getBody()).put("status", r.getSendStatus().name())
                .put("msgId", ids.length == count ? ids[i] : "").put("offsetMsgId", offsetIds.length == count ? offsetIds[i] : "")
                .queue(r.getMessageQueue()).put("offset", r.getQueueOffset() + i).emit();
        }
    }
}
