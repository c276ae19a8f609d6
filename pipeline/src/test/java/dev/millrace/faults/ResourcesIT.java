package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.testing.Certificates;
import dev.millrace.testing.Certificates.Issued;
import dev.millrace.testing.Certificates.Period;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.nio.file.Files;
import java.sql.SQLException;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The target lacks a resource or refuses the login. The status says why within ten seconds and
/// what to do, the process goes on, and it continues by itself when the cause is gone.
@Tag("faults")
class ResourcesIT {

    private static final Duration NAMED_WITHIN = Duration.ofSeconds(10);
    private static final String ROLE = "target_login";
    private static final int ROWS = 2_000;
    private static final int MORE_ROWS = 200_000;

    /// Room for the rows that exist at first, not for more.
    private static final int DISK_MEGABYTES = 4;

    @Test
    void aFullDiskOfTheTargetPausesTheMigration() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(DISK_MEGABYTES);
                ItemScene scene = new ItemScene(ROWS)) {
            ItemScene.execute(
                    scene.target,
                    "CREATE TABLESPACE small LOCATION '" + disk.folder() + "'",
                    "ALTER TABLE item SET TABLESPACE small",
                    "ALTER INDEX item_pkey SET TABLESPACE small");
            ServiceProcess service = scene.startService();
            service.awaitPhase("IN_SYNC", Waits.LIMIT);

            ItemScene.execute(
                    scene.source,
                    "INSERT INTO item SELECT g FROM generate_series(%d, %d) g"
                            .formatted(ROWS + 1, MORE_ROWS));
            named(scene, "No space left on device", "Free space on the server");

            disk.resize(DISK_MEGABYTES * 32);
            arrive(scene, MORE_ROWS);
        }
    }

    /// @param taken what the role no longer has, and its sessions are ended
    @ParameterizedTest
    @CsvSource({
        "CONNECTION LIMIT 0, CONNECTION LIMIT -1, Raise the limit",
        "NOLOGIN, LOGIN, Correct the role",
    })
    void aRefusedLoginPausesTheMigration(String taken, String given, String remedy)
            throws Exception {
        try (ItemScene scene = sceneOfRole("first")) {
            ServiceProcess service = scene.startService();
            service.awaitPhase("IN_SYNC", Waits.LIMIT);

            alter(scene, taken);
            ItemScene.execute(scene.source, "INSERT INTO item VALUES (" + (ROWS + 1) + ")");
            named(scene, "target", remedy);

            ItemScene.execute(scene.target, "ALTER ROLE " + ROLE + " " + given);
            arrive(scene, ROWS + 1);
        }
    }

    /// The server has another password before the file has it.
    @Test
    void aRotatedPasswordNeedsNoRestart() throws Exception {
        try (ItemScene scene = sceneOfRole("first")) {
            ServiceProcess service = scene.startService();
            service.awaitPhase("IN_SYNC", Waits.LIMIT);

            alter(scene, "PASSWORD 'second'");
            ItemScene.execute(scene.source, "INSERT INTO item VALUES (" + (ROWS + 1) + ")");
            named(scene, "28P01", "password-file");

            Files.writeString(scene.file("password"), "second\n");
            arrive(scene, ROWS + 1);
        }
    }

    /// The certificate is not replaced in time: no new session opens until it is.
    @Test
    void anExpiredCertificateIsReplacedWithoutARestart() throws Exception {
        Certificates authority = Certificates.authority();
        Issued valid = authority.server(Period.NOW);
        try (ItemScene scene = new ItemScene(ROWS)) {
            present(scene, valid);
            scene.parametersOfTarget("sslmode=verify-full&sslrootcert=" + authority.root());
            ServiceProcess service = scene.startService();
            service.awaitPhase("IN_SYNC", Waits.LIMIT);

            present(scene, authority.server(Period.EXPIRED));
            ItemScene.execute(
                    scene.target,
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE"
                            + " application_name LIKE 'millrace %'");
            ItemScene.execute(scene.source, "INSERT INTO item VALUES (" + (ROWS + 1) + ")");
            named(scene, "target", "validity check failed");

            present(scene, valid);
            arrive(scene, ROWS + 1);
        }
    }

    private static void present(ItemScene scene, Issued issued) throws SQLException {
        ItemScene.execute(
                scene.target,
                "ALTER SYSTEM SET ssl_key_file = '" + issued.key() + "'",
                "ALTER SYSTEM SET ssl_cert_file = '" + issued.certificate() + "'",
                "ALTER SYSTEM SET ssl = on",
                "SELECT pg_reload_conf()");
        // A new session has what the server has loaded.
        Awaitility.await()
                .atMost(NAMED_WITHIN)
                .until(
                        () ->
                                ItemScene.number(
                                                scene.target,
                                                "SELECT count(*) FROM pg_settings WHERE name ="
                                                        + " 'ssl_cert_file' AND setting = '"
                                                        + issued.certificate()
                                                        + "'")
                                        == 1);
    }

    private static ItemScene sceneOfRole(String password) throws IOException, SQLException {
        ItemScene scene = new ItemScene(ROWS);
        ItemScene.execute(scene.target, "ALTER ROLE " + ROLE + " PASSWORD '" + password + "'");
        scene.passwordOfTarget(Files.writeString(scene.file("password"), password + "\n"));
        return scene;
    }

    private static void alter(ItemScene scene, String what) throws SQLException {
        ItemScene.execute(
                scene.target,
                "ALTER ROLE " + ROLE + " " + what,
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '"
                        + ROLE
                        + "'");
    }

    private static void named(ItemScene scene, String... texts) {
        Awaitility.await()
                .atMost(NAMED_WITHIN)
                .pollInterval(Duration.ofMillis(100))
                .untilAsserted(
                        () ->
                                assertThat(
                                                scene.service()
                                                        .status()
                                                        .orElseThrow()
                                                        .path("blockers")
                                                        .toString())
                                        .contains(texts));
    }

    private static void arrive(ItemScene scene, long rows) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(200))
                .until(() -> ItemScene.number(scene.target, "SELECT count(*) FROM item") == rows);
        scene.service().awaitPhase("IN_SYNC", Waits.LIMIT);
    }
}
