package dev.millrace.sequences;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.sequences.NextPosition.Column;
import dev.millrace.sequences.NextPosition.Decision;
import dev.millrace.sequences.NextPosition.SourceAt;
import dev.millrace.sequences.NextPosition.Use;
import dev.millrace.sequences.Sequence.Supply;
import dev.millrace.sequences.Sequence.Values;
import dev.millrace.sequences.SequencePlan.Access;
import dev.millrace.sequences.SequencePlan.Position;
import dev.millrace.sequences.TargetSequences.Direction;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NextPositionTest {

    private static final int MARGIN = 100;
    private static final Position UNUSED = new Position(1, false);

    private record Given(
            String type, long increment, long min, long max, boolean cycle, long cache) {

        Sequence named(String name) {
            return new Sequence(
                    new TableId("public", name),
                    type,
                    increment,
                    min,
                    max,
                    cycle,
                    cache,
                    true,
                    new Access(true, true, true));
        }

        Given cache(long values) {
            return new Given(type, increment, min, max, cycle, values);
        }

        Given by(long step) {
            return new Given(type, step, min, max, cycle, cache);
        }

        Given cycling(long from, long to) {
            return new Given(type, increment, from, to, true, cache);
        }
    }

    private static final Given BIGINT = new Given("bigint", 1, 1, Long.MAX_VALUE, false, 1);
    private static final Given INTEGER = new Given("integer", 1, 1, Integer.MAX_VALUE, false, 1);
    private static final Given SMALLINT = new Given("smallint", 1, 1, Short.MAX_VALUE, false, 1);
    private static final Given DESCENDING = new Given("bigint", -1, Long.MIN_VALUE, -1, false, 1);

    private static SourceAt source(Given sequence, long last) {
        return new SourceAt(sequence.named("source_seq"), new Position(last, true));
    }

    private static Column column(String type, Long... farthest) {
        return new Column(
                new Supply(
                        new TableId("public", "item"),
                        "id",
                        new TableId("public", "target_seq"),
                        "",
                        new Values(type, true, true)),
                Arrays.stream(farthest).map(BigInteger::valueOf).findFirst());
    }

    private static Decision decide(
            Given target, Position own, List<SourceAt> sources, List<Column> columns) {
        return NextPosition.of(
                new Use(Direction.FORWARD, target.named("target_seq"), own, sources, columns),
                MARGIN);
    }

    private static Position to(Decision decision) {
        return switch (decision) {
            case Decision.Known(Position to, String _) -> to;
            case Decision.Exhausted(String message, String remedy) ->
                    throw new AssertionError(message + " | " + remedy);
        };
    }

    private static long last(Decision decision) {
        assertThat(to(decision).called()).isTrue();
        return to(decision).lastValue();
    }

    private static Decision.Exhausted exhausted(Decision decision) {
        return switch (decision) {
            case Decision.Known known -> throw new AssertionError(known.toString());
            case Decision.Exhausted exhausted -> exhausted;
        };
    }

    /// 500 on the source and the values that a session takes at once, then the margin.
    @ParameterizedTest
    @CsvSource({
        // source at, its cache, largest row, own position, result
        "500, 1, 499, 0, 601",
        "500, 50, 499, 0, 650",
        "500, 1, 700, 0, 800",
        "500, 1, -5, 0, 601",
        "500, 1, 499, 601, 601",
        "500, 1, 499, 600, 700",
        "500, 1, 499, 900, 900",
        "500, 1, 800, 900, 900",
        "500, 1, 801, 900, 1000",
    })
    void continuesBeyondSourceRowsAndOwnPosition(
            long source, long cache, long row, long own, long result) {
        Position position = own == 0 ? UNUSED : new Position(own, true);

        Decision decision =
                decide(
                        BIGINT,
                        position,
                        List.of(source(BIGINT.cache(cache), source)),
                        List.of(column("int8", row)));

        assertThat(last(decision)).isEqualTo(result);
    }

    @Test
    void namesTheFarthestValue() {
        assertThat(
                        decide(
                                BIGINT,
                                UNUSED,
                                List.of(source(BIGINT, 500)),
                                List.of(column("int8", 700L))))
                .isEqualTo(
                        new Decision.Known(
                                new Position(800, true), "a row in public.item.id (700)"));
    }

    @Test
    void aSecondDecisionChangesNothing() {
        List<SourceAt> sources = List.of(source(BIGINT.cache(20), 500));
        List<Column> columns = List.of(column("int8", 450L));
        Position first = to(decide(BIGINT, UNUSED, sources, columns));

        assertThat(decide(BIGINT, first, sources, columns))
                .isEqualTo(new Decision.Known(first, "its own position"));
    }

    @Test
    void aSequenceWithoutAnyValueInUseStays() {
        assertThat(to(decide(BIGINT, UNUSED, List.of(), List.of(column("int8")))))
                .isEqualTo(UNUSED);
    }

    /// A sequence that was restarted, and not used since, gives its start value next.
    @Test
    void anUnusedSourceSequenceCountsUpToItsStart() {
        SourceAt restarted = new SourceAt(BIGINT.named("s"), new Position(5_000, false));

        assertThat(last(decide(BIGINT, UNUSED, List.of(restarted), List.of()))).isEqualTo(5_100);
    }

    @Test
    void theFarthestOfSeveralSourceSequencesCounts() {
        assertThat(
                        last(
                                decide(
                                        BIGINT,
                                        UNUSED,
                                        List.of(source(BIGINT, 70), source(BIGINT, 9_000)),
                                        List.of())))
                .isEqualTo(9_101);
    }

    /// One server uses the odd and the other the even numbers.
    @Test
    void keepsTheRemainderOfTheIncrement() {
        assertThat(
                        last(
                                decide(
                                        BIGINT.by(10),
                                        new Position(3, false),
                                        List.of(source(BIGINT, 500)),
                                        List.of())))
                .isEqualTo(1_503);
    }

    /// A client that takes one value for a block of 50 rows uses 49 rows beyond the position.
    @Test
    void aBlockThatAClientNumbersIsBeyondThePosition() {
        Position to =
                to(
                        decide(
                                BIGINT,
                                UNUSED,
                                List.of(source(BIGINT.by(50), 1_001)),
                                List.of(column("int8", 1_010L))));

        assertThat(to.lastValue()).isGreaterThanOrEqualTo(1_050 + MARGIN);
    }

    @Test
    void aDescendingSequenceGoesDown() {
        Position down =
                to(
                        decide(
                                DESCENDING,
                                new Position(-1, false),
                                List.of(source(DESCENDING.cache(5), -500)),
                                List.of(column("int8", -700L))));

        assertThat(down).isEqualTo(new Position(-800, true));
        assertThat(
                        to(
                                decide(
                                        DESCENDING,
                                        new Position(-900, true),
                                        List.of(source(DESCENDING, -500)),
                                        List.of())))
                .isEqualTo(new Position(-900, true));
    }

    @Test
    void anOppositeSourceSequenceCountsUpToItsLimit() {
        assertThat(
                        last(
                                decide(
                                        DESCENDING,
                                        new Position(-1, false),
                                        List.of(source(BIGINT, 500)),
                                        List.of(column("int8", 3L)))))
                .isEqualTo(-MARGIN);
        assertThat(
                        last(
                                decide(
                                        BIGINT,
                                        UNUSED,
                                        List.of(source(DESCENDING, -500)),
                                        List.of(column("int8", -500L)))))
                .isEqualTo(MARGIN);
    }

    @Test
    void aSmallintIdentityWithoutAValueLeftIsRefused() {
        Decision.Exhausted full =
                exhausted(
                        decide(
                                SMALLINT,
                                UNUSED,
                                List.of(source(SMALLINT, 32_700)),
                                List.of(column("int2", 32_700L))));

        assertThat(full.message()).contains("margin of 100 values", "its last value is 32767");
        assertThat(full.remedy())
                .isEqualTo(
                        "ALTER TABLE \"public\".\"item\" ALTER COLUMN \"id\" TYPE bigint;"
                                + " ALTER SEQUENCE \"public\".\"target_seq\" AS bigint;");
    }

    @Test
    void theLimitOfTheColumnCountsToo() {
        assertThat(
                        exhausted(
                                        decide(
                                                BIGINT,
                                                UNUSED,
                                                List.of(source(BIGINT, Integer.MAX_VALUE - 50)),
                                                List.of(column("int4"))))
                                .remedy())
                .isEqualTo("ALTER TABLE \"public\".\"item\" ALTER COLUMN \"id\" TYPE bigint;");
    }

    @Test
    void aLimitOfTheSequenceCanBeRaised() {
        Given limited = new Given("bigint", 1, 1, 600, false, 1);

        assertThat(
                        exhausted(
                                        decide(
                                                limited,
                                                UNUSED,
                                                List.of(source(BIGINT, 500)),
                                                List.of(column("int8"))))
                                .remedy())
                .isEqualTo("ALTER SEQUENCE \"public\".\"target_seq\" NO MAXVALUE;");
    }

    /// At least one value must be left: a sequence at its limit fails at the next insert.
    @ParameterizedTest
    @CsvSource({"599, 701, true", "600, 701, false", "600, 702, true"})
    void oneValueMustBeLeft(long source, long max, boolean fits) {
        Given limited = new Given("bigint", 1, 1, max, false, 1);
        Decision decision = decide(limited, UNUSED, List.of(source(BIGINT, source)), List.of());

        assertThat(decision instanceof Decision.Known).isEqualTo(fits);
    }

    @Test
    void aSequenceThatIsAtItsLimitByItselfIsRefused() {
        exhausted(
                decide(
                        INTEGER,
                        new Position(Integer.MAX_VALUE, true),
                        List.of(source(INTEGER, 5)),
                        List.of()));
    }

    @Test
    void theEndOfBigintIsNoOverflow() {
        Decision.Exhausted full =
                exhausted(
                        decide(
                                BIGINT,
                                UNUSED,
                                List.of(source(BIGINT.cache(1_000), Long.MAX_VALUE)),
                                List.of(column("int8", Long.MAX_VALUE))));

        assertThat(full.remedy()).startsWith("Change the values");
        exhausted(
                decide(
                        DESCENDING,
                        new Position(-1, false),
                        List.of(source(DESCENDING, Long.MIN_VALUE)),
                        List.of()));
        exhausted(decide(BIGINT.by(Long.MAX_VALUE), UNUSED, List.of(source(BIGINT, 5)), List.of()));
    }

    /// The rows of the previous round are beyond the position, so they say nothing.
    @ParameterizedTest
    @CsvSource({
        // source at, own position (0 for unused), result
        "500, 0, 601",
        "9950, 0, 51",
        "9950, 9800, 51",
        "500, 601, 601",
        "500, 800, 800",
        "9950, 60, 60",
        "500, 9000, 601",
    })
    void aCyclingSequenceFollowsTheSourceIntoTheNextRound(long source, long own, long result) {
        Given round = BIGINT.cycling(1, 10_000);
        Decision decision =
                decide(
                        round,
                        own == 0 ? UNUSED : new Position(own, true),
                        List.of(source(round, source)),
                        List.of(column("int8", 10_000L)));

        assertThat(last(decision)).isEqualTo(result);
    }

    /// The target would begin a round that the source never began, with keys of existing rows.
    @Test
    void aCycleOfTheTargetAloneIsRefusedAtItsLimit() {
        exhausted(
                decide(
                        BIGINT.cycling(1, 550),
                        UNUSED,
                        List.of(source(BIGINT, 500)),
                        List.of(column("int8", 500L))));
    }

    @Test
    void readsTheFormOfADefault() {
        assertThat(
                        Stream.of(
                                "nextval('item_id_seq'::regclass)",
                                "nextval(('item_id_seq'::text)::regclass)",
                                "(nextval('\"odd ''name\"'::regclass))::integer"))
                .allSatisfy(plain -> assertThat(SequenceCatalog.form(plain)).isEmpty());
        assertThat(SequenceCatalog.form("('A'::text || nextval('s'::regclass))"))
                .isEqualTo("('A'::text || nextval)");
        assertThat(SequenceCatalog.form("(nextval('s'::regclass) + 1000)"))
                .isEqualTo("(nextval + 1000)");
        assertThat(SequenceCatalog.form("(nextval('s'::regclass))::text"))
                .isEqualTo("(nextval)::text");
    }
}
