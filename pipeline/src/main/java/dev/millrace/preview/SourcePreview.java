package dev.millrace.preview;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper.MappedRow;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.OutputText;
import dev.millrace.postgres.query.QueryResult;
import dev.millrace.postgres.query.QuerySession;
import dev.millrace.reconcile.SensitiveColumns;
import dev.millrace.reconcile.ShownRows;
import dev.millrace.reconcile.ShownValues;
import dev.millrace.reconcile.ShownValues.HashKey;
import dev.millrace.replication.RefusedException;
import dev.millrace.sql.Relation;
import dev.millrace.sql.Relation.Column;
import dev.millrace.stream.KnownTables.UnknownTableException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Reads the first rows of a source table in a read-only transaction and maps them as the stream
/// maps their changes. One request at a time. Thread-safe.
public final class SourcePreview implements RowPreview {

    private static final int ROWS = 5;
    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    /// Larger rows are left out, by their size on disk, so that none of their values is read.
    private static final int MOST_BYTES = 64 << 10;

    private static final int MOST_CHARACTERS = 200;

    private final List<Table> tables;
    private final SensitiveColumns sensitive;
    private final Database source;
    private final ReentrantLock reading = new ReentrantLock();

    /// @param source the table that the mapping reads
    public record Table(Mapping mapping, Relation source) {

        /// The columns that the SELECT reads, and the key.
        private List<Column> read() {
            Optional<Set<String>> reads = mapping.mapper().reads();
            return source.columns().stream()
                    .filter(column -> !column.generated())
                    .filter(
                            column ->
                                    reads.isEmpty()
                                            || reads.get().contains(column.name())
                                            || source.key().contains(column.name()))
                    .toList();
        }
    }

    /// @param sensitive the columns of a target whose values become hashes
    /// @param source under the login of comparisons
    public SourcePreview(List<Table> tables, SensitiveColumns sensitive, Database source) {
        this.tables = List.copyOf(tables);
        this.sensitive = sensitive;
        this.source = source;
    }

    @Override
    public List<Sample> of(String target) {
        List<Table> asked =
                tables.stream()
                        .filter(
                                table ->
                                        table.mapping()
                                                .target()
                                                .table()
                                                .whole()
                                                .toString()
                                                .equals(target))
                        .toList();
        if (asked.isEmpty()) {
            throw new UnknownTableException(
                    "'%s' is no target table of this migration".formatted(target));
        }
        if (!reading.tryLock()) {
            throw new RefusedException("Another page reads rows now. Ask again in a moment");
        }
        try (QuerySession session = new QuerySession(source, Optional.empty(), TIMEOUT)) {
            List<Sample> samples = new ArrayList<>();
            ShownRows shown =
                    new ShownRows(
                            tables.stream().map(Table::mapping).toList(), sensitive, new HashKey());
            for (Table table : asked) {
                samples.addAll(read(session, table, shown));
            }
            return samples;
        } catch (SQLException e) {
            throw new Database.DatabaseFailure("Rows of the source cannot be read.", e);
        } finally {
            reading.unlock();
        }
    }

    private List<Sample> read(QuerySession session, Table table, ShownRows shown)
            throws SQLException {
        List<Column> columns = table.read();
        String name = table.source().id().toString();
        return switch (session.first(sql(table, columns), ROWS)) {
            case QueryResult.Rows rows ->
                    rows.rows().entrySet().stream()
                            .flatMap(
                                    row ->
                                            Collections.nCopies(row.getValue(), row.getKey())
                                                    .stream())
                            .map(row -> sample(table, columns, row, shown))
                            .toList();
            case QueryResult.TooLarge() ->
                    throw new RefusedException(
                            "The rows of %s are too large to show. Read them with psql"
                                    .formatted(name));
            case QueryResult.Cancelled() ->
                    throw new RefusedException(
                            "Reading rows of %s took longer than %d s. Ask again when the source has less load"
                                    .formatted(name, TIMEOUT.toSeconds()));
            case QueryResult.Failed(String state) ->
                    throw new RefusedException(
                            "The source refuses to read %s (SQLSTATE %s). Grant SELECT to the login of comparisons; 'millrace grants' prints it"
                                    .formatted(name, state));
        };
    }

    private static String sql(Table table, List<Column> columns) {
        List<String> texts = new ArrayList<>();
        List<String> sizes = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            String value = "m." + Identifier.quote(columns.get(i).name());
            texts.add(OutputText.of(value, columns.get(i).type()) + " AS c" + i);
            sizes.add("coalesce(pg_catalog.pg_column_size(" + value + "), 0)");
        }
        return "SELECT %s FROM %s AS m WHERE %s <= %d"
                .formatted(
                        String.join(", ", texts),
                        Identifier.quote(table.source().id()),
                        String.join(" + ", sizes),
                        MOST_BYTES);
    }

    private Sample sample(
            Table table, List<Column> columns, List<@Nullable String> texts, ShownRows shown) {
        List<String> names = columns.stream().map(Column::name).toList();
        RowSchema schema =
                RowSchema.keyed(
                        table.source().id(),
                        names,
                        table.source().key().stream().filter(names::contains).toList());
        List<Cell> before = cells(names, texts, shown.ofSource(table.source().id(), names));
        String name = table.source().id().toString();
        Row row = Row.of(schema, texts.toArray(String[]::new));
        return switch (table.mapping().mapper().map(row)) {
            case MappedRow.Upsert(Row mapped) ->
                    new Sample(
                            name,
                            before,
                            cells(
                                    mapped.schema().columns(),
                                    texts(mapped),
                                    shown.ofTarget(mapped.table(), mapped.schema().columns())),
                            "");
            case MappedRow.Delete _ ->
                    new Sample(name, before, List.of(), "The WHERE leaves the row out.");
            case MappedRow.Incomplete(String reason) -> new Sample(name, before, List.of(), reason);
            case MappedRow.Rejected(String reason) -> new Sample(name, before, List.of(), reason);
        };
    }

    private static List<@Nullable String> texts(Row row) {
        List<@Nullable String> texts = new ArrayList<>();
        for (int i = 0; i < row.schema().size(); i++) {
            texts.add(row.text(i));
        }
        return texts;
    }

    private static List<Cell> cells(
            List<String> columns, List<@Nullable String> texts, ShownValues shown) {
        List<Cell> cells = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            String value = shown.whole(columns.get(i), texts.get(i));
            cells.add(new Cell(columns.get(i), value == null ? null : cut(value)));
        }
        return cells;
    }

    /// A pair of surrogates is not divided: half of one cannot be written.
    private static String cut(String value) {
        if (value.length() <= MOST_CHARACTERS) {
            return value;
        }
        int end =
                Character.isHighSurrogate(value.charAt(MOST_CHARACTERS - 1))
                        ? MOST_CHARACTERS - 1
                        : MOST_CHARACTERS;
        return value.substring(0, end) + "…";
    }
}
