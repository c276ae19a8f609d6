package dev.millrace.faults.harness;

import dev.millrace.app.MigrationAssembly;
import dev.millrace.flow.FlowChange;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.StartOptions;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.testing.ChildProcess;
import dev.millrace.testing.JavaCommand;
import dev.millrace.testing.Waits;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/// Runs a migration in a child process: what `millrace run` opens, without its HTTP server, which
/// takes longer to start than all the rest. A fault ends, freezes or delays it at its point.
final class MigrationChild implements AutoCloseable {

    private static final String OPEN = "OPEN";
    private static final String VERDICT = "VERDICT ";
    private static final String HEAP = "HEAP ";
    private static final Duration COMPARED_WITHIN = Duration.ofMinutes(5);
    private static final FlowChange UNLIMITED =
            new FlowChange(
                    new FlowChange.Action.Throttle(OptionalLong.empty()),
                    "",
                    Optional.empty(),
                    Optional.empty(),
                    false);

    private final ChildProcess process;

    private MigrationChild(ChildProcess process) {
        this.process = process;
    }

    /// @param classPath the entries that precede this JVM's, for example changed classes
    static MigrationChild start(
            Path spec, Optional<PointFault> fault, List<String> classPath, Path output) {
        List<String> options =
                new ArrayList<>(
                        List.of(
                                "-Xmx320m",
                                "-XX:TieredStopAtLevel=1",
                                "-XX:+UseSerialGC",
                                "-Duser.timezone=UTC",
                                "--sun-misc-unsafe-memory-access=allow"));
        fault.ifPresent(
                each -> {
                    options.add("-D" + FaultDoor.POINT + "=" + each.point());
                    options.add("-D" + FaultDoor.PASSAGE + "=" + each.passage());
                    options.add("-D" + FaultDoor.ACT + "=" + each.act());
                    options.add("-D" + FaultDoor.ARMED + "=" + !each.inSync());
                });
        options.addAll(ChildClasses.options());
        List<String> entries =
                Stream.concat(classPath.stream(), ChildClasses.classPath().stream()).toList();
        return new MigrationChild(
                ChildProcess.start(
                        JavaCommand.of(options.toArray(String[]::new))
                                .over(entries)
                                .main(MigrationChild.class.getName(), spec.toString()),
                        output));
    }

    /// Whether the process ended at its point within the time.
    boolean endsAtItsPoint(Duration atMost) throws InterruptedException {
        OptionalInt ended = process.awaitEnd(atMost);
        if (ended.isPresent() && ended.getAsInt() != FaultDoor.HALTED) {
            process.requireAlive();
        }
        return ended.isPresent();
    }

    /// Whether a thread waits at the point within the time.
    boolean reachesItsPoint(Duration atMost) {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (System.nanoTime() < deadline) {
            requireAlive();
            if (said().contains(FaultDoor.REACHED)) {
                return true;
            }
            LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
        }
        return false;
    }

    /// The stacks of all threads, for a migration that makes no progress.
    String threads() {
        try {
            return process.jcmd("Thread.print");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /// Lets later children start with the classes of this one.
    void archiveClasses() throws IOException, InterruptedException {
        ChildClasses.archive(process);
    }

    /// Sends SIGSTOP.
    void freeze() throws IOException, InterruptedException {
        process.signal("STOP");
    }

    /// Sends SIGCONT.
    void thaw() throws IOException, InterruptedException {
        process.signal("CONT");
    }

    void release() throws IOException {
        process.tell("release");
    }

    /// The verdict of the product's own comparison of all tables.
    String reconcile() throws IOException {
        process.tell("reconcile");
        return Awaitility.await()
                .atMost(COMPARED_WITHIN)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> printed(VERDICT), Optional::isPresent)
                .orElseThrow();
    }

    /// Waits until it owns the migration and runs its components.
    void awaitOpen() {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> printed(OPEN).isPresent());
    }

    /// Ends the limit of the backfill.
    void endLimitOfBackfill() throws IOException {
        process.tell("unlimit");
    }

