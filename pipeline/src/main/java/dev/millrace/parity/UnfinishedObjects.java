package dev.millrace.parity;

import dev.millrace.change.TableId;
import dev.millrace.parity.SchemaFinding.Kind;
import dev.millrace.postgres.Session;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Constraints that are not validated and indexes that are not valid, of some tables and their
/// partitions. What partitions inherit is found at their root. Immutable.
///
/// @param name as the session's search path shows it
public record UnfinishedObjects(TableId table, String name, SchemaFinding finding) {

    private static final String CONSTRAINTS =
            """
            SELECT m.n, k.conrelid::regclass || '.' || quote_ident(k.conname), k.conrelid::regclass,
                format('ALTER TABLE %I.%I ', n.nspname, c.relname), quote_ident(k.conname),
                coalesce(to_jsonb(k) ->> 'conenforced', 'true') <> 'false'
            FROM member m
            JOIN pg_catalog.pg_constraint k ON k.conrelid = m.oid AND k.conislocal AND k.conparentid = 0
            JOIN pg_catalog.pg_class c ON c.oid = m.oid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE NOT k.convalidated ORDER BY 1, 2
            """;

    private static final String INDEXES =
            """
            SELECT m.n, x.indexrelid::regclass, m.oid::regclass, format('%I.%I', n.nspname, i.relname), i.relkind
            FROM member m
            JOIN pg_catalog.pg_index x ON x.indrelid = m.oid
            JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = i.relnamespace
            WHERE NOT (x.indisvalid AND x.indisready) ORDER BY 1, 2
            """;

    public static List<UnfinishedObjects> read(Session session, Collection<TableId> tables) {
        NamedTables names = NamedTables.of(tables);
        List<UnfinishedObjects> found = new ArrayList<>();
        session.texts(names.withPartitions(CONSTRAINTS))
                .forEach(row -> found.add(constraint(names, row)));
        session.texts(names.withPartitions(INDEXES)).forEach(row -> found.add(index(names, row)));
        return List.copyOf(found);
    }

    private static UnfinishedObjects constraint(NamedTables names, List<@Nullable String> row) {
        String alter = text(row, 3);
        String name = text(row, 4);
        return new UnfinishedObjects(
                names.table(row),
                text(row, 1),
                text(row, 5).equals("t")
                        ? SchemaFinding.blocks(
                                Kind.CONSTRAINT,
                                text(row, 2),
                                "has the constraint %s, which is NOT VALID: existing rows may break it"
                                        .formatted(name),
                                alter + "VALIDATE CONSTRAINT " + name + ";")
                        : SchemaFinding.blocks(
                                Kind.CONSTRAINT,
                                text(row, 2),
                                "has the constraint %s, which is NOT ENFORCED".formatted(name),
                                alter
                                        + "DROP CONSTRAINT "
                                        + name
                                        + "; Create it again as ENFORCED if the source enforces it."));
    }

    private static UnfinishedObjects index(NamedTables names, List<@Nullable String> row) {
        boolean partitioned = text(row, 4).equals("I");
        return new UnfinishedObjects(
                names.table(row),
                text(row, 1),
                SchemaFinding.blocks(
                        Kind.INDEX,
                        text(row, 2),
                        partitioned
                                ? "has the index %s, which is not valid: a partition lacks its part of it"
                                        .formatted(text(row, 1))
                                : "has the index %s, which is not valid: no statement uses it"
                                        .formatted(text(row, 1)),
                        partitioned
                                ? "Create the index on each partition that lacks it, then for each: ALTER INDEX %s ATTACH PARTITION ...;"
                                        .formatted(text(row, 3))
                                : "REINDEX INDEX CONCURRENTLY %s;".formatted(text(row, 3))));
    }

    private static String text(List<@Nullable String> row, int column) {
        return String.valueOf(row.get(column));
    }
}
