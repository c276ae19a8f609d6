package dev.millrace.apply;

import dev.millrace.apply.TargetApplier.ApplierFailure;
import dev.millrace.apply.origin.SessionOrigin;
import dev.millrace.apply.task.TargetTask;
import dev.millrace.apply.task.WriteOutcome;
import dev.millrace.lifecycle.ComponentState;
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

/// The threads that write to the target. The consumer's thread submits tasks and polls for those
/// that are done, in any order; it is woken for each of them. Not thread-safe; confined to the
/// consumer's thread, except [#trouble], [#origins] and [#reopen].
final class Writers implements AutoCloseable {

    /// Tasks that run longer than this are reported as waiting.
    private static final Duration LONG = Duration.ofSeconds(5);

    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(5);

    /// @param outcome `null` when the task failed and is not repeated
    /// @param failure why it failed; `null` when it succeeded
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

    /// @throws ApplierFailure when a thread has ended, so that its task has no outcome
    @Nullable Done poll() {
        Done next = done.poll();
        if (next == null && !closed && threads.stream().anyMatch(thread -> !thread.isAlive())) {
            throw new ApplierFailure("a thread that writes to the target has ended");
        }
        return next;
    }

    /// Waits up to the timeout for a task that is done.
    @Nullable Done poll(Duration timeout) throws InterruptedException {
        Done next = done.poll(timeout.toMillis(), TimeUnit.MILLISECONDS);
        return next == null ? poll() : next;
    }

    /// The oldest trouble of any writer, otherwise the task that runs the longest. Any thread.
    Optional<ComponentState.Waiting> trouble(InstantSource clock) {
        Optional<ComponentState.Waiting> trouble =
                writers.stream()
                        .flatMap(writer -> writer.trouble().stream())
                        .min(Comparator.comparing(ComponentState.Waiting::since));
        return trouble.or(
                () ->
                        writers.stream()
                                .flatMap(writer -> writer.busySince().stream())
                                .filter(since -> since.plus(LONG).isBefore(clock.instant()))
                                .min(Comparator.naturalOrder())
                                .map(Writers::unanswered));
    }

    /// The origins of the open sessions.
    List<SessionOrigin> origins() {
        return writers.stream().flatMap(writer -> writer.origin().stream()).toList();
    }

    void reopen() {
        writers.forEach(Writer::reopen);
    }

    private static ComponentState.Waiting unanswered(Instant since) {
        return new ComponentState.Waiting("the target has not answered a transaction", since);
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
            // The failure itself could not be reported, for example without memory. [#poll] detects
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
        } catch (Writer.GivenUp e) {
            return new Done(task, null, e.getMessage());
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
                thread.join(STOP_TIMEOUT);
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
