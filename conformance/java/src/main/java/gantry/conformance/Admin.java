package gantry.conformance;

import com.google.gson.JsonArray;
import org.apache.rocketmq.client.impl.MQClientAPIImpl;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageQueue;

/** What an application may ask about topics and offsets through its client. */
final class Admin implements AutoCloseable {
    private final DefaultMQProducer client;

    Admin(String namesrv) throws Exception {
        client = new DefaultMQProducer("GID_admin");
        client.setNamesrvAddr(namesrv);
        client.setInstanceName("admin-" + ProcessHandle.current().pid());
        client.start();
    }

    void offsets(Command c, Event done) throws Exception {
        MessageQueue queue = queue(c);
        done.put("min", client.minOffset(queue)).put("max", client.maxOffset(queue))
            .put("byTime", client.searchOffset(queue, c.big("time", 0)))
            .put("earliest", client.earliestMsgStoreTime(queue));
    }

    void createTopic(Command c) throws Exception {
        Compat.createTopic(client, c.text("key", "DefaultCluster"), c.topic(), c.number("queues", 4));
    }

    void topics(Event done) throws Exception {
        MQClientAPIImpl api = client.getDefaultMQProducerImpl().getMqClientFactory().getMQClientAPIImpl();
        JsonArray names = new JsonArray();
        for (String name : api.getTopicListFromNameServer(3000).getTopicList()) {
            names.add(name);
        }
        done.put("topics", names);
    }

    void queues(Command c, Event done) throws Exception {
        JsonArray numbers = new JsonArray();
        for (MessageQueue q : client.fetchPublishMessageQueues(c.topic())) {
            numbers.add(q.getQueueId());
        }
        done.put("queues", numbers);
    }

    private MessageQueue queue(Command c) throws Exception {
        int number = c.number("queue", 0);
        for (MessageQueue q : client.fetchPublishMessageQueues(c.topic())) {
            if (q.getQueueId() == number) {
                return q;
            }
        }
        throw new IllegalStateException("no queue " + number + " of " + c.topic());
    }

    @Override
    public void close() {
        client.shutdown();
    }
}
