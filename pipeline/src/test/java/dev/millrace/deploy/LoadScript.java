package dev.millrace.deploy;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Runs a pgbench script without pgbench. The only supported pgbench command sets a random number.
record LoadScript(List<String> lines) {

    private static final Pattern SET = Pattern.compile("\\\\set (\\w+) random\\((\\d+), (\\d+)\\)");
    private static final Pattern VARIABLE = Pattern.compile("(?<!:):(\\w+)");

    static LoadScript of(String text) {
        return new LoadScript(text.lines().filter(line -> !line.isBlank()).toList());
    }

    void run(Connection connection, int times, Random random) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (int i = 0; i < times; i++) {
                once(statement, random);
            }
        }
    }

    private void once(Statement statement, Random random) throws SQLException {
        Map<String, String> variables = new LinkedHashMap<>();
        for (String line : lines) {
            Matcher set = SET.matcher(line);
            if (set.matches()) {
                int lowest = Integer.parseInt(set.group(2));
                int number = random.nextInt(lowest, Integer.parseInt(set.group(3)) + 1);
                variables.put(set.group(1), Integer.toString(number));
            } else {
                statement.execute(
                        VARIABLE.matcher(line)
                                .replaceAll(found -> value(variables, found.group(1))));
            }
        }
    }

    private static String value(Map<String, String> variables, String name) {
        String value = variables.get(name);
        if (value == null) {
            throw new IllegalArgumentException("the load script does not set " + name);
        }
        return value;
    }
}
