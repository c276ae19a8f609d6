package dev.millrace.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClosedGatesIT {

    @TempDir private Path folder;

    @Test
    void refusesServerWithoutDecodingSlotAndSenderWithEachRemedy() {
        SandboxSettings settings =
                SandboxSettings.fast(TestFolders.postgresBinaries())
                        .with("wal_level", "replica")
                        .with("max_replication_slots", "1")
                        .with("max_wal_senders", "0")
                        .with("max_slot_wal_keep_size", "512MB")
                        .with("idle_replication_slot_timeout", "90min");
        try (SandboxPostgres server = SandboxPostgres.start(folder.resolve("server"), settings)) {
            server.createDatabase("shop", "ENCODING 'SQL_ASCII' LOCALE 'C'");
            TestDatabase source =
                    new TestDatabase(server.jdbcUrl("shop"), server.username(), server.password());
            source.query("SELECT pg_create_physical_replication_slot('taken')");
            PreflightScene scene =
                    PreflightScene.between(source, PostgresServer.shared().newDatabase());

            PreflightReport report = scene.plan();

            assertThat(report.outcome()).isEqualTo(Status.REFUSED);
            assertThat(report.findings().stream().filter(found -> !found.status().passes()))
                    .extracting(Finding::check)
                    .containsExactly(
                            "source.encoding",
                            "source.wal-level",
                            "source.slot",
                            "source.wal-sender");
            assertThat(report.findings())
                    .anySatisfy(
                            found ->
                                    assertThat(found.remedy())
                                            .contains("ALTER SYSTEM SET wal_level = 'logical'"));
            assertThat(report.findings())
                    .filteredOn(found -> found.status() == Status.WARNING)
                    .extracting(found -> found.object() + " " + found.message().split(":")[0])
                    .contains(
                            "max_slot_wal_keep_size is 512 MB, but the source writes 0.0 MB of WAL per"
                                    + " second on average, and the existing rows take up to 1 min",
                            "idle_replication_slot_timeout is 5400 s");
            assertThat(source.value("SELECT count(*) FROM pg_publication")).isEqualTo("0");
        }
    }
}
