package gantry.conformance;

import java.util.List;
import java.util.Map;

/** One line of input; see clients/go for what the fields mean. */
final class Command {
    int id;
    String op;
    int target;
    String topic;
    List<String> topics = List.of();
    String group;
    int count;
    int size;
    String prefix;
    String tag;
    String keys;
    Map<String, String> props = Map.of();
    String messageGroup;
    long deliverAt;
    int rate;
    String expression;
    String filterType;
    long await;
    int max;
    long invisible;
    int message;
    String handle;
    String failBody;
    int failAttempts;
}
