package dev.millrace.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.Preflight;
import dev.millrace.preflight.PreflightReport;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.stream.ReplicationStream.Side;
import dev.millrace.testing.TestFolders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoPlanIT {

    @TempDir private Path folder;

    @Test
    void everythingASwitchoverNeedsIsThere() throws Exception {
        // Unpacked once for all tests.
        Files.createSymbolicLink(
                folder.resolve("postgres"),
                Files.createDirectories(TestFolders.postgresBinaries()));
        try (Servers servers = Servers.start(folder)) {
            servers.fill(500);
            Path file = SpecFile.write(folder, servers);
            SpecResult read = SpecReader.read(file.toString(), Files.readString(file), Map.of());
            assertThat(read).isInstanceOf(SpecResult.Valid.class);

            PreflightReport report = plan(((SpecResult.Valid) read).spec());

            assertThat(report.accepted()).as(report.findings().toString()).isTrue();
            assertThat(report.findings())
                    .filteredOn(found -> found.check().startsWith("switchover."))
                    .hasSizeGreaterThan(10)
                    .extracting(Finding::status)
                    .containsOnly(Status.OK);
        }
    }

    private static PreflightReport plan(MigrationSpec spec) {
        try (Side source = Side.of(spec.migration(), spec.source());
                Side target = Side.of(spec.migration(), spec.target())) {
            return new Preflight(source, target).run(spec);
        }
    }
}
