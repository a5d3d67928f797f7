package gantry.conformance;

import java.util.Map;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Sends messages in transactions, and answers what the server asks until it is stopped. */
final class Transactions {
    private static final Map<String, LocalTransactionState> STATES = Map.of(
        "commit", LocalTransactionState.COMMIT_MESSAGE,
        "rollback", LocalTransactionState.ROLLBACK_MESSAGE,
        "unknown", LocalTransactionState.UNKNOW);

    private Transactions() {
    }

    static AutoCloseable begin(String namesrv, Command c) throws Exception {
        LocalTransactionState local = STATES.get(c.text("local", ""));
        LocalTransactionState check = STATES.get(c.text("check", ""));
        if (local == null || check == null) {
            throw new IllegalArgumentException("local and check are one of " + STATES.keySet());
        }
        TransactionMQProducer producer = new TransactionMQProducer(c.group("GID_transaction"));
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName(c.instance("transaction"));
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message m, Object argument) {
                return local;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt m) {
                Event.checked(c.id(), m).emit();
                return check;
            }
        });
        producer.start();
        for (int i = 0; i < c.number("count", 0); i++) {
            Message m = Sender.message(c, i);
            try {
                Event.sent(c.id(), m, producer.sendMessageInTransaction(m, null)).emit();
            } catch (Exception e) {
                Event.failed(c.id(), m, e).emit();
            }
        }
        return producer::shutdown;
    }
}
