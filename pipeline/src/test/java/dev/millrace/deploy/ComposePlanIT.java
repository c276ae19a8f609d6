package dev.millrace.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.Preflight;
import dev.millrace.preflight.PreflightReport;
import dev.millrace.preflight.plan.Finding.Status;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.stream.ReplicationStream.Side;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Plans the migration of the Compose file with its scripts, on servers of this machine.
class ComposePlanIT {

    private static final Checkout REPOSITORY = Checkout.repository();

    @Test
    void everythingIsGrantedAndEachTableHasAWayBack() throws Exception {
        Deployment compose = Deployment.ofCompose(REPOSITORY);
        try (DeployedServers servers = new DeployedServers(REPOSITORY, compose.secrets())) {
            Map<String, String> environment = servers.replaced(compose.environment());
            Path file = Path.of(compose.here(compose.run(), 0).get(2));

            PreflightReport report = plan(file, environment);

            assertThat(report.accepted()).as(report.findings().toString()).isTrue();
            assertThat(report.findings())
                    .filteredOn(found -> found.check().startsWith("switchover."))
                    .hasSizeGreaterThan(10)
                    .filteredOn(found -> found.status() != Status.OK)
                    .isEmpty();
        }
    }

    private static PreflightReport plan(Path file, Map<String, String> environment)
            throws Exception {
        SpecResult read = SpecReader.read(file.toString(), Files.readString(file), environment);
        assertThat(read).isInstanceOf(SpecResult.Valid.class);
        MigrationSpec spec = ((SpecResult.Valid) read).spec();
        try (Side source = Side.of(spec.migration(), spec.source());
                Side target = Side.of(spec.migration(), spec.target())) {
            return new Preflight(source, target).run(spec);
        }
    }
}
