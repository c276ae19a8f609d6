package dev.millrace.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.millrace.demo.Demo.DemoSettings;
import dev.millrace.demo.Demo.MigrationService;
import dev.millrace.sandbox.LocalServerException;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class DemoIT {

    private static final Path SHARED = newFolder();

    private final StringWriter output = new StringWriter();

    @Test
    void aDifferenceIsShownWithExitCodeFourAndNothingIsLeft() {
        StandInService service =
                new StandInService(List.of("BACKFILLING", "CATCHING_UP", "IN_SYNC"), "different");
        List<ProcessHandle> before = ProcessHandle.current().children().toList();

        int exitCode = demo(service).run(new DemoSettings(400, 0, Optional.empty(), true));

        assertThat(exitCode).isEqualTo(4);
        assertThat(output.toString())
                .contains("BACKFILLING", "0 of 1 tables backfilled, 7 of about 9 rows")
                .contains("lag ? records")
                .contains("crm.customer", "12,345", "12,344", "missing key {\"id\":\"5\"}")
                .contains("Verdict: different")
                .containsPattern("Traffic so far: [0-9,]+ transactions, [0-9,]+ rows written");
        assertThat(lastLine()).matches("lost 0, failed 0, longest wait [0-9]+ ms");
        assertThat(service.moves).isEmpty();
        assertThat(service.posted.get()).contains("\"tables\"");
        assertThat(service.isClosed()).isTrue();
        Path folder = Objects.requireNonNull(service.specFile.get()).resolveSibling(".");
        assertThat(folder).doesNotExist();
        await().atMost(Waits.LIMIT)
                .until(() -> before.containsAll(ProcessHandle.current().children().toList()));
    }

    @Test
    void theWritesAreMovedThereAndBackAndTheLastLineCountsWhatWasLost() {
        StandInService service = new StandInService(List.of("IN_SYNC"), "equal");

        assertThat(demo(service).run(inSharedFolder(true))).isZero();

        assertThat(service.moves).containsExactly("switchover", "rollback");
        assertThat(output.toString())
                .contains("fence", "0.048 s  3 tables", "Writes waited for at most 412 ms.")
                .containsPattern("The application wrote [0-9,]+ rows to the target")
                .containsPattern("The application wrote [0-9,]+ rows to the source");
        assertThat(lastLine()).matches("lost 0, failed 0, longest wait [0-9]+ ms");
    }

    @Test
    void aTransactionThatIsNotFoundEndsTheDemoWithExitCodeOne() {
        StandInService service = new StandInService(List.of("IN_SYNC"), "equal");
        service.onRollback =
                () -> await().atMost(Waits.LIMIT).until(() -> deleteReceipts(service) > 0);

        // Another run's receipts are as young, and nobody misses them.
        assertThat(demo(service).run(inNewFolder())).isEqualTo(1);

        assertThat(output.toString()).containsPattern("lost [1-9][0-9]*, failed 0, longest wait");
    }

    /// @return receipts of the traffic that were deleted
    private static int deleteReceipts(StandInService service) throws SQLException {
        Path file = Objects.requireNonNull(service.specFile.get());
        if (!(SpecReader.read(file, Map.of()) instanceof SpecResult.Valid valid)) {
            throw new AssertionError("The demo's file is not valid.");
        }
        var source = valid.spec().source();
        try (Connection shop =
                        DriverManager.getConnection(
                                source.url(), source.username(), source.password().reveal());
                var statement = shop.createStatement()) {
            return statement.executeUpdate("DELETE FROM receipt WHERE at > now() - '2s'::interval");
        }
    }

    @Test
    void anOperationThatReturnedEndsTheDemoWithExitCodeOne() {
        StandInService service = new StandInService(List.of("IN_SYNC"), "equal", "returned");

        assertThat(demo(service).run(inSharedFolder(true))).isEqualTo(1);

        assertThat(service.moves).containsExactly("switchover");
        assertThat(output.toString()).contains("the switchover ended as returned");
    }

    @Test
    void anyOtherVerdictIsUndecidedWithExitCodeFive() {
        StandInService service = new StandInService(List.of("IN_SYNC"), "mostly fine");

        assertThat(demo(service).run(inSharedFolder(true))).isEqualTo(5);
    }

    @Test
    void aFailedMigrationIsReportedWithExitCodeOne() {
        StandInService service = new StandInService(List.of("FAILED"), "equal");

        DemoSettings settings = inSharedFolder(true);

        assertThat(demo(service).run(settings)).isEqualTo(1);
        assertThat(output.toString())
                .contains("the disk is full")
                .contains(
                        "See the log for the cause: "
                                + settings.dataDir().orElseThrow().resolve("millrace.log"));
    }

    @Test
    void aPortInUseIsReportedBeforeAnythingStarts() throws IOException {
        StandInService service = new StandInService(List.of("IN_SYNC"), "equal");
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            DemoSettings settings =
                    new DemoSettings(400, taken.getLocalPort(), Optional.empty(), true);

            assertThatThrownBy(() -> demo(service).run(settings))
                    .isInstanceOf(LocalServerException.class)
                    .hasMessageContaining("127.0.0.1:" + taken.getLocalPort());
        }

        assertThat(output.toString()).isEmpty();
        assertThat(service.specFile.get()).isNull();
    }

    @Test
    void failuresDuringAShutdownAreNotReported() {
        DemoSettings settings = inSharedFolder(true);
        CompletableFuture<Demo> made = new CompletableFuture<>();
        Demo demo =
                demo(
                        (_, _) -> {
                            made.join().leave();
                            throw new IllegalStateException("the context was closed");
                        });
        made.complete(demo);

        assertThat(demo.run(settings)).isEqualTo(130);
        assertThat(output.toString()).doesNotContain("context").doesNotContain("for the cause");
    }

    @Test
    void keepsTheLogOfATemporaryFolderAfterAFailure() throws IOException {
        MigrationService broken =
                (_, _) -> {
                    throw new IllegalStateException("no start");
                };
        DemoSettings settings = new DemoSettings(400, 0, Optional.empty(), true);

        assertThatThrownBy(() -> demo(broken).run(settings)).hasMessage("no start");

        Path log = Path.of(lastLine().substring("See the log for the cause: ".length()));
        assertThat(log).exists();
        Files.delete(log);
    }

    @Test
    void keepsAGivenFolderAndReusesItsShop() throws Exception {
        DemoSettings settings = inNewFolder();
        Path folder = settings.dataDir().orElseThrow();

        int first = demo(new StandInService(List.of("IN_SYNC"), "equal")).run(settings);
        int second = demo(new StandInService(List.of("IN_SYNC"), "equal")).run(settings);

        assertThat(List.of(first, second)).containsExactly(0, 0);
        assertThat(output.toString()).contains("Using the shop of an earlier run");
        assertThat(Files.readString(folder.resolve("millrace.yaml")))
                .contains("password-file: '" + folder.resolve("source").resolve("password") + "'")
                .doesNotContain(Files.readString(folder.resolve("source/password")).strip());
        assertThat(SpecReader.read(folder.resolve("millrace.yaml"), Map.of()))
                .isInstanceOf(SpecResult.Valid.class);
        SandboxSettings again = SandboxSettings.durable(folder.resolve("postgres"));
        try (SandboxPostgres source = SandboxPostgres.start(folder.resolve("source"), again);
                Connection shop = source.connect("shop")) {
            assertThat(Shop.has(shop, "public", "customer")).isTrue();
        }
    }

    @Test
    void withoutExitItStaysUpWithTrafficUntilInterrupted() {
        StandInService service = new StandInService(List.of("IN_SYNC"), "equal");
        Demo demo = demo(service);

        CompletableFuture<Integer> running =
                CompletableFuture.supplyAsync(() -> demo.run(inSharedFolder(false)));
        await().atMost(Waits.LIMIT).until(() -> output.toString().contains("Ctrl-C"));
        assertThat(output.toString()).contains("./millrace switchover --url", "rollback --url");
        assertThat(service.moves).isEmpty();
        assertThat(running).isNotDone();
        assertThat(service.isClosed()).isFalse();
        demo.leave();

        assertThat(running).succeedsWithin(Waits.LIMIT).isEqualTo(0);
    }

    /// A demo beside the shop of an earlier test: only its first run creates the databases.
    private static DemoSettings inSharedFolder(boolean exit) {
        return new DemoSettings(400, 0, Optional.of(SHARED), exit);
    }

    private static DemoSettings inNewFolder() {
        return new DemoSettings(400, 0, Optional.of(newFolder()), true);
    }

    /// Unpacks PostgreSQL once for all tests.
    private static Path newFolder() {
        Path folder = TestFolders.create("demo");
        try {
            Path binaries = Files.createDirectories(TestFolders.postgresBinaries());
            Files.createSymbolicLink(folder.resolve("postgres"), binaries);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return folder;
    }

    private static void log(Path file) {
        try {
            Files.writeString(file, "logged");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Demo demo(MigrationService service) {
        return new Demo(
                service, DemoIT::log, new PrintWriter(output, true), Duration.ofMillis(200));
    }

    private String lastLine() {
        return output.toString().lines().reduce((_, last) -> last).orElseThrow();
    }
}
