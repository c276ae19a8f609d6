package dev.millrace.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.DriverManager;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

class SandboxPostgresIT {

    private final Path folder = TestFolders.create("sandbox");
    private final SandboxSettings settings =
            SandboxSettings.durable(TestFolders.postgresBinaries());

    @Test
    void dataSurvivesACrashAndARestartOnTheSamePort() {
        try (SandboxPostgres server = SandboxPostgres.start(folder, settings)) {
            int port = server.port();
            TestDatabase database = shop(server);
            database.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (7)");

            server.crash();
            assertThat(ProcessTable.isAlive(server.pid())).isFalse();
            server.restart();

            assertThat(server.port()).isEqualTo(port);
            assertThat(database.value("SELECT id FROM t")).isEqualTo("7");
        }
    }

    @Test
    void dataSurvivesACloseAndALaterStartInTheSameFolder() {
        try (SandboxPostgres server = SandboxPostgres.start(folder, settings)) {
            shop(server).execute("CREATE TABLE t AS SELECT 8 AS id");
        }
        try (SandboxPostgres server = SandboxPostgres.start(folder, settings)) {
            assertThat(database(server).value("SELECT id FROM t")).isEqualTo("8");
        }
    }

    @Test
    void durableServerFlushesCommits() {
        try (SandboxPostgres server = SandboxPostgres.start(folder, settings)) {
            TestDatabase database = shop(server);

            assertThat(database.value("SHOW fsync")).isEqualTo("on");
            assertThat(database.value("SHOW synchronous_commit")).isEqualTo("on");
            assertThat(database.value("SHOW full_page_writes")).isEqualTo("on");
            assertThat(database.value("SHOW server_encoding")).isEqualTo("UTF8");
            assertThat(database.value("SHOW listen_addresses")).isEqualTo("127.0.0.1");
            assertThat(database.value("SHOW unix_socket_directories")).isEmpty();
        }
    }

    @Test
    void callerOverridesASettingAndAlterSystemOverridesTheCaller() {
        SandboxSettings narrow =
                settings.with("wal_level", "replica").with("application_name", "it's");
        try (SandboxPostgres server = SandboxPostgres.start(folder, narrow)) {
            TestDatabase database = shop(server);
            assertThat(database.value("SHOW wal_level")).isEqualTo("replica");
            assertThat(
                            database.value(
                                    "SELECT boot_val FROM pg_settings WHERE name ="
                                            + " 'application_name'"))
                    .isEmpty();

            database.execute("ALTER SYSTEM SET wal_level = 'logical'");
            server.restart();

            assertThat(database.value("SHOW wal_level")).isEqualTo("logical");
        }
    }

    @Test
    void refusesAWrongPassword() {
        try (SandboxPostgres server = SandboxPostgres.start(folder, settings)) {
            assertThatThrownBy(
                            () ->
                                    DriverManager.getConnection(
                                            server.jdbcUrl("postgres"), "postgres", "wrong"))
                    .hasMessageContaining("password authentication failed");
            assertThat(folder.resolve("password").toFile().canRead()).isTrue();
            assertThat(permissions(folder.resolve("password"))).isEqualTo("rw-------");
        }
    }

    @Test
    void suspendedServerAnswersAfterItIsResumed() {
        try (SandboxPostgres server = SandboxPostgres.start(folder, settings)) {
            TestDatabase database = shop(server);

            server.suspend();
            CompletableFuture<String> answer =
                    CompletableFuture.supplyAsync(() -> "" + database.value("SELECT 1"));
            assertThatThrownBy(() -> answer.get(700, TimeUnit.MILLISECONDS))
                    .isInstanceOf(TimeoutException.class);
            server.resume();

            await().atMost(Waits.LIMIT).until(answer::isDone);
            assertThat(answer.join()).isEqualTo("1");
        }
    }

    @Test
    void refusesAFolderInUseAndNamesIt() {
        try (SandboxPostgres _ = SandboxPostgres.start(folder, settings)) {
            assertThatThrownBy(() -> SandboxPostgres.start(folder, settings))
                    .isInstanceOf(LocalServerException.class)
                    .hasMessageContaining(folder.toString())
                    .hasMessageContaining("Stop that process");
        }
    }

    @Test
    void refusesAChosenPortInUseAndAvoidsAnyOther() throws Exception {
        int port;
        try (SandboxPostgres server = SandboxPostgres.start(folder, settings)) {
            port = server.port();
        }
        try (ServerSocket _ = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
            assertThatThrownBy(() -> SandboxPostgres.start(folder, settings.onPort(port)))
                    .isInstanceOf(LocalServerException.class)
                    .hasMessageContaining("127.0.0.1:" + port);
            try (SandboxPostgres server = SandboxPostgres.start(folder, settings)) {
                assertThat(server.port()).isNotEqualTo(port);
            }
        }
        try (SandboxPostgres server = SandboxPostgres.start(folder, settings)) {
            assertThat(server.port()).isNotEqualTo(port);
        }
    }

    @Test
    void reportsASettingThatPostgresRefuses() {
        assertThatThrownBy(() -> SandboxPostgres.start(folder, settings.with("no_such_thing", "1")))
                .isInstanceOf(LocalServerException.class)
                .hasMessageContaining("no_such_thing");
    }

    @Test
    void serversHaveDifferentSystemIdentifiers() {
        String identifier = "SELECT system_identifier FROM pg_control_system()";
        try (SandboxPostgres one = SandboxPostgres.start(folder, settings);
                SandboxPostgres two =
                        SandboxPostgres.start(TestFolders.create("sandbox"), settings)) {
            assertThat(shop(one).value(identifier)).isNotEqualTo(shop(two).value(identifier));
        }
    }

    static TestDatabase shop(SandboxPostgres server) {
        server.createDatabase("shop", "");
        return database(server);
    }

    static TestDatabase database(SandboxPostgres server) {
        return new TestDatabase(server.jdbcUrl("shop"), server.username(), server.password());
    }

    private static String permissions(Path file) {
        try {
            return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
