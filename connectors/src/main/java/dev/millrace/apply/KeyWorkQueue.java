package dev.millrace.apply;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.apply.task.TargetTask.KeyWork;
import dev.millrace.apply.task.WriteOutcome.Worked;
import dev.millrace.control.StoredOffset;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Decides when keys that were set aside are tried again: when an operator asks for it, and held
/// keys when every partition has passed the watermark at which they are judged. Outlives the runs
/// of the applier. Confined to the consumer's thread, except [#ask] and [#close].
final class KeyWorkQueue {

    record Question(KeyRequest request, CompletableFuture<KeyRequest.Outcome> answer) {}

    private final Queue<Question> questions = new ConcurrentLinkedQueue<>();

    /// The lowest watermark at which a held key is judged, by partition.
    private final Map<Integer, Long> judgements = new HashMap<>();

    private @Nullable Due current;
    private volatile boolean closed;

    /// The next work, decided once: a request that arrives later is another work.
    ///
    /// @param question empty for a judgement
    record Due(KeyWork work, Optional<Question> question) {
        /// These must rest until the work is done.
        Set<Integer> partitions() {
            return work.from().stream().map(StoredOffset::partition).collect(Collectors.toSet());
        }
    }

    /// The answer comes after the batches that are in progress; it is cancelled when the applier is
    /// closed. Cancel it if nobody waits for it any more; a request that has begun is completed
    /// nevertheless.
    CompletableFuture<KeyRequest.Outcome> ask(KeyRequest request) {
        Question question = new Question(request, new CompletableFuture<>());
        questions.add(question);
        if (closed) {
            cancelAll();
        }
        return question.answer();
    }

    /// No run of the applier follows. Thread-safe.
    void close() {
        closed = true;
        cancelAll();
    }

    private void cancelAll() {
        questions.forEach(question -> question.answer().cancel(false));
    }

    /// A run of the applier begins.
    ///
    /// @param held what the target has stored
    void begin(Map<Integer, Long> held) {
        current = null;
        judgements.clear();
        judgements.putAll(held);
    }

    /// A batch has set keys aside that are tried again by themselves.
    void held(int partition, long judgeAt) {
        judgements.merge(partition, judgeAt, Math::min);
    }

    /// The next work; none while a work is in progress or nothing is due.
    ///
    /// @param stored the offsets of all partitions
    Optional<Due> due(List<StoredOffset> stored) {
        if (current != null) {
            return Optional.empty();
        }
        questions.removeIf(question -> question.answer().isDone());
        Question question = questions.peek();
        if (question != null) {
            return Optional.of(
                    new Due(
                            new KeyWork(new KeyWork.Asked(question.request()), stored),
                            Optional.of(question)));
        }
        long passed = passed(stored);
        return judgements.values().stream().anyMatch(judgeAt -> judgeAt <= passed)
                ? Optional.of(
                        new Due(
                                new KeyWork(
                                        new KeyWork.Judgement(passed, latest(stored)),
                                        stored.stream()
                                                .filter(
                                                        offset ->
                                                                judgements.containsKey(
                                                                        offset.partition()))
                                                .toList()),
                                Optional.empty()))
                : Optional.empty();
    }

    /// The work is in progress.
    KeyWork begin(Due due) {
        current = due;
        return due.work();
    }

    void done(Worked worked) {
        Due due = current;
        if (due == null) {
            throw new IllegalStateException("No work was in progress.");
        }
        current = null;
        due.question().ifPresent(question -> question.answer().complete(worked.outcome()));
        // Batches of the other partitions may have held keys that the work did not see.
        judgements.keySet().removeIf(due.work()::covers);
        worked.judgements().forEach(this::held);
    }

    /// The work was not done; it is tried again.
    void notDone() {
        current = null;
    }

    private static long passed(Collection<StoredOffset> stored) {
        return stored.stream()
                .mapToLong(offset -> offset.watermark().number())
                .min()
                .orElse(Long.MIN_VALUE);
    }

    private static long latest(Collection<StoredOffset> stored) {
        return stored.stream()
                .mapToLong(offset -> offset.watermark().number())
                .max()
                .orElse(Long.MAX_VALUE);
    }
}
