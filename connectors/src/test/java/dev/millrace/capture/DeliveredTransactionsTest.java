package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.postgres.RunningTransactions;
import java.util.Set;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;

class DeliveredTransactionsTest {

    private static final long EPOCH = 1L << 32;

    private final DeliveredTransactions delivered = new DeliveredTransactions();

    @Test
    void longRunningTransactionIsNeverReportedAsDelivered() {
        delivered.begin(RunningTransactions.parse("700:1000:700"), Set.of());
        for (long number = 1000; number < 500_000; number++) {
            delivered.add(Origin.streamed(number));
            delivered.learn(new RunningTransactions(Set.of(700L), number));
        }

        LongPredicate answer = delivered.asOfNow();

        assertThat(answer.test(700)).isFalse();
        assertThat(answer.test(499_999)).isTrue();
        assertThat(delivered.remaining()).hasSizeLessThan(3);
    }

    @Test
    void keepsDeliveredTransactionUntilVisible() {
        delivered.begin(RunningTransactions.parse("10:10:"), Set.of());
        delivered.add(12);
        delivered.learn(RunningTransactions.parse("12:20:12,15"));
        LongPredicate before = delivered.asOfNow();
        assertThat(before.test(12)).isTrue();
        assertThat(before.test(15)).isFalse();

        delivered.learn(RunningTransactions.parse("15:20:15"));

        assertThat(delivered.asOfNow().test(12)).isFalse();
        assertThat(before.test(12)).as("result of the earlier call").isTrue();
    }

    @Test
    void dropsTransactionThatIsAlreadyVisible() {
        delivered.begin(RunningTransactions.parse("900:1000:900,950"), Set.of());

        delivered.add(949);
        delivered.add(950);
        delivered.add(1000);

        assertThat(delivered.remaining()).containsExactlyInAnyOrder(950L, 1000L);
    }

    @Test
    void ignoresOlderSnapshot() {
        delivered.begin(RunningTransactions.parse("900:1000:900"), Set.of());

        delivered.learn(RunningTransactions.parse("100:200:150"));
        delivered.add(500);

        assertThat(delivered.remaining()).isEmpty();
    }

    @Test
    void comparesIdsAcrossWraparound() {
        delivered.begin(new RunningTransactions(Set.of(EPOCH - 5), EPOCH - 1), Set.of());

        delivered.add(EPOCH - 5);
        delivered.add(EPOCH - 6);
        delivered.add(Origin.streamed(EPOCH + 3));
        assertThat(delivered.remaining()).containsExactlyInAnyOrder(EPOCH - 5, 3L);
        assertThat(delivered.asOfNow().test(EPOCH + 3)).isTrue();
        delivered.learn(new RunningTransactions(Set.of(EPOCH - 5), EPOCH + 10));

        assertThat(delivered.remaining()).containsExactly(EPOCH - 5);
        assertThat(delivered.asOfNow().test(EPOCH - 5)).isTrue();
    }

    @Test
    void takesOverTransactionsOfEarlierProcess() {
        delivered.begin(RunningTransactions.parse("30:50:30,31"), Set.of(31L, 40L));

        assertThat(delivered.asOfNow().test(31)).isTrue();
        assertThat(delivered.asOfNow().test(30)).as("open, and not delivered").isFalse();
        assertThat(delivered.remaining()).containsExactly(31L);
    }

    @Test
    void assumesAllRunningTransactionsIfLogHasNone() {
        assertThat(delivered.asOfNow().test(30)).as("before the log was read").isTrue();

        delivered.begin(RunningTransactions.parse("30:50:30,31"), null);

        assertThat(delivered.asOfNow().test(30)).isTrue();
        assertThat(delivered.asOfNow().test(50)).isFalse();
        delivered.learn(RunningTransactions.parse("31:60:31"));
        assertThat(delivered.asOfNow().test(30)).isFalse();
        assertThat(delivered.asOfNow().test(31)).isTrue();
    }

    @Test
    void whereTheLogDoesNotSayATransactionOfALaterEpochMayBeInItToo() {
        delivered.begin(new RunningTransactions(Set.of(EPOCH + 30), EPOCH + 50), null);

        assertThat(delivered.remaining()).containsExactly(30L);
        assertThat(delivered.asOfNow().test(EPOCH + 30)).isTrue();
    }
}
