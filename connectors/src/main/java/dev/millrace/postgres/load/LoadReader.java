package dev.millrace.postgres.load;

import dev.millrace.postgres.Database;
import dev.millrace.postgres.KeptSession;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;

/// Reads how busy a database is, over one session that stays open. Each statement has a READ ONLY
/// transaction of its own and may take a second. Not thread-safe; confined to its probe's thread.
public final class LoadReader implements AutoCloseable {

    private static final Duration LIMIT = Duration.ofSeconds(1);

    /// A server that answers nothing for this long is unknown.
    private static final Duration SILENCE = Duration.ofSeconds(5);

    /// Locks that are waited for are visible to every role, and so is the database of a session.
    private static final String LOCK_WAITS =
            """
            SELECT pg_catalog.count(DISTINCT l.pid)
            FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
            WHERE NOT l.granted AND a.datname = pg_catalog.current_database()
            """;

    /// What a role may not see is NULL, also the type of a session.
    private static final String ACTIVE_SESSIONS =
            """
            SELECT pg_catalog.count(*) FILTER (WHERE a.state = 'active'),
                pg_catalog.count(*) FILTER (WHERE a.state IS NULL)
            FROM pg_catalog.pg_stat_activity a
            WHERE a.datname = pg_catalog.current_database()
                AND coalesce(a.backend_type, 'client backend') = 'client backend'
                AND a.pid <> pg_catalog.pg_backend_pid()
            """;

    /// A standby that is away still has its slot. What a role may not see is NULL.
    private static final String STANDBY_LAG =
            """
            SELECT pg_catalog.max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.lsn)),
                pg_catalog.count(*), pg_catalog.count(s.lsn)
            FROM (
                SELECT coalesce(r.replay_lsn, r.flush_lsn, r.write_lsn) AS lsn
                FROM pg_catalog.pg_stat_replication r
                WHERE coalesce(r.state, 'streaming') IN ('streaming', 'catchup')
                    AND NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots l
                        WHERE l.active_pid = r.pid AND l.slot_type = 'logical')
                UNION ALL
                SELECT p.restart_lsn FROM pg_catalog.pg_replication_slots p
                WHERE p.slot_type = 'physical' AND p.active_pid IS NULL
                    AND p.restart_lsn IS NOT NULL) s
            """;

    private static final String WAL =
            """
            SELECT s.slot_name IS NULL,
                pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.restart_lsn),
                nullif(pg_catalog.pg_size_bytes(current_setting('max_slot_wal_keep_size')), -1)
            FROM (SELECT) one LEFT JOIN pg_catalog.pg_replication_slots s ON s.slot_name = '%s'
            """;

    /// A value that was read, or why it is not known. What is not known is never zero.
    public sealed interface Reading {

        record Known(double value) implements Reading {}

        /// @param reason a clause for the operator, without a full stop
        record Unknown(String reason) implements Reading {}
    }

    private final KeptSession session;

    /// Opens no session; the first reading does.
    public LoadReader(Database database) {
        this.session = new KeptSession(() -> database.connect("load", SILENCE));
    }

    @FunctionalInterface
    private interface Result<T> {
        T read(ResultSet rows) throws SQLException;
    }

    /// Sessions of the database that wait for a lock, Millrace's own included.
    ///
    /// @throws SQLException when the server does not answer; call [#close] then
    public Reading lockWaits() throws SQLException {
        return read(
                LOCK_WAITS,
                rows -> {
                    rows.next();
                    return new Reading.Known(rows.getLong(1));
                });
    }

    /// Sessions of the database that execute a statement, Millrace's own included, except this one.
    ///
    /// @throws SQLException when the server does not answer; call [#close] then
    public Reading activeSessions() throws SQLException {
        return read(
                ACTIVE_SESSIONS,
                rows -> {
                    rows.next();
                    return rows.getLong(2) == 0
                            ? new Reading.Known(rows.getLong(1))
                            : new Reading.Unknown(
                                    "the role may not see what other roles do. Run GRANT"
                                            + " pg_read_all_stats to it");
                });
    }

