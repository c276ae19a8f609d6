package dev.millrace.apply;

import dev.millrace.apply.TargetApplier.ApplierFailure;
import dev.millrace.lifecycle.Incident;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The threads that write. Tasks go in at one end and come out done at the other, in any order; the
/// consumer's thread puts and takes them, and is woken for each that is done.
final class Writers implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Writers.class);

    /// A task that takes longer is said to be waited for.
    private static final Duration LONG = Duration.ofSeconds(5);

    private static final Duration END = Duration.ofSeconds(5);

    /// @param outcome `null` when the task failed for good
    /// @param failure why it failed; `null` when it didn't
    record Done(TargetTask task, @Nullable WriteOutcome outcome, @Nullable String failure) {}

    private final BlockingQueue<TargetTask> tasks = new LinkedBlockingQueue<>();
    private final BlockingQueue<Done> done = new LinkedBlockingQueue<>();
    private final List<Writer> writers = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final Runnable wake;
    private volatile boolean closed;

    Writers(String migration, List<Writer> writers, Runnable wake) {
        this.wake = wake;
        this.writers.addAll(writers);
        for (int i = 0; i < writers.size(); i++) {
            Writer writer = writers.get(i);
            threads.add(
                    Thread.ofPlatform()
                            .name("millrace-" + migration + "-apply-" + (i + 1))
                            .daemon(true)
                            .start(() -> work(writer)));
        }
    }

    void submit(TargetTask task) {
        tasks.add(task);
    }

    /// @throws ApplierFailure when a thread has ended and its task will never be done
    @Nullable Done poll() {
        Done next = done.poll();
        if (next == null && !closed && threads.stream().anyMatch(thread -> !thread.isAlive())) {
            throw new ApplierFailure("a thread that writes to the target has ended");
        }
        return next;
    }

    /// Waits up to the patience for a task that is done.
    @Nullable Done poll(Duration patience) throws InterruptedException {
        Done next = done.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
        return next == null ? poll() : next;
    }

    /// The longest trouble of any writer, or the task that is under way for long.
    Optional<ApplierState.Waiting> trouble(InstantSource clock) {
        Optional<ApplierState.Waiting> trouble =
                writers.stream()
                        .flatMap(writer -> writer.trouble().stream())
                        .min(Comparator.comparing(ApplierState.Waiting::since));
        return trouble.or(
                () ->
                        writers.stream()
                                .flatMap(writer -> writer.busySince().stream())
                                .filter(since -> since.plus(LONG).isBefore(clock.instant()))
                                .min(Comparator.naturalOrder())
                                .map(Writers::unanswered));
    }

    private static ApplierState.Waiting unanswered(Instant since) {
        return new ApplierState.Waiting(
                "the target has not yet answered a transaction that is under way", since);
    }

    private void work(Writer writer) {
        try {
            while (!closed) {
                TargetTask task = tasks.take();
                done.add(finish(writer, task));
                wake.run();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error _) {
            // Not even the failure could be handed on, without memory for example. [#poll] finds
            // that this thread has ended.
        } finally {
            writer.close();
            if (!closed) {
                wake.run();
            }
        }
    }

    private Done finish(Writer writer, TargetTask task) throws InterruptedException {
        try {
            return new Done(task, writer.run(task), null);
        } catch (SQLException e) {
            return new Done(task, null, Writer.reason(e));
        } catch (RuntimeException | Error e) {
            return new Done(task, null, Incident.reason(LOG, "a writer failed", e));
        }
    }

    @Override
    public void close() {
        closed = true;
        threads.forEach(Thread::interrupt);
        writers.forEach(Writer::close);
        boolean interrupted = false;
        for (Thread thread : threads) {
            try {
                thread.join(END);
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
