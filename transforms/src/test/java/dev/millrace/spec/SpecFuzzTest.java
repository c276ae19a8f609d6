package dev.millrace.spec;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SpecFuzzTest {

    private static final int ROUNDS = 20_000;
    private static final String ALPHABET =
            " \n\t:-#|>'\"{}[]*&!%@`$,.?\\\u0000\u0085\uFEFF\uD83Dae19";
    private static final String FILE =
            """
            migration: shop
            source: {url: 'jdbc:postgresql://localhost:5432/shop', username: millrace, password: x}
            target:
              url: jdbc:postgresql://localhost:5433/${DB:crm}
              username: "mill\\u0072ace"
            kafka:
              bootstrap-servers: localhost:9092
              partitions: 6
              properties: {ssl.protocol: x}
            data-dir: ./millrace-data   # here
            tables:
              crm.customer: SELECT id, user_name AS full_name FROM public.users
              '"Odd"."T"': |
                SELECT id, ' # ' || title AS title
                  FROM public.item
              crm.order: {select: >
                SELECT 1, key: [id]}
              public.*: SELECT * FROM public.*
            debezium: {max.batch.size: 10}
            switchover:
              lag-below: 2s
              route:
              - flag: {side: target, table: a.b, column: c, where: {d: e}, old: x, new: y}
              - exec: {switch: [./a, b], rollback: [./a]}
              - webhook: {url: 'https://a:1/b?c', token: x}
              - pgbouncer: {admin: 'h:1', username: u, database: d, config: c.ini,
                  old: 'host=a port=1', new: "host=b user='o''k'"}
            """;

    @Test
    void neverThrowsAndReportsPositionsInsideTheFile() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < ROUNDS; round++) {
            String file = mutated(random);
            long lines = file.lines().count() + 2;
            SpecResult result;
            try {
                result = SpecReader.read("m.yaml", file, Map.of());
            } catch (RuntimeException | StackOverflowError e) {
                throw new AssertionError("seed " + seed + " on\n" + file, e);
            }
            if (result instanceof SpecResult.Invalid invalid) {
                assertThat(invalid.problems())
                        .as("seed %d on\n%s", seed, file)
                        .isNotEmpty()
                        .allSatisfy(
                                problem -> {
                                    assertThat((long) problem.at().line()).isLessThan(lines);
                                    assertThat(problem.message()).isNotBlank();
                                });
            }
        }
    }

    private static String mutated(Random random) {
        StringBuilder file = new StringBuilder(FILE);
        int mutations = 1 + random.nextInt(4);
        for (int i = 0; i < mutations; i++) {
            int at = random.nextInt(file.length());
            int end = Math.min(file.length(), at + 1 + random.nextInt(12));
            switch (random.nextInt(4)) {
                case 0 -> file.insert(at, ALPHABET.charAt(random.nextInt(ALPHABET.length())));
                case 1 -> file.delete(at, end);
                case 2 -> file.insert(random.nextInt(file.length()), file.substring(at, end));
                default -> file.setCharAt(at, ALPHABET.charAt(random.nextInt(ALPHABET.length())));
            }
        }
        return file.toString();
    }
}
