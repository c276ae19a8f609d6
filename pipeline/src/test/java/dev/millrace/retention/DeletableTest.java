package dev.millrace.retention;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.GenerationStore.Generation;
import dev.millrace.control.StoredOffset;
import dev.millrace.kafka.Broker.Topic;
import dev.millrace.retention.Deletable.Before;
import dev.millrace.retention.Deletable.Found;
import dev.millrace.retention.Deletable.Nothing;
import dev.millrace.retention.Deletable.Readers;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// What may be deleted: old records that every reader has passed, and nothing while one position is
/// unknown.
class DeletableTest {

    private static final int GENERATION = 3;

    /// One partition of the changes topic that begins at offset 100.
    @ParameterizedTest
    @CsvSource({
        // young, committed, token, needed: first offset that is kept
        "900, 900, 900, 900, 900",
        "500, 900, 900, 900, 500",
        "900, 500, 900, 900, 500",
        "900, 900, 500, 900, 500",
        "900, 900, 900, 500, 500",
        "101, 900, 900, 900, 101",
        "100, 900, 900, 900, -1",
        "900, 100, 900, 900, -1",
        "900, 900, 100, 900, -1",
        "900, 900, 900, 100, -1",
        "900, 900,  -1, 900, -1",
        "900, 900, 900,   0, -1"
    })
    void deletesChangesBeforeTheFirstReader(
            long young, long committed, long token, long needed, long kept) {
        Deletable decided =
                Deletable.of(
                        GENERATION,
                        found("changes", 100, young),
                        found("target", 100, 100),
                        new Readers(
                                Optional.of(generation(GENERATION, 1)),
                                Map.of(0, committed),
                                List.of(stored(0, GENERATION, "target", 700, token)),
                                Map.of(),
                                List.of(Map.of(0, 1_000L), Map.of(0, needed))));

        assertThat(decided).isEqualTo(new Before(kept < 0 ? Map.of() : Map.of(0, kept), Map.of()));
    }

    @ParameterizedTest
    @CsvSource({
        "900, 700,  -1, 700",
        "500, 700,  -1, 500",
        "900, 100,  -1,  -1",
        "100, 700,  -1,  -1",
        "900, 700, 400, 400",
        "900, 700, 100,  -1",
        "900, 700, 800, 700"
    })
    void deletesTargetRecordsBeforeTheStoredOffsetAndWhatAStoppedTableMissed(
            long young, long nextOffset, long missed, long kept) {
        Deletable decided =
                Deletable.of(
                        GENERATION,
                        found("changes", 100, 100),
                        found("target", 100, young),
                        new Readers(
                                Optional.of(generation(GENERATION, 1)),
                                Map.of(0, 900L),
                                List.of(stored(0, GENERATION, "target", nextOffset, 900)),
                                missed < 0 ? Map.of() : Map.of(0, missed),
                                List.of()));

        assertThat(decided).isEqualTo(new Before(Map.of(), kept < 0 ? Map.of() : Map.of(0, kept)));
    }

    @Test
    void eachPartitionHasItsOwnBound() {
        Deletable decided =
                Deletable.of(
                        GENERATION,
                        new Found(
                                topic("changes"),
                                Map.of(0, 0L, 1, 0L, 2, 0L),
                                Map.of(0, 50L, 1, 60L, 2, 70L)),
                        new Found(
                                topic("target"),
                                Map.of(0, 0L, 1, 0L, 2, 0L),
                                Map.of(0, 50L, 1, 60L, 2, 70L)),
                        new Readers(
                                Optional.of(generation(GENERATION, 3)),
                                Map.of(0, 90L, 1, 10L, 2, 90L),
                                List.of(
                                        stored(0, GENERATION, "target", 90, 20),
                                        stored(1, GENERATION, "target", 30, 90),
                                        stored(2, GENERATION, "target", 0, -1)),
                                Map.of(),
                                List.of()));

        assertThat(decided).isEqualTo(new Before(Map.of(0, 20L, 1, 10L), Map.of(0, 50L, 1, 30L)));
    }

    /// A state in which everything could be deleted, and what makes it uncertain.
    private record State(Found changes, Found target, Readers readers) {

        static final State CERTAIN =
                new State(
                        found("changes", 0, 900),
                        found("target", 0, 900),
                        new Readers(
                                Optional.of(generation(GENERATION, 1)),
                                Map.of(0, 900L),
                                List.of(stored(0, GENERATION, "target", 900, 900)),
                                Map.of(),
                                List.of()));

        State with(Found changes, Found target) {
            return new State(changes, target, readers);
        }

        State with(Optional<Generation> latest) {
            return with(latest, readers.committed(), readers.stored());
        }

        State with(Map<Integer, Long> committed) {
            return with(readers.latest(), committed, readers.stored());
        }

