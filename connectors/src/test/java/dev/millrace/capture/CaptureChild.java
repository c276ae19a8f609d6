package dev.millrace.capture;

import dev.millrace.backfill.BackfillState;
import dev.millrace.backfill.Windows;
import dev.millrace.capture.origin.ChangeOrigins;
import dev.millrace.capture.position.IncompleteKeys;
import dev.millrace.capture.position.PausedTables;
import dev.millrace.capture.position.SourceIdentityGuard;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.TablePause;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.testing.JavaCommand;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.awaitility.Awaitility;

/// A capture in a separate process, so that it can be killed. It halts itself, like kill -9,
/// directly after the Kafka transaction in which the open transaction reaches a number of events.
final class CaptureChild implements AutoCloseable {

    private static final int HALTED = 137;

    private final Process process;
    private final List<String> lines = new ArrayList<>();

    private CaptureChild(Process process) {
        this.process = process;
        Thread.ofVirtual().start(this::read);
    }

    /// @param haltAt number of events of one transaction after which the process halts; 0 for never
    static CaptureChild start(CaptureScene scene, int haltAt, int batchSize) throws IOException {
        Process process =
                new ProcessBuilder(
                                JavaCommand.of("-Xmx256m")
                                        .main(
                                                CaptureChild.class.getName(),
                                                scene.migration,
                                                scene.source.url(),
                                                scene.source.username(),
                                                scene.source.password(),
                                                String.valueOf(
                                                        scene.kafka.get("bootstrap.servers")),
                                                Integer.toString(haltAt),
                                                Integer.toString(batchSize)))
                        .redirectErrorStream(true)
                        .start();
        return new CaptureChild(process);
    }

    boolean isAlive() {
        return process.isAlive();
    }

    long pid() {
        return process.pid();
    }

    void awaitStreaming(CaptureScene scene) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(200))
                .until(
                        () -> {
                            scene.emit(1);
                            return printed("STREAMING");
                        });
    }

    boolean printed(String what) {
        synchronized (lines) {
            return lines.contains(what);
        }
    }

    void awaitHalt() {
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .untilAsserted(
                        () ->
                                org.assertj.core.api.Assertions.assertThat(process.isAlive())
                                        .as(() -> String.join("\n", output()))
                                        .isFalse());
        if (process.exitValue() != HALTED) {
            throw new IllegalStateException(
                    "the child ended with " + process.exitValue() + ": " + output());
        }
    }

    private List<String> output() {
        synchronized (lines) {
            return List.copyOf(lines);
        }
    }

    private void read() {
        try (BufferedReader reader =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                synchronized (lines) {
                    lines.add(line);
                }
            }
        } catch (IOException e) {
            synchronized (lines) {
                lines.add(e.toString());
            }
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
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
