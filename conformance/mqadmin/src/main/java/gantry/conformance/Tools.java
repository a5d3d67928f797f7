package gantry.conformance;

import com.google.gson.JsonObject;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * mqadmin under remote control: its arguments as a JSON array a line on standard input; for each line one with what it
 * printed. One process for all, as the start of a JVM takes longer than most sub-commands.
 */
public final class Tools {
    private Tools() {
    }

    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            List<String> words = new ArrayList<>();
            for (JsonElement e : JsonParser.parseString(line).getAsJsonArray()) {
                words.add(e.getAsString());
            }
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
            System.setErr(System.out);
            try {
                MQAdminStartup.main0(words.toArray(new String[0]), null);
            } catch (Throwable t) {
                t.printStackTrace(System.out);
            }
            JsonObject answer = new JsonObject();
            answer.addProperty("output", printed.toString(StandardCharsets.UTF_8));
            out.println(answer);
            out.flush();
        }
        System.exit(0); // clients leave timer threads behind
    }
}
