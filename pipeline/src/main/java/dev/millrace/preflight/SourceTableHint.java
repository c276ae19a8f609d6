package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.hint.NearestName;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.TableFacts;
import java.util.List;
import java.util.Optional;

/// What the user may have meant by a table or a schema that isn't there.
final class SourceTableHint {

    private SourceTableHint() {}

    static String of(Catalog source, Optional<String> schema, String name) {
        String looked = schema.orElse("public");
        if (schema.isPresent() && !source.schemaExists(looked)) {
            return "there is no schema " + looked + ": " + ofSchema(source.schemas(), looked);
        }
        List<String> names =
                source.tables(looked).stream().map(TableFacts::id).map(TableId::toString).toList();
        String hint = NearestName.hint(looked + "." + name, names);
        if (!hint.isEmpty()) {
            return hint;
        }
        return schema.isPresent()
                ? "schema " + looked + " has " + names.size() + " tables"
                : "name its schema, or set the search_path of the role";
    }

    static String ofSchema(List<String> schemas, String name) {
        String hint = NearestName.hint(name, schemas);
        return hint.isEmpty() ? "the source has " + String.join(", ", schemas) : hint;
    }
}
