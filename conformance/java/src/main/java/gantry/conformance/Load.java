package gantry.conformance;

import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/** Sends synchronously at a steady pace until closed, whatever fails meanwhile. */
final class Load implements AutoCloseable {
    private final DefaultMQProducer producer;
    private final Thread thread;
    private volatile boolean closed;

    Load(String namesrv, Command c) throws Exception {
        producer = Sender.start(namesrv, c);
        thread = new Thread(() -> run(c), "load");
        thread.start();
    }

    private void run(Command c) {
        long pause = 1_000_000_000 / c.number("rate", 100);
        for (int i = 0; !closed; i++) {
            Message m = Sender.message(c, i);
            try {
                SendResult r = producer.send(m);
                Event.sent(c.id(), m, r).emit();
            } catch (Exception e) {
                Event.failed(c.id(), m, e).emit();
            }
            LockSupport.parkNanos(pause);
        }
    }

    @Override
    public void close() throws Exception {
        closed = true;
        thread.join();
        producer.shutdown();
    }
}