    /// From now on the passages of its point count.
    void arm() throws IOException {
        process.tell("arm");
    }

    /// Bytes of the heap that are in use after a collection; empty if the child has ended or is not
    /// open yet.
    OptionalLong heap() {
        long before = said().lines().filter(line -> line.startsWith(HEAP)).count();
        if (!isOpen()) {
            return OptionalLong.empty();
        }
        try {
            process.tell("heap");
        } catch (IOException _) {
            // It has ended.
            return OptionalLong.empty();
        }
        return Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(20))
                .until(
                        () ->
                                said().lines()
                                        .filter(line -> line.startsWith(HEAP))
                                        .skip(before)
                                        .mapToLong(
                                                line ->
                                                        Long.parseLong(
                                                                line.substring(HEAP.length())))
                                        .findFirst(),
                        bytes -> bytes.isPresent() || !isAlive());
    }

    private Optional<String> printed(String prefix) {
        requireAlive();
        return said().lines()
                .filter(line -> line.startsWith(prefix))
                .map(line -> line.substring(prefix.length()))
                .findFirst();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /// Whether it has ended in another way than at its point after it was open. Before, it ends if
    /// a server does not answer.
    boolean endedBeyondItsPoint() {
        return !process.isAlive() && process.exitCode() != FaultDoor.HALTED && isOpen();
    }

    private boolean isOpen() {
        return said().lines().anyMatch(OPEN::equals);
    }

    void requireAlive() {
        process.requireAlive();
    }

    String said() {
        return process.said();
    }

    /// Sends SIGKILL and waits for the end.
    @Override
    public void close() {
        process.close();
    }

    /// @param arguments the migration file; ends when it is killed
    public static void main(String[] arguments) throws Exception {
        SpecResult read = SpecReader.read(Path.of(arguments[0]), Map.of());
        if (!(read instanceof SpecResult.Valid file)) {
            throw new IllegalArgumentException(read.toString());
        }
        MigrationAssembly.Outcome opened =
                MigrationAssembly.open(
                        file.spec(),
                        file.hash(),
                        InstantSource.system(),
                        "test",
                        StartOptions.STANDARD);
        switch (opened) {
            case MigrationAssembly.Outcome.Refused(var report) -> {
                System.out.println(report);
                Runtime.getRuntime().halt(3);
            }
            case MigrationAssembly.Outcome.Started(var assembly) -> serve(assembly.migration());
        }
    }

    private static void serve(MigrationControl migration) throws IOException {
        System.out.println(OPEN);
        BufferedReader commands =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            switch (line) {
                case "release" -> FaultDoor.release();
                case "arm" -> FaultDoor.arm();
                case "unlimit" -> unlimit(migration);
                case "heap" -> {
                    System.gc();
                    System.out.println(
                            HEAP
                                    + ManagementFactory.getMemoryMXBean()
                                            .getHeapMemoryUsage()
                                            .getUsed());
                }
                case "reconcile" -> System.out.println(VERDICT + verdict(migration));
                default -> throw new IllegalArgumentException(line);
            }
        }
        // The test has ended without ending this process.
        Runtime.getRuntime().halt(1);
    }

    /// The change is stored on the target, whose connections a fault may just have ended.
    private static void unlimit(MigrationControl migration) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .ignoreExceptions()
                .until(
                        () -> {
                            migration.change(UNLIMITED);
                            return true;
                        });
    }

    private static String verdict(MigrationControl migration) {
        UUID id = migration.reconcile(List.of());
        return Awaitility.await()
                .atMost(COMPARED_WITHIN)
                .pollInterval(Duration.ofMillis(20))
                .until(
                        () ->
                                switch (migration.reconciliation(id).orElseThrow()) {
                                    case ReconciliationState.Finished(var report) ->
                                            report.verdict().toString();
                                    case ReconciliationState.Failed(String reason) -> reason;
                                    case ReconciliationState.Waiting _,
                                            ReconciliationState.Running _ ->
                                            "";
                                },
                        verdict -> !verdict.isEmpty());
    }
}
