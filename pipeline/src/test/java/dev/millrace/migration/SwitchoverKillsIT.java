package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.migration.BankScene.Kill;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Kills the controller of a switchover or a rollback before and after every step.
@Tag("faults")
class SwitchoverKillsIT {

    private static Stream<Kill> killsPastReturn() {
        return BankScene.kills(Kind.SWITCHOVER).filter(Kill::isPastReturn);
    }

    @Test
    void returnsToTheSourceAfterAKillAtEachEarlierStep() throws Exception {
        try (BankScene bank = BankScene.withALostClient()) {
            for (Kill kill :
                    BankScene.kills(Kind.SWITCHOVER)
                            .filter(each -> !each.isPastReturn())
                            .toList()) {
                bank.kill(kill);

                assertThat(bank.resume()).as(kill.toString()).isEqualTo(State.RETURNED);
                bank.assertOnSource();
            }
            bank.assertNothingLostOnSource();
        }
    }

    @ParameterizedTest
    @MethodSource("killsPastReturn")
    void continuesToTheTargetAfterAKillAtEachLaterStep(Kill kill) throws Exception {
        try (BankScene bank = BankScene.withALostClient()) {
            bank.kill(kill);

            assertThat(bank.resume()).isEqualTo(State.DONE);
            bank.assertOnTarget();
        }
    }

    @Test
    void staysOnTheTargetAfterAKillAtEachEarlierStepOfARollback() throws Exception {
        try (BankScene bank = BankScene.withALostClient()) {
            assertThat(bank.move(Kind.SWITCHOVER).state()).isEqualTo(State.DONE);
            for (Kill kill :
                    BankScene.kills(Kind.ROLLBACK).filter(each -> !each.isPastReturn()).toList()) {
                bank.kill(Kind.ROLLBACK, kill);

                assertThat(bank.resume()).as(kill.toString()).isEqualTo(State.RETURNED);
                bank.assertWritesOnTarget();
            }
            bank.assertOnTarget();
        }
    }

    private static Stream<Kill> rollbackKillsPastReturn() {
        return BankScene.kills(Kind.ROLLBACK).filter(Kill::isPastReturn);
    }

    @ParameterizedTest
    @MethodSource("rollbackKillsPastReturn")
    void continuesToTheSourceAfterAKillAtEachLaterStepOfARollback(Kill kill) throws Exception {
        try (BankScene bank = BankScene.withALostClient()) {
            assertThat(bank.move(Kind.SWITCHOVER).state()).isEqualTo(State.DONE);
            bank.traffic.awaitProgress("target");
            bank.kill(Kind.ROLLBACK, kill);

            assertThat(bank.resume()).isEqualTo(State.DONE);
            bank.assertOnSource();
        }
    }
}
