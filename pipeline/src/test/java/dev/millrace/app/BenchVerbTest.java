package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.cli.CommandFailure;
import dev.millrace.cli.ExitCode;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import dev.millrace.cli.Providers.BenchLauncher.Options;
import dev.millrace.cli.Providers.BenchLauncher.Peer;
import dev.millrace.cli.Terminal;
import dev.millrace.sandbox.FolderLock;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Wrong options are refused before anything starts.
class BenchVerbTest {

    @TempDir private Path folder;

    @Test
    void aDistributionRefusesKafkaConnectWithTheReason() {
        assertRefused(
                () -> run(options(List.of(Peer.NATIVE, Peer.CONNECT_JDBC), null, 3, folder)),
                "Peer connect-jdbc needs a checkout");
    }

    @Test
    void rowsAndRunsBelowOneAreRefused() {
        assertRefused(() -> run(options(null, -1L, 3, folder)), "--rows is -1");
        assertRefused(() -> run(options(null, 0L, 3, folder)), "--rows is 0");
        assertRefused(() -> run(options(null, null, 0, folder)), "--runs is 0");
    }

    @Test
    void aFolderThatCannotBeWrittenIsRefused() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");

        assertRefused(
                () -> run(options(null, null, 3, file.resolve("out"))),
                "Cannot write to folder " + file.resolve("out"));
    }

    @Test
    void aFolderThatAnotherBenchmarkUsesIsRefusedByName() throws IOException {
        Path log = Files.writeString(folder.resolve("bench.log"), "of the other benchmark");

        try (FolderLock _ = FolderLock.take(folder, "another benchmark")) {
            assertThatThrownBy(() -> run(options(null, null, 1, folder)))
                    .isInstanceOfSatisfying(
                            CommandFailure.class,
                            failure -> {
                                assertThat(failure.exitCode()).isEqualTo(ExitCode.FAILED);
                                assertThat(failure.remedy()).contains("--out");
                            })
                    .hasMessageContaining(
                            "The benchmark cannot use its folder "
                                    + folder
                                    + ": a running process uses it.");
        }

        assertThat(log).hasContent("of the other benchmark");
    }

    private static void assertRefused(ThrowingCallable run, String message) {
        assertThatThrownBy(run)
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        failure -> assertThat(failure.exitCode()).isEqualTo(ExitCode.USAGE))
                .hasMessageContaining(message);
    }

    private static Options options(
            @Nullable List<Peer> peers, @Nullable Long rows, int runs, Path out) {
        return new Options(List.of(Measure.BACKFILL), peers, true, rows, runs, false, false, out);
    }

    private static void run(Options options) {
        PrintWriter nowhere = new PrintWriter(new StringWriter());
        new BenchVerb(InstantSource.system(), Optional.empty())
                .run(
                        options,
                        new Terminal(
                                nowhere, nowhere, Map.of(), InstantSource.system(), false, 100));
    }
}
