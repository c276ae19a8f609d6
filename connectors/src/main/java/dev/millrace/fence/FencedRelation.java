package dev.millrace.fence;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// A table that belongs to a fence, or one of its partitions or inheritance children, with the
/// triggers that it has and those that it needs. Immutable.
///
/// @param kind `pg_class.relkind`
/// @param owner the role that owns it
/// @param owned whether the session's role has the owner's rights
/// @param below whether a partitioned table of the fence has it as partition, at any level
/// @param triggers all triggers with a name of the fence
record FencedRelation(
        TableId table,
        char kind,
        String owner,
        boolean owned,
        boolean below,
        List<Trigger> triggers) {

    FencedRelation {
        triggers = List.copyOf(triggers);
    }

    /// @param ours whether it calls the function of fences for this stream
    /// @param enabled `pg_trigger.tgenabled`
    /// @param cloned whether PostgreSQL created it for a trigger of the partitioned table
    /// @param condition its WHEN as PostgreSQL prints it; empty without one
    record Trigger(
            String name,
            boolean ours,
            char enabled,
            int type,
            boolean cloned,
            String condition,
            boolean limited) {}

    /// What a trigger of the fence is on this relation.
    enum Status {
        COMPLETE,
        MISSING,
        /// It exists with the fence's name, but is not the fence's.
        TAKEN,
        /// It is the fence's, but not enabled always.
        NOT_ALWAYS,
        /// It is the fence's, but defined differently.
        DIFFERENT
    }

    private static final char PARTITIONED = 'p';
    private static final char ALWAYS = 'A';
    private static final char DISABLED = 'D';

    private static final String READ =
            """
            WITH RECURSIVE given AS (
                SELECT c.oid, c.relkind
                FROM unnest(?::text[], ?::text[]) w (schema, name)
                JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
                JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
                WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')),
            tree AS (
                SELECT oid, relkind, false AS below FROM given
                UNION
                SELECT c.oid, c.relkind, t.below OR t.relkind = 'p'
                FROM tree t
                JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
                JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid),
            relation AS (SELECT oid, bool_or(below) AS below FROM tree GROUP BY oid)
            SELECT n.nspname::text, c.relname::text, c.relkind::text,
                pg_catalog.pg_get_userbyid(c.relowner)::text,
                pg_catalog.pg_has_role(c.relowner, 'USAGE'), r.below,
                g.tgname::text,
                g.tgfoid = pg_catalog.to_regprocedure('millrace.refuse_write()')
                    AND g.tgargs = pg_catalog.convert_to(?, pg_catalog.getdatabaseencoding()) || '\\x00'::bytea,
                g.tgenabled::text, g.tgtype::int, g.tgparentid <> 0,
                coalesce(pg_catalog.pg_get_expr(g.tgqual, g.tgrelid), ''),
                g.tgattr::text <> '' OR g.tgdeferrable
            FROM relation r
            JOIN pg_catalog.pg_class c ON c.oid = r.oid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_catalog.pg_trigger g ON g.tgrelid = r.oid AND g.tgname = ANY (?::text[])
            """;

    /// The tables that exist, and all levels of their partitions and children, ordered by name.
    static List<FencedRelation> read(FenceSession session, List<TableId> tables, String stream)
            throws SQLException {
        Map<TableId, List<FencedRelation>> rows =
                session
                        .list(
                                READ,
                                row -> {
                                    String trigger = row.getString(7);
                                    return new FencedRelation(
                                            new TableId(row.getString(1), row.getString(2)),
                                            row.getString(3).charAt(0),
                                            row.getString(4),
                                            row.getBoolean(5),
                                            row.getBoolean(6),
                                            trigger == null
                                                    ? List.of()
                                                    : List.of(
                                                            new Trigger(
                                                                    trigger,
                                                                    row.getBoolean(8),
                                                                    row.getString(9).charAt(0),
                                                                    row.getInt(10),
                                                                    row.getBoolean(11),
                                                                    row.getString(12),
                                                                    row.getBoolean(13))));
                                },
                                tables.stream().map(TableId::schema).toArray(String[]::new),
                                tables.stream().map(TableId::name).toArray(String[]::new),
                                stream,
                                names(stream))
                        .stream()
                        .collect(Collectors.groupingBy(FencedRelation::table));
        return rows.values().stream()
                .map(FencedRelation::merged)
                .sorted((one, other) -> one.table().compareTo(other.table()))
                .toList();
    }

    private static String[] names(String stream) {
        List<String> names = new ArrayList<>();
        for (FenceTrigger trigger : FenceTrigger.values()) {
            names.add(trigger.nameFor(stream));
        }
        return names.toArray(String[]::new);
    }

    private static FencedRelation merged(List<FencedRelation> rows) {
        FencedRelation first = rows.getFirst();
        return new FencedRelation(
                first.table(),
                first.kind(),
                first.owner(),
                first.owned(),
                first.below(),
                rows.stream().flatMap(row -> row.triggers().stream()).toList());
    }

    String sqlName() {
        return Identifier.quote(table);
    }

    /// Whether rows are stored in it or below it by this server.
    boolean canBeFenced() {
        return kind == 'r' || kind == PARTITIONED;
    }

    /// A partition needs [FenceTrigger#ROWS] only until it has its own triggers.
    List<FenceTrigger> needed() {
        return kind == PARTITIONED
                ? List.of(FenceTrigger.WRITE, FenceTrigger.TRUNCATE, FenceTrigger.ROWS)
                : List.of(FenceTrigger.WRITE, FenceTrigger.TRUNCATE, FenceTrigger.REPLICA);
    }

    /// Whether PostgreSQL creates the trigger here, because the table above has it.
    boolean inherits(FenceTrigger trigger) {
        return trigger == FenceTrigger.ROWS && below;
    }

    /// Whether it calls the function for each row, although its own triggers refuse each statement.
    boolean paysForEachRow(String stream) {
        return kind != PARTITIONED
                && below
                && triggers.stream()
                        .anyMatch(
                                trigger ->
                                        trigger.name().equals(FenceTrigger.ROWS.nameFor(stream))
                                                && trigger.cloned()
                                                && trigger.enabled() != DISABLED);
    }

    Status status(FenceTrigger needed, String stream, String holder) {
        Optional<Trigger> found =
                triggers.stream()
                        .filter(trigger -> trigger.name().equals(needed.nameFor(stream)))
                        .findFirst();
        if (found.isEmpty()) {
            return Status.MISSING;
        }
        Trigger trigger = found.get();
        if (!trigger.ours()) {
            return Status.TAKEN;
        }
        if (trigger.type() != needed.type()
                || trigger.limited()
                || trigger.cloned() != inherits(needed)
                || !trigger.condition().equals(needed.condition(holder))) {
            return Status.DIFFERENT;
        }
        return trigger.enabled() == ALWAYS ? Status.COMPLETE : Status.NOT_ALWAYS;
    }

    boolean isComplete(String stream, String holder) {
        return needed().stream()
                .allMatch(trigger -> status(trigger, stream, holder) == Status.COMPLETE);
    }
}
