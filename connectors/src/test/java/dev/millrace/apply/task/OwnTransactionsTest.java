package dev.millrace.apply.task;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OwnTransactionsTest {

    private static final long EPOCH = 1L << 32;

    private final OwnTransactions own = new OwnTransactions();

    @Test
    void knowsTheIdsThatWereAdded() {
        own.add(EPOCH + 65_535);
        own.add(EPOCH + 65_536);

        assertThat(own.contains(EPOCH + 65_535)).isTrue();
        assertThat(own.contains(EPOCH + 65_536)).isTrue();
        assertThat(own.contains(EPOCH + 65_537)).isFalse();
        assertThat(own.contains(65_535)).as("of another epoch").isFalse();
    }

    @Test
    void takesWhatItForgotForItsOwn() {
        own.add(100);
        own.add(70_000);
        own.forgetBefore(69_000);

        assertThat(own.contains(99)).isTrue();
        assertThat(own.contains(68_999)).isTrue();
        assertThat(own.contains(69_000)).isFalse();
        assertThat(own.contains(70_000)).isTrue();
    }

    @Test
    void keepsALimitedNumber() {
        for (long id = 0; id < 2_000; id++) {
            own.add(id << 16);
        }

        assertThat(own.contains(1)).as("nothing is known of it any more").isTrue();
        assertThat(own.contains((1_999L << 16) + 1)).isFalse();
        assertThat(own.contains(1_999L << 16)).isTrue();
    }
}