        State with(List<StoredOffset> stored) {
            return with(readers.latest(), readers.committed(), stored);
        }

        private State with(
                Optional<Generation> latest,
                Map<Integer, Long> committed,
                List<StoredOffset> stored) {
            return new State(
                    changes,
                    target,
                    new Readers(latest, committed, stored, readers.missed(), readers.needed()));
        }

        Deletable decided() {
            return Deletable.of(GENERATION, changes, target, readers);
        }
    }

    private record Uncertain(String what, UnaryOperator<State> state) {
        @Override
        public String toString() {
            return what;
        }
    }

    private static Stream<Uncertain> uncertain() {
        Found missing = new Found(Optional.empty(), Map.of(), Map.of());
        return Stream.of(
                new Uncertain("no committed offset of the group", state -> state.with(Map.of())),
                new Uncertain("no stored offset", state -> state.with(List.of())),
                new Uncertain(
                        "stored offset of an older generation",
                        state -> state.with(List.of(stored(0, 2, "target", 900, 900)))),
                new Uncertain(
                        "stored offset of a newer generation",
                        state -> state.with(List.of(stored(0, 4, "target", 900, 900)))),
                new Uncertain(
                        "stored offset of another topic",
                        state -> state.with(List.of(stored(0, GENERATION, "former", 900, 900)))),
                new Uncertain(
                        "stored offset of an unknown partition",
                        state ->
                                state.with(
                                        List.of(
                                                stored(0, GENERATION, "target", 900, 900),
                                                stored(1, GENERATION, "target", 900, 900)))),
                new Uncertain(
                        "one partition of two",
                        state -> state.with(Optional.of(generation(GENERATION, 2)))),
                new Uncertain("no generation", state -> state.with(Optional.empty())),
                new Uncertain(
                        "a newer generation",
                        state -> state.with(Optional.of(generation(GENERATION + 1, 1)))),
                new Uncertain(
                        "recreated changes topic",
                        state -> state.with(found("recreated", 0, 900), state.target())),
                new Uncertain(
                        "recreated target topic",
                        state -> state.with(state.changes(), found("recreated", 0, 900))),
                new Uncertain("no changes topic", state -> state.with(missing, state.target())),
                new Uncertain("no target topic", state -> state.with(state.changes(), missing)));
    }

    @ParameterizedTest
    @MethodSource("uncertain")
    void keepsEverythingWhileAPositionIsUncertain(Uncertain uncertain) {
        assertThat(State.CERTAIN.decided()).isEqualTo(new Before(Map.of(0, 900L), Map.of(0, 900L)));

        assertThat(uncertain.state().apply(State.CERTAIN).decided()).isInstanceOf(Nothing.class);
    }

    @Test
    void holdKeepsWhatIsNotReleasedAndBeginsAfterIt() {
        LogHolds holds = new LogHolds();
        UnaryOperator<Long> release =
                wanted ->
                        ((Before) holds.release(held -> decide(wanted, held)))
                                .changes()
                                .getOrDefault(0, -1L);

        assertThat(release.apply(500L)).isEqualTo(500);
        try (LogHolds.Hold hold = holds.hold()) {
            assertThat(hold.from()).isEqualTo(Map.of(0, 500L));
            assertThat(hold.after(Map.of(0, 100L, 1, 7L))).isEqualTo(Map.of(0, 500L, 1, 7L));
            assertThat(hold.after(Map.of(0, 600L))).isEqualTo(Map.of(0, 600L));
            assertThat(release.apply(900L)).isEqualTo(500);
        }
        assertThat(release.apply(900L)).isEqualTo(900);
        LogHolds.Hold first = new LogHolds().hold();
        assertThat(first.from()).isEmpty();
    }

    private static Deletable decide(long wanted, List<Map<Integer, Long>> held) {
        return Deletable.of(
                GENERATION,
                found("changes", 0, wanted),
                found("target", 0, 0),
                new Readers(
                        Optional.of(generation(GENERATION, 1)),
                        Map.of(0, 1_000L),
                        List.of(stored(0, GENERATION, "target", 1_000, 1_000)),
                        Map.of(),
                        held));
    }

    private static Generation generation(int number, int partitions) {
        return new Generation(
                number, "1", 1, "shop", "changes", "target", "position", partitions, "meaning");
    }

    private static Optional<Topic> topic(String id) {
        return Optional.of(new Topic("millrace.shop", id, 1));
    }

    private static Found found(String id, long begin, long young) {
        return new Found(topic(id), Map.of(0, begin), Map.of(0, young));
    }

    private static StoredOffset stored(
            int partition, int generation, String topicId, long nextOffset, long token) {
        return new StoredOffset(
                partition,
                topicId,
                nextOffset,
                new Token(generation, token, 4),
                WatermarkNumber.none(generation),
                0);
    }
}
