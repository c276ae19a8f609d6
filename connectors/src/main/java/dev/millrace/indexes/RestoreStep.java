package dev.millrace.indexes;

import dev.millrace.control.DroppedDefinitions.Definition;
import dev.millrace.control.DroppedDefinitions.Kind;
import dev.millrace.indexes.TableObjects.Kept;
import dev.millrace.postgres.Identifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The next step that brings a dropped object back, decided by what the catalog contains. Every
/// attempt may end at any moment, so each step is found from the catalog alone. Pure.
sealed interface RestoreStep {

    /// Nothing has the name.
    record Create() implements RestoreStep {}

    /// A CREATE INDEX CONCURRENTLY ended before the index was valid.
    record Remove() implements RestoreStep {}

    /// The foreign key exists, and its rows are not checked.
    record Validate() implements RestoreStep {}

    /// The object exists with its definition; what the definition does not contain is set again.
    record Finish() implements RestoreStep {}

    /// Another object has the name.
    record Conflict(String reason) implements RestoreStep {}

    String NOT_VALID = " NOT VALID";

    static RestoreStep next(Definition stored, TableObjects found) {
        if (found.invalid().stream().anyMatch(stored::isSameObject)) {
            return new Remove();
        }
        Optional<Kept> other =
                found.kept().stream()
                        .filter(
                                kept ->
                                        kept.kind() == stored.kind()
                                                && kept.name().equals(stored.name()))
                        .findFirst();
        if (other.isPresent()) {
            return new Conflict(other.get().reason());
        }
        Optional<Definition> existing =
                found.removable().stream().filter(stored::isSameObject).findFirst();
        if (existing.isEmpty()) {
            return new Create();
        }
        String text = existing.get().text();
        if (text.equals(stored.text())) {
            return new Finish();
        }
        if (isUnvalidated(stored, existing.get())) {
            return new Validate();
        }
        return new Conflict("its definition is " + text);
    }

    /// Whether it is the stored foreign key, of which the rows are not checked yet.
    private static boolean isUnvalidated(Definition stored, Definition existing) {
        return stored.kind() == Kind.FOREIGN_KEY
                && stored.validated()
                && existing.text().equals(stored.text() + NOT_VALID);
    }

    /// Whether the existing object is what the stored definition describes, or a part of its
    /// restoration.
    static boolean isOf(Definition stored, Definition existing) {
        return stored.isSameObject(existing)
                && (stored.text().equals(existing.text()) || isUnvalidated(stored, existing));
    }

    /// The statements of the steps.
    final class Sql {

        private static final String CREATE_INDEX = "CREATE INDEX ";

        private Sql() {}

        static String drop(Definition definition) {
            return switch (definition.kind()) {
                case INDEX -> "DROP INDEX " + index(definition);
                case FOREIGN_KEY ->
                        alter(definition)
                                + "DROP CONSTRAINT "
                                + Identifier.quote(definition.name());
            };
        }

        /// Waits for no reader and no writer.
        static String dropInvalid(Definition index) {
            return "DROP INDEX CONCURRENTLY IF EXISTS " + index(index);
        }

        /// Waits for no reader and no writer of an index; a foreign key checks no row.
        static String create(Definition definition) {
            return switch (definition.kind()) {
                case INDEX -> {
                    if (!definition.text().startsWith(CREATE_INDEX)) {
                        throw new IllegalStateException(
                                "The definition of " + definition.described() + " is unknown.");
                    }
                    yield "CREATE INDEX CONCURRENTLY "
                            + definition.text().substring(CREATE_INDEX.length());
                }
                case FOREIGN_KEY ->
                        alter(definition)
                                + "ADD CONSTRAINT "
                                + Identifier.quote(definition.name())
                                + " "
                                + definition.text()
                                + (definition.validated() ? NOT_VALID : "");
            };
        }

        static String validate(Definition foreignKey) {
            return alter(foreignKey) + "VALIDATE CONSTRAINT " + Identifier.quote(foreignKey.name());
        }

        /// What the definition does not contain.
        static List<String> finish(Definition definition) {
            List<String> statements = new ArrayList<>();
            if (!definition.comment().isEmpty()) {
                statements.add(
                        switch (definition.kind()) {
                                    case INDEX -> "COMMENT ON INDEX " + index(definition);
                                    case FOREIGN_KEY ->
                                            "COMMENT ON CONSTRAINT "
                                                    + Identifier.quote(definition.name())
                                                    + " ON "
                                                    + Identifier.quote(definition.table());
                                }
                                + " IS "
                                + Identifier.literal(definition.comment()));
            }
            definition
                    .statistics()
                    .forEach(
                            (column, target) ->
                                    statements.add(
                                            "ALTER INDEX "
                                                    + index(definition)
                                                    + " ALTER COLUMN "
                                                    + column
                                                    + " SET STATISTICS "
                                                    + target));
            if (definition.clustered()) {
                statements.add(
                        alter(definition) + "CLUSTER ON " + Identifier.quote(definition.name()));
            }
            return statements;
        }

        private static String alter(Definition definition) {
            return "ALTER TABLE " + Identifier.quote(definition.table()) + " ";
        }

        /// An index is in the schema of its table.
        static String index(Definition index) {
            return Identifier.quote(index.table().schema()) + "." + Identifier.quote(index.name());
        }
    }
}
