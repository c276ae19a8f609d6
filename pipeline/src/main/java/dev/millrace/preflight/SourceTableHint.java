package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.TableFacts;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// What the user may have meant by a table that isn't there.
final class SourceTableHint {

    private SourceTableHint() {}

    static String of(Catalog source, Optional<String> schema, String name) {
        String looked = schema.orElse("public");
        if (schema.isPresent() && !source.schemaExists(looked)) {
            return "there is no schema " + looked;
        }
        List<String> names =
                source.tables(looked).stream().map(TableFacts::id).map(TableId::name).toList();
        Optional<String> nearest =
                names.stream().min(Comparator.comparingInt(other -> distance(name, other)));
        return nearest.filter(other -> distance(name, other) <= Math.max(1, name.length() / 3))
                .map(other -> "did you mean " + looked + "." + other + "?")
                .orElse(
                        schema.isPresent()
                                ? "schema " + looked + " has " + names.size() + " tables"
                                : "name its schema, or set the search_path of the role");
    }

    /// Edits that make one of the other, case aside.
    private static int distance(String one, String other) {
        int[] row = new int[other.length() + 1];
        for (int j = 0; j <= other.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= one.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= other.length(); j++) {
                boolean same =
                        Character.toLowerCase(one.charAt(i - 1))
                                == Character.toLowerCase(other.charAt(j - 1));
                int next = Math.min(Math.min(row[j], row[j - 1]) + 1, diagonal + (same ? 0 : 1));
                diagonal = row[j];
                row[j] = next;
            }
        }
        return row[other.length()];
    }
}
