package dev.millrace.faults.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.faults.harness.Violation.Kind;
import dev.millrace.sandbox.Folders;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("faults")
class InvariantsIT {

    /// A server that crashed has forgotten how far its slot was read.
    @Test
    void aCrashOfTheTargetIsNoOlderVersionButAnOlderVersionAfterItIs() throws Exception {
        Path folder = TestFolders.createInMemory("invariants");
        try (SandboxPostgres server =
                SandboxPostgres.start(
                        folder.resolve("target"),
                        SandboxSettings.durable(TestFolders.postgresBinaries()))) {
            server.createDatabase("target", "ENCODING 'UTF8' LOCALE 'C'");
            TestDatabase target =
                    new TestDatabase(
                            server.jdbcUrl("target"), server.username(), server.password());
            ComparedTable.ALL.forEach(table -> target.execute(table.create()));
            Invariants invariants = new Invariants(target, target, Map.of(), "none");
            invariants.record();
            target.execute(
                    "INSERT INTO checking (id, balance, version) VALUES (1, 0, 1)",
                    "UPDATE checking SET version = 5");
            assertThat(invariants.follow()).isEmpty();

            server.crash();
            server.restart();

            assertThat(
                            target.value(
                                    "SELECT count(*) FROM pg_logical_slot_peek_changes('history_"
                                            + target.name()
                                            + "', NULL, NULL) WHERE data LIKE 'table public.checking: INSERT%'"))
                    .as("versions that the slot returns again")
                    .isEqualTo("1");
            assertThat(invariants.follow()).isEmpty();
            target.execute("UPDATE checking SET version = 3");
            assertThat(invariants.follow())
                    .extracting(Violation::kind)
                    .containsExactly(Kind.OVERWRITTEN_BY_OLDER);
        } finally {
            Folders.delete(folder);
        }
    }
}
