package dev.millrace.backfill;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper.KeyOrigin;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.SqlState.ErrorClass;
import dev.millrace.sql.Relation;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Lists the keys of the rows that one mapping may have written, page by page, and finds those that
/// have no row on the source. The order of the pages is that of the target, which no other side
/// needs to have; the source is asked for keys, never for a range of them. Not thread-safe.
final class KeySweep {

    private static final int PAGE = 5_000;

    /// Errors of a text that is no value of a type: the check of a domain is a constraint.
    private static final Set<ErrorClass> NO_VALUE =
            EnumSet.of(ErrorClass.DATA_EXCEPTION, ErrorClass.INTEGRITY_CONSTRAINT_VIOLATION);

    /// The whole page is read.
    private static final RowCopy.Limit NO_LIMIT =
            new RowCopy.Limit(Long.MAX_VALUE, Long.MAX_VALUE, () -> false);

    /// @param keys of the source's rows that do not exist, in the source's texts
    /// @param unreadable number of keys that are no values of the source's types
    record Missing(List<RowKey> keys, long unreadable) {}

    private final Mapping mapping;
    private final Relation source;
    private final KeyOrigin origin;
    private final RowSchema target;

    /// @throws IllegalArgumentException if the key of a target row does not say which row of the
    ///   source it is
    KeySweep(Mapping mapping, Relation source) {
        this.mapping = mapping;
        this.source = source;
        this.origin =
                mapping.mapper()
                        .keyOrigin()
                        .orElseThrow(
                                () ->
                                        new IllegalArgumentException(
                                                "The key of "
                                                        + mapping.target().table()
                                                        + " does not say which row of "
                                                        + source.id()
                                                        + " it is."));
        this.target =
                RowSchema.keyed(
                        mapping.target().table(),
                        mapping.target().keyColumns(),
                        mapping.target().keyColumns());
    }

    /// The next keys of the target.
    ///
    /// @param after the last key of the page before; empty for the first page
    List<RowKey> page(Connection connection, Optional<RowKey> after) throws SQLException {
        Relation found = Catalog.ofTarget(connection).relation(target.table()).orElseThrow();
        Relation relation = new Relation(found.id(), found.columns(), target.keyColumns());
        return read(connection, target, pageQuery(relation, after)).stream().map(Row::key).toList();
    }

    private String pageQuery(Relation relation, Optional<RowKey> after) {
        String key =
                relation.key().stream()
                        .map(column -> KeyReader.compared("t", relation, column))
                        .collect(Collectors.joining(", "));
        Stream<String> constants =
                origin.constants().entrySet().stream()
                        .map(
                                each ->
                                        KeyReader.compared("t", relation, each.getKey())
                                                + " = "
                                                + literal(
                                                        relation, each.getKey(), each.getValue()));
        Stream<String> position =
                after.stream()
                        .map(
                                last ->
                                        IntStream.range(0, last.size())
                                                .mapToObj(
                                                        i ->
                                                                literal(
                                                                        relation,
                                                                        relation.key().get(i),
                                                                        last.value(i)))
                                                .collect(
                                                        Collectors.joining(
                                                                ", ", "(" + key + ") > (", ")")));
        List<String> conditions =
                Stream.of(constants, mapping.within().map(it -> "(" + it + ")").stream(), position)
                        .flatMap(each -> each)
                        .toList();
        return "FROM "
                + Identifier.quote(relation.id())
                + " t"
                + (conditions.isEmpty() ? "" : " WHERE " + String.join(" AND ", conditions))
                + " ORDER BY "
                + key
                + " LIMIT "
                + PAGE;
    }

    private static String literal(Relation relation, String column, @Nullable String value) {
        return (value == null ? "NULL" : Identifier.literal(value))
                + "::"
                + KeyReader.type(relation, column);
    }

    /// Which of the target's keys have no row on the source.
    Missing missing(Connection connection, List<RowKey> page) throws SQLException {
        List<RowKey> keys = page.stream().map(this::onSource).toList();
        Collection<RowKey> missing = new LinkedHashSet<>();
        long unreadable = missing(connection, keys, missing, true);
        return new Missing(List.copyOf(missing), unreadable);
    }

    /// A key with the texts of the target, which the source may print in another way.
    private RowKey onSource(RowKey key) {
        return RowKey.of(
                source.id(),
                source.key().stream()
                        .map(column -> Objects.requireNonNull(origin.columns().get(column)))
                        .map(column -> key.value(target.columns().indexOf(column)))
                        .toArray(String[]::new));
    }

    /// @param asDeclared whether a key has the text that its column on the source prints. A key
    ///   that the column cannot have may have none
    private long missing(
            Connection connection,
            List<RowKey> keys,
            Collection<RowKey> missing,
            boolean asDeclared)
            throws SQLException {
        if (keys.isEmpty()) {
            return 0;
        }
        RowSchema schema = RowSchema.keyed(source.id(), source.key(), source.key());
        String same =
                source.key().stream()
                        .map(
                                column ->
                                        KeyReader.compared("s", source, column)
                                                + " = t."
                                                + Identifier.quote(column))
                        .collect(Collectors.joining(" AND "));
        String printed =
                source.key().stream()
                        .map(column -> printed(column, asDeclared))
                        .collect(Collectors.joining(", "));
        String query =
                "FROM (SELECT '(0,0)'::tid AS ctid, "
                        + printed
                        + " FROM ("
                        + KeyReader.values(source, keys)
                        + ") v) t WHERE NOT EXISTS (SELECT FROM "
                        + Identifier.quote(source.id())
                        + " s WHERE "
                        + same
                        + ")";
        try {
            read(connection, schema, query).stream().map(Row::key).forEach(missing::add);
            return 0;
        } catch (SQLException e) {
            if (!NO_VALUE.contains(ErrorClass.of(e))) {
                throw e;
            }
        }
        if (keys.size() == 1) {
            return asDeclared ? missing(connection, keys, missing, false) : 1;
        }
        int half = keys.size() / 2;
        return missing(connection, keys.subList(0, half), missing, true)
                + missing(connection, keys.subList(half, keys.size()), missing, true);
    }

    /// `numeric(5,1)` prints 7 as 7.0, and `char(3)` pads. The text selects the partition.
    private String printed(String column, boolean asDeclared) {
        String value = "v." + Identifier.quote(column);
        String declared = source.column(column).orElseThrow().type().formatted();
        String type = KeyReader.type(source, column);
        if (!asDeclared || type.equals(declared)) {
            return value;
        }
        String cast = "(" + value + "::" + declared + ")::" + type;
        return "CASE WHEN "
                + value
                + " = "
                + cast
                + " THEN "
                + cast
                + " ELSE "
                + value
                + " END AS "
                + Identifier.quote(column);
    }

    /// @param from everything after the list of the columns of a row `t`
    private static List<Row> read(Connection connection, RowSchema schema, String from)
            throws SQLException {
        try (Statement statement = connection.createStatement()) {
            // An index finds each key; a plan for all of them could read the whole table.
            statement.execute("BEGIN READ ONLY; SET LOCAL enable_seqscan = off");
            try {
                return new ArrayList<>(new RowCopy(connection, schema).read(from, NO_LIMIT).rows());
            } finally {
                statement.execute("ROLLBACK");
            }
        }
    }
}
