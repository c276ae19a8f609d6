package dev.millrace.fence;

import static dev.millrace.fence.FenceScene.assertRefused;
import static dev.millrace.fence.FenceScene.run;
import static dev.millrace.fence.FenceScene.tryOut;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.SqlState;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;

/// What a closed fence refuses, on a real server.
@Timeout(900)
class FenceIT {

    private static final List<String> WRITES =
            List.of(
                    "INSERT INTO plain VALUES (2, 2)",
                    "UPDATE plain SET v = 3",
                    "DELETE FROM plain",
                    "TRUNCATE plain",
                    "INSERT INTO root VALUES (2, 2)",
                    "UPDATE root SET v = 3",
                    "UPDATE root SET id = id + 150 WHERE id = 1",
                    "DELETE FROM root WHERE id = 101",
                    "TRUNCATE root",
                    "INSERT INTO leaf VALUES (2, 2)",
                    "UPDATE leaf SET v = 3",
                    "DELETE FROM leaf",
                    "TRUNCATE leaf",
                    "INSERT INTO middle VALUES (102, 2)",
                    "INSERT INTO deep VALUES (102, 2)",
                    "TRUNCATE deep",
                    "INSERT INTO family VALUES (2, 2)",
                    "UPDATE family SET v = 3",
                    "INSERT INTO child VALUES (2, 2)",
                    "UPDATE ONLY child SET v = 3",
                    "INSERT INTO grandchild VALUES (2, 2)",
                    "TRUNCATE ONLY grandchild",
                    "DELETE FROM outside",
                    "TRUNCATE outside CASCADE",
                    "WITH gone AS (DELETE FROM plain RETURNING id) SELECT count(*) FROM gone",
                    "INSERT INTO plain VALUES (1, 1) ON CONFLICT DO NOTHING",
                    "INSERT INTO plain VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET v = 9",
                    "DO $$ BEGIN UPDATE plain SET v = 3; END $$",
                    "PREPARE p AS UPDATE plain SET v = 3; EXECUTE p");

    private static final String MERGE =
            "MERGE INTO plain USING (VALUES (1)) s (id) ON plain.id = s.id WHEN MATCHED THEN UPDATE SET v = 4";

    private static List<String> writes(FenceScene scene) {
        List<String> writes = new ArrayList<>(WRITES);
        if (Integer.parseInt(String.valueOf(scene.admin.value("SHOW server_version_num")))
                >= 150000) {
            writes.add(MERGE);
        }
        return writes;
    }

