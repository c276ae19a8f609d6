package dev.millrace.repair;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.control.repair.RepairStore;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Database;
import dev.millrace.rebackfill.OneTable;
import dev.millrace.reconcile.SensitiveColumns;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.repair.Repair.Request;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.stream.KnownTables;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What refuses to repair rows, with its message. Nothing is journaled then.
class RepairsIT {

    enum Refused {
        WHILE_NOTHING_CAN_BE_COMPARED("CATCHING_UP", "The backfill is not complete") {
            @Override
            Optional<String> incomparable() {
                return Optional.of("The backfill is not complete");
            }
        },
        WHILE_THE_TRAFFIC_IS_MOVED("SWITCHING_OVER", "no operation moves it"),
        WHILE_THE_APPLICATION_WRITES_TO_THE_TARGET(
                "REVERSIBLE",
                "only while the application writes to the source and no operation moves it; the migration is in the phase REVERSIBLE"),
        IN_ANOTHER_PHASE_THAN_EXPECTED(
                "CATCHING_UP", "The migration is in the phase CATCHING_UP, not in IN_SYNC") {
            @Override
            Optional<String> expectedPhase() {
                return Optional.of("IN_SYNC");
            }
        },
        IF_A_KEY_DOES_NOT_SAY_WHICH_ROW_IT_IS(
                "IN_SYNC",
                "The key of table public.item does not say which row of the source it is") {
            @Override
            Mapping mapping() {
                return OneTable.withoutOrigin(super.mapping());
            }
        },
        WHILE_ROWS_ARE_READ_AGAIN("CATCHING_UP", "Rows are read again by another operation") {
            @Override
            boolean reads() {
                return true;
            }
        },
        WITHOUT_THE_LOCK("IN_SYNC", "does not have the migration's lock at this moment") {
            @Override
            boolean owns() {
                return false;
            }
        };

        private final String phase;
        private final String message;

        Refused(String phase, String message) {
            this.phase = phase;
            this.message = message;
        }

        Optional<String> incomparable() {
            return Optional.empty();
        }

        Optional<String> expectedPhase() {
            return Optional.empty();
        }

        Mapping mapping() {
            return OneTable.mapping();
        }

        boolean reads() {
            return false;
        }

        boolean owns() {
            return true;
        }
    }

    @ParameterizedTest
    @EnumSource
    void refusesAndJournalsNothing(Refused refused) throws Exception {
        TestDatabase database = PostgresServer.shared().newTarget();
        Login login = GrantedLogins.target(database);
        Endpoint endpoint = login.endpoint();
        try (Database control = login.database("shop");
                Repairs repairs =
                        Repairs.resume(
                                new Repairs.Equipment(
                                        OneTable.stream(
                                                refused.mapping(),
                                                Backfill.WINDOWS,
                                                endpoint,
                                                control),
                                        new RepairStore(control, "shop", 1),
                                        new KnownTables(
                                                List.of(OneTable.NAME), List.of(OneTable.NAME)),
                                        new Reconciler.Subject(
                                                "shop", "hash", SensitiveColumns.NONE),
                                        () -> refused.phase,
                                        refused::reads,
                                        refused::incomparable,
                                        _ -> Optional.empty(),
                                        new ReentrantLock(),
                                        refused::owns,
                                        "service",
                                        InstantSource.system()))) {
            for (boolean dryRun : List.of(true, false)) {
                Request request =
                        new Request(
                                List.of(OneTable.NAME),
                                Set.of(),
                                OptionalLong.empty(),
                                OptionalLong.empty(),
                                dryRun,
                                "",
                                Optional.of("ann"),
                                refused.expectedPhase(),
                                Optional.empty());
                assertThatThrownBy(() -> repairs.request(request))
                        .isInstanceOf(RefusedException.class)
                        .hasMessageContaining(refused.message);
            }
            assertThat(repairs.isRunning()).isFalse();
            assertThat(
                            database.value(
                                    "SELECT (SELECT count(*) FROM millrace.repair) + (SELECT"
                                            + " count(*) FROM millrace.journal)"))
                    .isEqualTo("0");
        }
    }
}
