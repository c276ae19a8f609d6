package dev.millrace.control.pass;

import dev.millrace.control.Statements;
import dev.millrace.postgres.Database;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The reconciliation that a stream is running, and its equal chunks, in
/// `millrace.reconciliation_pass` and `millrace.reconciliation_chunk`. Each call uses its own
/// pooled connection. Thread-safe.
public final class PassStore {

    private static final String FIND =
            """
            SELECT id, generation, spec_hash, targets, started_at, servers, start
            FROM millrace.reconciliation_pass WHERE migration = ?
            """;

    private static final String BEGIN =
            """
            INSERT INTO millrace.reconciliation_pass
                (migration, id, generation, spec_hash, targets, started_at, servers)
            VALUES (?, ?, ?, ?, ?, ?, ?::jsonb)
            """;

    private static final String END =
            "DELETE FROM millrace.reconciliation_pass WHERE migration = ? AND id = ?";

    private static final String END_ANY =
            "DELETE FROM millrace.reconciliation_pass WHERE migration = ?";

    private static final String STARTED =
            "UPDATE millrace.reconciliation_pass SET start = ?::jsonb"
                    + " WHERE migration = ? AND start IS NULL";

    private static final String CHUNKS =
            """
            SELECT chunk, from_key, to_key, rows, first_sum, second_sum, in_flight, after_lsn,
                before_lsn
            FROM millrace.reconciliation_chunk WHERE migration = ? AND target = ? ORDER BY chunk
            """;

    private static final String PLAN =
            """
            INSERT INTO millrace.reconciliation_chunk (migration, target, chunk, from_key, to_key)
            VALUES (?, ?, ?, ?, ?)
            """;

    private static final String FORGET =
            "DELETE FROM millrace.reconciliation_chunk WHERE migration = ? AND target = ?";

    private static final String FINISHED =
            """
            UPDATE millrace.reconciliation_chunk
            SET rows = ?, first_sum = ?, second_sum = ?, in_flight = ?, after_lsn = ?,
                before_lsn = ?
            WHERE migration = ? AND target = ? AND chunk = ?
            """;

    private final Database control;
    private final String migration;

    /// @param control the database that contains the control schema
    public PassStore(Database control, String migration) {
        this.control = control;
        this.migration = migration;
    }

    /// @param targets the compared tables, sorted
    /// @param servers where both servers were before the first read, as JSON
    /// @param start where the first read was, as JSON; empty until it is known
    public record Pass(
            UUID id,
            int generation,
            String specHash,
            List<String> targets,
            Instant startedAt,
            String servers,
            Optional<String> start) {

        public Pass {
            targets = List.copyOf(targets);
        }
    }

    /// @param from the texts of the first key; `null` if open
    /// @param to the texts of the key after the last one; `null` if open
    /// @param equal empty until the chunk was found equal
    public record Chunk(
            int number,
            @Nullable List<String> from,
            @Nullable List<String> to,
            Optional<Equal> equal) {}

    /// @param first the sum of the rows' hashes
    /// @param second their exclusive or
    /// @param after position of the source before the read
    /// @param before position of the source after the read
    public record Equal(
            long rows, long first, long second, long inFlight, String after, String before) {}

    public Optional<Pass> find() throws SQLException {
        try (Connection connection = control.pooled()) {
            return Statements.first(connection, FIND, PassStore::pass, migration);
        }
    }

    /// Replaces the pass of the stream, and forgets its chunks.
    public void begin(Pass pass) throws SQLException {
        inTransaction(
                connection -> {
                    Statements.update(connection, END_ANY, migration);
                    Statements.update(
                            connection,
                            BEGIN,
                            migration,
                            pass.id(),
                            pass.generation(),
                            pass.specHash(),
                            pass.targets().toArray(String[]::new),
                            pass.startedAt(),
                            pass.servers());
                });
    }

    public void end(UUID id) throws SQLException {
        try (Connection connection = control.pooled()) {
            Statements.update(connection, END, migration, id);
        }
    }

    /// Stores where the first read was, once.
    public void started(String start) throws SQLException {
        try (Connection connection = control.pooled()) {
            Statements.update(connection, STARTED, start, migration);
        }
    }

    /// The chunks of a table in order; none if they were not planned.
    public List<Chunk> chunks(String target) throws SQLException {
        try (Connection connection = control.pooled()) {
            return Statements.list(connection, CHUNKS, PassStore::chunk, migration, target);
        }
    }

    /// Replaces the chunks of a table.
    public void plan(String target, List<Chunk> chunks) throws SQLException {
        inTransaction(
                connection -> {
                    Statements.update(connection, FORGET, migration, target);
                    try (PreparedStatement insert = connection.prepareStatement(PLAN)) {
                        for (Chunk chunk : chunks) {
                            insert.setString(1, migration);
                            insert.setString(2, target);
                            insert.setInt(3, chunk.number());
                            key(connection, insert, 4, chunk.from());
                            key(connection, insert, 5, chunk.to());
                            insert.addBatch();
                        }
                        insert.executeBatch();
                    }
                });
    }

    /// Stores that chunks are equal, all or none.
    public void finished(String target, List<Chunk> chunks) throws SQLException {
        inTransaction(
                connection -> {
                    for (Chunk chunk : chunks) {
                        Equal equal = chunk.equal().orElseThrow();
                        Statements.update(
                                connection,
                                FINISHED,
                                equal.rows(),
                                equal.first(),
                                equal.second(),
                                equal.inFlight(),
                                equal.after(),
                                equal.before(),
                                migration,
                                target,
                                chunk.number());
                    }
                });
    }

    private interface Work {
        void on(Connection connection) throws SQLException;
    }

    private void inTransaction(Work work) throws SQLException {
        try (Connection connection = control.pooled()) {
            connection.setAutoCommit(false);
            try {
                work.on(connection);
                connection.commit();
            } catch (SQLException | RuntimeException e) {
                connection.rollback();
                throw e;
            } finally {
                connection.setAutoCommit(true);
            }
        }
    }

    private static void key(
            Connection connection,
            PreparedStatement statement,
            int parameter,
            @Nullable List<String> key)
            throws SQLException {
        if (key == null) {
            statement.setNull(parameter, Types.ARRAY);
        } else {
            statement.setArray(parameter, connection.createArrayOf("text", key.toArray()));
        }
    }

    private static Pass pass(ResultSet row) throws SQLException {
        return new Pass(
                row.getObject(1, UUID.class),
                row.getInt(2),
                row.getString(3),
                List.of((String[]) row.getArray(4).getArray()),
                row.getObject(5, OffsetDateTime.class).toInstant(),
                row.getString(6),
                Optional.ofNullable(row.getString(7)));
    }

    private static Chunk chunk(ResultSet row) throws SQLException {
        return new Chunk(
                row.getInt(1),
                texts(row.getArray(2)),
                texts(row.getArray(3)),
                row.getObject(4) == null
                        ? Optional.empty()
                        : Optional.of(
                                new Equal(
                                        row.getLong(4),
                                        row.getLong(5),
                                        row.getLong(6),
                                        row.getLong(7),
                                        row.getString(8),
                                        row.getString(9))));
    }

    private static @Nullable List<String> texts(@Nullable Array array) throws SQLException {
        return array == null ? null : List.of((String[]) array.getArray());
    }
}