    @Test
    void everyWriteIsRefusedWhileTheFenceIsClosedAndNoOther() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            for (String write : writes(scene)) {
                tryOut(scene.app, write);
            }
            long epoch = scene.closed();
            for (String write : writes(scene)) {
                assertRefused(() -> tryOut(scene.app, write));
                assertRefused(() -> tryOut(scene.peer, write));
                assertRefused(() -> tryOut(scene.admin, write));
                assertRefused(
                        () ->
                                tryOut(
                                        scene.admin,
                                        "SET session_replication_role = replica",
                                        // Foreign keys do not cascade in this role.
                                        write.startsWith("DELETE FROM outside")
                                                ? "DELETE FROM follower"
                                                : write));
                tryOut(scene.millrace, write);
            }
            tryOut(scene.app, "SELECT * FROM plain", "INSERT INTO outside VALUES (2)");
            FenceScene.taken(scene.fence.lift(epoch));
            for (String write : writes(scene)) {
                tryOut(scene.app, write);
            }
        }
    }

    @Test
    void theErrorNamesTableMigrationAndWhatToDo() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            long epoch = scene.closed();
            assertThatThrownBy(() -> tryOut(scene.app, "INSERT INTO leaf VALUES (2, 2)"))
                    .isInstanceOfSatisfying(
                            PSQLException.class,
                            e -> {
                                assertThat(e.getServerErrorMessage().getMessage())
                                        .isEqualTo(
                                                "Table public.leaf is closed for writes by migration shop.");
                                assertThat(e.getServerErrorMessage().getHint())
                                        .contains("reconnect and retry");
                                assertThat(SqlState.of(e))
                                        .isEqualTo(SqlState.READ_ONLY_TRANSACTION);
                            });
            FenceScene.taken(scene.fence.makePermanent(epoch));
            assertThatThrownBy(() -> tryOut(scene.app, "UPDATE plain SET v = 1"))
                    .hasMessageContaining("other database of the migration");
        }
    }

    @Test
    void copyIsRefused() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                Connection session = scene.app.connect()) {
            scene.closed();
            for (String table : List.of("plain", "root", "leaf")) {
                assertRefused(
                        () ->
                                session.unwrap(PGConnection.class)
                                        .getCopyAPI()
                                        .copyIn(
                                                "COPY " + table + " FROM STDIN",
                                                new StringReader("7\t7\n")));
            }
        }
    }

    @Test
    void aPartitionThatIsAttachedAfterTheInstallationIsFenced() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            scene.admin.execute(
                    "ALTER TABLE root ATTACH PARTITION late FOR VALUES FROM (200) TO (300)",
                    "CREATE TABLE later PARTITION OF middle DEFAULT",
                    "GRANT ALL ON later TO " + scene.app.name(),
                    "INSERT INTO late VALUES (200, 1)");
            scene.closed();
            for (String write :
                    List.of(
                            "INSERT INTO late VALUES (201, 1)",
                            "UPDATE late SET v = 2",
                            "DELETE FROM late",
                            "INSERT INTO root VALUES (202, 1)")) {
                assertRefused(() -> tryOut(scene.app, write));
                assertRefused(
                        () -> tryOut(scene.admin, "SET session_replication_role = replica", write));
            }
        }
    }

    /// An apply worker fires no trigger of a statement.
    @Test
    void aSubscriptionIsRefused() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            TestDatabase publisher = PostgresServer.shared().newDatabase();
            String name = "sub_" + publisher.name();
            publisher.execute(
                    "CREATE TABLE plain (id int PRIMARY KEY, v int)",
                    "CREATE PUBLICATION p FOR TABLE plain",
                    "SELECT pg_create_logical_replication_slot('" + name + "', 'pgoutput')");
            Login publishing = GrantedLogins.capture("m", publisher, "public.plain");
            List<String> server =
                    publisher
                            .query("SELECT host(inet_server_addr()), inet_server_port()")
                            .getFirst()
                            .stream()
                            .map(String::valueOf)
                            .toList();
            scene.admin.execute(
                    "CREATE SUBSCRIPTION %s CONNECTION 'host=%s port=%s dbname=%s user=%s password=%s' PUBLICATION p WITH (create_slot = false, copy_data = false)"
                            .formatted(
                                    name,
                                    server.get(0),
                                    server.get(1),
                                    publisher.name(),
                                    publishing.name(),
                                    GrantedLogins.PASSWORD));
            try {
                publisher.execute("INSERT INTO plain VALUES (10, 1)");
                awaitRows(scene, "10");
                String worker = worker(scene, name);
                long epoch = scene.closed();

                publisher.execute("INSERT INTO plain VALUES (11, 1)");
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(() -> !worker(scene, name).equals(worker));
                assertThat(scene.admin.value("SELECT count(*) FROM plain WHERE id = 11"))
                        .isEqualTo("0");

                FenceScene.taken(scene.fence.lift(epoch));
                awaitRows(scene, "11");
            } finally {
                scene.admin.execute(
                        "ALTER SUBSCRIPTION " + name + " DISABLE",
                        "ALTER SUBSCRIPTION " + name + " SET (slot_name = NONE)",
                        "DROP SUBSCRIPTION " + name);
                Awaitility.await()
                        .until(
                                () ->
                                        "f"
                                                .equals(
                                                        publisher.value(
                                                                "SELECT active FROM pg_replication_slots WHERE slot_name = '"
                                                                        + name
                                                                        + "'")));
                publisher.execute("SELECT pg_drop_replication_slot('" + name + "')");
            }
        }
    }

    private static void awaitRows(FenceScene scene, String id) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () ->
                                "1"
                                        .equals(
                                                scene.admin.value(
                                                        "SELECT count(*) FROM plain WHERE id = "
                                                                + id)));
    }

    private static String worker(FenceScene scene, String name) {
        return String.valueOf(
                scene.admin.value(
                        "SELECT max(pid) FROM pg_stat_subscription WHERE subname = '"
                                + name
                                + "'"));
    }

    /// A role that takes another's privileges is still the role that has logged in.
    @Test
    void onlyTheLoginRoleOfMillraceIsExempt() throws Exception {
        try (FenceScene scene = new FenceScene().mayBecomeApp().installed()) {
            scene.admin.execute("GRANT " + scene.millrace.name() + " TO " + scene.peer.name());
            scene.closed();
            assertRefused(
                    () ->
                            tryOut(
                                    scene.peer,
                                    "SET ROLE " + scene.millrace.name(),
                                    "UPDATE plain SET v = 2"));
            tryOut(
                    scene.millrace,
                    "SET ROLE " + scene.app.name(),
                    "UPDATE plain SET v = 2",
                    "INSERT INTO leaf VALUES (3, 3)");
        }
    }

    /// The application may catch the error; the write is not done all the same.
    @Test
    void anErrorThatTheApplicationCatchesStillPreventsTheWrite() throws SQLException, Exception {
        try (FenceScene scene = new FenceScene().installed();
                Connection session = scene.app.connect()) {
            scene.closed();
            run(
                    session,
                    "DO $$ BEGIN UPDATE plain SET v = 8; EXCEPTION WHEN OTHERS THEN NULL; END $$");
            assertThat(scene.admin.value("SELECT v FROM plain WHERE id = 1")).isEqualTo("1");
        }
    }
}
