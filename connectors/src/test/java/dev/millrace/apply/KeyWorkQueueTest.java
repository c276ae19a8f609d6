package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.apply.task.TargetTask.KeyWork;
import dev.millrace.apply.task.WriteOutcome;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoredOffset;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class KeyWorkQueueTest {

    private static final KeyRequest.Retry ALL = new KeyRequest.Retry(Set.of());

    private final KeyWorkQueue queue = new KeyWorkQueue();

    /// @param watermarks that the partitions have passed
    private static List<StoredOffset> passed(long... watermarks) {
        return IntStream.range(0, watermarks.length)
                .mapToObj(
                        partition ->
                                new StoredOffset(
                                        partition,
                                        "topic",
                                        1,
                                        new Token(1, 1, 0),
                                        new WatermarkNumber(1, watermarks[partition]),
                                        1))
                .toList();
    }

    private static WriteOutcome.Worked worked(Long... done) {
        return new WriteOutcome.Worked(
                new KeyRequest.Outcome(List.of(done), Map.of()),
                new WriteOutcome.Applied(Map.of(), List.of(), List.of()),
                Map.of());
    }

    @Test
    void aKeyIsJudgedWhenEveryPartitionHasPassedItsWatermark() {
        queue.held(1, 10);

        assertThat(queue.due(passed(9, 30))).isEmpty();
        KeyWorkQueue.Due due = queue.due(passed(10, 30)).orElseThrow();

        assertThat(due.partitions()).containsExactly(1);
        assertThat(due.work().what()).isEqualTo(new KeyWork.Judgement(10, 30));
    }

    /// A request is done with the offsets of all partitions locked, a judgement with some.
    @Test
    void aRequestThatArrivesBeforeAWorkBeginsIsAnotherWork() {
        queue.held(0, 10);
        KeyWorkQueue.Due judgement = queue.due(passed(10, 10)).orElseThrow();
        CompletableFuture<KeyRequest.Outcome> answer = queue.ask(ALL);

        assertThat(queue.begin(judgement).what()).isInstanceOf(KeyWork.Judgement.class);
        queue.done(worked());
        assertThat(answer).isNotDone();

        KeyWorkQueue.Due asked = queue.due(passed(10, 10)).orElseThrow();
        assertThat(asked.partitions()).containsExactlyInAnyOrder(0, 1);
        queue.begin(asked);
        queue.done(worked(7L));
        assertThat(answer.join().done()).containsExactly(7L);
    }

    @Test
    void aRequestThatIsCancelledWhileItIsDoneDoesNotAnswerTheNextOne() {
        CompletableFuture<KeyRequest.Outcome> first = queue.ask(ALL);
        queue.begin(queue.due(passed(1)).orElseThrow());
        CompletableFuture<KeyRequest.Outcome> second = queue.ask(ALL);
        first.cancel(false);

        assertThat(queue.due(passed(1))).as("one work at a time").isEmpty();
        queue.done(worked(1L));

        assertThat(second).isNotDone();
        queue.begin(queue.due(passed(1)).orElseThrow());
        queue.done(worked(2L));
        assertThat(second.join().done()).containsExactly(2L);
        assertThat(queue.due(passed(1))).isEmpty();
    }

    @Test
    void aWorkThatWasNotDoneIsTriedAgain() {
        CompletableFuture<KeyRequest.Outcome> answer = queue.ask(ALL);
        queue.begin(queue.due(passed(1)).orElseThrow());
        queue.notDone();

        queue.begin(queue.due(passed(1)).orElseThrow());
        queue.done(worked());

        assertThat(answer).isCompleted();
    }

    @Test
    void nobodyWaitsForAClosedApplier() {
        CompletableFuture<KeyRequest.Outcome> before = queue.ask(ALL);

        queue.close();

        assertThat(before).isCancelled();
        assertThat(queue.ask(ALL)).isCancelled();
    }
}
