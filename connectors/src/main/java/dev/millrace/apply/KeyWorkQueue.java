package dev.millrace.apply;

import dev.millrace.apply.TargetTask.KeyWork;
import dev.millrace.apply.WriteOutcome.Worked;
import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.control.StoredOffset;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Decides when keys that were set aside are tried again: when an operator asks for it, and held
/// keys when every partition has passed the watermark at which they are judged. Outlives the runs
/// of the applier. Confined to the consumer's thread, except [#ask].
final class KeyWorkQueue {

    private record Question(KeyRequest request, CompletableFuture<KeyRequest.Outcome> answer) {}

    private final Queue<Question> questions = new ConcurrentLinkedQueue<>();

    /// The lowest watermark at which a held key is judged, by partition.
    private final Map<Integer, Long> judgements = new HashMap<>();

    private @Nullable KeyWork current;

    /// The answer comes after the batches that are in progress. Cancel it if nobody waits for it
    /// any more; a request that has begun is completed nevertheless.
    CompletableFuture<KeyRequest.Outcome> ask(KeyRequest request) {
        Question question = new Question(request, new CompletableFuture<>());
        questions.add(question);
        return question.answer();
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

    /// The partitions that must rest for the next work; none while a work is in progress or nothing
    /// is due.
    Set<Integer> needed(Collection<StoredOffset> stored) {
        questions.removeIf(question -> question.answer().isCancelled());
        if (current != null) {
            return Set.of();
        }
        if (!questions.isEmpty()) {
            return stored.stream().map(StoredOffset::partition).collect(Collectors.toSet());
        }
        long passed = passed(stored);
        return judgements.values().stream().anyMatch(judgeAt -> judgeAt <= passed)
                ? Set.copyOf(judgements.keySet())
                : Set.of();
    }

    /// The next work.
    ///
    /// @param needed what [#needed] returned
    /// @param stored the offsets of all partitions
    KeyWork next(Set<Integer> needed, List<StoredOffset> stored) {
        Question question = questions.peek();
        KeyWork work =
                new KeyWork(
                        question == null
                                ? new KeyWork.Judgement(passed(stored), latest(stored))
                                : new KeyWork.Asked(question.request()),
                        stored.stream()
                                .filter(offset -> needed.contains(offset.partition()))
                                .sorted(Comparator.comparing(StoredOffset::partition))
                                .toList());
        current = work;
        return work;
    }

    void done(Worked worked) {
        KeyWork work = current;
        current = null;
        if (work == null) {
            throw new IllegalStateException("No work was in progress.");
        }
        if (work.what() instanceof KeyWork.Asked) {
            questions.remove().answer().complete(worked.outcome());
        }
        // Batches of the other partitions may have held keys that the work did not see.
        judgements.keySet().removeIf(work::covers);
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
