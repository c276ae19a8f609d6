package dev.millrace.postgres.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.grants.GrantedLogins;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.load.LoadReader.Reading;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.StandbyServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Each figure follows its real cause.
@Timeout(900)
class LoadReaderIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static Database database(TestDatabase of) {
        return GrantedLogins.apply(of).database("shop");
    }

    private static double known(Reading reading) {
        return reading instanceof Reading.Known(double value) ? value : Double.NaN;
    }

    private static String unknown(Reading reading) {
        return reading instanceof Reading.Unknown(String reason) ? reason : "";
    }

    @Test
    void sessionsThatWaitForALockAreCountedAlsoByAPlainRole() throws Exception {
        TestDatabase target = PostgresServer.shared().newDatabase();
        target.execute("CREATE TABLE item (id int)", "INSERT INTO item VALUES (1)");
        try (Database database = database(target);
                LoadReader reader = new LoadReader(database);
                Connection holder = target.connect();
                Connection waiter = target.connect()) {
            assertThat(known(reader.lockWaits())).isZero();
            holder.setAutoCommit(false);
            execute(holder, "UPDATE item SET id = 2");

            Thread waiting = Thread.ofPlatform().start(() -> update(waiter));
            Awaitility.await().atMost(PATIENCE).until(() -> known(reader.lockWaits()) == 1);
            holder.rollback();
            waiting.join();

            assertThat(known(reader.lockWaits())).isZero();
        }
    }

    private static void update(Connection connection) {
        try {
            execute(connection, "UPDATE item SET id = 3");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /// The type of another role's session is hidden like its state.
    @Test
    void sessionsThatThePlainRoleDoesNotSeeAreUnknown() throws Exception {
        TestDatabase target = PostgresServer.shared().newDatabase();
        try (Database database = database(target);
                LoadReader reader = new LoadReader(database)) {
            try (Connection hidden = target.connect()) {
                execute(hidden, "SELECT 1");
                assertThat(unknown(reader.activeSessions())).contains("GRANT pg_read_all_stats");
            }
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> !Double.isNaN(known(reader.activeSessions())));
        }
    }

    @Test
    void aSelectGivesOneNumberOrIsUnknown() throws Exception {
        TestDatabase target = PostgresServer.shared().newDatabase();
        target.execute("CREATE TABLE item (id int)");
        try (Database database = database(target);
                LoadReader reader = new LoadReader(database)) {
            assertThat(known(reader.number("SELECT count(*) + 2.5 FROM item"))).isEqualTo(2.5);
            assertThat(unknown(reader.number("SELECT NULL::int"))).contains("gives NULL");
            assertThat(unknown(reader.number("SELECT id FROM item"))).contains("no row");
            assertThat(unknown(reader.number("VALUES (1), (2)"))).contains("more than one row");
            assertThat(unknown(reader.number("SELECT 1, 2"))).contains("more than one column");
            assertThat(unknown(reader.number("SELECT 'many'"))).contains("no number");
            assertThatThrownBy(() -> reader.number("INSERT INTO item VALUES (1) RETURNING 1"))
                    .hasMessageContaining("read-only transaction");
            assertThatThrownBy(() -> reader.number("SELECT pg_sleep(60)::text"))
                    .hasMessageContaining("statement timeout");
            assertThat(known(reader.number("SELECT 7"))).isEqualTo(7);
        }
    }

    @Test
    void aSlotThatDoesNotExistRetainsNothing() throws Exception {
        try (Database database = database(PostgresServer.shared().newDatabase());
                LoadReader reader = new LoadReader(database)) {
            assertThat(known(reader.wal("millrace_none").retained())).isZero();
        }
    }

    /// The rollback of a session that has ended fails as well; its message says less.
    @Test
    void aLostSessionIsReportedWithItsCauseAndOpenedAgain() throws Exception {
        try (Database database = database(PostgresServer.shared().newDatabase());
                LoadReader reader = new LoadReader(database)) {
            assertThatThrownBy(() -> reader.number("SELECT pg_terminate_backend(pg_backend_pid())"))
                    .hasMessageContaining("administrator command");

            assertThat(known(reader.number("SELECT 7"))).isEqualTo(7);
        }
    }

    /// A frozen standby still has its connection, and its server reports its last answer.
    @Test
    void theLagOfAFrozenStandbyAndOfOneThatLeftGrows() throws Exception {
        Path folder = TestFolders.create("primary");
        SandboxSettings settings =
                SandboxSettings.durable(TestFolders.postgresBinaries())
                        .with("max_slot_wal_keep_size", "1GB");
        try (SandboxPostgres primary = SandboxPostgres.start(folder, settings);
                Database database =
                        GrantedLogins.source(
                                        new TestDatabase(
                                                primary.jdbcUrl("postgres"),
                                                primary.username(),
                                                primary.password()))
                                .database("shop");
                LoadReader reader = new LoadReader(database)) {
            execute(primary, "CREATE TABLE item (id int)");
            assertThat(unknown(lag(database))).contains("no standby");
            try (SandboxPostgres standby = StandbyServer.of(primary, "postgres", same -> same)) {
                Awaitility.await().atMost(PATIENCE).until(() -> known(reader.standbyLag()) == 0);

                standby.suspend();
                execute(primary, "INSERT INTO item SELECT generate_series(1, 100000)");
                assertThat(known(reader.standbyLag())).isGreaterThan(5_000_000);
                standby.resume();
                Awaitility.await().atMost(PATIENCE).until(() -> known(reader.standbyLag()) == 0);
            }

            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> !Double.isNaN(known(reader.standbyLag())));
            execute(primary, "INSERT INTO item SELECT generate_series(1, 100000)");
            assertThat(known(reader.standbyLag())).isGreaterThan(5_000_000);
            LoadReader.Wal wal = reader.wal("standby");
            assertThat(known(wal.retained())).isGreaterThan(5_000_000);
            assertThat(known(wal.cap())).isEqualTo(1L << 30);

            execute(primary, "ALTER SYSTEM SET max_slot_wal_keep_size = 0");
            execute(primary, "SELECT pg_reload_conf()");
            execute(primary, "SELECT pg_switch_wal()");
            execute(primary, "CHECKPOINT");
            assertThat(unknown(reader.wal("standby").retained())).contains("is lost");
        }
    }

    private static Reading lag(Database database) throws SQLException {
        try (LoadReader reader = new LoadReader(database)) {
            return reader.standbyLag();
        }
    }

    private static void execute(SandboxPostgres server, String sql) throws SQLException {
        try (Connection connection = server.connect("postgres")) {
            execute(connection, sql);
        }
    }
}
