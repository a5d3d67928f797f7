package gantry.conformance;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.apache.rocketmq.broker.filter.MessageEvaluationContext;
import org.apache.rocketmq.common.filter.ExpressionType;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.filter.FilterFactory;
import org.apache.rocketmq.filter.FilterSpi;
import org.apache.rocketmq.filter.expression.Expression;
import org.apache.rocketmq.filter.expression.MQFilterException;

/**
 * Says what Apache's SQL92 filter makes of expressions and properties. Lines on standard input, texts in base64:
 * "p TEXT" adds the properties of a message, in their text form; "e TEXT FIRST COUNT" asks for an expression with
 * COUNT messages from FIRST on, around the end of the list. Each question is answered by a line: "refused", or a
 * letter a message: T true, F false, N null, E for an exception, which the broker takes for no match.
 */
public final class FilterOracle {
    private final FilterSpi filter = FilterFactory.INSTANCE.get(ExpressionType.SQL92);
    private final List<MessageEvaluationContext> messages = new ArrayList<>();

    private FilterOracle() {
    }

    public static void main(String[] args) throws Exception {
        FilterOracle oracle = new FilterOracle();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream out = new PrintStream(System.out, false, "US-ASCII");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split(" ");
            String text = parts.length < 2 ? "" : new String(Base64.getDecoder().decode(parts[1]), StandardCharsets.UTF_8);
            if (parts[0].equals("p")) {
                oracle.messages.add(new MessageEvaluationContext(MessageDecoder.string2messageProperties(text)));
                continue;
            }
            out.println(oracle.ask(text, Integer.parseInt(parts[2]), Integer.parseInt(parts[3])));
        }
        out.flush();
    }

    private String ask(String expression, int first, int count) {
        Expression compiled;
        try {
            compiled = filter.compile(expression);
        } catch (MQFilterException e) {
            return "refused";
        }
        StringBuilder answers = new StringBuilder();
        for (int i = 0; i < count; i++) {
            answers.append(evaluate(compiled, messages.get((first + i) % messages.size())));
        }
        return answers.toString();
    }

    private static char evaluate(Expression compiled, MessageEvaluationContext message) {
        Object answer;
        try {
            answer = compiled.evaluate(message);
        } catch (Throwable t) {
            return 'E';
        }
        if (answer == null) {
            return 'N';
        }
        return (Boolean) answer ? 'T' : 'F';
    }
}
