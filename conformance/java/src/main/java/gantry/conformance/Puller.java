package gantry.conformance;

import com.google.gson.JsonArray;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.store.ReadOffsetType;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** The pull consumer: it names queue and offset itself and keeps its offsets at the broker. */
final class Puller implements AutoCloseable {
    private final DefaultMQPullConsumer consumer;
    private final String topic;

    Puller(String namesrv, Command c) throws Exception {
        topic = c.topic();
        consumer = new DefaultMQPullConsumer(c.group("GID_pull"));
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName(c.instance("pull"));
        consumer.start();
    }

    void poll(Command c, Event done) throws Exception {
        MessageQueue queue = queue(c);
        String expression = c.text("expression", "*");
        long offset = c.big("offset", 0);
        int max = c.number("max", 32);
        PullResult r = c.number("block", 0) == 1
            ? consumer.pullBlockIfNotFound(queue, expression, offset, max)
            : consumer.pull(queue, expression, offset, max);
        JsonArray bodies = new JsonArray();
        if (r.getMsgFoundList() != null) {
            for (MessageExt m : r.getMsgFoundList()) {
                Event.received(c.id(), m, queue.getBrokerName()).emit();
                bodies.add(m.getQueueOffset());
            }
        }
        done.put("status", r.getPullStatus().name()).put("next", r.getNextBeginOffset())
            .put("min", r.getMinOffset()).put("max", r.getMaxOffset()).put("offsets", bodies);
    }

    void commit(Command c) throws Exception {
        consumer.getDefaultMQPullConsumerImpl().getOffsetStore()
            .updateConsumeOffsetToBroker(queue(c), c.big("offset", 0), false);
    }

    void committed(Command c, Event done) throws Exception {
        done.put("offset", consumer.getDefaultMQPullConsumerImpl().getOffsetStore()
            .readOffset(queue(c), ReadOffsetType.READ_FROM_STORE));
    }

    private MessageQueue queue(Command c) throws Exception {
        int number = c.number("queue", 0);
        for (MessageQueue q : consumer.fetchSubscribeMessageQueues(topic)) {
            if (q.getQueueId() == number) {
                return q;
            }
        }
        throw new IllegalStateException("no queue " + number + " of " + topic);
    }

    @Override
    public void close() {
        consumer.shutdown();
    }
}
