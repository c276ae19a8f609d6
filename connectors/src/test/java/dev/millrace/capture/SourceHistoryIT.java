package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.capture.position.SourceIdentityGuard;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.change.Lsn;
import dev.millrace.lifecycle.ComponentState.Activity;
import dev.millrace.sandbox.Folders;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxPostgres.StopMode;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The source is no longer the one whose changes are in the log.
class SourceHistoryIT {

    private final Path folder = TestFolders.create("history");
    private SandboxPostgres server;

    @BeforeEach
    void startServer() {
        server =
                SandboxPostgres.start(
                        folder,
                        SandboxSettings.fast(TestFolders.postgresBinaries())
                                .with("restore_command", "false"));
        server.createDatabase("shop", "ENCODING 'UTF8' LOCALE 'C'");
    }

    @AfterEach
    void end() throws IOException {
        server.stop(StopMode.IMMEDIATE);
        server.close();
        Folders.delete(folder);
    }

    @Test
    void rejectsRestoredSourceEvenAfterNewChanges() throws Exception {
        try (CaptureScene scene = scene()) {
            run(scene);
            server.stop(StopMode.FAST);
            copy(folder.resolve("data"), folder.resolve("older"));
            server.restart();
            Lsn logged = run(scene);
            server.stop(StopMode.FAST);
            Folders.delete(folder.resolve("data"));
            Files.move(folder.resolve("older"), folder.resolve("data"));
            server.restart();

            CaptureStartIT.awaitLost(scene.start(1), "restored to an earlier point in time");

            while (flushed(scene).compareTo(logged) <= 0) {
                scene.source.execute(
                        "INSERT INTO item SELECT g, 'x' FROM generate_series(1, 1000) g ON CONFLICT (id) DO UPDATE SET name = 'y'");
            }
            scene.source.execute("INSERT INTO item VALUES (-1, 'of the other history')");
            CaptureStartIT.awaitLost(scene.start(1), "The log ends inside transaction");
            assertThat(scene.log().toString()).doesNotContain("other history");
        }
    }

    @Test
    void rejectsSourcePromotedWhileRunning() throws Exception {
        try (CaptureScene scene = scene()) {
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);
            server.stop(StopMode.FAST);
            Files.createFile(folder.resolve("data").resolve("recovery.signal"));
            server.restart();

            CaptureStartIT.awaitLost(capture, "promoted or restored while Millrace was running");
        }
    }

    @Test
    void capturesWithoutPrivilegeToReadSystemIdentifier() throws Exception {
        try (CaptureScene scene = scene()) {
            run(scene);
            scene.source.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");

            SourceCapture capture = scene.start(1);
            scene.awaitWatermark(capture);

            assertThat(capture.state()).matches(state -> state.isRunning(Activity.STREAMING));
        }
    }

    @Test
    void rejectsPositionsOlderThanWritten() {
        SourcePosition early =
                new SourcePosition(
                        3,
                        true,
                        Lsn.parse("0/2000"),
                        7,
                        2,
                        5,
                        0,
                        Map.of(),
                        "",
                        SourcePosition.Logged.nothing(List.of()));
        SourcePosition late =
                new SourcePosition(
                        3,
                        true,
                        Lsn.parse("0/3000"),
                        9,
                        1,
                        8,
                        0,
                        Map.of(),
                        "",
                        SourcePosition.Logged.nothing(List.of()));
        SourceIdentityGuard seen = new SourceIdentityGuard();
        assertThatCode(() -> seen.requireNotOlder(Optional.empty())).doesNotThrowAnyException();
        seen.recordWritten(late);

        assertThatCode(() -> seen.requireNotOlder(Optional.of(late))).doesNotThrowAnyException();
        assertThatThrownBy(() -> seen.requireNotOlder(Optional.of(early)))
                .isInstanceOf(SourceLostException.class);
        assertThatThrownBy(() -> seen.requireNotOlder(Optional.empty()))
                .isInstanceOf(SourceLostException.class);
        assertThatThrownBy(
                        () ->
                                seen.requireNotOlder(
                                        Optional.of(
                                                SourcePosition.beforeSnapshot(3, "", List.of()))))
                .isInstanceOf(SourceLostException.class);
    }

    private CaptureScene scene() {
        return new CaptureScene(
                        new TestDatabase(
                                server.jdbcUrl("shop"), server.username(), server.password()))
                .table("item", List.of("id int", "name text"), "id", false);
    }

    /// Runs the capture with some traffic.
    ///
    /// @return the boundary in the log after it
    private static Lsn run(CaptureScene scene) throws InterruptedException {
        SourceCapture capture = scene.start(1);
        SourceCaptureIT.streaming(scene, capture);
        for (int i = 0; i < 10; i++) {
            scene.source.execute("INSERT INTO item SELECT coalesce(max(id), 0) + 1, 'n' FROM item");
        }
        scene.awaitWatermark(capture);
        capture.close();
        return Objects.requireNonNull(capture.position()).boundary();
    }

    private static Lsn flushed(CaptureScene scene) {
        return Lsn.parse(
                String.valueOf(scene.source.value("SELECT pg_current_wal_flush_lsn()::text")));
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> paths = Files.walk(from)) {
            for (Path path : paths.toList()) {
                Files.copy(
                        path,
                        to.resolve(from.relativize(path).toString()),
                        java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
    }
}
