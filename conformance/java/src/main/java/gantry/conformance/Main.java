package gantry.conformance;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One official client under remote control: a JSON command a line on standard input, JSON events on standard output.
 * Every command ends with exactly one event "done" or "error" that carries its id; what it started (a consumer, a
 * load) goes on to emit events with that id until {"op":"stop","target":id}. End of input closes everything in order.
 */
public final class Main {
    private final String namesrv;
    private final Map<Integer, AutoCloseable> running = new ConcurrentHashMap<>();
    private Admin admin;

    private Main(String namesrv) {
        this.namesrv = namesrv;
    }

    public static void main(String[] args) throws Exception {
        Main main = new Main(args[0]);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Event.of("ready", 0).emit();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            main.handle(JsonParser.parseString(line).getAsJsonObject());
        }
        main.closeAll();
        System.exit(0); // clients leave timer threads behind
    }

    private void handle(JsonObject json) {
        Command c = new Command(json);
        try {
            Event result = run(c);
            result.emit();
        } catch (Exception e) {
            Event.error(c.id(), e).emit();
        }
    }

    private Event run(Command c) throws Exception {
        Event done = Event.of("done", c.id());
        switch (c.op()) {
            case "send" -> keep(c, Sender.sendAll(namesrv, c));
            case "transaction" -> keep(c, Transactions.begin(namesrv, c));
            case "load" -> keep(c, new Load(namesrv, c));
            case "push" -> keep(c, Consumers.push(namesrv, c));
            case "lite" -> keep(c, Consumers.lite(namesrv, c));
            case "request" -> Replies.request(namesrv, c);
            case "reply" -> keep(c, Replies.answer(namesrv, c));
            case "pull" -> keep(c, new Puller(namesrv, c));
            case "poll" -> ((Puller) running.get(c.target())).poll(c, done);
            case "commit" -> ((Puller) running.get(c.target())).commit(c);
            case "committed" -> ((Puller) running.get(c.target())).committed(c, done);
            case "offsets" -> admin().offsets(c, done);
            case "createTopic" -> admin().createTopic(c);
            case "topics" -> admin().topics(done);
            case "queues" -> admin().queues(c, done);
            case "stop" -> running.remove(c.target()).close();
            default -> throw new IllegalArgumentException("unknown op " + c.op());
        }
        return done;
    }

    private void keep(Command c, AutoCloseable started) {
        if (started != null) {
            running.put(c.id(), started);
        }
    }

    private Admin admin() throws Exception {
        if (admin == null) {
            admin = new Admin(namesrv);
        }
        return admin;
    }

    private void closeAll() throws Exception {
        for (AutoCloseable started : running.values()) {
            started.close();
        }
        if (admin != null) {
            admin.close();
        }
    }
}
