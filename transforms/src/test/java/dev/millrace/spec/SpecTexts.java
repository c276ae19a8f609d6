package dev.millrace.spec;

import dev.millrace.problem.Problem;
import java.util.List;
import java.util.Map;

/// File texts for tests, and the results of reading them.
final class SpecTexts {

    static final String HEAD =
            """
            migration: shop
            source:
              url: jdbc:postgresql://localhost:5432/shop
              username: millrace
            target:
              url: jdbc:postgresql://localhost:5433/crm
              username: millrace
            """;
    static final String VALID = HEAD + "tables:\n  crm.customer: SELECT id FROM public.users\n";

    private SpecTexts() {}

    static String withSource(String line) {
        return VALID.replace("source:\n", "source:\n  " + line + "\n");
    }

    static SpecResult.Valid valid(String text, Map<String, String> environment) {
        return switch (SpecReader.read("m.yaml", text, environment)) {
            case SpecResult.Valid valid -> valid;
            case SpecResult.Invalid invalid -> throw new AssertionError(invalid.problems());
        };
    }

    static List<String> problems(String text) {
        return switch (SpecReader.read("m.yaml", text, Map.of())) {
            case SpecResult.Valid _ -> List.of();
            case SpecResult.Invalid invalid ->
                    invalid.problems().stream().map(Problem::toString).toList();
        };
    }
}
