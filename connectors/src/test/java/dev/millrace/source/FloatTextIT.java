package dev.millrace.source;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/// Floating-point numbers print as a real PostgreSQL prints them. `-Dseed=` replays a run.
class FloatTextIT {

    private static final int RANDOM = 50_000;

    private final long seed = Long.getLong("seed", new Random().nextLong());
    private final TestDatabase database = PostgresServer.shared().newDatabase();

    @Test
    void everyDoublePrintsAsTheServerPrintsIt() throws SQLException {
        Random random = new Random(seed);
        List<Double> numbers =
                new ArrayList<>(
                        List.of(
                                0.0,
                                -0.0,
                                Double.NaN,
                                Double.POSITIVE_INFINITY,
                                Double.NEGATIVE_INFINITY,
                                Double.MAX_VALUE,
                                -Double.MAX_VALUE,
                                Double.MIN_VALUE,
                                Double.MIN_NORMAL,
                                8.41e21));
        for (int power = -1074; power <= 1023; power++) {
            around(numbers, Math.scalb(1.0, power));
        }
        for (int power = -323; power <= 308; power++) {
            for (int digit = 1; digit <= 9; digit++) {
                around(numbers, Double.parseDouble(digit + "e" + power));
            }
        }
        for (int i = 0; i < RANDOM; i++) {
            numbers.add(Double.longBitsToDouble(random.nextLong()));
            numbers.add(Double.parseDouble(random.nextInt(100_000) + "e" + random.nextInt(45)));
            numbers.add(random.nextInt(100_000) / 1000.0);
            numbers.add(Double.longBitsToDouble(random.nextLong(1L << 52)));
        }

        assertThat(differences("float8", numbers, FloatText::of)).as("seed %d", seed).isEmpty();
    }

    private static void around(List<Double> numbers, double number) {
        numbers.addAll(List.of(Math.nextDown(number), number, Math.nextUp(number), -number));
    }

    @Test
    void everyRealPrintsAsTheServerPrintsIt() throws SQLException {
        Random random = new Random(seed);
        List<Float> numbers =
                new ArrayList<>(
                        List.of(
                                0.0f,
                                -0.0f,
                                Float.NaN,
                                Float.POSITIVE_INFINITY,
                                Float.NEGATIVE_INFINITY,
                                Float.MAX_VALUE,
                                Float.MIN_VALUE,
                                Float.MIN_NORMAL));
        for (int power = -149; power <= 127; power++) {
            around(numbers, Math.scalb(1.0f, power));
        }
        for (int power = -45; power <= 38; power++) {
            for (int digit = 1; digit <= 9; digit++) {
                around(numbers, Float.parseFloat(digit + "e" + power));
            }
        }
        for (int i = 0; i < RANDOM; i++) {
            numbers.add(Float.intBitsToFloat(random.nextInt()));
            numbers.add(Float.parseFloat(random.nextInt(10_000) + "e" + random.nextInt(24)));
            numbers.add(random.nextInt(100_000) / 1000.0f);
            numbers.add(Float.intBitsToFloat(random.nextInt(1 << 23)));
        }

        assertThat(differences("float4", numbers, FloatText::of)).as("seed %d", seed).isEmpty();
    }

    private static void around(List<Float> numbers, float number) {
        numbers.addAll(List.of(Math.nextDown(number), number, Math.nextUp(number), -number));
    }

    private <N extends Number> List<String> differences(
            String type, List<N> numbers, Function<N, String> printed) throws SQLException {
        List<String> differences = new ArrayList<>();
        try (Connection connection = database.connect();
                var statement =
                        connection.prepareStatement(
                                "SELECT x::text FROM unnest(CAST(? AS "
                                        + type
                                        + "[])) WITH ORDINALITY AS u(x, n) ORDER BY n")) {
            statement.setArray(1, connection.createArrayOf(type, numbers.toArray()));
            try (var rows = statement.executeQuery()) {
                for (N number : numbers) {
                    rows.next();
                    String ours = printed.apply(number);
                    if (!ours.equals(rows.getString(1)) && differences.size() < 20) {
                        differences.add(ours + ", the server prints " + rows.getString(1));
                    }
                }
            }
        }
        return differences;
    }
}
