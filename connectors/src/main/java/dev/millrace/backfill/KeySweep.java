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
import java.util.function.BinaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Lists the keys of the rows that one mapping may have written, page by page, and finds them, or
/// those without a row, on the source. The order of the pages is that of the target, which no other
/// side needs to have; the source is asked for keys, never for a range of them. Not thread-safe.
final class KeySweep {

    private static final int PAGE = 5_000;

    /// Errors of a text that is no value of a type: the check of a domain is a constraint.
    private static final Set<ErrorClass> NO_VALUE =
            EnumSet.of(ErrorClass.DATA_EXCEPTION, ErrorClass.INTEGRITY_CONSTRAINT_VIOLATION);

    /// The whole page is read.
    private static final RowCopy.Limit NO_LIMIT =
            new RowCopy.Limit(Long.MAX_VALUE, Long.MAX_VALUE, () -> false);

    /// @param keys that were wanted, in the source's texts
    /// @param unreadable number of keys that are no values of the source's types
    record Found(List<RowKey> keys, long unreadable) {}

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

    /// Finds the target's keys as the source prints them. One that has a row has the text of this
    /// row: 7 may be 7.0.
    ///
    /// @param missing only those that have no row on the source
    Found find(Connection connection, List<RowKey> page, boolean missing) throws SQLException {
        List<RowKey> keys = page.stream().map(this::onSource).toList();
        Collection<RowKey> found = new LinkedHashSet<>();
        String where = missing ? " WHERE s.ctid IS NULL" : "";
        long unreadable = find(connection, keys, where, found, true);
        return new Found(List.copyOf(found), unreadable);
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
    private long find(
            Connection connection,
            List<RowKey> keys,
            String where,
            Collection<RowKey> found,
            boolean asDeclared)
            throws SQLException {
        if (keys.isEmpty()) {
            return 0;
        }
        RowSchema schema = RowSchema.keyed(source.id(), source.key(), source.key());
        String printed =
                source.key().stream()
                        .map(column -> printed(column, asDeclared))
                        .collect(Collectors.joining(", "));
        String query =
                "FROM (SELECT t.ctid, %s FROM (SELECT '(0,0)'::tid AS ctid, %s FROM (%s) v) t LEFT JOIN %s s ON %s%s) t"
                        .formatted(
                                ofKey(", ", "coalesce(%2$s, t.%1$s) AS %1$s"::formatted),
                                printed,
                                KeyReader.values(source, keys),
                                Identifier.quote(source.id()),
                                ofKey(" AND ", "%2$s = t.%1$s"::formatted),
                                where);
        try {
            read(connection, schema, query).stream().map(Row::key).forEach(found::add);
            return 0;
        } catch (SQLException e) {
            if (!NO_VALUE.contains(ErrorClass.of(e))) {
                throw e;
            }
        }
        if (keys.size() == 1) {
            return asDeclared ? find(connection, keys, where, found, false) : 1;
        }
        int half = keys.size() / 2;
        return find(connection, keys.subList(0, half), where, found, true)
                + find(connection, keys.subList(half, keys.size()), where, found, true);
    }

    /// @param text of a column's name, and of its value in a row of the source
    private String ofKey(String delimiter, BinaryOperator<String> text) {
        return source.key().stream()
                .map(
                        column ->
                                text.apply(
                                        Identifier.quote(column),
                                        KeyReader.compared("s", source, column)))
                .collect(Collectors.joining(delimiter));
    }

    /// `numeric(5,1)` prints 7 as 7.0, and `char(3)` pads. The text selects the partition.
    private String printed(String column, boolean asDeclared) {
        String value = "v." + Identifier.quote(column);
        Relation.SqlType declared = source.column(column).orElseThrow().type();
        if (!asDeclared || !declared.isModified()) {
            return value;
        }
        String cast =
                "(%s::%s)::%s"
                        .formatted(value, declared.formatted(), KeyReader.type(source, column));
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
