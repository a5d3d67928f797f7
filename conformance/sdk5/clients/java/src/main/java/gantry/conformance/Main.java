package gantry.conformance;

import com.google.gson.Gson;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.apis.ClientConfiguration;
import org.apache.rocketmq.client.apis.ClientServiceProvider;

/** The official Java v5 client under remote control; see clients/go/main.go for the lines it reads and writes. */
public final class Main {
    static final ClientServiceProvider PROVIDER = ClientServiceProvider.loadService();
    private static final Gson GSON = new Gson();

    private final ClientConfiguration configuration;
    private final Map<Integer, Closeable> running = new ConcurrentHashMap<>();
    private final Senders senders;
    private final Consumers consumers;

    private Main(String endpoints) {
        configuration = ClientConfiguration.newBuilder()
            .setEndpoints(endpoints)
            .enableSsl(!"off".equals(System.getenv("TLS")))
            .build();
        senders = new Senders(configuration, running);
        consumers = new Consumers(configuration, running);
    }

    public static void main(String[] args) throws Exception {
        Main main = new Main(args[0]);
        new Event("ready", 0).emit();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Command c = GSON.fromJson(line, Command.class);
            new Thread(() -> main.answer(c)).start();
        }
        for (Closeable client : new ArrayList<>(main.running.values())) {
            client.close();
        }
        System.exit(0);
    }

    private void answer(Command c) {
        long begin = System.nanoTime();
        Event done = new Event("done", c.id);
        try {
            run(c, done);
        } catch (Throwable e) {
            done = new Event("error", c.id).because(e);
        }
        done.with("millis", (System.nanoTime() - begin) / 1_000_000).emit();
    }

    private void run(Command c, Event done) throws Exception {
        switch (c.op) {
            case "producer" -> senders.start(c);
            case "send" -> senders.send(c);
            case "load" -> senders.load(c);
            case "recall" -> senders.recall(c, done);
            case "simple" -> consumers.startSimple(c);
            case "receive" -> consumers.receive(c);
            case "ack" -> consumers.ack(c);
            case "change" -> consumers.change(c);
            case "push" -> consumers.startPush(c);
            case "stop" -> running.remove(c.target).close();
            default -> throw new IllegalArgumentException("unknown op " + c.op);
        }
    }
}
