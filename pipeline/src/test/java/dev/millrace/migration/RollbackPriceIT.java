package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.rollback.RollbackPrice;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.testing.Waits;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/// Reads what a rollback would cost, between real servers: before a switchover, after it, after a
/// restart, and at a rollback after the window. All tests use one bank, in this order.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RollbackPriceIT {

    private BankScene bank;

    @BeforeAll
    void openBank() throws Exception {
        bank = BankScene.withoutClients();
    }

    @AfterAll
    void closeBank() {
        bank.close();
    }

    private RollbackPrice price() {
        return Objects.requireNonNull(bank.scene.running().status().rollback());
    }

    private void awaitRowsApplied(long rows) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(() -> assertThat(price().rowsApplied()).isEqualTo(rows));
    }

    @Test
    @Order(1)
    void beforeASwitchoverThereIsNoPrice() {
        assertThat(bank.scene.running().status().rollback()).isNull();
    }

    /// What is journaled at the switchover is shown, whatever the file says later.
    @Test
    @Order(2)
    void theEndOfTheWindowIsInTheJournal() {
        bank.switchOver();

        RollbackPrice price = price();
        Instant done = Objects.requireNonNull(price.switchedAt());
        assertThat(price.windowEndsAt())
                .isCloseTo(
                        done.plus(Switchover.DEFAULT.reverseWindow()),
                        within(1, ChronoUnit.SECONDS));
        assertThat(
                        bank.scene.target.query(
                                "SELECT detail ->> 'state' FROM millrace.journal WHERE detail ? 'reverseWindowEndsAt'"))
                .containsExactly(List.of("done"));
    }

    @Test
    @Order(3)
    void countsWhatWasWrittenOnTheTargetAlsoAfterARestart() throws Exception {
        awaitRowsApplied(0);
        Awaitility.await().atMost(Waits.LIMIT).until(() -> price().seconds() != null);
        bank.scene.target.execute("INSERT INTO account VALUES (3000, 1), (3001, 1), (3002, 1)");
        awaitRowsApplied(3);
        assertThat(price().comparesAllRows()).isFalse();
        Instant end = Objects.requireNonNull(price().windowEndsAt());

        bank.scene.stop();
        bank.scene.start();
        bank.scene.awaitPhase("REVERSIBLE");

        awaitRowsApplied(3);
        assertThat(price().windowEndsAt()).isEqualTo(end);
        assertThat(price().comparesAllRows()).isTrue();
        bank.scene.target.execute("DELETE FROM account WHERE id = 3001");
        awaitRowsApplied(4);
    }

    /// Millrace never closes the way back by itself.
    @Test
    @Order(4)
    void afterTheEndOfTheWindowARollbackStillWorks() throws Exception {
        bank.scene.target.execute(
                "UPDATE millrace.operation SET reverse_window_ends_at = now() - interval '1 s'");
        bank.scene.stop();
        bank.scene.start();
        bank.scene.awaitPhase("REVERSIBLE");

        assertThat(bank.scene.running().status().warnings())
                .singleElement()
                .asString()
                .startsWith("the reverse window ended at ");
        bank.scene.target.execute("INSERT INTO account VALUES (3003, 1)");
        awaitRowsApplied(5);
        bank.awaitOpenGates(Kind.ROLLBACK);
        assertThat(bank.move(Kind.ROLLBACK).state()).isEqualTo(State.DONE);
    }
}
