package dev.millrace.ending;

import dev.millrace.ending.Cleanup.Effect;
import dev.millrace.kafka.BrokerException;
import dev.millrace.lifecycle.Incident;
import dev.millrace.lifecycle.Reason;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.State;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Performs the steps that remove a migration whose archive is written. Each step is written to the
/// archive before and after its effect. A step that fails is repeated until it succeeds, because
/// the migration cannot run any more. One thread calls [#run]; the other methods are thread-safe.
final class EndingRun implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(EndingRun.class);
    private static final Duration RETRY = Duration.ofSeconds(2);

    private final Path file;
    private final Cleanup cleanup;
    private final InstantSource clock;
    private final EndingStep.Trace trace;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile Archive archive;
    private volatile @Nullable String hindrance;

    EndingRun(
            Path file,
            Archive archive,
            Cleanup cleanup,
            InstantSource clock,
            EndingStep.Trace trace) {
        this.file = file;
        this.archive = archive;
        this.cleanup = cleanup;
        this.clock = clock;
        this.trace = trace;
    }

    Archive archive() {
        return archive;
    }

    /// Why the steps do not go on; empty while they do.
    Optional<String> hindrance() {
        return Optional.ofNullable(hindrance);
    }

    /// @throws InterruptedException after [#close]; the next process continues
    void run() throws InterruptedException {
        try (cleanup) {
            for (EndingStep step : archive.toDo()) {
                if (closed.getCount() == 0) {
                    throw new InterruptedException();
                }
                if (!archive.isDone(step)) {
                    repeat(() -> attempt(step));
                }
            }
        }
        // After the lock is released: who reads that the migration has ended finds nothing of it.
        repeat(this::finish);
        LOG.atInfo()
                .addKeyValue("migration", archive.migration())
                .addKeyValue("phase", archive.kind().phase())
                .addKeyValue("archive", file)
                .log("The migration has ended.");
    }

    private interface Attempt {

        /// @return why it has to be repeated
        Optional<String> run() throws InterruptedException;
    }

    private void repeat(Attempt attempt) throws InterruptedException {
        Optional<String> refused = attempt.run();
        while (refused.isPresent()) {
            if (!refused.get().equals(hindrance)) {
                LOG.atWarn()
                        .addKeyValue("migration", archive.migration())
                        .addKeyValue("reason", refused.get())
                        .log("The migration is ending, and a step waits.");
            }
            hindrance = refused.get();
            if (closed.await(RETRY.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new InterruptedException();
            }
            refused = attempt.run();
        }
        hindrance = null;
    }

    private Optional<String> finish() {
        try {
            save(archive.with(archive.steps(), clock.instant()));
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(unwritten(e));
        }
    }

    /// @return why the step has to be repeated
    private Optional<String> attempt(EndingStep step) throws InterruptedException {
        try {
            Instant begun = clock.instant();
            save(new Operation.Step(step.id(), "started", begun, null, step.text()));
            trace.at(step, "before");
            return switch (cleanup.perform(step, archive, this::keep)) {
                case Effect.Waiting(String reason) -> Optional.of(reason);
                case Effect.Done(String note) -> {
                    trace.at(step, "after");
                    done(step, begun, note);
                    yield Optional.empty();
                }
            };
        } catch (SQLException e) {
            return Optional.of(
                    "%s. Remove the cause; the step is repeated.".formatted(Reason.of(e)));
        } catch (IOException e) {
            return Optional.of(unwritten(e));
        } catch (BrokerException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            return Optional.of(Incident.reason(LOG, "a step of the end failed", e));
        }
    }

    private String unwritten(IOException failure) {
        return "A file under the folder of %s cannot be written or deleted: %s. Remove the cause; the step is repeated."
                .formatted(file, Reason.of(failure).orElse("I/O error"));
    }

    private void done(EndingStep step, Instant begun, String note) throws IOException {
        Instant now = clock.instant();
        save(
                new Operation.Step(
                        step.id(),
                        "done",
                        begun,
                        Duration.between(begun, now).toMillis() / 1000.0,
                        note));
    }

    private void save(Operation.Step step) throws IOException {
        List<Operation.Step> steps = new ArrayList<>(archive.steps());
        steps.removeIf(each -> each.name().equals(step.name()));
        steps.add(step);
        save(archive.with(steps, null));
    }

    /// The entries that were added since the end began, up to the removal of the journal.
    private void keep(String place, String journals) throws IOException {
        save(archive.withEvidence(place, Archive.JSON.readTree(journals)));
    }

    private void save(Archive next) throws IOException {
        next.write(file);
        archive = next;
    }

    /// The operation as the API shows it.
    Ending view() {
        return view(archive, hindrance());
    }

    private static Ending view(Archive archive, Optional<String> hindrance) {
        return new Ending(
                archive.id(),
                archive.kind(),
                archive.hasEnded() ? State.DONE : State.RUNNING,
                archive.toDo().stream().map(step -> step(archive, step, hindrance)).toList(),
                archive.gates(),
                null,
                archive.hasEnded()
                        ? "The migration is %s. Nothing of it is left but the archive. Stop the service."
                                .formatted(archive.kind().phase())
                        : hindrance.orElse(null));
    }

    private static Operation.Step step(
            Archive archive, EndingStep step, Optional<String> hindrance) {
        return archive.steps().stream()
                .filter(each -> each.name().equals(step.id()))
                .findFirst()
                .map(
                        each ->
                                each.state().equals("done") || hindrance.isEmpty()
                                        ? each
                                        : new Operation.Step(
                                                each.name(),
                                                each.state(),
                                                each.startedAt(),
                                                null,
                                                hindrance.get()))
                .orElseGet(() -> new Operation.Step(step.id(), "planned", null, null, step.text()));
    }

    /// Ends the wait between two attempts.
    @Override
    public void close() {
        closed.countDown();
    }
}
