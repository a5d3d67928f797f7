package gantry.conformance;

import java.io.Closeable;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.apis.ClientConfiguration;
import org.apache.rocketmq.client.apis.consumer.ConsumeResult;
import org.apache.rocketmq.client.apis.consumer.FilterExpression;
import org.apache.rocketmq.client.apis.consumer.FilterExpressionType;
import org.apache.rocketmq.client.apis.consumer.SimpleConsumer;
import org.apache.rocketmq.client.apis.message.MessageView;

/** Consumers and what they receive. */
final class Consumers {
    private final ClientConfiguration configuration;
    private final Map<Integer, Closeable> running;
    private final Map<Integer, MessageView> messages = new ConcurrentHashMap<>();
    private final AtomicInteger next = new AtomicInteger();

    Consumers(ClientConfiguration configuration, Map<Integer, Closeable> running) {
        this.configuration = configuration;
        this.running = running;
    }

    private static Map<String, FilterExpression> subscription(Command c) {
        String expression = c.expression == null ? "*" : c.expression;
        FilterExpressionType type = "SQL92".equals(c.filterType) ? FilterExpressionType.SQL92 : FilterExpressionType.TAG;
        return Collections.singletonMap(c.topic, new FilterExpression(expression, type));
    }

    void startSimple(Command c) throws Exception {
        running.put(c.id, Main.PROVIDER.newSimpleConsumerBuilder()
            .setClientConfiguration(configuration)
            .setConsumerGroup(c.group)
            .setAwaitDuration(Duration.ofMillis(c.await))
            .setSubscriptionExpressions(subscription(c))
            .build());
    }

    private SimpleConsumer simple(Command c) {
        return (SimpleConsumer) running.get(c.target);
    }

    void receive(Command c) throws Exception {
        for (MessageView m : simple(c).receive(c.max, Duration.ofMillis(c.invisible))) {
            int number = next.getAndIncrement();
            messages.put(number, m);
            Event.received(c.id, m).with("message", number).emit();
        }
    }

    void ack(Command c) throws Exception {
        simple(c).ack(messages.get(c.message));
    }

    void change(Command c) throws Exception {
        simple(c).changeInvisibleDuration(messages.get(c.message), Duration.ofMillis(c.invisible));
    }

    void startPush(Command c) throws Exception {
        running.put(c.id, Main.PROVIDER.newPushConsumerBuilder()
            .setClientConfiguration(configuration)
            .setConsumerGroup(c.group)
            .setSubscriptionExpressions(subscription(c))
            .setMessageListener(m -> consume(c, m))
            .build());
    }

    private static ConsumeResult consume(Command c, MessageView m) {
        Event e = Event.received(c.id, m);
        e.emit();
        boolean named = "*".equals(c.failBody) || e.get("body").equals(c.failBody);
        boolean fails = named && (c.failAttempts == 0 || m.getDeliveryAttempt() <= c.failAttempts);
        return fails ? ConsumeResult.FAILURE : ConsumeResult.SUCCESS;
    }
}
