package gantry.conformance;

import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Requests that wait for a reply, and who answers them. */
final class Replies {
    private Replies() {
    }

    /** Sends a request and emits its reply; a time-out is an error. */
    static void request(String namesrv, Command c) throws Exception {
        DefaultMQProducer producer = producer(namesrv, c, "GID_request");
        try {
            Message request = new Message(c.topic(), c.text("prefix", "question").getBytes(StandardCharsets.UTF_8));
            Message reply = producer.request(request, c.number("block", 10_000));
            Event.of("replied", c.id()).body(reply.getBody()).emit();
        } finally {
            producer.shutdown();
        }
    }

    /** Answers every request with its own body in brackets. */
    static AutoCloseable answer(String namesrv, Command c) throws Exception {
        DefaultMQProducer producer = producer(namesrv, c, "GID_reply");
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(c.group("GID_reply"));
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName(c.instance("reply"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(c.topic(), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt m : messages) {
                String text = "[" + new String(m.getBody(), StandardCharsets.UTF_8) + "]";
                try {
                    producer.send(MessageUtil.createReplyMessage(m, text.getBytes(StandardCharsets.UTF_8)), 3000);
                } catch (Exception e) {
                    Event.error(c.id(), e).emit();
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        return () -> {
            consumer.shutdown();
            producer.shutdown();
        };
    }

    private static DefaultMQProducer producer(String namesrv, Command c, String group) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(group);
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName(c.instance(group));
        producer.start();
        return producer;
    }
}
