package gantry.conformance;

import java.lang.reflect.Method;
import java.util.Map;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;

/** The few calls whose types moved between client 4.9 and 5.x. */
final class Compat {
    private Compat() {
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    static void setMessageModel(DefaultMQPushConsumer consumer, String name) throws Exception {
        for (Method m : DefaultMQPushConsumer.class.getMethods()) {
            if (m.getName().equals("setMessageModel")) {
                m.invoke(consumer, Enum.valueOf((Class<Enum>) m.getParameterTypes()[0], name));
                return;
            }
        }
        throw new NoSuchMethodException("setMessageModel");
    }

    static void createTopic(DefaultMQProducer client, String key, String topic, int queues) throws Exception {
        Method classic = find("createTopic", String.class, String.class, int.class);
        try {
            if (classic != null) {
                classic.invoke(client, key, topic, queues);
                return;
            }
            find("createTopic", String.class, String.class, int.class, Map.class)
                .invoke(client, key, topic, queues, Map.of());
        } catch (java.lang.reflect.InvocationTargetException e) {
            throw (Exception) e.getCause();
        }
    }

    static String brokerName(MessageExt m) {
        return m.getBrokerName() == null ? "" : m.getBrokerName();
    }

    private static Method find(String name, Class<?>... types) {
        try {
            return DefaultMQProducer.class.getMethod(name, types);
        } catch (NoSuchMethodException e) {
            return null;
        }
    }
}
