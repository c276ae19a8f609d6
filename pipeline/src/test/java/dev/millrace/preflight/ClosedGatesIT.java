package dev.millrace.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.Finding.Status;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.TestDatabase;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClosedGatesIT {

    @TempDir private Path folder;

    @Test
    void refusesServerWithoutDecodingSlotAndSenderWithEachRemedy() {
        SandboxSettings settings =
                SandboxSettings.fast(folder.resolve("binaries"))
                        .with("wal_level", "replica")
                        .with("max_replication_slots", "1")
                        .with("max_wal_senders", "0");
        try (SandboxPostgres server = SandboxPostgres.start(folder.resolve("server"), settings)) {
            server.createDatabase("shop", "ENCODING 'SQL_ASCII' LOCALE 'C'");
            TestDatabase source =
                    new TestDatabase(server.jdbcUrl("shop"), server.username(), server.password());
            source.query("SELECT pg_create_physical_replication_slot('taken')");
            PreflightScene scene = PreflightScene.from(source);

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
            assertThat(source.value("SELECT count(*) FROM pg_publication")).isEqualTo("0");
        }
    }
}