    /// Bytes of WAL that the standby furthest back has not replayed, or still needs if it is not
    /// connected. Unknown without a standby: one that left may be far back.
    ///
    /// @throws SQLException when the server does not answer; call [#close] then
    public Reading standbyLag() throws SQLException {
        return read(
                STANDBY_LAG,
                rows -> {
                    rows.next();
                    double lag = rows.getDouble(1);
                    if (rows.getLong(2) == 0) {
                        return new Reading.Unknown("no standby is connected, and none has a slot");
                    }
                    return rows.getLong(2) == rows.getLong(3)
                            ? new Reading.Known(Math.max(0, lag))
                            : new Reading.Unknown(
                                    "the role may not see where the standbys are. Run GRANT"
                                            + " pg_read_all_stats to it");
                });
    }

    /// WAL that a slot retains.
    ///
    /// @param retained bytes
    /// @param cap `max_slot_wal_keep_size` in bytes; unknown if it sets no limit
    public record Wal(Reading retained, Reading cap) {}

    /// A slot that does not exist retains nothing. What a slot without a position retains, or has
    /// lost, is unknown.
    ///
    /// @param slot a name without quotes
    /// @throws SQLException when the server does not answer; call [#close] then
    public Wal wal(String slot) throws SQLException {
        return read(
                WAL.formatted(slot),
                rows -> {
                    rows.next();
                    boolean missing = rows.getBoolean(1);
                    double retained = rows.getDouble(2);
                    Reading known =
                            !missing && rows.wasNull()
                                    ? new Reading.Unknown(
                                            "replication slot %s is lost, or has no position yet"
                                                    .formatted(slot))
                                    : new Reading.Known(Math.max(0, retained));
                    double cap = rows.getDouble(3);
                    return new Wal(
                            known,
                            rows.wasNull()
                                    ? new Reading.Unknown("the server sets no limit")
                                    : new Reading.Known(cap));
                });
    }

    /// The number that a SELECT of the file gives. The driver sends one statement, so that nothing
    /// can end the READ ONLY transaction.
    ///
    /// @throws SQLException when the server refuses the statement or does not answer
    public Reading number(String statement) throws SQLException {
        return read(
                statement,
                rows -> {
                    if (rows.getMetaData().getColumnCount() != 1) {
                        return new Reading.Unknown("the SELECT gives more than one column");
                    }
                    if (!rows.next()) {
                        return new Reading.Unknown("the SELECT gives no row");
                    }
                    String text = rows.getString(1);
                    if (rows.next()) {
                        return new Reading.Unknown("the SELECT gives more than one row");
                    }
                    return text == null
                            ? new Reading.Unknown("the SELECT gives NULL")
                            : number(text, "the SELECT gives no number");
                });
    }

    private static Reading number(String text, String otherwise) {
        try {
            return new Reading.Known(new BigDecimal(text).doubleValue());
        } catch (NumberFormatException _) {
            return new Reading.Unknown(otherwise);
        }
    }

    private <T> T read(String sql, Result<T> result) throws SQLException {
        Connection open = session.get();
        open.setAutoCommit(false);
        T found;
        try (Statement statement = open.createStatement()) {
            statement.setEscapeProcessing(false);
            statement.execute("SET TRANSACTION READ ONLY");
            statement.execute("SET LOCAL statement_timeout = " + LIMIT.toMillis());
            try (ResultSet rows = statement.executeQuery(sql)) {
                found = result.read(rows);
            }
        } catch (SQLException e) {
            rollBack(open, e);
            throw e;
        }
        open.rollback();
        return found;
    }

    /// Keeps the cause: after a lost connection the rollback fails as well.
    private static void rollBack(Connection open, SQLException cause) {
        try {
            open.rollback();
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }

    /// Closes the session. The next reading opens another.
    @Override
    public void close() {
        session.close();
    }
}
