package dev.millrace.preflight.capacity;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.Kind;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Findings.Measured;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.sql.Relation;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// Warns of rows that are larger than a record of the log may be. Reads the sizes of the values in
/// a sample of pages, and no value: the size of a text or a bytea is stored beside it, that of
/// another type is taken as it is stored, compressed. What it does not find may still exist.
public final class RowSizeCheck {

    /// A larger row becomes a rejected key.
    private static final long LIMIT = 63L << 20;

    /// About 100 pages of the table, or of all its partitions.
    private static final String LARGEST =
            """
            SELECT coalesce(max(%1$s), 0) FROM %2$s TABLESAMPLE SYSTEM (
                (SELECT least(100, 100.0 * 100 * 8192 / greatest(1, sum(pg_catalog.pg_relation_size(t.relid))))
                FROM pg_catalog.pg_partition_tree(%3$s) t))
            """;

    private RowSizeCheck() {}

    /// @param tables of the source, each once
    /// @param facts about them, by name
    public static List<Finding> judge(
            Session source, Collection<Relation> tables, Map<TableId, TableFacts> facts) {
        Findings findings = new Findings(CheckName.SOURCE_ROW_SIZE);
        long largest = 0;
        for (Relation table : tables) {
            Optional<TableFacts> known = Optional.ofNullable(facts.get(table.id()));
            if (known.filter(RowSizeCheck::isReadable).isPresent()) {
                long found = largest(source, table, known.get().columns().toastable());
                largest = Math.max(largest, found);
                if (found > LIMIT) {
                    findings.warn(
                            table.id().toString(),
                            measured(found),
                            "has a row of about %d MB, and a larger one than %d MB becomes a rejected key"
                                    .formatted(found >> 20, LIMIT >> 20),
                            Remedy.byHand(
                                    "Leave the largest column out of the SELECT, or make its values"
                                            + " smaller."));
                }
            }
        }
        return findings.orOk(
                "source tables", measured(largest), "no row in a sample of pages is too large");
    }

    private static boolean isReadable(TableFacts table) {
        return (table.kind() == Kind.TABLE || table.kind() == Kind.PARTITIONED_TABLE)
                && !table.columns().toastable().isEmpty()
                && table.access().schemaUsage()
                && table.access().select()
                && !table.access().rowSecurity();
    }

    private static long largest(Session source, Relation table, Collection<String> toastable) {
        String sizes =
                table.columns().stream()
                        .filter(column -> toastable.contains(column.name()))
                        .map(column -> "coalesce(" + size(column) + ", 0)::int8")
                        .collect(Collectors.joining(" + "));
        String name = Identifier.quote(table.id());
        return Long.parseLong(
                String.valueOf(
                        source.texts(LARGEST.formatted(sizes, name, Identifier.literal(name)))
                                .getFirst()
                                .getFirst()));
    }

    /// The bytes of its text, without reading the value where PostgreSQL can tell.
    private static String size(Relation.Column column) {
        String name = Identifier.quote(column.name());
        return switch (column.type().formatted()) {
            case "text", "character varying" -> "octet_length(" + name + ")";
            case "bytea" -> "2 * octet_length(" + name + ")::int8";
            default -> "pg_catalog.pg_column_size(" + name + ")";
        };
    }

    private static Measured measured(long bytes) {
        return new Measured((bytes >> 20) + " MB", (LIMIT >> 20) + " MB");
    }
}
