package dev.millrace.backfill;

import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.TableId;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Publication;
import dev.millrace.postgres.RunningTransactions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/// Waits until the first window of a table may be read: until every change of the table is either
/// in the stream or visible to every later snapshot. Not thread-safe; confined to one thread.
/// 1. The publication contains the table.
/// 2. A watermark has come through the stream. So the slot is consistent, and changes of
///    transactions that begin from now on are in the stream.
/// 3. Every transaction that runs in a snapshot taken now has ended. An older transaction may have
///    committed before the slot was consistent and not be visible yet, or may have changed the
///    table before it was published. Its changes are not in the stream, but after its end every
///    snapshot shows them.
final class TableStart {

    private static final Duration INTERVAL = Duration.ofMillis(200);
    private static final int MOST_REPORTED = 5;

    /// A snapshot lists running ids only below the highest finished id. This statement finishes a
    /// higher one than every transaction that could have been in the WAL when the watermark passed.
    private static final String ASSIGN_ID = "SELECT pg_catalog.pg_current_xact_id()";

    private static final String RUNNING =
            """
            SELECT a.backend_xid::text::int8 AS id, a.datname IS DISTINCT FROM pg_catalog.current_database() AS foreign_database,
                'pid ' || a.pid || coalesce(' of ' || a.usename, '') || coalesce(' since '
                    || to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '') AS what
            FROM pg_catalog.pg_stat_activity a WHERE a.backend_xid IS NOT NULL
            UNION ALL
            SELECT p.transaction::text::int8, p.database <> pg_catalog.current_database(),
                'prepared transaction ' || quote_literal(p.gid) || ' of ' || p.owner || ' since '
                    || to_char(p.prepared AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
            FROM pg_catalog.pg_prepared_xacts p
            """;

    /// Waits for a part of a run.
    @FunctionalInterface
    interface Pause {
        /// @return false when the component must stop
        boolean await(Duration delay) throws InterruptedException;
    }

    private final Database source;
    private final String publication;
    private final Windows windows;
    private final CaptureAccess capture;
    private final Pause pause;
    private final Consumer<Optional<String>> waitsFor;

    /// @param waitsFor receives what the start waits for; empty when it waits for nothing
    TableStart(
            Database source,
            String publication,
            Windows windows,
            CaptureAccess capture,
            Pause pause,
            Consumer<Optional<String>> waitsFor) {
        this.source = source;
        this.publication = publication;
        this.windows = windows;
        this.capture = capture;
        this.pause = pause;
        this.waitsFor = waitsFor;
    }

    /// @return false when the component must stop
    /// @throws Windows.Discarded when the capture run ended meanwhile; start again
    boolean await(Collection<TableId> tables)
            throws SQLException, InterruptedException, Windows.Discarded {
        try (Connection connection = source.connect("backfill")) {
            boolean started =
                    awaitPublication(connection, tables)
                            && awaitWatermark()
                            && awaitOlderTransactions(connection);
            waitsFor.accept(Optional.empty());
            return started;
        }
    }

    private boolean awaitPublication(Connection connection, Collection<TableId> tables)
            throws SQLException, InterruptedException {
        while (true) {
            Optional<String> missing = Publication.missing(connection, publication, tables);
            waitsFor.accept(missing);
            if (missing.isEmpty()) {
                return true;
            }
            if (!pause.await(INTERVAL)) {
                return false;
            }
        }
    }

    private boolean awaitWatermark() throws SQLException, InterruptedException, Windows.Discarded {
        windows.awaitPassed(capture.emitWatermark());
        return true;
    }

    private boolean awaitOlderTransactions(Connection connection)
            throws SQLException, InterruptedException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(ASSIGN_ID);
        }
        Set<Long> older = new HashSet<>(RunningTransactions.read(connection).ids());
        while (true) {
            RunningTransactions now = RunningTransactions.read(connection);
            older.removeIf(id -> !now.hides(id));
            List<String> found = older.isEmpty() ? List.of() : report(connection, older);
            if (older.isEmpty()) {
                return true;
            }
            waitsFor.accept(
                    found.isEmpty()
                            ? Optional.empty()
                            : Optional.of(ComponentState.Starting.transactions(found)));
            if (!pause.await(INTERVAL)) {
                return false;
            }
        }
    }

    /// Describes the running transactions, and removes those of other databases, which cannot
    /// change a table of this one. An id of which nothing is known counts as running here.
    private static List<String> report(Connection connection, Set<Long> older) throws SQLException {
        Map<Long, String> here = new HashMap<>();
        Set<Long> elsewhere = new HashSet<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(RUNNING)) {
            while (row.next()) {
                if (row.getBoolean("foreign_database")) {
                    elsewhere.add(row.getLong("id"));
                } else {
                    here.put(row.getLong("id"), row.getString("what"));
                }
            }
        }
        older.removeIf(id -> elsewhere.contains(Origin.streamed(id)));
        return older.stream()
                .sorted()
                .map(id -> here.get(Origin.streamed(id)))
                .filter(what -> what != null)
                .limit(MOST_REPORTED)
                .collect(Collectors.toList());
    }
}
