package dev.millrace.preflight.compile;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.TableFacts;
import dev.millrace.problem.NearestName;
import java.util.List;
import java.util.Optional;

/// Suggests the table or schema that a missing one may have meant.
final class SourceTableHint {

    private SourceTableHint() {}

    static String of(Catalog source, Optional<String> schema, String name) {
        String searched = schema.orElse("public");
        if (schema.isPresent() && !source.schemaExists(searched)) {
            return "schema "
                    + searched
                    + " does not"
                    + " exist: "
                    + ofSchema(source.schemas(), searched);
        }
        List<String> names =
                source.tables(searched).stream()
                        .map(TableFacts::id)
                        .map(TableId::toString)
                        .toList();
        String hint = NearestName.hint(searched + "." + name, names);
        if (!hint.isEmpty()) {
            return hint;
        }
        return schema.isPresent()
                ? "schema " + searched + " has " + names.size() + " tables"
                : "write the table's schema, or set the search_path of the role";
    }

    static String ofSchema(List<String> schemas, String name) {
        String hint = NearestName.hint(name, schemas);
        return hint.isEmpty() ? "the source has " + String.join(", ", schemas) : hint;
    }
}
