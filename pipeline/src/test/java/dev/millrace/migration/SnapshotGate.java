package dev.millrace.migration;

import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.awaitility.Awaitility;

/// Stops the snapshot of a table in the middle while the gate is closed: the text of one row waits
/// for a lock that the gate has. The snapshot fetches rows several times before that row.
final class SnapshotGate implements AutoCloseable {

    private static final String WAITING =
            " FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";

    private final MigrationScene scene;
    private final Connection lock;

    private SnapshotGate(MigrationScene scene, Connection lock) {
        this.scene = scene;
        this.lock = lock;
    }

    /// Creates the table `item` on both sides, with rows on the source.
    static SnapshotGate closed(MigrationScene scene) throws SQLException {
        scene.source.execute(
                """
                CREATE FUNCTION gated(timetz) RETURNS text LANGUAGE plpgsql AS $$
                BEGIN
                    IF $1 = '12:00+00' THEN PERFORM pg_advisory_xact_lock_shared(7); END IF;
                    RETURN concat($1);
                END $$""",
                "CREATE CAST (timetz AS text) WITH FUNCTION gated(timetz)");
        scene.table("item", "id int PRIMARY KEY, pass timetz");
        scene.source.execute(
                "INSERT INTO item SELECT g, CASE g WHEN 15000 THEN timetz '12:00+00' ELSE '00:00+00' END"
                        + " FROM generate_series(1, 20000) g");
        Connection lock = scene.source.connect();
        try (var statement = lock.createStatement()) {
            statement.execute("SELECT pg_advisory_lock(7)");
        }
        return new SnapshotGate(scene, lock);
    }

    /// Waits until some rows are in the log and the others are blocked.
    void awaitReader() {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(50))
                .until(
                        () ->
                                scene.running().status().tables().getFirst().backfill().rowsDone()
                                                > 0
                                        && !"0"
                                                .equals(
                                                        scene.source.value(
                                                                "SELECT count(*)" + WAITING)));
    }

    /// Terminates the reading session and opens the gate for later ones.
    void interrupt() throws SQLException {
        scene.source.query("SELECT pg_terminate_backend(pid, 5000)" + WAITING);
        close();
    }

    @Override
    public void close() throws SQLException {
        lock.close();
    }
}
