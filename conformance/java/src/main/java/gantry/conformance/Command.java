package gantry.conformance;

import com.google.gson.JsonObject;
import java.util.HashMap;
import java.util.Map;

/** One line of input. Fields that are absent have the default of their accessor's caller. */
record Command(JsonObject json) {
    int id() {
        return number("id", 0);
    }

    int target() {
        return number("target", 0);
    }

    String op() {
        return text("op", "");
    }

    String topic() {
        return text("topic", "");
    }

    String group(String otherwise) {
        return text("group", otherwise);
    }

    String text(String name, String otherwise) {
        return json.has(name) ? json.get(name).getAsString() : otherwise;
    }

    int number(String name, int otherwise) {
        return json.has(name) ? json.get(name).getAsInt() : otherwise;
    }

    long big(String name, long otherwise) {
        return json.has(name) ? json.get(name).getAsLong() : otherwise;
    }

    Map<String, String> pairs(String name) {
        Map<String, String> pairs = new HashMap<>();
        if (json.has(name)) {
            json.getAsJsonObject(name).entrySet().forEach(e -> pairs.put(e.getKey(), e.getValue().getAsString()));
        }
        return pairs;
    }

    /** A client's instance name that no other on this machine has: servers know the members of a group by it. */
    String instance(String what) {
        return what + "-" + ProcessHandle.current().pid() + "-" + id();
    }
}
