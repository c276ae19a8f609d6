package dev.millrace.capture;

import dev.millrace.backfill.BackfillState;
import dev.millrace.backfill.Windows;
import dev.millrace.capture.origin.ChangeOrigins;
import dev.millrace.capture.position.IncompleteKeys;
import dev.millrace.capture.position.PausedTables;
import dev.millrace.capture.position.SourceIdentityGuard;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.TablePause;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.testing.ChildProcess;
import dev.millrace.testing.JavaCommand;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.awaitility.Awaitility;

/// A capture in a separate process, so that it can be killed. It halts itself, like kill -9,
/// directly after the Kafka transaction in which the open transaction reaches a number of events.
final class CaptureChild implements AutoCloseable {

    private static final int HALTED = 137;

    private final ChildProcess process;

    private CaptureChild(ChildProcess process) {
        this.process = process;
    }

    /// @param haltAt number of events of one transaction after which the process halts; 0 for never
    static CaptureChild start(CaptureScene scene, int haltAt, int batchSize) {
        return new CaptureChild(
                ChildProcess.start(
                        JavaCommand.of("-Xmx256m")
                                .main(
                                        CaptureChild.class.getName(),
                                        scene.migration,
                                        scene.source.url(),
                                        scene.login().name(),
                                        GrantedLogins.PASSWORD,
                                        String.valueOf(scene.kafka.get("bootstrap.servers")),
                                        Integer.toString(haltAt),
                                        Integer.toString(batchSize)),
                        TestFolders.create("capture").resolve("output")));
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /// @param name `STOP` or `CONT`
    void signal(String name) throws IOException, InterruptedException {
        process.signal(name);
    }

    void awaitStreaming(CaptureScene scene) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(200))
                .until(
                        () -> {
                            scene.emit(1);
                            return printed("STREAMING");
                        });
    }

    boolean printed(String what) {
        return process.said().lines().anyMatch(what::equals);
    }

    void awaitHalt() throws InterruptedException {
        if (!process.awaitEnd(Duration.ofSeconds(60)).equals(OptionalInt.of(HALTED))) {
            throw new IllegalStateException("The child did not halt:\n" + process.said());
        }
    }

    @Override
    public void close() {
        process.close();
    }

    public static void main(String[] args) throws Exception {
        int haltAt = Integer.parseInt(args[5]);
        CaptureSettings settings =
                new CaptureSettings(
                        args[0],
                        1,
                        args[1],
                        args[2],
                        () -> args[3],
                        List.of(CaptureScene.item()),
                        CaptureScene.PARTITIONS,
                        Map.of("bootstrap.servers", args[4]),
                        Map.of("max.batch.size", args[6]),
                        Backfill.ENGINE,
                        Optional.empty());
        new CaptureRun(
                        settings,
                        _ -> DriverManager.getConnection(args[1], args[2], args[3]),
                        new DeliveredTransactions(),
                        new SourceIdentityGuard(),
                        new CaptureRun.BackfillAccess(
                                new Windows(1 << 20),
                                new BackfillState(1, 1 << 20),
                                new IncompleteKeys(),
                                new PausedTables(TablePause.NEVER)),
                        new CaptureRun.Listener() {
                            @Override
                            public boolean waiting(Optional<String> waitsFor) {
                                return true;
                            }

                            @Override
                            public void snapshotting() {
                                System.out.println("SNAPSHOTTING");
                            }

                            @Override
                            public void streaming() {
                                System.out.println("STREAMING");
                            }

                            @Override
                            public void startingAt(SourcePosition position) {}

                            @Override
                            public void committed(
                                    SourcePosition position, int events, ChangeOrigins origins) {
                                if (haltAt > 0 && position.openEvents() >= haltAt) {
                                    Runtime.getRuntime().halt(HALTED);
                                }
                            }
                        })
                .run();
    }
}
