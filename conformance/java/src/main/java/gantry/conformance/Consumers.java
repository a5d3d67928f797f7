package gantry.conformance;

import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/** The consumers that are handed messages until they are closed. */
final class Consumers {
    private Consumers() {
    }

    static AutoCloseable push(String namesrv, Command c) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(c.group("GID_push"));
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName(c.instance("push"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.valueOf(c.text("from", "CONSUME_FROM_FIRST_OFFSET")));
        Compat.setMessageModel(consumer, c.text("model", "CLUSTERING"));
        consumer.setAwaitTerminationMillisWhenShutdown(5000); // what was handed over is settled before offsets are stored
        consumer.setPollNameServerInterval(c.number("pollInterval", 30_000));
        consumer.setMaxReconsumeTimes(c.number("maxReconsume", -1));
        consumer.setSuspendCurrentQueueTimeMillis(100);
        if (c.text("sql", "").isEmpty()) {
            consumer.subscribe(c.topic(), c.text("expression", "*"));
        } else {
            consumer.subscribe(c.topic(), MessageSelector.bySql(c.text("sql", "")));
        }
        listen(consumer, c);
        consumer.start();
        return consumer::shutdown;
    }

    private static void listen(DefaultMQPushConsumer consumer, Command c) {
        if (c.number("orderly", 0) == 1) {
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                emit(c, messages, context.getMessageQueue().getBrokerName());
                linger(c);
                return fails(c, messages) ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT : ConsumeOrderlyStatus.SUCCESS;
            });
            return;
        }
        ConsumeConcurrentlyStatus verdict = ConsumeConcurrentlyStatus.valueOf(c.text("verdict", "CONSUME_SUCCESS"));
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            emit(c, messages, context.getMessageQueue().getBrokerName());
            context.setDelayLevelWhenNextConsume(c.number("level", 0));
            return fails(c, messages) ? ConsumeConcurrentlyStatus.RECONSUME_LATER : verdict;
        });
    }

    /** A message fails as often as the command says; -1 is for ever. */
    private static boolean fails(Command c, List<MessageExt> messages) {
        int failures = c.number("failures", 0);
        return failures < 0 || messages.get(0).getReconsumeTimes() < failures;
    }

    private static void linger(Command c) {
        try {
            Thread.sleep(c.number("linger", 0));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void emit(Command c, List<MessageExt> messages, String broker) {
        for (MessageExt m : messages) {
            Event.received(c.id(), m, broker).emit();
        }
    }

    static AutoCloseable lite(String namesrv, Command c) throws Exception {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(c.group("GID_lite"));
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName(c.instance("lite"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(c.topic(), c.text("expression", "*"));
        consumer.start();
        Poller poller = new Poller(consumer, c);
        poller.start();
        return poller::finish;
    }

    private static final class Poller extends Thread {
        private final DefaultLitePullConsumer consumer;
        private final Command c;
        private volatile boolean closed;

        Poller(DefaultLitePullConsumer consumer, Command c) {
            super("lite-poller");
            this.consumer = consumer;
            this.c = c;
        }

        @Override
        public void run() {
            while (!closed) {
                List<MessageExt> messages = consumer.poll(200);
                for (MessageExt m : messages) {
                    Event.received(c.id(), m, Compat.brokerName(m)).emit();
                }
            }
        }

        void finish() throws InterruptedException {
            closed = true;
            join();
            consumer.commitSync();
            consumer.shutdown();
        }
    }
}
